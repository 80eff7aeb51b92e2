//! `/account/password`: another password, for who knows the present one. Guesses at that one count as
//! those of a sign-in do.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::request::Parts;

use super::super::form;
use super::super::{Pages, Site, asking, session, site};
use super::guessed;
use super::page::{self, Typed};
use crate::fault::{Fault, Result};
use crate::secret::Secret;
use crate::service::tokens::Caller;
use crate::service::users::{self, OLD_PASSWORD};
use crate::store::tokens::TokenRow;

pub(super) async fn submit(State(pages): State<Pages>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let mut site = Site::of(&head, &pages.ctx.config);
    match submitted(&pages, &mut site, &head, body).await {
        Ok(response) => response,
        Err(fault) => page::refused(&site, &fault),
    }
}

async fn submitted(pages: &Pages, site: &mut Site, head: &Parts, body: Body) -> Result<Response> {
    let ctx = &pages.ctx;
    let mut fields = form::read(head, body, ctx).await?;
    let (old, new) = (Secret::new(fields.take(OLD_PASSWORD)), Secret::new(fields.take("password")));
    let caller = session::need(ctx, site, head).await?;
    let fault = match change(pages, site, head, &caller, old, new).await {
        Ok(row) => {
            let mut response = page::done(site, "password");
            session::hand_over(ctx, site, &row, &mut response)?;
            return Ok(response);
        }
        Err(fault @ (Fault::Invalid { .. } | Fault::RateLimited { .. })) => fault,
        Err(fault) => return Err(fault),
    };
    let status = asking::status(&fault);
    let typed = Typed { errors: guessed(fault, OLD_PASSWORD), ..Typed::default() };
    page::again(ctx, site, &caller, &typed, status).await
}

async fn change(
    pages: &Pages,
    site: &Site,
    head: &Parts,
    caller: &Caller,
    old: Secret,
    new: Secret,
) -> Result<TokenRow> {
    // First, so that a new password that is too short costs no guess.
    users::check_password(new.expose())?;
    let address = site::client(head, &pages.ctx.config).address;
    let email = site.email.as_deref().unwrap_or_default();
    let guess = pages.guesses.take(address, email, pages.ctx.clock.steady_micros())?;
    let (ctx, device) = (pages.ctx.clone(), session::device(&pages.ctx, head));
    let user_id = caller.user_id;
    // On a task of its own: a client that hangs up must not cut a transaction short.
    let changed = tokio::spawn(async move {
        users::change_password(&ctx, user_id, old.expose(), new.expose(), &device).await
    });
    let row = changed.await.map_err(Fault::internal)??;
    pages.guesses.was_right(guess);
    Ok(row)
}
