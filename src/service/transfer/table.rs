//! Strict reading of a TOML table: its fields are known, and of exactly the type that is asked for.
//! Whatever else comes is a fault that names its place in the file, as in `checks[3].grace`.

#![allow(clippy::option_option, reason = "not given and none are two things here")]

use serde_json::{Map, Value as Json};
use toml::Value;

use crate::fault::{Fault, Result};

/// How much of a name that somebody wrote is repeated in a message, in characters.
const NAME_LIMIT: usize = 100;

/// The fields of a table. Each is taken out by the one who knows its type; what is left when
/// [`Table::finish`] is called is unknown.
#[derive(Debug)]
pub struct Table {
    place: String,
    left: toml::Table,
    known: Vec<&'static str>,
}

impl Table {
    /// The table at this place; the place of a whole file is empty.
    #[must_use]
    pub fn new(place: String, table: toml::Table) -> Self {
        Self { place, left: table, known: Vec::new() }
    }

    /// Where the table stands in the file.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The place of a field.
    #[must_use]
    pub fn place_of(&self, name: &str) -> String {
        below(&self.place, name)
    }

    /// A fault about a field.
    #[must_use]
    pub fn wrong(&self, name: &str, reason: impl Into<String>) -> Fault {
        Fault::invalid(self.place_of(name), reason)
    }

    /// The value of a field as it stands there.
    pub fn any(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.left.remove(name)
    }

    fn typed<T>(
        &mut self,
        name: &'static str,
        allowed: &str,
        read: impl Fn(Value) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.any(name) else { return Ok(None) };
        let read = read(value).ok_or_else(|| self.wrong(name, format!("must be {allowed}")))?;
        Ok(Some(read))
    }

    /// A text.
    ///
    /// # Errors
    /// It is something else, or has U+0000 in it.
    pub fn text(&mut self, name: &'static str) -> Result<Option<String>> {
        let text = self.typed(name, "a string", text)?;
        text.map(|text| without_nul(&self.place_of(name), text)).transpose()
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// It is not, or is something else.
    pub fn required_text(&mut self, name: &'static str) -> Result<String> {
        self.text(name)?.ok_or_else(|| self.wrong(name, "is required"))
    }

    /// A whole number.
    ///
    /// # Errors
    /// It is something else, `1.0` included.
    pub fn integer(&mut self, name: &'static str) -> Result<Option<i64>> {
        self.typed(name, "a whole number", |value| value.as_integer())
    }

    /// A whole number, or the word that stands for none.
    ///
    /// # Errors
    /// It is something else.
    pub fn integer_or(&mut self, name: &'static str, word: &str) -> Result<Option<Option<i64>>> {
        let allowed = format!("a whole number or \"{word}\"");
        self.typed(name, &allowed, |value| match value {
            Value::Integer(number) => Some(Some(number)),
            Value::String(text) if text == word => Some(None),
            _ => None,
        })
    }

    /// A flag: the number 0 or 1.
    ///
    /// # Errors
    /// It is something else, a boolean included.
    pub fn flag(&mut self, name: &'static str) -> Result<Option<bool>> {
        self.typed(name, "0 or 1", |value| match value.as_integer() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        })
    }

    /// An array of texts.
    ///
    /// # Errors
    /// It is something else, or one has U+0000 in it.
    pub fn texts(&mut self, name: &'static str) -> Result<Option<Vec<String>>> {
        let texts = self.typed(name, "an array of strings", |value| {
            array(value)?.into_iter().map(text).collect::<Option<Vec<_>>>()
        })?;
        let place = self.place_of(name);
        let checked = texts.map(|all| all.into_iter().map(|text| without_nul(&place, text)));
        checked.map(Iterator::collect).transpose()
    }

    /// A table in this table.
    ///
    /// # Errors
    /// It is something else.
    pub fn table(&mut self, name: &'static str) -> Result<Option<Self>> {
        let table = self.typed(name, "a table", |value| match value {
            Value::Table(table) => Some(table),
            _ => None,
        })?;
        Ok(table.map(|table| Self::new(self.place_of(name), table)))
    }

