//! The partitions of pings on PostgreSQL: made ahead, dropped whole when they are too old, with their sums
//! kept, whatever the clock does and whoever was interrupted. On SQLite the same goes in steps.

use bytes::Bytes;
use overdue::domain::ping::PingKind;
use overdue::ingest::Outcome;
use overdue::janitor;
use overdue::service::stats;
use overdue::store::pings;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::watch;

use super::{Parts, START, at, ping};
use crate::support::{Database, both_databases};

const DAY: i64 = 86_400;

/// Pings a check now, with a body.
async fn with_body(parts: &Parts, check: i64) {
    let made = |at| {
        let mut ping = ping(PingKind::Success, None, at);
        ping.body = Bytes::from_static(b"what the job said");
        ping
    };
    assert_eq!(parts.ingest.submit(&parts.ctx, check, made).await, Outcome::Stored);
}

async fn round(parts: &Parts) {
    let (_stop, stopped) = watch::channel(false);
    janitor::round(&parts.ctx, &stopped).await.unwrap();
}

/// The serial numbers that are kept, and how many successes the stats count since the start.
async fn kept(parts: &Parts, check: i64) -> (Vec<i64>, i64) {
    let mut conn = parts.ctx.store.read().await.unwrap();
    let (rows, _) = pings::list(&mut conn, check, 0, 1_000).await.unwrap();
    drop(conn);
    let row = parts.read(check).await;
    let span = stats::span(Some(START.plus_seconds(-DAY)), None, parts.ctx.now()).unwrap();
    let (told, _) =
        stats::of_checks(&parts.ctx, row.project_id, &[check], span, 0, 1).await.unwrap();
    (rows.iter().rev().map(|row| row.n).collect(), told[0].pings.success)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_gives_the_room_back_that_nothing_needs() {
    let parts = Parts::with(Database::Sqlite, |config| config.ping.log_limit = 10).await;
    let project = parts.project().await;
    let check = parts.check(project, 30 * DAY, 60).await;
    for _ in 0..3_000 {
        let made = |at| {
            let mut ping = ping(PingKind::Success, None, at);
            ping.body = Bytes::from(vec![b'x'; 10_000]);
            ping
        };
        assert_eq!(parts.ingest.submit(&parts.ctx, check, made).await, Outcome::Stored);
    }
    let file = parts.ctx.store.file().unwrap().to_owned();
    let pages = async || {
        let mut conn = parts.ctx.store.read().await.unwrap();
        overdue::store::retention::free_pages(&mut conn).await.unwrap()
    };
    let (_, most) = pages().await;
    assert!(most > 7_000, "{most} pages");
    round(&parts).await;
    let (free, all) = pages().await;
    assert!(free <= 1_000 && all < most / 4, "{free} of {all} pages are free; there were {most}");
    assert_eq!(kept(&parts, check).await.1, 3_000);
    parts.ctx.store.close().await;
    let size = std::fs::metadata(file).unwrap().len();
    assert!(size < 8_000_000, "{size} bytes");
}

async fn tables(url: &str) -> Vec<String> {
    let mut link = PgConnection::connect(url).await.unwrap();
    let sql = "SELECT CAST(relname AS TEXT) FROM pg_class WHERE relname LIKE 'pings\\_until%' \
               AND relkind = 'r' ORDER BY relname";
    sqlx::query_scalar(sql).fetch_all(&mut link).await.unwrap()
}

async fn run(url: &str, sql: String) {
    let mut link = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut link).await.unwrap();
}

both_databases! {
    async fn old_pings_go_and_their_sums_stay(database) {
        let parts = Parts::with(database, |config| config.retention.pings_days = 6).await;
        let project = parts.project().await;
        let check = parts.check(project, 30 * DAY, 60).await;
        for day in 1..=20 {
            with_body(&parts, check).await;
            parts.pass(DAY);
            round(&parts).await;
            let (numbers, counted) = kept(&parts, check).await;
            assert_eq!(counted, day, "each counts once, kept or not");
            // A partition of a day is dropped when all of it is too old.
            let least = usize::try_from(day.min(6)).unwrap();
            assert!((least..=least + 2).contains(&numbers.len()), "day {day}: {numbers:?}");
            assert_eq!(numbers.last(), Some(&day));
        }
        let mut conn = parts.ctx.store.read().await.unwrap();
        assert!(pings::body(&mut conn, check, 20).await.unwrap().is_some());
        assert!(pings::body(&mut conn, check, 1).await.unwrap().is_none(), "bodies go too");
        assert_eq!(parts.read(check).await.last_ping_at, Some(at(19 * DAY)));
    }

    async fn a_clock_that_leaps_ahead_finds_room(database) {
        let parts = Parts::with(database, |config| config.retention.pings_days = 6).await;
        let project = parts.project().await;
        let check = parts.check(project, 30 * DAY, 60).await;
        with_body(&parts, check).await;
        parts.pass(200 * DAY);
        with_body(&parts, check).await;
        parts.pass(2);
        with_body(&parts, check).await;
        assert_eq!(parts.read(check).await.n_pings, 3);
        round(&parts).await;
        assert_eq!(kept(&parts, check).await, (vec![2, 3], 3));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_interrupted_is_ended_by_the_next_round_and_counts_once() {
    if !Database::Postgres.is_here() {
        return;
    }
    let parts = Parts::with(Database::Postgres, |config| config.retention.pings_days = 6).await;
    let url = parts.ctx.config.database.url.expose().to_owned();
    let project = parts.project().await;
    let check = parts.check(project, 30 * DAY, 60).await;
    for _ in 0..12 {
        with_body(&parts, check).await;
        parts.pass(DAY);
    }
    let first = tables(&url).await.into_iter().find(|name| !name.is_empty()).unwrap();
    assert_eq!(kept(&parts, check).await.1, 12);
    // Somebody died between the two steps.
    run(&url, format!("ALTER TABLE pings DETACH PARTITION {first}")).await;
    round(&parts).await;
    assert_eq!(kept(&parts, check).await.1, 12);
    assert!(!tables(&url).await.contains(&first));
    // Another waits for a reader of the partition, and dies waiting.
    let oldest = tables(&url).await.remove(0);
    let mut reader = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("BEGIN; SELECT COUNT(*) FROM {oldest}")))
        .execute(&mut reader)
        .await
        .unwrap();
    let mut detaching = PgConnection::connect(&url).await.unwrap();
    let detach = format!("ALTER TABLE pings DETACH PARTITION {oldest} CONCURRENTLY");
    for sql in ["SET statement_timeout = 300".to_owned(), detach] {
        let _ = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut detaching).await;
    }
    drop(reader);
    with_body(&parts, check).await;
    parts.pass(20 * DAY);
    round(&parts).await;
    assert!(!tables(&url).await.contains(&oldest), "{:?}", tables(&url).await);
    assert_eq!(kept(&parts, check).await.1, 13);
}
