//! Flips (changes of status) and the notifications that go with them: written together, in the
//! transaction that made the change.

use std::collections::BTreeMap;

use super::channels::TOLD;
use super::dialect::{Column, Rows};
use super::held::{self, was_told};
use super::states::Watched;
use super::tx::{Conn, fetch_all, fetch_value};
use super::{flapping, host_looks, maintenance, notifications};
use crate::clock::Timestamp;
use crate::domain::alert::{MOST_OTHERS, TOGETHER};
use crate::domain::check::{Flip, Reason, Status};
use crate::domain::maintenance::Cover;
use crate::domain::replay::PastFlip;
use crate::fault::Result;

/// A flip as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct FlipRow {
    /// Its id.
    pub flip_id: i64,
    /// When it happened.
    pub at: Timestamp,
    /// The status before.
    #[sqlx(try_from = "String")]
    pub from_status: Status,
    /// The status after.
    #[sqlx(try_from = "String")]
    pub to_status: Status,
    /// Why.
    #[sqlx(try_from = "String")]
    pub reason: Reason,
    /// How the host of its job was, where that was asked and is known: a
    /// [`Host`](crate::domain::monitor::Host).
    pub host: Option<String>,
}

/// The id of the flip of `r`: found one by one by its key, and never by reading all flips for a join.
pub(super) const THE_FLIP: &str =
    "(SELECT f.flip_id FROM flips f WHERE f.check_id = r.check_id AND f.n = r.n)";

/// Who is told of a check's turn to down: its channels that take such news. What a maintenance
/// window covers is suppressed, and held until `r.until`.
fn tell_down() -> String {
    let due = "CASE WHEN r.until IS NULL THEN r.now + ch.after_minutes * 60000000 END";
    format!(
        "INSERT INTO notifications (project_id, channel_id, check_id, flip_id, \
    event, state, attempts, created_at, next_attempt_at, due_at, told, last_error, muted, \
         held_until) \
    SELECT DISTINCT ch.project_id, ch.channel_id, r.check_id, {THE_FLIP} AS flip_id, 'down', \
    CASE WHEN r.until IS NULL THEN 'pending' ELSE 'suppressed' END, 0, r.now, \
    {due}, {due}, CASE WHEN r.until IS NULL THEN 1 ELSE 0 END, r.why, \
    CASE WHEN r.until IS NULL THEN 0 ELSE 1 END, r.until \
    FROM r \
    {TOLD} \
    WHERE ch.on_down = 1 ORDER BY flip_id"
    )
}

/// Who is told that it is up again: those that were told of the down before it, or take no downs.
/// What a window covers is suppressed; then it is written for those too from whom the down was kept
/// back, and held unless all of it happened inside the window.
fn tell_up() -> String {
    let due = "CASE WHEN r.until IS NULL THEN r.now END";
    let was_told = was_told("r");
    format!(
        "INSERT INTO notifications (project_id, channel_id, check_id, flip_id, \
         event, state, attempts, created_at, next_attempt_at, due_at, told, last_error, muted, \
         held_until) \
         SELECT DISTINCT ch.project_id, ch.channel_id, r.check_id, {THE_FLIP} AS flip_id, 'up', \
         CASE WHEN r.until IS NULL THEN 'pending' ELSE 'suppressed' END, 0, r.now, \
         {due}, {due}, CASE WHEN r.until IS NULL THEN 1 ELSE 0 END, r.why, \
         CASE WHEN r.until IS NULL THEN 0 ELSE 1 END, \
         CASE WHEN ch.on_down = 1 OR r.since IS NULL OR r.since > (SELECT b.at FROM flips b \
         WHERE b.check_id = r.check_id AND b.n = r.n - 1) THEN r.until END \
         FROM r \
         {TOLD} \
         WHERE ch.on_up = 1 AND ({was_told} OR (r.until IS NOT NULL AND EXISTS ( \
         SELECT 1 FROM flips b JOIN notifications k ON k.flip_id = b.flip_id \
         WHERE b.check_id = r.check_id AND b.n = r.n - 1 AND k.channel_id = ch.channel_id \
         AND k.muted = 1))) ORDER BY flip_id"
    )
}

/// What saved flips mean for the workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Saved {
    /// Something has to be told.
    pub(super) announced: bool,
    /// Hosts have to be looked at.
    pub(super) asked: bool,
}

