//! Channels that stand for others: what they may hold, and what happens when one of those goes.

use serde_json::Value;

use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::notify::channels::{Kind, group};
use crate::notify::message::{open_config, seal_config};
use crate::store::channels::{self, ChannelRow};
use crate::store::tx::Conn;

/// Holds a group that was just written against the rules, and makes it stand for the channels that its
/// configuration names. The caller holds the lock on the project.
///
/// # Errors
/// It names what is no channel of its project or a group itself.
pub(super) async fn see_to(conn: &mut Conn, row: &ChannelRow, config: &Value) -> Result<()> {
    let ids = group::members(config);
    let found = channels::find_many(conn, &ids).await?;
    let fits = |member: &&ChannelRow| {
        member.project_id == row.project_id && Kind::parse(&member.kind) != Some(Kind::Group)
    };
    let fitting: Vec<i64> = found.iter().filter(fits).map(|member| member.channel_id).collect();
    if let Some(other) = ids.iter().find(|id| !fitting.contains(id)) {
        let reason = format!(
            "must be ids of channels of this project that are no groups themselves; {other} is not"
        );
        return Err(Fault::invalid("config.channels", reason));
    }
    channels::set_members(conn, row.channel_id, &ids).await
}

/// Takes a channel that is about to be deleted out of the groups that it is in. The caller holds the
/// lock on the project.
///
/// # Errors
/// The database refused.
pub(super) async fn take_out(ctx: &Context, conn: &mut Conn, channel_id: i64) -> Result<()> {
    for mut row in channels::groups_with(conn, channel_id).await? {
        let mut ids = group::members(&open_config(ctx, &row)?);
        ids.retain(|id| *id != channel_id);
        row.sealed_config = seal_config(ctx, &row.uuid, &group::config(&ids));
        channels::update(conn, &row).await?;
    }
    Ok(())
}
