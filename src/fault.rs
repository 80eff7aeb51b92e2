//! What can go wrong, in the program's own words and without any HTTP in it. Each dialect renders
//! these in its own few lines; what a user may not see stays in [`Fault::Internal`].

use std::fmt;

/// The outcome of anything that can fail.
pub type Result<T, E = Fault> = std::result::Result<T, E>;

/// A reason why something was not done.
#[derive(Debug)]
pub enum Fault {
    /// No such thing.
    NotFound,
    /// Nobody is named, or the proof does not hold.
    Unauthenticated(String),
    /// Somebody is named, and may not.
    Forbidden(String),
    /// What was asked for can't be: `field` names the part (empty: the whole), `reason` what is
    /// allowed.
    Invalid {
        /// The field or parameter that is wrong; empty where it is none in particular.
        field: String,
        /// What is allowed instead.
        reason: String,
    },
    /// It collides with what exists already.
    Conflict(String),
    /// More than is taken at a time; the text says how much is.
    TooLarge(String),
    /// Too often; may be tried again after so many seconds.
    RateLimited {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// A part of the system is out; may be tried again in a moment.
    Unavailable(String),
    /// Our own mistake. The text is for the log alone.
    Internal(String),
}

impl Fault {
    /// A wrong field, and what is allowed in it.
    pub fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), reason: reason.into() }
    }

    /// Whether a database undid the work to let other work go on; it can be done again at once.
    #[must_use]
    pub fn was_rolled_back(&self) -> bool {
        matches!(self, Self::Unavailable(text) if text.starts_with(ROLLED_BACK))
    }

    /// Whether a row lies in a time for which there is no partition yet.
    #[must_use]
    pub fn lacks_partition(&self) -> bool {
        matches!(self, Self::Unavailable(text) if text.starts_with(NO_PARTITION))
    }

    /// A mistake of ours, for the log.
    pub fn internal(what: impl fmt::Display) -> Self {
        Self::Internal(what.to_string())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("not found"),
            Self::Invalid { field, reason } if field.is_empty() => f.write_str(reason),
            Self::Invalid { field, reason } => write!(f, "{field}: {reason}"),
            Self::RateLimited { retry_after } => {
                write!(f, "too many requests: try again in {retry_after} s")
            }
            Self::Unauthenticated(text)
            | Self::Forbidden(text)
            | Self::Conflict(text)
            | Self::TooLarge(text)
            | Self::Unavailable(text)
            | Self::Internal(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Fault {}

impl From<sqlx::Error> for Fault {
    /// A database that can't be reached or does not answer is out for a while; anything else that
    /// comes from it is our mistake.
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Io(_)
            | sqlx::Error::Tls(_) => Self::Unavailable(format!("the database: {error}")),
            sqlx::Error::Database(inner) if inner.code().is_some_and(|c| is_rollback(&c)) => {
                Self::Unavailable(format!("{ROLLED_BACK}: {error}"))
            }
            sqlx::Error::Database(inner) if inner.message().starts_with(NO_PARTITION) => {
                Self::Unavailable(inner.message().to_owned())
            }
            sqlx::Error::Database(inner) if is_passing(inner.code().as_deref()) => {
                Self::Unavailable(format!("the database: {error}"))
            }
            _ => Self::Internal(format!("the database: {error}")),
        }
    }
}

/// How the text of a fault begins whose work was undone to let other work go on.
const ROLLED_BACK: &str = "the database rolled back";

/// How PostgreSQL says that a row lies in no partition.
const NO_PARTITION: &str = "no partition of relation";

/// PostgreSQL's class 40: a deadlock, or transactions that can't be put in order.
fn is_rollback(code: &str) -> bool {
    code.len() == 5 && code.starts_with("40")
}

/// Whether a database's error code tells of a state that passes: SQLite busy, locked, I/O error,
/// full or read-only; PostgreSQL's classes 08 (connection), 53 (resources), 55 (not ready, such as a
/// database that takes no connections), 57 (operator), 40 (rolled back).
fn is_passing(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    if code.len() == 5 {
        return ["08", "53", "55", "57", "40"].iter().any(|class| code.starts_with(class));
    }
    // SQLite's extended codes carry the primary one in their low byte.
    code.parse::<u32>().is_ok_and(|n| [5, 6, 8, 10, 13, 14].contains(&(n & 0xff)))
}
