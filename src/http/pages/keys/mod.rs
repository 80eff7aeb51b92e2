//! `/account/keys`: the access keys that programs of the reader sign their requests of the job list
//! with. The secret of one is shown once, on the page that answers its making.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Request};
use axum::response::Response;
use axum::routing::{get, post};
use http::{StatusCode, Uri};

use super::form::{self, Fields};
use super::project::to_its_end;
use super::reader::When;
use super::texts;
use super::visit::Visit;
use super::{Pages, Site, page, see_other};
use crate::fault::{Fault, Result};
use crate::service::access_keys::{self, MAX_COUNT, NewKey};

const PATH: &str = "/account/keys";

pub(super) fn routes() -> Router<Pages> {
    Router::new()
        .route(PATH, get(show).post(create))
        .route("/account/keys/{key}/revoke", post(revoke))
}

/// A key, as the list shows it.
struct Line {
    key: String,
    since: When,
    used: Option<When>,
    revoke: String,
}

impl Line {
    fn revoking(&self) -> String {
        let key = &self.key;
        texts::t("keys-revoke-the-access-key-whatever").with("key", key).plain()
    }
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/keys/list.html" %}"#)]
struct List<'a> {
    site: &'a Site,
    lines: Vec<Line>,
    is_full: bool,
    /// The key that was just made, with its secret.
    made: Option<&'a NewKey>,
    was_revoked: bool,
    problem: Option<String>,
}

/// What there is to say beside the list.
#[derive(Default)]
struct News {
    made: Option<NewKey>,
    was_revoked: bool,
    problem: Option<String>,
}

async fn show(visit: Visit, uri: Uri) -> Response {
    let mut asked = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    let news = News { was_revoked: asked.take("did") == "revoked", ..News::default() };
    let shown = list(&visit, StatusCode::OK, news).await;
    visit.answer(shown).await
}

async fn list(visit: &Visit, status: StatusCode, news: News) -> Result<Response> {
    let rows = access_keys::list(visit.ctx(), visit.caller.user_id).await?;
    let (now, reader) = (visit.now, &visit.site.reader);
    let is_full = i64::try_from(rows.len()).is_ok_and(|count| count >= MAX_COUNT);
    let lines = rows.into_iter().map(|row| Line {
        revoke: format!("{}{PATH}/{}/revoke", visit.site.prefix, row.access_key),
        key: row.access_key,
        since: reader.when(row.created_at, now),
        used: row.last_used_at.map(|at| reader.when(at, now)),
    });
    Ok(page(
        status,
        &List {
            site: &visit.site,
            lines: lines.collect(),
            is_full,
            made: news.made.as_ref(),
            was_revoked: news.was_revoked,
            problem: news.problem,
        },
    ))
}

async fn create(visit: Visit, request: Request) -> Response {
    let done = made(&visit, request).await;
    visit.answer(done).await
}

async fn made(visit: &Visit, request: Request) -> Result<Response> {
    let (head, body) = request.into_parts();
    form::read(&head, body, visit.ctx()).await?;
    let (ctx, user_id) = (visit.ctx().clone(), visit.caller.user_id);
    match to_its_end(async move { access_keys::create(&ctx, user_id).await }).await {
        Ok(key) => list(visit, StatusCode::OK, News { made: Some(key), ..News::default() }).await,
        Err(Fault::Forbidden(reason)) => {
            let news = News { problem: Some(reason), ..News::default() };
            list(visit, StatusCode::BAD_REQUEST, news).await
        }
        Err(fault) => Err(fault),
    }
}

async fn revoke(visit: Visit, Path(key): Path<String>, request: Request) -> Response {
    let done = revoked(&visit, key, request).await;
    visit.answer(done).await
}

async fn revoked(visit: &Visit, key: String, request: Request) -> Result<Response> {
    let (head, body) = request.into_parts();
    form::read(&head, body, visit.ctx()).await?;
    let (ctx, user_id) = (visit.ctx().clone(), visit.caller.user_id);
    to_its_end(async move { access_keys::revoke(&ctx, user_id, &key).await }).await?;
    Ok(see_other(&visit.site, &format!("{PATH}?did=revoked")))
}
