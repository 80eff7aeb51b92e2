//! A message as text: what word filters look at, and whether it says that another could not be
//! delivered. Whatever is broken in it is read as far as it goes.

use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType};

use crate::domain::ping::MailText;
use crate::mail;

/// What a message says.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Its subject and its text.
    pub(super) text: MailText,
    /// Why there is no mailbox that another message could be delivered to, where that is what it
    /// tells.
    pub(super) failure: Option<String>,
}

/// Reads a message. A large one takes its time.
pub(super) fn read(message: &[u8]) -> Reading {
    let Some(parsed) = MessageParser::default().parse(message) else { return Reading::default() };
    Reading { text: mail::text_of(&parsed), failure: failure_told_by(&parsed) }
}

/// Why a message could not be delivered, where this one tells (RFC 3464) that its mailbox is not
/// there: the words of the server that refused it. None where it is no such report, or one of a
/// delay, a success, or a refusal that may pass (a policy, a full mailbox).
fn failure_told_by(parsed: &Message<'_>) -> Option<String> {
    let mut told = parsed.parts.iter().filter(|part| is_delivery_status(part));
    told.find_map(|part| failure_in(&contents(part)))
}

fn is_delivery_status(part: &MessagePart<'_>) -> bool {
    part.content_type().is_some_and(|kind| {
        let subtype = kind.subtype().unwrap_or_default();
        kind.ctype().eq_ignore_ascii_case("message")
            && ["delivery-status", "global-delivery-status"]
                .iter()
                .any(|known| subtype.eq_ignore_ascii_case(known))
    })
}

fn contents(part: &MessagePart<'_>) -> String {
    match &part.body {
        PartType::Text(text) | PartType::Html(text) => text.clone().into_owned(),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        PartType::Message(message) => String::from_utf8_lossy(&message.raw_message).into_owned(),
        PartType::Multipart(_) => String::new(),
    }
}

/// The reason of the first recipient whose mailbox is not there. The report has a group of
/// fields for the message and one for each recipient, with empty lines between them.
fn failure_in(report: &str) -> Option<String> {
    let report = report.replace("\r\n", "\n");
    let mut groups = report.split("\n\n").map(fields_of);
    groups.find_map(|fields| {
        let field =
            |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, v)| v.as_str());
        let failed = field("action").is_some_and(|action| action.eq_ignore_ascii_case("failed"));
        // A comment may follow.
        let status = field("status").unwrap_or_default().split_whitespace().next()?;
        let answer = field("diagnostic-code");
        let is_gone = match status {
            // It says nothing, and is all that some mailers ever give; then the answer counts.
            "5.0.0" => answer.is_some_and(denies_the_mailbox),
            _ => mail::is_gone(status),
        };
        (failed && is_gone).then(|| answer.unwrap_or(status).to_owned())
    })
}

/// Whether this is the answer of a mail server that has no such mailbox: `smtp; 550 5.1.1 unknown`.
fn denies_the_mailbox(answer: &str) -> bool {
    let Some((kind, said)) = answer.split_once(';') else { return false };
    let said = said.trim_start();
    let code = said.get(..3).and_then(|code| code.parse().ok());
    let words = said.get(3..).unwrap_or_default().trim_start_matches([' ', '-']);
    kind.trim().eq_ignore_ascii_case("smtp")
        && code.is_some_and(|code| mail::is_no_mailbox(code, words))
}

