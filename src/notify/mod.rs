//! The notifier: takes pending notifications from the outbox under a lease, sends them side by
//! side, and writes down what became of them. Nothing is lost by its death at any moment: what was
//! not written down as sent is sent again by whoever looks next, under the same id.

pub mod channels;
pub mod message;
pub mod outbound;
pub mod retry;
mod settle;
pub mod template;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::clock::{SECOND, Timestamp};
use crate::context::Context;
use crate::domain::alert::Alert;
use crate::failpoint;
use crate::fault::{Fault, Result};
use crate::store::notifications::{self, Claim, Claimable, NotificationRow, Which};
use crate::store::tx::Tx;
use crate::vitals::{Count, Vitals, Worker};
use channels::email::Office;
use channels::{Kind, Target, Ways};
use outbound::Outbound;
use settle::{Attempt, Report, Verdict};

pub use settle::{fail_what_waits, tell_of_disabled};

/// Sends that run side by side.
const MOST_SENDS: usize = 256;
/// At this many running sends a channel gets no more, so that none takes all places.
const MOST_PER_CHANNEL: usize = 4;
/// A channel whose last send failed is tried with one at a time.
const MOST_PER_FAILING_CHANNEL: usize = 1;
/// Seconds within which the messages to a channel are counted.
const STORM_WINDOW: i64 = 60;
/// Seconds for which what is too much for a channel is collected.
const COLLECT: i64 = 5;
/// The most that is told by one message.
const MOST_IN_ONE: i64 = 1000;
/// How long a lease holds, in seconds.
const LEASE: i64 = 15;
/// How often the leases of running sends are renewed.
const RENEW_EVERY: Duration = Duration::from_secs(5);
/// A node without a sign of life for so many seconds is dead, and its leases are void.
const DEAD_AFTER: i64 = 6;
/// The longest sleep: the net beneath the bells.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How long a failed round waits.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(500);
/// How long between two looks whether the state of a host is known.
const HOST_POLL: Duration = Duration::from_millis(50);
/// How long running sends may go on when the process is asked to stop.
const LAST_SENDS: Duration = Duration::from_secs(3);

/// A send that ended: what became of each notification that it carried.
#[derive(Debug)]
struct Ended {
    channel_id: i64,
    reports: Vec<Report>,
}

/// The notifier of one node.
#[derive(Debug)]
pub struct Notifier {
    ctx: Context,
    outbound: Arc<Outbound>,
    vitals: Vitals,
    node_id: String,
    /// The notifications that are being sent.
    running: HashSet<i64>,
    /// How many sends run to which channel; one may carry several notifications.
    sends: HashMap<i64, usize>,
    /// The channel that was claimed for last: the next claim begins behind it.
    last_channel: i64,
    /// Channels whose last send failed.
    failing: HashSet<i64>,
    reports: mpsc::Sender<Ended>,
    inbox: mpsc::Receiver<Ended>,
    /// What could not be written down yet.
    unwritten: Vec<Ended>,
}

impl Notifier {
    /// A notifier for the node `node_id`.
    #[must_use]
    pub fn new(ctx: Context, outbound: Arc<Outbound>, vitals: Vitals, node_id: &str) -> Self {
        let (reports, inbox) = mpsc::channel(MOST_SENDS);
        Self {
            ctx,
            outbound,
            vitals,
            node_id: node_id.to_owned(),
            running: HashSet::new(),
            sends: HashMap::new(),
            last_channel: 0,
            failing: HashSet::new(),
            reports,
            inbox,
            unwritten: Vec::new(),
        }
    }

