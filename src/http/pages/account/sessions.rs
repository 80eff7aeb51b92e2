//! `/account/sessions/…`: ends sessions, at once and on every node.

use axum::extract::{Path, State};
use axum::response::Response;
use http::request::Parts;

use super::super::{Pages, Site, session, site};
use super::page;
use crate::context::Context;
use crate::fault::Result;
use crate::service::sessions;
use crate::service::tokens::Caller;

pub(super) async fn end(State(pages): State<Pages>, Path(id): Path<i64>, head: Parts) -> Response {
    let mut site = Site::of(&head, &pages.ctx.config);
    let ended = match caller(&pages.ctx, &mut site, &head).await {
        Ok(caller) => sessions::end(&pages.ctx, caller.user_id, id).await,
        Err(fault) => Err(fault),
    };
    answer(&site, ended)
}

pub(super) async fn end_others(State(pages): State<Pages>, head: Parts) -> Response {
    let mut site = Site::of(&head, &pages.ctx.config);
    let ended = match caller(&pages.ctx, &mut site, &head).await {
        Ok(caller) => sessions::end_others(&pages.ctx, &caller).await,
        Err(fault) => Err(fault),
    };
    answer(&site, ended)
}

async fn caller(ctx: &Context, site: &mut Site, head: &Parts) -> Result<Caller> {
    site::check_origin(head, &ctx.config)?;
    session::need(ctx, site, head).await
}

fn answer(site: &Site, ended: Result<()>) -> Response {
    match ended {
        Ok(()) => page::done(site, "sessions"),
        Err(fault) => page::refused(site, &fault),
    }
}
