//! A database of another program, read and never written: its rows as JSON by the names of its columns,
//! so that columns which one of its versions lacks are just not there. Times and spans of PostgreSQL
//! come as microseconds, binary texts of both as hexadecimal ones; SQLite's own times stay text.

use std::fmt::Write as _;
use std::path::Path;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection, SqliteConnection};

use crate::fault::{Fault, Result};

/// An open database, in one transaction that sees nothing of what others write meanwhile.
#[derive(Debug)]
pub struct Foreign(Opened);

#[derive(Debug)]
enum Opened {
    File(SqliteConnection),
    Server(PgConnection),
}

/// Which rows are wanted: those whose `column` is `value`, the `most` with the highest `by`, and in
/// ascending order of it.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The table.
    pub table: &'a str,
    /// The column and its value; none: all rows.
    pub only: Option<(&'a str, i64)>,
    /// The column that they are ordered by.
    pub by: &'a str,
    /// As many at most.
    pub most: i64,
}

/// A column, and how it is read.
struct Column {
    name: String,
    value: String,
}

impl Foreign {
    /// Opens a file of SQLite, or a database of PostgreSQL where the place begins with `postgres://`.
    ///
    /// # Errors
    /// [`Fault::Invalid`]: it can't be read; the reason is in its text.
    pub async fn open(place: &str) -> Result<Self> {
        if place.starts_with("postgres://") || place.starts_with("postgresql://") {
            let options = PgConnectOptions::from_str(place).map_err(|error| unread(&error))?;
            let mut link = options
                .disable_statement_logging()
                .connect()
                .await
                .map_err(|error| unread(&error))?;
            let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
            link.execute(begin).await.map_err(|error| unread(&error))?;
            return Ok(Self(Opened::Server(link)));
        }
        let file = place.strip_prefix("sqlite://").or(place.strip_prefix("sqlite:"));
        let file = Path::new(file.unwrap_or(place));
        if !file.is_file() {
            let reason = format!("there is no file {}", file.display());
            return Err(Fault::invalid("database", reason));
        }
        let options = SqliteConnectOptions::new().filename(file).read_only(true);
        let mut link =
            options.disable_statement_logging().connect().await.map_err(|error| unread(&error))?;
        link.execute("BEGIN").await.map_err(|error| unread(&error))?;
        Ok(Self(Opened::File(link)))
    }

    /// The rows that are wanted; none where there is no such table, or it has no such column.
    ///
    /// # Errors
    /// The database is out. [`Fault::Invalid`]: a row is not as `T` has it.
    pub async fn rows<T: DeserializeOwned>(&mut self, wanted: Wanted<'_>) -> Result<Vec<T>> {
        let columns = self.columns(wanted.table).await?;
        let has = |name: &str| columns.iter().any(|column| column.name == name);
        if !has(wanted.by) || wanted.only.is_some_and(|(name, _)| !has(name)) {
            return Ok(Vec::new());
        }
        let mut chosen = String::new();
        if let Some((name, value)) = wanted.only {
            let _ = write!(chosen, " WHERE \"{name}\" = {value}");
        }
        let Wanted { table, by, most, .. } = wanted;
        let _ = write!(chosen, " ORDER BY \"{by}\" DESC LIMIT {most}");
        let texts: Vec<String> = match &mut self.0 {
            Opened::File(link) => {
                let pairs: Vec<String> =
                    columns.iter().map(|it| format!("'{}', {}", it.name, it.value)).collect();
                let sql =
                    format!("SELECT json_object({}) FROM \"{table}\"{chosen}", pairs.join(", "));
                sqlx::query_scalar(AssertSqlSafe(sql))
                    .fetch_all(link)
                    .await
                    .map_err(|error| unread(&error))?
            }
            Opened::Server(link) => {
                let pairs: Vec<String> =
                    columns.iter().map(|it| format!("{} AS \"{}\"", it.value, it.name)).collect();
                let sql = format!(
                    "SELECT CAST(row_to_json(r) AS TEXT) FROM \
                     (SELECT {} FROM \"{table}\"{chosen}) r",
                    pairs.join(", ")
                );
                sqlx::query_scalar(AssertSqlSafe(sql))
                    .fetch_all(link)
                    .await
                    .map_err(|error| unread(&error))?
            }
        };
        let read = |text: &String| {
            serde_json::from_str(text).map_err(|error| {
                Fault::invalid("database", format!("a row of {table} can't be read: {error}"))
            })
        };
        texts.iter().rev().map(read).collect()
    }

    async fn columns(&mut self, table: &str) -> Result<Vec<Column>> {
        let sql = match &self.0 {
            Opened::File(_) => "SELECT name, lower(type) FROM pragma_table_info($1)",
            Opened::Server(_) => {
                "SELECT CAST(column_name AS TEXT), CAST(udt_name AS TEXT) \
                 FROM information_schema.columns \
                 WHERE table_name = $1 AND table_schema = ANY(current_schemas(false))"
            }
        };
        let rows: Vec<(String, String)> = match &mut self.0 {
            Opened::File(link) => sqlx::query_as(sql)
                .bind(table)
                .fetch_all(link)
                .await
                .map_err(|error| unread(&error))?,
            Opened::Server(link) => sqlx::query_as(sql)
                .bind(table)
                .fetch_all(link)
                .await
                .map_err(|error| unread(&error))?,
        };
        let is_plain = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let column = |(name, kind): (String, String)| {
            let value = match kind.as_str() {
                "timestamptz" | "interval" => {
                    format!("CAST(EXTRACT(EPOCH FROM \"{name}\") * 1000000 AS BIGINT)")
                }
                "bytea" => format!("encode(\"{name}\", 'hex')"),
                "inet" => format!("host(\"{name}\")"),
                "blob" => format!("CASE WHEN \"{name}\" IS NOT NULL THEN hex(\"{name}\") END"),
                _ => format!("\"{name}\""),
            };
            Column { name, value }
        };
        Ok(rows.into_iter().filter(|(name, _)| is_plain(name)).map(column).collect())
    }
}

/// What is wrong with it is what was named, and not a matter of our own database.
fn unread(error: &sqlx::Error) -> Fault {
    Fault::invalid("database", format!("can't be read: {error}"))
}
