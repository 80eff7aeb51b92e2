//! The channel kind `twilio_sms`: an SMS in the short form, sent by Twilio.

use super::form::{Shape, needed};
use super::message::cut;
use super::service::{Service, no_objection};
use super::twilio::{ACCOUNT_SID, AUTH_TOKEN, GONE, TO, make, sender};

const LONGEST_BODY: usize = 1_600;

/// The kind.
pub static TWILIO_SMS: Service = Service {
    name: "twilio_sms",
    about: "An SMS sent by Twilio.",
    fields: &[
        ACCOUNT_SID,
        AUTH_TOKEN,
        needed(
            "from",
            Shape::Text(40),
            "the sender: a number of the account, a sender's name, or the SID of a Messaging \
             Service, `MG…`",
        ),
        TO,
    ],
    example: r#"{"account_sid": "AC0123456789abcdef0123456789abcdef", "auth_token": "0123456789abcdef", "from": "+15005550006", "to": "+4915112345678"}"#,
    group_threshold: 10,
    gone: GONE,
    request: |config, message| {
        let from = config.text("from");
        let body = cut(&message.short(), LONGEST_BODY);
        let fields = [("To", config.text("to")), (sender(from), from), ("Body", &body)];
        make(*config, "Messages", &fields).map(Some)
    },
    objection: no_objection,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::service::tests::{delivered, requests};
    use crate::notify::outbound::Delivery;

    #[test]
    fn its_requests_are_those_that_twilio_documents() {
        insta::assert_snapshot!(requests(&TWILIO_SMS));
    }

    #[tokio::test]
    async fn an_auth_token_that_is_not_known_is_final_and_a_number_that_is_not_is_not() {
        let login = r#"{"code":20003,"message":"Authenticate","status":401}"#;
        let refused = delivered(&TWILIO_SMS, "401 Unauthorized", login).await;
        assert!(matches!(refused, Delivery::Gone { .. }), "{refused:?}");
        let number = r#"{"code":21211,"message":"The 'To' number is not valid.","status":400}"#;
        let refused = delivered(&TWILIO_SMS, "400 Bad Request", number).await;
        assert!(matches!(refused, Delivery::Retry { .. }), "{refused:?}");
    }
}
