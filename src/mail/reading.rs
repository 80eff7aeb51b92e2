//! What a mail says to those who read it. Whatever is broken in it is read as far as it goes.

use mail_parser::{Message, MessageParser};

use crate::domain::ping::MailText;

/// The subject and the text of a mail as it came over the wire; empty where it is no mail.
#[must_use]
pub fn read_text(message: &[u8]) -> MailText {
    let parsed = MessageParser::default().parse(message);
    parsed.as_ref().map_or_else(MailText::default, text_of)
}

/// The subject and the text of a message. Where there is text only as HTML, that is read without
/// its markup; what is attached is not read.
#[must_use]
pub fn text_of(parsed: &Message<'_>) -> MailText {
    let texts = (0..parsed.text_body_count()).filter_map(|at| parsed.body_text(at));
    MailText {
        subject: parsed.subject().unwrap_or_default().to_owned(),
        text: texts.collect::<Vec<_>>().join("\n"),
    }
}
