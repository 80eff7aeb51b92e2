//! The mail addresses of this server (`ping-api.md`, "By email"): what stands before the `@` names a
//! check and says what a mail to it means, or names an email channel whose mail came back.
//! Judged by its shape alone.

use super::ping::PingKind;
use super::slug;
use super::target::{self, Target};

/// What the address of a returned mail begins with.
const BOUNCE: &str = "bounce";

/// Whom a mail is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mailbox {
    /// A check.
    Check(CheckAddress),
    /// An email channel: something that was sent to it comes back.
    Bounce {
        /// What tells which channel.
        token: String,
    },
}

/// The address of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckAddress {
    /// How it names the check, in lower case but for the ping key.
    name: Name,
    /// What a mail to it means: success, start, fail or log.
    pub signal: PingKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Uuid(uuid::Uuid),
    Slug { key: String, slug: String },
}

impl CheckAddress {
    /// Which check it names. A ping key is as it was given: mailers may have lowered its case.
    #[must_use]
    pub fn target(&self) -> Target<'_> {
        match &self.name {
            Name::Uuid(uuid) => Target::Uuid(*uuid),
            Name::Slug { key, slug } => Target::Slug { key, slug },
        }
    }
}

/// Reads what stands before the `@` of an address; none where it can be none of ours. The case of
/// letters does not count, as mailers change it, save that of ping keys and tokens.
#[must_use]
pub fn parse(local: &str) -> Option<Mailbox> {
    let mut parts = local.split('+');
    let first = parts.next()?;
    if first.eq_ignore_ascii_case(BOUNCE) {
        let token = parts.next().filter(|token| !token.is_empty())?.to_owned();
        return parts.next().is_none().then_some(Mailbox::Bounce { token });
    }
    let name = match target::uuid(&first.to_ascii_lowercase()) {
        Some(uuid) => Name::Uuid(uuid),
        None if target::is_key(first) => {
            let slug = parts.next()?.to_ascii_lowercase();
            let fits = !slug.is_empty() && slug::is_valid(&slug);
            fits.then(|| Name::Slug { key: first.to_owned(), slug })?
        }
        None => return None,
    };
    let signal = parts.next().map_or(Some(PingKind::Success), signal)?;
    parts.next().is_none().then_some(Mailbox::Check(CheckAddress { name, signal }))
}

fn signal(word: &str) -> Option<PingKind> {
    match word.to_ascii_lowercase().as_str() {
        "start" => Some(PingKind::Start),
        "fail" => Some(PingKind::Fail),
        "log" => Some(PingKind::Log),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UUID: &str = "5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278";
    const KEY: &str = "fqOOd6-F4MMNuCEnzTU01w";

    fn check(local: &str) -> CheckAddress {
        match parse(local) {
            Some(Mailbox::Check(address)) => address,
            other => panic!("{local}: {other:?}"),
        }
    }

    #[test]
    fn the_last_word_says_what_a_mail_means() {
        for (word, signal) in [
            ("", PingKind::Success),
            ("+start", PingKind::Start),
            ("+fail", PingKind::Fail),
            ("+FAIL", PingKind::Fail),
            ("+log", PingKind::Log),
        ] {
            let by_uuid = check(&format!("{UUID}{word}"));
            assert_eq!(by_uuid.target(), Target::Uuid(target::uuid(UUID).unwrap()));
            let by_slug = check(&format!("{KEY}+nightly_backup-2{word}"));
            assert_eq!(by_slug.target(), Target::Slug { key: KEY, slug: "nightly_backup-2" });
            assert_eq!((by_uuid.signal, by_slug.signal), (signal, signal), "{word}");
        }
    }

    #[test]
    fn case_does_not_count_and_that_of_a_key_is_kept() {
        assert_eq!(check(&UUID.to_uppercase()), check(UUID));
        let shouted = check(&format!("{KEY}+BACKUP"));
        assert_eq!(shouted.target(), Target::Slug { key: KEY, slug: "backup" });
    }

    #[test]
    fn what_comes_back_names_its_token() {
        assert_eq!(parse("bounce+aB-9_"), Some(Mailbox::Bounce { token: "aB-9_".to_owned() }));
        for local in ["bounce", "bounce+", "bounce+a+b"] {
            assert_eq!(parse(local), None, "{local}");
        }
    }

    #[test]
    fn nobody_else_lives_here() {
        for local in ["postmaster", "", "+", "start", "+start", KEY] {
            assert_eq!(parse(local), None, "{local}");
        }
        for tail in ["+", "+7", "+ign", "+success", "+start+", "+start+more"] {
            assert_eq!(parse(&format!("{UUID}{tail}")), None, "{tail}");
            assert_eq!(parse(&format!("{KEY}+backup{tail}")), None, "{tail}");
        }
        for slug in ["", "a.b", "a b", "\u{e9}"] {
            assert_eq!(parse(&format!("{KEY}+{slug}")), None, "{slug}");
        }
        assert_eq!(parse(&UUID.replace('-', "")), None);
    }

    proptest! {
        #[test]
        fn any_local_part_is_judged_without_a_panic(local in "\\PC{0,80}") {
            let _ = parse(&local);
            let _ = parse(&format!("{UUID}+{local}"));
            let _ = parse(&format!("{KEY}+{local}"));
        }
    }
}
