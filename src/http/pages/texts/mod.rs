//! What the pages say. Every text stands in the catalogue of a language (`en.ftl`, in the syntax of
//! Project Fluent); templates and handlers name it by its key: `texts::t("checks-new-check")`.
//! CONTRIBUTING.md says how a language is added.

mod catalogue;
mod language;
mod scripts;
mod states;
#[cfg(test)]
mod tests;

use std::borrow::{Borrow, Cow};
use std::fmt;

use askama::filters::{Escaper, Html, HtmlSafe};
use fluent_bundle::FluentValue;

pub(super) use language::{Language, choose, spoken};
pub(super) use scripts::for_scripts;
pub(super) use states::{STATUSES, status_shape, status_word};

/// A text of the catalogue with what is put into it, or words that are shown as they are.
/// It is said in the reader's language when it is displayed; displayed it is HTML, in which
/// everything that was put in is escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text(Source);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Key(&'static str, Vec<(&'static str, Put)>),
    Words(String),
}

/// What is put into a text.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Put {
    Words(String),
    Html(String),
    Text(Text),
    Count(i64),
}

/// The text of this key.
pub(super) const fn t(key: &'static str) -> Text {
    Text(Source::Key(key, Vec::new()))
}

/// The same for a key that a template has from elsewhere.
pub(super) const fn of(key: &&'static str) -> Text {
    t(key)
}

/// Nothing to say.
pub(super) const fn none() -> Text {
    Text(Source::Words(String::new()))
}

/// Words of the API, which are English by its contract, such as what speaks against a field's value
/// (`must be a whole number`): said in the reader's language where its catalogue has them, under
/// `said-` and the words in small letters with hyphens between them.
pub(super) fn said(words: &str) -> Text {
    match catalogue::said(spoken(), words) {
        Some(said) => said.into(),
        None => words.into(),
    }
}

/// What a check is called; one without a name by words that say so.
pub(super) fn name(given: &str) -> Cow<'_, str> {
    if given.is_empty() { Cow::Owned(t("no-name").plain()) } else { Cow::Borrowed(given) }
}

impl Text {
    /// With these words at `{ $name }`.
    pub(super) fn with(self, name: &'static str, words: impl fmt::Display) -> Self {
        self.put(name, Put::Words(words.to_string()))
    }

    /// With this number there; the text may depend on how many it is.
    pub(super) fn count(self, name: &'static str, n: impl Borrow<i64>) -> Self {
        self.put(name, Put::Count(*n.borrow()))
    }

    /// With another text there.
    pub(super) fn text(self, name: &'static str, text: Self) -> Self {
        self.put(name, Put::Text(text))
    }

    /// With a piece of HTML there.
    pub(super) fn html(self, name: &'static str, piece: impl HtmlSafe) -> Self {
        self.put(name, Put::Html(piece.to_string()))
    }

    fn put(mut self, name: &'static str, put: Put) -> Self {
        if let Source::Key(_, all) = &mut self.0 {
            all.push((name, put));
        }
        self
    }

    /// The text as it is without HTML, for what is escaped where it is shown.
    pub(super) fn plain(&self) -> String {
        self.plain_in(spoken())
    }

    fn plain_in(&self, language: Language) -> String {
        self.say(language, Put::plain, str::to_owned)
    }

    /// The same as a sentence: with a capital, and a full stop at its end.
    pub(super) fn as_sentence(&self) -> Self {
        let mut said = self.plain();
        if let Some(first) = said.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        if !said.ends_with(['.', '!', '?']) {
            said.push('.');
        }
        said.into()
    }

    fn say(
        &self,
        language: Language,
        put: fn(&Put) -> FluentValue<'static>,
        words: fn(&str) -> String,
    ) -> String {
        match &self.0 {
            Source::Words(all) => words(all),
            Source::Key(key, all) => {
                let args = all.iter().map(|(name, each)| (*name, put(each)));
                catalogue::say(language, key, &args.collect())
            }
        }
    }
}

impl Put {
    fn plain(&self) -> FluentValue<'static> {
        match self {
            Self::Words(words) | Self::Html(words) => words.clone().into(),
            Self::Text(text) => text.plain().into(),
            Self::Count(n) => (*n).into(),
        }
    }

    fn as_html(&self) -> FluentValue<'static> {
        match self {
            Self::Words(words) => escaped(words).into(),
            Self::Html(piece) => piece.clone().into(),
            Self::Text(text) => text.to_string().into(),
            Self::Count(n) => (*n).into(),
        }
    }
}

fn escaped(words: &str) -> String {
    let mut html = String::with_capacity(words.len());
    // A String takes everything.
    let _ = Html.write_escaped_str(&mut html, words);
    html
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.say(spoken(), Put::as_html, escaped))
    }
}

/// What was put in is escaped already.
impl HtmlSafe for Text {}

impl From<String> for Text {
    fn from(words: String) -> Self {
        Self(Source::Words(words))
    }
}

impl From<&str> for Text {
    fn from(words: &str) -> Self {
        words.to_owned().into()
    }
}

impl Default for Text {
    fn default() -> Self {
        none()
    }
}
