//! `…/channel-list`, `…/channel`, `…/channel/{channel_id}` and its test. Configurations are shown
//! masked, save once: in the answer to the POST that made the channel.

use serde_json::{Value, json};

use super::call::{Answer, Call, Reply};
use super::fields::{Fields, required};
use super::time;
use crate::fault::{Fault, Result};
use crate::service::channels::{self, Change};
use crate::service::{checks, users};
use crate::store;
use crate::store::channels::ChannelRow;
use crate::store::projects::Role;

/// `GET …/channel-list`
pub async fn list(call: Call) -> Answer {
    let page = call.query()?.page()?;
    let project = call.project(Role::Viewer).await?;
    let mut conn = call.ctx.store.read().await?;
    let (rows, total) =
        store::channels::list(&mut conn, project.project_id, page.offset, page.limit).await?;
    let list = rows.iter().map(|row| shown(&call, row)).collect::<Result<Vec<_>>>()?;
    Ok(page.reply(list, total, Some(channels::MAX_COUNT)))
}

/// `POST …/channel`
pub async fn create(call: Call) -> Answer {
    let mut fields = call.fields()?;
    let kind = required("kind", fields.text("kind")?)?;
    let change = change(&mut fields)?;
    fields.finish()?;
    change.validate()?;
    let config = required("config", change.config.as_ref())?;
    let kind = channels::kind_of(&kind)?;
    let config = channels::new_config(kind, config)?;
    let project = call.project(Role::Editor).await?;
    let (row, config) =
        channels::create(&call.ctx, project.project_id, kind, config, &change).await?;
    written(&call, &row, config).await
}

/// `GET …/channel/{channel_id}`
pub async fn read(call: Call) -> Answer {
    call.takes_nothing()?;
    let channel_id = call.id("channel_id")?;
    let project = call.project(Role::Viewer).await?;
    let mut conn = call.ctx.store.read().await?;
    let row = channels::find(&mut conn, project.project_id, channel_id).await?;
    Ok(Reply::Json(shown(&call, &row)?))
}

/// `PUT …/channel/{channel_id}`
pub async fn update(call: Call) -> Answer {
    let mut fields = call.fields()?;
    let kind = fields.text("kind")?;
    let change = change(&mut fields)?;
    fields.ignore(&["channel_id", "last_error", "last_sent_at"]);
    fields.finish()?;
    change.validate()?;
    let channel_id = call.id("channel_id")?;
    let project = call.project(Role::Editor).await?;
    check_same_kind(&call, project.project_id, channel_id, kind.as_deref()).await?;
    let row = channels::update(&call.ctx, project.project_id, channel_id, &change).await?;
    let config = channels::shown_config(&call.ctx, &row)?;
    written(&call, &row, config).await
}

/// `DELETE …/channel/{channel_id}`
pub async fn remove(call: Call) -> Answer {
    call.takes_nothing()?;
    let channel_id = call.id("channel_id")?;
    let project = call.project(Role::Editor).await?;
    channels::delete(&call.ctx, project.project_id, channel_id).await?;
    Ok(Reply::deleted())
}

/// `POST …/channel/{channel_id}/test`: sends a message at once and answers what came of it.
pub async fn test(call: Call) -> Answer {
    call.takes_nothing()?;
    let channel_id = call.id("channel_id")?;
    let project = call.project(Role::Editor).await?;
    let mut conn = call.ctx.store.read().await?;
    let user = store::users::find(&mut conn, call.caller.user_id).await?.ok_or(Fault::NotFound)?;
    drop(conn);
    let zone = users::time_zone(&user.timezone).unwrap_or(chrono_tz::Tz::UTC);
    let (row, remarks) =
        channels::test(&call.ctx, &call.outbound, &project, channel_id, zone).await?;
    Ok(Reply::written(shown(&call, &row)?, &remarks))
}

/// What POST and PUT set alike.
fn change(fields: &mut Fields) -> Result<Change> {
    Ok(Change {
        channel_name: fields.text("channel_name")?,
        config: fields.any("config"),
        on_down: fields.flag("on_down")?,
        on_up: fields.flag("on_up")?,
        after: fields.integer("after")?,
        remind_every: fields.integer("remind_every")?,
        group_threshold: fields.integer("group_threshold")?,
        disabled: fields.flag("disabled")?,
    })
}

/// A kind may come back as it was read; another one would need another configuration.
async fn check_same_kind(
    call: &Call,
    project_id: i64,
    channel_id: i64,
    kind: Option<&str>,
) -> Result<()> {
    let mut conn = call.ctx.store.read().await?;
    let row = channels::find(&mut conn, project_id, channel_id).await?;
    if kind.is_none_or(|kind| kind == row.kind) {
        return Ok(());
    }
    let reason = format!("is {} and can't be changed: make another channel", row.kind);
    Err(Fault::invalid("kind", reason))
}

/// The answer to a write, and what needs attention.
async fn written(call: &Call, row: &ChannelRow, config: Value) -> Answer {
    let mut conn = call.ctx.store.read().await?;
    let mut remarks = channels::remarks(row);
    remarks.extend(checks::queue_remark(&mut conn, row.project_id, call.ctx.now()).await?);
    Ok(Reply::written(with_config(row, config), &remarks))
}

fn shown(call: &Call, row: &ChannelRow) -> Result<Value> {
    Ok(with_config(row, channels::shown_config(&call.ctx, row)?))
}

fn with_config(row: &ChannelRow, config: Value) -> Value {
    let mut shown = json!({
        "channel_id": row.channel_id,
        "channel_name": row.channel_name,
        "kind": row.kind,
        "config": null,
        "on_down": row.on_down.0,
        "on_up": row.on_up.0,
        "after": row.after_minutes,
        "remind_every": row.remind_every,
        "group_threshold": row.group_threshold,
        "disabled": row.disabled.0,
        "last_error": row.last_error,
        "last_sent_at": time(row.last_sent_at),
    });
    shown["config"] = config;
    shown
}
