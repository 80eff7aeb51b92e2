//! All SQL of the program, one file a table family. SQL is written once, in the subset that both
//! databases share, with `$1` parameters; what must differ stands in `dialect.rs`. Nothing here
//! decides: the rules are in `domain`, and callers say what is to be written.

pub mod access_keys;
pub mod api_keys;
pub mod authenticators;
pub mod bulk;
pub mod channels;
mod checkpoint;
pub mod checks;
pub mod confirmations;
pub mod days;
pub mod dialect;
pub mod flapping;
pub mod flips;
pub mod foreign;
pub mod held;
pub mod host_looks;
pub mod identities;
pub mod invitations;
pub mod jobs;
pub mod journal;
pub mod links;
pub mod maintenance;
pub mod monitors;
pub mod members;
pub mod nodes;
pub mod notifications;
pub mod partitions;
pub mod passkeys;
pub mod pings;
pub mod projects;
pub mod retention;
pub mod run_counts;
pub mod runs;
pub mod sessions;
pub mod settings;
pub mod signals;
pub mod states;
pub mod stats;
pub mod status_pages;
pub mod tokens;
pub mod tx;
pub mod users;

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{
    ConnectOptions, Connection, Executor, PgConnection, PgPool, Postgres, SqliteConnection,
    SqlitePool,
};
use tokio::sync::Mutex;

use crate::fault::{Fault, Result};
use checkpoint::Checkpoints;
use dialect::Db;
use tx::{Conn, Tx, Writer};

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("./migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("./migrations/postgres");

/// How long a SQLite connection waits for another process to finish writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a caller waits for a free connection before the database counts as out.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Where the connection of the writer of pings was idle for so long, it is asked whether it still lives
/// before it is used.
const ASKED_AFTER: Duration = Duration::from_secs(1);
/// Pages (of 4 KiB) in SQLite's log when its writer itself moves what is left of them into the file,
/// and starts the log anew. Most of them were moved before, see `checkpoint`.
const CHECKPOINT_PAGES: &str = "16000";
/// What SQLite's log file is cut back to after a checkpoint, in bytes.
const LOG_SIZE_LIMIT: &str = "67108864";

/// What every connection to PostgreSQL is told: our statements find their rows by keys, few at a time,
/// and what is read at random costs hardly more than what is read in a row. This has to hold too for
/// plans that were made, and kept, when tables were empty and reading all of them seemed cheap; those
/// of foreign keys among them. No plan of ours is worth compiling.
const PLANS: &str = "SET jit = off; SET random_page_cost = 1.1; \
    SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";

/// Rows that SQLite's thread reads before it waits for whoever asked.
const ROWS_AHEAD: usize = 1024;

/// The open database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store(Pools);

#[derive(Clone, Debug)]
enum Pools {
    Sqlite {
        readers: SqlitePool,
        writer: Arc<Mutex<Writer>>,
        file: Arc<PathBuf>,
    },
    /// `pings` is the writer of pings alone: nobody else's haste keeps it waiting; `signals` hears what
    /// other nodes call.
    Postgres {
        pool: PgPool,
        pings: PgPool,
        signals: PgPool,
    },
}

/// A row of one number.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct IdRow {
    pub(crate) id: i64,
}

/// A flag as both databases keep it: 0 or 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct Flag(pub i16);

impl From<bool> for Flag {
    fn from(on: bool) -> Self {
        Self(i16::from(on))
    }
}

impl From<Flag> for bool {
    fn from(flag: Flag) -> Self {
        flag.0 != 0
    }
}

impl Store {
    /// Opens the database at `url` (`sqlite:…` or `postgres://…`) and brings its tables up to
    /// date. Several processes may do so at once.
    ///
    /// # Errors
    /// The database can't be reached or opened, or was made by a newer version of the program;
    /// the text says what to do.
    pub async fn open(url: &str, max_connections: u32) -> Result<Self> {
        let store = Self::open_as_it_is(url, max_connections).await?;
        store.migrate().await?;
        Ok(store)
    }

    /// As [`Store::open`], leaving the tables as they are: for a backup before an upgrade.
    ///
    /// # Errors
    /// The database can't be reached or opened.
    pub async fn open_as_it_is(url: &str, max_connections: u32) -> Result<Self> {
        if url.starts_with("sqlite:") {
            Self::open_sqlite(url, max_connections).await
        } else {
            Self::open_postgres(url, max_connections).await
        }
    }

