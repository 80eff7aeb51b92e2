//! The channel kind `slack`: a message to an incoming webhook of a Slack app.

use http::StatusCode;
use serde_json::json;

use super::form::{Shape, needed};
use super::message::{Message, written};
use super::service::{Service, no_objection, post_json};

/// Slack refuses more in one block of text.
const MOST: usize = 3_000;

/// The kind.
pub static SLACK: Service = Service {
    name: "slack",
    about: "A message to an incoming webhook of a Slack app.",
    fields: &[needed(
        "url",
        Shape::SecretUrl,
        "the incoming webhook's URL, `https://hooks.slack.com/services/…`",
    )],
    example: r#"{"url": "https://hooks.slack.com/services/T0123456/B0123456/abcdefghij"}"#,
    group_threshold: 10,
    // `invalid_token` and `channel_is_archived` are 403 and 410, `no_service` and
    // `channel_not_found` 404: a webhook that was removed does not come back.
    gone: &[StatusCode::FORBIDDEN, StatusCode::NOT_FOUND, StatusCode::GONE],
    request: |config, message| {
        let colour = if message.is_up() { "#2e7d32" } else { "#c62828" };
        let body = json!({
            "text": escaped(&message.subject(), MOST),
            "attachments": [{
                "color": colour,
                "blocks": [{
                    "type": "section",
                    "text": {"type": "mrkdwn", "text": code(message)},
                }],
            }],
        });
        Ok(Some(post_json(config.url("url")?, &body)))
    },
    objection: no_objection,
};

fn code(message: &Message<'_>) -> String {
    // Three backticks in the text would end the block.
    let details = message.details().replace("```", "'''");
    format!("```{}```", escaped(&details, MOST - 6))
}

/// Slack asks for these three characters to be written so; with that no `<!channel>` is left.
fn escaped(text: &str, most: usize) -> String {
    written(text, most, |c, whole| match c {
        '&' => whole.push_str("&amp;"),
        '<' => whole.push_str("&lt;"),
        '>' => whole.push_str("&gt;"),
        c => whole.push(c),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::service::tests::requests;

    #[test]
    fn its_requests_are_those_that_slack_documents() {
        insta::assert_snapshot!(requests(&SLACK));
    }
}
