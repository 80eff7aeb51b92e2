//! Death at every step of the delivery of what is no plain alert: several flips in one message, what
//! waited for its time, a reminder, and the end of a channel. Each arrives, under one id however often
//! it comes, and nothing is counted as tried that was interrupted.

use std::os::unix::process::ExitStatusExt;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use super::fail_points::SIGABRT;
use super::{channel, channel_now, checks, each, ping_all, settled, to_channel};
use crate::support::api::Api;
use crate::support::receiver::{Delivery, Manners, Receiver};
use crate::support::server::TestServer;
use crate::support::{Database, both_databases, until};

/// The steps, and how often at least a message arrives that is interrupted there.
const STEPS: [(&str, usize); 5] = [
    ("notifications_claimed", 1),
    ("claim_committed", 1),
    ("message_sent", 2),
    ("outcome_written", 2),
    ("outcome_committed", 1),
];

/// A channel of its own and who listens there.
struct Line {
    channel: Value,
    receiver: Receiver,
}

impl Line {
    async fn new(api: &Api, status: u16, more: Value) -> Self {
        let receiver = Receiver::with(Manners { status, ..Manners::default() }).await;
        let mut body = json!({"kind": "webhook", "config": {"url_down": receiver.url("/")}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Self { channel: channel(api, &body).await, receiver }
    }

    /// So many checks that tell this channel alone.
    async fn checks(&self, api: &Api, count: usize) -> Vec<Value> {
        checks(api, count, &json!({"channels": [self.channel["channel_id"]]})).await
    }

    /// What came after the first so many messages, all of it under one id.
    fn rest(&self, first: usize) -> Vec<Delivery> {
        let rest = self.receiver.got().split_off(first);
        let id = rest[0].header("webhook-id").to_owned();
        assert!(id.starts_with("msg_"), "{id}");
        assert!(rest.iter().all(|delivery| delivery.header("webhook-id") == id), "{rest:?}");
        rest
    }
}

/// Runs a statement on the database of a server that is not running.
async fn execute(server: &TestServer, database: Database, sql: String) {
    let url = server.database().url.as_str();
    let (sql, failed) = (sqlx::raw_sql(AssertSqlSafe(sql)), "the database did as it was told");
    match database {
        Database::Sqlite => {
            let mut conn = SqliteConnection::connect(url).await.unwrap();
            sql.execute(&mut conn).await.expect(failed);
        }
        Database::Postgres => {
            let mut conn = PgConnection::connect(url).await.unwrap();
            sql.execute(&mut conn).await.expect(failed);
        }
    }
}

/// The time of what waits for this channel has come, two minutes ago.
async fn is_due(server: &TestServer, database: Database, line: &Line) {
    let id = &line.channel["channel_id"];
    let sql = format!(
        "UPDATE notifications SET next_attempt_at = next_attempt_at - 120000000 \
         WHERE channel_id = {id} AND state = 'pending'"
    );
    execute(server, database, sql).await;
}

fn body(delivery: &Delivery) -> Value {
    serde_json::from_str(delivery.text()).unwrap()
}

both_databases! {
    async fn whatever_a_death_interrupts_arrives_under_its_id(database) {
        let mut server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        let other = server.owner().await;
        for (step, arrivals) in STEPS {
            // One message went out, so that the next ones are collected.
            let grouped = Line::new(&api, 200, json!({"group_threshold": 1})).await;
            let group = grouped.checks(&api, 4).await;
            ping_all(&api, &group[..1], "/fail").await;
            settled(&api, &group[0], &grouped.channel, 1).await;
            let path = api.path(&format!("/channel/{}", grouped.channel["channel_id"]));
            api.put(&path, &json!({"after": 1})).await.ok();
            ping_all(&api, &group[1..], "/fail").await;
            let waiting = Line::new(&api, 200, json!({"after": 1})).await;
            let late = waiting.checks(&api, 1).await;
            ping_all(&api, &late, "/fail").await;
            let reminding = Line::new(&api, 200, json!({"remind_every": 1})).await;
            let long = reminding.checks(&api, 1).await;
            ping_all(&api, &long, "/fail").await;
            until("the reminder", async || to_channel(&api, &long[0], &reminding.channel).await.into_iter().nth(1)).await;
            // A receiver that is gone for good, and a channel that is told of it.
            let ending = Line::new(&other, 410, json!({"after": 1})).await;
            let told = Line::new(&other, 200, json!({})).await;
            let last = ending.checks(&other, 1).await;
            ping_all(&other, &last, "/fail").await;
            server.stop().await;

            for line in [&grouped, &waiting, &reminding, &ending] {
                is_due(&server, database, line).await;
                let died = server.restart_to_die(&[("OVERDUE_TEST_DIE_AT", step)]).await;
                assert_eq!(died.signal(), Some(SIGABRT), "{}", server.log());
            }
            // Their time goes by: that dead holders lose them is held elsewhere.
            execute(&server, database, "UPDATE notifications SET lease_until = 0".to_owned()).await;
            server.restart().await;

            for check in &group {
                let rows = settled(&api, check, &grouped.channel, 1).await;
                assert_eq!((each(&rows, "state"), each(&rows, "attempts")), (vec![json!("sent")], vec![json!(1)]), "{step}");
            }
            let together = grouped.rest(1);
            assert!(together.len() >= arrivals && together.iter().all(|it| body(it)["count"] == 3), "{step}: {together:?}");
            let rows = settled(&api, &late[0], &waiting.channel, 1).await;
            assert_eq!((each(&rows, "state"), each(&rows, "attempts")), (vec![json!("sent")], vec![json!(1)]), "{step}");
            assert!(waiting.rest(0).len() >= arrivals, "{step}");
            let rows = until("the next reminder", async || {
                let rows = to_channel(&api, &long[0], &reminding.channel).await;
                (rows.len() == 3).then_some(rows)
            }).await;
            assert_eq!(each(&rows, "state"), ["sent", "sent", "pending"], "{step}");
            assert_eq!(each(&rows, "attempts"), [1, 1, 0], "{step}");
            assert!(reminding.rest(1).len() >= arrivals, "{step}");
            let rows = settled(&other, &last[0], &ending.channel, 1).await;
            assert_eq!((each(&rows, "state"), each(&rows, "attempts")), (vec![json!("failed")], vec![json!(1)]), "{step}");
            assert!(ending.rest(0).len() >= arrivals, "{step}");
            assert_eq!(channel_now(&other, &ending.channel).await["disabled"], 1, "{step}");
            told.receiver.wait_for(1).await;
            assert_eq!(body(&told.rest(0)[0])["event"], "channel_disabled", "{step}");
            // Nobody has to be told of the next round's end.
            other.delete(&other.path(&format!("/channel/{}", told.channel["channel_id"]))).await.ok();
        }
    }
}
