//! What changes when there is much: pings, pages, starts, memory and deadlines of a server with
//! millions of stored pings of a hundred thousand checks, and of one with a thousand checks and next
//! to nothing stored: `cargo bench --bench growth`. `README.md` beside this file says how to read it.

#![allow(clippy::cast_precision_loss, reason = "nothing here is measured to 52 bits")]

#[path = "support/mod.rs"]
#[allow(dead_code, reason = "shared by all benches")]
mod bench;
#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the rig of the tests, which use all of it")]
mod support;

use std::process::ExitCode;
use std::time::Duration;

use overdue::clock::SECOND;
use serde_json::json;

use bench::bed::{Bed, Pings};
use bench::due;
use bench::load::{Load, Style};
use bench::turns::{Contender, Measured, in_turn};
use bench::{figures, pages, scale, start};
use support::Database;
use support::server::webhook;

/// Checks of the small server.
const FEW: usize = 1_000;
/// Checks that are due together.
const DUE: usize = 500;
/// Connections that pings come over.
const CONNECTIONS: usize = 64;
/// Requests for a page that one measurement takes.
const REQUESTS: usize = 50;
/// Pings a second while checks are due.
const PACE: u32 = 2_000;

/// Checks of the large server.
fn many() -> usize {
    scale(100_000, 5_000)
}

/// Stored pings of each of them, a minute apart. PostgreSQL takes longer to fill, and gets fewer.
fn pings_of_each(database: Database) -> usize {
    scale(if database == Database::Sqlite { 100 } else { 30 }, 10)
}

fn main() -> ExitCode {
    bench::run(async {
        for database in bench::databases() {
            measure(database).await;
        }
    })
}

async fn measure(database: Database) {
    let mut beds = [server(database, FEW, 0).await, {
        server(database, many(), pings_of_each(database)).await
    }];
    let [few, much] = [stored_pings(&beds[0]).await, stored_pings(&beds[1]).await];
    let title = format!(
        "{database:?}, small: {few} stored pings of {FEW} checks, large: {much} of {}: median \
         (least to most)",
        many(),
    );
    figures::head(&title, &["", "small", "large", "large : small"]);
    pings(&beds).await;
    for (name, path) in [
        ("a page of 100 checks, ms", "/check-list?limit=100"),
        ("a check, ms", "/check/1"),
        ("a page of its pings, ms", "/check/1/ping-list?limit=100"),
    ] {
        let mut rounds = Rounds::default();
        for round in 0..=bench::rounds() {
            for (which, bed) in beds.iter().enumerate() {
                rounds.add(round, which, pages::milliseconds(&bed.api, path, REQUESTS).await);
            }
        }
        rounds.print(name, 2);
    }
    restarts(&mut beds).await;
    deadlines(&mut beds).await;
}

/// A server with so many checks that are up, and so many stored pings of each, which are written
/// as rows, like the checks.
async fn server(database: Database, checks: usize, pings: usize) -> Bed {
    let mut bed = Bed::empty(database, &[]).await;
    let hook = webhook("http://127.0.0.1:9/");
    bed.api.post(&bed.api.path("/channel"), &hook).await.ok();
    bed.add_checks(checks, json!({"period": due::PERIOD, "grace": due::GRACE})).await;
    bed.stop().await;
    due::put_all_up(&bed).await;
    bed.server.restart().await;
    if pings > 0 {
        store_pings(&mut bed, pings).await;
    }
    // What a page of pings shows is alike on both: a hundred of one check.
    let check = json!({"uuid": bed.api.get(&bed.api.path("/check/1")).await.ok()["uuid"]});
    for _ in 0..100 {
        bed.api.ping(&check, "").await.says(200, "OK");
    }
    bed
}

/// Copies one ping, which the server has taken, to all other checks so many times.
async fn store_pings(bed: &mut Bed, pings: usize) {
    let check = json!({"uuid": bed.api.get(&bed.api.path("/check/1")).await.ok()["uuid"]});
    bed.api.ping(&check, "").await.says(200, "OK");
    bed.stop().await;
    let mut sql = bed.sql().await;
    sql.hurry().await;
    let of_each = sql.series(pings);
    let source = format!(
        "pings t, checks c, {of_each} WHERE t.check_id = 1 AND c.check_id > 1 ORDER BY c.check_id, s.i"
    );
    let at = format!("t.at - ({pings} - s.i) * 60 * {SECOND}");
    let changed = [("check_id", Some("c.check_id")), ("n", Some("s.i")), ("at", Some(&*at))];
    sql.copy("pings", &source, &changed).await;
    sql.run(&format!("UPDATE check_states SET n_pings = {pings} WHERE check_id > 1")).await;
    sql.tidy().await;
    bed.server.restart().await;
}

