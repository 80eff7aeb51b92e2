//! What the dialect takes and answers.

use reqwest::Method;
use serde_json::{Value, json};

use super::{bad, call, device, get, good, listed, post};
use crate::support::api::Api;
use crate::support::server::TestServer;
use crate::support::{both_databases, random_name, until};

const USER: &str = "monitors@example.org";

/// A token of the user with what a shell would add.
fn token(server: &TestServer, more: &[&str]) -> String {
    let subject = random_name("t");
    let own = ["token", "create", "--user", USER, "--subject", &subject, "--expires-in", "1d"];
    server.cli_ok(&[&own[..], more].concat(), "").trim().to_owned()
}

async fn start(database: crate::support::Database) -> (TestServer, Api) {
    let server = TestServer::start(database, &[]).await;
    let api = Api::new_project(server.address(), &server.new_user(USER)).await;
    (server, api)
}

/// A device that is not watched.
fn quiet(port: u16) -> Value {
    json!({
        "target_type": "ip", "target_value": "127.0.0.1", "service_type": "tcp", "port": port,
        "is_enabled": 0
    })
}

both_databases! {
    async fn who_asks_is_judged_before_what_is_asked(database) {
        let (server, api) = start(database).await;
        let me = get(&api, "/me").await;
        assert!(me["user_id"].is_i64() && me["key_id"].is_i64(), "{me}");
        assert_eq!(me["scopes"], json!(["read", "write"]));
        for path in ["/me", "/nonsense", "/devices/create"] {
            bad(&call(&api, None, Method::GET, path, None).await, 401, "missing_api_key");
            let odd = call(&api, Some("nonsense"), Method::GET, path, None).await;
            bad(&odd, 401, "invalid_api_key");
        }
        let reader = token(&server, &["--scopes", "read"]);
        let body = json!({});
        let denied = call(&api, Some(&reader), Method::POST, "/devices/create", Some(&body)).await;
        bad(&denied, 403, "insufficient_scope");
        good(&call(&api, Some(&reader), Method::GET, "/devices", None).await, 200);
        let elsewhere = token(&server, &["--allow-ip", "10.0.0.0/8"]);
        let denied = call(&api, Some(&elsewhere), Method::GET, "/me", None).await;
        bad(&denied, 403, "ip_not_allowed");
        for (path, code) in [
            ("/devices/nonsense", "unknown_device_route"),
            ("/blacklist-monitors/x", "unknown_blacklist_route"),
            ("/nonsense", "unknown_route"),
            ("", "unknown_route"),
            ("/", "unknown_route"),
        ] {
            bad(&call(&api, Some(&api.token), Method::GET, path, None).await, 404, code);
        }
        let wrong = call(&api, Some(&api.token), Method::PUT, "/devices", None).await;
        bad(&wrong, 405, "method_not_allowed");
        assert_eq!(wrong.header("allow"), "GET,HEAD");
        let answer = call(&api, None, Method::GET, "/me", None).await;
        assert!(answer.header("content-type").starts_with("application/json"));
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }

    async fn the_seeds_examples_are_taken(database) {
        let (_server, api) = start(database).await;
        let web = json!({
            "target_type": "domain", "target_value": "google.com", "service_type": "web",
            "scheme": "https", "check_public_https": 1, "check_public_tls": 1,
            "expect_status": 200, "location": "API teszt"
        });
        let made = device(&api, &web).await;
        assert!(made["id"].is_i64() && made["status"] == "pending", "{made}");
        bad(&post(&api, "/devices/create", &web).await, 409, "duplicate_device");
        let ssh = json!({
            "target_type": "domain", "target_value": "pelda.hu", "service_type": "ssh",
            "location": "SSH teszt", "is_enabled": false
        });
        assert_eq!(device(&api, &ssh).await["status"], "disabled");
        let list = json!({"target_type": "domain", "target_value": "smtp1.pelda.hu", "is_enabled": 0});
        let listing = good(&post(&api, "/blacklist-monitors/create", &list).await, 201);
        assert_eq!(listing["last_status"], "unknown");
        let again = post(&api, "/blacklist-monitors/create", &list).await;
        bad(&again, 409, "duplicate_blacklist_monitor");
        let path = format!("/devices/delete?id={}", made["id"]);
        let gone = call(&api, Some(&api.token), Method::DELETE, &path, None).await;
        assert_eq!(good(&gone, 200), json!({"id": made["id"]}));
        let gone = call(&api, Some(&api.token), Method::DELETE, &path, None).await;
        bad(&gone, 404, "not_found");
        for path in [
            "/devices/delete?id=x",
            "/devices/delete",
            "/devices/delete?id=-1",
            "/blacklist-monitors/delete?id=",
        ] {
            let answer = call(&api, Some(&api.token), Method::DELETE, path, None).await;
            bad(&answer, 400, "invalid_id");
        }
        let path = format!("/blacklist-monitors/delete?id={}", listing["id"]);
        good(&call(&api, Some(&api.token), Method::DELETE, &path, None).await, 200);
        assert_eq!(get(&api, "/blacklist-monitors").await, json!([]));
    }

    async fn what_was_asked_with_a_token_is_in_the_journal(database) {
        let (_server, api) = start(database).await;
        good(&call(&api, Some(&api.token), Method::GET, "/me?x=secret", None).await, 200);
        bad(&call(&api, Some(&api.token), Method::GET, "/nothing", None).await, 404, "unknown_route");
        let lines = until("both lines", async || {
            let lines = api.list("/user/request-list").await;
            let ours: Vec<_> = lines
                .into_iter()
                .filter(|line| line["path"].as_str().unwrap().starts_with("/api/v1/"))
                .collect();
            (ours.len() == 2).then_some(ours)
        })
        .await;
        let found = lines.iter().find(|line| line["path"] == "/api/v1/me").unwrap();
        assert_eq!((&found["status"], &found["method"]), (&json!(200), &json!("GET")), "{found}");
        assert!(found["remote_address"] == "127.0.0.1" && found["request_id"] != "", "{found}");
        let lost = lines.iter().find(|line| line["path"] == "/api/v1/nothing").unwrap();
        assert_eq!(lost["status"], 404);
    }

    async fn what_does_not_fit_is_refused_by_its_code_and_changes_nothing(database) {
        let (_server, api) = start(database).await;
        let with = |name: &str, value: Value| {
            let mut body = quiet(80);
            body[name] = value;
            body
        };
        for (body, code) in [
            (with("target_type", json!("host")), "invalid_target_type"),
            (with("target_type", json!(1)), "invalid_target_type"),
            (with("target_value", json!("127.0.0")), "invalid_target_value"),
            (with("service_type", json!("gopher")), "invalid_service_type"),
            (json!({}), "invalid_target_type"),
            (with("port", json!(0)), "invalid_port"),
            (with("port", json!(70_000)), "invalid_port"),
            (with("port", json!("80")), "invalid_port"),
            (with("origin_scheme", json!("ftp")), "invalid_scheme"),
            (with("expect_status", json!(42)), "invalid_status"),
            (with("is_enabled", json!("yes")), "invalid_field"),
            (with("interval", json!(0)), "invalid_field"),
            (with("timeout", json!(61)), "invalid_field"),
            (with("retries", json!(-1)), "invalid_field"),
            (with("channels", json!([999_999])), "invalid_field"),
            (with("channels", json!("all")), "invalid_field"),
            (with("project_id", json!(999_999)), "invalid_field"),
            (with("colour", json!("red")), "invalid_field"),
            (with("check_public_http", json!(1)), "invalid_service_type"),
        ] {
            bad(&post(&api, "/devices/create", &body).await, 400, code);
        }
        bad(&post(&api, "/devices/create", &json!([])).await, 400, "invalid_json");
        let long = json!({"location": "x".repeat(70_000)});
        bad(&post(&api, "/devices/create", &long).await, 413, "body_too_large");
        let none = call(&api, Some(&api.token), Method::POST, "/devices/create", None).await;
        bad(&none, 400, "invalid_json");
        let odd = json!({"target_type": "ip", "target_value": "x"});
        let odd = post(&api, "/blacklist-monitors/create", &odd).await;
        bad(&odd, 400, "invalid_target_value");
        assert_eq!(get(&api, "/devices").await, json!([]));
        assert_eq!(api.list(&api.path("/check-list")).await, Vec::<Value>::new());
    }

    async fn a_device_is_changed_field_by_field_and_is_its_users_alone(database) {
        let (server, api) = start(database).await;
        let made = device(&api, &quiet(8080)).await;
        let path = format!("/devices/update?id={}", made["id"]);
        let change = json!({"port": 8081, "location": "rack 3", "retries": 0});
        let changed = good(&post(&api, &path, &change).await, 200);
        for (name, value) in change.as_object().unwrap() {
            assert_eq!(&changed[name], value);
        }
        assert_eq!((&changed["interval"], &changed["is_enabled"]), (&json!(60), &json!(0)));
        let other = device(&api, &quiet(8080)).await;
        bad(&post(&api, &path, &json!({"port": 8080})).await, 409, "duplicate_device");
        bad(&post(&api, "/devices/update?id=999999", &json!({"port": 1})).await, 404, "not_found");
        assert_eq!(listed(&api, "/devices", &made).await["port"], 8081);
        // Of two changes at once that would make one of two devices, one is refused.
        let both = format!("/devices/update?id={}", other["id"]);
        let same = json!({"port": 9000});
        let (one, two) = tokio::join!(post(&api, &path, &same), post(&api, &both, &same));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
        good(&post(&api, &path, &json!({"port": 8081})).await, 200);
        let token = server.new_user("stranger@example.org");
        let stranger = Api::new_project(server.address(), &token).await;
        assert_eq!(get(&stranger, "/devices").await, json!([]));
        bad(&post(&stranger, &path, &json!({"port": 1})).await, 404, "not_found");
        let delete = format!("/devices/delete?id={}", other["id"]);
        let denied = call(&stranger, Some(&stranger.token), Method::DELETE, &delete, None).await;
        bad(&denied, 404, "not_found");
        // What one user watches another may watch as well.
        device(&stranger, &quiet(8081)).await;
    }
}
