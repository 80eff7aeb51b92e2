//! When a job runs, in the words of the schedulers that start it: Debian's cron, Kubernetes, and
//! systemd. What one of them can't say is left to be filled in, with the reason; nothing is rounded.

use super::When;
use crate::domain::schedule::cron::{Cron as Expression, Plain};
use crate::domain::schedule::oncalendar::OnCalendar;

/// Whose cron expressions are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cron {
    /// A crontab's: Sunday is 0 or 7, and the times are in the machine's zone.
    Debian,
    /// A `CronJob`'s: Sunday is 0, and the zone has a field of its own.
    Kubernetes,
}

/// What a timer of systemd goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Calendar {
    /// At the times of any of these calendar expressions.
    At(Vec<String>),
    /// So many seconds after it last ran.
    Every(i64),
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The five fields (or the @-name) by which a cron starts the job, and what its reader must know;
/// or why there are none.
pub(super) fn cron(when: &When, whose: Cron) -> Result<(String, Option<String>), String> {
    match when {
        When::Every(seconds) => {
            let times = every(*seconds).ok_or_else(|| {
                format!(
                    "The check expects a ping every {}, which no cron line says",
                    long(*seconds)
                )
            })?;
            Ok((times, None))
        }
        When::Cron { expression, .. } => {
            let times = match whose {
                Cron::Debian => for_debian(expression),
                Cron::Kubernetes => for_kubernetes(expression),
            };
            let times = times.ok_or_else(|| {
                let expression = super::harmless(expression);
                format!("The check's schedule, {expression}, is more than this cron understands")
            })?;
            let note = zone(when).map(|zone| {
                format!("The check's times are in the zone {zone}; cron goes by its machine's.")
            });
            Ok((times, note))
        }
        When::OnCalendar { expression, .. } => {
            let expression = super::harmless(expression);
            Err(format!(
                "The check's schedule is systemd's, {expression}, which cron does not know"
            ))
        }
    }
}

/// The zone of a schedule that has one, unless its name is none.
pub(super) fn zone(when: &When) -> Option<&str> {
    match when {
        When::Every(_) => None,
        When::Cron { timezone, .. } | When::OnCalendar { timezone, .. } => {
            let plain = |c: char| c.is_ascii_alphanumeric() || "/_+-".contains(c);
            (!timezone.is_empty() && timezone.chars().all(plain)).then_some(timezone)
        }
    }
}

/// A period that divides the hour, the day, or is a day or a week.
fn every(seconds: i64) -> Option<String> {
    let parts = |unit: i64, whole: i64| {
        let divides = seconds > 0 && seconds % unit == 0 && whole % seconds == 0;
        divides.then_some(seconds / unit)
    };
    match (seconds, parts(MINUTE, HOUR), parts(HOUR, DAY)) {
        (MINUTE, _, _) => Some("* * * * *".to_owned()),
        (HOUR, _, _) => Some("0 * * * *".to_owned()),
        (DAY, _, _) => Some("0 0 * * *".to_owned()),
        (seconds, _, _) if seconds == 7 * DAY => Some("0 0 * * 0".to_owned()),
        (_, Some(minutes), _) => Some(format!("*/{minutes} * * * *")),
        (_, _, Some(hours)) => Some(format!("0 */{hours} * * *")),
        _ => None,
    }
}

fn long(seconds: i64) -> String {
    let parts = [
        (seconds / DAY, "d"),
        (seconds % DAY / HOUR, "h"),
        (seconds % HOUR / MINUTE, "min"),
        (seconds % MINUTE, "s"),
    ];
    let parts = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n} {unit}"));
    parts.collect::<Vec<_>>().join(" ")
}

/// The sets of an expression that has none of what only some crons know (`L`, `W`, `#`).
fn plain(expression: &str) -> Option<Plain> {
    Expression::parse(expression).ok()?.plain()
}

