//! Users: who may sign in.

use sqlx::AssertSqlSafe;

use super::tx::{Conn, execute, fetch_all, fetch_optional, fetch_value};
use super::{Flag, IdRow};
use crate::clock::Timestamp;
use crate::fault::Result;

/// A user as they are kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct UserRow {
    /// Their id.
    pub user_id: i64,
    /// Their address, in lower case; unique.
    pub email: String,
    /// What they want to be called; may be empty.
    pub name: String,
    /// Their IANA time zone.
    pub timezone: String,
    /// The Argon2id hash of their password.
    pub password_hash: String,
    /// May administer the installation.
    pub is_admin: Flag,
    /// When the account was made.
    pub created_at: Timestamp,
}

fn select(rest: &str) -> String {
    format!(
        "SELECT user_id, email, name, timezone, password_hash, is_admin, created_at FROM users {rest}"
    )
}

/// What a new user starts with.
#[derive(Clone, Debug)]
pub struct NewUser<'a> {
    /// Their address, in lower case.
    pub email: &'a str,
    /// The Argon2id hash of their password.
    pub password_hash: &'a str,
    /// May administer the installation.
    pub is_admin: bool,
}

/// Makes a user; none where the address is taken.
///
/// # Errors
/// The database refused.
pub async fn insert(conn: &mut Conn, new: &NewUser<'_>, now: Timestamp) -> Result<Option<i64>> {
    let row = fetch_optional!(
        conn,
        IdRow,
        "INSERT INTO users (email, name, timezone, password_hash, is_admin, created_at) \
         VALUES ($1, '', 'UTC', $2, $3, $4) ON CONFLICT (email) DO NOTHING \
         RETURNING user_id AS id",
        new.email,
        new.password_hash,
        Flag::from(new.is_admin),
        now
    );
    Ok(row.map(|row| row.id))
}

/// The user of this id.
///
/// # Errors
/// The database is out.
pub async fn find(conn: &mut Conn, user_id: i64) -> Result<Option<UserRow>> {
    Ok(fetch_optional!(conn, UserRow, AssertSqlSafe(select("WHERE user_id = $1")), user_id))
}

/// The user of this address, which must be in lower case.
///
/// # Errors
/// The database is out.
pub async fn find_by_email(conn: &mut Conn, email: &str) -> Result<Option<UserRow>> {
    Ok(fetch_optional!(conn, UserRow, AssertSqlSafe(select("WHERE email = $1")), email))
}

/// Locks a user's row, so that what is counted about them stays so until the transaction ends;
/// false where there is no such user.
///
/// # Errors
/// The database is out.
pub async fn lock(conn: &mut Conn, user_id: i64) -> Result<bool> {
    let sql = format!(
        "SELECT u.user_id AS id FROM users u WHERE u.user_id = $1{}",
        conn.db().for_counting("u")
    );
    Ok(fetch_optional!(conn, IdRow, AssertSqlSafe(sql), user_id).is_some())
}

/// Every user, by id.
///
/// # Errors
/// The database is out.
pub async fn all(conn: &mut Conn) -> Result<Vec<UserRow>> {
    Ok(fetch_all!(conn, UserRow, AssertSqlSafe(select("ORDER BY user_id"))))
}

/// Whether there is any user.
///
/// # Errors
/// The database is out.
pub async fn any(conn: &mut Conn) -> Result<bool> {
    Ok(fetch_value!(conn, i64, "SELECT COUNT(*) FROM (SELECT 1 FROM users LIMIT 1) u") > 0)
}

/// Sets what a user may change about themselves.
///
/// # Errors
/// The database refused.
pub async fn update(conn: &mut Conn, user_id: i64, name: &str, timezone: &str) -> Result<()> {
    execute!(
        conn,
        "UPDATE users SET name = $2, timezone = $3 WHERE user_id = $1",
        user_id,
        name,
        timezone
    );
    Ok(())
}

/// Sets a user's password.
///
/// # Errors
/// The database refused.
pub async fn set_password(conn: &mut Conn, user_id: i64, password_hash: &str) -> Result<()> {
    execute!(
        conn,
        "UPDATE users SET password_hash = $2 WHERE user_id = $1",
        user_id,
        password_hash
    );
    Ok(())
}

/// A page of all users, by their ids, and how many there are.
///
/// # Errors
/// The database is out.
pub async fn list(conn: &mut Conn, offset: i64, limit: i64) -> Result<(Vec<UserRow>, i64)> {
    let sql = select("ORDER BY user_id LIMIT $1 OFFSET $2");
    let rows = fetch_all!(conn, UserRow, AssertSqlSafe(sql), limit, offset);
    Ok((rows, fetch_value!(conn, i64, "SELECT COUNT(*) FROM users")))
}

/// The first user who administers the installation; none where there is none.
///
/// # Errors
/// The database is out.
pub async fn first_admin(conn: &mut Conn) -> Result<Option<i64>> {
    let sql = "SELECT user_id AS id FROM users WHERE is_admin = 1 ORDER BY user_id LIMIT 1";
    Ok(fetch_optional!(conn, IdRow, sql).map(|row| row.id))
}
