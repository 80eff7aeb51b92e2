//! Configurations of channels as tables of fields: what a field may hold, what is hidden of it when
//! it is shown, and how what was hidden comes back. The kinds that send one request to a service
//! are described by such a table; so is what the API description says of them.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Map, Value, json};
use url::Url;

use crate::fault::{Fault, Result};
use crate::notify::outbound::Failure;

/// What stands in the place of a secret when a config is shown.
pub(super) const MASK: &str = "***";
const URL_LIMIT: usize = 2_000;

/// One field of a kind's configuration.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it is, in a sentence that begins small and has no full stop.
    pub about: &'static str,
    /// What it may hold.
    pub shape: Shape,
    /// Whether it must be given.
    pub is_needed: bool,
}

/// What a field may hold.
#[derive(Debug)]
pub enum Shape {
    /// A text of at most so many characters, on one line.
    Text(usize),
    /// The same, and it must fit; the words say what does.
    Like(usize, fn(&str) -> bool, &'static str),
    /// A text, hidden when it is shown.
    Secret(usize),
    /// A telephone number in its international form, `+4915112345678`.
    Phone,
    /// An `http` or `https` URL.
    Url,
    /// The same, hidden behind its host: it holds what only its owner may know.
    SecretUrl,
    /// One of these words; where none is given, the first.
    OneOf(&'static [&'static str]),
    /// A whole number from the first to the second; where none is given, the third.
    Number(i64, i64, i64),
    /// 0 or 1; where nothing is given, this.
    Flag(i64),
    /// Channels of the project, by their ids.
    Channels,
}

/// A field that must be given.
pub(super) const fn needed(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, about, shape, is_needed: true }
}

/// A field that may be left out.
pub(super) const fn optional(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, about, shape, is_needed: false }
}

/// A configuration in the form in which it is stored: every field of its table there.
#[derive(Clone, Copy, Debug)]
pub struct Config<'a>(pub &'a Value);

impl<'a> Config<'a> {
    /// A text field; empty where nothing was given.
    #[must_use]
    pub fn text(&self, name: &str) -> &'a str {
        self.0[name].as_str().unwrap_or_default()
    }

    /// What a text field lists, separated by commas.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.text(name).split(',').map(str::trim).filter(|item| !item.is_empty())
    }

    /// A number or a flag.
    #[must_use]
    pub fn number(&self, name: &str) -> i64 {
        self.0[name].as_i64().unwrap_or_default()
    }

    /// A field that holds a URL.
    ///
    /// # Errors
    /// It can't be read, which the table does not let happen.
    pub fn url(&self, name: &str) -> Result<Url, Failure> {
        self.url_or(name, "")
    }

    /// A field that may hold a URL; where nothing was given, `usual`.
    ///
    /// # Errors
    /// It can't be read, which the table does not let happen.
    pub fn url_or(&self, name: &str, usual: &str) -> Result<Url, Failure> {
        let given = self.text(name);
        Url::parse(if given.is_empty() { usual } else { given })
            .map_err(|_| Failure::Refused(format!("config.{name}: can't be read: enter it again")))
    }
}

/// Checks a config against a table and brings it into the form in which it is stored. What is masked
/// in it is taken from `previous`.
///
/// # Errors
/// [`Fault::Invalid`] whose field is `config` or `config.<field>`.
pub(super) fn validate(
    fields: &[Field],
    config: &Value,
    previous: Option<&Value>,
) -> Result<Value> {
    let given = object("config", config)?;
    if let Some(name) = given.keys().find(|name| fields.iter().all(|field| field.name != **name)) {
        let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
        let reason = format!("is no field of this kind; there are {}", names.join(", "));
        return Err(invalid(name, reason));
    }
    let mut whole = Map::new();
    for field in fields {
        let value = field.checked(given.get(field.name))?;
        whole.insert(field.name.to_owned(), value);
    }
    unmask(fields, &mut whole, previous)?;
    Ok(Value::Object(whole))
}

