//! `/register`: an account of one's own, where `accounts.registration` is open. Where mail can be sent
//! the address is proven by a link first, and nothing tells whether it has an account; else address
//! and password are asked for at once.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use http::request::Parts;

use super::form::{self, Errors};
use super::home::is_set_up;
use super::sheet::{self, Sheet};
use super::texts::{self, Text};
use super::{Pages, Site, asking, problem, see_other, session};
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::service::registration::{self, Way};
use crate::service::users;

const TITLE: Text = texts::t("register-make-an-account");

pub(super) fn routes() -> Router<Pages> {
    Router::new()
        .route("/register", get(show).post(submit))
        .route("/register/{token}", get(open).post(take))
}

async fn show(State(pages): State<Pages>, head: Parts) -> Response {
    let site = Site::of(&head, &pages.ctx.config);
    match shown(&pages.ctx, &site).await {
        Ok(response) => response,
        Err(fault) => problem(&site, &fault),
    }
}

async fn shown(ctx: &Context, site: &Site) -> Result<Response> {
    let way = registration::way(ctx)?;
    if !is_set_up(ctx).await? {
        return Ok(see_other(site, "/setup"));
    }
    Ok(asked_for(site, way, "", &Errors::default(), StatusCode::OK))
}

fn asked_for(site: &Site, way: Way, email: &str, errors: &Errors, status: StatusCode) -> Response {
    let mut sheet = Sheet {
        problem: errors.summary(),
        fields: vec![sheet::email(email, errors)],
        action: "/register".to_owned(),
        button: Some(texts::t("register-make-the-account")),
        way_on: Some(("/sign-in".to_owned(), texts::t("register-i-have-an-account-already"))),
        ..Sheet::new(site, TITLE)
    };
    match way {
        Way::AtOnce => {
            sheet.fields.push(sheet::new_password(texts::t("register-password"), errors));
        }
        Way::ByMail => {
            sheet.lines = vec![texts::t("register-a-link-goes-to-your")];
            sheet.button = Some(texts::t("register-send-the-link"));
        }
    }
    sheet.answer(status)
}

async fn submit(State(pages): State<Pages>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let site = Site::of(&head, &pages.ctx.config);
    match submitted(&pages, &site, &head, body).await {
        Ok(response) => response,
        Err(fault) => problem(&site, &fault),
    }
}

async fn submitted(pages: &Pages, site: &Site, head: &Parts, body: Body) -> Result<Response> {
    let way = registration::way(&pages.ctx)?;
    let mut fields = form::read(head, body, &pages.ctx).await?;
    let (email, password) = (fields.take_trimmed("email"), fields.take("password"));
    let mut errors = Errors::default();
    users::normal_email(&email).err().into_iter().for_each(|fault| errors.add(fault));
    if way == Way::AtOnce {
        users::check_password(&password).err().into_iter().for_each(|fault| errors.add(fault));
    }
    if !errors.is_empty() {
        return Ok(asked_for(site, way, &email, &errors, StatusCode::BAD_REQUEST));
    }
    if let Err(fault) = asking::count(pages, head) {
        let status = asking::status(&fault);
        return Ok(asked_for(site, way, &email, &asking::told(fault), status));
    }
    if way == Way::ByMail {
        send(&pages.ctx, email);
        return Ok(on_its_way(site));
    }
    let (ctx, address) = (pages.ctx.clone(), email.clone());
    // On a task of its own: a client that hangs up must not cut a transaction short.
    let made = tokio::spawn(async move { registration::make(&ctx, &address, &password).await });
    match made.await.map_err(Fault::internal)? {
        Ok(user_id) => session::begin(&pages.ctx, site, head, user_id, "/").await,
        Err(fault @ Fault::Invalid { .. }) => {
            Ok(asked_for(site, way, &email, &fault.into(), StatusCode::BAD_REQUEST))
        }
        Err(fault) => Err(fault),
    }
}

/// Beside the answer, whose time must not tell whether the address has an account.
fn send(ctx: &Context, email: String) {
    let ctx = ctx.clone();
    tokio::spawn(async move {
        if let Err(fault) = registration::ask(&ctx, &email).await {
            tracing::warn!(%fault, "no link to a new account was made");
        }
    });
}

fn on_its_way(site: &Site) -> Response {
    let line = texts::t("register-a-link-is-on-its");
    let sheet = Sheet {
        lines: vec![line],
        way_on: Some(("/sign-in".to_owned(), texts::t("register-back-to-the-sign-in"))),
        ..Sheet::new(site, texts::t("register-look-into-your-mail"))
    };
    sheet.answer(StatusCode::OK)
}

fn again() -> (String, Text) {
    ("/register".to_owned(), texts::t("register-ask-for-another-link"))
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
    registration::way(ctx)?;
    let Some(email) = registration::look(ctx, token).await? else {
        return Ok(sheet::dead_link(site, again()));
    };
    let sheet = Sheet {
        lines: vec![texts::t("register-for-the-address").with("email", email)],
        problem: errors.summary(),
        fields: vec![sheet::new_password(texts::t("register-password"), errors)],
        action: format!("/register/{token}"),
        button: Some(texts::t("register-make-the-account")),
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
    match taken(&pages.ctx, &site, &head, token, password).await {
        Ok(response) => response,
        Err(fault) => problem(&site, &fault),
    }
}

async fn taken(
    ctx: &Context,
    site: &Site,
    head: &Parts,
    token: String,
    password: String,
) -> Result<Response> {
    let (own, link) = (ctx.clone(), token.clone());
    let made = tokio::spawn(async move { registration::take(&own, &link, &password).await });
    match made.await.map_err(Fault::internal)? {
        Ok(Some(user_id)) => session::begin(ctx, site, head, user_id, "/").await,
        Ok(None) => Ok(sheet::dead_link(site, again())),
        Err(fault @ Fault::Invalid { .. }) => {
            opened(ctx, site, &token, &fault.into(), StatusCode::BAD_REQUEST).await
        }
        Err(fault) => Err(fault),
    }
}
