//! The prober: takes the monitors that are due, looks at each, and pings its check with what it saw.
//! How a device is asked is in the files beside this one; what follows from the answers, in `domain`.
//!
//! A monitor is held under a lease while it is looked at, so that of several nodes one looks, and
//! another takes over when that one dies. When it is due again is settled as it is taken, on a grid of
//! its own within its interval: slow answers move nothing, and thousands are spread evenly.

mod blacklist;
mod found;
mod look;
mod packet;
mod service;
mod web;
mod wire;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use crate::clock::{SECOND, Timestamp};
use crate::context::Context;
use crate::domain::monitor::{Device, Listing, Seen, Standing, Verdict};
use crate::domain::ping::{Method, Ping, PingKind, Scheme};
use crate::fault::{Fault, Result};
use crate::ingest::{Ingest, Outcome};
use crate::notify::outbound::Outbound;
use crate::secret;
use crate::service::monitors::PING_EVERY;
use crate::store::monitors::{self, Finished, MonitorKind, MonitorRow, Taken};
use blacklist::Lists;
use look::Look;
use wire::Wire;

pub use blacklist::{Hit, Looked};
pub use found::{Certificate, Found, Phases};

/// Monitors that are looked at at a time. A device has a few connections, each for its timeout at most.
const AT_A_TIME: usize = 2000;
/// Monitors that are taken in one transaction.
const CHUNK: i64 = 250;
/// What was found is written down so many at a time.
const WRITTEN: usize = 500;
/// The longest sleep: what another node left, or another process made, waits no longer.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// The shortest: what is due and was not taken is in somebody else's hands.
const WHILE_HELD: Duration = Duration::from_millis(100);
/// Results are gathered for so long before they are written down: fewer transactions.
const GATHER: Duration = Duration::from_millis(50);
/// How long a failed round waits.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(500);
/// Where results speak against a verdict, the next look comes after so many seconds, or the interval.
const RETRY: i64 = 5;
/// A lease outlives the longest look by so many seconds.
const SPARE: i64 = 5;
/// The longest look at blacklists, in seconds.
const LONGEST_LISTING: i64 = 30;

/// The prober of one node.
pub struct Prober {
    ctx: Context,
    hands: Arc<Hands>,
    places: Arc<Semaphore>,
}

/// What every look needs.
struct Hands {
    ctx: Context,
    ingest: Ingest,
    wire: Wire,
    /// None where the lists can't be asked, and why.
    lists: Result<Lists, String>,
}

impl Prober {
    /// A prober that goes out through this door.
    #[must_use]
    pub fn new(ctx: Context, ingest: Ingest, outbound: Arc<Outbound>) -> Self {
        let lists = Lists::new(&ctx.config.blacklist).map_err(|fault| fault.to_string());
        if let Err(error) = &lists {
            tracing::warn!(error, "blacklists can't be asked");
        }
        let wire = Wire::new(outbound, ctx.clock.clone());
        let hands = Hands { ctx: ctx.clone(), ingest, wire, lists };
        Self { ctx, hands: Arc::new(hands), places: Arc::new(Semaphore::new(AT_A_TIME)) }
    }

