//! What a span of time comes to for many checks at once: pings by kind, run times, time up and down.
//! One statement a family, whatever the number of checks, each over the rows that are kept and the
//! daily sums of those that are not, so that none is missed or counted twice while retention is at
//! work.
//!
//! Of a day that lies in the span as a whole, the sums count as they are. Of one that is cut by an
//! end of the span, the part counts that the span has of the time which the sums stand for: from
//! midnight to the next one, or to the oldest row that is kept.

use sqlx::AssertSqlSafe;

use super::IdRow;
use super::dialect::id_list;
use super::tx::{Conn, fetch_all, fetch_value};
use crate::clock::Timestamp;
use crate::domain::days::{DAY, day_of};
use crate::domain::run::LONGEST;
use crate::fault::Result;

/// A span of time: from its first moment to the one just after its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first moment.
    pub from: Timestamp,
    /// The moment after its last; not after now.
    pub to: Timestamp,
    /// It ends now: what happened at this very moment belongs to it too.
    pub ends_now: bool,
}

impl Span {
    /// The last day that the span touches.
    fn last_day(&self) -> i64 {
        day_of(if self.ends_now { self.to } else { self.to.plus_micros(-1) })
    }

    /// The moment before which an event belongs to it. Where it ends now that is midnight to come,
    /// for nothing that is written down is of the future: the sums of today count as a whole.
    fn end(&self) -> Timestamp {
        if self.ends_now { Timestamp((self.last_day() + 1) * DAY) } else { self.to }
    }
}

/// The ids of a project's checks in order (of `check_ids` those that are among them, where any are
/// named): a page of them, and how many there are.
///
/// # Errors
/// The database is out.
pub async fn page(
    conn: &mut Conn,
    project_id: i64,
    check_ids: &[i64],
    offset: i64,
    limit: i64,
) -> Result<(Vec<i64>, i64)> {
    let these = conn.db().is_in("check_id", "$3");
    let these = format!("FROM checks WHERE project_id = $1 AND ($2 = 0 OR {these})");
    let named = i64::try_from(check_ids.len()).unwrap_or(i64::MAX);
    let list = format!("SELECT check_id AS id {these} ORDER BY check_id LIMIT $4 OFFSET $5");
    let rows = fetch_all!(
        conn,
        IdRow,
        AssertSqlSafe(list),
        project_id,
        named,
        id_list(check_ids),
        limit,
        offset
    );
    let count = format!("SELECT COUNT(*) {these}");
    let total =
        fetch_value!(conn, i64, AssertSqlSafe(count), project_id, named, id_list(check_ids));
    Ok((rows.into_iter().map(|row| row.id).collect(), total))
}

/// The pings of a check, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct PingSums {
    /// Whose.
    pub check_id: i64,
    /// Successes.
    pub success: i64,
    /// Starts.
    pub start: i64,
    /// Failures.
    pub fail: i64,
    /// Those that are only shown.
    pub log: i64,
    /// Those that were stored and had no effect.
    pub ign: i64,
}

/// The timed runs of a check that finished in a span; times in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct RunSums {
    /// Whose.
    pub check_id: i64,
    /// How many.
    pub runs: i64,
    /// How long they took together.
    pub total: i64,
    /// The longest.
    pub longest: Option<i64>,
    /// Half of those that are kept took at most so long.
    pub p50: Option<i64>,
    /// 95 of 100 of those that are kept took at most so long.
    pub p95: Option<i64>,
}

/// How long a check was up and down, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct TimeSums {
    /// Whose.
    pub check_id: i64,
    /// Up, late or not.
    pub up_time: i64,
    /// Down.
    pub down_time: i64,
    /// Downtimes, one that had begun before the span among them.
    pub downs: i64,
}

// What the later parts build on is marked MATERIALIZED: put together, PostgreSQL asked for the
// oldest row of a check once for every sum and every day. The checks are named once more beside
// each join, so that their index is chosen also where the tables were never analysed.
//
// The parameters of the three statements below: `$1` the checks; `$2` and `$3` the span, to
// `Span::end`; `$4` and `$5` its first and its last day.

