//! The management API: everything under `/user`, in the conventions of `management-api.md`. This
//! file is its table of commands; `call.rs` is what all of them go through, and each resource has a
//! file of its own. Nothing here decides: that is up to the services.

mod access_keys;
mod api_keys;
mod body;
mod call;
mod channel_config;
mod channels;
mod checks;
mod command;
mod fields;
mod history;
mod list;
mod maintenance;
mod members;
mod model;
mod openapi;
mod previews;
mod profile;
mod projects;
mod query;
mod replay;
mod requests;
mod snippets;
mod span;
mod stats;
mod status_pages;
mod tokens;
mod transfer;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodRouter, any, get};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};

use crate::config::Config;
use crate::context::Context;
use crate::http::fatal as fault;
use crate::http::journal::Journal;
use crate::http::limit::Limiter;
use crate::notify::outbound::Outbound;
use crate::secret;
use command::Command;

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

/// A resource of the API: what its commands are about.
#[derive(Clone, Debug)]
struct Resource {
    name: &'static str,
    text: &'static str,
    commands: Vec<Command>,
}

/// The table of all commands, by resource, in the order in which the description shows them.
fn resources(config: &Config) -> Vec<Resource> {
    let resource = |name, text, commands| Resource { name, text, commands };
    vec![
        resource("Profile", "Who you are.", profile::commands()),
        resource("Tokens", "What scripts sign in with.", tokens::commands(config)),
        resource("Access keys", "What the job list is signed with.", access_keys::commands()),
        resource("Requests", "What was done with your tokens.", requests::commands()),
        resource("Projects", "Checks and channels that belong together.", projects::commands()),
        resource("Members", "Who belongs to a project, and as what.", members::commands()),
        resource("Checks", "Jobs that are expected to ping.", checks::commands(config)),
        resource("Snippets", "Jobs that ping, ready to be copied.", snippets::commands()),
        resource("History", "What happened to checks.", history::commands()),
        resource("Statistics", "What checks did over a span of time.", stats::commands()),
        resource("Previews", "When pings are expected next.", previews::commands(config)),
        resource("Replays", "What other settings would have told.", replay::commands(config)),
        resource("Channels", "Where alerts are sent.", channels::commands()),
        resource("Maintenance", "Times during which no alert goes out.", maintenance::commands()),
        resource("Status pages", "Checks that others see.", status_pages::commands()),
        resource("Transfer", "Projects as files.", transfer::commands()),
        resource(
            "API keys",
            "What clients of Healthchecks open a project with.",
            api_keys::commands(),
        ),
    ]
}

/// The router for every path that is `/user` or begins with `/user/`, its own 404 and 405 included,
/// and for the description. It has no fallback, so that it can be merged with others.
pub fn router(state: ManagementState) -> Router {
    let resources = resources(&state.ctx.config);
    let description = description(&resources, &state);
    let commands = resources.into_iter().flat_map(|resource| resource.commands);
    let router = commands.fold(Router::new(), |router: Router<ManagementState>, command| {
        router.route(command.path, command.route)
    });
    router
        .method_not_allowed_fallback(no_such_method)
        .route("/user", any(no_such_command))
        .route("/user/", any(no_such_command))
        .route("/user/{*path}", any(no_such_command))
        .route_layer(middleware::from_fn(frame))
        .route("/docs/api.json", description)
        .with_state(state)
}

/// Serves the description of this API.
fn description(resources: &[Resource], state: &ManagementState) -> MethodRouter<ManagementState> {
    let prefix = state.ctx.config.server.path_prefix();
    let bytes = openapi::document(resources, &prefix).to_json().unwrap_or_default();
    let bytes = Bytes::from(bytes);
    get(async move || {
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        let nosniff = HeaderValue::from_static("nosniff");
        let headers = [(header::CONTENT_TYPE, json), (header::X_CONTENT_TYPE_OPTIONS, nosniff)];
        (headers, bytes.clone())
    })
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
