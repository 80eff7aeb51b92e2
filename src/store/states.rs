//! The hot rows: what decides a check's state and deadline, read and written by every ping, every
//! passed deadline and every edit. One statement each, whatever the number of checks.

use sqlx::AssertSqlSafe;

use super::dialect::{Column, Rows, Writes, id_list};
use super::tx::{Conn, fetch_all, fetch_optional, fetch_value};
use super::{Flag, IdRow, flips, runs};
use crate::clock::Timestamp;
use crate::domain::check::{self, DeadlineEffect, Effect, Flip, Rules, State, Status};
use crate::domain::ping::WordFilter;
use crate::domain::run::Run;
use crate::domain::schedule::zone::{self, Tz};
use crate::domain::schedule::{Kind, Schedule};
use crate::fault::Result;

/// A check as the workers see it, together with what has to be written about it.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The check.
    pub check_id: i64,
    /// What its owner set.
    pub rules: Rules,
    /// What happened to it so far.
    pub state: State,
    /// Why its rules can't be read, where the database holds something that no version of this
    /// program wrote. It is then treated as a simple check and never turned down by a deadline.
    pub broken: Option<String>,
    /// Runs that ended, to be written.
    pub ended_runs: Vec<Run>,
    /// Flips, each with the serial number of the ping that made it, to be written.
    pub flips: Vec<(Flip, Option<i64>)>,
    /// What the server did to it, to be written: when, what kind, and the text.
    pub events: Vec<(Timestamp, &'static str, String)>,
    wake_at: Option<Timestamp>,
    /// The detector has just looked at it, and `wake_at` is when it will again.
    settled: bool,
    /// The version of its row; 0 where the database has none.
    version: i64,
}

impl Watched {
    /// Lets [`save`] or [`settle_wakes`] write when it wants to be looked at again: at its deadline,
    /// not at all where it has none, or at `retry_at` where its rules can't be read.
    pub fn settle(&mut self, retry_at: Timestamp) {
        let at = check::alert_at(&self.rules, &self.state);
        self.wake_at = if self.broken.is_some() { Some(retry_at) } else { at };
        self.settled = true;
    }

    /// Its deadline, where that is earlier than when the detector is going to look.
    fn sooner(&self) -> Option<Timestamp> {
        let alert_at = check::alert_at(&self.rules, &self.state);
        alert_at.filter(|at| self.wake_at.is_none_or(|wake_at| *at < wake_at))
    }

    /// Whether something has to be told or put down beside its state and its runs.
    #[must_use]
    pub fn is_eventful(&self) -> bool {
        !self.flips.is_empty() || !self.events.is_empty()
    }

    /// Remembers what passed deadlines lead to, until [`save`] writes it.
    pub fn take_in_deadlines(&mut self, outcome: DeadlineEffect, now: Timestamp) {
        for (from, to) in &outcome.put_off {
            let text = format!("the deadline of {from} was put off to {to}: this server was down");
            self.events.push((now, "put_off", text));
        }
        self.take_in(outcome.effect, None);
    }

    /// Remembers what an event leads to, until [`save`] writes it.
    pub fn take_in(&mut self, effect: Effect, ping_n: Option<i64>) {
        self.ended_runs.extend(effect.ended_runs);
        self.flips.extend(effect.flip.map(|flip| (flip, ping_n)));
    }
}

#[derive(sqlx::FromRow)]
struct StateRow {
    check_id: i64,
    kind: String,
    period: i64,
    schedule: String,
    timezone: String,
    grace: i64,
    max_runtime: Option<i64>,
    early_tolerance: Option<i64>,
    failure_threshold: i64,
    manual_resume: Flag,
    post_only: Flag,
    filtered: Flag,
    #[sqlx(try_from = "String")]
    status: Status,
    failures: i64,
    n_pings: i64,
    n_flips: i64,
    open_runs: i64,
    base_at: Option<Timestamp>,
    put_off_to: Option<Timestamp>,
    last_ping_at: Option<Timestamp>,
    last_start_at: Option<Timestamp>,
    last_duration: Option<i64>,
    wake_at: Option<Timestamp>,
    version: i64,
}

const COLUMNS: &str = "s.check_id, s.kind, s.period, s.schedule, s.timezone, s.grace, \
    s.max_runtime, s.early_tolerance, s.failure_threshold, s.manual_resume, s.post_only, \
    s.filtered, s.status, s.failures, s.n_pings, s.n_flips, s.open_runs, s.base_at, s.put_off_to, \
    s.last_ping_at, s.last_start_at, s.last_duration, s.wake_at";

