//! The body of a POST: an object of JSON, and the values in it by the names and with the words that
//! clients of Healthchecks know.

use axum::body::Body;
use http::{Method, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};

use super::fault::Refusal;
use crate::domain::slug;

/// The largest body, in bytes.
const LARGEST: usize = 256 * 1024;
/// The longest name, slug and schedule, in characters.
const LONGEST_NAME: usize = 100;
/// The longest list of tags.
const LONGEST_TAGS: usize = 500;
/// The longest list of words.
const LONGEST_WORDS: usize = 200;
/// The longest description.
const LONGEST_TEXT: usize = 10_000;
/// The shortest timeout and grace, in seconds.
const SHORTEST: i64 = 60;
/// The longest: a year.
const LONGEST: i64 = 31_536_000;
/// What a check may be known again by.
const UNIQUE: [&str; 5] = ["name", "slug", "tags", "timeout", "grace"];

/// Reads the body; none, or that of another method, is an empty object.
pub(super) async fn read(method: &Method, body: Body) -> Result<Map<String, Value>, Refusal> {
    if *method != Method::POST {
        return Ok(Map::new());
    }
    let wrong = |error: &str| Refusal::json(StatusCode::BAD_REQUEST, error);
    let bytes = match Limited::new(body, LARGEST).collect().await {
        Ok(read) => read.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Err(Refusal::json(StatusCode::PAYLOAD_TOO_LARGE, "body too large"));
        }
        Err(_) => return Err(wrong("could not parse request body")),
    };
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(wrong("json validation error: value is not an object")),
        Err(_) => Err(wrong("could not parse request body")),
    }
}

/// What a body sets; what is none was not in it.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) channels: Option<String>,
    pub(super) desc: Option<String>,
    pub(super) failure_kw: Option<String>,
    pub(super) filter_body: Option<bool>,
    pub(super) filter_default_fail: Option<bool>,
    pub(super) filter_http_body: Option<bool>,
    pub(super) filter_subject: Option<bool>,
    pub(super) grace: Option<i64>,
    pub(super) manual_resume: Option<bool>,
    pub(super) methods: Option<String>,
    pub(super) name: Option<String>,
    pub(super) schedule: Option<String>,
    pub(super) slug: Option<String>,
    pub(super) start_kw: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) subject_fail: Option<String>,
    pub(super) success_kw: Option<String>,
    pub(super) tags: Option<String>,
    pub(super) timeout: Option<i64>,
    pub(super) tz: Option<String>,
    pub(super) unique: Vec<String>,
}

impl Fields {
    /// Reads what is known; unknown names are passed over. The first field that does not fit, by the
    /// alphabet, is told.
    pub(super) fn read(fields: &Map<String, Value>) -> Result<Self, Refusal> {
        let text = |name: &str, most: usize| text(fields, name, most);
        let flag = |name: &str| flag(fields, name);
        let number = |name: &str| number(fields, name);
        Ok(Self {
            channels: text("channels", usize::MAX)?,
            desc: text("desc", LONGEST_TEXT)?,
            failure_kw: text("failure_kw", LONGEST_WORDS)?,
            filter_body: flag("filter_body")?,
            filter_default_fail: flag("filter_default_fail")?,
            filter_http_body: flag("filter_http_body")?,
            filter_subject: flag("filter_subject")?,
            grace: number("grace")?,
            manual_resume: flag("manual_resume")?,
            methods: methods(text("methods", usize::MAX)?)?,
            name: line("name", text("name", LONGEST_NAME)?)?,
            schedule: text("schedule", LONGEST_NAME)?,
            slug: valid_slug(text("slug", LONGEST_NAME)?)?,
            start_kw: text("start_kw", LONGEST_WORDS)?,
            subject: text("subject", LONGEST_WORDS)?,
            subject_fail: text("subject_fail", LONGEST_WORDS)?,
            success_kw: text("success_kw", LONGEST_WORDS)?,
            tags: line("tags", text("tags", LONGEST_TAGS)?)?,
            timeout: number("timeout")?,
            tz: text("tz", usize::MAX)?,
            unique: unique(fields)?,
        })
    }
}

fn text(fields: &Map<String, Value>, name: &str, most: usize) -> Result<Option<String>, Refusal> {
    match fields.get(name) {
        None => Ok(None),
        // No database keeps it.
        Some(Value::String(text)) if text.contains('\0') => {
            Err(Refusal::field(name, "does not match pattern"))
        }
        Some(Value::String(text)) if text.chars().count() <= most => Ok(Some(text.clone())),
        Some(Value::String(_)) => Err(Refusal::field(name, "is too long")),
        Some(_) => Err(Refusal::field(name, "is not a string")),
    }
}

