//! The years that people may name in a moment, so that whatever is reckoned from it can be kept and
//! written.

use crate::clock::Timestamp;
use crate::fault::{Fault, Result};

/// The first moment that may be named: the epoch.
pub const FIRST: Timestamp = Timestamp(0);
/// The last moment that can be written in RFC 3339: the end of the year 9999.
pub const LAST: Timestamp = Timestamp(253_402_300_799_999_999);

/// Checks that a moment can be reckoned with and written.
///
/// # Errors
/// It can't; the fault names the field.
pub fn check(field: &str, at: Option<Timestamp>) -> Result<()> {
    if at.is_none_or(|at| (FIRST..=LAST).contains(&at)) {
        return Ok(());
    }
    Err(Fault::invalid(field, "must be a time in the years 1970 to 9999"))
}

/// Checks both ends of a span of time, and where both are named, that it begins before it ends.
///
/// # Errors
/// As [`check`]; or `from` is not before `to`. The fault names the one that is wrong.
pub fn check_span(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<()> {
    check("from", from)?;
    check("to", to)?;
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return Err(Fault::invalid("from", "must be before to"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_the_first_and_the_last_moment_of_their_years() {
        assert_eq!(FIRST.to_rfc3339(), "1970-01-01T00:00:00.000000Z");
        assert_eq!(LAST.to_rfc3339(), "9999-12-31T23:59:59.999999Z");
        assert!(check("from", Some(FIRST)).is_ok() && check("from", Some(LAST)).is_ok());
        assert!(check("from", Some(LAST.plus_micros(1))).is_err());
        assert!(check("from", Some(FIRST.plus_micros(-1))).is_err() && check("from", None).is_ok());
    }

    #[test]
    fn a_span_begins_before_it_ends_where_both_are_named() {
        let refused = |from, to| check_span(from, to).unwrap_err().to_string();
        let (one, two) = (Some(Timestamp(1)), Some(Timestamp(2)));
        assert!(check_span(one, two).is_ok() && check_span(one, None).is_ok());
        assert!(check_span(None, one).is_ok() && check_span(None, None).is_ok());
        assert_eq!(refused(two, two), "from: must be before to");
        assert_eq!(refused(two, one), "from: must be before to");
        assert!(refused(Some(Timestamp(-1)), one).starts_with("from: must be a time in"));
        assert!(refused(None, Some(Timestamp(-1))).starts_with("to: must be a time in"));
    }
}
