//! `/projects/{uuid}/maintenance`: the windows of a project on a strip of four weeks, and their form.
//! Times are those of the reader's zone; the rules are in `service::maintenance`.

mod draft;
mod edit;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Request};
use axum::response::Response;
use axum::routing::{get, post};
use http::{StatusCode, Uri};

use super::form::{self, Errors, Fields};
use super::project::{Here, to_its_end};
use super::texts;
use super::{Pages, Site, page, words};
use crate::clock::{SECOND, Timestamp};
use crate::fault::{Fault, Result};
use crate::service::maintenance;
use crate::store;
use crate::store::maintenance::Window;
use crate::store::projects::Role;

use draft::Draft;
use edit::Form;

/// The days of the strip.
const DAYS: i64 = 28;
const DAY: i64 = 86_400 * SECOND;
/// As many openings of a window are drawn.
const OPENINGS: usize = 500;

pub(super) fn routes() -> Router<Pages> {
    let at = |tail: &str| format!("/projects/{{project}}/maintenance{tail}");
    Router::new()
        .route(&at(""), get(show).post(create))
        .route(&at("/{window}/edit"), get(edit::show).post(edit::submit))
        .route(&at("/{window}/end"), post(end))
        .route(&at("/{window}/delete"), post(delete))
}

/// A window, as the page shows it.
struct Line {
    title: String,
    /// Where it is open on the strip: from and width, in thousandths.
    bars: Vec<(i64, i64)>,
    when: String,
    covers: String,
    is_open: bool,
    base: String,
}

impl Line {
    fn question(&self) -> String {
        texts::t("windows-delete-the-window-what-it").with("title", &self.title).plain()
    }

    fn delete(&self) -> String {
        format!("{}/delete", self.base)
    }
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/windows/list.html" %}"#)]
struct List<'a> {
    site: &'a Site,
    lines: Vec<Line>,
    /// The dates at the strip's weeks.
    weeks: Vec<String>,
    /// The form of a new one; empty for who may not add any.
    form: String,
    errors: &'a Errors,
    news: Option<&'static str>,
    may_write: bool,
}

async fn show(here: Here, uri: Uri) -> Response {
    let mut asked = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    let news = match asked.take("did").as_str() {
        "made" => Some("windows-the-window-is-there"),
        "saved" => Some("windows-the-changes-are-saved"),
        "ended" => Some("windows-it-has-ended-alerts-go"),
        "deleted" => Some("windows-the-window-is-deleted"),
        _ => None,
    };
    let draft = Draft::default();
    let shown = list(&here, StatusCode::OK, &draft, &Errors::default(), news).await;
    here.answer(shown).await
}

async fn list(
    here: &Here,
    status: StatusCode,
    draft: &Draft,
    errors: &Errors,
    news: Option<&'static str>,
) -> Result<Response> {
    let mut conn = here.ctx().store.read().await?;
    // A project has so few that they are on one page.
    let (rows, _) =
        store::maintenance::list(&mut conn, here.project_id(), 0, maintenance::MAX_COUNT).await?;
    let checks = edit::checks(&mut conn, here).await?;
    drop(conn);
    let may_write = here.opened.may_write();
    let base = format!("{}{}", here.site.prefix, here.path("/maintenance"));
    let week = |n: i64| here.site.reader.date(here.now.plus_micros(n * 7 * DAY));
    Ok(page(
        status,
        &List {
            site: &here.site,
            lines: rows.iter().map(|row| line(here, &base, row)).collect(),
            weeks: (0..4).map(week).collect(),
            form: if may_write {
                Form::new(here, draft, errors, &checks).text()?
            } else {
                String::new()
            },
            errors,
            news,
            may_write,
        },
    ))
}

