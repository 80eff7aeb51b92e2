//! `/projects/<uuid>/metrics/…`: the checks of a project for Prometheus, by a key that may only read in
//! the address, or by any key as a Bearer token.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::fault::Refusal;
use super::{Healthchecks, of_kind};
use crate::clock::{SECOND, Timestamp};
use crate::notify::message::unique_key;
use crate::service::api_keys;
use crate::store::checks::{self, CheckRow, Filter};

pub(super) fn routes() -> Router<Healthchecks> {
    Router::new()
        .route("/projects/{project}/metrics", get(by_header))
        .route("/projects/{project}/metrics/", get(by_header))
        .route("/projects/{project}/metrics/{key}", get(by_address))
}

async fn by_header(
    State(state): State<Healthchecks>,
    Path(project): Path<String>,
    headers: HeaderMap,
) -> Response {
    let given = headers.get(header::AUTHORIZATION).and_then(|line| line.to_str().ok());
    let key = given
        .and_then(|line| line.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let Some((_, key)) = key else {
        let mut response = Refusal::bare(StatusCode::UNAUTHORIZED).render();
        let headers = response.headers_mut();
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return response;
    };
    page(&state, &project, key.trim(), true).await.unwrap_or_else(Refusal::render)
}

async fn by_address(
    State(state): State<Healthchecks>,
    Path((project, key)): Path<(String, String)>,
) -> Response {
    page(&state, &project, &key, false).await.unwrap_or_else(Refusal::render)
}

async fn page(
    state: &Healthchecks,
    project: &str,
    key: &str,
    may_write: bool,
) -> Result<Response, Refusal> {
    let forbidden = || Refusal::bare(StatusCode::FORBIDDEN);
    let ctx = &state.ctx;
    let (row, opened) = api_keys::authenticate(ctx, key).await.map_err(|fault| match fault {
        crate::fault::Fault::Unauthenticated(_) => forbidden(),
        other => other.into(),
    })?;
    // An address stands in logs and in the configuration of others.
    let is_fit = may_write || bool::from(row.read_only);
    if opened.uuid != project || !is_fit {
        return Err(forbidden());
    }
    state.limiter.admit(row.api_key_id, ctx.clock.steady_micros())?;
    let now = ctx.now();
    let mut conn = ctx.store.read().await?;
    let filter = Filter::default();
    let (rows, _) = checks::list(&mut conn, opened.project_id, &filter, now, 0, i64::MAX).await?;
    drop(conn);
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    let mut response = of_kind(StatusCode::OK, kind, series(&rows, now));
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

/// A series of each check: its name, what it is, and its value; none where a check has none.
type Series = (&'static str, &'static str, fn(&CheckRow, Timestamp) -> Option<f64>);

const SERIES: [Series; 6] = [
    ("hc_check_up", "Whether the check is not down: 1 or 0.", |row, now| {
        Some(f64::from(u8::from(row.shown_status(now) != "down")))
    }),
    ("hc_check_started", "Whether a run of the check is open: 1 or 0.", |row, _| {
        Some(f64::from(u8::from(row.open_runs > 0)))
    }),
    ("hc_check_grace", "Whether the check is late and within its grace: 1 or 0.", |row, now| {
        Some(f64::from(u8::from(row.shown_status(now) == "grace")))
    }),
    ("hc_check_paused", "Whether the check is paused: 1 or 0.", |row, now| {
        Some(f64::from(u8::from(row.shown_status(now) == "paused")))
    }),
    (
        "hc_check_last_ping_timestamp_seconds",
        "When the last success or failure came, in seconds since 1970.",
        |row, _| row.last_ping_at.map(|at| seconds(at.0)),
    ),
    ("hc_check_last_duration_seconds", "How long the last run took.", |row, _| {
        row.last_duration.map(seconds)
    }),
];

#[allow(clippy::cast_precision_loss, reason = "microseconds fit for another 200 years")]
fn seconds(micros: i64) -> f64 {
    micros as f64 / SECOND as f64
}

fn series(rows: &[CheckRow], now: Timestamp) -> String {
    let mut text = String::new();
    let labels: Vec<String> = rows.iter().map(labels).collect();
    for (name, help, of) in SERIES {
        head(&mut text, name, help);
        for (row, labels) in rows.iter().zip(&labels) {
            if let Some(value) = of(row, now) {
                // Writing to a String never fails.
                let _ = writeln!(text, "{name}{{{labels}}} {value}");
            }
        }
    }
    let mut tags: BTreeMap<&str, bool> = BTreeMap::new();
    for row in rows {
        let is_up = row.shown_status(now) != "down";
        for tag in &row.settings.tags.0 {
            *tags.entry(tag).or_insert(true) &= is_up;
        }
    }
    head(&mut text, "hc_tag_up", "Whether no check with the tag is down: 1 or 0.");
    for (tag, is_up) in tags {
        let _ = writeln!(text, "hc_tag_up{{tag=\"{}\"}} {}", escaped(tag), u8::from(is_up));
    }
    head(&mut text, "hc_checks_total", "How many checks there are.");
    let _ = writeln!(text, "hc_checks_total {}", rows.len());
    head(&mut text, "hc_checks_down_total", "How many of them are down.");
    let down = rows.iter().filter(|row| row.shown_status(now) == "down").count();
    let _ = writeln!(text, "hc_checks_down_total {down}");
    text
}

fn head(text: &mut String, name: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
}

fn labels(row: &CheckRow) -> String {
    let settings = &row.settings;
    format!(
        "name=\"{}\", tags=\"{}\", unique_key=\"{}\"",
        escaped(&settings.check_name),
        escaped(&settings.tags.0.join(" ")),
        unique_key(&row.uuid)
    )
}

/// A label's value as it is written between quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
