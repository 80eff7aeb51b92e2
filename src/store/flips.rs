//! Flips (changes of status) and the notifications that go with them: written together, in the
//! transaction that made the change.

use super::dialect::{Column, Rows};
use super::notifications;
use super::states::Watched;
use super::tx::{Conn, fetch_all, fetch_value};
use crate::clock::Timestamp;
use crate::domain::check::{Flip, Reason, Status};
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
}

/// Who is told of a check's turn to down: its channels that take such news.
const TELL_DOWN: &str = "INSERT INTO notifications (project_id, channel_id, check_id, flip_id, \
    event, state, attempts, created_at, next_attempt_at) \
    SELECT ch.project_id, ch.channel_id, f.check_id, f.flip_id, 'down', 'pending', 0, r.now, \
    r.now + ch.after_minutes * 60000000 \
    FROM r JOIN flips f ON f.check_id = r.check_id AND f.n = r.n \
    JOIN check_channels cc ON cc.check_id = r.check_id \
    JOIN channels ch ON ch.channel_id = cc.channel_id \
    WHERE ch.on_down = 1 AND ch.disabled = 0 ORDER BY f.flip_id";

/// Who is told that it is up again: those that were told of the down before it, or take no downs.
const TELL_UP: &str = "INSERT INTO notifications (project_id, channel_id, check_id, flip_id, \
    event, state, attempts, created_at, next_attempt_at) \
    SELECT ch.project_id, ch.channel_id, f.check_id, f.flip_id, 'up', 'pending', 0, r.now, r.now \
    FROM r JOIN flips f ON f.check_id = r.check_id AND f.n = r.n \
    JOIN check_channels cc ON cc.check_id = r.check_id \
    JOIN channels ch ON ch.channel_id = cc.channel_id \
    WHERE ch.on_up = 1 AND ch.disabled = 0 AND (ch.on_down = 0 OR EXISTS ( \
        SELECT 1 FROM flips p JOIN notifications d ON d.flip_id = p.flip_id \
        WHERE p.check_id = r.check_id AND p.n = r.n - 1 AND d.channel_id = ch.channel_id \
        AND (d.state IN ('pending', 'sent') OR (d.state = 'suppressed' AND d.attempts > 0)))) ORDER BY f.flip_id";

/// Writes the flips of these checks and queues what has to be told; whether there was any of it.
pub(super) async fn save(conn: &mut Conn, checks: &[Watched], now: Timestamp) -> Result<bool> {
    let flips: Vec<(i64, Flip, Option<i64>)> = checks
        .iter()
        .flat_map(|check| check.flips.iter().map(|(flip, n)| (check.check_id, *flip, *n)))
        .collect();
    if flips.is_empty() {
        return Ok(false);
    }
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
    let mut told = 0;
    for (to, sql) in [(Status::Down, TELL_DOWN), (Status::Up, TELL_UP)] {
        let these: Vec<(i64, i64)> = all()
            .filter(|(_, flip, _)| flip.to == to && flip.is_announced())
            .map(|(id, flip, _)| (*id, flip.n))
            .collect();
        let columns = vec![
            Column::ints(these.iter().map(|(id, _)| *id)),
            Column::ints(these.iter().map(|(_, n)| *n)),
            Column::times(these.iter().map(|_| now)),
        ];
        told += Rows::new("check_id, n, now", columns).execute(conn, sql).await?;
    }
    Ok(told > 0)
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
        "SELECT flip_id, at, from_status, to_status, reason FROM flips WHERE check_id = $1 \
         ORDER BY n DESC LIMIT $2 OFFSET $3",
        check_id,
        limit,
        offset
    );
    let total = fetch_value!(conn, i64, "SELECT COUNT(*) FROM flips WHERE check_id = $1", check_id);
    Ok((rows, total))
}
