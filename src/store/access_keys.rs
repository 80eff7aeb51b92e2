//! Access keys: what programs sign their requests of the job list with.

use sqlx::AssertSqlSafe;

use super::tx::{Conn, execute, fetch_all, fetch_optional, fetch_value};
use crate::clock::Timestamp;
use crate::fault::Result;

/// An access key as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct AccessKeyRow {
    /// Its number.
    pub access_key_id: i64,
    /// Whose it is.
    pub user_id: i64,
    /// The id that requests name.
    pub access_key: String,
    /// The secret, encrypted.
    pub sealed_secret_key: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a request was last signed with it, as far as is known.
    pub last_used_at: Option<Timestamp>,
}

fn select(rest: &str) -> String {
    format!(
        "SELECT access_key_id, user_id, access_key, sealed_secret_key, created_at, last_used_at \
         FROM access_keys {rest}"
    )
}

/// Keeps a new access key: its number.
///
/// # Errors
/// The database refused.
pub async fn insert(
    conn: &mut Conn,
    user_id: i64,
    access_key: &str,
    sealed_secret_key: &str,
    now: Timestamp,
) -> Result<i64> {
    Ok(fetch_value!(
        conn,
        i64,
        "INSERT INTO access_keys (user_id, access_key, sealed_secret_key, created_at) \
         VALUES ($1, $2, $3, $4) RETURNING access_key_id",
        user_id,
        access_key,
        sealed_secret_key,
        now
    ))
}

/// The key of this id.
///
/// # Errors
/// The database is out.
pub async fn find(conn: &mut Conn, access_key: &str) -> Result<Option<AccessKeyRow>> {
    let sql = select("WHERE access_key = $1");
    Ok(fetch_optional!(conn, AccessKeyRow, AssertSqlSafe(sql), access_key))
}

/// All keys of a user, in the order in which they were made.
///
/// # Errors
/// The database is out.
pub async fn of_user(conn: &mut Conn, user_id: i64) -> Result<Vec<AccessKeyRow>> {
    let sql = select("WHERE user_id = $1 ORDER BY access_key_id");
    Ok(fetch_all!(conn, AccessKeyRow, AssertSqlSafe(sql), user_id))
}

/// How many keys a user has.
///
/// # Errors
/// The database is out.
pub async fn count(conn: &mut Conn, user_id: i64) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM access_keys WHERE user_id = $1";
    Ok(fetch_value!(conn, i64, sql, user_id))
}

/// Takes a user's key away; whether there was one of this id.
///
/// # Errors
/// The database refused.
pub async fn delete(conn: &mut Conn, user_id: i64, access_key: &str) -> Result<bool> {
    let sql = "DELETE FROM access_keys WHERE user_id = $1 AND access_key = $2";
    Ok(execute!(conn, sql, user_id, access_key) > 0)
}

/// Writes when a key was used last; an earlier moment than is known changes nothing.
///
/// # Errors
/// The database refused.
pub async fn mark_used(conn: &mut Conn, access_key_id: i64, at: Timestamp) -> Result<()> {
    execute!(
        conn,
        "UPDATE access_keys SET last_used_at = $2 WHERE access_key_id = $1 \
         AND (last_used_at IS NULL OR last_used_at < $2)",
        access_key_id,
        at
    );
    Ok(())
}

/// Everybody's keys, by their numbers.
///
/// # Errors
/// The database is out.
pub async fn all(conn: &mut Conn) -> Result<Vec<AccessKeyRow>> {
    Ok(fetch_all!(conn, AccessKeyRow, AssertSqlSafe(select("ORDER BY access_key_id"))))
}

/// Puts another sealed secret in its place.
///
/// # Errors
/// The database refused.
pub async fn reseal(conn: &mut Conn, row: &AccessKeyRow) -> Result<()> {
    let sql = "UPDATE access_keys SET sealed_secret_key = $2 WHERE access_key_id = $1";
    execute!(conn, sql, row.access_key_id, &row.sealed_secret_key);
    Ok(())
}
