//! For whoever runs the server: does it live (`/healthz`), is it ready (`/readyz`), what does it do
//! (`/metrics`). They answer plain text and decide nothing; how the workers are is in `vitals`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::sync::Mutex;

use crate::clock::{SECOND, Timestamp};
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::ingest::Ingest;
use crate::secret;
use crate::store::{checks, notifications, states, users};
use crate::vitals::{Vitals, head, sample};

/// How long the database has to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long what was found out about the backlog is told again, in microseconds: anybody may ask.
const REPEATED_FOR: i64 = SECOND;

#[derive(Clone, Debug)]
struct Ops {
    ctx: Context,
    vitals: Vitals,
    ingest: Ingest,
    /// The backlog as it was last found, and when by the steady clock. Who finds it out makes the
    /// others wait.
    backlog: Arc<Mutex<Option<(i64, Backlog)>>>,
}

/// How far the work is behind: told, and no reason by itself not to be ready.
#[derive(Clone, Copy, Debug)]
struct Backlog {
    /// Seconds since the earliest deadline that passed and is not judged; 0 where there is none.
    detector: f64,
    /// Seconds since the oldest notification that is not delivered was due; 0 where there is none.
    undelivered: f64,
}

/// `/healthz`, `/readyz` and `/metrics` (configuration.md, "Health").
pub fn router(ctx: Context, vitals: Vitals, ingest: Ingest) -> Router {
    Router::new()
        .route("/healthz", get(async || text(StatusCode::OK, "OK")))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .method_not_allowed_fallback(async || {
            text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
        })
        .with_state(Ops { ctx, vitals, ingest, backlog: Arc::default() })
}

fn text(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn ready(State(ops): State<Ops>) -> Response {
    let mut late: Vec<String> = Vec::new();
    if !answers(&ops.ctx).await {
        late.push(format!("database: does not answer within {} s", PATIENCE.as_secs()));
    }
    let workers = ops.vitals.late(ops.ctx.clock.steady_micros());
    late.extend(workers.iter().map(ToString::to_string));
    if !late.is_empty() {
        return text(StatusCode::SERVICE_UNAVAILABLE, late.join("\n"));
    }
    text(
        StatusCode::OK,
        match backlog(&ops).await {
            Some(Backlog { detector, undelivered }) => format!(
                "OK\ndetector lag: {detector:.1} s\n\
             oldest undelivered notification: due for {undelivered:.1} s"
            ),
            None => "OK".to_owned(),
        },
    )
}

/// How far the work is behind; none where the database does not say in time.
async fn backlog(ops: &Ops) -> Option<Backlog> {
    let found = tokio::time::timeout(PATIENCE, async {
        let mut last = ops.backlog.lock().await;
        let now = ops.ctx.clock.steady_micros();
        if let Some((at, backlog)) = *last
            && now - at < REPEATED_FOR
        {
            return Ok(backlog);
        }
        let backlog = find_backlog(&ops.ctx).await?;
        *last = Some((now, backlog));
        Ok::<_, Fault>(backlog)
    });
    found.await.ok()?.ok()
}

async fn find_backlog(ctx: &Context) -> Result<Backlog> {
    let now = ctx.now();
    let mut conn = ctx.store.read().await?;
    let unjudged = states::oldest_unjudged(&mut conn, now).await?;
    let undelivered = notifications::oldest_undelivered(&mut conn, now).await?;
    let seconds = |since: Option<Timestamp>| {
        let micros = since.map_or(0, |since| now.micros_since(since).max(0));
        Duration::from_micros(micros.unsigned_abs()).as_secs_f64()
    };
    Ok(Backlog { detector: seconds(unjudged), undelivered: seconds(undelivered) })
}

/// Whether the database answers in time. Only reads may be given up half-way.
async fn answers(ctx: &Context) -> bool {
    let asked = async { users::any(&mut ctx.store.read().await?).await };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(_)) => true,
        Ok(Err(fault)) => {
            tracing::warn!(%fault, "not ready");
            false
        }
        Err(_) => false,
    }
}

