//! The journal of requests: which command was run with which token.

use super::dialect::{Column, Rows};
use super::tx::Conn;
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
    ];
    let names = "at, user_id, subject, method, path, status, remote_address, request_id";
    let sql = "INSERT INTO requests (at, user_id, subject, method, path, status, remote_address, \
               request_id) SELECT r.at, r.user_id, r.subject, r.method, r.path, r.status, \
               r.remote_address, r.request_id FROM r JOIN users u ON u.user_id = r.user_id \
               ORDER BY r.at";
    Rows::new(names, columns).execute(conn, sql).await?;
    let mut last_used = std::collections::BTreeMap::new();
    for entry in entries {
        let at = last_used.entry(entry.token_id).or_insert(entry.at);
        *at = (*at).max(entry.at);
    }
    let columns = vec![
        Column::ints(last_used.keys().copied()),
        Column::times(last_used.values().copied()),
    ];
    let sql = "UPDATE tokens SET last_used_at = r.at FROM r WHERE tokens.token_id = r.token_id";
    Rows::new("token_id, at", columns).execute(conn, sql).await?;
    Ok(())
}
