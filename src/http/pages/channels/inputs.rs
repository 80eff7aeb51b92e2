//! The form of a kind: one input for each field of the table that describes the kind's settings. A
//! `webhook`, whose settings are not flat, has its table here.

use serde_json::{Map, Value, json};

use super::super::form::{Errors, Fields};
use super::super::texts::{self, Text};
use super::kinds::capital;
use crate::fault::Fault;
use crate::notify::channels::Kind;
use crate::notify::channels::form::Shape;

/// How an input is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// One line.
    Line,
    /// A whole number.
    Number,
    /// Several lines.
    Area,
    /// Several lines, each a header.
    Headers,
    /// One of these words.
    Choice(Vec<&'static str>),
    /// A box to tick.
    Tick,
    /// Channels of the project.
    Channels,
}

/// A field of a kind's settings, as a form shows it.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// Its name in the form, and the name of its faults: `config.…`.
    pub(super) name: String,
    pub(super) label: Text,
    pub(super) hint: Text,
    pub(super) control: Control,
    pub(super) is_needed: bool,
    /// What stands in it.
    pub(super) value: String,
    /// The channels that are ticked.
    pub(super) ids: Vec<i64>,
}

/// What a `webhook` has.
const WEBHOOK: [(&str, &str, &str); 10] = [
    ("url_down", "channels-url-when-a-check-goes", "channels-placeholders-such-as-name-may"),
    ("method_down", "channels-method", ""),
    ("headers_down", "channels-headers", "channels-one-a-line-such-as"),
    ("body_down", "channels-body", "channels-with-placeholders-such-as-name"),
    ("url_up", "channels-url-when-it-is-up", "channels-empty-such-news-is-not"),
    ("method_up", "channels-method-for-up", ""),
    ("headers_up", "channels-headers-for-up", "channels-one-a-line"),
    ("body_up", "channels-body-for-up", "channels-empty-json-of-our-own"),
    ("body_group", "channels-body-for-several-alerts-in", "channels-empty-json-of-our-own"),
    ("secret", "channels-secret-that-signs", "channels-begins-with-whsec-standard-webhooks"),
];

impl Input {
    /// The inputs of a kind, empty.
    pub(super) fn of(kind: Kind) -> Vec<Self> {
        match kind.fields() {
            Some(fields) => fields.iter().map(Self::of_field).collect(),
            None => WEBHOOK.into_iter().map(Self::of_webhook).collect(),
        }
    }

    fn of_field(field: &crate::notify::channels::form::Field) -> Self {
        let (control, value) = match &field.shape {
            Shape::OneOf(words) => (Control::Choice(words.to_vec()), words[0].to_owned()),
            Shape::Number(_, _, usual) => (Control::Number, usual.to_string()),
            Shape::Flag(usual) => (Control::Tick, usual.to_string()),
            Shape::Channels => (Control::Channels, String::new()),
            _ => (Control::Line, String::new()),
        };
        let mut hint = texts::said(&field.about.replace('`', "")).as_sentence();
        if let Shape::Number(from, to, _) = field.shape {
            hint = texts::t("channels-to").text("hint", hint).with("from", from).with("to", to);
        }
        Self {
            name: format!("config.{}", field.name),
            label: texts::said(&label(field.name)),
            hint,
            control,
            is_needed: field.is_needed,
            value,
            ids: Vec::new(),
        }
    }

    fn of_webhook((name, label, hint): (&str, &'static str, &'static str)) -> Self {
        let (control, value) = match name {
            _ if name.starts_with("method") => {
                (Control::Choice(vec!["POST", "GET", "PUT"]), "POST")
            }
            _ if name.starts_with("headers") => (Control::Headers, ""),
            _ if name.starts_with("body") => (Control::Area, ""),
            _ => (Control::Line, ""),
        };
        Self {
            name: format!("config.{name}"),
            label: texts::t(label),
            hint: if hint.is_empty() { texts::none() } else { texts::t(hint) },
            control,
            is_needed: false,
            value: value.to_owned(),
            ids: Vec::new(),
        }
    }

    /// The field's name in the configuration.
    fn key(&self) -> &str {
        self.name.strip_prefix("config.").unwrap_or(&self.name)
    }

