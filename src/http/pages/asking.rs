//! Questions that anybody may put without an account, each of which costs a mail or a hash: so many
//! within a while from one address.

use http::StatusCode;
use http::request::Parts;

use super::form::Errors;
use super::texts;
use super::{Pages, guesses, site, words};
use crate::fault::{Fault, Result};

/// Counts a question from this address.
///
/// # Errors
/// [`Fault::RateLimited`]: there were too many.
pub(super) fn count(pages: &Pages, head: &Parts) -> Result<()> {
    let address = site::client(head, &pages.ctx.config).address;
    pages.asks.take(&guesses::neighbourhood(address), pages.ctx.clock.steady_micros())
}

/// A fault of a form as its page tells it, with the time to wait in words.
pub(super) fn told(fault: Fault) -> Errors {
    match fault {
        Fault::RateLimited { retry_after } => {
            let time = words::duration(i64::try_from(retry_after).unwrap_or(i64::MAX));
            let whole = Some(texts::t("asking-that-was-too-often-try").with("time", time).plain());
            Errors { whole, ..Errors::default() }
        }
        other => other.into(),
    }
}

/// The status of a form that failed so.
pub(super) fn status(fault: &Fault) -> StatusCode {
    match fault {
        Fault::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Fault::Forbidden(_) => StatusCode::FORBIDDEN,
        Fault::Conflict(_) => StatusCode::CONFLICT,
        _ => StatusCode::BAD_REQUEST,
    }
}
