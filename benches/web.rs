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

use overdue::clock::Clock;
use serde_json::json;

use bench::bed::Bed;
use bench::figures::{cell, head, row};
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
        }
    })
}

async fn measure(database: Database, size: usize) {
    let bed = Bed::start(database, size, &[]).await;
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
