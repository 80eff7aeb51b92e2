//! Flapping: a check that goes up and down so often that telling each time helps nobody
//! (`alerting.md`, "Notifications"). One message says so; then it is quiet until the state has held
//! for a while, and the state is told.

/// The time in which flips are counted, in seconds.
pub const WITHIN: i64 = 3600;
/// How long a state has to hold before it is told again, in seconds.
pub const QUIET: i64 = 900;
/// Why a notification is kept back meanwhile, as its `last_error` shows it.
pub const REASON: &str = "the check is flapping";

/// Whether so many flips between up and down [`WITHIN`] an hour are too many for a check with this
/// `flap_threshold`; 0 stands for as many as there may be.
#[must_use]
pub fn is_flapping(flap_threshold: i64, flips: i64) -> bool {
    flap_threshold > 0 && flips > flap_threshold
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_flips_than_the_threshold_are_flapping_and_none_are_where_it_is_0() {
        assert!(!is_flapping(6, 6) && is_flapping(6, 7));
        assert!(!is_flapping(0, 1000));
    }
}
