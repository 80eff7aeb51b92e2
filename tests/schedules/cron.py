"""Asks cronsim, which Healthchecks goes by, when random cron expressions happen around the clock
changes of many zones, and which texts it takes for cron expressions at all.

    python tests/schedules/cron.py 1 > tests/schedules/cron.txt

makes the file that the tests read; another number gives other expressions. requirements.txt beside
this file names the versions that it needs, and HEADER below says what it prints.
"""

import sys
import zoneinfo
from datetime import datetime, timedelta, timezone
from importlib.metadata import version

import tzdata
from cronsim import CronSim, CronSimError

# The pinned package tzdata has the zones, whatever the machine has.
zoneinfo.reset_tzpath(to=[])

HEADER = """\
# When cron expressions happen, and which texts are cron expressions: what cronsim {cronsim} says, with the
# time zones of {zones}. Made by cron.py beside this file, which says how.
#
# "@ ZONE START" begins the expressions that are asked for that zone from that moment on. Each has a
# line: the expression, a tab, and whole minutes from START to the first occurrence after it, from
# that to the second, and so on; "60x3" is three times 60. At the end there may be "never": there
# are no more within 50 years; or "astray": what cronsim says next is not after what it said last.
#
# "?" begins texts that are expressions ("yes") or not ("no").
"""

ZONES = """
    Africa/Cairo Africa/Casablanca Africa/El_Aaiun Africa/Lagos America/Adak America/Anchorage
    America/Asuncion America/Chicago America/Halifax America/Havana America/Los_Angeles
    America/Mexico_City America/Miquelon America/New_York America/Nuuk America/Port-au-Prince
    America/Santiago America/Sao_Paulo America/Scoresbysund America/St_Johns America/Tijuana
    Antarctica/Casey Antarctica/Troll Asia/Almaty Asia/Beirut Asia/Famagusta Asia/Gaza
    Asia/Jerusalem Asia/Kabul Asia/Kathmandu Asia/Kolkata Asia/Qostanay Asia/Shanghai Asia/Tehran
    Asia/Tokyo Asia/Yangon Atlantic/Azores Atlantic/Bermuda Australia/Adelaide Australia/Darwin
    Australia/Eucla Australia/Hobart Australia/Lord_Howe Australia/Sydney Etc/UTC Europe/Berlin
    Europe/Chisinau Europe/Dublin Europe/Istanbul Europe/Kyiv Europe/Lisbon Europe/London
    Europe/Moscow Pacific/Apia Pacific/Auckland Pacific/Chatham Pacific/Easter Pacific/Honolulu
    Pacific/Kiritimati Pacific/Marquesas Pacific/Norfolk
""".split()
FROM = datetime(2024, 1, 1, tzinfo=timezone.utc)
TO = datetime(2031, 1, 1, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)
# Random moments in a zone whose clocks never change.
STILL = 3
EXPRESSIONS = 10
OCCURRENCES = 5
TEXTS = 3000
APIA_TIMES = ["0 12", "0 0", "59 23", "0,30 6,18", "0 *", "*/15 *", "0 */6", "*/20 12"]
APIA_DAYS = ["* * *", "30 * *", "30 12 *", "30,31 12 *", "* * 5", "* * FRI-SAT", "29 12 5", "L * *"]
WEEKDAYS = "SUN MON TUE WED THU FRI SAT".split()
MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()


