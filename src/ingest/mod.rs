//! The ping writer. Requests hand their pings to one bounded queue; one task takes all that has
//! queued while the last commit ran, stores it in one transaction, and only then lets each request
//! have its answer. What a ping means is decided in `domain`; how it is stored, in `store`.

mod batch;
mod pace;
mod remembered;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::clock::Timestamp;
use crate::context::Context;
use crate::domain::ping::Ping;
use crate::vitals::{Count, Vitals, Worker};
use pace::Pace;
use remembered::Remembered;

/// Pings that may wait at most. Beyond it they are refused, so that memory stays bounded.
const QUEUE: usize = 4096;
/// Pings that may always wait, however slow the database is.
const ALWAYS_ROOM: usize = 256;
/// No more may wait than the database stores within this time, at the pace of late, so that nobody
/// waits for much longer.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// Bytes of the bodies of pings that wait; beyond them no more are taken.
const MOST_BYTES: usize = 64 << 20;
/// The most pings in one transaction.
const LARGEST_BATCH: usize = 1024;
/// No more pings join a transaction whose bodies have so many bytes: a statement has its bounds.
const HEAVY_BATCH: usize = 16 << 20;

/// What became of a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is durably stored.
    Stored,
    /// Its check does not exist any more.
    NotFound,
    /// Its check got too many; try again after so many seconds.
    TooMany {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// It was not stored: the queue is full or the database is out.
    Unavailable,
}

impl Outcome {
    fn counted(self) -> Count {
        match self {
            Self::Stored => Count::PingStored,
            Self::NotFound => Count::PingUnknown,
            Self::TooMany { .. } => Count::PingLimited,
            Self::Unavailable => Count::PingUnavailable,
        }
    }
}

/// A ping on its way, with the way back for its outcome.
#[derive(Debug)]
struct Job {
    check_id: i64,
    ping: Ping,
    reply: oneshot::Sender<Outcome>,
}

impl Job {
    /// Bytes of its body.
    fn weight(&self) -> usize {
        self.ping.body.len()
    }
}

#[derive(Debug)]
enum Message {
    Ping(Job),
    /// Answered once everything that queued before it is committed or refused.
    Barrier(oneshot::Sender<()>),
}

/// Where requests hand in their pings. Cheap to clone; the writer ends when the last is dropped.
#[derive(Clone, Debug)]
pub struct Ingest {
    queue: mpsc::Sender<Message>,
    /// Held for reading between the stamp of a ping and its place in the queue, so that
    /// [`Ingest::settled`] can tell that no earlier stamp is on its way.
    stamping: Arc<RwLock<()>>,
    load: Arc<Load>,
    vitals: Vitals,
}

/// How much waits, and how much may.
#[derive(Debug)]
struct Load {
    /// How many pings may wait now.
    room: AtomicUsize,
    /// Bytes of the bodies of the pings that wait.
    bytes: AtomicUsize,
}

impl Ingest {
    /// Starts the writer; the returned future runs it and ends when every [`Ingest`] is dropped and
    /// the queue is empty.
    pub fn start(
        ctx: Context,
        vitals: Vitals,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, messages) = mpsc::channel(QUEUE);
        let load = Load { room: AtomicUsize::new(QUEUE), bytes: AtomicUsize::new(0) };
        let load = Arc::new(load);
        let worker = run(ctx, vitals.clone(), messages, Arc::clone(&load));
        (Self { queue, stamping: Arc::default(), load, vitals }, worker)
    }

    /// Stamps a ping with the time of its receipt, hands it in, and waits until it is stored.
    /// `make` gets the time.
    pub async fn submit(
        &self,
        ctx: &Context,
        check_id: i64,
        make: impl FnOnce(Timestamp) -> Ping,
    ) -> Outcome {
        let (reply, outcome) = oneshot::channel();
        if !self.enqueue(ctx, check_id, make, reply) {
            self.vitals.count(Count::PingUnavailable);
            return Outcome::Unavailable;
        }
        outcome.await.unwrap_or(Outcome::Unavailable)
    }

    fn enqueue(
        &self,
        ctx: &Context,
        check_id: i64,
        make: impl FnOnce(Timestamp) -> Ping,
        reply: oneshot::Sender<Outcome>,
    ) -> bool {
        if self.is_full() {
            return false;
        }
        // A poisoned lock guards no data: it is as good as any.
        let _stamping = self.stamping.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let job = Job { check_id, ping: make(ctx.now()), reply };
        let bytes = job.weight();
        self.load.bytes.fetch_add(bytes, Ordering::Relaxed);
        let is_taken = self.queue.try_send(Message::Ping(job)).is_ok();
        if !is_taken {
            self.load.bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        is_taken
    }

    /// A time up to which every ping that was received is stored (or was refused).
    pub async fn settled(&self, ctx: &Context) -> Timestamp {
        let (reply, passed) = oneshot::channel();
        let horizon = {
            let _all = self.stamping.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            ctx.now()
        };
        if self.queue.send(Message::Barrier(reply)).await.is_ok() {
            let _ = passed.await;
        }
        horizon
    }

    /// Whether a ping would be refused now.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.queued() >= self.load.room.load(Ordering::Relaxed)
            || self.load.bytes.load(Ordering::Relaxed) >= MOST_BYTES
    }

    /// Pings that wait.
    #[must_use]
    pub fn queued(&self) -> usize {
        QUEUE - self.queue.capacity()
    }
}

