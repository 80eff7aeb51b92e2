//! The channel kind `twilio_whatsapp`: a WhatsApp message in the short form, sent by Twilio.
//!
//! WhatsApp lets a business write freely only to those who wrote to it within the last 24 hours. At
//! any other time it takes approved templates: with `content_sid` the text goes out as the value of
//! the template's variable `1`.

use serde_json::json;

use super::form::{Config, Shape, needed, optional};
use super::message::{Message, cut};
use super::service::{Service, no_objection};
use super::twilio::{ACCOUNT_SID, AUTH_TOKEN, GONE, TO, make, sender};
use crate::notify::outbound::{Failure, Request};

const LONGEST_BODY: usize = 1_600;
const LONGEST_VARIABLE: usize = 255;

/// The kind.
pub static TWILIO_WHATSAPP: Service = Service {
    name: "twilio_whatsapp",
    about: "A WhatsApp message sent by Twilio.",
    fields: &[
        ACCOUNT_SID,
        AUTH_TOKEN,
        needed(
            "from",
            Shape::Text(40),
            "the sender: a number that Twilio knows as a WhatsApp sender, or the SID of a Messaging \
             Service, `MG…`",
        ),
        TO,
        optional(
            "content_sid",
            Shape::Text(40),
            "the SID of a content template, `HX…`, whose variable `1` is the text; without one the \
             text is sent as it is, which WhatsApp only allows within 24 hours after the recipient \
             wrote",
        ),
    ],
    example: r#"{"account_sid": "AC0123456789abcdef0123456789abcdef", "auth_token": "0123456789abcdef", "from": "+15005550006", "to": "+4915112345678"}"#,
    group_threshold: 10,
    gone: GONE,
    request: |config, message| request(*config, message),
    objection: no_objection,
};

fn request(config: Config<'_>, message: &Message<'_>) -> Result<Option<Request>, Failure> {
    let to = format!("whatsapp:{}", config.text("to"));
    let from = config.text("from");
    let (sender, from) = match sender(from) {
        "From" => ("From", format!("whatsapp:{}", from.trim_start_matches("whatsapp:"))),
        service => (service, from.to_owned()),
    };
    let text = message.short();
    let parties = [("To", to.as_str()), (sender, from.as_str())];
    let request = match config.text("content_sid") {
        "" => {
            let body = cut(&text, LONGEST_BODY);
            make(config, "Messages", &[parties[0], parties[1], ("Body", &body)])
        }
        template => {
            // WhatsApp refuses variables with rows of spaces in them.
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let variables = json!({"1": cut(&words, LONGEST_VARIABLE)}).to_string();
            let content = [("ContentSid", template), ("ContentVariables", &variables)];
            make(config, "Messages", &[parties[0], parties[1], content[0], content[1]])
        }
    };
    request.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::tests::late_backup;
    use crate::notify::channels::service::tests::requests;

    #[test]
    fn its_requests_are_those_that_twilio_documents() {
        insta::assert_snapshot!(requests(&TWILIO_WHATSAPP));
    }

    #[test]
    fn a_template_gets_the_text_as_its_variable() {
        let config = json!({
            "account_sid": "AC1", "auth_token": "t", "from": "MG0123456789abcdef0123456789abcdef",
            "to": "+4915112345678", "content_sid": "HX1",
        });
        let mut alert = late_backup();
        alert.check.name = "nightly     backup".to_owned();
        let message = Message { alerts: &[alert], id: "msg_1", now: late_backup().now };
        let request = request(Config(&config), &message).unwrap().unwrap();
        let fields: Vec<(String, String)> =
            form_urlencoded::parse(&request.body).into_owned().collect();
        let variables = r#"{"1":"DOWN nightly backup: no ping came in time (03:10 CET)"}"#;
        let wanted = [
            ("To", "whatsapp:+4915112345678"),
            ("MessagingServiceSid", "MG0123456789abcdef0123456789abcdef"),
            ("ContentSid", "HX1"),
            ("ContentVariables", variables),
        ];
        assert_eq!(fields, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
