//! What differs between the two databases, in pairs. No other file asks which one it is.

use std::fmt::Write as _;
use std::sync::Arc;
use std::vec::IntoIter;

use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, PgConnection, SqliteConnection};

use super::tx::{Conn, Link};
use crate::clock::Timestamp;
use crate::fault::{Fault, Result};

/// Which database is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Db {
    /// The embedded one.
    Sqlite,
    /// The served one.
    Postgres,
}

impl Db {
    /// What stands behind a `SELECT` that locks the rows of the table named `of` until the
    /// transaction ends. SQLite has one writer, so that its transactions need no row locks.
    #[must_use]
    pub(super) fn for_update(self, of: &str) -> String {
        match self {
            Self::Sqlite => String::new(),
            Self::Postgres => format!(" FOR UPDATE OF {of}"),
        }
    }

    /// As [`Db::for_update`], for rows that are locked only so that something can be counted: who
    /// writes what merely refers to them (a line of the journal to its user, a notification to its
    /// project) need not wait, and so can't be waited for in a circle.
    #[must_use]
    pub(super) fn for_counting(self, of: &str) -> String {
        match self {
            Self::Sqlite => String::new(),
            Self::Postgres => format!(" FOR NO KEY UPDATE OF {of}"),
        }
    }

    /// As [`Db::for_update`], passing over rows that somebody else has locked.
    #[must_use]
    pub(super) fn for_update_skip_locked(self, of: &str) -> String {
        match self {
            Self::Sqlite => String::new(),
            Self::Postgres => format!(" FOR UPDATE OF {of} SKIP LOCKED"),
        }
    }

    /// What stands behind a `SELECT` that keeps the rows of the table named `of` as they are until
    /// the transaction ends; several transactions may do so at once.
    #[must_use]
    pub(super) fn for_share(self, of: &str) -> String {
        match self {
            Self::Sqlite => String::new(),
            Self::Postgres => format!(" FOR SHARE OF {of}"),
        }
    }

    /// A number that changes whenever the row of the table named `of` is written, by whomever; 0 where
    /// the database has none.
    #[must_use]
    pub(super) fn row_version(self, of: &str) -> String {
        match self {
            Self::Sqlite => "0".to_owned(),
            Self::Postgres => format!("CAST(CAST({of}.xmin AS TEXT) AS BIGINT)"),
        }
    }

    /// Whether tables are partitioned by time.
    #[must_use]
    pub fn has_partitions(self) -> bool {
        self == Self::Postgres
    }

    /// Whether several nodes may work on it, so that not all that happens to it happens here.
    #[must_use]
    pub fn is_shared(self) -> bool {
        self == Self::Postgres
    }

    /// Whether rows have versions, so that `Writes::execute_if_unchanged` can be had.
    #[must_use]
    pub fn has_row_versions(self) -> bool {
        self == Self::Postgres
    }

    /// How many bytes the database takes, log aside: a query of one number.
    #[must_use]
    pub(super) fn size_query(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
            }
            Self::Postgres => "SELECT pg_database_size(current_database())",
        }
    }

    /// A condition: the text `part` occurs in the column `whole`.
    #[must_use]
    pub(super) fn contains(self, whole: &str, part: &str) -> String {
        match self {
            Self::Sqlite => format!("instr({whole}, {part}) > 0"),
            Self::Postgres => format!("strpos({whole}, {part}) > 0"),
        }
    }

    /// An `ORDER BY` term that sorts text by its code points.
    #[must_use]
    pub(super) fn by_text(self, column: &str) -> String {
        match self {
            Self::Sqlite => column.to_owned(),
            Self::Postgres => format!("{column} COLLATE \"C\""),
        }
    }

    /// A condition: `column` is one of the numbers in the JSON array that is bound as `list`
    /// (see [`id_list`]).
    #[must_use]
    pub(super) fn is_in(self, column: &str, list: &str) -> String {
        match self {
            Self::Sqlite => format!("{column} IN (SELECT value FROM json_each({list}))"),
            Self::Postgres => format!(
                "{column} = ANY (ARRAY(SELECT CAST(value AS BIGINT) FROM \
                 json_array_elements_text(CAST({list} AS JSON))))"
            ),
        }
    }
}

