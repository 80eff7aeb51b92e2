//! What nodes on one PostgreSQL call to each other (`LISTEN`, `NOTIFY`). A call is heard by all who listen
//! at that moment and kept for nobody: beneath it everybody looks now and then.

use sqlx::postgres::PgListener;

use super::tx::{Conn, execute};
use super::{Pools, Store};
use crate::fault::{Fault, Result};

/// The name under which they call.
const CHANNEL: &str = "overdue";
/// The longest call, in bytes: less than the 8,000 that PostgreSQL takes.
pub const LONGEST: usize = 7_500;

/// The calls of all nodes, one's own among them.
#[derive(Debug)]
pub struct Signals(PgListener);

impl Store {
    /// Begins to listen, on a connection of its own.
    ///
    /// # Errors
    /// The database is out, or is one that a single process uses.
    pub async fn signals(&self) -> Result<Signals> {
        let Pools::Postgres { signals, .. } = &self.0 else {
            return Err(Fault::internal("SQLite has no other nodes"));
        };
        let mut listener = PgListener::connect_with(signals).await?;
        listener.listen(CHANNEL).await?;
        Ok(Signals(listener))
    }
}

impl Signals {
    /// The next call.
    ///
    /// # Errors
    /// The connection is gone, and calls with it.
    pub async fn next(&mut self) -> Result<String> {
        match self.0.try_recv().await? {
            Some(call) => Ok(call.payload().to_owned()),
            None => Err(Fault::Unavailable("nothing is heard from other nodes".to_owned())),
        }
    }
}

/// Calls.
///
/// # Errors
/// The database is out.
pub async fn call(conn: &mut Conn, text: &str) -> Result<()> {
    execute!(conn, "SELECT pg_notify($1, $2)", CHANNEL, text);
    Ok(())
}
