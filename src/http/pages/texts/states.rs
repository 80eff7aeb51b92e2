//! The states of checks as people read them.

use super::{Text, t};

/// In the order of the filters: the API's word, the shape beside it, and the key of the word.
pub(in crate::http::pages) const STATUSES: [(&str, &str, &str); 5] = [
    ("down", "▲", "state-down"),
    ("grace", "◐", "state-late"),
    ("up", "●", "state-up"),
    ("new", "○", "state-new"),
    ("paused", "‖", "state-paused"),
];

/// The shape of a check's state.
pub(in crate::http::pages) fn status_shape(status: &str) -> &'static str {
    STATUSES.iter().find(|(name, ..)| *name == status).map_or("·", |(_, shape, _)| shape)
}

/// A check's state in a word.
pub(in crate::http::pages) fn status_word(status: &str) -> Text {
    t(STATUSES.iter().find(|(name, ..)| *name == status).map_or("state-unknown", |(.., key)| key))
}
