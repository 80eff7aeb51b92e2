//! The keeper of maintenance windows: sleeps until the next end of what a window keeps back, and has
//! what still holds then told. What was kept back stands in the database together with that time, so
//! that it makes no difference which node looks, or whether all of them were dead at the end.

use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Timestamp;
use crate::context::Context;
use crate::failpoint;
use crate::fault::Result;
use crate::ingest::Ingest;
use crate::store::{held, maintenance, states};

/// Checks in one transaction.
const CHUNK: i64 = 500;
/// The longest sleep: the net beneath the bell, and what another process's writes wait for.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How long a failed round waits.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(500);

/// The keeper of one node.
#[derive(Debug)]
pub struct Keeper {
    ctx: Context,
    ingest: Ingest,
}

impl Keeper {
    /// A keeper that waits for what `ingest` has taken in.
    #[must_use]
    pub fn new(ctx: Context, ingest: Ingest) -> Self {
        Self { ctx, ingest }
    }

    /// Runs until `stop` says so.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let bell = self.ctx.bells.keeper.clone();
        let mut failing = false;
        while !*stop.borrow() {
            let sleep = match self.look().await {
                Ok(sleep) => {
                    if std::mem::take(&mut failing) {
                        tracing::info!("the ends of maintenance windows are seen again");
                    }
                    sleep
                }
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::error!(%error, "the end of a maintenance window could not be seen to; it is tried again");
                    }
                    PAUSE_AFTER_ERROR
                }
            };
            tokio::select! {
                () = tokio::time::sleep(sleep) => {}
                () = bell.notified() => {}
                _ = stop.changed() => {}
            }
        }
    }

    async fn look(&self) -> Result<Duration> {
        self.round().await?;
        let mut conn = self.ctx.store.read().await?;
        let next = held::next_end(&mut conn).await?;
        let micros = next.map_or(i64::MAX, |at| at.micros_since(self.ctx.now()));
        // A little late rather than a little early: the clock has microseconds, the timer has not.
        let micros = u64::try_from(micros.max(0)).unwrap_or(0).saturating_add(500);
        Ok(Duration::from_micros(micros).min(LONGEST_SLEEP))
    }

    /// Lets go everything whose window has ended; how many notifications that queued.
    ///
    /// # Errors
    /// The database is out; nothing is lost by trying again.
    pub async fn round(&self) -> Result<u64> {
        self.open_again().await?;
        let mut conn = self.ctx.store.read().await?;
        let next = held::next_end(&mut conn).await?;
        drop(conn);
        if next.is_none_or(|at| at > self.ctx.now()) {
            return Ok(0);
        }
        // Who was pinged up before the end was not down at the end, also where that ping still waits
        // to be written.
        let horizon = self.ingest.settled(&self.ctx).await;
        let mut told = 0;
        loop {
            let (seen, queued) = self.release(horizon).await?;
            told += queued;
            if seen < CHUNK {
                return Ok(told);
            }
        }
    }

    /// Writes down when the windows that repeat open next, [`CHUNK`] of them at a time. Whoever asks
    /// meanwhile reckons it, so that no moment of an opening is lost by a delay here: once a second
    /// is enough, however often they open.
    async fn open_again(&self) -> Result<()> {
        let now = self.ctx.now();
        let mut conn = self.ctx.store.read().await?;
        if maintenance::next_closing(&mut conn).await?.is_none_or(|at| at > now) {
            return Ok(());
        }
        drop(conn);
        let mut tx = self.ctx.store.begin().await?;
        maintenance::open_again(&mut tx, now, CHUNK).await?;
        tx.commit().await
    }

    /// Lets go what is due of at most [`CHUNK`] checks in one transaction: how many checks that was,
    /// and how many notifications it queued.
    async fn release(&self, horizon: Timestamp) -> Result<(i64, u64)> {
        let mut tx = self.ctx.store.begin().await?;
        let ids = held::checks_due(&mut tx, horizon, CHUNK).await?;
        states::lock(&mut tx, &ids).await?;
        let due: Vec<(i64, Timestamp)> = ids.iter().map(|id| (*id, horizon)).collect();
        let told = held::release(&mut tx, &due, self.ctx.now()).await?;
        if told > 0 {
            failpoint::reached("held_released");
        }
        tx.commit().await?;
        if told > 0 {
            failpoint::reached("release_committed");
            self.ctx.bells.notifier.notify_one();
        }
        Ok((i64::try_from(ids.len()).unwrap_or(CHUNK), told))
    }
}
