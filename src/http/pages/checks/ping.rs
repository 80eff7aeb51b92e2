//! `…/checks/{check}/pings/{n}`: one ping with all that came with it, and `…/body`, its body as a
//! file.

use std::borrow::Cow;

use askama::Template;
use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, StatusCode};

use super::super::project::Here;
use super::super::reader::When;
use super::super::texts;
use super::super::{Site, page, words};
use super::log;
use super::picked::{self, Picked};
use crate::domain::ping::Scheme;
use crate::fault::{Fault, Result};
use crate::store::pings::{self, PingRow};

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/checks/ping.html" %}"#)]
struct Opened<'a> {
    site: &'a Site,
    row: &'a PingRow,
    check: Cow<'a, str>,
    /// The address of the check's page, with the prefix.
    base: String,
    when: When,
    class: &'static str,
    shape: &'static str,
    word: &'static str,
    facts: Vec<(&'static str, String)>,
    /// Its body, as text; none where it had none.
    body: Option<String>,
    before: Option<i64>,
    behind: Option<i64>,
}

pub(super) async fn show(
    here: Here,
    Path((_, name, n)): Path<(String, String, String)>,
) -> Response {
    let shown = opened(&here, &name, &n).await;
    here.answer(shown).await
}

async fn find(here: &Here, name: &str, n: &str) -> Result<(Picked, PingRow, Option<Vec<u8>>)> {
    let picked = Picked::find(here, name).await?;
    let n: i64 = n.parse().map_err(|_| Fault::NotFound)?;
    let mut conn = here.ctx().store.read().await?;
    let row = pings::find(&mut conn, picked.row.check_id, n).await?.ok_or(Fault::NotFound)?;
    let body = pings::body(&mut conn, picked.row.check_id, n).await?;
    Ok((picked, row, body))
}

async fn opened(here: &Here, name: &str, n: &str) -> Result<Response> {
    let (picked, row, body) = find(here, name, n).await?;
    let (class, shape, word) = log::word(row.kind);
    Ok(page(
        StatusCode::OK,
        &Opened {
            site: &here.site,
            check: picked::name(&picked.row),
            base: format!("{}{}", here.site.prefix, here.path(&picked::tail(here, &picked.row))),
            when: here.site.reader.when(row.at, here.now),
            class,
            shape,
            word,
            facts: facts(here, &row),
            body: body.map(|body| String::from_utf8_lossy(&body).into_owned()),
            before: Some(row.n - 1).filter(|n| *n > 0),
            behind: Some(row.n + 1).filter(|n| *n <= picked.row.n_pings),
            row: &row,
        },
    ))
}

fn facts(here: &Here, row: &PingRow) -> Vec<(&'static str, String)> {
    let reader = &here.site.reader;
    let is_mail = row.scheme == Scheme::Email;
    let how = if is_mail {
        texts::t("checks-ping-by-mail").plain()
    } else {
        format!("{} {}", row.scheme, row.method)
    };
    let facts = [
        ("checks-ping-received", Some(reader.exact(row.at))),
        ("checks-ping-how", Some(how)),
        ("checks-ping-from", Some(row.remote_address.clone())),
        (
            if is_mail { "checks-ping-sender" } else { "checks-ping-user-agent" },
            Some(row.user_agent.clone()),
        ),
        ("checks-ping-exit-status", row.exit_status.map(|status| status.to_string())),
        ("checks-ping-run", row.rid.clone()),
        ("checks-ping-the-run-took", row.duration.map(words::took)),
        (
            "checks-ping-body",
            Some(
                texts::t("checks-ping-bytes")
                    .with("body_size", reader.number(row.body_size))
                    .plain(),
            ),
        ),
    ];
    let given = |(name, value): (&'static str, Option<String>)| Some((name, value?));
    facts.into_iter().filter_map(given).filter(|(_, value)| !value.is_empty()).collect()
}

/// The body as a file: text that no browser takes for a page.
pub(super) async fn body(
    here: Here,
    Path((_, name, n)): Path<(String, String, String)>,
) -> Response {
    let sent = file(&here, &name, &n).await;
    here.answer(sent).await
}

async fn file(here: &Here, name: &str, n: &str) -> Result<Response> {
    let (_, row, body) = find(here, name, n).await?;
    let mut response = Response::new(Body::from(body.ok_or(Fault::NotFound)?));
    let file = format!("attachment; filename=\"ping-{}.txt\"", row.n);
    let lines: [(HeaderName, &str); 4] = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CONTENT_DISPOSITION, &file),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in lines {
        response.headers_mut().insert(name, HeaderValue::from_str(value).map_err(Fault::internal)?);
    }
    Ok(response)
}
