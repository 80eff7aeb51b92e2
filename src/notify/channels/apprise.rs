//! The channel kind `apprise`: a notification that an Apprise API server passes on to any of the
//! services that it knows.
//!
//! Where it goes to is said by `key`, under which the server keeps a configuration, else by `urls`;
//! with neither, by the URLs that the server was started with.

use serde_json::json;

use super::form::{Config, Shape, needed, optional};
use super::message::{Message, calm, untagged};
use super::service::{Objection, Service, below, post_json};
use crate::domain::alert::Event;
use crate::notify::outbound::{Answer, Failure, Request};

/// The kind.
pub static APPRISE: Service = Service {
    name: "apprise",
    about: "A notification that an Apprise API server passes on.",
    fields: &[
        needed("url", Shape::Url, "the server, such as `https://apprise.example.com`"),
        optional("key", Shape::Secret(200), "the key of a configuration that the server keeps"),
        optional("tag", Shape::Text(200), "only what has this tag in that configuration"),
        optional(
            "urls",
            Shape::Secret(4_000),
            "Apprise URLs, with commas between them, where there is no `key`",
        ),
    ],
    example: r#"{"url": "https://apprise.example.com", "key": "nightly-jobs", "tag": "ops"}"#,
    group_threshold: 10,
    gone: &[],
    request: |config, message| request(*config, message),
    objection,
};

fn request(config: Config<'_>, message: &Message<'_>) -> Result<Option<Request>, Failure> {
    let mut body = json!({
        "title": harmless(&message.subject()),
        "body": harmless(&message.details()),
        "type": match message.lead().event {
            Event::Up => "success",
            Event::Test => "info",
            _ => "failure",
        },
        "format": "text",
    });
    let server = config.url("url")?;
    let (url, target) = match config.text("key") {
        "" => (below(server, &["notify"])?, "urls"),
        key => (below(server, &["notify", key])?, "tag"),
    };
    if !config.text(target).is_empty() {
        body[target] = json!(config.text(target));
    }
    Ok(Some(post_json(url, &body)))
}

/// Apprise knows which service a text goes to and lets its mentions be.
fn harmless(text: &str) -> String {
    calm(&untagged(text))
}

/// 204 means that the server has no configuration under the key: nothing was passed on.
fn objection(answer: &Answer) -> Option<Objection> {
    (answer.status.as_u16() == 204).then(|| {
        let error = "204 No Content: the server has nothing to notify under this key";
        Objection { error: error.to_owned(), is_final: false }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::tests::late_backup;
    use crate::notify::channels::service::tests::{delivered, requests};
    use crate::notify::outbound::Delivery;

    #[test]
    fn its_requests_are_those_that_apprise_documents() {
        insta::assert_snapshot!(requests(&APPRISE));
    }

    #[test]
    fn without_a_key_the_urls_are_sent_along() {
        let config = json!({"url": "http://apprise:8000/api", "urls": "discord://a/b", "tag": "x"});
        let message = Message { alerts: &[late_backup()], id: "msg_1", now: late_backup().now };
        let request = request(Config(&config), &message).unwrap().unwrap();
        assert_eq!(request.url.as_str(), "http://apprise:8000/api/notify");
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!((&body["urls"], body.get("tag")), (&json!("discord://a/b"), None));
    }

    #[tokio::test]
    async fn what_reached_nobody_is_tried_again() {
        for status in ["204 No Content", "424 Failed Dependency"] {
            let refused = delivered(&APPRISE, status, "").await;
            assert!(matches!(refused, Delivery::Retry { .. }), "{refused:?}");
        }
        assert_eq!(delivered(&APPRISE, "200 OK", "").await, Delivery::Delivered);
    }
}
