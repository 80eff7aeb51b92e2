//! What the buttons of a check do: each a form of its own, so that it works without JavaScript, and
//! each leads back to where it was pressed.

use axum::extract::{Path, Request};
use axum::response::Response;
use http::HeaderMap;
use http::header::USER_AGENT;
use http::request::Parts;

use super::super::form::{self, Fields};
use super::super::project::{Here, to_its_end};
use super::super::{next, see_other, site};
use super::picked::{self, Picked};
use crate::domain::ping::{MAX_USER_AGENT, Method, Ping, PingKind, Scheme};
use crate::fault::{Fault, Result};
use crate::ingest::Outcome;
use crate::service::{checks, projects};
use crate::store::checks::CheckRow;
use crate::store::projects::Role;

type Name = Path<(String, String)>;

/// A check that somebody who may wants something done with, and the form that says what.
struct Deed {
    row: CheckRow,
    fields: Fields,
    head: Parts,
}

async fn begin(here: &Here, name: &str, request: Request) -> Result<Deed> {
    let (head, body) = request.into_parts();
    let fields = form::read(&head, body, here.ctx()).await?;
    here.need(Role::Editor)?;
    let row = Picked::find(here, name).await?.row;
    Ok(Deed { row, fields, head })
}

/// Back to where the button was: the list, by the form's `next`, or the check.
fn back(here: &Here, deed: &mut Deed, did: &str) -> Response {
    let next = deed.fields.take("next");
    if next.is_empty() {
        return here.go(&format!("{}?did={did}", picked::tail(here, &deed.row)));
    }
    see_other(&here.site, next::path(&next))
}

pub(super) async fn pause(here: Here, Path((_, name)): Name, request: Request) -> Response {
    let done = set_paused(&here, &name, request, true).await;
    here.answer(done).await
}

pub(super) async fn resume(here: Here, Path((_, name)): Name, request: Request) -> Response {
    let done = set_paused(&here, &name, request, false).await;
    here.answer(done).await
}

async fn set_paused(here: &Here, name: &str, request: Request, paused: bool) -> Result<Response> {
    let mut deed = begin(here, name, request).await?;
    let (ctx, project_id, check_id) = (here.ctx().clone(), here.project_id(), deed.row.check_id);
    to_its_end(async move { checks::pause(&ctx, project_id, check_id, paused).await }).await?;
    Ok(back(here, &mut deed, if paused { "paused" } else { "resumed" }))
}

pub(super) async fn ping(here: Here, Path((_, name)): Name, request: Request) -> Response {
    let done = pinged(&here, &name, request).await;
    here.answer(done).await
}

/// Pings the check as its ping URL would, by POST, which counts for every check.
async fn pinged(here: &Here, name: &str, request: Request) -> Result<Response> {
    let mut deed = begin(here, name, request).await?;
    let client = site::client(&deed.head, &here.ctx().config);
    let agent = agent(&deed.head.headers);
    let outcome = here.pages.ingest.submit(here.ctx(), deed.row.check_id, |received_at| Ping {
        received_at,
        signal: PingKind::Success,
        exit_status: None,
        rid: None,
        scheme: if client.https { Scheme::Https } else { Scheme::Http },
        method: Method::Post,
        remote_address: client.address,
        user_agent: agent,
        body: bytes::Bytes::new(),
        body_was_cut: false,
        mail: None,
        took: None,
    });
    match outcome.await {
        Outcome::Stored => Ok(back(here, &mut deed, "pinged")),
        Outcome::NotFound => Err(Fault::NotFound),
        Outcome::TooMany { retry_after } => Err(Fault::RateLimited { retry_after }),
        Outcome::Unavailable => Ok(back(here, &mut deed, "busy")),
    }
}

fn agent(headers: &HeaderMap) -> String {
    let text = headers.get(USER_AGENT).and_then(|line| line.to_str().ok()).unwrap_or_default();
    text.chars().take(MAX_USER_AGENT).collect()
}

pub(super) async fn clone(here: Here, Path((_, name)): Name, request: Request) -> Response {
    let done = cloned(&here, &name, request).await;
    here.answer(done).await
}

async fn cloned(here: &Here, name: &str, request: Request) -> Result<Response> {
    let deed = begin(here, name, request).await?;
    let (ctx, project_id, check_id) = (here.ctx().clone(), here.project_id(), deed.row.check_id);
    let work = async move { checks::clone_of(&ctx, project_id, check_id).await };
    let copy = to_its_end(work).await?;
    let row = Picked::find(here, &copy.to_string()).await?.row;
    Ok(here.go(&format!("{}?did=cloned", picked::tail(here, &row))))
}

pub(super) async fn move_away(here: Here, Path((_, name)): Name, request: Request) -> Response {
    let done = moved(&here, &name, request).await;
    here.answer(done).await
}

async fn moved(here: &Here, name: &str, request: Request) -> Result<Response> {
    let mut deed = begin(here, name, request).await?;
    let wanted = deed.fields.take("project");
    let mut conn = here.ctx().store.read().await?;
    let user_id = here.opened.caller.user_id;
    let target = projects::open_by_uuid(&mut conn, user_id, &wanted, Role::Editor).await?;
    // Two connections at a time would be one more than needed.
    drop(conn);
    let (ctx, from, check_id) = (here.ctx().clone(), here.project_id(), deed.row.check_id);
    let to = target.project_id;
    to_its_end(async move { checks::move_to(&ctx, from, check_id, to).await }).await?;
    let path = format!("/projects/{}/checks/{}?did=moved", target.uuid, deed.row.uuid);
    Ok(see_other(&here.site, &path))
}

pub(super) async fn delete(here: Here, Path((_, name)): Name, request: Request) -> Response {
    let done = deleted(&here, &name, request).await;
    here.answer(done).await
}

async fn deleted(here: &Here, name: &str, request: Request) -> Result<Response> {
    let deed = begin(here, name, request).await?;
    let (ctx, project_id, check_id) = (here.ctx().clone(), here.project_id(), deed.row.check_id);
    to_its_end(async move { checks::delete(&ctx, project_id, check_id).await }).await?;
    Ok(here.go("/checks"))
}
