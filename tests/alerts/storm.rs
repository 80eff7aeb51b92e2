//! Storms: after so many messages to a channel within a minute, further ones are collected and go as
//! one. On the parts of a server and a clock that is moved, with a real notifier and receiver.

use std::collections::BTreeSet;

use overdue::domain::ping::PingKind;
use overdue::notify::channels::Kind;
use overdue::service::channels::Change;
use overdue::store::channels;
use overdue::store::notifications::{NotificationRow, NotificationState};
use serde_json::{Value, json};

use super::parts::{Notifying, outbox, told_check_by};
use crate::support::receiver::{Delivery, Manners, Receiver};
use crate::support::{Database, both_databases, until};
use crate::workers::{Parts, at};

/// Checks that all tell one channel with a threshold, and who is told.
struct Storm {
    parts: Parts,
    channel: i64,
    receiver: Receiver,
    notifier: Notifying,
    checks: Vec<i64>,
}

impl Storm {
    async fn new(database: Database, threshold: i64, count: usize) -> Self {
        let change = Change { group_threshold: Some(threshold), ..Change::default() };
        let config = |url: &str| json!({"url_down": url, "url_up": url});
        Self::told_by(database, Kind::Webhook, config, change, count).await
    }

    async fn told_by(
        database: Database,
        kind: Kind,
        config: impl FnOnce(&str) -> Value,
        change: Change,
        count: usize,
    ) -> Self {
        let mut parts = Parts::new(database).await;
        let receiver = Receiver::with(Manners::default()).await;
        let config = config(&receiver.url("/"));
        let (first, channel) = told_check_by(&parts, kind, config, change).await;
        let project = parts.read(first).await.project_id;
        let mut checks = vec![first];
        for _ in 1..count {
            let check = parts.check(project, 3600, 3600).await;
            let mut tx = parts.ctx.store.begin().await.unwrap();
            channels::assign(&mut tx, check, &[channel]).await.unwrap();
            tx.commit().await.unwrap();
            checks.push(check);
        }
        parts.detector.round().await.unwrap();
        let notifier = Notifying::start(&parts, "node-1");
        Self { parts, channel, receiver, notifier, checks }
    }

    async fn all(&self, kind: PingKind) {
        for check in &self.checks {
            self.parts.ping(*check, kind).await;
        }
    }

    /// The notifications of all checks, once so many of them are sent.
    async fn sent(&self, count: usize) -> Vec<NotificationRow> {
        until(&format!("{count} notifications to be sent"), async || {
            let mut rows = Vec::new();
            for check in &self.checks {
                rows.extend(outbox(&self.parts, *check).await);
            }
            rows.retain(|row| row.state == NotificationState::Sent);
            (rows.len() >= count).then_some(rows)
        })
        .await
    }

    /// What was told: the event of each message and how many alerts it carries.
    fn told(&self) -> Vec<(String, u64)> {
        let told = |delivery: &Delivery| {
            let body: Value = serde_json::from_str(delivery.text()).unwrap();
            let event = body["event"].as_str().unwrap().to_owned();
            (event, body["count"].as_u64().unwrap_or(1))
        };
        self.receiver.got().iter().map(told).collect()
    }
}

fn message(event: &str, count: u64) -> (String, u64) {
    (event.to_owned(), count)
}

