//! What was answered 200 is there, whatever happens to the process afterwards: pings under load,
//! the server killed or stopped in the middle, started again, and counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::api::{Api, ping_path};
use crate::support::server::{TestServer, http_client, webhook};
use crate::support::{both_databases, until};

/// Clients that ping at once, each on a connection that it keeps.
const CLIENTS: usize = 16;

/// What was sent to one check and what of it was answered 200.
#[derive(Default)]
struct Tally {
    sent: AtomicU64,
    acknowledged: AtomicU64,
}

/// Clients that ping the checks in turn until they are told to stop or lose their connection.
struct Load {
    clients: JoinSet<()>,
    enough: Arc<AtomicBool>,
}

impl Load {
    fn start(api: &Api, checks: &[Value], tallies: &[Arc<Tally>]) -> Self {
        let enough = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for n in 0..CLIENTS {
            let (check, tally) = (&checks[n % checks.len()], &tallies[n % checks.len()]);
            let url = format!("{}{}", api.base, ping_path(check, ""));
            clients.spawn(ping_until(url, Arc::clone(tally), Arc::clone(&enough)));
        }
        Self { clients, enough }
    }

    /// Lets every client finish what it is about.
    async fn end(self) {
        self.enough.store(true, Ordering::SeqCst);
        self.clients.join_all().await;
    }
}

async fn ping_until(url: String, tally: Arc<Tally>, enough: Arc<AtomicBool>) {
    let http = http_client();
    while !enough.load(Ordering::SeqCst) {
        tally.sent.fetch_add(1, Ordering::SeqCst);
        let Ok(answer) = http.post(&url).body("a few words of output").send().await else { return };
        if answer.status() == 200 {
            tally.acknowledged.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn acknowledged(tallies: &[Arc<Tally>]) -> u64 {
    tallies.iter().map(|tally| tally.acknowledged.load(Ordering::SeqCst)).sum()
}

/// Waits until so many pings were acknowledged in all.
async fn reach(target: u64, tallies: &[Arc<Tally>]) {
    until(&format!("{target} acknowledged pings"), async || {
        (acknowledged(tallies) >= target).then_some(())
    })
    .await;
}

/// Holds what is stored against what was sent: every acknowledged ping, none that was not sent,
/// the serial numbers 1 to n, each once.
async fn assert_whole(api: &Api, check: &Value, tally: &Tally) {
    let n_pings = api.read(check).await["n_pings"].as_u64().unwrap();
    let acknowledged = tally.acknowledged.load(Ordering::SeqCst);
    let sent = tally.sent.load(Ordering::SeqCst);
    assert!(n_pings >= acknowledged, "{acknowledged} acknowledged, {n_pings} stored");
    assert!(n_pings <= sent, "{sent} sent, {n_pings} stored");
    let mut times_seen: BTreeMap<u64, u32> = BTreeMap::new();
    for ping in api.pings(check).await {
        *times_seen.entry(ping["n"].as_u64().unwrap()).or_default() += 1;
    }
    let twice = times_seen.iter().find(|(_, times)| **times != 1);
    assert_eq!(twice, None, "a serial number is there twice");
    let missing = (1..=n_pings).find(|n| !times_seen.contains_key(n));
    assert_eq!((missing, times_seen.len() as u64), (None, n_pings));
}

/// A server that keeps every ping, with three checks and their tallies.
async fn loaded(
    database: crate::support::Database,
) -> (TestServer, Api, Vec<Value>, Vec<Arc<Tally>>) {
    let settings = [("OVERDUE_PING__LOG_LIMIT", "100000")];
    let server = TestServer::start(database, &settings).await;
    let api = server.owner().await;
    let (mut checks, mut tallies) = (Vec::new(), Vec::new());
    for name in ["one", "two", "three"] {
        checks.push(api.check(name, json!({})).await);
        tallies.push(Arc::default());
    }
    (server, api, checks, tallies)
}

both_databases! {
    async fn what_was_acknowledged_outlives_kill_9(database) {
        let (mut server, api, checks, tallies) = loaded(database).await;
        // Each round is killed at another point of whatever the server does meanwhile.
        for more in [700, 1_500, 233, 1_111] {
            let load = Load::start(&api, &checks, &tallies);
            reach(acknowledged(&tallies) + more, &tallies).await;
            server.kill9();
            load.end().await;
            server.restart().await;
            for (check, tally) in checks.iter().zip(&tallies) {
                assert_whole(&api, check, tally).await;
            }
        }
        // And the numbers go on where they ended.
        let before = api.read(&checks[0]).await["n_pings"].as_u64().unwrap();
        api.ping(&checks[0], "").await.says(200, "OK");
        assert_eq!(api.last_ping(&checks[0]).await["n"], before + 1);
    }

    async fn a_stop_under_load_finishes_what_is_in_flight_and_exits_0(database) {
        let (mut server, api, checks, tallies) = loaded(database).await;
        let load = Load::start(&api, &checks, &tallies);
        reach(500, &tallies).await;
        let status = server.stop().await;
        load.end().await;
        assert_eq!(status.code(), Some(0), "{}", server.log());
        server.restart().await;
        for (check, tally) in checks.iter().zip(&tallies) {
            assert_whole(&api, check, tally).await;
        }
    }

    async fn checks_made_by_their_first_ping_outlive_kill_9(database) {
        let (mut server, api, _, _) = loaded(database).await;
        let mut made = Vec::new();
        for n in 0..20 {
            let slug = format!("made-{n}");
            api.ping_slug(&format!("{slug}?create=1")).await.says(201, "Created");
            made.push(slug);
        }
        server.kill9();
        server.restart().await;
        for slug in made {
            let found = api.checks_with_slug(&slug).await;
            assert_eq!((found.len(), &found[0]["n_pings"]), (1, &json!(1)), "{slug}");
        }
    }

    async fn a_worker_that_dies_takes_the_process_down_visibly(database) {
        let mut server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        let check = api.check("last", json!({})).await;
        for step in ["pings_judged", "claim_committed"] {
            server.kill9();
            server.restart_with(&[("OVERDUE_TEST_PANIC_AT", step)]).await;
            if step == "claim_committed" {
                let hook = webhook("http://127.0.0.1:9/");
                let channel = api.post(&api.path("/channel"), &hook).await.ok();
                let told = json!({"channels": [channel["channel_id"]]});
                api.update(&check, told).await;
            }
            // Whether an answer still comes is a matter of luck; that none is OK is not.
            let url = format!("{}{}", server.base(), ping_path(&check, "/fail"));
            if let Ok(answer) = http_client().get(url).send().await {
                assert_eq!(answer.status(), if step == "pings_judged" { 503 } else { 200 });
            }
            assert_eq!(server.death().await.code(), Some(1));
            let worker = if step == "pings_judged" { "ingest" } else { "notifier" };
            let line = format!("the worker {worker} panicked: the server stops");
            assert!(server.log().contains(&line), "{}", server.log());
            server.restart().await;
        }
    }
}
