//! An expression as sets of what each of its parts allows.

use super::sets::{Set, Years};
use super::values::Span;
use crate::domain::schedule::zone::Tz;

/// One calendar expression: it fires at every moment that all of its parts allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    /// 0 is Sunday.
    pub weekdays: Set,
    /// Years.
    pub years: Years,
    /// 1 to 12.
    pub months: Set,
    /// Days of the month.
    pub days: Days,
    /// The day of January that the search goes on from once it ran out of December: 1 but for
    /// repetitions that go beyond the 31st.
    pub january: u32,
    /// 0 to 23.
    pub hours: Steps,
    /// 0 to 59.
    pub minutes: Steps,
    /// Seconds.
    pub seconds: Seconds,
    /// The zone that the expression names.
    pub zone: Option<Tz>,
}

/// Days of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Days {
    /// 1 is the first.
    FromStart(Set),
    /// 1 is the last, 2 the one before it.
    FromEnd(Set),
}

/// Hours of a day, or minutes of an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// Those that are allowed.
    pub set: Set,
    /// How far the repetition that is the first beyond the end reaches into the next day, or hour; 0
    /// where none does.
    pub rest: u32,
}

/// Seconds of a minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seconds {
    /// Those that are allowed.
    pub allowed: Allowed,
    /// How far the repetition that is the first beyond the end reaches into the next minute, in
    /// microseconds; 0 where none does.
    pub rest: u32,
}

/// Seconds that are allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// 0 to 59, as nearly always.
    Whole(Set),
    /// In microseconds.
    Parts(Vec<Span>),
}

/// All weekdays.
pub const ALL_WEEKDAYS: Set = Set(0x7f);

impl Seconds {
    /// The microsecond of the minute that is the first allowed and not before `from`.
    #[must_use]
    pub fn at_or_after(&self, from: u32) -> Option<u32> {
        match &self.allowed {
            Allowed::Whole(set) => set.at_or_after(from.div_ceil(MICROS)).map(|n| n * MICROS),
            Allowed::Parts(spans) => spans.iter().filter_map(|span| span.at_or_after(from)).min(),
        }
    }
}

/// Microseconds in a second.
pub const MICROS: u32 = 1_000_000;
