//! `accounts.trusted_header`: a proxy in front of us that has signed somebody in says who it is. Only a
//! peer of `server.trusted_proxies` may say so; from anybody else the header means nothing. Whoever is
//! named has a session from then on, as after any other sign-in, and is asked for no second factor: the
//! proxy stands for the whole sign-in, and for its end.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::COOKIE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use super::home::is_set_up;
use super::{Pages, Site, problem, session};
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::http::cookie;
use crate::http::peer::{self, Connection};
use crate::service::{identities, tokens};
use crate::store::tokens::TokenRow;
use crate::store::users;

/// What is asked for without knowing who asks.
const OPEN_TO_ALL: [&str; 3] = ["/assets/", "/badge/", "/mail/"];

pub(super) async fn sign_in(State(pages): State<Pages>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    let Some(email) = named(&pages.ctx, &head) else {
        return next.run(Request::from_parts(head, body)).await;
    };
    let site = Site::of(&head, &pages.ctx.config);
    let opened = match email {
        Ok(email) => opened(&pages.ctx, &head, &email).await,
        Err(fault) => Err(fault),
    };
    let begun = match opened {
        Ok(Some(row)) => take_along(&pages.ctx, &mut head.headers, &row).map(|()| Some(row)),
        Ok(None) => Ok(None),
        Err(fault) => Err(fault),
    };
    let row = match begun {
        Ok(row) => row,
        Err(fault) => return problem(&site, &fault),
    };
    let mut response = next.run(Request::from_parts(head, body)).await;
    if let Some(row) = row
        && let Err(fault) = session::hand_over(&pages.ctx, &site, &row, &mut response)
    {
        return problem(&site, &fault);
    }
    response
}

/// Whom a proxy names that may; none where the setting is not used or nobody is named.
fn named(ctx: &Context, head: &Parts) -> Option<Result<String>> {
    let name = ctx.config.accounts.trusted_header.as_ref()?;
    let connection = head.extensions.get::<Connection>()?;
    let is_proxy = peer::is_proxy(connection, &ctx.config.server.trusted_proxies);
    let path = head.uri.path();
    if !is_proxy || OPEN_TO_ALL.iter().any(|open| path.starts_with(open)) {
        return None;
    }
    let mut values = head.headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        let why =
            format!("the proxy sends {name} more than once: it has to take away the client’s");
        return Some(Err(Fault::Forbidden(why)));
    }
    let text = value.to_str().unwrap_or_default().trim().to_owned();
    (!text.is_empty()).then_some(Ok(text))
}

/// A new session for who is named; none where they have one, or nobody has an account yet.
async fn opened(ctx: &Context, head: &Parts, email: &str) -> Result<Option<TokenRow>> {
    let old = session::caller(ctx, &head.headers).await?;
    if let Some(old) = &old {
        let user = users::find(&mut ctx.store.read().await?, old.user_id).await?;
        if user.is_some_and(|user| user.email == email.to_lowercase()) {
            return Ok(None);
        }
    }
    if !is_set_up(ctx).await? {
        return Ok(None);
    }
    let (own, email, device) = (ctx.clone(), email.to_owned(), session::device(ctx, head));
    // On a task of its own: a client that hangs up must not cut a transaction short.
    let opened = tokio::spawn(async move {
        let user = identities::vouched_for(&own, &email).await?;
        session::open(own, user.user_id, device, old).await
    });
    opened.await.map_err(Fault::internal)?.map(Some)
}

/// Puts the session's token before the request's own cookies, of which the first counts.
fn take_along(ctx: &Context, headers: &mut HeaderMap, row: &TokenRow) -> Result<()> {
    let old = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let token = format!("{}={}", cookie::NAME, tokens::text_of(ctx, row)?);
    let all: Vec<&str> = std::iter::once(token.as_str()).chain(old).collect();
    let line = HeaderValue::from_str(&all.join("; ")).map_err(Fault::internal)?;
    headers.insert(COOKIE, line);
    Ok(())
}
