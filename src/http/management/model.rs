//! What answers are made of: the values that all objects share, and the forms around them. Each
//! type is what is sent and, by its derived schema, what the API description says of it.

use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};

use crate::clock::Timestamp;
use crate::service::Remark;
use crate::store;

/// An object that commands answer, with an example for the description.
pub trait Model: Serialize + ToSchema {
    /// An example, as a command would answer it.
    fn example() -> Self;
}

/// A flag: the whole number 0 (no) or 1 (yes), never a JSON boolean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Flag(pub u8);

impl utoipa::PartialSchema for Flag {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .maximum(Some(1))
            .description(Some("0 (no) or 1 (yes), never a JSON boolean."))
            .into()
    }
}

impl ToSchema for Flag {}

impl From<bool> for Flag {
    fn from(on: bool) -> Self {
        Self(u8::from(on))
    }
}

impl From<store::Flag> for Flag {
    fn from(flag: store::Flag) -> Self {
        Self(u8::from(flag.0 != 0))
    }
}

impl From<Flag> for bool {
    fn from(flag: Flag) -> Self {
        flag.0 != 0
    }
}

/// A moment: RFC 3339 in UTC with microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339())
    }
}

impl utoipa::PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("A moment: RFC 3339 in UTC with microseconds."))
            .into()
    }
}

impl ToSchema for Time {}

impl From<Timestamp> for Time {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

impl Time {
    /// The moment that examples show: 2026-01-02T03:04:05.678901Z and so many seconds.
    #[must_use]
    pub fn example(seconds_later: i64) -> Self {
        Self(Timestamp(1_767_323_045_678_901 + seconds_later * crate::clock::SECOND))
    }
}

/// Some time, or null.
#[must_use]
pub fn time(at: Option<Timestamp>) -> Option<Time> {
    at.map(Time)
}

/// A measured time in seconds, from microseconds.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "runs are timed up to 72 hours: 39 of 52 bits")]
pub fn seconds(micros: Option<i64>) -> Option<f64> {
    micros.map(|micros| micros as f64 / 1e6)
}

/// The schema of a text that is one of these words; for `schema_with`.
#[must_use]
pub fn words<'a>(words: impl IntoIterator<Item = &'a str>, text: &str) -> utoipa::openapi::Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words.into_iter().map(str::to_owned)))
        .description(Some(text.to_owned()))
        .build()
}

/// The schema of a time zone's name. It names some of them as examples and not all: they are
/// hundreds, and grow with the years.
#[must_use]
pub fn zone() -> utoipa::openapi::Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::Custom("iana-time-zone".to_owned())))
        .examples(["UTC", "Europe/Budapest", "Asia/Seoul"])
        .build()
}

/// The schema of an id; for `schema_with`.
#[must_use]
pub fn id() -> utoipa::openapi::Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(1))
        .build()
}

/// A soft error: the work was done, and something about it needs attention.
#[derive(Debug, Serialize, ToSchema)]
pub struct SoftError {
    /// What it is about, such as `SLUG`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it is, such as `NOT_UNIQUE`.
    pub code: &'static str,
    /// In words, with what to do.
    pub message: String,
}

impl From<&Remark> for SoftError {
    fn from(remark: &Remark) -> Self {
        Self { kind: remark.kind, code: remark.code, message: remark.message.clone() }
    }
}

/// What a writing command answers: the object as it is read, and what needs attention.
#[derive(Debug, Serialize)]
pub struct Written<T> {
    /// The object.
    #[serde(flatten)]
    pub object: T,
    /// What needs attention.
    pub error_list: Vec<SoftError>,
}

/// The form of every list: six fields, always all of them.
#[derive(Debug, Serialize)]
pub struct List<T> {
    /// The entries of this page.
    pub list: Vec<T>,
    /// How many there are for this filter.
    pub total_count: i64,
    /// How many there may be.
    pub max_count: i64,
    /// How many were passed over.
    pub offset: i64,
    /// How many come at most.
    pub limit: i64,
    /// How many came.
    pub count: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn flags_and_times_are_written_as_the_contract_has_them() {
        assert_eq!(json!([Flag::from(true), Flag::from(false)]), json!([1, 0]));
        assert_eq!(json!(Time::example(0)), json!("2026-01-02T03:04:05.678901Z"));
        assert_eq!(json!(time(None)), json!(null));
    }
}