/// Puts the stored secrets where their masks came back.
fn unmask(
    fields: &[Field],
    config: &mut Map<String, Value>,
    previous: Option<&Value>,
) -> Result<()> {
    let text = |config: &Map<String, Value>, name: &str| {
        config.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    // A secret is kept only for the host that it was entered for.
    let moved = fields.iter().filter(|field| matches!(field.shape, Shape::Url)).any(|field| {
        let before = previous.and_then(|config| config[field.name].as_str()).unwrap_or_default();
        let now = text(config, field.name);
        now != before && !same_origin(&now, before)
    });
    for field in fields {
        let shown = text(config, field.name);
        if !field.is_masked(&shown) {
            continue;
        }
        let stored = previous.map(|config| &config[field.name]).and_then(Value::as_str);
        match stored.filter(|stored| !moved && field.masked(stored) == shown) {
            Some(stored) => config.insert(field.name.to_owned(), json!(stored)),
            None => return Err(enter_again(field.name, "it")),
        };
    }
    Ok(())
}

/// A stored config as it is shown: no secret in it is readable.
pub(super) fn mask(fields: &[Field], config: &Value) -> Value {
    let mut config = config.clone();
    for field in fields {
        if let Some(text) = config[field.name].as_str() {
            config[field.name] = json!(field.masked(text));
        }
    }
    config
}

/// What of a stored config must not be read anywhere: its secrets, and the parts of its secret URLs
/// that are long enough to be one.
pub(super) fn secrets(fields: &[Field], config: &Value) -> Vec<String> {
    let mut secrets = Vec::new();
    for field in fields {
        let text = config[field.name].as_str().unwrap_or_default();
        match field.shape {
            Shape::Secret(_) => secrets.push(text.to_owned()),
            Shape::SecretUrl => {
                let parts = text.split(['/', '?', '&', '=']).skip(3);
                secrets.extend(parts.filter(|part| part.len() >= 8).map(str::to_owned));
            }
            _ => {}
        }
    }
    secrets.retain(|secret| secret.len() >= 4);
    secrets
}

/// Which fields of a config hold the mask of a secret instead of one.
pub(super) fn masked(fields: &[Field], config: &Value) -> Vec<String> {
    let holds = |field: &&Field| field.is_masked(config[field.name].as_str().unwrap_or_default());
    fields.iter().filter(holds).map(|field| field.name.to_owned()).collect()
}

impl Field {
    /// The value to store, as far as it can be told without what is stored already.
    fn checked(&self, given: Option<&Value>) -> Result<Value> {
        match (&self.shape, given) {
            (Shape::Number(from, to, usual), given) => {
                let number = given.map_or(Some(*usual), Value::as_i64);
                let number = number.filter(|number| (from..=to).contains(&number));
                let reason = || format!("must be a whole number between {from} and {to}");
                number.map(|n| json!(n)).ok_or_else(|| invalid(self.name, reason()))
            }
            (Shape::Flag(usual), given) => {
                let flag = given.map_or(Some(*usual), Value::as_i64);
                let flag = flag.filter(|flag| matches!(flag, 0 | 1));
                flag.map(|n| json!(n)).ok_or_else(|| invalid(self.name, "must be 0 or 1"))
            }
            (Shape::OneOf(words), None) => Ok(json!(words[0])),
            (Shape::Channels, Some(given)) => {
                let ids = given.as_array().and_then(|ids| channel_ids(ids));
                let reason = "must be a list of ids of channels";
                ids.map(|ids| json!(ids)).ok_or_else(|| invalid(self.name, reason))
            }
            (_, None) if self.is_needed => Err(invalid(self.name, "is required")),
            (_, None) => Ok(json!("")),
            (_, Some(Value::String(text))) => self.checked_text(text),
            (_, Some(_)) => Err(invalid(self.name, "must be a string")),
        }
    }

    fn checked_text(&self, text: &str) -> Result<Value> {
        match &self.shape {
            _ if text.is_empty() && self.is_needed => {
                return Err(invalid(self.name, "must not be empty"));
            }
            Shape::OneOf(words) if text.is_empty() => return Ok(json!(words[0])),
            _ if text.is_empty() => {}
            Shape::Text(most) | Shape::Secret(most) | Shape::Like(most, ..) => {
                if text.chars().count() > *most {
                    return Err(invalid(self.name, format!("must have at most {most} characters")));
                }
                if text.chars().any(char::is_control) {
                    let reason = "must have no line breaks or control characters";
                    return Err(invalid(self.name, reason));
                }
                if let Shape::Like(_, fits, what) = self.shape
                    && !fits(text)
                {
                    return Err(invalid(self.name, format!("must be {what}")));
                }
            }
            Shape::Phone => check_phone(self.name, text)?,
            Shape::Url | Shape::SecretUrl => check_url(self.name, text)?,
            Shape::OneOf(words) => {
                if !words.contains(&text) {
                    return Err(invalid(self.name, format!("must be one of {}", words.join(", "))));
                }
            }
            Shape::Number(..) | Shape::Flag(_) | Shape::Channels => {}
        }
        Ok(json!(text))
    }

    /// A value of it as it is shown.
    fn masked(&self, text: &str) -> String {
        match self.shape {
            Shape::Secret(_) if !text.is_empty() => MASK.to_owned(),
            Shape::SecretUrl if !text.is_empty() => match Url::parse(text) {
                Ok(url) => format!("{}/{MASK}", url.origin().ascii_serialization()),
                Err(_) => MASK.to_owned(),
            },
            _ => text.to_owned(),
        }
    }

    fn is_masked(&self, text: &str) -> bool {
        match self.shape {
            Shape::Secret(_) => text == MASK,
            Shape::SecretUrl => text == MASK || text.ends_with("/***"),
            _ => false,
        }
    }
}

/// Ids in order, each once; none where something else is among them.
fn channel_ids(given: &[Value]) -> Option<Vec<i64>> {
    let ids: Option<BTreeSet<i64>> = given.iter().map(Value::as_i64).collect();
    let ids = ids.filter(|ids| ids.first().is_none_or(|first| *first > 0))?;
    Some(ids.into_iter().collect())
}

/// Checks that a number can be called from anywhere (E.164).
fn check_phone(name: &str, text: &str) -> Result<()> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    let fits = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let reason = "must be a number in international form, such as +4915112345678";
    if fits { Ok(()) } else { Err(invalid(name, reason)) }
}

