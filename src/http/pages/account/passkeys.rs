//! `/account/passkeys`: the passkeys of who is signed in. To add or to remove one asks for the password;
//! guesses at it count as those of a sign-in do.

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;

use super::super::form::{self, Errors, Field, Fields};
use super::super::reader::When;
use super::super::texts::{self, Text};
use super::super::{Pages, Site, asking, page, passkeys as steps, see_other, session, site};
use super::guessed;
use super::page::refused;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::secret::Secret;
use crate::service::passkeys::{self, Challenge};
use crate::service::tokens::Caller;
use crate::service::{names, second_factor, users};

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/account/passkeys.html" %}"#)]
struct Passkeys<'a> {
    site: &'a Site,
    done: Option<&'static str>,
    problem: Option<Text>,
    /// Why there can be none.
    obstacle: Option<&'static str>,
    /// New recovery codes, which are shown this once.
    codes: Vec<String>,
    codes_left: i64,
    rows: Vec<Row>,
    has_app: bool,
    name: Field<'a>,
    password: Field<'a>,
}

struct Row {
    id: i64,
    name: String,
    made: When,
    used: Option<When>,
    /// Without it the password alone signs in.
    is_last: bool,
}

/// What the page says went well, by the word in its address.
const DONE: [(&str, &str); 3] = [
    ("added", "account-passkeys-the-passkey-is-added"),
    ("renamed", "account-passkeys-the-passkey-has-its-new"),
    ("removed", "account-passkeys-the-passkey-is-removed-your"),
];

/// What the page shows besides the passkeys.
#[derive(Default)]
struct Told {
    done: Option<&'static str>,
    errors: Errors,
    name: String,
    codes: Vec<String>,
}

pub(super) async fn show(State(pages): State<Pages>, head: Parts) -> Response {
    let mut site = Site::of(&head, &pages.ctx.config);
    match shown(&pages.ctx, &mut site, &head).await {
        Ok(response) => response,
        Err(fault) => session::refused(&site, &head, &fault),
    }
}

async fn shown(ctx: &Context, site: &mut Site, head: &Parts) -> Result<Response> {
    let caller = session::need(ctx, site, head).await?;
    let what = Fields::parse(head.uri.query().unwrap_or_default().as_bytes()).take("done");
    let done = DONE.iter().find(|(word, _)| *word == what).map(|(_, text)| *text);
    render(ctx, site, &caller, Told { done, ..Told::default() }, StatusCode::OK).await
}

async fn render(
    ctx: &Context,
    site: &Site,
    caller: &Caller,
    told: Told,
    status: StatusCode,
) -> Result<Response> {
    let has_app = second_factor::of_user(ctx, caller.user_id).await?.app;
    let kept = passkeys::list(ctx, caller.user_id).await?;
    let is_last = kept.len() == 1 && !has_app;
    let rows = kept.into_iter().map(|row| Row {
        id: row.passkey_id,
        name: row.name,
        made: site.reader.when(row.created_at, ctx.now()),
        used: row.last_used_at.map(|at| site.reader.when(at, ctx.now())),
        is_last,
    });
    let errors = &told.errors;
    let shown = Passkeys {
        site,
        done: told.done,
        problem: errors.summary(),
        obstacle: passkeys::obstacle(ctx, &site.base),
        codes: told.codes,
        codes_left: second_factor::codes_left(ctx, caller.user_id).await?,
        rows: rows.collect(),
        has_app,
        name: Field {
            hint: texts::t("account-passkeys-what-you-will-know-it"),
            min_length: 1,
            max_length: names::LONGEST,
            ..Field::text("name", texts::t("account-passkeys-name"), &told.name, errors)
        },
        password: Field {
            kind: "password",
            autocomplete: "current-password",
            min_length: 1,
            max_length: users::MAX_PASSWORD,
            ..Field::text("password", texts::t("account-passkeys-your-password"), "", errors)
        },
    };
    Ok(page(status, &shown))
}

pub(super) async fn begin(State(pages): State<Pages>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let mut site = Site::of(&head, &pages.ctx.config);
    let made = begun(&pages, &mut site, &head, body).await;
    steps::challenge(&site, made)
}

async fn begun(pages: &Pages, site: &mut Site, head: &Parts, body: Body) -> Result<Challenge> {
    let ctx = &pages.ctx;
    let password = Secret::new(form::read(head, body, ctx).await?.take("password"));
    let caller = session::need(ctx, site, head).await?;
    let address = site::client(head, &ctx.config).address;
    let email = site.email.as_deref().unwrap_or_default();
    let guess = pages.guesses.take(address, email, ctx.clock.steady_micros())?;
    let made = passkeys::begin_adding(ctx, &site.base, &caller, password.expose()).await?;
    pages.guesses.was_right(guess);
    Ok(made)
}