    /// Runs until `stop` says so; looks that have begun then are given up, and another node, or the
    /// next start, takes them up again.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let bell = self.ctx.bells.prober.clone();
        let (results, found) = mpsc::channel(AT_A_TIME);
        let mut writer = tokio::spawn(write_down(self.ctx.clone(), found));
        let mut looks = JoinSet::new();
        let mut failing = false;
        while !*stop.borrow() {
            let sleep = match self.round(&results, &mut looks).await {
                Ok(sleep) => {
                    if std::mem::take(&mut failing) {
                        tracing::info!("the prober works again");
                    }
                    sleep
                }
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::error!(%error, "the prober could not look; it goes on trying");
                    }
                    PAUSE_AFTER_ERROR
                }
            };
            tokio::select! {
                () = tokio::time::sleep(sleep) => {}
                () = bell.notified() => {}
                _ = stop.changed() => {}
                _ = &mut writer => {
                    // Without it nothing that is seen is kept: the end of this worker stops the server.
                    tracing::error!("the prober can't write down what it finds");
                    return;
                }
            }
            while looks.try_join_next().is_some() {}
        }
        looks.shutdown().await;
        drop(results);
        // A panic of it was told already.
        let _ = writer.await;
    }

    /// Takes what is due, as far as there is room, and begins to look; how long to sleep then.
    async fn round(
        &self,
        results: &mpsc::Sender<Finished>,
        looks: &mut JoinSet<()>,
    ) -> Result<Duration> {
        loop {
            let room = i64::try_from(self.places.available_permits()).unwrap_or(0).min(CHUNK);
            if room == 0 {
                return Ok(WHILE_HELD);
            }
            let next = monitors::next_due(&mut self.ctx.store.read().await?).await?;
            let Some(next) = next else { return Ok(LONGEST_SLEEP) };
            let ahead = next.micros_since(self.ctx.now());
            if ahead > 0 {
                let ahead = u64::try_from(ahead).unwrap_or(0).saturating_add(500);
                return Ok(Duration::from_micros(ahead).min(LONGEST_SLEEP));
            }
            let lease_id = secret::random_text::<12>();
            let rows = self.take(&lease_id, room).await?;
            let taken = i64::try_from(rows.len()).unwrap_or(room);
            for row in rows {
                let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { break };
                let (hands, results) = (Arc::clone(&self.hands), results.clone());
                let lease_id = lease_id.clone();
                looks.spawn(async move {
                    let finished = hands.look(&row, lease_id).await;
                    // The writer ends only after the last look.
                    let _ = results.send(finished).await;
                    drop(place);
                });
            }
            if taken < room {
                return Ok(WHILE_HELD);
            }
        }
    }

    async fn take(&self, lease_id: &str, most: i64) -> Result<Vec<MonitorRow>> {
        let mut tx = self.ctx.store.begin().await?;
        let now = self.ctx.now();
        let rows = monitors::lock_due(&mut tx, now, most).await?;
        if rows.is_empty() {
            return Ok(rows);
        }
        let taken: Vec<Taken> = rows
            .iter()
            .map(|row| Taken {
                monitor_id: row.monitor_id,
                next_at: next_on_grid(row.monitor_id, row.interval_seconds, now),
                lease_until: now.plus_seconds(longest(row) + SPARE),
            })
            .collect();
        monitors::take(&mut tx, lease_id, &taken).await?;
        tx.commit().await?;
        Ok(rows)
    }
}

/// The longest that a look at this monitor takes, in seconds.
fn longest(row: &MonitorRow) -> i64 {
    match row.kind {
        MonitorKind::Device => device_of(row).timeout,
        MonitorKind::Blacklist => LONGEST_LISTING,
    }
}

fn device_of(row: &MonitorRow) -> Device {
    serde_json::from_str(&row.settings).unwrap_or_default()
}

/// The next moment after `now` at which this monitor is due: its own place within its interval, so
/// that many are spread evenly however they were made.
fn next_on_grid(monitor_id: i64, interval_seconds: i64, now: Timestamp) -> Timestamp {
    let interval = interval_seconds.max(1) * SECOND;
    // Knuth's multiplicative hash: ids that follow each other lie far apart.
    let place =
        monitor_id.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed()).rem_euclid(interval);
    let since = (now.0 - place).rem_euclid(interval);
    now.plus_micros(interval - since)
}

impl Hands {
    /// Looks at a monitor, and pings its check where that is due.
    async fn look(&self, row: &MonitorRow, lease_id: String) -> Finished {
        let checked_at = self.ctx.now();
        let (look, retries, what) = self.see(row).await;
        let before = row.standing();
        let after = before.after(look.seen, retries);
        let (standing, pinged_at) = self.tell(row, before, after, &look, what).await;
        let again = RETRY.min(row.interval_seconds);
        let again_at = standing.is_open().then(|| self.ctx.now().plus_seconds(again));
        Finished {
            monitor_id: row.monitor_id,
            lease_id,
            seen: look.seen,
            standing,
            results: look.results,
            last_error: look.error,
            checked_at,
            pinged_at,
            again_at,
        }
    }

