//! Projects and their ping keys.

use serde_json::json;

use super::fields;
use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::server::{TestServer, shared};

/// The state that the project shows.
async fn status(api: &Api) -> String {
    api.get(&api.path("")).await.ok()["status"].as_str().unwrap().to_owned()
}

both_databases! {
    async fn a_project_is_made_read_changed_and_deleted(database) {
        let api = shared(database).await;
        let made = api.post("/user/project", &json!({"project_name": "  Nightly  "})).await.ok();
        assert_eq!(fields(&made), [
            "project_id", "project_name", "uuid", "ping_key", "auto_create", "check_count", "status",
            "created_at", "error_list",
        ]);
        assert_eq!((&made["project_name"], &made["auto_create"]), (&json!("Nightly"), &json!(1)));
        assert_eq!((&made["check_count"], &made["status"]), (&json!(0), &json!("new")));
        assert_eq!((made["ping_key"].as_str().unwrap().len(), &made["error_list"]), (22, &json!([])));
        let path = format!("/user/project/{}", made["project_id"]);
        let read = api.get(&path).await.ok();
        // What was read can be put back.
        let mut back = api.put(&path, &read).await.ok();
        assert_eq!(back.as_object_mut().unwrap().remove("error_list"), Some(json!([])));
        assert_eq!(back, read);
        let changed = api.put(&path, &json!({"auto_create": 0})).await.ok();
        assert_eq!((&changed["project_name"], &changed["auto_create"]), (&json!("Nightly"), &json!(0)));
        assert_eq!(api.delete(&path).await.ok(), json!({"error_list": []}));
        api.get(&path).await.fatal(403);
        api.delete(&path).await.fatal(403);
    }

    async fn what_is_wrong_with_a_project_is_named(database) {
        let api = shared(database).await;
        for (body, start) in [
            (json!({}), "project_name: is required"),
            (json!({"project_name": ""}), "project_name: must have 1 to 100"),
            (json!({"project_name": " "}), "project_name: must have 1 to 100"),
            (json!({"project_name": "x".repeat(101)}), "project_name: must have 1 to 100"),
            (json!({"project_name": "x", "auto_create": true}), "auto_create: must be 0 or 1"),
            (json!({"project_name": "x", "ping_key": "y"}), "ping_key: is unknown"),
        ] {
            let message = api.post("/user/project", &body).await.fatal(400);
            assert!(message.starts_with(start), "{message}");
        }
    }

    async fn projects_are_listed_by_id_with_their_counts(database) {
        let server = TestServer::start(database, &[]).await;
        let api = Api::new_project(server.address(), &server.new_user("list@example.org")).await;
        api.check("one", json!({})).await;
        api.check("two", json!({})).await;
        let second = api.post("/user/project", &json!({"project_name": "Empty"})).await.ok();
        let list = api.get("/user/project-list").await.ok();
        assert_eq!((&list["total_count"], &list["count"]), (&json!(2), &json!(2)));
        assert_eq!((&list["list"][0]["check_count"], &list["list"][0]["project_id"]), (&json!(2), &json!(api.project)));
        assert_eq!((&list["list"][1]["check_count"], &list["list"][1]["project_id"]), (&json!(0), &second["project_id"]));
        let page = api.get("/user/project-list?offset=1&limit=1").await.ok();
        assert_eq!((&page["total_count"], &page["list"][0]), (&json!(2), &list["list"][1]));
    }

    async fn a_project_shows_the_gravest_state_of_its_checks(database) {
        let api = shared(database).await;
        assert_eq!(status(&api).await, "new");
        let one = api.check("one", json!({"period": 1, "grace": 3600})).await;
        let two = api.check("two", json!({})).await;
        api.update(&one, json!({"paused": 1})).await;
        api.update(&two, json!({"paused": 1})).await;
        assert_eq!(status(&api).await, "paused");
        api.update(&two, json!({"paused": 0})).await;
        assert_eq!(status(&api).await, "new");
        api.ping(&two, "").await.says(200, "OK");
        assert_eq!(status(&api).await, "up");
        api.ping(&one, "").await.says(200, "OK");
        crate::support::until("grace", async || (status(&api).await == "grace").then_some(())).await;
        api.ping(&two, "/fail").await.says(200, "OK");
        assert_eq!(status(&api).await, "down");
    }

    async fn a_new_ping_key_puts_the_old_one_out_of_use(database) {
        let api = shared(database).await;
        api.check("Keyed", json!({})).await;
        api.ping_slug("keyed").await.says(200, "OK");
        let answer = api.post(&api.path("/ping-key"), &json!({})).await.ok();
        let key = answer["ping_key"].as_str().unwrap();
        assert!(key != api.ping_key && answer["error_list"] == json!([]));
        api.ping_slug("keyed").await.says(404, "not found");
        api.hit("GET", &format!("/ping/{key}/keyed")).await.says(200, "OK");
        let check = &api.list(&api.path("/check-list")).await[0];
        assert!(check["slug_url"].as_str().unwrap().ends_with(&format!("/{key}/keyed")));
    }

    async fn a_deleted_project_takes_everything_with_it(database) {
        let api = shared(database).await;
        let check = api.check("Gone", json!({})).await;
        api.ping_with(&check, "", "a body").await.says(200, "OK");
        api.delete(&api.path("")).await.ok();
        api.ping(&check, "").await.says(404, "not found");
        api.ping_slug("gone").await.says(404, "not found");
        api.get(&api.check_path(&check, "")).await.fatal(403);
    }
}
