//! How the running program is doing: when each worker last ran, and counts of what was done. The
//! workers report here, `/readyz` and `/metrics` read. Plain atomics: reporting costs next to
//! nothing on the hot path, and nobody waits for anybody. It decides nothing and stores nothing.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::domain::text_enum;

text_enum! {
    /// A worker that has to run for the server to be ready.
    Worker {
        /// Turns checks down whose deadline has passed, and gives the node's sign of life.
        Detector => "detector",
        /// Sends what the outbox holds.
        Notifier => "notifier",
        /// Writes pings; it rests while there are none.
        Ingest => "ingest",
    }
}

impl Worker {
    /// How long after one run the next must have come; for [`Worker::Ingest`], how long one batch
    /// may take.
    #[must_use]
    pub const fn bound(self) -> Duration {
        match self {
            Self::Detector | Self::Notifier => Duration::from_secs(5),
            Self::Ingest => Duration::from_secs(10),
        }
    }
}

/// Something that is counted from the start of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// A ping that was stored.
    PingStored,
    /// A ping that was stored and made its check.
    PingCreated,
    /// A ping for no check.
    PingUnknown,
    /// A ping that could not be understood, or whose slug fits several checks.
    PingRefused,
    /// A ping over the operator's limit per minute.
    PingLimited,
    /// A ping that could not be stored, because the queue was full or the database out.
    PingUnavailable,
    /// A transaction that stored pings.
    Batch,
    /// A ping in such a transaction.
    BatchedPing,
    /// A change of a check's state.
    Flip,
    /// A notification that was delivered.
    NotificationSent,
    /// An attempt to deliver one that failed.
    NotificationFailed,
}

/// A counter as `/metrics` shows it.
struct Series {
    count: Count,
    name: &'static str,
    labels: &'static str,
    help: &'static str,
}

const fn series(
    count: Count,
    name: &'static str,
    labels: &'static str,
    help: &'static str,
) -> Series {
    Series { count, name, labels, help }
}

const PINGS: &str = "overdue_pings_total";
const PINGS_HELP: &str = "Pings answered, by outcome.";
const SENT: &str = "overdue_notifications_total";
const SENT_HELP: &str = "Attempts to deliver a notification, by result.";

/// How many counters there are.
const COUNTERS: usize = 11;

/// Every counter, in the order of [`Count`], those of one name together.
const SERIES: [Series; COUNTERS] = [
    series(Count::PingStored, PINGS, "{outcome=\"stored\"}", PINGS_HELP),
    series(Count::PingCreated, PINGS, "{outcome=\"created\"}", PINGS_HELP),
    series(Count::PingUnknown, PINGS, "{outcome=\"unknown\"}", PINGS_HELP),
    series(Count::PingRefused, PINGS, "{outcome=\"refused\"}", PINGS_HELP),
    series(Count::PingLimited, PINGS, "{outcome=\"limited\"}", PINGS_HELP),
    series(Count::PingUnavailable, PINGS, "{outcome=\"unavailable\"}", PINGS_HELP),
    series(Count::Batch, "overdue_ping_batches_total", "", "Transactions that stored pings."),
    series(Count::BatchedPing, "overdue_batched_pings_total", "", "Pings stored in them."),
    series(Count::Flip, "overdue_flips_total", "", "Changes of checks' states."),
    series(Count::NotificationSent, SENT, "{result=\"sent\"}", SENT_HELP),
    series(Count::NotificationFailed, SENT, "{result=\"failed\"}", SENT_HELP),
];

/// The worker has nothing to do, and is not late however long that lasts.
const RESTING: i64 = i64::MAX;
/// The worker has not run yet.
const NEVER: i64 = i64::MIN;

/// Where workers report; cheap to clone.
#[derive(Clone, Debug)]
pub struct Vitals(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    beats: [AtomicI64; Worker::ALL.len()],
    counts: [AtomicU64; COUNTERS],
}

/// A worker that has not run within its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late {
    /// Which.
    pub worker: Worker,
    /// How long ago it last ran; none where it has not run yet.
    pub age: Option<Duration>,
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (worker, bound) = (self.worker, self.worker.bound().as_secs());
        match self.age {
            Some(age) => {
                let age = age.as_secs_f64();
                write!(f, "{worker}: last ran {age:.1} s ago, should have within {bound} s")
            }
            None => write!(f, "{worker}: has not run yet"),
        }
    }
}

impl Default for Vitals {
    /// Nothing has run yet, and the writer of pings rests.
    fn default() -> Self {
        let vitals = Self(Arc::new(Inner {
            beats: std::array::from_fn(|_| AtomicI64::new(NEVER)),
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
        }));
        vitals.rest(Worker::Ingest);
        vitals
    }
}

impl Vitals {
    /// A worker runs now; `now` is [`crate::clock::Clock::steady_micros`].
    pub fn beat(&self, worker: Worker, now: i64) {
        self.0.beats[worker as usize].store(now, Relaxed);
    }

    /// A worker has nothing to do until its next beat.
    pub fn rest(&self, worker: Worker) {
        self.0.beats[worker as usize].store(RESTING, Relaxed);
    }

    /// Counts one more of this.
    pub fn count(&self, what: Count) {
        self.add(what, 1);
    }

    /// Counts `n` more of this.
    pub fn add(&self, what: Count, n: u64) {
        self.0.counts[what as usize].fetch_add(n, Relaxed);
    }

