//! Many checks whose deadlines pass at the same moment.

use std::time::Duration;

use overdue::clock::{Clock, SECOND, Timestamp};

use super::bed::Bed;
use super::load::{Load, Tally};
use super::sql::Sql;
use crate::support;

/// The period and the grace time of checks made for this, in seconds.
pub const PERIOD: i64 = 86_400;
/// See [`PERIOD`].
pub const GRACE: i64 = 3_600;
/// The pause between two looks at how far the database is, at least.
const PAUSE: Duration = Duration::from_millis(20);
/// And at least so many times what the last look took, which the server's cores had to give.
const SHARE: u32 = 20;
/// How long all may take before the bench gives up on them.
const PATIENCE: i64 = 120 * SECOND;

/// Notifications of it; those of earlier bursts were taken away.
const QUEUED: &str = "SELECT COUNT(*) FROM notifications WHERE event = 'down'";

/// What became of a burst.
pub struct Burst {
    /// Seconds from the deadline until all flips and notifications were stored.
    pub seconds: f64,
    /// The pings meanwhile.
    pub pings: Tally,
}

/// Puts every check up, as if pinged within the last day, so that each has a deadline ahead, but
/// for none within the next hour. The server is stopped.
pub async fn put_all_up(bed: &Bed) {
    let last = format!("{} + check_id % {PERIOD} * {SECOND}", support::now().0 - PERIOD * SECOND);
    put_up(bed, &last, "1 = 1").await;
}

async fn put_up(bed: &Bed, last_ping: &str, which: &str) {
    let next = format!("{last_ping} + {}", PERIOD * SECOND);
    let alert = format!("{next} + {}", GRACE * SECOND);
    bed.sql()
        .await
        .run(&format!(
            "UPDATE check_states SET status = 'up', base_at = {last_ping}, last_ping_at = {last_ping}, \
             next_ping_at = {next}, alert_at = {alert}, wake_at = {alert} WHERE {which}"
        ))
        .await;
}

/// Stops the server, lets the checks for which the condition `which` holds be due together `ahead`
/// seconds from now, and starts it again; then waits until all are down and the notification of
/// each is queued. Each has one channel. The load (on others) begins with the deadline.
pub async fn burst(bed: &mut Bed, which: &str, ahead: i64, load: &Load) -> Burst {
    bed.stop().await;
    let mut sql = bed.sql().await;
    // What earlier bursts have left to send is none of this one's.
    sql.run("DELETE FROM notifications").await;
    sql.tidy().await;
    let expected = sql.number(&format!("SELECT COUNT(*) FROM check_states WHERE {which}")).await;
    let last = sql.number("SELECT COALESCE(MAX(flip_id), 0) FROM flips").await;
    // By the primary key: what earlier bursts have left costs nothing.
    let down = format!("SELECT COUNT(*) FROM flips WHERE flip_id > {last} AND to_status = 'down'");
    let due = support::now().plus_seconds(ahead);
    let last_ping = due.plus_seconds(-PERIOD - GRACE).0.to_string();
    put_up(bed, &last_ping, which).await;
    bed.server.restart().await;
    let left = due.micros_since(support::now());
    if left < SECOND {
        super::wrong(&format!("the server took {ahead} s to start: what was due was so before it"));
    }
    tokio::time::sleep(Duration::from_micros(u64::try_from(left).unwrap_or(0))).await;
    let underway = load.start();
    let seconds = wait_for(&mut sql, &down, expected, due).await;
    Burst { seconds, pings: underway.stop().await }
}

/// Waits until so many checks are down and the notification of each is queued: the seconds since
/// they were due.
async fn wait_for(sql: &mut Sql, down: &str, expected: i64, due: Timestamp) -> f64 {
    let clock = Clock::system();
    loop {
        let began = clock.steady_micros();
        let made = sql.number(down).await;
        let is_down = made >= expected;
        let queued = if is_down { sql.number(QUEUED).await } else { 0 };
        let seconds = support::now().micros_since(due) as f64 / 1e6;
        if queued >= expected {
            return seconds;
        }
        let now = clock.steady_micros();
        if now > PATIENCE {
            super::wrong(&format!("of {expected} due checks {made} are down, {queued} queued"));
            return seconds;
        }
        let took = Duration::from_micros((now - began).unsigned_abs());
        tokio::time::sleep(PAUSE.max(took * SHARE)).await;
    }
}
