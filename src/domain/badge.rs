//! Badges: the state of one or many checks in a word, to be shown elsewhere (`healthchecks-api.md`,
//! "Badges and metrics").

/// How many checks are how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All.
    pub total: i64,
    /// Those that are late and not down yet.
    pub grace: i64,
    /// Those that are down.
    pub down: i64,
}

/// The word of a badge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Badge {
    /// Nothing is down or late.
    Up,
    /// Something is late.
    Late,
    /// Something is down.
    Down,
}

impl Badge {
    /// The badge of these checks; one of two states does not tell that something is late.
    #[must_use]
    pub fn of(tally: Tally, has_late: bool) -> Self {
        match tally {
            Tally { down: 1.., .. } => Self::Down,
            Tally { grace: 1.., .. } if has_late => Self::Late,
            _ => Self::Up,
        }
    }

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Late => "late",
            Self::Down => "down",
        }
    }

    /// Its colour, as shields.io names it.
    #[must_use]
    pub const fn colour(self) -> &'static str {
        match self {
            Self::Up => "success",
            Self::Late => "important",
            Self::Down => "critical",
        }
    }

    /// Its colour in a picture.
    #[must_use]
    pub const fn paint(self) -> &'static str {
        match self {
            Self::Up => "#4c1",
            Self::Late => "#fe7d37",
            Self::Down => "#e05d44",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_counts_and_a_badge_of_two_states_hides_lateness() {
        let tally = |grace, down| Tally { total: 9, grace, down };
        for (tally, three, two) in [
            (tally(0, 0), Badge::Up, Badge::Up),
            (tally(2, 0), Badge::Late, Badge::Up),
            (tally(2, 1), Badge::Down, Badge::Down),
            (tally(0, 1), Badge::Down, Badge::Down),
        ] {
            assert_eq!((Badge::of(tally, true), Badge::of(tally, false)), (three, two));
        }
    }
}
