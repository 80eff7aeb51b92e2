//! `/sign-in/passkey`: a passkey as the whole of a sign-in, and `/sign-in/code/passkey`: as its second
//! step. A script asks here for a challenge, has the browser answer it, and sends the answer as a form;
//! what has to be remembered meanwhile goes along in a sealed cookie.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::form::{self, Fields};
use super::texts;
use super::{
    Pages, Site, answer, asking, next, problem, see_other, session, sign_in, sign_in_code, site,
};
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::http::cookie;
use crate::secret;
use crate::service::passkeys::{self, Challenge};
use crate::store::users;

/// The cookie.
const CHALLENGE: &str = "passkey";

/// A button that asks for a passkey; it shows where there is a script.
#[derive(Clone, Debug)]
pub(super) struct Button {
    /// Where the challenge comes from, below the prefix.
    pub(super) begin: &'static str,
    /// Where the answer goes, below the prefix.
    pub(super) finish: String,
}

/// The button that signs in; none where passkeys can't be used.
pub(super) fn sign_in_button(ctx: &Context, site: &Site, next: &str) -> Option<Button> {
    let finish = next::with("/sign-in/passkey", next::path(next));
    usable(ctx, site).then_some(Button { begin: "/sign-in/passkey/begin", finish })
}

/// The button for the second step; none where passkeys can't be used.
pub(super) fn step_button(ctx: &Context, site: &Site, next: &str) -> Option<Button> {
    let finish = next::with("/sign-in/code/passkey", next::path(next));
    usable(ctx, site).then_some(Button { begin: "/sign-in/code/passkey/begin", finish })
}

fn usable(ctx: &Context, site: &Site) -> bool {
    passkeys::obstacle(ctx, &site.base).is_none()
}

pub(super) fn routes() -> Router<Pages> {
    Router::new()
        .route("/sign-in/passkey", post(submit))
        .route("/sign-in/passkey/begin", post(begin))
        .route("/sign-in/code/passkey", post(submit_step))
        .route("/sign-in/code/passkey/begin", post(begin_step))
}

/// A challenge as the script takes it, or why there is none.
pub(super) fn challenge(site: &Site, made: Result<Challenge>) -> Response {
    let (status, text, sealed) = match made {
        Ok(challenge) => (StatusCode::OK, challenge.options, challenge.sealed),
        Err(fault @ (Fault::Internal(_) | Fault::Unavailable(_))) => return problem(site, &fault),
        Err(fault) => {
            let status = asking::status(&fault);
            let errors = super::account::guessed(fault, "password");
            let words = match errors.at("password") {
                Some(wrong) => {
                    texts::t("passkeys-your-password").text("wrong", texts::said(wrong)).plain()
                }
                None => errors.summary().unwrap_or_default().plain(),
            };
            (status, json!({ "error": words }).to_string(), String::new())
        }
    };
    let mut response = answer(status, text);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    match cookie::for_a_while(CHALLENGE, &sealed, passkeys::LIFE, site.https) {
        Ok(line) => {
            response.headers_mut().append(SET_COOKIE, line);
            response
        }
        Err(fault) => problem(site, &fault),
    }
}

/// What the browser kept of the challenge.
pub(super) fn kept(head: &Parts) -> String {
    cookie::value(&head.headers, CHALLENGE).unwrap_or_default().to_owned()
}

/// Has the browser forget the challenge.
pub(super) fn forget(site: &Site, response: &mut Response) -> Result<()> {
    let line = cookie::for_a_while(CHALLENGE, "", 0, site.https)?;
    response.headers_mut().append(SET_COOKIE, line);
    Ok(())
}

async fn begin(State(pages): State<Pages>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let site = Site::of(&head, &pages.ctx.config);
    let made = match form::read(&head, body, &pages.ctx).await {
        Ok(_) => passkeys::begin_sign_in(&pages.ctx, &site.base),
        Err(fault) => Err(fault),
    };
    challenge(&site, made)
}

async fn begin_step(State(pages): State<Pages>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let site = Site::of(&head, &pages.ctx.config);
    challenge(&site, step_begun(&pages.ctx, &site, &head, body).await)
}

async fn step_begun(ctx: &Context, site: &Site, head: &Parts, body: Body) -> Result<Challenge> {
    form::read(head, body, ctx).await?;
    let over = || Fault::Forbidden("This took too long. Sign in again.".to_owned());
    let user_id = sign_in_code::who(ctx, head).await?.ok_or_else(over)?;
    passkeys::begin_second_step(ctx, &site.base, user_id).await
}

