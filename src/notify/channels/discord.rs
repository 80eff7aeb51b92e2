//! The channel kind `discord`: a message to a webhook of a Discord channel. A `thread_id` in the
//! webhook's URL is kept, so that forum channels can be written to.

use http::StatusCode;
use serde_json::json;

use super::form::{Shape, needed};
use super::message::{Message, fenced, markdown};
use super::service::{Service, no_objection, post_json};

/// The longest `content`.
const MOST: usize = 2_000;
/// The longest description of an embed.
const MOST_IN_EMBED: usize = 4_096;
/// What may mean something where a line of text stands.
const MARKS: &str = "\\*_~`|>#[]<@";

/// The kind.
pub static DISCORD: Service = Service {
    name: "discord",
    about: "A message to a webhook of a Discord channel.",
    fields: &[needed(
        "url",
        Shape::SecretUrl,
        "the webhook's URL, `https://discord.com/api/webhooks/…`",
    )],
    example: r#"{"url": "https://discord.com/api/webhooks/223704706495545344/abcdefghij"}"#,
    group_threshold: 10,
    // Codes 50027 (the token is not valid) and 10015 (no such webhook).
    gone: &[StatusCode::UNAUTHORIZED, StatusCode::NOT_FOUND],
    request: |config, message| {
        let mut url = config.url("url")?;
        // Without it Discord says that all is well before it has looked.
        url.query_pairs_mut().append_pair("wait", "true");
        let colour = if message.is_up() { 0x002e_7d32 } else { 0x00c6_2828 };
        let body = json!({
            "content": markdown(&message.subject(), MOST, MARKS),
            "embeds": [{"description": description(message), "color": colour}],
            "allowed_mentions": {"parse": []},
        });
        Ok(Some(post_json(url, &body)))
    },
    objection: no_objection,
};

/// The details as code, and the link below, as nothing within code can be clicked.
fn description(message: &Message<'_>) -> String {
    let link = message.link();
    let room = MOST_IN_EMBED.saturating_sub(link.len() + 1);
    format!("{}\n{link}", fenced("", &message.facts(), room)).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::service::tests::requests;

    #[test]
    fn its_requests_are_those_that_discord_documents() {
        insta::assert_snapshot!(requests(&DISCORD));
    }
}
