//! The times on the wall that an expression matches, with no regard to what the clocks of a zone do.

use super::super::civil::{Date, date_of, length_of_month, number_of, weekday_of};
use super::{Cron, Days, Weekdays};

const MINUTE: i64 = 60;
const MINUTES_OF_DAY: i64 = 1_440;
/// Years after which the calendar repeats itself.
const CYCLE: i32 = 400;

/// The first time on the wall after `wall` that matches: seconds, as in [`super::super::zone`]. None
/// where there is none in 400 years.
pub fn next(cron: &Cron, wall: i64) -> Option<i64> {
    let minute = wall.div_euclid(MINUTE).saturating_add(1);
    let (day, of_day) = (minute.div_euclid(MINUTES_OF_DAY), minute.rem_euclid(MINUTES_OF_DAY));
    let from = date_of(day);
    let (day, of_day) = match time_from(cron, of_day) {
        Some(of_day) if has(days_of(cron, from.year, from.month), from.day) => (day, of_day),
        _ => (day_after(cron, from)?, time_from(cron, 0)?),
    };
    Some((day * MINUTES_OF_DAY + of_day) * MINUTE)
}

/// The first minute of the day that matches, from this one on.
fn time_from(cron: &Cron, of_day: i64) -> Option<i64> {
    let (hour, minute) = (u32::try_from(of_day / 60).ok()?, u32::try_from(of_day % 60).ok()?);
    let rest = cron.minutes >> minute;
    if has(cron.hours, hour) && rest != 0 {
        return Some(of_day + i64::from(rest.trailing_zeros()));
    }
    let later = cron.hours >> (hour + 1);
    let hour = hour + 1 + later.trailing_zeros();
    (later != 0).then(|| i64::from(hour * 60 + cron.minutes.trailing_zeros()))
}

/// The number of the first day after this one that matches.
fn day_after(cron: &Cron, date: Date) -> Option<i64> {
    let Date { mut year, mut month, day } = date;
    let mut days = days_of(cron, year, month) & (u64::MAX << (day + 1));
    let end = year + CYCLE;
    while days == 0 {
        (year, month) = month_after(cron, year, month).filter(|(year, _)| *year <= end)?;
        days = days_of(cron, year, month);
    }
    Some(number_of(Date { year, month, day: days.trailing_zeros() }))
}

/// The first month after this one that has a matching day in some year.
fn month_after(cron: &Cron, year: i32, month: u32) -> Option<(i32, u32)> {
    let later = cron.firing & (u64::MAX << (month + 1));
    match (later, cron.firing) {
        (_, 0) => None,
        (0, all) => Some((year + 1, all.trailing_zeros())),
        (later, _) => Some((year, later.trailing_zeros())),
    }
}

fn has(bits: u64, n: u32) -> bool {
    bits >> n & 1 == 1
}

/// The days of this month that match, as bits 1 to 31.
fn days_of(cron: &Cron, year: i32, month: u32) -> u64 {
    if !has(cron.firing, month) {
        return 0;
    }
    let first = weekday_of(number_of(Date { year, month, day: 1 }));
    days_in(cron, first, length_of_month(year, month))
}

/// The days that match in a month of so many days, which begins with this weekday.
fn days_in(cron: &Cron, first: u32, length: u32) -> u64 {
    let (by_date, by_weekday) = (cron.days.of(first, length), cron.weekdays.of(first, length));
    if cron.needs_both { by_date & by_weekday } else { by_date | by_weekday }
}

/// The months that have a matching day in any year, as bits 1 to 12: every month of every length
/// begins on every weekday at times, February of leap years included.
pub fn firing_months(cron: &Cron) -> u64 {
    let fires = |month: &u32| {
        let years = [2023, 2024].map(|year| length_of_month(year, *month));
        let mut kinds =
            years.into_iter().flat_map(|length| (0..7).map(move |first| (first, length)));
        kinds.any(|(first, length)| days_in(cron, first, length) != 0)
    };
    let months = (1..=12_u32).filter(|month| has(cron.months, *month));
    months.filter(fires).fold(0, |bits, month| bits | 1 << month)
}

/// Bits 1 to `length`.
fn all_days(length: u32) -> u64 {
    (2 << length) - 2
}

impl Days {
    fn of(self, first: u32, length: u32) -> u64 {
        let mut days = self.dates & all_days(length);
        if self.last {
            days |= 1 << length;
        }
        if self.last_working {
            let weekend = match (first + length - 1) % 7 {
                6 => 1,
                0 => 2,
                _ => 0,
            };
            days |= 1 << (length - weekend);
        }
        days
    }
}

impl Weekdays {
    fn of(self, first: u32, length: u32) -> u64 {
        let weeks = self.nth.iter().rev().fold(0, |days, week| days << 7 | week_from(*week, first));
        let last = week_from(self.last, (first + length) % 7) << (length - 7);
        (weeks | last) << 1 & all_days(length)
    }
}

