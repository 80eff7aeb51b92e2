//! `/`: the checks of the project that was looked at last, for who is signed in; for everybody else
//! what runs here, and where to go from here.

use std::borrow::Cow;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;

use super::texts;
use super::{Pages, Site, page, problem, see_other, session, words};
use crate::context::Context;
use crate::fault::Result;
use crate::store::users;

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/home.html" %}"#)]
struct Home<'a> {
    site: &'a Site,
    is_set_up: bool,
}

/// What who is signed in and belongs to no project finds there.
#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/start.html" %}"#)]
struct Start<'a> {
    site: &'a Site,
    /// Their address as a word of a shell.
    email: Cow<'a, str>,
}

pub(super) async fn show(State(pages): State<Pages>, head: Parts) -> Response {
    let mut site = Site::of(&head, &pages.ctx.config);
    match home(&pages.ctx, &mut site, &head).await {
        Ok(response) => response,
        Err(fault) => problem(&site, &fault),
    }
}

async fn home(ctx: &Context, site: &mut Site, head: &Parts) -> Result<Response> {
    let Some(caller) = session::look(ctx, site, head).await? else {
        let is_set_up = is_set_up(ctx).await?;
        return Ok(page(StatusCode::OK, &Home { site, is_set_up }));
    };
    if let Some(nav) = &site.nav {
        let mut response = see_other(site, &format!("/projects/{}/checks", nav.uuid));
        session::renew(ctx, site, &caller, &mut response).await?;
        return Ok(response);
    }
    let email = words::shell_word(site.email.as_deref().unwrap_or_default());
    let mut response = page(StatusCode::OK, &Start { site, email });
    session::renew(ctx, site, &caller, &mut response).await?;
    Ok(response)
}

/// Whether there is a user, so that the first-account page has done its work.
pub(super) async fn is_set_up(ctx: &Context) -> Result<bool> {
    users::any(&mut ctx.store.read().await?).await
}
