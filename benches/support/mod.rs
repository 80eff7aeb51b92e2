//! What the benches share: the floor that no server of this kind passes, a lean generator of load,
//! a server with many checks, the counters of processes, and the tables that are printed.
//!
//! `OVERDUE_BENCH_QUICK=1` makes everything small: for whoever works on a bench. Its figures say
//! nothing.

pub mod bed;
pub mod due;
pub mod figures;
pub mod floor;
pub mod histogram;
pub mod load;
pub mod pages;
pub mod process;
pub mod sql;
pub mod start;
pub mod turns;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::Database;

/// Times that everything is measured, in turn, after one round that only warms up.
const ROUNDS: usize = 5;
/// How long one measurement takes.
const SPAN: Duration = Duration::from_secs(3);

/// Whether something came out that must not.
static WRONG: AtomicBool = AtomicBool::new(false);

/// Whether this is a short run.
pub fn is_quick() -> bool {
    std::env::var_os("OVERDUE_BENCH_QUICK").is_some_and(|value| !value.is_empty())
}

/// `full`, or `quick` in a short run.
pub fn scale<T>(full: T, quick: T) -> T {
    if is_quick() { quick } else { full }
}

/// Rounds that count.
pub fn rounds() -> usize {
    scale(ROUNDS, 1)
}

/// How long one measurement takes.
pub fn span() -> Duration {
    scale(SPAN, Duration::from_millis(500))
}

/// The whole of a bench: runs `measure`, or the floor where this process was started to be one.
/// It fails where something was [`wrong`], never for being slow.
pub fn run(measure: impl Future<Output = ()>) -> ExitCode {
    if floor::is_asked_for() {
        floor::serve();
        return ExitCode::SUCCESS;
    }
    if is_quick() {
        println!("OVERDUE_BENCH_QUICK is set: these figures say nothing.");
    }
    let runtime = tokio::runtime::Runtime::new().expect("the system has threads for a runtime");
    runtime.block_on(measure);
    if WRONG.load(Ordering::Relaxed) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Whether a row is to be measured: all are, unless arguments name parts of names
/// (`cargo bench --bench pings -- "close, 64"`).
pub fn is_wanted(row: &str) -> bool {
    let mut named = std::env::args().skip(1).filter(|word| !word.starts_with("--")).peekable();
    named.peek().is_none() || named.any(|part| row.contains(&part))
}

/// The databases that there are here, with a word on one that is not.
pub fn databases() -> Vec<Database> {
    let (here, missing): (Vec<Database>, Vec<Database>) =
        [Database::Sqlite, Database::Postgres].into_iter().partition(|it| it.is_here());
    for database in missing {
        println!("\n{database:?}: skipped, OVERDUE_TEST_POSTGRES names none");
    }
    here
}

/// Says that something came out that must not, whatever the machine: the bench goes on, and fails
/// at its end.
pub fn wrong(what: &str) {
    println!("\n**Wrong:** {what}\n");
    WRONG.store(true, Ordering::Relaxed);
}
