//! How the running program is doing: when each worker last ran, and counts of what was done. The
//! workers report here, `/readyz` and `/metrics` read. Plain atomics: reporting costs next to
//! nothing on the hot path, and nobody waits for anybody. It decides nothing and stores nothing.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::domain::text_enum;

text_enum! {
    /// A worker that has to run for the server to be ready.
    Worker {
        /// Turns checks down whose deadline has passed.
        Detector => "detector",
        /// Sends what the outbox holds.
        Notifier => "notifier",
        /// Tells the other nodes, and the next start, that this one lives.
        Heartbeat => "heartbeat",
        /// Writes pings; it is idle while there are none.
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
            Self::Heartbeat => Duration::from_secs(6),
            Self::Ingest => Duration::from_secs(10),
        }
    }
}

/// What may become of a ping, as `/metrics` names it; [`Vitals::ping`] takes the place in here.
pub const PING_OUTCOMES: [&str; 4] = ["stored", "not_found", "limited", "unavailable"];

/// The worker has nothing to do, and is not late however long that lasts.
const IDLE: i64 = i64::MAX;
/// The worker has not run yet.
const NEVER: i64 = i64::MIN;

/// Where workers report. Counts are from the start of the process.
#[derive(Debug)]
pub struct Vitals {
    beats: [AtomicI64; Worker::ALL.len()],
    pings: [AtomicU64; PING_OUTCOMES.len()],
    batches: AtomicU64,
    batched_pings: AtomicU64,
    flips: AtomicU64,
    sent: AtomicU64,
    failed: AtomicU64,
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
                write!(f, "{worker}: last ran {age:.1} s ago, should every {bound} s")
            }
            None => write!(f, "{worker}: has not run yet"),
        }
    }
}

impl Default for Vitals {
    /// Nothing has run yet, and the writer of pings is idle.
    fn default() -> Self {
        let vitals = Self {
            beats: std::array::from_fn(|_| AtomicI64::new(NEVER)),
            pings: std::array::from_fn(|_| AtomicU64::new(0)),
            batches: AtomicU64::new(0),
            batched_pings: AtomicU64::new(0),
            flips: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        };
        vitals.idle(Worker::Ingest);
        vitals
    }
}

impl Vitals {
    /// A worker runs now; `now` is [`crate::clock::Clock::steady_micros`].
    pub fn beat(&self, worker: Worker, now: i64) {
        self.beats[worker as usize].store(now, Relaxed);
    }

    /// A worker has nothing to do until its next beat.
    pub fn idle(&self, worker: Worker) {
        self.beats[worker as usize].store(IDLE, Relaxed);
    }

    /// Counts a ping by its outcome's place in [`PING_OUTCOMES`].
    pub fn ping(&self, outcome: usize) {
        if let Some(count) = self.pings.get(outcome) {
            add(count, 1);
        }
    }

    /// Counts a transaction that stored so many pings.
    pub fn batch(&self, pings: usize) {
        add(&self.batches, 1);
        add(&self.batched_pings, pings);
    }

    /// Counts changes of checks' states.
    pub fn flips(&self, flips: usize) {
        add(&self.flips, flips);
    }

    /// Counts an attempt to deliver a notification.
    pub fn sent(&self, delivered: bool) {
        add(if delivered { &self.sent } else { &self.failed }, 1);
    }

    /// The workers that have not run within their bound; `now` is the steady clock's.
    #[must_use]
    pub fn late(&self, now: i64) -> Vec<Late> {
        let workers = Worker::ALL.iter().map(|worker| (*worker, self.age(*worker, now)));
        let late = workers.filter_map(|(worker, age)| match age {
            Age::Never => Some(Late { worker, age: None }),
            Age::Ran(age) if age > worker.bound() => Some(Late { worker, age: Some(age) }),
            Age::Ran(_) | Age::Idle => None,
        });
        late.collect()
    }

    fn age(&self, worker: Worker, now: i64) -> Age {
        match self.beats[worker as usize].load(Relaxed) {
            NEVER => Age::Never,
            IDLE => Age::Idle,
            // Another thread may have reported a little after `now` was read.
            at => Age::Ran(Duration::from_micros(u64::try_from(now - at).unwrap_or(0))),
        }
    }

