//! Ten thousand devices that are looked at once a minute: how evenly, how punctually, and with how
//! many sockets and how much memory, while one in a hundred of them never answers; on PostgreSQL also
//! by two nodes, of which one dies: `cargo bench --bench probes`. `README.md` beside this file says how
//! to read it.

#![allow(clippy::cast_precision_loss, reason = "nothing here is measured to 52 bits")]

#[path = "support/mod.rs"]
#[allow(dead_code, reason = "shared by all benches")]
mod bench;
#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the rig of the tests, which use all of it")]
mod support;

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use overdue::clock::Clock;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use bench::bed::Bed;
use bench::process::Process;
use bench::{figures, scale, wrong};
use support::Database;
use support::server::http_client;

/// Seconds between two looks at a device.
const INTERVAL: u64 = 60;
/// Seconds that a look may take at most.
const TIMEOUT: u64 = 10;
/// One device in so many never answers.
const DEAF: usize = 100;
/// Devices are made by so many at a time.
const MAKERS: usize = 8;

fn main() -> ExitCode {
    bench::run(async {
        for database in bench::databases() {
            measure(database).await;
        }
    })
}

/// How many devices there are.
fn devices() -> usize {
    scale(10_000, 200)
}

/// Seconds that a look may take.
fn patience() -> u64 {
    scale(TIMEOUT, 1)
}

/// Seconds between two looks.
fn interval() -> u64 {
    scale(INTERVAL, 4)
}

/// Web servers at as many addresses of this machine's own network as there are devices, all at one
/// port, and when each was asked.
struct Hosts {
    port: u16,
    looks: Arc<Mutex<Vec<Vec<i64>>>>,
    clock: Clock,
}

impl Hosts {
    async fn start() -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let looks = Arc::new(Mutex::new(vec![Vec::new(); devices()]));
        let all = Arc::clone(&looks);
        let clock = Clock::system();
        let time = clock.clone();
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let now = time.steady_micros();
                let Ok(local) = stream.local_addr() else { continue };
                let Some(place) = place_of(local.ip()) else { continue };
                if let Some(looks) = all.lock().expect("nobody panics").get_mut(place) {
                    looks.push(now);
                }
                tokio::spawn(answer(stream, place));
            }
        });
        Self { port, looks, clock }
    }

    /// When each device was looked at since `from`; microseconds of the steady clock.
    fn since(&self, from: i64) -> Vec<Vec<i64>> {
        let looks = self.looks.lock().expect("nobody panics");
        looks.iter().map(|all| all.iter().copied().filter(|at| *at >= from).collect()).collect()
    }
}

/// The address of a device.
fn address_of(place: usize) -> Ipv4Addr {
    let [_, _, high, low] = u32::try_from(place).expect("few").to_be_bytes();
    Ipv4Addr::new(127, 1, high, low)
}

fn place_of(address: IpAddr) -> Option<usize> {
    let IpAddr::V4(address) = address else { return None };
    let [_, one, high, low] = address.octets();
    (one == 1).then(|| usize::from(high) * 256 + usize::from(low))
}

async fn answer(mut stream: TcpStream, place: usize) {
    let mut head = [0; 2048];
    let _ = stream.read(&mut head).await;
    if place.is_multiple_of(DEAF) {
        // Until the other side has had enough.
        let _ = stream.read(&mut head).await;
        return;
    }
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    let _ = stream.read(&mut head).await;
}

async fn make(bed: &Bed, port: u16) {
    let client = http_client();
    let url = format!("http://{}/api/v1/devices/create", bed.api.address);
    let some = async |first: usize| {
        for place in (first..devices()).step_by(MAKERS) {
            let body = json!({
                "target_type": "ip", "target_value": address_of(place).to_string(),
                "service_type": "web", "scheme": "http", "port": port,
                "interval": interval(), "timeout": patience()
            });
            let request = client.post(&url).bearer_auth(&bed.api.token).body(body.to_string());
            let answer = request.send().await.expect("the server answers");
            assert_eq!(answer.status(), 201, "{:?}", answer.text().await);
        }
    };
    join_all((0..MAKERS).map(some)).await;
}

