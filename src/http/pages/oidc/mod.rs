//! `/sign-in/oidc`: signing in by a provider of `OpenID` Connect. The browser goes there with a sealed
//! cookie of ours, and comes back to `/sign-in/oidc/back` with a code that only we can trade in, once.

mod provider;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::header::{LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};

use super::form::Fields;
use super::home::is_set_up;
use super::sheet::Sheet;
use super::texts;
use super::{
    Pages, Site, answer, asking, guesses, next, problem, see_other, session, sign_in_code, site,
};
use crate::clock::SECOND;
use crate::config::Oidc;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::http::cookie;
use crate::secret;
use crate::service::{identities, second_factor};

pub(super) use provider::Provider;
use provider::Way;

/// The cookie, and what is sealed in it.
const COOKIE: &str = "oidc";
/// How long somebody may take at the provider, in seconds.
const LIFE: i64 = 600;

pub(super) fn routes() -> Router<Pages> {
    Router::new().route("/sign-in/oidc", get(go)).route("/sign-in/oidc/back", get(back))
}

/// Whether somebody can sign in so.
pub(super) fn is_on(oidc: &Oidc) -> bool {
    oidc.issuer.is_some()
}

fn redirect(site: &Site) -> String {
    format!("{}/sign-in/oidc/back", site.base)
}

async fn go(State(pages): State<Pages>, head: Parts) -> Response {
    let site = Site::of(&head, &pages.ctx.config);
    match gone(&pages, &site, &head).await {
        Ok(response) => response,
        Err(fault) => here(&site, &fault),
    }
}

