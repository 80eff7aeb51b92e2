//! The channel kind `gotify`: a message of an application of a Gotify server.

use http::HeaderName;
use serde_json::{Value, json};

use super::form::{Config, Shape, needed, optional};
use super::message::Message;
use super::service::{Objection, Service, below, post_json, with_secret};
use crate::notify::outbound::{Answer, Failure, Request};

/// The kind.
pub static GOTIFY: Service = Service {
    name: "gotify",
    about: "A message of an application of a Gotify server.",
    fields: &[
        needed("url", Shape::Url, "the server, such as `https://gotify.example.com`"),
        needed("token", Shape::Secret(200), "the token of the application"),
        optional(
            "priority_down",
            Shape::Number(0, 10, 8),
            "the priority of bad news; from 4 on phones ring, from 8 on they insist",
        ),
        optional("priority_up", Shape::Number(0, 10, 4), "the priority of good news"),
    ],
    example: r#"{"url": "https://gotify.example.com", "token": "AbCdEfGhIjKlMnO"}"#,
    group_threshold: 10,
    gone: &[],
    request: |config, message| request(*config, message),
    objection,
};

fn request(config: Config<'_>, message: &Message<'_>) -> Result<Option<Request>, Failure> {
    let priority = if message.is_up() { "priority_up" } else { "priority_down" };
    let mut body = json!({
        "title": message.subject(),
        "message": message.details(),
        "priority": config.number(priority),
        "extras": {"client::display": {"contentType": "text/plain"}},
    });
    if !message.link().is_empty() {
        body["extras"]["client::notification"] = json!({"click": {"url": message.link()}});
    }
    let request = post_json(below(config.url("url")?, &["message"])?, &body);
    let name = HeaderName::from_static("x-gotify-key");
    with_secret(request, name, config.text("token")).map(Some)
}

/// Gotify's own 401 means that the application is gone; one of a proxy before it, which looks
/// otherwise, may pass.
fn objection(answer: &Answer) -> Option<Objection> {
    let said: Value = serde_json::from_str(&answer.body).ok()?;
    (answer.status.as_u16() == 401 && said["errorCode"] == 401)
        .then(|| Objection { error: answer.error(), is_final: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::service::tests::{delivered, requests};
    use crate::notify::outbound::Delivery;

    #[test]
    fn its_requests_are_those_that_gotify_documents() {
        insta::assert_snapshot!(requests(&GOTIFY));
    }

    #[tokio::test]
    async fn only_gotifys_own_word_that_the_token_is_unknown_is_final() {
        let own = r#"{"error":"Unauthorized","errorCode":401,"errorDescription":"you need to provide a valid access token or user credentials to access this api"}"#;
        let refused = delivered(&GOTIFY, "401 Unauthorized", own).await;
        assert!(matches!(refused, Delivery::Gone { .. }), "{refused:?}");
        let refused = delivered(&GOTIFY, "401 Unauthorized", "<h1>Log in</h1>").await;
        assert!(matches!(refused, Delivery::Retry { .. }), "{refused:?}");
    }
}
