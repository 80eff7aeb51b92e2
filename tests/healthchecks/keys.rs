//! Who may ask what.

use serde_json::json;

use super::{Desk, path_of, send};
use crate::support::both_databases;

both_databases! {
    async fn a_key_opens_its_project_and_nothing_else(database) {
        let desk = Desk::open(database).await;
        assert!(desk.key.len() == 32 && desk.key.starts_with("hcw_"), "{}", desk.key);
        assert!(desk.reader.len() == 32 && desk.reader.starts_with("hcr_"), "{}", desk.reader);
        let check = desk.check(&json!({"name": "one"})).await;
        for wrong in ["", "short", &"x".repeat(33)] {
            let answer = desk.send("GET", "/checks/", wrong, "").await;
            assert_eq!((answer.status, answer.text()), (401, r#"{"error":"missing api key"}"#));
        }
        let unknown = desk.send("GET", "/checks/", &"x".repeat(32), "").await;
        assert_eq!((unknown.status, unknown.text()), (401, r#"{"error":"wrong api key"}"#));
        // A key that reads.
        let uuid = path_of(&check, "");
        for (method, path) in [
            ("POST", "/checks/".to_owned()), ("POST", uuid.clone()), ("DELETE", uuid.clone()),
            ("POST", format!("{uuid}/pause")), ("POST", format!("{uuid}/resume")),
            ("GET", format!("{uuid}/pings/")), ("GET", format!("{uuid}/pings/1/body")),
            ("GET", "/channels/".to_owned()),
        ] {
            let answer = desk.send(method, &path, &desk.reader, "").await;
            assert_eq!((answer.status, answer.text()), (401, r#"{"error":"wrong api key"}"#), "{path}");
        }
        for path in ["/checks/", &uuid, &format!("{uuid}/flips/"), "/badges/"] {
            assert_eq!(desk.send("GET", path, &desk.reader, "").await.status, 200, "{path}");
        }
        // In the body, as some clients send it.
        let body = json!({"api_key": desk.key, "name": "two"}).to_string();
        assert_eq!(desk.send("POST", "/checks/", "", &body).await.status, 201);
        // Of another project.
        let other = Desk::open(database).await;
        assert_eq!(other.send("GET", &uuid, &other.key, "").await.status, 404);
        let second = desk.api.post("/user/project", &json!({"project_name": "other"})).await.ok();
        let project = second["project_id"].to_string();
        let theirs = desk.server.cli_ok(&["api-key", "create", "--project", &project], "");
        let answer = desk.send("GET", &uuid, &theirs, "").await;
        assert_eq!((answer.status, answer.text()), (403, ""));
        let list = desk.send("GET", "/checks/", &theirs, "").await.json();
        assert_eq!(list, json!({"checks": []}));
    }

    async fn a_key_is_shown_once_listed_by_its_beginning_and_taken_back(database) {
        let desk = Desk::open(database).await;
        let path = desk.api.path("/api-key-list");
        let keys = desk.api.list(&path).await;
        assert_eq!(keys.len(), 2);
        assert_eq!(keys[0]["hint"], desk.key[..8]);
        assert_eq!((&keys[0]["read_only"], &keys[1]["read_only"]), (&json!(0), &json!(1)));
        assert!(keys.iter().all(|key| key["api_key"].is_null()), "{keys:?}");
        // A token makes none: only a session or the command line does.
        desk.api.post(&desk.api.path("/api-key"), &json!({"read_only": 1})).await.fatal(403);
        desk.send("GET", "/checks/", &desk.key, "").await;
        let id = &keys[0]["api_key_id"];
        desk.api.delete(&desk.api.path(&format!("/api-key/{id}"))).await.ok();
        assert_eq!(desk.send("GET", "/checks/", &desk.key, "").await.status, 401);
        desk.api.delete(&desk.api.path(&format!("/api-key/{id}"))).await.fatal(403);
        let project = desk.api.project.to_string();
        let id = keys[1]["api_key_id"].to_string();
        assert!(desk.server.cli_ok(&["api-key", "list", "--project", &project], "").contains("read-only"));
        desk.server.cli_ok(&["api-key", "revoke", "--project", &project, &id], "");
        assert_eq!(desk.send("GET", "/checks/", &desk.reader, "").await.status, 401);
        // The database has only hashes.
        let in_a_file = |file: std::fs::DirEntry| {
            let bytes = std::fs::read(file.path()).unwrap_or_default();
            [&desk.key, &desk.reader].iter().any(|key| bytes.windows(key.len()).any(|b| b == key.as_bytes()))
        };
        let files = std::fs::read_dir(desk.server.home().path()).unwrap();
        assert!(!files.map(Result::unwrap).any(in_a_file));
    }

    async fn browsers_elsewhere_may_ask_and_paths_want_their_slash(database) {
        let desk = Desk::open(database).await;
        let answer = desk.send("OPTIONS", "/checks/", "", "").await;
        assert_eq!((answer.status, answer.text()), (204, ""));
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("access-control-allow-headers"), "X-Api-Key");
        assert_eq!(answer.header("access-control-allow-methods"), "GET, POST, OPTIONS");
        assert_eq!(answer.header("access-control-max-age"), "600");
        let answer = desk.send("PUT", "/checks/", &desk.key, "").await;
        assert_eq!((answer.status, answer.text()), (405, ""));
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        let wrong = desk.send("GET", "/checks/", "", "").await;
        assert_eq!(wrong.header("access-control-allow-origin"), "*");
        for version in ["v1", "v2", "v3"] {
            for path in ["checks", "channels", "badges", "status", "checks/x/pings", "checks/x/flips"] {
                let from = format!("/api/{version}/{path}");
                let answer = send(&desk.api, "GET", &format!("{from}?tag=a"), "", "").await;
                assert_eq!(answer.status, 301, "{from}");
                assert_eq!(answer.header("location"), format!("{from}/?tag=a"));
            }
            let status = send(&desk.api, "GET", &format!("/api/{version}/status/"), "", "").await;
            assert_eq!((status.status, status.text()), (200, "OK"));
            assert!(!status.headers.contains_key("access-control-allow-origin"));
        }
        assert_eq!(send(&desk.api, "GET", "/api/v4/checks/", &desk.key, "").await.status, 404);
    }
}