/// Checks that something can be sent to a URL.
fn check_url(name: &str, text: &str) -> Result<()> {
    if text.chars().count() > URL_LIMIT {
        return Err(invalid(name, format!("must have at most {URL_LIMIT} characters")));
    }
    let fits = || {
        let url = Url::parse(text).ok()?;
        let plain = !text.contains(|c: char| c.is_control() || c.is_whitespace());
        (plain && matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(())
    };
    let reason = "must be a URL such as https://example.com/hook, with http or https";
    fits().ok_or_else(|| invalid(name, reason))
}

/// Whether scheme, host and port are the same.
pub(super) fn same_origin(a: &str, b: &str) -> bool {
    matches!((Url::parse(a), Url::parse(b)), (Ok(a), Ok(b)) if a.origin() == b.origin())
}

/// A wrong field of a config.
pub(super) fn invalid(name: &str, reason: impl Into<String>) -> Fault {
    Fault::invalid(format!("config.{name}"), reason)
}

/// A secret that came back hidden and can't be kept.
pub(super) fn enter_again(name: &str, what: &str) -> Fault {
    let reason = format!(
        "{what} is hidden and only kept as long as scheme, host and port stay the same: enter it \
         again"
    );
    invalid(name, reason)
}

/// The fields of an object.
pub(super) fn object<'a>(field: &str, value: &'a Value) -> Result<&'a Map<String, Value>> {
    value.as_object().ok_or_else(|| Fault::invalid(field, "must be an object"))
}