/// Weekdays as the days of a week that begins with `first`: bit 0 is its first day.
fn week_from(weekdays: u8, first: u32) -> u64 {
    let twice = u64::from(weekdays) << 7 | u64::from(weekdays);
    twice >> first & 0x7f
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The dates on which an expression matches in some months, month by month.
    fn dates(text: &str, year: i32, months: std::ops::RangeInclusive<u32>) -> String {
        let cron = Cron::parse(&format!("0 0 {text}")).unwrap();
        let months = months.map(|month| {
            let days = days_of(&cron, year, month);
            let days = (0..64).filter(|day| has(days, *day)).map(|day| day.to_string());
            days.collect::<Vec<_>>().join(" ")
        });
        months.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn either_day_is_enough_unless_a_field_of_them_begins_with_a_star() {
        // 2026-02-01 is a Sunday.
        assert_eq!(dates("10,13 * 5", 2026, 2..=2), "6 10 13 20 27");
        assert_eq!(dates("*/2 * 1", 2026, 2..=2), "9 23", "Mondays on odd days");
        assert_eq!(dates("10,13 * */5", 2026, 2..=2), "13");
        assert_eq!(dates("*,5 * 1", 2026, 2..=2), "2 9 16 23");
        assert_eq!(dates("28-31 * *", 2026, 2..=2), "28");
        assert_eq!(dates("* * 1", 2026, 2..=2), "2 9 16 23");
        let all = (1..=28).map(|day| day.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(dates("5,* * 1", 2026, 2..=2), all, "a star further on is only a number");
    }

    #[test]
    fn last_days_are_those_of_each_month() {
        assert_eq!(dates("L * *", 2026, 1..=4), "31; 28; 31; 30");
        assert_eq!(dates("L * *", 2028, 2..=2), "29");
        // These months end on a Saturday, a Saturday, a Tuesday, a Thursday and a Sunday.
        assert_eq!(dates("LW * *", 2026, 1..=5), "30; 27; 31; 30; 29");
        assert_eq!(dates("* * 6L", 2026, 1..=3), "31; 28; 28");
        assert_eq!(dates("* * 0L,7L", 2026, 1..=3), "25; 22; 29");
    }

    #[test]
    fn weekdays_are_counted_from_the_month_s_first() {
        assert_eq!(dates("* * 0#1,6#2,4#5", 2026, 1..=2), "4 10 29; 1 14");
        assert_eq!(dates("* * 1#1,1#2,1#3,1#4,1#5", 2026, 1..=2), dates("* * 1", 2026, 1..=2));
    }

    /// Day by day, by the words of the rules.
    fn matches(cron: &Cron, day: i64) -> bool {
        let Date { year, month, day: date } = date_of(day);
        let (length, weekday) = (length_of_month(year, month), weekday_of(day));
        let is_working =
            |date: u32| !matches!(weekday_of(number_of(Date { year, month, day: date })), 0 | 6);
        let last_working = (1..=length).rev().find(|date| is_working(*date));
        let by_date = has(cron.days.dates, date)
            || cron.days.last && date == length
            || cron.days.last_working && last_working == Some(date);
        let nth = usize::try_from((date - 1) / 7).unwrap();
        let by_weekday = has(cron.weekdays.nth[nth].into(), weekday)
            || has(cron.weekdays.last.into(), weekday) && date + 7 > length;
        let is_day = if cron.needs_both { by_date && by_weekday } else { by_date || by_weekday };
        is_day && has(cron.months, month)
    }

    proptest! {
        #[test]
        fn the_next_day_is_the_first_that_matches(
            day in "\\*(/[2-9])?|L|LW|[1-3],1[0-9]|2[0-9]|30,LW|31,L",
            month in "\\*|2|4,6|[1-9]|1[0-2]",
            weekday in "\\*(/[2-7])?|[0-7]L|[0-7]#[1-5]|[0-3],[4-6]#5|[1-3]-[4-7]",
            from in -1_000_000..1_000_000_i64,
        ) {
            let cron = Cron::parse(&format!("0 0 {day} {month} {weekday}")).unwrap();
            // Beyond these, the next may be decades away.
            let expected = (from + 1..from + 1000).find(|day| matches(&cron, *day));
            let found = next(&cron, from * 86_400);
            if let Some(expected) = expected {
                prop_assert_eq!(found, Some(expected * 86_400));
            } else {
                prop_assert!(found.is_none_or(|found| found >= (from + 1000) * 86_400));
                prop_assert!(found.is_none_or(|found| matches(&cron, found / 86_400)));
                prop_assert_eq!(found.is_none(), cron.firing == 0);
            }
        }

        #[test]
        fn the_next_time_is_the_first_that_matches(
            minute in "[0-5][0-9]|\\*/[1-9]|[0-9]-1[0-9]|59,0",
            hour in "1?[0-9]|2[0-3]|\\*(/[2-9])?|23,0",
            from in 0..3 * 86_400_i64,
        ) {
            let cron = Cron::parse(&format!("{minute} {hour} * * *")).unwrap();
            let is_time = |wall: &i64| {
                wall % 60 == 0
                    && cron.minutes >> (wall / 60 % 60) & 1 == 1
                    && cron.hours >> (wall / 3600 % 24) & 1 == 1
            };
            prop_assert_eq!(next(&cron, from), (from + 1..from + 90_000).find(is_time));
        }
    }
}