/// The schedule that a row holds. Where it holds something that no version of this program wrote: a
/// simple one, and why it can't be read.
pub(super) fn schedule_of(
    kind: &str,
    period: i64,
    expression: &str,
    timezone: &str,
) -> (Schedule, Option<String>) {
    let read = || {
        let kind: Kind = kind.parse().map_err(|_| format!("its kind {kind:?} is not known"))?;
        // Only a kind that has an expression goes by a zone.
        let zone = match kind {
            Kind::Simple => Some(Tz::UTC),
            _ => zone::parse(timezone),
        };
        let zone = zone.ok_or_else(|| format!("its time zone {timezone:?} is not known"))?;
        Schedule::read(kind, period, expression, zone)
            .map_err(|reason| format!("its schedule {expression:?} can't be read: {reason}"))
    };
    match read() {
        Ok(schedule) => (schedule, None),
        Err(reason) => (Schedule::Simple { period }, Some(reason)),
    }
}

impl StateRow {
    fn into_watched(self) -> (Watched, bool, bool) {
        let (schedule, broken) =
            schedule_of(&self.kind, self.period, &self.schedule, &self.timezone);
        let watched = Watched {
            check_id: self.check_id,
            rules: Rules {
                schedule,
                grace: self.grace,
                max_runtime: self.max_runtime,
                early_tolerance: self.early_tolerance,
                failure_threshold: i32::try_from(self.failure_threshold).unwrap_or(i32::MAX),
                manual_resume: self.manual_resume.into(),
                post_only: self.post_only.into(),
                filter: None,
            },
            state: State {
                status: self.status,
                failures: i32::try_from(self.failures).unwrap_or(i32::MAX),
                n_pings: self.n_pings,
                n_flips: self.n_flips,
                base_at: self.base_at,
                put_off_to: self.put_off_to,
                last_ping_at: self.last_ping_at,
                last_start_at: self.last_start_at,
                last_duration: self.last_duration,
                open_runs: Vec::new(),
            },
            broken,
            ended_runs: Vec::new(),
            flips: Vec::new(),
            events: Vec::new(),
            wake_at: self.wake_at,
            settled: false,
            version: self.version,
        };
        (watched, self.open_runs > 0, self.filtered.into())
    }
}

/// Reads the checks of these ids, in order of their ids, and locks them until the transaction
/// ends. Ids that do not exist are left out.
///
/// # Errors
/// The database is out.
pub async fn load(conn: &mut Conn, check_ids: &[i64]) -> Result<Vec<Watched>> {
    let lock = conn.db().for_update("s");
    select(conn, check_ids, &lock).await
}

/// As [`load`], without a lock: for [`save_if_unchanged`].
///
/// # Errors
/// The database is out.
pub async fn read(conn: &mut Conn, check_ids: &[i64]) -> Result<Vec<Watched>> {
    select(conn, check_ids, "").await
}

async fn select(conn: &mut Conn, check_ids: &[i64], lock: &str) -> Result<Vec<Watched>> {
    let db = conn.db();
    let sql = format!(
        "{}SELECT {COLUMNS}, {} AS version FROM check_states s WHERE {} ORDER BY s.check_id{lock}",
        conn.beginning(),
        db.row_version("s"),
        db.is_in("s.check_id", "$1"),
    );
    let rows = fetch_all!(conn, StateRow, AssertSqlSafe(sql), id_list(check_ids));
    complete(conn, rows).await
}

/// Reads and locks one check.
///
/// # Errors
/// The database is out.
pub async fn load_one(conn: &mut Conn, check_id: i64) -> Result<Option<Watched>> {
    Ok(load(conn, &[check_id]).await?.pop())
}

/// Locks the checks of these ids, in order, until the transaction ends: none of them flips meanwhile.
///
/// # Errors
/// The database is out.
pub async fn lock(conn: &mut Conn, check_ids: &[i64]) -> Result<()> {
    let db = conn.db();
    let sql = format!(
        "SELECT s.check_id AS id FROM check_states s WHERE {} ORDER BY s.check_id{}",
        db.is_in("s.check_id", "$1"),
        db.for_update("s")
    );
    fetch_all!(conn, IdRow, AssertSqlSafe(sql), id_list(check_ids));
    Ok(())
}

