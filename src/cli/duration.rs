//! Durations as the command line writes them: `90d`, `12h`, `30m`, `45s`.

/// The seconds of a duration.
///
/// # Errors
/// What is allowed.
pub(super) fn seconds(text: &str) -> Result<i64, String> {
    let factor = match text.bytes().last() {
        Some(b'd') => 86_400,
        Some(b'h') => 3600,
        Some(b'm') => 60,
        Some(b's') => 1,
        _ => return Err(allowed()),
    };
    // The last byte is ASCII, so that the cut falls between two characters.
    let digits = &text[..text.len() - 1];
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(allowed());
    }
    let number: i64 = digits.parse().map_err(|_| allowed())?;
    number.checked_mul(factor).ok_or_else(allowed)
}

fn allowed() -> String {
    "must be a whole number of days, hours, minutes or seconds, such as 90d, 12h, 30m or 45s"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_hours_minutes_and_seconds_are_understood() {
        let read = |text| seconds(text).unwrap();
        assert_eq!(read("90d"), 7_776_000);
        assert_eq!(read("12h"), 43_200);
        assert_eq!(read("30m"), 1800);
        assert_eq!(read("45s"), 45);
    }

    #[test]
    fn anything_else_is_refused_with_what_is_allowed() {
        for text in ["", "d", "90", "9w", "1.5h", "-1d", "+1d", "1d 2h", "９d", "9ｄ"] {
            assert!(seconds(text).unwrap_err().contains("90d"), "{text}");
        }
        assert!(seconds("9223372036854775807d").is_err());
        assert!(seconds("99999999999999999999s").is_err());
    }
}
