//! The management API: everything under `/user`, in the conventions of `management-api.md`. This
//! file is its table of commands; `call.rs` is what all of them go through, and each resource has a
//! file of its own. Nothing here decides: that is up to the services.

mod body;
mod call;
mod channels;
mod checks;
mod fault;
mod fields;
mod history;
mod journal;
mod limit;
mod list;
mod profile;
mod projects;
mod query;
mod requests;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodRouter, any, delete, get, post, put};
use http::{HeaderValue, StatusCode, header};

pub use journal::{Inbox, Journal, channel, journal_writer};
pub use limit::Limiter;

use crate::clock::Timestamp;
use crate::context::Context;
use crate::notify::outbound::Outbound;
use crate::secret;
use call::{announced, run};

/// The most that the request line and the headers may have, names and values, in bytes.
const MAX_HEADERS: usize = 8192;

/// What the commands need.
#[derive(Clone, Debug)]
pub struct ManagementState {
    /// What the program shares.
    pub ctx: Context,
    /// Where requests are written down.
    pub journal: Journal,
    /// The limit of requests a second.
    pub limiter: Arc<Limiter>,
    /// The door for the tests of channels.
    pub outbound: Arc<Outbound>,
}

impl ManagementState {
    /// The state, with the limit that the configuration sets.
    #[must_use]
    pub fn new(ctx: Context, journal: Journal, outbound: Arc<Outbound>) -> Self {
        let limiter = Arc::new(Limiter::new(ctx.config.api.requests_per_second));
        Self { ctx, journal, limiter, outbound }
    }
}

/// The id of a request: in its answer's `X-Request-Id`, in the journal, and in the log where
/// something went wrong.
#[derive(Clone, Debug, Default)]
struct RequestId(String);

/// The router for every path that is `/user` or begins with `/user/`, its own 404 and 405 included.
/// It has no fallback, so that it can be merged with others.
pub fn router(state: ManagementState) -> Router {
    let router = account(Router::new());
    let router = project(router);
    let router = check(router);
    let router = unbuilt(router);
    router
        .method_not_allowed_fallback(no_such_method)
        .route("/user", any(no_such_command))
        .route("/user/", any(no_such_command))
        .route("/user/{*path}", any(no_such_command))
        .route_layer(middleware::from_fn(frame))
        .with_state(state)
}

type Commands = Router<ManagementState>;

fn account(router: Commands) -> Commands {
    router
        .route("/user/profile", get(run(profile::read)).put(run(profile::update)))
        .route("/user/token-list", get(run(tokens::list)))
        .route("/user/token", post(run(tokens::create)))
        .route(
            "/user/token/{token_id}",
            get(run(tokens::read)).put(run(tokens::update)).delete(run(tokens::remove)),
        )
        .route("/user/request-list", get(run(requests::list)))
        .route("/user/project-list", get(run(projects::list)))
        .route("/user/project", post(run(projects::create)))
}

fn project(router: Commands) -> Commands {
    let own = get(run(projects::read)).put(run(projects::update)).delete(run(projects::remove));
    let channel = get(run(channels::read)).put(run(channels::update)).delete(run(channels::remove));
    router
        .route(&p(""), own)
        .route(&p("/ping-key"), post(run(projects::renew_ping_key)))
        .route(&p("/check-list"), get(run(checks::list)))
        .route(&p("/check"), post(run(checks::create)))
        .route(&p("/notification-list"), get(run(history::notifications_of_project)))
        .route(&p("/channel-list"), get(run(channels::list)))
        .route(&p("/channel"), post(run(channels::create)))
        .route(&p("/channel/{channel_id}"), channel)
        .route(&p("/channel/{channel_id}/test"), post(run(channels::test)))
}

fn check(router: Commands) -> Commands {
    let own = get(run(checks::read)).put(run(checks::update)).delete(run(checks::remove));
    router
        .route(&c(""), own)
        .route(&c("/ping-list"), get(run(history::pings)))
        .route(&c("/ping/{n}"), get(run(history::ping)))
        .route(&c("/ping/{n}/body"), get(run(history::ping_body)))
        .route(&c("/run-list"), get(run(history::runs)))
        .route(&c("/flip-list"), get(run(history::flips)))
        .route(&c("/notification-list"), get(run(history::notifications_of_check)))
}

/// Commands that are announced and not built yet, with their methods.
fn unbuilt(router: Commands) -> Commands {
    let reads = || get(announced);
    let makes = || post(announced);
    let object = || get(announced).put(announced).delete(announced);
    let table: [(String, MethodRouter<ManagementState>); 22] = [
        ("/user/access-key-list".to_owned(), reads()),
        ("/user/access-key".to_owned(), makes()),
        ("/user/access-key/{access_key_id}".to_owned(), delete(announced)),
        (p("/member-list"), reads()),
        (p("/member"), makes()),
        (p("/member/{user_id}"), put(announced).delete(announced)),
        (p("/check/stats"), reads()),
        (p("/schedule-preview"), reads()),
        (p("/maintenance-list"), reads()),
        (p("/maintenance"), makes()),
        (p("/maintenance/{maintenance_id}"), object()),
        (p("/export"), reads()),
        (p("/import"), makes()),
        (p("/status-page-list"), reads()),
        (p("/status-page"), makes()),
        (p("/status-page/{status_page_id}"), object()),
        (p("/api-key-list"), reads()),
        (p("/api-key"), makes()),
        (p("/api-key/{api_key_id}"), delete(announced)),
        (c("/schedule-preview"), reads()),
        (c("/replay"), reads()),
        (c("/snippet"), reads()),
    ];
    table.into_iter().fold(router, |router, (path, methods)| router.route(&path, methods))
}

fn p(tail: &str) -> String {
    format!("/user/project/{{project_id}}{tail}")
}

fn c(tail: &str) -> String {
    p(&format!("/check/{{check_id}}{tail}"))
}

async fn no_such_command(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    body::discard(&parts.headers, body).await;
    fault::refusal(
        StatusCode::NOT_FOUND,
        "there is no such command: the README lists those there are",
    )
}

async fn no_such_method(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    body::discard(&parts.headers, body).await;
    let message = format!(
        "this command does not know the method {}: the header Allow says which it knows",
        parts.method
    );
    fault::refusal(StatusCode::METHOD_NOT_ALLOWED, &message)
}

/// What every request goes through, known command or not: an id, the bound of its headers, and the
/// headers of every answer.
async fn frame(mut request: Request, next: Next) -> Response {
    let id = secret::random_text::<12>();
    let mut response = if size_of_head(&request) > MAX_HEADERS {
        let (parts, body) = request.into_parts();
        body::discard(&parts.headers, body).await;
        let message = format!("request line and headers may have at most {MAX_HEADERS} bytes");
        fault::refusal(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, &message)
    } else {
        request.extensions_mut().insert(RequestId(id.clone()));
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert("x-request-id", id);
    }
    response
}

/// Bytes of method, target, and the names and values of all headers.
fn size_of_head(request: &Request) -> usize {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let headers = request.headers().iter();
    let headers: usize = headers.map(|(name, value)| name.as_str().len() + value.len()).sum();
    request.method().as_str().len() + target + headers
}

/// A moment as this dialect writes it, or null.
fn time(at: Option<Timestamp>) -> Option<String> {
    at.map(Timestamp::to_rfc3339)
}

/// A measured time in seconds, from microseconds.
#[allow(clippy::cast_precision_loss, reason = "runs are timed up to 72 hours: 39 of 52 bits")]
fn seconds(micros: Option<i64>) -> Option<f64> {
    micros.map(|micros| micros as f64 / 1e6)
}