    async fn open_sqlite(url: &str, max_connections: u32) -> Result<Self> {
        if url.contains(":memory:") || url.contains("mode=memory") {
            let reason = "must name a file: in memory every ping would be lost at the end";
            return Err(Fault::invalid("database.url", reason));
        }
        let options = SqliteConnectOptions::from_str(url)
            .map_err(|error| Fault::invalid("database.url", error.to_string()))?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            // Of a new file; in one that was made without it, free pages are only used again.
            .auto_vacuum(SqliteAutoVacuum::Incremental)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
            .pragma("journal_size_limit", LOG_SIZE_LIMIT)
            .statement_cache_capacity(512)
            .row_buffer_size(ROWS_AHEAD);
        let options = as_logged(options);
        let file = options.get_filename().to_owned();
        make_private(&file);
        let writer = connect_sqlite(&options, &file).await?;
        let checkpoints = Checkpoints::start(options.clone());
        let readers = PoolOptions::new()
            .max_connections(max_connections.max(1))
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(options.pragma("query_only", "ON"));
        Ok(Self(Pools::Sqlite {
            readers,
            writer: Arc::new(Mutex::new(Writer::new(writer, checkpoints))),
            file: Arc::new(file),
        }))
    }

    async fn open_postgres(url: &str, max_connections: u32) -> Result<Self> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| Fault::invalid("database.url", error.to_string()))?
            .application_name("overdue")
            .statement_cache_capacity(512);
        let options = as_logged(options);
        // One connection first: the pool would only say that none came in time.
        let tried = tokio::time::timeout(ACQUIRE_TIMEOUT, options.connect()).await;
        let tried = tried.map_err(|_| format!("no answer within {} s", ACQUIRE_TIMEOUT.as_secs()));
        let connection = tried.and_then(|tried| tried.map_err(|error| error.to_string()));
        let connection = connection.map_err(|error| {
            Fault::Unavailable(format!(
                "the PostgreSQL database of database.url can't be reached: {error}"
            ))
        })?;
        connection.close().await?;
        let others = max_connections.saturating_sub(2).max(2);
        let pool = postgres_pool(others).connect_lazy_with(options.clone());
        let pings = postgres_pool(1)
            // Asking each time whether its connection still lives would double the price of a ping.
            .test_before_acquire(false)
            .before_acquire(|connection: &mut PgConnection, used| {
                Box::pin(async move {
                    Ok(used.idle_for < ASKED_AFTER || connection.ping().await.is_ok())
                })
            })
            .connect_lazy_with(options.clone());
        let signals = PoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE_TIMEOUT);
        let signals = signals.connect_lazy_with(options);
        Ok(Self(Pools::Postgres { pool, pings, signals }))
    }

    /// The same database by the way that is kept for the writer of pings.
    #[must_use]
    pub fn of_pings(&self) -> Self {
        match &self.0 {
            Pools::Postgres { pings, signals, .. } => {
                let (pool, pings, signals) = (pings.clone(), pings.clone(), signals.clone());
                Self(Pools::Postgres { pool, pings, signals })
            }
            Pools::Sqlite { .. } => self.clone(),
        }
    }

    async fn migrate(&self) -> Result<()> {
        match &self.0 {
            Pools::Sqlite { writer, .. } => {
                let mut writer = writer.lock().await;
                // One immediate transaction around all of it: SQLite has no migration lock.
                let mut whole = writer.connection.begin_with("BEGIN IMMEDIATE").await?;
                SQLITE_MIGRATIONS.run(&mut *whole).await.map_err(explain_migration)?;
                whole.commit().await?;
            }
            Pools::Postgres { pool, .. } => {
                POSTGRES_MIGRATIONS.run(pool).await.map_err(explain_migration)?;
            }
        }
        Ok(())
    }

    /// Which database it is.
    #[must_use]
    pub fn db(&self) -> Db {
        match &self.0 {
            Pools::Sqlite { .. } => Db::Sqlite,
            Pools::Postgres { .. } => Db::Postgres,
        }
    }

    /// The file of a SQLite database; none for PostgreSQL.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            Pools::Sqlite { file, .. } => Some(file),
            Pools::Postgres { .. } => None,
        }
    }

    /// A connection for reading, outside of any transaction.
    ///
    /// # Errors
    /// None became free in time, or the database is out.
    pub async fn read(&self) -> Result<Conn> {
        Ok(match &self.0 {
            Pools::Sqlite { readers, .. } => Conn::sqlite(readers.acquire().await?),
            Pools::Postgres { pool, .. } => Conn::postgres(pool.acquire().await?),
        })
    }

    /// Begins a writing transaction. On SQLite writers follow one another in the order in which
    /// they asked. A caller that may be cancelled must run on a task of its own.
    ///
    /// # Errors
    /// The database is out.
    pub async fn begin(&self) -> Result<Tx> {
        match &self.0 {
            Pools::Sqlite { writer, .. } => {
                Tx::begin_sqlite(writer.clone().lock_owned().await).await
            }
            Pools::Postgres { pool, .. } => Ok(Tx::postgres(pool.begin().await?)),
        }
    }

    /// Writes a consistent copy of a SQLite database to a file that does not exist yet, while
    /// others read and write.
    ///
    /// # Errors
    /// The file exists or can't be written, or this is PostgreSQL.
    pub async fn copy_to(&self, target: &Path) -> Result<()> {
        let Pools::Sqlite { file, .. } = &self.0 else {
            return Err(Fault::internal("only SQLite databases are copied by the program"));
        };
        let options =
            SqliteConnectOptions::new().filename(file.as_path()).busy_timeout(BUSY_TIMEOUT);
        let mut connection = options.connect().await?;
        let target = target
            .to_str()
            .ok_or_else(|| Fault::invalid("FILE", "must be a path that can be written as UTF-8"))?;
        sqlx::query("VACUUM INTO $1").bind(target).execute(&mut connection).await?;
        connection.close().await?;
        Ok(())
    }

    /// Closes every connection, after the running work on them.
    pub async fn close(&self) {
        match &self.0 {
            Pools::Sqlite { readers, writer, .. } => {
                readers.close().await;
                let mut writer = writer.lock().await;
                // The next start is quicker with an empty log; nothing depends on it.
                let tidy = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
                if let Err(error) = tidy.execute(&mut writer.connection).await {
                    tracing::debug!(%error, "the log was left as it is");
                }
            }
            Pools::Postgres { pool, pings, signals } => {
                pings.close().await;
                signals.close().await;
                pool.close().await;
            }
        }
    }
}

