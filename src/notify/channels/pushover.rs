//! The channel kind `pushover`: a notification by Pushover. One of priority 2, an emergency, comes
//! again every `retry` seconds until somebody acknowledges it or `expire` seconds have passed.

use serde_json::Value;

use super::form::{Config, Shape, needed, optional};
use super::message::{Message, cut};
use super::service::{Objection, Service, fixed, post_form};
use crate::notify::outbound::{Answer, Failure, Request};

const LONGEST_TITLE: usize = 250;
const LONGEST_MESSAGE: usize = 1_024;
const LONGEST_URL: usize = 512;
const EMERGENCY: i64 = 2;

/// The kind.
pub static PUSHOVER: Service = Service {
    name: "pushover",
    about: "A notification by Pushover.",
    fields: &[
        needed("token", Shape::Secret(100), "the API token of an application"),
        needed("user", Shape::Secret(100), "the key of a user or a group"),
        optional("device", Shape::Text(200), "the name of a device; without one, all devices"),
        optional(
            "priority_down",
            Shape::Number(-2, EMERGENCY, 0),
            "the priority of bad news, 2 being an emergency",
        ),
        optional("priority_up", Shape::Number(-2, EMERGENCY, 0), "the priority of good news"),
        optional(
            "retry",
            Shape::Number(30, 10_800, 300),
            "seconds after which an emergency is repeated",
        ),
        optional(
            "expire",
            Shape::Number(30, 10_800, 3_600),
            "seconds after which an emergency is no longer repeated",
        ),
    ],
    example: r#"{"token": "azGDORePK8gMaC0QOYAMyEEuzJnyUi", "user": "uQiRzpo4DXghDmr9QzzfQu27cmVRsG", "priority_down": 2}"#,
    group_threshold: 10,
    gone: &[],
    request: |config, message| request(*config, message),
    objection,
};

fn request(config: Config<'_>, message: &Message<'_>) -> Result<Option<Request>, Failure> {
    let title = cut(&message.subject(), LONGEST_TITLE);
    let text = cut(&message.facts(), LONGEST_MESSAGE);
    let name = if message.is_up() { "priority_up" } else { "priority_down" };
    let [priority, retry, expire] = [name, "retry", "expire"].map(|n| config.number(n).to_string());
    let mut fields = vec![
        ("token", config.text("token")),
        ("user", config.text("user")),
        ("title", &title),
        ("message", &text),
        ("priority", &priority),
    ];
    if config.number(name) == EMERGENCY {
        fields.extend([("retry", retry.as_str()), ("expire", expire.as_str())]);
    }
    let link = Some(message.link()).filter(|link| link.chars().count() <= LONGEST_URL);
    for (name, value) in [("device", config.text("device")), ("url", link.unwrap_or_default())] {
        if !value.is_empty() {
            fields.push((name, value));
        }
    }
    Ok(Some(post_form(fixed("https://api.pushover.net/1/messages.json")?, &fields)))
}

/// `status` is 1 where the message was taken. A token or user that is `invalid` stays so.
fn objection(answer: &Answer) -> Option<Objection> {
    let said: Value = serde_json::from_str(&answer.body).ok()?;
    let is_invalid = |name: &str| said[name] == "invalid";
    let is_final = is_invalid("token") || is_invalid("user");
    let is_refused = said["status"].as_i64().is_some_and(|status| status != 1);
    is_refused.then(|| Objection { error: answer.error(), is_final })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::service::tests::{delivered, requests};
    use crate::notify::outbound::Delivery;

    #[test]
    fn its_requests_are_those_that_pushover_documents() {
        insta::assert_snapshot!(requests(&PUSHOVER));
    }

    #[tokio::test]
    async fn an_invalid_token_or_user_is_final_and_nothing_else_is() {
        let token = r#"{"token":"invalid","errors":["application token is invalid, see https://pushover.net/api"],"status":0,"request":"r"}"#;
        let user = r#"{"user":"invalid","errors":["user identifier is not a valid user, group, or subscribed user key"],"status":0,"request":"r"}"#;
        for body in [token, user] {
            let refused = delivered(&PUSHOVER, "400 Bad Request", body).await;
            assert!(matches!(refused, Delivery::Gone { .. }), "{refused:?}");
        }
        let other = r#"{"message":"cannot be blank","status":0,"request":"r"}"#;
        for status in ["200 OK", "400 Bad Request"] {
            let refused = delivered(&PUSHOVER, status, other).await;
            assert!(matches!(refused, Delivery::Retry { .. }), "{refused:?}");
        }
        let fine = delivered(&PUSHOVER, "200 OK", r#"{"status":1,"request":"r"}"#).await;
        assert_eq!(fine, Delivery::Delivered);
    }
}
