//! Forms as browsers send them: from our own pages, small, and each field once.

use std::collections::HashMap;

use axum::body::Body;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;

use super::site;
use crate::context::Context;
use crate::fault::{Fault, Result};

/// The largest form, in bytes.
const LARGEST: usize = 16 * 1024;

/// The fields of a form, each with the first value that was given.
#[derive(Debug, Default)]
pub(super) struct Fields(HashMap<String, String>);

impl Fields {
    /// Reads a form's body, or the query of an address.
    pub(super) fn parse(text: &[u8]) -> Self {
        let mut all = HashMap::new();
        for (name, value) in form_urlencoded::parse(text).into_owned() {
            all.entry(name).or_insert(value);
        }
        Self(all)
    }

    /// Takes a field's value out, as it was typed; empty where it was not sent.
    pub(super) fn take(&mut self, name: &str) -> String {
        self.0.remove(name).unwrap_or_default()
    }

    /// The same without white space at its edges.
    pub(super) fn take_trimmed(&mut self, name: &str) -> String {
        self.take(name).trim().to_owned()
    }
}

/// Reads the form that a request brings.
///
/// # Errors
/// It came from another site's page, is no form, or too large.
pub(super) async fn read(head: &Parts, body: Body, ctx: &Context) -> Result<Fields> {
    site::check_origin(head, &ctx.config)?;
    if !is_form(&head.headers) {
        let reason = "the content type must be application/x-www-form-urlencoded";
        return Err(Fault::invalid("", reason));
    }
    let body = axum::body::to_bytes(body, LARGEST)
        .await
        .map_err(|_| Fault::TooLarge(format!("a form of at most {LARGEST} bytes is taken here")))?;
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
