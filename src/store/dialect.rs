//! What differs between the two databases, in pairs. No other file asks which one it is.

use sqlx::AssertSqlSafe;

use super::tx::{Conn, Link};
use crate::clock::Timestamp;
use crate::fault::Result;

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

/// Rows that are bound all at once, column by column, as the source of one statement:
/// `WITH r (…) AS (<source>) …`. SQLite gets them as `VALUES`, PostgreSQL as arrays, so that a
/// batch costs one call whatever its size.
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

/// SQLite takes 32,766 parameters a statement; with the widest rows of the program (14 columns)
/// that is this many rows with room to spare.
const MOST_ROWS: usize = 2048;

impl Rows {
    /// Rows with these column names (`"a, b, c"`), the first of which is never NULL.
    pub(super) fn new(names: &'static str, columns: Vec<Column>) -> Self {
        let count = columns.first().map_or(0, Column::len);
        debug_assert!(columns.iter().all(|column| column.len() == count));
        debug_assert_eq!(names.split(',').count(), columns.len());
        Self { names, columns, count }
    }

    /// Runs `sql` with these rows as the table `r` before it; returns how many rows it changed.
    ///
    /// # Errors
    /// The database refused.
    pub(super) async fn execute(self, conn: &mut Conn, sql: &str) -> Result<u64> {
        if self.count == 0 {
            return Ok(0);
        }
        match conn.link()? {
            Link::Sqlite(link) => {
                let mut changed = 0;
                for start in (0..self.count).step_by(MOST_ROWS) {
                    let end = (start + MOST_ROWS).min(self.count);
                    changed += self.execute_sqlite(link, sql, start..end).await?;
                }
                Ok(changed)
            }
            Link::Postgres(link) => {
                let source = self.arrays();
                let text = format!("WITH r ({}) AS ({source}) {sql}", self.names);
                let mut query = sqlx::query(AssertSqlSafe(text));
                for column in self.columns {
                    query = match column {
                        Column::Int(values) => query.bind(values),
                        Column::Text(values) => query.bind(values),
                        Column::Bytes(values) => query.bind(values),
                    };
                }
                Ok(query.execute(&mut *link).await?.rows_affected())
            }
        }
    }

    async fn execute_sqlite(
        &self,
        link: &mut sqlx::SqliteConnection,
        sql: &str,
        rows: std::ops::Range<usize>,
    ) -> Result<u64> {
        // Few distinct texts, so that the prepared statements are found again: the count is
        // rounded up, and rows without parameters are NULL in their first column and left out.
        let source = self.values(rows.len().next_power_of_two());
        let first = self.names.split(',').next().unwrap_or_default();
        let text = format!(
            "WITH v ({}) AS ({source}), r AS (SELECT * FROM v WHERE {first} IS NOT NULL) {sql}",
            self.names
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for row in rows {
            for column in &self.columns {
                query = match column {
                    Column::Int(values) => query.bind(values[row]),
                    Column::Text(values) => query.bind(values[row].clone()),
                    Column::Bytes(values) => query.bind(values[row].clone()),
                };
            }
        }
        Ok(query.execute(&mut *link).await?.rows_affected())
    }

    fn values(&self, places: usize) -> String {
        use std::fmt::Write as _;
        let width = self.columns.len();
        let mut text = String::from("VALUES ");
        for row in 0..places {
            text.push_str(if row == 0 { "(" } else { ",(" });
            for column in 0..width {
                let comma = if column == 0 { "" } else { "," };
                // Writing to a String never fails.
                let _ = write!(text, "{comma}${}", row * width + column + 1);
            }
            text.push(')');
        }
        text
    }

    fn arrays(&self) -> String {
        let arrays = self.columns.iter().enumerate();
        let arrays = arrays.map(|(i, column)| format!("${}::{}", i + 1, column.array_type()));
        format!("SELECT * FROM UNNEST({})", arrays.collect::<Vec<_>>().join(", "))
    }
}
