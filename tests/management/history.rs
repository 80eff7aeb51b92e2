//! What can be read of a check's past: pings, runs, flips and notifications.

use serde_json::{Value, json};

use super::{fields, soft_errors};
use crate::support::receiver::Receiver;
use crate::support::server::{TestServer, shared, webhook};
use crate::support::{both_databases, time, until};

both_databases! {
    async fn pings_are_listed_the_newest_first_with_what_came_with_them(database) {
        let api = shared(database).await;
        let check = api.check("Pings", json!({})).await;
        let rid = "5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278";
        api.ping(&check, &format!("/start?rid={rid}")).await.says(200, "OK");
        let path = crate::support::api::ping_path(&check, &format!("/3?rid={rid}"));
        api.send("POST", &path, &[("user-agent", "job/1.0")], "some output").await.says(200, "OK");
        let list = api.get(&api.check_path(&check, "/ping-list")).await.ok();
        assert_eq!((&list["total_count"], &list["max_count"]), (&json!(2), &json!(1000)));
        let (newer, first) = (&list["list"][0], &list["list"][1]);
        assert_eq!(fields(newer), [
            "n", "at", "kind", "exit_status", "rid", "scheme", "method", "remote_address",
            "user_agent", "body_size", "duration",
        ]);
        let mut seen = newer.clone();
        let took = seen["duration"].as_f64().unwrap();
        let between = time(&newer["at"]).micros_since(time(&first["at"]));
        #[allow(clippy::cast_precision_loss, reason = "a test does not take years")]
        let wanted = between as f64 / 1e6;
        assert!((took - wanted).abs() < 1e-9, "{took} {wanted}");
        for volatile in ["at", "duration"] {
            seen.as_object_mut().unwrap().remove(volatile);
        }
        assert_eq!(seen, json!({
            "n": 2, "kind": "fail", "exit_status": 3, "rid": rid, "scheme": "http", "method": "POST",
            "remote_address": "127.0.0.1", "user_agent": "job/1.0", "body_size": 11,
        }));
        assert_eq!((&first["exit_status"], &first["duration"]), (&Value::Null, &Value::Null));
        assert_eq!(&api.get(&api.check_path(&check, "/ping/2")).await.ok(), newer);
        api.get(&api.check_path(&check, "/ping/3")).await.fatal(403);
        let part = api.get(&api.check_path(&check, "/ping-list?offset=1&limit=1")).await.ok();
        assert_eq!((&part["list"], &part["total_count"]), (&json!([first]), &json!(2)));
    }

    async fn a_body_is_plain_text_byte_for_byte(database) {
        let api = shared(database).await;
        let check = api.check("Bodies", json!({})).await;
        let body = "<script>alert(1)</script>\r\n\u{0}日本\n";
        api.ping_with(&check, "", body).await.says(200, "OK");
        api.ping(&check, "").await.says(200, "OK");
        let answer = api.body(&check, 1).await;
        assert_eq!((answer.status, &answer.body[..]), (200, body.as_bytes()));
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let none = api.body(&check, 2).await;
        assert_eq!((none.status, none.body.len()), (200, 0));
        api.body(&check, 3).await.fatal(403);
    }

    async fn runs_have_their_times_and_results(database) {
        let api = shared(database).await;
        let check = api.check("Runs", json!({})).await;
        api.ping(&check, "/start").await.says(200, "OK");
        api.ping(&check, "/7").await.says(200, "OK");
        api.ping(&check, "/start").await.says(200, "OK");
        let list = api.get(&api.check_path(&check, "/run-list")).await.ok();
        let (open, done) = (&list["list"][0], &list["list"][1]);
        assert_eq!(fields(open), [
            "run_id", "rid", "started_at", "finished_at", "duration", "result", "exit_status",
        ]);
        assert_eq!((&open["result"], &open["finished_at"], &open["duration"]), (
            &json!("running"), &Value::Null, &Value::Null,
        ));
        assert_eq!((&done["result"], &done["exit_status"], &done["rid"]), (&json!("fail"), &json!(7), &Value::Null));
        assert!(done["duration"].is_f64() && time(&done["finished_at"]) >= time(&done["started_at"]));
        assert_eq!((&list["total_count"], &list["max_count"]), (&json!(2), &json!(2)));
        assert_eq!(api.read(&check).await["last_duration"], done["duration"]);
    }

    async fn flips_and_notifications_of_a_check_and_of_its_project(database) {
        let api = shared(database).await;
        let receiver = Receiver::start().await;
        let channel = api.post(&api.path("/channel"), &webhook(&receiver.url("/hook"))).await.ok();
        let check = api.check("Told", json!({})).await;
        api.ping(&check, "/fail").await.says(200, "OK");
        receiver.wait_for(1).await;
        let flip = &api.flips(&check).await[0];
        assert_eq!(fields(flip), ["flip_id", "at", "from", "to", "reason"]);
        assert_eq!((&flip["from"], &flip["to"], &flip["reason"]), (&json!("new"), &json!("down"), &json!("fail")));
        until("sent", async || {
            (api.notifications(&check).await[0]["state"] == "sent").then_some(())
        })
        .await;
        let told = &api.notifications(&check).await[0];
        assert_eq!(fields(told), [
            "notification_id", "channel_id", "flip_id", "state", "attempts", "created_at", "sent_at",
            "next_attempt_at", "last_error",
        ]);
        assert_eq!((&told["channel_id"], &told["flip_id"]), (&channel["channel_id"], &flip["flip_id"]));
        assert_eq!((&told["attempts"], &told["next_attempt_at"], &told["last_error"]), (
            &json!(1), &Value::Null, &Value::Null,
        ));
        let of_project = api.list(&api.path("/notification-list")).await;
        assert_eq!(&of_project, std::slice::from_ref(told));
        assert_eq!(soft_errors(&api.update(&check, json!({})).await), Vec::<String>::new());
    }

    async fn the_list_of_pings_names_the_configured_ceiling(database) {
        let settings = [("OVERDUE_PING__LOG_LIMIT", "7")];
        let server = TestServer::start(database, &settings).await;
        let api = server.owner().await;
        let check = api.check("Few", json!({})).await;
        let list = api.get(&api.check_path(&check, "/ping-list")).await.ok();
        assert_eq!((&list["max_count"], &list["total_count"]), (&json!(7), &json!(0)));
    }
}
