//! An expression in words: `at 03:00 on weekdays`.

mod day;
mod time;

use super::expression::{ALL_WEEKDAYS, Days, Expression};
use super::sets::Set;
use crate::domain::schedule::words::{list, time as time_of};

/// The expression in words, without its zone.
#[must_use]
pub fn of(expression: &Expression) -> String {
    let (time, recurs) = time::of(expression);
    let day = match day::of(expression) {
        Some(day) => format!(" {day}"),
        // "Every hour" need not be told to be so every day.
        None if recurs => String::new(),
        None => " every day".to_owned(),
    };
    format!("{time}{day}{}", on_the_first(expression))
}

/// What a repetition of hours that reaches into the next month leaves out there: `, on the 1st from
/// 05:00 on`. Nothing where it leaves out nothing.
fn on_the_first(expression: &Expression) -> String {
    let Expression { hours, weekdays, days, .. } = expression;
    let (first_day, last_day) = match days {
        Days::FromStart(days) => (days.has(1), days.at_or_after(28).is_some()),
        Days::FromEnd(days) => (days.at_or_after(28).is_some(), days.has(1)),
    };
    // An hour before midnight that is a member itself reaches no further.
    let leaves_out = hours.set.at_or_after(0) < Some(hours.rest) && !hours.set.has(23);
    let from = hours.set.at_or_after(hours.rest).filter(|_| leaves_out && first_day && last_day);
    let is_every = *days == Days::FromStart(Set::range(1, 31)) && *weekdays == ALL_WEEKDAYS;
    let which = if is_every { "the 1st" } else { "a 1st after such a day" };
    from.map_or_else(String::new, |hour| format!(", on {which} from {} on", time_of(hour, 0, 0)))
}

/// How the members of a set lie.
enum Pattern {
    /// There is one.
    One(u32),
    /// From the first to the last, so far apart; there are at least two.
    Steps(u32, u32, u32),
    /// In no order.
    Mixed,
}

/// The pattern of numbers that are in order, and at least one.
fn pattern(numbers: &[u32]) -> Pattern {
    match numbers {
        [] => Pattern::Mixed,
        [one] => Pattern::One(*one),
        [first, second, ..] => {
            let step = second - first;
            let last = numbers.last().copied().unwrap_or(*second);
            let is_even = numbers.windows(2).all(|pair| pair[1] - pair[0] == step);
            if is_even { Pattern::Steps(*first, last, step) } else { Pattern::Mixed }
        }
    }
}

/// The numbers, of which three and more in a row are told as `5 to 9`.
fn in_runs(numbers: &[u32], show: impl Fn(u32) -> String) -> String {
    let mut texts = Vec::new();
    for run in numbers.chunk_by(|a, b| b - a == 1) {
        match run {
            [first, _, .., last] if run.len() > 2 => {
                texts.push(format!("{} to {}", show(*first), show(*last)));
            }
            _ => texts.extend(run.iter().map(|number| show(*number))),
        }
    }
    list(&texts)
}

#[cfg(test)]
mod tests;
