//! Leases that lapse while their holder is still at it: what it finds out then changes nothing any
//! more, and it sends nothing twice by itself.

use std::time::Duration;

use overdue::clock::Timestamp;
use overdue::domain::ping::PingKind;
use overdue::service::channels::Change;
use overdue::store::notifications::{self, Claim, NotificationState, Settled, Which};
use overdue::store::{channels, nodes};
use serde_json::json;

use super::parts::{Notifying, outbox, told_check};
use crate::support::both_databases;
use crate::support::receiver::{Manners, Receiver};
use crate::workers::{Parts, START, at};

/// Gives a sign of life for each of these nodes.
async fn alive(parts: &Parts, names: &[&str]) {
    let mut tx = parts.ctx.store.begin().await.unwrap();
    for name in names {
        nodes::beat(&mut tx, name, START, parts.ctx.now()).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Takes over what the other node's lease has lapsed on and says that it was sent.
async fn taken_over(parts: &Parts, at: Timestamp) {
    let claim = Claim {
        owner: "node-2",
        now: at,
        until: at.plus_seconds(15),
        dead_before: at.plus_seconds(-6),
    };
    let mut tx = parts.ctx.store.begin().await.unwrap();
    let channels = notifications::claimable_channels(&mut tx, claim, 0, 10).await.unwrap();
    let rows = notifications::claim(&mut tx, claim, channels[0].channel_id, Which::Single, 4)
        .await
        .unwrap();
    assert_eq!(rows.len(), 1, "the lease has lapsed");
    let sent = Settled {
        notification_id: rows[0].notification_id,
        state: NotificationState::Sent,
        tried: true,
        next_attempt_at: None,
        sent_at: Some(at),
        error: None,
        held_until: None,
        told: true,
    };
    notifications::settle(&mut tx, "node-2", &[sent]).await.unwrap();
    tx.commit().await.unwrap();
}

async fn slow() -> Receiver {
    Receiver::with(Manners { delay: Duration::from_secs(3), ..Manners::default() }).await
}

both_databases! {
    async fn a_holder_whose_lease_went_to_another_changes_nothing_any_more(database) {
        let parts = Parts::new(database).await;
        let receiver = slow().await;
        let config = json!({"url_down": receiver.url("/")});
        let change = Change { remind_every: Some(5), ..Change::default() };
        let (check, channel) = told_check(&parts, config, change).await;
        alive(&parts, &["node-1", "node-2"]).await;
        for status in [503, 200] {
            receiver.change(|manners| manners.status = status);
            let seen = receiver.got().len();
            let holder = Notifying::start(&parts, "node-1");
            parts.ping(check, PingKind::Fail).await;
            receiver.wait_for(seen + 1).await;
            // By the clock of the other node, so that this one can't be quicker.
            let later = parts.ctx.now().plus_seconds(20);
            taken_over(&parts, later).await;
            holder.end().await;
            let rows = outbox(&parts, check).await;
            let last = rows.last().unwrap();
            assert_eq!((last.state, last.sent_at, last.attempts), (NotificationState::Sent, Some(later), 1));
            assert!(rows.iter().all(|row| row.event != notifications::Event::Reminder), "{rows:?}");
            let mut conn = parts.ctx.store.read().await.unwrap();
            let shown = channels::find_many(&mut conn, &[channel]).await.unwrap().pop().unwrap();
            assert_eq!((shown.last_error, shown.last_sent_at), (None, None));
            drop(conn);
            parts.ping(check, PingKind::Success).await;
        }
    }

    async fn a_holder_whose_lease_lapses_does_not_send_twice_at_once(database) {
        let parts = Parts::new(database).await;
        let receiver = slow().await;
        let change = Change { remind_every: Some(5), ..Change::default() };
        let config = json!({"url_down": receiver.url("/")});
        let (check, _) = told_check(&parts, config, change).await;
        alive(&parts, &["node-1"]).await;
        let holder = Notifying::start(&parts, "node-1");
        parts.ping(check, PingKind::Fail).await;
        receiver.wait_for(1).await;
        // As after a process that was stopped; it looks at least twice before the answer is there.
        parts.pass(20);
        let reminder = crate::support::until("the reminder", async || {
            outbox(&parts, check).await.into_iter().nth(1)
        });
        assert_eq!(reminder.await.next_attempt_at, Some(at(20 + 5 * 60)));
        holder.end().await;
        assert_eq!((receiver.got().len(), outbox(&parts, check).await.len()), (1, 2));
    }
}
