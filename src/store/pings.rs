//! Pings and their bodies.

use uuid::Uuid;

use super::dialect::{Column, Rows, Writes, id_list};
use super::tx::{Conn, fetch_all, fetch_optional, fetch_value};
use crate::clock::Timestamp;
use crate::domain::ping::{Method, Ping, PingKind, Scheme};
use crate::domain::replay::PastPing;
use crate::fault::{Fault, Result};

/// A ping that was judged and is to be stored.
#[derive(Clone, Debug)]
pub struct NewPing<'a> {
    /// Its check.
    pub check_id: i64,
    /// Its serial number.
    pub n: i64,
    /// What it counts as.
    pub kind: PingKind,
    /// How long the run took that it finished, in microseconds.
    pub duration: Option<i64>,
    /// What came.
    pub ping: &'a Ping,
    /// The part of its body that is kept.
    pub body: bytes::Bytes,
}

/// A ping as it is kept.
#[derive(Clone, Debug)]
pub struct PingRow {
    /// Its serial number.
    pub n: i64,
    /// When it was received.
    pub at: Timestamp,
    /// What it counted as.
    pub kind: PingKind,
    /// The exit status in its URL.
    pub exit_status: Option<i16>,
    /// The client's run id, canonical.
    pub rid: Option<String>,
    /// How it came.
    pub scheme: Scheme,
    /// With which method.
    pub method: Method,
    /// From where.
    pub remote_address: String,
    /// The client's name for itself.
    pub user_agent: String,
    /// How many bytes of its body are kept.
    pub body_size: i64,
    /// How long the run took that it finished, in microseconds.
    pub duration: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct RawRow {
    n: i64,
    at: Timestamp,
    kind: i16,
    exit_status: Option<i16>,
    rid: Option<String>,
    scheme: i16,
    method: i16,
    remote_address: String,
    user_agent: String,
    body_size: i64,
    duration: Option<i64>,
}

const COLUMNS: &str = "n, at, kind, exit_status, rid, scheme, method, remote_address, user_agent, body_size, duration";

const INSERT_BODIES: &str = "INSERT INTO ping_bodies (check_id, n, body, at) \
     SELECT check_id, n, body, at FROM r";

/// The small number by which a value of these enums is kept: its place in the enum.
fn place<T: PartialEq>(all: &[T], value: &T) -> i64 {
    all.iter().position(|each| each == value).and_then(|i| i64::try_from(i).ok()).unwrap_or(0)
}

fn at_place<T: Copy>(all: &[T], place: i16) -> Result<T> {
    let value = usize::try_from(place).ok().and_then(|i| all.get(i).copied());
    value.ok_or_else(|| Fault::internal(format!("a ping row holds the unknown code {place}")))
}

impl RawRow {
    fn into_row(self) -> Result<PingRow> {
        Ok(PingRow {
            n: self.n,
            at: self.at,
            kind: at_place(PingKind::ALL, self.kind)?,
            exit_status: self.exit_status,
            rid: self.rid,
            scheme: at_place(Scheme::ALL, self.scheme)?,
            method: at_place(Method::ALL, self.method)?,
            remote_address: self.remote_address,
            user_agent: self.user_agent,
            body_size: self.body_size,
            duration: self.duration,
        })
    }
}

/// A ping as a strip of the latest shows it.
#[derive(Clone, Copy, Debug)]
pub struct Tail {
    /// Its check.
    pub check_id: i64,
    /// What it counted as.
    pub kind: PingKind,
    /// How long what it told of took, in microseconds.
    pub duration: Option<i64>,
}

/// The latest pings of each of these checks, so many at most, by check and in order.
///
/// # Errors
/// The database is out.
pub async fn tails(conn: &mut Conn, check_ids: &[i64], most: i64) -> Result<Vec<Tail>> {
    #[derive(sqlx::FromRow)]
    struct TailRow {
        check_id: i64,
        kind: i16,
        duration: Option<i64>,
    }
    let sql = format!(
        "SELECT p.check_id, p.kind, p.duration FROM check_states s \
         JOIN pings p ON p.check_id = s.check_id AND p.n > s.n_pings - $2 \
         WHERE {} ORDER BY p.check_id, p.n",
        conn.db().is_in("s.check_id", "$1")
    );
    let rows = fetch_all!(conn, TailRow, sqlx::AssertSqlSafe(sql), id_list(check_ids), most);
    rows.into_iter()
        .map(|TailRow { check_id, kind, duration }| {
            Ok(Tail { check_id, kind: at_place(PingKind::ALL, kind)?, duration })
        })
        .collect()
}

/// Writes pings and their bodies. The database refuses a serial number that exists already.
pub fn insert(writes: &mut Writes, pings: &[NewPing<'_>]) {
    let all = || pings.iter();
    let columns = vec![
        Column::ints(all().map(|p| p.check_id)),
        Column::ints(all().map(|p| p.n)),
        Column::times(all().map(|p| p.ping.received_at)),
        Column::ints(all().map(|p| place(PingKind::ALL, &p.kind))),
        Column::ints(all().map(|p| p.ping.exit_status.map(i64::from))),
        Column::texts(all().map(|p| p.ping.rid.map(|rid| rid.to_string()))),
        Column::ints(all().map(|p| place(Scheme::ALL, &p.ping.scheme))),
        Column::ints(all().map(|p| place(Method::ALL, &p.ping.method))),
        Column::texts(all().map(|p| p.ping.remote_address.to_string())),
        Column::texts(all().map(|p| p.ping.user_agent.clone())),
        Column::ints(all().map(|p| i64::try_from(p.body.len()).unwrap_or(i64::MAX))),
        Column::ints(all().map(|p| p.duration)),
    ];
    let names = "check_id, n, at, kind, exit_status, rid, scheme, method, remote_address, \
                 user_agent, body_size, duration";
    let sql = "INSERT INTO pings (check_id, n, at, kind, exit_status, rid, scheme, method, \
               remote_address, user_agent, body_size, duration) SELECT check_id, n, at, kind, \
               exit_status, rid, scheme, method, remote_address, user_agent, body_size, duration \
               FROM r";
    writes.add(sql, Rows::new(names, columns));
    let bodies = || pings.iter().filter(|p| !p.body.is_empty());
    let columns = vec![
        Column::ints(bodies().map(|p| p.check_id)),
        Column::ints(bodies().map(|p| p.n)),
        Column::bytes(bodies().map(|p| p.body.to_vec())),
        Column::times(bodies().map(|p| p.ping.received_at)),
    ];
    writes.add(INSERT_BODIES, Rows::new("check_id, n, body, at", columns));
}

/// Writes pings that another system kept, with their bodies, to a check that has none.
///
/// # Errors
/// The database refused.
pub async fn insert_past(conn: &mut Conn, check_id: i64, all: &[(PingRow, Vec<u8>)]) -> Result<()> {
    let rows = || all.iter().map(|(row, _)| row);
    let columns = vec![
        Column::ints(rows().map(|_| check_id)),
        Column::ints(rows().map(|row| row.n)),
        Column::times(rows().map(|row| row.at)),
        Column::ints(rows().map(|row| place(PingKind::ALL, &row.kind))),
        Column::ints(rows().map(|row| row.exit_status.map(i64::from))),
        Column::texts(rows().map(|row| row.rid.clone())),
        Column::ints(rows().map(|row| place(Scheme::ALL, &row.scheme))),
        Column::ints(rows().map(|row| place(Method::ALL, &row.method))),
        Column::texts(rows().map(|row| row.remote_address.clone())),
        Column::texts(rows().map(|row| row.user_agent.clone())),
        Column::ints(all.iter().map(|(_, body)| i64::try_from(body.len()).unwrap_or(i64::MAX))),
        Column::ints(rows().map(|row| row.duration)),
    ];
    let names = "check_id, n, at, kind, exit_status, rid, scheme, method, remote_address, \
                 user_agent, body_size, duration";
    let sql = "INSERT INTO pings (check_id, n, at, kind, exit_status, rid, scheme, method, \
               remote_address, user_agent, body_size, duration) SELECT check_id, n, at, kind, \
               exit_status, rid, scheme, method, remote_address, user_agent, body_size, duration \
               FROM r";
    Rows::new(names, columns).execute(conn, sql).await?;
    let bodies = || all.iter().filter(|(_, body)| !body.is_empty());
    let columns = vec![
        Column::ints(bodies().map(|_| check_id)),
        Column::ints(bodies().map(|(row, _)| row.n)),
        Column::bytes(bodies().map(|(_, body)| body.clone())),
        Column::times(bodies().map(|(row, _)| row.at)),
    ];
    Rows::new("check_id, n, body, at", columns).execute(conn, INSERT_BODIES).await?;
    Ok(())
}

/// A page of a check's pings, the latest first, and how many are kept.
///
/// # Errors
/// The database is out.
pub async fn list(
    conn: &mut Conn,
    check_id: i64,
    offset: i64,
    limit: i64,
) -> Result<(Vec<PingRow>, i64)> {
    let sql = format!(
        "SELECT {COLUMNS} FROM pings WHERE check_id = $1 ORDER BY n DESC LIMIT $2 OFFSET $3"
    );
    let rows = fetch_all!(conn, RawRow, sqlx::AssertSqlSafe(sql), check_id, limit, offset);
    let rows = rows.into_iter().map(RawRow::into_row).collect::<Result<Vec<_>>>()?;
    let total = fetch_value!(conn, i64, "SELECT COUNT(*) FROM pings WHERE check_id = $1", check_id);
    Ok((rows, total))
}

#[derive(sqlx::FromRow)]
struct BriefRow {
    check_id: i64,
    kind: i16,
}

/// What the last `most` pings of each of these checks counted as, by check and in order; one
/// statement, which finds them by their serial numbers.
///
/// # Errors
/// The database is out.
pub async fn last_of(
    conn: &mut Conn,
    check_ids: &[i64],
    most: i64,
) -> Result<Vec<(i64, PingKind)>> {
    let sql = format!(
        "SELECT p.check_id, p.kind FROM check_states s JOIN pings p \
         ON p.check_id = s.check_id AND p.n > s.n_pings - {most} \
         WHERE {} ORDER BY p.check_id, p.n",
        conn.db().is_in("s.check_id", "$1")
    );
    let rows = fetch_all!(conn, BriefRow, sqlx::AssertSqlSafe(sql), id_list(check_ids)).into_iter();
    rows.map(|row| Ok((row.check_id, at_place(PingKind::ALL, row.kind)?))).collect()
}

#[derive(sqlx::FromRow)]
struct PastRow {
    n: i64,
    at: Timestamp,
    kind: i16,
    rid: Option<String>,
}

/// The next pings of a check after the serial number `after` and up to and with `up_to`, at most
/// `limit`, in order.
///
/// # Errors
/// The database is out.
pub async fn past(
    conn: &mut Conn,
    check_id: i64,
    after: i64,
    up_to: i64,
    limit: i64,
) -> Result<Vec<PastPing>> {
    let sql = "SELECT n, at, kind, rid FROM pings WHERE check_id = $1 AND n > $2 AND n <= $3 \
               ORDER BY n LIMIT $4";
    let rows = fetch_all!(conn, PastRow, sql, check_id, after, up_to, limit).into_iter();
    rows.map(|row| {
        let rid = row.rid.as_deref().and_then(|rid| Uuid::parse_str(rid).ok());
        Ok(PastPing { n: row.n, at: row.at, kind: at_place(PingKind::ALL, row.kind)?, rid })
    })
    .collect()
}

/// One ping.
///
/// # Errors
/// The database is out.
pub async fn find(conn: &mut Conn, check_id: i64, n: i64) -> Result<Option<PingRow>> {
    let sql = format!("SELECT {COLUMNS} FROM pings WHERE check_id = $1 AND n = $2");
    fetch_optional!(conn, RawRow, sqlx::AssertSqlSafe(sql), check_id, n)
        .map(RawRow::into_row)
        .transpose()
}

#[derive(sqlx::FromRow)]
struct BodyRow {
    body: Vec<u8>,
}

/// The body of a ping, as sent; none where it had none or it is not kept.
///
/// # Errors
/// The database is out.
pub async fn body(conn: &mut Conn, check_id: i64, n: i64) -> Result<Option<Vec<u8>>> {
    let row = fetch_optional!(
        conn,
        BodyRow,
        "SELECT body FROM ping_bodies WHERE check_id = $1 AND n = $2",
        check_id,
        n
    );
    Ok(row.map(|row| row.body))
}
