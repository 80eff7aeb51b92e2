//! `/invitation/…`: what the link of an invitation leads to. The link is the authority. To look at it
//! changes nothing; who is signed in joins with a button, who has no account makes one here.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use http::request::Parts;

use super::form::{self, Errors};
use super::sheet::{self, Sheet};
use super::texts;
use super::{Pages, Site, next, problem, see_other, session};
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::service::invitations::{self, Opened};

pub(super) fn routes() -> Router<Pages> {
    Router::new().route("/invitation/{token}", get(show).post(submit))
}

async fn show(State(pages): State<Pages>, Path(token): Path<String>, head: Parts) -> Response {
    let mut site = Site::of(&head, &pages.ctx.config);
    match shown(&pages.ctx, &mut site, &head, &token).await {
        Ok(response) => response,
        Err(fault) => problem(&site, &fault),
    }
}

async fn shown(ctx: &Context, site: &mut Site, head: &Parts, token: &str) -> Result<Response> {
    session::look(ctx, site, head).await?;
    let Some(opened) = invitations::look(ctx, token).await? else {
        return Ok(dead_link(site));
    };
    Ok(open(site, head, token, &opened, &Errors::default(), StatusCode::OK))
}

fn dead_link(site: &Site) -> Response {
    sheet::dead_link(site, ("/".to_owned(), texts::t("invitation-to-the-start-page")))
}

fn open(
    site: &Site,
    head: &Parts,
    token: &str,
    opened: &Opened,
    errors: &Errors,
    status: StatusCode,
) -> Response {
    let row = &opened.row;
    let title = texts::t("invitation-you-are-invited-to").with("project_name", &row.project_name);
    let mut sheet = Sheet::new(site, title);
    sheet.lines = vec![
        texts::t("invitation-invites-you-to-the-project")
            .with("inviter", &row.inviter)
            .with("role", row.role),
    ];
    sheet.problem = errors.summary();
    sheet.action = format!("/invitation/{token}");
    if let Some(email) = &site.email {
        sheet.lines.push(texts::t("invitation-you-are-signed-in-as").with("email", email));
        sheet.button = Some(texts::t("invitation-join-the-project"));
    } else if opened.has_account {
        sheet.lines.push(texts::t("invitation-has-an-account-sign-in").with("email", &row.email));
        sheet.way_on = Some((next::sign_in(&head.uri), texts::t("invitation-sign-in")));
    } else if opened.may_register {
        sheet.lines.push(texts::t("invitation-make-an-account-for-and").with("email", &row.email));
        sheet.fields = vec![sheet::new_password(texts::t("invitation-password"), errors)];
        sheet.button = Some(texts::t("invitation-make-the-account-and-join"));
        sheet.way_on =
            Some((next::sign_in(&head.uri), texts::t("invitation-i-have-an-account-with")));
    } else {
        let line = texts::t("invitation-accounts-are-made-on-the");
        sheet.lines.push(line);
        sheet.way_on = Some((next::sign_in(&head.uri), texts::t("invitation-sign-in")));
    }
    sheet.answer(status)
}

async fn submit(
    State(pages): State<Pages>,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let mut site = Site::of(&head, &pages.ctx.config);
    match submitted(&pages.ctx, &mut site, &head, body, &token).await {
        Ok(response) => response,
        Err(fault) => problem(&site, &fault),
    }
}

async fn submitted(
    ctx: &Context,
    site: &mut Site,
    head: &Parts,
    body: Body,
    token: &str,
) -> Result<Response> {
    let password = form::read(head, body, ctx).await?.take("password");
    if let Some(caller) = session::look(ctx, site, head).await? {
        let joined = invitations::accept(ctx, caller.user_id, token).await?;
        return Ok(joined.map_or_else(|| dead_link(site), |row| arrive(site, &row.project_uuid)));
    }
    let (own, link) = (ctx.clone(), token.to_owned());
    // On a task of its own: a client that hangs up must not cut a transaction short.
    let made = tokio::spawn(async move { invitations::accept_anew(&own, &link, &password).await });
    match made.await.map_err(Fault::internal)? {
        Ok(Some((user_id, row))) => {
            session::begin(ctx, site, head, user_id, &checks_of(&row.project_uuid)).await
        }
        Ok(None) => Ok(dead_link(site)),
        Err(fault @ Fault::Invalid { .. }) => {
            let Some(opened) = invitations::look(ctx, token).await? else {
                return Ok(dead_link(site));
            };
            Ok(open(site, head, token, &opened, &fault.into(), StatusCode::BAD_REQUEST))
        }
        Err(fault) => Err(fault),
    }
}

fn arrive(site: &Site, project_uuid: &str) -> Response {
    see_other(site, &checks_of(project_uuid))
}

fn checks_of(project_uuid: &str) -> String {
    format!("/projects/{project_uuid}/checks")
}
