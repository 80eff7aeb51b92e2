//! What happens where clocks are set forward or back, as `alerting.md` has it, and the laws of every
//! next occurrence.

use proptest::prelude::*;

use super::super::super::zone;
use super::*;

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

/// The occurrences after a moment in the form `25T02:30+02:00`, up to `count`.
fn walk(text: &str, zone: &str, after: &str, count: usize) -> String {
    let (cron, zone) = (Cron::parse(text).unwrap(), zone::parse(zone).unwrap());
    let next = |at: &Timestamp| cron.next_after(*at, zone);
    let walk = std::iter::successors(next(&moment(after)), next).take(count);
    let shown = |at: Timestamp| at.to_datetime().with_timezone(&zone).format("%dT%H:%M%:z");
    walk.map(|at| shown(at).to_string()).collect::<Vec<_>>().join(" ")
}

fn berlin(text: &str, after: &str, count: usize) -> String {
    walk(text, "Europe/Berlin", after, count)
}

const SPRING: &str = "2026-03-29T00:30:00Z";
const AUTUMN: &str = "2026-10-24T22:30:00Z";

#[test]
fn an_occurrence_in_the_gap_happens_right_after_it() {
    assert_eq!(berlin("30 2 * * *", SPRING, 2), "29T03:00+02:00 30T02:30+02:00");
    assert_eq!(berlin("59 2 29 3 *", SPRING, 1), "29T03:00+02:00");
}

#[test]
fn several_that_meet_right_after_the_gap_are_one() {
    assert_eq!(berlin("0,15,30 2 * * *", SPRING, 2), "29T03:00+02:00 30T02:00+02:00");
    assert_eq!(berlin("0,30 2,3 * * *", SPRING, 2), "29T03:00+02:00 29T03:30+02:00");
    assert_eq!(berlin("30 2,3 * * *", SPRING, 2), "29T03:00+02:00 29T03:30+02:00");
    assert_eq!(berlin("30 2,3 * * *", "2026-03-29T01:00:00Z", 1), "29T03:30+02:00");
}

#[test]
fn an_occurrence_in_the_fold_happens_the_first_time_only() {
    assert_eq!(berlin("30 2 * * *", AUTUMN, 2), "25T02:30+02:00 26T02:30+01:00");
    assert_eq!(
        berlin("0,30 2,3 * * *", AUTUMN, 4),
        "25T02:00+02:00 25T02:30+02:00 25T03:00+01:00 25T03:30+01:00"
    );
    // From within the second time on.
    let second = "2026-10-25T01:10:00Z";
    assert_eq!(berlin("30 2 * * *", second, 1), "26T02:30+01:00");
    assert_eq!(berlin("0-59 2,3 * * *", second, 1), "25T03:00+01:00");
    assert_eq!(
        berlin("0-59 2,3 * * *", "2026-10-25T00:58:59Z", 2),
        "25T02:59+02:00 25T03:00+01:00"
    );
}

#[test]
fn what_begins_with_a_star_follows_the_real_clock() {
    assert_eq!(berlin("*/30 * * * *", SPRING, 3), "29T03:00+02:00 29T03:30+02:00 29T04:00+02:00");
    assert_eq!(berlin("*/30 2 * * *", SPRING, 1), "30T02:00+02:00", "nothing is shown in the gap");
    assert_eq!(berlin("30 */2 * * *", SPRING, 1), "29T04:30+02:00");
    assert_eq!(
        berlin("*/30 2 * * *", AUTUMN, 5),
        "25T02:00+02:00 25T02:30+02:00 25T02:00+01:00 25T02:30+01:00 26T02:00+01:00"
    );
    assert_eq!(berlin("30 */2 * * *", AUTUMN, 3), "25T02:30+02:00 25T02:30+01:00 25T04:30+01:00");
    assert_eq!(berlin("0 * * * *", "2026-10-25T00:00:00Z", 2), "25T02:00+01:00 25T03:00+01:00");
}

#[test]
fn only_the_first_sign_of_minute_and_hour_makes_it_follow_the_clock() {
    assert_eq!(berlin("0,*/30 2 * * *", SPRING, 1), "29T03:00+02:00");
    assert_eq!(berlin("0 2,*/23 * * *", SPRING, 1), "29T03:00+02:00");
    assert_eq!(berlin("*,0 2 * * *", SPRING, 1), "30T02:00+02:00");
    assert_eq!(berlin("30 2 */1 * *", SPRING, 1), "29T03:00+02:00", "stars of days do not");
}