/// A text that stands on one line everywhere.
fn line(name: &str, text: Option<String>) -> Result<Option<String>, Refusal> {
    let breaks = |c: char| c.is_control() && c != '\t';
    if text.as_ref().is_some_and(|text| text.contains(breaks)) {
        return Err(Refusal::field(name, "does not match pattern"));
    }
    Ok(text)
}

fn flag(fields: &Map<String, Value>, name: &str) -> Result<Option<bool>, Refusal> {
    match fields.get(name) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(Refusal::field(name, "is not a boolean")),
    }
}

fn number(fields: &Map<String, Value>, name: &str) -> Result<Option<i64>, Refusal> {
    let Some(value) = fields.get(name) else { return Ok(None) };
    match value.as_i64() {
        Some(..SHORTEST) => Err(Refusal::field(name, "is too small")),
        Some(number @ SHORTEST..=LONGEST) => Ok(Some(number)),
        Some(_) => Err(Refusal::field(name, "is too large")),
        None if value.is_u64() => Err(Refusal::field(name, "is too large")),
        None => Err(Refusal::field(name, "is not a number")),
    }
}

fn methods(text: Option<String>) -> Result<Option<String>, Refusal> {
    if text.as_deref().is_none_or(|text| text.is_empty() || text == "POST") {
        return Ok(text);
    }
    Err(Refusal::field("methods", "has unexpected value"))
}

fn valid_slug(text: Option<String>) -> Result<Option<String>, Refusal> {
    if text.as_deref().is_none_or(slug::is_valid) {
        return Ok(text);
    }
    Err(Refusal::field("slug", "does not match pattern"))
}

fn unique(fields: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
    let Some(value) = fields.get("unique") else { return Ok(Vec::new()) };
    let Value::Array(items) = value else {
        return Err(Refusal::field("unique", "is not an array"));
    };
    let item = |item: &Value| match item {
        Value::String(name) if UNIQUE.contains(&name.as_str()) => Ok(name.clone()),
        Value::String(_) => Err(Refusal::field("an item in 'unique'", "has unexpected value")),
        _ => Err(Refusal::field("an item in 'unique'", "is not a string")),
    };
    items.iter().map(item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use serde_json::json;

    async fn refused(body: Value) -> String {
        let Value::Object(fields) = body else { panic!("no object") };
        let response = Fields::read(&fields).unwrap_err().render();
        assert_eq!(response.status(), 400);
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        let error = value["error"].as_str().unwrap();
        error.strip_prefix("json validation error: ").unwrap().to_owned()
    }

    #[tokio::test]
    async fn what_does_not_fit_is_told_in_the_words_that_clients_know() {
        for (body, error) in [
            (json!({"name": "x".repeat(101)}), "name is too long"),
            (json!({"name": null}), "name is not a string"),
            (json!({"slug": "Has Space"}), "slug does not match pattern"),
            (json!({"slug": "x".repeat(101)}), "slug is too long"),
            (json!({"tags": 1}), "tags is not a string"),
            (json!({"tags": "x".repeat(501)}), "tags is too long"),
            (json!({"timeout": 31_536_001}), "timeout is too large"),
            (json!({"timeout": 59}), "timeout is too small"),
            (json!({"timeout": -1}), "timeout is too small"),
            (json!({"timeout": "60"}), "timeout is not a number"),
            (json!({"timeout": true}), "timeout is not a number"),
            (json!({"timeout": 60.5}), "timeout is not a number"),
            (json!({"grace": u64::MAX}), "grace is too large"),
            (json!({"grace": null}), "grace is not a number"),
            (json!({"manual_resume": 1}), "manual_resume is not a boolean"),
            (json!({"methods": "GET"}), "methods has unexpected value"),
            (json!({"start_kw": "x".repeat(201)}), "start_kw is too long"),
            (json!({"unique": "name"}), "unique is not an array"),
            (json!({"unique": ["status"]}), "an item in 'unique' has unexpected value"),
            (json!({"unique": [1]}), "an item in 'unique' is not a string"),
            (json!({"timeout": 1, "grace": 1}), "grace is too small"),
            (json!({"name": "a\u{0}b"}), "name does not match pattern"),
        ] {
            assert_eq!(refused(body).await, error);
        }
    }

    #[test]
    fn what_is_not_given_or_not_known_changes_nothing() {
        let Value::Object(fields) = json!({"colour": 1, "grace": 60, "name": "é".repeat(100)})
        else {
            panic!("no object")
        };
        let read = Fields::read(&fields).unwrap();
        assert_eq!((read.grace, read.timeout, read.unique.len()), (Some(60), None, 0));
        assert!(read.name.is_some() && read.tags.is_none());
    }
}
