//! A value as somebody gave it, and the readers that make something of it or say what is allowed.
//! What was given never appears in an error: it may be a secret, or many lines long.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use http::HeaderName;
use ipnet::IpNet;
use toml::Value;

use super::url::HiddenUrl;
use crate::secret::Secret;

/// A value from the file, which has a type, or from elsewhere, which is text.
#[derive(Clone, Copy)]
pub(super) enum Given<'a> {
    Toml(&'a Value),
    Text(&'a str),
}

/// A setting that is one of a few words.
pub(super) trait Choice: Copy + PartialEq + 'static {
    /// Each word and what it stands for, in the order in which errors list them.
    const NAMES: &'static [(&'static str, Self)];
}

/// What reading gives: a value, or what is allowed.
type Read<T> = Result<T, String>;

impl<'a> Given<'a> {
    /// Text as it stands; `allowed` is the error for another type.
    fn str(self, allowed: &str) -> Read<&'a str> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Toml(Value::String(text)) => Ok(text),
            Self::Toml(_) => Err(format!("must be {allowed}, as a string in quotes")),
        }
    }

    /// A text that `read` takes; anything else is told that it must be `allowed`.
    fn parsed<T>(self, allowed: &str, read: impl Fn(&str) -> Option<T>) -> Read<T> {
        read(self.str(allowed)?).ok_or_else(|| format!("must be {allowed}"))
    }

    /// What `read` makes of it; nothing where it is an empty text, which unsets a setting.
    pub(super) fn optional<T>(self, read: impl Fn(Self) -> Read<T>) -> Read<Option<T>> {
        match self {
            Self::Text("") => Ok(None),
            Self::Toml(Value::String(text)) if text.is_empty() => Ok(None),
            given => read(given).map(Some),
        }
    }

    /// An array of what `read` takes; as text, separated by commas.
    pub(super) fn list<T>(self, read: impl Fn(Self) -> Read<T>) -> Read<Vec<T>> {
        match self {
            Self::Toml(Value::Array(items)) => {
                items.iter().map(|item| read(Self::Toml(item))).map(each).collect()
            }
            Self::Toml(_) => Err("must be an array such as [\"…\", \"…\"]".to_owned()),
            Self::Text(text) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                items.map(|item| read(Given::Text(item))).map(each).collect()
            }
        }
    }

    /// A whole number within bounds.
    pub(super) fn number<T: TryFrom<i64>>(self, bounds: RangeInclusive<i64>) -> Read<T> {
        let number = match self {
            Self::Toml(value) => value.as_integer(),
            Self::Text(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
            Self::Text(_) => None,
        };
        let within = number.filter(|n| bounds.contains(n)).and_then(|n| T::try_from(n).ok());
        within.ok_or_else(|| {
            format!("must be a whole number from {} to {}", bounds.start(), bounds.end())
        })
    }

    /// Yes or no.
    pub(super) fn boolean(self) -> Read<bool> {
        match self {
            Self::Toml(Value::Boolean(yes)) => Ok(*yes),
            Self::Text("true" | "1") => Ok(true),
            Self::Text("false" | "0") => Ok(false),
            _ => Err("must be true or false".to_owned()),
        }
    }

    /// One of a few words.
    pub(super) fn choice<T: Choice>(self) -> Read<T> {
        let names: Vec<&str> = T::NAMES.iter().map(|(name, _)| *name).collect();
        self.parsed(&format!("one of {}", names.join(", ")), |text| {
            T::NAMES.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice)
        })
    }

    /// A text of one line that says something.
    pub(super) fn text(self) -> Read<String> {
        self.parsed("a line of text", |text| {
            (!text.trim().is_empty() && !text.contains(char::is_control))
                .then(|| text.trim().to_owned())
        })
    }

    /// A secret of at least `shortest` characters.
    pub(super) fn secret(self, shortest: usize) -> Read<Secret> {
        let allowed = match shortest {
            0 | 1 => "a text that is not empty".to_owned(),
            _ => format!("at least {shortest} characters"),
        };
        let long_enough = |text: &str| text.chars().count() >= shortest.max(1);
        self.parsed(&allowed, |text| long_enough(text).then(|| Secret::new(text)))
    }

    /// A Bearer token: a secret that fits in a header.
    pub(super) fn bearer(self) -> Read<Secret> {
        self.parsed("letters, digits and signs without spaces", |text| {
            let fits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
            fits.then(|| Secret::new(text))
        })
    }

    /// A path; whether something is there shows when it is used.
    pub(super) fn path(self) -> Read<PathBuf> {
        self.text().map(PathBuf::from).map_err(|_| "must be the path of a file".to_owned())
    }

    /// An address with a port.
    pub(super) fn socket(self) -> Read<SocketAddr> {
        let allowed = "an IP address with a port, such as 127.0.0.1:8000 or [::]:8000";
        self.parsed(allowed, |text| text.parse().ok())
    }

    /// A range of addresses; a single address is the range of itself.
    pub(super) fn network(self) -> Read<IpNet> {
        let allowed = "a range of addresses, such as 10.0.0.0/8 or fd00::/8";
        self.parsed(allowed, crate::net::network)
    }

    /// A name of a host, or an address without a port.
    pub(super) fn host(self) -> Read<String> {
        let allowed = "a host name or an IP address, such as mail.example.org";
        self.parsed(allowed, |text| {
            let named = text.parse::<IpAddr>().is_ok() || is_domain(text);
            named.then(|| text.to_owned())
        })
    }

    /// A domain name, in lower case.
    pub(super) fn domain(self) -> Read<String> {
        self.parsed("a domain name, such as example.org", |text| {
            is_domain(text).then(|| text.to_ascii_lowercase())
        })
    }

    /// The name of a header, in lower case.
    pub(super) fn header(self) -> Read<HeaderName> {
        let allowed = "the name of a header, such as X-Forwarded-User";
        self.parsed(allowed, |text| HeaderName::from_bytes(text.as_bytes()).ok())
    }

    /// An http or https URL without query and fragment, and without the slash at its end.
    pub(super) fn base_url(self) -> Read<String> {
        let allowed = "an http:// or https:// URL without user, query and fragment, \
                       such as https://overdue.example.org";
        self.parsed(allowed, |text| {
            let url = super::url::web(text)?;
            let bare = url.query().is_none() && url.fragment().is_none();
            let anonymous = url.username().is_empty() && url.password().is_none();
            let path = url.as_str().trim_end_matches('/').to_owned();
            (bare && anonymous && !url.path().contains("//")).then_some(path)
        })
    }

    /// An http or https URL, which may carry a user and a password.
    pub(super) fn web_url(self) -> Read<HiddenUrl> {
        self.parsed("an http:// or https:// URL", |text| {
            super::url::web(text).map(|_| HiddenUrl::new(text))
        })
    }

    /// The URL of a database.
    pub(super) fn database_url(self) -> Read<HiddenUrl> {
        let allowed = "sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME";
        self.parsed(allowed, |text| {
            let path = text.strip_prefix("sqlite:").map(|path| path.trim_start_matches('/'));
            let sqlite = path.is_some_and(|path| !path.is_empty() && !path.starts_with('?'));
            (sqlite || super::url::postgres(text).is_some()).then(|| HiddenUrl::new(text))
        })
    }

    /// A mail address, with or without a name before it.
    pub(super) fn mailbox(self) -> Read<String> {
        let allowed =
            "a mail address, such as overdue@example.org or Overdue <overdue@example.org>";
        let text = self.text().map_err(|_| format!("must be {allowed}"))?;
        let address = match text.split_once('<') {
            Some((_, rest)) => rest.strip_suffix('>').unwrap_or(""),
            None => &text,
        };
        let whole = |part: &str| !part.is_empty() && !part.contains([' ', '<', '>', ',', '@']);
        let valid = address.rsplit_once('@').is_some_and(|(user, host)| whole(user) && whole(host));
        if valid { Ok(text) } else { Err(format!("must be {allowed}")) }
    }

    /// Commands by name: a table of arrays; as text, the same table as TOML writes it in a line.
    pub(super) fn commands(self) -> Read<BTreeMap<String, Vec<String>>> {
        let allowed = "must be a table of commands, each a name of letters, digits, - and _ with a \
                       program's whole path and its arguments, such as \
                       { page = [\"/usr/local/bin/page\", \"--loud\"] }";
        let table = match self {
            Self::Toml(Value::Table(table)) => Some(table.clone()),
            Self::Toml(_) => None,
            Self::Text("") => Some(toml::Table::new()),
            Self::Text(text) => inline_table(text),
        };
        let entries = table.ok_or(allowed)?;
        let one = |(name, value): (String, Value)| Some((command_name(name)?, command(&value)?));
        entries.into_iter().map(one).collect::<Option<_>>().ok_or_else(|| allowed.to_owned())
    }
}

