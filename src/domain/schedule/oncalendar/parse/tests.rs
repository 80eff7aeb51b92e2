use super::*;

/// What must be read as the same expression.
fn same(text: &str, meaning: &str) {
    assert_eq!(expression(text), expression(meaning), "{text}");
    assert!(expression(text).is_ok(), "{text}");
}

fn refusal(text: &str) -> String {
    expression(text).expect_err(text)
}

#[test]
fn what_is_left_out_is_every_day_at_midnight_and_second_0() {
    for (text, meaning) in [
        ("12:00", "*-*-* 12:00:00"),
        ("1:2:3", "*-*-* 01:02:03"),
        ("05-06", "*-05-06 00:00:00"),
        ("2026-05-06", "2026-05-06 00:00:00"),
        ("Mon", "Mon *-*-* 00:00:00"),
        ("Mon 12:00", "Mon *-*-* 12:00:00"),
        ("Mon 05-06", "Mon *-05-06 00:00:00"),
        ("*:*", "*-*-* *:*:00"),
        ("*-*", "*-*-* 00:00:00"),
        ("5~3", "*-05~03 00:00:00"),
        ("*-*~*", "*-*-*"),
    ] {
        same(text, meaning);
    }
}

#[test]
fn shorthands_stand_for_what_the_manual_says_in_any_case_and_with_a_zone() {
    for (text, meaning) in [
        ("minutely", "*-*-* *:*:00"),
        ("hourly", "*-*-* *:00:00"),
        ("daily", "*-*-* 00:00:00"),
        ("monthly", "*-*-01 00:00:00"),
        ("weekly", "Mon *-*-* 00:00:00"),
        ("yearly", "*-01-01 00:00:00"),
        ("annually", "*-01-01 00:00:00"),
        ("anually", "*-01-01 00:00:00"),
        ("quarterly", "*-01,04,07,10-01 00:00:00"),
        ("semiannually", "*-01,07-01 00:00:00"),
        ("semi-annually", "*-01,07-01 00:00:00"),
        ("biannually", "*-01,07-01 00:00:00"),
        ("bi-annually", "*-01,07-01 00:00:00"),
        ("DAILY", "*-*-*"),
        ("Weekly Pacific/Auckland", "Mon *-*-* 00:00:00 Pacific/Auckland"),
    ] {
        same(text, meaning);
    }
}

/// The table of `systemd.time(7)`: expressions and their normalized form.
#[test]
fn the_examples_of_the_manual_are_read_as_it_says() {
    for (text, meaning) in [
        ("Sat,Thu,Mon..Wed,Sat..Sun", "Mon..Thu,Sat,Sun *-*-* 00:00:00"),
        ("Mon,Sun 12-*-* 2,1:23", "Mon,Sun 2012-*-* 01,02:23:00"),
        ("Wed *-1", "Wed *-*-01 00:00:00"),
        ("Wed..Wed,Wed *-1", "Wed *-*-01 00:00:00"),
        ("Wed, 17:48", "Wed *-*-* 17:48:00"),
        ("Wed..Sat,Tue 12-10-15 1:2:3", "Tue..Sat 2012-10-15 01:02:03"),
        ("*-*-7 0:0:0", "*-*-07 00:00:00"),
        ("10-15", "*-10-15 00:00:00"),
        ("monday *-12-* 17:00", "Mon *-12-* 17:00:00"),
        ("Mon,Fri *-*-3,1,2 *:30:45", "Mon,Fri *-*-01,02,03 *:30:45"),
        ("12,14,13,12:20,10,30", "*-*-* 12,13,14:10,20,30:00"),
        ("12..14:10,20,30", "*-*-* 12..14:10,20,30:00"),
        ("mon,fri *-1/2-1,3 *:30:45", "Mon,Fri *-01/2-01,03 *:30:45"),
        ("03-05 08:05:40", "*-03-05 08:05:40"),
        ("Sat,Sun 08:05:40", "Sat,Sun *-*-* 08:05:40"),
        ("05:40:23.4200004/3.1700005", "*-*-* 05:40:23.420000/3.170001"),
        ("2003-02..04-05", "2003-02..04-05 00:00:00"),
        ("2003-03-05 05:40 UTC", "2003-03-05 05:40:00 UTC"),
        ("*:2/3", "*-*-* *:02/3:00"),
    ] {
        same(text, meaning);
    }
}

#[test]
fn weekdays_are_lists_and_ranges_of_short_and_long_names() {
    for (text, meaning) in [
        ("mOn..WEDNESDAY", "Mon,Tue,Wed"),
        ("Mon-Fri", "Mon..Fri"),
        ("Mon,", "Mon"),
        ("Mon..Fri, 12:00", "Mon..Fri 12:00"),
        ("Sat..Sun,Fri", "Fri,Sat,Sun"),
        ("Mon..Sun", "*-*-*"),
        ("Mon   12:00", "Mon 12:00"),
        ("Mon *-*-*   12:00", "Mon 12:00"),
    ] {
        same(text, meaning);
    }
}

