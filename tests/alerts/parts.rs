//! The parts of a server with notifiers of a test's own, on a clock that it moves.

use std::sync::Arc;

use overdue::notify::Notifier;
use overdue::notify::channels::Kind;
use overdue::notify::outbound::{Outbound, Settings};
use overdue::service::channels::{Change, create, new_config};
use overdue::store::channels;
use overdue::store::notifications::{self, NotificationRow, Of};
use overdue::vitals::Vitals;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::workers::Parts;

/// A running notifier.
pub struct Notifying {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Notifying {
    /// Starts one under the name of a node.
    pub fn start(parts: &Parts, node: &str) -> Self {
        let settings = Settings { allow_private: true, ..Settings::default() };
        let outbound = Arc::new(Outbound::new(settings).unwrap());
        let notifier = Notifier::new(parts.ctx.clone(), outbound, Vitals::default(), node);
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: tokio::spawn(notifier.run(stopped)) }
    }

    /// Lets it write down what it has sent, and ends it.
    pub async fn end(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
    }
}

/// A check of a new project that tells one webhook with these settings: check, channel.
pub async fn told_check(parts: &Parts, config: Value, change: Change) -> (i64, i64) {
    told_check_by(parts, Kind::Webhook, config, change).await
}

/// The same with a channel of any kind.
pub async fn told_check_by(parts: &Parts, kind: Kind, config: Value, change: Change) -> (i64, i64) {
    let project = parts.project().await;
    let config = new_config(kind, &config).unwrap();
    let row = create(&parts.ctx, project, kind, &config, &change).await.unwrap();
    let check = parts.check(project, 3600, 3600).await;
    let mut tx = parts.ctx.store.begin().await.unwrap();
    channels::assign(&mut tx, check, &[row.channel_id]).await.unwrap();
    tx.commit().await.unwrap();
    (check, row.channel_id)
}

/// The notifications of a check, the oldest first.
pub async fn outbox(parts: &Parts, check: i64) -> Vec<NotificationRow> {
    let mut conn = parts.ctx.store.read().await.unwrap();
    let (mut rows, _) = notifications::list(&mut conn, Of::Check(check), 0, 100).await.unwrap();
    rows.reverse();
    rows
}
