//! The channel kind `signal`: a Signal message through a server of `signal-cli-rest-api`.

use serde_json::json;

use super::form::{Config, Shape, needed};
use super::message::cut_bytes;
use super::service::{Service, below, no_objection, post_json};

/// What is longer arrives as a file.
const MOST_BYTES: usize = 2_000;

/// The kind.
pub static SIGNAL: Service = Service {
    name: "signal",
    about: "A Signal message through a server of signal-cli-rest-api.",
    fields: &[
        needed("url", Shape::Url, "the server, such as `http://localhost:8080`"),
        needed(
            "number",
            Shape::Like(16, is_number, "a telephone number with + and digits only"),
            "the number that sends, registered at that server, such as `+431212131491291`",
        ),
        needed(
            "recipients",
            Shape::Like(1_000, has_recipients, "at least one number or group"),
            "who gets it: numbers, separated by commas, or one group such as `group.ckRz…`",
        ),
    ],
    example: r#"{"url": "https://signal.example.com", "number": "+431212131491291", "recipients": "+4354546464654, +4912812812121"}"#,
    group_threshold: 10,
    gone: &[],
    request: |config, message| {
        let body = json!({
            "message": cut_bytes(&message.text(), MOST_BYTES),
            "number": config.text("number"),
            "recipients": config.list("recipients").collect::<Vec<_>>(),
            // In the other mode `*` and the like mean something.
            "text_mode": "normal",
        });
        let url = below(config.url("url")?, &["v2", "send"])?;
        Ok(Some(post_json(url, &body)))
    },
    objection: no_objection,
};

fn is_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn has_recipients(text: &str) -> bool {
    Config(&json!({"to": text})).list("to").next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::service::tests::requests;

    #[test]
    fn its_requests_are_those_that_signal_cli_rest_api_documents() {
        insta::assert_snapshot!(requests(&SIGNAL));
    }

    #[test]
    fn a_number_has_a_plus_and_a_list_has_an_item() {
        assert!(is_number("+431212131491291"));
        assert!(!is_number("431212131491291") && !is_number("+") && !is_number("+43 1"));
        assert!(has_recipients("group.ckRz") && has_recipients(" , +43"));
        assert!(!has_recipients(" , "));
    }
}
