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
}
