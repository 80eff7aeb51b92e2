//! Cron expressions in words. They tell what an expression matches, not how it is written: `0-59/5`
//! and `*/5` are the same.

use super::super::words::{MONTHS, WEEKDAYS, list, ordinal, time};
use super::{Cron, Days, Weekdays};

/// Times of the day that are told one by one; more are told by their hours and minutes.
const MOST_TIMES: usize = 6;
/// Numbers in equal steps are told as such from so many on.
const LEAST_STEPS: usize = 4;
const ALL_WEEKDAYS: u8 = 0x7f;
const MONDAY_TO_FRIDAY: u8 = 0x3e;

/// See [`Cron::words`].
pub fn of(cron: &Cron) -> String {
    let (minutes, hours) = (members(cron.minutes), members(cron.hours));
    let days = days(cron, months(cron.months).as_deref());
    if minutes.len() * hours.len() > MOST_TIMES {
        return many_times(&minutes, &hours) + days.as_str();
    }
    let times = hours.iter().flat_map(|hour| minutes.iter().map(|minute| time(*hour, *minute, 0)));
    let times = list(&times.collect::<Vec<_>>());
    // Of days it tells "on" which, of months alone "in" which.
    let every_day = if days.starts_with(" on ") { "" } else { " every day" };
    format!("at {times}{every_day}{days}")
}

/// Times of the day by their hours and minutes.
fn many_times(minutes: &[u32], hours: &[u32]) -> String {
    match (minutes, steps(hours)) {
        ([0], Some((0, 1, 23))) => "every hour".to_owned(),
        ([0], Some((0, step, last))) if last + step == 24 => format!("every {step} hours"),
        ([minute], Some((0, 1, 23))) => format!("at minute {minute} of every hour"),
        ([minute], Some((first, step, last))) => {
            let hours = if step == 1 { "hour".to_owned() } else { format!("{step} hours") };
            format!("every {hours} from {} to {}", time(first, *minute, 0), time(last, *minute, 0))
        }
        _ => {
            let minutes = some_minutes(minutes);
            let hours = some_hours(hours, minutes.starts_with("at "));
            minutes + hours.as_str()
        }
    }
}

fn some_minutes(minutes: &[u32]) -> String {
    match (minutes, steps(minutes)) {
        (_, Some((0, 1, 59))) => "every minute".to_owned(),
        ([0, 30], _) => "every 30 minutes".to_owned(),
        ([0, 20, 40], _) => "every 20 minutes".to_owned(),
        (_, Some((0, step, last))) if last + step == 60 => format!("every {step} minutes"),
        (_, Some((first, step, last))) if step > 1 => {
            format!("at every {} minute from {first} to {last}", ordinal(step))
        }
        ([minute], _) => format!("at minute {minute}"),
        _ => format!("at minutes {}", list(&runs(minutes, u32::to_string))),
    }
}

/// The hours that some minutes are of; those are told as minutes of an hour, or as a rhythm.
fn some_hours(hours: &[u32], are_of_hour: bool) -> String {
    let (first, last) = (hours.first().unwrap_or(&0), hours.last().unwrap_or(&0));
    let every = if are_of_hour && hours.len() > 1 { " of every hour" } else { "" };
    let is_one_run = (*first..=*last).eq(hours.iter().copied());
    match steps(hours) {
        Some((0, 1, 23)) => every.to_owned(),
        _ if is_one_run => format!("{every} from {} to {}", time(*first, 0, 0), time(*last, 59, 0)),
        Some((first, step, last)) => {
            format!(" of every {} hour from {first} to {last}", ordinal(step))
        }
        None => format!(" of the hours {}", list(&runs(hours, u32::to_string))),
    }
}

