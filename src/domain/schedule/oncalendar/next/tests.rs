use proptest::prelude::*;

use super::*;
use crate::domain::schedule::oncalendar::parse;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The next occurrence, however late.
fn next_after(expression: &Expression, after: Timestamp, zone: Tz) -> Option<Timestamp> {
    super::next_after(expression, after, Timestamp(i64::MAX), zone)
}

/// The next four occurrences, as the clocks of the zone show them, without what they have in common
/// with `from`.
#[track_caller]
fn goes_on(text: &str, zone: &str, from: &str, expected: [&str; 4]) {
    let (expression, zone) = (parse::expression(text).unwrap(), zone::parse(zone).unwrap());
    let mut moment = at(from);
    for wall in expected {
        moment = next_after(&expression, moment, zone).unwrap();
        let shown = Timestamp(moment.0 + zone::offset_at(zone, moment.epoch_seconds()) * SECOND);
        let shown = shown.to_rfc3339();
        let (date, time) = (&shown[5..10], &shown[11..]);
        let time = time.trim_end_matches('Z').trim_end_matches(".000000");
        assert_eq!(format!("{date} {}", time.trim_end_matches(":00")), wall, "{text} {zone}");
    }
}

#[test]
fn occurrences_are_strictly_after() {
    let five = ["03-20 12:05", "03-20 12:10", "03-20 12:15", "03-20 12:20"];
    goes_on("*:0/5", "UTC", "2026-03-20T12:00:00Z", five);
    goes_on("*:0/5", "UTC", "2026-03-20T12:00:00.000001Z", five);
    goes_on("*:0/5", "UTC", "2026-03-20T12:04:59.999999Z", five);
}

#[test]
fn weekdays_dates_and_ends_of_months_are_found() {
    let from = "2026-01-30T12:00:00Z";
    goes_on("Mon..Fri 3:00", "UTC", from, ["02-02 03", "02-03 03", "02-04 03", "02-05 03"]);
    goes_on("*-*-31", "UTC", from, ["01-31 00", "03-31 00", "05-31 00", "07-31 00"]);
    goes_on("*-*~1", "UTC", from, ["01-31 00", "02-28 00", "03-31 00", "04-30 00"]);
    goes_on("*-02~03", "UTC", from, ["02-26 00", "02-26 00", "02-27 00", "02-26 00"]);
    goes_on("Mon *-05~07/1", "UTC", from, ["05-25 00", "05-31 00", "05-29 00", "05-28 00"]);
    goes_on("Fri *-*-13", "UTC", from, ["02-13 00", "03-13 00", "11-13 00", "08-13 00"]);
    goes_on("*-*~3..7/3", "UTC", from, ["02-23 00", "02-26 00", "03-26 00", "03-29 00"]);
    goes_on("*-02-29", "UTC", from, ["02-29 00", "02-29 00", "02-29 00", "02-29 00"]);
}

#[test]
fn seconds_have_fractions() {
    for (text, from, next) in [
        ("*:*:0/0.25", "2026-01-30T12:00:00Z", "2026-01-30T12:00:00.25Z"),
        ("*:*:0/0.25", "2026-01-30T12:00:00.249999Z", "2026-01-30T12:00:00.25Z"),
        ("*:*:0/0.25", "2026-01-30T12:00:00.25Z", "2026-01-30T12:00:00.5Z"),
        ("*:*:0/0.25", "2026-01-30T12:00:59.75Z", "2026-01-30T12:01:00Z"),
        ("12:0:1.5..3.5", "2026-01-30T12:00:01.5Z", "2026-01-30T12:00:02.5Z"),
        ("12:0:1.5,3", "2026-01-30T12:00:01.5Z", "2026-01-30T12:00:03Z"),
        ("23:59:59.999999", "2026-01-30T00:00:00Z", "2026-01-30T23:59:59.999999Z"),
        ("23:59:59.999999", "2026-01-30T23:59:59.999999Z", "2026-01-31T23:59:59.999999Z"),
        ("*:*:0/0.000001", "2026-01-30T00:00:00Z", "2026-01-30T00:00:00.000001Z"),
    ] {
        let found = next_after(&parse::expression(text).unwrap(), at(from), Tz::UTC);
        assert_eq!(found, Some(at(next)), "{text} {from}");
    }
}

