//! Pings at full rate alone, and while everything else goes on: lists are read, checks are edited,
//! deadlines pass, retention takes old pings away, and on SQLite one backup follows another:
//! `cargo bench --bench mixed`. `README.md` beside this file says how to read it.

#![allow(clippy::cast_precision_loss, reason = "nothing here is measured to 52 bits")]

#[path = "support/mod.rs"]
#[allow(dead_code, reason = "shared by all benches")]
mod bench;
#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the rig of the tests, which use all of it")]
mod support;

use std::fs;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use overdue::clock::Clock;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::time::{MissedTickBehavior, interval};

use bench::bed::{Bed, Pings};
use bench::figures;
use bench::floor::Floor;
use bench::histogram::Histogram;
use bench::load::{Load, Promised, Style, Tally};
use bench::scale;
use support::Database;
use support::server::webhook;

/// Others that are pinged so seldom that most of their deadlines pass.
const LATE: usize = 1_000;
/// The period of those, and their grace time, in seconds.
const SHORT: i64 = 1;
/// Pings a second to those.
const SELDOM: u32 = 200;
/// Connections that pings come over.
const CONNECTIONS: usize = 64;
/// Pages of the list that are asked for in a second, and checks that are edited.
const LISTS: u32 = 10;
/// See [`LISTS`].
const EDITS: u32 = 20;
/// How many pings are kept of each check. It is the most while retention shall have nothing to do.
const LIMIT: &str = "OVERDUE_PING__LOG_LIMIT";

/// Checks that are pinged at full rate.
fn checks() -> usize {
    scale(5_000, 100)
}

fn main() -> ExitCode {
    bench::run(async {
        for database in bench::databases() {
            measure(database).await;
        }
    })
}

/// What went on beside the pings, and what came of them.
#[derive(Default)]
struct Beside {
    /// The pings to the checks whose deadlines pass.
    late: Tally,
    lists: Histogram,
    edits: Histogram,
    backups: Histogram,
    /// The greatest size of SQLite's log, in bytes.
    log: u64,
    flips: i64,
    pruned: i64,
}

async fn measure(database: Database) {
    let receiver = Floor::start();
    let mut bed = Bed::empty(database, &[(LIMIT, "1000000")]).await;
    let hook = webhook(&format!("http://{}/", receiver.address()));
    bed.api.post(&bed.api.path("/channel"), &hook).await.ok();
    bed.add_checks(checks(), json!({})).await;
    bed.add_checks(LATE, json!({"period": SHORT, "grace": SHORT})).await;
    let (mut alone, mut together, mut beside) = (Vec::new(), Vec::new(), Vec::new());
    let mut promised = Promised::default();
    for round in 0..=bench::rounds() {
        let pings = full(&bed).await.drive(span()).await;
        pings.check("pings alone", false);
        let (pings_too, rest) = with_the_rest(&mut bed).await;
        pings_too.check("pings with all the rest", false);
        rest.late.check("pings that come late", false);
        for tally in [&pings, &pings_too, &rest.late] {
            promised += tally.promised;
        }
        // The first round only warms up, and makes pings for retention to take away.
        if round > 0 {
            alone.push(pings);
            together.push(pings_too);
            beside.push(rest);
        }
    }
    bed.check_stored("all pings", promised).await;
    print_pings(database, &alone, &together);
    print_beside(database, &beside);
}

/// Long enough for several checkpoints and backups.
fn span() -> Duration {
    scale(Duration::from_secs(10), Duration::from_secs(3))
}

async fn full(bed: &Bed) -> Load {
    let among = format!("check_id <= {}", checks());
    let pings = Pings { checks: checks(), among: &among, ..Pings::PLAIN };
    bed.load(Style::Close, CONNECTIONS, pings).await
}

async fn seldom(bed: &Bed) -> Load {
    let among = format!("check_id > {}", checks());
    let pings = Pings { checks: LATE, among: &among, ..Pings::PLAIN };
    Load { pace: Some(SELDOM), ..bed.load(Style::Close, 8, pings).await }
}

async fn with_the_rest(bed: &mut Bed) -> (Tally, Beside) {
    bed.stop().await;
    let pruned_before = pruned(bed).await;
    let mut sql = bed.sql().await;
    let flips_before = sql.number("SELECT COUNT(*) FROM flips").await;
    // Retention begins with the start.
    bed.server.restart_with(&[(LIMIT, scale("20", "2"))]).await;
    let (full, seldom) = (full(bed).await, seldom(bed).await);
    let is_over = AtomicBool::new(false);
    let (pings, mut beside) = thread::scope(|scope| {
        let backups = scope.spawn(|| backups(bed, &is_over));
        let work = async {
            let (pings, late) = (full.start(), seldom.start());
            let (lists, edits, log, ()) = tokio::join!(
                lists(bed, &is_over),
                edits(bed, &is_over),
                log(bed, &is_over),
                async {
                    tokio::time::sleep(span()).await;
                    is_over.store(true, Ordering::Relaxed);
                }
            );
            let late = late.stop().await;
            (pings.stop().await, Beside { late, lists, edits, log, ..Beside::default() })
        };
        let (pings, mut beside) = tokio::task::block_in_place(|| Handle::current().block_on(work));
        beside.backups = backups.join().expect("backups do not panic");
        (pings, beside)
    });
    bed.stop().await;
    beside.pruned = pruned(bed).await - pruned_before;
    beside.flips = sql.number("SELECT COUNT(*) FROM flips").await - flips_before;
    bed.server.restart().await;
    (pings, beside)
}