/// The days with the months that they are of; nothing where every day is meant.
fn days(cron: &Cron, months: Option<&str>) -> String {
    let of = format!(" of {}", months.unwrap_or("the month"));
    let in_months = months.map(|months| format!(" in {months}")).unwrap_or_default();
    match (dates(cron.days), weekdays(cron.weekdays)) {
        (Some(dates), Some((days, _))) if cron.needs_both => {
            format!(" on {days}, but only on {dates}{of}")
        }
        (Some(dates), Some((days, are_counted))) => {
            let comma = if months.is_some() { "," } else { "" };
            let of = if are_counted { " of the month" } else { "" };
            format!(" on {dates} of the month and on {days}{of}{comma}{in_months}")
        }
        (Some(dates), None) if cron.needs_both => format!(" on {dates}{of}"),
        (None, Some((days, are_counted))) if cron.needs_both => {
            format!(" on {days}{}", if are_counted { of } else { in_months })
        }
        // Where either is enough, and one of them is every day.
        _ => in_months,
    }
}

/// The days of the month; none where all are meant.
fn dates(days: Days) -> Option<String> {
    let dates = members(days.dates);
    if dates.len() == 31 {
        return None;
    }
    let mut told = match steps(&dates) {
        Some((first, step, last)) if step > 1 => {
            let (step, first, last) = (ordinal(step), ordinal(first), ordinal(last));
            vec![format!("every {step} day from the {first} to the {last}")]
        }
        _ => runs(&dates, |date| format!("the {}", ordinal(*date))),
    };
    if days.last_working {
        told.push("the last day from Monday to Friday".to_owned());
    }
    if days.last {
        told.push("the last day".to_owned());
    }
    Some(list(&told))
}

/// The weekdays, and whether the last of them are counted in the month; none where all are meant.
fn weekdays(weekdays: Weekdays) -> Option<(String, bool)> {
    let every = weekdays.nth.iter().fold(ALL_WEEKDAYS, |all, week| all & week);
    let all_counted = weekdays.nth.iter().fold(weekdays.last, |any, week| any | week) & !every;
    let mut told = match every {
        ALL_WEEKDAYS => return None,
        MONDAY_TO_FRIDAY => vec!["weekdays".to_owned()],
        every => names(every).map(|(_, name)| format!("{name}s")).collect(),
    };
    for (day, name) in names(all_counted) {
        let nth = (1..).zip(weekdays.nth).filter(|(_, week)| week >> day & 1 == 1);
        let mut nth: Vec<String> = nth.map(|(n, _)| ordinal(n)).collect();
        if weekdays.last >> day & 1 == 1 {
            nth.push("last".to_owned());
        }
        told.push(format!("the {} {name}", list(&nth)));
    }
    Some((list(&told), all_counted != 0))
}

/// The names of some weekdays, Monday being first.
fn names(weekdays: u8) -> impl Iterator<Item = (usize, &'static str)> {
    let days = [1, 2, 3, 4, 5, 6, 0].into_iter().filter(move |day| weekdays >> day & 1 == 1);
    days.map(|day| (day, WEEKDAYS[day]))
}

/// The months; none where all are meant.
fn months(months: u64) -> Option<String> {
    let months = members(months);
    let name = |month: &u32| MONTHS[(*month as usize - 1) % 12].to_owned();
    (months.len() < 12).then(|| list(&runs(&months, name)))
}

/// The numbers of the bits that are set.
fn members(bits: u64) -> Vec<u32> {
    (0..u64::BITS).filter(|n| bits >> n & 1 == 1).collect()
}

/// The first of some numbers, the step that leads from each to the next, and the last.
fn steps(numbers: &[u32]) -> Option<(u32, u32, u32)> {
    let step = numbers.get(1)? - numbers.first()?;
    let is_even = numbers.windows(2).all(|pair| pair[1] - pair[0] == step);
    (is_even && numbers.len() >= LEAST_STEPS)
        .then(|| (numbers[0], step, numbers[numbers.len() - 1]))
}

