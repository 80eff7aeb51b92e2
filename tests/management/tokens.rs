//! Tokens as scripts have them: made by the command line, listed, revoked.

use serde_json::json;

use super::{fields, new_token, with_token};
use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::server::{TestServer, shared};

both_databases! {
    async fn tokens_are_listed_with_what_is_known_of_them(database) {
        let server = TestServer::start(database, &[]).await;
        let token = server.new_user("list@example.org");
        let api = Api::new_project(server.address(), &token).await;
        let more = ["--expires-in", "1d", "--scopes", "read", "--allow-ip", "10.0.0.0/8"];
        new_token(&server, "list@example.org", "second", &more);
        let list = api.get("/user/token-list").await.ok();
        assert_eq!(fields(&list), ["list", "total_count", "max_count", "offset", "limit", "count"]);
        assert_eq!((&list["total_count"], &list["max_count"]), (&json!(2), &json!(20)));
        let second = &list["list"][1];
        assert_eq!(fields(second), [
            "token_id", "subject", "scopes", "allowed_ips", "created_at", "expires_at", "revoked",
            "last_used_at",
        ]);
        assert_eq!((&second["scopes"], &second["allowed_ips"]), (&json!(["read"]), &json!(["10.0.0.0/8"])));
        assert_eq!((&second["subject"], &second["revoked"], &second["last_used_at"]), (
            &json!("second"), &json!(0), &json!(null),
        ));
        crate::support::until("last_used_at", async || {
            let list = api.get("/user/token-list").await.ok();
            list["list"][0]["last_used_at"].is_string().then_some(())
        })
        .await;
    }

    async fn a_token_can_not_make_tokens_or_show_their_text(database) {
        let api = shared(database).await;
        let wish = json!({"subject": "more", "expires_in": 3600});
        api.post("/user/token", &wish).await.fatal(403);
        // Not for a token whatever is asked: the same for a wish that could not be.
        api.post("/user/token", &json!({})).await.fatal(403);
        let list = api.get("/user/token-list").await.ok();
        let id = list["list"][0]["token_id"].as_i64().unwrap();
        let own = api.get(&format!("/user/token/{id}")).await.ok();
        assert_eq!(own.get("token"), None);
        assert_eq!(own["subject"], list["list"][0]["subject"]);
    }

    async fn a_revoked_token_is_refused_at_once_and_stays_revoked(database) {
        let server = TestServer::start(database, &[]).await;
        let token = server.new_user("revoke@example.org");
        let api = Api::new_project(server.address(), &token).await;
        let other = with_token(&api, &new_token(&server, "revoke@example.org", "other", &[]));
        other.get("/user/profile").await.ok();
        let list = api.get("/user/token-list").await.ok();
        let path = format!("/user/token/{}", list["list"][1]["token_id"]);
        let whole = api.get(&path).await.ok();
        // What was read can be put back, save that nothing is un-revoked.
        assert!(api.put(&path, &whole).await.fatal(400).starts_with("revoked: must be 1"));
        let mut back = whole;
        back["revoked"] = json!(1);
        let answer = api.put(&path, &back).await.ok();
        assert_eq!((&answer["revoked"], &answer["error_list"]), (&json!(1), &json!([])));
        let message = other.get("/user/profile").await.fatal(401);
        assert!(message.contains("revoked"), "{message}");
        api.put(&path, &json!({"revoked": 0})).await.fatal(400);
        api.put(&path, &json!({"revoked": true})).await.fatal(400);
        assert_eq!(api.put(&path, &json!({})).await.ok()["revoked"], 1);
        // The command line revokes in another process, and that counts at once too.
        let third = with_token(&api, &new_token(&server, "revoke@example.org", "third", &[]));
        third.get("/user/profile").await.ok();
        server.cli_ok(&["token", "revoke", "--user", "revoke@example.org", "--subject", "third"], "");
        third.get("/user/profile").await.fatal(401);
    }

    async fn tokens_of_others_are_as_if_they_were_not_there(database) {
        let server = TestServer::start(database, &[]).await;
        let api = Api::new_project(server.address(), &server.new_user("a@example.org")).await;
        let theirs = Api::new_project(server.address(), &server.new_user("b@example.org")).await;
        let list = theirs.get("/user/token-list").await.ok();
        let path = format!("/user/token/{}", list["list"][0]["token_id"]);
        let (alien, missing) = (api.get(&path).await, api.get("/user/token/999999").await);
        assert_eq!(alien.fatal(403), missing.fatal(403));
        api.put(&path, &json!({"revoked": 1})).await.fatal(403);
        api.delete(&path).await.fatal(403);
        theirs.get("/user/profile").await.ok();
    }
}
