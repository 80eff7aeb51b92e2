//! The server's own outage is not the job's: deadlines inside it move behind it, once, and the
//! message owns up to it.

use overdue::clock::Timestamp;
use serde_json::{Value, json};

use super::{channel, downs, plain_hook};
use crate::support::api::Api;
use crate::support::receiver::Receiver;
use crate::support::server::TestServer;
use crate::support::{Database, both_databases, now, time, until};

/// A check that is pinged again after an outage, and one that stays silent.
struct Pair {
    api: Api,
    receiver: Receiver,
    pinged: Value,
    silent: Value,
}

impl Pair {
    /// Both were pinged just now.
    async fn new(server: &TestServer) -> Self {
        let api = server.owner().await;
        let receiver = Receiver::start().await;
        channel(&api, &plain_hook(&receiver.url("/"))).await;
        let settings = json!({"period": 2, "grace": 6});
        let pinged = api.check("pinged", settings.clone()).await;
        let silent = api.check("silent", settings).await;
        api.ping(&pinged, "").await.says(200, "OK");
        api.ping(&silent, "").await.says(200, "OK");
        Self { api, receiver, pinged, silent }
    }

    /// Waits until both deadlines have passed, the server being out; the time.
    async fn missed(silent_deadline: Timestamp) -> Timestamp {
        until("the deadlines to pass", async || {
            Some(now()).filter(|now| *now > silent_deadline.plus_seconds(1))
        })
        .await
    }

    /// Holds what must follow once the server is there again, which it is since `back` at the
    /// earliest.
    async fn assert_put_off(self, back: Timestamp) {
        let api = &self.api;
        api.ping(&self.pinged, "").await.says(200, "OK");
        let moved = until("a deadline behind the outage", async || {
            let check = api.read(&self.silent).await;
            assert_ne!(check["status"], "down", "our outage was taken for the job's");
            Some(time(&check["alert_at"])).filter(|at| *at > back)
        })
        .await;
        let down =
            until("the end of its time", async || downs(api, &self.silent).await.pop()).await;
        assert_eq!((time(&down["at"]), &down["reason"]), (moved, &json!("timeout")));
        let earlier = downs(api, &self.pinged).await;
        assert!(earlier.iter().all(|flip| time(&flip["at"]) > moved), "{earlier:?}");
        let told = &self.receiver.wait_for(1).await[0];
        let body: Value = serde_json::from_slice(&told.body).unwrap();
        assert_eq!(body["uuid"], self.silent["uuid"]);
        let text = body["text"].as_str().unwrap();
        assert!(text.contains("this server was down"), "{text}");
    }
}

async fn start(database: Database) -> (TestServer, Pair, Timestamp) {
    let server = TestServer::start(database, &[]).await;
    let pair = Pair::new(&server).await;
    let deadline = time(&pair.api.read(&pair.silent).await["alert_at"]);
    (server, pair, deadline)
}

both_databases! {
    async fn deadlines_inside_a_death_move_behind_it(database) {
        let (mut server, pair, deadline) = start(database).await;
        server.kill9();
        let back = Pair::missed(deadline).await;
        server.restart().await;
        pair.assert_put_off(back).await;
    }

    async fn deadlines_inside_a_sleep_move_behind_it(database) {
        let (server, pair, deadline) = start(database).await;
        server.signal("STOP");
        let back = Pair::missed(deadline).await;
        server.signal("CONT");
        pair.assert_put_off(back).await;
    }
}
