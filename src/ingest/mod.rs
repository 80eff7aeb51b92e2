//! The ping writer. Requests hand their pings to one bounded queue; one task takes all that has
//! queued while the last commit ran, stores it in one transaction, and only then lets each request
//! have its answer. What a ping means is decided in `domain`; how it is stored, in `store`.

mod batch;
mod pace;
mod remembered;

use std::sync::{Arc, RwLock};

use tokio::sync::{mpsc, oneshot};

use crate::clock::Timestamp;
use crate::context::Context;
use crate::domain::ping::Ping;
use crate::vitals::{Count, Vitals, Worker};
use pace::Pace;
use remembered::Remembered;

/// Pings that may wait. Beyond it they are refused, so that memory stays bounded and nobody waits
/// for long.
const QUEUE: usize = 4096;
/// The most pings in one transaction.
const LARGEST_BATCH: usize = 1024;

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
}

impl Ingest {
    /// Starts the writer; the returned future runs it and ends when every [`Ingest`] is dropped and
    /// the queue is empty.
    pub fn start(
        ctx: Context,
        vitals: Vitals,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, messages) = mpsc::channel(QUEUE);
        let ingest = Self { queue, stamping: Arc::default() };
        (ingest, run(ctx, vitals, messages))
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
        // A poisoned lock guards no data: it is as good as any.
        let _stamping = self.stamping.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let job = Job { check_id, ping: make(ctx.now()), reply };
        self.queue.try_send(Message::Ping(job)).is_ok()
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
        self.queue.capacity() == 0
    }

    /// Pings that wait.
    #[must_use]
    pub fn queued(&self) -> usize {
        QUEUE - self.queue.capacity()
    }
}

async fn run(ctx: Context, vitals: Vitals, mut messages: mpsc::Receiver<Message>) {
    let mut inbox = Vec::with_capacity(LARGEST_BATCH);
    let mut pace = Pace::new(ctx.config.ping.max_per_minute);
    let mut remembered = Remembered::default();
    loop {
        vitals.rest(Worker::Ingest);
        if messages.recv_many(&mut inbox, LARGEST_BATCH).await == 0 {
            return;
        }
        vitals.beat(Worker::Ingest, ctx.clock.steady_micros());
        let (mut jobs, mut barriers) = (Vec::with_capacity(inbox.len()), Vec::new());
        for message in inbox.drain(..) {
            match message {
                Message::Ping(job) => jobs.push(job),
                Message::Barrier(reply) => barriers.push(reply),
            }
        }
        batch::store(&ctx, &vitals, &mut pace, &mut remembered, jobs).await;
        for barrier in barriers {
            // Whoever asked may have stopped waiting.
            let _ = barrier.send(());
        }
    }
}
