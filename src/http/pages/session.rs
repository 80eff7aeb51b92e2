//! Who looks at a page: the session's token in the cookie `api_access_token`, which is the same
//! kind of token that the management API takes (`management-api.md`, "Tokens").
//!
//! The cookie is `HttpOnly` (no script sees it) and `SameSite=Lax` (no other site's form carries
//! it); what changes something asks for our own origin besides. A sign-in always makes a new token,
//! so that nobody can plant one that they know. A token that was made for scripts opens no page.

use axum::response::Response;
use http::header::{SET_COOKIE, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, Method};

use super::nav::Nav;
use super::{Site, next, problem, see_other, site};
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::http::cookie;
use crate::service::sessions;
use crate::service::tokens::{self, Caller, Device};
use crate::store::tokens::TokenRow;
use crate::store::{projects, users};

/// The cookie with the public id of the project that was looked at last.
pub(super) const PROJECT: &str = "project";
/// The most projects that the switch on top shows; the API lists them all.
const SWITCH: i64 = 200;

/// Who is signed in; nobody is no error.
///
/// # Errors
/// The database is out.
pub(super) async fn caller(ctx: &Context, headers: &HeaderMap) -> Result<Option<Caller>> {
    let Some(text) = cookie::token(headers) else { return Ok(None) };
    match tokens::authenticate(ctx, text).await {
        Ok(caller) => Ok(Some(caller).filter(|caller| caller.is_session)),
        Err(Fault::Unauthenticated(_)) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// Who is signed in, whose address and projects the site shows from now on, in their time zone.
///
/// # Errors
/// The database is out.
pub(super) async fn look(ctx: &Context, site: &mut Site, head: &Parts) -> Result<Option<Caller>> {
    let Some(caller) = caller(ctx, &head.headers).await? else { return Ok(None) };
    sessions::mark_used(ctx, &caller).await?;
    let mut conn = ctx.store.read().await?;
    let Some(user) = users::find(&mut conn, caller.user_id).await? else { return Ok(None) };
    let (projects, _) = projects::list_for(&mut conn, caller.user_id, 0, SWITCH).await?;
    let last = cookie::value(&head.headers, PROJECT);
    site.nav = Nav::of(&projects, last, head.uri.path());
    site.reader = site.reader.with_zone(&user.timezone);
    site.is_admin = user.is_admin.into();
    site.email = Some(user.email);
    Ok(Some(caller))
}

/// The same for a page that needs a session.
///
/// # Errors
/// [`Fault::Unauthenticated`]: nobody is signed in, which [`refused`] answers.
pub(super) async fn need(ctx: &Context, site: &mut Site, head: &Parts) -> Result<Caller> {
    let caller = look(ctx, site, head).await?;
    caller.ok_or_else(|| Fault::Unauthenticated("You are not signed in.".to_owned()))
}

/// The answer to a fault: who is not signed in is sent to do that, and comes back afterwards.
pub(super) fn refused(site: &Site, head: &Parts, fault: &Fault) -> Response {
    match fault {
        // A form can't be sent again from there: what follows is the start page.
        Fault::Unauthenticated(_) if head.method == Method::POST => see_other(site, "/sign-in"),
        Fault::Unauthenticated(_) => see_other(site, &next::sign_in(&head.uri)),
        _ => problem(site, fault),
    }
}

/// The browser that a request comes from.
pub(super) fn device(ctx: &Context, head: &Parts) -> Device {
    let name = head.headers.get(USER_AGENT).and_then(|name| name.to_str().ok());
    Device::new(site::client(head, &ctx.config).address, name.unwrap_or_default())
}

/// Signs somebody in who has proven who they are: a new session, in place of the one that the
/// browser had, and on to a page of ours.
///
/// # Errors
/// The database refused.
pub(super) async fn begin(
    ctx: &Context,
    site: &Site,
    head: &Parts,
    user_id: i64,
    path: &str,
) -> Result<Response> {
    let (old, device) = (caller(ctx, &head.headers).await?, device(ctx, head));
    // On a task of its own: a client that hangs up must not cut it short.
    let opened = tokio::spawn(open(ctx.clone(), user_id, device, old));
    let row = opened.await.map_err(Fault::internal)??;
    let mut response = see_other(site, path);
    hand_over(ctx, site, &row, &mut response)?;
    Ok(response)
}

/// A new session in place of the old one.
///
/// # Errors
/// The database refused.
pub(super) async fn open(
    ctx: Context,
    user_id: i64,
    device: Device,
    old: Option<Caller>,
) -> Result<TokenRow> {
    let row = tokens::open_session(&ctx, user_id, &device).await?;
    if let Some(old) = old {
        tokens::end_session(&ctx, &old).await?;
    }
    Ok(row)
}

/// Hands the session's token to the browser.
///
/// # Errors
/// The token can't be signed.
pub(super) fn hand_over(
    ctx: &Context,
    site: &Site,
    row: &TokenRow,
    response: &mut Response,
) -> Result<()> {
    let cookie = cookie::of_session(ctx, row, site.https)?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(())
}

/// Moves the session's end away while it is used.
///
/// # Errors
/// The database refused.
pub(super) async fn renew(
    ctx: &Context,
    site: &Site,
    caller: &Caller,
    response: &mut Response,
) -> Result<()> {
    match tokens::renew_session(ctx, caller).await? {
        Some(row) => hand_over(ctx, site, &row, response),
        None => Ok(()),
    }
}
