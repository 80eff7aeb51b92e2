//! What the server takes beside time: memory, disk, the start, the size of the binary:
//! `cargo bench --bench costs`. `README.md` beside this file says how to read it.

#![allow(clippy::cast_precision_loss, reason = "nothing here is measured to 52 bits")]

#[path = "support/mod.rs"]
#[allow(dead_code, reason = "shared by all benches")]
mod bench;
#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the rig of the tests, which use all of it")]
mod support;

use std::fs;
use std::process::ExitCode;
use std::time::Duration;

use bench::bed::{Bed, Pings};
use bench::load::Style;
use bench::{figures, scale, start};
use support::Database;

/// Checks of every server here.
const CHECKS: usize = 1_000;
/// Connections that pings come over.
const CONNECTIONS: usize = 64;

fn main() -> ExitCode {
    bench::run(async {
        let binary = fs::metadata(env!("CARGO_BIN_EXE_overdue")).unwrap().len();
        figures::head("The program", &["", ""]);
        figures::row(&["size of the binary, MiB", &format!("{:.1}", mebibytes(binary))]);
        for database in bench::databases() {
            figures::head(
                &format!("{database:?}, {CHECKS} checks: median (least to most)"),
                &["", ""],
            );
            start_and_memory(database).await;
            disk(database).await;
        }
    })
}

/// Every round starts the server anew: the second start, which finds its database made.
async fn start_and_memory(database: Database) {
    let (mut starts, mut idle, mut busy) = (Vec::new(), Vec::new(), Vec::new());
    let mut bed = Bed::start(database, CHECKS, &[]).await;
    let load = bed.load(Style::Close, CONNECTIONS, Pings::PLAIN).await;
    for round in 0..=bench::rounds() {
        let start = start::milliseconds_to_first_ping(&mut bed).await;
        tokio::time::sleep(scale(Duration::from_secs(5), Duration::from_secs(1))).await;
        let at_rest = bed.process().memory().now;
        let tally = load.drive(bench::span()).await;
        tally.check("pings", false);
        // The first round only warms up.
        if round > 0 {
            starts.push(start);
            idle.push(at_rest);
            busy.push(bed.process().memory().most);
        }
    }
    figures::row(&["start to the first ping served, ms", &figures::cell(&starts, 0)]);
    figures::row(&["memory 5 s after the start, MiB", &figures::cell(&idle, 1)]);
    figures::row(&["memory at most under full load, MiB", &figures::cell(&busy, 1)]);
}

/// What pings without a body leave behind, once SQLite's log is in its file, or PostgreSQL has
/// cleared away what it keeps of old rows.
async fn disk(database: Database) {
    let mut bed = Bed::start(database, CHECKS, &[]).await;
    let load = bed.load(Style::KeepAlive, CONNECTIONS, Pings::PLAIN).await;
    let before = bytes(&mut bed).await;
    // Not so long that any check has more pings than are kept.
    let tally = load.drive(bench::span()).await;
    tally.check("pings", false);
    bed.check_stored("pings", tally.promised).await;
    let after = bytes(&mut bed).await;
    let pings = bed.stored().await as f64;
    let kept = bed.sql().await.number("SELECT COUNT(*) FROM pings").await as f64;
    if kept < pings {
        bench::wrong(&format!("of {pings} pings {kept} are kept: the others were not weighed"));
    }
    for (what, (after, before)) in ["all", "tables of pings"].iter().zip(after.iter().zip(before)) {
        let each = (after - before) as f64 / pings;
        figures::row(&[&format!("disk for a ping, {what}, bytes"), &format!("{each:.1}")]);
    }
}

/// The bytes of the whole database, and on PostgreSQL those of the tables of pings.
async fn bytes(bed: &mut Bed) -> Vec<i64> {
    bed.stop().await;
    let mut sql = bed.sql().await;
    sql.tidy().await;
    let sizes = if bed.server.database().postgres_name().is_some() {
        let of = |tables: &str| {
            format!(
                "SELECT CAST(SUM(pg_total_relation_size(oid)) AS BIGINT) FROM pg_class \
                 WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND {tables}"
            )
        };
        vec![sql.number(&of("TRUE")).await, sql.number(&of("relname LIKE 'ping%'")).await]
    } else {
        let file = fs::metadata(bed.server.home().file("overdue.db")).unwrap();
        vec![i64::try_from(file.len()).expect("no file is longer")]
    };
    bed.server.restart().await;
    sizes
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
