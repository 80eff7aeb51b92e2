//! The monitors' dialect: devices and blacklist monitors under `/api/v1/` (`monitor-api.md`), and
//! whatever is asked there that belongs to no other dialect. First who asks (401), then whether that
//! may be from there (403), how often (429), where to (404, 405), and with what right (403).

mod device;
mod fault;
mod listing;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::http::journal::Journal;
use crate::http::limit::Limiter;
use crate::http::peer::{Connection, client_of};
use crate::secret;
use crate::service::tokens::{self, Caller, Scope};
use crate::store::journal::Entry;

use fault::Refusal;

/// The largest body, in bytes.
const LARGEST: usize = 64 * 1024;
const BASE: &str = "/api/v1";

/// What the dialect needs.
#[derive(Clone, Debug)]
struct Monitors {
    ctx: Context,
    limiter: Arc<Limiter>,
    journal: Journal,
}

/// The router for everything under `/api/v1`; what other dialects have there goes before it.
pub fn router(ctx: Context, limiter: Arc<Limiter>, journal: Journal) -> Router {
    Router::new()
        .route(BASE, any(serve))
        .route("/api/v1/", any(serve))
        .route("/api/v1/{*rest}", any(serve))
        .with_state(Monitors { ctx, limiter, journal })
}

/// What a path means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Me,
    Devices,
    CreateDevice,
    UpdateDevice,
    DeleteDevice,
    Listings,
    CreateListing,
    DeleteListing,
}

impl Command {
    /// The command of a path, and its method.
    fn find(path: &str) -> Result<(Self, Method), Refusal> {
        let rest = path.strip_prefix(BASE).unwrap_or(path);
        Ok(match rest {
            "/me" => (Self::Me, Method::GET),
            "/devices" => (Self::Devices, Method::GET),
            "/devices/create" => (Self::CreateDevice, Method::POST),
            "/devices/update" => (Self::UpdateDevice, Method::POST),
            "/devices/delete" => (Self::DeleteDevice, Method::DELETE),
            "/blacklist-monitors" => (Self::Listings, Method::GET),
            "/blacklist-monitors/create" => (Self::CreateListing, Method::POST),
            "/blacklist-monitors/delete" => (Self::DeleteListing, Method::DELETE),
            _ if rest.starts_with("/devices/") => {
                return Err(Refusal::unknown("unknown_device_route", path));
            }
            _ if rest.starts_with("/blacklist-monitors/") => {
                return Err(Refusal::unknown("unknown_blacklist_route", path));
            }
            _ => return Err(Refusal::unknown("unknown_route", path)),
        })
    }
}

async fn serve(State(monitors): State<Monitors>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    // On a task of its own: a client that goes away must not cut a transaction short.
    let work = tokio::spawn(async move { answer(&monitors, &head, body).await });
    let answered = match work.await {
        Ok(answered) => answered,
        Err(error) => Err(Fault::internal(error).into()),
    };
    match answered {
        Ok((status, data)) => rendered(status, &json!({"success": true, "data": data})),
        Err(refusal) => refusal.render(),
    }
}

type Answer = Result<(StatusCode, Value), Refusal>;

async fn answer(monitors: &Monitors, head: &Parts, body: Body) -> Answer {
    let ctx = &monitors.ctx;
    let caller = authenticate(ctx, head).await?;
    let address = head.extensions.get::<Connection>().map(|connection| {
        client_of(connection, &head.headers, &ctx.config.server.trusted_proxies).address
    });
    if let Some(address) = address {
        let not_there = |fault: Fault| Refusal::new(403, "ip_not_allowed", fault.to_string());
        caller.check_address(address).map_err(not_there)?;
    }
    monitors.limiter.admit(caller.token_id, ctx.clock.steady_micros())?;
    let at = ctx.now();
    let answered = permitted(ctx, &caller, head, body).await;
    monitors.journal.record(Entry {
        at,
        user_id: caller.user_id,
        token_id: caller.token_id,
        subject: caller.subject,
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        status: match &answered {
            Ok((status, _)) => status.as_u16(),
            Err(refusal) => refusal.status().as_u16(),
        },
        remote_address: address.map(|address| address.to_string()).unwrap_or_default(),
        request_id: secret::random_text::<12>(),
    });
    answered
}

