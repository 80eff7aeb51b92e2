//! The web pages: rendered here, one stylesheet, no request to any other host, and every one of
//! them works without JavaScript. A page is its handler and its template, side by side; templates
//! are named by their path from the root of the package. Pages decide nothing: what can be done is
//! in `service`.

mod admin;
mod account;
mod api;
mod asking;
mod assets;
mod channels;
mod chart;
mod checks;
mod form;
mod guesses;
mod help;
mod home;
mod live;
mod monitors;
mod invitation;
mod invitations;
mod keys;
mod mail;
mod nav;
mod next;
mod oidc;
mod pager;
mod passkeys;
mod project;
mod reader;
mod requests;
mod runs;
mod register;
mod reset;
mod session;
mod settings;
pub mod setup;
mod sheet;
mod sign_in;
mod sign_in_code;
mod sign_out;
mod site;
mod status_pages;
mod swagger;
mod texts;
mod theme;
mod tokens;
mod tries;
mod visit;
mod vouched;
mod windows;
mod words;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post};
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use ipnet::IpNet;
use tokio::sync::watch;

use crate::clock::SECOND;
use crate::config::Config;
use crate::context::Context;
use crate::fault::Fault;
use crate::ingest::Ingest;
use crate::notify::outbound::Outbound;

use guesses::Guesses;
use live::Hall;
use site::Site;
use texts::Text;
use tries::Tries;

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What the handlers share.
#[derive(Clone, Debug)]
struct Pages {
    ctx: Context,
    /// Where a ping by a page's button goes.
    ingest: Ingest,
    /// By what a test of a channel leaves.
    outbound: Arc<Outbound>,
    /// Guesses at the one-time code, by all clients together: five a minute.
    codes: Arc<Tries<()>>,
    /// Guesses at passwords.
    guesses: Arc<Guesses>,
    /// Guesses at the codes of second factors.
    codes_of_apps: Arc<Guesses>,
    /// Questions for mails and accounts, by the network that they come from.
    asks: Arc<Tries<IpNet>>,
    /// Ways to that provider, by the network that they begin in.
    ways: Arc<Tries<IpNet>>,
    /// Who signs people in besides us.
    provider: Arc<oidc::Provider>,
    /// Where pages that are open hear what changes.
    hall: Arc<Hall>,
}

/// Every page, below the configured prefix: `/`, `/projects/…`, `/setup`, `/sign-in`,
/// `/sign-out`, `/theme`, `/docs/api`, what links in mails lead to (`/mail/…`), and what they need in `/assets/…`.
/// `door` turns true when the server stops taking requests.
pub fn router(
    ctx: Context,
    ingest: Ingest,
    door: watch::Receiver<bool>,
    outbound: Arc<Outbound>,
) -> Router {
    let pages = Pages {
        ctx,
        ingest,
        outbound,
        codes: Arc::new(Tries::new(5, 60 * SECOND)),
        guesses: Arc::default(),
        codes_of_apps: Arc::default(),
        asks: Arc::new(Tries::new(10, 300 * SECOND)),
        ways: Arc::new(Tries::new(100, 300 * SECOND)),
        provider: Arc::default(),
        hall: Arc::new(Hall::new(door)),
    };
    Router::new()
        .route("/", get(home::show))
        .route("/setup", get(setup::show).post(setup::submit))
        .route("/sign-in", get(sign_in::show).post(sign_in::submit))
        .route("/sign-out", post(sign_out::submit))
        .merge(account::routes())
        .merge(oidc::routes())
        .merge(invitation::routes())
        .merge(invitations::routes())
        .merge(passkeys::routes())
        .merge(register::routes())
        .merge(reset::routes())
        .merge(sign_in_code::routes())
        .route("/theme", post(theme::submit))
        .route("/projects/new", get(project::fresh::show).post(project::fresh::submit))
        .merge(checks::routes())
        .route("/projects/{project}/events", get(live::listen))
        .merge(channels::routes())
        .merge(runs::routes())
        .merge(tokens::routes())
        .merge(keys::routes())
        .merge(requests::routes())
        .merge(settings::routes())
        .merge(windows::routes())
        .merge(monitors::routes())
        .merge(help::routes())
        .merge(admin::routes())
        .merge(status_pages::routes())
        .route("/mail/confirm/{token}", get(mail::ask_consent).post(mail::consent))
        .route("/mail/unsubscribe/{token}", get(mail::ask_end).post(mail::end))
        .route("/docs/api", get(api::show))
        .route("/docs/api/renew", post(api::renew))
        .route("/assets/{name}", get(assets::show))
        .route("/assets/swagger/{name}", get(swagger::show))
        .layer(middleware::from_fn(project::remember))
        .layer(middleware::from_fn(texts::choose))
        .layer(middleware::from_fn_with_state(pages.clone(), vouched::sign_in))
        .method_not_allowed_fallback(wrong_method)
        .with_state(pages)
}

