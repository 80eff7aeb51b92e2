//! Reads one expression: `Mon..Fri 2026-*-1..7 03:00:00 Europe/Berlin`, with all that may be left out.

use super::expression::{ALL_WEEKDAYS, Allowed, Days, Expression, MICROS, Seconds, Steps};
use super::sets::{FIRST_YEAR, LAST_YEAR, Set, Years};
use super::values::{Field, Span, Unit, cut, parse as values};
use crate::domain::schedule::civil::date_of;
use crate::domain::schedule::zone::{self, Tz};

/// Years, of which the first two digits may be left out.
pub const YEAR: Field =
    Field { unit: Unit::Year, ..simple("year", FIRST_YEAR, LAST_YEAR, "1970–2199") };
/// Months.
pub const MONTH: Field = simple("month", 1, 12, "1–12");
/// Days of the month.
pub const DAY: Field = simple("day", 1, 31, "1–31");
/// Days of the month from its end, of those that every month has.
pub const DAY_FROM_END: Field =
    Field { unit: Unit::Down, ..simple("day", 1, 28, "1–28 from the end of a month") };
/// Hours.
pub const HOUR: Field = simple("hour", 0, 23, "0–23");
/// Minutes.
pub const MINUTE: Field = simple("minute", 0, 59, "0–59");
/// Seconds, in microseconds.
pub const SECOND: Field =
    Field { last: 60 * MICROS - 1, unit: Unit::Micros, ..simple("second", 0, 59, "0–59") };

const fn simple(name: &'static str, first: u32, last: u32, allowed: &'static str) -> Field {
    Field { name, first, last, allowed, unit: Unit::One }
}

/// The names for frequent expressions, and what they stand for.
const SHORTHANDS: [(&str, &str); 13] = [
    ("minutely", "*:*"),
    ("hourly", "*:00"),
    ("daily", "*-*-*"),
    ("weekly", "Mon"),
    ("monthly", "*-*-01"),
    ("quarterly", "*-01,04,07,10-01"),
    ("semiannually", "*-01,07-01"),
    ("semi-annually", "*-01,07-01"),
    ("biannually", "*-01,07-01"),
    ("bi-annually", "*-01,07-01"),
    ("yearly", "*-01-01"),
    ("annually", "*-01-01"),
    // So it was written by mistake once, and systemd still understands it.
    ("anually", "*-01-01"),
];

/// Weekdays as they are written, short and long; 0 is Sunday.
const WEEKDAYS: [(&str, &str, u32); 7] = [
    ("mon", "monday", 1),
    ("tue", "tuesday", 2),
    ("wed", "wednesday", 3),
    ("thu", "thursday", 4),
    ("fri", "friday", 5),
    ("sat", "saturday", 6),
    ("sun", "sunday", 0),
];

/// Reads an expression that is not blank and has no blanks around it.
///
/// # Errors
///
/// Says which part is wrong and what is allowed.
pub fn expression(text: &str) -> Result<Expression, String> {
    let (text, zone) = split_zone(text)?;
    match parts(text) {
        // What @ tells is a moment of UTC.
        Ok(parts) => Ok(Expression { zone: parts.zone.or(zone), ..parts }),
        Err(_) if text.ends_with(' ') => Err("time zone: write one blank before it".to_owned()),
        Err(error) => Err(error),
    }
}

/// An expression that names no time zone.
fn parts(text: &str) -> Result<Expression, String> {
    let same = |name: &str| name.eq_ignore_ascii_case(text);
    let shorthand = SHORTHANDS.iter().find(|(name, _)| same(name));
    let text = shorthand.map_or(text, |(_, meaning)| meaning);
    let (weekdays, rest) = split_weekdays(text)?;
    let parts = match rest.strip_prefix('@') {
        Some(seconds) => at_moment(seconds)?,
        None => date_and_time(rest)?,
    };
    Ok(Expression { weekdays, ..parts })
}

/// The expression without the time zone at its end, and that.
fn split_zone(text: &str) -> Result<(&str, Option<Tz>), String> {
    let Some((rest, last)) = text.rsplit_once(' ') else { return Ok((text, None)) };
    if last.eq_ignore_ascii_case("UTC") {
        return Ok((rest, Some(Tz::UTC)));
    }
    match zone::parse(last) {
        Some(zone) => Ok((rest, Some(zone))),
        // Nothing but weekdays and time zones begins with a letter, and weekdays come first.
        None if starts_with_letter(last) && !starts_with_weekday(last) => {
            Err(format!("time zone: {} is not known", cut(last)))
        }
        None => Ok((text, None)),
    }
}

