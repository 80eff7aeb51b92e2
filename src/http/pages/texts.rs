//! Words that several pages use, each in one place.

/// The states of checks as people read them, in the order of the filters: the API's word, the
/// shape beside it, and the word.
pub(super) const STATUSES: [(&str, &str, &str); 5] = [
    ("down", "▲", "Down"),
    ("grace", "◐", "Late"),
    ("up", "●", "Up"),
    ("new", "○", "New"),
    ("paused", "‖", "Paused"),
];

/// The shape of a check's state.
pub(super) fn status_shape(status: &str) -> &'static str {
    STATUSES.iter().find(|(name, ..)| *name == status).map_or("·", |(_, shape, _)| shape)
}

/// A check's state in a word.
pub(super) fn status_word(status: &str) -> &'static str {
    STATUSES.iter().find(|(name, ..)| *name == status).map_or("Unknown", |(.., word)| word)
}

/// What stands on top of a form that did not fit.
pub(super) const LOOK_AT_FIELDS: &str = "Please look at the marked fields.";

/// One of a thing or several: `1 check`, `3 checks`.
pub(super) fn count(n: i64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// What a check without a name is called.
pub(super) const NO_NAME: &str = "Check without a name";
