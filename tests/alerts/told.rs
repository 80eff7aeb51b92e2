//! What a channel is told, in which form, and what is kept of it.

use serde_json::{Value, json};
use url::Url;

use super::{News, assert_signed, channel, channel_now, each, notifications, plain_hook, settled};
use crate::support::api::uuid_of;
use crate::support::both_databases;
use crate::support::receiver::{Delivery, Receiver};
use crate::support::server::shared;
use crate::support::time;

/// A name that breaks whatever does not treat it with care.
const NAME: &str = "Back \"up\" & $STATUS ü";

/// A webhook whose every part has placeholders.
fn elaborate(receiver: &Receiver) -> Value {
    json!({"kind": "webhook", "config": {
        "url_down": receiver.url("/down/$SLUG?code=$CODE&name=$NAME&tag=$TAG2"),
        "method_down": "PUT",
        "headers_down": {"X-Check": "is $STATUS: $SLUG", "X-Exit": "$EXITSTATUS"},
        "body_down": "{\"name\": \"$NAME\", \"status\": \"$STATUS\", \"exit\": $EXITSTATUS, \
            \"body\": $BODY_JSON, \"tags\": \"$TAGS\", \"check\": $JSON, \"why\": \"$REASON\"}",
        "url_up": receiver.url("/up"),
        "headers_up": {"User-Agent": "ours/1"},
        "body_up": "$NAME is $STATUS ($REASON)",
    }})
}

