//! The answers of the pinging API: a word of plain text each, and the headers that every client of
//! the protocol expects.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE,
    RETRY_AFTER,
};
use http::{HeaderValue, Method, Response, StatusCode};
use http_body::Body as _;
use http_body_util::Full;

/// An answer to a ping.
pub type Answer = Response<Full<Bytes>>;

const ANY: HeaderValue = HeaderValue::from_static("*");
const NEVER_CACHED: HeaderValue = HeaderValue::from_static("no-cache, no-store");
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");

/// An answer with this status and text.
pub(super) fn text(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(text.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, PLAIN);
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
    headers.insert(CACHE_CONTROL, NEVER_CACHED);
    answer
}

/// 200 `OK` or 201 `Created`, with the configured limit of bodies.
pub(super) fn stored(created: bool, body_limit: &HeaderValue) -> Answer {
    let mut answer =
        if created { text(StatusCode::CREATED, "Created") } else { text(StatusCode::OK, "OK") };
    answer.headers_mut().insert("ping-body-limit", body_limit.clone());
    answer
}

/// 404 `not found`.
#[must_use]
pub fn not_found() -> Answer {
    text(StatusCode::NOT_FOUND, "not found")
}

/// 404 `not found`, as this method gets it.
#[must_use]
pub fn not_found_for(method: &Method) -> Answer {
    if *method == Method::HEAD { without_body(not_found()) } else { not_found() }
}

/// 500 `internal error`: a handler broke down.
#[must_use]
pub fn broken() -> Answer {
    text(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
}

/// 400 with this text.
pub(super) fn bad_request(reason: impl Into<Bytes>) -> Answer {
    text(StatusCode::BAD_REQUEST, reason)
}

/// 405 `method not allowed`, with those that are.
pub(super) fn method_not_allowed() -> Answer {
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
    answer.headers_mut().insert(ALLOW, METHODS);
    answer
}

/// 409 `ambiguous slug`.
pub(super) fn ambiguous() -> Answer {
    text(StatusCode::CONFLICT, "ambiguous slug")
}

/// 429 `rate limited`.
pub(super) fn too_many(retry_after: u64) -> Answer {
    let mut answer = text(StatusCode::TOO_MANY_REQUESTS, "rate limited");
    answer.headers_mut().insert(RETRY_AFTER, retry_after.into());
    answer
}

/// 503 `try again`.
pub(super) fn unavailable() -> Answer {
    let mut answer = text(StatusCode::SERVICE_UNAVAILABLE, "try again");
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

/// The answer to a browser that asks whether it may.
pub(super) fn preflight() -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let headers = answer.headers_mut();
    headers.insert(ALLOW, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, ANY);
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    headers.insert(CACHE_CONTROL, NEVER_CACHED);
    answer
}

/// The same answer as HEAD gets it. HTTP/1 would leave the body out by itself; HTTP/2 does not.
pub(super) fn without_body(answer: Answer) -> Answer {
    let (mut head, body) = answer.into_parts();
    let length = body.size_hint().exact().unwrap_or(0);
    head.headers.insert(CONTENT_LENGTH, length.into());
    Response::from_parts(head, Full::default())
}

/// The same answer, after which the connection ends.
pub(super) fn closing(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}
