//! Times and durations as people read them, and words as a shell does.

use std::borrow::Cow;

use super::texts::{self, Text};
use crate::clock::{SECOND, Timestamp};

const UNITS: [(i64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")];

/// Seconds as `1 d`, `1 h 30 m`, `1 m 12 s`: the largest unit that fits and the one below it.
pub(super) fn duration(seconds: i64) -> String {
    let first = UNITS.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(UNITS.len() - 1);
    let (unit, name) = UNITS[first];
    let whole = format!("{} {name}", seconds.max(0) / unit);
    match UNITS.get(first + 1).map(|(below, name)| (seconds.max(0) % unit / below, name)) {
        Some((rest @ 1.., name)) => format!("{whole} {rest} {name}"),
        _ => whole,
    }
}

/// How long ago something was: `just now`, `12 s ago`, `3 min ago`.
pub(super) fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.micros_since(then) / SECOND;
    if seconds < 1 {
        texts::t("words-just-now").plain()
    } else {
        texts::t("words-ago").text("far", distance(seconds)).plain()
    }
}

/// How far a moment is from now, to either side: `3 min ago`, `in 2 h`.
pub(super) fn ago_or_in(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.micros_since(now) / SECOND;
    if seconds < 1 {
        ago(at, now)
    } else {
        texts::t("words-in").text("far", distance(seconds)).plain()
    }
}

/// Seconds in the largest unit that fits, in words that a sentence takes: `12 s`, `3 min`, `2 h`,
/// `1 day`, `12 days`.
fn distance(seconds: i64) -> Text {
    let (key, n) = match seconds {
        ..60 => ("words-seconds", seconds),
        60..3600 => ("words-minutes", seconds / 60),
        3600..86_400 => ("words-hours", seconds / 3600),
        86_400..172_800 => ("words-one-day", 1),
        _ => ("words-days", seconds / 86_400),
    };
    texts::t(key).count("n", n)
}

/// How long something took, which is given in microseconds: `412 ms`, `1.4 s`, `1 m 12 s`.
pub(super) fn took(micros: i64) -> String {
    let millis = micros.max(0) / 1000;
    match millis {
        ..1000 => format!("{millis} ms"),
        1000..10_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        _ => duration(millis / 1000),
    }
}

/// A text as one word of a shell's command line.
pub(super) fn shell_word(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@.+-_".contains(c);
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_at_most_two_units() {
        for (seconds, words) in [
            (0, "0 s"),
            (45, "45 s"),
            (60, "1 m"),
            (72, "1 m 12 s"),
            (3600, "1 h"),
            (3605, "1 h"),
            (5400, "1 h 30 m"),
            (86_400, "1 d"),
            (93_600, "1 d 2 h"),
            (-5, "0 s"),
        ] {
            assert_eq!(duration(seconds), words);
        }
    }

    #[test]
    fn what_was_is_told_in_its_largest_unit() {
        let now = Timestamp(0).plus_seconds(1_000_000);
        for (seconds, words) in [
            (-3, "just now"),
            (0, "just now"),
            (12, "12 s ago"),
            (200, "3 min ago"),
            (7300, "2 h ago"),
            (90_000, "1 day ago"),
            (900_000, "10 days ago"),
        ] {
            assert_eq!(ago(now.plus_seconds(-seconds), now), words);
        }
        assert_eq!(ago_or_in(now.plus_seconds(200), now), "in 3 min");
        assert_eq!(ago_or_in(now.plus_seconds(-200), now), "3 min ago");
        assert_eq!(ago_or_in(now, now), "just now");
    }

    #[test]
    fn what_a_run_took_is_told_as_finely_as_it_matters() {
        for (micros, words) in [
            (0, "0 ms"),
            (412_900, "412 ms"),
            (1_460_000, "1.4 s"),
            (12_900_000, "12 s"),
            (72_000_000, "1 m 12 s"),
        ] {
            assert_eq!(took(micros), words);
        }
    }

    #[test]
    fn a_shell_reads_a_word_as_it_is() {
        assert_eq!(shell_word("ops+a@example.org"), "ops+a@example.org");
        assert_eq!(shell_word("o'brien@x"), r"'o'\''brien@x'");
        assert_eq!(shell_word("$(reboot)@x"), "'$(reboot)@x'");
    }
}
