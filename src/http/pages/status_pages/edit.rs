//! `/projects/{uuid}/status-pages`: the list, and the form of a page with what is said on it.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Request};
use axum::response::Response;
use http::StatusCode;

use super::super::form::{self, Errors, Field, Fields};
use super::super::project::{Here, to_its_end};
use super::super::reader::When;
use super::super::texts::{self, Text};
use super::super::{Site, page};
use super::Latest;
use crate::fault::{Fault, Result};
use crate::service::status_pages;
use crate::store::checks::{self, CheckRow, Filter, Order, OrderBy};
use crate::store::projects::Role;
use crate::store::status_pages::{self as stored, StatusPage};

/// Checks that can be chosen by name; others by their tags.
const MOST: i64 = 1000;

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/status_pages/list.html" %}"#)]
struct List<'a> {
    site: &'a Site,
    base: String,
    pages: &'a [StatusPage],
    may_write: bool,
}

struct Said {
    id: i64,
    text: String,
    when: When,
    is_open: bool,
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/status_pages/edit.html" %}"#)]
struct Edit<'a> {
    site: &'a Site,
    base: String,
    action: String,
    page: &'a StatusPage,
    tags: String,
    checks: &'a [CheckRow],
    notices: Vec<Said>,
    may_write: bool,
    errors: Errors,
    /// What was to be said, and why it was not.
    unsaid: Unsaid,
}

/// A notice that does not fit, as it was typed.
#[derive(Default)]
struct Unsaid {
    text: String,
    error: Option<String>,
}

impl Edit<'_> {
    fn field<'b>(&'b self, name: &'b str, label: Text, hint: Text) -> Field<'b> {
        let value = match name {
            "title" => &self.page.title,
            "slug" => &self.page.slug,
            "tags" => &self.tags,
            _ => &self.page.text,
        };
        let kind = if name == "text" { "textarea" } else { "text" };
        Field { kind, hint, ..Field::text(name, label, value, &self.errors) }
    }

    fn is_old(&self) -> bool {
        self.page.status_page_id != 0
    }

    fn shows(&self, check: &CheckRow) -> bool {
        self.page.checks.contains(&check.check_id)
    }

    fn address(&self) -> String {
        format!("{}/status/{}", self.site.base, self.page.slug)
    }

    fn badge(&self) -> String {
        format!("{}/badge/{}", self.site.base, self.page.badge_token)
    }

    fn markdown(&self) -> String {
        format!("[![status]({}.svg)]({})", self.badge(), self.address())
    }

    fn question(&self) -> String {
        texts::t("status-pages-edit-delete-its-address-and-its")
            .with("title", &self.page.title)
            .plain()
    }

    fn delete(&self) -> String {
        format!("{}/delete", self.action)
    }
}

pub(super) async fn list(here: Here) -> Response {
    let done = listed(&here).await;
    here.answer(done).await
}

async fn listed(here: &Here) -> Result<Response> {
    let mut conn = here.ctx().store.read().await?;
    let pages = stored::list(&mut conn, here.project_id()).await?;
    drop(conn);
    let may_write = here.opened.may_write();
    let base = base(here);
    Ok(page(StatusCode::OK, &List { site: &here.site, base, pages: &pages, may_write }))
}

fn base(here: &Here) -> String {
    format!("{}{}", here.site.prefix, here.path("/status-pages"))
}

pub(super) async fn new(here: Here) -> Response {
    let empty = StatusPage { public: true.into(), ..StatusPage::default() };
    let done = form_of(&here, &empty, Errors::default(), Unsaid::default()).await;
    here.answer(done).await
}

pub(super) async fn show(here: Here, Path((_, id)): Path<(String, i64)>) -> Response {
    let done = shown(&here, id).await;
    here.answer(done).await
}

async fn shown(here: &Here, id: i64) -> Result<Response> {
    let found = found(here, id).await?;
    form_of(here, &found, Errors::default(), Unsaid::default()).await
}

async fn found(here: &Here, id: i64) -> Result<StatusPage> {
    let mut conn = here.ctx().store.read().await?;
    status_pages::find(&mut conn, here.project_id(), id).await
}

