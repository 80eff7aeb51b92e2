//! Addresses that mail goes to and comes from. Quoted local parts, which hardly anybody has and many
//! servers refuse, and literal IP addresses are not taken.

use std::fmt;

use url::Host;

/// The longest address, in bytes (RFC 5321 4.5.3.1.3, without the brackets).
const LONGEST: usize = 254;
/// The longest local part, in bytes (RFC 5321 4.5.3.1.1).
const LONGEST_LOCAL_PART: usize = 64;

/// An address such as `ops@example.org`; its domain in its ASCII form and in lower case, its local part
/// as it was given. Whether two lead to the same place, [`Address::mailbox`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(lettre::Address);

impl Address {
    /// Reads an address; none where it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (local, domain) = text.rsplit_once('@')?;
        let Ok(Host::Domain(domain)) = Host::parse(domain) else { return None };
        let fits =
            is_local_part(local) && is_domain(&domain) && local.len() + 1 + domain.len() <= LONGEST;
        if !fits {
            return None;
        }
        lettre::Address::new(local, domain).ok().map(Self)
    }

    /// Whether the text is an address.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        Self::parse(text).is_some()
    }

    /// What stands behind the `@`.
    #[must_use]
    pub fn domain(&self) -> String {
        self.0.domain().to_owned()
    }

    /// The mailbox that it leads to: next to no mail server tells capitals from small letters.
    #[must_use]
    pub fn mailbox(&self) -> String {
        self.to_string().to_ascii_lowercase()
    }

    pub(super) fn as_lettre(&self) -> &lettre::Address {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Atoms with dots between them (RFC 5321, `Dot-string`).
fn is_local_part(text: &str) -> bool {
    let sign = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
    let atom = |atom: &str| !atom.is_empty() && atom.bytes().all(sign);
    text.len() <= LONGEST_LOCAL_PART && text.split('.').all(atom)
}

fn is_domain(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(letter)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.split('.').all(label)
}

/// Who mail comes from: an address, and a name where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sender {
    pub(super) name: Option<String>,
    pub(super) address: Address,
}

impl Sender {
    /// Reads `overdue@example.org` or `Overdue <overdue@example.org>`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let Some((name, rest)) = text.split_once('<') else {
            return Some(Self { name: None, address: Address::parse(text)? });
        };
        let address = Address::parse(rest.strip_suffix('>')?)?;
        let name = name.trim();
        let quoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
        let name = quoted.unwrap_or(name);
        let name = (!name.is_empty() && !name.contains(char::is_control)).then(|| name.to_owned());
        Some(Self { name, address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_people_are_taken() {
        for (given, read) in [
            ("ops@example.org", "ops@example.org"),
            ("First.Last+tag@Mail.Example.ORG", "First.Last+tag@mail.example.org"),
            ("o'brien@example.org", "o'brien@example.org"),
            ("root@localhost", "root@localhost"),
            ("ops@größe.example", "ops@xn--gre-6ka8i.example"),
            ("!#$%&'*+-/=?^_`{|}~@x.org", "!#$%&'*+-/=?^_`{|}~@x.org"),
        ] {
            assert_eq!(Address::parse(given).unwrap().to_string(), read);
        }
        let longest = format!("{}@{}.org", "a".repeat(64), "b.".repeat(92) + "b");
        assert_eq!(longest.len(), 254);
        assert!(Address::is_one(&longest));
        assert!(!Address::is_one(&format!("{longest}x")));
    }

    #[test]
    fn what_is_no_address_or_could_break_out_of_a_command_is_not() {
        for bad in [
            "",
            "ops",
            "@example.org",
            "ops@",
            "ops@@example.org",
            "a@b@example.org",
            "a b@example.org",
            ".a@example.org",
            "a.@example.org",
            "a..b@example.org",
            "\"a b\"@example.org",
            "ö@example.org",
            "ops@example..org",
            "ops@-example.org",
            "ops@exa_mple.org",
            "ops@127.0.0.1",
            "ops@[127.0.0.1]",
            "ops@example.org\r\nRCPT TO:<b@example.org>",
            "ops>\r\n@example.org",
            "Ops <ops@example.org>",
            "ops@example.org, b@example.org",
            "ops@example.org>",
        ] {
            assert!(!Address::is_one(bad), "{bad:?}");
        }
        assert!(!Address::is_one(&format!("{}@example.org", "a".repeat(65))));
        assert!(!Address::is_one(&format!("a@{}.org", "b".repeat(64))));
    }

    #[test]
    fn a_sender_may_have_a_name() {
        let sender = |text| Sender::parse(text).map(|s| (s.name, s.address.to_string()));
        let address = || "o@example.org".to_owned();
        assert_eq!(sender("o@example.org"), Some((None, address())));
        assert_eq!(sender("<o@example.org>"), Some((None, address())));
        for text in ["Over due <o@example.org>", "\"Over due\" <o@example.org>"] {
            assert_eq!(sender(text), Some((Some("Over due".to_owned()), address())));
        }
        assert_eq!(sender("O <o@example.org> x"), None);
        assert_eq!(sender("O <o>"), None);
    }
}
