//! The channel kind `twilio_call`: a telephone call by Twilio, in which a voice says twice what
//! happened.

use super::form::{Config, Shape, needed};
use super::message::{Message, html};
use super::service::{Service, no_objection};
use super::twilio::{ACCOUNT_SID, AUTH_TOKEN, GONE, TO, make};
use crate::notify::outbound::{Failure, Request};

/// Of one of the two times; Twilio takes 4000 characters of TwiML in all.
const LONGEST_SPEECH: usize = 1_500;

/// The kind.
pub static TWILIO_CALL: Service = Service {
    name: "twilio_call",
    about: "A telephone call by Twilio, in which a voice says what happened.",
    fields: &[
        ACCOUNT_SID,
        AUTH_TOKEN,
        needed(
            "from",
            Shape::Phone,
            "the number that calls: one of the account, or verified by it",
        ),
        TO,
    ],
    example: r#"{"account_sid": "AC0123456789abcdef0123456789abcdef", "auth_token": "0123456789abcdef", "from": "+15005550006", "to": "+4915112345678"}"#,
    group_threshold: 10,
    gone: GONE,
    request: |config, message| request(*config, message),
    objection: no_objection,
};

fn request(config: Config<'_>, message: &Message<'_>) -> Result<Option<Request>, Failure> {
    // XML can't hold these two characters in any form.
    let subject = message.subject().replace(['\u{fffe}', '\u{ffff}'], " ");
    let say = format!("<Say>{}</Say>", html(&subject, LONGEST_SPEECH));
    let twiml = format!("<Response>{say}<Pause length=\"1\"/>{say}</Response>");
    let fields = [("To", config.text("to")), ("From", config.text("from")), ("Twiml", &twiml)];
    make(config, "Calls", &fields).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::service::tests::requests;

    #[test]
    fn its_requests_are_those_that_twilio_documents() {
        insta::assert_snapshot!(requests(&TWILIO_CALL));
    }
}
