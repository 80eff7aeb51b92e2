//! `/user/request-list`: the journal of the caller's own requests.

use serde_json::json;

use super::call::{Answer, Call};
use crate::store::journal::{self, Filter, RequestRow};

/// `GET /user/request-list`: filters `subject`, `status`, `from` (at or after) and `to` (before).
pub async fn list(call: Call) -> Answer {
    let mut query = call.query()?;
    let filter = Filter {
        subject: query.one("subject")?,
        status: query.integer("status", 100, 599)?,
        from: query.time("from")?,
        to: query.time("to")?,
    };
    let page = query.page()?;
    let mut conn = call.ctx.store.read().await?;
    let user_id = call.caller.user_id;
    let (rows, total) = journal::list(&mut conn, user_id, &filter, page.offset, page.limit).await?;
    Ok(page.reply(rows.iter().map(shown).collect(), total, None))
}

fn shown(row: &RequestRow) -> serde_json::Value {
    json!({
        "at": row.at.to_rfc3339(),
        "subject": row.subject,
        "method": row.method,
        "path": row.path,
        "status": row.status,
        "remote_address": row.remote_address,
        "request_id": row.request_id,
    })
}
