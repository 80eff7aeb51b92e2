//! Cookies. First of all `api_access_token`: how a token comes with a request, and how a session's token is
//! handed to the browser (`management-api.md`, "Tokens"). The pages and the management API share it.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::service::tokens;
use crate::store::tokens::TokenRow;

/// The cookie's name.
pub const NAME: &str = "api_access_token";

/// The token that a request's cookies hold; an empty one is none.
#[must_use]
pub fn token(headers: &HeaderMap) -> Option<&str> {
    value(headers, NAME)
}

/// What a request's cookie of this name holds; an empty one is none.
#[must_use]
pub fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, value)| key.trim() == name && !value.trim().is_empty())?;
    Some(value.trim())
}

/// The `Set-Cookie` value that has the browser remember a choice for a year; no script sees it.
///
/// # Errors
/// The value does not fit into a header.
pub fn of_choice(name: &str, value: &str) -> Result<HeaderValue> {
    let year = 365 * 86_400;
    let cookie = format!("{name}={value}; Path=/; Max-Age={year}; HttpOnly; SameSite=Lax");
    HeaderValue::from_str(&cookie).map_err(Fault::internal)
}

/// The `Set-Cookie` value that has the browser bring something back for so many seconds; no script
/// sees it.
///
/// # Errors
/// The value does not fit into a header.
pub fn for_a_while(name: &str, value: &str, seconds: i64, https: bool) -> Result<HeaderValue> {
    let secure = if https { "; Secure" } else { "" };
    let cookie =
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&cookie).map_err(Fault::internal)
}

/// The `Set-Cookie` value that hands a session's token to the browser, for itself alone: no script
/// sees it, and no other site's form carries it.
///
/// # Errors
/// The token can't be signed.
pub fn of_session(ctx: &Context, row: &TokenRow, https: bool) -> Result<HeaderValue> {
    let text = tokens::text_of(ctx, row)?;
    let seconds = i64::from(ctx.config.sessions.minutes) * 60;
    for_a_while(NAME, &text, seconds, https)
}

/// The `Set-Cookie` value that takes the token away from the browser again.
#[must_use]
pub fn cleared(https: bool) -> HeaderValue {
    HeaderValue::from_static(if https {
        "api_access_token=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"
    } else {
        "api_access_token=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(lines: &[&str]) -> Option<String> {
        let mut map = HeaderMap::new();
        for line in lines {
            map.append(COOKIE, HeaderValue::from_str(line).unwrap());
        }
        token(&map).map(str::to_owned)
    }

    #[test]
    fn the_token_is_found_among_other_cookies() {
        assert_eq!(found(&["a=b; api_access_token=x.y.z; c=d"]).as_deref(), Some("x.y.z"));
        assert_eq!(found(&["api_access_token=; api_access_token=x"]).as_deref(), Some("x"));
        assert_eq!(found(&["xapi_access_token=x; api_access_token"]), None);
        assert_eq!(found(&["a=b", "c=d;api_access_token=e.y.j ; f=g"]).as_deref(), Some("e.y.j"));
    }

    proptest! {
        #[test]
        fn any_bytes_as_cookie_are_read_without_a_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            tail in "[ -~]{0,40}",
        ) {
            let mut map = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                map.append(COOKIE, value);
            }
            let tail = format!("{NAME}={tail}");
            map.append(COOKIE, HeaderValue::from_str(&tail).unwrap());
            let found = token(&map);
            prop_assert!(found.is_none_or(|token| !token.is_empty() && !token.contains(';')));
        }
    }
}
