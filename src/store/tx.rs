//! Connections and transactions on whichever database is open, and the four small macros by which
//! every query of the program is run on it.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{Executor, PgConnection, Postgres, Sqlite, SqliteConnection};
use tokio::sync::OwnedMutexGuard;

use super::checkpoint::Checkpoints;
use super::dialect::{Db, Writes};
use crate::fault::{Fault, Result};

/// A connection, inside a transaction or not. Queries run on it through `fetch_all!`,
/// `fetch_optional!`, `fetch_value!` and `execute!`.
#[derive(Debug)]
pub struct Conn(Kind);

#[derive(Debug)]
enum Kind {
    SqliteReader(PoolConnection<Sqlite>),
    /// None only while a dropped transaction is being rolled back.
    SqliteWriter(Option<OwnedMutexGuard<Writer>>),
    Postgres(PoolConnection<Postgres>),
    PostgresTx(sqlx::Transaction<'static, Postgres>),
}

/// A borrowed connection of the one or the other database; what the macros match on.
pub(crate) enum Link<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

impl Conn {
    pub(super) fn sqlite(connection: PoolConnection<Sqlite>) -> Self {
        Self(Kind::SqliteReader(connection))
    }

    pub(super) fn postgres(connection: PoolConnection<Postgres>) -> Self {
        Self(Kind::Postgres(connection))
    }

    /// Which database this is; for `dialect.rs` and those who ask it for a text.
    #[must_use]
    pub(crate) fn db(&self) -> Db {
        match self.0 {
            Kind::SqliteReader(_) | Kind::SqliteWriter(_) => Db::Sqlite,
            Kind::Postgres(_) | Kind::PostgresTx(_) => Db::Postgres,
        }
    }

    pub(crate) async fn link(&mut self) -> Result<Link<'_>> {
        Ok(match &mut self.0 {
            Kind::SqliteReader(connection) => Link::Sqlite(&mut *connection),
            Kind::SqliteWriter(Some(writer)) => {
                match writer.stage {
                    Stage::Idle => writer.begin().await?,
                    Stage::Open => {}
                    Stage::Ended => {
                        return Err(Fault::internal("a transaction used after its end"));
                    }
                }
                Link::Sqlite(&mut writer.connection)
            }
            Kind::SqliteWriter(None) => {
                return Err(Fault::internal("a transaction used after its end"));
            }
            Kind::Postgres(connection) => Link::Postgres(&mut *connection),
            Kind::PostgresTx(transaction) => Link::Postgres(&mut *transaction),
        })
    }
}

impl Conn {
    /// What stands before the text of a statement so that it begins the transaction by itself, where
    /// that has not begun: a call less.
    pub(super) fn beginning(&mut self) -> &'static str {
        match &mut self.0 {
            Kind::SqliteWriter(Some(writer)) if writer.stage == Stage::Idle => {
                writer.stage = Stage::Open;
                "BEGIN IMMEDIATE; "
            }
            _ => "",
        }
    }

    /// A write was refused: SQLite has ended the transaction, or is about to.
    pub(super) fn end(&mut self) {
        if let Kind::SqliteWriter(Some(writer)) = &mut self.0 {
            writer.stage = Stage::Ended;
        }
    }
}

/// The one SQLite connection that writes.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) connection: SqliteConnection,
    stage: Stage,
    checkpoints: Checkpoints,
}

/// How far the writer's transaction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It begins with its first statement.
    Idle,
    /// It has begun, or was about to.
    Open,
    /// The database ended it, or may have, for one of its writes was refused.
    Ended,
}

impl Writer {
    pub(super) fn new(connection: SqliteConnection, checkpoints: Checkpoints) -> Self {
        Self { connection, stage: Stage::Idle, checkpoints }
    }

    async fn begin(&mut self) -> Result<()> {
        // Set before the call: if it is cut short, the next one rolls back first.
        self.stage = Stage::Open;
        self.connection.execute("BEGIN IMMEDIATE").await?;
        Ok(())
    }

    /// Runs the last writes and commits, in one call.
    async fn commit(&mut self, writes: Writes) -> Result<()> {
        match self.stage {
            Stage::Idle if writes.is_empty() => return Ok(()),
            Stage::Idle => self.begin().await?,
            Stage::Open => {}
            Stage::Ended => return Err(Fault::internal("a transaction used after its end")),
        }
        writes.execute_sqlite(&mut self.connection, "COMMIT").await?;
        self.stage = Stage::Idle;
        self.checkpoints.count();
        Ok(())
    }

