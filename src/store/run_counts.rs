//! How many runs are kept of each check, without counting them all: `run_counts` has the number up to
//! some run of each check, and only those behind it are counted when somebody asks. Within a check ids
//! grow in the order of commits, for whoever makes a run has the check's state locked; so what is
//! counted stays so until retention takes it away, which says so here in the same transaction. Both
//! lock the check first. Pings pay nothing for it.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;

use super::IdRow;
use super::dialect::{Column, Rows, id_list};
use super::tx::{Conn, execute, fetch_all, fetch_value};
use crate::fault::Result;

/// How many runs are kept of all checks of all projects that a user belongs to.
///
/// # Errors
/// The database is out.
pub async fn of_user(conn: &mut Conn, user_id: i64) -> Result<i64> {
    Ok(fetch_value!(
        conn,
        i64,
        "SELECT CAST(COALESCE(SUM(COALESCE(k.counted, 0) + (SELECT COUNT(*) FROM runs r \
         WHERE r.check_id = c.check_id AND r.run_id > COALESCE(k.up_to, 0))), 0) AS BIGINT) \
         FROM members m JOIN checks c ON c.project_id = m.project_id \
         LEFT JOIN run_counts k ON k.check_id = c.check_id WHERE m.user_id = $1",
        user_id
    ))
}

/// A check, and whether many of its runs are not counted yet.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct Behind {
    /// Which one.
    pub check_id: i64,
    /// 1: at least a step of them; 0: fewer.
    pub goes: i64,
}

/// The next checks after `after` (by id, at most `limit`), each with whether at least `step` of its
/// runs are not counted yet.
///
/// # Errors
/// The database is out.
pub async fn behind(conn: &mut Conn, after: i64, step: i64, limit: i64) -> Result<Vec<Behind>> {
    let sql = format!(
        "SELECT c.check_id, CAST(CASE WHEN EXISTS (SELECT 1 FROM runs r \
         WHERE r.check_id = c.check_id AND r.run_id > COALESCE((SELECT k.up_to FROM run_counts k \
         WHERE k.check_id = c.check_id), 0) ORDER BY r.run_id LIMIT 1 OFFSET {}) \
         THEN 1 ELSE 0 END AS BIGINT) AS goes \
         FROM (SELECT check_id FROM checks WHERE check_id > $1 ORDER BY check_id LIMIT $2) c \
         ORDER BY c.check_id",
        step - 1
    );
    Ok(fetch_all!(conn, Behind, AssertSqlSafe(sql), after, limit))
}

/// Counts the next `step` runs of those of these checks that have so many; how many have.
///
/// # Errors
/// The database refused.
pub async fn advance(conn: &mut Conn, check_ids: &[i64], step: i64) -> Result<u64> {
    lock(conn, check_ids).await?;
    let sql = format!(
        "INSERT INTO run_counts (check_id, up_to, counted) SELECT c.check_id, 0, 0 FROM checks c \
         WHERE {} ORDER BY c.check_id ON CONFLICT (check_id) DO NOTHING",
        conn.db().is_in("c.check_id", "$1")
    );
    execute!(conn, AssertSqlSafe(sql), id_list(check_ids));
    let last = format!(
        "SELECT r.run_id FROM runs r WHERE r.check_id = run_counts.check_id \
         AND r.run_id > run_counts.up_to ORDER BY r.run_id LIMIT 1 OFFSET {}",
        step - 1
    );
    let sql = format!(
        "UPDATE run_counts SET counted = counted + {step}, up_to = ({last}) \
         WHERE {} AND EXISTS ({last})",
        conn.db().is_in("check_id", "$1")
    );
    Ok(execute!(conn, AssertSqlSafe(sql), id_list(check_ids)))
}

/// Locks the counts of these checks until the transaction ends.
pub(super) async fn lock(conn: &mut Conn, check_ids: &[i64]) -> Result<()> {
    let sql = format!(
        "SELECT c.check_id AS id FROM checks c WHERE {} ORDER BY c.check_id{}",
        conn.db().is_in("c.check_id", "$1"),
        conn.db().for_counting("c")
    );
    fetch_all!(conn, IdRow, AssertSqlSafe(sql), id_list(check_ids));
    Ok(())
}

#[derive(sqlx::FromRow)]
struct UpTo {
    check_id: i64,
    up_to: i64,
}

/// Takes runs that go (check and id of each) off the counts, which are locked.
pub(super) async fn take_off(conn: &mut Conn, gone: &[(i64, i64)]) -> Result<()> {
    let checks: Vec<i64> = gone.iter().map(|(check_id, _)| *check_id).collect();
    let sql = format!(
        "SELECT k.check_id, k.up_to FROM run_counts k WHERE {}",
        conn.db().is_in("k.check_id", "$1")
    );
    let rows = fetch_all!(conn, UpTo, AssertSqlSafe(sql), id_list(&checks));
    let up_to: BTreeMap<i64, i64> = rows.iter().map(|row| (row.check_id, row.up_to)).collect();
    let mut counted = BTreeMap::<i64, i64>::new();
    for (check_id, run_id) in gone {
        if up_to.get(check_id).is_some_and(|up_to| run_id <= up_to) {
            *counted.entry(*check_id).or_default() += 1;
        }
    }
    let columns =
        vec![Column::ints(counted.keys().copied()), Column::ints(counted.values().copied())];
    let sql = "UPDATE run_counts SET counted = counted - r.gone FROM r \
               WHERE run_counts.check_id = r.check_id";
    Rows::new("check_id, gone", columns).execute(conn, sql).await?;
    Ok(())
}
