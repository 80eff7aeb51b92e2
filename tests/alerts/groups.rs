//! Channels of the kind `group`: whoever tells the group tells its channels, each once.

use serde_json::{Value, json};

use super::{channel, channel_now, each, plain_hook, settled};
use crate::support::answer::Answer;
use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::receiver::Receiver;
use crate::support::server::shared;

/// A group of these channels.
async fn group(api: &Api, name: &str, channels: &[&Value]) -> Value {
    let ids: Vec<&Value> = channels.iter().map(|channel| &channel["channel_id"]).collect();
    let config = json!({"channels": ids});
    channel(api, &json!({"channel_name": name, "kind": "group", "config": config})).await
}

/// A check that tells these channels.
async fn check_of(api: &Api, channels: &[&Value]) -> Value {
    let ids: Vec<&Value> = channels.iter().map(|channel| &channel["channel_id"]).collect();
    api.check("job", json!({"channels": ids})).await
}

fn path_of(api: &Api, channel: &Value) -> String {
    api.path(&format!("/channel/{}", channel["channel_id"]))
}

async fn import(api: &Api, text: &str) -> Answer {
    let cookie = format!("api_access_token={}", api.token);
    let headers = [("cookie", cookie.as_str()), ("content-type", "application/toml")];
    api.send("POST", &api.path("/import"), &headers, text.to_owned()).await
}