fn starts_with_letter(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic())
}

/// Whether its first word is the name of a weekday.
fn starts_with_weekday(text: &str) -> bool {
    text.split([' ', ',', '-', '.']).next().is_some_and(|word| weekday(word).is_some())
}

/// The weekday of a name.
fn weekday(name: &str) -> Option<u32> {
    let is_named = |names: &&(&str, &str, u32)| {
        names.0.eq_ignore_ascii_case(name) || names.1.eq_ignore_ascii_case(name)
    };
    WEEKDAYS.iter().find(is_named).map(|names| names.2)
}

/// The weekdays at the beginning, and what follows them.
fn split_weekdays(text: &str) -> Result<(Set, &str), String> {
    if !starts_with_letter(text) {
        return Ok((ALL_WEEKDAYS, text));
    }
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    // A comma at the end is allowed.
    let list = word.strip_suffix(',').unwrap_or(word);
    let mut all = Set::default();
    for part in list.split(',') {
        all.0 |= weekday_range(part, text)?.0;
    }
    let rest = rest.trim_start_matches(' ');
    if starts_with_weekday(rest) {
        return Err("weekdays: write them without blanks, as Mon,Fri".to_owned());
    }
    Ok((all, rest))
}

/// `Mon`, `Mon..Fri`, and `Mon-Fri`, as it was written formerly.
fn weekday_range(text: &str, whole: &str) -> Result<Set, String> {
    let ends = text.split_once("..").or_else(|| text.split_once('-'));
    let (first, last) = ends.unwrap_or((text, text));
    let named = |name| weekday(name).ok_or_else(|| not_a_weekday(name, whole));
    // The week begins on Monday here.
    let place = |day: u32| (day + 6) % 7;
    let (first, last) = (place(named(first)?), place(named(last)?));
    if first > last {
        return Err(format!("weekdays: {text} ends before it begins; a week is Mon..Sun"));
    }
    Ok((first..=last).map(|place| (place + 1) % 7).collect())
}

fn not_a_weekday(name: &str, whole: &str) -> String {
    if name.is_empty() {
        "weekdays: a name is missing; write such as Mon..Fri or Sat,Sun".to_owned()
    } else if starts_with_weekday(whole) {
        format!("weekdays: {:?} is not one; allowed are Mon to Sun and Monday to Sunday", cut(name))
    } else {
        not_understood(whole.split(' ').next().unwrap_or(whole))
    }
}

fn not_understood(text: &str) -> String {
    if text.contains('=') {
        return "write only what comes after OnCalendar=, one expression a line".to_owned();
    }
    if text.split(' ').count() == 5 {
        return "five fields are a cron expression: write such as Mon..Fri 03:00".to_owned();
    }
    format!("{:?} is not understood: write weekdays, a date, a time, or a word as daily", cut(text))
}

/// `@1735689600`: the one moment that is so many seconds from 1970 on; a zone changes nothing.
fn at_moment(text: &str) -> Result<Expression, String> {
    let digits = text.trim_start_matches([' ', '\t']);
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!(
            "@{} is not understood: @ goes before seconds since 1970; words as daily go without",
            cut(text)
        ));
    }
    let last = 7_258_118_399;
    let seconds = digits.parse::<i64>().ok().filter(|seconds| *seconds <= last);
    let seconds = seconds.ok_or_else(|| format!("@{} is not within @0–@{last}", cut(digits)))?;
    let (date, time) = (date_of(seconds / 86_400), seconds % 86_400);
    let only = |n: i64| u32::try_from(n).into_iter().collect::<Set>();
    let step = |n| Steps { set: only(n), rest: 0 };
    Ok(Expression {
        weekdays: ALL_WEEKDAYS,
        years: u32::try_from(date.year).into_iter().collect(),
        months: only(date.month.into()),
        days: Days::FromStart(only(date.day.into())),
        january: 1,
        hours: step(time / 3600),
        minutes: step(time / 60 % 60),
        seconds: Seconds { allowed: Allowed::Whole(only(time % 60)), rest: 0 },
        zone: Some(Tz::UTC),
    })
}

/// A date, a time, both, or neither.
fn date_and_time(text: &str) -> Result<Expression, String> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let is_date = word.split(':').next().is_some_and(|start| start.contains(['-', '~']));
    let (date, time) = if is_date { (word, rest.trim_start_matches(' ')) } else { ("*-*-*", text) };
    let expression = date_parts(date)?;
    let (hours, minutes, seconds) = time_parts(if time.is_empty() { "0:0" } else { time })?;
    Ok(Expression { hours, minutes, seconds, ..expression })
}

