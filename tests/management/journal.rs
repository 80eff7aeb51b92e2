//! The journal of requests.

use serde_json::{Value, json};

use super::{fields, new_token, with_token};
use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::server::TestServer;
use crate::support::{now, time, until};

/// The journal once it holds at least so many lines that fit: at most a second after the last of
/// them was answered.
async fn journal(api: &Api, filter: &str, at_least: usize) -> Vec<Value> {
    until("the journal", async || {
        let lines = api.list(&format!("/user/request-list?{filter}")).await;
        (lines.len() >= at_least).then_some(lines)
    })
    .await
}

both_databases! {
    async fn every_command_that_is_run_with_a_token_is_written_down(database) {
        let settings = [("OVERDUE_SERVER__TRUSTED_PROXIES", "127.0.0.0/8")];
        let server = TestServer::start(database, &settings).await;
        let api = Api::new_project(server.address(), &server.new_user("j@example.org")).await;
        let other = with_token(&api, &new_token(&server, "j@example.org", "other", &["--scopes", "read"]));
        let began = now();
        let first = other.get("/user/profile?").await;
        first.ok();
        other.post(&api.path("/check"), &json!({"check_name": "x"})).await.fatal(403);
        other.get(&api.path("/check-list?limit=x")).await.fatal(400);
        let bearer = format!("Bearer {}", other.token);
        let proxied = [("authorization", bearer.as_str()), ("x-forwarded-for", "2001:db8::7")];
        api.send("GET", &api.path("/export"), &proxied, "").await.fatal(501);
        // What is no command, or came without a token, is nobody's.
        other.get("/user/nonsense").await.fatal(404);
        other.hit("GET", "/user/profile").await.fatal(401);
        let lines = journal(&api, "subject=other", 4).await;
        let told: Vec<_> = lines.iter()
            .map(|l| (l["method"].as_str().unwrap(), l["path"].as_str().unwrap(), l["status"].as_i64().unwrap()))
            .collect();
        assert_eq!(told, [
            ("GET", api.path("/export").as_str(), 501), ("GET", &api.path("/check-list"), 400),
            ("POST", &api.path("/check"), 403), ("GET", "/user/profile", 200),
        ]);
        assert_eq!(fields(&lines[3]), [
            "at", "subject", "method", "path", "status", "remote_address", "request_id",
        ]);
        assert_eq!(lines[3]["request_id"], first.header("x-request-id"));
        assert_eq!((&lines[3]["remote_address"], &lines[0]["remote_address"]), (
            &json!("127.0.0.1"), &json!("2001:db8::7"),
        ));
        assert!(lines.iter().all(|line| (began..=now()).contains(&time(&line["at"]))));
    }

    async fn the_journal_is_filtered_by_subject_status_and_time(database) {
        let server = TestServer::start(database, &[]).await;
        let api = Api::new_project(server.address(), &server.new_user("f@example.org")).await;
        let other = with_token(&api, &new_token(&server, "f@example.org", "other", &[]));
        for _ in 0..3 {
            other.get("/user/profile").await.ok();
        }
        other.get("/user/project/0").await.fatal(400);
        let lines = journal(&api, "subject=other", 4).await;
        assert_eq!(journal(&api, "subject=other&status=200", 3).await, lines[1..]);
        assert_eq!(journal(&api, "subject=other&status=400", 1).await, lines[..1]);
        let middle = lines[2]["at"].as_str().unwrap();
        assert_eq!(journal(&api, &format!("subject=other&from={middle}"), 3).await, lines[..3]);
        assert_eq!(journal(&api, &format!("subject=other&to={middle}"), 1).await, lines[3..]);
        let page = api.get("/user/request-list?subject=other&offset=1&limit=2").await.ok();
        assert_eq!((&page["list"], &page["total_count"]), (&json!(lines[1..3]), &json!(4)));
        assert_eq!(page["max_count"], 4);
        assert!(api.list("/user/request-list?subject=nobody").await.is_empty());
        for (filter, name) in [("status=7", "status"), ("from=today", "from"), ("to=", "to"), ("path=x", "path")] {
            let message = api.get(&format!("/user/request-list?{filter}")).await.fatal(400);
            assert!(message.starts_with(&format!("{name}: ")), "{message}");
        }
    }

    async fn nobody_sees_the_journal_of_somebody_else(database) {
        let server = TestServer::start(database, &[]).await;
        let ours = Api::new_project(server.address(), &server.new_user("a@example.org")).await;
        let theirs = Api::new_project(server.address(), &server.new_user("b@example.org")).await;
        theirs.get(&theirs.path("/check-list")).await.ok();
        journal(&theirs, "", 2).await;
        let lines = journal(&ours, "", 1).await;
        assert!(lines.iter().all(|line| line["path"] != theirs.path("/check-list")));
    }

    async fn what_was_answered_before_a_stop_is_in_the_journal_after_it(database) {
        let mut server = TestServer::start(database, &[]).await;
        let api = Api::new_project(server.address(), &server.new_user("s@example.org")).await;
        for _ in 0..50 {
            api.get(&api.path("/check-list")).await.ok();
        }
        assert_eq!(server.stop().await.code(), Some(0));
        server.restart().await;
        let list = api.get("/user/request-list?limit=1000").await.ok();
        let path = api.path("/check-list");
        let count = list["list"].as_array().unwrap().iter().filter(|line| line["path"] == path).count();
        assert_eq!(count, 50);
    }
}
