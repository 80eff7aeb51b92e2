//! Channels: where alerts go. Their configuration is kept sealed; who opens it stands above.

use sqlx::AssertSqlSafe;

use super::checks::Name;
use super::dialect::{Column, Rows, id_list};
use super::tx::{Conn, execute, fetch_all, fetch_optional, fetch_value};
use super::{Flag, IdRow};
use crate::clock::Timestamp;
use crate::fault::Result;

/// A channel as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ChannelRow {
    /// Its id.
    pub channel_id: i64,
    /// Its project.
    pub project_id: i64,
    /// Its public id.
    pub uuid: String,
    /// Its name.
    pub channel_name: String,
    /// Its kind, such as `webhook`.
    pub kind: String,
    /// Its configuration, encrypted.
    pub sealed_config: String,
    /// Takes turns to down.
    pub on_down: Flag,
    /// Takes turns to up.
    pub on_up: Flag,
    /// Minutes that it waits before it tells of a down.
    pub after_minutes: i64,
    /// Minutes between reminders; 0: none.
    pub remind_every: i64,
    /// Messages a minute after which further ones are collected; 0: never.
    pub group_threshold: i64,
    /// Takes nothing until it is enabled again.
    pub disabled: Flag,
    /// What went wrong last; none after a success.
    pub last_error: Option<String>,
    /// When it last took a message.
    pub last_sent_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The address that its recipient has confirmed; none for kinds other than email.
    pub confirmed_address: Option<String>,
}

/// The columns of a [`ChannelRow`].
pub(super) const COLUMNS: &str = "channel_id, project_id, uuid, channel_name, kind, sealed_config, on_down, \
    on_up, after_minutes, remind_every, group_threshold, disabled, last_error, last_sent_at, \
    created_at, confirmed_address";

/// The channels `ch` that the check of the row `r` tells, directly or as parts of a group, in as many
/// rows as there are ways to each.
pub(super) const TOLD: &str = "JOIN check_channels cc ON cc.check_id = r.check_id \
    JOIN channels own ON own.channel_id = cc.channel_id AND own.disabled = 0 \
    LEFT JOIN channel_members m ON m.group_id = cc.channel_id \
    JOIN channels ch ON ch.channel_id = COALESCE(m.channel_id, cc.channel_id) \
    AND ch.disabled = 0 AND ch.kind <> 'group'";

/// A channel's sealed configuration, and the name that it is sealed under.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct SealedRow {
    /// The channel's id.
    pub channel_id: i64,
    /// Its public id.
    pub uuid: String,
    /// Its configuration, encrypted.
    pub sealed_config: String,
}

