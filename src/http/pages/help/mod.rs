//! `/projects/{uuid}/help`: how a job tells its check what it does, with the reader's own URLs; and for
//! who comes from another system (`moving.rs`).

mod moving;

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::{StatusCode, Uri};

use super::checks::language_name;
use super::form::Fields;
use super::project::Here;
use super::{Pages, Site, page, texts};
use crate::domain::snippet::Language;
use crate::fault::Result;
use crate::service::{checks, snippets};
use crate::store;
use crate::store::checks::Name;

/// As many checks are offered.
const CHECKS: i64 = 1000;

pub(super) fn routes() -> Router<Pages> {
    Router::new()
        .route("/projects/{project}/help", get(show))
        .route("/projects/{project}/help/coming-from-healthchecks", get(moving::show))
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/help/show.html" %}"#)]
struct Help<'a> {
    site: &'a Site,
    base: String,
    list: String,
    checks: Vec<Name>,
    chosen: i64,
    /// The ping URL of the check that is chosen; an example where there is none.
    url: String,
    snippets: Vec<(&'static str, String)>,
    programs: Vec<(&'static str, String)>,
    may_write: bool,
}

async fn show(here: Here, uri: Uri) -> Response {
    let shown = help(&here, &uri).await;
    here.answer(shown).await
}

async fn help(here: &Here, uri: &Uri) -> Result<Response> {
    let mut asked = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    let wanted: Option<i64> = asked.take("check").parse().ok();
    let may_write = here.opened.may_write();
    let mut conn = here.ctx().store.read().await?;
    // Ping URLs are for those alone who may ping.
    let names = if may_write {
        store::checks::names(&mut conn, here.project_id(), CHECKS).await?
    } else {
        Vec::new()
    };
    let chosen = names.iter().find(|name| Some(name.check_id) == wanted).or(names.first());
    let row = match chosen {
        Some(name) => {
            let id = name.check_id.to_string();
            Some(checks::find_named(&mut conn, here.project_id(), &id).await?.0)
        }
        None => None,
    };
    drop(conn);
    let endpoint = &here.site.ping_endpoint;
    let of = |language: &Language, row| {
        (language_name(*language), snippets::of_check_at(endpoint, row, *language))
    };
    let snippets = row.iter().flat_map(|row| Language::ALL.iter().map(move |l| of(l, row)));
    let programs = row.as_ref().map(|row| snippets::programs_at(endpoint, row));
    let example = || format!("{endpoint}<uuid of the check>");
    Ok(page(
        StatusCode::OK,
        &Help {
            site: &here.site,
            base: format!("{}{}", here.site.prefix, here.path("/help")),
            list: format!("{}{}", here.site.prefix, here.path("/checks")),
            chosen: row.as_ref().map_or(0, |row| row.check_id),
            url: row.as_ref().map_or_else(example, |row| format!("{endpoint}{}", row.uuid)),
            snippets: snippets.collect(),
            programs: programs.unwrap_or_default(),
            checks: names,
            may_write,
        },
    ))
}
