//! Browsers' sessions as their user sees them: each is a token, with where it was opened from.

use super::IdRow;
use super::tx::{Conn, execute, fetch_all};
use crate::clock::Timestamp;
use crate::fault::Result;
use sqlx::AssertSqlSafe;

/// A session that is open.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct SessionRow {
    /// The id of its token.
    pub token_id: i64,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last used; none: never since it was opened.
    pub last_used_at: Option<Timestamp>,
    /// What the browser called itself; may be empty.
    pub user_agent: String,
    /// The address that it was opened from; may be empty.
    pub address: String,
}

/// Remembers where a session was opened from.
///
/// # Errors
/// The database refused.
pub async fn insert(conn: &mut Conn, token_id: i64, user_agent: &str, address: &str) -> Result<()> {
    execute!(
        conn,
        "INSERT INTO sessions (token_id, user_agent, address) VALUES ($1, $2, $3)",
        token_id,
        user_agent,
        address
    );
    Ok(())
}

/// The open sessions of a user, the latest first.
///
/// # Errors
/// The database is out.
pub async fn open_of(conn: &mut Conn, user_id: i64, now: Timestamp) -> Result<Vec<SessionRow>> {
    Ok(fetch_all!(
        conn,
        SessionRow,
        "SELECT t.token_id, t.created_at, t.last_used_at, \
         COALESCE(s.user_agent, '') AS user_agent, COALESCE(s.address, '') AS address \
         FROM tokens t LEFT JOIN sessions s ON s.token_id = t.token_id \
         WHERE t.user_id = $1 AND t.kind = 'session' AND t.revoked = 0 AND t.expires_at > $2 \
         ORDER BY t.token_id DESC",
        user_id,
        now
    ))
}

/// Ends one session of a user; whether it was open.
///
/// # Errors
/// The database refused.
pub async fn end(conn: &mut Conn, user_id: i64, token_id: i64) -> Result<bool> {
    let ended = execute!(
        conn,
        "UPDATE tokens SET revoked = 1 \
         WHERE user_id = $1 AND token_id = $2 AND kind = 'session' AND revoked = 0",
        user_id,
        token_id
    );
    Ok(ended > 0)
}

/// Ends the sessions of a user, save this one.
///
/// # Errors
/// The database refused.
pub async fn end_all(conn: &mut Conn, user_id: i64, but: Option<i64>) -> Result<()> {
    // By their ids, as everybody locks tokens.
    let sql = format!(
        "SELECT t.token_id AS id FROM tokens t \
         WHERE t.user_id = $1 AND t.kind = 'session' AND t.revoked = 0 ORDER BY t.token_id{}",
        conn.db().for_update("t")
    );
    fetch_all!(conn, IdRow, AssertSqlSafe(sql), user_id);
    execute!(
        conn,
        "UPDATE tokens SET revoked = 1 \
         WHERE user_id = $1 AND kind = 'session' AND revoked = 0 AND token_id <> $2",
        user_id,
        but.unwrap_or_default()
    );
    Ok(())
}
