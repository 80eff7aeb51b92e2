//! No false alarm, on the real server: it is stopped for a minute and killed for a minute, on both
//! databases, with a thousand checks each. All four lie still side by side, so that it takes that
//! minute once. What was pinged on time is told by the server's own record alone, so that a slow
//! machine changes what is expected, and never whether it holds.

use std::fmt::Write as _;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use overdue::clock::{SECOND, Timestamp};
use serde_json::{Value, json};

use crate::support::api::Api;
use crate::support::server::TestServer;
use crate::support::{Database, now, time};

const CHECKS: usize = 1000;
/// One of so many falls silent.
const SILENT: usize = 20;
const PERIOD: i64 = 5;
const GRACE: i64 = 20;
/// How long the server is out, in seconds.
const OUT: u64 = 60;
/// The pause of the jobs between two pings.
const BETWEEN: Duration = Duration::from_secs(3);
/// Requests that run at a time.
const AT_ONCE: usize = 16;

#[derive(Clone, Copy, Debug)]
enum Way {
    Stopped,
    Killed,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minute_of_our_absence_raises_no_alarm_and_hides_none() {
    let databases = [Database::Sqlite, Database::Postgres].into_iter();
    let ways = [Way::Stopped, Way::Killed];
    let all = databases.filter(|database| database.is_here());
    join_all(all.flat_map(|database| ways.map(|way| absent(database, way)))).await;
}

async fn absent(database: Database, way: Way) {
    let mut server = TestServer::start(database, &[]).await;
    let api = server.owner().await;
    let checks = herd(&api).await;
    let (silent, pinged): (Vec<_>, Vec<_>) =
        checks.iter().enumerate().partition(|(place, _)| place % SILENT == 0);
    let bare =
        |all: Vec<(usize, &Value)>| all.into_iter().map(|(_, check)| check.clone()).collect();
    let (silent, pinged): (Vec<Value>, Vec<Value>) = (bare(silent), bare(pinged));
    ping_each(&api, &checks).await;
    let mut log = out(&mut server, way).await;
    ping_each(&api, &pinged).await;
    // The others go on pinging until the silent ones are down, or should have been.
    let wait = now().plus_seconds(GRACE + 5);
    while now() < wait || down_count(&api).await < silent.len() {
        ping_each(&api, &pinged).await;
        tokio::time::sleep(BETWEEN).await;
    }
    log.push_str(&server.log());
    let outages = outages_in(&log);
    let minute = outages.iter().any(|(from, to)| to.micros_since(*from) > 55 * SECOND);
    assert!(minute, "{way:?}: {outages:?}\n{log}");
    for check in &silent {
        let downs = assert_by_the_rule(&api, check, &outages).await;
        assert_eq!(downs, 1, "{way:?}: {check}");
    }
    // Who went down among the others had pinged too late, by what the server wrote down.
    let stats = api.list(&api.path("/check/stats")).await;
    let counted = stats.iter().filter(|row| row["downtime_count"] != 0);
    let ids: Vec<&Value> = counted.map(|row| &row["check_id"]).collect();
    for check in pinged.iter().filter(|check| ids.contains(&&check["check_id"])) {
        assert_by_the_rule(&api, check, &outages).await;
    }
    assert_eq!(stats.len(), CHECKS);
}

/// A thousand checks, made in one go.
async fn herd(api: &Api) -> Vec<Value> {
    let mut file = String::new();
    for n in 0..CHECKS {
        let text =
            format!("[[checks]]\ncheck_name = \"job {n}\"\nperiod = {PERIOD}\ngrace = {GRACE}\n");
        file.write_str(&text).unwrap();
    }
    let cookie = format!("api_access_token={}", api.token);
    let headers = [("cookie", cookie.as_str()), ("content-type", "application/toml")];
    let made = api.send("POST", &api.path("/import"), &headers, file).await.ok();
    assert_eq!(made["created"].as_array().map(Vec::len), Some(CHECKS), "{made}");
    api.list(&api.path("/check-list")).await
}

async fn ping_each(api: &Api, checks: &[Value]) {
    let pings = stream::iter(checks).map(|check| api.ping(check, ""));
    pings.buffer_unordered(AT_ONCE).for_each(async |answer| answer.says(200, "OK")).await;
}

/// Takes the server away for a minute; what it had logged before, where that is another file now.
async fn out(server: &mut TestServer, way: Way) -> String {
    match way {
        Way::Stopped => {
            server.signal("STOP");
            tokio::time::sleep(Duration::from_secs(OUT)).await;
            server.signal("CONT");
            String::new()
        }
        Way::Killed => {
            server.kill9();
            let log = server.log();
            tokio::time::sleep(Duration::from_secs(OUT)).await;
            server.restart().await;
            log
        }
    }
}

async fn down_count(api: &Api) -> usize {
    let answer = api.get(&api.path("/check-list?status=down&limit=1")).await.ok();
    usize::try_from(answer["total_count"].as_u64().unwrap()).unwrap()
}

/// The outages that the server says it had.
fn outages_in(log: &str) -> Vec<(Timestamp, Timestamp)> {
    let lines = log.lines().filter(|line| line.contains("this server was out from="));
    lines
        .map(|line| {
            let named = |name: &str| {
                let (_, rest) = line.split_once(name).unwrap_or_else(|| panic!("{line}"));
                time(&json!(rest.split_whitespace().next().unwrap()))
            };
            (named("from="), named("to="))
        })
        .collect()
}

/// Holds each downtime of a check against the rule: it began at the deadline after the ping before
/// it, put off where that lay in an outage; how many there were. And no deadline was missed: the
/// ping after it came before it, or the check went down.
async fn assert_by_the_rule(api: &Api, check: &Value, outages: &[(Timestamp, Timestamp)]) -> usize {
    let times = |rows: &[Value]| rows.iter().rev().map(|row| time(&row["at"])).collect::<Vec<_>>();
    let pings = times(&api.pings(check).await);
    let flips = api.flips(check).await;
    let downs: Vec<Value> = flips.into_iter().filter(|flip| flip["to"] == "down").collect();
    let seen = now();
    let mut due = Vec::new();
    for (place, ping) in pings.iter().enumerate() {
        let deadline = moved(ping.plus_seconds(PERIOD + GRACE), outages);
        let next = pings.get(place + 1).copied().unwrap_or(seen);
        due.extend((deadline < next).then_some(deadline));
    }
    assert_eq!(times(&downs), due, "{check} {outages:?}");
    due.len()
}

/// When the rule turns a check down whose deadline would be `at`.
fn moved(at: Timestamp, outages: &[(Timestamp, Timestamp)]) -> Timestamp {
    let holding = outages.iter().filter(|(from, to)| *from <= at && at <= *to);
    let ends = holding.map(|(from, to)| {
        let length = to.micros_since(*from);
        to.plus_micros((GRACE * SECOND).min(length + 60 * SECOND))
    });
    match ends.max().filter(|later| *later > at) {
        Some(later) => moved(later, outages),
        None => at,
    }
}
