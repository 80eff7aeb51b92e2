//! The sums that are kept for good of a check's past, day by day in UTC: pings by kind, timed runs,
//! the time it was up and down. Retention collects here what it takes away; whatever the steps in
//! which it does, the sums come out the same.

use std::collections::BTreeMap;

use super::check::Status;
use super::ping::PingKind;
use crate::clock::{SECOND, Timestamp};

/// Microseconds in a day.
pub const DAY: i64 = 86_400 * SECOND;

/// The day of a moment, counted from the epoch in UTC.
#[must_use]
pub fn day_of(at: Timestamp) -> i64 {
    at.0.div_euclid(DAY)
}

/// What happened to a check on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Pings by kind, in the order of [`PingKind::ALL`].
    pub pings: [i64; 5],
    /// Runs that finished and were timed.
    pub runs: i64,
    /// How long they took together, in microseconds.
    pub run_total: i64,
    /// How long the longest took, in microseconds.
    pub run_max: i64,
    /// Microseconds for which the check was up, late or not.
    pub up_time: i64,
    /// Microseconds for which it was down.
    pub down_time: i64,
    /// How often it went down.
    pub downs: i64,
    /// 1: it was down already when the day began.
    pub down_before: i64,
}

/// Sums by check and day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Days(BTreeMap<(i64, i64), Sums>);

impl Days {
    fn on(&mut self, check_id: i64, day: i64) -> &mut Sums {
        self.0.entry((check_id, day)).or_default()
    }

    /// Adds a ping.
    pub fn add_ping(&mut self, check_id: i64, at: Timestamp, kind: PingKind) {
        let place = PingKind::ALL.iter().position(|each| *each == kind).unwrap_or(0);
        self.on(check_id, day_of(at)).pings[place] += 1;
    }

    /// Adds a run that took so many microseconds.
    pub fn add_run(&mut self, check_id: i64, finished_at: Timestamp, duration: i64) {
        let sums = self.on(check_id, day_of(finished_at));
        sums.runs += 1;
        sums.run_total += duration;
        sums.run_max = sums.run_max.max(duration);
    }

    /// Adds the time from a flip to the next one. Only the time up or down counts; where the clock
    /// was set back between the two there is none of it.
    pub fn add_status(&mut self, check_id: i64, to: Status, from: Timestamp, until: Timestamp) {
        if !matches!(to, Status::Up | Status::Down) {
            return;
        }
        let mut begin = from.0;
        let mut first = true;
        while first || begin < until.0 {
            let day = day_of(Timestamp(begin));
            let end = until.0.min((day + 1) * DAY);
            let time = (end - begin).max(0);
            let sums = self.on(check_id, day);
            if to == Status::Up {
                sums.up_time += time;
            } else {
                sums.down_time += time;
                sums.downs += i64::from(first);
                sums.down_before += i64::from(!first);
            }
            (begin, first) = (end, false);
        }
    }

    /// How many rows these sums are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing to add.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each check, day and their sums, in that order.
    pub fn iter(&self) -> impl Iterator<Item = (i64, i64, &Sums)> {
        self.0.iter().map(|((check_id, day), sums)| (*check_id, *day, sums))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn days(days: &Days) -> Vec<(i64, Sums)> {
        days.iter().map(|(_, day, sums)| (day, *sums)).collect()
    }

    #[test]
    fn pings_and_runs_count_for_the_day_of_their_end() {
        let mut all = Days::default();
        all.add_ping(1, Timestamp(DAY - 1), PingKind::Fail);
        all.add_ping(1, Timestamp(DAY), PingKind::Fail);
        all.add_run(1, Timestamp(DAY), 5);
        all.add_run(1, Timestamp(DAY + 1), 3);
        let first = Sums { pings: [0, 0, 1, 0, 0], ..Sums::default() };
        assert_eq!(
            days(&all),
            [(0, first), (1, Sums { runs: 2, run_total: 8, run_max: 5, ..first })]
        );
    }

    #[test]
    fn a_downtime_over_midnight_begins_once_and_goes_on() {
        let mut all = Days::default();
        all.add_status(1, Status::Down, Timestamp(DAY - 7), Timestamp(2 * DAY + 1));
        let down =
            |down_time, downs| Sums { down_time, downs, down_before: 1 - downs, ..Sums::default() };
        assert_eq!(days(&all), [(0, down(7, 1)), (1, down(DAY, 0)), (2, down(1, 0))]);
    }

    #[test]
    fn a_downtime_that_ends_at_midnight_leaves_nothing_on_the_next_day() {
        let mut all = Days::default();
        all.add_status(1, Status::Down, Timestamp(0), Timestamp(DAY));
        assert_eq!(all.len(), 1);
        all.add_status(1, Status::Up, Timestamp(DAY), Timestamp(DAY));
        assert_eq!(days(&all)[1], (1, Sums::default()));
    }

    #[test]
    fn a_clock_that_was_set_back_takes_no_time_away() {
        let mut all = Days::default();
        all.add_status(1, Status::Down, Timestamp(9), Timestamp(4));
        assert_eq!(days(&all), [(0, Sums { downs: 1, ..Sums::default() })]);
    }

    #[test]
    fn time_that_is_new_or_paused_is_not_observed() {
        let mut all = Days::default();
        all.add_status(1, Status::New, Timestamp(0), Timestamp(DAY));
        all.add_status(1, Status::Paused, Timestamp(0), Timestamp(DAY));
        assert!(all.is_empty());
    }

    proptest! {
        #[test]
        fn no_moment_is_lost_or_counted_twice_between_the_days(from in 0..5 * DAY, length in 0..20 * DAY) {
            let mut all = Days::default();
            let (from, until) = (Timestamp(from), Timestamp(from + length));
            all.add_status(1, Status::Down, from, until);
            let sum = |of: fn(&Sums) -> i64| all.iter().map(|(_, _, sums)| of(sums)).sum::<i64>();
            prop_assert_eq!(sum(|sums| sums.down_time), length);
            prop_assert_eq!(sum(|sums| sums.downs), 1);
            let nights = day_of(Timestamp(until.0 - 1)).max(day_of(from)) - day_of(from);
            prop_assert_eq!(sum(|sums| sums.down_before), nights);
            prop_assert!(all.iter().all(|(_, _, sums)| sums.down_time <= DAY));
        }
    }
}