/// Pings that were taken away so far: every one has a number, and not every number a row.
async fn pruned(bed: &Bed) -> i64 {
    let stored = i64::try_from(bed.stored().await).expect("it was one in the database");
    stored - bed.sql().await.number("SELECT COUNT(*) FROM pings").await
}

/// Does something so many times a second, one at a time, until it is over: how long each took.
async fn repeat(times: u32, is_over: &AtomicBool, mut work: impl AsyncFnMut(usize)) -> Histogram {
    let (mut took, clock) = (Histogram::default(), Clock::system());
    let mut ticks = interval(Duration::from_secs(1) / times);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for n in 0.. {
        ticks.tick().await;
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let began = clock.steady_micros();
        work(n).await;
        took.add(u64::try_from(clock.steady_micros() - began).unwrap_or(0));
    }
    took
}

async fn lists(bed: &Bed, is_over: &AtomicBool) -> Histogram {
    repeat(LISTS, is_over, async |n| {
        let path = format!("/check-list?limit=100&offset={}", n * 100 % checks());
        let page: Value = bed.api.get(&bed.api.path(&path)).await.ok();
        if page["count"] != 100 {
            bench::wrong(&format!("a page has {} checks", page["count"]));
        }
    })
    .await
}

async fn edits(bed: &Bed, is_over: &AtomicBool) -> Histogram {
    repeat(EDITS, is_over, async |n| {
        let check = json!({"check_id": n % checks() + 1});
        let text = format!("edited {n} times");
        let changed = bed.api.update(&check, json!({"description": text})).await;
        if changed["description"] != text {
            bench::wrong(&format!("an edit came to {changed}"));
        }
    })
    .await
}

/// The greatest size of SQLite's log, looked at all the time.
async fn log(bed: &Bed, is_over: &AtomicBool) -> u64 {
    let (path, mut most) = (bed.server.home().file("overdue.db-wal"), 0);
    while !is_over.load(Ordering::Relaxed) {
        // There is none on PostgreSQL.
        most = most.max(fs::metadata(&path).map_or(0, |file| file.len()));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    most
}

/// Backs the database up again and again. PostgreSQL has tools of its own for that.
fn backups(bed: &Bed, is_over: &AtomicBool) -> Histogram {
    let (mut took, clock) = (Histogram::default(), Clock::system());
    if bed.server.database().postgres_name().is_some() {
        return took;
    }
    let file = bed.server.home().file("copy.db");
    while !is_over.load(Ordering::Relaxed) {
        let began = clock.steady_micros();
        let output = bed.server.cli(&["backup", file.to_str().expect("a plain path")], "");
        if !output.status.success() {
            bench::wrong(&format!("overdue backup: {}", String::from_utf8_lossy(&output.stderr)));
            return took;
        }
        took.add(u64::try_from(clock.steady_micros() - began).unwrap_or(0));
        fs::remove_file(&file).unwrap();
    }
    took
}

fn print_pings(database: Database, alone: &[Tally], together: &[Tally]) {
    let columns = ["pings", "a second", "p50 ms", "p99 ms", "longest ms"];
    figures::head(&format!("{database:?}: median (least to most)"), &columns);
    for (name, tallies) in [("alone", alone), ("with all the rest", together)] {
        let of = |share| tallies.iter().map(|it| it.latency.quantile(share)).collect::<Vec<f64>>();
        let longest: Vec<f64> = tallies.iter().map(|it| it.latency.most()).collect();
        figures::row(&[
            name.to_owned(),
            figures::cell(&tallies.iter().map(Tally::rate).collect::<Vec<f64>>(), 0),
            figures::cell(&of(0.5), 1),
            figures::cell(&of(0.99), 1),
            figures::cell(&longest, 0),
        ]);
    }
}

fn print_beside(database: Database, beside: &[Beside]) {
    let seconds = span().as_secs_f64();
    let row = |name: &str, decimals, of: &dyn Fn(&Beside) -> f64| {
        let numbers: Vec<f64> = beside.iter().map(of).collect();
        figures::row(&[name, &figures::cell(&numbers, decimals)]);
    };
    figures::head(&format!("{database:?}, the rest: median (least to most)"), &["", ""]);
    row("pages of a list, p99 ms", 1, &|it| it.lists.quantile(0.99));
    row("the longest, ms", 1, &|it| it.lists.most());
    row("edits, p99 ms", 1, &|it| it.edits.quantile(0.99));
    row("the longest, ms", 1, &|it| it.edits.most());
    row("edits made", 0, &|it| it.edits.count() as f64);
    row("pings that come late: p99 ms", 1, &|it| it.late.latency.quantile(0.99));
    row("of them were due and could not be sent", 0, &|it| it.late.unsent as f64);
    row("changes of state a second", 0, &|it| it.flips as f64 / seconds);
    row("pings taken away a second", 0, &|it| it.pruned as f64 / seconds);
    if database == Database::Sqlite {
        row("backups made", 0, &|it| it.backups.count() as f64);
        row("the longest, ms", 0, &|it| it.backups.most());
        row("SQLite's log at most, MiB", 1, &|it| it.log as f64 / f64::from(1 << 20));
    }
    // In one round of a slow machine retention may not come around.
    let never = |idle: fn(&Beside) -> bool| beside.iter().all(idle);
    if never(|it| it.flips == 0) || never(|it| it.pruned == 0) {
        bench::wrong("no check changed its state, or no ping was taken away");
    }
}
