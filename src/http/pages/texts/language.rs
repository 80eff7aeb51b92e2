//! The languages that there are, and the one that a reader is spoken to in.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use fluent_langneg::{NegotiationStrategy, accepted_languages, negotiate_languages};
use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;
use unic_langid::LanguageIdentifier;

/// Every language: its tag and its catalogue. English is the first, and has every text.
const LANGUAGES: [(&str, &str); 1] = [("en", include_str!("en.ftl"))];

tokio::task_local! {
    static SPOKEN: Language;
}

/// A language that there is a catalogue of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::http::pages) struct Language(usize);

/// The language of what is shown now: of who asked for it, and English outside of that.
pub(in crate::http::pages) fn spoken() -> Language {
    SPOKEN.try_with(|language| *language).unwrap_or(Language::ENGLISH)
}

/// Answers in the language that the browser asks for.
pub(in crate::http::pages) async fn choose(request: Request, next: Next) -> Response {
    let language = Language::of(request.headers());
    language.speak(next.run(request)).await
}

impl Language {
    pub(super) const ENGLISH: Self = Self(0);

    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..LANGUAGES.len()).map(Self)
    }

    /// The one that is liked best of those that there are.
    fn of(headers: &HeaderMap) -> Self {
        let wishes = headers.get(ACCEPT_LANGUAGE).and_then(|line| line.to_str().ok());
        let wishes = accepted_languages::parse(wishes.unwrap_or_default());
        let known: Vec<_> = Self::all().map(Self::id).collect();
        let english = &known[Self::ENGLISH.0];
        let found =
            negotiate_languages(&wishes, &known, Some(english), NegotiationStrategy::Lookup);
        let place = known.iter().position(|id| found.first().is_some_and(|best| *best == id));
        place.map_or(Self::ENGLISH, Self)
    }

    /// Does a work in which texts are said in this language.
    pub(in crate::http::pages) async fn speak<F: Future>(self, work: F) -> F::Output {
        SPOKEN.scope(self, work).await
    }

    /// Its tag, as pages name their language: `en`.
    pub(in crate::http::pages) fn tag(self) -> &'static str {
        LANGUAGES[self.0].0
    }

    pub(super) fn id(self) -> LanguageIdentifier {
        self.tag().parse().unwrap_or_default()
    }

    pub(super) fn texts(self) -> &'static str {
        LANGUAGES[self.0].1
    }

    pub(super) fn place(self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn who_asks_for_a_language_that_there_is_none_of_is_spoken_to_in_english() {
        for wish in ["", "xx-YY, *;q=0.1", "de;q=2, \u{fffd}", "en-GB,en;q=0.5"] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_bytes(wish.as_bytes()).unwrap());
            assert_eq!(Language::of(&headers), Language::ENGLISH, "{wish}");
        }
        assert_eq!(Language::of(&HeaderMap::new()), Language::ENGLISH);
    }
}
