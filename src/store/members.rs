//! Who belongs to which project, and as what.

use sqlx::AssertSqlSafe;

use super::IdRow;
use super::projects::Role;
use super::tx::{Conn, execute, fetch_all, fetch_optional, fetch_value};
use crate::clock::Timestamp;
use crate::fault::Result;

/// A member of a project, as the others see them.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct MemberRow {
    /// Their id as a user.
    pub user_id: i64,
    /// Their address.
    pub email: String,
    /// What they want to be called; may be empty.
    pub name: String,
    /// What they may do.
    #[sqlx(try_from = "String")]
    pub role: Role,
    /// When they became a member.
    pub since: Timestamp,
}

const SELECT: &str = "SELECT m.user_id, u.email, u.name, m.role, m.since FROM members m \
                      JOIN users u ON u.user_id = m.user_id WHERE m.project_id = $1";

/// A page of a project's members, by their ids, and how many there are.
///
/// # Errors
/// The database is out.
pub async fn list(
    conn: &mut Conn,
    project_id: i64,
    offset: i64,
    limit: i64,
) -> Result<(Vec<MemberRow>, i64)> {
    let sql = format!("{SELECT} ORDER BY m.user_id LIMIT $2 OFFSET $3");
    let rows = fetch_all!(conn, MemberRow, AssertSqlSafe(sql), project_id, limit, offset);
    Ok((rows, count(conn, project_id).await?))
}

/// A member of this project.
///
/// # Errors
/// The database is out.
pub async fn find(conn: &mut Conn, project_id: i64, user_id: i64) -> Result<Option<MemberRow>> {
    let sql = format!("{SELECT} AND m.user_id = $2");
    Ok(fetch_optional!(conn, MemberRow, AssertSqlSafe(sql), project_id, user_id))
}

/// How many members a project has.
///
/// # Errors
/// The database is out.
pub async fn count(conn: &mut Conn, project_id: i64) -> Result<i64> {
    Ok(fetch_value!(conn, i64, "SELECT COUNT(*) FROM members WHERE project_id = $1", project_id))
}

/// The owner of a project who has been so for longest; none where there is no such project.
///
/// # Errors
/// The database is out.
pub async fn first_owner(conn: &mut Conn, project_id: i64) -> Result<Option<i64>> {
    let row = fetch_optional!(
        conn,
        IdRow,
        "SELECT user_id AS id FROM members WHERE project_id = $1 AND role = 'owner' \
         ORDER BY since, user_id LIMIT 1",
        project_id
    );
    Ok(row.map(|row| row.id))
}

/// How many owners a project has besides this user.
///
/// # Errors
/// The database is out.
pub async fn other_owners(conn: &mut Conn, project_id: i64, user_id: i64) -> Result<i64> {
    Ok(fetch_value!(
        conn,
        i64,
        "SELECT COUNT(*) FROM members WHERE project_id = $1 AND user_id <> $2 AND role = 'owner'",
        project_id,
        user_id
    ))
}

/// Makes a user a member; false where they are one already.
///
/// # Errors
/// The database refused.
pub async fn insert(
    conn: &mut Conn,
    project_id: i64,
    user_id: i64,
    role: Role,
    now: Timestamp,
) -> Result<bool> {
    let changed = execute!(
        conn,
        "INSERT INTO members (project_id, user_id, role, since) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (project_id, user_id) DO NOTHING",
        project_id,
        user_id,
        role.as_str(),
        now
    );
    Ok(changed > 0)
}

/// Gives a member another role.
///
/// # Errors
/// The database refused.
pub async fn set_role(conn: &mut Conn, project_id: i64, user_id: i64, role: Role) -> Result<()> {
    execute!(
        conn,
        "UPDATE members SET role = $3 WHERE project_id = $1 AND user_id = $2",
        project_id,
        user_id,
        role.as_str()
    );
    Ok(())
}

/// Ends a membership.
///
/// # Errors
/// The database refused.
pub async fn delete(conn: &mut Conn, project_id: i64, user_id: i64) -> Result<()> {
    execute!(
        conn,
        "DELETE FROM members WHERE project_id = $1 AND user_id = $2",
        project_id,
        user_id
    );
    Ok(())
}
