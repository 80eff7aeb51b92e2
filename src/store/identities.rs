//! Who signs in by a provider of `OpenID` Connect: a provider's issuer and whom it calls so.

use sqlx::AssertSqlSafe;

use super::tx::{Conn, execute, fetch_all, fetch_optional};
use crate::clock::Timestamp;
use crate::fault::Result;

/// Somebody as a provider knows them.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct IdentityRow {
    /// Its id.
    pub identity_id: i64,
    /// The provider.
    pub issuer: String,
    /// Our user.
    pub user_id: i64,
    /// The address that the provider told when it was linked.
    pub email: String,
    /// When it was linked.
    pub created_at: Timestamp,
    /// When it last signed somebody in.
    pub last_used_at: Timestamp,
}

const SELECT: &str =
    "SELECT identity_id, issuer, user_id, email, created_at, last_used_at FROM identities";

/// The one that a provider calls so.
///
/// # Errors
/// The database is out.
pub async fn find(conn: &mut Conn, issuer: &str, subject: &str) -> Result<Option<IdentityRow>> {
    let sql = format!("{SELECT} WHERE issuer = $1 AND subject = $2");
    Ok(fetch_optional!(conn, IdentityRow, AssertSqlSafe(sql), issuer, subject))
}

/// Links somebody to a user; false where they are linked to one, or the user to somebody else of that
/// provider.
///
/// # Errors
/// The database refused.
pub async fn insert(
    conn: &mut Conn,
    (issuer, subject): (&str, &str),
    user_id: i64,
    email: &str,
    now: Timestamp,
) -> Result<bool> {
    let changed = execute!(
        conn,
        "INSERT INTO identities (issuer, subject, user_id, email, created_at, last_used_at) \
         VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT DO NOTHING",
        issuer,
        subject,
        user_id,
        email,
        now
    );
    Ok(changed > 0)
}

/// Remembers that somebody signed in.
///
/// # Errors
/// The database refused.
pub async fn mark_used(conn: &mut Conn, identity_id: i64, now: Timestamp) -> Result<()> {
    let sql = "UPDATE identities SET last_used_at = $2 WHERE identity_id = $1";
    execute!(conn, sql, identity_id, now);
    Ok(())
}

/// Those of a user, the oldest first.
///
/// # Errors
/// The database is out.
pub async fn of_user(conn: &mut Conn, user_id: i64) -> Result<Vec<IdentityRow>> {
    let sql = format!("{SELECT} WHERE user_id = $1 ORDER BY identity_id");
    Ok(fetch_all!(conn, IdentityRow, AssertSqlSafe(sql), user_id))
}

/// Takes one of a user's away; whether it was theirs.
///
/// # Errors
/// The database refused.
pub async fn delete(conn: &mut Conn, user_id: i64, identity_id: i64) -> Result<bool> {
    let sql = "DELETE FROM identities WHERE user_id = $1 AND identity_id = $2";
    Ok(execute!(conn, sql, user_id, identity_id) > 0)
}