async fn gone(pages: &Pages, site: &Site, head: &Parts) -> Result<Response> {
    let ctx = &pages.ctx;
    if !is_on(&ctx.config.oidc) {
        return Err(Fault::NotFound);
    }
    if !is_set_up(ctx).await? {
        return Ok(see_other(site, "/setup"));
    }
    let address = site::client(head, &ctx.config).address;
    pages.ways.take(&guesses::neighbourhood(address), ctx.clock.steady_micros())?;
    let mut query = Fields::parse(head.uri.query().unwrap_or_default().as_bytes());
    let way = match pages.provider.begin(ctx, &redirect(site)).await {
        Ok(way) => way,
        Err(fault) => return Ok(refused(site, &fault)),
    };
    let mut response = answer(StatusCode::SEE_OTHER, String::new());
    let url = HeaderValue::from_str(&way.url).map_err(Fault::internal)?;
    response.headers_mut().insert(LOCATION, url);
    let kept = Kept::new(ctx, way, next::path(&query.take("next")));
    let cookie = cookie::for_a_while(COOKIE, &kept.sealed(ctx), LIFE, site.https)?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

/// What the browser keeps for us meanwhile; it can't read it.
struct Kept {
    ends_at: i64,
    state: String,
    nonce: String,
    verifier: String,
    next: String,
}

impl Kept {
    fn new(ctx: &Context, way: Way, next: &str) -> Self {
        Self {
            ends_at: ctx.now().plus_micros(LIFE * SECOND).epoch_seconds(),
            state: way.state,
            nonce: way.nonce,
            verifier: way.verifier,
            next: next.to_owned(),
        }
    }

    fn sealed(&self, ctx: &Context) -> String {
        let Self { ends_at, state, nonce, verifier, next } = self;
        // None of them has white space.
        ctx.keys.seal(COOKIE, format!("{ends_at} {state} {nonce} {verifier} {next}").as_bytes())
    }

    fn open(ctx: &Context, head: &Parts) -> Option<Self> {
        let bytes = ctx.keys.open(COOKIE, cookie::value(&head.headers, COOKIE)?).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let mut parts = text.split(' ').map(str::to_owned);
        let kept = Self {
            ends_at: parts.next()?.parse().ok()?,
            state: parts.next()?,
            nonce: parts.next()?,
            verifier: parts.next()?,
            next: parts.next()?,
        };
        (ctx.now().epoch_seconds() < kept.ends_at).then_some(kept)
    }
}

async fn back(State(pages): State<Pages>, head: Parts) -> Response {
    let site = Site::of(&head, &pages.ctx.config);
    let mut response = match came_back(&pages, &site, &head).await {
        Ok(response) => response,
        Err(fault) => here(&site, &fault),
    };
    // Whatever came of it, it does not count again.
    if let Ok(cookie) = cookie::for_a_while(COOKIE, "", 0, site.https) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

async fn came_back(pages: &Pages, site: &Site, head: &Parts) -> Result<Response> {
    let ctx = &pages.ctx;
    if !is_on(&ctx.config.oidc) {
        return Err(Fault::NotFound);
    }
    let mut query = Fields::parse(head.uri.query().unwrap_or_default().as_bytes());
    let (code, state) = (query.take("code"), query.take("state"));
    let kept = Kept::open(ctx, head)
        .filter(|kept| secret::equal_in_constant_time(kept.state.as_bytes(), state.as_bytes()));
    let kept = kept.ok_or_else(|| {
        Fault::Forbidden("this sign-in was not begun in this browser, or took too long".to_owned())
    })?;
    if query.has("error") {
        let error = query.take("error");
        tracing::info!(error = error.get(..60).unwrap_or(&error), "an OpenID sign-in was refused");
        return Err(Fault::Forbidden("the provider did not sign you in".to_owned()));
    }
    let Kept { nonce, verifier, next, .. } = &kept;
    // A cookie can be sent again and again, and each time the provider is asked.
    let address = site::client(head, &ctx.config).address;
    pages.ways.take(&guesses::neighbourhood(address), ctx.clock.steady_micros())?;
    let traded = pages.provider.finish(ctx, &redirect(site), &code, nonce, verifier).await;
    let claims = match traded {
        Ok(claims) => claims,
        Err(fault) => return Ok(refused(site, &fault)),
    };
    let own = ctx.clone();
    // On a task of its own: a client that hangs up must not cut a transaction short.
    let user = tokio::spawn(async move { identities::sign_in(&own, &claims).await });
    let user = user.await.map_err(Fault::internal)??;
    // The provider stands for the password, not for the second factor that is asked for here.
    if second_factor::is_on(ctx, user.user_id).await? {
        return sign_in_code::ask(ctx, site, user.user_id, next::path(next)).await;
    }
    let response = session::begin(ctx, site, head, user.user_id, next::path(next)).await?;
    tracing::info!(email = user.email, "somebody signed in by OpenID Connect");
    Ok(response)
}

/// The page for a fault of our own making: a database that is out is not the provider's.
fn here(site: &Site, fault: &Fault) -> Response {
    match fault {
        Fault::Unavailable(_) => problem(site, fault),
        fault => refused(site, fault),
    }
}

/// The page that says why nobody was signed in, and leads back.
fn refused(site: &Site, fault: &Fault) -> Response {
    let (status, line) = match fault {
        Fault::Forbidden(why) => (StatusCode::FORBIDDEN, texts::said(why).as_sentence()),
        Fault::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, texts::t("oidc-out-of-reach")),
        Fault::RateLimited { .. } => {
            let told = asking::told(Fault::RateLimited { retry_after: retry_after(fault) });
            (StatusCode::TOO_MANY_REQUESTS, told.summary().unwrap_or_default())
        }
        fault => return problem(site, fault),
    };
    let sheet = Sheet {
        lines: vec![line],
        way_on: Some(("/sign-in".to_owned(), texts::t("oidc-back-to-the-sign-in"))),
        ..Sheet::new(site, texts::t("oidc-you-are-not-signed-in"))
    };
    sheet.answer(status)
}

fn retry_after(fault: &Fault) -> u64 {
    match fault {
        Fault::RateLimited { retry_after } => *retry_after,
        _ => 0,
    }
}
