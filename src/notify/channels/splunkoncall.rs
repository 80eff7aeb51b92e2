//! The channel kind `splunkoncall`: alerts for the REST endpoint of Splunk On-Call, which was
//! VictorOps. A check has one incident, named by its entity: down opens it, up resolves it.

use serde_json::{Value, json};

use super::form::{Config, Shape, needed};
use super::message::{Message, cut};
use super::service::{Objection, Service, post_json};
use crate::notify::outbound::{Answer, Failure, Request};

/// The documentation names no limits; these are more than its timeline shows.
const LONGEST_NAME: usize = 512;
const LONGEST_STATE: usize = 10_000;

/// The kind.
pub static SPLUNKONCALL: Service = Service {
    name: "splunkoncall",
    about: "An incident at Splunk On-Call, opened by down and resolved by up.",
    fields: &[needed(
        "url",
        Shape::SecretUrl,
        "the URL of the REST integration, with the routing key at its end in the place of \
         `$routing_key`",
    )],
    example: r#"{"url": "https://alert.victorops.com/integrations/generic/20131114/alert/12345678-1234-1234-1234-123456789abc/database"}"#,
    group_threshold: 0,
    gone: &[],
    request: |config, message| request(*config, message),
    objection,
};

fn request(config: Config<'_>, message: &Message<'_>) -> Result<Option<Request>, Failure> {
    let body = json!({
        "message_type": if message.is_up() { "RECOVERY" } else { "CRITICAL" },
        "entity_id": message.key(),
        "entity_display_name": cut(&message.subject(), LONGEST_NAME),
        "state_message": cut(&message.details(), LONGEST_STATE),
        "state_start_time": message.lead().since.epoch_seconds(),
        "monitoring_tool": "Overdue",
    });
    Ok(Some(post_json(config.url("url")?, &body)))
}

/// A `result` other than `success` means that it took nothing, whatever the status.
fn objection(answer: &Answer) -> Option<Objection> {
    let said: Value = serde_json::from_str(&answer.body).ok()?;
    let is_refused = said["result"].as_str().is_some_and(|result| result != "success");
    is_refused.then(|| Objection { error: answer.error(), is_final: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::service::tests::{delivered, requests};
    use crate::notify::outbound::Delivery;

    #[test]
    fn its_requests_are_those_that_splunk_documents() {
        insta::assert_snapshot!(requests(&SPLUNKONCALL));
    }

    #[tokio::test]
    async fn a_failure_is_one_whatever_the_status() {
        let failure = r#"{"result":"failure","messages":"unknown routing key"}"#;
        let refused = delivered(&SPLUNKONCALL, "200 OK", failure).await;
        assert!(matches!(refused, Delivery::Retry { .. }), "{refused:?}");
        let success = r#"{"result":"success","entity_id":"overdue-1"}"#;
        assert_eq!(delivered(&SPLUNKONCALL, "200 OK", success).await, Delivery::Delivered);
    }
}
