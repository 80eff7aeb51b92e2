//! What happened to a check: its pings, runs, flips and notifications, the latest first.

use serde_json::{Value, json};

use super::call::{Answer, Call, Reply};
use super::{seconds, time};
use crate::fault::{Fault, Result};
use crate::service::checks;
use crate::store;
use crate::store::flips::FlipRow;
use crate::store::notifications::{NotificationRow, Of};
use crate::store::pings::PingRow;
use crate::store::projects::Role;
use crate::store::runs::RunRow;
use crate::store::tx::Conn;

/// A connection, and the id of the check in the path, which is the caller's to see.
async fn open(call: &Call) -> Result<(Conn, i64)> {
    let check_id = call.id("check_id")?;
    let project = call.project(Role::Viewer).await?;
    let mut conn = call.ctx.store.read().await?;
    let (row, _) = checks::find(&mut conn, project.project_id, check_id).await?;
    Ok((conn, row.check_id))
}

/// `GET …/ping-list`
pub async fn pings(call: Call) -> Answer {
    let page = call.query()?.page()?;
    let (mut conn, check_id) = open(&call).await?;
    let (rows, total) = store::pings::list(&mut conn, check_id, page.offset, page.limit).await?;
    let max_count = i64::from(call.ctx.config.ping.log_limit);
    Ok(page.reply(rows.iter().map(shown_ping).collect(), total, Some(max_count)))
}

/// `GET …/ping/{n}`
pub async fn ping(call: Call) -> Answer {
    call.takes_nothing()?;
    let n = call.id("n")?;
    let (mut conn, check_id) = open(&call).await?;
    let row = store::pings::find(&mut conn, check_id, n).await?;
    Ok(Reply::Json(shown_ping(&row.ok_or_else(no_ping)?)))
}

/// `GET …/ping/{n}/body`: the bytes as sent; none of a ping without a body.
pub async fn ping_body(call: Call) -> Answer {
    call.takes_nothing()?;
    let n = call.id("n")?;
    let (mut conn, check_id) = open(&call).await?;
    store::pings::find(&mut conn, check_id, n).await?.ok_or_else(no_ping)?;
    let body = store::pings::body(&mut conn, check_id, n).await?;
    Ok(Reply::Text(body.unwrap_or_default()))
}

fn no_ping() -> Fault {
    Fault::Forbidden("this check has no ping of that number, or none any more".to_owned())
}

/// `GET …/run-list`
pub async fn runs(call: Call) -> Answer {
    let page = call.query()?.page()?;
    let (mut conn, check_id) = open(&call).await?;
    let (rows, total) = store::runs::list(&mut conn, check_id, page.offset, page.limit).await?;
    Ok(page.reply(rows.iter().map(shown_run).collect(), total, None))
}

/// `GET …/flip-list`
pub async fn flips(call: Call) -> Answer {
    let page = call.query()?.page()?;
    let (mut conn, check_id) = open(&call).await?;
    let (rows, total) = store::flips::list(&mut conn, check_id, page.offset, page.limit).await?;
    Ok(page.reply(rows.iter().map(shown_flip).collect(), total, None))
}

/// `GET …/check/{check_id}/notification-list`
pub async fn notifications_of_check(call: Call) -> Answer {
    let page = call.query()?.page()?;
    let (mut conn, check_id) = open(&call).await?;
    let of = Of::Check(check_id);
    let (rows, total) = store::notifications::list(&mut conn, of, page.offset, page.limit).await?;
    Ok(page.reply(rows.iter().map(shown_notification).collect(), total, None))
}

/// `GET /user/project/{project_id}/notification-list`
pub async fn notifications_of_project(call: Call) -> Answer {
    let page = call.query()?.page()?;
    let project = call.project(Role::Viewer).await?;
    let mut conn = call.ctx.store.read().await?;
    let of = Of::Project(project.project_id);
    let (rows, total) = store::notifications::list(&mut conn, of, page.offset, page.limit).await?;
    Ok(page.reply(rows.iter().map(shown_notification).collect(), total, None))
}

fn shown_ping(row: &PingRow) -> Value {
    json!({
        "n": row.n,
        "at": row.at.to_rfc3339(),
        "kind": row.kind.as_str(),
        "exit_status": row.exit_status,
        "rid": row.rid,
        "scheme": row.scheme.as_str(),
        "method": row.method.as_str(),
        "remote_address": row.remote_address,
        "user_agent": row.user_agent,
        "body_size": row.body_size,
        "duration": seconds(row.duration),
    })
}

fn shown_run(row: &RunRow) -> Value {
    json!({
        "run_id": row.run_id,
        "rid": row.rid,
        "started_at": row.started_at.to_rfc3339(),
        "finished_at": time(row.finished_at),
        "duration": seconds(row.duration),
        "result": row.result.as_str(),
        "exit_status": row.exit_status,
    })
}

fn shown_flip(row: &FlipRow) -> Value {
    json!({
        "flip_id": row.flip_id,
        "at": row.at.to_rfc3339(),
        "from": row.from_status.as_str(),
        "to": row.to_status.as_str(),
        "reason": row.reason.as_str(),
    })
}

fn shown_notification(row: &NotificationRow) -> Value {
    json!({
        "notification_id": row.notification_id,
        "channel_id": row.channel_id,
        "flip_id": row.flip_id,
        "state": row.state.as_str(),
        "attempts": row.attempts,
        "created_at": row.created_at.to_rfc3339(),
        "sent_at": time(row.sent_at),
        "next_attempt_at": time(row.next_attempt_at),
        "last_error": row.last_error,
    })
}
