//! The channel kind `ntfy`: a notification published to a topic of an ntfy server.

use http::header;
use serde_json::json;

use super::form::{Shape, needed, optional};
use super::message::{cut, cut_bytes};
use super::service::{Service, no_objection, post_json, with_secret};

/// What is longer arrives as a file.
const MOST_BYTES: usize = 4_000;
const LONGEST_TITLE: usize = 250;

/// The kind.
pub static NTFY: Service = Service {
    name: "ntfy",
    about: "A notification published to a topic of an ntfy server.",
    fields: &[
        needed("url", Shape::Url, "the server, such as `https://ntfy.sh`"),
        needed("topic", Shape::Text(64), "the topic"),
        optional("token", Shape::Secret(200), "an access token, where the topic is protected"),
        optional(
            "priority_down",
            Shape::Number(1, 5, 4),
            "the priority of bad news, 5 being the highest",
        ),
        optional("priority_up", Shape::Number(1, 5, 3), "the priority of good news"),
    ],
    example: r#"{"url": "https://ntfy.sh", "topic": "nightly-jobs", "token": "tk_abcdefghij"}"#,
    group_threshold: 10,
    gone: &[],
    request: |config, message| {
        let is_up = message.is_up();
        let mut body = json!({
            "topic": config.text("topic"),
            "title": cut(&message.subject(), LONGEST_TITLE),
            "message": cut_bytes(&message.details(), MOST_BYTES),
            "priority": config.number(if is_up { "priority_up" } else { "priority_down" }),
            "tags": [if is_up { "white_check_mark" } else { "rotating_light" }],
        });
        if !message.link().is_empty() {
            body["click"] = json!(message.link());
        }
        let request = post_json(config.url("url")?, &body);
        match config.text("token") {
            "" => Ok(Some(request)),
            token => {
                with_secret(request, header::AUTHORIZATION, &format!("Bearer {token}")).map(Some)
            }
        }
    },
    objection: no_objection,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::service::tests::requests;

    #[test]
    fn its_requests_are_those_that_ntfy_documents() {
        insta::assert_snapshot!(requests(&NTFY));
    }
}
