//! How many pings a second the server takes, as a share of what a server that does nothing takes:
//! `cargo bench --bench pings`. Each 200 follows a durable commit. `README.md` beside this file
//! says how to read the table.

#[path = "support/mod.rs"]
#[allow(dead_code, clippy::cast_precision_loss, reason = "shared; nothing is measured to 52 bits")]
mod bench;
#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the rig of the tests, which use all of it")]
mod support;

use std::process::ExitCode;
use std::time::Duration;

use bench::bed::{Bed, Pings};
use bench::floor::Floor;
use bench::load::Style::{self, Close, KeepAlive};
use bench::process::Process;
use bench::turns::{Contender, in_turn};
use bench::{figures, scale};
use support::{Database, disk};

/// What the other rows differ from.
const PLAIN: Row = Row {
    name: "",
    style: Close,
    connections: 64,
    checks: 1_000,
    body: 0,
    by_slug: false,
    slow_disk: false,
};

/// A row of the table.
#[derive(Clone, Copy)]
struct Row {
    name: &'static str,
    style: Style,
    connections: usize,
    checks: usize,
    body: usize,
    by_slug: bool,
    slow_disk: bool,
}

/// Measured by the floor.
const BY_FLOOR: [Row; 6] = [
    Row { name: "close, 8 connections", connections: 8, ..PLAIN },
    Row { name: "close, 64 connections", ..PLAIN },
    Row { name: "close, 256 connections", connections: 256, ..PLAIN },
    Row { name: "keep-alive, 8 connections", style: KeepAlive, connections: 8, ..PLAIN },
    Row { name: "keep-alive, 64 connections", style: KeepAlive, ..PLAIN },
    Row { name: "keep-alive, 256 connections", style: KeepAlive, connections: 256, ..PLAIN },
];

/// Measured by a server with a fresh database of 1,000 checks that gets pings without a body to
/// UUIDs, over as many connections.
const BY_PLAIN: [Row; 6] = [
    Row { name: "bodies of 10,000 bytes, close, 64", body: 10_000, ..PLAIN },
    Row { name: "slug URLs, close, 64", by_slug: true, ..PLAIN },
    Row { name: "100,000 checks, close, 64", checks: 100_000, ..PLAIN },
    Row { name: "100,000 checks, keep-alive, 64", style: KeepAlive, checks: 100_000, ..PLAIN },
    Row { name: "1 ms more for each fsync, close, 64", slow_disk: true, ..PLAIN },
    Row {
        name: "1 ms more for each fsync, keep-alive, 64",
        style: KeepAlive,
        slow_disk: true,
        ..PLAIN
    },
];

/// What every fsync of a slow disk takes longer. SQLite's alone: PostgreSQL's are its own.
const FSYNC: Duration = Duration::from_millis(1);

const COLUMNS: [&str; 9] = [
    "pings",
    "a second",
    "the reference's",
    "ratio",
    "p50 ms",
    "p99 ms",
    "longest ms",
    "CPU µs a ping",
    "memory at most, MiB",
];

fn main() -> ExitCode {
    bench::run(async {
        for database in bench::databases() {
            by_floor(database).await;
            by_plain(database).await;
        }
    })
}

async fn by_floor(database: Database) {
    let rows: Vec<Row> = BY_FLOOR.into_iter().filter(|row| row.is_wanted(database)).collect();
    head(&format!("{database:?}, by the floor: median (least to most)"), &rows);
    for row in rows {
        let floor = Floor::start();
        let bed = row.bed(database).await;
        let ours = row.contender(&bed).await;
        let mut load = ours.load.clone();
        load.address = floor.address();
        let reference = Contender { name: "the floor".into(), load, process: Process(floor.pid()) };
        row.measure(&bed, [reference, ours]).await;
    }
}

async fn by_plain(database: Database) {
    let title = "by 1,000 checks, their UUIDs and no bodies: median (least to most)";
    let rows: Vec<Row> = BY_PLAIN.into_iter().filter(|row| row.is_wanted(database)).collect();
    head(&format!("{database:?}, {title}"), &rows);
    for row in rows {
        let plain = Row { name: "the plain server", style: row.style, ..PLAIN };
        let plain_bed = plain.bed(database).await;
        let bed = row.bed(database).await;
        let contenders = [plain.contender(&plain_bed).await, row.contender(&bed).await];
        row.measure(&bed, contenders).await;
    }
}

fn head(title: &str, rows: &[Row]) {
    if !rows.is_empty() {
        figures::head(title, &COLUMNS);
    }
}

impl Row {
    /// Whether it is asked for and can be measured here.
    fn is_wanted(&self, database: Database) -> bool {
        let has_disk = || database == Database::Sqlite && disk::shim().is_some();
        bench::is_wanted(self.name) && (!self.slow_disk || has_disk())
    }

    async fn bed(&self, database: Database) -> Bed {
        let shim = if self.slow_disk { disk::shim() } else { None };
        let settings = shim.map(|shim| disk::slow(&shim, FSYNC)).unwrap_or_default();
        let checks = scale(self.checks, self.checks.min(2_000));
        Bed::start(database, checks, &disk::borrowed(&settings)).await
    }

    async fn contender(&self, bed: &Bed) -> Contender {
        let (checks, body, by_slug) = (self.checks, self.body, self.by_slug);
        let pings = Pings { checks, body, by_slug, ..Pings::PLAIN };
        let load = bed.load(self.style, self.connections, pings).await;
        Contender { name: self.name.to_owned(), load, process: bed.process() }
    }

    /// Measures the second by the first and prints the line.
    async fn measure(&self, bed: &Bed, contenders: [Contender; 2]) {
        let measured = in_turn(&contenders).await;
        let [reference, ours] = &measured[..] else { unreachable!("two went in") };
        bed.check_stored(self.name, ours.promised).await;
        figures::row(&[
            self.name.to_owned(),
            figures::cell(&ours.rates, 0),
            figures::cell(&reference.rates, 0),
            ours.ratio_to(reference),
            figures::cell(&ours.p50, 1),
            figures::cell(&ours.p99, 1),
            figures::cell(&ours.most, 0),
            figures::cell(&ours.cpu, 1),
            format!("{:.0}", bed.process().memory().most),
        ]);
    }
}
