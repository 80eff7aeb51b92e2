//! Whatever happens while maintenance windows come and go and checks flap, what a channel was told last
//! is how the check is once nothing keeps its news back, and nothing was told while something did, save
//! that it is flapping.

use overdue::clock::Timestamp;
use overdue::domain::check::Status;
use overdue::domain::ping::PingKind;
use overdue::service::channels::{self, Change as Manner};
use overdue::service::maintenance::{self, Change};
use overdue::store::checks::Settings;
use overdue::store::notifications::{
    self, Claim, Event, NotificationRow, NotificationState, Of, Settled, Which,
};
use overdue::store::{channels as store_channels, flapping, states};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;

use super::{Parts, at};
use crate::support::both_databases;

/// One step of a history.
#[derive(Clone, Debug)]
enum Step {
    /// So many seconds pass.
    Pass(i64),
    /// This check is pinged.
    Ping(usize, PingKind),
    /// A window opens over these checks, for so many seconds.
    Open(Vec<usize>, i64),
    /// One of the windows is deleted.
    Close(usize),
    /// The keeper looks, and what is due is sent.
    Look,
}

const CHECKS: usize = 2;
const HISTORIES: usize = 12;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = prop_oneof![Just(PingKind::Success), Just(PingKind::Fail)];
    let covered = prop_oneof![Just(vec![0]), Just(vec![1]), Just(vec![0, 1])];
    let step = prop_oneof![
        3 => (0..30_i64).prop_map(Step::Pass),
        1 => (300..1200_i64).prop_map(Step::Pass),
        5 => (0..CHECKS, kind).prop_map(|(check, kind)| Step::Ping(check, kind)),
        2 => (covered, 1..40_i64).prop_map(|(checks, seconds)| Step::Open(checks, seconds)),
        1 => (0..10_usize).prop_map(Step::Close),
        2 => Just(Step::Look),
    ];
    proptest::collection::vec(step, 5..60)
}

/// A window as the test knows it.
struct Open {
    id: i64,
    checks: Vec<usize>,
    until: Timestamp,
}

/// A history on its way.
struct Life<'a> {
    parts: &'a Parts,
    project: i64,
    checks: Vec<i64>,
    windows: Vec<Open>,
    /// How many notifications of each check there were.
    rows: Vec<usize>,
}

impl Life<'_> {
    fn covered(&self, check: usize) -> bool {
        let now = self.parts.ctx.now();
        self.windows.iter().any(|window| window.until > now && window.checks.contains(&check))
    }

    async fn is_quiet(&self, check: usize) -> bool {
        let mut conn = self.parts.ctx.store.read().await.unwrap();
        let (id, now) = (self.checks[check], self.parts.ctx.now());
        !flapping::covers_of(&mut conn, &[id], now).await.unwrap().is_empty()
    }

    async fn outbox(&self, check: usize) -> Vec<NotificationRow> {
        let mut conn = self.parts.ctx.store.read().await.unwrap();
        let of = Of::Check(self.checks[check]);
        let (mut rows, _) = notifications::list(&mut conn, of, 0, 1000).await.unwrap();
        rows.reverse();
        rows
    }

    async fn take(&mut self, step: &Step) {
        let ctx = &self.parts.ctx;
        match step {
            Step::Pass(seconds) => self.parts.pass(*seconds),
            Step::Ping(check, kind) => self.parts.ping(self.checks[*check], *kind).await,
            Step::Open(checks, seconds) => {
                let until = ctx.now().plus_seconds(*seconds);
                let change = Change {
                    starts_at: Some(Some(ctx.now())),
                    ends_at: Some(Some(until)),
                    checks: Some(checks.iter().map(|place| self.checks[*place]).collect()),
                    ..Change::default()
                };
                let window = maintenance::create(ctx, self.project, &change).await.unwrap();
                let id = window.maintenance_id;
                self.windows.push(Open { id, checks: checks.clone(), until });
            }
            Step::Close(place) => {
                if !self.windows.is_empty() {
                    let window = self.windows.swap_remove(place % self.windows.len());
                    maintenance::delete(ctx, self.project, window.id).await.unwrap();
                }
            }
            Step::Look => {
                self.parts.keeper.round().await.unwrap();
                self.send_all().await;
            }
        }
    }

    /// Everything that is due arrives.
    async fn send_all(&self) {
        let now = self.parts.ctx.now();
        let (owner, until) = ("sender", now.plus_seconds(15));
        let claim = Claim { owner, now, until, dead_before: now };
        let mut tx = self.parts.ctx.store.begin().await.unwrap();
        for channel in notifications::claimable_channels(&mut tx, claim, 0, 10).await.unwrap() {
            loop {
                let rows =
                    notifications::claim(&mut tx, claim, channel.channel_id, Which::Single, 100)
                        .await
                        .unwrap();
                let sent: Vec<Settled> = rows.iter().map(|row| sent(row, now)).collect();
                notifications::settle(&mut tx, owner, &sent).await.unwrap();
                if sent.is_empty() {
                    break;
                }
            }
        }
        tx.commit().await.unwrap();
    }

    /// What must hold after this step.
    async fn holds(&mut self, step: &Step) {
        for check in 0..CHECKS {
            let rows = self.outbox(check).await;
            let new = &rows[self.rows[check]..];
            self.rows[check] = rows.len();
            let told: Vec<&NotificationRow> =
                rows.iter().filter(|row| row.state != NotificationState::Suppressed).collect();
            let kept = |row: &NotificationRow| row.state == NotificationState::Suppressed;
            if self.covered(check) {
                assert!(new.iter().all(kept), "told inside a window: {new:?}");
            } else if self.is_quiet(check).await {
                // What the keeper has not come to yet goes ahead of the flip with which it begins.
                let begun = new.iter().find(|row| row.event == Event::Flapping);
                let told = |row: &NotificationRow| {
                    kept(row)
                        || row.event == Event::Flapping
                        || begun.is_some_and(|begun| row.flip_id < begun.flip_id)
                };
                assert!(new.iter().all(told), "told while it is flapping: {new:?}");
            } else if matches!(step, Step::Look) {
                self.is_as_told(check, told.last().copied()).await;
            }
            for pair in told.windows(2) {
                let twice = pair[0].event == Event::Up && pair[1].event == Event::Up;
                // Flapping begins with a flip, which may be the one that is told at its end.
                let in_order = pair[0].flip_id < pair[1].flip_id
                    || (pair[0].event == Event::Flapping && pair[0].flip_id == pair[1].flip_id);
                assert!(!twice && in_order, "{told:?}");
            }
            assert!(told.first().is_none_or(|row| row.event != Event::Up), "{told:?}");
        }
    }

    async fn is_as_told(&self, check: usize, last: Option<&NotificationRow>) {
        let id = self.checks[check];
        let row = self.parts.read(id).await;
        let mut conn = self.parts.ctx.store.read().await.unwrap();
        let newest = states::n_flips(&mut conn, id).await.unwrap().unwrap();
        let event = last.map(|row| row.event);
        if row.status == Status::Down {
            assert_eq!(event, Some(Event::Down));
            let flip_id = last.and_then(|row| row.flip_id).unwrap();
            let flip = notifications::flip(&mut conn, flip_id).await.unwrap().unwrap();
            assert_eq!(flip.n, newest, "the down that it is in was told");
        } else {
            assert_ne!(event, Some(Event::Down));
        }
    }
}

