//! What people may call things: projects, users, checks, channels, maintenance windows, tokens.

use crate::fault::{Fault, Result};

/// The longest name, in characters.
pub const LONGEST: usize = 100;

/// Checks a name: that it has at least so many characters (none or one) and at most [`LONGEST`], and
/// is one line of text.
///
/// # Errors
/// It is not; the fault names the field.
pub fn check(field: &str, name: &str, least: usize) -> Result<()> {
    let length = name.chars().count();
    if (least..=LONGEST).contains(&length) && !name.contains(is_refused) {
        return Ok(());
    }
    let range = if least == 0 { "at most".to_owned() } else { format!("{least} to") };
    Err(Fault::invalid(
        field,
        format!("must have {range} {LONGEST} characters, no control characters but tabs"),
    ))
}

/// Whether a name may not hold this. A tab may stand in it: it is a space like others, and slugs are
/// derived from names with tabs.
fn is_refused(c: char) -> bool {
    c.is_control() && c != '\t'
}

/// The name without the spaces around it; line breaks stay where they are, to be refused.
#[must_use]
pub fn trimmed(name: &str) -> &str {
    name.trim_matches(|c: char| c.is_whitespace() && !is_refused(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str, least: usize) -> String {
        check("title", name, least).unwrap_err().to_string()
    }

    #[test]
    fn a_name_has_up_to_a_hundred_characters() {
        assert!(check("title", &"ä".repeat(100), 0).is_ok() && check("title", "", 0).is_ok());
        assert!(check("title", "x", 1).is_ok());
        let said = "title: must have 1 to 100 characters, no control characters but tabs";
        assert_eq!(refused("", 1), said);
        let said = "title: must have at most 100 characters, no control characters but tabs";
        assert_eq!(refused(&"ä".repeat(101), 0), said);
    }

    #[test]
    fn a_name_is_one_line_of_text() {
        for bad in ["\u{1}", "a\nb", "a\r", "\u{7f}", "\u{85}", "\u{9f}"] {
            assert!(refused(bad, 0).ends_with("no control characters but tabs"), "{bad:?}");
        }
        assert!(check("title", "größe\t☃\u{a0}🚀", 1).is_ok());
    }

    #[test]
    fn spaces_around_a_name_can_be_taken_away_and_line_breaks_can_not() {
        assert_eq!(trimmed(" \t\u{a0}a b\u{3000} "), "a b");
        assert_eq!(trimmed(" \t\u{2003}"), "");
        assert_eq!(trimmed(" a\n "), "a\n");
    }
}
