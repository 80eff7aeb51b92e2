//! Checks: made, read, changed, paused, deleted; their ranges, their ceiling, their soft errors.

use std::collections::BTreeSet;
use std::time::Duration;

use overdue::store::notifications::{self, Event, NewNotification};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::desk::Desk;
use super::{fields, soft_errors};
use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::server::{TestServer, shared, webhook};
use crate::support::{now, time};

const FIELDS: [&str; 39] = [
    "check_id",
    "uuid",
    "check_name",
    "slug",
    "slug_is_custom",
    "tags",
    "description",
    "kind",
    "period",
    "schedule",
    "timezone",
    "grace",
    "max_runtime",
    "status",
    "started",
    "manual_resume",
    "methods",
    "start_kw",
    "success_kw",
    "failure_kw",
    "filter_subject",
    "filter_body",
    "filter_http_body",
    "filter_default_fail",
    "failure_threshold",
    "flap_threshold",
    "early_tolerance",
    "device_id",
    "channels",
    "ping_url",
    "slug_url",
    "n_pings",
    "last_ping_at",
    "last_start_at",
    "last_duration",
    "next_ping_at",
    "alert_at",
    "created_at",
    "updated_at",
];

/// A new channel's id.
async fn channel(api: &Api) -> Value {
    let made = api.post(&api.path("/channel"), &webhook("http://127.0.0.1:9/")).await.ok();
    made["channel_id"].clone()
}

/// The answer to a change that must be refused as wrong.
async fn refused(api: &Api, check: &Value, change: &Value) -> String {
    api.put(&api.check_path(check, ""), change).await.fatal(400)
}