/// The page for an address that leads nowhere; none for who asked for something else than a page.
pub fn nowhere(config: &Config, head: &Parts) -> Option<Response> {
    let mut wishes = head.headers.get_all(ACCEPT).iter().filter_map(|wish| wish.to_str().ok());
    let is_browser = wishes.any(|wish| wish.contains("text/html"));
    let looks = head.method == Method::GET;
    (is_browser && looks).then(|| problem(&Site::of(head, config), &Fault::NotFound))
}

async fn wrong_method() -> Response {
    let mut response = answer(StatusCode::METHOD_NOT_ALLOWED, "method not allowed".to_owned());
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

/// A page of its own for what went wrong.
#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/problem.html" %}"#)]
struct Problem<'a> {
    site: &'a Site,
    title: Text,
    text: Text,
}

/// Renders a page.
fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => answer(status, html),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            answer(StatusCode::INTERNAL_SERVER_ERROR, "internal error".to_owned())
        }
    }
}

fn answer(status: StatusCode, html: String) -> Response {
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: browsers then send `Origin: null` with our own forms.
        (REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Sends the browser on to a page of ours, by its path below the prefix.
fn see_other(site: &Site, path: &str) -> Response {
    match HeaderValue::from_str(&format!("{}{path}", site.prefix)) {
        Ok(location) => {
            let mut response = answer(StatusCode::SEE_OTHER, String::new());
            response.headers_mut().insert(LOCATION, location);
            response
        }
        Err(error) => problem(site, &Fault::internal(error)),
    }
}

/// The page for a fault; what only the log may know goes there.
fn problem(site: &Site, fault: &Fault) -> Response {
    let text = texts::said(&fault.to_string());
    let (status, title, text) = match fault {
        Fault::NotFound => (StatusCode::NOT_FOUND, texts::t("mod-not-found"), text),
        Fault::Unauthenticated(_) => {
            (StatusCode::UNAUTHORIZED, texts::t("problem-not-signed-in"), text)
        }
        Fault::Forbidden(_) => (StatusCode::FORBIDDEN, texts::t("problem-not-allowed"), text),
        Fault::Invalid { .. } => (StatusCode::BAD_REQUEST, texts::t("problem-does-not-fit"), text),
        Fault::Conflict(_) => (StatusCode::CONFLICT, texts::t("problem-does-not-fit"), text),
        Fault::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, texts::t("problem-too-large"), text),
        Fault::RateLimited { .. } => {
            (StatusCode::TOO_MANY_REQUESTS, texts::t("problem-too-often"), text)
        }
        Fault::Unavailable(_) => {
            tracing::warn!(%fault, "a page could not be shown");
            let text = texts::t("mod-the-database-does-not-answer");
            (StatusCode::SERVICE_UNAVAILABLE, texts::t("mod-not-available"), text)
        }
        Fault::Internal(_) => {
            tracing::error!(%fault, "a page could not be shown");
            let text = texts::t("mod-this-is-a-mistake-of");
            (StatusCode::INTERNAL_SERVER_ERROR, texts::t("mod-something-broke"), text)
        }
    };
    page(status, &Problem { site, title, text })
}