/// Numbers as the JSON array that [`Db::is_in`] reads.
#[must_use]
pub(super) fn id_list(ids: &[i64]) -> String {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    format!("[{}]", ids.join(","))
}

/// Rows that are bound all at once, column by column, as the source of one statement. SQLite gets
/// them as `VALUES`, PostgreSQL as arrays, so that a batch costs one call whatever its size.
#[derive(Debug)]
pub(super) struct Rows {
    names: &'static str,
    columns: Vec<Column>,
    count: usize,
}

/// A column of [`Rows`].
#[derive(Debug)]
pub(super) enum Column {
    /// Whole numbers, times and flags.
    Int(Vec<Option<i64>>),
    /// Texts.
    Text(Vec<Option<String>>),
    /// Bytes.
    Bytes(Vec<Option<Vec<u8>>>),
}

impl Column {
    /// A column of numbers.
    pub(super) fn ints<T: Into<Option<i64>>>(values: impl IntoIterator<Item = T>) -> Self {
        Self::Int(values.into_iter().map(Into::into).collect())
    }

    /// A column of moments.
    pub(super) fn times<T: Into<Option<Timestamp>>>(values: impl IntoIterator<Item = T>) -> Self {
        Self::Int(values.into_iter().map(|t| t.into().map(|t: Timestamp| t.0)).collect())
    }

    /// A column of texts.
    pub(super) fn texts<T: Into<Option<String>>>(values: impl IntoIterator<Item = T>) -> Self {
        Self::Text(values.into_iter().map(Into::into).collect())
    }

    /// A column of bytes.
    pub(super) fn bytes(values: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self::Bytes(values.into_iter().map(Some).collect())
    }

    fn len(&self) -> usize {
        match self {
            Self::Int(v) => v.len(),
            Self::Text(v) => v.len(),
            Self::Bytes(v) => v.len(),
        }
    }

    fn array_type(&self) -> &'static str {
        match self {
            Self::Int(_) => "BIGINT[]",
            Self::Text(_) => "TEXT[]",
            Self::Bytes(_) => "BYTEA[]",
        }
    }
}

/// Rows of one statement on SQLite. More make no batch quicker, and each number of rows is a
/// statement of its own that stays prepared.
const MOST_ROWS: usize = 256;

impl Rows {
    /// Rows with these column names (`"a, b, c"`), the first of which is never NULL.
    pub(super) fn new(names: &'static str, columns: Vec<Column>) -> Self {
        let count = columns.first().map_or(0, Column::len);
        debug_assert!(columns.iter().all(|column| column.len() == count));
        debug_assert_eq!(names.split(',').count(), columns.len());
        Self { names, columns, count }
    }

    /// Runs `sql` with these rows as the table `r` (which it names once, as `FROM r`); returns how
    /// many rows it changed. Where the database refuses any of it, the transaction is at its end.
    ///
    /// # Errors
    /// The database refused.
    pub(super) async fn execute(self, conn: &mut Conn, sql: &str) -> Result<u64> {
        let mut writes = Writes::default();
        writes.add(sql.to_owned(), self);
        writes.execute(conn).await
    }

    /// `sql` with these rows as PostgreSQL gets them, its parameters following the `before` first
    /// ones.
    fn with_arrays(&self, sql: &str, before: usize) -> String {
        let arrays = self.columns.iter().enumerate();
        let arrays = arrays.map(|(i, c)| format!("${}::{}", before + i + 1, c.array_type()));
        let arrays = arrays.collect::<Vec<_>>().join(", ");
        put_source(sql, &format!("FROM UNNEST({arrays}) AS r ({})", self.names))
    }

    fn add_to(self, arguments: &mut PgArguments) -> Result<()> {
        for column in self.columns {
            let added = match column {
                Column::Int(values) => arguments.add(values),
                Column::Text(values) => arguments.add(values),
                Column::Bytes(values) => arguments.add(values),
            };
            added.map_err(sqlx::Error::Encode)?;
        }
        Ok(())
    }

