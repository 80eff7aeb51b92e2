//! Runs: starts and the finishes that belong to them.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::dialect::{Column, Rows, Writes, id_list};
use super::states::Watched;
use super::tx::{Conn, fetch_all, fetch_value};
use crate::clock::Timestamp;
use crate::domain::run::{Run, RunResult};
use crate::fault::Result;

/// A run as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct RunRow {
    /// Its id.
    pub run_id: i64,
    /// Its check.
    pub check_id: i64,
    /// The client's run id, canonical.
    pub rid: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How long it took, in microseconds.
    pub duration: Option<i64>,
    /// How it stands.
    #[sqlx(try_from = "String")]
    pub result: RunResult,
    /// The exit status that came with its finish.
    pub exit_status: Option<i16>,
    /// Its deadline was put off to this moment.
    pub put_off_to: Option<Timestamp>,
    /// The serial number of the ping that began it; none of old runs.
    pub start_n: Option<i64>,
    /// The serial number of the check's last ping when it ended; none of old runs.
    pub end_n: Option<i64>,
}

const COLUMNS: &str = "run_id, check_id, rid, started_at, finished_at, duration, result, \
                       exit_status, put_off_to, start_n, end_n";

impl RunRow {
    fn into_run(self) -> Run {
        Run {
            id: Some(self.run_id),
            rid: self.rid.as_deref().and_then(|rid| Uuid::parse_str(rid).ok()),
            started_at: self.started_at,
            finished_at: self.finished_at,
            duration: self.duration,
            result: self.result,
            exit_status: self.exit_status.and_then(|n| u8::try_from(n).ok()),
            put_off_to: self.put_off_to,
            start_n: self.start_n,
            end_n: self.end_n,
            changed: false,
        }
    }
}

/// The open runs of these checks, each with its check, in order of their start.
pub(super) async fn open_of(conn: &mut Conn, check_ids: &[i64]) -> Result<Vec<(i64, Run)>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM runs WHERE finished_at IS NULL AND {} ORDER BY run_id",
        conn.db().is_in("check_id", "$1")
    );
    let rows = fetch_all!(conn, RunRow, AssertSqlSafe(sql), id_list(check_ids));
    Ok(rows.into_iter().map(|row| (row.check_id, row.into_run())).collect())
}

/// The runs of a check that were open just before `at`, as far as they are kept, in order of their
/// start: at most `limit`. Each is as it was then, save that it may have been put off since.
///
/// # Errors
/// The database is out.
pub async fn open_before(
    conn: &mut Conn,
    check_id: i64,
    at: Timestamp,
    limit: i64,
) -> Result<Vec<Run>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM runs WHERE check_id = $1 AND started_at < $2 \
         AND (finished_at IS NULL OR finished_at >= $2) ORDER BY run_id LIMIT $3"
    );
    let rows = fetch_all!(conn, RunRow, AssertSqlSafe(sql), check_id, at, limit);
    let open = rows.into_iter().map(RunRow::into_run);
    let open =
        open.map(|run| Run { put_off_to: run.put_off_to, ..Run::begin(run.rid, run.started_at) });
    Ok(open.collect())
}

