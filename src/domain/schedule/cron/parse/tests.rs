//! What is read as which expression, and what is said of the rest.

use super::*;
use crate::clock::Timestamp;
use crate::domain::schedule::zone::Tz;
use proptest::prelude::*;

fn minutes(field: &str) -> Vec<u32> {
    let cron = expression(&format!("{field} * * * *")).unwrap_or_else(|e| panic!("{e}"));
    (0..64).filter(|n| cron.minutes >> n & 1 == 1).collect()
}

fn same(a: &str, b: &str) {
    assert_eq!(expression(a).unwrap(), expression(b).unwrap(), "{a} and {b}");
}

fn error(text: &str) -> String {
    expression(text).map(|cron| cron.words()).expect_err(text)
}

#[test]
fn a_field_has_numbers_ranges_steps_and_lists() {
    assert_eq!(minutes("*"), (0..60).collect::<Vec<_>>());
    assert_eq!(minutes("5"), [5]);
    assert_eq!(minutes("007"), [7]);
    assert_eq!(minutes("5-8"), [5, 6, 7, 8]);
    assert_eq!(minutes("5-5"), [5]);
    assert_eq!(minutes("*/20"), [0, 20, 40]);
    assert_eq!(minutes("10-30/10"), [10, 20, 30]);
    assert_eq!(minutes("50/4"), [50, 54, 58], "from a number to the field's end");
    assert_eq!(minutes("1,50/5,3-4,1"), [1, 3, 4, 50, 55]);
    assert_eq!(minutes("*/60"), [0], "a step may be too long for a second");
    assert_eq!(minutes("7-9/99999999999999999999"), [7]);
}

#[test]
fn a_step_in_a_range_of_one_number_stays_in_it_as_in_debians_cron() {
    // cronsim 2.8 goes on to the field's end, as from 5/15.
    assert_eq!(minutes("5-5/15"), [5]);
    same("0 0 * * 2-2/1", "0 0 * * 2");
}

#[test]
fn months_and_weekdays_have_names_in_any_case() {
    same("0 0 1 jan,Mar-MAY/2 *", "0 0 1 1,3,5 *");
    same("0 0 * * sun,Tue-THU", "0 0 * * 0,2-4");
    same("0 0 1 nov/1 *", "0 0 1 11,12 *");
}

#[test]
fn both_ends_of_the_week_are_sunday() {
    same("0 0 * * 7", "0 0 * * 0");
    same("0 0 * * FRI-7", "0 0 * * 5,6,0");
    same("0 0 * * 0-7", "0 0 * * 1-6,0");
    same("0 0 * * 5/2", "0 0 * * 5,7");
    same("0 0 * * 7#2,7L", "0 0 * * sun#2,0l");
}

#[test]
fn names_stand_for_whole_expressions_which_cronsim_does_not_know() {
    same("@hourly", "0 * * * *");
    same("@daily", "0 0 * * *");
    same("@midnight", "0 0 * * *");
    same("@weekly", "0 0 * * 0");
    same("@monthly", "0 0 1 * *");
    same("@yearly", "0 0 1 1 *");
    same("@annually", "0 0 1 1 *");
    // Debian's cron wants small letters; nothing else could be meant by others.
    same(" @Daily ", "@daily");
}

#[test]
fn white_space_of_any_kind_separates_fields() {
    same(" 1\t2  3\u{a0}4 5\n", "1 2 3 4 5");
}

#[test]
fn letters_of_the_last_days_count_in_either_case_and_take_a_step_as_in_cronsim() {
    same("0 0 l,lW * 5l", "0 0 LW,L * 5L");
    same("0 0 L/2,LW/3 * *", "0 0 L,LW * *");
}

#[test]
fn what_never_fires_is_read_although_cronsim_refuses_it() {
    for never in ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 30-31 2 */2", "* * */20 * 1L"] {
        let cron = expression(never).unwrap();
        assert_eq!(cron.firing, 0, "{never}");
        assert_eq!(cron.next_after(Timestamp(0), Tz::UTC), None);
    }
}

#[test]
fn an_error_names_the_field_and_what_is_allowed() {
    for (text, told) in [
        ("61 * * * *", "minute: 61 is not within 0–59"),
        ("* 24 * * *", "hour: 24 is not within 0–23"),
        ("* * 0 * *", "day of month: 0 is not within 1–31"),
        ("* * 5-32 * *", "day of month: 32 is not within 1–31"),
        ("* * * 13/2 *", "month: 13 is not within 1–12"),
        ("* * * * 8", "day of week: 8 is not within 0–7"),
        ("* * * * 8L", "day of week: 8 is not within 0–7"),
        ("* * * * 9#1", "day of week: 9 is not within 0–7"),
        ("* * * * 5#6", "day of week: 6 in 5#6 is not within 1–5"),
        ("* * * * 5#0", "day of week: 0 in 5#0 is not within 1–5"),
        ("1,*/0 * * * *", "minute: a step must be at least 1, and is 0 in */0"),
        ("1,,2 * * * *", "minute: \"1,,2\" has nothing beside a comma"),
        (", * * * *", "minute: \",\" has nothing beside a comma"),
        ("99999999999999999999 * * * *", "minute: 99999999999999999999 is not within 0–59"),
        ("61 24 0 13 8", "minute: 61 is not within 0–59"),
        ("1 24 0 13 8", "hour: 24 is not within 0–23"),
        ("1 2 3 13 8", "month: 13 is not within 1–12"),
    ] {
        assert_eq!(error(text), told);
    }
}

