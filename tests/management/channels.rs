//! Channels: made, read, changed, tried out and deleted. Their secrets are never shown, save one that
//! was made for them, once.

use overdue::notify::channels::SERVICES;
use serde_json::{Value, json};

use super::{fields, soft_errors};
use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::receiver::{Manners, Receiver};
use crate::support::server::{TestServer, shared, webhook};

const FIELDS: [&str; 12] = [
    "channel_id",
    "channel_name",
    "kind",
    "config",
    "on_down",
    "on_up",
    "after",
    "remind_every",
    "group_threshold",
    "disabled",
    "last_error",
    "last_sent_at",
];

/// A webhook with a header that is a secret.
fn secretive(url: &str) -> Value {
    let mut channel = webhook(url);
    channel["config"]["headers_down"] = json!({"X-Key": "open sesame"});
    channel
}

async fn made(api: &Api, body: &Value) -> Value {
    api.post(&api.path("/channel"), body).await.ok()
}

fn path_of(api: &Api, channel: &Value, tail: &str) -> String {
    api.path(&format!("/channel/{}{tail}", channel["channel_id"]))
}

both_databases! {
    async fn a_channel_is_masked_from_the_first_save_for_a_secret_that_was_made_for_it(database) {
        let api = shared(database).await;
        let body = secretive("https://user:sesame@hooks.example.com/a");
        let answer = api.post(&api.path("/channel"), &body).await;
        assert!(!answer.text().contains("sesame"), "{}", answer.text());
        let channel = answer.ok();
        assert_eq!(fields(&channel)[..12], FIELDS);
        let secret = channel["config"]["secret"].as_str().unwrap();
        assert!(secret.len() > 30, "{secret}");
        for (field, value) in [
            ("kind", json!("webhook")), ("on_down", json!(1)), ("on_up", json!(1)), ("after", json!(0)),
            ("remind_every", json!(0)), ("group_threshold", json!(0)), ("disabled", json!(0)),
            ("last_error", Value::Null), ("last_sent_at", Value::Null), ("error_list", json!([])),
        ] {
            assert_eq!(channel[field], value, "{field}");
        }
        let read = api.get(&path_of(&api, &channel, "")).await;
        assert!(!read.text().contains("sesame") && !read.text().contains(secret));
        let read = read.ok();
        assert_eq!(fields(&read), FIELDS);
        assert_eq!(read["config"]["secret"], "whsec_***");
        assert_eq!(read["config"]["headers_down"]["X-Key"], "***");
        assert_eq!(read["config"]["url_down"], "https://user:***@hooks.example.com/a");
        let mut first = channel.clone();
        first["config"]["secret"] = json!("whsec_***");
        first.as_object_mut().unwrap().remove("error_list");
        assert_eq!(first, read, "the answer to the POST is what GET reads, but for the secret");
        let list = api.get(&api.path("/channel-list")).await.ok();
        assert_eq!((&list["list"], &list["max_count"]), (&json!([read]), &json!(1000)));
        // Nor is any of it in the database as it was typed.
        let changed = api.put(&path_of(&api, &channel, ""), &json!({"channel_name": "renamed"})).await;
        assert!(!changed.text().contains("sesame") && !changed.text().contains(secret));
    }

    async fn a_secret_that_its_maker_knows_is_not_told_to_them(database) {
        let api = shared(database).await;
        let mut body = webhook("https://hooks.example.com/a");
        body["config"]["secret"] = json!("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
        assert_eq!(made(&api, &body).await["config"]["secret"], "whsec_***");
        body["config"]["secret"] = json!("");
        assert!(made(&api, &body).await["config"]["secret"].as_str().unwrap().len() > 30);
    }

    async fn a_masked_config_that_is_put_back_keeps_its_secrets(database) {
        let api = shared(database).await;
        let receiver = Receiver::start().await;
        let channel = made(&api, &secretive(&receiver.url("/one"))).await;
        let mut read = api.get(&path_of(&api, &channel, "")).await.ok();
        read["config"]["url_down"] = json!(receiver.url("/two"));
        read["channel_name"] = json!("moved");
        let back = api.put(&path_of(&api, &channel, ""), &read).await.ok();
        assert_eq!((&back["channel_name"], &back["error_list"]), (&json!("moved"), &json!([])));
        api.post(&path_of(&api, &channel, "/test"), &json!({})).await.ok();
        let got = receiver.wait_for(1).await;
        assert_eq!((got[0].path.as_str(), got[0].header("x-key")), ("/two", "open sesame"));
        // To another host the secrets don't go along.
        read["config"]["url_down"] = json!("https://elsewhere.example.com/");
        let message = api.put(&path_of(&api, &channel, ""), &read).await.fatal(400);
        assert!(message.contains("enter it again"), "{message}");
    }

    async fn what_is_wrong_with_a_channel_is_named(database) {
        let api = shared(database).await;
        let with = |field: &str, value: Value| {
            let mut body = webhook("https://hooks.example.com/");
            body[field] = value;
            body
        };
        let mut odd = webhook("https://hooks.example.com/");
        odd["config"]["colour"] = json!("red");
        for (body, start) in [
            (json!({"config": {}}), "kind: is required"), (json!({"kind": "webhook"}), "config: is required"),
            (with("kind", json!("pigeon")), "kind: must be one of webhook"),
            (with("kind", json!(1)), "kind: must be a string"),
            (with("config", json!([])), "config: must be an object"), (with("config", Value::Null), "config: "),
            (with("config", json!({})), "config.url_down: is needed"), (odd, "config.colour: "),
            (with("channel_name", json!("")), "channel_name: must have 1 to 100"),
            (with("on_down", json!(true)), "on_down: must be 0 or 1"),
            (with("after", json!(-1)), "after: must be between 0 and 10080"),
            (with("remind_every", json!(10_081)), "remind_every: must be between"),
            (with("group_threshold", json!(1001)), "group_threshold: must be between"),
            (with("last_error", json!("x")), "last_error: is unknown"),
        ] {
            let message = api.post(&api.path("/channel"), &body).await.fatal(400);
            assert!(message.starts_with(start), "{body}: {message}");
        }
        let body = r#"{"kind":"webhook","config":{"url_down":"http://a","url_down":"http://b"}}"#;
        let message = crate::management::send_json(&api, "POST", &api.path("/channel"), body).await.fatal(400);
        assert!(message.starts_with("config.url_down: is there more than once"), "{message}");
        assert!(api.list(&api.path("/channel-list")).await.is_empty());
    }

    async fn kinds_that_keep_incidents_never_collect_messages(database) {
        let api = shared(database).await;
        let keeping = ["pagerduty", "opsgenie", "splunkoncall", "pagertree", "spike", "github", "trello"];
        for service in SERVICES {
            let config: Value = serde_json::from_str(service.example).unwrap();
            let mut body = json!({"kind": service.name, "config": config, "group_threshold": 1});
            let answer = api.post(&api.path("/channel"), &body).await;
            if !keeping.contains(&service.name) {
                assert_eq!(answer.ok()["group_threshold"], 1, "{}", service.name);
                continue;
            }
            let why = format!(
                "group_threshold: must be 0 for {}: it keeps an incident for each check", service.name
            );
            let message = answer.fatal(400);
            assert!(message.starts_with(&why), "{message}");
            body["group_threshold"] = json!(0);
            let path = path_of(&api, &made(&api, &body).await, "");
            let change = json!({"channel_name": "changed", "group_threshold": 1000});
            let message = api.put(&path, &change).await.fatal(400);
            assert!(message.starts_with(&why), "{message}");
            let now = api.put(&path, &json!({"group_threshold": 0, "after": 5})).await.ok();
            assert_eq!((&now["channel_name"], &now["after"]), (&json!(service.name), &json!(5)));
            assert_eq!(now["group_threshold"], 0);
        }
        let mut hook = webhook("https://hooks.example.com/");
        hook["group_threshold"] = json!(5);
        assert_eq!(made(&api, &hook).await["group_threshold"], 5);
    }

    async fn a_channel_is_changed_in_parts_and_keeps_its_kind(database) {
        let api = shared(database).await;
        let channel = made(&api, &webhook("https://hooks.example.com/a")).await;
        let path = path_of(&api, &channel, "");
        let changed = api.put(&path, &json!({"on_up": 0, "channel_name": "down only"})).await.ok();
        assert_eq!((&changed["on_up"], &changed["on_down"], &changed["channel_name"]), (
            &json!(0), &json!(1), &json!("down only"),
        ));
        assert_eq!(changed["config"]["url_down"], "https://hooks.example.com/a");
        api.put(&path, &json!({"kind": "webhook"})).await.ok();
        let message = api.put(&path, &json!({"kind": "slack"})).await.fatal(400);
        assert!(message.starts_with("kind: is webhook and can't be changed"), "{message}");
        let disabled = api.put(&path, &json!({"disabled": 1})).await.ok();
        assert_eq!((&disabled["disabled"], soft_errors(&disabled)), (&json!(1), vec!["CHANNEL/DISABLED".to_owned()]));
        let enabled = api.put(&path, &json!({"disabled": 0})).await.ok();
        assert_eq!((&enabled["disabled"], &enabled["error_list"]), (&json!(0), &json!([])));
        assert_eq!(api.delete(&path).await.ok(), json!({"error_list": []}));
        api.get(&path).await.fatal(403);
        api.put(&path, &json!({})).await.fatal(403);
        api.delete(&path).await.fatal(403);
        api.post(&format!("{path}/test"), &json!({})).await.fatal(403);
    }

    async fn a_test_is_sent_at_once_and_says_what_came_of_it(database) {
        let api = shared(database).await;
        let receiver = Receiver::start().await;
        let channel = made(&api, &webhook(&receiver.url("/test"))).await;
        let path = path_of(&api, &channel, "/test");
        let answer = api.post(&path, &json!({})).await.ok();
        // It has arrived by the time of the answer.
        let got = receiver.got();
        assert_eq!((got.len(), got[0].path.as_str(), got[0].method.as_str()), (1, "/test", "POST"));
        assert!(got[0].header("webhook-id").len() > 3 && got[0].header("webhook-signature").starts_with("v1,"));
        assert_eq!((&answer["error_list"], &answer["last_error"]), (&json!([]), &Value::Null));
        assert!(answer["last_sent_at"].is_string());
        receiver.change(|manners| manners.status = 500);
        let answer = api.post(&path, &json!({})).await.ok();
        assert_eq!(soft_errors(&answer), ["CHANNEL/DELIVERY_FAILED"]);
        assert_eq!(answer["error_list"][0]["message"], answer["last_error"]);
        assert!(answer["last_error"].as_str().unwrap().contains("500"));
        receiver.change(|manners| manners.status = 410);
        let answer = api.post(&path, &json!({})).await.ok();
        assert_eq!((&answer["disabled"], soft_errors(&answer).len()), (&json!(0), 1));
        let told = api.list(&api.path("/notification-list")).await;
        let states: Vec<_> = told.iter().map(|n| (&n["state"], &n["attempts"], &n["flip_id"])).collect();
        let row = |state: &'static str| (json!(state), json!(1), Value::Null);
        let wanted = [row("failed"), row("failed"), row("sent")];
        assert_eq!(states, wanted.iter().map(|(s, a, f)| (s, a, f)).collect::<Vec<_>>());
        assert!(told[0]["last_error"].is_string() && told[2]["sent_at"].is_string());
        // Enabling it says that what was wrong has been seen to.
        let enabled = api.put(&path_of(&api, &channel, ""), &json!({"disabled": 0})).await.ok();
        assert_eq!(enabled["last_error"], Value::Null);
        // None of them is tried again.
        assert_eq!(receiver.got().len(), 3);
    }

    async fn a_test_of_an_address_that_is_not_allowed_names_the_setting(database) {
        let settings = [("OVERDUE_OUTBOUND__ALLOW_PRIVATE", "false")];
        let server = TestServer::start(database, &settings).await;
        let api = server.owner().await;
        let receiver = Receiver::start().await;
        let channel = made(&api, &webhook(&receiver.url("/"))).await;
        let answer = api.post(&path_of(&api, &channel, "/test"), &json!({})).await.ok();
        assert_eq!(soft_errors(&answer), ["CHANNEL/DELIVERY_FAILED"]);
        assert!(answer["last_error"].as_str().unwrap().contains("outbound.allow"), "{answer}");
        assert!(receiver.got().is_empty());
    }

    async fn a_client_that_hangs_up_does_not_stop_a_command_half_way(database) {
        let api = shared(database).await;
        let manners = Manners { delay: std::time::Duration::from_millis(700), ..Manners::default() };
        let receiver = Receiver::with(manners).await;
        let channel = made(&api, &webhook(&receiver.url("/slow"))).await;
        let mut wire = api.wire().await;
        wire.send(format!(
            "POST {} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n",
            path_of(&api, &channel, "/test"), api.token
        ))
        .await;
        receiver.wait_for(1).await;
        drop(wire);
        crate::support::until("the end of the test", async || {
            let told = api.list(&api.path("/notification-list")).await;
            (told[0]["state"] == "sent").then_some(())
        })
        .await;
    }
}
