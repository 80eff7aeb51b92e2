//! `/projects/{uuid}/channels`: the channels of a project, a page at a time.

use std::collections::HashMap;

use askama::Template;
use axum::response::Response;
use http::{StatusCode, Uri};

use super::super::form::Fields;
use super::super::pager::Pager;
use super::super::project::Here;
use super::super::reader::When;
use super::super::texts;
use super::super::{Site, page};
use super::kinds;
use crate::fault::Result;
use crate::store::channels::{self, ChannelRow};

/// Channels on a page.
const PAGE: i64 = 100;

/// How a channel stands: a class, a shape and a word.
pub(super) type State = (&'static str, &'static str, &'static str);

/// How a channel stands, by what came of it last.
pub(super) fn state(row: &ChannelRow) -> State {
    if bool::from(row.disabled) {
        ("paused", "‖", "channels-disabled")
    } else if row.last_error.is_some() {
        ("bad", "▲", "channels-failing")
    } else if row.last_sent_at.is_some() {
        ("good", "●", "channels-works")
    } else {
        ("new", "○", "channels-not-used-yet")
    }
}

/// A line of the list.
struct Line<'a> {
    row: &'a ChannelRow,
    href: String,
    kind: String,
    state: State,
    sent: Option<When>,
    checks: String,
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/channels/list.html" %}"#)]
struct List<'a> {
    site: &'a Site,
    base: String,
    lines: Vec<Line<'a>>,
    pager: Pager,
    may_write: bool,
    did: bool,
}

pub(super) async fn show(here: Here, uri: Uri) -> Response {
    let shown = list(&here, &uri).await;
    here.answer(shown).await
}

async fn list(here: &Here, uri: &Uri) -> Result<Response> {
    let mut asked = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    let number = Pager::number(&asked.take("page"));
    let mut conn = here.ctx().store.read().await?;
    let (rows, total) =
        channels::list(&mut conn, here.project_id(), (number - 1) * PAGE, PAGE).await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.channel_id).collect();
    let counts: HashMap<i64, i64> =
        channels::count_checks(&mut conn, &ids).await?.into_iter().collect();
    drop(conn);
    let base = format!("{}{}", here.site.prefix, here.path("/channels"));
    let reader = &here.site.reader;
    let line = |row| Line {
        row,
        href: format!("{base}/{}", row.uuid),
        kind: kinds::title(&row.kind),
        state: state(row),
        sent: row.last_sent_at.map(|at| reader.when(at, here.now)),
        checks: reader.number(counts.get(&row.channel_id).copied().unwrap_or_default()),
    };
    Ok(page(
        StatusCode::OK,
        &List {
            site: &here.site,
            lines: rows.iter().map(line).collect(),
            pager: Pager::new(&base, number, PAGE, total),
            may_write: here.opened.may_write(),
            did: asked.take("did") == "deleted",
            base,
        },
    ))
}
