//! The journal of requests: which command was run with which token.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;

use super::dialect::{Column, Rows};
use super::tokens;
use super::tx::{Conn, fetch_all, fetch_value};
use crate::clock::Timestamp;
use crate::fault::Result;

/// A line of the journal.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When the request came.
    pub at: Timestamp,
    /// Whose token it was.
    pub user_id: i64,
    /// Which token.
    pub token_id: i64,
    /// The token's name.
    pub subject: String,
    /// GET, POST, PUT or DELETE.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// Where the request came from.
    pub remote_address: String,
    /// The request's id, which the log has too.
    pub request_id: String,
}

/// Writes lines of the journal, and when their tokens were used last. Lines of users that are
/// gone are left out.
///
/// # Errors
/// The database refused.
pub async fn insert(conn: &mut Conn, entries: &[Entry]) -> Result<()> {
    let all = || entries.iter();
    let columns = vec![
        Column::times(all().map(|e| e.at)),
        Column::ints(all().map(|e| e.user_id)),
        Column::texts(all().map(|e| e.subject.clone())),
        Column::texts(all().map(|e| e.method.clone())),
        Column::texts(all().map(|e| e.path.clone())),
        Column::ints(all().map(|e| i64::from(e.status))),
        Column::texts(all().map(|e| e.remote_address.clone())),
        Column::texts(all().map(|e| e.request_id.clone())),
        Column::ints((0i64..).take(entries.len())),
    ];
    let names = "at, user_id, subject, method, path, status, remote_address, request_id, n";
    let sql = "INSERT INTO requests (at, user_id, subject, method, path, status, remote_address, \
               request_id) SELECT r.at, r.user_id, r.subject, r.method, r.path, r.status, \
               r.remote_address, r.request_id FROM r JOIN users u ON u.user_id = r.user_id \
               ORDER BY r.at, r.n";
    Rows::new(names, columns).execute(conn, sql).await?;
    let mut last_used = BTreeMap::new();
    for entry in entries {
        let at = last_used.entry(entry.token_id).or_insert(entry.at);
        *at = (*at).max(entry.at);
    }
    tokens::mark_used(conn, &last_used).await
}

/// A line of the journal as it is read.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct RequestRow {
    /// When the request came.
    pub at: Timestamp,
    /// The token's name.
    pub subject: String,
    /// GET, POST, PUT or DELETE.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The status of the answer.
    pub status: i64,
    /// Where the request came from.
    pub remote_address: String,
    /// The request's id.
    pub request_id: String,
}

/// Which lines of a user's journal are asked for; what is none does not filter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Made with the tokens of this name.
    pub subject: Option<String>,
    /// Answered with this status.
    pub status: Option<i64>,
    /// At this moment or later.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
}

/// A page of a user's journal, the latest first, and how many lines fit the filter.
///
/// # Errors
/// The database is out.
pub async fn list(
    conn: &mut Conn,
    user_id: i64,
    filter: &Filter,
    offset: i64,
    limit: i64,
) -> Result<(Vec<RequestRow>, i64)> {
    let condition = "user_id = $1 AND (CAST($2 AS TEXT) IS NULL OR subject = $2) \
        AND (CAST($3 AS BIGINT) IS NULL OR status = $3) \
        AND at >= $4 AND at < $5";
    let from = filter.from.unwrap_or(Timestamp(i64::MIN));
    let to = filter.to.unwrap_or(Timestamp(i64::MAX));
    let subject = filter.subject.as_deref();
    let page = format!(
        "SELECT at, subject, method, path, CAST(status AS BIGINT) AS status, remote_address, \
         request_id FROM requests WHERE {condition} \
         ORDER BY at DESC, request_row_id DESC LIMIT $6 OFFSET $7"
    );
    let page = AssertSqlSafe(page);
    let rows = fetch_all!(
        conn,
        RequestRow,
        page,
        user_id,
        subject,
        filter.status,
        from,
        to,
        limit,
        offset
    );
    let count = AssertSqlSafe(format!("SELECT COUNT(*) FROM requests WHERE {condition}"));
    let total = fetch_value!(conn, i64, count, user_id, subject, filter.status, from, to);
    Ok((rows, total))
}
