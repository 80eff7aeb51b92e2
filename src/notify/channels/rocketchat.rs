//! The channel kind `rocketchat`: a message to an incoming webhook of a Rocket.Chat server.
//!
//! What a backslash does to a mark depends on the server's version, so that all text stands in code.

use serde_json::{Value, json};

use super::form::{Shape, needed};
use super::message::{Message, calm, code, fenced};
use super::service::{Objection, Service, post_json};
use crate::notify::outbound::Answer;

/// A server that nobody has configured takes 5,000 characters.
const MOST: usize = 4_000;

/// The kind.
pub static ROCKETCHAT: Service = Service {
    name: "rocketchat",
    about: "A message to an incoming webhook of a Rocket.Chat server.",
    fields: &[needed(
        "url",
        Shape::SecretUrl,
        "the webhook's URL, `https://rocket.example.com/hooks/…`",
    )],
    example: r#"{"url": "https://rocket.example.com/hooks/5f2d3c4b5a69788796a5b4c3/abcdefghij"}"#,
    group_threshold: 10,
    gone: &[],
    request: |config, message| {
        let colour = if message.is_up() { "#2e7d32" } else { "#c62828" };
        let body = json!({
            "text": code(&calm(&message.subject()), MOST),
            "attachments": [{"color": colour, "text": attached(message)}],
        });
        Ok(Some(post_json(config.url("url")?, &body)))
    },
    objection: refused,
};

/// The details as code, and the link below, as nothing within code can be clicked.
fn attached(message: &Message<'_>) -> String {
    let facts = fenced("", &calm(&message.facts()), MOST);
    format!("{facts}\n{}", message.link()).trim_end().to_owned()
}

/// The answer says `"success": false` and why: for good where the webhook or its room is gone.
fn refused(answer: &Answer) -> Option<Objection> {
    let told: Value = serde_json::from_str(&answer.body).ok()?;
    if told["success"] != json!(false) {
        return None;
    }
    let error = told["error"].as_str().unwrap_or("the message was not taken").to_owned();
    let is_final =
        error.starts_with("Invalid integration id or token") || error == "invalid-channel";
    Some(Objection { error, is_final })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::service::tests::{delivered, requests};
    use crate::notify::outbound::Delivery;

    #[test]
    fn its_requests_are_those_that_rocketchat_documents() {
        insta::assert_snapshot!(requests(&ROCKETCHAT));
    }

    #[tokio::test]
    async fn a_webhook_that_is_gone_is_told_from_one_that_may_work_again() {
        let gone = r#"{"success": false, "error": "Invalid integration id or token provided."}"#;
        let delivery = delivered(&ROCKETCHAT, "400 Bad Request", gone).await;
        assert!(matches!(delivery, Delivery::Gone { .. }), "{delivery:?}");
        for (status, body) in [
            ("400 Bad Request", r#"{"success": false, "error": "error-running-script"}"#),
            ("200 OK", r#"{"success": false}"#),
            ("503 Service Unavailable", r#"{"success": false, "error": "Service Unavailable"}"#),
        ] {
            let delivery = delivered(&ROCKETCHAT, status, body).await;
            assert!(matches!(delivery, Delivery::Retry { .. }), "{delivery:?}");
        }
        let delivery = delivered(&ROCKETCHAT, "200 OK", r#"{"success": true}"#).await;
        assert_eq!(delivery, Delivery::Delivered);
    }
}
