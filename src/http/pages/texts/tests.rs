use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use fluent_bundle::FluentArgs;
use regex::Regex;

use super::catalogue::Catalogue;
use super::*;

const PAGES: &str = "src/http/pages";

/// Every file of the pages with one of these endings.
fn files(endings: &[&str]) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![PathBuf::from(PAGES)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| endings.iter().any(|it| end == *it)) {
                let text = fs::read_to_string(&path).unwrap();
                found.insert(path, text);
            }
        }
    }
    found
}

fn keys(texts: &str) -> Vec<String> {
    let line = Regex::new("(?m)^([a-z0-9_-]+) =").unwrap();
    line.captures_iter(texts).map(|found| found[1].to_owned()).collect()
}

#[test]
fn every_text_is_used_and_every_text_that_is_asked_for_is_there() {
    let there: BTreeSet<String> = keys(Language::ENGLISH.texts()).into_iter().collect();
    let mut named = BTreeSet::new();
    let literal = Regex::new(r#""([a-z0-9_]+(?:-[a-z0-9_]+)*)""#).unwrap();
    let call = Regex::new(r#"\bt\(\s*"([^"]*)""#).unwrap();
    for (path, text) in files(&["rs", "html", "js"]) {
        if path == Path::new(PAGES).join("texts/tests.rs") {
            continue;
        }
        named.extend(literal.captures_iter(&text).map(|found| found[1].to_owned()));
        for found in call.captures_iter(&text) {
            assert!(there.contains(&found[1]), "{}: no text {:?}", path.display(), &found[1]);
        }
    }
    let idle: Vec<_> = there.difference(&named).collect();
    assert!(idle.is_empty(), "nobody says {idle:?}");
}

#[test]
fn no_catalogue_has_a_text_twice_or_one_that_english_does_not_have() {
    let english: BTreeSet<String> = keys(Language::ENGLISH.texts()).into_iter().collect();
    for language in Language::all() {
        let all = keys(language.texts());
        let once: BTreeSet<String> = all.iter().cloned().collect();
        assert_eq!(all.len(), once.len(), "{} has a text twice", language.tag());
        let known = |key: &&String| english.contains(*key) || key.starts_with("said-");
        let unknown: Vec<_> = once.iter().filter(|key| !known(key)).collect();
        assert!(unknown.is_empty(), "{}: {unknown:?}", language.tag());
    }
}

/// What stands in a template beside its expressions and tags: words that no catalogue has.
fn own_words(template: &str) -> Vec<String> {
    let strip = [
        r"(?s)\{#.*?#\}",
        r"(?s)\{%.*?%\}",
        r"(?s)\{\{.*?\}\}",
        r"(?s)<pre\b.*?</pre>|<svg\b.*?</svg>",
    ];
    let mut text = template.to_owned();
    for pattern in strip {
        text = Regex::new(pattern).unwrap().replace_all(&text, "\u{0}").into_owned();
    }
    let spoken = Regex::new(r#"(?:placeholder|aria-label|title|alt)="([^"]*)""#).unwrap();
    let mut words: Vec<String> =
        spoken.captures_iter(&text).map(|found| found[1].to_owned()).collect();
    let plain = Regex::new("<[^>]*>").unwrap().replace_all(&text, "\n").into_owned();
    words.extend(plain.split(['\n', '\u{0}']).map(|part| part.trim().to_owned()));
    words.retain(|word| {
        // The program's own name, a class or a tag between two tags of askama, a path.
        let is_plain = matches!(word.as_str(), "Overdue" | "· Overdue" | "div");
        word.contains(char::is_alphabetic)
            && !is_plain
            && !word.starts_with("class=")
            && !word.starts_with('/')
    });
    words
}

#[test]
fn no_template_has_words_of_its_own() {
    for (path, template) in files(&["html"]) {
        let words = own_words(&template);
        assert!(words.is_empty(), "{}: {words:?}", path.display());
    }
    let bare = r#"<p title="What">{{ x }} a <b>word</b></p><h1>{{ texts::t("x") }}</h1>"#;
    assert_eq!(own_words(bare), ["What", "a", "word"]);
}

#[test]
fn what_is_put_in_is_escaped_once_unless_it_is_html_itself() {
    let text = t("checks-edit-edit").with("old", "<b> & \"c\"");
    assert_eq!(text.to_string(), "Edit &#60;b&#62; &#38; &#34;c&#34;");
    assert_eq!(text.plain(), "Edit <b> & \"c\"");
    let outer = t("pieces-wrong").text("label", "a<b".into()).html("reason", text);
    assert_eq!(outer.to_string(), "a&#60;b Edit &#60;b&#62; &#38; &#34;c&#34;.");
    assert_eq!(Text::from("<i>").to_string(), "&#60;i&#62;");
}

#[test]
fn how_many_there_are_decides_the_words() {
    let checks = |n: i64| t("count-checks").count("n", n).plain();
    assert_eq!(
        (checks(0), checks(1), checks(12)),
        ("0 checks".into(), "1 check".into(), "12 checks".into())
    );
}

#[test]
fn a_sentence_begins_with_a_capital_and_ends() {
    let sentence = |words: &str| said(words).as_sentence().plain();
    assert_eq!(sentence("must be a number"), "Must be a number.");
    assert_eq!(sentence("Is it so?"), "Is it so?");
    assert_eq!(sentence("über alles"), "über alles.");
}

#[test]
fn a_language_says_what_it_has_and_the_words_of_the_api_by_their_letters() {
    let texts = "yes = ja\nsaid-must-be-a-whole-number = muss eine ganze Zahl sein\n";
    let catalogue = Catalogue::read(texts, Language::ENGLISH);
    let none = FluentArgs::new();
    assert_eq!(catalogue.say("yes", &none).as_deref(), Some("ja"));
    assert_eq!(catalogue.say("no", &none), None);
    let key = catalogue::key_of("must be a whole number");
    assert_eq!(catalogue.say(&key, &none).as_deref(), Some("muss eine ganze Zahl sein"));
}

#[test]
fn scripts_are_given_their_texts() {
    let all: serde_json::Value = serde_json::from_str(for_scripts()).unwrap();
    assert_eq!(all["script-copy"], "Copy");
    assert_eq!((&all["words-ago"], &all["words-days"]), (&"% ago".into(), &"% days".into()));
}