    /// All of it in Prometheus' text format; `now` is the steady clock's.
    #[must_use]
    pub fn render(&self, now: i64) -> String {
        let mut text = head("overdue_pings_total", "counter", "Pings answered, by outcome.");
        for (outcome, count) in PING_OUTCOMES.iter().zip(&self.pings) {
            text += &line("overdue_pings_total", "outcome", outcome, count);
        }
        text += &plain("overdue_ping_batches_total", "Transactions that stored pings.", &self.batches);
        text += &plain("overdue_batched_pings_total", "Pings stored in them.", &self.batched_pings);
        text += &plain("overdue_flips_total", "Changes of checks' states.", &self.flips);
        let name = "overdue_notifications_total";
        text += &head(name, "counter", "Attempts to deliver a notification, by result.");
        text += &line(name, "result", "sent", &self.sent);
        text += &line(name, "result", "failed", &self.failed);
        text + &self.render_ages(now)
    }

    fn render_ages(&self, now: i64) -> String {
        let name = "overdue_worker_age_seconds";
        let mut text = head(name, "gauge", "Time since a worker last ran; none while it is idle.");
        for worker in Worker::ALL {
            if let Age::Ran(age) = self.age(*worker, now) {
                text += &format!("{name}{{worker=\"{worker}\"}} {:.3}\n", age.as_secs_f64());
            }
        }
        text
    }
}

enum Age {
    Never,
    Idle,
    Ran(Duration),
}

fn add(count: &AtomicU64, n: usize) {
    count.fetch_add(n as u64, Relaxed);
}

fn line(name: &str, label: &str, value: &str, count: &AtomicU64) -> String {
    format!("{name}{{{label}=\"{value}\"}} {}\n", count.load(Relaxed))
}

fn plain(name: &str, help: &str, count: &AtomicU64) -> String {
    format!("{}{name} {}\n", head(name, "counter", help), count.load(Relaxed))
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
        for worker in [Worker::Detector, Worker::Notifier, Worker::Heartbeat] {
            vitals.beat(worker, now);
        }
        vitals
    }

    fn names(late: &[Late]) -> Vec<&'static str> {
        late.iter().map(|late| late.worker.as_str()).collect()
    }

    #[test]
    fn a_worker_that_has_not_run_yet_is_late_and_one_that_is_idle_is_not() {
        let late = Vitals::default().late(0);
        assert_eq!(names(&late), ["detector", "notifier", "heartbeat"]);
        assert_eq!(late[0].to_string(), "detector: has not run yet");
    }

    #[test]
    fn a_worker_is_late_once_its_bound_has_passed_since_it_ran() {
        let vitals = beaten_at(0);
        assert!(vitals.late(5 * SECOND).is_empty());
        assert_eq!(names(&vitals.late(5 * SECOND + 1)), ["detector", "notifier"]);
        vitals.beat(Worker::Detector, 6 * SECOND);
        let late = vitals.late(7 * SECOND);
        assert_eq!(names(&late), ["notifier", "heartbeat"]);
        assert_eq!(late[0].to_string(), "notifier: last ran 7.0 s ago, should every 5 s");
    }

    #[test]
    fn a_batch_that_takes_too_long_makes_the_writer_late_until_it_is_idle() {
        let vitals = beaten_at(20 * SECOND);
        vitals.beat(Worker::Ingest, 5 * SECOND);
        assert_eq!(names(&vitals.late(20 * SECOND)), ["ingest"]);
        vitals.idle(Worker::Ingest);
        assert!(vitals.late(20 * SECOND).is_empty());
    }

    #[test]
    fn counts_are_shown_under_their_names() {
        let vitals = Vitals::default();
        vitals.ping(0);
        vitals.ping(3);
        vitals.ping(PING_OUTCOMES.len());
        vitals.batch(7);
        vitals.batch(5);
        vitals.flips(3);
        vitals.sent(true);
        vitals.sent(false);
        vitals.sent(false);
        let text = vitals.render(0);
        for line in [
            "overdue_pings_total{outcome=\"stored\"} 1",
            "overdue_pings_total{outcome=\"not_found\"} 0",
            "overdue_pings_total{outcome=\"unavailable\"} 1",
            "overdue_ping_batches_total 2",
            "overdue_batched_pings_total 12",
            "overdue_flips_total 3",
            "overdue_notifications_total{result=\"sent\"} 1",
            "overdue_notifications_total{result=\"failed\"} 2",
            "# TYPE overdue_flips_total counter",
        ] {
            assert!(text.lines().any(|is| is == line), "{line} in {text}");
        }
    }

    #[test]
    fn the_age_of_a_worker_is_shown_unless_it_is_idle_or_never_ran() {
        let text = beaten_at(SECOND).render(2 * SECOND);
        assert!(text.contains("overdue_worker_age_seconds{worker=\"detector\"} 1.000\n"), "{text}");
        assert!(!text.contains("worker=\"ingest\""), "{text}");
        let text = Vitals::default().render(0);
        assert!(!text.contains("worker=\"detector\""), "{text}");
    }
}