/// The fields as they are, for Debian's cron reads them as we do; only `5/15`, which it
/// refuses and others read in different ways, becomes `5-59/15`.
fn for_debian(expression: &str) -> Option<String> {
    plain(expression)?;
    let ends = [59, 23, 31, 12, 7];
    let fields = Expression::fields(expression).ok()?.into_iter().zip(ends);
    let closed = |(field, end): (&str, u32)| {
        let items = field.split(',').map(|item| match item.split_once('/') {
            Some((first, step)) if first != "*" && !first.contains('-') => {
                format!("{first}-{end}/{step}")
            }
            _ => item.to_owned(),
        });
        items.collect::<Vec<_>>().join(",")
    };
    Some(fields.map(closed).collect::<Vec<_>>().join(" "))
}

/// The fields written anew. There, a day must match both of its fields where one has `*` without a
/// step in it, wherever that stands, so that two fields that leave days out can't both be asked for.
fn for_kubernetes(expression: &str) -> Option<String> {
    let plain = plain(expression)?;
    let (dates, weekdays) = match days(&plain) {
        Days::All => (ALL_DATES, ALL_WEEKDAYS),
        Days::Dates(dates) => (dates, ALL_WEEKDAYS),
        Days::Weekdays(weekdays) => (ALL_DATES, weekdays),
        Days::Either(dates, weekdays) => (dates, weekdays),
        Days::Both(..) => return None,
    };
    let fields = [
        (plain.minutes, ALL_MINUTES),
        (plain.hours, ALL_HOURS),
        (dates, ALL_DATES),
        (plain.months, ALL_MONTHS),
        (weekdays, ALL_WEEKDAYS),
    ];
    Some(fields.map(|(bits, all)| numbers(bits, all, "-")).join(" "))
}

/// When a timer of systemd starts the job; or why nothing can be said.
pub(super) fn calendar(when: &When) -> Result<Calendar, String> {
    let zone = zone(when).unwrap_or("UTC");
    let in_zone = |lines: Vec<String>| lines.iter().map(|line| format!("{line} {zone}")).collect();
    let (lines, expression) = match when {
        When::Every(seconds) => {
            let Some(times) = every(*seconds) else { return Ok(Calendar::Every(*seconds)) };
            // The period of a check has no zone, and neither has its timer.
            return Ok(translated(&times).map_or(Calendar::Every(*seconds), Calendar::At));
        }
        When::Cron { expression, .. } => (translated(expression).map(in_zone), expression),
        When::OnCalendar { expression, .. } => (own(expression, zone), expression),
    };
    lines.map(Calendar::At).ok_or_else(|| {
        let expression = super::harmless(expression);
        format!("The check's schedule, {expression}, can't be said to systemd")
    })
}

/// Calendar expressions as they are, one a line, those that name no zone with this one.
fn own(expression: &str, zone: &str) -> Option<Vec<String>> {
    OnCalendar::parse(expression).ok()?;
    let lines = expression.lines().map(str::trim_ascii).filter(|line| !line.is_empty());
    let in_zone = |line: &str| {
        let has_zone = OnCalendar::parse(line).ok()?.has_own_zone();
        Some(if has_zone { line.to_owned() } else { format!("{line} {zone}") })
    };
    lines.map(in_zone).collect()
}

/// A cron expression as calendar expressions: two where a day matches by its date or its weekday.
fn translated(expression: &str) -> Option<Vec<String>> {
    let plain = plain(expression)?;
    let of = |bits, all| numbers(bits, all, "..");
    let (hours, minutes) = (of(plain.hours, ALL_HOURS), of(plain.minutes, ALL_MINUTES));
    let (months, time) = (of(plain.months, ALL_MONTHS), format!("{hours}:{minutes}:00"));
    let on_dates = |dates| format!("*-{months}-{} {time}", of(dates, ALL_DATES));
    let on_both = |dates, weekdays| format!("{} {}", names(weekdays), on_dates(dates));
    Some(match days(&plain) {
        Days::All => vec![on_dates(ALL_DATES)],
        Days::Dates(dates) => vec![on_dates(dates)],
        Days::Weekdays(weekdays) => vec![on_both(ALL_DATES, weekdays)],
        Days::Either(dates, weekdays) => vec![on_dates(dates), on_both(ALL_DATES, weekdays)],
        Days::Both(dates, weekdays) => vec![on_both(dates, weekdays)],
    })
}

