//! The signed job list: the runs of all projects that a user belongs to, page by page, and the checks
//! that wait for their next ping.

use sqlx::AssertSqlSafe;

use super::IdRow;
use super::dialect::id_list;
use super::projects::Role;
use super::tx::{Conn, fetch_all, fetch_value};
use crate::clock::Timestamp;
use crate::domain::jobs::TAIL_BYTES;
use crate::domain::run::RunResult;
use crate::fault::Result;

/// A check that waits for its next ping.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ExpectedRow {
    /// Which one.
    pub check_id: i64,
    /// Its public id.
    pub uuid: String,
    /// Its name; may be empty.
    pub check_name: String,
    /// What the user may do in its project.
    #[sqlx(try_from = "String")]
    pub role: Role,
    /// When the ping is expected.
    pub next_ping_at: Timestamp,
}

/// A run and what the list tells about it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct JobRow {
    /// The run's id.
    pub run_id: i64,
    /// Its check's public id.
    pub uuid: String,
    /// Its check's name; may be empty.
    pub check_name: String,
    /// What the user may do in its project.
    #[sqlx(try_from = "String")]
    pub role: Role,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How it stands.
    #[sqlx(try_from = "String")]
    pub result: RunResult,
    /// The exit status that came with its finish.
    pub exit_status: Option<i16>,
    /// 1: its check has no later one.
    pub is_latest: i64,
    /// 1: the ping that ended it, or began it where it goes on, is kept.
    pub is_kept: i64,
    /// 1: a failure ended it.
    pub failed_at_end: i64,
    /// The log pings in it that are kept.
    pub logs: i64,
    /// The end of the body that came with that failure.
    pub tail: Option<Vec<u8>>,
}

const OF_USER: &str = "FROM members m JOIN checks c ON c.project_id = m.project_id";

/// How many checks of a user's projects wait for a ping.
///
/// # Errors
/// The database is out.
pub async fn count_expected(conn: &mut Conn, user_id: i64) -> Result<i64> {
    let sql = format!(
        "SELECT COUNT(*) {OF_USER} JOIN check_states s ON s.check_id = c.check_id \
         WHERE m.user_id = $1 AND s.next_ping_at IS NOT NULL"
    );
    Ok(fetch_value!(conn, i64, AssertSqlSafe(sql), user_id))
}

/// A part of the checks of a user's projects that wait for a ping, the latest time first.
///
/// # Errors
/// The database is out.
pub async fn expected(
    conn: &mut Conn,
    user_id: i64,
    offset: i64,
    limit: i64,
) -> Result<Vec<ExpectedRow>> {
    let sql = format!(
        "SELECT c.check_id, c.uuid, c.check_name, m.role, s.next_ping_at {OF_USER} \
         JOIN check_states s ON s.check_id = c.check_id \
         WHERE m.user_id = $1 AND s.next_ping_at IS NOT NULL \
         ORDER BY s.next_ping_at DESC, c.check_id DESC LIMIT $2 OFFSET $3"
    );
    Ok(fetch_all!(conn, ExpectedRow, AssertSqlSafe(sql), user_id, limit, offset))
}

/// A part of the `total` runs of a user's projects, the latest first.
///
/// # Errors
/// The database is out.
pub async fn runs(
    conn: &mut Conn,
    user_id: i64,
    total: i64,
    offset: i64,
    limit: i64,
) -> Result<Vec<JobRow>> {
    if limit == 0 || offset >= total {
        return Ok(Vec::new());
    }
    let ids = ids(conn, user_id, total, offset, limit).await?;
    let logs = "SELECT COUNT(*) FROM pings p WHERE p.check_id = r.check_id AND p.n > r.start_n \
                AND p.n <= r.end_n AND p.kind = 3 \
                AND (p.rid = r.rid OR (p.rid IS NULL AND r.rid IS NULL))";
    // A run that is late keeps that as its result; it has a duration where a finish ended it.
    let failed = "e.kind = 2 AND (r.result = 'fail' OR (r.result = 'timeout' \
                  AND r.duration IS NOT NULL))";
    let tail = format!(
        "SELECT substr(b.body, CASE WHEN length(b.body) > {TAIL_BYTES} \
         THEN length(b.body) - {TAIL_BYTES} + 1 ELSE 1 END) FROM ping_bodies b \
         WHERE b.check_id = r.check_id AND b.n = r.end_n AND {failed}"
    );
    let yes = |condition: &str| format!("CAST(CASE WHEN {condition} THEN 1 ELSE 0 END AS BIGINT)");
    let is_latest = yes(
        "NOT EXISTS (SELECT 1 FROM runs l WHERE l.check_id = r.check_id AND l.run_id > r.run_id)",
    );
    let is_kept = yes("EXISTS (SELECT 1 FROM pings k WHERE k.check_id = r.check_id \
         AND k.n = COALESCE(r.end_n, r.start_n))");
    let sql = format!(
        "SELECT r.run_id, c.uuid, c.check_name, m.role, r.started_at, r.finished_at, r.result, \
         r.exit_status, {is_latest} AS is_latest, {is_kept} AS is_kept, {} AS failed_at_end, \
         ({logs}) AS logs, ({tail}) AS tail \
         FROM runs r JOIN checks c ON c.check_id = r.check_id \
         JOIN members m ON m.project_id = c.project_id AND m.user_id = $2 \
         LEFT JOIN pings e ON e.check_id = r.check_id AND e.n = r.end_n \
         WHERE {} ORDER BY r.run_id DESC",
        yes(failed),
        conn.db().is_in("r.run_id", "$1")
    );
    Ok(fetch_all!(conn, JobRow, AssertSqlSafe(sql), id_list(&ids), user_id))
}

/// The ids of these runs. Either everybody's runs are walked through from the latest on, or the
/// latest of each check of the user's are put in order: whichever passes over fewer, as far as can be
/// told beforehand.
async fn ids(
    conn: &mut Conn,
    user_id: i64,
    total: i64,
    offset: i64,
    limit: i64,
) -> Result<Vec<i64>> {
    let wanted = offset.saturating_add(limit);
    let span = fetch_value!(
        conn,
        i64,
        "SELECT COALESCE((SELECT run_id FROM runs ORDER BY run_id DESC LIMIT 1) \
         - (SELECT run_id FROM runs ORDER BY run_id LIMIT 1) + 1, 0)"
    );
    let walk_passes = wanted.saturating_mul(span / total.max(1));
    // Both are written so that there is no other way to do it, whatever the database thinks that it
    // knows of its tables: the question in brackets is asked of one run at a time, and a sum is in no
    // index.
    let sql = if walk_passes < total {
        "SELECT r.run_id AS id FROM runs r WHERE (SELECT 1 FROM checks c JOIN members m \
         ON m.project_id = c.project_id AND m.user_id = $1 WHERE c.check_id = r.check_id) = 1 \
         ORDER BY r.run_id DESC LIMIT $2 OFFSET $3"
            .to_owned()
    } else {
        format!(
            "SELECT r.run_id AS id {OF_USER} JOIN runs r ON r.check_id = c.check_id \
             AND r.run_id >= COALESCE((SELECT o.run_id FROM runs o WHERE o.check_id = c.check_id \
             ORDER BY o.run_id DESC LIMIT 1 OFFSET {}), 0) WHERE m.user_id = $1 \
             ORDER BY (r.run_id + 0) DESC LIMIT $2 OFFSET $3",
            wanted - 1
        )
    };
    let rows = fetch_all!(conn, IdRow, AssertSqlSafe(sql), user_id, limit, offset);
    Ok(rows.into_iter().map(|row| row.id).collect())
}
