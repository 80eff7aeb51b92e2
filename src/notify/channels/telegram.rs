//! The channel kind `telegram`: a message of a Telegram bot to a chat.

use serde_json::{Value, json};

use super::form::{Shape, needed, optional};
use super::message::{Message, calm, cut_utf16, html};
use super::service::{Objection, Service, below, post_json};
use crate::notify::outbound::Answer;

/// Telegram counts what is left once tags and entities are read, in units of UTF-16.
const MOST: usize = 4_096;

/// The kind.
pub static TELEGRAM: Service = Service {
    name: "telegram",
    about: "A message of a Telegram bot to a chat.",
    fields: &[
        needed("token", Shape::Secret(200), "the bot's token, which @BotFather gave"),
        needed(
            "chat_id",
            Shape::Like(100, is_chat, "a number such as -1001234567890, or @ and a channel's name"),
            "the chat: its number, or `@` and the name of a public channel",
        ),
        optional(
            "message_thread_id",
            Shape::Number(0, 2_147_483_647, 0),
            "the topic, in groups that have topics; 0 for none",
        ),
        optional(
            "url",
            Shape::Url,
            "the Bot API server, where it is not `https://api.telegram.org`",
        ),
    ],
    example: r#"{"token": "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11", "chat_id": "-1001234567890", "message_thread_id": 5}"#,
    group_threshold: 10,
    gone: &[],
    request: |config, message| {
        let server = config.url_or("url", "https://api.telegram.org")?;
        let url = below(server, &[&format!("bot{}", config.text("token")), "sendMessage"])?;
        let mut body = json!({
            "chat_id": config.text("chat_id"),
            "text": text(message),
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": true},
        });
        let thread = config.number("message_thread_id");
        if thread > 0 {
            body["message_thread_id"] = json!(thread);
        }
        Ok(Some(post_json(url, &body)))
    },
    objection: final_answer,
};

fn is_chat(text: &str) -> bool {
    text.parse::<i64>().is_ok() || (text.starts_with('@') && text.len() > 1)
}

fn text(message: &Message<'_>) -> String {
    let (subject, link) = (calm(&message.subject()), message.link());
    let taken = subject.encode_utf16().count() + link.encode_utf16().count() + 4;
    let facts = cut_utf16(&message.facts(), MOST.saturating_sub(taken));
    let [subject, facts, link] = [&subject, &facts, link].map(|text| html(text, usize::MAX));
    format!("<b>{subject}</b>\n\n<pre>{facts}</pre>\n\n{link}").trim_end().to_owned()
}

/// The bot or its place in the chat is gone, told by the description: other errors with the same
/// status may pass.
fn final_answer(answer: &Answer) -> Option<Objection> {
    let told: Value = serde_json::from_str(&answer.body).ok()?;
    let said = told["description"].as_str()?;
    let error = match (told["parameters"]["migrate_to_chat_id"].as_i64(), &told["error_code"]) {
        (Some(id), _) => format!("{said}: enter {id} as chat_id"),
        (None, code) if *code == json!(401) || *code == json!(403) => said.to_owned(),
        _ if said.ends_with("chat not found") || said.ends_with("message thread not found") => {
            said.to_owned()
        }
        _ => return None,
    };
    Some(Objection { error, is_final: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::tests::late_backup;
    use crate::notify::channels::service::tests::{delivered, requests};
    use crate::notify::outbound::Delivery;

    #[test]
    fn its_requests_are_those_that_telegram_documents() {
        insta::assert_snapshot!(requests(&TELEGRAM));
    }

    async fn after(status: &str, description: &str, parameters: Value) -> Delivery {
        let code: u16 = status[..3].parse().unwrap();
        let body = json!({
            "ok": false, "error_code": code, "description": description, "parameters": parameters,
        });
        delivered(&TELEGRAM, status, &body.to_string()).await
    }

    #[tokio::test]
    async fn a_bot_that_lost_its_token_or_its_chat_is_gone() {
        for (status, description) in [
            ("401 Unauthorized", "Unauthorized"),
            ("403 Forbidden", "Forbidden: bot was kicked from the supergroup chat"),
            ("400 Bad Request", "Bad Request: chat not found"),
            ("400 Bad Request", "Bad Request: message thread not found"),
        ] {
            let delivery = after(status, description, Value::Null).await;
            assert_eq!(delivery, Delivery::Gone { error: description.to_owned() });
        }
    }

    #[tokio::test]
    async fn a_group_that_became_a_supergroup_says_what_to_enter() {
        let said = "Bad Request: group chat was upgraded to a supergroup chat";
        let parameters = json!({"migrate_to_chat_id": -1_001_234_567_890_i64});
        let delivery = after("400 Bad Request", said, parameters).await;
        let error = format!("{said}: enter -1001234567890 as chat_id");
        assert_eq!(delivery, Delivery::Gone { error });
    }

    #[tokio::test]
    async fn everything_else_is_tried_again() {
        for (status, description) in [
            ("400 Bad Request", "Bad Request: message text is empty"),
            ("429 Too Many Requests", "Too Many Requests: retry after 5"),
        ] {
            let delivery = after(status, description, Value::Null).await;
            assert!(matches!(delivery, Delivery::Retry { .. }), "{delivery:?}");
        }
        let delivery = delivered(&TELEGRAM, "403 Forbidden", "<h1>a proxy</h1>").await;
        assert!(matches!(delivery, Delivery::Retry { .. }), "{delivery:?}");
    }

    #[test]
    fn the_longest_text_is_within_what_telegram_counts() {
        let mut alert = late_backup();
        alert.check.tags = vec!["<😀>".repeat(9); 900];
        let alerts = [alert];
        let message = Message { alerts: &alerts, id: "msg_1", now: alerts[0].now };
        let written = text(&message).replace("&lt;", "<").replace("&gt;", ">");
        let read: usize = written.encode_utf16().count() - "<b></b><pre></pre>".len();
        assert!((MOST - 2..=MOST).contains(&read), "{read}");
    }

    #[test]
    fn a_chat_is_a_number_or_a_name() {
        assert!(is_chat("-1001234567890") && is_chat("42") && is_chat("@channel"));
        assert!(!is_chat("@") && !is_chat("my chat") && !is_chat("https://t.me/x"));
    }
}