    /// `sql` with room for this many rows as SQLite gets them. What is NULL in the first column is
    /// left out. Parameters have no numbers here: the driver asks for the name of each that has one,
    /// and SQLite walks through all of them to find it.
    fn with_values(&self, sql: &str, places: usize) -> String {
        let row = format!("({}?)", "?,".repeat(self.columns.len() - 1));
        let rows = format!("{row},").repeat(places - 1) + row.as_str();
        let first = self.names.split(',').next().unwrap_or_default();
        let names = self.names;
        let sql = or_roll_back(sql);
        format!(
            "WITH v ({names}) AS (VALUES {rows}), r AS (SELECT * FROM v WHERE {first} IS NOT NULL) \
             {sql}"
        )
    }
}

/// `sql` with this in the place of its `FROM r`.
fn put_source(sql: &str, source: &str) -> String {
    debug_assert_eq!(sql.matches("FROM r").count(), 1, "{sql}");
    sql.replacen("FROM r", source, 1)
}

/// The statement so that SQLite ends the whole transaction where it can't be done, as PostgreSQL does
/// with every statement. To undo this one alone it would first copy every page that it touches.
fn or_roll_back(sql: &str) -> String {
    let sql = sql.replacen("INSERT INTO", "INSERT OR ROLLBACK INTO", 1);
    match sql.strip_prefix("UPDATE ") {
        Some(rest) => format!("UPDATE OR ROLLBACK {rest}"),
        None => sql,
    }
}

/// Writes that do not depend on one another, and touch no row twice: SQLite gets them in one call,
/// PostgreSQL in one statement.
#[derive(Debug, Default)]
pub struct Writes(Vec<(String, Rows)>);

impl Writes {
    /// Adds a statement with its rows (see [`Rows::execute`]); nothing where there are none.
    pub(super) fn add(&mut self, sql: impl Into<String>, rows: Rows) {
        if rows.count > 0 {
            self.0.push((sql.into(), rows));
        }
    }

