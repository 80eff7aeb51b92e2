//! The rig of the black-box tests: databases, the real server, its API, the raw wire, a visitor
//! of its pages, a receiver for what the server sends, a disk that remembers. It knows the command
//! line, the configuration and the wire, and of the program's inside nothing but the clock.

pub mod answer;
pub mod api;
pub mod databases;
pub mod disk;
pub mod folder;
pub mod post;
pub mod identity;
pub mod raw;
pub mod receiver;
pub mod server;
pub mod visitor;

pub(crate) use databases::{Database, both_databases};

use std::io::Write;
use std::time::Duration;

use overdue::clock::{Clock, Timestamp};

/// How long anything may take before a test gives up on it.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The wall clock: the server's own, as both run on one machine.
pub fn now() -> Timestamp {
    Clock::system().now()
}

/// A time as the API writes it.
pub fn time(value: &serde_json::Value) -> Timestamp {
    value.as_str().unwrap_or_else(|| panic!("{value} is no time")).parse().unwrap()
}

/// Says what is not tested for want of a program or a right, past the harness, which keeps what a
/// passing test prints to itself. Under `./test`, which installs all programs, their want is an error.
pub fn pass_over(what: &str) {
    let all = std::env::var_os("OVERDUE_TEST_ALL");
    assert!(all.is_none_or(|value| value.is_empty()), "{what}");
    say(what);
}

/// Says something past the harness.
pub fn say(what: &str) {
    let mut terminal = std::io::stderr();
    let _ = writeln!(terminal, "\n{what}");
}

/// A random UUID, in its canonical form.
pub fn new_uuid() -> String {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string()
}

/// `prefix` and 64 random bits: a name that no other test has.
pub fn random_name(prefix: &str) -> String {
    format!("{prefix}{:016x}", rand::random::<u64>())
}

/// Asks again and again until there is something; fails, naming `what`, when patience ends.
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(value) = ask().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    });
    found.await.unwrap_or_else(|_| panic!("not within {} s: {what}", PATIENCE.as_secs()))
}
