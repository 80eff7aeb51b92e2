//! What is probed from here: whose it is, what is set about it, what was found last, and when it is
//! due. A monitor's check has its states and flips.

use sqlx::AssertSqlSafe;

use super::dialect::id_list;
use super::dialect::{Column, Rows};
use super::host_looks;
use super::tx::{Conn, execute, fetch_all, fetch_optional, fetch_value};
use super::{Flag, IdRow};
use crate::clock::Timestamp;
use crate::domain::monitor::{Seen, Standing, Verdict};
use crate::domain::text_enum;
use crate::fault::Result;

text_enum! {
    /// What kind of monitor it is.
    MonitorKind {
        /// A host or a service that is probed.
        Device => "device",
        /// A name or an address that is looked up on blacklists.
        Blacklist => "blacklist",
    }
}

/// A monitor.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct MonitorRow {
    /// Its id.
    pub monitor_id: i64,
    /// Its check.
    pub check_id: i64,
    /// The check's project.
    pub project_id: i64,
    /// Who made it.
    pub user_id: i64,
    /// What kind it is.
    #[sqlx(try_from = "String")]
    pub kind: MonitorKind,
    /// What is set about it, as JSON.
    pub settings: String,
    /// It is watched.
    pub is_enabled: Flag,
    /// Seconds between two looks.
    pub interval_seconds: i64,
    /// What is held to be the case.
    #[sqlx(try_from = "String")]
    pub verdict: Verdict,
    /// Results in a row that speak against that.
    pub against: i64,
    /// The latest results, as JSON.
    pub results: String,
    /// What was wrong at the last look.
    pub last_error: Option<String>,
    /// When it was last looked at.
    pub last_checked_at: Option<Timestamp>,
    /// When its check was last pinged.
    pub pinged_at: Option<Timestamp>,
}

impl MonitorRow {
    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing { verdict: self.verdict, against: self.against }
    }
}

const SELECT: &str = "SELECT m.monitor_id, m.check_id, c.project_id, m.user_id, m.kind, m.settings, \
                      m.is_enabled, m.interval_seconds, m.verdict, m.against, m.results, \
                      m.last_error, m.last_checked_at, m.pinged_at \
                      FROM monitors m JOIN checks c ON c.check_id = m.check_id";

/// What is written of a monitor when it is made or changed.
#[derive(Debug)]
pub struct Written<'a> {
    /// What no other of the user's may share.
    pub fingerprint: &'a str,
    /// What is set about it, as JSON.
    pub settings: &'a str,
    /// It is watched.
    pub is_enabled: bool,
    /// Seconds between two looks.
    pub interval_seconds: i64,
}

/// Makes a monitor, which is due at once; none where the user has the same already.
///
/// # Errors
/// The database refused.
pub async fn insert(
    conn: &mut Conn,
    (user_id, check_id, kind): (i64, i64, MonitorKind),
    new: &Written<'_>,
    now: Timestamp,
) -> Result<Option<i64>> {
    let row = fetch_optional!(
        conn,
        IdRow,
        "INSERT INTO monitors (user_id, check_id, kind, fingerprint, settings, is_enabled, \
         interval_seconds, verdict, against, results, next_at, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', 0, '{}', $8, $8) \
         ON CONFLICT (user_id, kind, fingerprint) DO NOTHING RETURNING monitor_id AS id",
        user_id,
        check_id,
        kind.as_str(),
        new.fingerprint,
        new.settings,
        Flag::from(new.is_enabled),
        new.interval_seconds,
        now
    );
    Ok(row.map(|row| row.id))
}

/// Whether the user has another monitor with this fingerprint.
///
/// # Errors
/// The database is out.
pub async fn has_other(
    conn: &mut Conn,
    (user_id, kind): (i64, MonitorKind),
    fingerprint: &str,
    monitor_id: i64,
) -> Result<bool> {
    let others = fetch_value!(
        conn,
        i64,
        "SELECT COUNT(*) FROM monitors WHERE user_id = $1 AND kind = $2 AND fingerprint = $3 \
         AND monitor_id <> $4",
        user_id,
        kind.as_str(),
        fingerprint,
        monitor_id
    );
    Ok(others > 0)
}

/// Changes a monitor, which is due at once; its verdict stands until results speak against it.
///
/// # Errors
/// The database refused.
pub async fn update(
    conn: &mut Conn,
    monitor_id: i64,
    new: &Written<'_>,
    now: Timestamp,
) -> Result<()> {
    execute!(
        conn,
        "UPDATE monitors SET fingerprint = $2, settings = $3, is_enabled = $4, \
         interval_seconds = $5, against = 0, next_at = $6, lease_id = NULL, lease_until = NULL \
         WHERE monitor_id = $1",
        monitor_id,
        new.fingerprint,
        new.settings,
        Flag::from(new.is_enabled),
        new.interval_seconds,
        now
    );
    Ok(())
}