/// `year-month-day`, `month-day`; `~` before the day counts from the end of the month.
fn date_parts(text: &str) -> Result<Expression, String> {
    let parts: Vec<&str> = text.split(['-', '~']).collect();
    let (year, month, day) = match parts.as_slice() {
        [month, day] => ("*", *month, *day),
        [year, month, day] => (*year, *month, *day),
        _ => {
            let text = cut(text);
            return Err(format!("{text:?} is not a date: write year-month-day or month-day"));
        }
    };
    let from_end = text.contains('~');
    if from_end && (text.matches('~').count() > 1 || !text.ends_with(&format!("~{day}"))) {
        return Err(format!("{:?} is not a date: ~ goes before the day alone", cut(text)));
    }
    let years = values(&YEAR, year)?;
    let months = values(&MONTH, month)?;
    let days = values(if from_end { &DAY_FROM_END } else { &DAY }, day)?;
    let nothing = Steps { set: Set::default(), rest: 0 };
    Ok(Expression {
        weekdays: ALL_WEEKDAYS,
        years: years.map_or_else(Years::every, |list| numbers(&list).collect()),
        months: set(&MONTH, months.as_deref()),
        days: match &days {
            Some(list) if from_end => Days::FromEnd(numbers(list).collect()),
            list => Days::FromStart(set(&DAY, list.as_deref())),
        },
        january: january(days.as_deref().unwrap_or_default(), from_end),
        hours: nothing,
        minutes: nothing,
        seconds: Seconds { allowed: Allowed::Whole(Set::default()), rest: 0 },
        zone: None,
    })
}

/// The day of January that the first repetition after 31 December falls on; 1 where 31 December is
/// itself allowed, or no repetition goes beyond it.
fn january(days: &[Span], from_end: bool) -> u32 {
    let last = if from_end { 1 } else { 31 };
    if numbers(days).any(|day| day == last) {
        return 1;
    }
    let beyond = |span: &Span| {
        if from_end { 1 + span.step - span.start } else { span.stop + span.step - 31 }
    };
    days.iter().filter(|span| span.open).map(beyond).min().unwrap_or(1)
}

/// `hour:minute:second`, `hour:minute`.
fn time_parts(text: &str) -> Result<(Steps, Steps, Seconds), String> {
    let parts: Vec<&str> = text.split(':').collect();
    let (hour, minute, second) = match parts.as_slice() {
        [hour, minute] => (*hour, *minute, "0"),
        [hour, minute, second] => (*hour, *minute, *second),
        [_] => return Err(not_understood(text)),
        _ => return Err(format!("{:?} is not a time: write hour:minute:second", cut(text))),
    };
    Ok((steps(&HOUR, hour)?, steps(&MINUTE, minute)?, seconds(second)?))
}

fn steps(field: &Field, text: &str) -> Result<Steps, String> {
    let list = values(field, text)?;
    Ok(Steps { set: set(field, list.as_deref()), rest: rest(field, list.as_deref()) })
}

fn seconds(text: &str) -> Result<Seconds, String> {
    let list = values(&SECOND, text)?;
    let rest = rest(&SECOND, list.as_deref());
    let is_whole = |span: &Span| {
        let is_single = span.start == span.stop;
        span.start.is_multiple_of(MICROS) && (is_single || span.step.is_multiple_of(MICROS))
    };
    let allowed = match list {
        None => Allowed::Whole(Set::range(0, 59)),
        Some(list) if list.iter().all(is_whole) => {
            Allowed::Whole(numbers(&list).map(|micros| micros / MICROS).collect())
        }
        Some(list) => Allowed::Parts(list),
    };
    Ok(Seconds { allowed, rest })
}

/// What is allowed of a field whose values are below 64.
fn set(field: &Field, list: Option<&[Span]>) -> Set {
    list.map_or_else(|| Set::range(field.first, field.last), |list| numbers(list).collect())
}

/// How far the first repetition beyond the end of the field reaches over it.
fn rest(field: &Field, list: Option<&[Span]>) -> u32 {
    let open = list.unwrap_or_default().iter().filter(|span| span.open);
    open.map(|span| span.stop + span.step - field.last - 1).min().unwrap_or(0)
}

fn numbers(list: &[Span]) -> impl Iterator<Item = u32> {
    list.iter().copied().flat_map(Span::numbers)
}

#[cfg(test)]
mod tests;
