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
use super::{Pages, Site, asking, problem};
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::service::{recovery, users};

const TITLE: &str = "A new password";

pub(super) fn routes() -> Router<Pages> {
    Router::new()
        .route("/reset", get(show).post(submit))
        .route("/reset/{token}", get(open).post(take))
}

/// The way to another link.
fn again() -> (String, &'static str) {
    ("/reset".to_owned(), "Ask for another link")
}

async fn show(State(pages): State<Pages>, head: Parts) -> Response {
    let site = Site::of(&head, &pages.ctx.config);
    if pages.ctx.mailer.obstacle().is_some() {
        return no_mail(&site);
    }
    asked_for(&site, "", &Errors::default(), StatusCode::OK)
}

fn no_mail(site: &Site) -> Response {
    let line = "This server sends no mail. Whoever runs it sets a new password on its command line, \
                with “overdue user passwd” and your address.";
    let sheet = Sheet {
        lines: vec![line.to_owned()],
        way_on: Some(("/sign-in".to_owned(), "Back to the sign-in")),
        ..Sheet::new(site, TITLE)
    };
    sheet.answer(StatusCode::OK)
}

fn asked_for(site: &Site, email: &str, errors: &Errors, status: StatusCode) -> Response {
    let sheet = Sheet {
        lines: vec!["A link to a new password goes to the address of your account.".to_owned()],
        problem: errors.summary(),
        fields: vec![sheet::email(email, errors)],
        action: "/reset".to_owned(),
        button: Some("Send the link"),
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
    let line = "If the address has an account, a link is on its way there. It holds for an hour, and \
                once. Nothing came? Look among unwanted mail, or try again in a minute.";
    let sheet = Sheet {
        lines: vec![line.to_owned()],
        way_on: Some(("/sign-in".to_owned(), "Back to the sign-in")),
        ..Sheet::new(site, "Look into your mail")
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
    let line = format!("For the account {email}. Whoever is signed in with it is signed out.");
    let sheet = Sheet {
        lines: vec![line],
        problem: errors.summary(),
        fields: vec![sheet::new_password("New password", errors)],
        action: format!("/reset/{token}"),
        button: Some("Set the password"),
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
        lines: vec!["The account has its new password. Sign in with it.".to_owned()],
        way_on: Some(("/sign-in".to_owned(), "Sign in")),
        ..Sheet::new(site, TITLE)
    };
    sheet.answer(StatusCode::OK)
}