#[test]
fn a_zone_is_the_last_word_and_old_names_are_the_current_ones() {
    let zone = |text: &str| expression(text).unwrap().zone;
    assert_eq!(zone("12:00"), None);
    assert_eq!(zone("12:00 UTC"), Some(Tz::UTC));
    assert_eq!(zone("12:00 utc"), Some(Tz::UTC));
    assert_eq!(zone("Mon..Fri Europe/Berlin"), Some(Tz::Europe__Berlin));
    assert_eq!(zone("daily Asia/Calcutta"), Some(Tz::Asia__Kolkata));
    assert_eq!(zone("12:00 CET"), Some(Tz::Europe__Brussels));
}

#[test]
fn at_seconds_is_one_moment_of_utc_whatever_zone_follows() {
    same("@2000000000", "2033-05-18 03:33:20 UTC");
    same("@2000000000 Europe/Berlin", "2033-05-18 03:33:20 UTC");
    same("Mon @2000000000", "Mon 2033-05-18 03:33:20 UTC");
    same("@ +0002000000000", "@2000000000");
    assert_eq!(refusal("@7258118400"), "@7258118400 is not within @0–@7258118399");
    for (text, shown) in [("@1.5", "@1.5"), ("@", "@"), ("@-1", "@-1"), ("@daily", "@daily")] {
        let why = "@ goes before seconds since 1970; words as daily go without";
        assert_eq!(refusal(text), format!("{shown} is not understood: {why}"));
    }
}

#[test]
fn what_is_wrong_is_named() {
    for (text, refused) in [
        ("25:00", "hour: 25 is not within 0–23"),
        ("12:60", "minute: 60 is not within 0–59"),
        ("12:00:60", "second: 60 is not within 0–59"),
        ("*-13-01", "month: 13 is not within 1–12"),
        ("*-0-01", "month: 0 is not within 1–12"),
        ("*-02-32", "day: 32 is not within 1–31"),
        ("*-02~29", "day: 29 is not within 1–28 from the end of a month"),
        ("1969-01-01", "year: 1969 is not within 1970–2199"),
        ("2200-01-01", "year: 2200 is not within 1970–2199"),
        ("*:*/5", "minute: */5 is not understood: write 0/5"),
        ("*-*/2-01", "month: */2 is not understood: write 1/2"),
        ("*-Feb-01", "month: \"Feb\" is not a number; allowed is 1–12"),
        ("2024-05-06T12:00", "day: \"06T12:00\" is not a number; allowed is 1–31"),
        ("1:", "minute: a number is missing; allowed is 0–59"),
        ("-5", "month: a number is missing; allowed is 1–12"),
        ("*-*-*-*", "\"*-*-*-*\" is not a date: write year-month-day or month-day"),
        ("2024~2-3", "\"2024~2-3\" is not a date: ~ goes before the day alone"),
        ("2024~2~3", "\"2024~2~3\" is not a date: ~ goes before the day alone"),
        ("1:2:3:4", "\"1:2:3:4\" is not a time: write hour:minute:second"),
        ("12:00 Europe/Berln", "time zone: Europe/Berln is not known"),
        ("daily CEST", "time zone: CEST is not known"),
        ("daily  UTC", "time zone: write one blank before it"),
        ("Mon daily", "time zone: daily is not known"),
        ("Sat..Mon", "weekdays: Sat..Mon ends before it begins; a week is Mon..Sun"),
        ("Mon, Fri", "weekdays: write them without blanks, as Mon,Fri"),
        ("Mon..", "weekdays: a name is missing; write such as Mon..Fri or Sat,Sun"),
        ("Mon,,Fri", "weekdays: a name is missing; write such as Mon..Fri or Sat,Sun"),
        ("Mon,Tues", {
            "weekdays: \"Tues\" is not one; allowed are Mon to Sun and Monday to Sunday"
        }),
        ("*/5 * * * *", "five fields are a cron expression: write such as Mon..Fri 03:00"),
        ("0 3 * * mon-fri", "five fields are a cron expression: write such as Mon..Fri 03:00"),
        ("OnCalendar=daily", "write only what comes after OnCalendar=, one expression a line"),
    ] {
        assert_eq!(refusal(text), refused);
    }
    for text in ["12", "*", "?", "Thurs", "tomorrow", "UTC"] {
        let why = "write weekdays, a date, a time, or a word as daily";
        assert_eq!(refusal(text), format!("{text:?} is not understood: {why}"));
    }
}

#[test]
fn long_texts_are_cut_in_errors() {
    let error = refusal(&format!("daily {}", "x".repeat(1000)));
    assert_eq!(error, format!("time zone: {}… is not known", "x".repeat(40)));
    assert!(refusal(&"é".repeat(1000)).len() < 200);
}
