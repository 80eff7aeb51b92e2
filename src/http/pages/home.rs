//! `/`: what runs here, and where to go from here.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;

use super::{Pages, Site, page, problem};
use crate::context::Context;
use crate::fault::Result;
use crate::store::users;

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/home.html" %}"#)]
struct Home<'a> {
    site: &'a Site,
    is_set_up: bool,
}

pub(super) async fn show(State(pages): State<Pages>, head: Parts) -> Response {
    let site = Site::of(&head, &pages.ctx.config);
    match is_set_up(&pages.ctx).await {
        Ok(is_set_up) => page(StatusCode::OK, &Home { site: &site, is_set_up }),
        Err(fault) => problem(&site, &fault),
    }
}

/// Whether there is a user, so that the first-account page has done its work.
pub(super) async fn is_set_up(ctx: &Context) -> Result<bool> {
    users::any(&mut ctx.store.read().await?).await
}
