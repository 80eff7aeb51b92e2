//! `/account/requests`: the journal of the commands that the reader's tokens ran.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::{StatusCode, Uri};

use super::form::Fields;
use super::pager::Pager;
use super::reader::When;
use super::texts;
use super::visit::Visit;
use super::{Pages, Site, page};
use crate::fault::Result;
use crate::store::journal::{self, Filter, RequestRow};

/// Requests on a page.
const PAGE: i64 = 100;

pub(super) fn routes() -> Router<Pages> {
    Router::new().route("/account/requests", get(show))
}

/// A request, and when it came.
struct Line {
    row: RequestRow,
    when: When,
}

impl Line {
    /// How the status looks: a class and a shape.
    fn mark(&self) -> (&'static str, &'static str) {
        if self.row.status < 400 { ("good", "●") } else { ("bad", "▲") }
    }
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/requests/list.html" %}"#)]
struct List<'a> {
    site: &'a Site,
    subject: &'a str,
    status: &'a str,
    lines: Vec<Line>,
    pager: Pager,
}

async fn show(visit: Visit, uri: Uri) -> Response {
    let shown = list(&visit, &uri).await;
    visit.answer(shown).await
}

async fn list(visit: &Visit, uri: &Uri) -> Result<Response> {
    let mut asked = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    let (subject, status) = (asked.take_trimmed("subject"), asked.take_trimmed("status"));
    let number = Pager::number(&asked.take("page"));
    let filter = Filter {
        subject: (!subject.is_empty()).then(|| subject.clone()),
        status: status.parse().ok(),
        ..Filter::default()
    };
    let mut conn = visit.ctx().store.read().await?;
    let offset = (number - 1) * PAGE;
    let (rows, total) =
        journal::list(&mut conn, visit.caller.user_id, &filter, offset, PAGE).await?;
    drop(conn);
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("subject", &subject), ("status", &status)])
        .finish();
    let address = format!("{}/account/requests?{query}", visit.site.prefix);
    let line = |row: RequestRow| Line { when: visit.site.reader.when(row.at, visit.now), row };
    Ok(page(
        StatusCode::OK,
        &List {
            site: &visit.site,
            subject: &subject,
            status: &status,
            lines: rows.into_iter().map(line).collect(),
            pager: Pager::new(&address, number, PAGE, total),
        },
    ))
}
