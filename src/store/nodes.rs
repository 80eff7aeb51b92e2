//! Which processes are alive, and when none was.

use super::tx::{Conn, execute, fetch_all, fetch_value};
use crate::clock::Timestamp;
use crate::domain::check::Outage;
use crate::fault::Result;

/// Tells that a node is alive.
///
/// # Errors
/// The database refused.
pub async fn beat(
    conn: &mut Conn,
    node_id: &str,
    started_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    execute!(
        conn,
        "INSERT INTO nodes (node_id, started_at, heartbeat_at) VALUES ($1, $2, $3) \
         ON CONFLICT (node_id) DO UPDATE SET heartbeat_at = excluded.heartbeat_at",
        node_id,
        started_at,
        now
    );
    Ok(())
}

/// Moves signs of life that lie after `latest` back to `now`: they were given by a clock that has
/// been set back since, and would hide an outage.
///
/// # Errors
/// The database refused.
pub async fn clamp(conn: &mut Conn, latest: Timestamp, now: Timestamp) -> Result<()> {
    execute!(conn, "UPDATE nodes SET heartbeat_at = $2 WHERE heartbeat_at > $1", latest, now);
    Ok(())
}

/// The last sign of life of any node; none before the first start.
///
/// # Errors
/// The database is out.
pub async fn last_beat(conn: &mut Conn) -> Result<Option<Timestamp>> {
    Ok(fetch_value!(conn, Option<Timestamp>, "SELECT MAX(heartbeat_at) FROM nodes"))
}

/// Forgets nodes that gave no sign of life since `since`, but never the last one.
///
/// # Errors
/// The database refused.
pub async fn forget_before(conn: &mut Conn, since: Timestamp) -> Result<()> {
    execute!(
        conn,
        "DELETE FROM nodes WHERE heartbeat_at < $1 \
         AND heartbeat_at < (SELECT MAX(heartbeat_at) FROM nodes)",
        since
    );
    Ok(())
}

/// Lets nobody else record an outage until this transaction ends.
///
/// # Errors
/// The database refused.
pub async fn lock_outages(conn: &mut Conn) -> Result<()> {
    // A write to a row that is always there serves as the lock on both databases.
    execute!(
        conn,
        "INSERT INTO settings (name, value) VALUES ('outage_lock', '') \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    );
    Ok(())
}

/// Records a time during which no node was there, unless it is known already.
///
/// # Errors
/// The database refused.
pub async fn record_outage(conn: &mut Conn, outage: Outage) -> Result<()> {
    execute!(
        conn,
        "INSERT INTO outages (from_at, to_at) VALUES ($1, $2) ON CONFLICT (from_at) DO NOTHING",
        outage.from,
        outage.to
    );
    Ok(())
}

#[derive(sqlx::FromRow)]
struct OutageRow {
    from_at: Timestamp,
    to_at: Timestamp,
}

/// The outages that ended at `since` or later, in order.
///
/// # Errors
/// The database is out.
pub async fn outages_since(conn: &mut Conn, since: Timestamp) -> Result<Vec<Outage>> {
    let rows = fetch_all!(
        conn,
        OutageRow,
        "SELECT from_at, to_at FROM outages WHERE to_at >= $1 ORDER BY from_at",
        since
    );
    Ok(rows.into_iter().map(|row| Outage { from: row.from_at, to: row.to_at }).collect())
}

/// A process of this installation.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct NodeRow {
    /// Its id.
    pub node_id: String,
    /// When it was started.
    pub started_at: Timestamp,
    /// Its last sign of life.
    pub heartbeat_at: Timestamp,
}

/// The processes with the latest signs of life, so many.
///
/// # Errors
/// The database is out.
pub async fn list(conn: &mut Conn, limit: i64) -> Result<Vec<NodeRow>> {
    let sql = "SELECT node_id, started_at, heartbeat_at FROM nodes \
               ORDER BY heartbeat_at DESC, node_id LIMIT $1";
    Ok(fetch_all!(conn, NodeRow, sql, limit))
}

/// How many bytes the database takes.
///
/// # Errors
/// The database is out, or does not tell us.
pub async fn database_size(conn: &mut Conn) -> Result<i64> {
    let sql = conn.db().size_query();
    Ok(fetch_value!(conn, i64, sql))
}
