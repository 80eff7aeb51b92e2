//! Maintenance windows: times during which no alert goes out (`alerting.md`, "Notifications"). What
//! is kept back is written down with its reason, and looked at again when the window ends.

use crate::clock::{SECOND, Timestamp};

/// The earliest and the latest moment that a window may name: those that are written with a year of
/// four digits and lie behind the epoch.
const RANGE: std::ops::RangeInclusive<i64> = 0..=253_402_300_799 * SECOND;

/// Whether a moment can be the start or the end of a window.
#[must_use]
pub fn is_in_range(at: Timestamp) -> bool {
    RANGE.contains(&at.0)
}

/// What covers a check at some moment: one window, or several as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    /// The title of the window that ends last.
    pub title: String,
    /// When the first of them began.
    pub since: Timestamp,
    /// When the last of them ends, which the cover reaches up to and not beyond.
    pub until: Timestamp,
}

impl Cover {
    /// This cover and another one of the same check as one.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let since = self.since.min(other.since);
        let last = if other.until > self.until { other } else { self };
        Self { since, ..last }
    }

    /// Why a notification is kept back, as its `last_error` shows it.
    #[must_use]
    pub fn reason(&self) -> String {
        if self.title.is_empty() {
            "maintenance".to_owned()
        } else {
            format!("maintenance: {}", self.title)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cover(title: &str, since: i64, until: i64) -> Cover {
        Cover { title: title.to_owned(), since: Timestamp(since), until: Timestamp(until) }
    }

    #[test]
    fn several_windows_are_one_from_the_first_start_to_the_last_end() {
        let (early, late) = (cover("early", 1, 5), cover("late", 3, 9));
        assert_eq!(early.clone().with(late.clone()), cover("late", 1, 9));
        assert_eq!(late.with(early), cover("late", 1, 9));
        assert_eq!(cover("a", 2, 5).with(cover("b", 1, 5)), cover("a", 1, 5));
    }

    #[test]
    fn a_reason_names_the_window_where_it_has_a_title() {
        assert_eq!(cover("new disks", 0, 1).reason(), "maintenance: new disks");
        assert_eq!(cover("", 0, 1).reason(), "maintenance");
    }

    #[test]
    fn times_are_those_with_a_year_of_four_digits() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert!(is_in_range(at("1970-01-01T00:00:00Z")));
        assert!(is_in_range(at("9999-12-31T23:59:59Z")));
        assert!(!is_in_range(at("9999-12-31T23:59:59-01:00")));
        assert!(!is_in_range(at("1969-12-31T23:59:59Z")));
    }
}