/// Writes the runs of these checks that are new or changed.
pub(super) fn save(writes: &mut Writes, checks: &[Watched]) {
    let (mut new, mut old) = (Vec::new(), Vec::new());
    for check in checks {
        for run in check.ended_runs.iter().chain(&check.state.open_runs) {
            match run.id {
                None => new.push((check.check_id, run)),
                Some(id) if run.changed => old.push((id, run)),
                Some(_) => {}
            }
        }
    }
    let columns = |ids: Vec<i64>, runs: Vec<&Run>| {
        let all = || runs.iter();
        vec![
            Column::ints(ids),
            Column::times(all().map(|run| run.finished_at)),
            Column::ints(all().map(|run| run.duration)),
            Column::texts(all().map(|run| run.result.as_str().to_owned())),
            Column::ints(all().map(|run| run.exit_status.map(i64::from))),
            Column::times(all().map(|run| run.put_off_to)),
            Column::ints(all().map(|run| run.end_n)),
        ]
    };
    let (ids, runs): (Vec<i64>, Vec<&Run>) = old.into_iter().unzip();
    let sql = "UPDATE runs SET finished_at = r.finished_at, duration = r.duration, \
               result = r.result, exit_status = r.exit_status, put_off_to = r.put_off_to, \
               end_n = r.end_n FROM r WHERE runs.run_id = r.run_id";
    let names = "run_id, finished_at, duration, result, exit_status, put_off_to, end_n";
    writes.add(sql, Rows::new(names, columns(ids, runs)));
    let (ids, runs): (Vec<i64>, Vec<&Run>) = new.into_iter().unzip();
    let rids = Column::texts(runs.iter().map(|run| run.rid.map(|rid| rid.to_string())));
    let starts = Column::times(runs.iter().map(|run| run.started_at));
    let starts_n = Column::ints(runs.iter().map(|run| run.start_n));
    let mut columns = columns(ids, runs);
    columns.extend([rids, starts, starts_n]);
    let sql = "INSERT INTO runs (check_id, finished_at, duration, result, exit_status, \
               put_off_to, end_n, rid, started_at, start_n) SELECT check_id, finished_at, duration, \
               result, exit_status, put_off_to, end_n, rid, started_at, start_n FROM r \
               ORDER BY started_at";
    let names = "check_id, finished_at, duration, result, exit_status, put_off_to, end_n, rid, \
                 started_at, start_n";
    writes.add(sql, Rows::new(names, columns));
}

/// What a small picture of the last runs needs to know of each.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Brief {
    /// Its check.
    pub check_id: i64,
    /// How it stands.
    #[sqlx(try_from = "String")]
    pub result: RunResult,
    /// How long it took, in microseconds.
    pub duration: Option<i64>,
}

/// The last `most` runs of each of these checks, by check and in order of their start; one
/// statement, which reads no run before them.
///
/// # Errors
/// The database is out.
pub async fn last_of(conn: &mut Conn, check_ids: &[i64], most: i64) -> Result<Vec<Brief>> {
    let sql = format!(
        "SELECT r.check_id, r.result, r.duration FROM checks c JOIN runs r \
         ON r.check_id = c.check_id AND r.run_id >= COALESCE((SELECT o.run_id FROM runs o \
         WHERE o.check_id = c.check_id ORDER BY o.run_id DESC LIMIT 1 OFFSET {}), 0) \
         WHERE {} ORDER BY r.check_id, r.run_id",
        most - 1,
        conn.db().is_in("c.check_id", "$1")
    );
    Ok(fetch_all!(conn, Brief, AssertSqlSafe(sql), id_list(check_ids)))
}

/// Where to begin in a check's runs: behind the last that began before `$3`. Ids grow with the starts.
const ENTRY: &str = "run_id > COALESCE((SELECT o.run_id FROM runs o WHERE o.check_id = $1 \
                     AND o.started_at < $3 ORDER BY o.run_id DESC LIMIT 1), 0)";

/// The runs of a check that were under way at `from` or later, the latest first: at most `limit`.
/// Runs that began before `entry` are not looked at.
///
/// # Errors
/// The database is out.
pub async fn since(
    conn: &mut Conn,
    check_id: i64,
    from: Timestamp,
    entry: Timestamp,
    limit: i64,
) -> Result<Vec<RunRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM runs WHERE check_id = $1 AND {ENTRY} \
         AND (finished_at IS NULL OR finished_at >= $2) ORDER BY run_id DESC LIMIT $4"
    );
    Ok(fetch_all!(conn, RunRow, AssertSqlSafe(sql), check_id, from, entry, limit))
}