fn sent(row: &NotificationRow, now: Timestamp) -> Settled {
    Settled {
        notification_id: row.notification_id,
        state: NotificationState::Sent,
        tried: true,
        next_attempt_at: None,
        sent_at: Some(now),
        error: None,
        held_until: None,
        told: row.event != Event::Reminder,
    }
}

/// Settings under which no deadline passes in a history.
fn slow() -> Settings {
    Settings { period: 31_536_000, grace: 31_536_000, ..Settings::default() }
}

async fn a_channel(parts: &Parts, project: i64) -> i64 {
    let kind = channels::kind_of("webhook").unwrap();
    let config = channels::new_config(kind, &json!({"url_down": "http://127.0.0.1:9/"})).unwrap();
    let manner = Manner::default();
    let made = channels::create(&parts.ctx, project, kind, &config, &manner).await.unwrap();
    made.channel_id
}

both_databases! {
    async fn what_was_told_last_is_how_the_check_is_once_no_window_covers_it(database) {
        let parts = Parts::new(database).await;
        let project = parts.project().await;
        let channel = a_channel(&parts, project).await;
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[3; 32]);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        for _ in 0..HISTORIES {
            let mut checks = Vec::new();
            for place in 0..CHECKS {
                let flap_threshold = if place == 0 { 0 } else { 3 };
                let id = parts.check_with(project, Settings { flap_threshold, ..slow() }).await;
                let mut tx = parts.ctx.store.begin().await.unwrap();
                store_channels::assign(&mut tx, id, &[channel]).await.unwrap();
                tx.commit().await.unwrap();
                checks.push(id);
            }
            let rows = vec![0; CHECKS];
            let mut life = Life { parts: &parts, project, checks, windows: Vec::new(), rows };
            let mut history = steps().new_tree(&mut runner).unwrap().current();
            history.extend([Step::Pass(1000), Step::Look]);
            for step in &history {
                life.take(step).await;
                life.holds(step).await;
            }
            for window in life.windows {
                maintenance::delete(&parts.ctx, project, window.id).await.unwrap();
            }
        }
    }

    async fn a_flip_and_the_deletion_of_its_window_at_once_keep_nothing_back_for_good(database) {
        let parts = Parts::new(database).await;
        let project = parts.project().await;
        let channel = a_channel(&parts, project).await;
        for _ in 0..20 {
            let check = parts.check(project, 86_400, 86_400).await;
            let mut tx = parts.ctx.store.begin().await.unwrap();
            store_channels::assign(&mut tx, check, &[channel]).await.unwrap();
            tx.commit().await.unwrap();
            let change =
                Change { starts_at: Some(Some(at(0))), ends_at: Some(Some(at(1_000_000))), ..Change::default() };
            let window = maintenance::create(&parts.ctx, project, &change).await.unwrap();
            let (gone, ()) = tokio::join!(
                maintenance::delete(&parts.ctx, project, window.maintenance_id),
                parts.ping(check, PingKind::Fail),
            );
            gone.unwrap();
            parts.keeper.round().await.unwrap();
            let mut conn = parts.ctx.store.read().await.unwrap();
            let (rows, _) = notifications::list(&mut conn, Of::Check(check), 0, 10).await.unwrap();
            let waits = rows.iter().filter(|row| row.state == NotificationState::Pending);
            assert_eq!(waits.count(), 1, "{rows:?}");
        }
    }
}