fn line(here: &Here, base: &str, row: &Window) -> Line {
    let (now, reader) = (here.now, &here.site.reader);
    let end = now.plus_micros(DAYS * DAY);
    let mut bars = Vec::new();
    let first = row.opening(now);
    let mut next = first;
    while let Some(opening) = next.filter(|opening| opening.from < end && bars.len() < OPENINGS) {
        let place = |at: Timestamp| at.micros_since(now).clamp(0, DAYS * DAY) / (DAYS * DAY / 1000);
        let (from, until) = (place(opening.from), place(opening.until));
        bars.push((from, (until - from).max(2)));
        next = row.opening(opening.until).filter(|later| later.from >= opening.until);
    }
    let when = match &first {
        None => texts::t("windows-ended").plain(),
        Some(opening) if opening.from <= now => {
            texts::t("windows-open-until").with("until", reader.minute(opening.until)).plain()
        }
        Some(opening) => texts::t("windows-until")
            .with("opening", reader.minute(opening.from))
            .with("until", reader.minute(opening.until))
            .plain(),
    };
    let repeats = row.repeat.as_deref().map(|expression| {
        let lasts = words::duration(row.duration.unwrap_or_default());
        texts::t("windows-each-time")
            .with("when", &when)
            .with("expression", expression)
            .with("lasts", lasts)
            .plain()
    });
    let covers = if bool::from(row.whole_project) {
        texts::t("windows-all-checks").plain()
    } else {
        let checks = (!row.checks.is_empty())
            .then(|| texts::t("windows-checks-by-name").with("checks", row.checks.len()).plain());
        let tags = (!row.tags.is_empty())
            .then(|| texts::t("windows-tags").with("join", row.tags.join(", ")).plain());
        [checks, tags].into_iter().flatten().collect::<Vec<_>>().join("; ")
    };
    let title = if row.title.is_empty() {
        texts::t("windows-window-without-a-title").plain()
    } else {
        row.title.clone()
    };
    Line {
        title,
        bars,
        when: repeats.unwrap_or(when),
        covers,
        is_open: first.is_some_and(|opening| opening.from <= now),
        base: format!("{base}/{}", row.maintenance_id),
    }
}

async fn create(here: Here, request: Request) -> Response {
    let done = made(&here, request).await;
    here.answer(done).await
}

async fn made(here: &Here, request: Request) -> Result<Response> {
    let (head, body) = request.into_parts();
    let mut fields = form::read(&head, body, here.ctx()).await?;
    here.need(Role::Editor)?;
    let draft = Draft::read(&mut fields);
    let (ctx, project_id, now) = (here.ctx().clone(), here.project_id(), here.now);
    let made = match draft.change(&here.site.reader) {
        Ok(change) => {
            let work = async move {
                change.validate(now)?;
                maintenance::create(&ctx, project_id, &change).await
            };
            to_its_end(work).await
        }
        Err(fault) => Err(fault),
    };
    match made {
        Ok(_) => Ok(here.go("/maintenance?did=made")),
        Err(fault @ (Fault::Invalid { .. } | Fault::Conflict(_))) => {
            list(here, StatusCode::BAD_REQUEST, &draft, &fault.into(), None).await
        }
        Err(fault) => Err(fault),
    }
}

async fn end(here: Here, Path((_, id)): Path<(String, i64)>, request: Request) -> Response {
    let done = over(&here, id, request, true).await;
    here.answer(done).await
}

async fn delete(here: Here, Path((_, id)): Path<(String, i64)>, request: Request) -> Response {
    let done = over(&here, id, request, false).await;
    here.answer(done).await
}

async fn over(here: &Here, id: i64, request: Request, ends_only: bool) -> Result<Response> {
    let (head, body) = request.into_parts();
    form::read(&head, body, here.ctx()).await?;
    here.need(Role::Editor)?;
    let (ctx, project_id) = (here.ctx().clone(), here.project_id());
    to_its_end(async move {
        if ends_only {
            maintenance::end_now(&ctx, project_id, id).await
        } else {
            maintenance::delete(&ctx, project_id, id).await
        }
    })
    .await?;
    Ok(here.go(if ends_only { "/maintenance?did=ended" } else { "/maintenance?did=deleted" }))
}
