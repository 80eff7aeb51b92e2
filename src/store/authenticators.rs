//! Second factors: the sealed secrets of authenticator apps, and the hashes of recovery codes.

use super::tx::{Conn, execute, fetch_all, fetch_optional, fetch_value};
use crate::clock::Timestamp;
use crate::fault::Result;

/// The secret of a user's authenticator app.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct AuthenticatorRow {
    /// Whose it is.
    pub user_id: i64,
    /// The secret, encrypted.
    pub sealed_secret: String,
}

/// Keeps a user's secret; false where they have one.
///
/// # Errors
/// The database refused.
pub async fn insert(
    conn: &mut Conn,
    new: &AuthenticatorRow,
    last_step: i64,
    now: Timestamp,
) -> Result<bool> {
    let changed = execute!(
        conn,
        "INSERT INTO authenticators (user_id, sealed_secret, last_step, created_at) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (user_id) DO NOTHING",
        new.user_id,
        &new.sealed_secret,
        last_step,
        now
    );
    Ok(changed > 0)
}

/// A user's secret.
///
/// # Errors
/// The database is out.
pub async fn find(conn: &mut Conn, user_id: i64) -> Result<Option<AuthenticatorRow>> {
    let sql = "SELECT user_id, sealed_secret FROM authenticators WHERE user_id = $1";
    Ok(fetch_optional!(conn, AuthenticatorRow, sql, user_id))
}

/// Takes the code of this step, unless it or a later one was taken: whether it was.
///
/// # Errors
/// The database refused.
pub async fn take_step(conn: &mut Conn, user_id: i64, step: i64) -> Result<bool> {
    let changed = execute!(
        conn,
        "UPDATE authenticators SET last_step = $2 WHERE user_id = $1 AND last_step < $2",
        user_id,
        step
    );
    Ok(changed > 0)
}

/// Takes away a user's secret; whether there was one.
///
/// # Errors
/// The database refused.
pub async fn delete(conn: &mut Conn, user_id: i64) -> Result<bool> {
    Ok(execute!(conn, "DELETE FROM authenticators WHERE user_id = $1", user_id) > 0)
}

/// Keeps these recovery codes, by their hashes, in place of all others of the user.
///
/// # Errors
/// The database refused.
pub async fn set_codes(conn: &mut Conn, user_id: i64, hashes: &[String]) -> Result<()> {
    execute!(conn, "DELETE FROM recovery_codes WHERE user_id = $1", user_id);
    for hash in hashes {
        let sql = "INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)";
        execute!(conn, sql, user_id, hash);
    }
    Ok(())
}

/// Takes a recovery code; whether it was one.
///
/// # Errors
/// The database refused.
pub async fn take_code(conn: &mut Conn, user_id: i64, hash: &str) -> Result<bool> {
    let sql = "DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2";
    Ok(execute!(conn, sql, user_id, hash) > 0)
}

/// How many recovery codes a user has left.
///
/// # Errors
/// The database is out.
pub async fn count_codes(conn: &mut Conn, user_id: i64) -> Result<i64> {
    Ok(fetch_value!(conn, i64, "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1", user_id))
}

/// Every user's secret, by their ids.
///
/// # Errors
/// The database is out.
pub async fn all(conn: &mut Conn) -> Result<Vec<AuthenticatorRow>> {
    let sql = "SELECT user_id, sealed_secret FROM authenticators ORDER BY user_id";
    Ok(fetch_all!(conn, AuthenticatorRow, sql))
}

/// Puts another sealed secret in its place.
///
/// # Errors
/// The database refused.
pub async fn reseal(conn: &mut Conn, row: &AuthenticatorRow) -> Result<()> {
    let sql = "UPDATE authenticators SET sealed_secret = $2 WHERE user_id = $1";
    execute!(conn, sql, row.user_id, &row.sealed_secret);
    Ok(())
}
