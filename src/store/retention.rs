//! Taking away what is older than its owner wants to keep, a little at a time.

use sqlx::AssertSqlSafe;

use super::IdRow;
use super::tx::{Conn, execute, fetch_all, fetch_optional};
use crate::clock::Timestamp;
use crate::fault::Result;

/// A check that keeps more pings than it should.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct Overfull {
    /// Which one.
    pub check_id: i64,
    /// The serial number up to which pings go.
    pub up_to: i64,
}

/// The next checks after `after` (by id, at most `limit`), each with the serial number up to which
/// its pings are beyond the newest `keep`.
///
/// # Errors
/// The database is out.
pub async fn next_checks(
    conn: &mut Conn,
    after: i64,
    keep: i64,
    limit: i64,
) -> Result<Vec<Overfull>> {
    Ok(fetch_all!(
        conn,
        Overfull,
        "SELECT check_id, n_pings - $2 AS up_to FROM check_states WHERE check_id > $1 \
         ORDER BY check_id LIMIT $3",
        after,
        keep,
        limit
    ))
}

/// The serial number up to which at most `limit` of a check's oldest pings are to go: those beyond
/// the newest that are kept, and those received before `before`. None where there are none.
///
/// # Errors
/// The database is out.
pub async fn oldest_pings(
    conn: &mut Conn,
    check: Overfull,
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

/// Deletes a check's pings up to this serial number; how many went.
///
/// # Errors
/// The database refused.
pub async fn delete_pings(conn: &mut Conn, check_id: i64, up_to: i64) -> Result<u64> {
    execute!(conn, "DELETE FROM ping_bodies WHERE check_id = $1 AND n <= $2", check_id, up_to);
    Ok(execute!(conn, "DELETE FROM pings WHERE check_id = $1 AND n <= $2", check_id, up_to))
}

/// A history that only ages out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// Runs that have ended.
    Runs,
    /// Flips that no pending notification tells of, save each check's last.
    Flips,
    /// Notifications that are settled.
    Notifications,
    /// The journal of requests.
    Requests,
    /// What the server did to checks.
    Events,
}

impl History {
    /// Table, key, and the condition on a row `t` that is to go when it is from before `$1`.
    fn sql(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Runs => ("runs", "run_id", "t.finished_at < $1"),
            Self::Flips => (
                "flips",
                "flip_id",
                "t.at < $1 AND t.n < (SELECT s.n_flips FROM check_states s \
                 WHERE s.check_id = t.check_id) AND NOT EXISTS (SELECT 1 FROM notifications n \
                 WHERE n.flip_id = t.flip_id AND n.state = 'pending')",
            ),
            Self::Notifications => {
                ("notifications", "notification_id", "t.created_at < $1 AND t.state <> 'pending'")
            }
            Self::Requests => ("requests", "request_row_id", "t.at < $1"),
            Self::Events => ("check_events", "event_id", "t.at < $1"),
        }
    }
}

/// Ids grow with time, so that the oldest rows are found from the low end of the key: this many of
/// them are looked at.
const LOOKED_AT: i64 = 1000;

/// Whether any of the oldest rows of a history is from before `before`.
///
/// # Errors
/// The database is out.
pub async fn any_before(conn: &mut Conn, history: History, before: Timestamp) -> Result<bool> {
    let (table, id, condition) = history.sql();
    let sql = format!(
        "SELECT t.{id} AS id FROM (SELECT * FROM {table} ORDER BY {id} LIMIT $2) t \
         WHERE {condition} LIMIT 1"
    );
    Ok(fetch_optional!(conn, IdRow, AssertSqlSafe(sql), before, LOOKED_AT).is_some())
}

/// Deletes at most `limit` of the oldest rows of a history that are from before `before`; how many
/// went.
///
/// # Errors
/// The database refused.
pub async fn prune(
    conn: &mut Conn,
    history: History,
    before: Timestamp,
    limit: i64,
) -> Result<u64> {
    let (table, id, condition) = history.sql();
    let sql = format!(
        "DELETE FROM {table} WHERE {id} IN (SELECT t.{id} FROM (SELECT * FROM {table} \
         ORDER BY {id} LIMIT $2) t WHERE {condition} LIMIT $3)"
    );
    Ok(execute!(conn, AssertSqlSafe(sql), before, LOOKED_AT, limit))
}
