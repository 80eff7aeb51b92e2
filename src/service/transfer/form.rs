//! The form in which a project's things stand in a file: what is written, in which order. The same
//! form, as JSON, is what two states of a thing are compared by. Neither ids nor UUIDs are in it.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::fault::{Fault, Result};
use crate::store::Flag;
use crate::store::channels::ChannelRow;
use crate::store::checks::Settings;
use crate::store::maintenance::Window;

/// The version of the format.
pub const FORMAT: i64 = 1;
/// The word for a run that may take as long as the grace time.
pub const AS_GRACE: &str = "grace";
/// The word for a window that may begin at any time.
pub const AT_ANY_TIME: &str = "any";
/// The word for a window that goes on repeating.
pub const NEVER: &str = "never";
/// The word for an early tolerance that follows from the schedule.
pub const BY_SCHEDULE: &str = "auto";

/// What stands at the head of a file.
const HEAD: &str = "# A project of Overdue: POST it to …/import to make or change what it names.\n\
                    # *** stands where a secret was left out.\n";

/// A whole file.
#[derive(Debug, Serialize)]
pub struct FileForm {
    /// [`FORMAT`].
    pub format: i64,
    /// The project's own settings.
    pub project: ProjectForm,
    /// Its channels, by id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<ChannelForm>,
    /// Its checks, by id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckForm>,
    /// Its maintenance windows, by id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maintenances: Vec<WindowForm>,
}

impl FileForm {
    /// The file's text.
    ///
    /// # Errors
    /// A value has no place in TOML, which is a mistake of ours.
    pub fn to_text(&self) -> Result<String> {
        let text = toml::to_string(self).map_err(Fault::internal)?;
        Ok(format!("{HEAD}{text}"))
    }
}

/// A project's own settings.
#[derive(Debug, Serialize)]
pub struct ProjectForm {
    /// Its name.
    pub project_name: String,
    /// Unknown slugs may make checks.
    pub auto_create: i16,
}

/// A channel.
#[derive(Debug, Serialize)]
pub struct ChannelForm {
    channel_name: String,
    kind: String,
    on_down: i16,
    on_up: i16,
    after: i64,
    remind_every: i64,
    group_threshold: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled: Option<i16>,
    config: Value,
}

impl ChannelForm {
    /// A channel with its configuration, masked or whole. `disabled` is left out unless `shows_it`.
    #[must_use]
    pub fn new(row: &ChannelRow, config: Value, shows_it: bool) -> Self {
        Self {
            channel_name: row.channel_name.clone(),
            kind: row.kind.clone(),
            on_down: row.on_down.0,
            on_up: row.on_up.0,
            after: row.after_minutes,
            remind_every: row.remind_every,
            group_threshold: row.group_threshold,
            disabled: shows_it.then_some(row.disabled.0),
            config: sorted(config, false),
        }
    }
}

