//! `/account`: what somebody says about themselves, their password, the second factor, and where they are signed in.

mod browser;
mod identities;
mod page;
mod passkeys;
mod password;
mod profile;
mod qr;
mod second_factor;
mod sessions;

use axum::Router;
use axum::routing::{get, post};

use super::form::Errors;
use super::texts;
use super::{Pages, words};
use crate::fault::Fault;

pub(super) fn routes() -> Router<Pages> {
    Router::new()
        .route("/account", get(page::show))
        .route("/account/profile", post(profile::submit))
        .route("/account/password", post(password::submit))
        .route("/account/second-factor", get(second_factor::show).post(second_factor::submit))
        .route("/account/identities/unlink", post(identities::unlink))
        .route("/account/passkeys", get(passkeys::show).post(passkeys::add))
        .route("/account/passkeys/begin", post(passkeys::begin))
        .route("/account/passkeys/{id}/rename", post(passkeys::rename))
        .route("/account/passkeys/{id}/remove", post(passkeys::remove))
        .route("/account/sessions/end-others", post(sessions::end_others))
        .route("/account/sessions/{id}/end", post(sessions::end))
}

/// What is wrong with a form that asks for the password in this field, as the page tells it.
pub(super) fn guessed(fault: Fault, field: &str) -> Errors {
    match fault {
        Fault::RateLimited { retry_after } => {
            let time = words::duration(i64::try_from(retry_after).unwrap_or(i64::MAX));
            let reason = texts::t("account-was-wrong-too-often-try").with("time", time).plain();
            Fault::invalid(field, reason).into()
        }
        other => other.into(),
    }
}
