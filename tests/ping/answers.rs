//! What a ping is answered: texts, headers, methods.

use serde_json::json;

use crate::support::api::{ping_path, uuid_of};
use crate::support::both_databases;
use crate::support::raw::header;
use crate::support::server::shared;

both_databases! {
    async fn a_stored_ping_is_answered_ok_with_the_limit_of_bodies(database) {
        let api = shared(database).await;
        let check = api.check("ok", json!({})).await;
        let answer = api.ping(&check, "").await;
        answer.says(200, "OK");
        assert_eq!(answer.header("ping-body-limit"), "10000");
        let state = api.read(&check).await;
        assert_eq!((&state["status"], &state["n_pings"]), (&json!("up"), &json!(1)));
        assert!(state["last_ping_at"].is_string());
    }

    async fn a_created_check_is_answered_created_with_the_same_headers(database) {
        let api = shared(database).await;
        let answer = api.ping_slug("made-now?create=1").await;
        answer.says(201, "Created");
        assert_eq!(answer.header("ping-body-limit"), "10000");
    }

    async fn head_get_and_post_are_taken(database) {
        let api = shared(database).await;
        let check = api.check("methods", json!({})).await;
        for method in ["HEAD", "GET", "POST"] {
            let answer = api.hit(method, &ping_path(&check, "")).await;
            assert_eq!(answer.status, 200, "{method}");
            assert_eq!(answer.header("content-length"), "2", "{method}");
            answer.has_ping_headers();
            assert_eq!(api.last_ping(&check).await["method"], method);
        }
    }

    async fn an_answer_to_head_has_the_headers_and_no_body(database) {
        let api = shared(database).await;
        let check = api.check("head", json!({})).await;
        let mut wire = api.wire().await;
        let path = ping_path(&check, "");
        wire.send(format!("HEAD {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")).await;
        let answer = wire.head().await;
        assert_eq!(answer.status, 200);
        assert_eq!(header(&answer.head, "content-length"), Some("2"));
        assert_eq!(header(&answer.head, "access-control-allow-origin"), Some("*"));
        assert_eq!(header(&answer.head, "ping-body-limit"), Some("10000"));
        assert_eq!(wire.rest().await, b"");
    }

    async fn an_error_is_answered_to_head_without_its_text(database) {
        let api = shared(database).await;
        for (path, status) in [
            ("/ping/07c2f548-9850-4b27-af5d-6c9dc157ec02", 404),
            ("/ping/07c2f548-9850-4b27-af5d-6c9dc157ec02/256", 400),
        ] {
            let answer = api.hit("HEAD", path).await;
            assert_eq!((answer.status, answer.body.len()), (status, 0));
            answer.has_ping_headers();
        }
    }

    async fn other_methods_are_not_allowed_and_store_nothing(database) {
        let api = shared(database).await;
        let check = api.check("Not Allowed", json!({})).await;
        let addresses = [
            ping_path(&check, ""), ping_path(&check, "/start"), ping_path(&check, "/1"),
            format!("/{}", uuid_of(&check)), api.slug_path("not-allowed"),
            format!("/{}/not-allowed/fail", api.ping_key),
        ];
        for method in ["PUT", "DELETE", "PATCH", "PROPFIND"] {
            for address in &addresses {
                let answer = api.hit(method, address).await;
                answer.says(405, "method not allowed");
                let allowed: Vec<&str> = answer.header("allow").split(',').map(str::trim).collect();
                for known in ["GET", "HEAD", "POST"] {
                    assert!(allowed.contains(&known), "{method} {address}: {allowed:?}");
                }
                assert!(!allowed.contains(&method));
            }
        }
        assert_eq!(api.read(&check).await["n_pings"], 0);
    }

    async fn a_preflight_is_answered_204_and_is_no_ping(database) {
        let api = shared(database).await;
        let check = api.check("Preflight", json!({})).await;
        let asks = [
            ("origin", "https://app.example.org"),
            ("access-control-request-method", "POST"),
        ];
        let addresses = [
            ping_path(&check, ""), ping_path(&check, "/start"), format!("/{}/7", uuid_of(&check)),
            api.slug_path("preflight"), format!("/{}/preflight", api.ping_key),
        ];
        for address in addresses {
            let answer = api.send("OPTIONS", &address, &asks, "").await;
            assert_eq!((answer.status, answer.text()), (204, ""), "{address}");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
            let methods = answer.header("access-control-allow-methods");
            assert!(["GET", "HEAD", "POST"].iter().all(|method| methods.contains(method)), "{methods}");
        }
        assert_eq!(api.read(&check).await["n_pings"], 0);
    }

    async fn an_ambiguous_slug_is_a_conflict_and_nothing_is_stored(database) {
        let api = shared(database).await;
        let one = api.check("Twin", json!({})).await;
        let other = api.check("twin", json!({})).await;
        for tail in ["", "/", "/start", "/fail", "/log", "/0", "?create=1"] {
            api.ping_slug(&format!("twin{tail}")).await.says(409, "ambiguous slug");
            let at_root = format!("/{}/twin{tail}", api.ping_key);
            api.hit("POST", &at_root).await.says(409, "ambiguous slug");
        }
        for check in [&one, &other] {
            let state = api.read(check).await;
            assert_eq!((&state["n_pings"], &state["status"]), (&json!(0), &json!("new")));
            api.ping(check, "").await.says(200, "OK");
        }
    }

    async fn a_run_id_that_is_no_uuid_is_refused_and_nothing_is_stored(database) {
        let api = shared(database).await;
        let check = api.check("rid", json!({})).await;
        let bad = [
            "", "12345", "684e2e73-017e-465f-8149-d70b7c5aaa490", "684e2e73017e465f8149d70b7c5aaa49",
            "%7B684e2e73-017e-465f-8149-d70b7c5aaa49%7D", "urn:uuid:684e2e73-017e-465f-8149-d70b7c5aaa49",
            "684e2e73-017e-465f-8149-d70b7c5aaag9", "684e2e73-017e-465f-8149-d70b7c5aaa4%C3%A9",
        ];
        for rid in bad {
            for tail in ["", "/start", "/fail", "/log", "/3"] {
                let answer = api.ping(&check, &format!("{tail}?rid={rid}")).await;
                answer.says(400, "invalid uuid format");
            }
            api.ping_slug(&format!("rid?rid={rid}")).await.says(400, "invalid uuid format");
        }
        assert_eq!(api.read(&check).await["n_pings"], 0);
        assert!(api.runs(&check).await.is_empty());
    }

    async fn parameters_that_a_ping_does_not_know_are_ignored(database) {
        let api = shared(database).await;
        let check = api.check("ignorant", json!({})).await;
        for query in ["?a=1", "?", "?period=abc", "?m=hello%20world&x", "?&&=", "?%FF=%FE"] {
            api.ping(&check, query).await.says(200, "OK");
        }
        assert_eq!(api.read(&check).await["n_pings"], 6);
    }
}
