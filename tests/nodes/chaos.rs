//! Four processes on one PostgreSQL under 5,000 checks' pings and deadlines, while one after another is
//! killed or stopped and started again; then everything is counted.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use rand::RngExt;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use tokio::task::JoinSet;

use super::through;
use crate::support::api::Api;
use crate::support::receiver::Receiver;
use crate::support::server::{TestServer, http_client};
use crate::support::{Database, now, until};

/// How long it goes on, in seconds; `OVERDUE_TEST_CHAOS_SECONDS` says otherwise.
const SECONDS: u64 = 60;
const NODES: usize = 4;
/// Checks that are pinged and have all the time in the world.
const STEADY: usize = 4_000;
/// Checks whose deadline passes whenever they are not pinged for two seconds.
const HASTY: usize = 1_000;
/// Clients, each with checks of its own, so that what it sends to a check has an order.
const CLIENTS: usize = 20;

/// What became of the pings of a check.
#[derive(Default)]
struct Tally {
    sent: AtomicU64,
    acknowledged: AtomicU64,
}

struct Load {
    uuids: Vec<String>,
    tallies: Vec<Tally>,
    /// The nodes that run.
    doors: RwLock<Vec<SocketAddr>>,
    is_over: AtomicBool,
}

impl Load {
    /// Pings the checks of one client, one at a time, on whichever node.
    async fn ping(self: Arc<Self>, client: usize) {
        let http = http_client();
        while !self.is_over.load(Ordering::SeqCst) {
            let place = client + CLIENTS * rand::rng().random_range(0..self.uuids.len() / CLIENTS);
            let door = {
                let doors = self.doors.read().unwrap();
                doors[rand::rng().random_range(0..doors.len())]
            };
            let tail = if rand::rng().random_range(0..10) == 0 { "/fail" } else { "" };
            let url = format!("http://{door}/ping/{}{tail}", self.uuids[place]);
            let tally = &self.tallies[place];
            tally.sent.fetch_add(1, Ordering::SeqCst);
            match http.post(url).body("a few words").send().await {
                Ok(answer) if answer.status() == 200 => {
                    tally.acknowledged.fetch_add(1, Ordering::SeqCst);
                }
                Ok(answer) => assert_eq!(answer.status(), 503, "a ping is taken, or put off"),
                // The node was killed.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// The checks and their channel, made from files.
async fn furnish(api: &Api, receiver: &Receiver) {
    let url = receiver.url("/");
    for (word, count, period) in [("steady", STEADY, 86_400), ("hasty", HASTY, 1)] {
        for part in 0..count / 1_000 {
            let mut file = format!(
                "format = 1\n[[channels]]\nchannel_name = \"hook\"\nkind = \"webhook\"\n\
                 config = {{ url_down = \"{url}\", url_up = \"{url}\" }}\n"
            );
            for n in 0..1_000 {
                let name = format!("{word}-{}", part * 1_000 + n);
                let _ = write!(
                    file,
                    "[[checks]]\ncheck_name = \"{name}\"\nperiod = {period}\ngrace = 1\n\
                     flap_threshold = 0\nchannels = [\"hook\"]\n"
                );
            }
            let cookie = format!("api_access_token={}", api.token);
            let headers = [("content-type", "application/toml"), ("cookie", cookie.as_str())];
            api.send("POST", &api.path("/import"), &headers, file).await.ok();
        }
    }
}

async fn rows<T>(link: &mut PgConnection, sql: &'static str) -> Vec<T>
where
    T: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
{
    sqlx::query_as(sql).fetch_all(link).await.unwrap()
}

/// Kills or stops one node after another, and starts it again, until the time is over: how often.
async fn disturb(nodes: &mut [TestServer], load: &Load) -> usize {
    let seconds = std::env::var("OVERDUE_TEST_CHAOS_SECONDS").ok().and_then(|s| s.parse().ok());
    let until = now().plus_seconds(i64::try_from(seconds.unwrap_or(SECONDS)).unwrap());
    let mut count = 0;
    while now() < until {
        let place = rand::rng().random_range(0..nodes.len());
        let node = &mut nodes[place];
        // Half of them while requests still go to it.
        let is_told = rand::rng().random_bool(0.5);
        let address = node.address();
        if is_told {
            load.doors.write().unwrap().retain(|door| *door != address);
        }
        if rand::rng().random_bool(0.7) {
            node.kill9();
        } else {
            assert!(node.stop().await.success(), "{}", node.log());
        }
        load.doors.write().unwrap().retain(|door| *door != address);
        tokio::time::sleep(Duration::from_millis(rand::rng().random_range(0..2_000))).await;
        node.restart().await;
        load.doors.write().unwrap().push(node.address());
        tokio::time::sleep(Duration::from_millis(rand::rng().random_range(0..3_000))).await;
        count += 1;
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_die_at_random_lose_nothing_and_say_nothing_twice() {
    if !Database::Postgres.is_here() {
        return;
    }
    let settings = [
        ("OVERDUE_PING__LOG_LIMIT", "1000000"),
        ("OVERDUE_CHECKS__MAX_COUNT", "10000"),
        ("OVERDUE_DATABASE__MAX_CONNECTIONS", "5"),
    ];
    let first = TestServer::start(Database::Postgres, &settings).await;
    let api = first.owner().await;
    let receiver = Receiver::start().await;
    furnish(&api, &receiver).await;
    let url = first.database().url.clone();
    let mut link = PgConnection::connect(&url).await.unwrap();
    let checks: Vec<(i64, String)> =
        rows(&mut link, "SELECT check_id, uuid FROM checks ORDER BY check_id").await;
    assert_eq!(checks.len(), STEADY + HASTY);
    let mut nodes = vec![first];
    while nodes.len() < NODES {
        let next = nodes[0].beside().await;
        nodes.push(next);
    }
    let load = Arc::new(Load {
        uuids: checks.iter().map(|(_, uuid)| uuid.clone()).collect(),
        tallies: checks.iter().map(|_| Tally::default()).collect(),
        doors: RwLock::new(nodes.iter().map(TestServer::address).collect()),
        is_over: AtomicBool::new(false),
    });
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(Arc::clone(&load).ping(client));
    }
    let deaths = disturb(&mut nodes, &load).await;
    load.is_over.store(true, Ordering::SeqCst);
    clients.join_all().await;
    // The hasty ones fall silent now, and are told as down.
    until("all is told", async || {
        let sql = "SELECT COUNT(*) FROM check_states WHERE status = 'up' AND period = 1";
        let (up,): (i64,) = sqlx::query_as(sql).fetch_one(&mut link).await.unwrap();
        let sql = "SELECT COUNT(*) FROM notifications WHERE state = 'pending'";
        let (waiting,): (i64,) = sqlx::query_as(sql).fetch_one(&mut link).await.unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
        (up == 0 && waiting == 0).then_some(())
    })
    .await;
    assert!(deaths > 3, "only {deaths} nodes were disturbed");
    pings_are_whole(&mut link, &checks, &load).await;
    let flips = flips_are_whole(&mut link).await;
    alerts_are_whole(&mut link, &receiver, flips, deaths).await;
    // Each node still tells the same.
    for node in &nodes {
        assert_eq!(through(node, &api).get(&api.path("")).await.ok()["project_id"], api.project);
    }
}

/// Every acknowledged ping is there, none that was not sent, and serial numbers have no gaps.
async fn pings_are_whole(link: &mut PgConnection, checks: &[(i64, String)], load: &Load) {
    let sql = "SELECT s.check_id, s.n_pings, COUNT(p.n), COALESCE(MIN(p.n), 1), \
               COUNT(DISTINCT p.n) FROM check_states s LEFT JOIN pings p ON p.check_id = s.check_id \
               GROUP BY s.check_id, s.n_pings ORDER BY s.check_id";
    let stored: Vec<(i64, i64, i64, i64, i64)> = rows(link, sql).await;
    let mut total = 0;
    for ((check_id, _), (stored, tally)) in checks.iter().zip(stored.iter().zip(&load.tallies)) {
        let (id, n_pings, count, least, different) = *stored;
        assert_eq!(id, *check_id);
        assert_eq!((count, least, different), (n_pings, 1, n_pings), "of check {check_id}");
        let count = u64::try_from(count).unwrap();
        let (sent, kept) = (&tally.sent, &tally.acknowledged);
        let (sent, kept) = (sent.load(Ordering::SeqCst), kept.load(Ordering::SeqCst));
        assert!(count >= kept, "of check {check_id} {kept} were acknowledged, {count} stored");
        assert!(count <= sent, "of check {check_id} {sent} were sent, {count} stored");
        total += count;
    }
    assert!(total > 1_000, "only {total} pings in all");
}

/// The flips of each check are numbered without gaps, and each begins where the last one ended: how many
/// there are that somebody is told of.
async fn flips_are_whole(link: &mut PgConnection) -> usize {
    let sql = "SELECT check_id, n, from_status, to_status FROM flips ORDER BY check_id, n";
    let flips: Vec<(i64, i64, String, String)> = rows(link, sql).await;
    let mut last: HashMap<i64, (i64, String)> = HashMap::new();
    let mut told = 0;
    for (check_id, n, from, to) in flips {
        let (before, status) = last.remove(&check_id).unwrap_or((0, "new".to_owned()));
        assert_eq!((n, &from), (before + 1, &status), "of check {check_id}");
        assert_ne!(from, to, "of check {check_id}");
        told += usize::from(to == "down" || from == "down");
        last.insert(check_id, (n, to));
    }
    let sql = "SELECT check_id, n_flips, status FROM check_states WHERE n_flips > 0";
    for (check_id, n_flips, status) in rows::<(i64, i64, String)>(link, sql).await {
        assert_eq!(last.remove(&check_id), Some((n_flips, status)), "of check {check_id}");
    }
    assert!(last.is_empty() && told > 100, "{told} flips to tell of");
    told
}

/// Each flip is told once, or, where a node died over it, again under the same id; and in order.
async fn alerts_are_whole(
    link: &mut PgConnection,
    receiver: &Receiver,
    flips: usize,
    deaths: usize,
) {
    let sql = "SELECT state, COUNT(*), COUNT(DISTINCT flip_id) FROM notifications GROUP BY state";
    let states: Vec<(String, i64, i64)> = rows(link, sql).await;
    let all = i64::try_from(flips).unwrap();
    assert_eq!(states, [("sent".to_owned(), all, all)]);
    let got = receiver.got();
    let mut first: BTreeMap<String, Value> = BTreeMap::new();
    let mut of_check: HashMap<String, Vec<(String, String)>> = HashMap::new();
    for delivery in &got {
        let id = delivery.header("webhook-id").to_owned();
        let body: Value = serde_json::from_slice(&delivery.body).unwrap();
        if let Some(before) = first.get(&id) {
            assert_eq!((&before["uuid"], &before["since"]), (&body["uuid"], &body["since"]));
            continue;
        }
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        of_check.entry(text("uuid")).or_default().push((text("since"), text("event")));
        first.insert(id, body);
    }
    assert_eq!(first.len(), flips, "each alert is delivered");
    for (uuid, told) in of_check {
        let turns: Vec<&str> = told.iter().map(|(_, turn)| turn.as_str()).collect();
        let wanted: Vec<&str> = ["down", "up"].into_iter().cycle().take(turns.len()).collect();
        assert_eq!(turns, wanted, "no up before its down, of {uuid}");
        assert!(told.is_sorted_by(|one, next| one.0 <= next.0), "in order, of {uuid}: {told:?}");
    }
    let twice = got.len() - first.len();
    // What a node was sending when it died is sent again; no more than it sends at a time.
    assert!(twice <= deaths * 64, "{twice} alerts were sent twice by {deaths} deaths");
}