#[test]
fn a_range_that_runs_backwards_is_refused_with_what_to_write() {
    for (text, told) in [
        ("* 22-2 * * *", "hour: \"22-2\" runs backwards; write 22-23,0-2"),
        ("* * * nov-feb *", "month: \"nov-feb\" runs backwards; write 11-12,1-2"),
        ("* * * * fri-sun", "day of week: \"fri-sun\" runs backwards; write 5-7"),
        ("* * * * 6-2", "day of week: \"6-2\" runs backwards; write 6-7,1-2"),
        ("* 22-2/2 * * *", "hour: \"22-2/2\" runs backwards"),
    ] {
        assert_eq!(error(text), told);
    }
    same("0 0 * * 6-7,1-2", "0 0 * * 6,0,1,2");
}

#[test]
fn what_is_not_understood_is_told_with_all_that_would_be() {
    for (text, told) in [
        (
            "a * * * *",
            "minute: \"a\" is not understood; allowed are numbers within 0–59, *, ranges (1-5), \
             lists (1,3) and steps (*/5)",
        ),
        (
            "* 1-2-3 * * *",
            "hour: \"1-2-3\" is not understood; allowed are numbers within 0–23, *, ranges \
             (1-5), lists (1,3) and steps (*/5)",
        ),
        (
            "* * 15W * *",
            "day of month: \"15W\" is not understood; allowed are numbers within 1–31, *, \
             ranges (1-5), lists (1,3), steps (*/5), L (the last day) and LW (the last day \
             from Monday to Friday)",
        ),
        (
            "* * * January *",
            "month: \"January\" is not understood; allowed are numbers within 1–12, names from \
             JAN to DEC, *, ranges (1-5), lists (1,3) and steps (*/3)",
        ),
        (
            "* * * * FRIL",
            "day of week: \"FRIL\" is not understood; allowed are numbers within 0–7 (both are \
             Sunday), names from SUN to SAT, *, ranges (1-5), lists (1,3), steps (*/2), 5L \
             (the last Friday) and 5#2 (the second Friday)",
        ),
    ] {
        assert_eq!(error(text), told);
    }
}

#[test]
fn nothing_else_is_taken_for_an_item() {
    for item in [
        "**", "*-5", "5-*", "*1", "1*", "*/", "/5", "*/5/2", "1-2-3", "-1", "1-", "-", "+5", "1.5",
        "1_0", "٣", "?", "1/-2", "*/1-2", "L", "#", "1#1",
    ] {
        let told = error(&format!("{item} * * * *"));
        assert!(told.starts_with(&format!("minute: \"{item}\" is not understood")), "{told}");
    }
    for item in ["L-3", "1-L", "L-L", "WL", "15W", "?", "jan", "L/"] {
        let told = error(&format!("* * {item} * *"));
        assert!(told.starts_with("day of month: "), "{item}: {told}");
    }
    for item in [
        "L", "5LL", "L5", "1-5L", "5L/2", "5#2/2", "1-5#2", "*#1", "5#", "#2", "5#-1", "5#1-3",
        "5#2#1", "sunL", "jan", "Monday", "*/mon",
    ] {
        let told = error(&format!("* * * * {item}"));
        assert!(told.starts_with("day of week: "), "{item}: {told}");
    }
}

#[test]
fn it_must_have_five_fields_and_none_for_seconds_as_cronsim_knows_them() {
    let must = "must have 5 fields (minute, hour, day of month, month, day of week), and this has";
    assert_eq!(error("* * * *"), format!("{must} 4"));
    assert_eq!(error(" "), format!("{must} 0"));
    assert_eq!(error("0 * * * * *"), format!("{must} 6; there is none for seconds"));
    assert_eq!(error("0 0 0 1 1 * 2026"), format!("{must} 7"));
}

#[test]
fn a_start_of_a_machine_is_no_time_and_unknown_names_are_told_the_known() {
    let told = "@reboot has no times: nobody knows when a machine will start; use a simple \
                schedule with the longest time that may pass between two starts";
    assert_eq!(error("@reboot"), told);
    let told = "\"@every 5m\" is none of @hourly, @daily, @midnight, @weekly, @monthly, \
                @yearly, @annually";
    assert_eq!(error("@every 5m"), told);
    assert!(error("@daily 1").starts_with("\"@daily 1\" is none of"));
}

#[test]
fn an_error_repeats_no_more_than_a_line_of_what_was_given() {
    for text in ["é".repeat(9999), format!("@{}", "x".repeat(9999)), "9".repeat(9999)] {
        for fields in [text.clone(), format!("{text} * * * *"), format!("* * * * 5#{text}")] {
            assert!(error(&fields).len() < 400, "{}", error(&fields));
        }
    }
}

proptest! {
    #[test]
    fn no_text_does_harm(text in ".*", soup in "[0-9*,/#LW@A-Za-z -]{0,40}") {
        for text in [text, soup] {
            let words = expression(&text).map(|cron| cron.words());
            prop_assert!(!words.unwrap_or_else(|error| error).is_empty());
        }
    }

    #[test]
    fn five_random_fields_are_mostly_read(
        fields in prop::collection::vec("[1-7](-[7-9]|/[1-9])?|\\*(/[1-9])?", 4),
        weekday in "[0-7](#[1-5]|L|/[1-7])?|\\*",
    ) {
        let text = format!("{} {weekday}", fields.join(" "));
        prop_assert!(expression(&text).is_ok(), "{text}");
    }
}