    /// Ends a transaction that was left open. Where the database has ended it by itself already
    /// (as it does on some errors) there is nothing to do, and its complaint means nothing.
    async fn roll_back(&mut self) -> Result<()> {
        if self.stage != Stage::Idle {
            match self.connection.execute("ROLLBACK").await {
                Ok(_) | Err(sqlx::Error::Database(_)) => self.stage = Stage::Idle,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// A writing transaction: everything until [`Tx::commit`] happens together or, if that is never
/// called, not at all. On SQLite it holds the program's one writing connection.
#[derive(Debug)]
pub struct Tx(Conn);

impl Tx {
    /// One that begins with its first statement.
    pub(super) async fn begin_sqlite(mut writer: OwnedMutexGuard<Writer>) -> Result<Self> {
        writer.roll_back().await?;
        Ok(Self(Conn(Kind::SqliteWriter(Some(writer)))))
    }

    pub(super) fn postgres(transaction: sqlx::Transaction<'static, Postgres>) -> Self {
        Self(Conn(Kind::PostgresTx(transaction)))
    }

    /// Makes everything in it durable.
    ///
    /// # Errors
    /// The database could not; then nothing of it has happened.
    pub async fn commit(self) -> Result<()> {
        self.commit_with(Writes::default()).await
    }

    /// Runs these writes as the last of it, and makes everything in it durable.
    ///
    /// # Errors
    /// The database could not; then nothing of it has happened.
    pub async fn commit_with(mut self, last: Writes) -> Result<()> {
        match &mut self.0.0 {
            Kind::SqliteWriter(slot) => {
                // It stays in its place: should this be cut short, dropping rolls back at once.
                match slot {
                    Some(writer) => writer.commit(last).await,
                    None => Ok(()),
                }
            }
            Kind::PostgresTx(_) => {
                last.execute(&mut self.0).await?;
                match std::mem::replace(&mut self.0.0, Kind::SqliteWriter(None)) {
                    Kind::PostgresTx(transaction) => Ok(transaction.commit().await?),
                    _ => Ok(()),
                }
            }
            Kind::SqliteReader(_) | Kind::Postgres(_) => Ok(()),
        }
    }
}

impl Drop for Tx {
    /// Rolls back what was not committed, without waiting for the next writer to find it: another
    /// process could not write meanwhile. (`sqlx` does the same for PostgreSQL.)
    fn drop(&mut self) {
        if let Kind::SqliteWriter(slot) = &mut self.0.0
            && let Some(mut writer) = slot.take()
            && writer.stage != Stage::Idle
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move {
                if let Err(error) = writer.roll_back().await {
                    tracing::warn!(%error, "a transaction could not be rolled back yet");
                }
            });
        }
    }
}

impl Deref for Tx {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        &self.0
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0
    }
}

/// Runs one piece of code on the connection of whichever database is open.
macro_rules! on_link {
    ($conn:expr, $link:ident => $body:expr) => {
        match $conn.link().await? {
            crate::store::tx::Link::Sqlite($link) => $body,
            crate::store::tx::Link::Postgres($link) => $body,
        }
    };
}

/// `fetch_all!(conn, Row, sql, bind, …)`: all rows, each read as `Row`.
macro_rules! fetch_all {
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let rows: Vec<$row> = crate::store::tx::on_link!($conn, link =>
            sqlx::query_as($sql)$(.bind($bind))*.fetch_all(&mut *link).await?);
        rows
    }};
}

/// `fetch_optional!(conn, Row, sql, bind, …)`: the first row, if there is one.
macro_rules! fetch_optional {
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let row: Option<$row> = crate::store::tx::on_link!($conn, link =>
            sqlx::query_as($sql)$(.bind($bind))*.fetch_optional(&mut *link).await?);
        row
    }};
}

/// `fetch_value!(conn, Type, sql, bind, …)`: the first column of the one row.
macro_rules! fetch_value {
    ($conn:expr, $type:ty, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let value: $type = crate::store::tx::on_link!($conn, link =>
            sqlx::query_scalar($sql)$(.bind($bind))*.fetch_one(&mut *link).await?);
        value
    }};
}

/// `execute!(conn, sql, bind, …)`: how many rows it changed.
macro_rules! execute {
    ($conn:expr, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let changed: u64 = crate::store::tx::on_link!($conn, link =>
            sqlx::query($sql)$(.bind($bind))*.execute(&mut *link).await?.rows_affected());
        changed
    }};
}

pub(crate) use {execute, fetch_all, fetch_optional, fetch_value, on_link};