/// The monitors of a user, by id.
///
/// # Errors
/// The database is out.
pub async fn of_user(conn: &mut Conn, user_id: i64, kind: MonitorKind) -> Result<Vec<MonitorRow>> {
    let sql = format!("{SELECT} WHERE m.user_id = $1 AND m.kind = $2 ORDER BY m.monitor_id");
    Ok(fetch_all!(conn, MonitorRow, AssertSqlSafe(sql), user_id, kind.as_str()))
}

/// A page of the monitors of a project, by id, and how many there are.
///
/// # Errors
/// The database is out.
pub async fn of_project(
    conn: &mut Conn,
    project_id: i64,
    offset: i64,
    limit: i64,
) -> Result<(Vec<MonitorRow>, i64)> {
    let sql = format!("{SELECT} WHERE c.project_id = $1 ORDER BY m.monitor_id LIMIT $2 OFFSET $3");
    let rows = fetch_all!(conn, MonitorRow, AssertSqlSafe(sql), project_id, limit, offset);
    let total = fetch_value!(
        conn,
        i64,
        "SELECT COUNT(*) FROM monitors m JOIN checks c ON c.check_id = m.check_id \
         WHERE c.project_id = $1",
        project_id
    );
    Ok((rows, total))
}

/// What a device is called.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DeviceName {
    /// Its id.
    pub monitor_id: i64,
    /// Its check.
    pub check_id: i64,
    /// The name of that.
    pub check_name: String,
}

/// The devices of a project by name, at most `limit`.
///
/// # Errors
/// The database is out.
pub async fn devices_of(conn: &mut Conn, project_id: i64, limit: i64) -> Result<Vec<DeviceName>> {
    Ok(fetch_all!(
        conn,
        DeviceName,
        "SELECT m.monitor_id, c.check_id, c.check_name FROM monitors m \
         JOIN checks c ON c.check_id = m.check_id \
         WHERE c.project_id = $1 AND m.kind = 'device' ORDER BY c.check_name, m.monitor_id LIMIT $2",
        project_id,
        limit
    ))
}

/// What this device is called; none where it is gone.
///
/// # Errors
/// The database is out.
pub async fn name_of(conn: &mut Conn, monitor_id: i64) -> Result<Option<String>> {
    let sql = "SELECT m.monitor_id, c.check_id, c.check_name FROM monitors m \
               JOIN checks c ON c.check_id = m.check_id WHERE m.monitor_id = $1";
    let row = fetch_optional!(conn, DeviceName, sql, monitor_id);
    Ok(row.map(|row| row.check_name))
}