/// The error of one element of a list.
fn each<T>(read: Read<T>) -> Read<T> {
    read.map_err(|allowed| format!("each {allowed}"))
}

fn inline_table(text: &str) -> Option<toml::Table> {
    let document: toml::Table = toml::from_str(&format!("table = {text}")).ok()?;
    match document.get("table") {
        Some(Value::Table(table)) if document.len() == 1 => Some(table.clone()),
        _ => None,
    }
}

fn command_name(name: String) -> Option<String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (!name.is_empty() && name.bytes().all(fits)).then_some(name)
}

fn command(value: &Value) -> Option<Vec<String>> {
    let words = value.as_array()?.iter();
    let words: Vec<String> =
        words.map(|word| word.as_str().map(str::to_owned)).collect::<Option<_>>()?;
    let sound = words.iter().all(|word| !word.contains('\0'));
    (words.first()?.starts_with('/') && sound).then_some(words)
}

/// Whether a text is a domain name: labels of letters, digits, `-` and `_`, between dots.
fn is_domain(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(fits);
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_digits_within_its_bounds() {
        assert_eq!(Given::Text("10").number::<u16>(1..=10), Ok(10));
        assert_eq!(Given::Toml(&Value::Integer(10)).number::<u16>(1..=10), Ok(10));
        for bad in ["", "0", "11", "+5", "-5", "5s", " 5", "99999999999999999999"] {
            let reason = Given::Text(bad).number::<u16>(1..=10).unwrap_err();
            assert_eq!(reason, "must be a whole number from 1 to 10", "{bad}");
        }
        assert!(Given::Toml(&Value::String("5".to_owned())).number::<u16>(1..=10).is_err());
    }

    #[test]
    fn a_list_is_an_array_or_text_with_commas() {
        let array = Value::Array(vec![Value::from("10.1.2.3/8"), Value::from("::1")]);
        let nets = vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse::<IpNet>().unwrap()];
        assert_eq!(Given::Toml(&array).list(Given::network), Ok(nets.clone()));
        assert_eq!(Given::Text(" 10.1.2.3/8, ::1 ,").list(Given::network), Ok(nets));
        assert_eq!(Given::Text("").list(Given::network), Ok(vec![]));
        let reason = Given::Text("10.0.0.0/8,home").list(Given::network).unwrap_err();
        assert!(reason.starts_with("each must be a range of addresses"), "{reason}");
        assert!(Given::Toml(&Value::from("::1")).list(Given::network).is_err());
    }

    #[test]
    fn an_empty_text_unsets_what_may_be_unset() {
        assert_eq!(Given::Text("").optional(Given::text), Ok(None));
        assert_eq!(Given::Toml(&Value::from("")).optional(Given::text), Ok(None));
        assert_eq!(Given::Text("x").optional(Given::text), Ok(Some("x".to_owned())));
        assert!(Given::Text(" ").optional(Given::text).is_err());
    }

    #[test]
    fn a_base_url_is_http_and_loses_the_slash_at_its_end() {
        let read = |text| Given::Text(text).base_url();
        assert_eq!(read("http://localhost:8000/"), Ok("http://localhost:8000".to_owned()));
        assert_eq!(read("https://Example.org/a/b/"), Ok("https://example.org/a/b".to_owned()));
        for bad in ["", "localhost:8000", "ftp://x", "http://", "http://x/?q", "http://x/#f"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read("http://u:p@x/").is_err() && read("http://x/a//b").is_err());
    }

    #[test]
    fn a_database_is_a_sqlite_path_or_a_postgres_url() {
        for good in ["sqlite:overdue.db", "sqlite:///data/o.db", "sqlite::memory:"] {
            assert!(Given::Text(good).database_url().is_ok(), "{good}");
        }
        for good in ["postgres://postgres@127.0.0.1:5432/t", "postgresql://h/t", "postgres:///t"] {
            assert!(Given::Text(good).database_url().is_ok(), "{good}");
        }
        for bad in ["", "overdue.db", "sqlite:", "sqlite://", "sqlite:?mode=rw", "mysql://h/t"] {
            let reason = Given::Text(bad).database_url().unwrap_err();
            assert!(reason.contains("sqlite:PATH or postgres://"), "{bad}: {reason}");
        }
    }

    #[test]
    fn names_of_hosts_headers_and_mailboxes_have_their_form() {
        assert!(Given::Text("mail.example.org").host().is_ok());
        assert!(Given::Text("::1").host().is_ok());
        assert!(Given::Text("mail.example.org:25").host().is_err());
        assert_eq!(Given::Text("ZEN.example.org").domain(), Ok("zen.example.org".to_owned()));
        assert!(Given::Text("a..b").domain().is_err() && Given::Text("").domain().is_err());
        assert_eq!(Given::Text("X-User").header().unwrap(), "x-user");
        assert!(Given::Text("X User").header().is_err());
        for good in ["o@example.org", "Overdue <o@example.org>"] {
            assert_eq!(Given::Text(good).mailbox(), Ok(good.to_owned()));
        }
        for bad in ["", "overdue", "@x", "a@", "O <o@x", "a@b@c", "a@x\r\nBcc: b@x", "a@x, b@x"] {
            assert!(Given::Text(bad).mailbox().is_err(), "{bad}");
        }
    }

    #[test]
    fn commands_are_whole_paths_with_arguments_by_name() {
        let read = |text| Given::Text(text).commands();
        let commands = read(r#"{ page = ["/bin/page", "-l"], sms = ["/bin/sms"] }"#).unwrap();
        assert_eq!(commands["page"], ["/bin/page", "-l"]);
        assert_eq!(commands.len(), 2);
        assert!(read("").unwrap().is_empty());
        for bad in ["page", "[]", "{ p = [] }", r#"{ p = "/x" }"#, r#"{ p = ["x"] }"#] {
            assert!(read(bad).unwrap_err().starts_with("must be a table of commands"), "{bad}");
        }
        assert!(read("{ \"a b\" = [\"/x\"] }").is_err() && read("{}\nother = 1").is_err());
    }
}
