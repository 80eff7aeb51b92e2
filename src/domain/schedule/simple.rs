//! The simple schedule: a ping at least every so many seconds, counted from the last one.

use crate::clock::Timestamp;

/// The time by which the next ping is expected: `period` seconds after `base`.
#[must_use]
pub fn next_after(base: Timestamp, period: i64) -> Timestamp {
    base.plus_seconds(period)
}
