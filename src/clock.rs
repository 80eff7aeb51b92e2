//! Time as a value that is passed in. This is the only file that asks the system what time it is
//! (`clippy.toml` forbids it elsewhere), so that every rule about time can be tested with a clock
//! that stands still until it is told to move.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat, Utc};

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;

/// A moment: microseconds since the Unix epoch, UTC. The form in which both databases keep times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment `seconds` after this one (before it, where negative); stays within range.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(SECOND)))
    }

    /// The moment `micros` microseconds after this one; stays within range.
    #[must_use]
    pub fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// Microseconds from `earlier` to this moment; negative where this one is earlier.
    #[must_use]
    pub fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub fn epoch_seconds(self) -> i64 {
        self.0.div_euclid(SECOND)
    }

    /// The same moment as a `chrono` value; the epoch where it is out of that type's range.
    #[must_use]
    pub fn to_datetime(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }

    /// RFC 3339 in UTC with microseconds: `2026-01-02T03:04:05.678901Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        self.to_datetime().to_rfc3339_opts(SecondsFormat::Micros, true)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        self.plus_micros(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, duration: Duration) -> Self {
        self.plus_micros(-i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

impl FromStr for Timestamp {
    type Err = String;
    /// Reads RFC 3339 with any offset; what is finer than a microsecond is dropped.
    fn from_str(text: &str) -> Result<Self, String> {
        DateTime::parse_from_rfc3339(text)
            .map(|t| Self(t.timestamp_micros()))
            .map_err(|_| "must be a time such as 2026-01-02T03:04:05Z".to_owned())
    }
}

/// Where the time comes from: the system in production, a hand in tests.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System { origin: Instant },
    Manual(Arc<ManualTime>),
}

#[derive(Debug)]
struct ManualTime {
    wall: AtomicI64,
    steady: AtomicI64,
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl Clock {
    /// The system's clock.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is the one place that may")]
    pub fn system() -> Self {
        Self(Source::System { origin: Instant::now() })
    }

    /// A clock that stands at `start` until [`Clock::advance`] or [`Clock::jump`] moves it.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(ManualTime {
            wall: AtomicI64::new(start.0),
            steady: AtomicI64::new(0),
        })))
    }

    /// The wall clock: what pings, flips and deadlines are stamped with.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is the one place that may")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System { .. } => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
            }
            Source::Manual(time) => Timestamp(time.wall.load(Ordering::SeqCst)),
        }
    }

    /// Time since this clock was made, by a clock that nobody can set: microseconds. A difference
    /// between its pace and [`Clock::now`]'s shows that the wall clock was moved.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is the one place that may")]
    pub fn steady_micros(&self) -> i64 {
        match &self.0 {
            Source::System { origin } => {
                i64::try_from(origin.elapsed().as_micros()).unwrap_or(i64::MAX)
            }
            Source::Manual(time) => time.steady.load(Ordering::SeqCst),
        }
    }

    /// Lets time pass on a manual clock: wall and steady clock go on together. A system clock
    /// is left alone.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        if let Source::Manual(time) = &self.0 {
            time.wall.fetch_add(micros, Ordering::SeqCst);
            time.steady.fetch_add(micros, Ordering::SeqCst);
        }
    }

    /// Sets a manual wall clock forward or back by `micros` without time passing, as an
    /// administrator or a time server would. A system clock is left alone.
    pub fn jump(&self, micros: i64) {
        if let Source::Manual(time) = &self.0 {
            time.wall.fetch_add(micros, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_with_microseconds_and_read_back() {
        let t: Timestamp = "2026-01-02T03:04:05.678901Z".parse().unwrap();
        assert_eq!(t.to_rfc3339(), "2026-01-02T03:04:05.678901Z");
        let same: Timestamp = "2026-01-02T05:04:05.678901+02:00".parse().unwrap();
        assert_eq!(t, same);
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn a_jump_moves_the_wall_clock_and_not_the_steady_one() {
        let clock = Clock::manual(Timestamp(0));
        clock.advance(Duration::from_secs(2));
        clock.jump(-SECOND);
        assert_eq!(clock.now(), Timestamp(SECOND));
        assert_eq!(clock.steady_micros(), 2 * SECOND);
    }
}
