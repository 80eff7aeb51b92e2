//! Who looks at a page: the session's token in the cookie `api_access_token`, which is the same
//! kind of token that the management API takes (`management-api.md`, "Tokens").

use axum::response::Response;
use http::HeaderMap;
use http::header::SET_COOKIE;

use super::Site;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::http::cookie;
use crate::service::tokens::{self, Caller};
use crate::store::tokens::TokenRow;

/// Who is signed in.
///
/// # Errors
/// [`Fault::Unauthenticated`]: nobody.
pub(super) async fn caller(ctx: &Context, headers: &HeaderMap) -> Result<Caller> {
    let text = cookie::token(headers).ok_or_else(|| Fault::Unauthenticated(String::new()))?;
    let caller = tokens::authenticate(ctx, text).await?;
    caller.check_session().map(|()| caller)
}

/// Hands the session's token to the browser, for itself alone: no script sees it, no other site's
/// form carries it.
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
