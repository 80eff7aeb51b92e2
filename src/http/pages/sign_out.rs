//! `/sign-out`: ends the session at once and on every node, and takes the cookie from the browser.
//! A POST from our own page alone, so that no other site can sign anybody out.

use axum::extract::State;
use axum::response::Response;
use http::header::SET_COOKIE;
use http::request::Parts;

use super::{Pages, Site, problem, see_other, session, site};
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::http::cookie;
use crate::service::tokens;

pub(super) async fn submit(State(pages): State<Pages>, head: Parts) -> Response {
    let site = Site::of(&head, &pages.ctx.config);
    match sign_out(pages.ctx, &head).await {
        Ok(()) => {
            let mut response = see_other(&site, "/sign-in");
            response.headers_mut().append(SET_COOKIE, cookie::cleared(site.https));
            response
        }
        Err(fault) => problem(&site, &fault),
    }
}

async fn sign_out(ctx: Context, head: &Parts) -> Result<()> {
    site::check_origin(head, &ctx.config)?;
    let Some(caller) = session::caller(&ctx, &head.headers).await? else { return Ok(()) };
    // On a task of its own: a client that hangs up is signed out all the same.
    let ended = tokio::spawn(async move { tokens::end_session(&ctx, &caller).await });
    ended.await.map_err(Fault::internal)?
}