#[test]
fn clocks_that_change_at_midnight_change_the_day() {
    // Nuuk goes from 23:00 on Saturday to 00:00 on Sunday, and from 00:00 on Sunday back.
    let nuuk = |text, after, count| walk(text, "America/Nuuk", after, count);
    assert_eq!(nuuk("30 23 * * 6", "2026-03-28T12:00:00Z", 1), "29T00:00-01:00");
    assert_eq!(nuuk("30 23 * * 6", "2026-10-24T12:00:00Z", 2), "24T23:30-01:00 31T23:30-02:00");
    assert_eq!(nuuk("0 0 * * 0", "2026-10-24T12:00:00Z", 2), "25T00:00-02:00 01T00:00-02:00");
    // Cairo from 00:00 on Friday to 01:00: the clocks do not show the day's first hour.
    let cairo = |text| walk(text, "Africa/Cairo", "2029-04-26T20:00:00Z", 1);
    assert_eq!(cairo("0 0 * * 5"), "27T01:00+03:00");
    assert_eq!(cairo("0 */12 * * *"), "27T12:00+03:00");
    assert_eq!(cairo("* 1-9 * * *"), "27T01:00+03:00");
}

#[test]
fn half_hours_and_quarters_are_no_exception() {
    let lord_howe = |text, after, count| walk(text, "Australia/Lord_Howe", after, count);
    assert_eq!(lord_howe("15 2 * * *", "2026-10-03T14:00:00Z", 1), "04T02:30+11:00");
    assert_eq!(lord_howe("*/15 2 * * *", "2026-10-03T14:00:00Z", 1), "04T02:30+11:00");
    assert_eq!(lord_howe("45 1 * * *", "2026-04-04T14:00:00Z", 2), "05T01:45+11:00 06T01:45+10:30");
    assert_eq!(
        lord_howe("*/15 1 * * *", "2026-04-04T14:20:00Z", 5),
        "05T01:30+11:00 05T01:45+11:00 05T01:30+10:30 05T01:45+10:30 06T01:00+10:30"
    );
    assert_eq!(lord_howe("* 10 * * *", "2026-04-04T14:34:00Z", 1), "05T10:00+10:30");
    let kathmandu = walk("45 5 * * *", "Asia/Kathmandu", "2025-12-31T23:59:59Z", 1);
    assert_eq!(kathmandu, "01T05:45+05:45");
    let chatham = walk("* 3 * * *", "Pacific/Chatham", "2024-09-28T13:05:00Z", 1);
    assert_eq!(chatham, "29T03:45+13:45");
}

#[test]
fn a_whole_day_may_be_left_out() {
    // Samoa went from the end of Thursday the 29th to Saturday the 31st.
    let apia = |text, count| walk(text, "Pacific/Apia", "2011-12-29T23:00:00Z", count);
    assert_eq!(apia("0 12 * * *", 2), "31T00:00+14:00 31T12:00+14:00");
    assert_eq!(apia("0 6,18 * * 5", 2), "31T00:00+14:00 06T06:00+14:00");
    assert_eq!(apia("0 12 30 * *", 2), "31T00:00+14:00 30T12:00+14:00");
    assert_eq!(apia("0 */12 * * *", 2), "31T00:00+14:00 31T12:00+14:00");
    assert_eq!(apia("0 */12 * * 5", 1), "06T00:00+14:00");
}

#[test]
fn a_time_that_is_never_shown_is_passed_over_year_after_year() {
    // New York's clocks go forward on the second Sunday in March, over the hour from 02:00 on.
    let cron = Cron::parse("* 2 * 3 0#2").unwrap();
    let next = |after| cron.next_after(moment(after), Tz::America__New_York).unwrap();
    assert!(next("2007-03-01T00:00:00Z") > moment("2090-01-01T00:00:00Z"));
    assert_eq!(next("2007-03-01T00:00:00Z"), next("2090-01-01T00:00:00Z"));
}

#[test]
fn an_occurrence_is_strictly_later_whatever_part_of_a_second() {
    let cron = Cron::parse("30 2 * * *").unwrap();
    let at = moment("2026-06-01T02:30:00Z");
    let day = SECOND * 86_400;
    assert_eq!(cron.next_after(Timestamp(at.0 - 1), Tz::UTC), Some(at));
    assert_eq!(cron.next_after(at, Tz::UTC), Some(Timestamp(at.0 + day)));
    assert_eq!(cron.next_after(Timestamp(at.0 + 1), Tz::UTC), Some(Timestamp(at.0 + day)));
}

#[test]
fn rare_days_are_found_however_far() {
    let next = |text, after| {
        let at = Cron::parse(text).unwrap().next_after(moment(after), Tz::UTC).unwrap();
        at.to_datetime().format("%Y-%m-%d").to_string()
    };
    assert_eq!(next("0 0 29 2 *", "2096-03-01T00:00:00Z"), "2104-02-29");
    assert_eq!(next("0 0 * 2 MON#5", "2072-02-29T00:00:00Z"), "2112-02-29");
    assert_eq!(next("0 0 29 2 */7", "2088-02-29T00:00:00Z"), "2128-02-29");
}

