//! Tokens: proof of who is asking. The text of a token is never kept; its row is.

use sqlx::AssertSqlSafe;

use super::tx::{Conn, execute, fetch_all, fetch_optional, fetch_value};
use super::{Flag, IdRow};
use crate::clock::Timestamp;
use crate::fault::Result;

/// A token as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct TokenRow {
    /// Its id.
    pub token_id: i64,
    /// Whose it is.
    pub user_id: i64,
    /// `api` or `session`.
    pub kind: String,
    /// Its name, unique among the user's API tokens.
    pub subject: String,
    /// The random id inside the token's text.
    pub jti: String,
    /// `read`, `write`, comma-separated.
    pub scopes: String,
    /// CIDRs, comma-separated; empty: from everywhere.
    pub allowed_ips: String,
    /// When it was made, in whole seconds.
    pub created_at: Timestamp,
    /// When it ends, in whole seconds.
    pub expires_at: Timestamp,
    /// Taken back before its end.
    pub revoked: Flag,
    /// When it was last used, to the second or so.
    pub last_used_at: Option<Timestamp>,
}

fn select(rest: &str) -> String {
    format!(
        "SELECT token_id, user_id, kind, subject, jti, scopes, allowed_ips, created_at, \
         expires_at, revoked, last_used_at FROM tokens {rest}"
    )
}

/// Makes a token; none where the user has one of that subject.
///
/// # Errors
/// The database refused.
pub async fn insert(conn: &mut Conn, new: &TokenRow) -> Result<Option<i64>> {
    let row = fetch_optional!(
        conn,
        IdRow,
        "INSERT INTO tokens (user_id, kind, subject, jti, scopes, allowed_ips, created_at, \
         expires_at, revoked) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0) \
         ON CONFLICT DO NOTHING RETURNING token_id AS id",
        new.user_id,
        &new.kind,
        &new.subject,
        &new.jti,
        &new.scopes,
        &new.allowed_ips,
        new.created_at,
        new.expires_at
    );
    Ok(row.map(|row| row.id))
}

/// The token with this id inside its text.
///
/// # Errors
/// The database is out.
pub async fn find_by_jti(conn: &mut Conn, jti: &str) -> Result<Option<TokenRow>> {
    Ok(fetch_optional!(conn, TokenRow, AssertSqlSafe(select("WHERE jti = $1")), jti))
}

/// A user's API token by its id.
///
/// # Errors
/// The database is out.
pub async fn find(conn: &mut Conn, user_id: i64, token_id: i64) -> Result<Option<TokenRow>> {
    Ok(fetch_optional!(
        conn,
        TokenRow,
        AssertSqlSafe(select("WHERE user_id = $1 AND token_id = $2 AND kind = 'api'")),
        user_id,
        token_id
    ))
}

/// A page of a user's API tokens, by id.
///
/// # Errors
/// The database is out.
pub async fn list(
    conn: &mut Conn,
    user_id: i64,
    offset: i64,
    limit: i64,
) -> Result<(Vec<TokenRow>, i64)> {
    let rows = fetch_all!(
        conn,
        TokenRow,
        AssertSqlSafe(select(
            "WHERE user_id = $1 AND kind = 'api' ORDER BY token_id LIMIT $2 OFFSET $3"
        )),
        user_id,
        limit,
        offset
    );
    Ok((rows, count(conn, user_id).await?))
}

/// How many API tokens a user has, revoked ones included.
///
/// # Errors
/// The database is out.
pub async fn count(conn: &mut Conn, user_id: i64) -> Result<i64> {
    Ok(fetch_value!(
        conn,
        i64,
        "SELECT COUNT(*) FROM tokens WHERE user_id = $1 AND kind = 'api'",
        user_id
    ))
}

/// When the first of a user's API tokens ends.
///
/// # Errors
/// The database is out.
pub async fn first_expiry(conn: &mut Conn, user_id: i64) -> Result<Option<Timestamp>> {
    Ok(fetch_value!(
        conn,
        Option<Timestamp>,
        "SELECT MIN(expires_at) FROM tokens WHERE user_id = $1 AND kind = 'api'",
        user_id
    ))
}

/// Locks a user's row, so that what is counted about them stays so until the transaction ends.
///
/// # Errors
/// The database is out.
pub async fn lock_user(conn: &mut Conn, user_id: i64) -> Result<bool> {
    let sql = format!(
        "SELECT u.user_id AS id FROM users u WHERE u.user_id = $1{}",
        conn.db().for_update("u")
    );
    Ok(fetch_optional!(conn, IdRow, AssertSqlSafe(sql), user_id).is_some())
}

/// Deletes every token, of anybody and of any kind, that has ended by `now`.
///
/// # Errors
/// The database refused.
pub async fn delete_expired(conn: &mut Conn, now: Timestamp) -> Result<()> {
    execute!(conn, "DELETE FROM tokens WHERE expires_at <= $1", now);
    Ok(())
}

/// Deletes one token.
///
/// # Errors
/// The database refused.
pub async fn delete(conn: &mut Conn, token_id: i64) -> Result<()> {
    execute!(conn, "DELETE FROM tokens WHERE token_id = $1", token_id);
    Ok(())
}

/// Takes a token back.
///
/// # Errors
/// The database refused.
pub async fn revoke(conn: &mut Conn, token_id: i64) -> Result<()> {
    execute!(conn, "UPDATE tokens SET revoked = 1 WHERE token_id = $1", token_id);
    Ok(())
}

/// Takes back a user's API token of this subject; whether there was one.
///
/// # Errors
/// The database refused.
pub async fn revoke_by_subject(conn: &mut Conn, user_id: i64, subject: &str) -> Result<bool> {
    let changed = execute!(
        conn,
        "UPDATE tokens SET revoked = 1 WHERE user_id = $1 AND subject = $2 AND kind = 'api'",
        user_id,
        subject
    );
    Ok(changed > 0)
}

/// Moves the end of a session from `old` to `new`, unless somebody else has moved it or it was
/// revoked.
///
/// # Errors
/// The database refused.
pub async fn extend(conn: &mut Conn, token_id: i64, old: Timestamp, new: Timestamp) -> Result<()> {
    execute!(
        conn,
        "UPDATE tokens SET expires_at = $3 WHERE token_id = $1 AND expires_at = $2 \
         AND kind = 'session' AND revoked = 0",
        token_id,
        old,
        new
    );
    Ok(())
}

/// The session of this id.
///
/// # Errors
/// The database is out.
pub async fn find_session(conn: &mut Conn, token_id: i64) -> Result<Option<TokenRow>> {
    let sql = select("WHERE token_id = $1 AND kind = 'session'");
    Ok(fetch_optional!(conn, TokenRow, AssertSqlSafe(sql), token_id))
}

/// Deletes the sessions that have ended by `now`.
///
/// # Errors
/// The database refused.
pub async fn delete_ended_sessions(conn: &mut Conn, now: Timestamp) -> Result<()> {
    execute!(conn, "DELETE FROM tokens WHERE kind = 'session' AND expires_at <= $1", now);
    Ok(())
}