/// How many pings may wait, where `before` was the room until now, and the last batch of `stored`
/// took `took`, though `most` would have fitted. After a full batch it is what the database stores
/// within [`LONGEST_WAIT`], going by that batch for one half. One that was not full says little of how
/// long a full one takes; where it did not take long either, the room comes back.
fn room_after(before: usize, stored: usize, most: usize, took: Duration) -> usize {
    if stored < most {
        let was_quick = took < LONGEST_WAIT / 4;
        return if was_quick { before.saturating_mul(2).min(QUEUE) } else { before };
    }
    let micros = took.as_micros().max(1);
    let now = stored as u128 * LONGEST_WAIT.as_micros() / micros;
    let now = usize::try_from(now).unwrap_or(QUEUE).min(QUEUE);
    (before + now).div_ceil(2).clamp(ALWAYS_ROOM, QUEUE)
}

async fn run(ctx: Context, vitals: Vitals, mut messages: mpsc::Receiver<Message>, load: Arc<Load>) {
    let mut inbox = Vec::with_capacity(LARGEST_BATCH);
    let mut pace = Pace::new(ctx.config.ping.max_per_minute);
    let mut remembered = Remembered::default();
    loop {
        vitals.rest(Worker::Ingest);
        let room = load.room.load(Ordering::Relaxed);
        let most = LARGEST_BATCH.min(room);
        if messages.recv_many(&mut inbox, most).await == 0 {
            return;
        }
        let (mut jobs, mut barriers) = (Vec::with_capacity(inbox.len()), Vec::new());
        for message in inbox.drain(..) {
            match message {
                Message::Ping(job) => jobs.push(job),
                Message::Barrier(reply) => barriers.push(reply),
            }
        }
        let (stored, began) = (jobs.len(), ctx.clock.steady_micros());
        for batch in by_weight(jobs, Job::weight) {
            vitals.beat(Worker::Ingest, ctx.clock.steady_micros());
            let bytes = batch.iter().map(Job::weight).sum();
            batch::store(&ctx, &vitals, &mut pace, &mut remembered, batch).await;
            load.bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        if stored > 0 {
            let took = ctx.clock.steady_micros().saturating_sub(began);
            let took = Duration::from_micros(took.unsigned_abs());
            load.room.store(room_after(room, stored, most, took), Ordering::Relaxed);
        }
        for barrier in barriers {
            // Whoever asked may have stopped waiting.
            let _ = barrier.send(());
        }
    }
}

/// The same pings in the same order, in batches that end with the ping that makes them heavy: nearly
/// always one.
fn by_weight<T>(mut jobs: Vec<T>, weight: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let mut batches = Vec::with_capacity(1);
    loop {
        let mut bytes = 0;
        let end = jobs.iter().position(|job| {
            bytes += weight(job);
            bytes >= HEAVY_BATCH
        });
        let rest = end.map_or_else(Vec::new, |end| jobs.split_off(end + 1));
        batches.push(jobs);
        if rest.is_empty() {
            return batches;
        }
        jobs = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_slow_database_gets_a_short_queue_and_a_quick_one_all_of_it() {
        let mut room = QUEUE;
        // 100 pings a second: no more than those that may always wait.
        for _ in 0..10 {
            room = room_after(room, 256, 256, ms(2560));
        }
        assert_eq!(room, ALWAYS_ROOM);
        // 2,000 a second: a second's half.
        for _ in 0..20 {
            room = room_after(room, 1000, 1000, ms(500));
        }
        assert!((1000..=1001).contains(&room), "{room}");
        for _ in 0..20 {
            room = room_after(room, 1024, 1024, ms(50));
        }
        assert_eq!(room, QUEUE);
    }

    #[test]
    fn what_does_not_fill_a_batch_takes_no_room_away_and_gives_it_back_where_it_was_quick() {
        assert_eq!(room_after(QUEUE, 1, 1024, ms(3)), QUEUE);
        assert_eq!(room_after(QUEUE, 1, 1024, ms(5000)), QUEUE);
        assert_eq!(room_after(ALWAYS_ROOM, 1, ALWAYS_ROOM, ms(5000)), ALWAYS_ROOM);
        let quick = |room| room_after(room, 1, 256, ms(3));
        assert_eq!((0..5).fold(ALWAYS_ROOM, |room, _| quick(room)), QUEUE);
    }

    #[test]
    fn pings_with_large_bodies_are_stored_in_several_batches() {
        let sizes = |all: &[usize]| -> Vec<usize> {
            by_weight(all.to_vec(), |bytes| *bytes).iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(&[]), [0]);
        assert_eq!(sizes(&[1, 2, 3]), [3]);
        assert_eq!(sizes(&[1, HEAVY_BATCH, 1, 1]), [2, 2]);
        assert_eq!(sizes(&[HEAVY_BATCH, HEAVY_BATCH]), [1, 1]);
    }
}
