//! The next occurrence of an expression: the next elapse of a systemd timer that ran all the while,
//! each of whose elapses follows from the one before it. systemd 252 is what this was held against.
//!
//! An expression tells times on a wall. Where clocks are changed, they become moments so:
//!
//! * A time that the clocks are set forward over does not occur. Those after it do, from the first
//!   one on that the clocks show: `*:0/20` goes from 01:40 to 03:00, and `02:30` to the next day.
//! * A time that the clocks show twice occurs the first time only: `hourly` goes from 02:00 to 03:00,
//!   two hours on, and so does `*:0/20` from 02:40.
//!
//! A repetition without an end, as `*:0/7`, is counted on beyond its unit. What it reaches beyond the
//! end is kept where the unit above is at its end too, so that what is before that is left out:
//!
//! * `*:0/7` goes from 23:56 to 00:07, but from 22:56 to 23:00;
//! * `*:*:0/7` from 12:59:56 to 13:00:07, but from 12:58:56 to 12:59:00;
//! * `0/5:00` from 20:00 on the last day of a month to 05:00 on the 1st, but else to 00:00;
//! * `*-*-1/7` from 29 December to 8 January, but from 29 November to 1 December.
//!
//! What is left out so is known from the unit before: it does not occur whatever moment is asked
//! from. So between two occurrences the answer is the same for every moment.
//!
//! systemd's own answers are not followed where they hang on when it is asked, or are none:
//!
//! * Asked from within the second time of what the clocks show twice, it tells times within that; so
//!   do its timers for hours of days from the end of a month (`*~5 *:30`), or where neither of the
//!   two is summer time. Here none occurs, whatever is asked and when.
//! * It finds nothing, or loses a day, where a repetition of hours reaches the day on which clocks
//!   are set forward (`7/13:00`), where that happens at midnight, or to a winter time (`0/2:30` in
//!   Morocco); and times soon after, where clocks are set forward by two hours (Troll) or not on the
//!   hour (Chatham). Here the rules above hold.
//! * It knows the abbreviations of its own zone. A check has another zone than the machine.
//!
//! Nothing occurs before 1970 or after 2199, on the clocks of the zone. An expression fires no more
//! once clocks were set forward over [`MOST_SKIPPED`] of its times in a row; systemd too gives up.

use super::expression::{Days, Expression, MICROS};
use super::sets::Set;
use crate::clock::{SECOND, Timestamp};
use crate::domain::schedule::civil::{Date, date_of, length_of_month, number_of, weekday_of};
use crate::domain::schedule::zone::{self, Shown, Tz};

/// How many times in a row may be passed over because clocks are set forward over them. Summer time
/// began on the same Sunday for at most 20 years after 1970 before the rule was changed (New York,
/// 1987 to 2006); rules that are in force have no end.
const MOST_SKIPPED: u32 = 24;

/// Microseconds in a day on the wall.
const DAY: i64 = 86_400 * SECOND;

/// A moment after all occurrences in all zones: 2200-01-03.
const END: Timestamp = Timestamp(7_258_291_200 * SECOND);

/// The first occurrence strictly after `after` and not after `limit`; `zone` counts where the
/// expression names none. None where there is none.
#[must_use]
pub fn next_after(
    expression: &Expression,
    after: Timestamp,
    limit: Timestamp,
    zone: Tz,
) -> Option<Timestamp> {
    let zone = expression.zone.unwrap_or(zone);
    let after = after.max(Timestamp(0));
    if after > END {
        return None;
    }
    // No clocks are ahead of UTC by more than a day.
    let last_day = limit.min(END).0.div_euclid(DAY) + 1;
    let mut wall = after.0 + zone::offset_at(zone, after.epoch_seconds()) * SECOND + 1;
    for _ in 0..MOST_SKIPPED {
        wall = on_the_wall(expression, wall, last_day)?;
        let (second, part) = (wall.div_euclid(SECOND), wall.rem_euclid(SECOND));
        wall = match zone::shown(zone, second) {
            Shown::Once(at) | Shown::Twice(at, _) if at * SECOND + part > after.0 => {
                return Some(Timestamp(at * SECOND + part)).filter(|found| *found <= limit);
            }
            Shown::Twice(first, again) => end_of_second_time(zone, first, again) * SECOND,
            Shown::Never(end) => zone::wall_at(zone, end).max(second + 1) * SECOND,
            Shown::Once(_) => wall + SECOND,
        };
    }
    None
}

/// What the clocks show once the time that they show twice is over; `first` and `again` are two
/// moments at which they show the same.
fn end_of_second_time(zone: Tz, first: i64, again: i64) -> i64 {
    let before = zone::offset_at(zone, first);
    // The clocks are set back after the one and not after the other.
    let (mut earlier, mut later) = (first, again);
    while later - earlier > 1 {
        let middle = i64::midpoint(earlier, later);
        if zone::offset_at(zone, middle) == before {
            earlier = middle;
        } else {
            later = middle;
        }
    }
    later + before
}

/// The first time on the wall that the expression allows and that is not before `from`, both in
/// microseconds; none where that is after the day with the number `last_day`.
fn on_the_wall(expression: &Expression, from: i64, last_day: i64) -> Option<i64> {
    let (mut day, mut time) = (from.div_euclid(DAY), from.rem_euclid(DAY));
    loop {
        let found = day_at_or_after(expression, day, last_day)?;
        let from = if found == day { time } else { 0 };
        if let Some(time) = time_at_or_after(expression, from.max(start_of(expression, found))) {
            return Some(found * DAY + time);
        }
        (day, time) = (found + 1, 0);
    }
}

