//! Sessions, and what is theirs alone: making tokens and seeing their text; and what hangs on the
//! passing of time.

use std::time::Duration;

use serde_json::json;

use super::desk::Desk;
use crate::support::both_databases;

const MINUTE: Duration = Duration::from_mins(1);

/// The value that a `Set-Cookie` line sets, and its attributes.
fn parts(cookie: &str) -> (&str, Vec<&str>) {
    let mut parts = cookie.split("; ");
    let (name, value) = parts.next().unwrap().split_once('=').unwrap();
    assert_eq!(name, "api_access_token");
    (value, parts.collect())
}

both_databases! {
    async fn a_session_makes_tokens_and_sees_their_text_again_byte_for_byte(database) {
        let desk = Desk::with(database, |_| ()).await;
        let session = desk.sign_in().await;
        let wish = json!({"subject": "deploy", "expires_in": 3600});
        let made = desk.call(&session, "POST", "/user/token", Some(wish)).await.ok();
        assert_eq!((&made["subject"], &made["scopes"]), (&json!("deploy"), &json!(["read", "write"])));
        assert_eq!((&made["revoked"], &made["allowed_ips"]), (&json!(0), &json!([])));
        assert_eq!((&made["created_at"], &made["expires_at"]), (
            &json!("2027-01-15T08:00:00.000000Z"), &json!("2027-01-15T09:00:00.000000Z"),
        ));
        assert_eq!(made["error_list"], json!([]));
        let text = made["token"].as_str().unwrap();
        desk.call(text, "GET", "/user/profile", None).await.ok();
        let path = format!("/user/token/{}", made["token_id"]);
        assert_eq!(desk.call(&session, "GET", &path, None).await.ok()["token"], text);
        assert_eq!(desk.call(text, "GET", &path, None).await.ok().get("token"), None);
        let list = desk.call(&session, "GET", "/user/token-list", None).await.ok();
        assert_eq!((&list["total_count"], list["list"][0].get("token")), (&json!(1), None));
    }

    async fn what_is_wrong_with_a_wish_for_a_token_is_named(database) {
        let desk = Desk::with(database, |config| config.tokens.max_days = 1).await;
        let session = desk.sign_in().await;
        for (wish, field) in [
            (json!({"expires_in": 60}), "subject: "),
            (json!({"subject": "s"}), "expires_in: "),
            (json!({"subject": "", "expires_in": 60}), "subject: "),
            (json!({"subject": "s", "expires_in": 0}), "expires_in: "),
            (json!({"subject": "s", "expires_in": 86_401}), "expires_in: "),
            (json!({"subject": "s", "expires_in": "1d"}), "expires_in: "),
            (json!({"subject": "s", "expires_in": 60, "scopes": []}), "scopes: "),
            (json!({"subject": "s", "expires_in": 60, "scopes": ["all"]}), "scopes: "),
            (json!({"subject": "s", "expires_in": 60, "scopes": "read"}), "scopes: "),
            (json!({"subject": "s", "expires_in": 60, "allowed_ips": ["here"]}), "allowed_ips: "),
            (json!({"subject": "s", "expires_in": 60, "token": "x"}), "token: "),
        ] {
            let message = desk.call(&session, "POST", "/user/token", Some(wish)).await.fatal(400);
            assert!(message.starts_with(field), "{message}");
        }
        let wish = || Some(json!({"subject": "twin", "expires_in": 60}));
        desk.call(&session, "POST", "/user/token", wish()).await.ok();
        let message = desk.call(&session, "POST", "/user/token", wish()).await.fatal(400);
        assert!(message.starts_with("subject: must be unique"), "{message}");
    }

    async fn a_full_set_of_tokens_says_when_the_next_place_is_free(database) {
        let desk = Desk::with(database, |config| config.tokens.max_count = 2).await;
        let session = desk.sign_in().await;
        let wish = |name: &str, life: i64| Some(json!({"subject": name, "expires_in": life}));
        desk.call(&session, "POST", "/user/token", wish("a", 600)).await.ok();
        let b = desk.call(&session, "POST", "/user/token", wish("b", 60)).await.ok();
        let path = format!("/user/token/{}", b["token_id"]);
        let revoked = desk.call(&session, "PUT", &path, Some(json!({"revoked": 1}))).await.ok();
        assert_eq!(revoked["revoked"], 1);
        let message = desk.call(&session, "POST", "/user/token", wish("c", 60)).await.fatal(403);
        assert!(message.contains("2027-01-15T08:01:00.000000Z"), "{message}");
        desk.ctx.clock.advance(MINUTE);
        desk.call(&session, "POST", "/user/token", wish("c", 60)).await.ok();
        let list = desk.call(&session, "GET", "/user/token-list", None).await.ok();
        let names: Vec<_> = list["list"].as_array().unwrap().iter().map(|t| t["subject"].clone()).collect();
        assert_eq!((names, &list["max_count"]), (vec![json!("a"), json!("c")], &json!(2)));
    }

    async fn a_token_is_deleted_once_it_has_expired_and_not_before(database) {
        let desk = Desk::with(database, |_| ()).await;
        let session = desk.sign_in().await;
        let wish = json!({"subject": "short", "expires_in": 60});
        let made = desk.call(&session, "POST", "/user/token", Some(wish)).await.ok();
        let path = format!("/user/token/{}", made["token_id"]);
        let message = desk.call(&session, "DELETE", &path, None).await.fatal(403);
        assert!(message.contains("2027-01-15T08:01:00.000000Z"), "{message}");
        desk.ctx.clock.advance(MINUTE);
        let text = made["token"].as_str().unwrap();
        let message = desk.call(text, "GET", "/user/profile", None).await.fatal(401);
        assert!(message.contains("expired"), "{message}");
        let answer = desk.call(&session, "DELETE", &path, None).await.ok();
        assert_eq!(answer, json!({"error_list": []}));
        desk.call(&session, "GET", &path, None).await.fatal(403);
    }

    async fn a_session_goes_on_while_it_is_used_and_ends_when_it_is_not(database) {
        let desk = Desk::with(database, |config| config.sessions.minutes = 30).await;
        let first = desk.sign_in().await;
        desk.ctx.clock.advance(10 * MINUTE);
        assert_eq!(desk.call(&first, "GET", "/user/profile", None).await.cookie(), None);
        desk.ctx.clock.advance(10 * MINUTE);
        let told = desk.call(&first, "GET", "/user/profile", None).await;
        let (second, attributes) = parts(told.cookie().unwrap());
        assert_eq!(attributes, ["Path=/", "Max-Age=1800", "HttpOnly", "SameSite=Lax"]);
        desk.ctx.clock.advance(20 * MINUTE);
        desk.call(&first, "GET", "/user/profile", None).await.fatal(401);
        let told = desk.call_over(true, second, "GET", "/user/profile", None).await;
        let (third, attributes) = parts(told.cookie().unwrap());
        assert_eq!(attributes.last(), Some(&"Secure"));
        desk.ctx.clock.advance(30 * MINUTE);
        desk.call(third, "GET", "/user/profile", None).await.fatal(401);
    }

    async fn a_token_is_not_renewed_by_its_use(database) {
        let desk = Desk::with(database, |_| ()).await;
        let token = desk.token("t", 60).await;
        desk.ctx.clock.advance(Duration::from_secs(59));
        let told = desk.call(&token, "GET", "/user/profile", None).await;
        assert_eq!((told.status, told.cookie()), (200, None));
        desk.ctx.clock.advance(Duration::from_secs(1));
        desk.call(&token, "GET", "/user/profile", None).await.fatal(401);
    }

    async fn too_many_requests_of_a_token_are_put_off_and_those_of_others_are_not(database) {
        let desk = Desk::with(database, |config| config.api.requests_per_second = 3).await;
        let (busy, calm) = (desk.token("busy", 60).await, desk.token("calm", 60).await);
        for _ in 0..3 {
            desk.call(&busy, "GET", "/user/profile", None).await.ok();
        }
        let told = desk.call(&busy, "GET", "/user/profile", None).await;
        assert_eq!(told.headers["retry-after"], "1");
        told.fatal(503);
        desk.call(&calm, "GET", "/user/profile", None).await.ok();
        desk.ctx.clock.advance(Duration::from_secs(1));
        desk.call(&busy, "GET", "/user/profile", None).await.ok();
    }
}
