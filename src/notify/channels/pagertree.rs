//! The channel kind `pagertree`: events for a webhook integration of PagerTree. A check has one
//! alert: down creates it, up resolves it.

use serde_json::json;

use super::form::{Config, Shape, needed, optional};
use super::message::{Message, cut, untagged};
use super::service::{Service, no_objection, post_json};
use crate::notify::outbound::{Failure, Request};

/// The documentation names no limits; these are more than its pages show.
const LONGEST_TITLE: usize = 250;
const LONGEST_DESCRIPTION: usize = 10_000;

/// The kind.
pub static PAGERTREE: Service = Service {
    name: "pagertree",
    about: "An alert at PagerTree, created by down and resolved by up.",
    fields: &[
        needed(
            "url",
            Shape::SecretUrl,
            "the endpoint URL of a webhook integration, `https://api.pagertree.com/integration/…`",
        ),
        optional(
            "urgency",
            Shape::OneOf(&["default", "silent", "low", "medium", "high", "critical"]),
            "the urgency of the alerts; `default` is that of the integration",
        ),
    ],
    example: r#"{"url": "https://api.pagertree.com/integration/int_abcdefghij"}"#,
    group_threshold: 0,
    gone: &[],
    request: |config, message| request(*config, message),
    objection: no_objection,
};

fn request(config: Config<'_>, message: &Message<'_>) -> Result<Option<Request>, Failure> {
    let mut body = json!({
        "event_type": if message.is_up() { "resolve" } else { "create" },
        "Id": message.key(),
        "Title": cut(&untagged(&message.subject()), LONGEST_TITLE),
        "Description": cut(&untagged(&message.details()), LONGEST_DESCRIPTION),
        "Tags": message.lead().check.tags,
    });
    if config.text("urgency") != "default" {
        body["Urgency"] = json!(config.text("urgency"));
    }
    Ok(Some(post_json(config.url("url")?, &body)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::service::tests::requests;

    #[test]
    fn its_requests_are_those_that_pagertree_documents() {
        insta::assert_snapshot!(requests(&PAGERTREE));
    }
}
