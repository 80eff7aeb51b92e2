//! `/account/profile`: name and time zone.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;

use super::super::{Pages, Site, form, session};
use super::page::{self, Typed};
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::service::users;

pub(super) async fn submit(State(pages): State<Pages>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let mut site = Site::of(&head, &pages.ctx.config);
    match submitted(&pages.ctx, &mut site, &head, body).await {
        Ok(response) => response,
        Err(fault) => page::refused(&site, &fault),
    }
}

async fn submitted(ctx: &Context, site: &mut Site, head: &Parts, body: Body) -> Result<Response> {
    let mut fields = form::read(head, body, ctx).await?;
    let caller = session::need(ctx, site, head).await?;
    let (name, timezone) = (fields.take_trimmed("name"), fields.take_trimmed("timezone"));
    match users::update_profile(ctx, caller.user_id, Some(&name), Some(&timezone)).await {
        Ok(_) => Ok(page::done(site, "profile")),
        Err(fault @ Fault::Invalid { .. }) => {
            let (name, timezone) = (Some(name), Some(timezone));
            let typed = Typed { name, timezone, errors: fault.into() };
            page::again(ctx, site, &caller, &typed, StatusCode::BAD_REQUEST).await
        }
        Err(fault) => Err(fault),
    }
}
