//! `/account`: what somebody says about themselves, their password, and where they are signed in.

mod browser;
mod page;
mod password;
mod profile;
mod sessions;

use axum::Router;
use axum::routing::{get, post};

use super::Pages;

pub(super) fn routes() -> Router<Pages> {
    Router::new()
        .route("/account", get(page::show))
        .route("/account/profile", post(profile::submit))
        .route("/account/password", post(password::submit))
        .route("/account/sessions/end-others", post(sessions::end_others))
        .route("/account/sessions/{id}/end", post(sessions::end))
}
