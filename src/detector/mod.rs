//! The detector: sleeps until the next deadline, then turns the checks that are overdue down,
//! together with the notifications that tell of it. It also gives this node's sign of life, and
//! knows by its absence when the server itself was out, which is not the jobs' fault.

mod outage;

use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Timestamp;
use crate::context::Context;
use crate::domain::check::{self, Outage, Status};
use crate::failpoint;
use crate::fault::{Fault, Result};
use crate::ingest::Ingest;
use crate::store::states::{self, Saved, Watched};
use crate::store::{nodes, tx::Tx};
use crate::vitals::{Count, Vitals, Worker};
use outage::Pulse;

/// Checks in one transaction: few enough that pings, which on SQLite take turns with it, do not wait
/// for long.
const CHUNK: i64 = 250;
/// The longest sleep: the net beneath the bells, and what another process's writes wait for.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How long a failed round waits.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(500);
/// The shortest sleep after a round that saw nothing: a check that is due may be locked elsewhere.
const WHILE_HELD: Duration = Duration::from_millis(50);
/// A check whose rules can't be read is looked at again after so many seconds.
const PUT_OFF_BROKEN: i64 = 3600;

/// The detector of one node.
#[derive(Debug)]
pub struct Detector {
    ctx: Context,
    ingest: Ingest,
    vitals: Vitals,
    pulse: Pulse,
}

/// What one round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Checks that were looked at.
    pub seen: usize,
    /// Checks that were turned down.
    pub turned_down: usize,
    /// Deadlines that an outage of ours moved.
    pub put_off: usize,
}

impl Detector {
    /// A detector for the node `node_id`.
    #[must_use]
    pub fn new(ctx: Context, ingest: Ingest, vitals: Vitals, node_id: &str) -> Self {
        let pulse = Pulse::new(node_id, ctx.now());
        Self { ctx, ingest, vitals, pulse }
    }

