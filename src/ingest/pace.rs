//! `ping.max_per_minute`: how many pings a check may get, counted in memory per process.

use std::collections::HashMap;

use crate::clock::{SECOND, Timestamp};

const MINUTE: i64 = 60 * SECOND;

/// Counts pings per check and minute.
#[derive(Debug)]
pub(super) struct Pace {
    most: u32,
    minute: i64,
    counts: HashMap<i64, u32>,
}

impl Pace {
    /// Lets `most` pings a minute through; 0: all.
    pub(super) fn new(most: u32) -> Self {
        Self { most, minute: 0, counts: HashMap::new() }
    }

    /// Counts a ping; where it is one too many, the seconds until the next may come.
    pub(super) fn count(&mut self, check_id: i64, at: Timestamp) -> Result<(), u64> {
        if self.most == 0 {
            return Ok(());
        }
        let minute = at.0.div_euclid(MINUTE);
        if minute != self.minute {
            self.minute = minute;
            self.counts.clear();
        }
        let count = self.counts.entry(check_id).or_default();
        *count = count.saturating_add(1);
        if *count <= self.most {
            return Ok(());
        }
        let left = MINUTE - at.0.rem_euclid(MINUTE);
        Err(u64::try_from(left.div_euclid(SECOND) + 1).unwrap_or(60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_ping_of_a_minute_is_too_many_for_two_and_the_next_minute_begins_afresh() {
        let mut pace = Pace::new(2);
        let at = Timestamp(90 * SECOND);
        assert_eq!((pace.count(1, at), pace.count(1, at)), (Ok(()), Ok(())));
        assert_eq!(pace.count(1, at), Err(31));
        assert_eq!(pace.count(2, at), Ok(()));
        assert_eq!(pace.count(1, at.plus_seconds(30)), Ok(()));
    }

    #[test]
    fn without_a_bound_all_pings_go_through() {
        let mut pace = Pace::new(0);
        assert!((0..1000).all(|_| pace.count(1, Timestamp(0)).is_ok()));
    }
}
