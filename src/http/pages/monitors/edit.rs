//! The form of a monitor: `…/new`, with `?kind=blacklist` for a name or an address on blacklists, and
//! `…/{monitor}/edit`.

use askama::Template;
use axum::extract::{Path, Request};
use axum::response::Response;
use http::{StatusCode, Uri};

use super::super::form::{self, Errors, Field, Fields};
use super::super::project::{Here, to_its_end};
use super::super::texts::{self, Text};
use super::super::{Site, page};
use super::draft::Draft;
use crate::domain::monitor::ServiceType;
use crate::fault::{Fault, Result};
use crate::service::monitors;
use crate::store::projects::Role;

/// The probes of a web server: the word of the form, and the key of its text.
const PROBES: [(&str, &str); 5] = [
    ("public_http", "monitors-probe-public-http"),
    ("public_https", "monitors-probe-public-https"),
    ("public_tls", "monitors-probe-public-tls"),
    ("origin_http", "monitors-probe-origin-http"),
    ("origin_tls", "monitors-probe-origin-tls"),
];

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/monitors/edit.html" %}"#)]
struct Edit<'a> {
    site: &'a Site,
    list: String,
    action: String,
    draft: &'a Draft,
    errors: &'a Errors,
    is_new: bool,
}

impl<'a> Edit<'a> {
    fn field(&'a self, name: &'a str, label: Text, value: &'a str, hint: Text) -> Field<'a> {
        Field { hint, ..Field::text(name, label, value, self.errors) }
    }

    fn needed(&'a self, name: &'a str, label: Text, value: &'a str, hint: Text) -> Field<'a> {
        Field { min_length: 1, ..self.field(name, label, value, hint) }
    }

    #[allow(clippy::unused_self, reason = "templates ask the page for it")]
    fn services(&self) -> impl Iterator<Item = &'static str> {
        ServiceType::ALL.iter().map(|service| service.as_str())
    }

    fn title(&self) -> Text {
        texts::t(match (self.is_new, self.draft.is_listing) {
            (true, false) => "monitors-new-device",
            (true, true) => "monitors-new-listing",
            (false, _) => "monitors-edit-title",
        })
    }
}

fn list(here: &Here) -> String {
    format!("{}{}", here.site.prefix, here.path("/monitors"))
}

fn is_listing(uri: &Uri) -> bool {
    let mut asked = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    asked.take("kind") == "blacklist"
}

fn render(
    here: &Here,
    id: Option<i64>,
    status: StatusCode,
    draft: &Draft,
    errors: &Errors,
) -> Response {
    let list = list(here);
    let action = match id {
        Some(id) => format!("{list}/{id}/edit"),
        None if draft.is_listing => format!("{list}/new?kind=blacklist"),
        None => format!("{list}/new"),
    };
    let is_new = id.is_none();
    page(status, &Edit { site: &here.site, list, action, draft, errors, is_new })
}

pub(super) async fn fresh(here: Here, uri: Uri) -> Response {
    let shown = here.need(Role::Editor).map(|()| {
        let draft = Draft::fresh(is_listing(&uri));
        render(&here, None, StatusCode::OK, &draft, &Errors::default())
    });
    here.answer(shown).await
}

pub(super) async fn create(here: Here, request: Request) -> Response {
    let done = created(&here, request).await;
    here.answer(done).await
}

async fn created(here: &Here, request: Request) -> Result<Response> {
    let (head, body) = request.into_parts();
    let mut fields = form::read(&head, body, here.ctx()).await?;
    here.need(Role::Editor)?;
    let draft = Draft::read(&mut fields, is_listing(&head.uri));
    let (ctx, user_id) = (here.ctx().clone(), here.opened.caller.user_id);
    let (project_id, is_enabled) = (here.project_id(), draft.is_enabled);
    let made = match draft.watched(i64::from(ctx.config.probes.min_interval)) {
        Ok(watched) => {
            let work = async move {
                monitors::create(&ctx, user_id, Some(project_id), &watched, is_enabled, None).await
            };
            to_its_end(work).await
        }
        Err(fault) => Err(fault),
    };
    match made {
        Ok(_) => Ok(here.go("/monitors?did=made")),
        Err(fault @ (Fault::Invalid { .. } | Fault::Conflict(_) | Fault::Forbidden(_))) => {
            Ok(render(here, None, StatusCode::BAD_REQUEST, &draft, &fault.into()))
        }
        Err(fault) => Err(fault),
    }
}

pub(super) async fn show(here: Here, Path((_, id)): Path<(String, i64)>) -> Response {
    let shown = first(&here, id).await;
    here.answer(shown).await
}

async fn first(here: &Here, id: i64) -> Result<Response> {
    here.need(Role::Editor)?;
    let row = monitors::find_in(here.ctx(), here.project_id(), id).await?;
    Ok(render(here, Some(id), StatusCode::OK, &Draft::of(&row), &Errors::default()))
}

pub(super) async fn save(
    here: Here,
    Path((_, id)): Path<(String, i64)>,
    request: Request,
) -> Response {
    let done = saved(&here, id, request).await;
    here.answer(done).await
}

async fn saved(here: &Here, id: i64, request: Request) -> Result<Response> {
    let (head, body) = request.into_parts();
    let mut fields = form::read(&head, body, here.ctx()).await?;
    here.need(Role::Editor)?;
    let row = monitors::find_in(here.ctx(), here.project_id(), id).await?;
    let draft = Draft::read(&mut fields, Draft::of(&row).is_listing);
    let (ctx, is_enabled) = (here.ctx().clone(), draft.is_enabled);
    let saved = match draft.watched(i64::from(ctx.config.probes.min_interval)) {
        Ok(watched) => {
            let work =
                async move { monitors::change(&ctx, &row, &watched, is_enabled, None).await };
            to_its_end(work).await
        }
        Err(fault) => Err(fault),
    };
    match saved {
        Ok(_) => Ok(here.go("/monitors?did=saved")),
        Err(fault @ (Fault::Invalid { .. } | Fault::Conflict(_))) => {
            Ok(render(here, Some(id), StatusCode::BAD_REQUEST, &draft, &fault.into()))
        }
        Err(fault) => Err(fault),
    }
}