pub(super) async fn add(State(pages): State<Pages>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let mut site = Site::of(&head, &pages.ctx.config);
    match added(&pages.ctx, &mut site, &head, body).await {
        Ok(response) => response,
        Err(fault) => refused(&site, &fault),
    }
}

async fn added(ctx: &Context, site: &mut Site, head: &Parts, body: Body) -> Result<Response> {
    let mut fields = form::read(head, body, ctx).await?;
    let (name, credential) = (fields.take_trimmed("name"), fields.take("credential"));
    let caller = session::need(ctx, site, head).await?;
    let (own, asker, typed) = (ctx.clone(), caller.clone(), name.clone());
    let (base, sealed, device) = (site.base.clone(), steps::kept(head), session::device(ctx, head));
    // On a task of its own: a client that hangs up must not cut a transaction short.
    let outcome = tokio::spawn(async move {
        let answer = (sealed.as_str(), credential.as_str());
        passkeys::add(&own, &base, &asker, &typed, answer, &device).await
    });
    let mut response = match outcome.await.map_err(Fault::internal)? {
        Ok(passkeys::Added { first: Some((row, codes)) }) => {
            let told = Told { codes, done: Some(DONE[0].1), ..Told::default() };
            let mut response = render(ctx, site, &caller, told, StatusCode::OK).await?;
            session::hand_over(ctx, site, &row, &mut response)?;
            response
        }
        Ok(passkeys::Added { first: None }) => see_other(site, "/account/passkeys?done=added"),
        Err(fault) => again(ctx, site, &caller, fault, name).await?,
    };
    steps::forget(site, &mut response)?;
    Ok(response)
}

/// The page with what did not fit.
async fn again(
    ctx: &Context,
    site: &Site,
    caller: &Caller,
    fault: Fault,
    name: String,
) -> Result<Response> {
    let fits =
        matches!(fault, Fault::Invalid { .. } | Fault::RateLimited { .. } | Fault::Forbidden(_));
    if !fits {
        return Err(fault);
    }
    let status = asking::status(&fault);
    let told = Told { errors: guessed(fault, "password"), name, ..Told::default() };
    render(ctx, site, caller, told, status).await
}

pub(super) async fn rename(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let mut site = Site::of(&head, &pages.ctx.config);
    match renamed(&pages.ctx, &mut site, &head, body, &id).await {
        Ok(response) => response,
        Err(fault) => refused(&site, &fault),
    }
}

async fn renamed(
    ctx: &Context,
    site: &mut Site,
    head: &Parts,
    body: Body,
    id: &str,
) -> Result<Response> {
    let name = form::read(head, body, ctx).await?.take("name");
    let caller = session::need(ctx, site, head).await?;
    match passkeys::rename(ctx, caller.user_id, id_of(id)?, &name).await {
        Ok(()) => Ok(see_other(site, "/account/passkeys?done=renamed")),
        Err(fault) => whole(ctx, site, &caller, fault, "The name").await,
    }
}

pub(super) async fn remove(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let mut site = Site::of(&head, &pages.ctx.config);
    match removed(&pages, &mut site, &head, body, &id).await {
        Ok(response) => response,
        Err(fault) => refused(&site, &fault),
    }
}

async fn removed(
    pages: &Pages,
    site: &mut Site,
    head: &Parts,
    body: Body,
    id: &str,
) -> Result<Response> {
    let ctx = &pages.ctx;
    let password = Secret::new(form::read(head, body, ctx).await?.take("password"));
    let caller = session::need(ctx, site, head).await?;
    let address = site::client(head, &ctx.config).address;
    let email = site.email.as_deref().unwrap_or_default();
    let id = id_of(id)?;
    let outcome = match pages.guesses.take(address, email, ctx.clock.steady_micros()) {
        Ok(guess) => {
            let removed = passkeys::remove(ctx, caller.user_id, id, password.expose()).await;
            removed.map(|()| pages.guesses.was_right(guess))
        }
        Err(fault) => Err(fault),
    };
    match outcome {
        Ok(()) => Ok(see_other(site, "/account/passkeys?done=removed")),
        Err(fault) => whole(ctx, site, &caller, fault, "Your password").await,
    }
}

/// The page with what is wrong with one of the small forms: it stands on top, for there are many.
async fn whole(
    ctx: &Context,
    site: &Site,
    caller: &Caller,
    fault: Fault,
    label: &str,
) -> Result<Response> {
    let status = asking::status(&fault);
    let fault = match fault {
        Fault::Invalid { reason, .. } => Fault::invalid("", format!("{label} {reason}.")),
        fault => fault,
    };
    match fault {
        Fault::Invalid { .. } | Fault::RateLimited { .. } => {
            let told = Told { errors: asking::told(fault), ..Told::default() };
            render(ctx, site, caller, told, status).await
        }
        fault => Err(fault),
    }
}

fn id_of(text: &str) -> Result<i64> {
    text.parse().map_err(|_| Fault::NotFound)
}
