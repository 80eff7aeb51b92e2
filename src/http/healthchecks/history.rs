//! What happened to a check: its pings with their bodies, and its flips.

use axum::body::Body;
use http::StatusCode;
use serde_json::{Value, json};

use super::checks::{find, find_by_either};
use super::fault::Refusal;
use super::{Answer, Call, json as rendered, of_kind};
use crate::clock::{SECOND, Timestamp};
use crate::domain::check::Status;
use crate::store::flips;
use crate::store::pings::{self, PingRow};

/// The most pings of one answer.
const MOST: i64 = 1000;
/// The longest span of flips, in seconds: a year.
const LONGEST: i64 = 31_536_000;

/// `GET …/checks/<uuid>/pings/`
pub(super) async fn pings(call: &Call<'_>) -> Answer {
    let row = find(call).await?;
    let mut conn = call.ctx.store.read().await?;
    let (rows, _) = pings::list(&mut conn, row.check_id, 0, MOST).await?;
    let list: Vec<Value> = rows.iter().map(|ping| shown(call, &row.uuid, ping)).collect();
    Ok(rendered(StatusCode::OK, &json!({ "pings": list })))
}

fn shown(call: &Call<'_>, uuid: &str, row: &PingRow) -> Value {
    let body_url = || {
        let (site, version) = (&call.ctx.config.server.site_url, call.version.as_str());
        format!("{site}/api/{version}/checks/{uuid}/pings/{}/body", row.n)
    };
    let mut json = json!({
        "type": row.kind.as_str(),
        "date": row.at.to_datetime().format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string(),
        "n": row.n,
        "scheme": row.scheme.as_str(),
        "remote_addr": row.remote_address,
        "method": row.method.as_str(),
        "ua": row.user_agent,
        "rid": row.rid,
        "body_url": (row.body_size > 0).then(body_url),
    });
    if let Some(micros) = row.duration {
        #[allow(clippy::cast_precision_loss, reason = "no run takes 285 years")]
        let seconds = micros as f64 / SECOND as f64;
        json["duration"] = json!(seconds);
    }
    json
}

/// `GET …/checks/<uuid>/pings/<n>/body`: as it was sent.
pub(super) async fn body(call: &Call<'_>) -> Answer {
    let row = find(call).await?;
    let n = call.n.parse().map_err(|_| Refusal::not_found())?;
    let mut conn = call.ctx.store.read().await?;
    let body = pings::body(&mut conn, row.check_id, n).await?.ok_or_else(Refusal::not_found)?;
    Ok(of_kind(StatusCode::OK, "text/plain; charset=utf-8", Body::from(body)))
}

/// `GET …/checks/<uuid or unique_key>/flips/`
pub(super) async fn flips(call: &Call<'_>) -> Answer {
    let (from, to) = span(call)?;
    let row = find_by_either(call).await?;
    let mut conn = call.ctx.store.read().await?;
    let rows = flips::between(&mut conn, row.check_id, from, to).await?;
    let list = rows.iter().filter(|flip| matches!(flip.to_status, Status::Up | Status::Down));
    let list: Vec<Value> = list
        .map(|flip| {
            let at = flip.at.to_datetime().format("%Y-%m-%dT%H:%M:%S+00:00").to_string();
            json!({ "timestamp": at, "up": u8::from(flip.to_status == Status::Up) })
        })
        .collect();
    Ok(rendered(StatusCode::OK, &json!({ "flips": list })))
}

/// The span that is asked for: from the first moment on, and before the second.
fn span(call: &Call<'_>) -> Result<(Timestamp, Timestamp), Refusal> {
    let bad = || Refusal::bare(StatusCode::BAD_REQUEST);
    let (mut from, mut to) = (Timestamp(0), Timestamp(i64::MAX));
    for (name, value) in form_urlencoded::parse(call.query.as_bytes()) {
        if !matches!(&*name, "seconds" | "start" | "end") || value.is_empty() {
            continue;
        }
        let number: i64 = value.parse().map_err(|_| bad())?;
        if number < 0 {
            return Err(bad());
        }
        let moment = Timestamp(number.saturating_mul(SECOND));
        match &*name {
            "seconds" if number > LONGEST => return Err(bad()),
            "seconds" => from = from.max(call.ctx.now().plus_seconds(-number)),
            "start" => from = from.max(moment),
            _ => to = to.min(moment),
        }
    }
    Ok((from, to))
}
