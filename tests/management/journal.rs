//! The journal of requests.

use std::time::Duration;

use overdue::clock::Timestamp;
use overdue::service::tokens::{self, NewToken, Scope};
use overdue::service::users;
use overdue::store::journal;
use serde_json::{Value, json};

use super::desk::Desk;
use super::{fields, line, new_token, with_token};
use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::server::TestServer;
use crate::support::{now, time, until};

/// The journal once it holds at least so many lines that fit: at most a second after the last of
/// them was answered.
async fn lines_of(api: &Api, filter: &str, at_least: usize) -> Vec<Value> {
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
        api.send("GET", &api.path("/api-key-list"), &proxied, "").await.ok();
        // What is no command, or came without a token, is nobody's.
        other.get("/user/nonsense").await.fatal(404);
        other.hit("GET", "/user/profile").await.fatal(401);
        let lines = lines_of(&api, "subject=other", 4).await;
        let told: Vec<_> = lines.iter()
            .map(|l| (l["method"].as_str().unwrap(), l["path"].as_str().unwrap(), l["status"].as_i64().unwrap()))
            .collect();
        assert_eq!(told, [
            ("GET", api.path("/api-key-list").as_str(), 200), ("GET", &api.path("/check-list"), 400),
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
        let lines = lines_of(&api, "subject=other", 4).await;
        assert_eq!(lines_of(&api, "subject=other&status=200", 3).await, lines[1..]);
        assert_eq!(lines_of(&api, "subject=other&status=400", 1).await, lines[..1]);
        let middle = lines[2]["at"].as_str().unwrap();
        assert_eq!(lines_of(&api, &format!("subject=other&from={middle}"), 3).await, lines[..3]);
        assert_eq!(lines_of(&api, &format!("subject=other&to={middle}"), 1).await, lines[3..]);
        let page = api.get("/user/request-list?subject=other&offset=1&limit=2").await.ok();
        assert_eq!((&page["list"], &page["total_count"]), (&json!(lines[1..3]), &json!(4)));
        assert_eq!(page["max_count"], 4);
        assert!(api.list("/user/request-list?subject=nobody").await.is_empty());
        for (filter, start) in [
            ("status=7", "status: "), ("from=today", "from: "), ("to=", "to: "), ("path=x", "path: "),
            ("from=1969-12-31T23:59:59Z", "from: must be a time in the years 1970 to 9999"),
            ("to=9999-12-31T23:59:59-01:00", "to: must be a time in the years 1970 to 9999"),
            (&format!("from={middle}&to={middle}"), "from: must be before to"),
            ("from=2027-01-15T08:00:03Z&to=2027-01-15T08:00:01Z", "from: must be before to"),
        ] {
            let message = api.get(&format!("/user/request-list?{filter}")).await.fatal(400);
            assert!(message.starts_with(start), "{filter}: {message}");
        }
        api.get("/user/request-list?from=1970-01-01T00:00:00Z&to=9999-12-31T23:59:59.999999Z").await.ok();
    }

    async fn nobody_sees_the_journal_of_somebody_else(database) {
        let server = TestServer::start(database, &[]).await;
        let ours = Api::new_project(server.address(), &server.new_user("a@example.org")).await;
        let theirs = Api::new_project(server.address(), &server.new_user("b@example.org")).await;
        theirs.get(&theirs.path("/check-list")).await.ok();
        lines_of(&theirs, "", 2).await;
        let lines = lines_of(&ours, "", 1).await;
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

    async fn filters_that_stand_together_must_all_fit(database) {
        let mut desk = Desk::with(database, |config| config.api.requests_per_second = 0).await;
        let (one, two) = (desk.token("one", 3600).await, desk.token("two", 3600).await);
        for _ in 0..5 {
            for token in [&one, &two] {
                desk.call(token, "GET", "/user/profile", None).await.ok();
                desk.call(token, "GET", "/user/project/0", None).await.fatal(400);
            }
            desk.ctx.clock.advance(Duration::from_secs(1));
        }
        desk.end_journal().await;
        let count = async |filter: &str| {
            let path = format!("/user/request-list?limit=1&{filter}");
            desk.call(&one, "GET", &path, None).await.ok()["total_count"].as_i64().unwrap()
        };
        let (from, to) = ("from=2027-01-15T08:00:01Z", "to=2027-01-15T08:00:03Z");
        for (filter, wanted) in [
            (String::new(), 20), ("subject=one".to_owned(), 10), ("status=400".to_owned(), 10),
            ("subject=one&status=400".to_owned(), 5), (from.to_owned(), 16), (to.to_owned(), 12),
            (format!("{from}&{to}"), 8), (format!("subject=two&status=200&{from}&{to}"), 2),
            (format!("subject=two&status=403&{from}&{to}"), 0),
            // `from` is within, `to` is not.
            ("from=2027-01-15T08:00:01Z&to=2027-01-15T08:00:01.000001Z".to_owned(), 4),
        ] {
            assert_eq!(count(&filter).await, wanted, "{filter}");
        }
    }

    async fn lines_come_newest_first_whenever_they_were_written(database) {
        let desk = Desk::with(database, |_| ()).await;
        let session = desk.sign_in().await;
        // Two nodes, and a request that took its time.
        for seconds in [5, 1, 3, 2, 4] {
            let at = Timestamp(1_800_000_000_000_000).plus_seconds(seconds);
            let mut tx = desk.ctx.store.begin().await.unwrap();
            journal::insert(&mut tx, &[line(at, desk.user_id, 1)]).await.unwrap();
            tx.commit().await.unwrap();
        }
        let times = async |part: &str| {
            let path = format!("/user/request-list?{part}");
            let list = desk.call(&session, "GET", &path, None).await.ok()["list"].clone();
            let seconds = |line: &Value| line["at"].as_str().unwrap()[18..19].to_owned();
            list.as_array().unwrap().iter().map(seconds).collect::<String>()
        };
        assert_eq!(times("").await, "54321");
        assert_eq!(times("offset=1&limit=3").await, "432");
    }

    async fn what_was_refused_is_written_down_and_what_had_no_token_or_was_put_off_is_not(database) {
        let mut desk = Desk::with(database, |config| config.api.requests_per_second = 6).await;
        let token = desk.token("busy", 3600).await;
        let only = |scope: Scope, network: Option<&str>| NewToken {
            subject: format!("{scope} {network:?}"),
            expires_in: 60,
            scopes: vec![scope],
            allowed_ips: network.map(|text| text.parse().unwrap()).into_iter().collect(),
        };
        let mut others = Vec::new();
        for new in [only(Scope::Read, None), only(Scope::Read, Some("10.0.0.0/8"))] {
            let row = tokens::create(&desk.ctx, desk.user_id, &new).await.unwrap();
            others.push(tokens::text_of(&desk.ctx, &row).unwrap());
        }
        let body = || Some(json!({"project_name": ""}));
        desk.call(&others[0], "POST", "/user/project", body()).await.fatal(403);
        desk.call(&others[1], "GET", "/user/profile", None).await.fatal(403);
        desk.call("nonsense", "GET", "/user/profile", None).await.fatal(401);
        desk.call(&token, "POST", "/user/project", body()).await.fatal(400);
        let large = json!({"project_name": "x".repeat(1 << 20)});
        desk.call(&token, "POST", "/user/project", Some(large)).await.fatal(413);
        desk.call(&token, "GET", "/user/project/7", None).await.fatal(403);
        desk.call(&token, "POST", "/user/token", Some(json!({}))).await.fatal(403);
        desk.call(&token, "GET", "/user/project/x", None).await.fatal(400);
        // What was asked for stands in the query, and may be anything: only the path is kept.
        desk.call(&token, "GET", "/user/project-list?token=hush", None).await.fatal(400);
        for _ in 0..3 {
            desk.call(&token, "GET", "/user/profile", None).await.fatal(503);
        }
        desk.end_journal().await;
        desk.ctx.clock.advance(Duration::from_secs(1));
        let list = desk.call(&token, "GET", "/user/request-list", None).await.ok();
        assert!(!list.to_string().contains("hush"), "{list}");
        let told: Vec<_> = list["list"].as_array().unwrap().iter().rev()
            .map(|l| (l["status"].as_i64().unwrap(), l["path"].as_str().unwrap()))
            .collect();
        assert_eq!(told, [
            (403, "/user/project"), (403, "/user/profile"), (400, "/user/project"),
            (413, "/user/project"), (403, "/user/project/7"), (403, "/user/token"),
            (400, "/user/project/x"), (400, "/user/project-list"),
        ]);
    }

    async fn asking_for_the_subject_of_somebody_else_finds_nothing(database) {
        let desk = Desk::with(database, |_| ()).await;
        let other = users::create(&desk.ctx, "other@example.org", "correct horse", false).await.unwrap();
        let mut tx = desk.ctx.store.begin().await.unwrap();
        let at = desk.ctx.now();
        journal::insert(&mut tx, &[line(at, desk.user_id, 1), line(at, other, 2)]).await.unwrap();
        tx.commit().await.unwrap();
        let session = desk.sign_in().await;
        let list = desk.call(&session, "GET", "/user/request-list?subject=t", None).await.ok();
        assert_eq!((&list["total_count"], &list["count"]), (&json!(1), &json!(1)));
    }
}
