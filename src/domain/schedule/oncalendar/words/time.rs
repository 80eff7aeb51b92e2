//! The times of day of an expression in words: `every 5 minutes from 09:00 to 17:55`.

use super::{Pattern, in_runs, pattern};
use crate::domain::schedule::oncalendar::expression::{Allowed, Expression, MICROS};
use crate::domain::schedule::oncalendar::sets::Set;
use crate::domain::schedule::oncalendar::values::Span;
use crate::domain::schedule::words::{list, ordinal, time};

/// How many times of day are told one by one.
const MOST_TIMES: usize = 6;

/// The times in words, and whether they are told as something that recurs within the day, so that
/// "every day" need not follow.
#[must_use]
pub fn of(expression: &Expression) -> (String, bool) {
    let hours = &members(expression.hours.set);
    let minutes = &members(expression.minutes.set);
    if let Some(times) = one_by_one(hours, minutes, &expression.seconds.allowed) {
        return (format!("at {}", list(&times)), false);
    }
    let seconds = match &expression.seconds.allowed {
        Allowed::Whole(set) => members(*set),
        Allowed::Parts(spans) => {
            return (format!("{}{}", parts(spans), of_minutes(minutes, hours)), true);
        }
    };
    (recurring(hours, minutes, &seconds), true)
}

/// The times, where there are few.
fn one_by_one(hours: &[u32], minutes: &[u32], seconds: &Allowed) -> Option<Vec<String>> {
    let micros: Vec<u32> = match seconds {
        Allowed::Whole(set) => set.members().map(|second| second * MICROS).collect(),
        Allowed::Parts(spans) => {
            spans.iter().flat_map(|span| span.numbers()).take(MOST_TIMES + 1).collect()
        }
    };
    if hours.len() * minutes.len() * micros.len() > MOST_TIMES {
        return None;
    }
    let of_minute = |h: u32, m: u32| micros.iter().map(move |micros| clock(h, m, *micros));
    let of_hour = |h: &u32| minutes.iter().flat_map(|m| of_minute(*h, *m)).collect::<Vec<_>>();
    Some(hours.iter().flat_map(of_hour).collect())
}

/// `03:00`, `03:00:01.5`.
fn clock(hour: u32, minute: u32, micros: u32) -> String {
    match micros % MICROS {
        0 => time(hour, minute, micros / MICROS),
        part => format!("{hour:02}:{minute:02}:{:02}{}", micros / MICROS, &decimal(part)[1..]),
    }
}

/// Times of which there are many.
fn recurring(hours: &[u32], minutes: &[u32], seconds: &[u32]) -> String {
    let from_to = || from_to(hours, minutes, seconds);
    match (seconds, minutes) {
        ([second], [minute]) if hours.len() < 24 || (*second, *minute) == (0, 0) => {
            of_hours(hours, *minute, *second)
        }
        ([0], _) => within(minutes, 60, "minute", || of_every("hour", hours, 24), from_to),
        _ if minutes.len() == 60 => {
            within(seconds, 60, "second", || of_minutes(minutes, hours), from_to)
        }
        _ => {
            let of = || of_minutes(minutes, hours);
            within(seconds, 60, "second", of, of)
        }
    }
}

fn members(set: Set) -> Vec<u32> {
    set.members().collect()
}

/// Minutes of an hour, or seconds of a minute: `every 5 minutes`, which `from_to` follows, or
/// `at minutes 5 and 7`, which `of` follows.
fn within(
    numbers: &[u32],
    all: u32,
    unit: &str,
    of: impl Fn() -> String,
    from_to: impl Fn() -> String,
) -> String {
    match pattern(numbers) {
        Pattern::One(one) => format!("at {unit} {one}{}", of()),
        Pattern::Steps(0, last, step) if last + step == all => {
            format!("{}{}", every(step, unit), from_to())
        }
        Pattern::Steps(first, last, step) if numbers.len() > 4 => {
            format!("{} from {unit} {first} to {last}{}", every(step, unit), of())
        }
        _ => format!("at {unit}s {}{}", in_runs(numbers, |n| n.to_string()), of()),
    }
}

/// `every minute`, `every 5 minutes`.
fn every(step: u32, unit: &str) -> String {
    if step == 1 { format!("every {unit}") } else { format!("every {step} {unit}s") }
}

/// One time in each of several hours.
fn of_hours(hours: &[u32], minute: u32, second: u32) -> String {
    match pattern(hours) {
        Pattern::Steps(0, last, step) if last + step == 24 && (minute, second) == (0, 0) => {
            every(step, "hour")
        }
        Pattern::Steps(first, last, step) => {
            let (first, last) = (time(first, minute, second), time(last, minute, second));
            format!("{} from {first} to {last}", every(step, "hour"))
        }
        _ => {
            let times: Vec<_> = hours.iter().map(|hour| time(*hour, minute, second)).collect();
            format!("at {}", list(&times))
        }
    }
}

/// ` of every hour`, ` of every 2nd hour`, ` of hours 3 and 7`.
fn of_every(unit: &str, numbers: &[u32], all: u32) -> String {
    match pattern(numbers) {
        Pattern::One(one) => format!(" of {unit} {one}"),
        Pattern::Steps(0, last, 1) if last + 1 == all => format!(" of every {unit}"),
        Pattern::Steps(0, last, step) if last + step == all => {
            format!(" of every {} {unit}", ordinal(step))
        }
        _ => format!(" of {unit}s {}", in_runs(numbers, |n| n.to_string())),
    }
}

/// ` of every minute`, ` of minute 5 of hours 3 and 7`.
fn of_minutes(minutes: &[u32], hours: &[u32]) -> String {
    let minutes_text = of_every("minute", minutes, 60);
    if hours.len() == 24 && minutes.len() == 60 {
        return minutes_text;
    }
    format!("{minutes_text}{}", of_every("hour", hours, 24))
}

/// ` from 09:00 to 17:55`; nothing where it is the whole day, and the hours where those have holes.
fn from_to(hours: &[u32], minutes: &[u32], seconds: &[u32]) -> String {
    let (first, last) = match pattern(hours) {
        Pattern::One(hour) => (hour, hour),
        Pattern::Steps(0, 23, 1) => return String::new(),
        Pattern::Steps(first, last, 1) => (first, last),
        _ => return of_every("hour", hours, 24),
    };
    let end = |of: &[u32]| of.last().copied().unwrap_or(0);
    let start = |of: &[u32]| of.first().copied().unwrap_or(0);
    let first = time(first, start(minutes), start(seconds));
    format!(" from {first} to {}", time(last, end(minutes), end(seconds)))
}

/// Seconds of which some have a fraction: `every 0.25 seconds from second 1 to 2.5`.
fn parts(spans: &[Span]) -> String {
    let texts = spans.iter().map(|span| {
        let every = match span.step {
            MICROS => "every second".to_owned(),
            step => format!("every {} seconds", decimal(step)),
        };
        if span.start == span.stop {
            format!("at second {}", decimal(span.start))
        } else if span.start == 0 && span.open {
            every
        } else {
            format!("{every} from second {} to {}", decimal(span.start), decimal(span.stop))
        }
    });
    list(&texts.collect::<Vec<_>>())
}

/// Microseconds as seconds: `1.5`.
fn decimal(micros: u32) -> String {
    let text = format!("{}.{:06}", micros / MICROS, micros % MICROS);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
