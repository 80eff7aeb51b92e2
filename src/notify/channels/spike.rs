//! The channel kind `spike`: incidents for a webhook integration of Spike. Spike knows an incident by
//! its title, so the title is the same whatever there is to tell of a check, and no two checks share
//! one; what happened stands in the body.

use serde_json::json;

use super::form::{Config, Shape, needed, optional};
use super::message::{Message, cut};
use super::service::{Service, no_objection, post_json};
use crate::domain::alert::one_line;
use crate::notify::outbound::{Failure, Request};

/// The documentation names no limits; these are more than its pages show.
const LONGEST_NAME: usize = 150;
const LONGEST_BODY: usize = 10_000;
/// How much of a check's key stands in its title, hexadecimal digits.
const KEY_DIGITS: usize = 8;

/// The kind.
pub static SPIKE: Service = Service {
    name: "spike",
    about: "An incident at Spike, opened by down and resolved by up.",
    fields: &[
        needed(
            "url",
            Shape::SecretUrl,
            "the URL of a webhook integration, `https://hooks.spike.sh/…/push-events`",
        ),
        optional(
            "severity",
            Shape::OneOf(&["default", "sev1", "sev2", "sev3"]),
            "the severity of the incidents; `default` is that of the integration",
        ),
    ],
    example: r#"{"url": "https://hooks.spike.sh/abcdefghij/push-events", "severity": "sev1"}"#,
    group_threshold: 0,
    gone: &[],
    request: |config, message| request(*config, message),
    objection: no_objection,
};

fn request(config: Config<'_>, message: &Message<'_>) -> Result<Option<Request>, Failure> {
    let mut body = json!({
        "title": title(message),
        "body": cut(&message.text(), LONGEST_BODY),
    });
    if message.is_up() {
        body["status"] = json!("resolve");
    } else if config.text("severity") != "default" {
        body["severity"] = json!(config.text("severity"));
    }
    Ok(Some(post_json(config.url("url")?, &body)))
}

fn title(message: &Message<'_>) -> String {
    let check = &message.lead().check;
    let [name, slug] = [&check.name, &check.slug].map(|text| cut(&one_line(text), LONGEST_NAME));
    let name = if name.is_empty() { slug } else { name };
    match check.unique_key.get(..KEY_DIGITS) {
        Some(key) if name.is_empty() => format!("A check is down ({key})"),
        Some(key) => format!("{name} is down ({key})"),
        // No check at all: a test, or its end, which is named after it.
        None if name.is_empty() => cut(&message.subject(), LONGEST_NAME),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::tests::late_backup;
    use crate::domain::alert::{Alert, CheckFacts, Event};
    use crate::notify::channels::service::tests::requests;

    #[test]
    fn its_requests_are_those_that_spike_documents() {
        insta::assert_snapshot!(requests(&SPIKE));
    }

    fn titled(alert: Alert) -> String {
        title(&Message { alerts: &[alert], id: "msg_1", now: late_backup().now })
    }

    #[test]
    fn down_reminder_and_up_of_a_check_share_a_title_that_is_its_own() {
        let of = |event| titled(Alert { event, ..late_backup() });
        assert_eq!(of(Event::Down), "nightly backup is down (01234567)");
        assert_eq!(of(Event::StillDown), of(Event::Down));
        assert_eq!(of(Event::Up), of(Event::Down));
    }

    #[test]
    fn a_test_and_its_end_share_a_title_too() {
        let check = CheckFacts::default();
        let test = Alert { event: Event::Test, check, ..late_backup() };
        let check = CheckFacts { name: titled(test.clone()), ..CheckFacts::default() };
        assert_eq!(titled(Alert { event: Event::Up, check, ..test.clone() }), titled(test));
    }
}