/// Reads and locks at most `limit` checks whose time to be looked at has come, passing over those
/// that another node is at.
///
/// # Errors
/// The database is out.
pub async fn load_due(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<Watched>> {
    let db = conn.db();
    let sql = format!(
        "SELECT {COLUMNS}, {} AS version FROM check_states s WHERE s.wake_at <= $1 \
         ORDER BY s.wake_at LIMIT $2{}",
        db.row_version("s"),
        db.for_update_skip_locked("s")
    );
    let rows = fetch_all!(conn, StateRow, AssertSqlSafe(sql), now, limit);
    complete(conn, rows).await
}

/// The next checks after `after` (by id, at most `limit`) that have a run open since before
/// `started_before`.
///
/// # Errors
/// The database is out.
pub async fn with_old_runs(
    conn: &mut Conn,
    started_before: Timestamp,
    after: i64,
    limit: i64,
) -> Result<Vec<i64>> {
    let rows = fetch_all!(
        conn,
        IdRow,
        "SELECT DISTINCT check_id AS id FROM runs \
         WHERE finished_at IS NULL AND started_at < $1 AND check_id > $2 \
         ORDER BY check_id LIMIT $3",
        started_before,
        after,
        limit
    );
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// When the next check wants to be looked at.
///
/// # Errors
/// The database is out.
pub async fn next_wake(conn: &mut Conn) -> Result<Option<Timestamp>> {
    Ok(fetch_value!(
        conn,
        Option<Timestamp>,
        "SELECT MIN(wake_at) FROM check_states WHERE wake_at IS NOT NULL"
    ))
}

/// The earliest deadline that has passed by `now` and that the detector has not come to; none where
/// there is no such. Only what the detector is to look at is read, by its index.
///
/// # Errors
/// The database is out.
pub async fn oldest_unjudged(conn: &mut Conn, now: Timestamp) -> Result<Option<Timestamp>> {
    Ok(fetch_value!(
        conn,
        Option<Timestamp>,
        "SELECT MIN(alert_at) FROM check_states WHERE wake_at <= $1 AND alert_at <= $1",
        now
    ))
}

/// The serial number of a check's newest flip; none where the check is gone.
///
/// # Errors
/// The database is out.
pub async fn n_flips(conn: &mut Conn, check_id: i64) -> Result<Option<i64>> {
    let sql = "SELECT n_flips AS id FROM check_states WHERE check_id = $1";
    Ok(fetch_optional!(conn, IdRow, sql, check_id).map(|row| row.id))
}

/// What a check's next ping is counted from.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct Base {
    /// Its last success or failure, or the occurrence that was missed after it. None where it waits
    /// for its first one, since it was made or resumed.
    pub base_at: Option<Timestamp>,
    /// Its last success or failure.
    pub last_ping_at: Option<Timestamp>,
}

/// What a check's next ping is counted from; none where there is no such check.
///
/// # Errors
/// The database is out.
pub async fn base_of(conn: &mut Conn, check_id: i64) -> Result<Option<Base>> {
    let sql = "SELECT base_at, last_ping_at FROM check_states WHERE check_id = $1";
    Ok(fetch_optional!(conn, Base, sql, check_id))
}

/// How far a check has come.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct Reached {
    /// Its status.
    #[sqlx(try_from = "String")]
    pub status: Status,
    /// The serial number of its newest ping.
    pub n_pings: i64,
    /// The serial number of its newest flip.
    pub n_flips: i64,
    /// Its deadline, also where that has passed and nobody has looked yet.
    pub alert_at: Option<Timestamp>,
}

/// How far a check has come; none where it is gone.
///
/// # Errors
/// The database is out.
pub async fn reached(conn: &mut Conn, check_id: i64) -> Result<Option<Reached>> {
    let sql = "SELECT status, n_pings, n_flips, alert_at FROM check_states WHERE check_id = $1";
    Ok(fetch_optional!(conn, Reached, sql, check_id))
}

/// Adds the open runs and the word filters of those that have any.
async fn complete(conn: &mut Conn, rows: Vec<StateRow>) -> Result<Vec<Watched>> {
    let mut watched = Vec::with_capacity(rows.len());
    let (mut running, mut filtered) = (Vec::new(), Vec::new());
    for row in rows {
        let (check, has_runs, has_filter) = row.into_watched();
        if has_runs {
            running.push(check.check_id);
        }
        if has_filter {
            filtered.push(check.check_id);
        }
        watched.push(check);
    }
    if !running.is_empty() {
        for (check_id, run) in runs::open_of(conn, &running).await? {
            if let Some(check) = watched.iter_mut().find(|check| check.check_id == check_id) {
                check.state.open_runs.push(run);
            }
        }
    }
    add_filters(conn, &mut watched, &filtered).await?;
    Ok(watched)
}