#[test]
fn what_the_clocks_are_set_forward_over_does_not_occur() {
    let from = "2026-03-29T00:30:00Z";
    let (b, lh) = ("Europe/Berlin", "Australia/Lord_Howe");
    goes_on("*:0/20", b, from, ["03-29 01:40", "03-29 03", "03-29 03:20", "03-29 03:40"]);
    goes_on("02:30", b, from, ["03-30 02:30", "03-31 02:30", "04-01 02:30", "04-02 02:30"]);
    goes_on("2,3:30", b, from, ["03-29 03:30", "03-30 02:30", "03-30 03:30", "03-31 02:30"]);
    goes_on("hourly", b, from, ["03-29 03", "03-29 04", "03-29 05", "03-29 06"]);
    let from = "2026-10-03T15:00:00Z";
    goes_on("*:0/15", lh, from, ["10-04 01:45", "10-04 02:30", "10-04 02:45", "10-04 03"]);
    let from = "2026-03-29T00:30:00Z";
    let troll = "Antarctica/Troll";
    goes_on("*:0/30", troll, from, ["03-29 03", "03-29 03:30", "03-29 04", "03-29 04:30"]);
    let from = "2024-04-14T01:30:00Z";
    let morocco = "Africa/Casablanca";
    goes_on("*:0/30", morocco, from, ["04-14 03", "04-14 03:30", "04-14 04", "04-14 04:30"]);
    goes_on("0/2:30", morocco, from, ["04-14 04:30", "04-14 06:30", "04-14 08:30", "04-14 10:30"]);
    let chatham = "Pacific/Chatham";
    let from = "2026-09-26T13:40:00Z";
    goes_on("*:0/15", chatham, from, ["09-27 02:30", "09-27 03:45", "09-27 04", "09-27 04:15"]);
    // Clocks are set forward at midnight, so that the day has none.
    let from = "2026-03-28T21:30:00Z";
    goes_on("daily", "Asia/Beirut", from, ["03-30 00", "03-31 00", "04-01 00", "04-02 00"]);
    // Samoa left out 30 December 2011.
    let from = "2011-12-30T08:00:00Z";
    goes_on("*-*-* 6,18:0", "Pacific/Apia", from, {
        ["12-31 06", "12-31 18", "01-01 06", "01-01 18"]
    });
}

#[test]
fn what_the_clocks_show_twice_occurs_the_first_time_whenever_it_is_asked() {
    let b = "Europe/Berlin";
    let after = ["10-25 03", "10-25 03:20", "10-25 03:40", "10-25 04"];
    let first = "2026-10-25T00:10:00Z";
    goes_on("*:0/20", b, first, ["10-25 02:20", "10-25 02:40", after[0], after[1]]);
    for from in ["2026-10-25T00:40:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:10:00Z"] {
        goes_on("*:0/20", b, from, after);
        goes_on("2:30", b, from, ["10-26 02:30", "10-27 02:30", "10-28 02:30", "10-29 02:30"]);
    }
    let hourly = next_after(&parse::expression("hourly").unwrap(), at(first), Tz::Europe__Berlin);
    assert_eq!(hourly, Some(at("2026-10-25T02:00:00Z")), "two hours on");
    let lord_howe = ["04-05 01:45", "04-05 02", "04-05 02:15", "04-05 02:30"];
    goes_on("*:0/15", "Australia/Lord_Howe", "2026-04-04T14:30:00Z", lord_howe);
    // Neither of the two times is summer time.
    let almaty = ["02-29 23:30", "03-01 00", "03-01 00:30", "03-01 01"];
    goes_on("*:0/30", "Asia/Almaty", "2024-02-29T17:00:00Z", almaty);
    goes_on(
        "*:0/30",
        "Asia/Almaty",
        "2024-02-29T18:10:00Z",
        [almaty[1], almaty[2], almaty[3], { "03-01 01:30" }],
    );
    // Days from the end of a month are no exception.
    goes_on("*~7 *:30", b, "2026-10-24T23:40:00Z", {
        ["10-25 02:30", "10-25 03:30", "10-25 04:30", "10-25 05:30"]
    });
}

