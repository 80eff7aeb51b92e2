//! `/sign-in`: email address and password. A plain form: it works without JavaScript, and keeps
//! what was typed, save the password, when it fails.
//!
//! Nothing here tells whether an address has an account: the words, the status, the work (Argon2,
//! off the async threads) and the limit of guesses are the same. A sign-in opens a new session with
//! a token of its own and ends the one that the browser had.

use askama::Template;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::RETRY_AFTER;
use http::request::Parts;
use http::{HeaderValue, StatusCode};

use super::home::is_set_up;
use super::texts;
use super::{
    Pages, Site, form, next, page, passkeys, problem, see_other, session, sign_in_code, site, words,
};
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::secret::Secret;
use crate::service::{registration, second_factor, users};

/// What was typed.
struct Form {
    email: String,
    password: Secret,
    next: String,
}

impl Form {
    fn read(mut given: form::Fields) -> Self {
        Self {
            email: given.take_trimmed("email"),
            password: Secret::new(given.take("password")),
            next: given.take("next"),
        }
    }
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/sign_in.html" %}"#)]
struct SignIn<'a> {
    site: &'a Site,
    email: &'a str,
    /// Where to go afterwards: a path of ours.
    next: &'a str,
    problem: Option<String>,
    /// A mail can lead to a new password.
    may_reset: bool,
    /// Whoever has no account may make one.
    may_register: bool,
    /// The host of a provider that signs people in, and where that begins.
    provider: Option<(String, String)>,
    passkey: Option<passkeys::Button>,
}

impl<'a> SignIn<'a> {
    fn new(ctx: &Context, site: &'a Site, form: &'a Form, problem: Option<String>) -> Self {
        Self {
            site,
            email: &form.email,
            next: next::path(&form.next),
            problem,
            may_reset: ctx.mailer.obstacle().is_none(),
            may_register: registration::way(ctx).is_ok(),
            provider: provider(ctx)
                .map(|host| (host, next::with("/sign-in/oidc", next::path(&form.next)))),
            passkey: passkeys::sign_in_button(ctx, site, &form.next),
        }
    }
}

/// The host of the provider of `oidc.issuer`.
fn provider(ctx: &Context) -> Option<String> {
    let issuer = ctx.config.oidc.issuer.as_deref()?;
    let host = url::Url::parse(issuer).ok()?.host_str().map(str::to_owned);
    Some(host.unwrap_or_else(|| issuer.to_owned()))
}

pub(super) async fn show(State(pages): State<Pages>, head: Parts) -> Response {
    let site = Site::of(&head, &pages.ctx.config);
    match shown(&pages.ctx, &site, &head).await {
        Ok(response) => response,
        Err(fault) => problem(&site, &fault),
    }
}

async fn shown(ctx: &Context, site: &Site, head: &Parts) -> Result<Response> {
    let query = head.uri.query().unwrap_or_default();
    let form = Form::read(form::Fields::parse(query.as_bytes()));
    if session::caller(ctx, &head.headers).await?.is_some() {
        return Ok(see_other(site, next::path(&form.next)));
    }
    if !is_set_up(ctx).await? {
        return Ok(see_other(site, "/setup"));
    }
    Ok(page(StatusCode::OK, &SignIn::new(ctx, site, &form, None)))
}

pub(super) async fn submit(State(pages): State<Pages>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let site = Site::of(&head, &pages.ctx.config);
    let form = match form::read(&head, body, &pages.ctx).await {
        Ok(fields) => Form::read(fields),
        Err(fault) => return problem(&site, &fault),
    };
    match take(&pages, &site, &head, &form).await {
        Ok(response) => response,
        Err(Fault::RateLimited { retry_after }) => wait(&pages.ctx, &site, &form, retry_after),
        Err(fault) => problem(&site, &fault),
    }
}

async fn take(pages: &Pages, site: &Site, head: &Parts, form: &Form) -> Result<Response> {
    let ctx = &pages.ctx;
    let address = site::client(head, &ctx.config).address;
    let guess = pages.guesses.take(address, &form.email, ctx.clock.steady_micros())?;
    let Some(user) = users::sign_in(ctx, &form.email, form.password.expose()).await? else {
        // What was typed as an address may be a password: it does not go into the log.
        tracing::warn!(%address, "a sign-in failed");
        return Ok(wrong(ctx, site, form));
    };
    pages.guesses.was_right(guess);
    if second_factor::is_on(ctx, user.user_id).await? {
        return sign_in_code::ask(ctx, site, user.user_id, next::path(&form.next)).await;
    }
    let response = session::begin(ctx, site, head, user.user_id, next::path(&form.next)).await?;
    tracing::info!(email = user.email, %address, "somebody signed in");
    Ok(response)
}

/// The page with what went wrong with another way in.
pub(super) fn again(
    ctx: &Context,
    site: &Site,
    next: &str,
    problem: String,
    status: StatusCode,
) -> Response {
    let form = Form { email: String::new(), password: Secret::new(""), next: next.to_owned() };
    page(status, &SignIn::new(ctx, site, &form, Some(problem)))
}

fn wrong(ctx: &Context, site: &Site, form: &Form) -> Response {
    let problem = texts::t("sign-in-the-email-address-or-the").plain();
    page(StatusCode::FORBIDDEN, &SignIn::new(ctx, site, form, Some(problem)))
}

fn wait(ctx: &Context, site: &Site, form: &Form, seconds: u64) -> Response {
    let time = words::duration(i64::try_from(seconds).unwrap_or(i64::MAX));
    let problem = texts::t("sign-in-there-were-too-many-wrong").with("time", time).plain();
    let shown = SignIn::new(ctx, site, form, Some(problem));
    let mut response = page(StatusCode::TOO_MANY_REQUESTS, &shown);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}
