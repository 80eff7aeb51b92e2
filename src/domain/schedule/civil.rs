//! The calendar as numbers: days are counted from 1970-01-01, in the Gregorian calendar whatever the
//! year.

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// The year, which may be 0 or negative.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
}

/// Days in 400 years, after which the calendar repeats itself, weekdays included.
const CYCLE: i64 = 146_097;

/// The number of a day; of one that its month does not have, that of the day so many later.
#[must_use]
pub fn number_of(date: Date) -> i64 {
    // Years begin in March here, so that the leap day is the last of its year.
    let year = i64::from(date.year) - i64::from(date.month <= 2);
    let (cycle, of_cycle) = (year.div_euclid(400), year.rem_euclid(400));
    let month = (i64::from(date.month) + 9) % 12;
    let of_year = (153 * month + 2) / 5 + i64::from(date.day) - 1;
    let days = of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year;
    // 1970-01-01 is day 719,468 from 0000-03-01.
    cycle * CYCLE + days - 719_468
}

/// The day of a number.
#[must_use]
pub fn date_of(number: i64) -> Date {
    let days = number + 719_468;
    let (cycle, of_cycle) = (days.div_euclid(CYCLE), days.rem_euclid(CYCLE));
    let leaps = of_cycle / 1_460 - of_cycle / 36_524 + of_cycle / 146_096;
    let year = (of_cycle - leaps) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + cycle * 400 + i64::from(month <= 2);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "years of days that \
            are given in seconds fit into 32 bits as long as those do into 56; the others are small"
    )]
    Date { year: year as i32, month: month as u32, day: day as u32 }
}

/// The weekday of a day: 0 is Sunday.
#[must_use]
pub fn weekday_of(number: i64) -> u32 {
    // 1970-01-01 was a Thursday.
    u32::try_from((number + 4).rem_euclid(7)).unwrap_or(0)
}

/// How many days a month has.
#[must_use]
pub fn length_of_month(year: i32, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Datelike, NaiveDate};

    #[test]
    fn every_day_of_1600_years_is_the_one_that_chrono_knows() {
        let mut day = NaiveDate::from_ymd_opt(1000, 1, 1).unwrap();
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        let mut number = day.signed_duration_since(epoch).num_days();
        while day.year() < 2600 {
            let date = Date { year: day.year(), month: day.month(), day: day.day() };
            assert_eq!((number_of(date), date_of(number)), (number, date));
            assert_eq!(weekday_of(number), day.weekday().num_days_from_sunday());
            let tomorrow = day.succ_opt().unwrap();
            let is_last = tomorrow.month() != day.month();
            assert_eq!(length_of_month(date.year, date.month) == date.day, is_last, "{day}");
            (day, number) = (tomorrow, number + 1);
        }
    }
}
