//! What the list tells: byte for byte as the API tells it that this one follows.

use serde_json::{Value, json};

use super::{Signer, USER, records, start};
use crate::support::server::TestServer;
use crate::support::{both_databases, time, until};

/// The answer examples, without the spaces between their parts.
const ONE: &str = r#"{"resources":{"total_cnt":1,"total_page_cnt":"1","current_start_page":"1","current_end_page":"10","record_data":[{"instanceNo":"1234567890","start_date":"2020-05-21 12:00:00","end_date":null,"status":"예약","start_url":"http://your-domain.com","crawl_cnt":null,"scan_cnt":null,"memo":"샘플","result_button":"cancel","result_desc":null,"rescan_button":null,"slave_data":null}]}}"#;
const NONE: &str = r#"{"resources":{"total_cnt":0,"total_page_cnt":"1","current_start_page":"1","current_end_page":"1","record_data":null}}"#;

/// A time as a clock in Seoul shows it: always nine hours ahead.
fn in_seoul(at: &Value) -> String {
    let wall = time(at).plus_seconds(9 * 3600).to_rfc3339();
    wall[..19].replace('T', " ")
}

/// These fields of a job, in this order.
fn of(job: &Value, names: &str) -> Value {
    names.split(' ').map(|name| job[name].clone()).collect()
}

/// What changes from run to run.
const STANDING: &str = "status result_button crawl_cnt scan_cnt result_desc rescan_button";

