//! Time zones: what a clock on the wall shows at a moment, and at which moments it shows a time. The
//! rules of all zones are built in (`chrono-tz`, which is the IANA database).
//!
//! The time on a wall is a number here: the seconds from 1970-01-01 00:00 to it, all days having
//! 86,400 of them.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::LazyLock;

use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeZone};
use chrono_tz::GapInfo;
pub use chrono_tz::Tz;

/// The zones that took the place of those with old names, by the old names. Every ping of a check
/// with a time zone looks here.
static RENAMED: LazyLock<HashMap<&str, Tz>> = LazyLock::new(|| {
    let pairs = NAMES.lines().filter_map(|line| line.split_once(' '));
    pairs.filter_map(|(old, current)| Some((old, Tz::from_str(current).ok()?))).collect()
});

/// Old names and those that took their place, in order of the old names.
const NAMES: &str = include_str!("renamed_zones.txt");

/// The zone of an IANA name; for one of its old names (`Asia/Calcutta`) that of the current one.
/// None where there is no such zone. Letters count as they are.
#[must_use]
pub fn parse(name: &str) -> Option<Tz> {
    RENAMED.get(name).copied().or_else(|| Tz::from_str(name).ok())
}

/// Seconds by which the clocks of the zone are ahead of UTC at a moment, which is given in seconds
/// since the epoch.
#[must_use]
pub fn offset_at(zone: Tz, moment: i64) -> i64 {
    i64::from(zone.offset_from_utc_datetime(&naive(moment)).fix().local_minus_utc())
}

/// What the clocks of the zone show at a moment.
#[must_use]
pub fn wall_at(zone: Tz, moment: i64) -> i64 {
    moment.saturating_add(offset_at(zone, moment))
}

/// When clocks show a time: moments in seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// At one moment, as nearly always.
    Once(i64),
    /// At two moments, the clocks being set back in between.
    Twice(i64, i64),
    /// Never: the clocks are set forward over it, at this moment.
    Never(i64),
}

/// When the clocks of the zone show this time.
#[must_use]
pub fn shown(zone: Tz, wall: i64) -> Shown {
    let naive = naive(wall);
    match zone.offset_from_local_datetime(&naive) {
        LocalResult::Single(offset) => Shown::Once(wall - seconds(&offset)),
        LocalResult::Ambiguous(first, second) => {
            Shown::Twice(wall - seconds(&first), wall - seconds(&second))
        }
        LocalResult::None => {
            let end = GapInfo::new(&naive, &zone).and_then(|gap| gap.end);
            Shown::Never(end.map_or_else(|| wall - offset_at(zone, wall), |end| end.timestamp()))
        }
    }
}

fn seconds(offset: &impl Offset) -> i64 {
    i64::from(offset.fix().local_minus_utc())
}

/// The epoch where it is out of `chrono`'s range of a quarter of a million years.
fn naive(seconds: i64) -> NaiveDateTime {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default().naive_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<crate::clock::Timestamp>().unwrap().epoch_seconds()
    }

    /// A time on the wall, and when it is shown.
    fn when(zone: &str, wall: &str) -> Shown {
        shown(parse(zone).unwrap(), at(&format!("{wall}Z")))
    }

    #[test]
    fn old_names_give_the_current_zone_and_names_in_use_stay() {
        for (name, current) in [
            ("Asia/Calcutta", "Asia/Kolkata"),
            ("US/Eastern", "America/New_York"),
            ("Europe/Kiev", "Europe/Kyiv"),
            ("Iceland", "Atlantic/Reykjavik"),
            ("Zulu", "Etc/UTC"),
            ("Europe/Amsterdam", "Europe/Amsterdam"),
            ("Europe/Oslo", "Europe/Oslo"),
            ("UTC", "UTC"),
            ("GMT", "GMT"),
            ("Etc/GMT+5", "Etc/GMT+5"),
        ] {
            assert_eq!(parse(name).map(Tz::name), Some(current), "{name}");
        }
        for none in ["", "europe/berlin", "Mars/Olympus", "CEST", "+02:00", "#"] {
            assert_eq!(parse(none), None, "{none}");
        }
    }

    #[test]
    fn every_old_name_and_its_successor_are_zones_with_the_same_clocks() {
        let pairs = NAMES.lines().filter(|line| !line.starts_with('#'));
        let pairs: Vec<_> = pairs.map(|line| line.split_once(' ').unwrap()).collect();
        assert!(pairs.len() > 100);
        for (old, current) in pairs {
            let (before, after) = (Tz::from_str(old).unwrap(), Tz::from_str(current).unwrap());
            assert_eq!(parse(current), Some(after), "{current} is itself an old name");
            for month in 0..12 * 16 {
                let moment = at("2024-01-01T00:00:00Z") + month * 2_629_746;
                assert_eq!(offset_at(before, moment), offset_at(after, moment), "{old}");
            }
        }
    }

    #[test]
    fn a_time_is_shown_once_twice_or_never() {
        let once = Shown::Once(at("2026-03-29T00:59:59Z"));
        assert_eq!(when("Europe/Berlin", "2026-03-29T01:59:59"), once);
        let gap = Shown::Never(at("2026-03-29T01:00:00Z"));
        assert_eq!(when("Europe/Berlin", "2026-03-29T02:00:00"), gap);
        assert_eq!(when("Europe/Berlin", "2026-03-29T02:59:59"), gap);
        let twice = Shown::Twice(at("2026-10-25T00:30:00Z"), at("2026-10-25T01:30:00Z"));
        assert_eq!(when("Europe/Berlin", "2026-10-25T02:30:00"), twice);
    }

    #[test]
    fn odd_zones_are_shown_as_they_are() {
        // Lord Howe's summer time is half an hour.
        let gap = Shown::Never(at("2026-10-03T15:30:00Z"));
        assert_eq!(when("Australia/Lord_Howe", "2026-10-04T02:15:00"), gap);
        // Samoa left out a whole day.
        let gap = Shown::Never(at("2011-12-30T10:00:00Z"));
        assert_eq!(when("Pacific/Apia", "2011-12-30T12:00:00"), gap);
        // Troll goes by two hours.
        let gap = Shown::Never(at("2026-03-29T01:00:00Z"));
        assert_eq!(when("Antarctica/Troll", "2026-03-29T02:30:00"), gap);
        // Morocco's clocks go back for Ramadan.
        let twice = Shown::Twice(at("2026-02-15T01:30:00Z"), at("2026-02-15T02:30:00Z"));
        assert_eq!(when("Africa/Casablanca", "2026-02-15T02:30:00"), twice);
        let kathmandu = Shown::Once(at("2026-01-01T00:00:00Z"));
        assert_eq!(when("Asia/Kathmandu", "2026-01-01T05:45:00"), kathmandu);
    }

    #[test]
    fn times_out_of_any_range_do_no_harm() {
        for far in [i64::MIN, i64::MAX, 10_000_000_000_000, -10_000_000_000_000] {
            let _ = (shown(Tz::Europe__Berlin, far / 2), offset_at(Tz::Europe__Berlin, far));
        }
    }
}