/// The sealed configurations of the channels after this id, of all projects, in order; so many.
///
/// # Errors
/// The database is out.
pub async fn sealed_after(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<SealedRow>> {
    let sql = "SELECT channel_id, uuid, sealed_config FROM channels WHERE channel_id > $1 \
               ORDER BY channel_id LIMIT $2";
    Ok(fetch_all!(conn, SealedRow, sql, after, limit))
}

/// Puts other sealed configurations in their places.
///
/// # Errors
/// The database refused.
pub async fn reseal(conn: &mut Conn, rows: &[SealedRow]) -> Result<()> {
    let columns = vec![
        Column::ints(rows.iter().map(|row| row.channel_id)),
        Column::texts(rows.iter().map(|row| row.sealed_config.clone())),
    ];
    let sql = "UPDATE channels SET sealed_config = r.sealed_config FROM r \
               WHERE channels.channel_id = r.channel_id";
    Rows::new("channel_id, sealed_config", columns).execute(conn, sql).await?;
    Ok(())
}

/// Makes a channel, and returns its id.
///
/// # Errors
/// The database refused.
pub async fn insert(conn: &mut Conn, new: &ChannelRow) -> Result<i64> {
    Ok(fetch_value!(
        conn,
        i64,
        "INSERT INTO channels (project_id, uuid, channel_name, kind, sealed_config, on_down, \
         on_up, after_minutes, remind_every, group_threshold, disabled, last_error, created_at, \
         confirmed_address) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING channel_id",
        new.project_id,
        &new.uuid,
        &new.channel_name,
        &new.kind,
        &new.sealed_config,
        new.on_down,
        new.on_up,
        new.after_minutes,
        new.remind_every,
        new.group_threshold,
        new.disabled,
        new.last_error.as_deref(),
        new.created_at,
        new.confirmed_address.as_deref()
    ))
}

/// Sets everything about a channel that its owner may change.
///
/// # Errors
/// The database refused.
pub async fn update(conn: &mut Conn, channel: &ChannelRow) -> Result<()> {
    execute!(
        conn,
        "UPDATE channels SET channel_name = $2, sealed_config = $3, on_down = $4, on_up = $5, \
         after_minutes = $6, remind_every = $7, group_threshold = $8, disabled = $9, \
         last_error = $10, confirmed_address = $11 WHERE channel_id = $1",
        channel.channel_id,
        &channel.channel_name,
        &channel.sealed_config,
        channel.on_down,
        channel.on_up,
        channel.after_minutes,
        channel.remind_every,
        channel.group_threshold,
        channel.disabled,
        channel.last_error.as_deref(),
        channel.confirmed_address.as_deref()
    );
    Ok(())
}

/// Deletes a channel; its notifications go with it.
///
/// # Errors
/// The database refused.
pub async fn delete(conn: &mut Conn, channel_id: i64) -> Result<()> {
    execute!(conn, "DELETE FROM channels WHERE channel_id = $1", channel_id);
    Ok(())
}

/// A channel of this project.
///
/// # Errors
/// The database is out.
pub async fn find(conn: &mut Conn, project_id: i64, channel_id: i64) -> Result<Option<ChannelRow>> {
    let sql = format!("SELECT {COLUMNS} FROM channels WHERE project_id = $1 AND channel_id = $2");
    Ok(fetch_optional!(conn, ChannelRow, AssertSqlSafe(sql), project_id, channel_id))
}

/// The channel with this UUID, whatever its project.
///
/// # Errors
/// The database is out.
pub async fn find_by_uuid(conn: &mut Conn, uuid: &str) -> Result<Option<ChannelRow>> {
    let sql = format!("SELECT {COLUMNS} FROM channels WHERE uuid = $1");
    Ok(fetch_optional!(conn, ChannelRow, AssertSqlSafe(sql), uuid))
}

/// The channels of these ids, whatever their project.
///
/// # Errors
/// The database is out.
pub async fn find_many(conn: &mut Conn, channel_ids: &[i64]) -> Result<Vec<ChannelRow>> {
    let condition = conn.db().is_in("channel_id", "$1");
    let sql = format!("SELECT {COLUMNS} FROM channels WHERE {condition}");
    Ok(fetch_all!(conn, ChannelRow, AssertSqlSafe(sql), id_list(channel_ids)))
}

/// A page of a project's channels, by id, and how many there are.
///
/// # Errors
/// The database is out.
pub async fn list(
    conn: &mut Conn,
    project_id: i64,
    offset: i64,
    limit: i64,
) -> Result<(Vec<ChannelRow>, i64)> {
    let sql = format!(
        "SELECT {COLUMNS} FROM channels WHERE project_id = $1 ORDER BY channel_id \
         LIMIT $2 OFFSET $3"
    );
    let rows = fetch_all!(conn, ChannelRow, AssertSqlSafe(sql), project_id, limit, offset);
    Ok((rows, count(conn, project_id).await?))
}

/// How many channels a project has.
///
/// # Errors
/// The database is out.
pub async fn count(conn: &mut Conn, project_id: i64) -> Result<i64> {
    Ok(fetch_value!(conn, i64, "SELECT COUNT(*) FROM channels WHERE project_id = $1", project_id))
}

/// The ids of a project's channels, in order.
///
/// # Errors
/// The database is out.
pub async fn ids_of_project(conn: &mut Conn, project_id: i64) -> Result<Vec<i64>> {
    let rows = fetch_all!(
        conn,
        IdRow,
        "SELECT channel_id AS id FROM channels WHERE project_id = $1 ORDER BY channel_id",
        project_id
    );
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Which channels these checks tell, as pairs of check and channel, in order.
///
/// # Errors
/// The database is out.
pub async fn of_checks(conn: &mut Conn, check_ids: &[i64]) -> Result<Vec<(i64, i64)>> {
    #[derive(sqlx::FromRow)]
    struct PairRow {
        check_id: i64,
        channel_id: i64,
    }
    let sql = format!(
        "SELECT check_id, channel_id FROM check_channels WHERE {} ORDER BY check_id, channel_id",
        conn.db().is_in("check_id", "$1")
    );
    let rows = fetch_all!(conn, PairRow, AssertSqlSafe(sql), id_list(check_ids));
    Ok(rows.into_iter().map(|row| (row.check_id, row.channel_id)).collect())
}

/// How many checks tell each of these channels, without those that do it by a group; channels that
/// none tells are left out.
///
/// # Errors
/// The database is out.
pub async fn count_checks(conn: &mut Conn, channel_ids: &[i64]) -> Result<Vec<(i64, i64)>> {
    #[derive(sqlx::FromRow)]
    struct CountRow {
        channel_id: i64,
        checks: i64,
    }
    let sql = format!(
        "SELECT channel_id, COUNT(*) AS checks FROM check_channels WHERE {} GROUP BY channel_id",
        conn.db().is_in("channel_id", "$1")
    );
    let rows = fetch_all!(conn, CountRow, AssertSqlSafe(sql), id_list(channel_ids));
    Ok(rows.into_iter().map(|row| (row.channel_id, row.checks)).collect())
}

/// The first checks by name that tell a channel, so many.
///
/// # Errors
/// The database is out.
pub async fn checks_of(conn: &mut Conn, channel_id: i64, limit: i64) -> Result<Vec<Name>> {
    let sql = "SELECT c.check_id, c.check_name FROM check_channels k \
               JOIN checks c ON c.check_id = k.check_id WHERE k.channel_id = $1 \
               ORDER BY c.check_name, c.check_id LIMIT $2";
    Ok(fetch_all!(conn, Name, sql, channel_id, limit))
}

/// Makes every check of a project tell a channel, besides those that it tells; how many did not.
///
/// # Errors
/// The database refused.
pub async fn assign_to_all(conn: &mut Conn, project_id: i64, channel_id: i64) -> Result<u64> {
    Ok(execute!(
        conn,
        "INSERT INTO check_channels (check_id, channel_id) \
         SELECT c.check_id, $2 FROM checks c WHERE c.project_id = $1 \
         ON CONFLICT (check_id, channel_id) DO NOTHING",
        project_id,
        channel_id
    ))
}

/// Makes a group stand for exactly these channels.
///
/// # Errors
/// The database refused.
pub async fn set_members(conn: &mut Conn, group_id: i64, channel_ids: &[i64]) -> Result<()> {
    execute!(conn, "DELETE FROM channel_members WHERE group_id = $1", group_id);
    let columns = vec![
        Column::ints(channel_ids.iter().copied()),
        Column::ints(channel_ids.iter().map(|_| group_id)),
    ];
    let sql =
        "INSERT INTO channel_members (group_id, channel_id) SELECT group_id, channel_id FROM r";
    Rows::new("channel_id, group_id", columns).execute(conn, sql).await?;
    Ok(())
}

/// How many of these channels and those of the groups among them are no groups.
///
/// # Errors
/// The database is out.
pub async fn count_told_by(conn: &mut Conn, channel_ids: &[i64]) -> Result<i64> {
    let among = conn.db().is_in("own.channel_id", "$1");
    let sql = format!(
        "SELECT COUNT(*) FROM channels own \
         LEFT JOIN channel_members m ON m.group_id = own.channel_id \
         WHERE {among} AND (own.kind <> 'group' OR m.channel_id IS NOT NULL)"
    );
    Ok(fetch_value!(conn, i64, AssertSqlSafe(sql), id_list(channel_ids)))
}

/// The groups that a channel is in.
///
/// # Errors
/// The database is out.
pub async fn groups_with(conn: &mut Conn, channel_id: i64) -> Result<Vec<ChannelRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM channels WHERE channel_id IN ( \
         SELECT m.group_id FROM channel_members m WHERE m.channel_id = $1) ORDER BY channel_id"
    );
    Ok(fetch_all!(conn, ChannelRow, AssertSqlSafe(sql), channel_id))
}

