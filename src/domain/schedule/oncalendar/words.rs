//! An expression in words: `at 03:00 on weekdays`.

mod day;
mod time;

use super::expression::Expression;
use crate::domain::schedule::words::list;

/// The expression in words; the zone that it names is part of them.
#[must_use]
pub fn of(expression: &Expression) -> String {
    let (time, recurs) = time::of(expression);
    let day = match day::of(expression) {
        Some(day) => format!(" {day}"),
        // "Every hour" need not be told to be so every day.
        None if recurs => String::new(),
        None => " every day".to_owned(),
    };
    let zone = expression.zone.map_or_else(String::new, |zone| format!(", {}", zone.name()));
    format!("{time}{day}{zone}")
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