/// The checks of a project that are monitors', by id.
///
/// # Errors
/// The database is out.
pub async fn checks_of(conn: &mut Conn, project_id: i64) -> Result<Vec<i64>> {
    let rows = fetch_all!(
        conn,
        IdRow,
        "SELECT m.check_id AS id FROM monitors m JOIN checks c ON c.check_id = m.check_id \
         WHERE c.project_id = $1 ORDER BY m.check_id",
        project_id
    );
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// One of a project; none where it is another's.
///
/// # Errors
/// The database is out.
pub async fn find_in(
    conn: &mut Conn,
    project_id: i64,
    monitor_id: i64,
) -> Result<Option<MonitorRow>> {
    let sql = format!("{SELECT} WHERE c.project_id = $1 AND m.monitor_id = $2");
    Ok(fetch_optional!(conn, MonitorRow, AssertSqlSafe(sql), project_id, monitor_id))
}

/// One of them; none where it is not theirs or of another kind.
///
/// # Errors
/// The database is out.
pub async fn find(
    conn: &mut Conn,
    user_id: i64,
    kind: MonitorKind,
    monitor_id: i64,
) -> Result<Option<MonitorRow>> {
    let sql = format!("{SELECT} WHERE m.user_id = $1 AND m.kind = $2 AND m.monitor_id = $3");
    Ok(fetch_optional!(conn, MonitorRow, AssertSqlSafe(sql), user_id, kind.as_str(), monitor_id))
}

/// When the next monitor that nobody holds is due.
///
/// # Errors
/// The database is out.
pub async fn next_due(conn: &mut Conn) -> Result<Option<Timestamp>> {
    #[derive(sqlx::FromRow)]
    struct NextRow {
        next_at: Option<Timestamp>,
    }
    let sql = "SELECT MIN(next_at) AS next_at FROM monitors WHERE is_enabled = 1";
    let row = fetch_optional!(conn, NextRow, sql);
    Ok(row.and_then(|row| row.next_at))
}

/// At most `limit` monitors that are due and that nobody holds, those that wait longest first, locked
/// until the transaction ends, passing over those that another node is taking.
///
/// # Errors
/// The database is out.
pub async fn lock_due(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<MonitorRow>> {
    let sql = format!(
        "{SELECT} WHERE m.is_enabled = 1 AND m.next_at <= $1 \
         AND (m.lease_until IS NULL OR m.lease_until <= $1) ORDER BY m.next_at LIMIT $2{}",
        conn.db().for_update_skip_locked("m")
    );
    Ok(fetch_all!(conn, MonitorRow, AssertSqlSafe(sql), now, limit))
}

/// Makes monitors due before all others.
///
/// # Errors
/// The database refused.
pub(super) async fn hurry(conn: &mut Conn, ids: &[i64]) -> Result<()> {
    let condition = conn.db().is_in("monitor_id", "$1");
    let sql = format!("UPDATE monitors SET next_at = 0 WHERE {condition}");
    execute!(conn, AssertSqlSafe(sql), id_list(ids));
    Ok(())
}

/// A monitor that is taken: which, when it is due again, and until when it is held.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// The monitor.
    pub monitor_id: i64,
    /// When it is due again.
    pub next_at: Timestamp,
    /// Until when nobody else may take it.
    pub lease_until: Timestamp,
}

/// Takes monitors under a lease.
///
/// # Errors
/// The database refused.
pub async fn take(conn: &mut Conn, lease_id: &str, taken: &[Taken]) -> Result<()> {
    let columns = vec![
        Column::ints(taken.iter().map(|each| each.monitor_id)),
        Column::times(taken.iter().map(|each| each.next_at)),
        Column::times(taken.iter().map(|each| each.lease_until)),
        Column::texts(taken.iter().map(|_| lease_id.to_owned())),
    ];
    let sql = "UPDATE monitors SET next_at = r.next_at, lease_until = r.lease_until, \
               lease_id = r.lease_id FROM r WHERE monitors.monitor_id = r.monitor_id";
    Rows::new("monitor_id, next_at, lease_until, lease_id", columns).execute(conn, sql).await?;
    Ok(())
}

/// What a look at a monitor led to.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The monitor.
    pub monitor_id: i64,
    /// The lease under which it was looked at.
    pub lease_id: String,
    /// How it stands now.
    pub standing: Standing,
    /// The latest results, as JSON.
    pub results: String,
    /// What was wrong.
    pub last_error: Option<String>,
    /// What this look saw.
    pub seen: Seen,
    /// When the look began.
    pub checked_at: Timestamp,
    /// When its check was last pinged.
    pub pinged_at: Option<Timestamp>,
    /// Look again no later than this.
    pub again_at: Option<Timestamp>,
}

/// Writes what was found down and gives the monitors back. Those whose lease went to somebody else
/// meanwhile stay as they are.
///
/// # Errors
/// The database refused.
pub async fn finish(conn: &mut Conn, all: &[Finished]) -> Result<()> {
    let mut all: Vec<&Finished> = all.iter().collect();
    // In one order, so that no two nodes wait for each other.
    all.sort_unstable_by_key(|each| each.monitor_id);
    let columns = vec![
        Column::ints(all.iter().map(|each| each.monitor_id)),
        Column::texts(all.iter().map(|each| each.lease_id.clone())),
        Column::texts(all.iter().map(|each| each.standing.verdict.as_str().to_owned())),
        Column::ints(all.iter().map(|each| each.standing.against)),
        Column::texts(all.iter().map(|each| each.results.clone())),
        Column::texts(all.iter().map(|each| each.last_error.clone())),
        Column::times(all.iter().map(|each| each.checked_at)),
        Column::times(all.iter().map(|each| each.pinged_at)),
        Column::times(all.iter().map(|each| each.again_at)),
    ];
    let names = "monitor_id, lease_id, verdict, against, results, last_error, checked_at, \
                 pinged_at, again_at";
    let sql = "UPDATE monitors SET verdict = r.verdict, against = r.against, results = r.results, \
               last_error = r.last_error, last_checked_at = r.checked_at, pinged_at = r.pinged_at, \
               next_at = CASE WHEN r.again_at < next_at THEN r.again_at ELSE next_at END, \
               lease_id = NULL, lease_until = NULL FROM r \
               WHERE monitors.monitor_id = r.monitor_id AND monitors.lease_id = r.lease_id";
    Rows::new(names, columns).execute(conn, sql).await?;
    let answers: Vec<host_looks::Answer> = all
        .iter()
        .map(|each| host_looks::Answer {
            monitor_id: each.monitor_id,
            looked_at: each.checked_at,
            seen: each.seen.into(),
            error: each.last_error.clone(),
        })
        .collect();
    host_looks::answer(conn, &answers).await
}
