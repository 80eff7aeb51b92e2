//! The keys of the Healthchecks dialect: which project each opens, and how far.

use sqlx::AssertSqlSafe;

use super::tx::{Conn, execute, fetch_all, fetch_optional, fetch_value};
use super::{Flag, projects};
use crate::clock::Timestamp;
use crate::fault::Result;

/// A key as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ApiKeyRow {
    /// Its number.
    pub api_key_id: i64,
    /// The project that it opens.
    pub project_id: i64,
    /// Its beginning.
    pub hint: String,
    /// It changes nothing and sees no UUIDs.
    pub read_only: Flag,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, as far as is known.
    pub last_used_at: Option<Timestamp>,
}

fn select(rest: &str) -> String {
    format!(
        "SELECT api_key_id, project_id, hint, read_only, created_at, last_used_at \
         FROM api_keys {rest}"
    )
}

/// Keeps a new key; none where the same is kept already, for this project or another.
///
/// # Errors
/// The database refused.
pub async fn insert(
    conn: &mut Conn,
    project_id: i64,
    (key_hash, hint): (&str, &str),
    read_only: bool,
    now: Timestamp,
) -> Result<Option<ApiKeyRow>> {
    Ok(fetch_optional!(
        conn,
        ApiKeyRow,
        "INSERT INTO api_keys (project_id, key_hash, hint, read_only, created_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key_hash) DO NOTHING \
         RETURNING api_key_id, project_id, hint, read_only, created_at, last_used_at",
        project_id,
        key_hash,
        hint,
        Flag::from(read_only),
        now
    ))
}

/// The key with this hash, and its project.
///
/// # Errors
/// The database is out.
pub async fn find(
    conn: &mut Conn,
    key_hash: &str,
) -> Result<Option<(ApiKeyRow, projects::Opened)>> {
    let sql = select("WHERE key_hash = $1");
    let Some(row) = fetch_optional!(conn, ApiKeyRow, AssertSqlSafe(sql), key_hash) else {
        return Ok(None);
    };
    let project = projects::find_opened(conn, row.project_id).await?;
    Ok(project.map(|project| (row, project)))
}

/// The keys of a project, in the order in which they were made.
///
/// # Errors
/// The database is out.
pub async fn of_project(conn: &mut Conn, project_id: i64) -> Result<Vec<ApiKeyRow>> {
    let sql = select("WHERE project_id = $1 ORDER BY api_key_id");
    Ok(fetch_all!(conn, ApiKeyRow, AssertSqlSafe(sql), project_id))
}

/// How many keys a project has.
///
/// # Errors
/// The database is out.
pub async fn count(conn: &mut Conn, project_id: i64) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM api_keys WHERE project_id = $1";
    Ok(fetch_value!(conn, i64, sql, project_id))
}

/// Takes a key of a project away; whether there was one of this number.
///
/// # Errors
/// The database refused.
pub async fn delete(conn: &mut Conn, project_id: i64, api_key_id: i64) -> Result<bool> {
    let sql = "DELETE FROM api_keys WHERE project_id = $1 AND api_key_id = $2";
    Ok(execute!(conn, sql, project_id, api_key_id) > 0)
}

/// Writes when a key was used last; an earlier moment than is known changes nothing.
///
/// # Errors
/// The database refused.
pub async fn mark_used(conn: &mut Conn, api_key_id: i64, at: Timestamp) -> Result<()> {
    execute!(
        conn,
        "UPDATE api_keys SET last_used_at = $2 WHERE api_key_id = $1 \
         AND (last_used_at IS NULL OR last_used_at < $2)",
        api_key_id,
        at
    );
    Ok(())
}
