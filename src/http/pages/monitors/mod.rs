//! `/projects/{uuid}/monitors`: devices and blacklist monitors of a project, what was seen of them
//! last, and their form. The rules are in `domain::monitor` and `service::monitors`.

mod draft;
mod edit;

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Request};
use axum::response::Response;
use axum::routing::{get, post};
use http::{StatusCode, Uri};

use super::chart::{self, StripRun};
use super::form::{self, Fields};
use super::pager::Pager;
use super::project::{Here, to_its_end};
use super::reader::When;
use super::texts::{self, Text};
use super::{Pages, Site, page, words};
use crate::domain::monitor::{Device, Listing};
use crate::domain::ping::PingKind;
use crate::domain::run::RunResult;
use crate::fault::Result;
use crate::probe::{Found, Looked};
use crate::service::monitors;
use crate::store::monitors::{self as stored, MonitorKind, MonitorRow};
use crate::store::pings::{self, Tail};
use crate::store::projects::Role;

/// Monitors on a page.
const PAGE: i64 = 100;

pub(super) fn routes() -> Router<Pages> {
    let at = |tail: &str| format!("/projects/{{project}}/monitors{tail}");
    Router::new()
        .route(&at(""), get(show))
        .route(&at("/new"), get(edit::fresh).post(edit::create))
        .route(&at("/{monitor}/edit"), get(edit::show).post(edit::save))
        .route(&at("/{monitor}/delete"), post(delete))
}

/// A monitor, as the list shows it.
struct Line {
    name: String,
    /// The page of its check.
    href: String,
    /// As a check's state.
    status: &'static str,
    /// What it is, or where it is noted to be.
    note: String,
    /// Pictures of the last looks.
    strip: String,
    took: String,
    /// The days that are left of its certificate.
    days_left: Option<i64>,
    seen: Option<When>,
    /// What was wrong, a line each.
    wrong: Vec<String>,
    base: String,
}

impl Line {
    fn question(&self) -> Text {
        texts::t("monitors-delete-question").with("name", &self.name)
    }

    fn delete(&self) -> String {
        format!("{}/delete", self.base)
    }
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/monitors/list.html" %}"#)]
struct List<'a> {
    site: &'a Site,
    base: String,
    lines: Vec<Line>,
    pager: Pager,
    news: Option<&'static str>,
    may_write: bool,
}

async fn show(here: Here, uri: Uri) -> Response {
    let shown = list(&here, &uri).await;
    here.answer(shown).await
}

async fn list(here: &Here, uri: &Uri) -> Result<Response> {
    let mut asked = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    let number = Pager::number(&asked.take("page"));
    let news = match asked.take("did").as_str() {
        "made" => Some("monitors-made"),
        "saved" => Some("monitors-saved"),
        "deleted" => Some("monitors-deleted"),
        _ => None,
    };
    let mut conn = here.ctx().store.read().await?;
    let (rows, total) =
        stored::of_project(&mut conn, here.project_id(), (number - 1) * PAGE, PAGE).await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.check_id).collect();
    let most = i64::try_from(chart::MOST).unwrap_or(i64::MAX);
    let tails = pings::tails(&mut conn, &ids, most).await?;
    drop(conn);
    let base = format!("{}{}", here.site.prefix, here.path("/monitors"));
    let mut strips: HashMap<i64, Vec<StripRun>> = HashMap::new();
    for Tail { check_id, kind, duration } in tails {
        let result = match kind {
            PingKind::Success => RunResult::Success,
            PingKind::Fail => RunResult::Fail,
            _ => continue,
        };
        strips.entry(check_id).or_default().push(StripRun { result, duration_micros: duration });
    }
    let lines = rows.iter().map(|row| line(here, &base, row, &strips));
    Ok(page(
        StatusCode::OK,
        &List {
            site: &here.site,
            lines: lines.collect(),
            pager: Pager::new(&base, number, PAGE, total),
            base,
            news,
            may_write: here.opened.may_write(),
        },
    ))
}

fn line(here: &Here, base: &str, row: &MonitorRow, strips: &HashMap<i64, Vec<StripRun>>) -> Line {
    let is_enabled = bool::from(row.is_enabled);
    let (name, note, took, days_left, wrong) = match row.kind {
        MonitorKind::Device => device(row),
        MonitorKind::Blacklist => listing(row),
    };
    let check = here.path(&format!("/checks/{}", row.check_id));
    Line {
        name,
        href: format!("{}{check}", here.site.prefix),
        status: if is_enabled { row.verdict.as_status() } else { "paused" },
        note,
        strip: strips.get(&row.check_id).map_or_else(String::new, |runs| chart::strip(runs)),
        took,
        days_left,
        seen: row.last_checked_at.map(|at| here.site.reader.when(at, here.now)),
        wrong,
        base: format!("{base}/{}", row.monitor_id),
    }
}

type Told = (String, String, String, Option<i64>, Vec<String>);

fn device(row: &MonitorRow) -> Told {
    let device: Device = serde_json::from_str(&row.settings).unwrap_or_default();
    let found: HashMap<String, Found> = serde_json::from_str(&row.results).unwrap_or_default();
    let took = found.values().map(|found| found.latency).max();
    let ends = found.values().filter_map(|found| found.certificate.as_ref());
    let wrong = row.last_error.iter().cloned().collect();
    let note = device.location.clone().unwrap_or_default();
    let took = took.map(words::took).unwrap_or_default();
    (device.name(), note, took, ends.map(|it| it.days_left).min(), wrong)
}

fn listing(row: &MonitorRow) -> Told {
    let target: Option<Listing> = serde_json::from_str(&row.settings).ok();
    let looked: Looked = serde_json::from_str(&row.results).unwrap_or_default();
    let hit = |hit: &crate::probe::Hit| match hit.reason.as_str() {
        "" => hit.zone.clone(),
        reason => format!("{}: {reason}", hit.zone),
    };
    let mut wrong: Vec<String> = looked.listed.iter().map(hit).collect();
    if wrong.is_empty() {
        wrong.extend(row.last_error.clone());
    }
    let note = texts::t("monitors-on-blacklists").plain();
    (target.map(|target| target.target_value).unwrap_or_default(), note, String::new(), None, wrong)
}

async fn delete(here: Here, Path((_, id)): Path<(String, i64)>, request: Request) -> Response {
    let done = deleted(&here, id, request).await;
    here.answer(done).await
}

async fn deleted(here: &Here, id: i64, request: Request) -> Result<Response> {
    let (head, body) = request.into_parts();
    form::read(&head, body, here.ctx()).await?;
    here.need(Role::Editor)?;
    let (ctx, project_id) = (here.ctx().clone(), here.project_id());
    to_its_end(async move { monitors::delete_in(&ctx, project_id, id).await }).await?;
    Ok(here.go("/monitors?did=deleted"))
}
