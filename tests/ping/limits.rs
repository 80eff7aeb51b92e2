//! Pings that the server can't or won't take now: 429 and 503.

use serde_json::json;

use crate::support::server::{TestServer, shared};
use crate::support::{Database, both_databases, until};

both_databases! {
    async fn over_the_operators_limit_a_check_is_rate_limited(database) {
        let settings = [("OVERDUE_PING__MAX_PER_MINUTE", "3")];
        let server = TestServer::start(database, &settings).await;
        let api = server.owner().await;
        let (busy, quiet) = (api.check("busy", json!({})).await, api.check("quiet", json!({})).await);
        let mut stored = 0;
        // Enough to run into the limit even where a minute ends meanwhile.
        for _ in 0..10 {
            let answer = api.ping(&busy, "").await;
            if answer.status == 200 {
                stored += 1;
                continue;
            }
            answer.says(429, "rate limited");
            let seconds: u32 = answer.header("retry-after").parse().unwrap();
            assert!((1..=60).contains(&seconds), "{seconds}");
        }
        assert!((3..10).contains(&stored), "{stored}");
        assert_eq!(api.read(&busy).await["n_pings"], stored);
        api.ping(&quiet, "").await.says(200, "OK");
    }

    async fn without_a_limit_nothing_is_rate_limited(database) {
        let api = shared(database).await;
        let check = api.check("unlimited", json!({})).await;
        for _ in 0..100 {
            api.ping(&check, "").await.says(200, "OK");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_postgresql_is_down_pings_are_told_to_try_again() {
    if !Database::Postgres.is_here() {
        return;
    }
    let server = TestServer::start(Database::Postgres, &[]).await;
    let api = server.owner().await;
    let check = api.check("outage", json!({})).await;
    api.ping(&check, "").await.says(200, "OK");
    server.database().go_down();
    let answer = api.ping(&check, "").await;
    answer.says(503, "try again");
    let seconds: u32 = answer.header("retry-after").parse().unwrap();
    assert!(seconds > 0);
    server.database().come_back();
    let mut acknowledged = 1;
    until("a ping to be taken again", async || {
        let taken = api.ping(&check, "").await.status == 200;
        acknowledged += u32::from(taken);
        taken.then_some(())
    })
    .await;
    assert_eq!(acknowledged, 2);
    assert_eq!(api.read(&check).await["n_pings"], 2);
}
