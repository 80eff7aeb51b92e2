//! The channels of a project: the list, one channel with what it was sent, and the form of every
//! kind, made of the table that describes the kind. What can be changed, and by whom, is in
//! `service::channels`.

mod deeds;
mod edit;
mod inputs;
mod kinds;
mod list;
mod log;
mod show;

use axum::Router;
use axum::routing::{get, post};

use super::Pages;

pub(super) fn routes() -> Router<Pages> {
    let at = |tail: &str| format!("/projects/{{project}}/channels{tail}");
    Router::new()
        .route(&at(""), get(list::show))
        .route(&at("/new"), get(edit::fresh).post(edit::create))
        .route(&at("/{channel}"), get(show::show))
        .route(&at("/{channel}/edit"), get(edit::show).post(edit::update))
        .route(&at("/{channel}/test"), post(show::test))
        .route(&at("/{channel}/enable"), post(deeds::enable))
        .route(&at("/{channel}/disable"), post(deeds::disable))
        .route(&at("/{channel}/assign"), post(deeds::assign))
        .route(&at("/{channel}/retry"), post(deeds::retry))
        .route(&at("/{channel}/delete"), post(deeds::delete))
}
