use proptest::prelude::*;

use super::*;
use crate::domain::schedule::zone;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn parsed(text: &str) -> OnCalendar {
    OnCalendar::parse(text).unwrap()
}

#[test]
fn of_several_expressions_the_earliest_counts() {
    let schedule = parsed("Mon..Fri 03:00\n\n  Sat 12:00 Asia/Tokyo \r\n2025-01-01\n");
    let mut moment = at("2026-01-02T12:00:00Z");
    let mut next = || {
        moment = schedule.next_after(moment, Tz::Europe__Berlin).unwrap();
        moment
    };
    assert_eq!(next(), at("2026-01-03T03:00:00Z"));
    assert_eq!(next(), at("2026-01-05T02:00:00Z"));
    assert_eq!(parsed("2025-01-01\n2024-01-01").next_after(moment, Tz::UTC), None);
}

#[test]
fn the_zone_of_an_expression_counts_before_that_of_the_check() {
    let next = |text| parsed(text).next_after(at("2026-01-01T12:00:00Z"), Tz::America__New_York);
    assert_eq!(next("03:00"), Some(at("2026-01-02T08:00:00Z")));
    assert_eq!(next("03:00 Asia/Tokyo"), Some(at("2026-01-01T18:00:00Z")));
    assert_eq!(next("@1800000000"), Some(at("2027-01-15T08:00:00Z")));
}

#[test]
fn the_words_of_several_expressions_are_told_one_after_the_other() {
    let words = |text| parsed(text).words(Tz::UTC);
    assert_eq!(words("hourly"), "every hour, UTC");
    assert_eq!(words("hourly Asia/Tokyo"), "every hour, Asia/Tokyo");
    let two = "at 03:00 on weekdays, UTC; at 12:00 on Saturday, Asia/Tokyo";
    assert_eq!(words("Mon..Fri 03:00\nSat 12:00 Asia/Tokyo"), two);
}

#[test]
fn errors_tell_the_line_where_there_are_several() {
    let error = |text: &str| OnCalendar::parse(text).unwrap_err();
    assert_eq!(error("25:00"), "hour: 25 is not within 0–23");
    assert_eq!(error("\n25:00\n"), "hour: 25 is not within 0–23");
    assert_eq!(error("daily\n\n25:00"), "line 3: hour: 25 is not within 0–23");
    assert_eq!(error(" \n\t"), "an expression is missing: write one such as Mon..Fri 03:00");
    assert_eq!(error(&"daily\n".repeat(21)), "there are more than 20 lines");
    assert!(OnCalendar::parse(&"daily\n\n".repeat(20)).is_ok());
}

proptest! {
    #[test]
    fn no_text_and_no_moment_does_harm(
        text in "(?s).{0,1000}",
        zone in proptest::sample::select(&chrono_tz::TZ_VARIANTS[..]),
        micros in any::<i64>(),
    ) {
        if let Ok(schedule) = OnCalendar::parse(&text) {
            let _ = (schedule.next_after(Timestamp(micros), zone), schedule.words(zone));
        }
    }

    #[test]
    fn nothing_that_looks_like_an_expression_does_harm(
        text in "((Mon|sat|Sunday)[.,-]{0,2}){0,2} ?[0-9*/,.~-]{0,20} ?[0-9*/,.:]{0,20}( UTC| CET)?",
        zone in proptest::sample::select(&chrono_tz::TZ_VARIANTS[..]),
        micros in any::<i64>(),
    ) {
        if let Ok(schedule) = OnCalendar::parse(&text) {
            let next = schedule.next_after(Timestamp(micros), zone);
            prop_assert!(next.is_none_or(|next| next.0 > micros));
            prop_assert!(!schedule.words(zone).is_empty());
        }
    }

    #[test]
    fn moments_of_all_times_in_all_zones_are_answered(
        micros in any::<i64>(),
        zone in proptest::sample::select(&chrono_tz::TZ_VARIANTS[..]),
    ) {
        let schedule = parsed("*:0/10\nMon *-02-29 02:30\n*-*~3 01..03:*:0/0.3\n*-02-30");
        let next = schedule.next_after(Timestamp(micros), zone);
        prop_assert!(next.is_none_or(|next| next.0 > micros));
        let within = Timestamp(micros % 7_000_000_000_000_000);
        prop_assert!(schedule.next_after(within, zone::parse("UTC").unwrap()).is_some());
    }
}
