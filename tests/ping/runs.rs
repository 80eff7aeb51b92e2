//! Run ids and run times. Durations are only ever held to be at least as long as what was waited.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::api::Api;
use crate::support::server::shared;
use crate::support::{both_databases, new_uuid};

/// How long a job works, and the same in the API's seconds.
const WORK: Duration = Duration::from_millis(60);

async fn work() {
    tokio::time::sleep(WORK).await;
}

/// The run of this id.
async fn run(api: &Api, check: &Value, rid: &str) -> Value {
    let runs = api.runs(check).await;
    let found = runs
        .iter()
        .find(|run| run["rid"].as_str().is_some_and(|text| text.eq_ignore_ascii_case(rid)));
    found.unwrap_or_else(|| panic!("no run {rid} in {runs:?}")).clone()
}

#[track_caller]
fn assert_worked(value: &Value, pieces_of_work: u32) {
    let least = (WORK * pieces_of_work).as_secs_f64();
    let duration = value.as_f64().unwrap_or_else(|| panic!("{value} is no duration"));
    assert!(duration >= least, "{duration} is shorter than {least}");
}

both_databases! {
    async fn start_and_finish_make_a_run_with_a_duration(database) {
        let api = shared(database).await;
        let check = api.check("timed", json!({})).await;
        api.ping(&check, "/start").await.says(200, "OK");
        let running = api.read(&check).await;
        assert_eq!((&running["started"], &running["status"]), (&json!(1), &json!("new")));
        assert!(running["last_ping_at"].is_null() && running["last_start_at"].is_string());
        assert_eq!(api.runs(&check).await[0]["result"], "running");
        work().await;
        api.ping(&check, "").await.says(200, "OK");
        let state = api.read(&check).await;
        assert_eq!((&state["started"], &state["status"]), (&json!(0), &json!("up")));
        assert_worked(&state["last_duration"], 1);
        assert_worked(&api.last_ping(&check).await["duration"], 1);
        let runs = api.runs(&check).await;
        assert_eq!((runs.len(), &runs[0]["result"]), (1, &json!("success")));
        assert_worked(&runs[0]["duration"], 1);
        assert!(runs[0]["rid"].is_null());
    }

    async fn overlapping_runs_are_timed_each_on_its_own(database) {
        let api = shared(database).await;
        let check = api.check("overlapping", json!({})).await;
        let (first, second) = (new_uuid(), new_uuid());
        api.ping(&check, &format!("/start?rid={first}")).await.says(200, "OK");
        work().await;
        api.ping(&check, &format!("/start?rid={second}")).await.says(200, "OK");
        work().await;
        api.ping(&check, &format!("?rid={first}")).await.says(200, "OK");
        assert_worked(&api.last_ping(&check).await["duration"], 2);
        assert_eq!(api.read(&check).await["started"], 1);
        assert_eq!(run(&api, &check, &second).await["result"], "running");
        work().await;
        api.ping(&check, &format!("/5?rid={second}")).await.says(200, "OK");
        assert_worked(&api.last_ping(&check).await["duration"], 2);
        let (one, other) = (run(&api, &check, &first).await, run(&api, &check, &second).await);
        assert_worked(&one["duration"], 2);
        assert_worked(&other["duration"], 2);
        assert_eq!((&one["result"], &one["exit_status"]), (&json!("success"), &Value::Null));
        assert_eq!((&other["result"], &other["exit_status"]), (&json!("fail"), &json!(5)));
        assert_eq!(api.read(&check).await["started"], 0);
        assert_eq!(api.runs(&check).await.len(), 2);
    }

    async fn a_run_id_may_be_written_in_upper_case(database) {
        let api = shared(database).await;
        let check = api.check("upper case", json!({})).await;
        let rid = new_uuid();
        api.ping(&check, &format!("/start?rid={}", rid.to_uppercase())).await.says(200, "OK");
        work().await;
        api.ping(&check, &format!("?rid={rid}")).await.says(200, "OK");
        assert_worked(&run(&api, &check, &rid).await["duration"], 1);
        assert_eq!(api.runs(&check).await.len(), 1);
    }

    async fn run_ids_work_with_slugs(database) {
        let api = shared(database).await;
        let check = api.check("By Slug", json!({})).await;
        let rid = new_uuid();
        api.ping_slug(&format!("by-slug/start?rid={rid}")).await.says(200, "OK");
        api.ping_slug(&format!("by-slug/0?rid={rid}")).await.says(200, "OK");
        assert_eq!(run(&api, &check, &rid).await["result"], "success");
    }

    async fn the_same_run_id_at_two_checks_is_two_runs(database) {
        let api = shared(database).await;
        let (one, other) = (api.check("one", json!({})).await, api.check("other", json!({})).await);
        let rid = new_uuid();
        for check in [&one, &other] {
            api.ping(check, &format!("/start?rid={rid}")).await.says(200, "OK");
        }
        api.ping(&one, &format!("?rid={rid}")).await.says(200, "OK");
        assert_eq!(run(&api, &one, &rid).await["result"], "success");
        assert_eq!(run(&api, &other, &rid).await["result"], "running");
    }

    async fn a_finish_of_a_run_that_never_started_is_a_ping_without_run(database) {
        let api = shared(database).await;
        let check = api.check("no start", json!({})).await;
        let rid = new_uuid();
        api.ping(&check, &format!("?rid={rid}")).await.says(200, "OK");
        let ping = api.last_ping(&check).await;
        assert_eq!((&ping["rid"], &ping["duration"]), (&json!(rid), &Value::Null));
        assert!(api.runs(&check).await.is_empty());
        assert!(api.read(&check).await["last_duration"].is_null());
    }

    async fn a_finish_without_run_id_closes_every_open_run(database) {
        let api = shared(database).await;
        let check = api.check("closes all", json!({})).await;
        let rids = [new_uuid(), new_uuid()];
        for rid in &rids {
            api.ping(&check, &format!("/start?rid={rid}")).await.says(200, "OK");
        }
        api.ping(&check, "/start").await.says(200, "OK");
        api.ping(&check, "/fail").await.says(200, "OK");
        let runs = api.runs(&check).await;
        let anonymous = runs.iter().find(|run| run["rid"].is_null()).unwrap();
        assert_eq!(anonymous["result"], "fail");
        for rid in &rids {
            assert_eq!(run(&api, &check, rid).await["result"], "lost");
        }
        assert_eq!(api.read(&check).await["started"], 0);
    }

    async fn a_finish_without_run_id_is_the_only_open_runs_own(database) {
        let api = shared(database).await;
        let check = api.check("the only one", json!({})).await;
        let rid = new_uuid();
        api.ping(&check, &format!("/start?rid={rid}")).await.says(200, "OK");
        work().await;
        api.ping(&check, "/2").await.says(200, "OK");
        let run = run(&api, &check, &rid).await;
        assert_eq!((&run["result"], &run["exit_status"]), (&json!("fail"), &json!(2)));
        assert_worked(&run["duration"], 1);
    }

    async fn a_second_start_of_the_same_run_begins_it_anew(database) {
        let api = shared(database).await;
        let check = api.check("again", json!({})).await;
        let rid = new_uuid();
        for _ in 0..2 {
            api.ping(&check, &format!("/start?rid={rid}")).await.says(200, "OK");
        }
        api.ping(&check, &format!("?rid={rid}")).await.says(200, "OK");
        let results: Vec<Value> =
            api.runs(&check).await.iter().map(|run| run["result"].clone()).collect();
        assert_eq!(results, [json!("success"), json!("lost")]);
    }

    async fn a_log_with_a_run_id_belongs_to_the_run_and_leaves_it_open(database) {
        let api = shared(database).await;
        let check = api.check("logged", json!({})).await;
        let rid = new_uuid();
        api.ping(&check, &format!("/start?rid={rid}")).await.says(200, "OK");
        api.ping_with(&check, &format!("/log?rid={rid}"), "half way").await.says(200, "OK");
        let ping = api.last_ping(&check).await;
        assert_eq!((&ping["kind"], &ping["rid"]), (&json!("log"), &json!(rid)));
        assert_eq!(run(&api, &check, &rid).await["result"], "running");
    }
}
