//! Bodies: strict JSON, its content type, and its length.

use serde_json::json;

use super::send_json;
use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::server::shared;

const MIB: usize = 1 << 20;

async fn refused(api: &Api, body: &str) -> String {
    send_json(api, "POST", &api.path("/check"), body).await.fatal(400)
}

both_databases! {
    async fn a_body_is_one_json_object(database) {
        let api = shared(database).await;
        for body in [
            "", " ", "[]", "null", "1", "\"x\"", "{", "{}{}", "{'check_name':'x'}",
            "[{\"check_name\":\"x\"}]", "{\"check_name\":\"x\",}", "{\"check_name\":\"\\ud800\"}",
        ] {
            let message = refused(&api, body).await;
            assert!(message.starts_with("the body must be a JSON object"), "{body}: {message}");
        }
        let deep = format!("{{\"check_name\":{}", "[".repeat(100_000));
        refused(&api, &deep).await;
        assert!(api.list(&api.path("/check-list")).await.is_empty());
    }

    async fn fields_are_known_there_once_and_of_their_type(database) {
        let api = shared(database).await;
        for (body, start) in [
            (r#"{"check_name":"x","colour":"red"}"#, "colour: is unknown: there are check_name"),
            (r#"{"check_name":"x","check_name":"x"}"#, "check_name: is there more than once"),
            (r#"{"check_name":"a\u0000b"}"#, "check_name: must not contain the character U+0000"),
            (r#"{"check_name":"x","tags":["a","b\u0000"]}"#, "tags: must not contain"),
            (r#"{"check_name":null}"#, "check_name: must be a string"),
            (r#"{"check_name":7}"#, "check_name: must be a string"),
            ("{}", "check_name: is required"),
            (r#"{"check_name":"x","period":60.0}"#, "period: must be a whole number"),
            (r#"{"check_name":"x","period":"60"}"#, "period: must be a whole number"),
            (r#"{"check_name":"x","period":1e2}"#, "period: must be a whole number"),
            (r#"{"check_name":"x","period":99999999999999999999}"#, "period: must be a whole number"),
            (r#"{"check_name":"x","manual_resume":true}"#, "manual_resume: must be 0 or 1"),
            (r#"{"check_name":"x","manual_resume":2}"#, "manual_resume: must be 0 or 1"),
            (r#"{"check_name":"x","tags":"a b"}"#, "tags: must be an array of strings"),
            (r#"{"check_name":"x","channels":["1"]}"#, "channels: must be an array of ids"),
            // What only PUT knows, and what can only be read.
            (r#"{"check_name":"x","paused":1}"#, "paused: is unknown"),
            (r#"{"check_name":"x","uuid":"y"}"#, "uuid: is unknown"),
        ] {
            let message = refused(&api, body).await;
            assert!(message.starts_with(start), "{body}: {message}");
        }
        assert!(api.list(&api.path("/check-list")).await.is_empty());
    }

    async fn a_body_needs_its_content_type(database) {
        let api = shared(database).await;
        let bearer = format!("Bearer {}", api.token);
        let body = r#"{"check_name":"typed"}"#;
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
            let headers = [("authorization", bearer.as_str()), ("content-type", content_type)];
            let message = api.send("POST", &api.path("/check"), &headers, body).await.fatal(400);
            assert!(message.starts_with("Content-Type: must be application/json"), "{message}");
        }
        let headers = [("authorization", bearer.as_str())];
        api.send("POST", &api.path("/check"), &headers, body).await.fatal(400);
        for content_type in ["application/json", "Application/JSON; charset=utf-8"] {
            let headers = [("authorization", bearer.as_str()), ("content-type", content_type)];
            api.send("POST", &api.path("/check"), &headers, body).await.ok();
        }
    }

    async fn commands_without_fields_take_no_body_or_an_empty_object(database) {
        let api = shared(database).await;
        let path = api.path("/ping-key");
        api.call(reqwest::Method::POST, &path, None).await.ok();
        send_json(&api, "POST", &path, "{}").await.ok();
        let message = send_json(&api, "POST", &path, r#"{"x":1}"#).await.fatal(400);
        assert!(message.starts_with("x: is unknown: this command takes no fields"), "{message}");
        send_json(&api, "POST", &path, "[]").await.fatal(400);
    }

    async fn a_mebibyte_is_read_and_a_byte_more_is_a_413_that_arrives(database) {
        let api = shared(database).await;
        let of_length = |length: usize| {
            let frame = json!({"check_name": "large", "description": ""}).to_string();
            let fill = "x".repeat(length - frame.len());
            json!({"check_name": "large", "description": fill}).to_string()
        };
        // Of the right length, and refused for what is in it.
        let message = refused(&api, &of_length(MIB)).await;
        assert!(message.starts_with("description: "), "{message}");
        for length in [MIB + 1, 3 * MIB, 16 * MIB] {
            let answer = send_json(&api, "POST", &api.path("/check"), &of_length(length)).await;
            assert_eq!(answer.json()["error"], "Payload Too Large");
            let message = answer.fatal(413);
            assert!(message.contains("1048576 bytes"), "{message}");
        }
    }

    async fn a_body_in_chunks_that_is_too_long_is_a_413_as_well(database) {
        let api = shared(database).await;
        let mut wire = api.wire().await;
        wire.send(format!(
            "POST {} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
            api.path("/check"), api.token
        ))
        .await;
        let chunk = format!("{:x}\r\n{}\r\n", 64 * 1024, " ".repeat(64 * 1024));
        for _ in 0..40 {
            wire.send(&chunk).await;
        }
        wire.send("0\r\n\r\n").await;
        assert_eq!(wire.answer().await.status, 413);
    }

    async fn refusals_arrive_however_much_was_sent(database) {
        let api = shared(database).await;
        let large = " ".repeat(8 * MIB);
        for (path, status) in [
            ("/user/nonsense".to_owned(), 404), ("/user/profile".to_owned(), 405),
            (api.path("/check"), 401), (api.path("/status-page"), 401),
        ] {
            api.send("POST", &path, &[], large.clone()).await.fatal(status);
        }
    }

    async fn a_body_that_breaks_off_changes_nothing(database) {
        let api = shared(database).await;
        let mut wire = api.wire().await;
        wire.send(format!(
            "POST {} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{\"check_name\":\"x\"}}",
            api.path("/check"), api.token
        ))
        .await;
        wire.finish().await;
        let answer = wire.rest().await;
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"), "{answer:?}");
        assert!(api.list(&api.path("/check-list")).await.is_empty());
    }
}