/// The table expressions `kept` (how far back the kept rows of each check go, by `oldest`, an
/// expression of `c.check_id`), `days` (the sums, and the time for which they stand) and `parts`
/// (the same with the part of that time that lies in the span).
fn sums_of_days(conn: &Conn, oldest: &str) -> String {
    let db = conn.db();
    format!(
        "kept AS MATERIALIZED (SELECT c.check_id, ({oldest}) AS since FROM checks c WHERE {}), \
         days AS MATERIALIZED (SELECT d.*, d.day * {DAY} AS begins, CASE WHEN k.since > d.day * {DAY} \
         AND k.since < (d.day + 1) * {DAY} THEN k.since ELSE (d.day + 1) * {DAY} END AS ends \
         FROM kept k JOIN check_days d ON d.check_id = k.check_id \
         WHERE d.day BETWEEN $4 AND $5), \
         parts AS MATERIALIZED (SELECT days.*, CASE WHEN begins > $2 THEN begins ELSE $2 END AS low, \
         CASE WHEN ends < $3 THEN ends ELSE $3 END AS high FROM days)",
        db.is_in("c.check_id", "$1")
    )
}

/// The sum over `parts` of an expression, of cut days in proportion and rounded. It reckons in
/// milliseconds, and takes whole and rest apart: the product of a sum and a time would overflow.
fn part_of(sum: &str) -> String {
    let (part, whole) = ("((high - low) / 1000)", "((ends - begins + 999) / 1000)");
    format!(
        "SUM(CASE WHEN low <= begins AND high >= ends THEN {sum} ELSE \
         (({sum}) / {whole}) * {part} \
         + ((({sum}) % {whole}) * {part} + (ends - begins) / 2000) / {whole} END)"
    )
}

/// The pings of these checks in a span. Checks without any may be left out.
///
/// # Errors
/// The database is out.
pub async fn pings(conn: &mut Conn, check_ids: &[i64], span: Span) -> Result<Vec<PingSums>> {
    let kinds = ["success", "start", "fail", "log", "ign"];
    let each = |of: &dyn Fn(usize, &str) -> String| {
        let columns = kinds.iter().enumerate().map(|(place, kind)| of(place, kind));
        columns.collect::<Vec<_>>().join(", ")
    };
    let all = each(&|_, kind| format!("CAST(SUM({kind}) AS BIGINT) AS {kind}"));
    let live =
        each(&|place, kind| format!("SUM(CASE WHEN p.kind = {place} THEN 1 ELSE 0 END) AS {kind}"));
    let summed = each(&|_, kind| format!("{} AS {kind}", part_of(kind)));
    let oldest = "SELECT p.at FROM pings p WHERE p.check_id = c.check_id ORDER BY p.n LIMIT 1";
    let sql = format!(
        "WITH {} SELECT check_id, {all} FROM (SELECT p.check_id, {live} FROM pings p \
         WHERE {} AND p.at >= $2 AND p.at < $3 GROUP BY p.check_id \
         UNION ALL SELECT check_id, {summed} FROM parts WHERE high > low GROUP BY check_id) u \
         GROUP BY check_id ORDER BY check_id",
        sums_of_days(conn, oldest),
        conn.db().is_in("p.check_id", "$1")
    );
    Ok(fetch_all!(
        conn,
        PingSums,
        AssertSqlSafe(sql),
        id_list(check_ids),
        span.from,
        span.end(),
        day_of(span.from),
        span.last_day()
    ))
}

