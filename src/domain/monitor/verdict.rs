//! When what probes find is a verdict: only after so many results in a row agree.

use super::super::text_enum;

text_enum! {
    /// What is held to be the case.
    Verdict {
        /// Nothing yet.
        Pending => "pending",
        /// All is well: it answers, or is on no list.
        Up => "up",
        /// It does not answer as it should, or is on a list.
        Down => "down",
    }
}

impl Verdict {
    /// The state of a check that says the same.
    #[must_use]
    pub const fn as_status(self) -> &'static str {
        match self {
            Self::Pending => "new",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// What one look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// All is well.
    Good,
    /// It is not.
    Bad,
    /// It can't be told: the lists did not answer.
    Nothing,
}

/// How a monitor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What is held to be the case.
    pub verdict: Verdict,
    /// So many results in a row speak against that.
    pub against: i64,
}

impl Standing {
    /// Takes a result in; `retries` more than one have to agree before the verdict changes.
    /// The results before a first verdict count when they agree: `against` is positive while they were
    /// good, and negative while they were bad.
    #[must_use]
    pub fn after(self, seen: Seen, retries: i64) -> Self {
        let needed = 1 + retries;
        let to = match seen {
            Seen::Good => Verdict::Up,
            Seen::Bad => Verdict::Down,
            Seen::Nothing => return self,
        };
        if self.verdict == to {
            return Self { against: 0, ..self };
        }
        let against = match (self.verdict, to) {
            (Verdict::Pending, Verdict::Up) => self.against.max(0) + 1,
            (Verdict::Pending, _) => self.against.min(0) - 1,
            _ => self.against + 1,
        };
        if against.abs() >= needed {
            return Self { verdict: to, against: 0 };
        }
        Self { against, ..self }
    }

    /// Whether results speak against the verdict, so that the next look should come soon.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.against != 0
    }
}