both_databases! {
    async fn a_group_stands_for_its_channels_and_each_is_told_once(database) {
        let api = shared(database).await;
        let receiver = Receiver::start().await;
        let first = channel(&api, &plain_hook(&receiver.url("/first"))).await;
        let second = channel(&api, &plain_hook(&receiver.url("/second"))).await;
        let both = group(&api, "both", &[&second, &first]).await;
        assert_eq!(both["config"]["channels"], json!([first["channel_id"], second["channel_id"]]));
        let again = group(&api, "again", &[&first]).await;
        let check = check_of(&api, &[&both, &again, &first]).await;
        for (tail, count) in [("/fail", 1), ("", 2)] {
            api.ping(&check, tail).await.says(200, "OK");
            for hook in [&first, &second] {
                let rows = settled(&api, &check, hook, count).await;
                assert_eq!(each(&rows, "state"), vec![json!("sent"); count]);
            }
        }
        assert_eq!(api.notifications(&check).await.len(), 4, "none to the groups");
        let mut paths: Vec<String> = receiver.got().into_iter().map(|got| got.path).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["/first", "/first", "/second", "/second"]);
    }

    async fn a_group_that_is_disabled_tells_nobody(database) {
        let api = shared(database).await;
        let receiver = Receiver::start().await;
        let first = channel(&api, &plain_hook(&receiver.url("/first"))).await;
        let second = channel(&api, &plain_hook(&receiver.url("/second"))).await;
        let silent = group(&api, "silent", &[&first, &second]).await;
        api.put(&path_of(&api, &silent), &json!({"disabled": 1})).await.ok();
        let check = check_of(&api, &[&silent, &second]).await;
        api.ping(&check, "/fail").await.says(200, "OK");
        settled(&api, &check, &second, 1).await;
        assert_eq!(api.notifications(&check).await.len(), 1);
    }

    async fn a_group_holds_channels_of_its_project_and_has_no_manner_of_its_own(database) {
        let api = shared(database).await;
        let hook = channel(&api, &plain_hook("http://127.0.0.1:9/")).await;
        let id = hook["channel_id"].as_i64().unwrap();
        let pair = group(&api, "pair", &[&hook]).await;
        let other = shared(database).await;
        let foreign = channel(&other, &plain_hook("http://127.0.0.1:9/")).await;
        let with = |config: Value, more: Value| {
            let mut body = json!({"kind": "group", "config": config});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let whole = json!({"channels": [id]});
        let list = "config.channels: must be a list of ids";
        let ids = "config.channels: must be ids of channels of this project that are no groups";
        for (body, start) in [
            (with(json!({}), json!({})), "config.channels: is required"),
            (with(json!({"channels": id}), json!({})), list),
            (with(json!({"channels": [id, "x"]}), json!({})), list),
            (with(json!({"channels": [id, -1]}), json!({})), list),
            (with(json!({"channels": [foreign["channel_id"]]}), json!({})), ids),
            (with(json!({"channels": [pair["channel_id"]]}), json!({})), ids),
            (with(json!({"channels": [999_999_999]}), json!({})), ids),
            (with(json!({"channels": [id], "x": 1}), json!({})), "config.x: is no field"),
            (with(whole.clone(), json!({"after": 5})), "after: must be 0 for group: set it on its channels"),
            (with(whole.clone(), json!({"remind_every": 5})), "remind_every: must be 0 for group"),
            (with(whole.clone(), json!({"group_threshold": 5})), "group_threshold: must be 0 for"),
            (with(whole.clone(), json!({"on_up": 0})), "on_up: must be 1 for group"),
        ] {
            let message = api.post(&api.path("/channel"), &body).await.fatal(400);
            assert!(message.starts_with(start), "{body}: {message}");
        }
        let message = api.put(&path_of(&api, &pair), &json!({"on_down": 0})).await.fatal(400);
        assert!(message.starts_with("on_down: must be 1"), "{message}");
        let itself = json!({"config": {"channels": [pair["channel_id"]]}});
        let message = api.put(&path_of(&api, &pair), &itself).await.fatal(400);
        assert!(message.starts_with(ids), "{message}");
        assert_eq!(channel_now(&api, &pair).await["config"], whole);
    }

    async fn a_channel_that_is_deleted_is_taken_out_of_its_groups(database) {
        let api = shared(database).await;
        let first = channel(&api, &plain_hook("http://127.0.0.1:9/")).await;
        let second = channel(&api, &plain_hook("http://127.0.0.1:9/")).await;
        let both = group(&api, "both", &[&first, &second]).await;
        let check = check_of(&api, &[&both]).await;
        let deleted = api.delete(&path_of(&api, &first)).await.ok();
        assert_eq!(deleted["error_list"], json!([]), "the other one is told still");
        let left = channel_now(&api, &both).await;
        assert_eq!(left["config"]["channels"], json!([second["channel_id"]]));
        let deleted = api.delete(&path_of(&api, &second)).await.ok();
        assert_eq!(deleted["error_list"][0]["code"], "NONE_ASSIGNED");
        assert_eq!(channel_now(&api, &both).await["config"]["channels"], json!([]));
        let file = api.get(&api.path("/export")).await.text().to_owned();
        assert_eq!(import(&api, &file).await.ok()["updated"], json!([]));
        let written = api.put(&api.check_path(&check, ""), &json!({"grace": 120})).await.ok();
        assert_eq!(written["error_list"][0]["code"], "NONE_ASSIGNED");
    }

    async fn the_test_of_a_group_tests_each_of_its_channels(database) {
        let api = shared(database).await;
        let receiver = Receiver::start().await;
        let good = channel(&api, &plain_hook(&receiver.url("/good"))).await;
        let bad = json!({"channel_name": "bad", "kind": "webhook", "config": {"url_down": "http://127.0.0.1:9/"}});
        let bad = channel(&api, &bad).await;
        let both = group(&api, "both", &[&good, &bad]).await;
        let answer = api.post(&format!("{}/test", path_of(&api, &both)), &json!({})).await.ok();
        assert_eq!(answer["channel_id"], both["channel_id"]);
        let [error] = answer["error_list"].as_array().unwrap().as_slice() else { panic!("{answer}") };
        assert_eq!(error["code"], "DELIVERY_FAILED");
        assert!(error["message"].as_str().unwrap().starts_with("bad: "), "{error}");
        assert_eq!(receiver.got().len(), 1);
    }

    async fn groups_go_with_a_file_by_the_names_of_their_channels(database) {
        let api = shared(database).await;
        let first = channel(&api, &plain_hook("http://127.0.0.1:9/a")).await;
        let both = group(&api, "a group", &[&first]).await;
        let twin = channel(&api, &plain_hook("http://127.0.0.1:9/b")).await;
        let ids = json!([first["channel_id"], twin["channel_id"]]);
        api.put(&path_of(&api, &both), &json!({"config": {"channels": ids}})).await.ok();
        let file = api.get(&api.path("/export")).await.text().to_owned();
        let named = "[channels.config]\nchannels = [\"webhook\", { name = \"webhook\", nth = 2 }]\n";
        assert!(file.contains(named), "{file}");
        let report = import(&api, &file).await.ok();
        assert_eq!((&report["created"], &report["updated"]), (&json!([]), &json!([])));
        // Elsewhere the group is made of what comes after it in the file.
        let other = shared(database).await;
        import(&other, &file).await.ok();
        let again = other.get(&other.path("/export")).await.text().to_owned();
        assert_eq!(again.split_once("[[channels]]").unwrap().1, file.split_once("[[channels]]").unwrap().1);
        let list = other.list(&other.path("/channel-list")).await;
        let of = |n: usize| list[n]["channel_id"].clone();
        assert_eq!(list[1]["config"]["channels"], json!([of(0), of(2)]));
        let changed = file.replace(named, "[channels.config]\nchannels = [\"webhook\"]\n");
        let report = import(&other, &changed).await.ok();
        assert_eq!(report["updated"][0]["name"], "a group", "{report}");
        assert_eq!(channel_now(&other, &list[1]).await["config"]["channels"], json!([of(0)]));
        let message = import(&other, &file.replace(named, "config = { channels = [\"a group\"] }\n")).await.fatal(400);
        assert!(message.contains("config.channels: a group can't be in a group"), "{message}");
        let message = import(&other, &file.replace(named, "config = { channels = [\"nobody\"] }\n")).await.fatal(400);
        assert!(message.contains("config.channels: must be names of channels"), "{message}");
    }
}
