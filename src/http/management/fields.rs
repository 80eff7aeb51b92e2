//! Strict JSON (`management-api.md`, "Conventions"): a body is one object whose fields are known,
//! there once, and of exactly the type that is asked for. Whatever else comes is a fault that names
//! the field and says what is allowed.
//!
//! Serde's own structs don't do: they take an array for an object and null for nothing, swallow
//! repeated names, and don't say which field was wrong.

#![allow(clippy::option_option, reason = "not given and null are two things here")]

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::model::{Flag, Time};
use crate::fault::{Fault, Result};

/// How much of a name that somebody sent is repeated in an answer, in characters.
const NAME_LIMIT: usize = 100;

/// The fields of a body. Each is taken out by the one who knows its type; what is left when
/// [`Fields::finish`] is called is unknown.
#[derive(Debug)]
pub struct Fields {
    left: Vec<(String, Value)>,
    known: Vec<&'static str>,
}

impl Fields {
    /// Reads a body.
    ///
    /// # Errors
    /// It is no JSON, no object, repeats a name at any depth, or has U+0000 in a text.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let raw = serde_json::from_slice(body).map_err(|error| {
            Fault::invalid("", format!("the body must be a JSON object: {error}"))
        })?;
        let Raw::Object(entries) = raw else {
            return Err(Fault::invalid("", "the body must be a JSON object: { \"field\": value }"));
        };
        let fields = object(entries, "")?;
        Ok(Self { left: fields.into_iter().collect(), known: Vec::new() })
    }

    /// The value of a field as it came; null counts as one.
    pub fn any(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        let at = self.left.iter().position(|(n, _)| n == name)?;
        Some(self.left.remove(at).1)
    }

    fn typed<T>(
        &mut self,
        name: &'static str,
        allowed: &str,
        read: impl Fn(Value) -> Option<T>,
    ) -> Result<Option<T>> {
        let wrong = || Fault::invalid(name, format!("must be {allowed}"));
        self.any(name).map(|value| read(value).ok_or_else(wrong)).transpose()
    }

    /// As [`Fields::typed`], null being allowed: it is the inner none.
    fn nullable<T>(
        &mut self,
        name: &'static str,
        allowed: &str,
        read: impl Fn(Value) -> Option<T>,
    ) -> Result<Option<Option<T>>> {
        self.typed(name, &format!("{allowed} or null"), |value| match value {
            Value::Null => Some(None),
            value => read(value).map(Some),
        })
    }

    /// A field of this type; none where it is not there.
    ///
    /// # Errors
    /// It is something else.
    pub fn take<T: Field>(&mut self, name: &'static str) -> Result<Option<T>> {
        T::take(self, name)
    }

    /// A field of this type, which may be null.
    ///
    /// # Errors
    /// It is something else.
    pub fn take_nullable<T: Field>(&mut self, name: &'static str) -> Result<Option<Option<T>>> {
        T::take_nullable(self, name)
    }

    /// Takes fields as they come and does nothing with them: what can be read and not be written.
    pub fn ignore(&mut self, names: &[&'static str]) {
        for name in names {
            self.any(name);
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// A field is left that nobody asked for.
    pub fn finish(self) -> Result<()> {
        let first = self.left.first();
        first.map_or(Ok(()), |(name, _)| Err(unknown(name, &self.known, "fields")))
    }
}

/// The type of a field: how it is read, and with its schema, how it is described.
pub trait Field: Sized {
    /// Takes the field out; none where it is not there.
    ///
    /// # Errors
    /// It is something else.
    fn take(fields: &mut Fields, name: &'static str) -> Result<Option<Self>>;

    /// As [`Field::take`], null being allowed: it is the inner none.
    ///
    /// # Errors
    /// It is something else.
    fn take_nullable(fields: &mut Fields, name: &'static str) -> Result<Option<Option<Self>>>;
}

macro_rules! field {
    ($type:ty, $allowed:literal, $read:expr) => {
        impl Field for $type {
            fn take(fields: &mut Fields, name: &'static str) -> Result<Option<Self>> {
                fields.typed(name, $allowed, $read)
            }

            fn take_nullable(
                fields: &mut Fields,
                name: &'static str,
            ) -> Result<Option<Option<Self>>> {
                fields.nullable(name, $allowed, $read)
            }
        }
    };
}

field!(String, "a string", text);
field!(i64, "a whole number", |value| value.as_i64());
field!(Vec<String>, "an array of strings", |value| all(value, text));
field!(Vec<i64>, "an array of ids, which are whole numbers above 0", |value| all(value, |one| id(
    &one
)));
field!(Flag, "0 or 1", |value| flag(&value));
field!(Value, "JSON", Some);
field!(Time, "a time such as 2026-01-02T03:04:05Z", moment);

/// Fields that are read together: the body of a command, or a part of it. Made by [`body!`].
pub trait Body: Sized {
    /// Takes them out of a body.
    ///
    /// # Errors
    /// One is not what it must be.
    fn read(fields: &mut Fields) -> Result<Self>;
}

/// Declares the fields of a body once: how they are read, and what the description says of them.
/// All may be left out (that one must be there is said where the command is declared, and asked for
/// with [`required`]); those under `nullable` may also be null.
macro_rules! body {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$about:meta])* $field:ident: $type:ty,)*
        }
        nullable {
            $($(#[$null_about:meta])* $null_field:ident: $null_type:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, utoipa::ToSchema)]
        pub struct $name {
            $($(#[$about])* #[schema(nullable = false)] pub $field: Option<$type>,)*
            $($(#[$null_about])* pub $null_field: Option<Option<$null_type>>,)*
        }

        impl crate::http::management::fields::Body for $name {
            fn read(
                fields: &mut crate::http::management::fields::Fields,
            ) -> crate::fault::Result<Self> {
                Ok(Self {
                    $($field: fields.take(stringify!($field))?,)*
                    $($null_field: fields.take_nullable(stringify!($null_field))?,)*
                })
            }
        }
    };
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$about:meta])* $field:ident: $type:ty,)*
        }
    ) => {
        crate::http::management::fields::body! {
            $(#[$meta])*
            pub struct $name {
                $($(#[$about])* $field: $type,)*
            }
            nullable {}
        }
    };
}

pub(crate) use body;

/// What a field must have on POST.
///
/// # Errors
/// It is not there.
pub fn required<T>(name: &str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Fault::invalid(name, "is required"))
}

fn text(value: Value) -> Option<String> {
    if let Value::String(text) = value { Some(text) } else { None }
}

fn id(value: &Value) -> Option<i64> {
    value.as_i64().filter(|id| *id > 0)
}

fn flag(value: &Value) -> Option<Flag> {
    match value.as_i64() {
        Some(0) => Some(Flag(0)),
        Some(1) => Some(Flag(1)),
        _ => None,
    }
}

fn moment(value: Value) -> Option<Time> {
    text(value)?.parse().ok().map(Time)
}

fn all<T>(value: Value, read: impl Fn(Value) -> Option<T>) -> Option<Vec<T>> {
    let Value::Array(values) = value else { return None };
    values.into_iter().map(read).collect()
}

/// A name for a message: not too long, and without characters that can't be seen.
pub(super) fn shortened(name: &str) -> String {
    let mut start: String = name.chars().take(NAME_LIMIT).flat_map(char::escape_debug).collect();
    if name.chars().count() > NAME_LIMIT {
        start.push('…');
    }
    start
}

/// The fault of a name that is none of these, which are `things`.
pub(super) fn unknown(name: &str, known: &[&str], things: &str) -> Fault {
    let reason = match known {
        [] => format!("is unknown: this command takes no {things}"),
        known => format!("is unknown: there are {}", known.join(", ")),
    };
    Fault::invalid(shortened(name), reason)
}

/// JSON as it came: repeated names are still there.
enum Raw {
    Plain(Value),
    Array(Vec<Raw>),
    Object(Vec<(String, Raw)>),
}

fn object(entries: Vec<(String, Raw)>, path: &str) -> Result<Map<String, Value>> {
    let mut fields = Map::new();
    for (name, raw) in entries {
        let here = match path {
            "" => shortened(&name),
            path => format!("{path}.{}", shortened(&name)),
        };
        if name.contains('\0') {
            return Err(holds_nul(here));
        }
        let value = value(raw, &here)?;
        if fields.insert(name, value).is_some() {
            return Err(Fault::invalid(here, "is there more than once: name it once"));
        }
    }
    Ok(fields)
}

fn value(raw: Raw, path: &str) -> Result<Value> {
    match raw {
        Raw::Plain(Value::String(text)) if text.contains('\0') => Err(holds_nul(path.to_owned())),
        Raw::Plain(plain) => Ok(plain),
        Raw::Array(items) => items
            .into_iter()
            .map(|item| value(item, path))
            .collect::<Result<Vec<_>>>()
            .map(Value::Array),
        Raw::Object(entries) => object(entries, path).map(Value::Object),
    }
}

fn holds_nul(field: String) -> Fault {
    Fault::invalid(field, "must not contain the character U+0000")
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Plain(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Plain(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Plain(Value::Number(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Plain(Value::Number(value.into())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Plain(Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Plain(Value::String(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Plain(Value::String(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Object(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn fields(body: &str) -> Fields {
        Fields::parse(body.as_bytes()).unwrap()
    }

    fn refused<T: fmt::Debug>(outcome: Result<T>) -> String {
        match outcome {
            Err(fault @ Fault::Invalid { .. }) => fault.to_string(),
            other => panic!("{other:?}"),
        }
    }

    fn body_refused(body: &str) -> String {
        refused(Fields::parse(body.as_bytes()))
    }

    #[test]
    fn a_body_is_one_object() {
        for body in
            ["", " ", "[]", "null", "1", "\"x\"", "{", "{}{}", "{\"a\":1,}", "{'a':1}", "nil"]
        {
            assert!(body_refused(body).starts_with("the body must be a JSON object"), "{body}");
        }
        assert!(fields(" {} ").finish().is_ok());
    }

    #[test]
    fn a_repeated_name_is_refused_at_any_depth() {
        assert!(body_refused(r#"{"a":1,"b":2,"a":1}"#).starts_with("a: is there more than once"));
        assert!(body_refused(r#"{"c":{"x":[{"y":1,"y":2}]}}"#).starts_with("c.x.y: is there"));
        assert!(body_refused(r#"{"a":1,"\u0061":2}"#).starts_with("a: is there"));
    }

    #[test]
    fn a_nul_is_refused_wherever_it_stands() {
        let wanted = "must not contain the character U+0000";
        for (body, field) in [
            (r#"{"a":"x\u0000"}"#, "a: "),
            (r#"{"a":["x","\u0000"]}"#, "a: "),
            (r#"{"a":{"b":"\u0000"}}"#, "a.b: "),
            (r#"{"a\u0000":1}"#, "a\\0: "),
        ] {
            let message = body_refused(body);
            assert!(message.starts_with(field) && message.ends_with(wanted), "{message}");
        }
    }

    #[test]
    fn a_text_that_is_no_unicode_and_a_deep_nesting_are_refused() {
        body_refused(r#"{"a":"\ud800"}"#);
        body_refused(&format!("{{\"a\":{}", "[".repeat(100_000)));
        refused(Fields::parse(b"{\"a\":\"\xff\"}"));
    }

    #[test]
    fn flags_are_the_numbers_0_and_1_and_nothing_else() {
        assert_eq!(fields(r#"{"f":0}"#).take::<Flag>("f").unwrap(), Some(Flag(0)));
        assert_eq!(fields(r#"{"f":1}"#).take::<Flag>("f").unwrap(), Some(Flag(1)));
        assert_eq!(fields("{}").take::<Flag>("f").unwrap(), None);
        for bad in ["true", "false", "2", "-1", "\"1\"", "null", "1.0", "[1]", "{}"] {
            let message = refused(fields(&format!("{{\"f\":{bad}}}")).take::<Flag>("f"));
            assert_eq!(message, "f: must be 0 or 1", "{bad}");
        }
    }

    #[test]
    fn whole_numbers_have_no_point_no_exponent_and_fit() {
        assert_eq!(fields(r#"{"n":-7}"#).take::<i64>("n").unwrap(), Some(-7));
        for bad in ["1.0", "1e2", "9223372036854775808", "\"1\"", "null", "true"] {
            refused(fields(&format!("{{\"n\":{bad}}}")).take::<i64>("n"));
        }
        let two = |body: &str| fields(body).take_nullable::<i64>("n").unwrap();
        assert_eq!(
            (two("{\"n\":null}"), two("{\"n\":3}"), two("{}")),
            (Some(None), Some(Some(3)), None)
        );
    }

    #[test]
    fn arrays_hold_what_they_should_and_nothing_else() {
        assert_eq!(fields(r#"{"i":[3,1]}"#).take::<Vec<i64>>("i").unwrap(), Some(vec![3, 1]));
        for bad in ["[0]", "[-1]", "[\"1\"]", "[1.0]", "1", "null", "{}", "[null]"] {
            assert!(
                refused(fields(&format!("{{\"i\":{bad}}}")).take::<Vec<i64>>("i"))
                    .starts_with("i: "),
                "{bad}"
            );
        }
        assert_eq!(
            fields(r#"{"t":["a"]}"#).take::<Vec<String>>("t").unwrap(),
            Some(vec!["a".to_owned()])
        );
        refused(fields(r#"{"t":["a",1]}"#).take::<Vec<String>>("t"));
        refused(fields(r#"{"t":"a"}"#).take::<Vec<String>>("t"));
    }

    #[test]
    fn null_is_no_text_unless_it_may_be() {
        assert_eq!(refused(fields(r#"{"t":null}"#).take::<String>("t")), "t: must be a string");
        assert_eq!(fields(r#"{"t":null}"#).take_nullable::<String>("t").unwrap(), Some(None));
        assert_eq!(
            refused(fields(r#"{"t":1}"#).take_nullable::<String>("t")),
            "t: must be a string or null"
        );
    }

    #[test]
    fn what_nobody_asked_for_is_named_together_with_what_there_is() {
        let mut body = fields(r#"{"name":"x","colour":1}"#);
        body.take::<String>("name").unwrap();
        body.ignore(&["id"]);
        assert_eq!(refused(body.finish()), "colour: is unknown: there are name, id");
        assert!(refused(fields(r#"{"x":1}"#).finish()).ends_with("takes no fields"));
        let long = format!("{{\"{}\":1}}", "n".repeat(5000));
        assert!(refused(fields(&long).finish()).len() < 300);
    }

    #[test]
    fn nested_values_come_as_they_were_sent() {
        let mut body = fields(r#"{"config":{"b":1,"a":[true,null,1.5,"x"]}}"#);
        let config = body.any("config").unwrap();
        assert_eq!(config, json!({"b": 1, "a": [true, null, 1.5, "x"]}));
        let names: Vec<&String> = config.as_object().unwrap().keys().collect();
        assert_eq!(names, ["b", "a"]);
    }

    #[test]
    fn a_required_field_is_asked_for_by_name() {
        assert_eq!(refused(required::<i64>("check_name", None)), "check_name: is required");
        assert_eq!(required("n", Some(1)).unwrap(), 1);
    }

    /// Asks for a field in every way.
    fn ask_everything(body: &[u8]) -> Vec<Result<()>> {
        let read = |ask: &dyn Fn(&mut Fields) -> Result<()>| {
            Fields::parse(body)
                .and_then(|mut fields| ask(&mut fields).and_then(|()| fields.finish()))
        };
        vec![
            read(&|f| f.take::<String>("a").map(drop)),
            read(&|f| f.take_nullable::<String>("a").map(drop)),
            read(&|f| f.take::<i64>("a").map(drop)),
            read(&|f| f.take_nullable::<i64>("a").map(drop)),
            read(&|f| f.take::<Flag>("a").map(drop)),
            read(&|f| f.take::<Vec<String>>("a").map(drop)),
            read(&|f| f.take::<Vec<i64>>("a").map(drop)),
        ]
    }

    fn only_invalid(outcomes: &[Result<()>]) -> bool {
        outcomes.iter().all(|o| matches!(o, Ok(()) | Err(Fault::Invalid { .. })))
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_as_wrong(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(only_invalid(&ask_everything(&body)));
        }

        #[test]
        fn anything_that_looks_like_json_is_read_or_refused_as_wrong(
            body in r#"\{("a":|"b":)?[\[\]{}0-9.e,:"a-]{0,20}\}"#,
        ) {
            prop_assert!(only_invalid(&ask_everything(body.as_bytes())));
        }

        #[test]
        fn every_text_without_nul_comes_out_as_it_went_in(text in "[^\0]{0,50}") {
            let body = json!({"a": text}).to_string();
            let read = Fields::parse(body.as_bytes()).unwrap().take::<String>("a").unwrap();
            prop_assert_eq!(read, Some(text));
        }
    }
}