class Dice:
    """Random numbers that are the same with every version of Python."""

    def __init__(self, seed):
        self.state = seed * 2 + 1

    def below(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % n

    def within(self, low, high):
        return low + self.below(high - low + 1)

    def pick(self, items):
        return items[self.below(len(items))]


class Field:
    """One of the five fields, and how random texts for it come about."""

    def __init__(self, low, high, names=(), special=()):
        self.low, self.high, self.names, self.special = low, high, names, special

    def number(self, dice, n):
        if self.names and n - self.low < len(self.names) and dice.below(3) == 0:
            name = self.names[n - self.low]
            return dice.pick([name, name.lower(), name.title()])
        return str(n)

    def item(self, dice, hint):
        """`hint` is where something is to be seen: the field's number at the clock change."""
        a = hint if dice.below(2) else dice.within(self.low, self.high)
        kind = dice.below(8)
        if kind < 3:
            return self.number(dice, a)
        step = dice.pick([1, 2, 2, 3, 5, 7, 10, 15, 20, 30, 90])
        if kind == 3:
            return f"{self.number(dice, a)}/{step}"
        if kind == 4 and self.special:
            return dice.pick(self.special)(dice)
        # A range of one number with a step is the one thing that cronsim reads otherwise than
        # Debian's cron: as 5/1 where it is given 5-5/1.
        a = min(a, self.high - 1)
        b = min(a + dice.pick([1, 2, 3, 5, 9, 30]), self.high)
        span = f"{self.number(dice, a)}-{b}"
        return f"{span}/{step}" if kind == 5 else span

    def text(self, dice, hint, stars):
        """`stars` in ten begin with a star."""
        if dice.below(10) < stars:
            return dice.pick(["*", "*", "*", f"*/{dice.within(1, 12)}", f"*,{self.low}"])
        items = [self.item(dice, hint) for _ in range(dice.pick([1, 1, 1, 2, 3]))]
        return ",".join(items)


MINUTES = Field(0, 59)
HOURS = Field(0, 23)
DAYS = Field(1, 31, special=[lambda _: "L", lambda _: "LW"])
MONTH_FIELD = Field(1, 12, MONTHS)
WEEKDAY_FIELD = Field(
    0,
    7,
    WEEKDAYS,
    [
        lambda dice: f"{dice.within(0, 7)}L",
        lambda dice: f"{dice.within(0, 7)}#{dice.within(1, 5)}",
        lambda dice: f"{dice.pick(WEEKDAYS)}#{dice.within(1, 5)}",
    ],
)


def expression(dice, near):
    """A random expression; `near` is a time on the wall."""
    stars = dice.pick([0, 0, 3])
    days = dice.pick([10, 10, 5, 3])
    return " ".join(
        [
            MINUTES.text(dice, near.minute, stars),
            HOURS.text(dice, near.hour, stars),
            DAYS.text(dice, near.day, days),
            MONTH_FIELD.text(dice, near.month, max(days, 8)),
            WEEKDAY_FIELD.text(dice, near.isoweekday(), days),
        ]
    )


def changes(zone):
    """The moments from 2024 to 2030 at which the zone's clocks change."""

    def offset(moment):
        return moment.astimezone(zone).utcoffset()

    found, step, at = [], timedelta(hours=6), FROM
    while at < TO:
        low, high = at, at + step
        if offset(low) != offset(high):
            while high - low > MINUTE:
                middle = low + (high - low) // 2 // MINUTE * MINUTE
                low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
            found.append(high)
        at += step
    return found


def starts(dice, zone):
    """Moments to count from, each with a moment near which something happens."""
    for change in changes(zone):
        before = (change - MINUTE).astimezone(zone).utcoffset()
        width = abs(change.astimezone(zone).utcoffset() - before) // MINUTE
        yield change - dice.within(60, 1500) * MINUTE, change
        yield change - dice.within(1, width) * MINUTE, change
        yield change + dice.within(-1, 1) * MINUTE, change
        yield change + dice.within(0, width) * MINUTE, change
    if not changes(zone):
        for _ in range(STILL):
            start = FROM + dice.below((TO - FROM) // MINUTE) * MINUTE
            yield start, start + timedelta(hours=5)


def occurrences(text, start, zone):
    """What is printed of the occurrences of an expression; None where cronsim refuses it."""
    try:
        walk = CronSim(text, start.astimezone(zone))
    except CronSimError:
        return None
    found, last, said = [], start, None
    while len(found) < OCCURRENCES:
        try:
            at = next(walk).astimezone(timezone.utc)
        except StopIteration:
            return found + ["never"]
        if said is not None and at <= said:
            return found + ["astray"]
        said = at
        # Where it starts in what the clocks show for the second time, cronsim begins with what
        # happened when they showed it first.
        if at > start:
            found.append((at - last) // MINUTE)
            last = at
    return found


def squeezed(numbers):
    """`7 60 60 60` as `7 60x3`."""
    out = []
    for n in map(str, numbers):
        if out and out[-1][0] == n:
            out[-1][1] += 1
        else:
            out.append([n, 1])
    return " ".join(n if times == 1 else f"{n}x{times}" for n, times in out)


def print_group(name, start, expressions):
    """`expressions` may have some that are refused, and those are passed over."""
    print(f"@ {name} {start:%Y-%m-%dT%H:%MZ}")
    for text in expressions:
        found = occurrences(text, start, zoneinfo.ZoneInfo(name))
        if found is not None:
            print(text, squeezed(found), sep="\t")


def print_occurrences(dice):
    for name in ZONES:
        zone = zoneinfo.ZoneInfo(name)
        for start, near in starts(dice, zone):
            moments = [dice.pick([near, near - MINUTE]) for _ in range(EXPRESSIONS)]
            texts = [expression(dice, moment.astimezone(zone)) for moment in moments]
            print_group(name, start, texts)


def print_apia():
    """Samoa went without the 30th of December 2011, a Friday."""
    expressions = [f"{time} {day}" for time in APIA_TIMES for day in APIA_DAYS]
    thursday = datetime(2011, 12, 29, tzinfo=timezone.utc)
    for hours in [0, 24, 33, 34, 35]:
        print_group("Pacific/Apia", thursday + timedelta(hours=hours), expressions)


def spoilt(dice, text):
    """The text with one or two of its characters changed: to a like one, to any, or to none."""
    digits, signs = "0123456789", "0123456789999*,-/#LW?lw +.@JANSU"
    for _ in range(dice.pick([1, 1, 1, 2])):
        at = dice.below(len(text))
        like = dice.pick(digits) if text[at] in digits else text[at]
        instead = dice.pick([like, like, dice.pick(digits) + like, dice.pick(signs), ""])
        text = text[:at] + instead + text[at + 1 :]
    return text


def print_verdicts(dice):
    """Which of some texts are expressions. Those of six fields, the seconds being first, are left
    out: they are no matter here."""
    seen = set()
    print("? expressions and others")
    while len(seen) < TEXTS:
        near = FROM + dice.below(10**6) * MINUTE
        text = spoilt(dice, expression(dice, near))
        if text in seen or len(text.split()) == 6:
            continue
        seen.add(text)
        try:
            CronSim(text, FROM)
            print("yes", text, sep="\t")
        except CronSimError:
            print("no", text, sep="\t")


if __name__ == "__main__":
    dice = Dice(int(sys.argv[1]))
    print(HEADER.format(cronsim=version("cronsim"), zones=tzdata.IANA_VERSION), end="")
    print_apia()
    print_occurrences(dice)
    print_verdicts(dice)