async fn form_of(
    here: &Here,
    shown: &StatusPage,
    errors: Errors,
    unsaid: Unsaid,
) -> Result<Response> {
    let mut conn = here.ctx().store.read().await?;
    let by_name =
        Filter { order: Order { by: OrderBy::Name, descending: false }, ..Filter::default() };
    let project_id = here.project_id();
    let (checks, _) = checks::list(&mut conn, project_id, &by_name, here.now, 0, MOST).await?;
    let notices = status_pages::notices(&mut conn, shown.status_page_id).await?;
    drop(conn);
    let said = notices.into_iter().map(|notice| Said {
        id: notice.notice_id,
        text: notice.text,
        when: here.site.reader.when(notice.at, here.now),
        is_open: notice.resolved_at.is_none(),
    });
    let base = base(here);
    let is_new = shown.status_page_id == 0;
    let fits = errors.is_empty() && unsaid.error.is_none();
    let status = if fits { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let form = Edit {
        site: &here.site,
        action: if is_new { base.clone() } else { format!("{base}/{}", shown.status_page_id) },
        base,
        page: shown,
        tags: shown.tags.join(" "),
        checks: &checks,
        notices: said.collect(),
        may_write: here.opened.may_write(),
        errors,
        unsaid,
    };
    Ok(page(status, &form))
}

/// The fields of a form that a member may send.
async fn fields(here: &Here, request: Request) -> Result<Fields> {
    let (head, body) = request.into_parts();
    let fields = form::read_long(&head, body, here.ctx()).await?;
    here.need(Role::Editor)?;
    Ok(fields)
}

pub(super) async fn create(
    here: Here,
    Extension(latest): Extension<Arc<Latest>>,
    request: Request,
) -> Response {
    let done = save(&here, &latest, StatusPage::default(), request).await;
    here.answer(done).await
}

pub(super) async fn update(
    here: Here,
    Path((_, id)): Path<(String, i64)>,
    Extension(latest): Extension<Arc<Latest>>,
    request: Request,
) -> Response {
    let done = change(&here, &latest, id, request).await;
    here.answer(done).await
}

async fn change(here: &Here, latest: &Latest, id: i64, request: Request) -> Result<Response> {
    let old = found(here, id).await?;
    save(here, latest, old, request).await
}

async fn save(here: &Here, latest: &Latest, old: StatusPage, request: Request) -> Result<Response> {
    let mut fields = fields(here, request).await?;
    let checks = fields.take_all("checks");
    let wanted = StatusPage {
        status_page_id: old.status_page_id,
        project_id: here.project_id(),
        badge_token: old.badge_token,
        title: fields.take_trimmed("title"),
        slug: fields.take_trimmed("slug"),
        text: fields.take_trimmed("text"),
        public: fields.take_flag("public").into(),
        checks: checks.iter().filter_map(|id| id.parse().ok()).collect(),
        tags: fields.take("tags").split_whitespace().map(str::to_owned).collect(),
    };
    let (ctx, copy) = (here.ctx().clone(), wanted.clone());
    match to_its_end(async move { status_pages::save(&ctx, copy).await }).await {
        Ok(id) => {
            latest.forget();
            Ok(here.go(&format!("/status-pages/{id}")))
        }
        Err(fault @ (Fault::Invalid { .. } | Fault::Conflict(_))) => {
            form_of(here, &wanted, fault.into(), Unsaid::default()).await
        }
        Err(fault) => Err(fault),
    }
}

pub(super) async fn delete(
    here: Here,
    Path((_, id)): Path<(String, i64)>,
    Extension(latest): Extension<Arc<Latest>>,
    request: Request,
) -> Response {
    let done = deleted(&here, id, request).await;
    latest.forget();
    here.answer(done).await
}

async fn deleted(here: &Here, id: i64, request: Request) -> Result<Response> {
    fields(here, request).await?;
    let (ctx, project_id) = (here.ctx().clone(), here.project_id());
    to_its_end(async move { status_pages::delete(&ctx, project_id, id).await }).await?;
    Ok(here.go("/status-pages"))
}

pub(super) async fn say(
    here: Here,
    Path((_, id)): Path<(String, i64)>,
    Extension(latest): Extension<Arc<Latest>>,
    request: Request,
) -> Response {
    let done = said(&here, id, request).await;
    latest.forget();
    here.answer(done).await
}

async fn said(here: &Here, id: i64, request: Request) -> Result<Response> {
    let text = fields(here, request).await?.take("notice");
    let (ctx, project_id, copy) = (here.ctx().clone(), here.project_id(), text.clone());
    match to_its_end(async move { status_pages::say(&ctx, project_id, id, &copy).await }).await {
        Ok(()) => Ok(here.go(&format!("/status-pages/{id}"))),
        Err(Fault::Invalid { reason, .. }) => {
            let unsaid = Unsaid { text, error: Some(reason) };
            form_of(here, &found(here, id).await?, Errors::default(), unsaid).await
        }
        Err(fault) => Err(fault),
    }
}

pub(super) async fn resolve(
    here: Here,
    Path((_, id, notice)): Path<(String, i64, i64)>,
    Extension(latest): Extension<Arc<Latest>>,
    request: Request,
) -> Response {
    let done = resolved(&here, id, notice, request).await;
    latest.forget();
    here.answer(done).await
}

async fn resolved(here: &Here, id: i64, notice: i64, request: Request) -> Result<Response> {
    fields(here, request).await?;
    let (ctx, project_id) = (here.ctx().clone(), here.project_id());
    to_its_end(async move { status_pages::resolve(&ctx, project_id, id, notice).await }).await?;
    Ok(here.go(&format!("/status-pages/{id}")))
}