/// Numbers by their names, those that follow each other as `a to c`.
fn runs(numbers: &[u32], name: impl Fn(&u32) -> String) -> Vec<String> {
    let chunks = numbers.chunk_by(|a, b| a + 1 == *b);
    let told = chunks.flat_map(|run| match run {
        [first, _, .., last] => vec![format!("{} to {}", name(first), name(last))],
        short => short.iter().map(&name).collect(),
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pairs: &[(&str, &str)]) {
        for (text, words) in pairs {
            assert_eq!(Cron::parse(text).unwrap().words(), *words, "{text}");
        }
    }

    #[test]
    fn a_few_times_of_a_day_are_told_one_by_one() {
        told(&[
            ("0 3 * * 1-5", "at 03:00 on weekdays"),
            ("0 3 * * *", "at 03:00 every day"),
            ("0,30 9,17 * * *", "at 09:00, 09:30, 17:00 and 17:30 every day"),
            ("0 */6 * * *", "at 00:00, 06:00, 12:00 and 18:00 every day"),
            ("5 4 * 6 *", "at 04:05 every day in June"),
        ]);
    }

    #[test]
    fn many_times_are_told_by_hours_and_minutes() {
        told(&[
            ("* * * * *", "every minute"),
            ("*/5 * * * *", "every 5 minutes"),
            ("0-59/5 * * * *", "every 5 minutes"),
            ("*/30 * * * *", "every 30 minutes"),
            ("0 * * * *", "every hour"),
            ("15 * * * *", "at minute 15 of every hour"),
            ("0 */2 * * *", "every 2 hours"),
            ("15 */2 * * *", "every 2 hours from 00:15 to 22:15"),
            ("0 9-17 * * 1-5", "every hour from 09:00 to 17:00 on weekdays"),
            ("*/10 9-17 * * *", "every 10 minutes from 09:00 to 17:59"),
            ("*/5 3 * * *", "every 5 minutes from 03:00 to 03:59"),
            ("*/15 */2 * * *", "every 15 minutes of every 2nd hour from 0 to 22"),
            ("*/7 * * * *", "at every 7th minute from 0 to 56 of every hour"),
            ("1,5-9 * * * *", "at minutes 1 and 5 to 9 of every hour"),
            ("1,5-9 3,4 * * *", "at minutes 1 and 5 to 9 of every hour from 03:00 to 04:59"),
            ("1-9 3 * * *", "at minutes 1 to 9 from 03:00 to 03:59"),
            ("5 1,2,3,9,11,13,20 * * *", "at minute 5 of the hours 1 to 3, 9, 11, 13 and 20"),
            ("* 1,5 * * *", "every minute of the hours 1 and 5"),
        ]);
    }

    #[test]
    fn days_are_told_with_the_months_that_they_are_of() {
        told(&[
            ("0 0 1 * *", "at 00:00 on the 1st of the month"),
            ("0 0 1 1 *", "at 00:00 on the 1st of January"),
            ("0 0 1,15,L * *", "at 00:00 on the 1st, the 15th and the last day of the month"),
            ("0 0 LW 3,6 *", "at 00:00 on the last day from Monday to Friday of March and June"),
            ("0 0 1-7 * *", "at 00:00 on the 1st to the 7th of the month"),
            ("0 0 */2 * *", "at 00:00 on every 2nd day from the 1st to the 31st of the month"),
            ("0 0 * * 0,6", "at 00:00 on Saturdays and Sundays"),
            ("0 0 * 12 7", "at 00:00 on Sundays in December"),
            ("0 0 * * 5L", "at 00:00 on the last Friday of the month"),
            (
                "0 0 * 5 1#1,1#3,5L,3",
                "at 00:00 on Wednesdays, the 1st and 3rd Monday and the last Friday of May",
            ),
        ]);
    }

    #[test]
    fn two_fields_of_days_are_told_as_they_are_combined() {
        told(&[
            ("0 0 13 * 5", "at 00:00 on the 13th of the month and on Fridays"),
            ("0 0 13 2 5", "at 00:00 on the 13th of the month and on Fridays, in February"),
            (
                "0 0 13 * 5#2",
                "at 00:00 on the 13th of the month and on the 2nd Friday of the month",
            ),
            (
                "0 0 */10 * 1",
                "at 00:00 on Mondays, but only on every 10th day from the 1st to the 31st of the month",
            ),
            ("0 0 */20 5 1", "at 00:00 on Mondays, but only on the 1st and the 21st of May"),
            ("0 0 1-31 * 1", "at 00:00 every day"),
            ("0 0 1 * 0-6", "at 00:00 every day"),
            ("0 * 1 2 0-6", "every hour in February"),
        ]);
    }
}
