//! What is seen of the host that a job runs on, when its ping is missing: asked for with the flip,
//! answered by the prober, told with the alert.

use super::dialect::{Column, Rows};
use super::flips::THE_FLIP;
use super::tx::{Conn, execute, fetch_all};
use super::{IdRow, monitors};
use crate::clock::Timestamp;
use crate::domain::monitor::Host;
use crate::fault::Result;
use sqlx::AssertSqlSafe;

/// A look at a device, as far as the flips of checks want to know of it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The device.
    pub monitor_id: i64,
    /// When the look began.
    pub looked_at: Timestamp,
    /// What was seen.
    pub seen: Host,
    /// What is wrong.
    pub error: Option<String>,
}

/// Asks for a look at the devices of the checks that made these flips (check and serial number),
/// ahead of all that is due. Whether any is asked for. Devices that are switched off are not.
///
/// # Errors
/// The database refused.
pub async fn ask(conn: &mut Conn, flips: &[(i64, i64)], now: Timestamp) -> Result<bool> {
    let columns = vec![
        Column::ints(flips.iter().map(|(check_id, _)| *check_id)),
        Column::ints(flips.iter().map(|(_, n)| *n)),
        Column::times(flips.iter().map(|_| now)),
    ];
    let sql = format!(
        "INSERT INTO host_looks (flip_id, monitor_id, asked_at) \
         SELECT {THE_FLIP}, c.device_id, r.now FROM r JOIN checks c ON c.check_id = r.check_id \
         JOIN monitors m ON m.monitor_id = c.device_id WHERE m.is_enabled = 1"
    );
    if Rows::new("check_id, n, now", columns).execute(conn, &sql).await? == 0 {
        return Ok(false);
    }
    let sql = format!(
        "SELECT m.monitor_id AS id FROM monitors m WHERE m.next_at > 0 AND m.is_enabled = 1 \
         AND m.monitor_id IN (SELECT monitor_id FROM host_looks WHERE seen IS NULL) \
         ORDER BY m.monitor_id{}",
        conn.db().for_update("m")
    );
    let rows = fetch_all!(conn, IdRow, AssertSqlSafe(sql));
    let ids: Vec<i64> = rows.into_iter().map(|row| row.id).collect();
    monitors::hurry(conn, &ids).await?;
    Ok(true)
}

/// Writes down what was seen, for the flips that asked before the look began.
///
/// # Errors
/// The database refused.
pub async fn answer(conn: &mut Conn, all: &[Answer]) -> Result<()> {
    let columns = vec![
        Column::ints(all.iter().map(|each| each.monitor_id)),
        Column::times(all.iter().map(|each| each.looked_at)),
        Column::texts(all.iter().map(|each| each.seen.as_str().to_owned())),
        Column::texts(all.iter().map(|each| each.error.clone())),
    ];
    let sql = "UPDATE host_looks SET seen = r.seen, error = r.error FROM r \
               WHERE host_looks.monitor_id = r.monitor_id AND host_looks.seen IS NULL \
               AND host_looks.asked_at <= r.looked_at";
    Rows::new("monitor_id, looked_at, seen, error", columns).execute(conn, sql).await?;
    Ok(())
}

/// Takes a check that moves to another project from its device, and the checks of the old project from
/// the device that moves with it.
///
/// # Errors
/// The database refused.
pub async fn unlink(conn: &mut Conn, check_id: i64) -> Result<()> {
    execute!(
        conn,
        "UPDATE checks SET device_id = NULL WHERE check_id = $1 OR device_id IN \
         (SELECT monitor_id FROM monitors WHERE check_id = $1)",
        check_id
    );
    Ok(())
}
