//! The daily sums of what retention took away (`check_days`). They are added to in the very
//! transaction that deletes the rows they stand for, and by nobody else: pings pay nothing for them.

use sqlx::AssertSqlSafe;

use super::dialect::{Column, Rows, id_list};
use super::tx::{Conn, execute, fetch_all};
use super::{IdRow, run_counts};
use crate::clock::{SECOND, Timestamp};
use crate::domain::check::Status;
use crate::domain::days::{Days, Sums};
use crate::domain::ping::PingKind;
use crate::fault::{Fault, Result};

/// A day, in microseconds.
const DAY: i64 = 86_400 * SECOND;
/// Flips whose time spreads over more days than this are summed in more than one step.
const MOST_DAYS: usize = 2000;

/// A column of `check_days` and what it is.
type Summed = (&'static str, fn(&Sums) -> i64);

/// The columns that are added up. `run_max` is the one that is not.
const SUMMED: [Summed; 11] = [
    ("success", |sums| sums.pings[0]),
    ("start", |sums| sums.pings[1]),
    ("fail", |sums| sums.pings[2]),
    ("log", |sums| sums.pings[3]),
    ("ign", |sums| sums.pings[4]),
    ("runs", |sums| sums.runs),
    ("run_total", |sums| sums.run_total),
    ("up_time", |sums| sums.up_time),
    ("down_time", |sums| sums.down_time),
    ("downs", |sums| sums.downs),
    ("down_before", |sums| sums.down_before),
];

/// Adds to the sums of these checks and days.
async fn add(conn: &mut Conn, days: &Days) -> Result<()> {
    let all = || days.iter();
    let mut columns = vec![
        Column::ints(all().map(|(check_id, _, _)| check_id)),
        Column::ints(all().map(|(_, day, _)| day)),
        Column::ints(all().map(|(_, _, sums)| sums.run_max)),
    ];
    columns.extend(SUMMED.map(|(_, of)| Column::ints(all().map(|(_, _, sums)| of(sums)))));
    let names = "check_id, day, run_max, success, start, fail, log, ign, runs, run_total, \
                 up_time, down_time, downs, down_before";
    let added: Vec<String> = SUMMED
        .iter()
        .map(|(name, _)| format!("{name} = check_days.{name} + excluded.{name}"))
        .collect();
    let sql = format!(
        "INSERT INTO check_days ({names}) SELECT {names} FROM r WHERE true ORDER BY check_id, day \
         ON CONFLICT (check_id, day) DO UPDATE SET {}, run_max = CASE WHEN \
         excluded.run_max > check_days.run_max THEN excluded.run_max ELSE check_days.run_max END",
        added.join(", ")
    );
    Rows::new(names, columns).execute(conn, &sql).await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct GonePing {
    at: Timestamp,
    kind: i16,
}

/// Deletes a check's pings up to this serial number, and keeps their sums.
///
/// # Errors
/// The database refused.
pub async fn sum_up_pings(conn: &mut Conn, check_id: i64, up_to: i64) -> Result<()> {
    execute!(conn, "DELETE FROM ping_bodies WHERE check_id = $1 AND n <= $2", check_id, up_to);
    let sql = "DELETE FROM pings WHERE check_id = $1 AND n <= $2 RETURNING at, kind";
    let mut days = Days::default();
    for ping in fetch_all!(conn, GonePing, sql, check_id, up_to) {
        let kind = usize::try_from(ping.kind).ok().and_then(|place| PingKind::ALL.get(place));
        let kind = kind.ok_or_else(|| Fault::internal("a ping row holds an unknown kind"))?;
        days.add_ping(check_id, ping.at, *kind);
    }
    add(conn, &days).await
}

/// Keeps the sums of all pings in a table that has the columns of `pings`, save those of checks that are
/// gone. Whoever calls drops it in the same transaction.
///
/// # Errors
/// The database refused.
pub(super) async fn sum_up_table(conn: &mut Conn, table: &str) -> Result<()> {
    let kinds = SUMMED.iter().take(PingKind::ALL.len());
    let added: Vec<String> =
        kinds.map(|(name, _)| format!("{name} = check_days.{name} + excluded.{name}")).collect();
    let counted: Vec<String> = (0..PingKind::ALL.len())
        .map(|kind| format!("SUM(CASE WHEN p.kind = {kind} THEN 1 ELSE 0 END)"))
        .collect();
    let sql = format!(
        "INSERT INTO check_days (check_id, day, success, start, fail, log, ign, runs, run_total, \
         run_max, up_time, down_time, downs, down_before) \
         SELECT p.check_id, p.at / {DAY}, {}, 0, 0, 0, 0, 0, 0, 0 FROM {table} p \
         WHERE EXISTS (SELECT 1 FROM checks c WHERE c.check_id = p.check_id) \
         GROUP BY p.check_id, p.at / {DAY} ORDER BY 1, 2 \
         ON CONFLICT (check_id, day) DO UPDATE SET {}",
        counted.join(", "),
        added.join(", ")
    );
    execute!(conn, AssertSqlSafe(sql));
    Ok(())
}

#[derive(sqlx::FromRow)]
struct GoneRun {
    run_id: i64,
    check_id: i64,
    finished_at: Option<Timestamp>,
    duration: Option<i64>,
}

/// Deletes these runs, and keeps the sums of those that were timed.
///
/// # Errors
/// The database refused.
pub async fn sum_up_runs(conn: &mut Conn, ids: &[i64]) -> Result<()> {
    let sql = format!(
        "SELECT DISTINCT check_id AS id FROM runs WHERE {}",
        conn.db().is_in("run_id", "$1")
    );
    let checks = fetch_all!(conn, IdRow, AssertSqlSafe(sql), id_list(ids));
    let checks: Vec<i64> = checks.into_iter().map(|row| row.id).collect();
    run_counts::lock(conn, &checks).await?;
    let sql = format!(
        "DELETE FROM runs WHERE {} RETURNING run_id, check_id, finished_at, duration",
        conn.db().is_in("run_id", "$1")
    );
    let gone = fetch_all!(conn, GoneRun, AssertSqlSafe(sql), id_list(ids));
    let counted: Vec<(i64, i64)> = gone.iter().map(|run| (run.check_id, run.run_id)).collect();
    run_counts::take_off(conn, &counted).await?;
    let mut days = Days::default();
    for run in gone {
        if let (Some(finished_at), Some(duration)) = (run.finished_at, run.duration) {
            days.add_run(run.check_id, finished_at, duration);
        }
    }
    add(conn, &days).await
}

#[derive(sqlx::FromRow)]
struct OldFlip {
    flip_id: i64,
    check_id: i64,
    at: Timestamp,
    #[sqlx(try_from = "String")]
    to_status: Status,
    until: Option<Timestamp>,
}

/// Deletes flips that others followed, and keeps the sums of the time from each to the next one
/// that is there. `ids` are in order, and no flip that stays may be older than one of its check
/// that goes. Returns how many of them, from the first, are done: all, unless they spread over
/// very many days.
///
/// # Errors
/// The database refused.
pub async fn sum_up_flips(conn: &mut Conn, ids: &[i64]) -> Result<usize> {
    let sql = format!(
        "SELECT f.flip_id, f.check_id, f.at, f.to_status, (SELECT x.at FROM flips x \
         WHERE x.check_id = f.check_id AND x.n > f.n ORDER BY x.n LIMIT 1) AS until \
         FROM flips f WHERE {} ORDER BY f.flip_id{}",
        conn.db().is_in("f.flip_id", "$1"),
        conn.db().for_update("f")
    );
    let mut days = Days::default();
    let mut done = ids.len();
    for flip in fetch_all!(conn, OldFlip, AssertSqlSafe(sql), id_list(ids)) {
        if days.len() > MOST_DAYS {
            done = ids.partition_point(|id| *id < flip.flip_id);
            break;
        }
        days.add_status(flip.check_id, flip.to_status, flip.at, flip.until.unwrap_or(flip.at));
    }
    // What was told of them goes with them: on PostgreSQL no foreign key sees to it.
    for table in ["notifications", "flips"] {
        let sql = format!("DELETE FROM {table} WHERE {}", conn.db().is_in("flip_id", "$1"));
        execute!(conn, AssertSqlSafe(sql), id_list(&ids[..done]));
    }
    add(conn, &days).await?;
    Ok(done)
}

/// Deletes at most `limit` days of the sums of a check; how many went.
///
/// # Errors
/// The database refused.
pub async fn delete_some(conn: &mut Conn, check_id: i64, limit: i64) -> Result<u64> {
    let sql = "DELETE FROM check_days WHERE check_id = $1 AND day IN \
               (SELECT day FROM check_days WHERE check_id = $1 ORDER BY day LIMIT $2)";
    Ok(execute!(conn, sql, check_id, limit))
}
