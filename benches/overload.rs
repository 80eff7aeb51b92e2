//! What happens when far more is asked of the server than it can do, and when thousands of clients
//! connect and do nothing: `cargo bench --bench overload`. `README.md` beside this file says how to
//! read it.

#![allow(clippy::cast_precision_loss, reason = "nothing here is measured to 52 bits")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "paces are small")]

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
use support::{Database, disk};

/// Checks of every server here.
const CHECKS: usize = 1_000;
/// Connections of a load that the server takes.
const CONNECTIONS: usize = 64;
/// Connections that show what a slow database takes: more than fill a batch, as others wait while
/// one is stored, and fewer than the queue has room for.
const CONNECTIONS_SLOW: usize = 1_536;
/// What a slow database takes longer for each batch: so much that ten times as many pings as it
/// stores are few enough to be sent from the same machine.
const DELAY: Duration = Duration::from_millis(250);
/// How many times as much as a slow database takes is offered.
const TIMES: f64 = 10.0;
/// And how many times after that, of what it took before.
const HALF: f64 = 0.5;
/// Clients that send a byte a second.
const SLOW: usize = 500;

/// Connections of the load that is too much: more than ten times what fills the server's batches,
/// and twice what its queue takes. Nobody heeds `Retry-After`.
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
            overload(database, Disk::AsItIs).await;
            if database == Database::Postgres || disk::shim().is_some() {
                overload(database, Disk::Slow).await;
            }
            slow_clients(database).await;
        }
    })
}

/// What the database is stored on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Disk {
    /// The connections send as much as they can: what else the machine is able to.
    AsItIs,
    /// Every batch takes [`DELAY`] longer, and [`TIMES`] as many pings as fit are offered.
    Slow,
}

impl Disk {
    fn connections(self) -> usize {
        match self {
            Self::AsItIs => CONNECTIONS,
            Self::Slow => CONNECTIONS_SLOW,
        }
    }

    fn name(self) -> String {
        match self {
            Self::AsItIs => format!("{} connections at once", too_many()),
            Self::Slow => {
                let delay = DELAY.as_millis();
                format!("{delay} ms more for each batch, {TIMES} times what it stores then")
            }
        }
    }

    /// A new server each time: the most memory is counted from its start.
    async fn bed(self, database: Database) -> Bed {
        let mut bed = Bed::start(database, CHECKS, &[]).await;
        if self == Self::AsItIs {
            return bed;
        }
        bed.stop().await;
        let mut settings = Vec::new();
        match database {
            // PostgreSQL's disk is its own: there the statement that stores a batch waits.
            Database::Postgres => bed.sql().await.run(&slow_statements()).await,
            Database::Sqlite => {
                settings = disk::slow(&disk::shim().expect("it was there before"), DELAY);
            }
        }
        bed.server.restart_with(&disk::borrowed(&settings)).await;
        bed
    }
}

/// Lets every statement that stores pings take [`DELAY`] longer.
fn slow_statements() -> String {
    format!(
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_sleep({}); RETURN NULL; END $$; \
         CREATE TRIGGER dawdle AFTER INSERT ON pings FOR EACH STATEMENT EXECUTE FUNCTION dawdle()",
        DELAY.as_secs_f64()
    )
}

/// One round of [`overload`].
struct Round {
    before: Tally,
    too_much: Tally,
    after: Tally,
    memory: [f64; 3],
}

/// A load that fits, then one that does not, and from that one's end the first again.
async fn overload(database: Database, disk: Disk) {
    let mut rounds = Vec::new();
    for round in 0..=bench::rounds() {
        let measured = one_overload(&disk.bed(database).await, disk).await;
        // The first round only warms up.
        if round > 0 {
            rounds.push(measured);
        }
    }
    print_overload(database, disk, &rounds);
}

async fn one_overload(bed: &Bed, disk: Disk) -> Round {
    let fits = bed.load(Style::KeepAlive, disk.connections(), Pings::PLAIN).await;
    let before = from_second_on(&fits).await;
    before.check("pings before", disk == Disk::Slow);
    let calm = bed.process().memory().now;
    let paced = |times| (disk == Disk::Slow).then(|| (before.rate() * times) as u32);
    let too_much = Load { connections: too_many(), pace: paced(TIMES), ..fits.clone() };
    let underway = too_much.start();
    underway.connected().await;
    underway.count_from_now();
    tokio::time::sleep(2 * bench::span()).await;
    // What still waits in the server at this moment is in the way of those that come now.
    underway.break_off();
    let again = Load { pace: paced(HALF), ..fits };
    let (too_much, after) = tokio::join!(underway.stop(), from_second_on(&again));
    too_much.check("pings that are too many", true);
    after.check("pings from a second after an overload", true);
    let most = bed.process().memory().most;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut promised = before.promised;
    promised += too_much.promised;
    promised += after.promised;
    bed.check_stored("after an overload", promised).await;
    Round { before, too_much, after, memory: [calm, most, bed.process().memory().now] }
}

/// Goes on for a second and then is counted.
async fn from_second_on(load: &Load) -> Tally {
    let underway = load.start();
    tokio::time::sleep(Duration::from_secs(1)).await;
    underway.count_from_now();
    tokio::time::sleep(bench::span()).await;
    underway.stop().await
}

fn print_overload(database: Database, disk: Disk, rounds: &[Round]) {
    let row = |name: &str, decimals, of: &dyn Fn(&Round) -> f64| {
        let numbers: Vec<f64> = rounds.iter().map(of).collect();
        figures::row(&[name, &figures::cell(&numbers, decimals)]);
    };
    let title = format!("{database:?}, {}: median (least to most)", disk.name());
    figures::head(&title, &["", ""]);
    let before = format!("before, keep-alive, {} connections", disk.connections());
    row(&format!("{before}: pings a second"), 0, &|it| it.before.rate());
    row("offered, a second", 0, &|it| it.too_much.offered());
    row("offered, by the rate before", 2, &|it| it.too_much.offered() / it.before.rate());
    row("were due and could not be sent", 0, &|it| it.too_much.unsent as f64);
    let ok = |it: &Round| it.too_much.ok_meanwhile as f64 / it.too_much.sending;
    row("answered 200, a second", 0, &ok);
    row("the same, by the rate before", 2, &|it| ok(it) / it.before.rate());
    let busy = |it: &Round| it.too_much.busy as f64 / it.too_much.sending;
    row("answered 503 with Retry-After, a second", 0, &busy);
    row("p99 of those answered 200, ms", 0, &|it| it.too_much.latency.quantile(0.99));
    row("the longest, ms", 0, &|it| it.too_much.latency.most());
    row("p99 from when they went out, ms", 0, &|it| it.too_much.once_sent.quantile(0.99));
    row("the longest, ms", 0, &|it| it.too_much.once_sent.most());
    let again = match disk {
        Disk::AsItIs => "from a second after its end, the same as before",
        Disk::Slow => "from a second after its end, half of the rate before",
    };
    row(&format!("{again}: pings a second"), 0, &|it| it.after.rate());
    row("the same, by the rate before", 2, &|it| it.after.rate() / it.before.rate());
    row("answered 503 then", 0, &|it| it.after.busy as f64);
    row("p99 then, ms", 0, &|it| it.after.latency.quantile(0.99));
    for (at, when) in ["before", "at most", "another load later"].iter().enumerate() {
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
    let columns =
        ["pings, close, 64 connections", "a second", "p99 ms", "longest ms", "memory, MiB"];
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
