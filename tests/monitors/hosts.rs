//! Checks that are linked to the device that their job runs on: a missing ping has it probed, and the
//! alert says which of the two is silent.

use reqwest::Method;
use serde_json::{Value, json};

use super::servers::Server;
use super::{call, device, good, listed, post, until_status};
use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::receiver::Receiver;
use crate::support::server::TestServer;

/// A device that is looked at when it is made, and then once a day.
async fn host(api: &Api, port: u16) -> Value {
    let body = json!({
        "target_type": "ip", "target_value": "127.0.0.1", "service_type": "web", "scheme": "http",
        "port": port, "interval": 86_400, "retries": 0, "timeout": 2
    });
    let made = device(api, &body).await;
    until_status(api, &made, "up").await
}

/// A check of a job on this host that tells this channel, and falls silent after one ping.
async fn silent(api: &Api, name: &str, host: &Value, channel: &Value) -> Value {
    let settings = json!({
        "period": 1, "grace": 1, "device_id": host["id"], "channels": [channel["channel_id"]]
    });
    let check = api.check(name, settings).await;
    assert_eq!(check["device_id"], host["id"]);
    api.ping(&check, "").await.says(200, "OK");
    check
}

async fn hook(api: &Api, receiver: &Receiver) -> Value {
    let url = receiver.url("/");
    let hook = json!({"kind": "webhook", "config": {"url_down": url, "url_up": url}});
    api.post(&api.path("/channel"), &hook).await.ok()
}

/// The alert that came as the one of this number.
async fn news(receiver: &Receiver, number: usize) -> Value {
    let all = receiver.wait_for(number).await;
    serde_json::from_str(all[number - 1].text()).unwrap()
}

both_databases! {
    async fn an_alert_says_that_the_host_is_up_and_the_job_silent(database) {
        let server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        let page = Server::web().await;
        let host = host(&api, page.port).await;
        let receiver = Receiver::start().await;
        let channel = hook(&api, &receiver).await;
        let looks = page.asked().len();
        silent(&api, "backup", &host, &channel).await;
        let told = news(&receiver, 1).await;
        assert_eq!(told["host"]["status"], "up", "{told}");
        let text = told["text"].as_str().unwrap();
        let subject = "backup is down: no ping came in time; host up, job silent.";
        assert!(text.starts_with(subject), "{text}");
        let line = format!("Host: 127.0.0.1:{} (http): up; the job alone is silent", page.port);
        assert!(text.contains(&line), "{text}");
        assert!(page.asked().len() > looks, "it was not looked at");
    }

    async fn an_alert_says_that_the_host_is_down_and_what_is_wrong_with_it(database) {
        let server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        let page = Server::web().await;
        let host = host(&api, page.port).await;
        let receiver = Receiver::start().await;
        let channel = hook(&api, &receiver).await;
        page.change(|manners| manners.status = "503 Gone fishing".into());
        let check = silent(&api, "backup", &host, &channel).await;
        let told = news(&receiver, 1).await;
        assert_eq!(told["host"]["status"], "down", "{told}");
        let text = told["text"].as_str().unwrap();
        assert!(text.starts_with("backup is down: no ping came in time; host down."), "{text}");
        assert!(text.contains("(http): down, public_http: status 503"), "{text}");
        // It is told of as every down is, and so is what follows.
        api.ping(&check, "").await.says(200, "OK");
        let up = news(&receiver, 2).await;
        assert_eq!((&up["status"], &up["host"]), (&json!("up"), &Value::Null), "{up}");
    }

    async fn a_host_that_never_answers_holds_an_alert_up_no_longer_than_its_timeout(database) {
        let server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        // It is greeted, and says nothing itself.
        let deaf = Server::greeter("").await;
        let body = json!({
            "target_type": "ip", "target_value": "127.0.0.1", "service_type": "ssh",
            "port": deaf.port, "interval": 86_400, "retries": 0, "timeout": 1
        });
        let host = device(&api, &body).await;
        until_status(&api, &host, "down").await;
        let receiver = Receiver::start().await;
        let channel = hook(&api, &receiver).await;
        silent(&api, "backup", &host, &channel).await;
        let told = news(&receiver, 1).await;
        assert_eq!(told["host"]["status"], "down", "{told}");
    }

    async fn a_failure_that_is_told_needs_no_host_and_a_device_that_is_off_is_not_asked(database) {
        let server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        let page = Server::web().await;
        let host = host(&api, page.port).await;
        let receiver = Receiver::start().await;
        let channel = hook(&api, &receiver).await;
        let check = api.check("talks", json!({
            "device_id": host["id"], "channels": [channel["channel_id"]]
        })).await;
        let looks = page.asked().len();
        api.ping(&check, "/fail").await.says(200, "OK");
        let told = news(&receiver, 1).await;
        assert!(told["host"].is_null() && page.asked().len() == looks, "{told}");
        let path = format!("/devices/update?id={}", host["id"]);
        good(&post(&api, &path, &json!({"is_enabled": 0})).await, 200);
        silent(&api, "backup", &host, &channel).await;
        let told = news(&receiver, 2).await;
        assert_eq!((&told["reason"], &told["host"]), (&json!("timeout"), &Value::Null), "{told}");
    }

    async fn a_check_is_linked_to_devices_of_its_own_project_alone(database) {
        let server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        let page = Server::web().await;
        let host = host(&api, page.port).await;
        let check = api.check("backup", json!({"device_id": host["id"]})).await;
        let refused = async |body: Value| {
            api.put(&api.check_path(&check, ""), &body).await.fatal(400)
        };
        for wrong in [json!(1_000_000), json!(0), json!(-1), json!("x")] {
            assert!(refused(json!({"device_id": wrong})).await.contains("device_id"));
        }
        let listing = json!({"target_type": "domain", "target_value": "example.org"});
        let listing = good(&post(&api, "/blacklist-monitors/create", &listing).await, 201);
        let message = refused(json!({"device_id": listing["id"]})).await;
        assert!(message.contains("must be the id of a device of this project"), "{message}");
        let own = api.check_path(&json!({"check_id": host["check_id"]}), "");
        api.put(&own, &json!({"device_id": host["id"]})).await.fatal(400);
        let other = api.post("/user/project", &json!({"project_name": "other"})).await.ok();
        let path = format!("/user/project/{}/check", other["project_id"]);
        let body = json!({"check_name": "far", "device_id": host["id"]});
        api.post(&path, &body).await.fatal(400);
        // Nothing of that changed anything; null unlinks it, and so does the device's end.
        assert_eq!(api.read(&check).await["device_id"], host["id"]);
        assert!(api.update(&check, json!({"device_id": null})).await["device_id"].is_null());
        assert_eq!(api.update(&check, json!({"device_id": host["id"]})).await["device_id"], host["id"]);
        assert_eq!(listed(&api, "/devices", &host).await["status"], "up");
        let path = format!("/devices/delete?id={}", host["id"]);
        good(&call(&api, Some(&api.token), Method::DELETE, &path, None).await, 200);
        assert!(api.read(&check).await["device_id"].is_null());
    }
}
