//! What maintenance windows and flapping keep back. A notification that would go out while one of them
//! covers its check is suppressed, and held until its end; then what still holds is told. `held_until`
//! is when to look: it may be too early, and is never too late.
//!
//! Whoever releases holds the lock on the check, so that it does not flip meanwhile, and nothing is
//! told twice or out of order.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;

use super::dialect::{Column, Rows, id_list};
use super::tx::{Conn, execute, fetch_all, fetch_value};
use super::{IdRow, flapping, maintenance};
use crate::clock::Timestamp;
use crate::domain::maintenance::Cover;
use crate::fault::Result;

/// Whether what the channel `ch` heard last of the check of the row named `of`, a turn to up, was not
/// good news, or it takes no others.
pub(super) fn was_told(of: &str) -> String {
    format!(
        "(ch.on_down = 0 OR (SELECT d.event FROM notifications d \
         WHERE d.check_id = {of}.check_id AND d.channel_id = ch.channel_id AND d.told = 1 \
         ORDER BY d.notification_id DESC LIMIT 1) IN ('down', 'flapping'))"
    )
}

/// What covers which of these checks at `now`: maintenance windows ([`maintenance::covers_of`]), and
/// that they are flapping. Those that nothing covers are left out.
///
/// # Errors
/// The database is out.
pub async fn covers_of(
    conn: &mut Conn,
    check_ids: &[i64],
    now: Timestamp,
) -> Result<HashMap<i64, Cover>> {
    let mut covers = maintenance::covers_of(conn, check_ids, now).await?;
    for (check_id, cover) in flapping::covers_of(conn, check_ids, now).await? {
        let whole = match covers.remove(&check_id) {
            Some(window) => window.with(cover),
            None => cover,
        };
        covers.insert(check_id, whole);
    }
    Ok(covers)
}

/// When the next notification that is held wants to be looked at.
///
/// # Errors
/// The database is out.
pub async fn next_end(conn: &mut Conn) -> Result<Option<Timestamp>> {
    Ok(fetch_value!(
        conn,
        Option<Timestamp>,
        "SELECT MIN(held_until) FROM notifications WHERE held_until IS NOT NULL"
    ))
}