/// The runs of a check that began in the same slot of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Slot {
    /// Which one, from 0.
    pub slot: i64,
    /// How many began in it.
    pub runs: i64,
    /// How many of them failed, took too long or got lost.
    pub bad: i64,
    /// How many were timed.
    pub timed: i64,
    /// How long those took together, in microseconds.
    pub total: i64,
    /// How long the longest took, in microseconds.
    pub longest: Option<i64>,
}

/// The runs of a check that began at `from` or later, by slots of `width` microseconds; slots without
/// any are left out.
///
/// # Errors
/// The database is out.
pub async fn slots(
    conn: &mut Conn,
    check_id: i64,
    from: Timestamp,
    entry: Timestamp,
    width: i64,
) -> Result<Vec<Slot>> {
    let sql = format!(
        "SELECT slot, COUNT(*) AS runs, COUNT(duration) AS timed, MAX(duration) AS longest, \
         CAST(SUM(CASE WHEN result IN ('fail', 'timeout', 'lost') THEN 1 ELSE 0 END) AS BIGINT) \
         AS bad, CAST(COALESCE(SUM(duration), 0) AS BIGINT) AS total FROM \
         (SELECT (started_at - {}) / {width} AS slot, result, duration FROM runs \
         WHERE check_id = $1 AND {ENTRY} AND started_at >= $2) s GROUP BY slot ORDER BY slot",
        from.0
    );
    Ok(fetch_all!(conn, Slot, AssertSqlSafe(sql), check_id, from, entry))
}

/// A page of a check's runs, the latest first, and how many there are.
///
/// # Errors
/// The database is out.
pub async fn list(
    conn: &mut Conn,
    check_id: i64,
    offset: i64,
    limit: i64,
) -> Result<(Vec<RunRow>, i64)> {
    let sql = format!(
        "SELECT {COLUMNS} FROM runs WHERE check_id = $1 ORDER BY run_id DESC LIMIT $2 OFFSET $3"
    );
    let rows = fetch_all!(conn, RunRow, AssertSqlSafe(sql), check_id, limit, offset);
    let total = fetch_value!(conn, i64, "SELECT COUNT(*) FROM runs WHERE check_id = $1", check_id);
    Ok((rows, total))
}

/// Which runs of a project are asked for; what is none does not filter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Those of this check.
    pub check_id: Option<i64>,
    /// Those that stand so.
    pub result: Option<RunResult>,
    /// Those that began at this moment or later.
    pub since: Option<Timestamp>,
}

/// A run and the name of its check.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct NamedRun {
    /// The run.
    #[sqlx(flatten)]
    pub run: RunRow,
    /// The check's name; may be empty.
    pub check_name: String,
}

/// A page of a project's runs, the latest first, and how many there are.
///
/// # Errors
/// The database is out.
pub async fn list_of_project(
    conn: &mut Conn,
    project_id: i64,
    filter: Filter,
    offset: i64,
    limit: i64,
) -> Result<(Vec<NamedRun>, i64)> {
    let (result, since) =
        (filter.result.map(RunResult::as_str), filter.since.unwrap_or(Timestamp(0)));
    let among = "FROM runs r JOIN checks c ON c.check_id = r.check_id WHERE c.project_id = $1 \
                 AND (CAST($2 AS BIGINT) IS NULL OR r.check_id = $2) \
                 AND (CAST($3 AS TEXT) IS NULL OR r.result = $3) AND r.started_at >= $4";
    let columns = COLUMNS.split(", ").map(|name| format!("r.{}", name.trim()));
    let columns = columns.collect::<Vec<_>>().join(", ");
    let page =
        format!("SELECT {columns}, c.check_name {among} ORDER BY r.run_id DESC LIMIT $5 OFFSET $6");
    let check_id = filter.check_id;
    let rows = fetch_all!(
        conn,
        NamedRun,
        AssertSqlSafe(page),
        project_id,
        check_id,
        result,
        since,
        limit,
        offset
    );
    let count = format!("SELECT COUNT(*) {among}");
    let total = fetch_value!(conn, i64, AssertSqlSafe(count), project_id, check_id, result, since);
    Ok((rows, total))
}
