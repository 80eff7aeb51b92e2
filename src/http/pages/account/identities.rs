//! `/account/identities/unlink`: ends signing in by a provider, for who knows the password.

use axum::extract::{Request, State};
use axum::response::Response;
use http::request::Parts;

use super::super::{Pages, Site, asking, form, session, site};
use super::guessed;
use super::page::{self, Typed};
use crate::fault::{Fault, Result};
use crate::service::identities;
use crate::store::users;

/// The field in which the password is asked for.
pub(super) const PASSWORD: &str = "unlink_password";

pub(super) async fn unlink(State(pages): State<Pages>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let mut site = Site::of(&head, &pages.ctx.config);
    let (id, password) = match form::read(&head, body, &pages.ctx).await {
        Ok(mut fields) => (fields.take("identity").parse().unwrap_or(0), fields.take(PASSWORD)),
        Err(fault) => return page::refused(&site, &fault),
    };
    match unlinked(&pages, &mut site, &head, id, &password).await {
        Ok(response) => response,
        Err(fault) => page::refused(&site, &fault),
    }
}

async fn unlinked(
    pages: &Pages,
    site: &mut Site,
    head: &Parts,
    id: i64,
    password: &str,
) -> Result<Response> {
    let ctx = &pages.ctx;
    let caller = session::need(ctx, site, head).await?;
    match prove(pages, head, caller.user_id, id, password).await {
        Ok(()) => Ok(page::done(site, "unlinked")),
        Err(fault @ (Fault::Invalid { .. } | Fault::RateLimited { .. })) => {
            let status = asking::status(&fault);
            let typed = Typed { errors: guessed(fault, PASSWORD), ..Typed::default() };
            page::again(ctx, site, &caller, &typed, status).await
        }
        Err(fault) => Err(fault),
    }
}

async fn prove(pages: &Pages, head: &Parts, user_id: i64, id: i64, password: &str) -> Result<()> {
    let ctx = &pages.ctx;
    let user = users::find(&mut ctx.store.read().await?, user_id).await?.ok_or(Fault::NotFound)?;
    let address = site::client(head, &ctx.config).address;
    let guess = pages.guesses.take(address, &user.email, ctx.clock.steady_micros())?;
    identities::unlink(ctx, user_id, id, password).await?;
    pages.guesses.was_right(guess);
    Ok(())
}
