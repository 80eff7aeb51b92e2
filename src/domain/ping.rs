//! A ping as it arrives: what a job says of itself, before anybody decides what it means.

use std::net::IpAddr;

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
    /// The HTTP method that a ping came with.
    Method {
        /// HEAD
        Head => "HEAD",
        /// GET
        Get => "GET",
        /// POST
        Post => "POST",
    }
}

text_enum! {
    /// How a ping came.
    Scheme {
        /// Plain HTTP.
        Http => "http",
        /// HTTP over TLS, here or at a trusted proxy.
        Https => "https",
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
    /// HTTP or HTTPS.
    pub scheme: Scheme,
    /// The method of the request.
    pub method: Method,
    /// Where it came from.
    pub remote_address: IpAddr,
    /// The first 200 characters of the client's name for itself.
    pub user_agent: String,
    /// The first `ping.body_limit` bytes of the body, as sent.
    pub body: Bytes,
    /// The body was longer than that.
    pub body_was_cut: bool,
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

/// Words looked for in a ping's body, which decide its kind instead of its URL
/// (`healthchecks-api.md`, "Body filters on pings"). Each list is comma-separated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BodyFilter {
    /// Words that make it a start.
    pub start_kw: String,
    /// Words that make it a success.
    pub success_kw: String,
    /// Words that make it a failure; looked for first.
    pub failure_kw: String,
    /// Without any word found: a failure, else it is ignored.
    pub default_fail: bool,
}

impl BodyFilter {
    /// What a body counts as: failure words first, then success, then start. Bytes that are not
    /// UTF-8 are read lossily.
    #[must_use]
    pub fn classify(&self, body: &[u8]) -> PingKind {
        let text = String::from_utf8_lossy(body);
        let found = |words: &str| {
            words.split(',').map(str::trim).any(|word| !word.is_empty() && text.contains(word))
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

    #[test]
    fn failure_words_win_over_success_words_and_those_over_start_words() {
        let filter = BodyFilter {
            start_kw: "begin".into(),
            success_kw: "done, finished".into(),
            failure_kw: "error,ERR".into(),
            default_fail: false,
        };
        assert_eq!(filter.classify(b"begin, finished with error"), PingKind::Fail);
        assert_eq!(filter.classify(b"begin, finished"), PingKind::Success);
        assert_eq!(filter.classify(b"\xff begin"), PingKind::Start);
        assert_eq!(filter.classify(b"Error"), PingKind::Ign);
        let strict = BodyFilter { default_fail: true, ..filter };
        assert_eq!(strict.classify(b""), PingKind::Fail);
    }
}
