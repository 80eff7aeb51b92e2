//! A ping as it arrives: what a job says of itself, before anybody decides what it means.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use super::text_enum;
use crate::clock::Timestamp;

/// The longest part of a user agent that is kept, in characters.
pub const MAX_USER_AGENT: usize = 200;

text_enum! {
    /// What a stored ping counts as.
    PingKind {
        /// The job is done, or alive.
        Success => "success",
        /// The job has begun.
        Start => "start",
        /// The job went wrong.
        Fail => "fail",
        /// Something to be kept and shown, nothing else.
        Log => "log",
        /// Stored, and without effect: wrong method, no keyword found, or paused until resumed by hand.
        Ign => "ign",
    }
}

text_enum! {
    /// The HTTP method that a ping came with. They are kept by their place here: new ones go to the
    /// end.
    Method {
        /// HEAD
        Head => "HEAD",
        /// GET
        Get => "GET",
        /// POST
        Post => "POST",
        /// None: it came by mail.
        None => "",
    }
}

text_enum! {
    /// How a ping came. They are kept by their place here: new ones go to the end.
    Scheme {
        /// Plain HTTP.
        Http => "http",
        /// HTTP over TLS, here or at a trusted proxy.
        Https => "https",
        /// By mail, over SMTP.
        Email => "email",
        /// From the prober of this server.
        Probe => "probe",
    }
}

/// A ping, read to its end and not yet stored.
#[derive(Clone, Debug)]
pub struct Ping {
    /// When the request had been read to its end.
    pub received_at: Timestamp,
    /// What its URL says: success, start, fail or log; never [`PingKind::Ign`].
    pub signal: PingKind,
    /// The exit status in its URL.
    pub exit_status: Option<u8>,
    /// The run it belongs to.
    pub rid: Option<Uuid>,
    /// HTTP, HTTPS, mail or a probe.
    pub scheme: Scheme,
    /// The method of the request; none of a mail.
    pub method: Method,
    /// Where it came from.
    pub remote_address: IpAddr,
    /// The first 200 characters of the client's name for itself.
    pub user_agent: String,
    /// The first `ping.body_limit` bytes of the body, as sent.
    pub body: Bytes,
    /// The body was longer than that.
    pub body_was_cut: bool,
    /// What the mail says that it came as; none where it came over HTTP.
    pub mail: Option<Arc<MailText>>,
    /// How long what it tells of took, in microseconds, where it says so itself: a probe.
    pub took: Option<i64>,
}

/// What a mail says to those who read it: where word filters look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailText {
    /// Its subject.
    pub subject: String,
    /// Its text, without headers, markup and attachments.
    pub text: String,
}

/// The part of a body that is stored: all of it where it is UTF-8, less a character that the limit
/// cut in two; none where it is anything else. `was_cut`: more followed than was kept.
#[must_use]
pub fn storable_body(body: &Bytes, was_cut: bool) -> Bytes {
    match std::str::from_utf8(body) {
        Ok(_) => body.clone(),
        // `error_len` is none where the text merely ends too early.
        Err(error) if was_cut && error.error_len().is_none() => body.slice(..error.valid_up_to()),
        Err(_) => Bytes::new(),
    }
}

/// Words looked for in what a ping says, which decide its kind instead of its URL or address
/// (`healthchecks-api.md`, "Body filters on pings"). Each list is comma-separated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a box that people tick")]
pub struct WordFilter {
    /// They are looked for in the subject of mails.
    pub in_subject: bool,
    /// They are looked for in the text of mails.
    pub in_mail: bool,
    /// They are looked for in the bodies of HTTP pings.
    pub in_http_body: bool,
    /// Words that make it a start.
    pub start_kw: String,
    /// Words that make it a success.
    pub success_kw: String,
    /// Words that make it a failure; looked for first.
    pub failure_kw: String,
    /// Without any word found: a failure, else it is ignored.
    pub default_fail: bool,
}

