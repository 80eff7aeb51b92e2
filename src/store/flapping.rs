//! Checks that are flapping: a row here keeps back what would be told of them, until it is over.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;

use super::channels::TOLD;
use super::dialect::{Column, Rows, id_list};
use super::flips::THE_FLIP;
use super::tx::{Conn, execute, fetch_all};
use crate::clock::{SECOND, Timestamp};
use crate::domain::flapping::{QUIET, REASON, WITHIN, is_flapping};
use crate::domain::maintenance::Cover;
use crate::fault::Result;

/// A flip between up and down that was just written: the check, the flip's serial number, its time.
pub(super) type Turn = (i64, i64, Timestamp);

/// Who is told that a check is flapping: its channels that take turns to down.
fn tell() -> String {
    let due = "r.now + ch.after_minutes * 60000000";
    format!(
        "INSERT INTO notifications (project_id, channel_id, check_id, flip_id, event, state, \
         attempts, created_at, next_attempt_at, due_at, told) \
         SELECT DISTINCT ch.project_id, ch.channel_id, r.check_id, {THE_FLIP} AS flip_id, 'flapping', \
         'pending', 0, r.now, {due}, {due}, 1 \
         FROM r {TOLD} \
         WHERE ch.on_down = 1 ORDER BY flip_id"
    )
}

#[derive(sqlx::FromRow)]
struct QuietRow {
    check_id: i64,
    quiet_until: Timestamp,
}

/// What covers which of these checks at `now` because they are flapping.
///
/// # Errors
/// The database is out.
pub async fn covers_of(
    conn: &mut Conn,
    check_ids: &[i64],
    now: Timestamp,
) -> Result<HashMap<i64, Cover>> {
    if check_ids.is_empty() {
        return Ok(HashMap::new());
    }
    // Who sets the threshold to 0 wants to hear everything at once.
    let sql = format!(
        "SELECT g.check_id, g.quiet_until FROM flapping g JOIN checks c ON c.check_id = g.check_id \
         WHERE g.quiet_until > $1 AND c.flap_threshold > 0 AND {}",
        conn.db().is_in("g.check_id", "$2")
    );
    let rows = fetch_all!(conn, QuietRow, AssertSqlSafe(sql), now, id_list(check_ids));
    let cover = |until| Cover { why: REASON.to_owned(), since: None, until };
    Ok(rows.into_iter().map(|row| (row.check_id, cover(row.quiet_until))).collect())
}

/// Sees which of these turns, at most one of a check, are too many, has that told once, and keeps what
/// was flapping already quiet for longer. How much there is to send.
pub(super) async fn judge(conn: &mut Conn, turns: &[Turn], now: Timestamp) -> Result<u64> {
    let ids: Vec<i64> = turns.iter().map(|(check_id, _, _)| *check_id).collect();
    let quiet = covers_of(conn, &ids, now).await?;
    let (known, others): (Vec<Turn>, Vec<Turn>) =
        turns.iter().copied().partition(|(check_id, _, _)| quiet.contains_key(check_id));
    let is_quiet_still = |(_, _, at): &Turn| at.plus_seconds(QUIET) > now;
    let begun: Vec<Turn> =
        too_many(conn, &others).await?.into_iter().filter(is_quiet_still).collect();
    let columns = vec![
        Column::ints(known.iter().chain(&begun).map(|(check_id, _, _)| *check_id)),
        Column::times(known.iter().chain(&begun).map(|(_, _, at)| at.plus_seconds(QUIET))),
    ];
    let sql = "INSERT INTO flapping (check_id, quiet_until) SELECT check_id, quiet_until FROM r \
               WHERE true ON CONFLICT (check_id) DO UPDATE SET quiet_until = excluded.quiet_until";
    Rows::new("check_id, quiet_until", columns).execute(conn, sql).await?;
    let columns = vec![
        Column::ints(begun.iter().map(|(check_id, _, _)| *check_id)),
        Column::ints(begun.iter().map(|(_, n, _)| *n)),
        Column::times(begun.iter().map(|_| now)),
    ];
    Rows::new("check_id, n, now", columns).execute(conn, &tell()).await
}

/// Those of these turns with which their check has gone up and down too often. Pausing is no turn, and
/// what was before the last flapping ended counts no more; the count looks at no more of a check's
/// flips than its threshold makes it need, however old it is.
async fn too_many(conn: &mut Conn, turns: &[Turn]) -> Result<Vec<Turn>> {
    #[derive(sqlx::FromRow)]
    struct CountRow {
        check_id: i64,
        flap_threshold: i64,
        flips: i64,
    }
    if turns.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = turns.iter().map(|(check_id, _, _)| *check_id).collect();
    // Nearly all of them have not: those need not be handed over.
    let sql = format!(
        "SELECT check_id, flap_threshold, flips FROM ( \
         SELECT c.check_id, c.flap_threshold, (SELECT COUNT(*) FROM flips f \
         WHERE f.check_id = c.check_id AND f.n > l.n - 4 * c.flap_threshold AND f.at > l.at - $1 \
         AND f.at > COALESCE((SELECT g.quiet_until FROM flapping g \
         WHERE g.check_id = c.check_id), 0) \
         AND f.from_status IN ('up', 'down') AND f.to_status IN ('up', 'down')) AS flips \
         FROM checks c JOIN flips l ON l.check_id = c.check_id \
         AND l.n = (SELECT MAX(x.n) FROM flips x WHERE x.check_id = c.check_id) \
         WHERE c.flap_threshold > 0 AND {}) counted WHERE flips > flap_threshold",
        conn.db().is_in("c.check_id", "$2")
    );
    let rows = fetch_all!(conn, CountRow, AssertSqlSafe(sql), WITHIN * SECOND, id_list(&ids));
    let flapping: Vec<i64> = rows
        .into_iter()
        .filter(|row| is_flapping(row.flap_threshold, row.flips))
        .map(|row| row.check_id)
        .collect();
    Ok(turns.iter().copied().filter(|(check_id, _, _)| flapping.contains(check_id)).collect())
}

/// Ends the flapping of these checks: who was still to be told of it is not. When it ended stays: what
/// was before counts no more.
pub(super) async fn end(conn: &mut Conn, check_ids: &[i64]) -> Result<()> {
    if check_ids.is_empty() {
        return Ok(());
    }
    let condition = conn.db().is_in("check_id", "$1");
    let sql = format!(
        "UPDATE notifications SET state = 'suppressed', next_attempt_at = NULL, told = 0 \
         WHERE {condition} AND state = 'pending' AND event = 'flapping' AND attempts = 0 \
         AND lease_owner IS NULL"
    );
    execute!(conn, AssertSqlSafe(sql), id_list(check_ids));
    Ok(())
}