/// The time in microseconds that an allowed day begins with: beyond midnight where the day before it
/// is allowed and one of its repetitions reaches into this one.
fn start_of(expression: &Expression, day: i64) -> i64 {
    let Expression { hours, minutes, seconds, .. } = expression;
    let start = match (hours.set.has(23), minutes.set.has(59)) {
        (false, _) if date_of(day).day == 1 => micros_of(hours.rest, 0, 0),
        (false, _) => 0,
        (true, false) => micros_of(0, minutes.rest, 0),
        (true, true) => micros_of(0, 0, seconds.rest),
    };
    let follows = || day_at_or_after(expression, day - 1, day - 1).is_some();
    if start > 0 && follows() { start } else { 0 }
}

/// The first allowed day, by its number, that is not before this one and not after the last.
fn day_at_or_after(expression: &Expression, day: i64, last_day: i64) -> Option<i64> {
    let mut date = date_of(day);
    loop {
        let year = expression.years.at_or_after(date.year)?;
        if year != date.year {
            date = Date { year, month: 1, day: 1 };
        }
        let Some(month) = expression.months.at_or_after(date.month) else {
            date = Date { year: year + 1, month: 1, day: 1 };
            continue;
        };
        if month != date.month {
            date = Date { month, day: 1, ..date };
        }
        let first = number_of(Date { day: 1, ..date });
        if first > last_day {
            return None;
        }
        let from = date.day.max(start_of_month(expression, date));
        if let Some(found) = days_of_month(expression, date, first).at_or_after(from) {
            return Some(first + i64::from(found) - 1).filter(|found| *found <= last_day);
        }
        date = match month {
            12 => Date { year: year + 1, month: 1, day: 1 },
            _ => Date { month: month + 1, day: 1, ..date },
        };
    }
}

/// The day that the month of a date begins with: beyond the 1st in January where the December before
/// it is allowed and a repetition of its days reaches into this month.
fn start_of_month(expression: &Expression, date: Date) -> u32 {
    let december = date.year - 1;
    let follows =
        || expression.months.has(12) && expression.years.at_or_after(december) == Some(december);
    if date.month == 1 && expression.january > 1 && follows() { expression.january } else { 1 }
}

/// The allowed days of the month of a date, whose first day has this number.
fn days_of_month(expression: &Expression, date: Date, first: i64) -> Set {
    let length = length_of_month(date.year, date.month);
    let days = match expression.days {
        Days::FromStart(days) => days.0,
        // The last day is 1: turned around, it comes to the place of the month's length.
        Days::FromEnd(days) => days.0.reverse_bits() >> (62 - length),
    };
    // The weekdays from the first of the month on, five weeks of them.
    let week = (expression.weekdays.0 << 7) | expression.weekdays.0;
    let week = (week >> weekday_of(first)) & 0x7f;
    let weekdays = week * 0b1_0000001_0000001_0000001_0000001;
    let all = (2 << length) - 2;
    Set(days & (weekdays << 1) & all)
}

/// The first allowed time of a day that is not before this one, both in microseconds.
fn time_at_or_after(expression: &Expression, time: i64) -> Option<i64> {
    let Expression { hours, minutes, seconds, .. } = expression;
    let (mut hour, mut minute, mut micros) = parts_of(time);
    loop {
        let found = hours.set.at_or_after(hour)?;
        if found != hour {
            (hour, minute, micros) = (found, 0, 0);
        }
        let Some(found) = minutes.set.at_or_after(minute) else {
            (hour, minute, micros) = (hour + 1, 0, 0);
            continue;
        };
        if found != minute {
            (minute, micros) = (found, 0);
        }
        let from = micros.max(start_of_minute(expression, hour, minute));
        match seconds.at_or_after(from) {
            Some(micros) => return Some(micros_of(hour, minute, micros)),
            None if minute == 59 => (hour, minute, micros) = (hour + 1, 0, 0),
            None => (minute, micros) = (minute + 1, 0),
        }
    }
}

/// The microsecond that a minute begins with: beyond the first where the minute before it is allowed
/// and a repetition of its seconds reaches into this one. That of midnight is told by [`start_of`].
fn start_of_minute(expression: &Expression, hour: u32, minute: u32) -> u32 {
    let Expression { hours, minutes, seconds, .. } = expression;
    match (hour, minute) {
        (0, 0) => 0,
        (hour, 0) if hours.set.has(hour - 1) && minutes.set.has(59) => seconds.rest,
        (_, minute) if minute > 0 && minutes.set.has(minute - 1) => seconds.rest % MICROS,
        _ => 0,
    }
}

/// Hour, minute, and microsecond of the minute.
fn parts_of(time: i64) -> (u32, u32, u32) {
    let part = |n: i64| u32::try_from(n).unwrap_or(0);
    let minutes = time / (60 * SECOND);
    (part(minutes / 60), part(minutes % 60), part(time % (60 * SECOND)))
}

fn micros_of(hour: u32, minute: u32, micros: u32) -> i64 {
    i64::from(hour * 60 + minute) * 60 * SECOND + i64::from(micros)
}

#[cfg(test)]
mod tests;
