//! Forms as browsers send them: from our own pages, small, and each field once.

use std::collections::HashMap;

use axum::body::Body;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;

use super::site;
use super::texts::{self, Text};
use crate::context::Context;
use crate::fault::{Fault, Result};

/// The largest form, in bytes.
const LARGEST: usize = 16 * 1024;
/// The largest with a long text in it, in bytes: 10,000 characters take up to 12 each.
const LONGEST: usize = 192 * 1024;

/// The fields of a form, each with the values that were given.
#[derive(Debug, Default)]
pub(super) struct Fields(HashMap<String, Vec<String>>);

impl Fields {
    /// Reads a form's body, or the query of an address.
    pub(super) fn parse(text: &[u8]) -> Self {
        let mut all: HashMap<String, Vec<String>> = HashMap::new();
        for (name, value) in form_urlencoded::parse(text).into_owned() {
            all.entry(name).or_default().push(value);
        }
        Self(all)
    }

    /// Takes a field's first value out, as it was typed; empty where it was not sent.
    pub(super) fn take(&mut self, name: &str) -> String {
        self.take_all(name).into_iter().next().unwrap_or_default()
    }

    /// Takes out every value of a field that may come several times, such as a checkbox of a list.
    pub(super) fn take_all(&mut self, name: &str) -> Vec<String> {
        self.0.remove(name).unwrap_or_default()
    }

    /// Whether a field was sent.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Takes a checkbox out: whether it is set.
    pub(super) fn take_flag(&mut self, name: &str) -> bool {
        !self.take(name).is_empty()
    }

    /// The same without white space at its edges.
    pub(super) fn take_trimmed(&mut self, name: &str) -> String {
        self.take(name).trim().to_owned()
    }
}

/// A field as a page shows it. What `kind` is: the type of an `input`, or `textarea`.
#[derive(Clone, Debug, Default)]
pub(super) struct Field<'a> {
    /// Its name in the form, and its id on the page.
    pub(super) name: &'a str,
    pub(super) label: Text,
    pub(super) kind: &'a str,
    pub(super) hint: Text,
    pub(super) autocomplete: &'a str,
    pub(super) value: &'a str,
    /// What is wrong with it: a sentence that goes on behind the label.
    pub(super) error: Option<&'a str>,
    /// 0: may stay empty.
    pub(super) min_length: usize,
    /// 0: as long as it likes.
    pub(super) max_length: usize,
    pub(super) has_focus: bool,
}

impl<'a> Field<'a> {
    /// A line of text that may stay empty, with what was typed and what is wrong with it.
    pub(super) fn text(name: &'a str, label: Text, value: &'a str, errors: &'a Errors) -> Self {
        let error = errors.at(name);
        Self { name, label, kind: "text", autocomplete: "off", value, error, ..Self::default() }
    }
}

/// What is wrong with a form, by field; what concerns none of them stands at the top.
#[derive(Debug, Default)]
pub(super) struct Errors {
    pub(super) by_field: HashMap<String, String>,
    pub(super) whole: Option<String>,
}

impl Errors {
    /// Takes a fault in, at its field.
    pub(super) fn add(&mut self, fault: Fault) {
        match fault {
            Fault::Invalid { field, reason } if !field.is_empty() => {
                self.by_field.insert(field, reason);
            }
            other => self.whole = Some(other.to_string()),
        }
    }

    /// Whether nothing is wrong.
    pub(super) fn is_empty(&self) -> bool {
        self.by_field.is_empty() && self.whole.is_none()
    }

    /// What is wrong with this field.
    pub(super) fn at(&self, field: &str) -> Option<&str> {
        self.by_field.get(field).map(String::as_str)
    }

    /// What stands on top of the form.
    pub(super) fn summary(&self) -> Option<Text> {
        let marked = || (!self.by_field.is_empty()).then(|| texts::t("look-at-fields"));
        self.whole.as_deref().map(texts::said).or_else(marked)
    }
}

impl From<Fault> for Errors {
    fn from(fault: Fault) -> Self {
        let mut errors = Self::default();
        errors.add(fault);
        errors
    }
}

/// Reads the form that a request brings.
///
/// # Errors
/// It came from another site's page, is no form, or too large.
pub(super) async fn read(head: &Parts, body: Body, ctx: &Context) -> Result<Fields> {
    read_up_to(LARGEST, head, body, ctx).await
}

/// The same for a form of who is signed in, which may have a long text in it.
///
/// # Errors
/// As [`read`].
pub(super) async fn read_long(head: &Parts, body: Body, ctx: &Context) -> Result<Fields> {
    read_up_to(LONGEST, head, body, ctx).await
}

async fn read_up_to(most: usize, head: &Parts, body: Body, ctx: &Context) -> Result<Fields> {
    site::check_origin(head, &ctx.config)?;
    if !is_form(&head.headers) {
        let reason = "the content type must be application/x-www-form-urlencoded";
        return Err(Fault::invalid("", reason));
    }
    let body = axum::body::to_bytes(body, most)
        .await
        .map_err(|_| Fault::TooLarge(format!("a form of at most {most} bytes is taken here")))?;
    Ok(Fields::parse(&body))
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn of_a_field_that_comes_twice_the_first_counts() {
        let mut fields = Fields::parse(b"a=+1+&a=2&b=%C3%A9");
        assert_eq!((fields.take_trimmed("a"), fields.take("b")), ("1".to_owned(), "é".to_owned()));
        assert_eq!(fields.take("c"), "");
    }

    #[test]
    fn of_a_list_every_value_counts() {
        let mut fields = Fields::parse(b"c=3&c=1&x=&c=2&on=on");
        assert_eq!(fields.take_all("c"), ["3", "1", "2"]);
        assert_eq!(fields.take_all("c"), Vec::<String>::new());
        assert!(fields.take_flag("on") && !fields.take_flag("off"));
    }

    #[test]
    fn only_forms_are_taken() {
        let taken = |kind: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            is_form(&headers)
        };
        assert!(taken("application/x-www-form-urlencoded"));
        assert!(taken("Application/X-WWW-Form-Urlencoded; charset=UTF-8"));
        assert!(!taken("application/json") && !taken("text/plain"));
    }
}