fn next_of(head: &Parts) -> String {
    Fields::parse(head.uri.query().unwrap_or_default().as_bytes()).take("next")
}

async fn submit(State(pages): State<Pages>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let site = Site::of(&head, &pages.ctx.config);
    let next = next_of(&head);
    match submitted(&pages, &site, &head, body, &next).await {
        Ok(response) => response,
        Err(fault @ (Fault::Forbidden(_) | Fault::RateLimited { .. })) => {
            let status = asking::status(&fault);
            let words = asking::told(fault).whole.unwrap_or_default();
            sign_in::again(&pages.ctx, &site, &next, words, status)
        }
        Err(fault) => problem(&site, &fault),
    }
}

async fn submitted(
    pages: &Pages,
    site: &Site,
    head: &Parts,
    body: Body,
    next: &str,
) -> Result<Response> {
    let ctx = pages.ctx.clone();
    let credential = form::read(head, body, &ctx).await?.take("credential");
    let (base, sealed) = (site.base.clone(), kept(head));
    let address = site::client(head, &ctx.config).address;
    // Whose passkey it is shows only when it is judged: until then its text stands for the account.
    let account = format!("passkey {}", secret::sha256_hex(&sealed));
    let guess = pages.guesses.take(address, &account, ctx.clock.steady_micros())?;
    // On a task of its own: a client that hangs up must not cut a transaction short.
    let proven =
        tokio::spawn(async move { passkeys::sign_in(&ctx, &base, (&sealed, &credential)).await });
    let user = proven.await.map_err(Fault::internal)?.inspect_err(|_| failed(&address))?;
    pages.guesses.give_back(&guess);
    let mut response =
        session::begin(&pages.ctx, site, head, user.user_id, next::path(next)).await?;
    forget(site, &mut response)?;
    tracing::info!(email = user.email, %address, "somebody signed in with a passkey");
    Ok(response)
}

fn failed(address: &std::net::IpAddr) {
    tracing::warn!(%address, "a sign-in with a passkey failed");
}

async fn submit_step(State(pages): State<Pages>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let site = Site::of(&head, &pages.ctx.config);
    match step_submitted(&pages, &site, &head, body).await {
        Ok(response) => response,
        Err(fault) => problem(&site, &fault),
    }
}

async fn step_submitted(pages: &Pages, site: &Site, head: &Parts, body: Body) -> Result<Response> {
    let ctx = &pages.ctx;
    let credential = form::read(head, body, ctx).await?.take("credential");
    let next = next_of(head);
    let Some(user_id) = sign_in_code::who(ctx, head).await? else {
        return Ok(see_other(site, &next::with("/sign-in", next::path(&next))));
    };
    match step_proven(pages, site, head, user_id, credential).await {
        Ok(email) => {
            let mut response = sign_in_code::through(ctx, site, head, user_id, &next).await?;
            forget(site, &mut response)?;
            tracing::info!(%email, "somebody signed in with a passkey as second factor");
            Ok(response)
        }
        Err(fault @ (Fault::Forbidden(_) | Fault::RateLimited { .. })) => {
            let status = asking::status(&fault);
            sign_in_code::asked(ctx, site, user_id, &next, &asking::told(fault), status).await
        }
        Err(fault) => Err(fault),
    }
}

/// The address of the account, where the passkey is one of its own.
async fn step_proven(
    pages: &Pages,
    site: &Site,
    head: &Parts,
    user_id: i64,
    credential: String,
) -> Result<String> {
    let ctx = pages.ctx.clone();
    let user = users::find(&mut ctx.store.read().await?, user_id).await?.ok_or(Fault::NotFound)?;
    let address = site::client(head, &ctx.config).address;
    let guess = pages.codes_of_apps.take(address, &user.email, ctx.clock.steady_micros())?;
    let (base, sealed) = (site.base.clone(), kept(head));
    let proven = tokio::spawn(async move {
        passkeys::prove_second_step(&ctx, &base, user_id, (&sealed, &credential)).await
    });
    proven.await.map_err(Fault::internal)?.inspect_err(|_| failed(&address))?;
    pages.codes_of_apps.was_right(guess);
    Ok(user.email)
}
