//! The signed job list: `GET /api/v1/jobs` (`jobs-api.md`), authenticated by a signature instead of a
//! token. The headers are judged first (401), then the parameters (400). Other paths under `/api/v1/`
//! are not this dialect's.

mod answer;
mod query;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::context::Context;
use crate::domain::signature::Signed;
use crate::fault::{Fault, Result};
use crate::http::fatal;
use crate::secret;
use crate::service::{access_keys, jobs};
use query::Wanted;

const PATH: &str = "/api/v1/jobs";
const TIMESTAMP: &str = "x-ncp-apigw-timestamp";
const ACCESS_KEY: &str = "x-ncp-iam-access-key";
const SIGNATURE: &str = "x-ncp-apigw-signature-v2";

/// The router for the one path, its own 405 included. It has no fallback.
pub fn router(ctx: Context) -> Router {
    let route = get(show).fallback(no_such_method);
    Router::new().route(PATH, route).with_state(ctx)
}

async fn show(State(ctx): State<Context>, request: Request) -> Response {
    let request_id = secret::random_text::<12>();
    let (head, _) = request.into_parts();
    let mut response = match page(&ctx, &head).await {
        Ok(response) => response,
        Err(fault) => fatal::render(&fault, &request_id),
    };
    let headers = response.headers_mut();
    // A refusal must name the way that would do (RFC 9110, 11.6.1); there is no registered one.
    if headers.contains_key(header::WWW_AUTHENTICATE) {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("HMAC-SHA256"));
    }
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        headers.insert("x-request-id", id);
    }
    framed(response)
}

async fn page(ctx: &Context, head: &Parts) -> Result<Response> {
    // Path and query as they were sent: the front door took the prefix off.
    let uri = format!("{}{}", ctx.config.server.path_prefix(), head.uri);
    let signed = Signed {
        method: head.method.as_str(),
        uri: &uri,
        timestamp: only(&head.headers, TIMESTAMP)?,
        access_key: only(&head.headers, ACCESS_KEY)?,
        signature: only(&head.headers, SIGNATURE)?,
    };
    let user = access_keys::authenticate(ctx, &signed).await?;
    let Wanted { limit, page, language } = Wanted::read(head.uri.query().unwrap_or_default())?;
    let list = jobs::list(ctx, user.user_id, limit, page).await?;
    answer::of(&list, &user.timezone, language)
}

/// The value of a header that stands once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    };
    value.ok_or_else(|| {
        Fault::Unauthenticated(format!("the header {name} must be there, once, and be plain text"))
    })
}

async fn no_such_method(request: Request) -> Response {
    let message = format!(
        "the list does not know the method {}: the header Allow says which it knows",
        request.method()
    );
    let mut response = fatal::refusal(StatusCode::METHOD_NOT_ALLOWED, &message);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET,HEAD"));
    framed(response)
}

/// With the headers of every answer.
fn framed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
