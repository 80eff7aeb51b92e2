//! Who looks at a page: the session's token in the cookie `api_access_token`, which is the same
//! kind of token that the management API takes (`management-api.md`, "Tokens").

use axum::response::Response;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use super::Site;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::service::tokens::{self, Caller};
use crate::store::tokens::TokenRow;

const NAME: &str = "api_access_token";

/// Who is signed in.
///
/// # Errors
/// [`Fault::Unauthenticated`]: nobody.
pub(super) async fn caller(ctx: &Context, headers: &HeaderMap) -> Result<Caller> {
    let text = cookie(headers).ok_or_else(|| Fault::Unauthenticated(String::new()))?;
    let caller = tokens::authenticate(ctx, text).await?;
    caller.check_session().map(|()| caller)
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| name.trim() == NAME).map(|(_, value)| value.trim())
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
    let text = tokens::text_of(ctx, row)?;
    let seconds = u64::from(ctx.config.sessions.minutes) * 60;
    let secure = if site.https { "; Secure" } else { "" };
    let cookie =
        format!("{NAME}={text}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let cookie = HeaderValue::from_str(&cookie).map_err(Fault::internal)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=b; x_api_access_token=no"));
        assert_eq!(cookie(&headers), None);
        headers.append(COOKIE, HeaderValue::from_static("c=d;api_access_token=e.y.j ; f=g"));
        assert_eq!(cookie(&headers), Some("e.y.j"));
    }
}
