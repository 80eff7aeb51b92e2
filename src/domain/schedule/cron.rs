//! Cron expressions, as Debian's cron understands them, and the last days (`L`, `LW`, `5L`) and
//! counted weekdays (`5#2`) that other crons know. Why this is our own is told in ARCHITECTURE.md.
//!
//! An expression becomes sets of numbers, kept as bits, and from then on is only asked two things:
//! the next time on the wall that is in all of them (`times`), and when the clocks of a zone show
//! that (`next`).

mod next;
mod parse;
mod times;
mod words;

use super::zone::Tz;
use crate::clock::Timestamp;

/// A cron expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cron {
    /// Bits 0 to 59.
    minutes: u64,
    /// Bits 0 to 23.
    hours: u64,
    days: Days,
    weekdays: Weekdays,
    /// Bits 1 to 12.
    months: u64,
    /// Those of the months that have a matching day in any year: none where it never fires.
    firing: u64,
    /// Whether a day must match both the day of the month and the weekday, since one of these
    /// fields begins with `*`. Otherwise either is enough.
    needs_both: bool,
    /// Whether the minute or the hour field begins with `*`, so that it follows the real clock
    /// where clocks are set forward or back.
    follows_clock: bool,
}

/// Days of a month by their date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Days {
    /// Bits 1 to 31.
    dates: u64,
    /// `L`: the last day.
    last: bool,
    /// `LW`: the last day from Monday to Friday.
    last_working: bool,
}

/// Days of a month by their weekday. Bit 0 is Sunday.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Weekdays {
    /// The weekdays that match as the first, second, … fifth of their kind in the month. Those that
    /// are not counted are in all five.
    nth: [u8; 5],
    /// `5L`: those that match as the last of their kind.
    last: u8,
}

/// An expression that knows no last days and counts no weekdays, as sets of numbers, kept as bits:
/// what any scheduler can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain {
    /// Bits 0 to 59.
    pub minutes: u64,
    /// Bits 0 to 23.
    pub hours: u64,
    /// Days of the month, bits 1 to 31.
    pub dates: u64,
    /// Bits 1 to 12.
    pub months: u64,
    /// Bits 0 to 6; 0 is Sunday.
    pub weekdays: u64,
    /// Whether a day must be in both `dates` and `weekdays`. Otherwise either is enough.
    pub needs_both: bool,
}

impl Cron {
    /// Reads an expression: five fields, or a name such as `@daily`.
    ///
    /// # Errors
    /// Which field is wrong and what is allowed: `minute: 61 is not within 0–59`.
    pub fn parse(text: &str) -> Result<Self, String> {
        parse::expression(text)
    }

    /// The five fields of an expression as they are written (minute, hour, day of month, month, day of
    /// week), those of a name such as `@daily` included. What is in them is not looked at.
    ///
    /// # Errors
    /// There are not five, or nothing has this name.
    pub fn fields(text: &str) -> Result<[&str; 5], String> {
        parse::fields(text)
    }

    /// The expression as sets of numbers; none where `L`, `LW`, `5L` or `5#2` stand in it.
    #[must_use]
    pub fn plain(&self) -> Option<Plain> {
        let Self { minutes, hours, days, weekdays, months, needs_both, .. } = *self;
        let [first, rest @ ..] = weekdays.nth;
        let is_counted = weekdays.last != 0 || rest.iter().any(|week| *week != first);
        let is_plain = !days.last && !days.last_working && !is_counted;
        let (dates, weekdays) = (days.dates, u64::from(first));
        is_plain.then_some(Plain { minutes, hours, dates, months, weekdays, needs_both })
    }

    /// The first occurrence strictly after `after`, in this zone; none where it never fires again.
    ///
    /// Where neither the minute nor the hour field begins with `*`, an occurrence in a time that
    /// the clocks skip happens right after the gap, and one in a time that they show twice happens
    /// the first time. Otherwise it happens whenever the clocks show it (`alerting.md`).
    #[must_use]
    pub fn next_after(&self, after: Timestamp, zone: Tz) -> Option<Timestamp> {
        next::after(self, after, zone)
    }

    /// The expression in words, without the zone: `at 03:00 on weekdays`.
    #[must_use]
    pub fn words(&self) -> String {
        words::of(self)
    }
}