/// All that happens in about three days, by going through the minutes on the wall.
fn by_hand(cron: &Cron, after: i64, zone: Tz) -> Option<i64> {
    const DAY: i64 = 86_400;
    let first = (wall_at(zone, after) - 2 * DAY).div_euclid(60) * 60;
    let is_time = |wall: &i64| times::next(cron, wall - 1) == Some(*wall);
    let walls = (first..first + 5 * DAY).step_by(60).filter(is_time);
    let moments = walls.flat_map(|wall| match (shown(zone, wall), cron.follows_clock) {
        (Shown::Once(at), _) | (Shown::Twice(at, _) | Shown::Never(at), false) => vec![at],
        (Shown::Twice(first, second), true) => vec![first, second],
        (Shown::Never(_), true) => vec![],
    });
    moments.filter(|at| *at > after).min().filter(|at| *at < after + 2 * DAY)
}

/// A moment near a clock change of the zone, if it has any in the two years after `from`.
fn near_change(zone: Tz, from: i64, near: i64) -> i64 {
    const STEP: i64 = 21_600;
    let is_change = |at: &i64| offset_at(zone, *at) != offset_at(zone, at + STEP);
    let change = (from..from + 730 * 86_400).step_by(21_600).find(is_change);
    change.map_or(from, |at| change_between(zone, at, at + STEP)) + near
}

fn any_zone() -> impl Strategy<Value = Tz> {
    prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec())
}

/// Times of a day, mostly at night, when clocks are set.
fn any_cron() -> impl Strategy<Value = Cron> {
    let minute = "\\*|\\*/[1-9]0?|[0-5]?[0-9]|0,30|1?[0-9]-[3-5][0-9](/7)?";
    let hour = "\\*|\\*/[1-9]|[0-3]|[0-3]|[0-2]-[3-9]|23|22-23,0-1|1?[0-9]";
    let day = "\\*|\\*|\\*|\\*/2|1,15|L";
    let weekday = "\\*|\\*|\\*|[0-7]|1-5|0L|6#[1-5]";
    (minute, hour, day, weekday).prop_map(|(minute, hour, day, weekday)| {
        Cron::parse(&format!("{minute} {hour} {day} * {weekday}")).unwrap()
    })
}

/// From before there were zones to when their rules end, and an hour or day beside a change.
fn any_moment() -> impl Strategy<Value = (i64, i64)> {
    (-4_000_000_000..4_200_000_000_i64, prop_oneof![-4000..4000_i64, -90_000..90_000_i64])
}

proptest! {
    #[test]
    fn it_is_what_going_through_the_minutes_finds(cron in any_cron(), zone in any_zone(), (from, near) in any_moment()) {
        let after = near_change(zone, from, near);
        let found = cron.next_after(Timestamp(after * SECOND), zone);
        let found = found.map(Timestamp::epoch_seconds).filter(|at| *at < after + 172_800);
        prop_assert_eq!(found, by_hand(&cron, after, zone), "{} after {}", zone, after);
    }

    #[test]
    fn it_is_strictly_after_and_never_earlier_for_a_later_base(cron in any_cron(), zone in any_zone(), (from, near) in any_moment(), later in 0..90_000_i64) {
        let after = near_change(zone, from, near);
        let next = |after| cron.next_after(Timestamp(after * SECOND), zone).unwrap();
        prop_assert!(next(after) > Timestamp(after * SECOND));
        prop_assert!(next(after) <= next(after + later));
    }

    #[test]
    fn what_the_clocks_show_is_in_the_expression_save_right_after_a_gap(cron in any_cron(), zone in any_zone(), (from, near) in any_moment()) {
        let after = near_change(zone, from, near);
        let at = cron.next_after(Timestamp(after * SECOND), zone).unwrap().epoch_seconds();
        let wall = wall_at(zone, at);
        let is_in = times::next(&cron, wall - 1) == Some(wall);
        let is_after_gap = offset_at(zone, at - 1) < offset_at(zone, at);
        prop_assert!(is_in || is_after_gap && !cron.follows_clock);
    }

    #[test]
    fn no_moment_does_harm(cron in any_cron(), zone in any_zone(), after in any::<i64>()) {
        for after in [after, i64::MIN, i64::MAX, i64::MAX - after.rem_euclid(1 << 40)].map(Timestamp) {
            prop_assert!(cron.next_after(after, zone).is_none_or(|next| next > after));
        }
    }
}
