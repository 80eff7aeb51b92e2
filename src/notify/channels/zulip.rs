//! The channel kind `zulip`: a message of a Zulip bot to a channel (which the API calls a stream) or
//! to people.
//!
//! A backslash means nothing to Zulip's Markdown, so that all text stands in code.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header;
use serde_json::{Value, json};

use super::form::{Config, Shape, needed, optional};
use super::message::{Message, calm, code, fenced};
use super::service::{Objection, Service, below, post_form, with_secret};
use crate::notify::outbound::Answer;

/// The longest message is 10,000 characters.
const MOST: usize = 9_000;
const LONGEST_TITLE: usize = 500;

/// The kind.
pub static ZULIP: Service = Service {
    name: "zulip",
    about: "A message of a Zulip bot to a channel or to people.",
    fields: &[
        needed("site", Shape::Url, "the organisation, such as `https://example.zulipchat.com`"),
        needed(
            "bot_email",
            Shape::Like(254, |text| text.contains('@'), "an email address"),
            "the bot's email address",
        ),
        needed("api_key", Shape::Secret(200), "the bot's API key"),
        optional(
            "type",
            Shape::OneOf(&["stream", "private"]),
            "`stream` for a channel, `private` for people",
        ),
        needed(
            "to",
            Shape::Text(1_000),
            "the channel's name or number, or people's email addresses or numbers, separated by \
             commas",
        ),
        optional("topic", Shape::Text(60), "the channel's topic; where there is none, `Overdue`"),
    ],
    example: r#"{"site": "https://example.zulipchat.com", "bot_email": "overdue-bot@example.zulipchat.com", "api_key": "abcdefghij", "to": "nightly jobs", "topic": "alerts"}"#,
    group_threshold: 10,
    gone: &[],
    request: |config, message| {
        let url = below(config.url("site")?, &["api", "v1", "messages"])?;
        let (to, content) = (recipients(*config), content(message));
        let fields = [
            ("type", config.text("type")),
            ("to", &to),
            ("topic", topic(*config)),
            ("content", &content),
        ];
        let pair = format!("{}:{}", config.text("bot_email"), config.text("api_key"));
        let basic = format!("Basic {}", STANDARD.encode(pair));
        with_secret(post_form(url, &fields), header::AUTHORIZATION, &basic).map(Some)
    },
    objection: final_answer,
};

/// A channel as it is; people as a JSON list.
fn recipients(config: Config<'_>) -> String {
    if config.text("type") == "stream" {
        return config.text("to").to_owned();
    }
    let person = |item: &str| item.parse::<u64>().map_or_else(|_| json!(item), |id| json!(id));
    config.list("to").map(person).collect::<Value>().to_string()
}

fn topic(config: Config<'_>) -> &str {
    match config.text("topic") {
        "" => "Overdue",
        topic => topic,
    }
}

fn content(message: &Message<'_>) -> String {
    let subject = code(&calm(&message.subject()), LONGEST_TITLE);
    let facts = fenced("text", &calm(&message.facts()), MOST);
    format!("{subject}\n{facts}\n{}", message.link()).trim_end().to_owned()
}

/// The bot, its key, the organisation or the channel is gone, told by the error's `code`.
fn final_answer(answer: &Answer) -> Option<Objection> {
    let told: Value = serde_json::from_str(&answer.body).ok()?;
    let is_final = matches!(
        told["code"].as_str()?,
        "INVALID_API_KEY" | "USER_DEACTIVATED" | "REALM_DEACTIVATED" | "STREAM_DOES_NOT_EXIST"
    );
    let error = told["msg"].as_str().unwrap_or("the bot or its channel is gone").to_owned();
    is_final.then_some(Objection { error, is_final })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::service::tests::{delivered, requests};
    use crate::notify::outbound::Delivery;

    #[test]
    fn its_requests_are_those_that_zulip_documents() {
        insta::assert_snapshot!(requests(&ZULIP));
    }

    #[test]
    fn people_are_a_list_and_a_channel_is_what_was_entered() {
        let to = |kind: &str, to: &str| recipients(Config(&json!({"type": kind, "to": to})));
        assert_eq!(to("stream", "a, b"), "a, b");
        assert_eq!(to("private", "a@example.com, 12,"), r#"["a@example.com",12]"#);
    }

    #[tokio::test]
    async fn a_bot_or_a_channel_that_is_gone_is_final_and_nothing_else() {
        let gone = r#"{"code": "STREAM_DOES_NOT_EXIST", "msg": "Channel 'x' does not exist",
            "result": "error", "stream": "x"}"#;
        let delivery = delivered(&ZULIP, "400 Bad Request", gone).await;
        assert_eq!(delivery, Delivery::Gone { error: "Channel 'x' does not exist".to_owned() });
        let other = r#"{"code": "BAD_REQUEST", "msg": "Something else", "result": "error"}"#;
        let delivery = delivered(&ZULIP, "400 Bad Request", other).await;
        assert!(matches!(delivery, Delivery::Retry { .. }), "{delivery:?}");
        let taken = r#"{"id": 42, "msg": "", "result": "success"}"#;
        assert_eq!(delivered(&ZULIP, "200 OK", taken).await, Delivery::Delivered);
    }
}