    /// Runs until `stop` says so; then lets running sends end for a moment and gives back the
    /// leases of the others.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let bell = self.ctx.bells.notifier.clone();
        let mut renewal = tokio::time::interval(RENEW_EVERY);
        let mut failing = false;
        while !*stop.borrow() {
            let sleep = match self.round().await {
                Ok(sleep) => {
                    if std::mem::take(&mut failing) {
                        tracing::info!("the notifier works again");
                    }
                    self.vitals.beat(Worker::Notifier, self.ctx.clock.steady_micros());
                    sleep
                }
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::error!(%error, "the notifier could not look; it goes on trying");
                    }
                    PAUSE_AFTER_ERROR
                }
            };
            tokio::select! {
                report = self.inbox.recv() => self.unwritten.extend(report),
                () = bell.notified() => {}
                _ = renewal.tick() => self.renew().await,
                () = tokio::time::sleep(sleep) => {}
                _ = stop.changed() => {}
            }
        }
        self.wind_up().await;
    }

    /// Writes down what was sent, and starts sending what is due. How long nothing will be to do.
    async fn round(&mut self) -> Result<Duration> {
        self.write_reports().await?;
        let next = {
            let mut conn = self.ctx.store.read().await?;
            notifications::next_due(&mut conn).await?
        };
        let now = self.ctx.now();
        let due = next.is_some_and(|at| at <= now);
        if due && self.sends_running() < MOST_SENDS && self.claim(now).await? > 0 {
            return Ok(Duration::ZERO);
        }
        let wait = next.map_or(i64::MAX, |at| at.micros_since(now));
        // What is due and could not be claimed waits for a report, a bell or a lapsed lease.
        let wait = if due { i64::MAX } else { wait.saturating_add(500) };
        Ok(Duration::from_micros(u64::try_from(wait).unwrap_or(0)).min(LONGEST_SLEEP))
    }

    /// Takes what is due and starts sending it; how much that was.
    async fn claim(&mut self, now: Timestamp) -> Result<usize> {
        let node_id = self.node_id.clone();
        let claim = Claim {
            owner: &node_id,
            now,
            until: now.plus_seconds(LEASE),
            dead_before: now.plus_seconds(-DEAD_AFTER),
        };
        let mut conn = self.ctx.store.read().await?;
        let most = i64::try_from(MOST_SENDS).unwrap_or(i64::MAX);
        let channels =
            notifications::claimable_channels(&mut conn, claim, self.last_channel, most).await?;
        drop(conn);
        let mut sends = Vec::new();
        let mut tx = self.ctx.store.begin().await?;
        for channel in channels {
            let places = self.places(channel.channel_id, sends.len());
            if places > 0 {
                sends.extend(self.claim_for(&mut tx, claim, &channel, places).await?);
                self.last_channel = channel.channel_id;
            }
        }
        if !sends.is_empty() {
            failpoint::reached("notifications_claimed");
        }
        tx.commit().await?;
        if !sends.is_empty() {
            failpoint::reached("claim_committed");
        }
        let mut started = 0;
        for rows in sends {
            // After a long stop of this process the leases of its own running sends may have lapsed:
            // then this has renewed them.
            if rows.iter().all(|row| !self.running.contains(&row.notification_id)) {
                self.start(rows);
                started += 1;
            }
        }
        Ok(started)
    }

    /// Takes what is due of one channel: what each send is to carry. After so many messages within a
    /// minute, what is new is collected for a while and goes as one.
    async fn claim_for(
        &self,
        tx: &mut Tx,
        claim: Claim<'_>,
        channel: &Claimable,
        places: i64,
    ) -> Result<Vec<Vec<NotificationRow>>> {
        let (id, threshold) = (channel.channel_id, threshold_of(channel));
        // Also where the threshold has gone meanwhile: a message that was tried stays what it is.
        let again = notifications::claim_group(tx, claim, id).await?;
        if !again.is_empty() {
            return Ok(vec![again]);
        }
        let room =
            if threshold == 0 { i64::MAX } else { self.room(tx, id, threshold, claim.now).await? };
        let which = if room > 0 { Which::Single } else { Which::Tried };
        // What was tried before is a message of its own already.
        let places = if room > 0 { places.min(room) } else { places };
        let rows = notifications::claim(tx, claim, id, which, places).await?;
        if which == Which::Tried && rows.is_empty() {
            return Ok(self.collect(tx, claim, id).await?.into_iter().collect());
        }
        Ok(rows.into_iter().map(|row| vec![row]).collect())
    }

    /// How many more messages a channel may get before they are collected.
    async fn room(&self, tx: &mut Tx, id: i64, threshold: i64, now: Timestamp) -> Result<i64> {
        let since = now.plus_seconds(-STORM_WINDOW);
        let sent = notifications::sent_since(tx, id, since).await?;
        let running = self.sends.get(&id).copied().unwrap_or(0);
        Ok(threshold - sent - i64::try_from(running).unwrap_or(i64::MAX))
    }

    /// Takes all that is new of a channel as one message, once the oldest of it has waited so long.
    async fn collect(
        &self,
        tx: &mut Tx,
        claim: Claim<'_>,
        channel_id: i64,
    ) -> Result<Option<Vec<NotificationRow>>> {
        let oldest = notifications::oldest_fresh(tx, claim, channel_id).await?;
        if oldest.is_none_or(|at| at > claim.now.plus_seconds(-COLLECT)) {
            return Ok(None);
        }
        let rows = notifications::claim(tx, claim, channel_id, Which::Fresh, MOST_IN_ONE).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let ids: Vec<i64> = rows.iter().map(|row| row.notification_id).collect();
        let group_id = message_id(first);
        notifications::set_group(tx, &ids, &group_id).await?;
        let part = |row| NotificationRow { group_id: Some(group_id.clone()), ..row };
        Ok(Some(rows.into_iter().map(part).collect()))
    }

    fn sends_running(&self) -> usize {
        self.sends.values().sum()
    }

    /// How many more sends a channel may get now, `claimed` being on their way already. Channels
    /// that fail get one at a time, and none once half of all places are taken: however many
    /// receivers are dead, there is room for the others.
    fn places(&self, channel_id: i64, claimed: usize) -> i64 {
        let taken = self.sends_running() + claimed;
        let running = self.sends.get(&channel_id).copied().unwrap_or(0);
        let (most, room) = if self.failing.contains(&channel_id) {
            (MOST_PER_FAILING_CHANNEL, MOST_SENDS / 2)
        } else {
            (MOST_PER_CHANNEL, MOST_SENDS)
        };
        let places = most.saturating_sub(running).min(room.saturating_sub(taken));
        i64::try_from(places).unwrap_or(0)
    }

    fn start(&mut self, rows: Vec<NotificationRow>) {
        let Some(channel_id) = rows.first().map(|row| row.channel_id) else { return };
        self.running.extend(rows.iter().map(|row| row.notification_id));
        *self.sends.entry(channel_id).or_default() += 1;
        let (ctx, outbound) = (self.ctx.clone(), self.outbound.clone());
        let reports = self.reports.clone();
        tokio::spawn(async move {
            // A panic while one message is written must not leave its place taken for ever.
            let send = tokio::spawn(send(ctx, outbound, rows.clone()));
            let settled = send.await.unwrap_or_else(|error| {
                let first = rows[0].notification_id;
                tracing::error!(%error, notification_id = first, "a send broke off");
                rows.into_iter().map(|row| Report { row, verdict: Verdict::broken() }).collect()
            });
            // The notifier is gone only when the process ends.
            let _ = reports.send(Ended { channel_id, reports: settled }).await;
        });
    }

    async fn write_reports(&mut self) -> Result<()> {
        while let Ok(report) = self.inbox.try_recv() {
            self.unwritten.push(report);
        }
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let reports: Vec<&Report> =
            self.unwritten.iter().flat_map(|ended| &ended.reports).collect();
        let told = settle::write(&self.ctx, &self.node_id, &reports).await?;
        let ended = std::mem::take(&mut self.unwritten);
        for Ended { channel_id, .. } in &ended {
            if let Entry::Occupied(mut sends) = self.sends.entry(*channel_id) {
                *sends.get_mut() -= 1;
                if *sends.get() == 0 {
                    sends.remove();
                }
            }
        }
        for report in ended.into_iter().flat_map(|ended| ended.reports) {
            self.running.remove(&report.row.notification_id);
            if report.verdict.is_failure() {
                self.failing.insert(report.row.channel_id);
            } else {
                self.failing.remove(&report.row.channel_id);
            }
            if report.verdict.is_sent() {
                self.vitals.count(Count::NotificationSent);
            } else if report.verdict.is_failure() {
                self.vitals.count(Count::NotificationFailed);
            }
        }
        if told {
            self.ctx.bells.notifier.notify_one();
        }
        Ok(())
    }

    async fn renew(&self) {
        let ids: Vec<i64> = self.running.iter().copied().collect();
        if ids.is_empty() {
            return;
        }
        let until = self.ctx.now().plus_seconds(LEASE);
        let renewed = async {
            let mut tx = self.ctx.store.begin().await?;
            notifications::renew(&mut tx, &self.node_id, &ids, until).await?;
            tx.commit().await
        };
        if let Err(error) = renewed.await {
            tracing::warn!(%error, "leases could not be renewed; what is being sent may be sent again");
        }
    }

    async fn wind_up(&mut self) {
        let patience = tokio::time::sleep(LAST_SENDS);
        tokio::pin!(patience);
        // Only the waiting is given up: a write that has begun is ended.
        while !self.running.is_empty() {
            tokio::select! {
                report = self.inbox.recv() => self.unwritten.extend(report),
                () = &mut patience => break,
            }
            if self.write_reports().await.is_err() {
                break;
            }
        }
        if self.running.is_empty() {
            return;
        }
        let ids: Vec<i64> = self.running.iter().copied().collect();
        let released = async {
            let mut tx = self.ctx.store.begin().await?;
            notifications::release(&mut tx, &self.node_id, &ids).await?;
            tx.commit().await
        };
        if let Err(error) = released.await {
            tracing::warn!(%error, "leases could not be given back; they lapse by themselves");
        }
    }
}

