//! Soft errors: each kind that there is arises wherever it can, and stops when it is seen to.

use std::collections::BTreeSet;
use std::time::Duration;

use overdue::service::remark;
use overdue::store::notifications::{self, Event, NewNotification};
use serde_json::{Value, json};

use super::desk::Desk;
use super::soft_errors;
use crate::support::server::webhook;
use crate::support::{Database, both_databases};

/// The tail of a project's path as the description writes the whole.
fn described(tail: &str) -> String {
    let parts: Vec<&str> = tail.split('/').collect();
    let named = parts.iter().enumerate().map(|(n, part)| match part.parse::<i64>() {
        Ok(_) => format!("{{{}_id}}", parts[n - 1]),
        Err(_) => (*part).to_owned(),
    });
    format!("/user/project/{{project_id}}{}", named.collect::<Vec<_>>().join("/"))
}

/// A desk with a project, and every kind of remark that was seen there.
struct Scene {
    desk: Desk,
    token: String,
    project: i64,
    /// The paths of the API description.
    described: Value,
    seen: BTreeSet<String>,
}

impl Scene {
    async fn new(database: Database) -> Self {
        let desk = Desk::with(database, |config| config.api.requests_per_second = 0).await;
        let token = desk.token("scene", 86_400).await;
        let body = json!({"project_name": "Scene"});
        let project = desk.call(&token, "POST", "/user/project", Some(body)).await.ok();
        let project = project["project_id"].as_i64().unwrap();
        let description = desk.call(&token, "GET", "/docs/api.json", None).await.ok();
        let described = description["paths"].clone();
        Self { desk, token, project, described, seen: BTreeSet::new() }
    }

    /// Runs a writing command that must come with exactly these soft errors.
    async fn says(&mut self, method: &str, tail: &str, body: Value, wanted: &[&str]) -> Value {
        let path = format!("/user/project/{}{tail}", self.project);
        let answer = self.desk.call(&self.token, method, &path, Some(body)).await.ok();
        assert_eq!(soft_errors(&answer), wanted, "{method} {tail}");
        let operation = &self.described[described(tail)][method.to_lowercase()];
        for kind in wanted {
            let text = operation["description"].as_str().unwrap();
            assert!(text.contains(&format!("`{kind}`")), "{method} {tail}: {text}");
        }
        self.seen.extend(wanted.iter().map(|kind| (*kind).to_owned()));
        answer
    }

    /// Makes a check that comes with exactly these soft errors; the tail of its path.
    async fn check(&mut self, body: Value, wanted: &[&str]) -> String {
        let check = self.says("POST", "/check", body, wanted).await;
        format!("/check/{}", check["check_id"])
    }

    /// A channel that comes with exactly these soft errors: the tail of its path, and its id.
    async fn channel(&mut self, disabled: u8, wanted: &[&str]) -> (String, Value) {
        let mut body = webhook("https://127.0.0.1:9/");
        body["disabled"] = json!(disabled);
        let channel = self.says("POST", "/channel", body, wanted).await;
        (format!("/channel/{}", channel["channel_id"]), channel["channel_id"].clone())
    }

    async fn slugs(&mut self) {
        self.check(json!({"check_name": "Twin"}), &[]).await;
        let twin = self.check(json!({"check_name": "Twin"}), &["SLUG/NOT_UNIQUE"]).await;
        self.says("PUT", &twin, json!({"grace": 60}), &["SLUG/NOT_UNIQUE"]).await;
        self.says("PUT", &twin, json!({"slug": "other"}), &[]).await;
        self.says("PUT", &twin, json!({"slug": null}), &["SLUG/NOT_UNIQUE"]).await;
        self.says("PUT", &twin, json!({"check_name": "!"}), &["SLUG/EMPTY"]).await;
        self.says("PUT", &twin, json!({"slug": "fine"}), &[]).await;
        self.says("DELETE", &twin, json!({}), &[]).await;
        // Several empty slugs are no two of one name.
        let empty = self.check(json!({"check_name": "!!!"}), &["SLUG/EMPTY"]).await;
        self.check(json!({"check_name": "???"}), &["SLUG/EMPTY"]).await;
        self.says("PUT", &empty, json!({"check_name": "ok"}), &[]).await;
    }

    async fn channels(&mut self, one: &(String, Value)) {
        let none = &["CHANNEL/NONE_ASSIGNED"];
        let silent = self.check(json!({"check_name": "silent", "channels": []}), none).await;
        self.says("PUT", &silent, json!({"grace": 60}), none).await;
        self.says("PUT", &silent, json!({"channels": [one.1]}), &[]).await;
        self.says("PUT", &silent, json!({"channels": []}), none).await;
        self.unconfirmed().await;
        let off = &["CHANNEL/DISABLED"];
        let two = self.channel(1, off).await;
        self.says("PUT", &two.0, json!({"channel_name": "off"}), off).await;
        let check =
            self.check(json!({"check_name": "half", "channels": [one.1, two.1]}), off).await;
        self.says("PUT", &check, json!({"grace": 60}), off).await;
        self.says("PUT", &two.0, json!({"disabled": 0}), &[]).await;
        self.says("PUT", &check, json!({"grace": 61}), &[]).await;
        self.says("PUT", &two.0, json!({"disabled": 1}), off).await;
        // The test of a disabled channel is sent all the same.
        let both = &["CHANNEL/DISABLED", "CHANNEL/DELIVERY_FAILED"];
        self.says("POST", &format!("{}/test", two.0), json!({}), both).await;
        self.says("POST", &format!("{}/test", one.0), json!({}), &both[1..]).await;
        // The check still tells one, and once that is gone too, nobody.
        self.says("DELETE", &two.0, json!({}), &[]).await;
        let answer = self.says("DELETE", &one.0, json!({}), none).await;
        let message = answer["error_list"][0]["message"].as_str().unwrap();
        assert!(message.contains("alone: 4;"), "{message}");
    }

