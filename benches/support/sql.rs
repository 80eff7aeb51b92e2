//! The server's database, looked into and filled from outside.

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use crate::support::databases::Fresh;

/// A connection to a server's database.
pub enum Sql {
    /// To its file.
    Sqlite(SqliteConnection),
    /// To its PostgreSQL.
    Postgres(PgConnection),
}

/// The same expression for either.
macro_rules! on_either {
    ($sql:expr, $connection:ident => $work:expr) => {
        match $sql {
            Sql::Sqlite($connection) => $work,
            Sql::Postgres($connection) => $work,
        }
    };
}

impl Sql {
    /// Connects.
    pub async fn open(database: &Fresh) -> Self {
        if database.postgres_name().is_some() {
            return Self::Postgres(PgConnection::connect(&database.url).await.unwrap());
        }
        Self::Sqlite(SqliteConnection::connect(&database.url).await.unwrap())
    }

    /// Runs statements.
    pub async fn run(&mut self, text: &str) {
        let query = sqlx::raw_sql(AssertSqlSafe(text.to_owned()));
        on_either!(self, connection => query.execute(connection).await.map(drop)).unwrap();
    }

    /// The one number that a query gives.
    pub async fn number(&mut self, text: &str) -> i64 {
        let text = AssertSqlSafe(text.to_owned());
        on_either!(self, it => sqlx::query_scalar(text).fetch_one(it).await).unwrap()
    }

    /// The one column of texts that a query gives.
    pub async fn texts(&mut self, text: &str) -> Vec<String> {
        let text = AssertSqlSafe(text.to_owned());
        on_either!(self, it => sqlx::query_scalar(text).fetch_all(it).await).unwrap()
    }

    /// Copies the rows of a table, or makes many of each: `source` is what stands behind `FROM` and
    /// calls the table `t`; `changed` gives the columns that differ and what they are, everything
    /// else stays. A column that is `None` is left to the database.
    pub async fn copy(&mut self, table: &str, source: &str, changed: &[(&str, Option<&str>)]) {
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for column in self.columns(table).await {
            match changed.iter().find(|(name, _)| *name == column) {
                Some((_, None)) => continue,
                Some((_, Some(value))) => values.push((*value).to_owned()),
                None => values.push(format!("t.{column}")),
            }
            names.push(column);
        }
        let (names, values) = (names.join(", "), values.join(", "));
        self.run(&format!("INSERT INTO {table} ({names}) SELECT {values} FROM {source}")).await;
    }

    async fn columns(&mut self, table: &str) -> Vec<String> {
        let query = match self {
            Self::Sqlite(_) => format!("SELECT name FROM pragma_table_info('{table}')"),
            Self::Postgres(_) => format!(
                "SELECT column_name::text FROM information_schema.columns \
                 WHERE table_schema = 'public' AND table_name = '{table}'"
            ),
        };
        self.texts(&query).await
    }

    /// The numbers from 1 to `last` as a table `s` with the column `i`.
    pub fn series(&self, last: usize) -> String {
        match self {
            Self::Sqlite(_) => format!(
                "(WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < {last}) \
                 SELECT i FROM s) s"
            ),
            Self::Postgres(_) => format!("generate_series(1, {last}) AS s(i)"),
        }
    }

    /// A random UUID, another one in each row.
    pub fn new_uuid(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => {
                "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || \
                 substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2) || '-' || \
                 hex(randomblob(6)))"
            }
            Self::Postgres(_) => "gen_random_uuid()::text",
        }
    }

    /// What makes writing in bulk quick, as nothing is lost that could not be made anew.
    pub async fn hurry(&mut self) {
        let settings = match self {
            Self::Sqlite(_) => "PRAGMA synchronous = OFF; PRAGMA cache_size = -400000",
            Self::Postgres(_) => "SET synchronous_commit = off; SET work_mem = '256MB'",
        };
        self.run(settings).await;
    }

    /// What PostgreSQL's autovacuum does to new rows within minutes, and what SQLite does to its
    /// log with the next pings.
    pub async fn tidy(&mut self) {
        let statements: &[&str] = match self {
            Self::Sqlite(_) => &["PRAGMA wal_checkpoint(TRUNCATE)"],
            Self::Postgres(_) => &["VACUUM ANALYZE", "CHECKPOINT"],
        };
        for statement in statements {
            self.run(statement).await;
        }
    }
}
