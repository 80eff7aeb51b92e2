//! `/projects/{uuid}/settings`: the project itself: its name and ping key, its members, its file, its
//! end; and how another one is made. What a role allows is in `service`.

mod deeds;
mod show;

use axum::Router;
use axum::routing::{get, post};

use super::Pages;

pub(super) fn routes() -> Router<Pages> {
    let at = |tail: &str| format!("/projects/{{project}}/settings{tail}");
    Router::new()
        .route(&at(""), get(show::show))
        .route(&at("/name"), post(deeds::rename))
        .route(&at("/ping-key"), post(deeds::rotate))
        .route(&at("/api-keys"), post(deeds::make_key))
        .route(&at("/api-keys/{key}/revoke"), post(deeds::revoke_key))
        .route(&at("/members/{user}"), post(deeds::set_role))
        .route(&at("/members/{user}/remove"), post(deeds::remove))
        .route(&at("/export"), get(deeds::export))
        .route(&at("/import"), post(deeds::import))
        .route(&at("/delete"), post(deeds::delete))
        .route(&at("/another"), post(deeds::another))
}
