//! Blacklist monitors, as the dialect reads and writes them.

use serde_json::{Map, Value, json};

use super::device::{flag, id, ids, text};
use super::fault::Refusal;
use crate::clock::Timestamp;
use crate::context::Context;
use crate::domain::monitor::{Listing, Verdict};
use crate::fault::{Fault, Result};
use crate::probe::Looked;
use crate::service::monitors::{self, Watched};
use crate::store::monitors::{MonitorKind, MonitorRow};

pub(super) async fn list(ctx: &Context, user_id: i64) -> Result<Value, Refusal> {
    let rows = monitors::list(ctx, user_id, MonitorKind::Blacklist).await?;
    Ok(rows.iter().map(|(row, channels)| shown(row, channels)).collect())
}

pub(super) async fn create(
    ctx: &Context,
    user_id: i64,
    body: Map<String, Value>,
) -> Result<Value, Refusal> {
    let (mut target_type, mut target_value) = (String::new(), String::new());
    let (mut is_enabled, mut channels, mut project_id) = (true, None, None);
    for (name, value) in body {
        let field = name.as_str();
        match field {
            "target_type" => target_type = text(field, &value)?,
            "target_value" => target_value = text(field, &value)?,
            "is_enabled" => is_enabled = flag(field, &value)?,
            "channels" => channels = ids(field, &value)?,
            "project_id" => project_id = id(field, &value)?,
            _ => return Err(Fault::invalid(field, "is no field of a blacklist monitor").into()),
        }
    }
    let watched = Watched::Listing(Listing::new(&target_type, target_value.trim())?);
    let made =
        monitors::create(ctx, user_id, project_id, &watched, is_enabled, channels.as_deref()).await;
    let row = made.map_err(Refusal::of_listing)?;
    let (row, channels) =
        monitors::find(ctx, user_id, MonitorKind::Blacklist, row.monitor_id).await?;
    Ok(shown(&row, &channels))
}

pub(super) async fn delete(ctx: &Context, user_id: i64, id: i64) -> Result<Value, Refusal> {
    monitors::delete(ctx, user_id, MonitorKind::Blacklist, id).await?;
    Ok(json!({ "id": id }))
}

fn shown(row: &MonitorRow, channels: &[i64]) -> Value {
    let target: Option<Listing> = serde_json::from_str(&row.settings).ok();
    let looked: Looked = serde_json::from_str(&row.results).unwrap_or_default();
    let status = match row.verdict {
        Verdict::Pending => "unknown",
        Verdict::Up => "clean",
        Verdict::Down => "listed",
    };
    json!({
        "id": row.monitor_id,
        "project_id": row.project_id,
        "check_id": row.check_id,
        "target_type": target.as_ref().map(|target| target.target_type.as_str()),
        "target_value": target.as_ref().map(|target| target.target_value.as_str()),
        "channels": channels,
        "is_enabled": i64::from(bool::from(row.is_enabled)),
        "last_status": status,
        "last_checked_at": row.last_checked_at.map(Timestamp::to_rfc3339),
        "last_error": row.last_error,
        "lists": looked.listed,
        "failed_lists": looked.failed,
    })
}
