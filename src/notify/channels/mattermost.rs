//! The channel kind `mattermost`: a message to an incoming webhook of a Mattermost server.

use serde_json::{Value, json};

use super::form::{Shape, needed};
use super::message::{Message, calm, fenced, markdown, untagged};
use super::service::{Objection, Service, post_json};
use crate::notify::outbound::Answer;

/// The longest post; what is longer is torn into several.
const MOST: usize = 16_383;
/// Older servers take 7,900 characters of attachments, counted as JSON.
const MOST_ATTACHED: usize = 7_000;
/// What may mean something where a line of text stands.
const MARKS: &str = "\\*_~`|>#[]";

/// The kind.
pub static MATTERMOST: Service = Service {
    name: "mattermost",
    about: "A message to an incoming webhook of a Mattermost server.",
    fields: &[needed(
        "url",
        Shape::SecretUrl,
        "the incoming webhook's URL, `https://mattermost.example.com/hooks/…`",
    )],
    example: r#"{"url": "https://mattermost.example.com/hooks/xxx1generatedkey1xxx"}"#,
    group_threshold: 10,
    gone: &[],
    request: |config, message| {
        let colour = if message.is_up() { "#2e7d32" } else { "#c62828" };
        let subject = message.subject();
        let body = json!({
            "text": markdown(&harmless(&subject), MOST, MARKS),
            "attachments": [{"fallback": subject, "color": colour, "text": attached(message)}],
        });
        Ok(Some(post_json(config.url("url")?, &body)))
    },
    objection: final_answer,
};

/// The details as code, and the link below, as nothing within code can be clicked.
fn attached(message: &Message<'_>) -> String {
    let facts = fenced("", &harmless(&message.facts()), MOST_ATTACHED);
    format!("{facts}\n{}", message.link()).trim_end().to_owned()
}

/// Mattermost makes `@channel` of Slack's `<!channel>` and a name of `<@id>`, and that before it
/// looks for code.
fn harmless(text: &str) -> String {
    untagged(&calm(text))
}

/// The webhook, its channel or its creator is gone, told by the error's `id`.
fn final_answer(answer: &Answer) -> Option<Objection> {
    let told: Value = serde_json::from_str(&answer.body).ok()?;
    let is_final = matches!(
        told["id"].as_str()?,
        "web.incoming_webhook.invalid.app_error"
            | "web.incoming_webhook.user.app_error"
            | "web.incoming_webhook.permissions.app_error"
            | "app.channel.get.existing.app_error"
            | "api.post.create_post.can_not_post_to_deleted.error"
    );
    let error = told["message"].as_str().unwrap_or("the webhook is gone").to_owned();
    is_final.then_some(Objection { error, is_final })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::service::tests::{delivered, requests};
    use crate::notify::outbound::Delivery;

    #[test]
    fn its_requests_are_those_that_mattermost_documents() {
        insta::assert_snapshot!(requests(&MATTERMOST));
    }

    #[tokio::test]
    async fn a_webhook_that_is_gone_is_told_from_a_server_that_has_trouble() {
        let gone = r#"{"id": "web.incoming_webhook.invalid.app_error", "message": "Invalid webhook.",
            "detailed_error": "", "status_code": 400}"#;
        let delivery = delivered(&MATTERMOST, "400 Bad Request", gone).await;
        assert_eq!(delivery, Delivery::Gone { error: "Invalid webhook.".to_owned() });
        let disabled = r#"{"id": "web.incoming_webhook.disabled.app_error", "status_code": 501}"#;
        let delivery = delivered(&MATTERMOST, "501 Not Implemented", disabled).await;
        assert!(matches!(delivery, Delivery::Retry { .. }), "{delivery:?}");
        assert_eq!(delivered(&MATTERMOST, "200 OK", "ok").await, Delivery::Delivered);
    }
}