/// At most `limit` checks, in order of their ids, of which something was held until `by` or less.
///
/// # Errors
/// The database is out.
pub async fn checks_due(conn: &mut Conn, by: Timestamp, limit: i64) -> Result<Vec<i64>> {
    let rows = fetch_all!(
        conn,
        IdRow,
        "SELECT DISTINCT check_id AS id FROM notifications \
         WHERE held_until IS NOT NULL AND held_until <= $1 ORDER BY check_id LIMIT $2",
        by,
        limit
    );
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Of these checks, those of which something was held until `by` or less.
///
/// # Errors
/// The database is out.
pub async fn due_among(conn: &mut Conn, check_ids: &[i64], by: Timestamp) -> Result<Vec<i64>> {
    let sql = format!(
        "SELECT DISTINCT check_id AS id FROM notifications \
         WHERE held_until IS NOT NULL AND held_until <= $1 AND {}",
        conn.db().is_in("check_id", "$2")
    );
    let rows = fetch_all!(conn, IdRow, AssertSqlSafe(sql), by, id_list(check_ids));
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Lets go what was held of these checks until the moment beside each, where nothing covers them at
/// `now`: a check that is still down, or up again, as the last news that was kept back says, is told
/// to the channels that still want it, once; what has passed is forgotten. What is covered by
/// something else is held until that one's end. The caller holds the locks on the checks. How much
/// there is to send.
///
/// # Errors
/// The database refused.
pub async fn release(conn: &mut Conn, due: &[(i64, Timestamp)], now: Timestamp) -> Result<u64> {
    let ids: Vec<i64> = due.iter().map(|(check_id, _)| *check_id).collect();
    let covers = covers_of(conn, &ids, now).await?;
    let (covered, free): (Vec<_>, Vec<_>) =
        due.iter().copied().partition(|(check_id, _)| covers.contains_key(check_id));
    let longer = covered.iter().map(|(id, by)| (*id, *by, covers.get(id).map(|c| c.until)));
    hold(conn, longer).await?;
    let free_ids: Vec<i64> = free.iter().map(|(check_id, _)| *check_id).collect();
    flapping::end(conn, &free_ids).await?;
    let told = tell(conn, &free, now).await?;
    hold(conn, free.iter().map(|(id, by)| (*id, *by, None))).await?;
    Ok(told)
}

/// Queues what is still to be told of these checks.
async fn tell(conn: &mut Conn, free: &[(i64, Timestamp)], now: Timestamp) -> Result<u64> {
    let columns = vec![
        Column::ints(free.iter().map(|(check_id, _)| *check_id)),
        Column::times(free.iter().map(|(_, by)| *by)),
        Column::times(free.iter().map(|_| now)),
    ];
    let due = "h.held_until + 60000000 * CASE h.event WHEN 'down' THEN ch.after_minutes \
               WHEN 'reminder' THEN ch.remind_every ELSE 0 END";
    let was_told = was_told("f");
    let sql = format!(
        "INSERT INTO notifications (project_id, channel_id, check_id, flip_id, event, state, \
         attempts, created_at, next_attempt_at, due_at, told) \
         SELECT h.project_id, h.channel_id, h.check_id, h.flip_id, h.event, 'pending', 0, r.now, \
         {due}, {due}, CASE h.event WHEN 'reminder' THEN 0 ELSE 1 END \
         FROM r JOIN notifications h ON h.check_id = r.check_id \
         AND h.held_until IS NOT NULL AND h.held_until <= r.until \
         JOIN flips f ON f.flip_id = h.flip_id \
         JOIN channels ch ON ch.channel_id = h.channel_id \
         WHERE ch.disabled = 0 AND EXISTS (SELECT 1 FROM check_channels cc \
         JOIN channels own ON own.channel_id = cc.channel_id AND own.disabled = 0 \
         LEFT JOIN channel_members m ON m.group_id = cc.channel_id \
         WHERE cc.check_id = h.check_id \
         AND COALESCE(m.channel_id, cc.channel_id) = h.channel_id) AND NOT EXISTS ( \
         SELECT 1 FROM flips l WHERE l.check_id = f.check_id AND l.n > f.n) \
         AND ((h.event = 'down' AND ch.on_down = 1) \
         OR (h.event = 'reminder' AND ch.on_down = 1 AND ch.remind_every > 0) \
         OR (h.event = 'up' AND ch.on_up = 1 AND {was_told})) \
         ORDER BY f.flip_id, h.notification_id"
    );
    Rows::new("check_id, until, now", columns).execute(conn, &sql).await
}

/// Holds what was held of these checks until a moment for longer, or no more.
async fn hold(
    conn: &mut Conn,
    until: impl Iterator<Item = (i64, Timestamp, Option<Timestamp>)>,
) -> Result<()> {
    let all: Vec<_> = until.collect();
    let columns = vec![
        Column::ints(all.iter().map(|(check_id, _, _)| *check_id)),
        Column::times(all.iter().map(|(_, by, _)| *by)),
        Column::times(all.iter().map(|(_, _, until)| *until)),
    ];
    // Of a check that has changed its state since, only the last news can still be told.
    let sql = "UPDATE notifications SET held_until = CASE WHEN EXISTS (SELECT 1 FROM flips f \
               JOIN flips l ON l.check_id = f.check_id AND l.n > f.n \
               WHERE f.flip_id = notifications.flip_id) THEN NULL ELSE r.until END FROM r \
               WHERE notifications.check_id = r.check_id \
               AND notifications.held_until IS NOT NULL AND notifications.held_until <= r.by_then";
    Rows::new("check_id, by_then, until", columns).execute(conn, sql).await?;
    Ok(())
}

/// Has everything that is held in a project looked at again at `now`: a window of it was changed.
///
/// # Errors
/// The database refused.
pub async fn look_again(conn: &mut Conn, project_id: i64, now: Timestamp) -> Result<()> {
    hold_until_now(conn, "project_id", project_id, now).await
}

/// The same for one check: what windows cover it by was changed.
///
/// # Errors
/// The database refused.
pub async fn look_again_at_check(conn: &mut Conn, check_id: i64, now: Timestamp) -> Result<()> {
    hold_until_now(conn, "check_id", check_id, now).await
}

/// Holds no longer what was held of those that have this id in this column.
async fn hold_until_now(
    conn: &mut Conn,
    column: &'static str,
    id: i64,
    now: Timestamp,
) -> Result<()> {
    let sql = format!(
        "UPDATE notifications SET held_until = $2 WHERE held_until IS NOT NULL \
         AND held_until > $2 AND {column} = $1"
    );
    execute!(conn, AssertSqlSafe(sql), id, now);
    Ok(())
}