    async fn see(&self, row: &MonitorRow) -> (Look, i64, String) {
        match row.kind {
            MonitorKind::Device => {
                let device = device_of(row);
                let what = device.service_type.clone();
                (look::device(&self.wire, &device).await, device.retries, what)
            }
            MonitorKind::Blacklist => {
                let what = "blacklist".to_owned();
                let target: Result<Listing, _> = serde_json::from_str(&row.settings);
                let before: Looked = serde_json::from_str(&row.results).unwrap_or_default();
                let look = match (target, &self.lists) {
                    (Ok(target), Ok(lists)) => {
                        look::listing(&self.wire, lists, &target, before).await
                    }
                    (_, Err(error)) => nothing(error),
                    (Err(_), _) => nothing("the target can't be read"),
                };
                (look, 0, what)
            }
        }
    }

    /// Pings the check: where the verdict changed, and once a minute while it stands. A verdict whose
    /// ping is not stored is none: the next look comes to it again. How it stands then, and when the
    /// check was pinged last.
    async fn tell(
        &self,
        row: &MonitorRow,
        before: Standing,
        after: Standing,
        look: &Look,
        what: String,
    ) -> (Standing, Option<Timestamp>) {
        let has_changed = before.verdict != after.verdict;
        let now = self.ctx.now();
        let is_due = row.pinged_at.is_none_or(|at| now.micros_since(at) >= PING_EVERY * SECOND);
        // Also where a look could tell nothing: what is known stays, and somebody has looked.
        let stands = !after.is_open();
        let signal = match after.verdict {
            Verdict::Up => PingKind::Success,
            Verdict::Down => PingKind::Fail,
            Verdict::Pending => return (after, row.pinged_at),
        };
        let is_said = has_changed || (is_due && stands);
        if !is_said {
            return (after, row.pinged_at);
        }
        let took = look.took;
        let body = Bytes::from(look.said.clone());
        let outcome = self.ingest.submit(&self.ctx, row.check_id, |received_at| Ping {
            received_at,
            signal,
            exit_status: None,
            rid: None,
            scheme: Scheme::Probe,
            method: Method::None,
            remote_address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            user_agent: what,
            body,
            body_was_cut: false,
            mail: None,
            took: Some(took),
        });
        match outcome.await {
            Outcome::Stored | Outcome::NotFound => (after, Some(now)),
            Outcome::TooMany { .. } | Outcome::Unavailable if has_changed => {
                (before, row.pinged_at)
            }
            _ => (after, row.pinged_at),
        }
    }
}

fn nothing(error: &str) -> Look {
    Look {
        seen: Seen::Nothing,
        results: "{}".to_owned(),
        error: Some(error.to_owned()),
        took: 0,
        said: String::new(),
    }
}

/// Writes down what was found, many at a time, until nothing comes any more.
async fn write_down(ctx: Context, mut found: mpsc::Receiver<Finished>) {
    let mut waiting = Vec::with_capacity(WRITTEN);
    while let Some(first) = found.recv().await {
        waiting.push(first);
        tokio::time::sleep(GATHER).await;
        while waiting.len() < WRITTEN
            && let Ok(more) = found.try_recv()
        {
            waiting.push(more);
        }
        let ids: Vec<i64> = waiting.iter().map(|each| each.monitor_id).collect();
        if let Err(error) = write(&ctx, &waiting).await {
            // Their leases run out, and they are looked at again.
            tracing::error!(%error, monitors = ids.len(), "what was found could not be written down");
            tokio::time::sleep(PAUSE_AFTER_ERROR).await;
        }
        waiting.clear();
        // What was looked at again soon may be due by now.
        ctx.bells.prober.notify_one();
    }
}

async fn write(ctx: &Context, all: &[Finished]) -> Result<(), Fault> {
    let mut tx = ctx.store.begin().await?;
    monitors::finish(&mut tx, all).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monitors_come_again_on_a_grid_of_their_own_and_are_spread_evenly() {
        let now = Timestamp(1_000_000_000_000_123);
        let minute = 60 * SECOND;
        let mut tens = [0; 6];
        for id in 1..=6000 {
            let next = next_on_grid(id, 60, now);
            let ahead = next.micros_since(now);
            assert!(ahead > 0 && ahead <= minute);
            assert_eq!(next_on_grid(id, 60, next).micros_since(next), minute);
            tens[usize::try_from((ahead - 1) / (10 * SECOND)).unwrap()] += 1;
        }
        assert!(tens.iter().all(|n| (800..1200).contains(n)), "{tens:?}");
    }
}
