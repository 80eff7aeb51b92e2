//! Fatal errors in the form `{"statusCode", "error", "message"}` and nothing else
//! (`management-api.md`, "Fatal errors"), which the management API and the signed job list share.
//! Nothing of our inside gets out: what we did wrong is
//! logged here, once, and the client is given the id under which the log has it.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::fault::Fault;

/// A fatal error: the command has not begun, and may be sent again.
#[derive(Debug, Serialize, ToSchema)]
pub struct FatalError {
    /// The HTTP status again.
    #[schema(minimum = 400, maximum = 599)]
    #[serde(rename = "statusCode")]
    pub status_code: u16,
    /// The status in words.
    pub error: &'static str,
    /// What was wrong and what is allowed.
    pub message: String,
}

/// Seconds after which to try again where a part of the system is out.
const OUTAGE_PAUSE: u64 = 1;

/// The answer to a fault of the request `request_id`.
#[must_use]
pub fn render(fault: &Fault, request_id: &str) -> Response {
    let (status, message) = outcome(fault, request_id);
    let mut response = refusal(status, &message);
    let headers = response.headers_mut();
    match fault {
        Fault::RateLimited { retry_after } => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(*retry_after));
        }
        Fault::Unavailable(_) => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(OUTAGE_PAUSE));
        }
        Fault::Unauthenticated(_) => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        _ => {}
    }
    response
}

/// An answer of this status in the form of fatal errors.
#[must_use]
pub fn refusal(status: StatusCode, message: &str) -> Response {
    let error = FatalError {
        status_code: status.as_u16(),
        error: status.canonical_reason().unwrap_or("Error"),
        message: message.to_owned(),
    };
    match serde_json::to_vec(&error) {
        Ok(bytes) => {
            let json = HeaderValue::from_static("application/json; charset=utf-8");
            (status, [(header::CONTENT_TYPE, json)], bytes).into_response()
        }
        // A number and two texts can always be written as JSON.
        Err(_) => status.into_response(),
    }
}

fn outcome(fault: &Fault, request_id: &str) -> (StatusCode, String) {
    let status = match fault {
        Fault::Invalid { .. } | Fault::Conflict(_) => StatusCode::BAD_REQUEST,
        Fault::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Fault::Forbidden(_) => StatusCode::FORBIDDEN,
        Fault::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Fault::RateLimited { .. } => StatusCode::SERVICE_UNAVAILABLE,
        // 404 is "no such command" here; what does not exist answers as what is another's does.
        Fault::NotFound => {
            return (StatusCode::FORBIDDEN, "this is not yours, or does not exist".to_owned());
        }
        Fault::Unavailable(reason) => {
            tracing::warn!(request_id, reason, "a part of the system is out");
            let message = "a part of the system is out: try again in a moment".to_owned();
            return (StatusCode::SERVICE_UNAVAILABLE, message);
        }
        Fault::Internal(reason) => {
            tracing::error!(request_id, reason, "a request failed by our own mistake");
            let message = format!("something went wrong here; the log has it as {request_id}");
            return (StatusCode::INTERNAL_SERVER_ERROR, message);
        }
    };
    (status, fault.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use serde_json::{Value, json};

    async fn rendered(fault: &Fault) -> (u16, Value, http::HeaderMap) {
        let response = render(fault, "id-1");
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head.status.as_u16(), serde_json::from_slice(&body).unwrap(), head.headers)
    }

    #[tokio::test]
    async fn a_fault_has_three_fields() {
        let (status, body, _) = rendered(&Fault::invalid("grace", "must be more")).await;
        assert_eq!(status, 400);
        let wanted =
            json!({"statusCode": 400, "error": "Bad Request", "message": "grace: must be more"});
        assert_eq!(body, wanted);
    }

    #[tokio::test]
    async fn nothing_of_our_inside_gets_out() {
        for fault in
            [Fault::internal("SELECT secret"), Fault::Unavailable("secret host".to_owned())]
        {
            let (_, body, _) = rendered(&fault).await;
            assert!(!body.to_string().contains("secret"), "{body}");
        }
        let (status, body, _) = rendered(&Fault::internal("x")).await;
        assert_eq!(status, 500);
        assert!(body["message"].as_str().unwrap().contains("id-1"));
    }

    #[tokio::test]
    async fn who_should_try_again_is_told_when() {
        let (status, _, headers) = rendered(&Fault::RateLimited { retry_after: 3 }).await;
        assert_eq!((status, &headers["retry-after"]), (503, &HeaderValue::from(3)));
        let (status, _, headers) = rendered(&Fault::Unavailable(String::new())).await;
        assert_eq!((status, &headers["retry-after"]), (503, &HeaderValue::from(1)));
    }
}
