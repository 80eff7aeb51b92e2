//! A row of the table of settings. The file, the environment, the command line, the example file
//! and `check-config` all go by the same rows, so that they can't disagree.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use http::HeaderName;
use ipnet::IpNet;
use toml::Value;

use super::Config;
use super::given::{Choice, Given};
use super::url::HiddenUrl;
use crate::secret::Secret;

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Section and key: `server.listen`.
    pub name: &'static str,
    /// One line on what it does.
    pub doc: &'static str,
    /// A value as TOML, shown in a comment while the setting has none.
    pub example: &'static str,
    /// Whether `OVERDUE_…_FILE` may name a file to read it from.
    pub secret: bool,
    /// Reads a value into the configuration; the error says what is allowed.
    pub(super) set: fn(&mut Config, Given<'_>) -> Result<(), String>,
    /// The value to show, secrets masked; `None` while there is none.
    pub(super) show: fn(&Config) -> Option<Value>,
}

impl Key {
    /// The same row with an example, for a setting without a default.
    pub(super) const fn example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    /// The same row, marked as a secret.
    pub(super) const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// The section and the key within it.
    #[must_use]
    pub fn parts(&self) -> (&'static str, &'static str) {
        self.name.split_once('.').unwrap_or((self.name, ""))
    }

    /// The environment variable that sets it: `OVERDUE_SERVER__LISTEN`.
    #[must_use]
    pub fn variable(&self) -> String {
        let (section, key) = self.parts();
        format!("OVERDUE_{}__{}", section.to_ascii_uppercase(), key.to_ascii_uppercase())
    }
}

/// A row for the field `$section.$field` of [`Config`]: what it does, and how it is read.
macro_rules! key {
    ($section:ident . $field:ident, $doc:literal, $given:ident => $read:expr) => {
        $crate::config::key::Key {
            name: concat!(stringify!($section), ".", stringify!($field)),
            doc: $doc,
            example: "",
            secret: false,
            set: |config, $given| {
                config.$section.$field = $read?;
                Ok(())
            },
            show: |config| $crate::config::key::Shown::shown(&config.$section.$field),
        }
    };
}
pub(super) use key;

/// How a value is written in TOML; `None` where there is none. Secrets are masked.
pub(super) trait Shown {
    fn shown(&self) -> Option<Value>;
}

macro_rules! shown {
    ($($kind:ty: $value:ident => $toml:expr;)*) => {
        $(impl Shown for $kind {
            fn shown(&self) -> Option<Value> {
                let $value = self;
                Some($toml)
            }
        })*
    };
}

shown! {
    bool: value => Value::Boolean(*value);
    u16: value => Value::Integer((*value).into());
    u32: value => Value::Integer((*value).into());
    u64: value => Value::Integer(i64::try_from(*value).unwrap_or(i64::MAX));
    usize: value => Value::Integer(i64::try_from(*value).unwrap_or(i64::MAX));
    String: value => Value::String(value.clone());
    Secret: value => Value::String(value.to_string());
    HiddenUrl: value => Value::String(value.to_string());
    PathBuf: value => Value::String(value.display().to_string());
    SocketAddr: value => Value::String(value.to_string());
    IpNet: value => Value::String(value.to_string());
    HeaderName: value => Value::String(value.to_string());
}

impl<T: Shown> Shown for Option<T> {
    fn shown(&self) -> Option<Value> {
        self.as_ref().and_then(Shown::shown)
    }
}

impl<T: Shown> Shown for Vec<T> {
    fn shown(&self) -> Option<Value> {
        Some(Value::Array(self.iter().filter_map(Shown::shown).collect()))
    }
}

impl<T: Shown> Shown for BTreeMap<String, T> {
    fn shown(&self) -> Option<Value> {
        let entries = self.iter().filter_map(|(name, value)| Some((name.clone(), value.shown()?)));
        (!self.is_empty()).then(|| Value::Table(entries.collect()))
    }
}

impl<T: Choice> Shown for T {
    fn shown(&self) -> Option<Value> {
        let name = T::NAMES.iter().find(|(_, choice)| choice == self).map(|(name, _)| *name)?;
        Some(Value::String(name.to_owned()))
    }
}