    /// The workers that have not run within their bound; `now` is the steady clock's.
    #[must_use]
    pub fn late(&self, now: i64) -> Vec<Late> {
        let workers = Worker::ALL.iter().map(|worker| (*worker, self.age(*worker, now)));
        let late = workers.filter_map(|(worker, age)| match age {
            Age::Never => Some(Late { worker, age: None }),
            Age::Ran(age) if age > worker.bound() => Some(Late { worker, age: Some(age) }),
            Age::Ran(_) | Age::Rests => None,
        });
        late.collect()
    }

    fn age(&self, worker: Worker, now: i64) -> Age {
        match self.0.beats[worker as usize].load(Relaxed) {
            NEVER => Age::Never,
            RESTING => Age::Rests,
            // Another thread may have reported a little after `now` was read.
            at => Age::Ran(Duration::from_micros(u64::try_from(now - at).unwrap_or(0))),
        }
    }

    /// All of it in Prometheus' text format; `now` is the steady clock's.
    #[must_use]
    pub fn render(&self, now: i64) -> String {
        let mut text = String::new();
        let mut last = "";
        for series in &SERIES {
            if series.name != last {
                text.push_str(&head(series.name, "counter", series.help));
                last = series.name;
            }
            let value = self.0.counts[series.count as usize].load(Relaxed);
            text.push_str(&sample(series.name, series.labels, value));
        }
        text + self.render_ages(now).as_str()
    }

    fn render_ages(&self, now: i64) -> String {
        let name = "overdue_worker_age_seconds";
        let line = |worker: &Worker| match self.age(*worker, now) {
            Age::Ran(age) => sample(name, &format!("{{worker=\"{worker}\"}}"), age.as_secs_f64()),
            Age::Never | Age::Rests => String::new(),
        };
        let lines: String = Worker::ALL.iter().map(line).collect();
        head(name, "gauge", "Time since a worker last ran; none while it rests.") + lines.as_str()
    }
}

enum Age {
    Never,
    Rests,
    Ran(Duration),
}

/// A value of a metric; `labels` with their braces, or empty.
#[must_use]
pub fn sample(name: &str, labels: &str, value: impl fmt::Display) -> String {
    format!("{name}{labels} {value}\n")
}

/// The two lines that stand before the values of a metric.
#[must_use]
pub fn head(name: &str, kind: &str, help: &str) -> String {
    format!("# HELP {name} {help}\n# TYPE {name} {kind}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SECOND;

    fn beaten_at(now: i64) -> Vitals {
        let vitals = Vitals::default();
        vitals.beat(Worker::Detector, now);
        vitals.beat(Worker::Notifier, now);
        vitals
    }

    fn names(late: &[Late]) -> Vec<&'static str> {
        late.iter().map(|late| late.worker.as_str()).collect()
    }

    #[test]
    fn a_worker_that_has_not_run_yet_is_late_and_one_that_rests_is_not() {
        let late = Vitals::default().late(0);
        assert_eq!(names(&late), ["detector", "notifier"]);
        assert_eq!(late[0].to_string(), "detector: has not run yet");
    }

    #[test]
    fn a_worker_is_late_once_its_bound_has_passed_since_it_ran() {
        let vitals = beaten_at(0);
        assert!(vitals.late(5 * SECOND).is_empty());
        assert_eq!(names(&vitals.late(5 * SECOND + 1)), ["detector", "notifier"]);
        vitals.beat(Worker::Detector, 6 * SECOND);
        let late = vitals.late(7 * SECOND);
        assert_eq!(names(&late), ["notifier"]);
        assert_eq!(late[0].to_string(), "notifier: last ran 7.0 s ago, should have within 5 s");
    }

    #[test]
    fn a_batch_that_takes_too_long_makes_the_writer_late_until_it_rests() {
        let vitals = beaten_at(20 * SECOND);
        vitals.beat(Worker::Ingest, 5 * SECOND);
        assert_eq!(names(&vitals.late(20 * SECOND)), ["ingest"]);
        vitals.rest(Worker::Ingest);
        assert!(vitals.late(20 * SECOND).is_empty());
    }

    #[test]
    fn every_count_has_its_own_series_in_its_place() {
        let vitals = Vitals::default();
        for (place, series) in SERIES.iter().enumerate() {
            assert_eq!(series.count as usize, place);
            vitals.add(series.count, place as u64 + 1);
        }
        let text = vitals.render(0);
        for (place, series) in SERIES.iter().enumerate() {
            let line = format!("\n{}{} {}\n", series.name, series.labels, place + 1);
            assert_eq!(text.matches(&line).count(), 1, "{line} in {text}");
            let kind = format!("# TYPE {} counter\n", series.name);
            assert_eq!(text.matches(&kind).count(), 1, "{kind} in {text}");
        }
    }

    #[test]
    fn the_age_of_a_worker_is_shown_unless_it_rests_or_never_ran() {
        let text = beaten_at(SECOND).render(2 * SECOND);
        assert!(text.contains("overdue_worker_age_seconds{worker=\"detector\"} 1\n"), "{text}");
        assert!(!text.contains("worker=\"ingest\""), "{text}");
        let text = Vitals::default().render(0);
        assert!(!text.contains("worker=\"detector\""), "{text}");
    }
}
