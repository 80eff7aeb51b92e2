//! The Healthchecks dialect (`healthchecks-api.md`): the commands of `/api/v1/`, `/api/v2/` and
//! `/api/v3/` that clients of Healthchecks know, badges, and a page of metrics. The same checks,
//! channels and rules as everywhere; here they are but read and rendered.
//!
//! What the body of a POST is comes first (400), then the key (401), then the check (404, 403), then
//! the fields (400).

mod badges;
mod body;
mod checks;
mod fault;
mod history;
mod lists;
mod metrics;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::any;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value};

use crate::context::Context;
use crate::fault::Result;
use crate::http::limit::Limiter;
use crate::service::api_keys;
use crate::store::projects::Opened;

use fault::Refusal;

/// The header that a key stands in.
const KEY: &str = "x-api-key";

/// What the dialect needs.
#[derive(Clone, Debug)]
struct Healthchecks {
    ctx: Context,
    limiter: Arc<Limiter>,
}

/// The versions: they differ in what a name does to the slug, and whether a running job is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V1,
    V2,
    V3,
}

impl Version {
    const ALL: [Self; 3] = [Self::V1, Self::V2, Self::V3];

    const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::V3 => "v3",
        }
    }
}

/// What a path means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Checks,
    Check,
    Pause,
    Resume,
    Pings,
    PingBody,
    Flips,
    Channels,
    Badges,
}

impl Command {
    /// The commands, each with the end of its path.
    const ALL: [(Self, &'static str); 9] = [
        (Self::Checks, "/checks/"),
        (Self::Check, "/checks/{check}"),
        (Self::Pause, "/checks/{check}/pause"),
        (Self::Resume, "/checks/{check}/resume"),
        (Self::Pings, "/checks/{check}/pings/"),
        (Self::PingBody, "/checks/{check}/pings/{n}/body"),
        (Self::Flips, "/checks/{check}/flips/"),
        (Self::Channels, "/channels/"),
        (Self::Badges, "/badges/"),
    ];

    const fn methods(self) -> &'static [Method] {
        match self {
            Self::Checks => &[Method::GET, Method::POST],
            Self::Check => &[Method::GET, Method::POST, Method::DELETE],
            Self::Pause | Self::Resume => &[Method::POST],
            Self::Pings | Self::PingBody | Self::Flips | Self::Channels | Self::Badges => {
                &[Method::GET]
            }
        }
    }

    const fn allowed(self) -> &'static str {
        match self {
            Self::Checks => "GET, POST, OPTIONS",
            Self::Check => "GET, POST, DELETE, OPTIONS",
            Self::Pause | Self::Resume => "POST, OPTIONS",
            Self::Pings | Self::PingBody | Self::Flips | Self::Channels | Self::Badges => {
                "GET, OPTIONS"
            }
        }
    }

    /// Whether a key that may only read will do.
    fn takes_read_only(self, method: &Method) -> bool {
        let may = matches!(self, Self::Checks | Self::Check | Self::Flips | Self::Badges);
        may && *method == Method::GET
    }
}

/// The router for the paths of the dialect. It has no fallback.
pub fn router(ctx: Context) -> Router {
    let limiter = Arc::new(Limiter::new(ctx.config.api.requests_per_second));
    let state = Healthchecks { ctx, limiter };
    let mut router = Router::new().merge(badges::routes()).merge(metrics::routes());
    for version in Version::ALL {
        let base = format!("/api/{}", version.as_str());
        for (command, tail) in Command::ALL {
            let path = format!("{base}{tail}");
            if let Some(short) = path.strip_suffix('/') {
                router = router.route(short, any(with_slash));
            }
            let serve = move |state: State<Healthchecks>, path: Names, request: Request| {
                serve(state, version, command, path, request)
            };
            router = router.route(&path, any(serve));
        }
        router = router
            .route(&format!("{base}/status/"), any(status))
            .route(&format!("{base}/status"), any(with_slash));
    }
    router.with_state(state)
}

type Request = axum::extract::Request;
type Names = Path<std::collections::HashMap<String, String>>;

/// A command as it came.
struct Call<'a> {
    ctx: &'a Context,
    version: Version,
    method: &'a Method,
    query: &'a str,
    /// The check that the path names.
    check: &'a str,
    /// The ping that the path names.
    n: &'a str,
    project: &'a Opened,
    is_read_only: bool,
    fields: Map<String, Value>,
}

