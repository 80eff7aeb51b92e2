//! `/reset`: a new password by a link that is sent to the account's address. Whether an address has
//! an account, nothing here tells: the words, the status and the time are the same.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use http::request::Parts;

use super::form::{self, Errors};
use super::sheet::{self, Sheet};
use super::texts::{self, Text};
use super::{Pages, Site, asking, problem};
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::service::{recovery, users};

const TITLE: Text = texts::t("reset-a-new-password");

pub(super) fn routes() -> Router<Pages> {
    Router::new()
        .route("/reset", get(show).post(submit))
        .route("/reset/{token}", get(open).post(take))
}

/// The way to another link.
fn again() -> (String, Text) {
    ("/reset".to_owned(), texts::t("reset-ask-for-another-link"))
}

async fn show(State(pages): State<Pages>, head: Parts) -> Response {
    let site = Site::of(&head, &pages.ctx.config);
    if pages.ctx.mailer.obstacle().is_some() {
        return no_mail(&site);
    }
    asked_for(&site, "", &Errors::default(), StatusCode::OK)
}

fn no_mail(site: &Site) -> Response {
    let line = texts::t("reset-this-server-sends-no-mail");
    let sheet = Sheet {
        lines: vec![line],
        way_on: Some(("/sign-in".to_owned(), texts::t("reset-back-to-the-sign-in"))),
        ..Sheet::new(site, TITLE)
    };
    sheet.answer(StatusCode::OK)
}

fn asked_for(site: &Site, email: &str, errors: &Errors, status: StatusCode) -> Response {
    let sheet = Sheet {
        lines: vec![texts::t("reset-a-link-to-a-new")],
        problem: errors.summary(),
        fields: vec![sheet::email(email, errors)],
        action: "/reset".to_owned(),
        button: Some(texts::t("reset-send-the-link")),
        ..Sheet::new(site, TITLE)
    };
    sheet.answer(status)
}

async fn submit(State(pages): State<Pages>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let site = Site::of(&head, &pages.ctx.config);
    if pages.ctx.mailer.obstacle().is_some() {
        return no_mail(&site);
    }
    let email = match form::read(&head, body, &pages.ctx).await {
        Ok(mut fields) => fields.take_trimmed("email"),
        Err(fault) => return problem(&site, &fault),
    };
    let checked = users::normal_email(&email).map(drop);
    match checked.and_then(|()| asking::count(&pages, &head)) {
        Ok(()) => {
            send(&pages.ctx, email);
            on_its_way(&site)
        }
        Err(fault) => {
            let status = asking::status(&fault);
            asked_for(&site, &email, &asking::told(fault), status)
        }
    }
}

/// Beside the answer, whose time must not tell whether there was anything to send.
fn send(ctx: &Context, email: String) {
    let ctx = ctx.clone();
    tokio::spawn(async move {
        if let Err(fault) = recovery::ask(&ctx, &email).await {
            tracing::warn!(%fault, "no link to a new password was made");
        }
    });
}

fn on_its_way(site: &Site) -> Response {
    let line = texts::t("reset-if-the-address-has-an");
    let sheet = Sheet {
        lines: vec![line],
        way_on: Some(("/sign-in".to_owned(), texts::t("reset-back-to-the-sign-in"))),
        ..Sheet::new(site, texts::t("reset-look-into-your-mail"))
    };
    sheet.answer(StatusCode::OK)
}

async fn open(State(pages): State<Pages>, Path(token): Path<String>, head: Parts) -> Response {
    let site = Site::of(&head, &pages.ctx.config);
    match opened(&pages.ctx, &site, &token, &Errors::default(), StatusCode::OK).await {
        Ok(response) => response,
        Err(fault) => problem(&site, &fault),
    }
}

async fn opened(
    ctx: &Context,
    site: &Site,
    token: &str,
    errors: &Errors,
    status: StatusCode,
) -> Result<Response> {
    let Some(email) = recovery::look(ctx, token).await? else {
        return Ok(sheet::dead_link(site, again()));
    };
    let line = texts::t("reset-for-the-account-whoever-is").with("email", email);
    let sheet = Sheet {
        lines: vec![line],
        problem: errors.summary(),
        fields: vec![sheet::new_password(texts::t("reset-new-password"), errors)],
        action: format!("/reset/{token}"),
        button: Some(texts::t("reset-set-the-password")),
        ..Sheet::new(site, TITLE)
    };
    Ok(sheet.answer(status))
}

async fn take(State(pages): State<Pages>, Path(token): Path<String>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let site = Site::of(&head, &pages.ctx.config);
    let password = match form::read(&head, body, &pages.ctx).await {
        Ok(mut fields) => fields.take("password"),
        Err(fault) => return problem(&site, &fault),
    };
    match taken(&pages.ctx, &site, token, password).await {
        Ok(response) => response,
        Err(fault) => problem(&site, &fault),
    }
}

async fn taken(ctx: &Context, site: &Site, token: String, password: String) -> Result<Response> {
    let (own, link) = (ctx.clone(), token.clone());
    // On a task of its own: a client that hangs up must not cut a transaction short.
    let set = tokio::spawn(async move { recovery::take(&own, &link, &password).await });
    match set.await.map_err(Fault::internal)? {
        Ok(true) => Ok(done(site)),
        Ok(false) => Ok(sheet::dead_link(site, again())),
        Err(fault @ Fault::Invalid { .. }) => {
            opened(ctx, site, &token, &fault.into(), StatusCode::BAD_REQUEST).await
        }
        Err(fault) => Err(fault),
    }
}

fn done(site: &Site) -> Response {
    let sheet = Sheet {
        lines: vec![texts::t("reset-done")],
        way_on: Some(("/sign-in".to_owned(), texts::t("reset-sign-in"))),
        ..Sheet::new(site, TITLE)
    };
    sheet.answer(StatusCode::OK)
}