async fn metrics(State(ops): State<Ops>, headers: HeaderMap) -> Response {
    let Some(token) = &ops.ctx.config.metrics.token else {
        return text(StatusCode::NOT_FOUND, "not found");
    };
    if !bears(&headers, token.expose()) {
        let mut refusal = text(StatusCode::UNAUTHORIZED, "send metrics.token as Bearer");
        refusal.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return refusal;
    }
    let mut response = text(StatusCode::OK, render(&ops).await);
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn bears(headers: &HeaderMap, token: &str) -> bool {
    let line = headers.get(AUTHORIZATION).and_then(|line| line.to_str().ok());
    let given = line.and_then(|line| line.split_once(' ')).filter(|(scheme, _)| {
        // The scheme's case does not matter, the token's does.
        scheme.eq_ignore_ascii_case("bearer")
    });
    given.is_some_and(|(_, given)| {
        secret::equal_in_constant_time(given.trim().as_bytes(), token.as_bytes())
    })
}

async fn render(ops: &Ops) -> String {
    let version = format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    [
        gauge("overdue_info", "The program's version.", &[(version, 1)]),
        gauge(
            "overdue_ping_queue_length",
            "Pings that wait to be written.",
            &[(String::new(), i64::try_from(ops.ingest.queued()).unwrap_or(i64::MAX))],
        ),
        ops.vitals.render(ops.ctx.clock.steady_micros()),
        render_backlog(backlog(ops).await),
        render_checks(&ops.ctx).await,
    ]
    .concat()
}

/// How far the work is behind, where that is known.
fn render_backlog(backlog: Option<Backlog>) -> String {
    let Some(Backlog { detector, undelivered }) = backlog else { return String::new() };
    let gauges = [
        (
            "overdue_detector_lag_seconds",
            "Time since the earliest deadline that passed and is not judged yet.",
            detector,
        ),
        (
            "overdue_oldest_undelivered_notification_seconds",
            "Time since the oldest notification that is not delivered was due.",
            undelivered,
        ),
    ];
    let each = gauges
        .iter()
        .map(|(name, help, value)| head(name, "gauge", help) + sample(name, "", value).as_str());
    each.collect()
}

/// A gauge: its values, each behind its labels.
fn gauge(name: &str, help: &str, values: &[(String, i64)]) -> String {
    let lines: String = values.iter().map(|(labels, value)| sample(name, labels, value)).collect();
    head(name, "gauge", help) + lines.as_str()
}

/// The checks by state, and whether the database answered at all.
async fn render_checks(ctx: &Context) -> String {
    let asked = tokio::time::timeout(PATIENCE, totals(ctx)).await;
    let (totals, is_up) = match asked {
        Ok(Ok(totals)) => (totals, 1),
        Ok(Err(_)) | Err(_) => (Vec::new(), 0),
    };
    let by_status: Vec<_> = totals
        .iter()
        .map(|total| (format!("{{status=\"{}\"}}", total.status), total.checks))
        .collect();
    gauge("overdue_database_up", "Whether the database answers.", &[(String::new(), is_up)])
        + gauge("overdue_checks", "Checks by state.", &by_status).as_str()
}

async fn totals(ctx: &Context) -> Result<Vec<checks::StatusTotal>> {
    checks::status_totals(&mut ctx.store.read().await?, ctx.now()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metrics_are_for_whoever_bears_the_token() {
        let with = |line: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_str(line).unwrap());
            bears(&headers, "s3cret")
        };
        assert!(with("Bearer s3cret") && with("bearer  s3cret"));
        for line in
            ["s3cret", "Bearer", "Bearer ", "Bearer S3CRET", "Basic s3cret", "Bearer s3cretx"]
        {
            assert!(!with(line), "{line}");
        }
        assert!(!bears(&HeaderMap::new(), "s3cret"));
    }
}