impl WordFilter {
    /// What a ping counts as by its words; none where it is not looked through. Bytes that are not
    /// UTF-8 are read lossily.
    #[must_use]
    pub fn judge(&self, ping: &Ping) -> Option<PingKind> {
        let Some(mail) = &ping.mail else {
            let text = || String::from_utf8_lossy(&ping.body);
            return self.in_http_body.then(|| self.classify(&[&text()]));
        };
        let subject = self.in_subject.then_some(mail.subject.as_str());
        let text = self.in_mail.then_some(mail.text.as_str());
        let texts: Vec<&str> = subject.into_iter().chain(text).collect();
        (!texts.is_empty()).then(|| self.classify(&texts))
    }

    /// What these texts together count as: failure words first, then success, then start.
    fn classify(&self, texts: &[&str]) -> PingKind {
        let found = |words: &str| {
            let mut words = words.split(',').map(str::trim).filter(|word| !word.is_empty());
            words.any(|word| texts.iter().any(|text| text.contains(word)))
        };
        if found(&self.failure_kw) {
            PingKind::Fail
        } else if found(&self.success_kw) {
            PingKind::Success
        } else if found(&self.start_kw) {
            PingKind::Start
        } else if self.default_fail {
            PingKind::Fail
        } else {
            PingKind::Ign
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_cut_in_two_is_dropped_and_the_body_is_kept() {
        let cut = Bytes::from_static(b"caf\xc3");
        assert_eq!(storable_body(&cut, true), "caf".as_bytes());
    }

    #[test]
    fn a_body_that_is_not_utf8_is_not_kept() {
        assert_eq!(storable_body(&Bytes::from_static(b"Hello \xe9 World"), false), "".as_bytes());
        assert_eq!(storable_body(&Bytes::from_static(b"Hello \xe9 World"), true), "".as_bytes());
        assert_eq!(storable_body(&Bytes::from_static(b"caf\xc3"), false), "".as_bytes());
    }

    fn filter() -> WordFilter {
        WordFilter {
            in_http_body: true,
            start_kw: "begin".into(),
            success_kw: "done, finished".into(),
            failure_kw: "error,ERR".into(),
            ..WordFilter::default()
        }
    }

    fn ping(body: &'static [u8], mail: Option<(&str, &str)>) -> Ping {
        Ping {
            received_at: Timestamp(0),
            signal: PingKind::Success,
            exit_status: None,
            rid: None,
            scheme: Scheme::Http,
            method: Method::Post,
            remote_address: [127, 0, 0, 1].into(),
            user_agent: String::new(),
            body: Bytes::from_static(body),
            body_was_cut: false,
            mail: mail.map(|(subject, text)| {
                Arc::new(MailText { subject: subject.to_owned(), text: text.to_owned() })
            }),
            took: None,
        }
    }

    #[test]
    fn failure_words_win_over_success_words_and_those_over_start_words() {
        let filter = filter();
        let judged = |body| filter.judge(&ping(body, None));
        assert_eq!(judged(b"begin, finished with error"), Some(PingKind::Fail));
        assert_eq!(judged(b"begin, finished"), Some(PingKind::Success));
        assert_eq!(judged(b"\xff begin"), Some(PingKind::Start));
        assert_eq!(judged(b"Error"), Some(PingKind::Ign));
        let strict = WordFilter { default_fail: true, ..filter };
        assert_eq!(strict.judge(&ping(b"", None)), Some(PingKind::Fail));
    }

    #[test]
    fn words_are_looked_for_only_where_the_check_says() {
        let http = filter();
        let mail = ping(b"error", Some(("done", "with error")));
        assert_eq!(http.judge(&mail), None, "a mail is no HTTP body");
        let in_subject = WordFilter { in_http_body: false, in_subject: true, ..http };
        assert_eq!(in_subject.judge(&ping(b"error", None)), None);
        assert_eq!(in_subject.judge(&mail), Some(PingKind::Success));
        let in_both = WordFilter { in_mail: true, ..in_subject };
        assert_eq!(in_both.judge(&mail), Some(PingKind::Fail));
        let in_mail = WordFilter { in_subject: false, ..in_both };
        assert_eq!(in_mail.judge(&ping(b"", Some(("error", "finished")))), Some(PingKind::Success));
    }
}
