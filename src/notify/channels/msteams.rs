//! The channel kind `msteams`: an Adaptive Card to a workflow of Microsoft Teams that starts when a
//! Teams webhook request is received.
//!
//! All text stands in text runs, in which no Markdown is read.

use serde_json::{Value, json};

use super::form::{Shape, needed};
use super::message::{Message, cut, cut_bytes};
use super::service::{Objection, Service, post_json};
use crate::notify::outbound::Answer;

/// Teams takes messages of about 28 KB; each line of text costs another hundred bytes.
const MOST_BYTES: usize = 8_000;
const MOST_LINES: usize = 80;
const LONGEST_TITLE: usize = 500;

/// The kind.
pub static MSTEAMS: Service = Service {
    name: "msteams",
    about: "An Adaptive Card to a workflow of Microsoft Teams.",
    fields: &[needed(
        "url",
        Shape::SecretUrl,
        "the URL of a workflow that starts when a Teams webhook request is received and posts a \
         card",
    )],
    example: r#"{"url": "https://prod-01.westeurope.logic.azure.com/workflows/0a1b/triggers/manual/paths/invoke?api-version=2016-06-01&sig=abcdefghij"}"#,
    group_threshold: 10,
    gone: &[],
    request: |config, message| {
        let body = json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": null,
                "content": card(message),
            }],
        });
        Ok(Some(post_json(config.url("url")?, &body)))
    },
    objection: refused,
};

fn card(message: &Message<'_>) -> Value {
    let colour = if message.is_up() { "good" } else { "attention" };
    let subject = cut(&message.subject(), LONGEST_TITLE);
    let title = json!({
        "type": "RichTextBlock",
        "inlines": [{
            "type": "TextRun", "text": subject, "color": colour, "weight": "bolder",
            "size": "medium",
        }],
    });
    let facts = cut_bytes(&message.facts(), MOST_BYTES);
    let lines = facts.lines().filter(|line| !line.is_empty()).take(MOST_LINES).map(|line| {
        let run = json!({"type": "TextRun", "text": line});
        json!({"type": "RichTextBlock", "spacing": "none", "inlines": [run]})
    });
    let mut card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "fallbackText": subject,
        "msteams": {"width": "Full"},
        "body": std::iter::once(title).chain(lines).collect::<Vec<_>>(),
    });
    if !message.link().is_empty() {
        card["actions"] =
            json!([{"type": "Action.OpenUrl", "title": "Open", "url": message.link()}]);
    }
    card
}

/// A workflow that was deleted does not come back, one that is switched off may. The webhooks that
/// Teams had before it had workflows answered 200 whatever became of the message.
fn refused(answer: &Answer) -> Option<Objection> {
    let told: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let code = told["error"]["code"].as_str().unwrap_or_default();
    let error = told["error"]["message"].as_str().unwrap_or(code);
    let is_final = code == "WorkflowNotFound"
        || (code == "WorkflowTriggerIsNotEnabled" && error.contains("'Deleted'"));
    let is_refused = is_final || answer.body.contains("endpoint returned HTTP error");
    let error = if is_final { error.to_owned() } else { answer.error() };
    is_refused.then_some(Objection { error, is_final })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::service::tests::{delivered, requests};
    use crate::notify::outbound::Delivery;

    #[test]
    fn its_requests_are_those_that_teams_documents() {
        insta::assert_snapshot!(requests(&MSTEAMS));
    }

    #[tokio::test]
    async fn a_workflow_that_was_deleted_is_gone_and_one_that_is_off_is_not() {
        let not_enabled = |state: &str| {
            let message = format!(
                "Could not execute workflow 'x' trigger 'manual' with state \
                 '{state}': trigger is not enabled."
            );
            json!({"error": {"code": "WorkflowTriggerIsNotEnabled", "message": message}})
                .to_string()
        };
        let delivery = delivered(&MSTEAMS, "400 Bad Request", &not_enabled("Deleted")).await;
        assert!(matches!(delivery, Delivery::Gone { .. }), "{delivery:?}");
        let delivery = delivered(&MSTEAMS, "400 Bad Request", &not_enabled("Disabled")).await;
        assert!(matches!(delivery, Delivery::Retry { .. }), "{delivery:?}");
        assert_eq!(delivered(&MSTEAMS, "202 Accepted", "").await, Delivery::Delivered);
    }

    #[tokio::test]
    async fn an_old_webhook_that_says_200_and_means_429_is_tried_again() {
        let answer = "Webhook message delivery failed with error: Microsoft Teams endpoint \
             returned HTTP error 429 with ContextId x";
        let delivery = delivered(&MSTEAMS, "200 OK", answer).await;
        assert!(matches!(delivery, Delivery::Retry { .. }), "{delivery:?}");
        assert_eq!(delivered(&MSTEAMS, "200 OK", "1").await, Delivery::Delivered);
    }
}
