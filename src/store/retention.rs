//! Taking away what is older than its owner wants to keep, a little at a time. What daily sums are
//! kept of goes through `days.rs`.

use sqlx::AssertSqlSafe;

use super::dialect::id_list;
use super::tx::{Conn, execute, fetch_all, fetch_optional, fetch_value};
use super::{IdRow, days};
use crate::clock::Timestamp;
use crate::fault::Result;

/// A check, and whether it keeps pings that are to go.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct Kept {
    /// Which one.
    pub check_id: i64,
    /// The serial number up to which pings are beyond the newest that are kept.
    pub up_to: i64,
    /// 1: some are to go; 0: none.
    pub goes: i64,
}

/// The next checks after `after` (by id, at most `limit`), each with whether any of its pings is
/// beyond the newest `keep` or was received before `before`.
///
/// # Errors
/// The database is out.
pub async fn next_checks(
    conn: &mut Conn,
    after: i64,
    keep: i64,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Kept>> {
    Ok(fetch_all!(
        conn,
        Kept,
        "SELECT s.check_id, s.n_pings - $2 AS up_to, CAST(CASE \
         WHEN EXISTS (SELECT 1 FROM pings p WHERE p.check_id = s.check_id AND p.n <= s.n_pings - $2) \
         OR (SELECT p.at FROM pings p WHERE p.check_id = s.check_id ORDER BY p.n LIMIT 1) < $3 \
         THEN 1 ELSE 0 END AS BIGINT) AS goes \
         FROM (SELECT check_id, n_pings FROM check_states WHERE check_id > $1 \
         ORDER BY check_id LIMIT $4) s ORDER BY s.check_id",
        after,
        keep,
        before,
        limit
    ))
}

/// The serial number up to which at most `limit` of a check's oldest pings are to go; none where
/// there are none.
///
/// # Errors
/// The database is out.
pub async fn oldest_pings(
    conn: &mut Conn,
    check: Kept,
    before: Timestamp,
    limit: i64,
) -> Result<Option<i64>> {
    let last = fetch_optional!(
        conn,
        IdRow,
        "SELECT n AS id FROM (SELECT n, at FROM pings WHERE check_id = $1 ORDER BY n LIMIT $4) o \
         WHERE n <= $2 OR at < $3 ORDER BY n DESC LIMIT 1",
        check.check_id,
        check.up_to,
        before,
        limit
    );
    Ok(last.map(|row| row.id))
}

/// The next deleted check whose pings are still there.
///
/// # Errors
/// The database is out.
pub async fn next_deleted(conn: &mut Conn) -> Result<Option<i64>> {
    let sql = "SELECT check_id AS id FROM deleted_checks ORDER BY check_id LIMIT 1";
    Ok(fetch_optional!(conn, IdRow, sql).map(|row| row.id))
}

/// Forgets a deleted check, all of whose pings are gone.
///
/// # Errors
/// The database refused.
pub async fn forget_deleted(conn: &mut Conn, check_id: i64) -> Result<()> {
    execute!(conn, "DELETE FROM deleted_checks WHERE check_id = $1", check_id);
    Ok(())
}

/// Deletes what is known of outages that ended before `before`.
///
/// # Errors
/// The database refused.
pub async fn prune_outages(conn: &mut Conn, before: Timestamp) -> Result<()> {
    execute!(conn, "DELETE FROM outages WHERE to_at < $1", before);
    Ok(())
}

/// Deletes the pings of a deleted check up to this serial number, and keeps nothing of them.
///
/// # Errors
/// The database refused.
pub async fn delete_pings(conn: &mut Conn, check_id: i64, up_to: i64) -> Result<()> {
    execute!(conn, "DELETE FROM ping_bodies WHERE check_id = $1 AND n <= $2", check_id, up_to);
    execute!(conn, "DELETE FROM pings WHERE check_id = $1 AND n <= $2", check_id, up_to);
    Ok(())
}

/// The pages of SQLite's file that hold nothing, and all of them.
///
/// # Errors
/// The database is out.
pub async fn free_pages(conn: &mut Conn) -> Result<(i64, i64)> {
    let free = fetch_value!(conn, i64, "PRAGMA freelist_count");
    Ok((free, fetch_value!(conn, i64, "PRAGMA page_count")))
}

/// Gives so many of the pages that hold nothing back to the disk, at the end of the transaction.
///
/// # Errors
/// The database refused.
pub async fn give_back(conn: &mut Conn, pages: i64) -> Result<()> {
    let sql = format!("PRAGMA incremental_vacuum({pages})");
    fetch_all!(conn, NothingRow, AssertSqlSafe(sql));
    Ok(())
}

#[derive(sqlx::FromRow)]
struct NothingRow {}

/// A history that only ages out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// Runs that have ended.
    Runs,
    /// Flips that no pending notification tells of, save each check's last, and none before an
    /// older one of its check: the time from one to the next is summed up as they go.
    Flips,
    /// Notifications that are settled.
    Notifications,
    /// The journal of requests.
    Requests,
    /// What the server did to checks.
    Events,
}

