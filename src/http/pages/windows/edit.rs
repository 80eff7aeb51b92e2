//! The form of a window: a new one's on the list, and `…/{window}/edit`.

use askama::Template;
use axum::extract::{Path, Request};
use axum::response::Response;
use http::StatusCode;

use super::super::form::{self, Errors, Field};
use super::super::project::{Here, to_its_end};
use super::super::texts::{self, Text};
use super::super::{Site, page};
use super::draft::Draft;
use crate::fault::{Fault, Result};
use crate::service::maintenance;
use crate::store;
use crate::store::checks::Name;
use crate::store::projects::Role;
use crate::store::tx::Conn;

/// Checks that can be chosen by name; others by their tags.
const MOST: i64 = 1000;

/// The form, which stands on both pages.
#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/windows/form.html" %}"#)]
pub(super) struct Form<'a> {
    site: &'a Site,
    action: String,
    draft: &'a Draft,
    errors: &'a Errors,
    checks: &'a [Name],
    is_new: bool,
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/windows/edit.html" %}"#)]
struct Edit<'a> {
    site: &'a Site,
    list: String,
    form: String,
    errors: &'a Errors,
}

/// The checks that can be chosen.
pub(super) async fn checks(conn: &mut Conn, here: &Here) -> Result<Vec<Name>> {
    store::checks::names(conn, here.project_id(), MOST).await
}

fn list(here: &Here) -> String {
    format!("{}{}", here.site.prefix, here.path("/maintenance"))
}

impl<'a> Form<'a> {
    /// That of a new window.
    pub(super) fn new(
        here: &'a Here,
        draft: &'a Draft,
        errors: &'a Errors,
        checks: &'a [Name],
    ) -> Self {
        Self { site: &here.site, action: list(here), draft, errors, checks, is_new: true }
    }

    /// The form in HTML.
    ///
    /// # Errors
    /// It can't be rendered, which is a mistake of ours.
    pub(super) fn text(&self) -> Result<String> {
        self.render().map_err(Fault::internal)
    }

    fn field(&'a self, name: &'a str, label: Text, value: &'a str, hint: Text) -> Field<'a> {
        Field { hint, ..Field::text(name, label, value, self.errors) }
    }

    fn time(&'a self, name: &'a str, label: Text, value: &'a str, hint: Text) -> Field<'a> {
        Field { kind: "datetime-local", ..self.field(name, label, value, hint) }
    }

    fn zone(&self) -> &'static str {
        self.site.reader.zone.name()
    }
}

pub(super) async fn show(here: Here, Path((_, id)): Path<(String, i64)>) -> Response {
    let shown = first(&here, id).await;
    here.answer(shown).await
}

async fn first(here: &Here, id: i64) -> Result<Response> {
    here.need(Role::Editor)?;
    let mut conn = here.ctx().store.read().await?;
    let window = maintenance::find(&mut conn, here.project_id(), id).await?;
    drop(conn);
    let draft = Draft::of(&window, &here.site.reader);
    render(here, id, StatusCode::OK, &draft, &Errors::default()).await
}

async fn render(
    here: &Here,
    id: i64,
    status: StatusCode,
    draft: &Draft,
    errors: &Errors,
) -> Result<Response> {
    let checks = checks(&mut here.ctx().store.read().await?, here).await?;
    let action = format!("{}/{id}/edit", list(here));
    let form = Form { action, is_new: false, ..Form::new(here, draft, errors, &checks) };
    let form = form.text()?;
    Ok(page(status, &Edit { site: &here.site, list: list(here), form, errors }))
}

pub(super) async fn submit(
    here: Here,
    Path((_, id)): Path<(String, i64)>,
    request: Request,
) -> Response {
    let done = submitted(&here, id, request).await;
    here.answer(done).await
}

async fn submitted(here: &Here, id: i64, request: Request) -> Result<Response> {
    let (head, body) = request.into_parts();
    let mut fields = form::read(&head, body, here.ctx()).await?;
    here.need(Role::Editor)?;
    let draft = Draft::read(&mut fields);
    let (ctx, project_id, now) = (here.ctx().clone(), here.project_id(), here.now);
    let saved = match draft.change(&here.site.reader) {
        Ok(change) => {
            let work = async move {
                change.validate(now)?;
                maintenance::update(&ctx, project_id, id, &change).await
            };
            to_its_end(work).await
        }
        Err(fault) => Err(fault),
    };
    match saved {
        Ok(_) => Ok(here.go("/maintenance?did=saved")),
        Err(fault @ (Fault::Invalid { .. } | Fault::Conflict(_))) => {
            render(here, id, StatusCode::BAD_REQUEST, &draft, &fault.into()).await
        }
        Err(fault) => Err(fault),
    }
}