/// The answer to who may ask here and now.
async fn permitted(ctx: &Context, caller: &Caller, head: &Parts, body: Body) -> Answer {
    let (command, method) = Command::find(head.uri.path())?;
    let is_read = method == Method::GET;
    if head.method != method && !(is_read && head.method == Method::HEAD) {
        return Err(Refusal::no_such_method(&head.method, &method));
    }
    let scope = if is_read { Scope::Read } else { Scope::Write };
    let lacking = |fault: Fault| Refusal::new(403, "insufficient_scope", fault.to_string());
    caller.check_scope(scope).map_err(lacking)?;
    run(ctx, caller, command, head, body).await
}

async fn run(ctx: &Context, caller: &Caller, command: Command, head: &Parts, body: Body) -> Answer {
    let user_id = caller.user_id;
    let data = match command {
        Command::Me => me(caller),
        Command::Devices => device::list(ctx, user_id).await?,
        Command::Listings => listing::list(ctx, user_id).await?,
        Command::CreateDevice => {
            let made = device::create(ctx, user_id, object(body).await?).await?;
            return Ok((StatusCode::CREATED, made));
        }
        Command::CreateListing => {
            let made = listing::create(ctx, user_id, object(body).await?).await?;
            return Ok((StatusCode::CREATED, made));
        }
        Command::UpdateDevice => {
            let id = id_of(head)?;
            device::update(ctx, user_id, id, object(body).await?).await?
        }
        Command::DeleteDevice => device::delete(ctx, user_id, id_of(head)?).await?,
        Command::DeleteListing => listing::delete(ctx, user_id, id_of(head)?).await?,
    };
    Ok((StatusCode::OK, data))
}

fn me(caller: &Caller) -> Value {
    let scopes: Vec<&str> = [Scope::Read, Scope::Write]
        .into_iter()
        .filter(|scope| caller.has(*scope))
        .map(Scope::as_str)
        .collect();
    json!({"user_id": caller.user_id, "key_id": caller.token_id, "scopes": scopes})
}

async fn authenticate(ctx: &Context, head: &Parts) -> Result<Caller, Refusal> {
    let missing = || {
        let words = "the header Authorization must be “Bearer” and an API token";
        Refusal::new(401, "missing_api_key", words)
    };
    let mut given = head.headers.get_all(header::AUTHORIZATION).iter();
    let (Some(line), None) = (given.next(), given.next()) else { return Err(missing()) };
    let line = line.to_str().map_err(|_| missing())?;
    let (scheme, token) = line.split_once(' ').ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") || token.trim().is_empty() {
        return Err(missing());
    }
    tokens::authenticate(ctx, token.trim()).await.map_err(|fault| match fault {
        Fault::Unauthenticated(why) => Refusal::new(401, "invalid_api_key", why),
        other => other.into(),
    })
}

/// The id in the query.
fn id_of(head: &Parts) -> Result<i64, Refusal> {
    let query = head.uri.query().unwrap_or_default();
    let mut ids = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "id");
    let id = match (ids.next(), ids.next()) {
        (Some((_, value)), None) => value.parse().ok().filter(|id: &i64| *id > 0),
        _ => None,
    };
    id.ok_or_else(|| Refusal::new(400, "invalid_id", "the query must have id=, a whole number"))
}

/// The body, which is an object of JSON.
async fn object(body: Body) -> Result<Map<String, Value>, Refusal> {
    let read = Limited::new(body, LARGEST).collect().await;
    let bytes = match read {
        Ok(read) => read.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            let most = format!("a body of at most {LARGEST} bytes is taken");
            return Err(Refusal::new(413, "body_too_large", most));
        }
        Err(_) => return Err(Refusal::new(400, "invalid_json", "the body broke off")),
    };
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Refusal::new(400, "invalid_json", "the body must be an object")),
        Err(error) => {
            Err(Refusal::new(400, "invalid_json", format!("the body is no JSON: {error}")))
        }
    }
}

fn rendered(status: StatusCode, value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, json);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
