//! Pings, their bodies and flips.

use serde_json::{Value, json};

use super::{Desk, path_of};
use crate::support::{both_databases, now};

both_databases! {
    async fn pings_are_listed_the_latest_first_with_their_bodies(database) {
        let desk = Desk::open(database).await;
        let check = desk.check(&json!({"name": "a"})).await;
        let rid = "0b3f1c7e-5a0e-4a8f-9a52-3c1a9c1f0d11";
        desk.api.ping(&check, &format!("/start?rid={rid}")).await.says(200, "OK");
        desk.api.ping_with(&check, &format!("?rid={rid}"), "café\n").await.says(200, "OK");
        desk.api.ping(&check, "/7").await.says(200, "OK");
        let list = desk.ok("GET", &path_of(&check, "/pings/"), &Value::Null).await;
        let pings = list["pings"].as_array().unwrap();
        let brief: Vec<_> = pings.iter().map(|p| (p["n"].as_i64().unwrap(), p["type"].as_str().unwrap())).collect();
        assert_eq!(brief, [(3, "fail"), (2, "success"), (1, "start")]);
        let success = &pings[1];
        assert_eq!((&success["rid"], &success["scheme"], &success["method"]), (&json!(rid), &json!("http"), &json!("POST")));
        assert!(success["duration"].is_f64() && pings[2]["duration"].is_null(), "{list}");
        assert_eq!((&success["remote_addr"], &pings[0]["body_url"], &pings[0]["rid"]), (&json!("127.0.0.1"), &Value::Null, &Value::Null));
        let date = success["date"].as_str().unwrap();
        assert!(date.len() == 32 && date.ends_with("+00:00") && date.contains('.'), "{date}");
        let url = success["body_url"].as_str().unwrap_or_else(|| panic!("{list} {:?}", desk.server.log()));
        let path = &url[url.find("/checks/").unwrap()..];
        assert_eq!(path, path_of(&check, "/pings/2/body"));
        let body = desk.send("GET", path, &desk.key, "").await;
        assert_eq!(body.text(), "café\n");
        assert_eq!(body.header("content-type"), "text/plain; charset=utf-8");
        for missing in ["/pings/3/body", "/pings/9/body", "/pings/x/body"] {
            assert_eq!(desk.send("GET", &path_of(&check, missing), &desk.key, "").await.status, 404);
        }
    }

    async fn flips_are_ups_and_downs_within_a_span(database) {
        let desk = Desk::open(database).await;
        let check = desk.check(&json!({"name": "a"})).await;
        let began = now().epoch_seconds();
        desk.api.ping(&check, "").await.says(200, "OK");
        desk.api.ping(&check, "/fail").await.says(200, "OK");
        desk.ok("POST", &path_of(&check, "/pause"), &Value::Null).await;
        let flips = async |query: String| {
            let path = path_of(&check, &format!("/flips/{query}"));
            let list = desk.ok("GET", &path, &Value::Null).await["flips"].clone();
            list.as_array().unwrap().iter().map(|flip| flip["up"].as_i64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(flips(String::new()).await, [0, 1]);
        assert_eq!(flips("?seconds=3600".into()).await, [0, 1]);
        assert_eq!(flips(format!("?start={began}&end={}", began + 1000)).await, [0, 1]);
        assert!(flips(format!("?end={began}")).await.is_empty());
        assert!(flips(format!("?start={}", began + 1000)).await.is_empty());
        for wrong in ["?seconds=x", "?seconds=-1", "?seconds=31536001", "?start=1.5", "?end=later"] {
            let path = path_of(&check, &format!("/flips/{wrong}"));
            assert_eq!(desk.send("GET", &path, &desk.key, "").await.status, 400, "{wrong}");
        }
        let path = path_of(&check, "/flips/");
        let list = desk.ok("GET", &path, &Value::Null).await;
        let at = list["flips"][0]["timestamp"].as_str().unwrap();
        assert!(at.len() == 25 && at.ends_with("+00:00"), "{at}");
    }
}