/// Writes the flips of these checks, queues what has to be told, and asks how the hosts of those are
/// whose ping is missing.
pub(super) async fn save(conn: &mut Conn, checks: &[Watched], now: Timestamp) -> Result<Saved> {
    let flips: Vec<(i64, Flip, Option<i64>)> = checks
        .iter()
        .flat_map(|check| check.flips.iter().map(|(flip, n)| (check.check_id, *flip, *n)))
        .collect();
    if flips.is_empty() {
        return Ok(Saved::default());
    }
    let mut told = release_before(conn, &flips, now).await?;
    let all = || flips.iter();
    let columns = vec![
        Column::ints(all().map(|(id, _, _)| *id)),
        Column::ints(all().map(|(_, flip, _)| flip.n)),
        Column::times(all().map(|(_, flip, _)| flip.at)),
        Column::texts(all().map(|(_, flip, _)| flip.from.as_str().to_owned())),
        Column::texts(all().map(|(_, flip, _)| flip.to.as_str().to_owned())),
        Column::texts(all().map(|(_, flip, _)| flip.reason.as_str().to_owned())),
        Column::ints(all().map(|(_, _, ping_n)| *ping_n)),
        Column::times(all().map(|(_, flip, _)| flip.expected_at)),
    ];
    let names = "check_id, n, at, from_status, to_status, reason, ping_n, expected_at";
    let sql = "INSERT INTO flips (check_id, n, at, from_status, to_status, reason, ping_n, \
               expected_at) SELECT check_id, n, at, from_status, to_status, reason, ping_n, \
               expected_at FROM r \
               ORDER BY check_id, n";
    Rows::new(names, columns).execute(conn, sql).await?;
    let recovered: Vec<i64> =
        all().filter(|(_, flip, _)| flip.to == Status::Up).map(|(id, _, _)| *id).collect();
    if !recovered.is_empty() {
        notifications::suppress_waiting(conn, &recovered, now).await?;
    }
    let announced: Vec<i64> =
        all().filter(|(_, flip, _)| flip.is_announced()).map(|(id, _, _)| *id).collect();
    told += judge_flapping(conn, &flips, now).await?;
    let covers = held::covers_of(conn, &announced, now).await?;
    for (to, sql) in [(Status::Down, tell_down()), (Status::Up, tell_up())] {
        let these: Vec<(i64, i64, Option<&Cover>)> = all()
            .filter(|(_, flip, _)| flip.to == to && flip.is_announced())
            .map(|(id, flip, _)| (*id, flip.n, covers.get(id)))
            .collect();
        let columns = vec![
            Column::ints(these.iter().map(|(id, _, _)| *id)),
            Column::ints(these.iter().map(|(_, n, _)| *n)),
            Column::times(these.iter().map(|_| now)),
            Column::times(these.iter().map(|(_, _, cover)| cover.and_then(|c| c.since))),
            Column::times(these.iter().map(|(_, _, cover)| cover.map(|c| c.until))),
            Column::texts(these.iter().map(|(_, _, cover)| cover.map(|c| c.why.clone()))),
        ];
        told +=
            Rows::new("check_id, n, now, since, until, why", columns).execute(conn, &sql).await?;
    }
    let missing: Vec<(i64, i64)> = all()
        .filter(|(_, flip, _)| flip.to == Status::Down && flip.reason.is_silence())
        .map(|(check_id, flip, _)| (*check_id, flip.n))
        .collect();
    let asked = !missing.is_empty() && host_looks::ask(conn, &missing, now).await?;
    Ok(Saved { announced: told > 0, asked })
}

/// Sees whether checks are flapping with these flips, save where a window keeps everything back anyway:
/// what goes on after its end shows it then. How much there is to send.
async fn judge_flapping(
    conn: &mut Conn,
    flips: &[(i64, Flip, Option<i64>)],
    now: Timestamp,
) -> Result<u64> {
    let mut last: BTreeMap<i64, (i64, Timestamp)> = BTreeMap::new();
    for (check_id, flip, _) in flips.iter().filter(|(_, flip, _)| flip.is_announced()) {
        last.insert(*check_id, (flip.n, flip.at));
    }
    let ids: Vec<i64> = last.keys().copied().collect();
    let windows = maintenance::covers_of(conn, &ids, now).await?;
    let turns: Vec<flapping::Turn> = last
        .into_iter()
        .filter(|(check_id, _)| !windows.contains_key(check_id))
        .map(|(check_id, (n, at))| (check_id, n, at))
        .collect();
    flapping::judge(conn, &turns, now).await
}

/// What a maintenance window held until before these flips is told ahead of them, where nobody has
/// come to it yet: a check that was down at the window's end was down, also if it is up since. The
/// flips are not written yet.
async fn release_before(
    conn: &mut Conn,
    flips: &[(i64, Flip, Option<i64>)],
    now: Timestamp,
) -> Result<u64> {
    let ids: Vec<i64> = flips.iter().map(|(check_id, _, _)| *check_id).collect();
    let held = held::due_among(conn, &ids, now).await?;
    if held.is_empty() {
        return Ok(0);
    }
    let first_flip = |id: i64| flips.iter().find(|(check_id, _, _)| *check_id == id);
    let due: Vec<(i64, Timestamp)> =
        held.into_iter().filter_map(|id| Some((id, first_flip(id)?.1.at))).collect();
    held::release(conn, &due, now).await
}

