//! The partitions by time of `pings` and `ping_bodies` on PostgreSQL. Each is named by the day that ends it
//! (`pings_until_20789`, in days since the epoch, that day not within) and begins where the one before it
//! ends; the oldest one may hold all time before. They are made ahead, attached and detached in ways that
//! keep no ping waiting, and dropped whole, after their daily sums are kept. On SQLite nothing here does
//! anything.

use sqlx::AssertSqlSafe;

use super::Store;
use super::days::sum_up_table;
use super::tx::{Conn, execute, fetch_all, fetch_value};
use crate::clock::{SECOND, Timestamp};
use crate::fault::Result;

/// The tables that are partitioned.
const TABLES: [&str; 2] = ["pings", "ping_bodies"];
/// A day, in microseconds.
const DAY: i64 = 86_400 * SECOND;
/// So many partitions hold what is kept, about: each costs every look-up of a check's pings a little.
const COUNT: i64 = 6;
/// The most days of one.
const WIDEST: i64 = 60;
/// Who changes them holds this lock.
const LOCK: i64 = 0x6f76_6572_6475_6501;

#[derive(sqlx::FromRow)]
struct PartRow {
    name: String,
    is_attached: bool,
    is_leaving: bool,
}

/// A partition, or what was one.
#[derive(Clone, Debug)]
struct Part {
    name: String,
    /// The day that ends it.
    until: i64,
    is_attached: bool,
    /// It was being detached when somebody died.
    is_leaving: bool,
}

/// The days of a partition, where pings are kept for so many.
fn width(kept_days: u32) -> i64 {
    (i64::from(kept_days) / COUNT).clamp(1, WIDEST)
}

async fn parts(conn: &mut Conn, table: &str) -> Result<Vec<Part>> {
    let rows = fetch_all!(
        conn,
        PartRow,
        "SELECT CAST(c.relname AS TEXT) AS name, c.relispartition AS is_attached, \
         COALESCE(i.inhdetachpending, false) AS is_leaving \
         FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid \
         WHERE c.relkind = 'r' AND c.relnamespace = CAST(current_schema() AS regnamespace) \
         AND c.relname LIKE $1",
        format!("{table}\\_until\\_%")
    );
    let part = |row: PartRow| {
        let until = row.name.rsplit('_').next()?.parse().ok()?;
        let PartRow { name, is_attached, is_leaving } = row;
        Some(Part { name, until, is_attached, is_leaving })
    };
    let mut parts: Vec<Part> = rows.into_iter().filter_map(part).collect();
    parts.sort_unstable_by_key(|part| part.until);
    Ok(parts)
}

/// Sees to it that there is room for pings of this time and of a good while after it.
///
/// # Errors
/// The database refused.
pub async fn make_ahead(store: &Store, now: Timestamp, kept_days: u32) -> Result<()> {
    if !store.db().has_partitions() {
        return Ok(());
    }
    let width = width(kept_days);
    let wanted = now.0.div_euclid(DAY) + 2 + width;
    for table in TABLES {
        let mut conn = store.read().await?;
        let is_enough = last(&parts(&mut conn, table).await?).is_some_and(|last| last >= wanted);
        drop(conn);
        if is_enough {
            continue;
        }
        let mut tx = store.begin().await?;
        fetch_value!(tx, Option<String>, "SELECT CAST(pg_advisory_xact_lock($1) AS TEXT)", LOCK);
        let mut from = last(&parts(&mut tx, table).await?).unwrap_or(wanted - width);
        while from < wanted {
            let until = from + width;
            let name = format!("{table}_until_{until}");
            for sql in [
                format!("CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING INDEXES)"),
                format!(
                    "ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({}) TO ({})",
                    from * DAY,
                    until * DAY
                ),
            ] {
                execute!(tx, AssertSqlSafe(sql));
            }
            from = until;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// The day that ends the last partition.
fn last(parts: &[Part]) -> Option<i64> {
    parts.iter().rev().find(|part| part.is_attached).map(|part| part.until)
}

/// Drops the partitions that hold nothing received at `before` or later, and keeps the daily sums of their
/// pings.
///
/// # Errors
/// The database refused; what was begun is ended the next time.
pub async fn drop_before(store: &Store, before: Timestamp) -> Result<()> {
    if !store.db().has_partitions() {
        return Ok(());
    }
    for table in TABLES {
        let mut conn = store.read().await?;
        for part in parts(&mut conn, table).await? {
            if part.until * DAY > before.0 && part.is_attached && !part.is_leaving {
                continue;
            }
            if part.is_attached {
                // In no transaction: it waits for who reads the partition, and keeps nobody waiting.
                let how = if part.is_leaving { "FINALIZE" } else { "CONCURRENTLY" };
                let sql = format!("ALTER TABLE {table} DETACH PARTITION {} {how}", part.name);
                execute!(conn, AssertSqlSafe(sql));
            }
            forget(store, table, &part.name).await?;
        }
    }
    Ok(())
}

/// Drops what was a partition, in the transaction that keeps its sums: no ping is counted twice, whoever
/// dies, and whoever does the same.
async fn forget(store: &Store, table: &str, name: &str) -> Result<()> {
    let mut tx = store.begin().await?;
    fetch_value!(tx, Option<String>, "SELECT CAST(pg_advisory_xact_lock($1) AS TEXT)", LOCK);
    let parts = parts(&mut tx, table).await?;
    if !parts.iter().any(|part| part.name == name && !part.is_attached) {
        return Ok(());
    }
    if table == "pings" {
        sum_up_table(&mut tx, name).await?;
    }
    execute!(tx, AssertSqlSafe(format!("DROP TABLE {name}")));
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_partitions_hold_what_is_kept() {
        for (kept, days) in [(1, 1), (7, 1), (30, 5), (90, 15), (365, 60), (36_500, 60)] {
            assert_eq!(width(kept), days, "{kept}");
        }
    }
}
