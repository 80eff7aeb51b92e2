//! The channel kind `googlechat`: a card to a webhook of a Google Chat space.

use http::StatusCode;
use serde_json::{Value, json};

use super::form::{Shape, needed};
use super::message::{Message, cut, cut_bytes, html, untagged};
use super::service::{Service, no_objection, post_json};

/// Google Chat takes 32,000 bytes in all; a byte of text becomes at most six of HTML.
const MOST_BYTES: usize = 4_000;
const LONGEST_TITLE: usize = 500;

/// The kind.
pub static GOOGLECHAT: Service = Service {
    name: "googlechat",
    about: "A card to a webhook of a Google Chat space.",
    fields: &[needed(
        "url",
        Shape::SecretUrl,
        "the webhook's URL, `https://chat.googleapis.com/v1/spaces/…/messages?key=…&token=…`",
    )],
    example: r#"{"url": "https://chat.googleapis.com/v1/spaces/AAAA4ZgyfVE/messages?key=abcdefghij&token=klmnopqrst"}"#,
    group_threshold: 10,
    // There is no such space.
    gone: &[StatusCode::NOT_FOUND],
    request: |config, message| {
        let body = json!({
            // What telephones show instead of the card; `<users/all>` would call everybody.
            "fallbackText": cut(&untagged(&message.subject()), LONGEST_TITLE),
            "cardsV2": [{"cardId": "overdue", "card": {"sections": [{"widgets": widgets(message)}]}}],
        });
        Ok(Some(post_json(config.url("url")?, &body)))
    },
    objection: no_objection,
};

fn widgets(message: &Message<'_>) -> Vec<Value> {
    let colour = if message.is_up() { "#2e7d32" } else { "#c62828" };
    let subject = escaped(&cut(&message.subject(), LONGEST_TITLE));
    let title = format!("<b><font color=\"{colour}\">{subject}</font></b>");
    let facts = escaped(&cut_bytes(&message.facts(), MOST_BYTES)).replace('\n', "<br>");
    let mut widgets =
        vec![json!({"textParagraph": {"text": title}}), json!({"textParagraph": {"text": facts}})];
    if !message.link().is_empty() {
        let open = json!({"text": "Open", "onClick": {"openLink": {"url": message.link()}}});
        widgets.push(json!({"buttonList": {"buttons": [open]}}));
    }
    widgets
}

fn escaped(text: &str) -> String {
    html(text, usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::service::tests::requests;

    #[test]
    fn its_requests_are_those_that_google_chat_documents() {
        insta::assert_snapshot!(requests(&GOOGLECHAT));
    }
}
