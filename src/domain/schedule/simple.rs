//! The simple schedule: a ping at least every so many seconds, counted from the last one.

use super::words;
use crate::clock::{SECOND, Timestamp};

/// The time by which the next ping is expected: `period` seconds after `base`.
#[must_use]
pub fn next_after(base: Timestamp, period: i64) -> Timestamp {
    base.plus_seconds(period)
}

/// The last of `occurrence`, `occurrence + period`, … that is not after `limit`; `occurrence` itself
/// where the next one is.
#[must_use]
pub fn last_up_to(occurrence: Timestamp, period: i64, limit: Timestamp) -> Timestamp {
    let ahead = limit.micros_since(occurrence).max(0);
    let times = ahead.checked_div(period.saturating_mul(SECOND)).unwrap_or(0);
    occurrence.plus_seconds(times.saturating_mul(period))
}

/// In words: `every 5 minutes`, `every 1 day and 12 hours`.
#[must_use]
pub fn words(period: i64) -> String {
    let units = [("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)];
    let mut left = period.max(0);
    let mut parts = Vec::new();
    for (unit, seconds) in units {
        match left / seconds {
            0 => {}
            1 => parts.push(format!("1 {unit}")),
            n => parts.push(format!("{n} {unit}s")),
        }
        left %= seconds;
    }
    match parts.as_slice() {
        [one] if one.starts_with("1 ") => format!("every {}", &one[2..]),
        _ => format!("every {}", words::list(&parts)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_told_in_the_units_that_it_has() {
        assert_eq!(words(60), "every minute");
        assert_eq!(words(300), "every 5 minutes");
        assert_eq!(words(86_400), "every day");
        assert_eq!(words(93_661), "every 1 day, 2 hours, 1 minute and 1 second");
    }

    #[test]
    fn the_last_occurrence_up_to_a_limit_is_a_whole_number_of_periods_away() {
        let at = |seconds: i64| Timestamp(seconds * SECOND);
        assert_eq!(last_up_to(at(100), 60, at(279)), at(220));
        assert_eq!(last_up_to(at(100), 60, at(280)), at(280));
        assert_eq!(last_up_to(at(100), 60, at(50)), at(100));
        assert_eq!(last_up_to(at(100), 0, at(500)), at(100));
    }
}