/// Gives those of the `watched` checks that have these ids their word filters. [`load`] does so for
/// checks that look through the bodies of HTTP pings; filters of mails have to be asked for, so that
/// pings over HTTP do not pay for them.
///
/// # Errors
/// The database is out.
pub async fn add_filters(
    conn: &mut Conn,
    watched: &mut [Watched],
    check_ids: &[i64],
) -> Result<()> {
    if check_ids.is_empty() {
        return Ok(());
    }
    for row in filters_of(conn, check_ids).await? {
        if let Some(check) = watched.iter_mut().find(|check| check.check_id == row.check_id) {
            check.rules.filter = Some(row.into_filter());
        }
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct FilterRow {
    check_id: i64,
    filter_subject: Flag,
    filter_body: Flag,
    filter_http_body: Flag,
    start_kw: String,
    success_kw: String,
    failure_kw: String,
    filter_default_fail: Flag,
}

impl FilterRow {
    fn into_filter(self) -> WordFilter {
        WordFilter {
            in_subject: self.filter_subject.into(),
            in_mail: self.filter_body.into(),
            in_http_body: self.filter_http_body.into(),
            start_kw: self.start_kw,
            success_kw: self.success_kw,
            failure_kw: self.failure_kw,
            default_fail: self.filter_default_fail.into(),
        }
    }
}

async fn filters_of(conn: &mut Conn, check_ids: &[i64]) -> Result<Vec<FilterRow>> {
    let sql = format!(
        "SELECT check_id, filter_subject, filter_body, filter_http_body, start_kw, success_kw, \
         failure_kw, filter_default_fail FROM checks WHERE {}",
        conn.db().is_in("check_id", "$1")
    );
    Ok(fetch_all!(conn, FilterRow, AssertSqlSafe(sql), id_list(check_ids)))
}

/// What a saved batch means for the workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Notifications were queued.
    pub announced: bool,
    /// The earliest deadline that came nearer.
    pub sooner: Option<Timestamp>,
    /// Hosts have to be looked at.
    pub asked: bool,
}

/// Writes the states of these checks, their deadlines, their runs, their flips, what has to be
/// told about those, and their events.
///
/// # Errors
/// The database refused; the transaction must be dropped.
pub async fn save(conn: &mut Conn, checks: &[Watched], now: Timestamp) -> Result<Saved> {
    let mut writes = Writes::default();
    let saved = save_with(conn, checks, now, &mut writes).await?;
    writes.execute(conn).await?;
    Ok(saved)
}

/// As [`save`], leaving to `writes` all but what has to be told.
///
/// # Errors
/// The database refused; the transaction must be dropped.
pub async fn save_with(
    conn: &mut Conn,
    checks: &[Watched],
    now: Timestamp,
    writes: &mut Writes,
) -> Result<Saved> {
    let flips::Saved { announced, asked } = flips::save(conn, checks, now).await?;
    let sooner = save_states(writes, checks);
    runs::save(writes, checks);
    save_events(writes, checks);
    Ok(Saved { announced, sooner, asked })
}

/// Writes the states of these checks and their runs, and `writes` with them, in one statement of its
/// own, where none of the checks was written by anybody else since it was read or last saved here;
/// otherwise nothing, and the answer is none. None of them may be eventful. Only where
/// [`Db::has_row_versions`](super::dialect::Db::has_row_versions).
///
/// # Errors
/// The database refused.
pub async fn save_if_unchanged(
    conn: &mut Conn,
    checks: &mut [Watched],
    writes: Writes,
) -> Result<Option<Saved>> {
    debug_assert!(checks.iter().all(|check| !check.is_eventful()));
    let sooner: Vec<Option<Timestamp>> = checks.iter().map(Watched::sooner).collect();
    let all: Vec<&Watched> = checks.iter().collect();
    let mut columns = state_columns(&all);
    columns.extend([
        Column::times(sooner.iter().copied()),
        Column::ints(checks.iter().map(|check| check.version)),
    ]);
    let version = conn.db().row_version("check_states");
    let set = "SET wake_at = COALESCE(r.wake_at, check_states.wake_at), ";
    let sql = UPDATE.replacen("SET ", set, 1);
    let sql = format!("{sql} AND {version} = r.version RETURNING {version} AS version");
    let mut all = Writes::default();
    all.add(sql, Rows::new(VERSIONED_NAMES, columns));
    runs::save(&mut all, checks);
    all.append(writes);
    let Some(version) = all.execute_if_unchanged(conn).await? else { return Ok(None) };
    for (check, sooner) in checks.iter_mut().zip(&sooner) {
        check.version = version;
        check.wake_at = sooner.or(check.wake_at);
    }
    Ok(Some(Saved { sooner: sooner.into_iter().flatten().min(), ..Saved::default() }))
}

const VERSIONED_NAMES: &str = "check_id, status, failures, n_pings, n_flips, open_runs, base_at, \
    put_off_to, last_ping_at, last_start_at, last_duration, next_ping_at, alert_at, wake_at, version";

/// Writes the states, and when the detector is to look at the checks that it has just looked at, or
/// whose deadline came nearer: the earliest of these.
fn save_states(writes: &mut Writes, checks: &[Watched]) -> Option<Timestamp> {
    let (waking, others): (Vec<&Watched>, Vec<&Watched>) =
        checks.iter().partition(|check| check.settled || check.sooner().is_some());
    // The index of `wake_at` is written anew with every row that it is set in.
    writes.add(UPDATE, Rows::new(STATE_NAMES, state_columns(&others)));
    let mut columns = state_columns(&waking);
    columns.push(Column::times(waking.iter().map(|check| check.sooner().or(check.wake_at))));
    let sql = UPDATE.replacen("SET ", "SET wake_at = r.wake_at, ", 1);
    writes.add(sql, Rows::new(WAKING_NAMES, columns));
    waking.into_iter().filter_map(Watched::sooner).min()
}

const STATE_NAMES: &str = "check_id, status, failures, n_pings, n_flips, open_runs, base_at, \
    put_off_to, last_ping_at, last_start_at, last_duration, next_ping_at, alert_at";

const WAKING_NAMES: &str = "check_id, status, failures, n_pings, n_flips, open_runs, base_at, \
    put_off_to, last_ping_at, last_start_at, last_duration, next_ping_at, alert_at, wake_at";

const UPDATE: &str = "UPDATE check_states SET status = r.status, failures = r.failures, \
    n_pings = r.n_pings, n_flips = r.n_flips, open_runs = r.open_runs, base_at = r.base_at, \
    put_off_to = r.put_off_to, last_ping_at = r.last_ping_at, last_start_at = r.last_start_at, \
    last_duration = r.last_duration, next_ping_at = r.next_ping_at, alert_at = r.alert_at \
    FROM r WHERE check_states.check_id = r.check_id";

fn state_columns(checks: &[&Watched]) -> Vec<Column> {
    let all = || checks.iter();
    vec![
        Column::ints(all().map(|c| c.check_id)),
        Column::texts(all().map(|c| c.state.status.as_str().to_owned())),
        Column::ints(all().map(|c| i64::from(c.state.failures))),
        Column::ints(all().map(|c| c.state.n_pings)),
        Column::ints(all().map(|c| c.state.n_flips)),
        Column::ints(all().map(|c| i64::try_from(c.state.open_runs.len()).unwrap_or(i64::MAX))),
        Column::times(all().map(|c| c.state.base_at)),
        Column::times(all().map(|c| c.state.put_off_to)),
        Column::times(all().map(|c| c.state.last_ping_at)),
        Column::times(all().map(|c| c.state.last_start_at)),
        Column::ints(all().map(|c| c.state.last_duration)),
        Column::times(all().map(|c| check::next_ping_at(&c.rules, &c.state))),
        Column::times(all().map(|c| check::alert_at(&c.rules, &c.state))),
    ]
}

/// Writes when checks that were looked at, and did not change, want to be looked at again
/// ([`Watched::settle`]).
///
/// # Errors
/// The database refused.
pub async fn settle_wakes(conn: &mut Conn, checks: &[Watched]) -> Result<()> {
    let settled = || checks.iter().filter(|check| check.settled);
    let columns = vec![
        Column::ints(settled().map(|check| check.check_id)),
        Column::times(settled().map(|check| check.wake_at)),
    ];
    let sql = "UPDATE check_states SET wake_at = r.wake_at FROM r \
               WHERE check_states.check_id = r.check_id";
    Rows::new("check_id, wake_at", columns).execute(conn, sql).await?;
    Ok(())
}

fn save_events(writes: &mut Writes, checks: &[Watched]) {
    let events = || checks.iter().flat_map(|c| c.events.iter().map(move |e| (c.check_id, e)));
    let columns = vec![
        Column::ints(events().map(|(id, _)| id)),
        Column::times(events().map(|(_, (at, _, _))| *at)),
        Column::texts(events().map(|(_, (_, kind, _))| (*kind).to_owned())),
        Column::texts(events().map(|(_, (_, _, text))| text.clone())),
    ];
    let sql = "INSERT INTO check_events (check_id, at, kind, text) \
               SELECT check_id, at, kind, text FROM r";
    writes.add(sql, Rows::new("check_id, at, kind, text", columns));
}