    /// What is wrong with it; a fault inside it counts.
    pub(super) fn error<'a>(&self, errors: &'a Errors) -> Option<&'a str> {
        let inside = format!("{}.", self.name);
        let found =
            errors.by_field.iter().find(|(at, _)| **at == self.name || at.starts_with(&inside));
        found.map(|(_, reason)| reason.as_str())
    }

    /// Shows what is stored.
    pub(super) fn show(&mut self, config: &Value) {
        match &config[self.key()] {
            Value::String(text) => text.clone_into(&mut self.value),
            Value::Number(number) => self.value = number.to_string(),
            Value::Array(ids) => self.ids = ids.iter().filter_map(Value::as_i64).collect(),
            Value::Object(headers) => {
                let line = |(name, value): (&String, &Value)| {
                    format!("{name}: {}", value.as_str().unwrap_or_default())
                };
                self.value = headers.iter().map(line).collect::<Vec<_>>().join("\n");
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Keeps what was typed.
    pub(super) fn take(&mut self, fields: &mut Fields) {
        match self.control {
            Control::Channels => {
                let ids = fields.take_all(&self.name);
                self.ids = ids.iter().filter_map(|id| id.parse().ok()).collect();
            }
            Control::Tick => self.value = i64::from(fields.take_flag(&self.name)).to_string(),
            Control::Area => self.value = fields.take(&self.name).replace("\r\n", "\n"),
            _ => self.value = fields.take_trimmed(&self.name),
        }
    }

    /// What was typed, as the configuration has it; none: the usual.
    fn json(&self) -> Result<Option<Value>, Fault> {
        Ok(Some(match self.control {
            Control::Channels => json!(self.ids),
            Control::Number | Control::Tick if self.value.is_empty() => return Ok(None),
            Control::Number | Control::Tick => match self.value.parse::<i64>() {
                Ok(number) => json!(number),
                Err(_) => json!(self.value),
            },
            Control::Headers => Value::Object(headers(&self.name, &self.value)?),
            Control::Line | Control::Area | Control::Choice(_) => json!(self.value),
        }))
    }
}

/// The configuration that a form asks for.
///
/// # Errors
/// A line of headers is none; the fault names the field.
pub(super) fn config(inputs: &[Input]) -> Result<Value, Fault> {
    let mut config = Map::new();
    for input in inputs {
        if let Some(value) = input.json()? {
            config.insert(input.key().to_owned(), value);
        }
    }
    Ok(Value::Object(config))
}

fn headers(field: &str, text: &str) -> Result<Map<String, Value>, Fault> {
    let mut headers = Map::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Some((name, value)) = line.split_once(':') else {
            let reason = "must have one header a line, each a name, a colon and a value";
            return Err(Fault::invalid(field, reason));
        };
        headers.insert(name.trim().to_owned(), json!(value.trim()));
    }
    Ok(headers)
}

/// A field's name as people read it.
fn label(name: &str) -> String {
    let words = name.split('_').enumerate().map(|(place, word)| match word {
        "url" | "id" | "api" | "sid" => word.to_uppercase(),
        _ if place == 0 => capital(word),
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::channels::Kind;
    use crate::service::channels::new_config;

    #[test]
    fn what_a_form_shows_of_every_kind_comes_back_as_it_was() {
        for kind in Kind::all() {
            let stored = match kind {
                Kind::Service(service) => {
                    new_config(kind, &serde_json::from_str(service.example).unwrap()).unwrap()
                }
                Kind::Webhook => new_config(
                    kind,
                    &json!({"url_down": "https://a.example/x", "headers_down": {"X-A": "b: c"},
                            "body_down": "a\nb", "method_up": "PUT"}),
                )
                .unwrap(),
                Kind::Email | Kind::Command | Kind::Group => continue,
            };
            let mut inputs = Input::of(kind);
            for input in &mut inputs {
                input.show(&stored);
            }
            assert_eq!(new_config(kind, &config(&inputs).unwrap()).unwrap(), stored, "{kind:?}");
        }
    }

    #[test]
    fn what_is_no_number_is_left_to_the_kind_to_refuse() {
        let ntfy = Kind::parse("ntfy").unwrap();
        let mut inputs = Input::of(ntfy);
        let typed = b"config.url=https%3A%2F%2Fntfy.sh&config.topic=a&config.priority_down=high";
        let mut fields = Fields::parse(typed);
        for input in &mut inputs {
            input.take(&mut fields);
        }
        let fault = new_config(ntfy, &config(&inputs).unwrap()).unwrap_err();
        let errors = Errors::from(fault);
        let wrong: Vec<&str> = inputs
            .iter()
            .filter(|input| input.error(&errors).is_some())
            .map(|input| input.name.as_str())
            .collect();
        assert_eq!(wrong, ["config.priority_down"]);
    }

    #[test]
    fn a_line_without_a_colon_is_no_header() {
        let fault = headers("config.headers_up", "a: b\nnonsense").unwrap_err();
        assert!(fault.to_string().starts_with("config.headers_up: must have one header a line"));
        assert_eq!(label("account_sid"), "Account SID");
        assert_eq!(label("priority_down"), "Priority down");
    }
}
