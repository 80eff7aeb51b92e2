//! Times and durations as people read them, and words as a shell does.

use std::borrow::Cow;

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

/// How long ago something was: `just now`, `12 s ago`, `3 m ago`.
pub(super) fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.micros_since(then) / SECOND;
    if seconds < 1 {
        return "just now".to_owned();
    }
    let unit = UNITS.iter().find(|(unit, _)| seconds >= *unit);
    unit.map_or_else(String::new, |(unit, name)| format!("{} {name} ago", seconds / unit))
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
            (200, "3 m ago"),
            (90_000, "1 d ago"),
        ] {
            assert_eq!(ago(now.plus_seconds(-seconds), now), words);
        }
    }

    #[test]
    fn a_shell_reads_a_word_as_it_is() {
        assert_eq!(shell_word("ops+a@example.org"), "ops+a@example.org");
        assert_eq!(shell_word("o'brien@x"), r"'o'\''brien@x'");
        assert_eq!(shell_word("$(reboot)@x"), "'$(reboot)@x'");
    }
}
