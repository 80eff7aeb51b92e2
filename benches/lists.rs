//! How many pages of a list of checks the server gives a second, and whether that depends on how
//! many checks there are: `cargo bench --bench lists`. The real server, its own command line and
//! wire; SQLite, and PostgreSQL where `OVERDUE_TEST_POSTGRES` names one. `README.md` beside this
//! file says how to read the table.

#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the rig of the tests, which use all of it")]
mod support;

use futures_util::{StreamExt, stream};
use overdue::clock::Clock;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use support::Database;
use support::api::Api;
use support::server::{TestServer, webhook};

/// The projects, by how many checks they have.
const SIZES: [usize; 3] = [100, 1_000, 10_000];
/// Times that every view of every project is measured, in turn.
const ROUNDS: usize = 15;
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

#[tokio::main]
async fn main() {
    for database in [Database::Sqlite, Database::Postgres] {
        if database.is_here() {
            measure(database).await;
        } else {
            println!("\n{database:?}: skipped, OVERDUE_TEST_POSTGRES names none");
        }
    }
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
    tidy(&server).await;
    // Rates by view, project and round.
    let mut rates = vec![vec![Vec::new(); SIZES.len()]; VIEWS.len()];
    for round in 0..=ROUNDS {
        for (view, (_, query)) in VIEWS.iter().enumerate() {
            for turn in 0..SIZES.len() {
                let which = (turn + round) % SIZES.len();
                let path = format!("/check-list{}", query(SIZES[which]));
                let rate = pages_a_second(&projects[which], &path).await;
                // The first round only warms up.
                if round > 0 {
                    rates[view][which].push(rate);
                }
            }
        }
    }
    print_table(database, &rates);
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

/// What PostgreSQL's autovacuum does to new rows within minutes. SQLite has nothing of the kind.
async fn tidy(server: &TestServer) {
    if server.database().postgres_name().is_some() {
        let mut connection = PgConnection::connect(&server.database().url).await.unwrap();
        sqlx::raw_sql("VACUUM ANALYZE").execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

#[allow(clippy::cast_precision_loss, reason = "nothing here is measured to 52 bits")]
async fn pages_a_second(api: &Api, path: &str) -> f64 {
    let clock = Clock::system();
    let path = api.path(path);
    let began = clock.steady_micros();
    for _ in 0..PAGES {
        let answer = api.get(&path).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
    }
    PAGES as f64 * 1e6 / (clock.steady_micros() - began) as f64
}

fn print_table(database: Database, rates: &[Vec<Vec<f64>>]) {
    println!("\n{database:?}: pages of 100 checks a second, median (min to max)\n");
    println!("| view | of 100 | of 1,000 | of 10,000 | 10,000 : 100 |");
    println!("| --- | --- | --- | --- | --- |");
    for ((name, _), by_size) in VIEWS.iter().zip(rates) {
        let cells: Vec<String> = by_size.iter().map(|rates| cell(rates)).collect();
        let ratio = median(&by_size[SIZES.len() - 1]) / median(&by_size[0]);
        println!("| {name} | {} | {ratio:.2} |", cells.join(" | "));
    }
}

fn cell(rates: &[f64]) -> String {
    let least = rates.iter().copied().fold(f64::INFINITY, f64::min);
    let most = rates.iter().copied().fold(0.0, f64::max);
    format!("{:.0} ({least:.0} to {most:.0})", median(rates))
}

fn median(rates: &[f64]) -> f64 {
    let mut sorted = rates.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