/// The days of an expression, as bits.
enum Days {
    All,
    Dates(u64),
    Weekdays(u64),
    Either(u64, u64),
    Both(u64, u64),
}

fn days(plain: &Plain) -> Days {
    let Plain { dates, weekdays, needs_both, .. } = *plain;
    match (dates == ALL_DATES, weekdays == ALL_WEEKDAYS) {
        (true, false) if needs_both => Days::Weekdays(weekdays),
        (false, true) if needs_both => Days::Dates(dates),
        (false, false) if needs_both => Days::Both(dates, weekdays),
        (false, false) => Days::Either(dates, weekdays),
        // Neither leaves a day out, or one of them does not and either is enough.
        _ => Days::All,
    }
}

const ALL_MINUTES: u64 = (1 << 60) - 1;
const ALL_HOURS: u64 = (1 << 24) - 1;
const ALL_DATES: u64 = (1 << 32) - 2;
const ALL_MONTHS: u64 = (1 << 13) - 2;
const ALL_WEEKDAYS: u64 = (1 << 7) - 1;

/// Weekdays in systemd's words.
fn names(weekdays: u64) -> String {
    const NAMES: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    let days = (0..).zip(NAMES).filter(|(day, _)| weekdays >> day & 1 == 1);
    days.map(|(_, name)| name).collect::<Vec<_>>().join(",")
}

