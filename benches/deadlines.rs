//! What a million checks cost while nothing happens, and how long it takes until a hundred thousand
//! that are due at the same moment are all down, with the notification of each in the outbox, while
//! pings go on: `cargo bench --bench deadlines`. `README.md` beside this file says how to read it.

#![allow(clippy::cast_precision_loss, reason = "nothing here is measured to 52 bits")]

#[path = "support/mod.rs"]
#[allow(dead_code, reason = "shared by all benches")]
mod bench;
#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the rig of the tests, which use all of it")]
mod support;

use std::process::ExitCode;
use std::time::Duration;

use overdue::clock::Clock;
use serde_json::json;

use bench::bed::{Bed, Pings};
use bench::floor::Floor;
use bench::load::{Load, Promised, Style};
use bench::{due, figures, scale};
use support::Database;
use support::server::webhook;

/// Those that are due in a round are one in so many.
const PARTS: usize = 10;
/// Pings a second meanwhile, each on a connection of its own: a moderate load.
const PACE: u32 = 2_000;
/// Connections that they may take at a time.
const CONNECTIONS: usize = 64;

fn main() -> ExitCode {
    bench::run(async {
        for database in bench::databases() {
            measure(database).await;
        }
    })
}

async fn measure(database: Database) {
    let checks = scale(1_000_000, 10_000);
    // Webhooks go to the floor, which takes them and does nothing.
    let receiver = Floor::start();
    let mut bed = Bed::empty(database, &[]).await;
    let hook = webhook(&format!("http://{}/", receiver.address()));
    bed.api.post(&bed.api.path("/channel"), &hook).await.ok();
    bed.add_checks(checks, json!({"period": due::PERIOD, "grace": due::GRACE})).await;
    bed.stop().await;
    due::put_all_up(&bed).await;
    bed.server.restart().await;
    let [quiet, all] = idle_shares(&bed).await;
    let idle_memory = bed.process().memory().now;
    let load = Load { pace: Some(PACE), ..others(&bed).await };
    let (mut bursts, mut promised) = (Vec::new(), Promised::default());
    for round in 0..=bench::rounds() {
        let which = format!("check_id % {PARTS} = {}", round + 1);
        let burst = due::burst(&mut bed, &which, scale(15, 4), &load).await;
        burst.pings.check("pings while checks are due", false);
        promised += burst.pings.promised;
        // The first round only warms up.
        if round > 0 {
            bursts.push(burst);
        }
    }
    bed.check_stored("pings while checks are due", promised).await;
    let p99: Vec<f64> = bursts.iter().map(|it| it.pings.latency.quantile(0.99)).collect();
    let longest: Vec<f64> = bursts.iter().map(|it| it.pings.latency.most()).collect();
    let unsent: Vec<f64> = bursts.iter().map(|it| it.pings.unsent as f64).collect();
    let seconds: Vec<f64> = bursts.iter().map(|it| it.seconds).collect();
    let rates: Vec<f64> = bursts.iter().map(|it| it.pings.rate()).collect();
    let due = checks / PARTS;
    figures::head(&format!("{database:?}, {checks} checks: median (least to most)"), &["", ""]);
    figures::row(&["idle for 20 s: processor time, % of a core", &format!("{:.2}", quiet * 100.0)]);
    figures::row(&["idle for 5 minutes: the same", &format!("{:.2}", all * 100.0)]);
    figures::row(&["idle: memory, MiB", &format!("{idle_memory:.0}")]);
    figures::row(&[
        &format!("{due} due at once: seconds until all are down and queued"),
        &figures::cell(&seconds, 2),
    ]);
    figures::row(&["pings meanwhile, a second", &figures::cell(&rates, 0)]);
    figures::row(&["their p99, ms", &figures::cell(&p99, 1)]);
    figures::row(&["the longest, ms", &figures::cell(&longest, 1)]);
    figures::row(&["were due and could not be sent", &figures::cell(&unsent, 0)]);
    figures::row(&["memory at most, MiB", &format!("{:.0}", bed.process().memory().most)]);
}

/// Pings to checks that are never due here.
async fn others(bed: &Bed) -> Load {
    let among = format!("check_id % {PARTS} = 0");
    let pings = Pings { checks: 10_000, among: &among, ..Pings::PLAIN };
    bed.load(Style::Close, CONNECTIONS, pings).await
}

/// The shares of a core that the server takes while nothing happens: in a quiet while, and in one
/// that is long enough for everything that comes back, such as retention's look at every check.
async fn idle_shares(bed: &Bed) -> [f64; 2] {
    // What a start brings with it is over by then.
    tokio::time::sleep(scale(Duration::from_secs(30), Duration::from_secs(2))).await;
    let (clock, process) = (Clock::system(), bed.process());
    let before = process.cpu_seconds();
    let share_after = async |seconds| {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        (process.cpu_seconds() - before) / (clock.steady_micros() as f64 / 1e6)
    };
    [share_after(scale(20, 2)).await, share_after(scale(300, 2)).await]
}
