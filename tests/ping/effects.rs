//! The state that a ping leads to.

use serde_json::{Value, json};

use crate::support::api::ping_path;
use crate::support::both_databases;
use crate::support::server::shared;

both_databases! {
    async fn a_success_makes_a_check_up_and_a_failure_down(database) {
        let api = shared(database).await;
        let check = api.check("up and down", json!({})).await;
        assert_eq!(check["status"], "new");
        for (tail, status) in [("", "up"), ("/fail", "down"), ("", "up"), ("/9", "down"), ("/0", "up")] {
            api.ping(&check, tail).await.says(200, "OK");
            assert_eq!(api.read(&check).await["status"], status, "{tail}");
        }
        let mut flips = api.flips(&check).await;
        flips.reverse();
        let told: Vec<String> = flips
            .iter()
            .map(|flip| format!("{} {}", flip["to"].as_str().unwrap(), flip["reason"].as_str().unwrap()))
            .collect();
        assert_eq!(told, ["up ping", "down fail", "up ping", "down fail", "up ping"]);
        assert_eq!(flips[0]["from"], "new");
    }

    async fn a_failing_check_has_no_deadline(database) {
        let api = shared(database).await;
        let check = api.check("deadline", json!({})).await;
        api.ping(&check, "").await.says(200, "OK");
        assert!(api.read(&check).await["alert_at"].is_string());
        api.ping(&check, "/fail").await.says(200, "OK");
        assert!(api.read(&check).await["alert_at"].is_null());
    }

    async fn failures_count_up_to_the_threshold(database) {
        let api = shared(database).await;
        let check = api.check("threshold", json!({"failure_threshold": 3})).await;
        for (tail, status) in [
            ("/fail", "up"), ("/1", "up"), ("", "up"), ("/1", "up"), ("/fail", "up"), ("/1", "down"),
        ] {
            api.ping(&check, tail).await.says(200, "OK");
            assert_eq!(api.read(&check).await["status"], status, "{tail}");
        }
    }

    async fn a_log_is_stored_and_shown_and_changes_no_state(database) {
        let api = shared(database).await;
        let check = api.check("log", json!({})).await;
        api.ping_with(&check, "/log", "a word").await.says(200, "OK");
        let state = api.read(&check).await;
        assert_eq!((&state["status"], &state["n_pings"]), (&json!("new"), &json!(1)));
        assert!(state["last_ping_at"].is_null() && state["alert_at"].is_null());
        assert_eq!(api.body(&check, 1).await.text(), "a word");
        api.ping(&check, "/fail").await.says(200, "OK");
        let down = api.read(&check).await;
        api.ping(&check, "/log").await.says(200, "OK");
        let after = api.read(&check).await;
        assert_eq!((&after["status"], &after["last_ping_at"]), (&down["status"], &down["last_ping_at"]));
        assert_eq!(api.kinds(&check).await, ["log", "fail", "log"]);
        assert_eq!(api.flips(&check).await.len(), 1);
    }

    async fn a_start_leaves_status_and_last_ping_as_they_are(database) {
        let api = shared(database).await;
        let check = api.check("start", json!({})).await;
        api.ping(&check, "").await.says(200, "OK");
        let before = api.read(&check).await;
        api.ping(&check, "/start").await.says(200, "OK");
        let after = api.read(&check).await;
        assert_eq!((&after["status"], &after["last_ping_at"]), (&before["status"], &before["last_ping_at"]));
        assert_eq!(after["started"], 1);
    }

    async fn where_only_post_counts_other_methods_are_ignored(database) {
        let api = shared(database).await;
        let check = api.check("post only", json!({"methods": "POST"})).await;
        for (method, tail) in [("GET", ""), ("HEAD", ""), ("GET", "/fail"), ("GET", "/start"), ("GET", "/1")] {
            assert_eq!(api.hit(method, &ping_path(&check, tail)).await.status, 200);
        }
        let state = api.read(&check).await;
        assert_eq!((&state["status"], &state["started"]), (&json!("new"), &json!(0)));
        assert!(state["last_ping_at"].is_null());
        assert_eq!(api.kinds(&check).await, ["ign"; 5]);
        api.ping_with(&check, "", "").await.says(200, "OK");
        assert_eq!(api.read(&check).await["status"], "up");
        assert_eq!(api.last_ping(&check).await["kind"], "success");
    }

    async fn a_success_or_failure_resumes_a_paused_check(database) {
        let api = shared(database).await;
        for (tail, status) in [("", "up"), ("/fail", "down"), ("/0", "up"), ("/3", "down")] {
            let check = api.check("paused", json!({})).await;
            let paused = api.update(&check, json!({"paused": 1})).await;
            assert_eq!(paused["status"], "paused");
            api.ping(&check, tail).await.says(200, "OK");
            assert_eq!(api.read(&check).await["status"], status, "{tail}");
        }
    }

    async fn a_start_opens_a_run_and_leaves_the_check_paused(database) {
        let api = shared(database).await;
        let check = api.check("paused start", json!({})).await;
        api.update(&check, json!({"paused": 1})).await;
        api.ping(&check, "/start").await.says(200, "OK");
        let state = api.read(&check).await;
        assert_eq!((&state["status"], &state["started"]), (&json!("paused"), &json!(1)));
        assert_eq!(api.kinds(&check).await, ["start"]);
    }

    async fn with_manual_resume_a_paused_check_ignores_its_pings(database) {
        let api = shared(database).await;
        let check = api.check("manual", json!({"manual_resume": 1})).await;
        api.ping(&check, "").await.says(200, "OK");
        api.update(&check, json!({"paused": 1})).await;
        for tail in ["", "/fail", "/0", "/5"] {
            api.ping(&check, tail).await.says(200, "OK");
        }
        assert_eq!(api.read(&check).await["status"], "paused");
        assert_eq!(api.kinds(&check).await, ["success", "ign", "ign", "ign", "ign"]);
        let resumed = api.update(&check, json!({"paused": 0})).await;
        assert_eq!(resumed["status"], "new");
        api.ping(&check, "").await.says(200, "OK");
        assert_eq!(api.read(&check).await["status"], "up");
    }

    async fn pausing_closes_open_runs_and_resuming_starts_afresh(database) {
        let api = shared(database).await;
        let check = api.check("stopped", json!({})).await;
        api.ping(&check, "").await.says(200, "OK");
        api.ping(&check, "/start").await.says(200, "OK");
        let paused = api.update(&check, json!({"paused": 1})).await;
        assert_eq!((&paused["started"], &paused["alert_at"]), (&json!(0), &Value::Null));
        assert_eq!(api.runs(&check).await[0]["result"], "stopped");
        let resumed = api.update(&check, json!({"paused": 0})).await;
        assert_eq!((&resumed["status"], &resumed["alert_at"]), (&json!("new"), &Value::Null));
        assert!(resumed["last_ping_at"].is_string());
        let reasons: Vec<Value> =
            api.flips(&check).await.iter().map(|flip| flip["reason"].clone()).collect();
        assert_eq!(reasons[..2], [json!("resume"), json!("pause")]);
    }

    async fn words_in_the_body_decide_where_the_body_is_filtered(database) {
        let api = shared(database).await;
        let words = json!({
            "filter_http_body": 1, "start_kw": "begin, starting", "success_kw": "done,all good",
            "failure_kw": " error ,FATAL",
        });
        let check = api.check("filtered", words).await;
        for (tail, body, kind) in [
            ("", "now starting", "start"), ("", "it is done", "success"), ("", "an error came", "fail"),
            // Failure words come first, then success, then start.
            ("", "begin … done … error", "fail"), ("", "begin … all good", "success"),
            // The words override the endpoint and its exit status.
            ("/fail", "done", "success"), ("/0", "FATAL: disk full", "fail"), ("/start", "done", "success"),
            ("/3", "begin", "start"),
            // Case counts, and where no word is found the ping is ignored.
            ("", "Error, Done, Begin, fatal", "ign"), ("/fail", "nothing of note", "ign"),
        ] {
            api.ping_with(&check, tail, body).await.says(200, "OK");
            assert_eq!(api.last_ping(&check).await["kind"], kind, "{tail} {body}");
        }
    }

    async fn a_body_without_any_word_is_a_failure_where_that_is_the_default(database) {
        let api = shared(database).await;
        let words = json!({"filter_http_body": 1, "filter_default_fail": 1, "success_kw": "done"});
        let check = api.check("strict filter", words).await;
        api.ping_with(&check, "", "done").await.says(200, "OK");
        api.ping_with(&check, "", "something else").await.says(200, "OK");
        assert_eq!(api.kinds(&check).await, ["success", "fail"]);
        assert_eq!(api.read(&check).await["status"], "down");
    }

    async fn words_are_found_in_bodies_that_are_not_utf_8(database) {
        let api = shared(database).await;
        let words = json!({"filter_http_body": 1, "failure_kw": "error", "success_kw": "fertig"});
        let check = api.check("lossy filter", words).await;
        for body in [&b"\xfc\xfcber: error \xff"[..], b"fertig \xe9"] {
            api.ping_with(&check, "", body.to_vec()).await.says(200, "OK");
        }
        assert_eq!(api.kinds(&check).await, ["fail", "success"]);
    }

    async fn words_without_the_filter_count_for_nothing(database) {
        let api = shared(database).await;
        let check = api.check("no filter", json!({"failure_kw": "error"})).await;
        api.ping_with(&check, "", "error").await.says(200, "OK");
        assert_eq!(api.kinds(&check).await, ["success"]);
    }
}