/// Fields of a header, their names in lower case, their folded lines put together.
fn fields_of(group: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in group.lines() {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text_of(message: &[u8]) -> MailText {
        read(message).text
    }

    fn failure_told_by(message: &[u8]) -> Option<String> {
        read(message).failure
    }

    #[test]
    fn subject_and_text_are_decoded() {
        let text = text_of(
            b"Subject: =?utf-8?B?R3LDvMOfZQ==?= =?iso-8859-1?Q?_caf=E9?=\r\n\
              Content-Type: text/plain; charset=iso-8859-1\r\n\
              Content-Transfer-Encoding: quoted-printable\r\n\r\nall =E9t=\r\n=E9 done\r\n",
        );
        assert_eq!(text.subject, "Gr\u{fc}\u{df}e caf\u{e9}");
        assert_eq!(text.text.trim_end(), "all \u{e9}t\u{e9} done");
    }

    #[test]
    fn of_html_the_words_are_read_and_of_attachments_nothing() {
        let text = text_of(
            b"Subject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
              --b\r\nContent-Type: text/html\r\n\r\n\
              <html><style>.failed{}</style><p class=\"failed\">all <b>well</b>, 1 &lt; 2</p></html>\r\n\
              --b\r\nContent-Type: application/octet-stream\r\n\
              Content-Disposition: attachment; filename=log\r\n\r\nfailed\r\n--b--\r\n",
        );
        assert!(text.text.contains("all well, 1 < 2"), "{text:?}");
        assert!(!text.text.contains("failed"), "{text:?}");
    }

    #[test]
    fn of_both_forms_of_a_text_the_plain_one_counts() {
        let text = text_of(
            b"Content-Type: multipart/alternative; boundary=b\r\n\r\n\
              --b\r\n\r\nplain words\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>fancy words</p>\r\n--b--\r\n",
        );
        assert_eq!((text.subject.as_str(), text.text.trim_end()), ("", "plain words"));
    }

    #[test]
    fn what_is_no_mail_is_read_as_far_as_it_goes() {
        assert_eq!(text_of(b""), MailText::default());
        assert_eq!(text_of(b"\r\nhello\r\n").text.trim_end(), "hello");
        assert!(text_of(b"Subject: x\r\n\r\ncaf\xe9 done").text.contains("done"));
    }

    fn report(fields: &str) -> Vec<u8> {
        format!(
            "From: MAILER-DAEMON@mx.example.org\r\nSubject: Undelivered Mail\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
             --b\r\nContent-Type: text/plain\r\n\r\nI'm sorry.\r\n\
             --b\r\nContent-Description: Delivery report\r\n\
             Content-Type: message/delivery-status\r\n\r\n\
             Reporting-MTA: dns; mx.example.org\r\nArrival-Date: Sun, 22 Nov 2026 19:00:00 +0000\r\n\r\n\
             {fields}\r\n\
             --b\r\nContent-Type: message/rfc822\r\n\r\n\
             Subject: backup is down\r\n\r\nAction: failed\r\nStatus: 5.0.0\r\n--b--\r\n"
        )
        .into_bytes()
    }

    #[test]
    fn a_report_of_a_failure_for_good_tells_why() {
        let told = failure_told_by(&report(
            "Final-Recipient: rfc822; ops@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\
             Diagnostic-Code: smtp; 550 5.1.1 <ops@example.org>:\r\n    no such user\r\n",
        ));
        let why = "smtp; 550 5.1.1 <ops@example.org>: no such user";
        assert_eq!(told.as_deref(), Some(why));
        let bare = report(
            "final-recipient: rfc822; a@b\r\naction: Failed\r\nstatus: 5.1.10 (null MX)\r\n",
        );
        assert_eq!(failure_told_by(&bare).as_deref(), Some("5.1.10"));
    }

    #[test]
    fn where_the_status_says_nothing_the_answer_of_the_server_does() {
        let told = |status: &str, answer: &str| {
            let fields =
                format!("Action: failed\r\nStatus: {status}\r\nDiagnostic-Code: {answer}\r\n");
            failure_told_by(&report(&fields)).is_some()
        };
        for answer in [
            "smtp; 550 5.1.6 The mailbox has moved",
            "SMTP;550-5.1.1 The account does not exist",
            "smtp; 550 no such user",
        ] {
            assert!(told("5.0.0", answer), "{answer}");
            assert!(!told("5.7.1", answer) && !told("4.0.0", answer), "{answer}");
        }
        for answer in [
            "smtp; 550 5.7.1 rejected by policy",
            "smtp; 552 5.2.2 mailbox full",
            "smtp; 450 4.2.1 no such user for now",
            "x-unix; 550 no such user",
            "550 no such user",
            "smtp; 55",
            "smtp; ",
            "smtp; 5\u{e4}0 no such user",
        ] {
            assert!(!told("5.0.0", answer), "{answer}");
        }
    }

    #[test]
    fn delays_successes_refusals_that_may_pass_and_other_mails_end_nothing() {
        for fields in [
            "Final-Recipient: rfc822; a@b\r\nAction: delayed\r\nStatus: 4.4.1\r\n",
            "Final-Recipient: rfc822; a@b\r\nAction: failed\r\nStatus: 4.4.7\r\n",
            "Final-Recipient: rfc822; a@b\r\nAction: delivered\r\nStatus: 2.0.0\r\n",
            "Final-Recipient: rfc822; a@b\r\nAction: delayed\r\nStatus: 5.1.1\r\n",
            "Final-Recipient: rfc822; a@b\r\nAction: failed\r\nStatus: 5.7.1\r\n",
            "Final-Recipient: rfc822; a@b\r\nAction: failed\r\nStatus: 5.2.2\r\n",
            "Final-Recipient: rfc822; a@b\r\nAction: failed\r\nStatus: 5.0.0\r\n",
            "Final-Recipient: rfc822; a@b\r\nAction: failed\r\n",
            "",
        ] {
            assert_eq!(failure_told_by(&report(fields)), None, "{fields}");
        }
        let quoting = b"Subject: look\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n";
        assert_eq!(failure_told_by(quoting), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes);
        }

        #[test]
        fn any_part_of_a_report_is_read_without_a_panic(part in "\\PC{0,60}", cut in 0_usize..700) {
            let whole = report(&part);
            let _ = read(&whole[..cut.min(whole.len())]);
        }
    }
}
