//! When the next ping is expected. One file a kind of schedule; all of them answer one question:
//! given the moment a check counts from, when is the next occurrence?

pub mod civil;
pub mod cron;
pub mod oncalendar;
pub mod preview;
pub mod simple;
pub mod words;
pub mod zone;

use crate::clock::Timestamp;

/// The schedule of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// A ping at least every so many seconds.
    Simple {
        /// Seconds between two pings.
        period: i64,
    },
}

impl Schedule {
    /// The next time a ping is expected after `base`; none where the schedule never fires again.
    #[must_use]
    pub fn next_after(&self, base: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Simple { period } => Some(simple::next_after(base, *period)),
        }
    }

    /// The last of the occurrences from `occurrence` on that is not after `limit`; `occurrence`
    /// itself where the next one is after it.
    #[must_use]
    pub fn last_up_to(&self, occurrence: Timestamp, limit: Timestamp) -> Timestamp {
        match self {
            Self::Simple { period } => simple::last_up_to(occurrence, *period, limit),
        }
    }

    /// The name of the kind, as the management API spells it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Simple { .. } => "simple",
        }
    }
}