/// How many checks tell this channel and no other.
///
/// # Errors
/// The database is out.
pub async fn count_of_checks_that_tell_it_alone(conn: &mut Conn, channel_id: i64) -> Result<i64> {
    Ok(fetch_value!(
        conn,
        i64,
        "SELECT COUNT(*) FROM (SELECT DISTINCT cc.check_id FROM check_channels cc \
         WHERE cc.channel_id = $1 OR cc.channel_id IN ( \
         SELECT m.group_id FROM channel_members m WHERE m.channel_id = $1)) a WHERE NOT EXISTS ( \
         SELECT 1 FROM check_channels b \
         LEFT JOIN channel_members n ON n.group_id = b.channel_id \
         JOIN channels ch ON ch.channel_id = COALESCE(n.channel_id, b.channel_id) \
         WHERE b.check_id = a.check_id AND b.channel_id <> $1 AND ch.channel_id <> $1 \
         AND ch.kind <> 'group')",
        channel_id
    ))
}

/// Makes a check tell exactly these channels.
///
/// # Errors
/// The database refused.
pub async fn assign(conn: &mut Conn, check_id: i64, channel_ids: &[i64]) -> Result<()> {
    execute!(conn, "DELETE FROM check_channels WHERE check_id = $1", check_id);
    let columns = vec![
        Column::ints(channel_ids.iter().copied()),
        Column::ints(channel_ids.iter().map(|_| check_id)),
    ];
    let sql =
        "INSERT INTO check_channels (check_id, channel_id) SELECT check_id, channel_id FROM r";
    Rows::new("channel_id, check_id", columns).execute(conn, sql).await?;
    Ok(())
}

/// Remembers that a channel took a message.
///
/// # Errors
/// The database refused.
pub async fn mark_sent(conn: &mut Conn, channel_id: i64, now: Timestamp) -> Result<()> {
    execute!(
        conn,
        "UPDATE channels SET last_sent_at = $2, last_error = NULL WHERE channel_id = $1",
        channel_id,
        now
    );
    Ok(())
}

/// Remembers why a channel did not take a message, and disables it where that is final. Whether
/// this disabled it.
///
/// # Errors
/// The database refused.
pub async fn mark_failed(
    conn: &mut Conn,
    channel_id: i64,
    error: &str,
    disable: bool,
) -> Result<bool> {
    execute!(conn, "UPDATE channels SET last_error = $2 WHERE channel_id = $1", channel_id, error);
    if !disable {
        return Ok(false);
    }
    let changed = execute!(
        conn,
        "UPDATE channels SET disabled = 1 WHERE channel_id = $1 AND disabled = 0",
        channel_id
    );
    Ok(changed > 0)
}