/// The most sockets of a process while some time passes.
async fn watch(process: Process, span: Duration) -> usize {
    let mut most = 0;
    let counting = async {
        loop {
            let open = fs::read_dir(format!("/proc/{}/fd", process.0)).expect("Linux tells it");
            most = most.max(open.count());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let _ = tokio::time::timeout(span, counting).await;
    most
}

/// Seconds by which the looks at each device were apart, beside the interval.
fn apart(looks: &[Vec<i64>]) -> Vec<f64> {
    let gaps = looks.iter().flat_map(|all| all.windows(2).map(|two| two[1] - two[0]));
    let mut apart: Vec<f64> = gaps.map(|gap| seconds(gap) - interval() as f64).collect();
    apart.sort_by(f64::total_cmp);
    apart
}

fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

/// Of sorted numbers, the one below which this part of them lies.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let wanted = sorted.len() as f64 * part;
    let place = (0..sorted.len()).find(|place| *place as f64 >= wanted);
    place.map(|place| sorted[place]).or(sorted.last().copied()).unwrap_or_default()
}

async fn measure(database: Database) {
    let most = devices().to_string();
    let settings = [("OVERDUE_CHECKS__MAX_COUNT", most.as_str())];
    let bed = Bed::empty(database, &settings).await;
    let hosts = Hosts::start().await;
    let began = hosts.clock.steady_micros();
    make(&bed, hosts.port).await;
    let made = hosts.clock.steady_micros() - began;
    // Until each has its own place on the grid.
    tokio::time::sleep(Duration::from_secs(interval() + TIMEOUT + 5)).await;
    let process = bed.process();
    let (from, cpu) = (hosts.clock.steady_micros(), process.cpu_seconds());
    let span = Duration::from_secs(3 * interval());
    let sockets = watch(process, span).await;
    let cpu = (process.cpu_seconds() - cpu) / span.as_secs_f64();
    let looks = hosts.since(from);
    let apart = apart(&looks);
    let missed = looks.iter().filter(|all| !(3..=4).contains(&all.len())).count();
    if missed > 0 {
        wrong(&format!("{missed} devices were not looked at three times in three intervals"));
    }
    let mut counts = vec![0_usize; usize::try_from(span.as_secs()).expect("few")];
    for at in looks.iter().flatten() {
        let second = usize::try_from((*at - from) / 1_000_000).expect("few");
        if let Some(count) = counts.get_mut(second) {
            *count += 1;
        }
    }
    let title = format!("{database:?}, {} devices, every {} s", devices(), interval());
    figures::head(&title, &["", ""]);
    let made = format!("{:.1}", seconds(made) / devices() as f64 * 1000.0);
    figures::row(&["making one: ms", &made]);
    let spread: Vec<f64> = counts.iter().map(|count| *count as f64).collect();
    figures::row(&["looks in a second: median (least to most)", &figures::cell(&spread, 0)]);
    let off = |part| format!("{:+.3}", quantile(&apart, part));
    figures::row(&["two looks apart beside the interval, s: 1 %", &off(0.01)]);
    figures::row(&["the same: 50 %", &off(0.5)]);
    figures::row(&["the same: 99 %", &off(0.99)]);
    figures::row(&["the same: most", &off(1.0)]);
    figures::row(&["open files: most", &sockets.to_string()]);
    let memory = process.memory();
    figures::row(&["memory, MiB: now (most)", &format!("{:.0} ({:.0})", memory.now, memory.most)]);
    figures::row(&["processor time, % of a core", &format!("{:.1}", cpu * 100.0)]);
    if database == Database::Postgres {
        two_nodes(bed, &hosts).await;
    }
}

/// The same by two nodes, and how long nobody looks when one of them dies.
async fn two_nodes(mut bed: Bed, hosts: &Hosts) {
    let second = bed.server.beside().await;
    let span = Duration::from_secs(2 * interval());
    let from = hosts.clock.steady_micros();
    tokio::time::sleep(span).await;
    let looks = hosts.since(from);
    // A place on the grid may lie on either edge of the span.
    let twice = looks.iter().filter(|all| all.len() > 3).count();
    let close = interval() as f64 / 2.0;
    let pairs = looks.iter().flat_map(|all| all.windows(2));
    let double = pairs.filter(|two| seconds(two[1] - two[0]) < close).count();
    bed.server.kill9();
    let died = hosts.clock.steady_micros();
    tokio::time::sleep(Duration::from_secs(2 * interval() + TIMEOUT + 5)).await;
    let after = hosts.since(from);
    let gap = |all: &Vec<i64>| {
        let before = all.iter().rev().find(|at| **at < died).copied().unwrap_or(died);
        let next = all.iter().find(|at| **at >= died).copied();
        next.map_or(f64::INFINITY, |next| seconds(next - before))
    };
    let mut gaps: Vec<f64> = after.iter().map(gap).collect();
    gaps.sort_by(f64::total_cmp);
    let longest = gaps.last().copied().unwrap_or_default();
    if longest > 2.0 * interval() as f64 {
        wrong(&format!("a device was not looked at for {longest:.0} s after a node's death"));
    }
    if twice + double > 0 {
        wrong(&format!("{double} looks were made twice, {twice} devices had too many"));
    }
    figures::row(&["two nodes: looks made by both", &(twice + double).to_string()]);
    figures::row(&["one dies: longest time between two looks, s", &format!("{longest:.1}")]);
    drop(second);
}
