//! A page with a few lines and at most one form: what links in mails lead to, and what is asked
//! before somebody is signed in.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use super::form::{Errors, Field};
use super::passkeys::Button;
use super::texts::{self, Text};
use super::{Site, page};
use crate::service::users;

/// The page.
#[derive(Debug, Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/sheet.html" %}"#)]
pub(super) struct Sheet<'a> {
    pub(super) site: &'a Site,
    /// The heading.
    pub(super) title: Text,
    /// What it says, a paragraph each.
    pub(super) lines: Vec<Text>,
    /// What is wrong with the form as a whole.
    pub(super) problem: Option<Text>,
    /// The form's fields.
    pub(super) fields: Vec<Field<'a>>,
    /// Where the form is sent, below the prefix.
    pub(super) action: String,
    /// What stands on its button; without it there is no form.
    pub(super) button: Option<Text>,
    /// A passkey may do what the form does.
    pub(super) passkey: Option<Button>,
    /// A way on: where it leads, below the prefix, and what it says.
    pub(super) way_on: Option<(String, Text)>,
}

impl<'a> Sheet<'a> {
    /// A page with a heading alone.
    pub(super) fn new(site: &'a Site, title: Text) -> Self {
        Self {
            site,
            title,
            lines: Vec::new(),
            problem: None,
            fields: Vec::new(),
            action: String::new(),
            button: None,
            passkey: None,
            way_on: None,
        }
    }

    /// The answer that shows it.
    pub(super) fn answer(&self, status: StatusCode) -> Response {
        page(status, self)
    }
}

/// The page for a link that does not hold.
pub(super) fn dead_link(site: &Site, way_on: (String, Text)) -> Response {
    let sheet = Sheet {
        lines: vec![texts::t("sheet-it-was-used-already-its")],
        way_on: Some(way_on),
        ..Sheet::new(site, texts::t("sheet-this-link-does-not-hold"))
    };
    sheet.answer(StatusCode::NOT_FOUND)
}

/// The field for an email address.
pub(super) fn email<'a>(value: &'a str, errors: &'a Errors) -> Field<'a> {
    Field {
        kind: "email",
        autocomplete: "username",
        min_length: 3,
        max_length: 254,
        ..Field::text("email", texts::t("sheet-email-address"), value, errors)
    }
}

/// The field for a password that is chosen.
pub(super) fn new_password(label: Text, errors: &Errors) -> Field<'_> {
    Field {
        kind: "password",
        hint: texts::t("sheet-at-least-10-characters-a"),
        autocomplete: "new-password",
        min_length: users::MIN_PASSWORD,
        max_length: users::MAX_PASSWORD,
        ..Field::text("password", label, "", errors)
    }
}