/// Flips of the whole server that [`others_down`] looks at: enough to tell a storm.
const MOST_SEEN: i64 = 2000;

/// How many other checks of a project went down within [`TOGETHER`] of this moment, at most one more
/// than [`MOST_OTHERS`].
///
/// # Errors
/// The database is out.
pub async fn others_down(
    conn: &mut Conn,
    project_id: i64,
    check_id: i64,
    at: Timestamp,
) -> Result<i64> {
    let (from, to) = (at.plus_seconds(-TOGETHER), at.plus_seconds(TOGETHER));
    Ok(fetch_value!(
        conn,
        i64,
        "SELECT COUNT(*) FROM (SELECT DISTINCT f.check_id FROM (SELECT check_id FROM flips \
         WHERE at >= $3 AND at <= $4 AND to_status = 'down' LIMIT $5) f \
         JOIN checks c ON c.check_id = f.check_id \
         WHERE c.project_id = $1 AND f.check_id <> $2 LIMIT $6) x",
        project_id,
        check_id,
        from,
        to,
        MOST_SEEN,
        MOST_OTHERS + 1
    ))
}

/// A page of a check's flips, the latest first, and how many there are.
///
/// # Errors
/// The database is out.
pub async fn list(
    conn: &mut Conn,
    check_id: i64,
    offset: i64,
    limit: i64,
) -> Result<(Vec<FlipRow>, i64)> {
    let rows = fetch_all!(
        conn,
        FlipRow,
        "SELECT flip_id, at, from_status, to_status, reason, (SELECT h.seen FROM host_looks h \
         WHERE h.flip_id = flips.flip_id) AS host FROM flips WHERE check_id = $1 \
         ORDER BY n DESC LIMIT $2 OFFSET $3",
        check_id,
        limit,
        offset
    );
    let total = fetch_value!(conn, i64, "SELECT COUNT(*) FROM flips WHERE check_id = $1", check_id);
    Ok((rows, total))
}

/// A flip of a check that another system kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastTurn {
    /// When it happened.
    pub at: Timestamp,
    /// The status before.
    pub from: Status,
    /// The status after.
    pub to: Status,
    /// Why.
    pub reason: Reason,
}

/// Writes the flips of a check that has none yet, in order; nobody is told of them.
///
/// # Errors
/// The database refused.
pub async fn insert_past(conn: &mut Conn, check_id: i64, all: &[PastTurn]) -> Result<()> {
    let columns = vec![
        Column::ints(all.iter().map(|_| check_id)),
        Column::ints(1..=i64::try_from(all.len()).unwrap_or(i64::MAX)),
        Column::times(all.iter().map(|turn| turn.at)),
        Column::texts(all.iter().map(|turn| turn.from.as_str().to_owned())),
        Column::texts(all.iter().map(|turn| turn.to.as_str().to_owned())),
        Column::texts(all.iter().map(|turn| turn.reason.as_str().to_owned())),
    ];
    let sql = "INSERT INTO flips (check_id, n, at, from_status, to_status, reason) \
               SELECT check_id, n, at, from_status, to_status, reason FROM r ORDER BY n";
    Rows::new("check_id, n, at, from_status, to_status, reason", columns)
        .execute(conn, sql)
        .await?;
    Ok(())
}

/// The flips of a check from a moment on and before another, the latest first.
///
/// # Errors
/// The database is out.
pub async fn between(
    conn: &mut Conn,
    check_id: i64,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<FlipRow>> {
    Ok(fetch_all!(
        conn,
        FlipRow,
        "SELECT flip_id, at, from_status, to_status, reason, NULL AS host FROM flips \
         WHERE check_id = $1 AND at >= $2 AND at < $3 ORDER BY n DESC",
        check_id,
        from,
        to
    ))
}

#[derive(sqlx::FromRow)]
struct PastRow {
    n: i64,
    #[sqlx(flatten)]
    flip: FlipRow,
    expected_at: Option<Timestamp>,
    ping_n: Option<i64>,
}

/// The next flips of a check after the serial number `after` and up to and with `up_to`, at most
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
) -> Result<Vec<PastFlip>> {
    let sql = "SELECT n, flip_id, at, from_status, to_status, reason, NULL AS host, expected_at, ping_n \
               FROM flips WHERE check_id = $1 AND n > $2 AND n <= $3 ORDER BY n LIMIT $4";
    let rows = fetch_all!(conn, PastRow, sql, check_id, after, up_to, limit);
    let past = rows.into_iter().map(|PastRow { n, flip, expected_at, ping_n }| {
        let FlipRow { at, from_status: from, to_status: to, reason, .. } = flip;
        PastFlip { flip: Flip { n, at, from, to, reason, expected_at }, ping_n }
    });
    Ok(past.collect())
}
