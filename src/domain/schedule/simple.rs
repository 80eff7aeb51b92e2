//! The simple schedule: a ping at least every so many seconds, counted from the last one.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_occurrence_up_to_a_limit_is_a_whole_number_of_periods_away() {
        let at = |seconds: i64| Timestamp(seconds * SECOND);
        assert_eq!(last_up_to(at(100), 60, at(279)), at(220));
        assert_eq!(last_up_to(at(100), 60, at(280)), at(280));
        assert_eq!(last_up_to(at(100), 60, at(50)), at(100));
        assert_eq!(last_up_to(at(100), 0, at(500)), at(100));
    }
}
