//! Maintenance windows: made, read, changed and deleted. What they do is held in `tests/alerts`.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{add_member, fields, new_token, soft_errors, with_token};
use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::server::{TestServer, shared};

const FIELDS: [&str; 8] =
    ["maintenance_id", "title", "starts_at", "ends_at", "repeat", "duration", "checks", "tags"];

/// A window in a time to come.
fn window() -> Value {
    json!({"title": "New disks", "starts_at": "2126-01-02T03:00:00Z", "ends_at": "2126-01-02T05:00:00Z"})
}

fn with(field: &str, value: Value) -> Value {
    let mut body = window();
    body[field] = value;
    body
}

async fn made(api: &Api, body: &Value) -> Value {
    api.post(&api.path("/maintenance"), body).await.ok()
}

fn path_of(api: &Api, window: &Value) -> String {
    api.path(&format!("/maintenance/{}", window["maintenance_id"]))
}

both_databases! {
    async fn a_window_is_answered_whole_and_listed(database) {
        let api = shared(database).await;
        let (one, two) = (api.check("one", json!({})).await, api.check("two", json!({})).await);
        let ids = json!([two["check_id"], one["check_id"], two["check_id"]]);
        let mut body = with("checks", ids);
        body["tags"] = json!(["b", "a", "b"]);
        body["starts_at"] = json!("2126-01-02T05:00:00.5+02:00");
        let answer = made(&api, &body).await;
        assert_eq!(fields(&answer)[..8], FIELDS);
        assert_eq!(answer["error_list"], json!([]));
        for (field, value) in [
            ("title", json!("New disks")), ("starts_at", json!("2126-01-02T03:00:00.500000Z")),
            ("ends_at", json!("2126-01-02T05:00:00.000000Z")), ("repeat", Value::Null),
            ("duration", Value::Null), ("checks", json!([one["check_id"], two["check_id"]])),
            ("tags", json!(["a", "b"])),
        ] {
            assert_eq!(answer[field], value, "{field}");
        }
        let read = api.get(&path_of(&api, &answer)).await.ok();
        assert_eq!(fields(&read), FIELDS);
        let whole = made(&api, &window()).await;
        assert_eq!((&whole["checks"], &whole["tags"]), (&json!([]), &json!([])));
        let list = api.get(&api.path("/maintenance-list")).await.ok();
        assert_eq!((&list["total_count"], &list["max_count"]), (&json!(2), &json!(100)));
        assert_eq!(list["list"][0], read);
        let part = api.get(&api.path("/maintenance-list?offset=1&limit=1")).await.ok();
        assert_eq!((&part["list"][0]["maintenance_id"], &part["count"]), (&whole["maintenance_id"], &json!(1)));
        // What was read can be put back.
        assert_eq!(api.put(&path_of(&api, &answer), &read).await.ok(), answer);
    }

    async fn a_window_is_changed_in_parts_and_deleted(database) {
        let api = shared(database).await;
        let check = api.check("one", json!({"tags": ["disks"]})).await;
        let first = made(&api, &with("checks", json!([check["check_id"]]))).await;
        let path = path_of(&api, &first);
        let changed = api.put(&path, &json!({"title": "", "tags": ["disks"]})).await.ok();
        assert_eq!((&changed["title"], &changed["tags"]), (&json!(""), &json!(["disks"])));
        assert_eq!((&changed["checks"], &changed["ends_at"]), (&first["checks"], &first["ends_at"]));
        let changed = api.put(&path, &json!({"checks": [], "repeat": null, "duration": null})).await.ok();
        assert_eq!((&changed["checks"], &changed["tags"]), (&json!([]), &json!(["disks"])));
        assert_eq!(api.put(&path, &json!({})).await.ok(), changed);
        for (change, start) in [
            (json!({"ends_at": first["starts_at"]}), "ends_at: must be later than starts_at"),
            (json!({"starts_at": "2126-01-02T05:00:00Z"}), "ends_at: must be later than starts_at"),
            (json!({"starts_at": null}), "starts_at: is required where repeat is not given"),
            (json!({"duration": 60}), "duration: belongs to repeat"),
            (json!({"checks": [999_999]}), "checks: must be ids of checks of this project, and 999999"),
        ] {
            let message = api.put(&path, &change).await.fatal(400);
            assert!(message.starts_with(start), "{change}: {message}");
        }
        let read = api.get(&path).await.ok();
        assert_eq!((&read["tags"], &read["starts_at"]), (&changed["tags"], &changed["starts_at"]));
        assert_eq!(api.delete(&path).await.ok(), json!({"error_list": []}));
        for answer in [api.get(&path).await, api.put(&path, &json!({})).await, api.delete(&path).await] {
            assert_eq!(answer.fatal(403), "this maintenance window is not in this project");
        }
    }

    async fn what_is_wrong_with_a_window_is_named_and_changes_nothing(database) {
        let api = shared(database).await;
        let other = shared(database).await;
        let foreign = other.check("foreign", json!({})).await;
        for (body, start) in [
            (json!({"ends_at": "2126-01-02T05:00:00Z"}), "starts_at: is required"),
            (json!({"starts_at": "2126-01-02T05:00:00Z"}), "ends_at: is required"),
            (with("starts_at", json!("tomorrow")), "starts_at: must be a time such as"),
            (with("ends_at", json!(1_900_000_000)), "ends_at: must be a time such as"),
            (with("ends_at", json!("2126-01-02")), "ends_at: must be a time such as"),
            (with("ends_at", json!("9999-12-31T23:59:59-23:00")), "ends_at: must be a time in the years"),
            (with("ends_at", json!("2126-01-02T03:00:00Z")), "ends_at: must be later than starts_at"),
            (with("title", json!("x".repeat(101))), "title: must have at most 100"),
            (with("title", Value::Null), "title: must be a string"),
            (with("tags", json!(["a b"])), "tags: "), (with("tags", json!("a")), "tags: must be an array"),
            (with("checks", json!([0])), "checks: must be an array of ids"),
            (with("checks", json!([foreign["check_id"]])), "checks: must be ids of checks of this project"),
            (with("checks", json!([i64::MAX])), "checks: must be ids of checks of this project"),
            (with("repeat", json!(1)), "repeat: must be a string or null"),
            (with("duration", json!("1h")), "duration: must be a whole number or null"),
            (with("repeat", json!("0 3 * * 0")), "duration: is required where repeat is given"),
            (with("repeat", json!("0 3 * * 9")), "repeat: day of week: 9 is not within"),
            (with("duration", json!(7200)), "duration: belongs to repeat"),
            (json!({"repeat": "*:*:0/0.000001", "duration": 60}), "repeat: must not begin more often than once a minute"),
            (json!({"repeat": "daily", "duration": 59}), "duration: must be between 60 and 31536000 seconds"),
            (with("colour", json!("red")), "colour: is unknown"),
            (with("maintenance_id", json!(1)), "maintenance_id: is unknown"),
        ] {
            let message = api.post(&api.path("/maintenance"), &body).await.fatal(400);
            assert!(message.starts_with(start), "{body}: {message}");
        }
        assert!(api.list(&api.path("/maintenance-list")).await.is_empty());
        let theirs = made(&other, &window()).await;
        let path = path_of(&api, &theirs);
        for answer in [api.get(&path).await, api.put(&path, &json!({})).await, api.delete(&path).await] {
            answer.fatal(403);
        }
        api.get(&api.path("/maintenance/0")).await.fatal(400);
        api.get(&api.path("/maintenance-list?title=x")).await.fatal(400);
    }

    async fn a_window_that_repeats_is_written_changed_and_put_back(database) {
        let api = shared(database).await;
        let weekly = json!({"title": "weekly", "repeat": "Sun 02:00 Europe/Berlin", "duration": 7200});
        let answer = made(&api, &weekly).await;
        for (field, value) in [
            ("repeat", json!("Sun 02:00 Europe/Berlin")), ("duration", json!(7200)), ("starts_at", Value::Null),
            ("ends_at", Value::Null), ("error_list", json!([])),
        ] {
            assert_eq!(answer[field], value, "{field}");
        }
        let path = path_of(&api, &answer);
        let read = api.get(&path).await.ok();
        assert_eq!(api.put(&path, &read).await.ok(), answer);
        let bounds = json!({"starts_at": "2126-01-01T00:00:00Z", "ends_at": "2126-02-01T00:00:00Z", "repeat": "@weekly"});
        let changed = api.put(&path, &bounds).await.ok();
        assert_eq!((&changed["duration"], &changed["repeat"]), (&json!(7200), &json!("@weekly")));
        let once = api.put(&path, &json!({"repeat": null})).await.ok();
        assert_eq!((&once["duration"], &once["starts_at"]), (&Value::Null, &changed["starts_at"]));
        let never = made(&api, &json!({"repeat": "0 0 30 2 *", "duration": 60})).await;
        assert_eq!(soft_errors(&never), ["MAINTENANCE/ENDED"]);
        let over = json!({"repeat": "@daily", "duration": 60, "ends_at": "2020-01-01T00:00:00Z"});
        assert_eq!(soft_errors(&made(&api, &over).await), ["MAINTENANCE/ENDED"]);
    }

    async fn what_needs_attention_is_said(database) {
        let api = shared(database).await;
        let mut past = window();
        (past["starts_at"], past["ends_at"]) = (json!("2020-01-01T00:00:00Z"), json!("2020-01-02T00:00:00Z"));
        past["tags"] = json!(["disks"]);
        let answer = made(&api, &past).await;
        assert_eq!(soft_errors(&answer), ["MAINTENANCE/ENDED", "MAINTENANCE/COVERS_NOTHING"]);
        let path = path_of(&api, &answer);
        let later = api.put(&path, &json!({"ends_at": "2126-01-02T00:00:00Z"})).await.ok();
        assert_eq!(soft_errors(&later), ["MAINTENANCE/COVERS_NOTHING"]);
        let check = api.check("one", json!({"tags": ["disks2", "Disks"]})).await;
        assert_eq!(soft_errors(&api.put(&path, &json!({})).await.ok()), ["MAINTENANCE/COVERS_NOTHING"]);
        api.update(&check, json!({"tags": ["x", "disks", "y"]})).await;
        assert!(soft_errors(&api.put(&path, &json!({})).await.ok()).is_empty());
        assert!(soft_errors(&made(&api, &window()).await).is_empty(), "the whole project");
    }

    async fn viewers_read_and_editors_write(database) {
        let server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        let first = made(&api, &window()).await;
        for (role, status) in [("viewer", 403), ("editor", 200)] {
            let email = format!("{role}@example.org");
            server.new_user(&email);
            add_member(&server.database().url, api.project, &email, role).await;
            let theirs = with_token(&api, &new_token(&server, &email, "t", &[]));
            theirs.get(&api.path("/maintenance-list")).await.ok();
            theirs.get(&path_of(&api, &first)).await.ok();
            let answers = [
                theirs.post(&api.path("/maintenance"), &window()).await,
                theirs.put(&path_of(&api, &first), &json!({})).await,
            ];
            assert!(answers.iter().all(|answer| answer.status == status), "{role}");
            assert_eq!(theirs.delete(&path_of(&api, &first)).await.status, status);
        }
    }

    async fn a_project_has_a_hundred_windows_at_most_however_many_are_made_at_once(database) {
        let api = shared(database).await;
        let mut answers = Vec::new();
        for _ in 0..6 {
            let (body, path) = (window(), api.path("/maintenance"));
            answers.extend(join_all((0..18).map(|_| api.post(&path, &body))).await);
        }
        let refused: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
        assert_eq!(refused.len(), 8);
        for answer in refused {
            assert!(answer.fatal(403).contains("100 maintenance windows"), "{}", answer.text());
        }
        let list = api.get(&api.path("/maintenance-list")).await.ok();
        assert_eq!(list["total_count"], 100);
        api.delete(&path_of(&api, &list["list"][0])).await.ok();
        made(&api, &window()).await;
    }
}
