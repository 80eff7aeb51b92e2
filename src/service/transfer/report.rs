//! What an import does, or would do: which things are made, which are changed, and in what.

use serde_json::{Map, Value};

use crate::notify::channels::{self as kinds, Kind};
use crate::service::Remark;

/// What an import did, or what a plan would do.
#[derive(Debug, Default)]
pub struct Report {
    /// What is new, in the order of the file.
    pub created: Vec<Thing>,
    /// What is changed, in the order of the file.
    pub updated: Vec<Thing>,
    /// What is deleted, since the file does not name it.
    pub deleted: Vec<Thing>,
    /// How many channels, checks and windows of the file are as it says already.
    pub unchanged: usize,
    /// What needs attention.
    pub remarks: Vec<Remark>,
}

/// A thing that an import made or changed.
#[derive(Debug)]
pub struct Thing {
    /// `project`, `channel`, `check` or `maintenance`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The slug of a check.
    pub slug: Option<String>,
    /// What is changed about it; empty for a new one.
    pub changes: Vec<Difference>,
}

/// A field that is changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Its name, as in the file.
    pub field: String,
    /// Its old value and its new one; none where it is a secret.
    pub values: Option<(Value, Value)>,
}

/// What is done about an entry of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// It is made.
    Create,
    /// It is changed in this.
    Update(Vec<Difference>),
    /// It is as the file says.
    Nothing,
}

impl Deed {
    /// An update where there is a difference.
    #[must_use]
    pub fn of(differences: Vec<Difference>) -> Self {
        if differences.is_empty() { Self::Nothing } else { Self::Update(differences) }
    }
}

impl Report {
    /// Adds what is done about an entry.
    pub fn add(&mut self, deed: &Deed, kind: &'static str, name: &str, slug: Option<&str>) {
        let thing = |changes: &[Difference]| Thing {
            kind,
            name: name.to_owned(),
            slug: slug.map(str::to_owned),
            changes: changes.to_vec(),
        };
        match deed {
            Deed::Create => self.created.push(thing(&[])),
            Deed::Update(changes) => self.updated.push(thing(changes)),
            Deed::Nothing => self.unchanged += 1,
        }
    }
}

/// The fields that differ.
#[must_use]
pub fn differences(old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<Difference> {
    let null = Value::Null;
    let of = |fields: &Map<String, Value>, name: &str| fields.get(name).unwrap_or(&null).clone();
    let mut names: Vec<&String> = new.keys().collect();
    names.extend(old.keys().filter(|name| !new.contains_key(*name)));
    let both = names.into_iter().map(|name| (name, of(old, name), of(new, name)));
    let differing = both.filter(|(_, old, new)| old != new);
    differing
        .map(|(name, old, new)| Difference { field: name.clone(), values: Some((old, new)) })
        .collect()
}

/// The fields of a configuration that differ. Of a secret it is only said that it does.
#[must_use]
pub fn config_differences(kind: Kind, old: &Value, new: &Value) -> Vec<Difference> {
    let (shown_old, shown_new) = (kinds::mask(kind, old), kinds::mask(kind, new));
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else { return Vec::new() };
    let each = differences(old, new).into_iter().map(|difference| {
        let name = difference.field;
        let (old, new) = (shown_old[&name].clone(), shown_new[&name].clone());
        Difference { field: format!("config.{name}"), values: (old != new).then_some((old, new)) }
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::{masked, validate};
    use serde_json::json;

    fn stored(config: &Value) -> Value {
        validate(Kind::Webhook, config, None, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()
    }

    #[test]
    fn a_secret_is_never_among_the_differences() {
        let config = |key: &str, password: &str, body: &str| {
            stored(&json!({
                "url_down": format!("https://u:{password}@example.org/"),
                "headers_down": {"Authorization": key},
                "body_down": body,
            }))
        };
        let (old, new) = (config("key-1", "pass-1", "a"), config("key-2", "pass-2", "b"));
        let found = config_differences(Kind::Webhook, &old, &new);
        let secret = |field: &str| Difference { field: field.to_owned(), values: None };
        let body = Some((json!("a"), json!("b")));
        let body = Difference { field: "config.body_down".to_owned(), values: body };
        assert_eq!(found, [secret("config.url_down"), secret("config.headers_down"), body]);
        assert_eq!(config_differences(Kind::Webhook, &old, &old), []);
    }

    #[test]
    fn masks_are_found_where_secrets_were() {
        let config = stored(&json!({
            "url_up": "https://u:p@example.org/", "headers_up": {"X-Key": "k", "X-None": ""},
        }));
        assert_eq!(masked(Kind::Webhook, &config), Vec::<String>::new());
        let shown = kinds::mask(Kind::Webhook, &config);
        let wanted = ["url_up", "headers_up.X-Key", "headers_up.X-None", "secret"];
        assert_eq!(masked(Kind::Webhook, &shown), wanted);
    }
}
