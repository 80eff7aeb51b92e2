//! What is to come of a schedule: its next occurrences.

use super::Schedule;
use crate::clock::Timestamp;

/// The first `count` expected times strictly after `from`. `first` is what is expected next, where
/// the schedule counts from something that happened; else it counts from `from`. Fewer, or none, where
/// it does not fire so often again or would do so after `end`.
#[must_use]
pub fn occurrences(
    schedule: &Schedule,
    first: Option<Timestamp>,
    from: Timestamp,
    count: usize,
    end: Timestamp,
) -> Vec<Timestamp> {
    let base = first.map_or(from, |first| schedule.done_up_to(first, from));
    let first = first.filter(|first| *first > from).or_else(|| schedule.next_after(base));
    // Nothing follows an occurrence that is not after the one before it: no schedule does that, and
    // a walk must not stand still.
    let next = |at: &Timestamp| schedule.next_after(*at).filter(|next| next > at);
    let first = first.filter(|first| *first > from);
    std::iter::successors(first, next).take_while(|at| *at <= end).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SECOND;
    use proptest::prelude::*;

    const END: Timestamp = Timestamp(i64::MAX / 2);

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * SECOND)
    }

    fn every(period: i64, base: Option<i64>, from: i64, count: usize) -> Vec<i64> {
        let schedule = Schedule::Simple { period };
        let first = base.map(|base| schedule.next_after(at(base)).unwrap());
        let list = occurrences(&schedule, first, at(from), count, END);
        list.into_iter().map(Timestamp::epoch_seconds).collect()
    }

    #[test]
    fn without_a_base_the_first_is_a_period_after_from() {
        assert_eq!(every(60, None, 1000, 3), [1060, 1120, 1180]);
    }

    #[test]
    fn with_a_base_they_are_whole_periods_after_it_and_strictly_after_from() {
        assert_eq!(every(60, Some(1000), 1010, 2), [1060, 1120]);
        assert_eq!(every(60, Some(1000), 1059, 1), [1060]);
        assert_eq!(every(60, Some(1000), 1060, 2), [1120, 1180]);
        assert_eq!(every(60, Some(1000), 9999, 1), [10_000]);
        assert_eq!(every(60, Some(1000), 10, 1), [1060], "none before the base");
    }

    #[test]
    fn none_is_after_the_end() {
        let schedule = Schedule::Simple { period: 60 };
        assert_eq!(occurrences(&schedule, None, at(0), 10, at(125)), [at(60), at(120)]);
        assert!(occurrences(&schedule, None, Timestamp(i64::MAX), 10, END).is_empty());
        assert!(occurrences(&Schedule::Simple { period: 0 }, None, at(0), 10, END).is_empty());
    }

    proptest! {
        #[test]
        fn the_first_is_the_earliest_after_from(period in 1..100_000_i64, base in 0..1_000_000_i64, from in 0..9_000_000_i64) {
            let first = every(period, Some(base), from, 1)[0];
            prop_assert!(first > from && (first - base) % period == 0 && first > base);
            prop_assert!(first - period <= from || first - period == base);
        }
    }
}