    /// An array of tables, each with its place, counted from 0; empty where there is none.
    ///
    /// # Errors
    /// It is something else.
    pub fn tables(&mut self, name: &'static str) -> Result<Vec<Self>> {
        let values = self.typed(name, "an array of tables", array)?.unwrap_or_default();
        let each = values.into_iter().enumerate().map(|(n, value)| {
            let place = format!("{}[{n}]", self.place_of(name));
            match value {
                Value::Table(table) => Ok(Self::new(place, table)),
                _ => Err(Fault::invalid(place, "must be a table")),
            }
        });
        each.collect()
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// A field is left that nobody asked for.
    pub fn finish(self) -> Result<()> {
        let Some(name) = self.left.keys().next() else { return Ok(()) };
        let reason = format!("is unknown: there are {}", self.known.join(", "));
        Err(self.wrong(&shortened(name), reason))
    }
}

/// A value as JSON.
///
/// # Errors
/// A text has U+0000 in it, or a number is none that JSON knows.
pub fn json(place: &str, value: Value) -> Result<Json> {
    Ok(match value {
        Value::String(text) => Json::String(without_nul(place, text)?),
        Value::Integer(number) => number.into(),
        Value::Float(number) => serde_json::Number::from_f64(number)
            .map(Json::Number)
            .ok_or_else(|| Fault::invalid(place, "must be a finite number"))?,
        Value::Boolean(flag) => flag.into(),
        Value::Datetime(at) => Json::String(at.to_string()),
        Value::Array(values) => {
            let each = values.into_iter().map(|value| json(place, value));
            Json::Array(each.collect::<Result<_>>()?)
        }
        Value::Table(table) => {
            let mut object = Map::new();
            for (name, value) in table {
                let here = below(place, &shortened(&name));
                let name = without_nul(&here, name)?;
                object.insert(name, json(&here, value)?);
            }
            Json::Object(object)
        }
    })
}

/// Puts the place of a table before the name of the field that a fault is about.
#[must_use]
pub fn at(place: &str, fault: Fault) -> Fault {
    match fault {
        Fault::Invalid { field, reason } => Fault::invalid(below(place, &field), reason),
        // In a file this is a mistake like any other: none of it was done.
        other => other,
    }
}

fn below(place: &str, name: &str) -> String {
    match (place, name) {
        ("", name) => name.to_owned(),
        (place, "") => place.to_owned(),
        (place, name) => format!("{place}.{name}"),
    }
}

fn text(value: Value) -> Option<String> {
    if let Value::String(text) = value { Some(text) } else { None }
}

fn array(value: Value) -> Option<Vec<Value>> {
    if let Value::Array(values) = value { Some(values) } else { None }
}

fn without_nul(place: &str, text: String) -> Result<String> {
    if text.contains('\0') {
        return Err(Fault::invalid(place, "must not contain the character U+0000"));
    }
    Ok(text)
}

/// A name for a message: not too long, and without characters that can't be seen.
fn shortened(name: &str) -> String {
    let mut start: String = name.chars().take(NAME_LIMIT).flat_map(char::escape_debug).collect();
    if name.chars().count() > NAME_LIMIT {
        start.push('…');
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        Table::new("t[2]".to_owned(), toml::from_str(text).unwrap())
    }

    fn refused<T: std::fmt::Debug>(outcome: Result<T>) -> String {
        outcome.unwrap_err().to_string()
    }

    #[test]
    fn a_wrong_type_is_named_with_its_place() {
        let wrong = |value: &str| table(&format!("f = {value}"));
        assert_eq!(refused(wrong("true").flag("f")), "t[2].f: must be 0 or 1");
        assert_eq!(refused(wrong("2").flag("f")), "t[2].f: must be 0 or 1");
        assert_eq!(refused(wrong("1.0").integer("f")), "t[2].f: must be a whole number");
        assert_eq!(refused(wrong("1").text("f")), "t[2].f: must be a string");
        assert_eq!(refused(wrong("[1]").texts("f")), "t[2].f: must be an array of strings");
        assert_eq!(refused(wrong("1").table("f")), "t[2].f: must be a table");
        assert_eq!(refused(wrong("[{}, 1]").tables("f")), "t[2].f[1]: must be a table");
        let word = refused(wrong("\"x\"").integer_or("f", "grace"));
        assert_eq!(word, "t[2].f: must be a whole number or \"grace\"");
        assert_eq!(refused(wrong("1").required_text("g")), "t[2].g: is required");
    }

    #[test]
    fn what_is_right_is_read() {
        let mut all = table("a = \"x\"\nb = 7\nc = 1\nd = [\"y\"]\ne = \"grace\"\ng = 5");
        assert_eq!(all.text("a").unwrap().as_deref(), Some("x"));
        assert_eq!((all.integer("b").unwrap(), all.flag("c").unwrap()), (Some(7), Some(true)));
        assert_eq!(all.texts("d").unwrap(), Some(vec!["y".to_owned()]));
        assert_eq!(all.integer_or("e", "grace").unwrap(), Some(None));
        assert_eq!(all.integer_or("g", "grace").unwrap(), Some(Some(5)));
        assert_eq!(all.text("nothing").unwrap(), None);
        all.finish().unwrap();
    }

    #[test]
    fn what_nobody_asked_for_is_named_with_what_there_is() {
        let mut some = table("colour = 1\nname = \"x\"");
        some.text("name").unwrap();
        assert_eq!(refused(some.finish()), "t[2].colour: is unknown: there are name");
    }

    #[test]
    fn a_nul_is_refused_wherever_it_stands() {
        let nul = "must not contain the character U+0000";
        let wrong = |value: &str| table(&format!("f = {value}"));
        assert_eq!(refused(wrong(r#""\u0000""#).text("f")), format!("t[2].f: {nul}"));
        assert_eq!(refused(wrong(r#"["\u0000"]"#).texts("f")), format!("t[2].f: {nul}"));
        let config = wrong(r#"{ a = { b = "\u0000" } }"#).any("f").unwrap();
        assert_eq!(refused(json("f", config)), format!("f.a.b: {nul}"));
        let name = wrong(r#"{ "\u0000" = 1 }"#).any("f").unwrap();
        assert_eq!(refused(json("f", name)), format!("f.\\0: {nul}"));
        assert_eq!(refused(json("f", Value::Float(f64::NAN))), "f: must be a finite number");
    }

    #[test]
    fn a_fault_gets_the_place_of_its_table() {
        let fault = at("checks[3]", Fault::invalid("grace", "must be more"));
        assert_eq!(fault.to_string(), "checks[3].grace: must be more");
    }
}