/// Makes a database file that is not there yet for its owner alone: it holds password hashes and
/// ping keys. SQLite gives the files beside it the same rights. Where it can't be made, opening it
/// says why.
fn make_private(file: &Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let _ = options.open(file);
}

fn postgres_pool(most: u32) -> PoolOptions<Postgres> {
    PoolOptions::new().max_connections(most).acquire_timeout(ACQUIRE_TIMEOUT).after_connect(
        |connection: &mut PgConnection, _| {
            Box::pin(async move { connection.execute(PLANS).await.map(drop) })
        },
    )
}

/// With every statement in the log where the log's level at the start asks for that, and otherwise
/// without the price of asking at each.
fn as_logged<O: ConnectOptions>(options: O) -> O {
    if tracing::enabled!(target: "sqlx::query", tracing::Level::DEBUG) {
        options
    } else {
        options.disable_statement_logging()
    }
}

/// The very first switch of a new file to its log answers "locked" at once where two processes
/// do it together; so this is tried again for a while.
async fn connect_sqlite(options: &SqliteConnectOptions, file: &Path) -> Result<SqliteConnection> {
    let mut attempt = 0;
    loop {
        match options.connect().await {
            Ok(connection) => return Ok(connection),
            Err(sqlx::Error::Database(error))
                if attempt < 100 && matches!(error.code().as_deref(), Some("5" | "6" | "261")) =>
            {
                attempt += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => {
                let hint = match &error {
                    sqlx::Error::Database(error) if error.code().as_deref() == Some("26") => "",
                    _ => "; its folder must exist and be writable for this user",
                };
                return Err(Fault::Unavailable(format!(
                    "the SQLite database {} can't be opened: {error}{hint}",
                    file.display()
                )));
            }
        }
    }
}

fn explain_migration(error: MigrateError) -> Fault {
    match error {
        MigrateError::VersionMissing(version) => Fault::Unavailable(format!(
            "the database was made by a newer version of Overdue (migration {version}); \
             install that version or a later one"
        )),
        error => Fault::Unavailable(format!("the tables could not be brought up to date: {error}")),
    }
}
