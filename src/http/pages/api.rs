//! `/docs/api`: the management API in Swagger UI, with "Try it out" under the session's cookie, the
//! models, and each request's `curl` line; and the session's end with a button that moves it away.
//!
//! Swagger UI runs here and nowhere else, under a policy of this page's own, which is that of all
//! pages and one thing more: its stylesheet has its small pictures (arrows, locks) inside, as
//! `data:` addresses. It gets no inline script or style, no `eval`, and no other host: what it asks
//! for, it asks of us. It can't see the session's token, which is in a cookie that no script reads.

use std::borrow::Cow;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::header::CONTENT_SECURITY_POLICY;
use http::request::Parts;
use http::{HeaderValue, StatusCode};

use super::texts;
use super::{Pages, Site, page, see_other, session, site, swagger, words};
use crate::clock::Timestamp;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::service::tokens;

/// The policy of all pages, and pictures inside the stylesheet.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
                      img-src 'self' data:; connect-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/api.html" %}"#)]
struct Api<'a> {
    site: &'a Site,
    /// The address of who is signed in, as a word of a shell.
    email: Cow<'a, str>,
    program: String,
    sheet: String,
    expires_at: Timestamp,
    minutes: u32,
}

impl Api<'_> {
    /// The end of the session as people read it without a script.
    fn until(&self) -> String {
        let text = self.expires_at.to_rfc3339();
        format!("{} UTC", text.get(11..16).unwrap_or(&text))
    }
}

pub(super) async fn show(State(pages): State<Pages>, head: Parts) -> Response {
    let mut site = Site::of(&head, &pages.ctx.config);
    match shown(&pages, &mut site, &head).await {
        Ok(response) => response,
        Err(fault) => session::refused(&site, &head, &fault),
    }
}

async fn shown(pages: &Pages, site: &mut Site, head: &Parts) -> Result<Response> {
    let ctx = &pages.ctx;
    let caller = session::need(ctx, site, head).await?;
    let renewed = tokens::renew_session(ctx, &caller).await?;
    let shown = Api {
        site,
        email: words::shell_word(site.email.as_deref().unwrap_or_default()),
        program: swagger::PROGRAM.address(site),
        sheet: swagger::SHEET.address(site),
        expires_at: renewed.as_ref().map_or(caller.expires_at, |row| row.expires_at),
        minutes: ctx.config.sessions.minutes,
    };
    let mut response = page(StatusCode::OK, &shown);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    if let Some(row) = renewed {
        session::hand_over(ctx, site, &row, &mut response)?;
    }
    Ok(response)
}

/// `POST /docs/api/renew`: the session's end is moved a whole life away, and the page shown again.
pub(super) async fn renew(State(pages): State<Pages>, head: Parts) -> Response {
    let mut site = Site::of(&head, &pages.ctx.config);
    match renewed(&pages.ctx, &mut site, &head).await {
        Ok(response) => response,
        // Back to the page, not to this address, which can't be looked at.
        Err(Fault::Unauthenticated(_)) => see_other(&site, "/docs/api"),
        Err(fault) => session::refused(&site, &head, &fault),
    }
}

async fn renewed(ctx: &Context, site: &mut Site, head: &Parts) -> Result<Response> {
    site::check_origin(head, &ctx.config)?;
    let caller = session::need(ctx, site, head).await?;
    let mut response = see_other(site, "/docs/api");
    if let Some(row) = tokens::prolong_session(ctx, &caller).await? {
        session::hand_over(ctx, site, &row, &mut response)?;
    }
    Ok(response)
}