fn assert_elaborate_down(down: &Delivery, check: &Value) {
    assert_eq!(down.method, "PUT");
    let url = Url::parse(&format!("http://receiver{}", down.path)).unwrap();
    assert_eq!(url.path(), "/down/backup");
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let wanted = [("code", uuid_of(check)), ("name", NAME), ("tag", "db")];
    assert_eq!(query, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!((down.header("x-check"), down.header("x-exit")), ("is down: backup", "3"));
    assert_eq!(down.header("content-type"), "application/json");
    assert!(down.header("user-agent").starts_with("Overdue/"));
    let mut body: Value = serde_json::from_slice(&down.body).unwrap();
    let shown = body.as_object_mut().unwrap().remove("check").unwrap();
    assert_eq!(
        body,
        json!({
            "name": NAME, "status": "down", "exit": 3, "body": "disk \"full\"\n", "tags": "prod db",
            "why": "fail",
        })
    );
    assert_eq!(
        (&shown["name"], &shown["status"], &shown["n_pings"]),
        (&json!(NAME), &json!("down"), &json!(1))
    );
}

both_databases! {
    async fn a_failure_is_told_and_then_the_recovery_each_in_its_own_form(database) {
        let api = shared(database).await;
        let receiver = Receiver::start().await;
        let hook = channel(&api, &elaborate(&receiver)).await;
        let check = api.check(NAME, json!({"slug": "backup", "tags": ["prod", "db"]})).await;
        api.ping_with(&check, "/3", "disk \"full\"\n").await.says(200, "OK");
        receiver.wait_for(1).await;
        api.ping(&check, "").await.says(200, "OK");
        let got = receiver.wait_for(2).await;
        assert_elaborate_down(&got[0], &check);
        let up = &got[1];
        assert_eq!((up.method.as_str(), up.path.as_str()), ("POST", "/up"));
        assert_eq!(up.text(), format!("{NAME} is up (ping)"));
        assert_eq!(up.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(up.header("user-agent"), "ours/1");
        let secret = hook["config"]["secret"].as_str().unwrap();
        for delivery in &got {
            assert_signed(delivery, secret);
        }
        assert_ne!(got[0].header("webhook-id"), up.header("webhook-id"));
    }

    async fn what_was_told_is_kept_with_its_times(database) {
        let api = shared(database).await;
        let receiver = Receiver::start().await;
        let hook = channel(&api, &plain_hook(&receiver.url("/"))).await;
        let check = api.check("kept", json!({})).await;
        api.ping(&check, "/fail").await.says(200, "OK");
        settled(&api, &check, &hook, 1).await;
        api.ping(&check, "").await.says(200, "OK");
        let rows = settled(&api, &check, &hook, 2).await;
        let mut flips = api.flips(&check).await;
        flips.reverse();
        assert_eq!(each(&rows, "flip_id"), each(&flips, "flip_id"));
        for row in &rows {
            assert_eq!((&row["state"], &row["attempts"]), (&json!("sent"), &json!(1)));
            assert_eq!((&row["next_attempt_at"], &row["last_error"]), (&Value::Null, &Value::Null));
            assert!(time(&row["created_at"]) <= time(&row["sent_at"]));
        }
        assert!(time(&rows[0]["sent_at"]) <= time(&rows[1]["created_at"]));
        let now = channel_now(&api, &hook).await;
        assert_eq!((&now["last_sent_at"], &now["last_error"]), (&rows[1]["sent_at"], &Value::Null));
    }

    async fn the_default_body_tells_the_whole_story(database) {
        let api = shared(database).await;
        let receiver = Receiver::start().await;
        channel(&api, &plain_hook(&receiver.url("/"))).await;
        let check = api.check("story", json!({"tags": ["a"]})).await;
        // That a new check works is no news.
        api.ping(&check, "").await.says(200, "OK");
        api.ping_with(&check, "/7", "no space left").await.says(200, "OK");
        receiver.wait_for(1).await;
        api.ping(&check, "").await.says(200, "OK");
        let got = receiver.wait_for(2).await;
        let (down, up): (Value, Value) = (
            serde_json::from_slice(&got[0].body).unwrap(), serde_json::from_slice(&got[1].body).unwrap(),
        );
        let flips = api.flips(&check).await;
        assert_eq!(News::of(&got[0]), News::of_flip(&check, &flips[1]));
        assert_eq!(News::of(&got[1]), News::of_flip(&check, &flips[0]));
        for (field, of_down, of_up) in [
            ("status", json!("down"), json!("up")), ("reason", json!("fail"), json!("ping")),
            ("exit_status", json!(7), Value::Null), ("check_name", json!("story"), json!("story")),
            ("project_name", json!("Tests"), json!("Tests")), ("tags", json!(["a"]), json!(["a"])),
        ] {
            assert_eq!((&down[field], &up[field]), (&of_down, &of_up), "{field}");
        }
        assert!(down["downtime"].is_null() && up["downtime"].is_u64());
        let text = down["text"].as_str().unwrap();
        assert!(text.starts_with("story is down: it reported a failure (exit status 7)."), "{text}");
        assert!(text.contains("no space left"), "{text}");
        assert!(up["text"].as_str().unwrap().starts_with("story is up again after"));
        assert_eq!(notifications(&api, &check).await.len(), 2);
    }

    async fn a_paused_check_that_fails_is_told_and_pausing_is_not(database) {
        let api = shared(database).await;
        let receiver = Receiver::start().await;
        let hook = channel(&api, &plain_hook(&receiver.url("/"))).await;
        let check = api.check("paused", json!({})).await;
        api.ping(&check, "").await.says(200, "OK");
        api.update(&check, json!({"paused": 1})).await;
        api.ping(&check, "/fail").await.says(200, "OK");
        let rows = settled(&api, &check, &hook, 1).await;
        let flip = &api.flips(&check).await[0];
        assert_eq!((&flip["from"], &flip["to"]), (&json!("paused"), &json!("down")));
        assert_eq!(each(&rows, "flip_id"), [flip["flip_id"].clone()]);
        assert_eq!(receiver.got().len(), 1);
    }

    async fn a_channel_is_told_of_the_turns_it_wants(database) {
        let api = shared(database).await;
        let receiver = Receiver::start().await;
        let (downs, ups, addressed) = (receiver.url("/downs"), receiver.url("/ups"), receiver.url("/addressed"));
        let mut only_downs = plain_hook(&downs);
        only_downs["on_up"] = json!(0);
        let mut only_ups = plain_hook(&ups);
        only_ups["on_down"] = json!(0);
        let only_downs = channel(&api, &only_downs).await;
        let only_ups = channel(&api, &only_ups).await;
        let no_down_url = json!({"kind": "webhook", "config": {"url_up": addressed}});
        let no_down_url = channel(&api, &no_down_url).await;
        let check = api.check("turns", json!({})).await;
        api.ping(&check, "/fail").await.says(200, "OK");
        settled(&api, &check, &only_downs, 1).await;
        api.ping(&check, "").await.says(200, "OK");
        settled(&api, &check, &only_ups, 1).await;
        let rows = settled(&api, &check, &no_down_url, 2).await;
        assert_eq!(each(&rows, "state"), ["suppressed", "sent"]);
        let mut told: Vec<(String, String)> =
            receiver.got().iter().map(|it| (it.path.clone(), News::of(it).turn)).collect();
        told.sort();
        let wanted = [("/addressed", "up"), ("/downs", "down"), ("/ups", "up")];
        assert_eq!(told, wanted.map(|(path, turn)| (path.to_owned(), turn.to_owned())));
        assert_eq!(notifications(&api, &check).await.len(), 4);
    }

    async fn who_was_not_told_of_the_down_is_not_told_of_the_up(database) {
        let api = shared(database).await;
        let (receiver, late) = (Receiver::start().await, Receiver::start().await);
        let first = channel(&api, &plain_hook(&receiver.url("/"))).await;
        let check = api.check("late", json!({})).await;
        api.ping(&check, "/fail").await.says(200, "OK");
        settled(&api, &check, &first, 1).await;
        let second = channel(&api, &plain_hook(&late.url("/"))).await;
        let both = json!({"channels": [first["channel_id"], second["channel_id"]]});
        api.update(&check, both).await;
        api.ping(&check, "").await.says(200, "OK");
        let rows = settled(&api, &check, &first, 2).await;
        assert_eq!(each(&rows, "state"), ["sent", "sent"]);
        // From the next turn on it is told like the other.
        api.ping(&check, "/fail").await.says(200, "OK");
        let got = late.wait_for(1).await;
        assert_eq!(News::of(&got[0]), News::of_flip(&check, &api.flips(&check).await[0]));
    }

    async fn a_test_is_told_as_a_test_and_says_why_where_it_fails(database) {
        let api = shared(database).await;
        let receiver = Receiver::start().await;
        let hook = channel(&api, &plain_hook(&receiver.url("/"))).await;
        let test = api.path(&format!("/channel/{}/test", hook["channel_id"]));
        assert_eq!(api.post(&test, &json!({})).await.ok()["error_list"], json!([]));
        let got = receiver.got();
        let body: Value = serde_json::from_slice(&got[0].body).unwrap();
        assert_eq!((got.len(), &body["event"]), (1, &json!("test")));
        assert_signed(&got[0], hook["config"]["secret"].as_str().unwrap());
        receiver.change(|manners| manners.status = 404);
        let answer = api.post(&test, &json!({})).await.ok();
        let error = &answer["error_list"][0];
        assert_eq!((&error["type"], &error["code"]), (&json!("CHANNEL"), &json!("DELIVERY_FAILED")));
        assert!(error["message"].as_str().unwrap().contains("404"), "{error}");
        assert_eq!(receiver.got().len(), 2);
    }
}
