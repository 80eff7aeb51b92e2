//! Passkeys, by user and by what their authenticator calls them, and the challenges that were answered.

use sqlx::AssertSqlSafe;

use super::tx::{Conn, execute, fetch_all, fetch_optional, fetch_value};
use crate::clock::Timestamp;
use crate::fault::Result;

/// A passkey.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct PasskeyRow {
    /// Its id.
    pub passkey_id: i64,
    /// Whose it is.
    pub user_id: i64,
    /// What its authenticator calls the user: a UUID, the same for all passkeys of a user.
    pub user_handle: String,
    /// What its user calls it.
    pub name: String,
    /// Its public key, counter and so on, as the library writes it.
    pub credential: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last signed somebody in; none: never.
    pub last_used_at: Option<Timestamp>,
}

/// A passkey to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewPasskey<'a> {
    /// Whose it is.
    pub user_id: i64,
    /// What its authenticator calls it, in base64.
    pub credential_id: &'a str,
    /// What its authenticator calls the user.
    pub user_handle: &'a str,
    /// What its user calls it.
    pub name: &'a str,
    /// As [`PasskeyRow::credential`].
    pub credential: &'a str,
}

const SELECT: &str = "SELECT passkey_id, user_id, user_handle, name, credential, created_at, \
                      last_used_at FROM passkeys";

/// Keeps a passkey; false where it is somebody's already.
///
/// # Errors
/// The database refused.
pub async fn insert(conn: &mut Conn, new: NewPasskey<'_>, now: Timestamp) -> Result<bool> {
    let changed = execute!(
        conn,
        "INSERT INTO passkeys (user_id, credential_id, user_handle, name, credential, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (credential_id) DO NOTHING",
        new.user_id,
        new.credential_id,
        new.user_handle,
        new.name,
        new.credential,
        now
    );
    Ok(changed > 0)
}

/// The passkeys of a user, the oldest first.
///
/// # Errors
/// The database is out.
pub async fn of_user(conn: &mut Conn, user_id: i64) -> Result<Vec<PasskeyRow>> {
    let sql = format!("{SELECT} WHERE user_id = $1 ORDER BY passkey_id");
    Ok(fetch_all!(conn, PasskeyRow, AssertSqlSafe(sql), user_id))
}

/// How many passkeys a user has.
///
/// # Errors
/// The database is out.
pub async fn count(conn: &mut Conn, user_id: i64) -> Result<i64> {
    Ok(fetch_value!(conn, i64, "SELECT COUNT(*) FROM passkeys WHERE user_id = $1", user_id))
}

/// The passkey that an authenticator calls so; locked, so that its counter is judged by one at a time.
///
/// # Errors
/// The database is out.
pub async fn lock(conn: &mut Conn, credential_id: &str) -> Result<Option<PasskeyRow>> {
    let sql = format!("{SELECT} p WHERE credential_id = $1{}", conn.db().for_update("p"));
    Ok(fetch_optional!(conn, PasskeyRow, AssertSqlSafe(sql), credential_id))
}

/// Remembers that a passkey signed its user in, and what it is like since.
///
/// # Errors
/// The database refused.
pub async fn mark_used(
    conn: &mut Conn,
    passkey_id: i64,
    credential: &str,
    now: Timestamp,
) -> Result<()> {
    let sql = "UPDATE passkeys SET credential = $2, last_used_at = $3 WHERE passkey_id = $1";
    execute!(conn, sql, passkey_id, credential, now);
    Ok(())
}

/// Names one of a user's anew; whether it was theirs.
///
/// # Errors
/// The database refused.
pub async fn rename(conn: &mut Conn, user_id: i64, passkey_id: i64, name: &str) -> Result<bool> {
    let sql = "UPDATE passkeys SET name = $3 WHERE user_id = $1 AND passkey_id = $2";
    Ok(execute!(conn, sql, user_id, passkey_id, name) > 0)
}

/// Takes one of a user's away; whether it was theirs.
///
/// # Errors
/// The database refused.
pub async fn delete(conn: &mut Conn, user_id: i64, passkey_id: i64) -> Result<bool> {
    let sql = "DELETE FROM passkeys WHERE user_id = $1 AND passkey_id = $2";
    Ok(execute!(conn, sql, user_id, passkey_id) > 0)
}

/// Takes all of a user's away; whether there were any.
///
/// # Errors
/// The database refused.
pub async fn delete_of(conn: &mut Conn, user_id: i64) -> Result<bool> {
    Ok(execute!(conn, "DELETE FROM passkeys WHERE user_id = $1", user_id) > 0)
}

/// Remembers that a challenge was answered, and forgets those that have ended by `now`; false where it
/// was answered before.
///
/// # Errors
/// The database refused.
pub async fn spend_challenge(
    conn: &mut Conn,
    challenge_id: &str,
    ends_at: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    execute!(conn, "DELETE FROM spent_challenges WHERE ends_at <= $1", now);
    let changed = execute!(
        conn,
        "INSERT INTO spent_challenges (challenge_id, ends_at) VALUES ($1, $2) \
         ON CONFLICT (challenge_id) DO NOTHING",
        challenge_id,
        ends_at
    );
    Ok(changed > 0)
}