#[test]
fn repetitions_beyond_two_ends_leave_out_what_is_before_them() {
    for (text, from, next) in [
        ("*:0/7", "2026-05-31T23:56:00Z", "2026-06-01T00:07:00Z"),
        ("*:0/7", "2026-05-31T22:56:00Z", "2026-05-31T23:00:00Z"),
        ("*:*:0/7", "2026-05-31T12:59:56Z", "2026-05-31T13:00:07Z"),
        ("*:*:0/7", "2026-05-31T12:58:56Z", "2026-05-31T12:59:00Z"),
        ("*:*:0/7", "2026-05-31T23:59:56Z", "2026-06-01T00:00:07Z"),
        ("*:*:0/0.7", "2026-05-31T12:58:59.5Z", "2026-05-31T12:59:00.7Z"),
        ("0/5:00", "2026-05-31T20:00:00Z", "2026-06-01T05:00:00Z"),
        ("0/5:00", "2026-05-30T20:00:00Z", "2026-05-31T00:00:00Z"),
        ("0/5,23:00", "2026-05-31T23:00:00Z", "2026-06-01T00:00:00Z"),
        ("*-*-1/7", "2026-12-29T00:00:00Z", "2027-01-08T00:00:00Z"),
        ("*-*-1/7", "2026-11-29T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("*-*-1/2", "2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("*-*~28/17", "2026-12-21T00:00:00Z", "2027-01-21T00:00:00Z"),
        // What ends evenly, or at an end of its own, leaves out nothing.
        ("*:0/5", "2026-05-31T23:55:00Z", "2026-06-01T00:00:00Z"),
        ("*:5/10", "2026-05-31T23:55:00Z", "2026-06-01T00:05:00Z"),
        ("*:0..59/7", "2026-05-31T23:56:00Z", "2026-06-01T00:00:00Z"),
    ] {
        let next = Some(at(next));
        assert_eq!(
            next_after(&parse::expression(text).unwrap(), at(from), Tz::UTC),
            next,
            "{text}"
        );
    }
}

#[test]
fn what_a_repetition_leaves_out_is_left_out_whatever_moment_is_asked_from() {
    for (text, zone, bases, next) in [
        (
            "*:0/14",
            "America/Santiago",
            &[
                "2000-03-12T02:56:00Z",
                "2000-03-12T03:00:00Z",
                "2000-03-12T03:50:11Z",
                "2000-03-12T03:59:59Z",
                "2000-03-12T04:00:00Z",
            ][..],
            "2000-03-12T04:14:00Z",
        ),
        ("*:0/14", "UTC", &["2026-05-30T23:59:59.999999Z"], "2026-05-31T00:14:00Z"),
        (
            "*:*:2/7",
            "UTC",
            &["2026-05-30T12:59:59Z", "2026-05-30T13:00:01Z"],
            "2026-05-30T13:00:09Z",
        ),
        (
            "0/5:30",
            "UTC",
            &["2026-05-31T20:30:00Z", "2026-06-01T00:10:00Z"],
            "2026-06-01T05:30:00Z",
        ),
        (
            "*-*-1/7 12:0",
            "UTC",
            &["2026-12-29T12:00:00Z", "2027-01-01T10:00:00Z"],
            "2027-01-08T12:00:00Z",
        ),
    ] {
        let (expression, zone) = (parse::expression(text).unwrap(), zone::parse(zone).unwrap());
        for base in bases {
            assert_eq!(next_after(&expression, at(base), zone), Some(at(next)), "{text} {base}");
        }
    }
}

#[test]
fn nothing_is_found_after_the_limit() {
    let (daily, from) = (parse::expression("daily").unwrap(), at("2026-05-30T12:00:00Z"));
    for (zone, next) in [
        (Tz::Pacific__Kiritimati, "2026-05-31T10:00:00Z"),
        (Tz::Etc__GMTPlus12, "2026-05-31T12:00:00Z"),
    ] {
        let next = at(next);
        assert_eq!(super::next_after(&daily, from, next, zone), Some(next), "{zone}");
        assert_eq!(super::next_after(&daily, from, Timestamp(next.0 - 1), zone), None, "{zone}");
    }
}

#[test]
fn what_never_fires_again_is_none() {
    for text in [
        "2025-01-01",
        "*-02-30",
        "2026-02-29",
        "Mon 2026-05-05",
        "@1711000000",
        "Sun *-03-25..31 02:30 Europe/Berlin",
    ] {
        let next =
            next_after(&parse::expression(text).unwrap(), at("2026-01-01T00:00:00Z"), Tz::UTC);
        assert_eq!(next, None, "{text}");
    }
}

#[test]
fn nothing_occurs_before_1970_or_after_2199() {
    let hourly = parse::expression("hourly").unwrap();
    let next = |after, zone| next_after(&hourly, after, zone);
    assert_eq!(next(Timestamp(i64::MIN), Tz::UTC), Some(at("1970-01-01T01:00:00Z")));
    let last = at("2199-12-31T23:00:00Z");
    assert_eq!(next(Timestamp(last.0 - 1), Tz::UTC), Some(last));
    assert_eq!(next(last, Tz::UTC), None);
    assert_eq!(next(last, Tz::America__New_York), Some(at("2200-01-01T00:00:00Z")));
    assert_eq!(next(END, Tz::America__New_York), None);
    assert_eq!(next(Timestamp(i64::MAX), Tz::UTC), None);
}

/// Expressions of all kinds, so that laws are tried on what is understood too.
fn expressions() -> impl Strategy<Value = String> {
    let weekdays = prop_oneof![3 => Just(""), 1 => Just("Mon..Fri "), 1 => Just("Sat,Sun ")];
    let dates = prop_oneof![
        2 => Just(String::new()),
        1 => (1..=12, 1..=31).prop_map(|(month, day)| format!("{month}-{day} ")),
        1 => (1..=28, 1..=3).prop_map(|(day, step)| format!("*-*-{day}/{step} ")),
        1 => (2..=28).prop_map(|day| format!("*-*~{day}/1 ")),
    ];
    let hours = prop_oneof![
        2 => Just("*".to_owned()),
        1 => (0..=23).prop_map(|hour: i32| hour.to_string()),
        1 => (0..=11, 1..=12).prop_map(|(hour, step)| format!("{hour}/{step}")),
        1 => (0..=11, 12..=23).prop_map(|(from, to)| format!("{from}..{to}")),
    ];
    let minutes = prop_oneof![
        1 => Just("*".to_owned()),
        2 => (0..=59).prop_map(|minute: i32| minute.to_string()),
        2 => (0..=29, 1..=30).prop_map(|(minute, step)| format!("{minute}/{step}")),
    ];
    let seconds = prop_oneof![
        4 => Just(String::new()),
        1 => (0..=29, 1..=30).prop_map(|(second, step)| format!(":{second}/{step}")),
        1 => (0..=29, 1..=999_999).prop_map(|(second, part)| format!(":{second}.{part:06}")),
    ];
    let all = (weekdays, dates, hours, minutes, seconds);
    all.prop_map(|(week, date, hour, minute, second)| {
        format!("{week}{date}{hour}:{minute}{second}")
    })
}

const ZONES: [&str; 12] = [
    "UTC",
    "Europe/Berlin",
    "America/Havana",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Pacific/Apia",
    "Asia/Almaty",
    "Asia/Beirut",
    "Pacific/Chatham",
    "America/Santiago",
    "Africa/Cairo",
];

/// Repetitions without an end.
fn open_repetitions() -> impl Strategy<Value = String> {
    let days = prop_oneof![
        2 => Just(String::new()),
        1 => (1..=9, 1..=20).prop_map(|(day, step)| format!("*-*-{day}/{step} ")),
    ];
    let hours = prop_oneof![
        1 => Just("*".to_owned()),
        1 => (0..=11, 1..=12).prop_map(|(hour, step)| format!("{hour}/{step}")),
    ];
    let minutes = prop_oneof![
        1 => Just("*".to_owned()),
        2 => (0..=29, 1..=30).prop_map(|(minute, step)| format!("{minute}/{step}")),
    ];
    let seconds = prop_oneof![
        2 => Just(String::new()),
        1 => (0..=29, 1..=30).prop_map(|(second, step)| format!(":{second}/{step}")),
        1 => (0..=29, 1..=300).prop_map(|(second, step)| format!(":{second}/{}.{}", step / 10, step % 10)),
    ];
    (days, hours, minutes, seconds).prop_map(|(day, hour, minute, second)| {
        format!("{day}{hour}:{minute}{second}").replace("/0.0", "/0.1")
    })
}

/// Zones and ends of days in them, of which most are repeated or left out.
const ENDS: [(&str, &str); 8] = [
    ("America/Santiago", "2000-03-12T04:00:00Z"),
    ("Africa/Cairo", "1993-04-30T22:00:00Z"),
    ("Africa/Cairo", "2010-09-30T21:00:00Z"),
    ("America/Havana", "2026-11-01T05:00:00Z"),
    ("Asia/Almaty", "2024-02-29T18:00:00Z"),
    ("Asia/Beirut", "2026-03-28T22:00:00Z"),
    ("UTC", "2026-12-31T00:00:00Z"),
    ("UTC", "2027-01-01T00:00:00Z"),
];

proptest! {
    #[test]
    fn each_occurrence_is_strictly_after_the_one_before(
        text in expressions(),
        zone in proptest::sample::select(&ZONES[..]),
        from in 1_293_840_000_i64..1_924_992_000,
    ) {
        let (expression, zone) = (parse::expression(&text).unwrap(), zone::parse(zone).unwrap());
        let mut moment = Timestamp(from * SECOND);
        for _ in 0..20 {
            let Some(next) = next_after(&expression, moment, zone) else { break };
            prop_assert!(next > moment, "{text} {zone} {moment} {next}");
            moment = next;
        }
    }

    #[test]
    fn a_later_question_has_no_earlier_answer(
        text in expressions(),
        zone in proptest::sample::select(&ZONES[..]),
        from in 1_293_840_000_i64..1_924_992_000,
        later in 0..200_000_i64,
    ) {
        let (expression, zone) = (parse::expression(&text).unwrap(), zone::parse(zone).unwrap());
        let next = |seconds: i64| next_after(&expression, Timestamp(seconds * SECOND), zone);
        if let (Some(first), Some(second)) = (next(from), next(from + later)) {
            prop_assert!(first <= second, "{text} {zone} {first} {second}");
        }
    }

    #[test]
    fn a_question_from_between_has_the_same_answer(
        text in expressions(),
        zone in proptest::sample::select(&ZONES[..]),
        from in 1_293_840_000_i64..1_924_992_000,
        part in 0..100_i64,
    ) {
        let (expression, zone) = (parse::expression(&text).unwrap(), zone::parse(zone).unwrap());
        let next = |after: Timestamp| next_after(&expression, after, zone);
        if let Some(first) = next(Timestamp(from * SECOND))
            && let Some(second) = next(first)
        {
            let length = (second.0 - first.0) / SECOND;
            let between = Timestamp(first.0 + length * part / 100 * SECOND);
            prop_assert_eq!(next(between), Some(second), "{} {} {}", text, zone, between);
        }
    }

    /// Around the ends of days on which repetitions begin anew and clocks are set back.
    #[test]
    fn a_question_from_around_an_end_has_the_same_answer(
        text in open_repetitions(),
        (zone, end) in proptest::sample::select(&ENDS[..]),
        before in -7_200_000_000..7_200_000_000_i64,
        part in 0..=1000_i64,
    ) {
        let (expression, zone) = (parse::expression(&text).unwrap(), zone::parse(zone).unwrap());
        let next = |after: Timestamp| next_after(&expression, after, zone);
        let first = next(Timestamp(at(end).0 - before)).unwrap();
        let second = next(first).unwrap();
        let between = Timestamp(first.0 + (second.0 - first.0 - 1) / 1000 * part);
        let last = Timestamp(second.0 - 1);
        prop_assert_eq!(next(between), Some(second), "{} {} {}", &text, zone, between);
        prop_assert_eq!(next(last), Some(second), "{} {} {}", &text, zone, last);
    }
}
