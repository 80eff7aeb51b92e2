//! Errors of the dialect: `{"success": false, "error": "<code>", "message": "…"}`.

use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::json;

use super::rendered;
use crate::fault::Fault;

/// An answer that says no.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// A header that goes along.
    header: Option<(header::HeaderName, HeaderValue)>,
}

impl Refusal {
    /// With this status, code and text.
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let header = (status == StatusCode::UNAUTHORIZED)
            .then(|| (header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        Self { status, code, message: message.into(), header }
    }

    /// A path that leads nowhere.
    pub(super) fn unknown(code: &'static str, path: &str) -> Self {
        Self::new(404, code, format!("there is nothing at {path}"))
    }

    /// A method that the path does not know.
    pub(super) fn no_such_method(method: &Method, allowed: &Method) -> Self {
        let allow = if *allowed == Method::GET { "GET,HEAD" } else { allowed.as_str() };
        let message = format!("this path does not know the method {method}, but {allow}");
        let header = HeaderValue::from_str(allow).ok().map(|value| (header::ALLOW, value));
        Self { header, ..Self::new(405, "method_not_allowed", message) }
    }

    /// The status of the answer.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    fn again_in(self, seconds: u64) -> Self {
        Self { header: Some((header::RETRY_AFTER, HeaderValue::from(seconds))), ..self }
    }

    /// The answer.
    pub(super) fn render(self) -> Response {
        let body = json!({"success": false, "error": self.code, "message": self.message});
        let mut response = rendered(self.status, &body);
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Invalid { field, reason } => {
                let message = if field.is_empty() { reason } else { format!("{field} {reason}") };
                Self::new(400, code_of(&field), message)
            }
            Fault::NotFound => Self::new(404, "not_found", "there is none of yours with this id"),
            Fault::Unauthenticated(why) => Self::new(401, "invalid_api_key", why),
            Fault::Forbidden(why) => Self::new(403, "insufficient_scope", why),
            Fault::Conflict(why) => Self::new(409, "duplicate_device", why),
            Fault::TooLarge(why) => Self::new(413, "body_too_large", why),
            Fault::RateLimited { retry_after } => {
                let message = format!("too many requests: try again in {retry_after} s");
                Self::new(429, "rate_limit_exceeded", message).again_in(retry_after)
            }
            Fault::Unavailable(why) => {
                tracing::warn!(why, "a part of the system is out");
                let message = "a part of the system is out: try again in a moment";
                Self::new(503, "unavailable", message).again_in(1)
            }
            Fault::Internal(why) => {
                tracing::error!(why, "a request failed by our own mistake");
                Self::new(500, "server_error", "something went wrong here: the log says more")
            }
        }
    }
}

impl Refusal {
    /// The same for the other resource, whose duplicates have a code of their own.
    pub(super) fn of_listing(fault: Fault) -> Self {
        match fault {
            Fault::Conflict(why) => Self::new(409, "duplicate_blacklist_monitor", why),
            other => other.into(),
        }
    }
}

/// The code for a field that is wrong.
fn code_of(field: &str) -> &'static str {
    match field {
        "target_type" => "invalid_target_type",
        "target_value" => "invalid_target_value",
        "service_type" => "invalid_service_type",
        "scheme" | "origin_scheme" => "invalid_scheme",
        "port" | "origin_port" => "invalid_port",
        "expect_status" => "invalid_status",
        "id" => "invalid_id",
        _ => "invalid_field",
    }
}
