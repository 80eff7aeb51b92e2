//! `/account/second-factor`: an authenticator app besides the password, and the recovery codes for who
//! has lost it.

use askama::Template;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;

use super::super::form::{self, Errors, Field};
use super::super::texts::{self, Text};
use super::super::{Pages, Site, asking, page, session, site};
use super::page::refused;
use super::{guessed, qr};
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::secret::Secret;
use crate::service::second_factor::{self, Offer};
use crate::service::tokens::Caller;
use crate::service::users;

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/account/second_factor.html" %}"#)]
struct SecondFactor<'a> {
    site: &'a Site,
    problem: Option<Text>,
    password: Field<'a>,
    state: Stage<'a>,
}

/// What the page is about.
enum Stage<'a> {
    /// There is none: a secret for the app.
    Off { offer: Box<Offer>, qr: qr::Code, code: Box<Field<'a>> },
    /// There is one.
    On { codes_left: i64 },
    /// New recovery codes, which are shown this once.
    Codes(Vec<String>),
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
    again(ctx, site, &caller, "", &Errors::default(), StatusCode::OK).await
}

/// The page as it is now, with what is wrong with its form.
async fn again(
    ctx: &Context,
    site: &Site,
    caller: &Caller,
    sealed: &str,
    errors: &Errors,
    status: StatusCode,
) -> Result<Response> {
    let state = if second_factor::of_user(ctx, caller.user_id).await?.app {
        Stage::On { codes_left: second_factor::codes_left(ctx, caller.user_id).await? }
    } else {
        let email = site.email.as_deref().unwrap_or_default();
        let offer = second_factor::offer_again(ctx, caller.user_id, email, sealed)?;
        let code = Field {
            hint: texts::t("account-second-factor-the-six-digits-that-the"),
            autocomplete: "one-time-code",
            min_length: 6,
            max_length: 7,
            ..Field::text("code", texts::t("account-second-factor-code"), "", errors)
        };
        Stage::Off { qr: qr::Code::of(&offer.url)?, offer: Box::new(offer), code: Box::new(code) }
    };
    Ok(render(site, state, errors, status))
}

fn render(site: &Site, state: Stage<'_>, errors: &Errors, status: StatusCode) -> Response {
    let password = Field {
        kind: "password",
        autocomplete: "current-password",
        min_length: 1,
        max_length: users::MAX_PASSWORD,
        ..Field::text("password", texts::t("account-second-factor-your-password"), "", errors)
    };
    page(status, &SecondFactor { site, problem: errors.summary(), password, state })
}

pub(super) async fn submit(State(pages): State<Pages>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let mut site = Site::of(&head, &pages.ctx.config);
    match submitted(&pages, &mut site, &head, body).await {
        Ok(response) => response,
        Err(fault) => refused(&site, &fault),
    }
}

/// What was typed.
struct Typed {
    what: String,
    password: Secret,
    sealed: String,
    code: String,
}

async fn submitted(pages: &Pages, site: &mut Site, head: &Parts, body: Body) -> Result<Response> {
    let ctx = &pages.ctx;
    let mut fields = form::read(head, body, ctx).await?;
    let typed = Typed {
        what: fields.take("do"),
        password: Secret::new(fields.take("password")),
        sealed: fields.take("sealed"),
        code: fields.take_trimmed("code"),
    };
    let caller = session::need(ctx, site, head).await?;
    let sealed = typed.sealed.clone();
    match done(pages, site, head, &caller, typed).await {
        Err(fault @ (Fault::Invalid { .. } | Fault::RateLimited { .. } | Fault::Conflict(_))) => {
            let status = asking::status(&fault);
            let errors = guessed(fault, "password");
            again(ctx, site, &caller, &sealed, &errors, status).await
        }
        other => other,
    }
}

async fn done(
    pages: &Pages,
    site: &Site,
    head: &Parts,
    caller: &Caller,
    typed: Typed,
) -> Result<Response> {
    let (ctx, user_id) = (pages.ctx.clone(), caller.user_id);
    let address = site::client(head, &ctx.config).address;
    let email = site.email.as_deref().unwrap_or_default();
    let guess = pages.guesses.take(address, email, ctx.clock.steady_micros())?;
    let (own, device) = (ctx.clone(), session::device(&ctx, head));
    // On a task of its own: a client that hangs up must not cut a transaction short.
    let outcome = tokio::spawn(async move {
        let password = typed.password.expose();
        Ok(match typed.what.as_str() {
            "begin" => {
                let given = (typed.sealed.as_str(), typed.code.as_str());
                let (row, codes) =
                    second_factor::begin(&own, user_id, password, given, &device).await?;
                (Some(row), false, Some(codes))
            }
            "codes" => {
                (None, false, Some(second_factor::new_codes(&own, user_id, password).await?))
            }
            "end" => (None, second_factor::end(&own, user_id, password).await?, None),
            _ => return Err(Fault::invalid("", "there is no such button on the page")),
        })
    });
    let (row, is_alone, codes) = outcome.await.map_err(Fault::internal)??;
    pages.guesses.was_right(guess);
    let Some(codes) = codes else {
        return Ok(super::page::done(site, if is_alone { "password-alone" } else { "no-app" }));
    };
    let none = Errors::default();
    let mut response = render(site, Stage::Codes(codes), &none, StatusCode::OK);
    if let Some(row) = row {
        session::hand_over(&ctx, site, &row, &mut response)?;
    }
    Ok(response)
}
