//! What a look at the host of a job says of a ping that is missing: whether the host is down, or up
//! and only the job silent.

use super::super::text_enum;
use super::verdict::Seen;
use crate::clock::SECOND;

/// An alert waits so many microseconds at most for the look at its host.
pub const LONGEST_WAIT: i64 = 15 * SECOND;

text_enum! {
    /// How the host of a job is.
    Host {
        /// It answers as it should: the job alone is silent.
        Up => "up",
        /// It does not.
        Down => "down",
        /// This server could not tell.
        Unknown => "unknown",
    }
}

impl From<Seen> for Host {
    fn from(seen: Seen) -> Self {
        match seen {
            Seen::Good => Self::Up,
            Seen::Bad => Self::Down,
            Seen::Nothing => Self::Unknown,
        }
    }
}
