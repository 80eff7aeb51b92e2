//! `/projects/{uuid}/settings/invitations`: who is invited to a project, for its owners.

use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use http::request::Parts;

use super::form::{self, Errors, Field};
use super::reader::When;
use super::sheet;
use super::texts;
use super::{Pages, Site, asking, page, project, see_other, session, site};
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::service::invitations::{self, Sent};
use crate::service::members;
use crate::store::invitations::InvitationRow;
use crate::store::projects::Role;

pub(super) fn routes() -> Router<Pages> {
    let path = "/projects/{uuid}/settings/invitations";
    Router::new()
        .route(path, get(show).post(invite))
        .route(&format!("{path}/{{id}}/withdraw"), post(withdraw))
}

/// What was typed, and what came of it.
#[derive(Debug, Default)]
struct Typed {
    email: String,
    role: String,
    errors: Errors,
    /// Who was invited by mail just now.
    invited: Option<String>,
    /// The link that is shown this once.
    link: Option<String>,
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/invitations.html" %}"#)]
struct Invitations<'a> {
    site: &'a Site,
    project_uuid: &'a str,
    project_name: &'a str,
    typed: &'a Typed,
    email: Field<'a>,
    roles: Vec<(&'static str, &'static str)>,
    rows: Vec<Row>,
}

struct Row {
    email: String,
    role: &'static str,
    inviter: String,
    ends: When,
    question: String,
    action: String,
}

/// What each role may do, as a member reads it.
const ROLES: [(&str, &str); 3] = [
    (Role::Viewer.as_str(), "invitations-viewer-looks-at-everything"),
    (Role::Editor.as_str(), "invitations-editor-changes-checks-and-channels"),
    (Role::Owner.as_str(), "invitations-owner-says-who-belongs-to"),
];

async fn show(State(pages): State<Pages>, Path(uuid): Path<String>, head: Parts) -> Response {
    let mut site = Site::of(&head, &pages.ctx.config);
    let typed = Typed::default();
    match shown(&pages.ctx, &mut site, &head, &uuid, &typed, StatusCode::OK).await {
        Ok(response) => response,
        Err(fault) => session::refused(&site, &head, &fault),
    }
}

async fn shown(
    ctx: &Context,
    site: &mut Site,
    head: &Parts,
    uuid: &str,
    typed: &Typed,
    status: StatusCode,
) -> Result<Response> {
    let opened = project::of(ctx, site, head, uuid).await?;
    let project = &opened.project;
    let rows = invitations::list(ctx, opened.caller.user_id, project.project_id).await?;
    let base = format!("/projects/{}/settings/invitations", project.uuid);
    let row = |row: InvitationRow| Row {
        question: texts::t("invitations-withdraw-the-invitation-of-its")
            .with("email", &row.email)
            .plain(),
        action: format!("{}{base}/{}/withdraw", site.prefix, row.invitation_id),
        role: row.role.as_str(),
        ends: site.reader.when(row.expires_at, ctx.now()),
        email: row.email,
        inviter: row.inviter,
    };
    let rows = rows.into_iter().map(row).collect();
    let shown = Invitations {
        site,
        project_uuid: &project.uuid,
        project_name: &project.project_name,
        typed,
        email: sheet::email(&typed.email, &typed.errors),
        roles: ROLES.to_vec(),
        rows,
    };
    Ok(page(status, &shown))
}

async fn invite(
    State(pages): State<Pages>,
    Path(uuid): Path<String>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let mut site = Site::of(&head, &pages.ctx.config);
    match invited(&pages.ctx, &mut site, &head, body, &uuid).await {
        Ok(response) => response,
        Err(fault) => session::refused(&site, &head, &fault),
    }
}

async fn invited(
    ctx: &Context,
    site: &mut Site,
    head: &Parts,
    body: Body,
    uuid: &str,
) -> Result<Response> {
    let mut fields = form::read(head, body, ctx).await?;
    let (email, role) = (fields.take_trimmed("email"), fields.take_trimmed("role"));
    let opened = project::of(ctx, site, head, uuid).await?;
    let (caller_id, project_id) = (opened.caller.user_id, opened.project.project_id);
    let sent = match members::role(&role) {
        Ok(role) => {
            let (ctx, email) = (ctx.clone(), email.clone());
            // On a task of its own: a client that hangs up must not cut a transaction short.
            let made = tokio::spawn(async move {
                invitations::create(&ctx, caller_id, project_id, &email, role).await
            });
            made.await.map_err(Fault::internal)?
        }
        Err(fault) => Err(fault),
    };
    let (typed, status) = match sent {
        Ok(Sent::ByMail) => (Typed { invited: Some(email), ..Typed::default() }, StatusCode::OK),
        Ok(Sent::Path(path)) => {
            let link = Some(format!("{}{path}", site.base));
            (Typed { link, invited: Some(email), ..Typed::default() }, StatusCode::OK)
        }
        Err(fault @ Fault::Invalid { .. }) => {
            let status = asking::status(&fault);
            (Typed { email, role, errors: fault.into(), ..Typed::default() }, status)
        }
        Err(fault) => return Err(fault),
    };
    shown(ctx, site, head, uuid, &typed, status).await
}

async fn withdraw(
    State(pages): State<Pages>,
    Path((uuid, id)): Path<(String, i64)>,
    head: Parts,
) -> Response {
    let mut site = Site::of(&head, &pages.ctx.config);
    match withdrawn(&pages.ctx, &mut site, &head, &uuid, id).await {
        Ok(()) => see_other(&site, &format!("/projects/{uuid}/settings/invitations")),
        Err(fault) => session::refused(&site, &head, &fault),
    }
}

async fn withdrawn(
    ctx: &Context,
    site: &mut Site,
    head: &Parts,
    uuid: &str,
    id: i64,
) -> Result<()> {
    site::check_origin(head, &ctx.config)?;
    let opened = project::of(ctx, site, head, uuid).await?;
    let project_id = opened.project.project_id;
    invitations::withdraw(ctx, opened.caller.user_id, project_id, id).await
}
