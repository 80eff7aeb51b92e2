//! How long the server takes for the pages of checks, and how many bytes it sends for them, whether
//! that depends on how many checks there are: `cargo bench --bench web`. The real server, its own
//! command line and wire; SQLite, and PostgreSQL where `OVERDUE_TEST_POSTGRES` names one.
//! `README.md` beside this file says how to read the table.

#![allow(clippy::cast_precision_loss, reason = "nothing here is measured to 52 bits")]

#[path = "support/mod.rs"]
#[allow(dead_code, reason = "shared by all benches")]
mod bench;
#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the rig of the tests, which use all of it")]
mod support;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use overdue::clock::Clock;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use bench::bed::{Bed, Pings};
use bench::figures::{cell, head, row};
use bench::load::{Load, Style};
use bench::{rounds, scale, wrong};
use support::Database;
use support::visitor::Visitor;

/// The projects, by how many checks they have.
const SIZES: [usize; 3] = [100, 1_000, 10_000];
/// Times that one measurement takes a page, one after another over one connection.
const PAGES: usize = 20;
/// Runs that one check has, which its own page draws.
const RUNS: usize = 300;
/// No page may be larger, in bytes.
const LARGEST: usize = 300_000;
/// Pages that are open, fifty of each user.
const OPEN: usize = 500;
const OF_ONE: usize = 50;
/// Changes a second meanwhile.
const CHANGES: u32 = 100;
/// How long.
const WATCHED: Duration = Duration::from_secs(20);
/// What the server may take meanwhile, in MiB.
const MOST_MEMORY: f64 = 100.0;
/// How an event begins that tells of changed rows.
const EVENT: &[u8] = b"event: rows";
/// The owner of the bed's project.
const OWNER: &str = "bench@example.org";

fn main() -> ExitCode {
    bench::run(async {
        for database in bench::databases() {
            let columns = ["page", "checks", "ms", "KB"];
            head(&format!("{database:?}: pages, median (least to most)"), &columns);
            for size in SIZES {
                measure(database, scale(size, size / 10)).await;
            }
            let columns = ["", "MiB", "events a second", "CPU"];
            head(&format!("{database:?}: pages that are open, while checks change"), &columns);
            live(database).await;
        }
    })
}

async fn measure(database: Database, size: usize) {
    // One more than a project may have otherwise.
    let room = [("OVERDUE_CHECKS__MAX_COUNT", "20000")];
    let bed = Bed::start(database, size, &room).await;
    let check = bed.api.check("nightly backup", json!({"tags": ["prod"]})).await;
    for _ in 0..scale(RUNS, 10) {
        bed.api.ping(&check, "/start").await.says(200, "OK");
        bed.api.ping(&check, "").await.says(200, "OK");
    }
    let mut visitor = Visitor::at(&bed.server).signed_in(OWNER).await;
    let home = visitor.get("/").await;
    let list = home.header("location").to_owned();
    let uuid = check["uuid"].as_str().expect("the API names it");
    let pages = [
        ("checks", list.clone()),
        ("checks, the last page", format!("{list}?page={}", size / 100 + 1)),
        ("checks, found by text", format!("{list}?q=check-5")),
        ("one check, 90 days", format!("{list}/{uuid}?span=90d")),
    ];
    for (name, path) in pages {
        let mut took = Vec::new();
        let mut bytes = 0;
        for round in 0..=rounds() {
            let clock = Clock::system();
            for _ in 0..PAGES {
                let answer = visitor.get(&path).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                bytes = answer.body.len();
            }
            // The first round only warms up.
            if round > 0 {
                took.push(clock.steady_micros() as f64 / 1e3 / PAGES as f64);
            }
        }
        if bytes > LARGEST {
            wrong(&format!("{name} of {size} checks is {bytes} bytes"));
        }
        row(&[name, &size.to_string(), &cell(&took, 2), &format!("{:.1}", bytes as f64 / 1e3)]);
    }
}

/// Five hundred pages of a list of 1,000 checks are open while a hundred checks a second are pinged:
/// memory, what comes in, and the processor's time.
async fn live(database: Database) {
    let bed = Bed::start(database, 1_000, &[]).await;
    let process = bed.process();
    let before = process.memory().now;
    let (heard, mut open) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
    for user in 0..scale(OPEN, 100) / OF_ONE {
        let email = format!("watcher-{user}@example.org");
        bed.server.new_user(&email);
        let member = json!({"email": email, "role": "viewer"});
        bed.api.post(&bed.api.path("/member"), &member).await.ok();
        let mut visitor = Visitor::at(&bed.server).signed_in(&email).await;
        let home = visitor.get("/").await;
        let project = home.header("location").strip_suffix("/checks").expect("the list").to_owned();
        let token = visitor.token.expect("a session");
        let request = format!(
            "GET {project}/events HTTP/1.1\r\nHost: {}\r\nCookie: api_access_token={token}\r\n\r\n",
            bed.api.address
        );
        for _ in 0..OF_ONE {
            let mut stream = TcpStream::connect(bed.api.address).await.expect("a connection");
            stream.write_all(request.as_bytes()).await.expect("the request goes out");
            open.spawn(listen(stream, Arc::clone(&heard)));
        }
    }
    let connected = process.memory().now;
    let pings = bed.load(Style::KeepAlive, 8, Pings::PLAIN).await;
    let pings = Load { pace: Some(CHANGES), ..pings };
    let (clock, busy) = (Clock::system(), process.cpu_seconds());
    let tally = pings.drive(scale(WATCHED, Duration::from_secs(2))).await;
    tally.check("pings while pages are open", false);
    let seconds = clock.steady_micros() as f64 / 1e6;
    let busy = (process.cpu_seconds() - busy) / seconds;
    let events = heard.load(Ordering::Relaxed) as f64;
    if events < open.len() as f64 {
        wrong(&format!("{} pages heard {events} events", open.len()));
    }
    let most = process.memory().most;
    if most > MOST_MEMORY {
        wrong(&format!("{most:.0} MiB for {} open pages", open.len()));
    }
    let (events, busy) = (format!("{:.0}", events / seconds), format!("{:.0} %", busy * 100.0));
    row(&["nobody looks", &format!("{before:.1}"), "", ""]);
    row(&[&format!("{} open", open.len()), &format!("{connected:.1}"), "", ""]);
    let meanwhile = format!("{CHANGES} changes a second, at most");
    row(&[&meanwhile, &format!("{most:.1}"), &events, &busy]);
}

/// Reads what an open page is told, and counts it.
async fn listen(mut stream: TcpStream, heard: Arc<AtomicU64>) {
    let mut part = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = stream.read(&mut part).await {
        let events = part[..length].windows(EVENT.len()).filter(|bytes| bytes == &EVENT).count();
        heard.fetch_add(events as u64, Ordering::Relaxed);
    }
}
