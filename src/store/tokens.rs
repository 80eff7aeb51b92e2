//! Tokens: proof of who is asking. The text of a token is never kept; its row is.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;

use super::dialect::{Column, Rows, id_list};
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
    /// When it was last used. It is written with the request journal, a second late at most; of a
    /// process that was killed, that last second is missing.
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

/// When the token of a user ends that is the first to end but `passed_over`.
///
/// # Errors
/// The database is out, or there are not so many.
pub async fn expiry(conn: &mut Conn, user_id: i64, passed_over: i64) -> Result<Timestamp> {
    Ok(fetch_value!(
        conn,
        Timestamp,
        "SELECT expires_at FROM tokens WHERE user_id = $1 AND kind = 'api' \
         ORDER BY expires_at LIMIT 1 OFFSET $2",
        user_id,
        passed_over
    ))
}

#[derive(sqlx::FromRow)]
struct InUseRow {
    kind: String,
    tokens: i64,
}

/// How many API tokens, and how many sessions, are in use by anybody at `now`.
///
/// # Errors
/// The database is out.
pub async fn in_use(conn: &mut Conn, now: Timestamp) -> Result<(i64, i64)> {
    let rows = fetch_all!(
        conn,
        InUseRow,
        "SELECT kind, COUNT(*) AS tokens FROM tokens WHERE revoked = 0 AND expires_at > $1 \
         GROUP BY kind",
        now
    );
    let of = |kind: &str| rows.iter().filter(|r| r.kind == kind).map(|r| r.tokens).sum();
    Ok((of("api"), of("session")))
}

/// Deletes every token, of anybody and of any kind, that has ended by `now`.
///
/// # Errors
/// The database refused.
pub async fn delete_expired(conn: &mut Conn, now: Timestamp) -> Result<()> {
    lock_ended(conn, now).await?;
    execute!(conn, "DELETE FROM tokens WHERE expires_at <= $1", now);
    Ok(())
}

/// Locks the tokens that have ended by `now`. Whoever locks several does it by their ids, so that
/// no two wait for each other.
async fn lock_ended(conn: &mut Conn, now: Timestamp) -> Result<()> {
    let sql = format!(
        "SELECT t.token_id AS id FROM tokens t WHERE t.expires_at <= $1 ORDER BY t.token_id{}",
        conn.db().for_update("t")
    );
    fetch_all!(conn, IdRow, AssertSqlSafe(sql), now);
    Ok(())
}

/// Writes when these tokens were used last, each with its moment; an earlier one than is known
/// already (from another node, say) changes nothing.
///
/// # Errors
/// The database refused.
pub async fn mark_used(conn: &mut Conn, last_used: &BTreeMap<i64, Timestamp>) -> Result<()> {
    let ids: Vec<i64> = last_used.keys().copied().collect();
    let lock = format!(
        "SELECT t.token_id AS id FROM tokens t WHERE {} ORDER BY t.token_id{}",
        conn.db().is_in("t.token_id", "$1"),
        conn.db().for_update("t")
    );
    fetch_all!(conn, IdRow, AssertSqlSafe(lock), id_list(&ids));
    let columns = vec![Column::ints(ids), Column::times(last_used.values().copied())];
    let sql = "UPDATE tokens SET last_used_at = r.at FROM r WHERE tokens.token_id = r.token_id \
               AND (tokens.last_used_at IS NULL OR tokens.last_used_at < r.at)";
    Rows::new("token_id, at", columns).execute(conn, sql).await?;
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
    lock_ended(conn, now).await?;
    execute!(conn, "DELETE FROM tokens WHERE kind = 'session' AND expires_at <= $1", now);
    Ok(())
}
