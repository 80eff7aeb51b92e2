//! What is watched: a domain or an address, and a domain or address whose listing is watched.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::super::text_enum;
use crate::fault::{Fault, Result};

/// The longest name (RFC 1035, 2.3.4).
const LONGEST_NAME: usize = 253;
/// The longest label.
const LONGEST_LABEL: usize = 63;

text_enum! {
    /// How a target is named.
    TargetType {
        /// By a name; one of a single label, such as `localhost`, is one.
        Domain => "domain",
        /// By an address of IPv4 or IPv6.
        Ip => "ip",
    }
}

/// A target of blacklist monitors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// `domain` or `ip`.
    pub target_type: String,
    /// The name in lower case, or the address in its canonical form.
    pub target_value: String,
}

impl Listing {
    /// Reads a target.
    ///
    /// # Errors
    /// Its type is none of the two, or its value none of that type.
    pub fn new(target_type: &str, target_value: &str) -> Result<Self> {
        let target_value = check_target(target_type, target_value)?;
        Ok(Self { target_type: target_type.to_owned(), target_value })
    }

    /// What two monitors must not share.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        format!("{} {}", self.target_type, self.target_value)
    }

    /// What the monitor is called.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} on blacklists", self.target_value)
    }
}

/// A target's value as it is kept.
///
/// # Errors
/// [`Fault::Invalid`] of `target_type` or `target_value`.
pub fn check_target(target_type: &str, value: &str) -> Result<String> {
    let kind: TargetType =
        target_type.parse().map_err(|reason: String| Fault::invalid("target_type", reason))?;
    match kind {
        TargetType::Ip => match value.parse::<IpAddr>() {
            Ok(address) => Ok(address.to_canonical().to_string()),
            Err(_) => Err(Fault::invalid(
                "target_value",
                "must be an address such as 192.0.2.7 or 2001:db8::7",
            )),
        },
        TargetType::Domain => name(value).ok_or_else(|| {
            Fault::invalid(
                "target_value",
                "must be a name such as example.org, without scheme, port and path",
            )
        }),
    }
}

/// A name or an address, as `origin_host` may be; in lower case.
#[must_use]
pub fn host(value: &str) -> Option<String> {
    let address = value.parse::<IpAddr>().ok().map(|address| address.to_canonical().to_string());
    address.or_else(|| name(value))
}

/// A name in lower case, without the dot of the root at its end.
fn name(value: &str) -> Option<String> {
    let value = value.strip_suffix('.').unwrap_or(value);
    let fits = |label: &str| {
        let edges = !label.starts_with('-') && !label.ends_with('-');
        let signs = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        !label.is_empty() && label.len() <= LONGEST_LABEL && edges && signs
    };
    // A name whose last label is a number would be taken for an address.
    let last = value.rsplit('.').next().unwrap_or_default();
    let is_number = !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit());
    let is_name = value.len() <= LONGEST_NAME && value.split('.').all(fits) && !is_number;
    is_name.then(|| value.to_ascii_lowercase())
}
