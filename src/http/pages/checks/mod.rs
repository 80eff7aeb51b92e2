//! The checks of a project: the list, one check, its form, and what can be done with it. What can be
//! changed, and by whom, is in `service::checks`.

mod bulk;
mod deeds;
mod draft;
mod edit;
mod list;
mod log;
mod picked;
mod ping;
mod preview;
mod sentence;
mod show;
mod span;

use axum::Router;
use axum::routing::{get, post};

use super::Pages;
pub(in crate::http::pages) use list::{Seen, lines};

pub(super) use show::language_name;

pub(super) fn routes() -> Router<Pages> {
    let at = |tail: &str| format!("/projects/{{project}}/checks{tail}");
    Router::new()
        .route(&at(""), get(list::show))
        .route(&at("/new"), get(edit::fresh).post(edit::create))
        .route(&at("/preview"), get(preview::show))
        .route(&at("/bulk"), post(bulk::submit))
        .route(&at("/{check}"), get(show::show))
        .route(&at("/{check}/edit"), get(edit::show).post(edit::update))
        .route(&at("/{check}/pause"), post(deeds::pause))
        .route(&at("/{check}/resume"), post(deeds::resume))
        .route(&at("/{check}/ping"), post(deeds::ping))
        .route(&at("/{check}/clone"), post(deeds::clone))
        .route(&at("/{check}/move"), post(deeds::move_away))
        .route(&at("/{check}/delete"), post(deeds::delete))
        .route(&at("/{check}/pings/{n}"), get(ping::show))
        .route(&at("/{check}/pings/{n}/body"), get(ping::body))
}