both_databases! {
    async fn the_answers_are_the_examples_byte_for_byte(database) {
        let server = TestServer::start(database, &[]).await;
        let (api, signer) = start(&server).await;
        api.put("/user/profile", &json!({"timezone": "Asia/Seoul"})).await.ok();
        let answer = signer.get("limit=10&page=1").await;
        assert_eq!((answer.status, answer.text()), (200, NONE));
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");

        let check = api.check("샘플", json!({})).await;
        assert_eq!(signer.get("limit=10&page=1").await.text(), NONE, "nothing is expected yet");
        api.ping(&check, "").await.says(200, "OK");
        let check = api.read(&check).await;
        let wanted = ONE
            .replace("1234567890", &format!("c{}", check["check_id"]))
            .replace("2020-05-21 12:00:00", &in_seoul(&check["next_ping_at"]))
            .replace("http://your-domain.com", check["ping_url"].as_str().unwrap());
        assert_eq!(signer.get("limit=10&page=1").await.text(), wanted);
        // A page behind the last, in another block.
        let answer = signer.get("limit=10&page=15").await.ok();
        let wanted = json!({"total_cnt": 1, "total_page_cnt": "1", "current_start_page": "11",
            "current_end_page": "20", "record_data": null});
        assert_eq!(answer["resources"], wanted);
    }

    async fn every_way_in_which_a_run_can_stand_is_told(database) {
        let server = TestServer::start(database, &[]).await;
        let (api, signer) = start(&server).await;
        let check = api.check("backup", json!({})).await;
        let ping = async |tail: &str, body: &str| {
            api.ping_with(&check, tail, body.to_owned()).await.says(200, "OK");
        };
        ping("/start", "").await;
        let jobs = signer.jobs().await;
        assert_eq!(jobs.len(), 1, "a check that has only begun once expects nothing");
        assert_eq!(of(&jobs[0], STANDING), json!(["진행중", "terminate", null, null, null, "possible"]));
        assert_eq!(jobs[0]["end_date"], Value::Null);
        let run = api.runs(&check).await.swap_remove(0);
        assert_eq!(jobs[0]["instanceNo"], run["run_id"].to_string());

        for words in ["one", "two"] {
            ping("/log", words).await;
        }
        ping("/log?rid=6f4bb1ee-2f1f-4ae1-9f3b-2a7f6a3f6d10", "of another run").await;
        ping("", "all is well").await;
        ping("/log", "after it").await;
        let jobs = signer.jobs().await;
        assert_eq!(jobs.len(), 2, "the next one is expected");
        assert_eq!(jobs[0]["status"], "예약");
        assert_eq!(of(&jobs[1], STANDING), json!(["완료", "report", 2, 0, null, "possible"]));
        let run = api.runs(&check).await.swap_remove(0);
        let utc = |at: &Value| time(at).to_rfc3339()[..19].replace('T', " ");
        let times = json!([utc(&run["started_at"]), utc(&run["finished_at"])]);
        assert_eq!(of(&jobs[1], "start_date end_date"), times);
        assert_eq!(of(&jobs[1], "memo start_url slave_data"), json!(["backup", check["ping_url"], null]));

        ping("/start", "").await;
        ping("/3", &format!("{}\n디스크가 가득 찼습니다\n", "x".repeat(3000))).await;
        let jobs = signer.jobs().await;
        assert_eq!(jobs.len(), 2, "a check that is down expects nothing");
        let said = jobs[0]["result_desc"].as_str().unwrap();
        assert!(said.starts_with("exit status 3\nxxx") && said.ends_with("찼습니다"), "{said}");
        assert_eq!(said.chars().count(), "exit status 3\n".len() + 500, "the tail of it: {said}");
        assert_eq!(of(&jobs[0], "status result_button crawl_cnt scan_cnt"), json!(["실패", "cause", 0, 1]));
        assert_eq!(of(&jobs[1], STANDING), json!(["완료", "report", 2, 0, null, null]));

        ping("/start", "").await;
        ping("/start", "").await;
        api.update(&check, json!({"paused": 1})).await;
        let jobs = signer.jobs().await;
        assert_eq!(of(&jobs[0], STANDING), json!(["중지", "terminate", 0, 0, null, "possible"]));
        assert_eq!(of(&jobs[1], STANDING), json!(["중지", "terminate", 0, 0, null, null]));

        let answer = signer.get("limit=100&page=1&lang=en").await.ok();
        let words: Vec<Value> =
            records(&answer).iter().map(|job| job["status"].clone()).collect();
        assert_eq!(json!(words), json!(["stopped", "stopped", "failed", "done"]));
    }

    async fn a_run_that_takes_too_long_has_failed_whatever_comes_after(database) {
        let server = TestServer::start(database, &[]).await;
        let (api, signer) = start(&server).await;
        let check = api.check("slow", json!({"max_runtime": 1})).await;
        api.ping(&check, "/start?rid=6f4bb1ee-2f1f-4ae1-9f3b-2a7f6a3f6d10").await;
        until("the run to be late", async || {
            (signer.jobs().await[0]["status"] == "실패").then_some(())
        })
        .await;
        let job = signer.jobs().await.swap_remove(0);
        assert_eq!(of(&job, STANDING), json!(["실패", "cause", null, null, "took too long", "possible"]));
        assert_eq!(job["end_date"], Value::Null);
        let tail = "/fail?rid=6f4bb1ee-2f1f-4ae1-9f3b-2a7f6a3f6d10";
        api.ping_with(&check, tail, "broken at last").await.says(200, "OK");
        let job = signer.jobs().await.swap_remove(0);
        let said = "took too long\nbroken at last";
        assert_eq!(of(&job, STANDING), json!(["실패", "cause", 0, 2, said, "possible"]));
    }

    async fn the_list_has_all_projects_of_the_user_and_ping_urls_for_those_who_may_ping(database) {
        let server = TestServer::start(database, &[]).await;
        let (api, signer) = start(&server).await;
        let other = server.owner().await;
        for (api, name) in [(&api, "mine"), (&other, "theirs")] {
            let check = api.check(name, json!({})).await;
            api.ping(&check, "/start").await;
        }
        let told = async |signer: &Signer| {
            let jobs = signer.jobs().await;
            let told = jobs.iter().map(|job| (job["memo"].clone(), job["start_url"].is_string()));
            told.collect::<Vec<_>>()
        };
        assert_eq!(told(&signer).await, [(json!("mine"), true)]);
        let viewer = json!({"email": USER, "role": "viewer"});
        let member = other.post(&other.path("/member"), &viewer).await.ok();
        assert_eq!(told(&signer).await, [(json!("theirs"), false), (json!("mine"), true)]);
        let path = other.path(&format!("/member/{}", member["user_id"]));
        other.put(&path, &json!({"role": "editor"})).await.ok();
        assert_eq!(told(&signer).await, [(json!("theirs"), true), (json!("mine"), true)]);
        other.delete(&path).await.ok();
        assert_eq!(told(&signer).await, [(json!("mine"), true)]);
    }
}
