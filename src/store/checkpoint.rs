//! SQLite's log moves into the file beside the writer, on a connection of its own, so that a commit
//! hardly ever waits for it: with many checks every page of the log is another one of the file, and
//! moving them takes as long as dozens of commits.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Executor, SqliteConnection};
use tokio::sync::mpsc;

use crate::fault::Result;

/// Commits after which the log is moved: so seldom that an idle server leaves its disk alone, and so
/// often that a busy one has little left to move when its writer starts the log anew.
const EVERY: u32 = 32;

/// Counts commits, and says when it is time.
#[derive(Debug)]
pub(super) struct Checkpoints {
    commits: u32,
    wake: mpsc::Sender<()>,
}

impl Checkpoints {
    /// Of the database that these options open. It ends when this is dropped.
    pub(super) fn start(options: SqliteConnectOptions) -> Self {
        let (wake, woken) = mpsc::channel(1);
        tokio::spawn(keep(options, woken));
        Self { commits: 0, wake }
    }

    /// After each commit.
    pub(super) fn count(&mut self) {
        self.commits += 1;
        if self.commits >= EVERY {
            self.commits = 0;
            // Where one waits already, that one takes these along.
            let _ = self.wake.try_send(());
        }
    }
}

async fn keep(options: SqliteConnectOptions, mut woken: mpsc::Receiver<()>) {
    let mut connection = None;
    while woken.recv().await.is_some() {
        if let Err(error) = checkpoint(&options, &mut connection).await {
            // The writer does it then, when its log is long enough.
            tracing::debug!(%error, "SQLite's log was left as it is");
            connection = None;
        }
    }
}

async fn checkpoint(
    options: &SqliteConnectOptions,
    connection: &mut Option<SqliteConnection>,
) -> Result<()> {
    if connection.is_none() {
        *connection = Some(options.connect().await?);
    }
    if let Some(connection) = connection {
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").await?;
    }
    Ok(())
}
