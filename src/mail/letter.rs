//! One mail: what stands in it, and its form on the wire (RFC 5322, MIME). Texts may come from
//! strangers: nothing in them can end a header or a part.

use std::time::{Duration, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, Message, MessageBuilder, MultiPart, SinglePart};

use super::address::{Address, Sender};
use crate::clock::{SECOND, Timestamp};
use crate::domain::alert::one_line;

/// Bytes that one encoded word takes, so that a line of it stays below 76 characters.
const MOST_IN_A_WORD: usize = 39;
/// The longest subject, in characters.
const LONGEST_SUBJECT: usize = 200;

/// A mail to one recipient.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// The same at every try: what stands before the `@` of its `Message-ID`.
    pub id: &'a str,
    /// Who gets it.
    pub to: &'a Address,
    /// Where the news goes that it could not be delivered; without it, to the sender.
    pub bounces_to: Option<&'a Address>,
    /// One line.
    pub subject: &'a str,
    /// The whole of it as plain text.
    pub text: &'a str,
    /// The whole of it as HTML.
    pub html: &'a str,
    /// The id of the mail of ours that this one follows.
    pub follows: Option<&'a str>,
    /// The URL that ends mails like this one, asked by POST (RFC 8058).
    pub unsubscribe: Option<&'a str>,
    /// When it is sent.
    pub at: Timestamp,
}

impl Letter<'_> {
    /// The mail as it goes over the wire.
    pub(super) fn bytes(&self, from: &Sender) -> Result<Vec<u8>, String> {
        let parts = self.parts()?;
        let message = self.head(from).multipart(parts);
        // It has a sender and a recipient, and nothing else is asked for.
        message.map(|message| message.formatted()).map_err(|error| error.to_string())
    }

    fn head(&self, from: &Sender) -> MessageBuilder {
        let domain = from.address.domain();
        let id = |id: &str| format!("<{id}@{domain}>");
        let from = Mailbox::new(from.name.clone(), from.address.as_lettre().clone());
        let seconds = u64::try_from(self.at.0 / SECOND).unwrap_or_default();
        let subject: String = one_line(self.subject).chars().take(LONGEST_SUBJECT).collect();
        let mut head = Message::builder()
            .from(from)
            .to(Mailbox::new(None, self.to.as_lettre().clone()))
            .raw_header(subject_header(&subject))
            .date(UNIX_EPOCH + Duration::from_secs(seconds))
            .message_id(Some(id(self.id)))
            // RFC 3834: no answering machine answers it.
            .raw_header(header("Auto-Submitted", "auto-generated"));
        if let Some(before) = self.follows {
            head = head.in_reply_to(id(before)).references(id(before));
        }
        if let Some(url) = self.unsubscribe.filter(|url| url.bytes().all(|b| b.is_ascii_graphic()))
        {
            head = head
                .raw_header(header("List-Unsubscribe", &format!("<{url}>")))
                .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
        }
        head
    }

    fn parts(&self) -> Result<MultiPart, String> {
        let parts = MultiPart::alternative()
            // Nothing that is quoted-printable holds `=_`.
            .boundary(format!("=_{}", self.id))
            .singlepart(part(ContentType::TEXT_PLAIN, self.text)?);
        Ok(parts.singlepart(part(ContentType::TEXT_HTML, self.html)?))
    }
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// The subject, encoded whole (RFC 2047) where any of it could not stand as it is: a name that looks
/// like an encoded word must not be read as one.
fn subject_header(subject: &str) -> HeaderValue {
    if subject.is_ascii() && !subject.contains("=?") {
        return header("Subject", subject);
    }
    let mut words = Vec::new();
    let mut rest = subject;
    while !rest.is_empty() {
        let end = rest.floor_char_boundary(MOST_IN_A_WORD);
        words.push(format!("=?utf-8?b?{}?=", STANDARD.encode(&rest[..end])));
        rest = &rest[end..];
    }
    let name = HeaderName::new_from_ascii_str("Subject");
    HeaderValue::dangerous_new_pre_encoded(name, subject.to_owned(), words.join("\r\n "))
}

fn part(kind: ContentType, text: &str) -> Result<SinglePart, String> {
    let encoding = ContentTransferEncoding::QuotedPrintable;
    let body = Body::new_with_encoding(text.to_owned(), encoding);
    let body = body.map_err(|_| "the mail can't be encoded".to_owned())?;
    Ok(SinglePart::builder().header(kind).body(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(letter: &Letter<'_>) -> String {
        let from = Sender::parse("Überdue <overdue@example.org>").unwrap();
        String::from_utf8(letter.bytes(&from).unwrap()).unwrap()
    }

    #[test]
    fn a_mail_has_the_form_of_a_mail() {
        let to = Address::parse("ops@example.net").unwrap();
        let letter = Letter {
            id: "msg_1_2",
            to: &to,
            bounces_to: None,
            subject: "Größe is down",
            text: "Größe is down.\n\n--=_msg_1_2--\n.\n",
            html: "<p>Größe = 1</p>",
            follows: Some("msg_1_1"),
            unsubscribe: Some("https://overdue.example.org/mail/unsubscribe/abc"),
            at: "2026-01-02T02:10:01Z".parse().unwrap(),
        };
        insta::assert_snapshot!(wire(&letter).replace('\r', ""));
    }

    #[test]
    fn nothing_that_is_told_becomes_a_header() {
        let to = Address::parse("ops@example.net").unwrap();
        let long = format!("x\r\nBcc: b@example.org\r\n\r\n{}", "ä long ".repeat(100));
        let letter = Letter {
            id: "msg_1_2",
            to: &to,
            bounces_to: None,
            subject: &long,
            text: &long,
            html: &long,
            follows: None,
            unsubscribe: Some("https://a b/\r\nBcc: b@example.org"),
            at: Timestamp(0),
        };
        let wire = wire(&letter);
        let (head, _) = wire.split_once("\r\n\r\n").unwrap();
        let names: Vec<&str> = head
            .split("\r\n")
            .filter(|line| !line.starts_with([' ', '\t']))
            .map(|line| line.split_once(':').unwrap().0)
            .collect();
        assert_eq!(
            names,
            [
                "From",
                "To",
                "Subject",
                "Date",
                "Message-ID",
                "Auto-Submitted",
                "MIME-Version",
                "Content-Type"
            ]
        );
        assert!(wire.split("\r\n").all(|line| line.len() <= 78), "{wire}");
    }
}
