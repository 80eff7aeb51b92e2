//! Errors of the dialect: `{"error": "…"}`, or nothing but a status.

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::{empty, json as rendered, of_kind};
use crate::fault::Fault;

/// An answer that says no.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    told: Told,
    /// Seconds after which to try again.
    again_in: Option<u64>,
}

#[derive(Debug)]
enum Told {
    Nothing,
    Text(String),
    Error(String),
}

impl Refusal {
    /// With `{"error": …}`.
    pub(super) fn json(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, told: Told::Error(error.into()), again_in: None }
    }

    /// With a status alone.
    pub(super) fn bare(status: StatusCode) -> Self {
        Self { status, told: Told::Nothing, again_in: None }
    }

    /// With a text.
    pub(super) fn text(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, told: Told::Text(text.into()), again_in: None }
    }

    /// A field that does not fit.
    pub(super) fn field(field: &str, reason: &str) -> Self {
        let error = format!("json validation error: {field} {reason}");
        Self::json(StatusCode::BAD_REQUEST, error)
    }

    pub(super) fn not_found() -> Self {
        Self::bare(StatusCode::NOT_FOUND)
    }

    /// The answer.
    pub(super) fn render(self) -> Response {
        let mut response = match self.told {
            Told::Nothing => empty(self.status),
            Told::Text(text) => of_kind(self.status, "text/plain; charset=utf-8", text),
            Told::Error(error) => rendered(self.status, &json!({ "error": error })),
        };
        if let Some(seconds) = self.again_in {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        let again = |status, error: &str, seconds| Self {
            again_in: Some(seconds),
            ..Self::json(status, error)
        };
        match fault {
            Fault::Invalid { field, reason } => Self::field(&field, &reason),
            Fault::Conflict(reason) => Self::text(StatusCode::CONFLICT, reason),
            Fault::Unauthenticated(reason) => Self::json(StatusCode::UNAUTHORIZED, reason),
            Fault::Forbidden(_) => Self::bare(StatusCode::FORBIDDEN),
            Fault::NotFound => Self::not_found(),
            Fault::TooLarge(_) => Self::json(StatusCode::PAYLOAD_TOO_LARGE, "body too large"),
            Fault::RateLimited { retry_after } => {
                again(StatusCode::TOO_MANY_REQUESTS, "rate limit exceeded", retry_after)
            }
            Fault::Unavailable(reason) => {
                tracing::warn!(reason, "a part of the system is out");
                again(StatusCode::SERVICE_UNAVAILABLE, "service unavailable, try again", 1)
            }
            Fault::Internal(reason) => {
                tracing::error!(reason, "a request failed by our own mistake");
                Self::json(StatusCode::INTERNAL_SERVER_ERROR, "something went wrong here")
            }
        }
    }
}
