//! Taking over from a server of Healthchecks by its API; here a server of ours is asked as one.

use serde_json::{Value, json};

use super::{Desk, path_of};
use crate::support::both_databases;
use crate::support::server::TestServer;

both_databases! {
    async fn a_project_moves_over_with_its_uuids_slugs_states_and_past(database) {
        let there = Desk::open(database).await;
        let hook = json!({"kind": "webhook", "channel_name": "ops", "config": {"url_down": "http://127.0.0.1:1/"}});
        there.api.post(&there.api.path("/channel"), &hook).await.ok();
        let lost = json!({"kind": "webhook", "channel_name": "lost", "config": {"url_down": "http://127.0.0.1:1/"}});
        there.api.post(&there.api.path("/channel"), &lost).await.ok();
        let well = there.check(&json!({
            "name": "Nightly", "slug": "nightly", "tags": "prod db", "desc": "d", "schedule": "0 3 * * *",
            "tz": "Europe/Berlin", "grace": 300, "channels": "*", "methods": "POST"
        })).await;
        let ill = there.check(&json!({"name": "Ill", "timeout": 120})).await;
        let fresh = there.check(&json!({"name": "Fresh"})).await;
        let paused = there.check(&json!({"name": "Paused"})).await;
        there.ok("POST", &path_of(&paused, "/pause"), &Value::Null).await;
        there.api.ping_with(&well, "", "fine").await.says(200, "OK");
        there.api.ping(&ill, "").await.says(200, "OK");
        there.api.ping(&ill, "/fail").await.says(200, "OK");
        // The new server.
        let server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        api.post(&api.path("/channel"), &hook).await.ok();
        let project = api.project.to_string();
        let (url, key) = (there.server.base(), there.key.clone());
        let import = async |more: &[&str]| {
            let own = ["import", "healthchecks", "--url", &url, "--api-key", "-", "--project", &project];
            server.cli_ok(&[&own[..], more].concat(), &format!("{key}\n"))
        };
        let dry = import(&["--dry-run"]).await;
        assert!(dry.contains("+ check \"Nightly\"") && dry.contains("nothing was done"), "{dry}");
        assert!(api.list(&api.path("/check-list")).await.is_empty());
        let done = import(&[]).await;
        assert!(done.contains("done: 4 made, 0 changed, 0 as they were, with 3 pings"), "{done}");
        assert!(done.contains("! channel \"lost\": the project has none of this name"), "{done}");
        assert!(done.contains("! the bodies of 1 pings"), "{done}");
        let checks = api.list(&api.path("/check-list")).await;
        let by_name = |name: &str| checks.iter().find(|check| check["check_name"] == name).unwrap();
        let moved = by_name("Nightly");
        assert_eq!(moved["uuid"], well["uuid"]);
        for (field, value) in [
            ("slug", json!("nightly")), ("tags", json!(["prod", "db"])), ("schedule", json!("0 3 * * *")),
            ("timezone", json!("Europe/Berlin")), ("grace", json!(300)), ("methods", json!("POST")),
            ("status", json!("up")), ("n_pings", json!(1)), ("description", json!("d")),
        ] {
            assert_eq!(moved[field], value, "{field}");
        }
        assert_eq!(moved["channels"].as_array().unwrap().len(), 1);
        assert!(moved["alert_at"].is_string(), "{moved}");
        let (down, new, still) = (by_name("Ill"), by_name("Fresh"), by_name("Paused"));
        assert_eq!((&down["status"], &new["status"], &still["status"]), (&json!("down"), &json!("new"), &json!("paused")));
        assert_eq!((&new["uuid"], &down["n_pings"]), (&fresh["uuid"], &json!(2)));
        let kinds = api.kinds(down).await;
        assert_eq!(kinds.len(), 2, "{kinds:?}");
        assert_eq!(api.flips(down).await.len(), 2);
        // Nobody is told of what others were told of before.
        assert!(api.notifications(down).await.is_empty());
        // A job goes on where it was, and its serial numbers do.
        api.ping(down, "").await.says(200, "OK");
        assert_eq!((&api.read(down).await["status"], &api.last_ping(down).await["n"]), (&json!("up"), &json!(3)));
        // Again: nothing. A change there comes along, and what was done here stays.
        let again = import(&[]).await;
        assert!(again.contains("done: 0 made, 0 changed, 4 as they were"), "{again}");
        there.ok("POST", &path_of(&ill, ""), &json!({"grace": 600})).await;
        let changed: Value = serde_json::from_str(&import(&["--json"]).await).unwrap();
        assert_eq!((&changed["updated"], &changed["unchanged"]), (&json!(["Ill"]), &json!(3)));
        assert_eq!(api.read(down).await["grace"], 600);
        assert_eq!(api.read(down).await["n_pings"], 3);
    }

    async fn what_can_not_be_taken_over_is_told(database) {
        let there = Desk::open(database).await;
        there.check(&json!({"name": "one"})).await;
        let api = &there.api;
        let second = api.post("/user/project", &json!({"project_name": "second"})).await.ok();
        let (here, second) = (api.project.to_string(), second["project_id"].to_string());
        let url = there.server.base();
        let import = |url: &str, key: &str, project: &str| {
            let own = ["import", "healthchecks", "--url", url, "--api-key", key, "--project", project];
            let output = there.server.cli(&own, "");
            let text = [output.stdout, output.stderr].concat();
            (output.status.success(), String::from_utf8_lossy(&text).into_owned())
        };
        // Its UUID is taken: by a check of another project of the same server.
        let (done, text) = import(&url, &there.key, &second);
        assert!(done && text.contains("! check \"one\": its UUID is that of a check of another project"), "{text}");
        let (done, text) = import(&url, &there.key, &here);
        assert!(done && text.contains("1 as they were"), "{text}");
        for (url, key, project, error) in [
            (url.as_str(), "x".repeat(32).as_str(), here.as_str(), "the server does not take it"),
            (&url, &there.reader, &here, "the server does not take it"),
            (&url, &there.key, "999", "there is no project 999"),
            ("ftp://x", &there.key, &here, "must begin with https:// or http://"),
            ("nonsense", &there.key, &here, "must be the address of a server"),
            (&format!("{url}/nowhere"), &there.key, &here, "there is no API of Healthchecks"),
        ] {
            let (done, text) = import(url, key, project);
            assert!(!done && text.contains(error), "{error}: {text}");
        }
    }

    async fn a_backup_of_uptime_kuma_becomes_checks_and_devices(database) {
        let server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        let hook = json!({"kind": "webhook", "channel_name": "ops", "config": {"url_down": "http://127.0.0.1:1/"}});
        let hook = api.post(&api.path("/channel"), &hook).await.ok();
        let port = server.address().port();
        let backup = json!({
            "version": "1.23.13",
            "notificationList": [{"id": 1, "name": "ops"}, {"id": 2, "name": "pager"}],
            "monitorList": [
                {"name": "Nightly", "type": "push", "interval": 3600, "maxretries": 1, "active": true,
                 "notificationIDList": {"1": true}},
                {"name": "Here", "type": "port", "hostname": "127.0.0.1", "port": port, "interval": 1,
                 "active": true, "notificationIDList": {"1": true, "2": true}},
                {"name": "Old", "type": "steam"}
            ]
        });
        let file = server.home().file("backup.json");
        std::fs::write(&file, backup.to_string()).unwrap();
        let project = api.project.to_string();
        let import = |more: &[&str]| {
            let own = ["import", "uptime-kuma", "--file", file.to_str().unwrap(), "--project", &project];
            server.cli_ok(&[&own[..], more].concat(), "")
        };
        assert!(import(&["--dry-run"]).contains("nothing was done"));
        let done = import(&[]);
        for line in ["+ check \"Nightly\"", "+ device \"Here\"", "! monitor \"Old\"", "! channel \"pager\""] {
            assert!(done.contains(line), "{line}: {done}");
        }
        let checks = api.list(&api.path("/check-list")).await;
        let job = checks.iter().find(|check| check["check_name"] == "Nightly").unwrap();
        assert_eq!((&job["period"], &job["grace"]), (&json!(3600), &json!(3600)));
        assert_eq!(job["channels"], json!([hook["channel_id"]]));
        let devices = crate::support::until("the device is up", async || {
            let devices = crate::monitors::get(&api, "/devices").await;
            (devices[0]["status"] == "up").then_some(devices)
        });
        let devices = devices.await;
        assert_eq!((&devices[0]["port"], &devices[0]["location"]), (&json!(port), &json!("Here")));
        let again = import(&[]);
        assert!(again.contains("done: 0 made, 0 changed, 2 as they were"), "{again}");
        std::fs::write(&file, "{}").unwrap();
        let output = server.cli(&["import", "uptime-kuma", "--file", file.to_str().unwrap(), "--project", &project], "");
        assert!(String::from_utf8_lossy(&output.stderr).contains("is no backup of Uptime Kuma"));
    }
}
