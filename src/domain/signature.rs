//! Requests that are signed with an access key (`jobs-api.md`): what is signed, for how long that
//! holds, and whether it is the holder of the secret who did it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::clock::{SECOND, Timestamp};
use crate::secret::{Secret, equal_in_constant_time};

/// A clock may differ from ours by less than this, in microseconds.
pub const SKEW: i64 = 300 * SECOND;
/// Digits of the longest number of milliseconds that is looked at: enough for 30,000 years.
const MOST_DIGITS: usize = 15;

/// A request as its sender signed it. Nothing of it is proven yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// Path and query, byte for byte as they were sent.
    pub uri: &'a str,
    /// The header that tells when it was signed: milliseconds since the epoch, in digits.
    pub timestamp: &'a str,
    /// The header that names the access key.
    pub access_key: &'a str,
    /// The header with the signature: base64.
    pub signature: &'a str,
}

impl Signed<'_> {
    /// Whether it was signed less than five minutes ago, or ahead, by our clock; false too where the
    /// time is no plain number.
    #[must_use]
    pub fn is_recent(&self, now: Timestamp) -> bool {
        let at = milliseconds(self.timestamp);
        at.is_some_and(|at| now.micros_since(Timestamp(at * 1000)).saturating_abs() < SKEW)
    }

    /// Whether who signed it has this secret; in a time that tells nothing about the signature that
    /// would be right.
    #[must_use]
    pub fn is_by(&self, secret: &Secret) -> bool {
        let expected = self.expected(secret);
        equal_in_constant_time(self.signature.as_bytes(), expected.as_bytes())
    }

    /// The one signature that is right.
    fn expected(&self, secret: &Secret) -> String {
        let Self { method, uri, timestamp, access_key, .. } = self;
        let mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes());
        // HMAC takes keys of any length.
        let mut mac = mac.expect("a key of any length is fine");
        mac.update(format!("{method} {uri}\n{timestamp}\n{access_key}").as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    }
}

fn milliseconds(text: &str) -> Option<i64> {
    let digits =
        (1..=MOST_DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request, and its signature by `openssl dgst -sha256 -hmac` and by the sample program of the
    /// API that this one follows.
    const SIGNED: Signed<'static> = Signed {
        method: "GET",
        uri: "/api/v1/jobs?pages=1&limit=10",
        timestamp: "1600000000000",
        access_key: "KEY",
        signature: "Gf9HrVqcl3LoZjzK5CeKqLpq0qMObXVWT07JTs6eo9Y=",
    };

    fn secret() -> Secret {
        Secret::new("secret")
    }

    #[test]
    fn a_signature_that_others_made_is_right() {
        assert!(SIGNED.is_by(&secret()));
    }

    #[test]
    fn whatever_is_changed_makes_it_wrong() {
        for other in [
            Signed { method: "HEAD", ..SIGNED },
            Signed { uri: "/api/v1/jobs?limit=10&pages=1", ..SIGNED },
            Signed { uri: "/api/v1/jobs?p%61ges=1&limit=10", ..SIGNED },
            Signed { timestamp: "1600000000001", ..SIGNED },
            Signed { access_key: "key", ..SIGNED },
            Signed { signature: "", ..SIGNED },
            Signed { signature: "!!", ..SIGNED },
            Signed { signature: SIGNED.signature.trim_end_matches('='), ..SIGNED },
            Signed { signature: &SIGNED.signature.to_lowercase(), ..SIGNED },
        ] {
            assert!(!other.is_by(&secret()), "{other:?}");
        }
        assert!(!SIGNED.is_by(&Secret::new("other")));
        assert!(!SIGNED.is_by(&Secret::new("")));
    }

    #[test]
    fn five_minutes_to_either_side_are_too_many() {
        let signed_at = Timestamp(1_600_000_000 * SECOND);
        let judged = |micros| SIGNED.is_recent(signed_at.plus_micros(micros));
        assert!(judged(0) && judged(SKEW - 1) && judged(1 - SKEW));
        assert!(!judged(SKEW) && !judged(-SKEW) && !judged(2 * SKEW));
    }

    #[test]
    fn what_is_no_plain_number_is_no_time() {
        for text in ["", "-1", "+1600000000000", " 1600000000000", "1.6e12", "0x1", "١", "abc"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
        assert_eq!(milliseconds("9999999999999999"), None);
        assert_eq!(milliseconds("999999999999999"), Some(999_999_999_999_999));
        let far = Signed { timestamp: "999999999999999", ..SIGNED };
        assert!(!far.is_recent(Timestamp(0)) && !far.is_recent(Timestamp(i64::MIN)));
    }
}