/// The value with the names in its objects in order; those of the value itself only where `itself`:
/// the fields of a configuration come in the order of its kind.
fn sorted(value: Value, itself: bool) -> Value {
    let Value::Object(object) = value else { return value };
    let mut fields: Vec<(String, Value)> =
        object.into_iter().map(|(name, value)| (name, sorted(value, true))).collect();
    if itself {
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
    Value::Object(fields.into_iter().collect())
}

/// A number, or the word that stands for none.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum OrWord {
    Number(i64),
    Word(&'static str),
}

fn or_word(number: Option<i64>, word: &'static str) -> OrWord {
    number.map_or(OrWord::Word(word), OrWord::Number)
}

/// A check.
#[derive(Debug, Serialize)]
pub struct CheckForm {
    check_name: String,
    slug: String,
    slug_is_custom: i16,
    tags: Vec<String>,
    description: String,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<String>,
    timezone: String,
    grace: i64,
    max_runtime: OrWord,
    early_tolerance: OrWord,
    failure_threshold: i64,
    flap_threshold: i64,
    manual_resume: i16,
    methods: &'static str,
    start_kw: String,
    success_kw: String,
    failure_kw: String,
    filter_subject: i16,
    filter_body: i16,
    filter_http_body: i16,
    filter_default_fail: i16,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<i16>,
    channels: Vec<Reference>,
}

impl CheckForm {
    /// A check with these settings that tells these channels; `paused` is left out where none.
    #[must_use]
    pub fn new(settings: &Settings, paused: Option<bool>, channels: Vec<Reference>) -> Self {
        let is_simple = settings.kind == "simple";
        Self {
            check_name: settings.check_name.clone(),
            slug: settings.slug.clone(),
            slug_is_custom: settings.slug_is_custom.0,
            tags: settings.tags.0.clone(),
            description: settings.description.clone(),
            kind: settings.kind.clone(),
            period: is_simple.then_some(settings.period),
            schedule: (!is_simple).then(|| settings.schedule.clone()),
            timezone: settings.timezone.clone(),
            grace: settings.grace,
            max_runtime: or_word(settings.max_runtime, AS_GRACE),
            early_tolerance: or_word(settings.early_tolerance, BY_SCHEDULE),
            failure_threshold: settings.failure_threshold,
            flap_threshold: settings.flap_threshold,
            manual_resume: settings.manual_resume.0,
            methods: if settings.post_only == Flag(0) { "" } else { "POST" },
            start_kw: settings.start_kw.clone(),
            success_kw: settings.success_kw.clone(),
            failure_kw: settings.failure_kw.clone(),
            filter_subject: settings.filter_subject.0,
            filter_body: settings.filter_body.0,
            filter_http_body: settings.filter_http_body.0,
            filter_default_fail: settings.filter_default_fail.0,
            paused: paused.map(i16::from),
            channels,
        }
    }
}

/// A maintenance window.
#[derive(Debug, Serialize)]
pub struct WindowForm {
    title: String,
    starts_at: String,
    ends_at: String,
    repeat: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<i64>,
    tags: Vec<String>,
    checks: Vec<Reference>,
}

impl WindowForm {
    /// A window that covers these checks.
    #[must_use]
    pub fn new(window: &Window, checks: Vec<Reference>) -> Self {
        let moment = |at: Option<Timestamp>, word: &str| {
            at.map_or_else(|| word.to_owned(), Timestamp::to_rfc3339)
        };
        Self {
            title: window.title.clone(),
            starts_at: moment(window.starts_at, AT_ANY_TIME),
            ends_at: moment(window.ends_at, NEVER),
            repeat: window.repeat.clone().unwrap_or_default(),
            duration: window.duration,
            tags: window.tags.clone(),
            checks,
        }
    }
}

/// How a check names a channel, or a window a check: by its name, and where several have that name, by which of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Reference {
    /// The first of this name.
    First(String),
    /// A later one of it.
    Nth {
        /// The name.
        name: String,
        /// Which of that name, counted from 1.
        nth: i64,
    },
}

impl Reference {
    /// The name in it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::First(name) | Self::Nth { name, .. } => name,
        }
    }
}

/// A reference to something that is not there; there are so many of the name.
#[must_use]
pub fn no_such(field: &str, name: &str, count: usize) -> Fault {
    let shown: String = name.chars().take(100).collect();
    let reason = format!(
        "must be names of {field} that are in the file or in the project, and of the name \
         {shown:?} there are {count}"
    );
    Fault::invalid(field, reason)
}

/// The references to things of these names, in their order.
#[must_use]
pub fn references<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Reference> {
    let mut seen: HashMap<&str, i64> = HashMap::new();
    let each = names.map(|name| {
        let nth = seen.entry(name).and_modify(|nth| *nth += 1).or_insert(1);
        match *nth {
            1 => Reference::First(name.to_owned()),
            nth => Reference::Nth { name: name.to_owned(), nth },
        }
    });
    each.collect()
}

/// A form as the fields that two of them are compared by; the configuration of a channel, of which
/// secrets are no business of a comparison, is left to the caller.
///
/// # Errors
/// It has no place in JSON, which is a mistake of ours.
pub fn fields(form: &impl Serialize) -> Result<Map<String, Value>> {
    match serde_json::to_value(form) {
        Ok(Value::Object(mut fields)) => {
            fields.shift_remove("config");
            Ok(fields)
        }
        Ok(_) => Err(Fault::internal("a form that is no object")),
        Err(error) => Err(Fault::internal(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn channels_of_one_name_are_told_apart_by_their_order() {
        let found = references(["ops", "dev", "ops", "ops"].into_iter());
        let nth = |nth| Reference::Nth { name: "ops".to_owned(), nth };
        let first = |name: &str| Reference::First(name.to_owned());
        assert_eq!(found, [first("ops"), first("dev"), nth(2), nth(3)]);
    }

    #[test]
    fn the_names_in_a_configuration_come_in_order_below_its_own_fields() {
        let config = json!({"z": {"b": 1, "a": 2}, "y": 1});
        assert_eq!(sorted(config, false).to_string(), r#"{"z":{"a":2,"b":1},"y":1}"#);
    }
}