/// The rows of stored pings, as the first round finds them.
async fn stored_pings(bed: &Bed) -> i64 {
    bed.sql().await.number("SELECT COUNT(*) FROM pings").await
}

async fn pings(beds: &[Bed; 2]) {
    for (name, style, body, by_slug) in [
        ("close", Style::Close, 0, false),
        ("keep-alive", Style::KeepAlive, 0, false),
        ("slug URLs, close", Style::Close, 0, true),
        // Last: they make the tables larger.
        ("bodies of 10,000 bytes, close", Style::Close, 10_000, false),
    ] {
        let mut contenders = Vec::new();
        for (bed, checks) in beds.iter().zip([FEW, many()]) {
            let pings = Pings { checks, body, by_slug, ..Pings::PLAIN };
            let load = bed.load(style, CONNECTIONS, pings).await;
            contenders.push(Contender { name: name.to_owned(), load, process: bed.process() });
        }
        let measured = in_turn(&contenders).await;
        let [small, large] = &measured[..] else { unreachable!("two went in") };
        figures::row(&[
            &format!("pings a second, {name}, {CONNECTIONS} connections"),
            &figures::cell(&small.rates, 0),
            &figures::cell(&large.rates, 0),
            &large.ratio_to(small),
        ]);
        let of = |it: &Measured| [it.p99.clone(), it.most.clone(), it.cpu.clone()];
        let names = ["their p99, ms", "the longest, ms", "processor time for one, µs"];
        for (name, (small, large)) in names.iter().zip(of(small).into_iter().zip(of(large))) {
            Rounds([small, large]).print(name, 1);
        }
    }
}

async fn restarts(beds: &mut [Bed; 2]) {
    let (mut starts, mut idle, mut busy) = <(Rounds, Rounds, Rounds)>::default();
    for round in 0..=bench::rounds() {
        for (which, (bed, checks)) in beds.iter_mut().zip([FEW, many()]).enumerate() {
            starts.add(round, which, start::milliseconds_to_first_ping(bed).await);
            tokio::time::sleep(scale(Duration::from_secs(3), Duration::from_secs(1))).await;
            idle.add(round, which, bed.process().memory().now);
            let load = bed.load(Style::Close, CONNECTIONS, Pings { checks, ..Pings::PLAIN }).await;
            load.drive(bench::span()).await.check("pings after a start", false);
            busy.add(round, which, bed.process().memory().most);
        }
    }
    starts.print("start to the first ping served, ms", 0);
    idle.print("memory 3 s after it, MiB", 1);
    busy.print("memory at most under full load, MiB", 1);
}

async fn deadlines(beds: &mut [Bed; 2]) {
    let (mut until_queued, mut p99, mut unsent) = <(Rounds, Rounds, Rounds)>::default();
    for round in 0..=bench::rounds() {
        for (which, (bed, checks)) in beds.iter_mut().zip([FEW, many()]).enumerate() {
            // As many on both, and on both spread over all. Those that are down already come up
            // again with the next round.
            let every = checks / DUE;
            let is_due = format!("check_id % {every} = {}", round % every);
            let among = format!("check_id % {every} <> {}", round % every);
            let pings = Pings { checks: DUE, among: &among, ..Pings::PLAIN };
            let load = bed.load(Style::Close, CONNECTIONS, pings).await;
            let load = Load { pace: Some(PACE), ..load };
            let burst = due::burst(bed, &is_due, scale(6, 4), &load).await;
            burst.pings.check("pings while checks are due", false);
            until_queued.add(round, which, burst.seconds * 1e3);
            p99.add(round, which, burst.pings.latency.quantile(0.99));
            unsent.add(round, which, burst.pings.unsent as f64);
        }
    }
    until_queued.print(&format!("{DUE} due at once: until all are down and queued, ms"), 0);
    p99.print(&format!("pings meanwhile, {PACE} a second: p99, ms"), 1);
    let [small, large] = unsent.0.map(|numbers| figures::cell(&numbers, 0));
    figures::row(&["of them were due and could not be sent", &small, &large, "-"]);
}

/// The numbers of both servers.
#[derive(Default)]
struct Rounds([Vec<f64>; 2]);

impl Rounds {
    fn add(&mut self, round: usize, which: usize, number: f64) {
        // The first round only warms up.
        if round > 0 {
            self.0[which].push(number);
        }
    }

    fn print(&self, name: &str, decimals: usize) {
        let [small, large] = &self.0;
        let ratio = figures::cell(&figures::ratios(large, small), 2);
        figures::row(&[
            name,
            &figures::cell(small, decimals),
            &figures::cell(large, decimals),
            &ratio,
        ]);
    }
}