both_databases! {
    async fn a_check_is_made_with_the_defaults_of_the_contract(database) {
        let api = shared(database).await;
        let made = api.check("Defaults", json!({})).await;
        let mut read = api.read(&made).await;
        assert_eq!(fields(&read), FIELDS);
        for (field, value) in [
            ("kind", json!("simple")), ("period", json!(86_400)), ("grace", json!(3600)),
            ("max_runtime", Value::Null), ("schedule", Value::Null), ("timezone", Value::Null),
            ("tags", json!([])), ("description", json!("")), ("status", json!("new")),
            ("started", json!(0)), ("manual_resume", json!(0)), ("methods", json!("")),
            ("start_kw", json!("")), ("filter_subject", json!(0)), ("filter_default_fail", json!(0)),
            ("failure_threshold", json!(1)), ("flap_threshold", json!(6)), ("early_tolerance", Value::Null),
            ("n_pings", json!(0)), ("last_ping_at", Value::Null), ("last_duration", Value::Null),
            ("next_ping_at", Value::Null), ("alert_at", Value::Null), ("slug", json!("defaults")),
        ] {
            assert_eq!(read[field], value, "{field}");
        }
        let uuid = read["uuid"].as_str().unwrap();
        assert_eq!(read["ping_url"], format!("http://localhost:8000/ping/{uuid}"));
        let slug_url = format!("http://localhost:8000/ping/{}/defaults", api.ping_key);
        assert_eq!(read["slug_url"], slug_url);
        assert!(now().micros_since(time(&read["created_at"])) < 60_000_000);
        assert_eq!(soft_errors(&made), ["CHANNEL/NONE_ASSIGNED"]);
        read["error_list"] = made["error_list"].clone();
        assert_eq!(made, read);
    }

    async fn everything_that_can_be_set_is_set_and_read_back(database) {
        let api = shared(database).await;
        let channel = channel(&api).await;
        let all = json!({
            "check_name": "All 日本", "slug": "my_own", "tags": ["a:1", "größe"], "description": "line\nline",
            "kind": "simple", "period": 60, "grace": 31_536_000, "max_runtime": 90, "timezone": "Europe/Budapest",
            "manual_resume": 1, "methods": "POST", "start_kw": "begin", "success_kw": "done, fine",
            "failure_kw": "ERR", "filter_subject": 1, "filter_body": 1, "filter_http_body": 1,
            "filter_default_fail": 1, "failure_threshold": 100, "flap_threshold": 0, "early_tolerance": 30,
            "channels": [channel],
        });
        let made = api.post(&api.path("/check"), &all).await.ok();
        assert_eq!(made["error_list"], json!([]));
        let read = api.read(&made).await;
        let unseen = ["timezone"];
        for (field, value) in all.as_object().unwrap().iter().filter(|(f, _)| !unseen.contains(&f.as_str())) {
            assert_eq!(&read[field], value, "{field}");
        }
        // A PUT changes what is given and nothing else.
        let changed = api.update(&made, json!({"grace": 61, "max_runtime": null})).await;
        assert_eq!((&changed["grace"], &changed["max_runtime"]), (&json!(61), &Value::Null));
        for field in ["check_name", "slug", "tags", "channels", "failure_kw", "filter_http_body", "period"] {
            assert_eq!(changed[field], read[field], "{field}");
        }
        assert!(time(&changed["updated_at"]) > time(&read["updated_at"]));
        assert_eq!(changed["created_at"], read["created_at"]);
    }

    async fn what_was_read_can_be_put_back_and_changes_nothing(database) {
        let api = shared(database).await;
        channel(&api).await;
        let made = api.check("Back and Forth", json!({"tags": ["x"], "period": 60})).await;
        api.ping(&made, "").await.says(200, "OK");
        let read = api.read(&made).await;
        let mut back = api.update(&made, read.clone()).await;
        let mut wanted = read.clone();
        for object in [&mut back, &mut wanted] {
            object.as_object_mut().unwrap().remove("updated_at");
            object.as_object_mut().unwrap().remove("error_list");
        }
        assert_eq!(back, wanted);
        // The derived slug went along, and still follows the name.
        let renamed = api.update(&made, json!({"check_name": "New Name"})).await;
        assert_eq!((&renamed["slug"], &renamed["slug_is_custom"]), (&json!("new-name"), &json!(0)));
        let mut edited = renamed.clone();
        edited["check_name"] = json!("Third Name");
        edited.as_object_mut().unwrap().remove("error_list");
        let again = api.update(&made, edited).await;
        assert_eq!((&again["slug"], &again["slug_is_custom"]), (&json!("third-name"), &json!(0)));
    }

    async fn an_older_reading_that_is_put_back_has_its_slug_follow_the_name_again(database) {
        let api = shared(database).await;
        let made = api.check("First Name", json!({})).await;
        let older = api.read(&made).await;
        let slug_of = |check: &Value| (check["slug"].clone(), check["slug_is_custom"].clone());
        for since in [json!({"check_name": "Second Name"}), json!({"slug": "mine"})] {
            api.update(&made, since.clone()).await;
            let back = api.update(&made, older.clone()).await;
            assert_eq!((&back["check_name"], slug_of(&back)), (&older["check_name"], slug_of(&older)), "{since}");
            let renamed = api.update(&made, json!({"check_name": "Third Name"})).await;
            assert_eq!(slug_of(&renamed), (json!("third-name"), json!(0)), "{since}");
        }
        // A slug of one's own is none that follows from a name, whatever the flag beside it says.
        let own = api.update(&made, json!({"slug": "first-name", "slug_is_custom": 0})).await;
        assert_eq!(slug_of(&own), (json!("first-name"), json!(1)));
    }

    async fn a_value_out_of_its_range_is_refused_and_changes_nothing(database) {
        let api = shared(database).await;
        let check = api.check("Ranges", json!({})).await;
        let before = api.read(&check).await;
        for (change, start) in [
            (json!({"check_name": "x".repeat(101)}), "check_name: must have at most 100"),
            (json!({"tags": vec!["t"; 21]}), "tags: must be at most 20"),
            (json!({"tags": ["a b"]}), "tags: must each have 1 to 50"),
            (json!({"tags": ["a,b"]}), "tags: "), (json!({"tags": [""]}), "tags: "),
            (json!({"tags": ["x".repeat(51)]}), "tags: "), (json!({"tags": ["a\u{a0}b"]}), "tags: "),
            (json!({"description": "x".repeat(10_001)}), "description: must have at most 10000"),
            (json!({"period": 0}), "period: must be between 1 and 31536000 seconds"),
            (json!({"period": 31_536_001}), "period: "), (json!({"period": -5}), "period: "),
            (json!({"grace": 0}), "grace: must be between 1 and 31536000 seconds"),
            (json!({"grace": 31_536_001}), "grace: "), (json!({"grace": null}), "grace: "),
            (json!({"max_runtime": 0}), "max_runtime: must be between 1 and 31536000"),
            (json!({"early_tolerance": -1}), "early_tolerance: must be between 0 and 86400"),
            (json!({"failure_threshold": 0}), "failure_threshold: must be between 1 and 100"),
            (json!({"failure_threshold": 101}), "failure_threshold: "),
            (json!({"flap_threshold": -1}), "flap_threshold: must be between 0 and 1000"),
            (json!({"flap_threshold": 1001}), "flap_threshold: "),
            (json!({"start_kw": "x".repeat(201)}), "start_kw: must have at most 200"),
            (json!({"success_kw": "x".repeat(201)}), "success_kw: "),
            (json!({"failure_kw": "x".repeat(201)}), "failure_kw: "),
            (json!({"methods": "GET"}), "methods: "), (json!({"kind": "weekly"}), "kind: must be one of"),
            (json!({"timezone": "Mars/Olympus"}), "timezone: must be an IANA time zone"),
            (json!({"slug": "Not A Slug"}), "slug: must have only"),
            (json!({"channels": [999_999]}), "channels: must be ids of channels of this project, and 999999"),
            (json!({"channels": [0]}), "channels: "), (json!({"grace": 60, "colour": 1}), "colour: "),
        ] {
            let message = refused(&api, &check, &change).await;
            assert!(message.starts_with(start), "{change}: {message}");
        }
        assert_eq!(api.read(&check).await, before);
    }

    async fn the_bounds_of_period_and_grace_are_the_configurations(database) {
        let settings = [("OVERDUE_CHECKS__MIN_PERIOD", "60"), ("OVERDUE_CHECKS__MIN_GRACE", "120")];
        let server = TestServer::start(database, &settings).await;
        let api = server.owner().await;
        let check = api.check("Bounds", json!({"period": 60, "grace": 120})).await;
        let message = refused(&api, &check, &json!({"period": 59})).await;
        assert_eq!(message, "period: must be between 60 and 31536000 seconds");
        let message = refused(&api, &check, &json!({"grace": 119})).await;
        assert_eq!(message, "grace: must be between 120 and 31536000 seconds");
        assert!(refused(&api, &check, &json!({"max_runtime": 119})).await.starts_with("max_runtime: "));
    }

    async fn a_check_tells_all_channels_unless_some_are_named(database) {
        let api = shared(database).await;
        let (one, two) = (channel(&api).await, channel(&api).await);
        let all = api.check("all", json!({})).await;
        assert_eq!((&all["channels"], &all["error_list"]), (&json!([one, two]), &json!([])));
        let some = api.check("some", json!({"channels": [two, two]})).await;
        assert_eq!(some["channels"], json!([two]));
        let none = api.check("none", json!({"channels": []})).await;
        assert_eq!(soft_errors(&none), ["CHANNEL/NONE_ASSIGNED"]);
        let other = shared(database).await;
        let foreign = channel(&other).await;
        let message = refused(&api, &none, &json!({"channels": [foreign]})).await;
        assert!(message.starts_with("channels: "), "{message}");
        let path = api.path(&format!("/channel/{two}"));
        api.put(&path, &json!({"disabled": 1})).await.ok();
        let changed = api.update(&some, json!({"grace": 60})).await;
        assert_eq!((soft_errors(&changed), &changed["channels"]), (vec!["CHANNEL/DISABLED".to_owned()], &json!([two])));
        api.delete(&path).await.ok();
        assert_eq!(api.read(&all).await["channels"], json!([one]));
        assert_eq!(api.read(&some).await["channels"], json!([]));
    }

    async fn soft_errors_tell_of_slugs_that_do_not_work(database) {
        let api = shared(database).await;
        channel(&api).await;
        assert_eq!(soft_errors(&api.check("Twin", json!({})).await), Vec::<String>::new());
        let twin = api.check("Twin", json!({})).await;
        assert_eq!(soft_errors(&twin), ["SLUG/NOT_UNIQUE"]);
        let empty = api.check("!!!", json!({})).await;
        assert_eq!((soft_errors(&empty), &empty["slug_url"]), (vec!["SLUG/EMPTY".to_owned()], &Value::Null));
        assert_eq!(soft_errors(&api.update(&twin, json!({"slug": "other"})).await), Vec::<String>::new());
    }

    async fn a_paused_check_waits_for_nothing_and_a_resumed_one_begins_anew(database) {
        let api = shared(database).await;
        let check = api.check("Paused", json!({"period": 60, "grace": 60})).await;
        api.ping(&check, "/start").await.says(200, "OK");
        api.ping(&check, "?rid=11111111-1111-4111-8111-111111111111").await.says(200, "OK");
        let up = api.read(&check).await;
        assert_eq!((&up["status"], &up["started"]), (&json!("up"), &json!(1)));
        assert!(up["alert_at"].is_string());
        let paused = api.update(&check, json!({"paused": 1})).await;
        assert_eq!((&paused["status"], &paused["started"]), (&json!("paused"), &json!(0)));
        assert_eq!((&paused["alert_at"], &paused["next_ping_at"]), (&Value::Null, &Value::Null));
        assert_eq!(paused["last_ping_at"], up["last_ping_at"]);
        assert_eq!(api.update(&check, json!({"paused": 1})).await["status"], "paused");
        let resumed = api.update(&check, json!({"paused": 0})).await;
        assert_eq!((&resumed["status"], &resumed["alert_at"]), (&json!("new"), &Value::Null));
        let flips: Vec<String> = api.flips(&check).await.iter()
            .map(|flip| format!("{} {} {}", flip["from"], flip["to"], flip["reason"]).replace('"', ""))
            .collect();
        assert_eq!(flips, ["paused new resume", "up paused pause", "new up ping"]);
        assert_eq!(api.runs(&check).await[0]["result"], "stopped");
        refused(&api, &check, &json!({"paused": true})).await;
    }

    async fn an_edit_moves_the_deadline(database) {
        let api = shared(database).await;
        let check = api.check("Edited", json!({"period": 3600, "grace": 3600})).await;
        api.ping(&check, "").await.says(200, "OK");
        let before = api.read(&check).await;
        let last = time(&before["last_ping_at"]);
        assert_eq!(time(&before["alert_at"]), last.plus_seconds(7200));
        assert_eq!(time(&before["next_ping_at"]), last.plus_seconds(3600));
        let after = api.update(&check, json!({"period": 120, "grace": 60})).await;
        assert_eq!(time(&after["alert_at"]), last.plus_seconds(180));
        assert_eq!(after["status"], "up");
    }

    async fn an_edit_that_makes_a_check_overdue_turns_it_down_at_once(database) {
        let api = shared(database).await;
        let check = api.check("Shortened", json!({"period": 3600, "grace": 3600})).await;
        api.ping(&check, "").await.says(200, "OK");
        tokio::time::sleep(Duration::from_millis(2100)).await;
        let edited = api.update(&check, json!({"period": 1, "grace": 1})).await;
        // The deadline is that of the edit, not one that had passed before it.
        assert!(time(&edited["alert_at"]) >= time(&edited["updated_at"]));
        crate::support::until("down", async || {
            (api.read(&check).await["status"] == "down").then_some(())
        })
        .await;
        let flip = &api.flips(&check).await[0];
        assert_eq!((&flip["to"], &flip["at"]), (&json!("down"), &edited["alert_at"]));
    }

    async fn a_deleted_check_is_gone_with_its_history(database) {
        let api = shared(database).await;
        let check = api.check("Gone", json!({})).await;
        api.ping_with(&check, "", "x").await.says(200, "OK");
        let answer = api.delete(&api.check_path(&check, "")).await.ok();
        assert_eq!(answer, json!({"error_list": []}));
        for tail in ["", "/ping-list", "/ping/1", "/ping/1/body", "/run-list", "/flip-list"] {
            api.get(&api.check_path(&check, tail)).await.fatal(403);
        }
        api.delete(&api.check_path(&check, "")).await.fatal(403);
        api.ping(&check, "").await.says(404, "not found");
    }

    async fn the_ceiling_holds_however_many_are_made_at_once(database) {
        let settings = [("OVERDUE_CHECKS__MAX_COUNT", "5")];
        let server = TestServer::start(database, &settings).await;
        let api = std::sync::Arc::new(server.owner().await);
        let mut made = JoinSet::new();
        for n in 0..20 {
            let api = api.clone();
            made.spawn(async move {
                let body = json!({"check_name": format!("c{n}")});
                if n % 2 == 0 {
                    api.post(&api.path("/check"), &body).await.status
                } else {
                    api.ping_slug(&format!("c{n}?create=1")).await.status
                }
            });
        }
        let statuses = made.join_all().await;
        let count = |wanted: &[u16]| statuses.iter().filter(|s| wanted.contains(s)).count();
        assert_eq!((count(&[200, 201]), count(&[403, 404])), (5, 15), "{statuses:?}");
        let list = api.get(&api.path("/check-list")).await.ok();
        assert_eq!((&list["total_count"], &list["max_count"]), (&json!(5), &json!(5)));
        let message = api.post(&api.path("/check"), &json!({"check_name": "x"})).await.fatal(403);
        assert!(message.contains("checks.max_count"), "{message}");
    }

    async fn a_write_says_where_notifications_are_behind(database) {
        // Without the server nobody sends anything.
        let desk = Desk::with(database, |_| ()).await;
        let token = desk.token("t", 3600).await;
        let post = async |path: &str, body: Value| desk.call(&token, "POST", path, Some(body)).await.ok();
        let project = post("/user/project", json!({"project_name": "Behind"})).await["project_id"].clone();
        let path = format!("/user/project/{project}");
        let channel = post(&format!("{path}/channel"), webhook("http://127.0.0.1:9/")).await;
        let late = NewNotification {
            project_id: project.as_i64().unwrap(),
            channel_id: channel["channel_id"].as_i64().unwrap(),
            check_id: None,
            flip_id: None,
            event: Event::Test,
            detail: None,
            due_at: desk.ctx.now(),
        };
        let mut tx = desk.ctx.store.begin().await.unwrap();
        notifications::insert(&mut tx, &late, desk.ctx.now()).await.unwrap();
        tx.commit().await.unwrap();
        let path = format!("{path}/check");
        desk.ctx.clock.advance(Duration::from_mins(1));
        let check = post(&path, json!({"check_name": "in time"})).await;
        assert_eq!(soft_errors(&check), Vec::<String>::new());
        desk.ctx.clock.advance(Duration::from_secs(1));
        let check = post(&path, json!({"check_name": "late"})).await;
        assert_eq!(soft_errors(&check), ["QUEUE/DELAYED"]);
    }

    async fn changes_at_once_do_not_undo_each_other(database) {
        let api = std::sync::Arc::new(shared(database).await);
        let check = api.check("Busy", json!({})).await;
        let path = api.check_path(&check, "");
        let changes = [
            json!({"grace": 77}), json!({"period": 88}), json!({"description": "d"}),
            json!({"tags": ["t"]}), json!({"failure_threshold": 3}), json!({"manual_resume": 1}),
        ];
        let mut running = JoinSet::new();
        for change in changes.clone() {
            let (api, path) = (api.clone(), path.clone());
            running.spawn(async move { api.put(&path, &change).await.ok() });
        }
        for _ in 0..6 {
            let (api, check) = (api.clone(), check.clone());
            running.spawn(async move { json!(api.ping(&check, "").await.status) });
        }
        running.join_all().await;
        let read = api.read(&check).await;
        for change in &changes {
            for (field, value) in change.as_object().unwrap() {
                assert_eq!(&read[field], value, "{field}");
            }
        }
        let numbers: BTreeSet<i64> = api.pings(&check).await.iter().map(|p| p["n"].as_i64().unwrap()).collect();
        assert_eq!((&read["n_pings"], numbers), (&json!(6), (1..=6).collect()));
        let last = time(&read["last_ping_at"]);
        assert_eq!(time(&read["alert_at"]), last.plus_seconds(77 + 88));
    }
}
