//! What a probe finds, as it is kept and shown.

use serde::{Deserialize, Serialize};

/// The result of one question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Found {
    /// All is as it should be.
    pub ok: bool,
    /// What is not, in plain words and without secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took, in microseconds.
    pub latency: i64,
    /// Where that time went.
    pub phases: Phases,
    /// The status of the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    /// The certificate that was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    /// The answer can't be taken as one of the device: this server may not ask so.
    #[serde(skip_serializing_if = "is_false")]
    pub is_void: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// The parts of a request's time, in microseconds; none where there was no such part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Phases {
    /// Looking the name up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns: Option<i64>,
    /// Connecting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect: Option<i64>,
    /// The handshake of TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<i64>,
    /// From the request to the first byte of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<i64>,
}

/// A certificate, as far as it is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Certificate {
    /// Whom it is for.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// When it ends, in seconds since 1970.
    pub ends_at: i64,
    /// Whole days until then; negative once it has ended.
    pub days_left: i64,
    /// Certificates that came with it, itself included.
    pub chain: usize,
}

/// Why a question found nothing good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// In plain words.
    Bad(String),
    /// This server may not ask, or can't: nothing is said about the device.
    Void(String),
}

impl Trouble {
    /// Something that is not as it should be.
    pub fn bad(what: impl Into<String>) -> Self {
        Self::Bad(what.into())
    }
}

impl Found {
    /// Notes what came of it.
    #[must_use]
    pub fn ended(mut self, outcome: Result<(), Trouble>) -> Self {
        match outcome {
            Ok(()) => self.ok = true,
            Err(Trouble::Bad(why)) => self.error = Some(why),
            Err(Trouble::Void(why)) => {
                self.error = Some(why);
                self.is_void = true;
            }
        }
        self
    }
}