type Answer = Result<Response, Refusal>;

async fn serve(
    State(state): State<Healthchecks>,
    version: Version,
    command: Command,
    Path(names): Names,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let mut response = if head.method == Method::OPTIONS {
        empty(StatusCode::NO_CONTENT)
    } else if command.methods().contains(&head.method) {
        // On a task of its own: a client that goes away must not cut a transaction short.
        let work =
            tokio::spawn(
                async move { answer(&state, version, command, &names, &head, body).await },
            );
        match work.await {
            Ok(Ok(response)) => response,
            Ok(Err(refusal)) => refusal.render(),
            Err(error) => Refusal::from(crate::fault::Fault::internal(error)).render(),
        }
    } else {
        empty(StatusCode::METHOD_NOT_ALLOWED)
    };
    let headers = response.headers_mut();
    let text = HeaderValue::from_static;
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, text("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, text("X-Api-Key"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, text(command.allowed()));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, text("600"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, text("nosniff"));
    headers.insert(header::CACHE_CONTROL, text("no-store"));
    response
}

async fn answer(
    state: &Healthchecks,
    version: Version,
    command: Command,
    names: &std::collections::HashMap<String, String>,
    head: &Parts,
    body: Body,
) -> Answer {
    let ctx = &state.ctx;
    let fields = body::read(&head.method, body).await?;
    let in_body = fields.get("api_key").and_then(Value::as_str);
    let key = match head.headers.get(KEY) {
        Some(key) => key.to_str().unwrap_or_default(),
        None => in_body.unwrap_or_default(),
    };
    if key.chars().count() != api_keys::LENGTH {
        return Err(Refusal::json(StatusCode::UNAUTHORIZED, "missing api key"));
    }
    let (row, project) = api_keys::authenticate(ctx, key).await?;
    let is_read_only = bool::from(row.read_only);
    if is_read_only && !command.takes_read_only(&head.method) {
        return Err(Refusal::json(StatusCode::UNAUTHORIZED, "wrong api key"));
    }
    state.limiter.admit(row.api_key_id, ctx.clock.steady_micros())?;
    let name = |name: &str| names.get(name).map_or("", String::as_str);
    let call = Call {
        ctx,
        version,
        method: &head.method,
        query: head.uri.query().unwrap_or_default(),
        check: name("check"),
        n: name("n"),
        project: &project,
        is_read_only,
        fields,
    };
    match command {
        Command::Checks if head.method == Method::POST => checks::create(&call).await,
        Command::Checks => checks::list(&call).await,
        Command::Check => match call.method.as_str() {
            "POST" => checks::update(&call).await,
            "DELETE" => checks::remove(&call).await,
            _ => checks::show(&call).await,
        },
        Command::Pause => checks::pause(&call).await,
        Command::Resume => checks::resume(&call).await,
        Command::Pings => history::pings(&call).await,
        Command::PingBody => history::body(&call).await,
        Command::Flips => history::flips(&call).await,
        Command::Channels => lists::channels(&call).await,
        Command::Badges => lists::badges(&call).await,
    }
}

/// `GET /api/v…/status/`: whether the database answers.
async fn status(State(state): State<Healthchecks>) -> Response {
    let asked = async {
        let mut conn = state.ctx.store.read().await?;
        crate::store::settings::get(&mut conn, crate::store::settings::KEY_FINGERPRINT).await
    };
    match asked.await {
        Ok(_) => text(StatusCode::OK, "OK"),
        Err(_) => text(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer"),
    }
}

/// To the same address with the slash that is missing.
async fn with_slash(State(state): State<Healthchecks>, request: Request) -> Response {
    let uri = request.uri();
    let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
    let prefix = state.ctx.config.server.path_prefix();
    let mut response = empty(StatusCode::MOVED_PERMANENTLY);
    if let Ok(place) = HeaderValue::from_str(&format!("{prefix}{}/{query}", uri.path())) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn text(status: StatusCode, text: &'static str) -> Response {
    of_kind(status, "text/plain; charset=utf-8", text)
}

fn json(status: StatusCode, value: &Value) -> Response {
    of_kind(status, "application/json", value.to_string())
}

fn of_kind(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
