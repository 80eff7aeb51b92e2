//! The catalogues, one a language, read once.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};

use super::Language;

/// The texts of one language.
pub(super) struct Catalogue(FluentBundle<FluentResource>);

static ALL: LazyLock<Vec<Catalogue>> = LazyLock::new(|| {
    Language::all().map(|language| Catalogue::read(language.texts(), language)).collect()
});

impl Catalogue {
    /// Reads a catalogue; a line that can't be read is told, and left out.
    pub(super) fn read(texts: &str, language: Language) -> Self {
        let resource =
            FluentResource::try_new(texts.to_owned()).unwrap_or_else(|(rest, errors)| {
                tracing::error!(?errors, language = language.tag(), "texts that can't be read");
                rest
            });
        let mut bundle = FluentBundle::new_concurrent(vec![language.id()]);
        // Whatever is put in runs in the direction of the text around it.
        bundle.set_use_isolating(false);
        if let Err(errors) = bundle.add_resource(resource) {
            tracing::error!(?errors, language = language.tag(), "texts that are there twice");
        }
        Self(bundle)
    }

    /// The text of a key; none where this language does not have it.
    pub(super) fn say(&self, key: &str, args: &FluentArgs<'_>) -> Option<String> {
        let pattern = self.0.get_message(key)?.value()?;
        let mut errors = Vec::new();
        let said = self.0.format_pattern(pattern, Some(args), &mut errors);
        // It shows what it can; a test that comes by says so.
        debug_assert!(errors.is_empty(), "{key} does not fit what is put into it: {errors:?}");
        Some(said.into_owned())
    }
}

/// The text of a key: in this language, else in English, else the key.
pub(super) fn say(language: Language, key: &str, args: &FluentArgs<'_>) -> String {
    let tries = [language, Language::ENGLISH];
    let said = tries.iter().find_map(|each| ALL[each.place()].say(key, args));
    debug_assert!(said.is_some(), "no catalogue has {key}");
    said.unwrap_or_else(|| key.to_owned())
}

/// What a language says for these words of the API; none where it says nothing of its own.
pub(super) fn said(language: Language, words: &str) -> Option<String> {
    ALL[language.place()].say(&key_of(words), &FluentArgs::new())
}

/// `said-` and the words, in small letters with hyphens between them.
pub(super) fn key_of(words: &str) -> String {
    let mut key = "said".to_owned();
    for word in words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        key.push('-');
        key.push_str(&word.to_ascii_lowercase());
    }
    key
}