    /// Runs until `stop` says so.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let bell = self.ctx.bells.detector.clone();
        let mut failing = false;
        while !*stop.borrow() {
            let sleep = match self.round().await {
                Ok(round) => {
                    if std::mem::take(&mut failing) {
                        tracing::info!("the detector works again");
                    }
                    self.vitals.beat(Worker::Detector, self.ctx.clock.steady_micros());
                    // What is due and was not seen is in somebody else's hands.
                    let held = round.seen == 0;
                    self.until_next().await.max(if held { WHILE_HELD } else { Duration::ZERO })
                }
                Err(error @ Fault::Invalid { .. }) => {
                    // Nothing that this process could wait for: its end stops the server.
                    tracing::error!(%error, "the detector can't go on");
                    return;
                }
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::error!(%error, "the detector could not look; it goes on trying");
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

    /// Gives the sign of life, then handles every deadline that has passed.
    ///
    /// # Errors
    /// The database is out; nothing is lost by trying again. [`Fault::Invalid`]: it was put under
    /// another secret key, and this process has to end.
    pub async fn round(&mut self) -> Result<Round> {
        self.pulse.keep(&self.ctx).await?;
        let mut whole = Round::default();
        if !self.anything_due().await? {
            return Ok(whole);
        }
        // A ping received before its deadline wins, also where it still waits to be written.
        let horizon = self.ingest.settled(&self.ctx).await;
        loop {
            let Some(chunk) = self.sweep(horizon).await? else { return Ok(whole) };
            whole.seen += chunk.seen;
            whole.turned_down += chunk.turned_down;
            whole.put_off += chunk.put_off;
            if i64::try_from(chunk.seen).unwrap_or(i64::MAX) < CHUNK {
                break;
            }
            self.vitals.beat(Worker::Detector, self.ctx.clock.steady_micros());
            self.pulse.keep(&self.ctx).await?;
        }
        if whole.put_off > 0 {
            tracing::warn!(
                deadlines = whole.put_off,
                "deadlines that passed while this server was out were put off"
            );
        }
        Ok(whole)
    }

    async fn anything_due(&self) -> Result<bool> {
        let mut conn = self.ctx.store.read().await?;
        let next = states::next_wake(&mut conn).await?;
        Ok(next.is_some_and(|at| at <= self.ctx.now()))
    }

    async fn until_next(&self) -> Duration {
        let next = match self.ctx.store.read().await {
            Ok(mut conn) => states::next_wake(&mut conn).await.ok().flatten(),
            Err(_) => None,
        };
        let micros = next.map_or(i64::MAX, |at| at.micros_since(self.ctx.now()));
        // A little late rather than a little early: the clock has microseconds, the timer has not.
        let micros = u64::try_from(micros.max(0)).unwrap_or(0).saturating_add(500);
        Duration::from_micros(micros).min(LONGEST_SLEEP).min(self.pulse.until_next(&self.ctx))
    }

    /// Handles at most [`CHUNK`] checks in one transaction; none where it turned out that the
    /// server itself was out until now, which has to be recorded first.
    async fn sweep(&mut self, horizon: Timestamp) -> Result<Option<Round>> {
        let mut tx = self.ctx.store.begin().await?;
        if self.pulse.was_out(&mut tx, &self.ctx).await? {
            return Ok(None);
        }
        let due = states::load_due(&mut tx, horizon, CHUNK).await?;
        let outages = self.outages(&mut tx, &due).await?;
        let mut round = Round { seen: due.len(), ..Round::default() };
        let now = self.ctx.now();
        let (mut changed, mut unchanged) = (Vec::new(), Vec::new());
        for mut watched in due {
            if let Some(error) = &watched.broken {
                tracing::error!(check_id = watched.check_id, %error, "this check can't be judged; it is put off for an hour");
            }
            let is_changed =
                watched.broken.is_none() && judge(&mut watched, &outages, horizon, &mut round);
            watched.settle(now.plus_seconds(PUT_OFF_BROKEN));
            if is_changed { changed.push(watched) } else { unchanged.push(watched) }
        }
        let saved = states::save(&mut tx, &changed, now).await?;
        states::settle_wakes(&mut tx, &unchanged).await?;
        if round.turned_down > 0 {
            failpoint::reached("flips_written");
        }
        tx.commit().await?;
        if round.turned_down > 0 {
            failpoint::reached("flips_committed");
        }
        self.vitals.add(Count::Flip, round.turned_down as u64);
        self.ctx.live.checks(|| changed.iter().map(|watched| watched.check_id).collect());
        self.ctx.bells.ring(Saved { sooner: None, ..saved });
        Ok(Some(round))
    }

    /// The outages that any of these checks' deadlines may lie in.
    async fn outages(&self, tx: &mut Tx, due: &[Watched]) -> Result<Vec<Outage>> {
        if !self.ctx.config.detector.outage_amnesty {
            return Ok(Vec::new());
        }
        let deadlines = due.iter().filter_map(|c| check::alert_at(&c.rules, &c.state));
        match deadlines.min() {
            Some(earliest) => nodes::outages_since(tx, earliest).await,
            None => Ok(Vec::new()),
        }
    }
}

/// Judges one check's passed deadlines; whether anything about it changed.
fn judge(watched: &mut Watched, outages: &[Outage], now: Timestamp, round: &mut Round) -> bool {
    let before = watched.state.status;
    let outcome = check::on_deadline(&watched.rules, &mut watched.state, outages, now);
    round.put_off += outcome.put_off.len();
    round.turned_down +=
        usize::from(before != Status::Down && watched.state.status == Status::Down);
    let changed = outcome.effect.flip.is_some()
        || outcome.missed > 0
        || !outcome.put_off.is_empty()
        || !outcome.effect.ended_runs.is_empty();
    watched.take_in_deadlines(outcome, now);
    changed
}
