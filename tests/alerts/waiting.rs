//! Channels that wait before they tell, and that tell again while a check is down: what is queued on
//! the real server, and what comes of it as the minutes go by on a clock that is moved.

use overdue::domain::ping::PingKind;
use overdue::service::channels::Change;
use overdue::store::notifications::{Event, NotificationRow, NotificationState};
use serde_json::{Value, json};

use super::parts::{Notifying, outbox, told_check};
use super::{channel, each, plain_hook, settled, to_channel};
use crate::support::receiver::Receiver;
use crate::support::server::shared;
use crate::support::{both_databases, time, until};
use crate::workers::{Parts, at};

/// The outbox of a check as soon as it has so many rows and the first so many of them are settled.
async fn rows_when(parts: &Parts, check: i64, rows: usize, settled: usize) -> Vec<NotificationRow> {
    until(&format!("{rows} notifications, {settled} of them settled"), async || {
        let all = outbox(parts, check).await;
        let done = |row: &NotificationRow| row.state != NotificationState::Pending;
        (all.len() == rows && all[..settled].iter().all(done)).then_some(all)
    })
    .await
}

fn events(rows: &[NotificationRow]) -> Vec<(Event, NotificationState)> {
    rows.iter().map(|row| (row.event, row.state)).collect()
}

fn told(receiver: &Receiver) -> Vec<String> {
    let got = receiver.got();
    got.iter().map(|delivery| super::News::of(delivery).turn).collect()
}

both_databases! {
    async fn what_waits_is_queued_for_its_time_and_dropped_by_a_recovery(database) {
        let api = shared(database).await;
        let (patient, insistent) = (Receiver::start().await, Receiver::start().await);
        let mut waits = plain_hook(&patient.url("/"));
        waits["after"] = json!(1);
        let mut repeats = plain_hook(&insistent.url("/"));
        repeats["remind_every"] = json!(1);
        let (waits, repeats) = (channel(&api, &waits).await, channel(&api, &repeats).await);
        let check = api.check("waits", json!({})).await;
        api.ping(&check, "/fail").await.says(200, "OK");
        let later = &to_channel(&api, &check, &waits).await[0];
        assert_eq!((&later["state"], &later["attempts"], &later["sent_at"]), (&json!("pending"), &json!(0), &Value::Null));
        assert_eq!(time(&later["next_attempt_at"]), time(&later["created_at"]).plus_seconds(60));
        let reminder = until("the reminder", async || {
            to_channel(&api, &check, &repeats).await.into_iter().nth(1)
        })
        .await;
        let down = &to_channel(&api, &check, &repeats).await[0];
        assert_eq!((&reminder["state"], &reminder["flip_id"]), (&json!("pending"), &down["flip_id"]));
        assert_eq!(time(&reminder["next_attempt_at"]), time(&down["sent_at"]).plus_seconds(60));
        api.ping(&check, "").await.says(200, "OK");
        let rows = settled(&api, &check, &repeats, 3).await;
        assert_eq!(each(&rows, "state"), ["sent", "suppressed", "sent"]);
        let rows = settled(&api, &check, &waits, 1).await;
        assert!(rows.iter().all(|row| row["state"] == "suppressed"), "{rows:?}");
        assert_eq!((patient.got().len(), insistent.got().len()), (0, 2));
    }

    async fn a_channel_that_waits_is_told_of_nothing_that_recovers_before(database) {
        let mut parts = Parts::new(database).await;
        let receiver = Receiver::start().await;
        let config = json!({"url_down": receiver.url("/"), "url_up": receiver.url("/")});
        let change = Change { after: Some(1), ..Change::default() };
        let (check, _) = told_check(&parts, config, change).await;
        parts.detector.round().await.unwrap();
        let notifier = Notifying::start(&parts, "node-1");
        parts.ping(check, PingKind::Fail).await;
        let row = &outbox(&parts, check).await[0];
        assert_eq!((row.state, row.attempts, row.sent_at), (NotificationState::Pending, 0, None));
        assert_eq!((row.created_at, row.next_attempt_at), (at(0), Some(at(60))));
        parts.run_for(59).await;
        parts.ping(check, PingKind::Success).await;
        let rows = rows_when(&parts, check, 1, 1).await;
        assert_eq!(events(&rows), [(Event::Down, NotificationState::Suppressed)]);
        // One that lasts is told at its time, and its end too.
        parts.ping(check, PingKind::Fail).await;
        parts.run_for(60).await;
        rows_when(&parts, check, 2, 2).await;
        parts.ping(check, PingKind::Success).await;
        let rows = rows_when(&parts, check, 3, 3).await;
        assert_eq!(events(&rows[1..]), [
            (Event::Down, NotificationState::Sent), (Event::Up, NotificationState::Sent),
        ]);
        assert_eq!(told(&receiver), ["down", "up"]);
        notifier.end().await;
    }

    async fn a_check_that_stays_down_is_told_again_until_it_is_up(database) {
        let mut parts = Parts::new(database).await;
        let receiver = Receiver::start().await;
        let config = json!({"url_down": receiver.url("/"), "url_up": receiver.url("/")});
        let change = Change { remind_every: Some(1), ..Change::default() };
        let (check, _) = told_check(&parts, config, change).await;
        parts.detector.round().await.unwrap();
        let notifier = Notifying::start(&parts, "node-1");
        parts.ping(check, PingKind::Fail).await;
        let rows = rows_when(&parts, check, 2, 1).await;
        assert_eq!(events(&rows), [
            (Event::Down, NotificationState::Sent), (Event::Reminder, NotificationState::Pending),
        ]);
        assert_eq!((rows[1].flip_id, rows[1].next_attempt_at), (rows[0].flip_id, Some(at(60))));
        parts.run_for(60).await;
        let rows = rows_when(&parts, check, 3, 2).await;
        assert_eq!(rows[2].next_attempt_at, Some(at(120)));
        parts.ping(check, PingKind::Success).await;
        let rows = rows_when(&parts, check, 4, 4).await;
        assert_eq!(events(&rows[1..]), [
            (Event::Reminder, NotificationState::Sent), (Event::Reminder, NotificationState::Suppressed),
            (Event::Up, NotificationState::Sent),
        ]);
        parts.run_for(120).await;
        assert_eq!(told(&receiver), ["down", "still_down", "up"]);
        notifier.end().await;
    }
}
