//! `/projects/{uuid}/maintenance`: the windows of a project on a strip of four weeks, and the form of
//! a new one. Times are those of the reader's zone; the rules are in `service::maintenance`.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Request};
use axum::response::Response;
use axum::routing::{get, post};
use chrono::{NaiveDateTime, TimeZone};
use http::{StatusCode, Uri};

use super::form::{self, Errors, Field, Fields};
use super::project::{Here, to_its_end};
use super::{Pages, Site, page, words};
use crate::clock::{SECOND, Timestamp};
use crate::fault::{Fault, Result};
use crate::service::maintenance::{self, Change};
use crate::store;
use crate::store::maintenance::Window;
use crate::store::projects::Role;

/// The days of the strip.
const DAYS: i64 = 28;
const DAY: i64 = 86_400 * SECOND;
/// As many openings of a window are drawn.
const OPENINGS: usize = 500;

pub(super) fn routes() -> Router<Pages> {
    let at = |tail: &str| format!("/projects/{{project}}/maintenance{tail}");
    Router::new()
        .route(&at(""), get(show).post(create))
        .route(&at("/{window}/end"), post(end))
        .route(&at("/{window}/delete"), post(delete))
}

/// What was typed.
#[derive(Default)]
struct Draft {
    title: String,
    repeats: bool,
    starts_at: String,
    ends_at: String,
    repeat: String,
    minutes: String,
    tags: String,
}

impl Draft {
    fn read(fields: &mut Fields) -> Self {
        Self {
            title: fields.take_trimmed("title"),
            repeats: fields.take("kind") == "repeat",
            starts_at: fields.take_trimmed("starts_at"),
            ends_at: fields.take_trimmed("ends_at"),
            repeat: fields.take_trimmed("repeat"),
            minutes: fields.take_trimmed("duration"),
            tags: fields.take_trimmed("tags"),
        }
    }

    fn change(&self, here: &Here) -> Result<Change> {
        let tags = self.tags.split([' ', ',']).filter(|tag| !tag.is_empty()).map(str::to_owned);
        let starts_at = moment(here, "starts_at", &self.starts_at)?;
        let ends_at = moment(here, "ends_at", &self.ends_at)?;
        let mut change = Change {
            title: Some(self.title.clone()),
            starts_at: Some(starts_at),
            ends_at: Some(ends_at),
            tags: Some(tags.collect()),
            ..Change::default()
        };
        if self.repeats {
            let minutes: i64 = self
                .minutes
                .parse()
                .map_err(|_| Fault::invalid("duration", "must be a whole number of minutes"))?;
            change.repeat = Some(Some(self.repeat.clone()));
            change.duration = Some(Some(minutes.saturating_mul(60)));
        }
        Ok(change)
    }
}

/// A moment as `input type=datetime-local` sends it, in the reader's zone.
fn moment(here: &Here, field: &str, text: &str) -> Result<Option<Timestamp>> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || Fault::invalid(field, "must be a date and a time such as 2026-03-01T22:00");
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let local = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let local = here.site.reader.zone.from_local_datetime(&local.ok_or_else(wrong)?);
    let moment = local.earliest().ok_or_else(|| {
        Fault::invalid(field, "does not exist in your time zone: the clock is put forward then")
    })?;
    Ok(Some(Timestamp(moment.timestamp_micros())))
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
        format!("Delete the window “{}”? What it keeps back is told then.", self.title)
    }

    fn delete(&self) -> String {
        format!("{}/delete", self.base)
    }
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/windows/list.html" %}"#)]
struct List<'a> {
    site: &'a Site,
    base: String,
    lines: Vec<Line>,
    /// The dates at the strip's weeks.
    weeks: Vec<String>,
    draft: &'a Draft,
    errors: &'a Errors,
    news: Option<&'static str>,
    may_write: bool,
}

impl<'a> List<'a> {
    fn field(&'a self, name: &'a str, label: &'a str, value: &'a str, hint: &'a str) -> Field<'a> {
        Field { hint, ..Field::text(name, label, value, self.errors) }
    }

    fn time(&'a self, name: &'a str, label: &'a str, value: &'a str, hint: &'a str) -> Field<'a> {
        Field { kind: "datetime-local", ..self.field(name, label, value, hint) }
    }

    fn zone(&self) -> &'static str {
        self.site.reader.zone.name()
    }
}

async fn show(here: Here, uri: Uri) -> Response {
    let mut asked = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    let news = match asked.take("did").as_str() {
        "made" => Some("The window is there."),
        "ended" => Some("It has ended: alerts go out again."),
        "deleted" => Some("The window is deleted."),
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
    drop(conn);
    let base = format!("{}{}", here.site.prefix, here.path("/maintenance"));
    let week = |n: i64| here.site.reader.date(here.now.plus_micros(n * 7 * DAY));
    Ok(page(
        status,
        &List {
            site: &here.site,
            lines: rows.iter().map(|row| line(here, &base, row)).collect(),
            weeks: (0..4).map(week).collect(),
            draft,
            errors,
            news,
            may_write: here.opened.may_write(),
            base,
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
        None => "ended".to_owned(),
        Some(opening) if opening.from <= now => {
            format!("open until {}", reader.minute(opening.until))
        }
        Some(opening) => {
            format!("{} until {}", reader.minute(opening.from), reader.minute(opening.until))
        }
    };
    let repeats = row.repeat.as_deref().map(|expression| {
        let lasts = words::duration(row.duration.unwrap_or_default());
        format!("{when}; {expression}, {lasts} each time")
    });
    let covers = if bool::from(row.whole_project) {
        "all checks".to_owned()
    } else {
        let checks =
            (!row.checks.is_empty()).then(|| format!("{} checks by name", row.checks.len()));
        let tags = (!row.tags.is_empty()).then(|| format!("tags {}", row.tags.join(", ")));
        [checks, tags].into_iter().flatten().collect::<Vec<_>>().join("; ")
    };
    let title = if row.title.is_empty() { "Window without a title" } else { &row.title };
    Line {
        title: title.to_owned(),
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
    let made = match draft.change(here) {
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
