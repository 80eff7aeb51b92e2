//! What the server says to a mail client: a code, an enhanced code (RFC 3463), and a few words.

/// A reply of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply(String);

impl Reply {
    /// The reply of this text, which begins with its code. What could end the line is left out.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into().replace(char::is_control, " "))
    }

    /// It as it goes over the wire.
    pub(super) fn line(&self) -> String {
        format!("{}\r\n", self.0)
    }

    /// Whether it refuses what was asked.
    pub(super) fn is_refusal(&self) -> bool {
        self.0.starts_with(['4', '5'])
    }
}

impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

pub(super) const TRY_AGAIN: &str =
    "451 4.3.0 this can't be stored now, and nothing was: try again later";
pub(super) const CLOSING: &str = "421 4.3.2 the server stops: try again in a moment";
pub(super) const TOO_SILENT: &str = "421 4.4.2 nothing came for too long";
pub(super) const TOO_MANY_CONNECTIONS: &str = "421 4.7.0 too many connections: try again later";
pub(super) const TOO_MANY_MISTAKES: &str = "421 4.7.0 too many mistakes";
pub(super) const BARE_COMMAND: &str = "500 5.5.2 a command must end in CR LF";
pub(super) const LONG_COMMAND: &str = "500 5.5.2 the command is too long";
pub(super) const NO_TEXT: &str =
    "500 5.5.2 a command must be UTF-8 text without control characters";
pub(super) const BARE_MESSAGE: &str =
    "550 5.6.0 every line must end in CR LF, and neither CR nor LF may stand alone";
