//! What happens when far more is asked of the server than it can do, and when thousands of clients
//! connect and do nothing: `cargo bench --bench overload`. `README.md` beside this file says how to
//! read it.

#![allow(clippy::cast_precision_loss, reason = "nothing here is measured to 52 bits")]

#[path = "support/mod.rs"]
#[allow(dead_code, reason = "shared by all benches")]
mod bench;
#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the rig of the tests, which use all of it")]
mod support;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use bench::bed::{Bed, Pings};
use bench::load::{Load, Style, Tally};
use bench::{figures, scale};
use support::Database;

/// Checks of every server here.
const CHECKS: usize = 1_000;
/// Connections of a load that the server takes.
const CONNECTIONS: usize = 64;
/// Clients that send a byte a second.
const SLOW: usize = 500;

/// Connections of the load that is too much, each sending a request as soon as it has the answer to
/// the last, without heeding `Retry-After`: more than ten times what fills the server's batches,
/// and twice what its queue takes.
fn too_many() -> usize {
    scale(10_000, 6_500)
}

/// Clients that connect and send nothing.
fn idle() -> usize {
    scale(10_000, 1_000)
}

fn main() -> ExitCode {
    bench::run(async {
        let files = rlimit::increase_nofile_limit(u64::MAX).expect("the system tells the limit");
        let needed = too_many().max(idle() + SLOW) + 500;
        if files < needed as u64 {
            bench::wrong(&format!(
                "only {files} files may be open, {needed} are needed: ulimit -n"
            ));
            return;
        }
        for database in bench::databases() {
            overload(database).await;
            slow_clients(database).await;
        }
    })
}

/// One round of [`overload`].
struct Round {
    before: Tally,
    too_much: Tally,
    after: Tally,
    memory: [f64; 3],
}

/// A load that fits, then one that does not, then one second after that one's end the first again.
async fn overload(database: Database) {
    let mut rounds = Vec::new();
    for round in 0..=bench::rounds() {
        // A new server each time: the most memory is counted from its start.
        let bed = Bed::start(database, CHECKS, &[]).await;
        let fits = bed.load(Style::KeepAlive, CONNECTIONS, Pings::PLAIN).await;
        let measured = one_overload(&bed, &fits).await;
        // The first round only warms up.
        if round > 0 {
            rounds.push(measured);
        }
    }
    print_overload(database, &rounds);
}

async fn one_overload(bed: &Bed, fits: &Load) -> Round {
    let before = fits.drive(bench::span()).await;
    before.check("pings before", false);
    let calm = bed.process().memory().now;
    let underway = Load { connections: too_many(), ..fits.clone() }.start();
    underway.connected().await;
    underway.count_from_now();
    tokio::time::sleep(2 * bench::span()).await;
    let too_much = underway.stop().await;
    too_much.check("pings that are too many", true);
    let most = bed.process().memory().most;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = fits.drive(bench::span()).await;
    after.check("pings after", false);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let answered = before.ok + too_much.ok + after.ok;
    bed.check_stored("after an overload", answered).await;
    Round { before, too_much, after, memory: [calm, most, bed.process().memory().now] }
}

fn print_overload(database: Database, rounds: &[Round]) {
    let row = |name: &str, decimals, of: &dyn Fn(&Round) -> f64| {
        let numbers: Vec<f64> = rounds.iter().map(of).collect();
        figures::row(&[name, &figures::cell(&numbers, decimals)]);
    };
    let title = format!("{database:?}, {} connections at once: median (least to most)", too_many());
    figures::head(&title, &["", ""]);
    let asked = |it: &Round| it.too_much.rate() + it.too_much.busy as f64 / it.too_much.seconds;
    row("before, keep-alive, 64 connections: pings a second", 0, &|it| it.before.rate());
    row("asked for, by the rate before", 2, &|it| asked(it) / it.before.rate());
    row("answered 200, a second", 0, &|it| it.too_much.rate());
    row("answered 503 with Retry-After, a second", 0, &|it| asked(it) - it.too_much.rate());
    row("p99 of those answered 200, ms", 0, &|it| it.too_much.latency.quantile(0.99));
    row("the longest, ms", 0, &|it| it.too_much.latency.most());
    row("a second later, by the rate before", 2, &|it| it.after.rate() / it.before.rate());
    for (at, when) in ["before", "at most", "6 s and a load later"].iter().enumerate() {
        row(&format!("memory {when}, MiB"), 0, &|it| it.memory[at]);
    }
}

/// A load that fits, alone and beside clients that only hold connections, in turn.
async fn slow_clients(database: Database) {
    let bed = Bed::start(database, CHECKS, &[]).await;
    let load = bed.load(Style::Close, CONNECTIONS, Pings::PLAIN).await;
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for round in 0..=bench::rounds() {
        let without = load.drive(bench::span()).await;
        without.check("pings alone", false);
        let memory_without = bed.process().memory().now;
        let crowd = Crowd::come(bed.api.address).await;
        let with = load.drive(bench::span()).await;
        with.check("pings beside slow clients", false);
        let memory_with = bed.process().memory().now;
        crowd.leave();
        // The first round only warms up.
        if round > 0 {
            alone.push((without, memory_without));
            beside.push((with, memory_with));
        }
    }
    let columns = ["pings, close, 64 connections", "a second", "p99 ms", "worst ms", "memory, MiB"];
    figures::head(&format!("{database:?}: median (least to most)"), &columns);
    let names = ["alone".to_owned(), format!("beside {} idle and {SLOW} slow clients", idle())];
    for (name, tallies) in names.iter().zip([&alone, &beside]) {
        let of =
            |number: fn(&(Tally, f64)) -> f64| tallies.iter().map(number).collect::<Vec<f64>>();
        figures::row(&[
            name,
            &figures::cell(&of(|it| it.0.rate()), 0),
            &figures::cell(&of(|it| it.0.latency.quantile(0.99)), 1),
            &figures::cell(&of(|it| it.0.latency.most()), 0),
            &figures::cell(&of(|it| it.1), 0),
        ]);
    }
}

/// Clients that take a connection each and give the server next to nothing to do.
struct Crowd {
    idle: Vec<TcpStream>,
    slow: Vec<JoinHandle<()>>,
}

impl Crowd {
    async fn come(address: SocketAddr) -> Self {
        let (mut idle_ones, mut slow) = (Vec::new(), Vec::new());
        for _ in 0..idle() {
            idle_ones.push(TcpStream::connect(address).await.unwrap());
        }
        for _ in 0..SLOW {
            let stream = TcpStream::connect(address).await.unwrap();
            slow.push(tokio::spawn(dawdle(stream)));
        }
        Self { idle: idle_ones, slow }
    }

    /// They hang up. Those that the server has cut off meanwhile were not there to be measured.
    fn leave(self) {
        let cut = self.idle.iter().filter(|stream| !is_open(stream)).count();
        let gone = self.slow.iter().filter(|task| task.is_finished()).count();
        if cut + gone > 0 {
            bench::wrong(&format!("{cut} idle and {gone} slow clients were cut off"));
        }
        for task in self.slow {
            task.abort();
        }
    }
}

/// Whether there is nothing to read, not even an end.
fn is_open(stream: &TcpStream) -> bool {
    matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

/// Sends the head of a request, a byte a second, until the server has enough of it.
async fn dawdle(mut stream: TcpStream) {
    let head =
        b"GET /ping/00000000-0000-4000-8000-000000000000 HTTP/1.1\r\nHost: overdue\r\nX-Slow: ";
    for byte in head.iter().chain(std::iter::repeat(&b'x')) {
        if stream.write_all(&[*byte]).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
