//! Who may run what: tokens, addresses, scopes, roles, and pages of other sites.

use serde_json::{Value, json};

use super::{add_member, new_token, send_json, with_token};
use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::server::{TestServer, shared};

/// A writing command that came by the cookie with these headers.
async fn write_from(api: &Api, headers: &[(&str, &str)]) -> crate::support::answer::Answer {
    let cookie = format!("api_access_token={}", api.token);
    let own = [("cookie", cookie.as_str()), ("content-type", "application/json")];
    api.send("PUT", &api.path(""), &[&own[..], headers].concat(), "{}").await
}

both_databases! {
    async fn a_token_is_needed_and_any_other_text_is_none(database) {
        let api = shared(database).await;
        let none = api.hit("GET", "/user/profile").await;
        assert_eq!(none.json()["error"], "Unauthorized");
        assert_eq!(none.header("www-authenticate"), "Bearer");
        none.fatal(401);
        let token = &api.token;
        let (head, signature) = token.rsplit_once('.').unwrap();
        let unsigned = {
            // A header that says "alg": "none", with the claims of a real token.
            let claims = token.split('.').nth(1).unwrap();
            format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.")
        };
        let broken = [
            "x".to_owned(), "a.b.c".to_owned(), format!("{token}x"), format!("{head}."),
            format!("{head}.{}", signature.chars().rev().collect::<String>()), unsigned,
        ];
        for text in broken {
            with_token(&api, &text).get("/user/profile").await.fatal(401);
        }
    }

    async fn the_cookie_and_bearer_are_understood_alike(database) {
        let api = shared(database).await;
        let cookie = format!("theme=dark; api_access_token={}; x=y", api.token);
        let bearer = format!("Bearer {}", api.token);
        for header in [("cookie", cookie.as_str()), ("authorization", &bearer)] {
            api.send("GET", "/user/profile", &[header], "").await.ok();
        }
        // The cookie is the one that counts where both are there.
        let both = [("cookie", "api_access_token=x"), ("authorization", bearer.as_str())];
        api.send("GET", "/user/profile", &both, "").await.fatal(401);
        let basic = [("authorization", "Basic dTpw")];
        api.send("GET", "/user/profile", &basic, "").await.fatal(401);
    }

    async fn a_token_works_from_its_addresses_only(database) {
        let settings = [("OVERDUE_SERVER__TRUSTED_PROXIES", "127.0.0.0/8")];
        let server = TestServer::start(database, &settings).await;
        let api = Api::new_project(server.address(), &server.new_user("ip@example.org")).await;
        let token = new_token(&server, "ip@example.org", "ip", &["--allow-ip", "10.0.0.0/8"]);
        let bearer = format!("Bearer {token}");
        let from = async |address: &str| {
            let headers = [("authorization", bearer.as_str()), ("x-forwarded-for", address)];
            api.send("GET", "/user/profile", &headers, "").await
        };
        from("10.1.2.3").await.ok();
        from("::ffff:10.1.2.3").await.ok();
        let message = from("192.0.2.1").await.fatal(403);
        assert!(message.contains("192.0.2.1"), "{message}");
        api.send("GET", "/user/profile", &[("authorization", bearer.as_str())], "").await.fatal(403);
    }

    async fn reading_needs_the_scope_read_and_writing_the_scope_write(database) {
        let server = TestServer::start(database, &[]).await;
        let api = Api::new_project(server.address(), &server.new_user("scope@example.org")).await;
        let check = api.check("Scoped", json!({})).await;
        let only = |scope: &str| {
            with_token(&api, &new_token(&server, "scope@example.org", scope, &["--scopes", scope]))
        };
        let (reader, writer) = (only("read"), only("write"));
        reader.get(&api.path("")).await.ok();
        reader.post(&api.path("/check"), &json!({"check_name": "no"})).await.fatal(403);
        // Scope comes before the body, the ids and the object.
        reader.put("/user/project/abc", &json!({"nonsense": true})).await.fatal(403);
        reader.delete("/user/project/999999").await.fatal(403);
        writer.get(&api.path("")).await.fatal(403);
        writer.put(&api.path(""), &json!({"project_name": "Renamed"})).await.ok();
        // Who can read need not be able to ping.
        let seen = reader.read(&check).await;
        for field in ["uuid", "ping_url", "slug_url"] {
            assert_eq!(seen[field], Value::Null, "{field}");
            assert!(check[field].is_string(), "{field}");
        }
        let listed = &reader.list(&api.path("/check-list")).await[0];
        assert_eq!((&listed["uuid"], &listed["ping_url"]), (&Value::Null, &Value::Null));
        let project = reader.get(&api.path("")).await.ok();
        assert_eq!((&project["ping_key"], &project["uuid"]), (&Value::Null, &Value::Null));
        assert_eq!(reader.list("/user/project-list").await[0]["ping_key"], Value::Null);
    }

    async fn roles_decide_what_a_member_may_do(database) {
        let server = TestServer::start(database, &[]).await;
        let api = Api::new_project(server.address(), &server.new_user("o@example.org")).await;
        let check = api.check("Shared", json!({})).await;
        let mut members = Vec::new();
        for role in ["viewer", "editor"] {
            let email = format!("{role}@example.org");
            let token = server.new_user(&email);
            add_member(&server.database().url, api.project, &email, role).await;
            members.push(with_token(&api, &token));
        }
        let (viewer, editor) = (&members[0], &members[1]);
        let seen = viewer.read(&check).await;
        assert_eq!((&seen["check_name"], &seen["uuid"]), (&json!("Shared"), &Value::Null));
        assert_eq!(viewer.get(&api.path("")).await.ok()["ping_key"], Value::Null);
        viewer.post(&api.path("/check"), &json!({"check_name": "no"})).await.fatal(403);
        viewer.put(&api.check_path(&check, ""), &json!({"grace": 60})).await.fatal(403);
        viewer.delete(&api.check_path(&check, "")).await.fatal(403);
        viewer.post(&api.path("/ping-key"), &json!({})).await.fatal(403);
        assert_eq!(editor.read(&check).await["uuid"], check["uuid"]);
        editor.update(&check, json!({"grace": 60})).await;
        let message = editor.put(&api.path(""), &json!({"project_name": "Mine"})).await.fatal(403);
        assert!(message.contains("owner"), "{message}");
        editor.post(&api.path("/ping-key"), &json!({})).await.fatal(403);
        editor.delete(&api.path("")).await.fatal(403);
        api.read(&check).await;
    }

    async fn what_is_anothers_answers_as_what_does_not_exist(database) {
        let server = TestServer::start(database, &[]).await;
        let ours = Api::new_project(server.address(), &server.new_user("us@example.org")).await;
        let theirs = Api::new_project(server.address(), &server.new_user("them@example.org")).await;
        let their_check = theirs.check("Secret", json!({})).await;
        let our_check = ours.check("Ours", json!({})).await;
        let id = &their_check["check_id"];
        for tail in ["", "/ping-list", "/run-list", "/flip-list", "/notification-list", "/ping/1"] {
            let alien = ours.get(&theirs.path(&format!("/check/{id}{tail}"))).await.fatal(403);
            let missing = ours.get(&format!("/user/project/999999/check/1{tail}")).await.fatal(403);
            assert_eq!(alien, missing, "{tail}");
            // Another project's check is not found under one's own project either.
            let crossed = ours.get(&ours.path(&format!("/check/{id}{tail}"))).await.fatal(403);
            let missing = ours.get(&ours.path(&format!("/check/999999{tail}"))).await.fatal(403);
            assert_eq!(crossed, missing, "{tail}");
        }
        for path in [theirs.path(""), theirs.path("/check-list"), theirs.path("/channel-list")] {
            ours.get(&path).await.fatal(403);
        }
        ours.put(&ours.path(&format!("/check/{id}")), &json!({"grace": 60})).await.fatal(403);
        ours.delete(&ours.path(&format!("/check/{id}"))).await.fatal(403);
        ours.delete(&theirs.path("")).await.fatal(403);
        theirs.read(&their_check).await;
        ours.read(&our_check).await;
    }

    async fn only_our_own_pages_may_write_with_the_cookie(database) {
        let settings = [("OVERDUE_SERVER__SITE_URL", "https://overdue.example.org")];
        let server = TestServer::start(database, &settings).await;
        let api = server.owner().await;
        let own = format!("http://{}", api.address);
        for headers in [
            vec![],
            vec![("origin", own.as_str())],
            vec![("origin", "https://overdue.example.org"), ("sec-fetch-site", "cross-site")],
            vec![("sec-fetch-site", "same-origin")],
            vec![("sec-fetch-site", "none")],
        ] {
            assert_eq!(write_from(&api, &headers).await.status, 200, "{headers:?}");
        }
        for headers in [
            vec![("origin", "https://evil.example.com")],
            vec![("origin", "null")],
            vec![("origin", "http://127.0.0.1:1")],
            vec![("sec-fetch-site", "cross-site")],
            vec![("sec-fetch-site", "same-site")],
            vec![("origin", "https://evil.example.com"), ("sec-fetch-site", "same-origin")],
            // Of an untrusted peer a forwarded host says nothing.
            vec![("origin", "https://evil.example.com"), ("x-forwarded-host", "evil.example.com")],
        ] {
            let message = write_from(&api, &headers).await.fatal(403);
            assert!(message.contains("another site"), "{message}");
        }
        // Reading changes nothing, and a Bearer token is sent by no browser on its own.
        let cookie = format!("api_access_token={}", api.token);
        let foreign = ("origin", "https://evil.example.com");
        api.send("GET", &api.path(""), &[("cookie", cookie.as_str()), foreign], "").await.ok();
        let bearer = format!("Bearer {}", api.token);
        let json = ("content-type", "application/json");
        api.send("PUT", &api.path(""), &[("authorization", bearer.as_str()), foreign, json], "{}").await.ok();
    }

    async fn behind_a_trusted_proxy_the_host_it_names_is_our_own(database) {
        let settings = [("OVERDUE_SERVER__TRUSTED_PROXIES", "127.0.0.0/8")];
        let server = TestServer::start(database, &settings).await;
        let api = server.owner().await;
        let proxied = [
            ("x-forwarded-for", "192.0.2.1"), ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "watch.example.net"),
        ];
        let from = |origin| [&proxied[..], &[("origin", origin)]].concat();
        assert_eq!(write_from(&api, &from("https://watch.example.net")).await.status, 200);
        write_from(&api, &from("https://evil.example.com")).await.fatal(403);
        write_from(&api, &from("http://watch.example.net")).await.fatal(403);
    }

    async fn faults_come_in_their_order(database) {
        let server = TestServer::start(database, &[]).await;
        let api = Api::new_project(server.address(), &server.new_user("order@example.org")).await;
        let path = api.path("/check");
        // 404 and 405 before 401.
        api.hit("GET", "/user/nonsense").await.fatal(404);
        api.hit("DELETE", "/user/profile").await.fatal(405);
        // 401 before 400.
        api.hit("POST", &api.path("/api-key")).await.fatal(401);
        api.send("POST", "/user/project/abc/check", &[], "[]").await.fatal(401);
        // 413 before 400; 400 before the object.
        let large = format!("[\"{}\"]", "x".repeat(1_048_576));
        send_json(&api, "POST", "/user/project/abc/check", &large).await.fatal(413);
        send_json(&api, "POST", "/user/project/999999/check", "[]").await.fatal(400);
        send_json(&api, "POST", "/user/project/999999/check", r#"{"check_name":1}"#).await.fatal(400);
        let fine = r#"{"check_name":"x"}"#;
        send_json(&api, "POST", "/user/project/999999/check", fine).await.fatal(403);
        send_json(&api, "POST", &path, fine).await.ok();
    }
}
