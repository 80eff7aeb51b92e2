//! A check, the webhook that it tells, and all the workers that it takes to be told, on a clock that
//! is moved.

use std::time::Duration;

use overdue::domain::ping::PingKind;
use overdue::service::channels::Change as Manner;
use overdue::service::maintenance::{self, Change};
use overdue::store::maintenance::Window;
use overdue::store::notifications::{Event, NotificationRow, NotificationState};
use serde_json::json;

use super::News;
use super::parts::{Notifying, outbox, told_check};
use crate::support::receiver::{Manners, Receiver};
use crate::support::{Database, until};
use crate::workers::{Parts, at};

/// A check that tells one webhook, and everything that it takes to be told.
pub struct Scene {
    pub parts: Parts,
    pub receiver: Receiver,
    pub notifier: Notifying,
    pub project: i64,
    pub check: i64,
    pub channel: i64,
}

impl Scene {
    pub async fn new(database: Database) -> Self {
        Self::with(database, Manner::default(), Manners::default()).await
    }

    pub async fn with(database: Database, manner: Manner, manners: Manners) -> Self {
        let mut parts = Parts::new(database).await;
        let receiver = Receiver::with(manners).await;
        let config = json!({"url_down": receiver.url("/"), "url_up": receiver.url("/")});
        let (check, channel) = told_check(&parts, config, manner).await;
        parts.detector.round().await.unwrap();
        let notifier = Notifying::start(&parts, "node-1");
        let project = parts.read(check).await.project_id;
        Self { parts, receiver, notifier, project, check, channel }
    }

    /// One whose receiver was told of a down at second 5, before a window from second 10 to 100.
    pub async fn told_before_a_window(database: Database) -> Self {
        let scene = Self::new(database).await;
        scene.window(10, 100).await;
        scene.go_to(5).await;
        scene.fail().await;
        assert_eq!(scene.told().await, ["down"]);
        scene
    }

    /// A window over the whole project between these seconds.
    pub async fn window(&self, from: i64, to: i64) -> Window {
        self.window_over(from, to, Change::default()).await
    }

    /// One over what `change` says.
    pub async fn window_over(&self, from: i64, to: i64, change: Change) -> Window {
        let change = Change {
            title: Some("New disks".to_owned()),
            starts_at: Some(Some(at(from))),
            ends_at: Some(Some(at(to))),
            ..change
        };
        maintenance::create(&self.parts.ctx, self.project, &change).await.unwrap()
    }

    pub async fn change(&self, window: &Window, change: Change) {
        let (project, id) = (self.project, window.maintenance_id);
        maintenance::update(&self.parts.ctx, project, id, &change).await.unwrap();
    }

    /// Lets the clock go on to this second, and the keeper look.
    pub async fn go_to(&self, second: i64) {
        let ahead = at(second).micros_since(self.parts.ctx.now());
        self.parts.ctx.clock.advance(Duration::from_micros(ahead.try_into().unwrap()));
        self.parts.keeper.round().await.unwrap();
    }

    pub async fn fail(&self) {
        self.parts.ping(self.check, PingKind::Fail).await;
    }

    pub async fn succeed(&self) {
        self.parts.ping(self.check, PingKind::Success).await;
    }

    /// The notifications of the check, once nothing of it is due any more.
    pub async fn rows(&self) -> Vec<NotificationRow> {
        until("an outbox with nothing due", async || {
            let rows = outbox(&self.parts, self.check).await;
            let now = self.parts.ctx.now();
            rows.iter().all(|row| row.next_attempt_at.is_none_or(|at| at > now)).then_some(rows)
        })
        .await
    }

    /// The same: what each tells and how it stands.
    pub async fn events(&self) -> Vec<(Event, NotificationState)> {
        self.rows().await.iter().map(|row| (row.event, row.state)).collect()
    }

    /// What the receiver was told, once nothing is due any more.
    pub async fn told(&self) -> Vec<String> {
        self.rows().await;
        self.receiver.got().iter().map(|delivery| News::of(delivery).turn).collect()
    }

    pub async fn end(self) {
        self.notifier.end().await;
    }
}