/// After how many messages a minute a channel's further ones are collected; 0: never, as of kinds whose
/// messages must come one by one, whatever an earlier version has let in.
fn threshold_of(channel: &Claimable) -> i64 {
    let fixed = Kind::parse(&channel.kind).and_then(Kind::fixed_settings);
    let is_fixed = fixed.is_some_and(|(settings, _)| settings.contains(&"group_threshold"));
    if is_fixed { 0 } else { channel.group_threshold }
}

/// Writes and sends one message, which tells what these notifications are about: what became of each.
async fn send(ctx: Context, outbound: Arc<Outbound>, rows: Vec<NotificationRow>) -> Vec<Report> {
    let mut reports = Vec::new();
    let mut written = Vec::new();
    for row in rows {
        match write(&ctx, &row).await {
            Ok(message) => written.push((row, message)),
            Err(verdict) => reports.push(Report { row, verdict }),
        }
    }
    let Some((first, message)) = written.first() else { return reports };
    let alerts: Vec<Alert> = written.iter().map(|(_, message)| message.alert.clone()).collect();
    let id = message_id(first);
    let told = channels::message::Message { alerts: &alerts, id: &id, now: ctx.now() };
    let commands = &ctx.config.channels.commands;
    let ways = Ways { outbound: &outbound, office: &Office::of(&ctx), commands };
    let target = Target {
        kind: message.kind,
        channel_uuid: &message.channel_uuid,
        config: &message.config,
        // Several things at once follow no single one.
        follows: message.follows.as_deref().filter(|_| alerts.len() == 1),
    };
    let delivery = channels::deliver(ways, &target, &told).await;
    failpoint::reached("message_sent");
    let attempt = Attempt::of(written.iter().map(|(row, _)| row), ctx.now());
    reports.extend(written.into_iter().map(|(row, _)| {
        let verdict = Verdict::of(delivery.clone(), &row, &attempt);
        Report { row, verdict }
    }));
    reports
}