both_databases! {
    async fn what_is_too_much_for_a_channel_is_collected_and_goes_as_one_message(database) {
        let mut storm = Storm::new(database, 2, 6).await;
        storm.all(PingKind::Fail).await;
        storm.sent(2).await;
        storm.parts.run_for(4).await;
        assert_eq!(storm.told(), [message("down", 1), message("down", 1)]);
        storm.parts.run_for(2).await;
        let rows = storm.sent(6).await;
        assert_eq!(storm.told()[2..], [message("group", 4)]);
        let group = storm.receiver.got()[2].clone();
        let parts: Vec<&NotificationRow> = rows.iter().filter(|row| row.group_id.is_some()).collect();
        assert_eq!(parts.len(), 4);
        for row in parts {
            assert_eq!(row.group_id.as_deref(), Some(group.header("webhook-id")));
            assert_eq!((row.attempts, row.sent_at), (1, rows.iter().filter_map(|row| row.sent_at).max()));
        }
        // Their ends, of which there are too many as well, are listed after them.
        storm.all(PingKind::Success).await;
        storm.parts.run_for(6).await;
        storm.sent(12).await;
        assert_eq!(storm.told()[3..], [message("group", 6)]);
        // When a minute has gone by, each is a message of its own again.
        storm.parts.run_for(61).await;
        storm.parts.ping(storm.checks[0], PingKind::Fail).await;
        storm.sent(13).await;
        assert_eq!(storm.told()[4..], [message("down", 1)]);
        storm.notifier.end().await;
    }

    async fn without_a_threshold_each_is_a_message_of_its_own(database) {
        let storm = Storm::new(database, 0, 20).await;
        storm.all(PingKind::Fail).await;
        storm.sent(20).await;
        assert_eq!(storm.told(), vec![message("down", 1); 20]);
        let told_of_all = "Went down with it: 19 other checks of this project";
        assert!(storm.receiver.got().iter().any(|delivery| delivery.text().contains(told_of_all)));
        storm.notifier.end().await;
    }

    async fn incidents_are_opened_and_resolved_one_by_one_whatever_threshold_is_stored(database) {
        let kind = Kind::parse("spike").unwrap();
        let config = |url: &str| json!({"url": url});
        let storm = Storm::told_by(database, kind, config, Change::default(), 4).await;
        let mut tx = storm.parts.ctx.store.begin().await.unwrap();
        let mut row = channels::find_many(&mut tx, &[storm.channel]).await.unwrap().remove(0);
        row.group_threshold = 1;
        channels::update(&mut tx, &row).await.unwrap();
        tx.commit().await.unwrap();
        let titles = |deliveries: &[Delivery]| {
            let title = |delivery: &Delivery| {
                let body: Value = serde_json::from_str(delivery.text()).unwrap();
                (body["status"] == "resolve", body["title"].as_str().unwrap().to_owned())
            };
            deliveries.iter().map(title).collect::<BTreeSet<_>>()
        };
        storm.all(PingKind::Fail).await;
        storm.sent(4).await;
        let opened = titles(&storm.receiver.got());
        assert!(opened.len() == 4 && opened.iter().all(|(is_end, _)| !is_end), "{opened:?}");
        storm.all(PingKind::Success).await;
        storm.sent(8).await;
        let resolved = titles(&storm.receiver.got()[4..]);
        assert_eq!(resolved, opened.into_iter().map(|(_, title)| (true, title)).collect());
        storm.notifier.end().await;
    }

    async fn a_collected_message_that_is_not_taken_is_tried_again_whole_and_under_its_id(database) {
        let mut storm = Storm::new(database, 1, 4).await;
        storm.parts.ping(storm.checks[0], PingKind::Fail).await;
        storm.sent(1).await;
        storm.receiver.change(|manners| manners.fail_first = 1);
        for check in &storm.checks[1..] {
            storm.parts.ping(*check, PingKind::Fail).await;
        }
        storm.parts.run_for(6).await;
        let row = until("the first try of the message", async || {
            let rows = outbox(&storm.parts, storm.checks[1]).await;
            rows.into_iter().next().filter(|row| row.attempts == 1)
        })
        .await;
        let again = row.next_attempt_at.unwrap();
        for check in &storm.checks[2..] {
            assert_eq!(outbox(&storm.parts, *check).await[0].next_attempt_at, Some(again));
        }
        // What is new meanwhile is no part of it.
        storm.parts.ping(storm.checks[0], PingKind::Success).await;
        let wait = again.micros_since(at(0)) / 1_000_000 + 1;
        storm.parts.run_for(wait).await;
        storm.sent(5).await;
        let got = storm.receiver.got();
        let ids: Vec<&str> = got.iter().map(|delivery| delivery.header("webhook-id")).collect();
        assert_eq!(ids.iter().filter(|id| **id == ids[1]).count(), 2, "{ids:?}");
        let counts: Vec<u64> = storm.told().iter().map(|(_, count)| *count).collect();
        assert_eq!((counts[1], counts.iter().filter(|count| **count == 3).count()), (3, 2), "{counts:?}");
        storm.notifier.end().await;
    }
}