    /// Mail goes to nobody who has not agreed.
    async fn unconfirmed(&mut self) {
        let waits = &["CHANNEL/UNCONFIRMED"];
        let body = json!({"kind": "email", "config": {"email": "ops@example.org"}});
        let channel = self.says("POST", "/channel", body, waits).await;
        let channel = format!("/channel/{}", channel["channel_id"]);
        self.says("PUT", &channel, json!({"channel_name": "mail"}), waits).await;
        let both = &["CHANNEL/UNCONFIRMED", "CHANNEL/DELIVERY_FAILED"];
        self.says("POST", &format!("{channel}/test"), json!({}), both).await;
        self.says("PUT", &channel, json!({"disabled": 1}), &["CHANNEL/DISABLED"]).await;
        self.says("DELETE", &channel, json!({}), &[]).await;
    }

    async fn windows(&mut self) {
        let over = "MAINTENANCE/ENDED";
        let nothing = "MAINTENANCE/COVERS_NOTHING";
        let body = json!({
            "title": "past", "tags": ["disks"],
            "starts_at": "2020-01-01T00:00:00Z", "ends_at": "2020-01-02T00:00:00Z",
        });
        let window = self.says("POST", "/maintenance", body, &[over, nothing]).await;
        let window = format!("/maintenance/{}", window["maintenance_id"]);
        self.says("PUT", &window, json!({"title": "renamed"}), &[over, nothing]).await;
        self.says("PUT", &window, json!({"tags": []}), &[over]).await;
        self.says("PUT", &window, json!({"ends_at": "2126-01-01T00:00:00Z"}), &[]).await;
        self.says("DELETE", &window, json!({}), &[]).await;
        let always = json!({"repeat": "@hourly", "duration": 86_400});
        let window = self.says("POST", "/maintenance", always, &["MAINTENANCE/NEVER_CLOSES"]).await;
        let window = format!("/maintenance/{}", window["maintenance_id"]);
        self.says("PUT", &window, json!({"duration": 3599}), &[]).await;
        self.says("DELETE", &window, json!({}), &[]).await;
    }

    /// A notification that has waited for more than a minute.
    async fn fall_behind(&self, channel_id: &Value) {
        let new = NewNotification {
            project_id: self.project,
            channel_id: channel_id.as_i64().unwrap(),
            check_id: None,
            flip_id: None,
            event: Event::Test,
            detail: None,
            due_at: self.desk.ctx.now(),
        };
        let mut tx = self.desk.ctx.store.begin().await.unwrap();
        notifications::insert(&mut tx, &new, self.desk.ctx.now()).await.unwrap();
        tx.commit().await.unwrap();
        self.desk.ctx.clock.advance(Duration::from_secs(61));
    }

    async fn schedules(&mut self) {
        let (over, silent) = ("SCHEDULE/NEVER_FIRES", "CHANNEL/NONE_ASSIGNED");
        let body = json!({"check_name": "never", "schedule": "0 0 30 2 *", "channels": []});
        let check = self.check(body, &[over, silent]).await;
        self.says("PUT", &check, json!({"schedule": "2020-01-01"}), &[over, silent]).await;
        self.says("PUT", &check, json!({"schedule": "daily"}), &[silent]).await;
        self.says("DELETE", &check, json!({}), &[]).await;
    }

    async fn queue(&mut self) {
        let late = &["QUEUE/DELAYED"];
        let other = self.channel(0, &[]).await;
        self.fall_behind(&other.1).await;
        let check = self.check(json!({"check_name": "late"}), late).await;
        self.says("PUT", &check, json!({"grace": 60}), late).await;
        let (channel, id) = self.channel(0, late).await;
        self.says("PUT", &check, json!({"channels": [id]}), late).await;
        self.says("PUT", &channel, json!({"on_up": 0}), late).await;
        let both = &["CHANNEL/DELIVERY_FAILED", "QUEUE/DELAYED"];
        self.says("POST", &format!("{channel}/test"), json!({}), both).await;
        // Once it is gone nothing is late.
        self.says("DELETE", &other.0, json!({}), &[]).await;
        self.says("PUT", &check, json!({"grace": 61}), &[]).await;
    }
}

both_databases! {
    async fn every_kind_of_soft_error_arises_where_it_can_and_ends_when_it_is_seen_to(database) {
        let mut scene = Scene::new(database).await;
        let one = scene.channel(0, &[]).await;
        scene.slugs().await;
        scene.channels(&one).await;
        scene.schedules().await;
        scene.windows().await;
        scene.queue().await;
        let all = remark::ALL.iter().map(|kind| format!("{}/{}", kind.group, kind.code)).collect();
        assert_eq!(scene.seen, all);
    }

    async fn whatever_is_written_answers_with_a_list_of_soft_errors(database) {
        let mut scene = Scene::new(database).await;
        scene.says("PUT", "", json!({"auto_create": 0}), &[]).await;
        scene.says("POST", "/ping-key", json!({}), &[]).await;
        scene.says("DELETE", "", json!({}), &[]).await;
        let profile = json!({"name": "x"});
        let answer = scene.desk.call(&scene.token, "PUT", "/user/profile", Some(profile)).await.ok();
        assert_eq!(answer["error_list"], json!([]));
    }
}
