//! How far the work is behind, as the health page tells it.

use overdue::clock::Timestamp;
use overdue::domain::ping::PingKind;
use overdue::service::channels::Change;
use overdue::store::{notifications, states};

use super::{Parts, at};
use crate::alerts::parts::told_check;
use crate::support::both_databases;

async fn unjudged(parts: &Parts) -> Option<Timestamp> {
    let mut conn = parts.ctx.store.read().await.unwrap();
    states::oldest_unjudged(&mut conn, parts.ctx.now()).await.unwrap()
}

async fn undelivered(parts: &Parts) -> Option<Timestamp> {
    let mut conn = parts.ctx.store.read().await.unwrap();
    notifications::oldest_undelivered(&mut conn, parts.ctx.now()).await.unwrap()
}

both_databases! {
    async fn a_deadline_that_nobody_has_come_to_is_told_until_it_is_judged(database) {
        let mut parts = Parts::new(database).await;
        let project = parts.project().await;
        for period in [60, 70, 500] {
            let check = parts.check(project, period, 60).await;
            parts.ping(check, PingKind::Success).await;
        }
        parts.run_for(119).await;
        assert_eq!(unjudged(&parts).await, None);
        // The detector is held up, and the two first are late by then.
        parts.pass(4);
        assert_eq!(unjudged(&parts).await, Some(at(120)));
        parts.detector.round().await.unwrap();
        assert_eq!(unjudged(&parts).await, None);
    }

    async fn a_ping_that_moved_a_deadline_is_no_lag(database) {
        let mut parts = Parts::new(database).await;
        let project = parts.project().await;
        let check = parts.check(project, 60, 60).await;
        parts.ping(check, PingKind::Success).await;
        parts.run_for(100).await;
        parts.ping(check, PingKind::Success).await;
        // The detector would look at 120, in vain.
        parts.pass(21);
        assert_eq!(unjudged(&parts).await, None);
    }

    async fn what_is_not_delivered_is_told_since_it_was_due(database) {
        let parts = Parts::new(database).await;
        assert_eq!(undelivered(&parts).await, None);
        let hook = serde_json::json!({"url_down": "http://127.0.0.1:9/", "method_down": "POST"});
        let (check, _) = told_check(&parts, hook, Change::default()).await;
        parts.ping(check, PingKind::Fail).await;
        let due = parts.ctx.now();
        parts.pass(5);
        assert_eq!(undelivered(&parts).await, Some(due));
    }
}