/// The runs of these checks that finished in a span and were timed. Checks without any may be left
/// out. The percentiles are by nearest rank, the smallest of the values that so many are not above:
/// no value that never was, and the same on both databases.
///
/// # Errors
/// The database is out.
pub async fn runs(conn: &mut Conn, check_ids: &[i64], span: Span) -> Result<Vec<RunSums>> {
    let oldest = "SELECT r.finished_at FROM runs r WHERE r.check_id = c.check_id \
                  ORDER BY r.run_id LIMIT 1";
    // A run that began too long before the span can't have been timed in it; ids grow with the
    // starts, so that older ones are not even looked at.
    let sql = format!(
        "WITH {}, entry AS MATERIALIZED (SELECT c.check_id, COALESCE((SELECT r.run_id FROM runs r \
         WHERE r.check_id = c.check_id AND r.started_at < $6 ORDER BY r.run_id DESC LIMIT 1), 0) \
         AS run_id FROM checks c WHERE {}), \
         ranked AS (SELECT r.check_id, r.duration, \
         ROW_NUMBER() OVER (PARTITION BY r.check_id ORDER BY r.duration) AS place, \
         COUNT(*) OVER (PARTITION BY r.check_id) AS runs \
         FROM entry e JOIN runs r ON r.check_id = e.check_id AND r.run_id > e.run_id \
         WHERE {} AND r.duration IS NOT NULL AND r.finished_at >= $2 AND r.finished_at < $3) \
         SELECT check_id, CAST(SUM(runs) AS BIGINT) AS runs, CAST(SUM(total) AS BIGINT) AS total, \
         MAX(longest) AS longest, MAX(p50) AS p50, MAX(p95) AS p95 FROM ( \
         SELECT check_id, COUNT(*) AS runs, SUM(duration) AS total, MAX(duration) AS longest, \
         MAX(CASE WHEN place = (runs * 50 + 99) / 100 THEN duration END) AS p50, \
         MAX(CASE WHEN place = (runs * 95 + 99) / 100 THEN duration END) AS p95 \
         FROM ranked GROUP BY check_id \
         UNION ALL SELECT check_id, {}, {}, MAX(run_max), NULL, NULL FROM parts \
         WHERE high > low AND runs > 0 GROUP BY check_id) u GROUP BY check_id ORDER BY check_id",
        sums_of_days(conn, oldest),
        conn.db().is_in("c.check_id", "$1"),
        conn.db().is_in("r.check_id", "$1"),
        part_of("runs"),
        part_of("run_total")
    );
    Ok(fetch_all!(
        conn,
        RunSums,
        AssertSqlSafe(sql),
        id_list(check_ids),
        span.from,
        span.end(),
        day_of(span.from),
        span.last_day(),
        span.from.plus_micros(-LONGEST)
    ))
}

/// How long these checks were up and down in a span, from their flips; what they were when it
/// began is told by the last flip before it. Checks without any flip may be left out.
///
/// # Errors
/// The database is out.
pub async fn times(conn: &mut Conn, check_ids: &[i64], span: Span) -> Result<Vec<TimeSums>> {
    let oldest = "SELECT f.at FROM flips f WHERE f.check_id = c.check_id ORDER BY f.n LIMIT 1";
    let time_in = |status: &str| {
        format!(
            "SUM(CASE WHEN to_status = '{status}' AND ends > begins THEN ends - begins ELSE 0 END)"
        )
    };
    // A downtime that goes on from the day before is counted where the span meets it first.
    let downs = "downs + CASE WHEN day = $4 THEN down_before ELSE 0 END";
    let sql = format!(
        "WITH {}, entry AS MATERIALIZED (SELECT c.check_id, COALESCE((SELECT f.n FROM flips f \
         WHERE f.check_id = c.check_id AND f.at <= $2 ORDER BY f.n DESC LIMIT 1), 0) AS n \
         FROM checks c WHERE {}), \
         whole AS (SELECT f.check_id, f.to_status, f.at AS begins, \
         COALESCE(LEAD(f.at) OVER (PARTITION BY f.check_id ORDER BY f.n), $6) AS ends \
         FROM entry e JOIN flips f ON f.check_id = e.check_id AND f.n >= e.n \
         WHERE {}), \
         here AS (SELECT check_id, to_status, CASE WHEN begins > $2 THEN begins ELSE $2 END AS begins, \
         CASE WHEN ends < $6 THEN ends ELSE $6 END AS ends FROM whole \
         WHERE begins < $3 AND (begins >= $2 OR ends > $2)) \
         SELECT check_id, CAST(SUM(up_time) AS BIGINT) AS up_time, \
         CAST(SUM(down_time) AS BIGINT) AS down_time, CAST(SUM(downs) AS BIGINT) AS downs FROM ( \
         SELECT check_id, {} AS up_time, {} AS down_time, \
         SUM(CASE WHEN to_status = 'down' THEN 1 ELSE 0 END) AS downs FROM here GROUP BY check_id \
         UNION ALL SELECT check_id, {}, {}, {} FROM parts WHERE high > low GROUP BY check_id) u \
         GROUP BY check_id ORDER BY check_id",
        sums_of_days(conn, oldest),
        conn.db().is_in("c.check_id", "$1"),
        conn.db().is_in("f.check_id", "$1"),
        time_in("up"),
        time_in("down"),
        part_of("up_time"),
        part_of("down_time"),
        part_of(downs)
    );
    Ok(fetch_all!(
        conn,
        TimeSums,
        AssertSqlSafe(sql),
        id_list(check_ids),
        span.from,
        span.end(),
        day_of(span.from),
        span.last_day(),
        span.to
    ))
}
