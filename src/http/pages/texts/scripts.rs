//! The texts that the scripts of pages say, which every page brings along.

use std::sync::LazyLock;

use super::{Language, spoken, t};

/// With `%` where a script puts something in.
const TEXTS: [(&str, Option<&str>); 20] = [
    ("script-copy", None),
    ("script-copied", None),
    ("script-session-over", None),
    ("script-session-over-how", None),
    ("script-token-refused", None),
    ("script-token-refused-how", None),
    ("script-session-renewed", None),
    ("script-no-answer", None),
    ("script-conventions", None),
    ("script-passkey-not-allowed", None),
    ("script-passkey-there-already", None),
    ("script-passkey-not-here", None),
    ("words-just-now", None),
    ("words-ago", Some("far")),
    ("words-in", Some("far")),
    ("words-seconds", Some("n")),
    ("words-minutes", Some("n")),
    ("words-hours", Some("n")),
    ("words-one-day", Some("n")),
    ("words-days", Some("n")),
];

/// As JSON, by their keys.
pub(in crate::http::pages) fn for_scripts() -> &'static str {
    static ALL: LazyLock<Vec<String>> = LazyLock::new(|| Language::all().map(json).collect());
    ALL.get(spoken().place()).map_or("{}", String::as_str)
}

fn json(language: Language) -> String {
    let said = |(key, put): (&'static str, Option<&'static str>)| {
        let text = t(key);
        let text = if let Some(name) = put { text.with(name, "%") } else { text };
        (key.to_owned(), text.plain_in(language).into())
    };
    serde_json::Value::Object(TEXTS.into_iter().map(said).collect()).to_string()
}