/// Writes what one notification tells, or says why it is not told now.
async fn write(ctx: &Context, row: &NotificationRow) -> Result<Box<message::Message>, Verdict> {
    let written = loop {
        match message::write(ctx, row).await {
            Ok(message::Written::Wait) => tokio::time::sleep(HOST_POLL).await,
            written => break written,
        }
    };
    match written {
        Ok(message::Written::Wait) => Err(Verdict::interrupted()),
        Ok(message::Written::Send(message)) => Ok(message),
        Ok(message::Written::Suppress(why)) => Err(Verdict::suppressed(why)),
        Ok(message::Written::Mute(why)) => Err(Verdict::muted(&why, ctx.now())),
        Ok(message::Written::PutOff(until)) => Err(Verdict::put_off(until)),
        Ok(message::Written::Refuse(why)) => Err(Verdict::refused(why)),
        Err(Fault::Unavailable(error)) => {
            tracing::warn!(%error, notification_id = row.notification_id, "a message could not be written; it is tried again");
            Err(Verdict::interrupted())
        }
        Err(error) => {
            tracing::error!(%error, notification_id = row.notification_id, "a message can't be written");
            Err(Verdict::broken())
        }
    }
}

/// The id that a message carries at every try; that of all where several are one. It holds the time
/// too, so that two installations that tell the same receiver do not share ids.
#[must_use]
pub fn message_id(row: &NotificationRow) -> String {
    if let Some(group_id) = &row.group_id {
        return group_id.clone();
    }
    format!("msg_{:x}_{}", row.created_at.0 / SECOND, row.notification_id)
}
