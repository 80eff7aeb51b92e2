//! What holds for every command: errors, headers, ids, parameters.

use serde_json::{Value, json};

use super::fields;
use crate::support::answer::Answer;
use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::server::{TestServer, shared, webhook};

/// The headers of every answer.
#[track_caller]
fn has_headers(answer: &Answer) {
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.header("x-request-id").len() >= 12);
}

/// A GET by the token whose names and values, method and target have exactly this size.
async fn of_size(api: &Api, path: &str, size: usize) -> u16 {
    let bearer = format!("Bearer {}", api.token);
    let own = [("host", "a"), ("authorization", bearer.as_str()), ("x-fill", "")];
    let bytes: usize = own.iter().map(|(name, value)| name.len() + value.len()).sum();
    let fill = "x".repeat(size - bytes - "GET".len() - path.len());
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: {bearer}\r\nX-Fill: {fill}\r\n\r\n"
    );
    let mut wire = api.wire().await;
    wire.send(head).await;
    let answer = wire.answer().await;
    if answer.status != 200 {
        let error: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(error["statusCode"], answer.status);
    }
    answer.status
}

both_databases! {
    async fn every_answer_has_its_headers_whatever_it_says(database) {
        let api = shared(database).await;
        has_headers(&api.get("/user/profile").await);
        has_headers(&api.put("/user/profile", &json!({"name": 1})).await);
        has_headers(&api.get("/user/nonsense").await);
        has_headers(&api.delete("/user/profile").await);
        has_headers(&api.hit("GET", "/user/profile").await);
        has_headers(&api.get(&api.path("/status-page-list")).await);
        has_headers(&api.get("/user/project/999999").await);
        let (one, other) = (api.get("/user/profile").await, api.get("/user/profile").await);
        assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
    }

    async fn unknown_commands_are_a_404_of_this_dialect(database) {
        let api = shared(database).await;
        for path in [
            "/user", "/user/", "/user/nonsense", "/user/profile/", "/user/profile/x", "/user//profile",
            "/user/project/1/nonsense-list", "/user/project/1/check/1/nonsense", "/user/check/1",
            "/user/project/1/check/1/ping/1/body/x", "/user?x=1",
        ] {
            for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
                let error = api.hit(method, path).await;
                assert_eq!(error.json()["error"], "Not Found", "{method} {path}");
                error.fatal(404);
            }
        }
    }

    async fn a_method_that_a_command_does_not_know_is_a_405_that_says_which_it_knows(database) {
        let api = shared(database).await;
        for (path, known) in [
            ("/user/profile", "GET,HEAD,PUT"), ("/user/token-list", "GET,HEAD"),
            ("/user/token", "POST"), ("/user/token/1", "GET,HEAD,PUT,DELETE"),
            ("/user/request-list", "GET,HEAD"), ("/user/project-list", "GET,HEAD"),
            ("/user/project", "POST"), ("/user/project/1", "GET,HEAD,PUT,DELETE"),
            ("/user/project/1/ping-key", "POST"), ("/user/project/1/check-list", "GET,HEAD"),
            ("/user/project/1/check", "POST"), ("/user/project/1/check/1", "GET,HEAD,PUT,DELETE"),
            ("/user/project/1/check/1/ping/1/body", "GET,HEAD"),
            ("/user/project/1/channel/1/test", "POST"),
        ] {
            for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
                if known.split(',').any(|each| each == method) {
                    continue;
                }
                let answer = api.hit(method, path).await;
                assert_eq!(answer.header("allow"), known, "{method} {path}");
                let message = answer.fatal(405);
                assert!(message.contains(method), "{message}");
            }
        }
    }

    async fn head_is_answered_as_get_without_the_body(database) {
        let api = shared(database).await;
        let answer = api.call(reqwest::Method::HEAD, "/user/profile", None).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0));
        let missing = api.call(reqwest::Method::HEAD, "/user/project/abc", None).await;
        assert_eq!((missing.status, missing.body.len()), (400, 0));
    }

    async fn an_id_is_a_positive_integer_and_anything_else_a_400(database) {
        let api = shared(database).await;
        for id in ["0", "-1", "abc", "1.0", "+1", "01", "9223372036854775808", "1%00", "%31x", "1e3"] {
            for (path, name) in [
                (format!("/user/project/{id}"), "project_id"),
                (format!("/user/token/{id}"), "token_id"),
                (api.path(&format!("/check/{id}")), "check_id"),
                (api.path(&format!("/check/{id}/ping-list")), "check_id"),
                (api.path(&format!("/check/1/ping/{id}")), "n"),
                (api.path(&format!("/channel/{id}")), "channel_id"),
            ] {
                let message = api.get(&path).await.fatal(400);
                assert!(message.starts_with(&format!("{name}: must be an id")), "{path}: {message}");
            }
        }
        api.get("/user/project/%ff").await.fatal(400);
        api.get(&format!("/user/project/{}", i64::MAX)).await.fatal(403);
    }

    async fn parameters_are_as_strict_as_bodies(database) {
        let api = shared(database).await;
        for (tail, start) in [
            ("/check-list?nonsense=1", "nonsense: is unknown: there are check_id, tag"),
            ("/check-list?limit=0", "limit: must be a whole number between 1 and 1000"),
            ("/check-list?limit=1001", "limit: "), ("/check-list?limit=x", "limit: "),
            ("/check-list?offset=-1", "offset: "), ("/check-list?offset=1.0", "offset: "),
            ("/check-list?offset=1&offset=2", "offset: is there more than once"),
            ("/check-list?q=a&q=b", "q: is there more than once"),
            ("/check-list?q=a%00", "q: must be text"), ("/check-list?q=%ff", "q: must be text"),
            ("/check-list?check_id=0", "check_id: "), ("/check-list?status=weird", "status: "),
            ("/check-list?order=colour", "order: "), ("/check-list?tag=a%20b", "tag: "),
            ("?x=1", "x: is unknown: this command takes no parameters"),
            ("/channel-list?kind=webhook", "kind: is unknown: there are offset, limit"),
        ] {
            let message = api.get(&api.path(tail)).await.fatal(400);
            assert!(message.starts_with(start), "{tail}: {message}");
        }
        let message = api.post(&api.path("/check?x=1"), &json!({"check_name": "x"})).await.fatal(400);
        assert!(message.starts_with("x: is unknown"), "{message}");
        api.delete(&api.path("?x=1")).await.fatal(400);
    }

    async fn a_head_of_8192_bytes_is_read_and_a_larger_one_is_a_431(database) {
        let api = shared(database).await;
        assert_eq!(of_size(&api, "/user/profile", 8192).await, 200);
        assert_eq!(of_size(&api, "/user/profile", 8193).await, 431);
        assert_eq!(of_size(&api, "/user/nonsense", 20_000).await, 431);
        let long = api.path(&format!("/check-list?q={}", "x".repeat(9_000)));
        let error = api.get(&long).await;
        assert_eq!(error.json()["error"], "Request Header Fields Too Large");
        error.fatal(431);
    }

    async fn the_profile_is_read_and_written(database) {
        let server = TestServer::start(database, &[]).await;
        let api = Api::new_project(server.address(), &server.new_user("me@example.org")).await;
        let profile = api.get("/user/profile").await.ok();
        assert_eq!(fields(&profile), ["user_id", "email", "name", "timezone"]);
        assert_eq!((&profile["email"], &profile["timezone"]), (&json!("me@example.org"), &json!("UTC")));
        let mut changed = profile.clone();
        changed["name"] = json!("Somebody");
        changed["timezone"] = json!("Europe/Budapest");
        changed["email"] = json!("ignored@example.org");
        let answer = api.put("/user/profile", &changed).await.ok();
        assert_eq!((&answer["name"], &answer["email"]), (&json!("Somebody"), &json!("me@example.org")));
        assert_eq!(answer["error_list"], json!([]));
        assert_eq!(api.get("/user/profile").await.ok()["timezone"], "Europe/Budapest");
        for (change, start) in [
            (json!({"timezone": "Mars/Olympus"}), "timezone: must be an IANA"),
            (json!({"name": "x".repeat(101)}), "name: must have at most"),
            (json!({"name": null}), "name: must be a string"),
            (json!({"password": "x"}), "password: is unknown"),
        ] {
            let message = api.put("/user/profile", &change).await.fatal(400);
            assert!(message.starts_with(start), "{message}");
        }
        assert_eq!(api.get("/user/profile").await.ok()["name"], "Somebody");
    }

    async fn a_name_is_one_line_of_text_whatever_it_names(database) {
        let api = shared(database).await;
        let check = api.check("Plain", json!({})).await;
        let channel = api.post(&api.path("/channel"), &webhook("https://hooks.example.com/")).await.ok();
        let hours = json!({"title": "Plain", "starts_at": "2030-01-01T00:00:00Z", "ends_at": "2030-01-02T00:00:00Z"});
        let window = api.post(&api.path("/maintenance"), &hours).await.ok();
        let of = |resource: &str, id: &Value| api.path(&format!("/{resource}/{id}"));
        for (field, made_at, changed_at, rest) in [
            ("project_name", Some("/user/project".to_owned()), api.path(""), json!({})),
            ("name", None, "/user/profile".to_owned(), json!({})),
            ("check_name", Some(api.path("/check")), api.check_path(&check, ""), json!({})),
            ("channel_name", Some(api.path("/channel")), of("channel", &channel["channel_id"]), webhook("https://hooks.example.com/")),
            ("title", Some(api.path("/maintenance")), of("maintenance", &window["maintenance_id"]), hours),
        ] {
            let before = api.get(&changed_at).await.ok();
            for bad in ["\u{1}", "two\nlines", "ends\n", "\u{7f}", "\u{85}"] {
                let mut body = rest.clone();
                body[field] = json!(bad);
                let mut messages = vec![api.put(&changed_at, &json!({field: bad})).await.fatal(400)];
                if let Some(path) = &made_at {
                    messages.push(api.post(path, &body).await.fatal(400));
                }
                for message in messages {
                    let fits = message.starts_with(&format!("{field}: must have ")) && message.ends_with(" no control characters but tabs");
                    assert!(fits, "{bad:?}: {message}");
                }
            }
            assert_eq!(api.get(&changed_at).await.ok(), before);
            let plain = api.put(&changed_at, &json!({field: "Größe\t☃\u{a0}(2)"})).await.ok();
            assert_eq!(plain[field], "Größe\t☃\u{a0}(2)");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_out_is_a_503_that_says_nothing_of_it() {
    use crate::support::Database;
    if !Database::Postgres.is_here() {
        return;
    }
    let server = TestServer::start(Database::Postgres, &[]).await;
    let api = server.owner().await;
    server.database().go_down();
    let answer = api.get("/user/profile").await;
    assert_eq!(answer.header("retry-after"), "1");
    let message = answer.fatal(503);
    assert_eq!(message, "a part of the system is out: try again in a moment");
    server.database().come_back();
    crate::support::until("the database", async || {
        (api.get("/user/profile").await.status == 200).then_some(())
    })
    .await;
}