/// The method of this name.
pub(super) fn method(name: &str) -> Method {
    match name {
        "GET" => Method::GET,
        "PUT" => Method::PUT,
        _ => Method::POST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[Field] = &[
        needed("url", Shape::Url, "where the service is"),
        needed("token", Shape::Secret(10), "what it knows us by"),
        optional("hook", Shape::SecretUrl, "another address"),
        optional("topic", Shape::Text(5), "what it is about"),
        optional("style", Shape::OneOf(&["plain", "rich"]), "how it looks"),
        optional("priority", Shape::Number(1, 5, 3), "how much it matters"),
        optional("loud", Shape::Flag(1), "whether it rings"),
        optional("room", Shape::Like(9, |text| text.starts_with('!'), "an id"), "where it goes"),
        optional("phone", Shape::Phone, "who is called"),
    ];

    fn with(name: &str, value: Value) -> Value {
        let mut config = json!({"url": "https://chat.example:8443/a", "token": "secret"});
        config[name] = value;
        config
    }

    fn refused(config: &Value) -> String {
        validate(FIELDS, config, None).unwrap_err().to_string()
    }

    #[test]
    fn a_config_is_stored_with_every_field() {
        let stored = validate(FIELDS, &with("topic", json!("ops")), None).unwrap();
        let wanted = json!({
            "url": "https://chat.example:8443/a", "token": "secret", "hook": "", "topic": "ops",
            "style": "plain", "priority": 3, "loud": 1, "room": "",
            "style": "plain", "priority": 3, "loud": 1, "phone": "",
        });
        assert_eq!(stored, wanted);
        assert_eq!(validate(FIELDS, &stored, None).unwrap(), stored);
    }

    #[test]
    fn what_does_not_fit_is_named_with_what_is_allowed() {
        for (name, value, says) in [
            ("topic", json!("sixsix"), "config.topic: must have at most 5 characters"),
            ("topic", json!("a\nb"), "config.topic: must have no line breaks"),
            ("topic", json!(1), "config.topic: must be a string"),
            ("url", json!("ftp://x"), "config.url: must be a URL such as"),
            ("url", json!("https://a b/"), "config.url: must be a URL such as"),
            ("url", json!(""), "config.url: must not be empty"),
            ("style", json!("loud"), "config.style: must be one of plain, rich"),
            ("priority", json!(6), "config.priority: must be a whole number between 1 and 5"),
            ("loud", json!(true), "config.loud: must be 0 or 1"),
            ("room", json!("#ops"), "config.room: must be an id"),
            ("room", json!("!345678901"), "config.room: must have at most 9 characters"),
            (
                "phone",
                json!("0151 1234567"),
                "config.phone: must be a number in international form",
            ),
            (
                "phone",
                json!("+49151/12345"),
                "config.phone: must be a number in international form",
            ),
            ("colour", json!("red"), "config.colour: is no field of this kind; there are url"),
            ("token", json!("***"), "config.token: it is hidden and only kept"),
        ] {
            let message = refused(&with(name, value));
            assert!(message.starts_with(says), "{message}");
        }
        assert_eq!(refused(&json!({"url": "https://a"})), "config.token: is required");
        assert_eq!(refused(&json!([])), "config: must be an object");
    }

    #[test]
    fn secrets_are_hidden_and_come_back_as_long_as_the_host_stays() {
        let hook = json!("https://hooks.example/T0/B0/topsecret");
        let stored = validate(FIELDS, &with("hook", hook), None).unwrap();
        let shown = mask(FIELDS, &stored);
        assert_eq!(
            (&shown["token"], &shown["hook"]),
            (&json!("***"), &json!("https://hooks.example/***"))
        );
        assert_eq!(masked(FIELDS, &shown), ["token", "hook"]);
        assert_eq!(secrets(FIELDS, &stored), ["secret", "topsecret"]);
        assert!(masked(FIELDS, &stored).is_empty());
        assert_eq!(validate(FIELDS, &shown, Some(&stored)).unwrap(), stored);
        let mut moved = shown.clone();
        moved["url"] = json!("https://other.example/a");
        let message = validate(FIELDS, &moved, Some(&stored)).unwrap_err().to_string();
        assert!(message.starts_with("config.token: it is hidden"), "{message}");
        let mut path = shown.clone();
        path["url"] = json!("https://chat.example:8443/b");
        assert_eq!(validate(FIELDS, &path, Some(&stored)).unwrap()["token"], "secret");
        let mut other = shown;
        other["hook"] = json!("https://evil.example/***");
        assert!(validate(FIELDS, &other, Some(&stored)).is_err());
    }
}
