//! `/sign-in/code`: the second step of a sign-in, for who has a second factor (a passkey goes its own
//! way, `passkeys`). A cookie tells whose
//! password was right, sealed; it opens nothing by itself. Guesses are counted as those at passwords,
//! and apart from them.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use http::header::SET_COOKIE;
use http::request::Parts;

use super::form::{self, Errors, Field, Fields};
use super::sheet::Sheet;
use super::texts;
use super::{Pages, Site, asking, next, passkeys, problem, see_other, session, site};
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::http::cookie;
use crate::service::second_factor;
use crate::store::users;

/// The cookie.
const HALFWAY: &str = "halfway";

pub(super) fn routes() -> Router<Pages> {
    Router::new().route("/sign-in/code", get(show).post(submit))
}

/// Sends who has given their password on to the code.
///
/// # Errors
/// The database is out.
pub(super) async fn ask(ctx: &Context, site: &Site, user_id: i64, next: &str) -> Result<Response> {
    let proof = second_factor::halfway(ctx, user_id).await?;
    let mut response = see_other(site, &next::with("/sign-in/code", next));
    let cookie = cookie::for_a_while(HALFWAY, &proof, second_factor::STEP, site.https)?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

async fn show(State(pages): State<Pages>, head: Parts) -> Response {
    let site = Site::of(&head, &pages.ctx.config);
    let mut query = Fields::parse(head.uri.query().unwrap_or_default().as_bytes());
    let next = query.take("next");
    match who(&pages.ctx, &head).await {
        Ok(Some(user_id)) => {
            let none = Errors::default();
            let shown = asked(&pages.ctx, &site, user_id, &next, &none, StatusCode::OK).await;
            shown.unwrap_or_else(|fault| problem(&site, &fault))
        }
        Ok(None) => see_other(&site, &next::with("/sign-in", next::path(&next))),
        Err(fault) => problem(&site, &fault),
    }
}

/// Who has given their password.
///
/// # Errors
/// The database is out.
pub(super) async fn who(ctx: &Context, head: &Parts) -> Result<Option<i64>> {
    let Some(proof) = cookie::value(&head.headers, HALFWAY) else { return Ok(None) };
    second_factor::who_is_halfway(ctx, proof).await
}

/// The page that asks this user for the second step, by the ways that they have.
///
/// # Errors
/// The database is out.
pub(super) async fn asked(
    ctx: &Context,
    site: &Site,
    user_id: i64,
    next: &str,
    errors: &Errors,
    status: StatusCode,
) -> Result<Response> {
    let ways = second_factor::of_user(ctx, user_id).await?;
    let code = Field {
        hint: if ways.app {
            texts::t("sign-in-code-the-six-digits-that-your")
        } else {
            texts::t("sign-in-code-one-of-your-recovery-codes")
        },
        autocomplete: "one-time-code",
        min_length: 1,
        max_length: 60,
        has_focus: true,
        ..Field::text("code", texts::t("sign-in-code-code"), "", errors)
    };
    let sheet = Sheet {
        problem: errors.summary(),
        fields: vec![code],
        action: next::with("/sign-in/code", next::path(next)),
        button: Some(texts::t("sign-in-code-sign-in")),
        passkey: if ways.passkeys { passkeys::step_button(ctx, site, next) } else { None },
        way_on: Some(("/sign-in".to_owned(), texts::t("sign-in-code-sign-in-as-somebody-else"))),
        ..Sheet::new(site, texts::t("sign-in-code-one-more-step"))
    };
    Ok(sheet.answer(status))
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
    let ctx = &pages.ctx;
    let code = form::read(head, body, ctx).await?.take_trimmed("code");
    let mut query = Fields::parse(head.uri.query().unwrap_or_default().as_bytes());
    let next = query.take("next");
    let Some(user_id) = who(ctx, head).await? else {
        return Ok(see_other(site, &next::with("/sign-in", next::path(&next))));
    };
    match prove(pages, head, user_id, code).await {
        Ok(email) => {
            let response = through(ctx, site, head, user_id, &next).await?;
            tracing::info!(%email, "somebody signed in with a second factor");
            Ok(response)
        }
        Err(fault @ (Fault::Invalid { .. } | Fault::RateLimited { .. })) => {
            let status = match fault {
                Fault::Invalid { .. } => StatusCode::FORBIDDEN,
                _ => asking::status(&fault),
            };
            asked(ctx, site, user_id, &next, &asking::told(fault), status).await
        }
        Err(fault) => Err(fault),
    }
}

/// The session of who has given both.
///
/// # Errors
/// The database refused.
pub(super) async fn through(
    ctx: &Context,
    site: &Site,
    head: &Parts,
    user_id: i64,
    next: &str,
) -> Result<Response> {
    let mut response = session::begin(ctx, site, head, user_id, next::path(next)).await?;
    let cookie = cookie::for_a_while(HALFWAY, "", 0, site.https)?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

/// The address of the account, where the code is right.
async fn prove(pages: &Pages, head: &Parts, user_id: i64, code: String) -> Result<String> {
    let ctx = pages.ctx.clone();
    let user = users::find(&mut ctx.store.read().await?, user_id).await?.ok_or(Fault::NotFound)?;
    let address = site::client(head, &ctx.config).address;
    let guess = pages.codes_of_apps.take(address, &user.email, ctx.clock.steady_micros())?;
    // On a task of its own: a client that hangs up must not cut a transaction short.
    let proven = tokio::spawn(async move { second_factor::prove(&ctx, user_id, &code).await });
    if !proven.await.map_err(Fault::internal)?? {
        tracing::warn!(%address, "a second step of a sign-in failed");
        return Err(Fault::invalid("code", "is not right, or was used already"));
    }
    pages.codes_of_apps.was_right(guess);
    Ok(user.email)
}