    /// Adds others behind these.
    pub(super) fn append(&mut self, mut others: Self) {
        self.0.append(&mut others.0);
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Runs them; returns how many rows they changed, which on PostgreSQL is what the last of them did.
    ///
    /// # Errors
    /// The database refused; the transaction is at its end.
    pub(super) async fn execute(self, conn: &mut Conn) -> Result<u64> {
        if self.is_empty() {
            return Ok(0);
        }
        let done = match conn.link().await? {
            Link::Sqlite(link) => self.execute_sqlite(link, "").await,
            Link::Postgres(link) => self.execute_postgres(link).await,
        };
        if done.is_err() {
            conn.end();
        }
        done
    }

    /// Runs them on SQLite, and `finally` in the same call as the last of them.
    pub(super) async fn execute_sqlite(
        self,
        link: &mut SqliteConnection,
        finally: &'static str,
    ) -> Result<u64> {
        let most = self.0.iter().map(|(_, rows)| rows.count).max().unwrap_or(1);
        // All statements of a call have the same number of places, rounded up, so that there are few
        // different texts, which are found prepared.
        let places = most.next_power_of_two().min(MOST_ROWS);
        let mut text = String::new();
        for (sql, rows) in &self.0 {
            text.push_str(&rows.with_values(sql, places));
            text.push_str("; ");
        }
        let text: Arc<str> = text.into();
        let mut sources: Vec<RowByRow> =
            self.0.into_iter().map(|(_, rows)| RowByRow::from(rows)).collect();
        let (mut changed, mut left) = (0, most);
        loop {
            let mut arguments = SqliteArguments::default();
            for rows in &mut sources {
                rows.bind_next(places, &mut arguments)?;
            }
            let is_last = left <= places;
            let query = if is_last && !finally.is_empty() {
                sqlx::query_with(AssertSqlSafe(format!("{text}{finally}")), arguments)
            } else {
                sqlx::query_with(AssertSqlSafe(Arc::clone(&text)), arguments)
            };
            changed += query.execute(&mut *link).await?.rows_affected();
            if is_last {
                return Ok(changed);
            }
            left -= places;
        }
    }

    /// Runs them outside of any transaction, as one statement. The first is one that changes every
    /// one of its rows and returns their `version`, or else nothing of it all happens: the new
    /// version of these rows, or none where that was so. Only where [`Db::has_row_versions`].
    ///
    /// # Errors
    /// The database refused.
    pub(super) async fn execute_if_unchanged(self, conn: &mut Conn) -> Result<Option<i64>> {
        let Link::Postgres(link) = conn.link().await? else {
            return Err(Fault::internal("this database has no versions of rows"));
        };
        let wanted = self.0.first().map_or(0, |(_, rows)| rows.count);
        let (mut text, mut arguments) = self.in_arrays()?;
        arguments.add(i64::try_from(wanted).unwrap_or(i64::MAX)).map_err(sqlx::Error::Encode)?;
        let wanted = arguments.len();
        // A statement can be undone from within by a mistake alone: here, to divide by nought. Of no
        // row at all the version is NULL, and NULL may be divided by nought.
        let _ = write!(
            text,
            " SELECT COALESCE(MAX(version), 0) / CAST(COUNT(*) = ${wanted} AS INT) FROM w0"
        );
        match sqlx::query_scalar_with(AssertSqlSafe(text), arguments).fetch_one(&mut *link).await {
            Ok(version) => Ok(version),
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("22012") => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn execute_postgres(mut self, link: &mut PgConnection) -> Result<u64> {
        let Some((sql, rows)) = self.0.pop() else { return Ok(0) };
        let before = self.0.iter().map(|(_, rows)| rows.columns.len()).sum();
        let last = rows.with_arrays(&sql, before);
        let (text, mut arguments) = self.in_arrays()?;
        rows.add_to(&mut arguments)?;
        let query = sqlx::query_with(AssertSqlSafe(format!("{text} {last}")), arguments);
        Ok(query.execute(&mut *link).await?.rows_affected())
    }

    /// All of them as the head of one statement, `WITH w0 AS (…), w1 AS (…)`, and its arguments.
    fn in_arrays(self) -> Result<(String, PgArguments)> {
        let (mut text, mut arguments) = (String::new(), PgArguments::default());
        for (n, (sql, rows)) in self.0.into_iter().enumerate() {
            let sql = rows.with_arrays(&sql, arguments.len());
            let word = if n == 0 { "WITH" } else { "," };
            // Writing to a String never fails.
            let _ = write!(text, "{word} w{n} AS ({sql})");
            rows.add_to(&mut arguments)?;
        }
        Ok((text, arguments))
    }
}

/// [`Rows`] that are handed out row by row.
struct RowByRow(Vec<Values>);

enum Values {
    Int(IntoIter<Option<i64>>),
    Text(IntoIter<Option<String>>),
    Bytes(IntoIter<Option<Vec<u8>>>),
}

impl From<Rows> for RowByRow {
    fn from(rows: Rows) -> Self {
        let columns = rows.columns.into_iter().map(|column| match column {
            Column::Int(values) => Values::Int(values.into_iter()),
            Column::Text(values) => Values::Text(values.into_iter()),
            Column::Bytes(values) => Values::Bytes(values.into_iter()),
        });
        Self(columns.collect())
    }
}

impl RowByRow {
    /// Binds the next `places` rows; those that are not there as NULL.
    fn bind_next(&mut self, places: usize, arguments: &mut SqliteArguments) -> Result<()> {
        arguments.reserve(places * self.0.len(), 0);
        for _ in 0..places {
            for column in &mut self.0 {
                let added = match column {
                    Values::Int(values) => arguments.add(values.next().flatten()),
                    Values::Text(values) => arguments.add(values.next().flatten()),
                    Values::Bytes(values) => arguments.add(values.next().flatten()),
                };
                added.map_err(sqlx::Error::Encode)?;
            }
        }
        Ok(())
    }
}
