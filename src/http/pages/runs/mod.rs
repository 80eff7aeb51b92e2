//! `/projects/{uuid}/runs`: the runs of all checks of a project, the latest first, by result, check
//! and time.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::{StatusCode, Uri};

use super::form::Fields;
use super::pager::Pager;
use super::project::Here;
use super::reader::When;
use super::{Pages, Site, page, texts, words};
use crate::domain::run::RunResult;
use crate::fault::Result;
use crate::store::checks::{self, Name};
use crate::store::runs::{self, Filter, NamedRun};

/// Runs on a page.
const PAGE: i64 = 100;
/// As many checks are offered.
const CHECKS: i64 = 1000;
/// The spans of time to choose from: word of the address, seconds, the key of what people read.
const SPANS: [(&str, i64, &str); 3] = [
    ("day", 86_400, "runs-last-day"),
    ("week", 604_800, "runs-last-week"),
    ("month", 2_592_000, "runs-last-month"),
];

pub(super) fn routes() -> Router<Pages> {
    Router::new().route("/projects/{project}/runs", get(show))
}

/// What the address asks for.
#[derive(Clone, Debug, Default)]
struct Asked {
    result: String,
    check: String,
    span: String,
    page: i64,
}

impl Asked {
    fn read(uri: &Uri) -> Self {
        let mut fields = Fields::parse(uri.query().unwrap_or_default().as_bytes());
        Self {
            result: fields.take("result"),
            check: fields.take("check"),
            span: fields.take("span"),
            page: Pager::number(&fields.take("page")),
        }
    }

    /// What does not fit does not filter.
    fn filter(&self, here: &Here) -> Filter {
        let span = SPANS.iter().find(|(name, ..)| *name == self.span);
        Filter {
            check_id: self.check.parse().ok(),
            result: self.result.parse().ok(),
            since: span.map(|(_, seconds, _)| here.now.plus_seconds(-seconds)),
        }
    }

    fn is_filtered(&self) -> bool {
        ![&self.result, &self.check, &self.span].into_iter().all(String::is_empty)
    }

    fn query(&self) -> String {
        let pairs = [("result", &self.result), ("check", &self.check), ("span", &self.span)];
        let given = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish()
    }
}

/// What a result is called: class, shape, word.
fn word(result: RunResult) -> (&'static str, &'static str, &'static str) {
    match result {
        RunResult::Running => ("running", "▶", "runs-running"),
        RunResult::Success => ("good", "●", "runs-success"),
        RunResult::Fail => ("bad", "▲", "runs-failure"),
        RunResult::Timeout => ("bad", "◆", "runs-too-long"),
        RunResult::Lost => ("", "○", "runs-lost"),
        RunResult::Stopped => ("", "‖", "runs-stopped"),
    }
}

/// A run, as the list shows it.
struct Line {
    mark: (&'static str, &'static str, &'static str),
    name: String,
    href: String,
    began: When,
    clock: String,
    took: String,
    exit: String,
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/runs/list.html" %}"#)]
struct List<'a> {
    site: &'a Site,
    base: String,
    asked: &'a Asked,
    results: Vec<(&'static str, &'static str)>,
    checks: Vec<Name>,
    lines: Vec<Line>,
    pager: Pager,
    help: String,
}

impl List<'_> {
    fn is_check(&self, check: &Name) -> bool {
        self.asked.check == check.check_id.to_string()
    }
}

async fn show(here: Here, uri: Uri) -> Response {
    let shown = list(&here, &uri).await;
    here.answer(shown).await
}

async fn list(here: &Here, uri: &Uri) -> Result<Response> {
    let asked = Asked::read(uri);
    let mut conn = here.ctx().store.read().await?;
    let (filter, offset) = (asked.filter(here), (asked.page - 1) * PAGE);
    let (rows, total) =
        runs::list_of_project(&mut conn, here.project_id(), filter, offset, PAGE).await?;
    let checks = checks::names(&mut conn, here.project_id(), CHECKS).await?;
    drop(conn);
    let base = format!("{}{}", here.site.prefix, here.path("/runs"));
    let query = asked.query();
    let address = if query.is_empty() { base.clone() } else { format!("{base}?{query}") };
    Ok(page(
        StatusCode::OK,
        &List {
            site: &here.site,
            results: RunResult::ALL.iter().map(|r| (r.as_str(), word(*r).2)).collect(),
            checks,
            lines: rows.iter().map(|row| line(here, row)).collect(),
            pager: Pager::new(&address, asked.page, PAGE, total),
            help: format!("{}{}", here.site.prefix, here.path("/help")),
            asked: &asked,
            base,
        },
    ))
}

fn line(here: &Here, row: &NamedRun) -> Line {
    let run = &row.run;
    let reader = &here.site.reader;
    Line {
        mark: word(run.result),
        name: texts::name(&row.check_name).into_owned(),
        href: format!("{}{}", here.site.prefix, here.path(&format!("/checks/{}", run.check_id))),
        began: reader.when(run.started_at, here.now),
        clock: reader.minute(run.started_at),
        took: run.duration.map(words::took).unwrap_or_default(),
        exit: run.exit_status.map(|n| n.to_string()).unwrap_or_default(),
    }
}
