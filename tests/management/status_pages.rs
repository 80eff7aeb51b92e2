//! Status pages and access keys by the API.

use serde_json::json;

use super::{add_member, new_token, with_token};
use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::random_name;
use crate::support::server::TestServer;
use crate::support::visitor::Visitor;

both_databases! {
    async fn a_status_page_is_made_read_changed_and_deleted(database) {
        let server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        let check = api.check("nightly backup", json!({})).await;
        let title = format!("Our jobs {}", random_name("n"));
        let body = json!({"title": title, "checks": [check["check_id"]], "tags": ["shop"]});
        let made = api.post(&api.path("/status-page"), &body).await.ok();
        let slug = made["slug"].as_str().unwrap().to_owned();
        assert!(slug.starts_with("our-jobs-") && made["public"] == 1 && made["text"] == "", "{made}");
        assert_eq!(made["error_list"], json!([]));
        let path = api.path(&format!("/status-page/{}", made["status_page_id"]));
        let read = api.get(&path).await.ok();
        assert_eq!((&read["checks"], &read["tags"]), (&json!([check["check_id"]]), &json!(["shop"])));
        assert_eq!(api.list(&api.path("/status-page-list")).await, std::slice::from_ref(&read));
        let page = Visitor::at(&server).get(&format!("/status/{slug}")).await;
        assert!(page.status == 200 && page.text().contains("nightly backup"), "{}", page.text());
        let change = json!({"text": "What runs at night.", "public": 0, "checks": []});
        let changed = api.put(&path, &change).await.ok();
        assert_eq!((&changed["title"], &changed["public"]), (&json!(title), &json!(0)));
        assert_eq!((&changed["checks"], &changed["tags"]), (&json!([]), &json!(["shop"])));
        for wrong in [
            json!({"title": ""}), json!({"slug": "No Good"}), json!({"checks": [999_999]}),
            json!({"public": true}), json!({"text": "x".repeat(2001)}), json!({"unknown": 1}),
        ] {
            api.put(&path, &wrong).await.fatal(400);
        }
        api.post(&api.path("/status-page"), &json!({"slug": "x"})).await.fatal(400);
        let taken = api.post(&api.path("/status-page"), &json!({"title": "x", "slug": slug})).await;
        assert!(taken.fatal(400).contains("taken"));
        let email = format!("{}@example.org", random_name("v-"));
        let viewer = with_token(&api, &server.new_user(&email));
        add_member(&server.database().url, api.project, &email, "viewer").await;
        viewer.get(&path).await.ok();
        viewer.put(&path, &json!({"public": 1})).await.fatal(403);
        let other = server.owner().await;
        other.get(&other.path(&format!("/status-page/{}", made["status_page_id"]))).await.fatal(403);
        api.delete(&path).await.ok();
        api.get(&path).await.fatal(403);
    }

    async fn access_keys_are_made_by_a_session_alone_and_shown_once(database) {
        let server = TestServer::start(database, &[]).await;
        let email = format!("{}@example.org", random_name("k-"));
        let api = Api::new_project(server.address(), &server.new_user(&email)).await;
        api.post("/user/access-key", &json!({})).await.fatal(403);
        let session = Visitor::at(&server).signed_in(&email).await;
        let session = with_token(&api, &session.token.expect("a session"));
        let made = session.call("POST".parse().unwrap(), "/user/access-key", None).await.ok();
        let (key, secret) = (made["access_key"].as_str().unwrap(), made["secret_key"].as_str().unwrap());
        assert!(key.len() >= 16 && secret.len() >= 32, "{made}");
        let list = api.list("/user/access-key-list").await;
        assert_eq!((list.len(), &list[0]["access_key"]), (1, &json!(key)));
        assert_eq!((&list[0]["secret_key"], &list[0]["last_used_at"]), (&json!(null), &json!(null)));
        let token = new_token(&server, &email, "ro", &["--scopes", "read"]);
        let path = format!("/user/access-key/{}", made["access_key_id"]);
        with_token(&api, &token).delete(&path).await.fatal(403);
        server.owner().await.delete(&path).await.fatal(403);
        api.delete(&path).await.ok();
        assert!(api.list("/user/access-key-list").await.is_empty());
        api.delete(&path).await.fatal(403);
    }
}
