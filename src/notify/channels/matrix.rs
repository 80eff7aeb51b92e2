//! The channel kind `matrix`: a message to a Matrix room, sent by the user that the access token
//! belongs to, who must be in the room. The room may not be encrypted.

use http::{Method, header};
use serde_json::{Value, json};

use super::form::{Shape, needed};
use super::message::{Message, cut, html};
use super::service::{Objection, Service, below, post_json, with_secret};
use crate::notify::outbound::Answer;

/// Homeservers take events of 65,536 bytes, and the text stands in them twice.
const MOST: usize = 4_000;

/// The kind.
pub static MATRIX: Service = Service {
    name: "matrix",
    about: "A message to a Matrix room.",
    fields: &[
        needed("url", Shape::Url, "the homeserver, such as `https://matrix.example.com`"),
        needed(
            "room_id",
            Shape::Like(255, |text| text.starts_with('!'), "a room's id, which begins with !"),
            "the room's id, such as `!636q39766251:example.com` (not its alias)",
        ),
        needed("access_token", Shape::Secret(2_000), "the access token of a user in that room"),
    ],
    example: r#"{"url": "https://matrix.example.com", "room_id": "!636q39766251:example.com", "access_token": "syt_abcdefghij"}"#,
    group_threshold: 10,
    gone: &[],
    request: |config, message| {
        let room = config.text("room_id");
        let path = ["_matrix", "client", "v3", "rooms", room, "send", "m.room.message", message.id];
        let body = json!({
            "msgtype": "m.text",
            "body": cut(&message.text(), MOST),
            "format": "org.matrix.custom.html",
            "formatted_body": formatted(message),
            // Nobody is mentioned, whatever the text says.
            "m.mentions": {},
        });
        let mut request = post_json(below(config.url("url")?, &path)?, &body);
        request.method = Method::PUT;
        let bearer = format!("Bearer {}", config.text("access_token"));
        with_secret(request, header::AUTHORIZATION, &bearer).map(Some)
    },
    objection: final_answer,
};

fn formatted(message: &Message<'_>) -> String {
    let [subject, facts, link] = [&message.subject(), &message.facts(), message.link()]
        .map(|text| html(&cut(text, MOST), usize::MAX));
    let whole = format!("<strong>{subject}</strong><pre><code>{facts}</code></pre>");
    if link.is_empty() { whole } else { format!("{whole}<a href=\"{link}\">{link}</a>") }
}

/// The token was revoked, or its user may not write to the room (any more), told by `errcode`.
fn final_answer(answer: &Answer) -> Option<Objection> {
    let told: Value = serde_json::from_str(&answer.body).ok()?;
    let code = told["errcode"].as_str()?;
    let is_final = matches!(code, "M_UNKNOWN_TOKEN" | "M_FORBIDDEN" | "M_USER_DEACTIVATED");
    let error = format!("{code}: {}", told["error"].as_str().unwrap_or_default());
    is_final.then_some(Objection { error, is_final })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::service::tests::{delivered, requests};
    use crate::notify::outbound::Delivery;

    #[test]
    fn its_requests_are_those_that_matrix_documents() {
        insta::assert_snapshot!(requests(&MATRIX));
    }

    #[tokio::test]
    async fn a_token_or_a_room_that_was_lost_is_final_and_nothing_else() {
        let kicked = r#"{"errcode": "M_FORBIDDEN", "error": "User not in room"}"#;
        let delivery = delivered(&MATRIX, "403 Forbidden", kicked).await;
        assert_eq!(delivery, Delivery::Gone { error: "M_FORBIDDEN: User not in room".to_owned() });
        let revoked = r#"{"errcode": "M_UNKNOWN_TOKEN", "error": "Unrecognised access token"}"#;
        let delivery = delivered(&MATRIX, "401 Unauthorized", revoked).await;
        assert!(matches!(delivery, Delivery::Gone { .. }), "{delivery:?}");
        for (status, body) in [
            ("429 Too Many Requests", r#"{"errcode": "M_LIMIT_EXCEEDED", "error": "Slow"}"#),
            ("404 Not Found", r#"{"errcode": "M_UNRECOGNIZED", "error": "What?"}"#),
            ("403 Forbidden", "<h1>a proxy</h1>"),
        ] {
            let delivery = delivered(&MATRIX, status, body).await;
            assert!(matches!(delivery, Delivery::Retry { .. }), "{delivery:?}");
        }
        let delivery = delivered(&MATRIX, "200 OK", r#"{"event_id": "$YUwRidLecu"}"#).await;
        assert_eq!(delivery, Delivery::Delivered);
    }
}
