//! The limit of requests a second, on the real server: what is over it is put off, not run, and
//! nobody else's.

use futures_util::future::join_all;
use serde_json::json;

use super::{new_token, with_token};
use crate::support::api::Api;
use crate::support::server::TestServer;
use crate::support::{both_databases, until};

both_databases! {
    async fn what_is_over_the_limit_is_a_503_and_was_not_run_or_journalled(database) {
        let settings = [("OVERDUE_API__REQUESTS_PER_SECOND", "5")];
        let server = TestServer::start(database, &settings).await;
        let calm = Api::new_project(server.address(), &server.new_user("calm@example.org")).await;
        let busy = with_token(&calm, &new_token(&server, "calm@example.org", "busy", &[]));
        let path = busy.path("/check");
        let bodies: Vec<_> = (0..60).map(|n| json!({"check_name": format!("b{n}")})).collect();
        let answers = join_all(bodies.iter().map(|body| busy.post(&path, body))).await;
        // Another token of the same user is not put off.
        let list = calm.get(&calm.path("/check-list?limit=1")).await.ok();
        let (made, put_off): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        assert!(!made.is_empty() && !put_off.is_empty(), "{} {}", made.len(), put_off.len());
        for answer in &put_off {
            assert_eq!(answer.header("retry-after"), "1");
            let message = answer.fatal(503);
            assert!(message.contains("too many requests"), "{message}");
        }
        assert_eq!(list["total_count"], made.len());
        // It passes: who waits as told is served.
        until("a request that is served", async || {
            (busy.get("/user/profile").await.status == 200).then_some(())
        })
        .await;
        // By the time that one is written down, all before it are.
        let lines = until("the journal", async || {
            let answer = calm.get("/user/request-list?subject=busy&limit=1000").await;
            let lines = (answer.status == 200).then(|| answer.json()["list"].clone())?;
            let lines = lines.as_array().unwrap().clone();
            lines.iter().any(|line| line["path"] == "/user/profile").then_some(lines)
        })
        .await;
        let posts = lines.iter().filter(|line| line["method"] == "POST").count();
        assert_eq!(posts, made.len());
        assert!(lines.iter().all(|line| line["status"] == 200), "{lines:?}");
    }

    async fn a_bad_token_is_a_401_however_often_it_comes(database) {
        let settings = [("OVERDUE_API__REQUESTS_PER_SECOND", "1")];
        let server = TestServer::start(database, &settings).await;
        let api = Api::new_project(server.address(), &server.new_user("bad@example.org")).await;
        let forged = with_token(&api, &format!("{}x", api.token));
        for answer in join_all((0..20).map(|_| forged.get("/user/profile"))).await {
            answer.fatal(401);
        }
    }
}
