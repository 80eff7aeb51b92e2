//! The channel kind `pushbullet`: a push to the devices of a Pushbullet account, or to a channel.

use http::{HeaderName, StatusCode};
use serde_json::json;

use super::form::{Config, Shape, needed, optional};
use super::message::{Message, cut};
use super::service::{Service, fixed, no_objection, post_json, with_secret};
use crate::notify::outbound::{Failure, Request};

/// The documentation names no limits; these are more than a notification shows.
const LONGEST_TITLE: usize = 250;
const LONGEST_BODY: usize = 4_000;

/// The kind.
pub static PUSHBULLET: Service = Service {
    name: "pushbullet",
    about: "A push to the devices of a Pushbullet account, or to a channel of it.",
    fields: &[
        needed("token", Shape::Secret(200), "an access token of the account"),
        optional(
            "device_iden",
            Shape::Text(100),
            "the identifier of the device; without one, all devices",
        ),
        optional("channel_tag", Shape::Text(100), "the tag of a channel, in place of devices"),
    ],
    example: r#"{"token": "o.abcdefghijklmnopqrstuvwxyz012345"}"#,
    group_threshold: 10,
    // "No valid access token provided."
    gone: &[StatusCode::UNAUTHORIZED],
    request: |config, message| request(*config, message),
    objection: no_objection,
};

fn request(config: Config<'_>, message: &Message<'_>) -> Result<Option<Request>, Failure> {
    let mut body = json!({
        "type": if message.link().is_empty() { "note" } else { "link" },
        "title": cut(&message.subject(), LONGEST_TITLE),
        "body": cut(&message.facts(), LONGEST_BODY),
        // A push of the same identifier is not made twice.
        "guid": message.id,
    });
    let target = ["device_iden", "channel_tag"].map(|name| (name, config.text(name)));
    for (name, value) in target.into_iter().chain([("url", message.link())]) {
        if !value.is_empty() {
            body[name] = json!(value);
        }
    }
    let request = post_json(fixed("https://api.pushbullet.com/v2/pushes")?, &body);
    let name = HeaderName::from_static("access-token");
    with_secret(request, name, config.text("token")).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::service::tests::{delivered, requests};
    use crate::notify::outbound::Delivery;

    #[test]
    fn its_requests_are_those_that_pushbullet_documents() {
        insta::assert_snapshot!(requests(&PUSHBULLET));
    }

    #[tokio::test]
    async fn a_token_that_is_not_valid_is_final() {
        let body = r#"{"error":{"type":"invalid_access_token","message":"Access token is missing or invalid."}}"#;
        let refused = delivered(&PUSHBULLET, "401 Unauthorized", body).await;
        assert!(matches!(refused, Delivery::Gone { .. }), "{refused:?}");
    }
}
