//! The channel kind `pagerduty`: events for the Events API v2 of PagerDuty. A check has one incident:
//! down triggers it, reminders are added to it, up resolves it.

use serde_json::json;

use super::form::{Config, Shape, needed, optional};
use super::message::{Message, cut};
use super::service::{Objection, Service, fixed, post_json};
use crate::domain::alert::one_line;
use crate::notify::outbound::{Answer, Failure, Request};

const LONGEST_SUMMARY: usize = 1_024;
const LONGEST_SOURCE: usize = 255;

/// The kind.
pub static PAGERDUTY: Service = Service {
    name: "pagerduty",
    about: "An incident at PagerDuty, triggered by down and resolved by up.",
    fields: &[
        needed(
            "routing_key",
            Shape::Secret(64),
            "the integration key of an integration of the type Events API v2",
        ),
        optional("region", Shape::OneOf(&["us", "eu"]), "where PagerDuty keeps the account"),
        optional(
            "severity",
            Shape::OneOf(&["critical", "error", "warning", "info"]),
            "how bad it is that a check is down",
        ),
    ],
    example: r#"{"routing_key": "0123456789abcdef0123456789abcdef", "region": "eu"}"#,
    group_threshold: 0,
    gone: &[],
    request: |config, message| request(*config, message),
    objection,
};

fn request(config: Config<'_>, message: &Message<'_>) -> Result<Option<Request>, Failure> {
    let mut body = json!({
        "routing_key": config.text("routing_key"),
        "event_action": if message.is_up() { "resolve" } else { "trigger" },
        "dedup_key": message.key(),
    });
    if !message.is_up() {
        let lead = message.lead();
        let name = one_line(&lead.check.name);
        body["payload"] = json!({
            "summary": cut(&message.subject(), LONGEST_SUMMARY),
            "source": cut(if name.is_empty() { "Overdue" } else { &name }, LONGEST_SOURCE),
            "severity": config.text("severity"),
            "timestamp": lead.since.to_rfc3339(),
            "group": cut(&lead.project, LONGEST_SOURCE),
            "custom_details": {"text": message.details()},
        });
        body["client"] = json!("Overdue");
        if !message.link().is_empty() {
            body["client_url"] = json!(message.link());
            body["links"] = json!([{"href": message.link(), "text": "Overdue"}]);
        }
    }
    let url = match config.text("region") {
        "eu" => "https://events.eu.pagerduty.com/v2/enqueue",
        _ => "https://events.pagerduty.com/v2/enqueue",
    };
    Ok(Some(post_json(fixed(url)?, &body)))
}

/// 400 stands for whatever PagerDuty does not like about an event; where that is the key, no event
/// will do.
fn objection(answer: &Answer) -> Option<Objection> {
    let said = answer.body.to_lowercase();
    let is_key = said.contains("routing_key") || said.contains("routing key");
    (answer.status.as_u16() == 400 && is_key)
        .then(|| Objection { error: answer.error(), is_final: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::service::tests::{delivered, requests};
    use crate::notify::outbound::Delivery;

    #[test]
    fn its_requests_are_those_that_pagerduty_documents() {
        insta::assert_snapshot!(requests(&PAGERDUTY));
    }

    #[tokio::test]
    async fn a_wrong_key_is_final_and_a_wrong_event_is_not() {
        let key = r#"{"status":"invalid event","message":"Event object is invalid","errors":["Length of 'routing_key' is incorrect (should be 32 characters)"]}"#;
        let refused = delivered(&PAGERDUTY, "400 Bad Request", key).await;
        assert!(matches!(refused, Delivery::Gone { .. }), "{refused:?}");
        let event = r#"{"status":"invalid event","errors":["'payload.summary' is missing"]}"#;
        let refused = delivered(&PAGERDUTY, "400 Bad Request", event).await;
        assert!(matches!(refused, Delivery::Retry { .. }), "{refused:?}");
        let taken = r#"{"status":"success","message":"Event processed","dedup_key":"k"}"#;
        assert_eq!(delivered(&PAGERDUTY, "202 Accepted", taken).await, Delivery::Delivered);
    }
}
