//! Checks: what is read and written of them, and how the versions differ.

use serde_json::{Value, json};

use super::{Desk, path_of};
use crate::support::api::ping_path;
use crate::support::server::TestServer;
use crate::support::{both_databases, until};

fn fields(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

const READ: [&str; 22] = [
    "badge_url",
    "desc",
    "failure_kw",
    "filter_body",
    "filter_default_fail",
    "filter_http_body",
    "filter_subject",
    "grace",
    "last_ping",
    "manual_resume",
    "methods",
    "n_pings",
    "name",
    "next_ping",
    "slug",
    "start_kw",
    "started",
    "status",
    "subject",
    "subject_fail",
    "success_kw",
    "tags",
];

both_databases! {
    async fn a_check_is_made_read_changed_paused_resumed_and_deleted(database) {
        let desk = Desk::open(database).await;
        let body = json!({
            "name": "Nightly", "slug": "nightly", "tags": "prod  db", "desc": "d", "timeout": 7200,
            "grace": 120, "methods": "POST", "manual_resume": true, "start_kw": "go",
            "success_kw": "ok", "failure_kw": "err", "filter_http_body": true, "unknown": 1
        });
        let answer = desk.send("POST", "/checks/", &desk.key, &body.to_string()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let check = answer.json();
        let own = ["channels", "pause_url", "ping_url", "resume_url", "timeout", "update_url", "uuid"];
        let mut wanted: Vec<&str> = READ.into_iter().chain(own).collect();
        wanted.sort_unstable();
        assert_eq!(fields(&check), wanted);
        for (name, value) in body.as_object().unwrap().iter().filter(|(name, _)| *name != "unknown") {
            let value = if name == "tags" { &json!("prod db") } else { value };
            assert_eq!(&check[name], value, "{name}");
        }
        let uuid = check["uuid"].as_str().unwrap();
        assert_eq!((&check["status"], &check["n_pings"]), (&json!("new"), &json!(0)));
        assert_eq!((&check["last_ping"], &check["next_ping"]), (&Value::Null, &Value::Null));
        assert!(check["ping_url"].as_str().unwrap().ends_with(&format!("/ping/{uuid}")));
        let own = format!("/api/v3/checks/{uuid}");
        assert!(check["update_url"].as_str().unwrap().ends_with(&own));
        assert!(check["pause_url"].as_str().unwrap().ends_with(&format!("{own}/pause")));
        assert!(check["resume_url"].as_str().unwrap().ends_with(&format!("{own}/resume")));
        // A check that is made here tells nobody, unless that is asked for.
        assert_eq!(check["channels"], "");
        assert_eq!(desk.ok("GET", &path_of(&check, ""), &Value::Null).await, check);
        let changed = desk.ok("POST", &path_of(&check, ""), &json!({"schedule": "5 * * * *", "tz": "Asia/Calcutta"})).await;
        assert_eq!((&changed["schedule"], &changed["tz"]), (&json!("5 * * * *"), &json!("Asia/Kolkata")));
        assert!(changed["timeout"].is_null() && changed["name"] == "Nightly", "{changed}");
        let calendar = desk.ok("POST", &path_of(&check, ""), &json!({"schedule": "Mon *-*-* 03:00"})).await;
        assert_eq!(calendar["schedule"], "Mon *-*-* 03:00");
        let simple = desk.ok("POST", &path_of(&check, ""), &json!({"timeout": 60})).await;
        assert!(simple["schedule"].is_null() && simple["tz"].is_null(), "{simple}");
        assert_eq!(simple["timeout"], 60);
        let not_paused = desk.send("POST", &path_of(&check, "/resume"), &desk.key, "").await;
        assert_eq!((not_paused.status, not_paused.text()), (409, "check is not paused"));
        for _ in 0..2 {
            assert_eq!(desk.ok("POST", &path_of(&check, "/pause"), &Value::Null).await["status"], "paused");
        }
        assert_eq!(desk.ok("POST", &path_of(&check, "/resume"), &Value::Null).await["status"], "new");
        let gone = desk.ok("DELETE", &path_of(&check, ""), &Value::Null).await;
        assert_eq!(gone["uuid"], check["uuid"]);
        assert_eq!(desk.send("GET", &path_of(&check, ""), &desk.key, "").await.status, 404);
        assert_eq!(desk.send("GET", "/checks/nonsense", &desk.key, "").await.status, 404);
    }

    async fn who_may_only_read_sees_no_uuid_and_names_checks_by_another_key(database) {
        let desk = Desk::open(database).await;
        let check = desk.check(&json!({"name": "a", "tags": "x"})).await;
        let list = desk.send("GET", "/checks/", &desk.reader, "").await;
        let uuid = check["uuid"].as_str().unwrap();
        assert!(!list.text().contains(uuid), "{}", list.text());
        let shown = &list.json()["checks"][0];
        let mut wanted: Vec<&str> = READ.into_iter().chain(["timeout", "unique_key"]).collect();
        wanted.sort_unstable();
        assert_eq!(fields(shown), wanted);
        let key = shown["unique_key"].as_str().unwrap();
        assert_eq!(key.len(), 40);
        for who in [&desk.key, &desk.reader] {
            let found = desk.send("GET", &format!("/checks/{key}"), who, "").await;
            assert_eq!((found.status, &found.json()["name"]), (200, &json!("a")));
            assert_eq!(desk.send("GET", &format!("/checks/{key}/flips/"), who, "").await.status, 200);
        }
        assert_eq!(desk.send("GET", &format!("/checks/{}", "0".repeat(40)), &desk.key, "").await.status, 404);
        assert_eq!(desk.send("POST", &format!("/checks/{key}"), &desk.key, "{}").await.status, 404);
    }

    async fn what_does_not_fit_is_refused_and_changes_nothing(database) {
        let desk = Desk::open(database).await;
        let check = desk.check(&json!({"name": "a"})).await;
        for path in ["/checks/".to_owned(), path_of(&check, "")] {
            for (body, error) in [
                ("{", "could not parse request body"),
                ("[]", "json validation error: value is not an object"),
                (r#"{"name": 1}"#, "json validation error: name is not a string"),
                (r#"{"timeout": 1}"#, "json validation error: timeout is too small"),
                (r#"{"schedule": "x"}"#, "json validation error: schedule is not a valid cron or OnCalendar expression"),
                (r#"{"schedule": ""}"#, "json validation error: schedule is not a valid cron or OnCalendar expression"),
                (r#"{"schedule": "0 0 30 2 *"}"#, "json validation error: schedule is not a valid cron or OnCalendar expression"),
                (r#"{"schedule": "2020-01-01"}"#, "json validation error: schedule is not a valid cron or OnCalendar expression"),
                (r#"{"schedule": "* * * * *", "tz": "Mars/Base"}"#, "json validation error: tz is not a valid timezone"),
                (r#"{"channels": "a,,b"}"#, "invalid channel identifier: a"),
                (r#"{"channels": ","}"#, "empty channel identifier"),
            ] {
                assert_eq!(desk.refused(&path, body).await, error, "{body}");
            }
        }
        let all = desk.ok("GET", "/checks/", &Value::Null).await;
        assert_eq!(all["checks"], json!([check]));
        // Nothing at all is as good as an empty object.
        let bare = desk.send("POST", "/checks/", &desk.key, "").await;
        assert_eq!((bare.status, &bare.json()["timeout"]), (201, &json!(86_400)));
    }

    async fn the_first_two_versions_make_the_slug_of_the_name_and_the_third_does_not(database) {
        let desk = Desk::open(database).await;
        let make = async |version: &str, body: Value| {
            desk.version(version, "POST", "/checks/", &desk.key, &body.to_string()).await.json()
        };
        for version in ["v1", "v2"] {
            let check = make(version, json!({"name": "My Job"})).await;
            assert_eq!(check["slug"], "my-job", "{version}");
            let path = path_of(&check, "");
            let body = r#"{"name": "Other"}"#;
            let renamed = desk.version(version, "POST", &path, &desk.key, body).await.json();
            assert_eq!(renamed["slug"], "other");
            assert!(renamed["update_url"].as_str().unwrap().contains(&format!("/api/{version}/")));
            let body = r#"{"name": "Third"}"#;
            let kept = desk.version("v3", "POST", &path, &desk.key, body).await.json();
            assert_eq!((&kept["slug"], &kept["name"]), (&json!("other"), &json!("Third")));
        }
        let check = make("v3", json!({"name": "My Job"})).await;
        assert_eq!(check["slug"], "");
        let row = desk.api.list(&desk.api.path("/check-list?slug=")).await;
        assert!(row.iter().any(|row| row["slug_is_custom"] == 1 && row["check_name"] == "My Job"));
        let named = make("v3", json!({"name": "A", "slug": "own"})).await;
        assert_eq!(named["slug"], "own");
        // A running job is told by the first version alone.
        desk.api.hit("GET", &ping_path(&check, "/start")).await.says(200, "OK");
        for (version, status) in [("v1", "started"), ("v2", "new"), ("v3", "new")] {
            let now = desk.version(version, "GET", &path_of(&check, ""), &desk.key, "").await.json();
            assert_eq!((&now["status"], &now["started"]), (&json!(status), &json!(true)), "{version}");
            assert!(now["next_ping"].is_string(), "{now}");
        }
        desk.api.hit("GET", &ping_path(&check, "")).await.says(200, "OK");
        let done = desk.ok("GET", &path_of(&check, ""), &Value::Null).await;
        assert_eq!((&done["status"], &done["started"], &done["last_duration"]), (&json!("up"), &json!(false), &json!(0)));
        let last = done["last_ping"].as_str().unwrap();
        assert!(last.len() == 25 && last.ends_with("+00:00") && !last.contains('.'), "{last}");
    }

    async fn an_upsert_changes_the_one_that_matches_and_makes_one_else(database) {
        let desk = Desk::open(database).await;
        let send = async |body: Value| {
            let answer = desk.send("POST", "/checks/", &desk.key, &body.to_string()).await;
            (answer.status, answer.json())
        };
        let (status, first) = send(json!({"name": "a", "tags": "x y", "timeout": 60, "unique": ["name"]})).await;
        assert_eq!(status, 201);
        let (status, again) = send(json!({"name": "a", "grace": 90, "unique": ["name", "timeout"], "timeout": 60})).await;
        assert_eq!((status, &again["uuid"], &again["grace"]), (200, &first["uuid"], &json!(90)));
        assert_eq!(again["tags"], "x y", "what is not given stays");
        let (status, tagged) = send(json!({"tags": "x y", "unique": ["tags", "grace"], "grace": 90})).await;
        assert_eq!((status, &tagged["uuid"]), (200, &first["uuid"]));
        for body in [
            json!({"name": "b", "unique": ["name"]}),
            json!({"name": "a", "timeout": 61, "unique": ["name", "timeout"]}),
            json!({"tags": "y x", "unique": ["tags"]}),
            // What the body lacks no check has.
            json!({"name": "a", "unique": ["name", "slug"]}),
            json!({"name": "a", "unique": []}),
        ] {
            assert_eq!(send(body.clone()).await.0, 201, "{body}");
        }
        // Of several at once one makes it.
        let body = json!({"name": "one", "unique": ["name"]}).to_string();
        let send = || desk.send("POST", "/checks/", &desk.key, &body);
        let all = futures_util::future::join_all((0..8).map(|_| send())).await;
        let mut codes: Vec<u16> = all.iter().map(|answer| answer.status).collect();
        codes.sort_unstable();
        assert_eq!(codes, [200, 200, 200, 200, 200, 200, 200, 201]);
        let list = desk.ok("GET", "/checks/", &Value::Null).await;
        let ones = list["checks"].as_array().unwrap().iter().filter(|check| check["name"] == "one");
        assert_eq!(ones.count(), 1);
    }

    async fn lists_are_filtered_and_channels_are_named_by_uuid_or_name(database) {
        let desk = Desk::open(database).await;
        let hook = |name: &str| json!({"kind": "webhook", "channel_name": name, "config": {"url_down": "http://127.0.0.1:1/"}});
        let first = desk.api.post(&desk.api.path("/channel"), &hook("first")).await.ok();
        desk.api.post(&desk.api.path("/channel"), &hook("twin")).await.ok();
        desk.api.post(&desk.api.path("/channel"), &hook("twin")).await.ok();
        let list = desk.ok("GET", "/channels/", &Value::Null).await["channels"].clone();
        assert_eq!(list.as_array().unwrap().len(), 3);
        assert_eq!((&list[0]["name"], &list[0]["kind"]), (&json!("first"), &json!("webhook")));
        assert_eq!(fields(&list[0]), ["id", "kind", "name"]);
        let uuids: Vec<&str> = list.as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
        let all = desk.check(&json!({"name": "a", "tags": "x y", "slug": "s", "channels": "*"})).await;
        let mut sorted = uuids.clone();
        sorted.sort_unstable();
        assert_eq!(all["channels"], sorted.join(","));
        let some = desk.check(&json!({"name": "b", "tags": "x", "channels": format!("first, {}", uuids[1])})).await;
        assert_eq!(some["channels"].as_str().unwrap().split(',').count(), 2);
        let none = desk.ok("POST", &path_of(&some, ""), &json!({"channels": ""})).await;
        assert_eq!(none["channels"], "");
        assert_eq!(desk.refused("/checks/", r#"{"channels": "twin"}"#).await, "non-unique channel identifier: twin");
        let unknown = "00000000-0000-4000-8000-000000000000";
        let body = json!({"channels": unknown}).to_string();
        assert_eq!(desk.refused("/checks/", &body).await, format!("invalid channel identifier: {unknown}"));
        let names = async |query: &str| {
            let list = desk.ok("GET", &format!("/checks/{query}"), &Value::Null).await;
            let names = list["checks"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap().to_owned());
            names.collect::<Vec<_>>()
        };
        assert_eq!(names("").await, ["a", "b"]);
        assert_eq!(names("?tag=x").await, ["a", "b"]);
        assert_eq!(names("?tag=x&tag=y").await, ["a"]);
        assert_eq!(names("?slug=s").await, ["a"]);
        assert!(names("?tag=z").await.is_empty());
        // It is the same check in the other dialect.
        let theirs = desk.api.list(&desk.api.path("/check-list?slug=s")).await;
        assert!(theirs[0]["channels"].as_array().unwrap().contains(&first["channel_id"]), "{theirs:?}");
    }

    async fn the_old_names_of_words_in_subjects_set_the_new_ones(database) {
        let desk = Desk::open(database).await;
        let check = desk.check(&json!({"subject": "done", "subject_fail": "broken"})).await;
        assert_eq!((&check["success_kw"], &check["failure_kw"]), (&json!("done"), &json!("broken")));
        assert_eq!((&check["filter_subject"], &check["subject"]), (&json!(true), &json!("done")));
        let off = desk.ok("POST", &path_of(&check, ""), &json!({"subject": "", "subject_fail": ""})).await;
        assert_eq!((&off["filter_subject"], &off["subject_fail"]), (&json!(false), &json!("")));
    }

    async fn no_more_checks_are_made_than_there_may_be(database) {
        let settings = [("OVERDUE_CHECKS__MAX_COUNT", "1")];
        let server = TestServer::start(database, &settings).await;
        let api = server.owner().await;
        let key = crate::healthchecks::key(&server, &api, &[]);
        let desk = Desk { server, api, reader: String::new(), key };
        desk.check(&json!({"name": "a"})).await;
        let full = desk.send("POST", "/checks/", &desk.key, "{}").await;
        assert_eq!((full.status, full.text()), (403, ""));
        let same = json!({"name": "a", "unique": ["name"]}).to_string();
        assert_eq!(desk.send("POST", "/checks/", &desk.key, &same).await.status, 200);
    }

    async fn words_in_bodies_decide_what_a_ping_is(database) {
        let desk = Desk::open(database).await;
        let check = desk.check(&json!({
            "start_kw": "begin", "success_kw": "fine, good", "failure_kw": "ERROR",
            "filter_http_body": true
        })).await;
        for (body, kind) in [
            ("begin", "start"), ("all is good", "success"), ("good, but ERROR", "fail"),
            ("error", "ign"), ("", "ign"),
        ] {
            desk.api.ping_with(&check, "/fail", body).await.says(200, "OK");
            let last = until("the ping", async || {
                let list = desk.ok("GET", &path_of(&check, "/pings/"), &Value::Null).await;
                Some(list["pings"][0].clone())
            })
            .await;
            assert_eq!(last["type"], kind, "{body}");
        }
        desk.ok("POST", &path_of(&check, ""), &json!({"filter_default_fail": true})).await;
        desk.api.ping_with(&check, "", b"\xff\xfe".to_vec()).await.says(200, "OK");
        let list = desk.ok("GET", &path_of(&check, "/pings/"), &Value::Null).await;
        assert_eq!(list["pings"][0]["type"], "fail");
    }
}
