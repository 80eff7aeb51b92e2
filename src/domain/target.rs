//! How a ping names its check, over HTTP and by mail alike: by the check's UUID, or by the ping key
//! of its project and its slug. Judged by its shape alone, before anybody looks for the check.

use uuid::Uuid;

/// Characters of a canonical UUID.
const UUID_LENGTH: usize = 36;
/// Characters of a ping key.
const KEY_LENGTH: usize = 22;

/// Which check a ping is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// The one of this UUID.
    Uuid(Uuid),
    /// The one of this slug in the project of this ping key.
    Slug {
        /// The ping key.
        key: &'a str,
        /// The slug.
        slug: &'a str,
    },
}

/// A UUID in its canonical form: lower case, 8-4-4-4-12.
#[must_use]
pub fn uuid(text: &str) -> Option<Uuid> {
    let fits = text.len() == UUID_LENGTH && !text.bytes().any(|b| b.is_ascii_uppercase());
    fits.then(|| Uuid::try_parse(text).ok()).flatten()
}

/// Whether a text has the shape of a ping key: 22 characters of base64url.
#[must_use]
pub fn is_key(text: &str) -> bool {
    text.len() == KEY_LENGTH
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
