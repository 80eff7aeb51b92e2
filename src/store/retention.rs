//! Taking away what is older than its owner wants to keep, a little at a time.

use sqlx::AssertSqlSafe;

use super::tx::{Conn, execute, fetch_all};
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

/// Deletes at most `limit` of a check's oldest pings, up to this serial number or received before
/// `before`; how many went.
///
/// # Errors
/// The database refused.
pub async fn prune_pings(
    conn: &mut Conn,
    check: Overfull,
    before: Timestamp,
    limit: i64,
) -> Result<u64> {
    let last = fetch_all!(
        conn,
        super::IdRow,
        "SELECT n AS id FROM (SELECT n, at FROM pings WHERE check_id = $1 ORDER BY n LIMIT $4) o \
         WHERE n <= $2 OR at < $3 ORDER BY n DESC LIMIT 1",
        check.check_id,
        check.up_to,
        before,
        limit
    );
    let Some(last) = last.first() else { return Ok(0) };
    execute!(
        conn,
        "DELETE FROM ping_bodies WHERE check_id = $1 AND n <= $2",
        check.check_id,
        last.id
    );
    Ok(execute!(conn, "DELETE FROM pings WHERE check_id = $1 AND n <= $2", check.check_id, last.id))
}

/// A history that only ages out.
#[derive(Clone, Copy, Debug)]
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
    let (table, id, condition) = match history {
        History::Runs => ("runs", "run_id", "finished_at < $1"),
        History::Flips => (
            "flips",
            "flip_id",
            "at < $1 AND n < (SELECT s.n_flips FROM check_states s WHERE s.check_id = t.check_id) \
             AND NOT EXISTS (SELECT 1 FROM notifications n WHERE n.flip_id = t.flip_id \
             AND n.state = 'pending')",
        ),
        History::Notifications => {
            ("notifications", "notification_id", "created_at < $1 AND state <> 'pending'")
        }
        History::Requests => ("requests", "request_row_id", "at < $1"),
        History::Events => ("check_events", "event_id", "at < $1"),
    };
    // Ids grow with time, so that the oldest rows are found from the low end of the key.
    let sql = format!(
        "DELETE FROM {table} WHERE {id} IN (SELECT {id} FROM (SELECT * FROM {table} \
         ORDER BY {id} LIMIT $2) t WHERE {condition})"
    );
    Ok(execute!(conn, AssertSqlSafe(sql), before, limit))
}
