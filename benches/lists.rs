//! How many pages of a list of checks the server gives a second, whether that depends on how many
//! checks there are, and how long one takes: `cargo bench --bench lists`. The real server, its own command line and
//! wire; SQLite, and PostgreSQL where `OVERDUE_TEST_POSTGRES` names one. `README.md` beside this
//! file says how to read the table.

#![allow(clippy::cast_precision_loss, reason = "nothing here is measured to 52 bits")]

#[path = "support/mod.rs"]
#[allow(dead_code, reason = "shared by all benches")]
mod bench;
#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the rig of the tests, which use all of it")]
mod support;

use std::process::ExitCode;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use bench::figures::{cell, head, median, row};
use bench::sql::Sql;
use bench::{pages, scale};
use support::Database;
use support::api::Api;
use support::server::{TestServer, webhook};

/// The projects, by how many checks they have.
const SIZES: [usize; 3] = [100, 1_000, 10_000];
/// Pages that one measurement takes, one after another over one connection.
const PAGES: usize = 20;
/// Checks of every project that carry the tag `chosen` and are down.
const CHOSEN: usize = 100;
/// Requests under way at once while projects are filled.
const HANDS: usize = 16;

/// A view of a list: what it is called, and its parameters in a project of so many checks. Each
/// gives a hundred checks whatever the project, so that pages are alike in all but where they come
/// from.
type View = (&'static str, fn(usize) -> String);

const VIEWS: [View; 8] = [
    ("first page", |_| String::new()),
    ("middle page", |size| format!("?offset={}", (size - 100) / 2)),
    ("last page", |size| format!("?offset={}", size - 100)),
    ("by name, middle page", |size| format!("?order=name&offset={}", (size - 100) / 2)),
    ("one tag", |_| "?tag=chosen".to_owned()),
    ("text search", |_| "?q=CHOSEN".to_owned()),
    ("those that are down", |_| "?status=down".to_owned()),
    ("by last ping", |_| "?order=-last_ping_at".to_owned()),
];

/// What a page of so many checks may take, by the place of its project.
const WHOLE: [(&str, usize, &str); 2] =
    [("100 of 1,000 checks", 1, "?limit=100"), ("1,000 of 10,000 checks", 2, "?limit=1000")];

/// Times that every view of every project is measured, in turn.
fn rounds() -> usize {
    scale(15, 1)
}

fn main() -> ExitCode {
    bench::run(async {
        for database in bench::databases() {
            measure(database).await;
        }
    })
}

async fn measure(database: Database) {
    let server = TestServer::start(database, &[]).await;
    let token = server.new_user("bench@example.org");
    let mut projects = Vec::new();
    for size in SIZES {
        let api = Api::new_project(server.address(), &token).await;
        fill(&api, size).await;
        projects.push(api);
    }
    Sql::open(server.database()).await.tidy().await;
    views(database, &projects).await;
    whole_pages(database, &projects).await;
}

async fn views(database: Database, projects: &[Api]) {
    // Rates by view, project and round.
    let mut rates = vec![vec![Vec::new(); SIZES.len()]; VIEWS.len()];
    for round in 0..=rounds() {
        for (view, (_, query)) in VIEWS.iter().enumerate() {
            for turn in 0..SIZES.len() {
                let which = (turn + round) % SIZES.len();
                let path = format!("/check-list{}", query(SIZES[which]));
                let each = pages::milliseconds(&projects[which], &path, PAGES).await;
                // The first round only warms up.
                if round > 0 {
                    rates[view][which].push(1e3 / each);
                }
            }
        }
    }
    let columns = ["view", "of 100", "of 1,000", "of 10,000", "10,000 : 100"];
    head(&format!("{database:?}: pages of 100 checks a second, median (least to most)"), &columns);
    for ((name, _), by_size) in VIEWS.iter().zip(&rates) {
        let ratio = median(&by_size[SIZES.len() - 1]) / median(&by_size[0]);
        let cells = by_size.iter().map(|rates| cell(rates, 0));
        let ends = ((*name).to_owned(), format!("{ratio:.2}"));
        row(&std::iter::once(ends.0).chain(cells).chain([ends.1]).collect::<Vec<String>>());
    }
}

async fn whole_pages(database: Database, projects: &[Api]) {
    let mut took = vec![Vec::new(); WHOLE.len()];
    for round in 0..=rounds() {
        for (numbers, (_, project, query)) in took.iter_mut().zip(WHOLE) {
            let path = format!("/check-list{query}");
            let each = pages::milliseconds(&projects[project], &path, PAGES).await;
            // The first round only warms up.
            if round > 0 {
                numbers.push(each);
            }
        }
    }
    head(&format!("{database:?}: median (least to most)"), &["page", "ms"]);
    for ((name, _, _), numbers) in WHOLE.iter().zip(&took) {
        row(&[*name, &cell(numbers, 2)]);
    }
}

/// Makes this many checks, each told of by one channel and pinged once.
async fn fill(api: &Api, size: usize) {
    let mut quiet = webhook("http://127.0.0.1:9/");
    quiet["on_down"] = json!(0);
    quiet["on_up"] = json!(0);
    api.post(&api.path("/channel"), &quiet).await.ok();
    let jobs = stream::iter(0..size).map(async |n| {
        let is_chosen = n % (size / CHOSEN) == 0;
        let team = format!("team-{}", n % 10);
        let tags = if is_chosen { vec!["prod", &team, "chosen"] } else { vec!["prod", &team] };
        // The order of the names has nothing to do with that of the ids.
        let name = format!("{:08x} nightly backup", n.wrapping_mul(2_654_435_761) % (1 << 32));
        let description = "Dumps the database, packs it, and copies it to the other site.";
        let more = json!({"tags": tags, "description": description, "period": 86_400});
        let check = api.check(&name, more).await;
        api.ping(&check, if is_chosen { "/fail" } else { "" }).await.says(200, "OK");
    });
    jobs.buffer_unordered(HANDS).collect::<Vec<()>>().await;
    let list: Value = api.get(&api.path("/check-list?tag=chosen&status=down")).await.ok();
    assert_eq!((&list["total_count"], &list["count"]), (&json!(CHOSEN), &json!(CHOSEN)));
}
