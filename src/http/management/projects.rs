//! `/user/project-list`, `/user/project`, `/user/project/{project_id}` and its ping key.

use serde_json::{Value, json};

use super::call::{Answer, Call, Reply};
use super::fields::required;
use crate::fault::Result;
use crate::service::projects;
use crate::store;
use crate::store::projects::{ProjectRow, Role, StatusCount};
use crate::store::tx::Conn;

/// States, the first that occurs being the project's.
const BY_WEIGHT: [&str; 5] = ["down", "grace", "up", "new", "paused"];

/// `GET /user/project-list`
pub async fn list(call: Call) -> Answer {
    let page = call.query()?.page()?;
    let mut conn = call.ctx.store.read().await?;
    let user_id = call.caller.user_id;
    let (rows, total) =
        store::projects::list_for(&mut conn, user_id, page.offset, page.limit).await?;
    let counts = counts_of(&call, &mut conn, &rows).await?;
    let list = rows.iter().map(|row| shown(&call, row, &counts)).collect();
    Ok(page.reply(list, total, None))
}

/// `POST /user/project`
pub async fn create(call: Call) -> Answer {
    let mut fields = call.fields()?;
    let name = fields.text("project_name")?;
    let auto_create = fields.flag("auto_create")?;
    fields.finish()?;
    let name = required("project_name", name)?;
    let auto_create = auto_create.unwrap_or(true);
    let row = projects::create(&call.ctx, call.caller.user_id, &name, auto_create).await?;
    written(&call, &row).await
}

/// `GET /user/project/{project_id}`
pub async fn read(call: Call) -> Answer {
    call.takes_nothing()?;
    let row = call.project(Role::Viewer).await?;
    let mut conn = call.ctx.store.read().await?;
    let rows = [row];
    let counts = counts_of(&call, &mut conn, &rows).await?;
    Ok(Reply::Json(shown(&call, &rows[0], &counts)))
}

/// `PUT /user/project/{project_id}`
pub async fn update(call: Call) -> Answer {
    let mut fields = call.fields()?;
    let name = fields.text("project_name")?;
    let auto_create = fields.flag("auto_create")?;
    fields.ignore(&["project_id", "uuid", "ping_key", "check_count", "status", "created_at"]);
    fields.finish()?;
    let (user_id, project_id) = (call.caller.user_id, call.id("project_id")?);
    let row =
        projects::update(&call.ctx, user_id, project_id, name.as_deref(), auto_create).await?;
    written(&call, &row).await
}

/// `DELETE /user/project/{project_id}`
pub async fn remove(call: Call) -> Answer {
    call.takes_nothing()?;
    projects::delete(&call.ctx, call.caller.user_id, call.id("project_id")?).await?;
    Ok(Reply::deleted())
}

/// `POST /user/project/{project_id}/ping-key`
pub async fn renew_ping_key(call: Call) -> Answer {
    call.takes_nothing()?;
    let (user_id, project_id) = (call.caller.user_id, call.id("project_id")?);
    let row = projects::renew_ping_key(&call.ctx, user_id, project_id).await?;
    written(&call, &row).await
}

async fn written(call: &Call, row: &ProjectRow) -> Answer {
    let mut conn = call.ctx.store.read().await?;
    let counts = counts_of(call, &mut conn, std::slice::from_ref(row)).await?;
    Ok(Reply::written(shown(call, row, &counts), &[]))
}

async fn counts_of(call: &Call, conn: &mut Conn, rows: &[ProjectRow]) -> Result<Vec<StatusCount>> {
    let ids: Vec<i64> = rows.iter().map(|row| row.project_id).collect();
    store::projects::status_counts(conn, &ids, call.ctx.now()).await
}

fn shown(call: &Call, row: &ProjectRow, counts: &[StatusCount]) -> Value {
    let own = || counts.iter().filter(|count| count.project_id == row.project_id);
    let occurs = |status: &&str| own().any(|count| count.status == *status && count.checks > 0);
    let may_ping = call.may_ping(row);
    json!({
        "project_id": row.project_id,
        "project_name": row.project_name,
        "uuid": may_ping.then_some(&row.uuid),
        "ping_key": may_ping.then_some(&row.ping_key),
        "auto_create": row.auto_create.0,
        "check_count": own().map(|count| count.checks).sum::<i64>(),
        "status": BY_WEIGHT.into_iter().find(occurs).unwrap_or("new"),
        "created_at": row.created_at.to_rfc3339(),
    })
}
