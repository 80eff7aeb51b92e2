//! Slugs: how a check's name becomes the last part of its ping URL (`ping-api.md`, "Slugs").

/// The longest slug, in characters; longer ones are cut.
pub const MAX_LENGTH: usize = 100;

/// Derives the slug of a name: to ASCII, lower case, only letters, digits, `_`, `-` and white
/// space kept, runs of white space and hyphens made one hyphen, and `-`, `_` and white space taken
/// off both ends. May come out empty; such a check is pinged by its UUID alone.
#[must_use]
pub fn derive(name: &str) -> String {
    let ascii = deunicode::deunicode(name).to_ascii_lowercase();
    let mut slug = String::with_capacity(ascii.len());
    for c in ascii.chars() {
        match c {
            'a'..='z' | '0'..='9' | '_' => slug.push(c),
            '-' | ' ' | '\t'..='\r' if !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    let slug = slug.trim_start_matches(['-', '_']);
    let cut = &slug[..slug.len().min(MAX_LENGTH)];
    cut.trim_end_matches(['-', '_']).to_owned()
}

/// Whether a text may stand as a slug in a URL or as a custom slug: `[a-z0-9_-]*`.
#[must_use]
pub fn is_valid(slug: &str) -> bool {
    slug.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_become_slugs_by_the_rules_of_the_document() {
        for (name, slug) in [
            ("Database Backup", "database-backup"),
            ("  --Größe_1 (prod)!  ", "grosse_1-prod"),
            ("日本", "ri-ben"),
            ("!!!", ""),
            ("a  -  b", "a-b"),
            ("_x_", "x"),
            ("Ünïcödé Tëst", "unicode-test"),
            ("a/b.c", "abc"),
            ("Tab\there", "tab-here"),
            ("a-_-b", "a-_-b"),
            ("non\u{a0}breaking", "non-breaking"),
        ] {
            assert_eq!(derive(name), slug, "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn a_derived_slug_is_always_valid_and_stays_as_it_is(name in ".{0,100}") {
            let slug = derive(&name);
            prop_assert!(is_valid(&slug));
            prop_assert!(slug.len() <= MAX_LENGTH);
            prop_assert_eq!(derive(&slug), slug);
        }
    }
}
