//! `/setup/first-check`: where the first-account page ends. It shows the first check, the lines
//! that ping it, and whether a ping has come. It needs the session that was opened there.

use std::borrow::Cow;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;

use super::{Pages, Site, page, session, words};
use crate::clock::Timestamp;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::store::checks::{CheckRow, Filter};
use crate::store::projects::ProjectRow;
use crate::store::{checks, projects, users};

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/first_check.html" %}"#)]
struct FirstCheck<'a> {
    site: &'a Site,
    project: &'a ProjectRow,
    check: &'a CheckRow,
    /// As a word of a shell.
    email: Cow<'a, str>,
    now: Timestamp,
}

impl FirstCheck<'_> {
    fn url(&self) -> String {
        format!("{}{}", self.site.ping_endpoint, self.check.uuid)
    }

    fn period(&self) -> String {
        words::duration(self.check.settings.period)
    }

    fn grace(&self) -> String {
        words::duration(self.check.settings.grace)
    }

    /// The last ping: its time, and how long ago that is.
    fn last_ping(&self) -> Option<(Timestamp, String)> {
        self.check.last_ping_at.map(|at| (at, words::ago(at, self.now)))
    }
}

pub(super) async fn show(State(pages): State<Pages>, head: Parts) -> Response {
    let mut site = Site::of(&head, &pages.ctx.config);
    match first_check(&pages.ctx, &mut site, &head).await {
        Ok(response) => response,
        Err(fault) => session::refused(&site, &head, &fault),
    }
}

async fn first_check(ctx: &Context, site: &mut Site, head: &Parts) -> Result<Response> {
    let caller = session::need(ctx, site, head).await?;
    let site = &*site;
    let now = ctx.now();
    let mut conn = ctx.store.read().await?;
    let user = users::find(&mut conn, caller.user_id).await?.ok_or(Fault::NotFound)?;
    let (projects, _) = projects::list_for(&mut conn, caller.user_id, 0, 1).await?;
    let project = projects.first().ok_or(Fault::NotFound)?;
    let filter = Filter::default();
    let (checks, _) = checks::list(&mut conn, project.project_id, &filter, now, 0, 1).await?;
    // Two connections at a time would be one more than needed.
    drop(conn);
    let check = checks.first().ok_or(Fault::NotFound)?;
    let email = words::shell_word(&user.email);
    let shown = FirstCheck { site, project, check, email, now };
    let mut response = page(StatusCode::OK, &shown);
    session::renew(ctx, site, &caller, &mut response).await?;
    Ok(response)
}