/// Numbers, given as bits, in a field that allows `all` of them: `*`, a range with a step, or a list
/// of numbers and ranges. A step never goes without its end, past which systemd carries an open one
/// on: `*:0/7` leaves 00:00 out.
fn numbers(bits: u64, all: u64, to: &str) -> String {
    if bits == all {
        return "*".to_owned();
    }
    let numbers: Vec<u32> = (0..u64::BITS).filter(|n| bits >> n & 1 == 1).collect();
    if let [first, second, _, .., last] = numbers[..] {
        let step = second - first;
        if step > 1 && numbers.windows(2).all(|pair| pair[1] - pair[0] == step) {
            return format!("{first}{to}{last}/{step}");
        }
    }
    let runs = numbers.chunk_by(|a, b| a + 1 == *b).flat_map(|run| match run {
        [first, _, .., last] => vec![format!("{first}{to}{last}")],
        short => short.iter().map(u32::to_string).collect(),
    });
    runs.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::domain::schedule::zone::Tz;
    use proptest::prelude::*;

    fn cron_of(expression: &str) -> When {
        When::Cron { expression: expression.to_owned(), timezone: "Europe/Berlin".to_owned() }
    }

    fn calendar_of(expression: &str) -> Vec<String> {
        match calendar(&cron_of(expression)) {
            Ok(Calendar::At(lines)) => lines,
            other => panic!("{expression}: {other:?}"),
        }
    }

    #[test]
    fn a_period_is_a_cron_line_where_it_divides_evenly() {
        for (seconds, wanted) in [
            (60, "* * * * *"),
            (300, "*/5 * * * *"),
            (1800, "*/30 * * * *"),
            (3600, "0 * * * *"),
            (7200, "0 */2 * * *"),
            (43_200, "0 */12 * * *"),
            (86_400, "0 0 * * *"),
            (604_800, "0 0 * * 0"),
        ] {
            assert_eq!(cron(&When::Every(seconds), Cron::Debian), Ok((wanted.to_owned(), None)));
        }
        for seconds in [1, 59, 61, 90, 420, 5400, 25_200, 90_000, 172_800, 31_536_000, 0, -60] {
            assert!(cron(&When::Every(seconds), Cron::Debian).is_err(), "{seconds}");
        }
        let reason = cron(&When::Every(94_271), Cron::Debian).unwrap_err();
        assert!(reason.contains("every 1 d 2 h 11 min 11 s"), "{reason}");
    }

    #[test]
    fn a_cron_expression_stays_as_it_is_where_cron_knows_it() {
        let of = |text: &str, whose| cron(&cron_of(text), whose).map(|(times, _)| times);
        assert_eq!(
            of("5,10 1-3/2  * JUL MON-FRI", Cron::Debian).unwrap(),
            "5,10 1-3/2 * JUL MON-FRI"
        );
        assert_eq!(of("@Daily", Cron::Debian).unwrap(), "0 0 * * *");
        assert_eq!(of("0 0 * * 5-7", Cron::Debian).unwrap(), "0 0 * * 5-7");
        assert_eq!(of("0 0 * * 5-7", Cron::Kubernetes).unwrap(), "0 0 * * 0,5,6");
        assert_eq!(of("5/15 0 */2 * *", Cron::Debian).unwrap(), "5-59/15 0 */2 * *");
        assert_eq!(of("0 0 1 feb/3 1,TUE/2", Cron::Debian).unwrap(), "0 0 1 feb-12/3 1,TUE-7/2");
        assert_eq!(of("5/15 9 */2 * *", Cron::Kubernetes).unwrap(), "5-50/15 9 1-31/2 * *");
        // There, the star of `1,*` would have both fields match, and that of `*/2` either.
        assert_eq!(of("0 0 1,* * 1", Cron::Kubernetes).unwrap(), "0 0 * * *");
        assert_eq!(of("0 0 */2 * 1", Cron::Debian).unwrap(), "0 0 */2 * 1");
        assert!(of("0 0 */2 * 1", Cron::Kubernetes).is_err());
        assert_eq!(of("0 0 13 * FRI", Cron::Kubernetes).unwrap(), "0 0 13 * 5");
        assert_eq!(of("0 0 * JAN MON-FRI", Cron::Kubernetes).unwrap(), "0 0 * 1 1-5");
        for foreign in ["0 0 L * *", "0 0 LW * *", "0 0 15W * *", "0 0 * * 5L", "0 0 * * FRI#2"] {
            assert!(of(foreign, Cron::Debian).is_err(), "{foreign}");
        }
        let evil = of("* * * * * rm -rf /\n* * * * * x", Cron::Debian).unwrap_err();
        assert!(!evil.contains('\n'), "{evil}");
        assert!(of("* * * * %", Cron::Debian).is_err());
        let (_, note) = cron(&cron_of("* * * * *"), Cron::Debian).unwrap();
        assert!(note.unwrap().contains("Europe/Berlin"));
    }

    #[test]
    fn a_cron_expression_becomes_calendar_expressions() {
        let all = "Europe/Berlin";
        assert_eq!(calendar_of("*/5 * * * *"), [format!("*-*-* *:0..55/5:00 {all}")]);
        assert_eq!(calendar_of("*/7 * * * *"), [format!("*-*-* *:0..56/7:00 {all}")]);
        assert_eq!(calendar_of("0 */5 * * *"), [format!("*-*-* 0..20/5:0:00 {all}")]);
        assert_eq!(calendar_of("*/60 * * * *"), [format!("*-*-* *:0:00 {all}")]);
        assert_eq!(calendar_of("5/15 * * * *"), [format!("*-*-* *:5..50/15:00 {all}")]);
        assert_eq!(calendar_of("0 0 */2 * 1"), [format!("Mon *-*-1..31/2 0:0:00 {all}")]);
        assert_eq!(calendar_of("30 3 1-7/2 * *"), [format!("*-*-1..7/2 3:30:00 {all}")]);
        assert_eq!(
            calendar_of("0 9 * JAN,7 MON-FRI"),
            [format!("Mon,Tue,Wed,Thu,Fri *-1,7-* 9:0:00 {all}")]
        );
        assert_eq!(
            calendar_of("0 0 13 * FRI"),
            [format!("*-*-13 0:0:00 {all}"), format!("Fri *-*-* 0:0:00 {all}"),]
        );
        for foreign in ["0 0 L * *", "0 0 * * FRI#2", "0 0 * * 5L", "* * * *", "* * * * 8"] {
            assert!(calendar(&cron_of(foreign)).is_err(), "{foreign}");
        }
    }

    /// A field of a cron expression; numbers from `least` to `most`.
    fn field(least: u32, most: u32) -> impl Strategy<Value = String> {
        let number = || least..=most;
        let item = prop_oneof![
            Just("*".to_owned()),
            (1..70_u32).prop_map(|step| format!("*/{step}")),
            number().prop_map(|n| n.to_string()),
            (number(), 1..20_u32).prop_map(|(n, step)| format!("{n}/{step}")),
            (number(), number()).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
            (number(), number(), 1..9_u32).prop_map(|(a, b, step)| format!(
                "{}-{}/{step}",
                a.min(b),
                a.max(b)
            )),
        ];
        prop::collection::vec(item, 1..3).prop_map(|items| items.join(","))
    }

    fn fields() -> impl Strategy<Value = String> {
        let days = (field(1, 31), field(1, 12), field(0, 7));
        (field(0, 59), field(0, 23), days)
            .prop_map(|(m, h, (d, month, w))| format!("{m} {h} {d} {month} {w}"))
    }

    proptest! {
        #[test]
        fn systemd_is_told_the_times_of_the_cron_expression(
            text in fields(),
            from in 1_700_000_000_i64..1_900_000_000,
        ) {
            let cron = Expression::parse(&text).unwrap();
            let lines = translated(&text).unwrap();
            prop_assert!(!lines.iter().any(|line| line.contains('/') && !line.contains("..")));
            let calendar = OnCalendar::parse(&lines.join("\n")).unwrap();
            let mut at = Some(Timestamp(from * 1_000_000));
            for _ in 0..50 {
                let Some(now) = at else { break };
                // systemd knows no year after 2199.
                at = cron.next_after(now, Tz::UTC).filter(|at| at.epoch_seconds() < 7_258_118_400);
                prop_assert_eq!(calendar.next_after(now, Tz::UTC), at, "{}: {:?}", text, lines);
            }
        }

        #[test]
        fn crons_are_told_what_means_the_same(text in fields()) {
            let wanted = Expression::parse(&text).unwrap();
            let debian = for_debian(&text).unwrap();
            prop_assert_eq!(Expression::parse(&debian).unwrap(), wanted, "{}", debian);
            let Some(kubernetes) = for_kubernetes(&text) else { return Ok(()) };
            let now = Timestamp(1_700_000_000_000_000);
            let found = Expression::parse(&kubernetes).unwrap();
            prop_assert_eq!(found.next_after(now, Tz::UTC), wanted.next_after(now, Tz::UTC));
            let fields: Vec<&str> = kubernetes.split(' ').collect();
            prop_assert!(fields.iter().all(|field| *field == "*" || !field.contains('*')));
            prop_assert!(!fields[4].contains('7'));
        }
    }

    #[test]
    fn a_period_that_divides_nothing_counts_from_the_last_run() {
        assert_eq!(calendar(&When::Every(5400)), Ok(Calendar::Every(5400)));
        let day = vec!["*-*-* 0:0:00".to_owned()];
        assert_eq!(calendar(&When::Every(86_400)), Ok(Calendar::At(day)));
    }

    #[test]
    fn calendar_expressions_get_their_zone_and_nothing_more() {
        let lines = |text: &str| {
            let when = When::OnCalendar { expression: text.to_owned(), timezone: "UTC".to_owned() };
            calendar(&when)
        };
        let at = |lines: &[&str]| {
            Ok(Calendar::At(lines.iter().map(|line| (*line).to_owned()).collect()))
        };
        assert_eq!(lines("daily"), at(&["daily UTC"]));
        assert_eq!(
            lines("Mon *-*-* 03:00\n*-*~01 4:00"),
            at(&["Mon *-*-* 03:00 UTC", "*-*~01 4:00 UTC"])
        );
        assert_eq!(lines("*-*-* 12:00 Asia/Tokyo"), at(&["*-*-* 12:00 Asia/Tokyo"]));
        assert_eq!(lines("\n daily\n\n \nMon 3:00 UTC\n"), at(&["daily UTC", "Mon 3:00 UTC"]));
        assert_eq!(lines("@1234567890"), at(&["@1234567890"]));
        assert!(lines("daily\n[Service]\nExecStart=/bin/x").is_err());
        assert!(lines("%H").is_err() && lines("").is_err());
    }
}
