//! The channel kind `opsgenie`: alerts at Opsgenie. A check has one open alert, named by its alias:
//! down creates it, reminders are counted on it, up closes it.

use http::{StatusCode, header};
use serde_json::json;
use url::Url;

use super::form::{Config, Shape, needed, optional};
use super::message::{Message, cut, untagged};
use super::service::{Service, below, fixed, no_objection, post_json, with_secret};
use crate::notify::outbound::{Failure, Request};

const LONGEST_MESSAGE: usize = 130;
const LONGEST_DESCRIPTION: usize = 15_000;
const MOST_TAGS: usize = 20;
const LONGEST_TAG: usize = 50;

/// The kind.
pub static OPSGENIE: Service = Service {
    name: "opsgenie",
    about: "An alert at Opsgenie, created by down and closed by up.",
    fields: &[
        needed("api_key", Shape::Secret(100), "the key of an API integration"),
        optional("region", Shape::OneOf(&["us", "eu"]), "where Opsgenie keeps the account"),
        optional(
            "priority",
            Shape::OneOf(&["P3", "P1", "P2", "P4", "P5"]),
            "the priority of the alerts, P1 being the highest",
        ),
    ],
    example: r#"{"api_key": "12345678-1234-1234-1234-123456789abc", "region": "eu"}"#,
    group_threshold: 0,
    // "apiKey is invalid or integration is disabled".
    gone: &[StatusCode::UNAUTHORIZED],
    request: |config, message| request(*config, message),
    objection: no_objection,
};

fn request(config: Config<'_>, message: &Message<'_>) -> Result<Option<Request>, Failure> {
    let alerts = fixed(match config.text("region") {
        "eu" => "https://api.eu.opsgenie.com/v2/alerts",
        _ => "https://api.opsgenie.com/v2/alerts",
    })?;
    let request = if message.is_up() {
        close(alerts, message)?
    } else {
        create(alerts, config.text("priority"), message)
    };
    let key = format!("GenieKey {}", config.text("api_key"));
    with_secret(request, header::AUTHORIZATION, &key).map(Some)
}

fn create(alerts: Url, priority: &str, message: &Message<'_>) -> Request {
    let tags = message.lead().check.tags.iter().take(MOST_TAGS);
    let body = json!({
        "message": plain(&message.subject(), LONGEST_MESSAGE),
        "alias": message.key(),
        "description": plain(&message.details(), LONGEST_DESCRIPTION),
        "tags": tags.map(|tag| plain(tag, LONGEST_TAG)).collect::<Vec<_>>(),
        "source": "Overdue",
        "priority": priority,
    });
    post_json(alerts, &body)
}

fn close(alerts: Url, message: &Message<'_>) -> Result<Request, Failure> {
    let mut url = below(alerts, &[&message.key(), "close"])?;
    url.set_query(Some("identifierType=alias"));
    let note = plain(&message.text(), LONGEST_DESCRIPTION);
    Ok(post_json(url, &json!({"source": "Overdue", "note": note})))
}

/// Opsgenie shows HTML, and sends the same text by SMS and reads it out.
fn plain(text: &str, most: usize) -> String {
    cut(&untagged(text), most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::service::tests::{delivered, requests};
    use crate::notify::outbound::Delivery;

    #[test]
    fn its_requests_are_those_that_opsgenie_documents() {
        insta::assert_snapshot!(requests(&OPSGENIE));
    }

    #[tokio::test]
    async fn an_invalid_key_is_final() {
        let body = r#"{"message":"Could not authenticate","took":0.0,"requestId":"r"}"#;
        let refused = delivered(&OPSGENIE, "401 Unauthorized", body).await;
        assert!(matches!(refused, Delivery::Gone { .. }), "{refused:?}");
    }
}