impl History {
    /// Table, key, the column that says from when a row is, and the condition on a row `t` that may
    /// go once it is old enough.
    fn sql(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::Runs => ("runs", "run_id", "started_at", "t.finished_at IS NOT NULL"),
            Self::Flips => (
                "flips",
                "flip_id",
                "at",
                "t.n < (SELECT s.n_flips FROM check_states s WHERE s.check_id = t.check_id) \
                 AND NOT EXISTS (SELECT 1 FROM flips e WHERE e.check_id = t.check_id \
                 AND e.n <= t.n AND (e.at >= $1 OR EXISTS (SELECT 1 FROM notifications n \
                 WHERE n.flip_id = e.flip_id AND n.state = 'pending'))) \
                 AND NOT EXISTS (SELECT 1 FROM notifications h WHERE h.check_id = t.check_id \
                 AND h.held_until IS NOT NULL)",
            ),
            // What a channel heard last of a check decides whether it is told that it is up again: that
            // stays, and while more is on its way, what was heard before.
            Self::Notifications => (
                "notifications",
                "notification_id",
                "created_at",
                "t.state <> 'pending' AND (t.flip_id IS NULL OR NOT EXISTS (SELECT 1 FROM flips f \
                 JOIN check_states s ON s.check_id = f.check_id AND s.n_flips = f.n \
                 WHERE f.flip_id = t.flip_id)) AND (t.told = 0 OR (EXISTS ( \
                 SELECT 1 FROM notifications l WHERE l.check_id = t.check_id \
                 AND l.channel_id = t.channel_id AND l.told = 1 \
                 AND l.notification_id > t.notification_id) AND NOT EXISTS ( \
                 SELECT 1 FROM notifications p WHERE p.check_id = t.check_id \
                 AND p.channel_id = t.channel_id AND p.state = 'pending')))",
            ),
            Self::Requests => ("requests", "request_row_id", "at", "1 = 1"),
            Self::Events => ("check_events", "event_id", "at", "1 = 1"),
        }
    }
}

/// A row of a history that is old enough to go.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct Old {
    /// Its id.
    pub id: i64,
    /// 1: it may go; 0: it is still needed.
    pub goes: i64,
}

/// The next rows of a history after the id `after` (at most `limit`) that are from before `before`.
/// Ids grow with time, so that they are found from the low end of the key.
///
/// # Errors
/// The database is out.
pub async fn next_old(
    conn: &mut Conn,
    history: History,
    before: Timestamp,
    after: i64,
    limit: i64,
) -> Result<Vec<Old>> {
    let (table, id, at, condition) = history.sql();
    let sql = format!(
        "SELECT t.{id} AS id, CAST(CASE WHEN {condition} THEN 1 ELSE 0 END AS BIGINT) AS goes \
         FROM (SELECT * FROM {table} WHERE {id} > $2 ORDER BY {id} LIMIT $3) t \
         WHERE t.{at} < $1 ORDER BY t.{id}"
    );
    Ok(fetch_all!(conn, Old, AssertSqlSafe(sql), before, after, limit))
}

/// Deletes these rows of a history; of runs and flips, the daily sums are kept. Returns how many of
/// the ids, from the first, are done.
///
/// # Errors
/// The database refused.
pub async fn delete(conn: &mut Conn, history: History, ids: &[i64]) -> Result<usize> {
    match history {
        History::Runs => days::sum_up_runs(conn, ids).await?,
        History::Flips => return days::sum_up_flips(conn, ids).await,
        History::Notifications | History::Requests | History::Events => {
            let (table, id, _, _) = history.sql();
            let sql = format!("DELETE FROM {table} WHERE {}", conn.db().is_in(id, "$1"));
            execute!(conn, AssertSqlSafe(sql), id_list(ids));
        }
    }
    Ok(ids.len())
}
