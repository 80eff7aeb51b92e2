//! The channel kind `trello`: a card on a list of a Trello board for every check that goes down. What
//! becomes of the card is up to the people of the board: up and reminders are not told, as by then it
//! may be anywhere.

use http::{StatusCode, header};

use super::form::{Config, Shape, needed};
use super::message::{Message, calm, cut, fenced};
use super::service::{Service, fixed, no_objection, post_form, with_secret};
use crate::domain::alert::{Alert, Event};
use crate::notify::outbound::{Failure, Request};

/// Trello takes 16 384 of either; nobody reads a name of that length.
const LONGEST_NAME: usize = 500;
const LONGEST_TEXT: usize = 10_000;

/// The kind.
pub static TRELLO: Service = Service {
    name: "trello",
    about: "A card on a Trello list for every check that goes down; up and reminders are not told.",
    fields: &[
        needed("key", Shape::Text(100), "the API key of a Power-Up"),
        needed("token", Shape::Secret(200), "a token that may write, made with that key"),
        needed("list_id", Shape::Text(100), "the identifier of the list that gets the cards"),
    ],
    example: r#"{"key": "0123456789abcdef0123456789abcdef", "token": "ATTA0123456789abcdef", "list_id": "5abbe4b7ddc1b351ef961414"}"#,
    group_threshold: 0,
    // A token that was revoked or has expired.
    gone: &[StatusCode::UNAUTHORIZED],
    request: |config, message| request(*config, message),
    objection: no_objection,
};

fn request(config: Config<'_>, message: &Message<'_>) -> Result<Option<Request>, Failure> {
    let is_told = |alert: &Alert| !matches!(alert.event, Event::Up | Event::StillDown);
    if !message.alerts.iter().any(is_told) {
        return Ok(None);
    }
    let name = cut(&calm(&message.subject()), LONGEST_NAME);
    let text = format!("{}\n\n{}", fenced("text", &message.facts(), LONGEST_TEXT), message.link());
    let fields = [
        ("idList", config.text("list_id")),
        ("name", name.as_str()),
        ("desc", text.trim_end()),
        ("pos", "top"),
    ];
    let login = ["key", "token"].map(|name| config.text(name).replace(['"', '\\'], ""));
    let login = format!("OAuth oauth_consumer_key=\"{}\", oauth_token=\"{}\"", login[0], login[1]);
    let request = post_form(fixed("https://api.trello.com/1/cards")?, &fields);
    with_secret(request, header::AUTHORIZATION, &login).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::service::tests::{delivered, requests};
    use crate::notify::outbound::Delivery;

    #[test]
    fn its_requests_are_those_that_trello_documents() {
        insta::assert_snapshot!(requests(&TRELLO));
    }

    #[tokio::test]
    async fn a_token_that_was_revoked_is_final() {
        let refused = delivered(&TRELLO, "401 Unauthorized", "invalid token").await;
        assert!(matches!(refused, Delivery::Gone { .. }), "{refused:?}");
    }
}
