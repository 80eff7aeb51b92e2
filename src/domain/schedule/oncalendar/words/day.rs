//! The days of an expression in words: `on the 1st of every month`.

use super::{Pattern, in_runs, pattern};
use crate::domain::schedule::oncalendar::expression::{ALL_WEEKDAYS, Days, Expression};
use crate::domain::schedule::oncalendar::sets::{LAST_YEAR, Set, Years};
use crate::domain::schedule::words::{MONTHS, WEEKDAYS, ordinal};

/// The days in words; none where it is every day.
#[must_use]
pub fn of(expression: &Expression) -> Option<String> {
    let weekdays = (expression.weekdays != ALL_WEEKDAYS).then_some(expression.weekdays);
    let days = expression.days;
    if let Some(date) = one_date(expression) {
        return Some(format!("on {date}{}", weekdays.map_or_else(String::new, if_it_is)));
    }
    let months = months(expression.months);
    let years = years(&expression.years);
    let (text, months) = if days == Days::FromStart(Set::range(1, 31)) {
        let in_months = months.map_or_else(String::new, |months| format!(" in {months}"));
        match weekdays {
            None if in_months.is_empty() && years.is_empty() => return None,
            None => ("every day".to_owned(), in_months),
            Some(weekdays) => (on_weekdays(weekdays), in_months),
        }
    } else {
        let months = format!(" of {}", months.unwrap_or_else(|| "every month".to_owned()));
        match weekdays.map(|weekdays| (weekdays, which_of_month(weekdays, days))) {
            None => (on_days(days), months),
            Some((_, Some(text))) => (text, months),
            Some((weekdays, None)) => (on_days(days), format!("{months}{}", if_it_is(weekdays))),
        }
    };
    Some(format!("{text}{months}{years}"))
}

/// The date, where there is only one.
fn one_date(expression: &Expression) -> Option<String> {
    let Days::FromStart(days) = expression.days else { return None };
    let (mut years, mut months, mut days) =
        (expression.years.members(), expression.months.members(), days.members());
    let (year, month, day) = (years.next()?, months.next()?, days.next()?);
    let is_only = years.next().is_none() && months.next().is_none() && days.next().is_none();
    is_only.then(|| format!("{year}-{month:02}-{day:02}"))
}

/// The weekdays from Monday on.
fn names(weekdays: Set) -> Vec<u32> {
    let mut days: Vec<u32> = weekdays.members().map(|day| (day + 6) % 7).collect();
    days.sort_unstable();
    days
}

fn name(from_monday: u32) -> String {
    let name = WEEKDAYS.get(((from_monday + 1) % 7) as usize);
    name.map_or_else(String::new, |name| (*name).to_owned())
}

fn on_weekdays(weekdays: Set) -> String {
    match names(weekdays).as_slice() {
        [0, 1, 2, 3, 4] => "on weekdays".to_owned(),
        [5, 6] => "on weekends".to_owned(),
        [first, _, .., last] if last - first + 1 == weekdays.0.count_ones() && last - first > 1 => {
            format!("from {} to {}", name(*first), name(*last))
        }
        days => format!("on {}", in_runs(days, name)),
    }
}

/// ` if it is a Friday`.
fn if_it_is(weekdays: Set) -> String {
    match names(weekdays).as_slice() {
        [0, 1, 2, 3, 4] => " if it is a weekday".to_owned(),
        [5, 6] => " if it is on a weekend".to_owned(),
        days => format!(" if it is a {}", in_runs(days, name).replace(" and ", " or ")),
    }
}

/// `on the last Monday`, where the days are a week of the month and there is one weekday.
fn which_of_month(weekdays: Set, days: Days) -> Option<String> {
    let [weekday] = names(weekdays)[..] else { return None };
    let week = |n: u32| Set::range(n * 7 + 1, n * 7 + 7);
    let which = match days {
        Days::FromEnd(days) if days == week(0) => "last".to_owned(),
        Days::FromEnd(_) => return None,
        Days::FromStart(days) => ordinal((0..4).find(|n| days == week(*n))? + 1),
    };
    Some(format!("on the {which} {}", name(weekday)))
}

fn on_days(days: Days) -> String {
    let (set, from_end) = match days {
        Days::FromStart(set) => (set, false),
        Days::FromEnd(set) => (set, true),
    };
    let days: Vec<u32> = set.members().collect();
    let show = |day: u32| match day {
        1 if from_end => "last".to_owned(),
        _ if from_end => format!("{} last", ordinal(day)),
        _ => ordinal(day),
    };
    match pattern(&days) {
        Pattern::Steps(1, last, 1) if from_end => format!("on the last {last} days"),
        Pattern::Steps(first, last, 1) if !from_end && last - first > 1 => {
            format!("from the {} to the {}", ordinal(first), ordinal(last))
        }
        Pattern::Steps(first, last, step) if !from_end && days.len() > 4 => {
            format!(
                "every {} day from the {} to the {}",
                ordinal(step),
                ordinal(first),
                ordinal(last)
            )
        }
        _ if from_end => format!("on the {} day", in_runs(&days, show)),
        _ => format!("on the {}", in_runs(&days, show)),
    }
}

/// The months; none where it is all of them.
fn months(months: Set) -> Option<String> {
    let numbers: Vec<u32> = months.members().collect();
    let name = |month: u32| {
        let name = MONTHS.get(month as usize - 1);
        name.map_or_else(String::new, |name| (*name).to_owned())
    };
    (numbers.len() < 12).then(|| in_runs(&numbers, name))
}

/// ` in 2026 and 2028`; nothing where it is every year.
fn years(years: &Years) -> String {
    let numbers: Vec<u32> = years.members().collect();
    match pattern(&numbers) {
        _ if *years == Years::every() => String::new(),
        Pattern::Steps(first, LAST_YEAR, 1) => format!(" from {first} on"),
        Pattern::Steps(first, last, 1) if last - first > 1 => format!(" from {first} to {last}"),
        Pattern::Steps(first, last, step) if numbers.len() > 4 => {
            format!(" in every {} year from {first} to {last}", ordinal(step))
        }
        _ => format!(" in {}", in_runs(&numbers, |year| year.to_string())),
    }
}
