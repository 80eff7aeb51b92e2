//! What the kinds `twilio_sms`, `twilio_call` and `twilio_whatsapp` share: an account, and requests
//! to Twilio's REST API in its name.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{StatusCode, header};

use super::form::{Config, Field, Shape, needed};
use super::service::{below, fixed, post_form, with_secret};
use crate::notify::outbound::{Failure, Request};

/// An auth token that was deleted, or an account that was closed.
pub(super) const GONE: &[StatusCode] = &[StatusCode::UNAUTHORIZED];

pub(super) const ACCOUNT_SID: Field =
    needed("account_sid", Shape::Text(100), "the account's SID, `AC…`");
pub(super) const AUTH_TOKEN: Field =
    needed("auth_token", Shape::Secret(200), "the account's auth token");
pub(super) const TO: Field =
    needed("to", Shape::Phone, "the recipient's number, such as `+4915112345678`");

/// A request that makes a thing of the account, such as one of its `Messages`.
pub(super) fn make(
    config: Config<'_>,
    things: &str,
    fields: &[(&str, &str)],
) -> Result<Request, Failure> {
    let (account, token) = (config.text(ACCOUNT_SID.name), config.text(AUTH_TOKEN.name));
    let accounts = fixed("https://api.twilio.com/2010-04-01/Accounts")?;
    let url = below(accounts, &[account, &format!("{things}.json")])?;
    let login = format!("Basic {}", STANDARD.encode(format!("{account}:{token}")));
    with_secret(post_form(url, fields), header::AUTHORIZATION, &login)
}

/// The field that names the sender of a message: a number, a name, or a Messaging Service by its
/// SID, which is `MG` and 32 hexadecimal digits.
pub(super) fn sender(from: &str) -> &'static str {
    let digits = from.strip_prefix("MG").unwrap_or_default();
    let is_service = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if is_service { "MessagingServiceSid" } else { "From" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_messaging_service_is_told_from_numbers_and_names() {
        assert_eq!(sender("MG0123456789abcdef0123456789abcdef"), "MessagingServiceSid");
        assert_eq!(sender("+4915112345678"), "From");
        assert_eq!(sender("MG Motors"), "From");
    }
}
