//! Projects, and who belongs to them.

use sqlx::AssertSqlSafe;

use super::dialect::id_list;
use super::tx::{Conn, execute, fetch_all, fetch_optional, fetch_value};
use super::{Flag, IdRow};
use crate::clock::Timestamp;
use crate::domain::text_enum;
use crate::fault::Result;
use crate::secret;

text_enum! {
    /// What a member of a project may do.
    Role {
        /// See.
        Viewer => "viewer",
        /// See and change.
        Editor => "editor",
        /// See, change, and say who else may.
        Owner => "owner",
    }
}

/// A project as it is kept, as one of its members sees it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ProjectRow {
    /// Its id.
    pub project_id: i64,
    /// Its public id.
    pub uuid: String,
    /// Its name.
    pub project_name: String,
    /// The key in its checks' slug URLs.
    pub ping_key: String,
    /// Unknown slugs may make checks.
    pub auto_create: Flag,
    /// When it was made.
    pub created_at: Timestamp,
    /// What this member may do.
    #[sqlx(try_from = "String")]
    pub role: Role,
}

/// How many checks of a project are in a state.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StatusCount {
    /// The project.
    pub project_id: i64,
    /// `down`, `grace`, `up`, `new` or `paused`.
    pub status: String,
    /// How many.
    pub checks: i64,
}

const COLUMNS: &str = "p.project_id, p.uuid, p.project_name, p.ping_key, p.auto_create, \
                       p.created_at, m.role";

/// What a new project starts with.
#[derive(Clone, Debug)]
pub struct NewProject<'a> {
    /// Its public id.
    pub uuid: &'a str,
    /// Its name.
    pub project_name: &'a str,
    /// The key in its checks' slug URLs.
    pub ping_key: &'a str,
    /// Unknown slugs may make checks.
    pub auto_create: bool,
    /// Who owns it.
    pub owner_id: i64,
}

/// Makes a project and its owner's membership.
///
/// # Errors
/// The database refused.
pub async fn insert(conn: &mut Conn, new: &NewProject<'_>, now: Timestamp) -> Result<i64> {
    let project_id = fetch_value!(
        conn,
        i64,
        "INSERT INTO projects (uuid, project_name, ping_key, auto_create, created_at, badge_key) \
         VALUES ($1, $2, $3, $4, $5, $6) RETURNING project_id",
        new.uuid,
        new.project_name,
        new.ping_key,
        Flag::from(new.auto_create),
        now,
        secret::random_uuid().to_string()
    );
    execute!(
        conn,
        "INSERT INTO members (project_id, user_id, role, since) VALUES ($1, $2, 'owner', $3)",
        project_id,
        new.owner_id,
        now
    );
    Ok(project_id)
}

/// A project as this user sees it; none where they do not belong to it or it does not exist.
///
/// # Errors
/// The database is out.
pub async fn find_for(
    conn: &mut Conn,
    user_id: i64,
    project_id: i64,
) -> Result<Option<ProjectRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM projects p JOIN members m ON m.project_id = p.project_id \
         WHERE m.user_id = $1 AND p.project_id = $2"
    );
    Ok(fetch_optional!(conn, ProjectRow, AssertSqlSafe(sql), user_id, project_id))
}

/// The same by the project's public id.
///
/// # Errors
/// The database is out.
pub async fn find_by_uuid_for(
    conn: &mut Conn,
    user_id: i64,
    uuid: &str,
) -> Result<Option<ProjectRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM projects p JOIN members m ON m.project_id = p.project_id \
         WHERE m.user_id = $1 AND p.uuid = $2"
    );
    Ok(fetch_optional!(conn, ProjectRow, AssertSqlSafe(sql), user_id, uuid))
}

/// A page of the projects that a user belongs to, by id, and how many there are.
///
/// # Errors
/// The database is out.
pub async fn list_for(
    conn: &mut Conn,
    user_id: i64,
    offset: i64,
    limit: i64,
) -> Result<(Vec<ProjectRow>, i64)> {
    let sql = format!(
        "SELECT {COLUMNS} FROM projects p JOIN members m ON m.project_id = p.project_id \
         WHERE m.user_id = $1 ORDER BY p.project_id LIMIT $2 OFFSET $3"
    );
    let rows = fetch_all!(conn, ProjectRow, AssertSqlSafe(sql), user_id, limit, offset);
    let total = fetch_value!(conn, i64, "SELECT COUNT(*) FROM members WHERE user_id = $1", user_id);
    Ok((rows, total))
}

/// How many projects a user owns.
///
/// # Errors
/// The database is out.
pub async fn count_owned(conn: &mut Conn, user_id: i64) -> Result<i64> {
    Ok(fetch_value!(
        conn,
        i64,
        "SELECT COUNT(*) FROM members WHERE user_id = $1 AND role = 'owner'",
        user_id
    ))
}

/// How many checks of these projects are in which state, `grace` told from `up` at `now`.
///
/// # Errors
/// The database is out.
pub async fn status_counts(
    conn: &mut Conn,
    project_ids: &[i64],
    now: Timestamp,
) -> Result<Vec<StatusCount>> {
    let sql = format!(
        "SELECT x.project_id, x.status, COUNT(*) AS checks FROM (SELECT c.project_id, \
         CASE WHEN s.status = 'up' AND s.next_ping_at < $2 THEN 'grace' ELSE s.status END AS status \
         FROM checks c JOIN check_states s ON s.check_id = c.check_id WHERE {}) x \
         GROUP BY x.project_id, x.status",
        conn.db().is_in("c.project_id", "$1")
    );
    Ok(fetch_all!(conn, StatusCount, AssertSqlSafe(sql), id_list(project_ids), now))
}

/// Sets a project's name and whether unknown slugs may make checks.
///
/// # Errors
/// The database refused.
pub async fn update(
    conn: &mut Conn,
    project_id: i64,
    project_name: &str,
    auto_create: bool,
) -> Result<()> {
    execute!(
        conn,
        "UPDATE projects SET project_name = $2, auto_create = $3 WHERE project_id = $1",
        project_id,
        project_name,
        Flag::from(auto_create)
    );
    Ok(())
}

/// A project as those see it who have a key of it, and belong to it or not.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Opened {
    /// Its id.
    pub project_id: i64,
    /// Its public id.
    pub uuid: String,
    /// Its name.
    pub project_name: String,
    /// What the addresses of its badges name it by; none where a program that knew none made it.
    pub badge_key: Option<String>,
}

/// The project of this id.
///
/// # Errors
/// The database is out.
pub async fn find_opened(conn: &mut Conn, project_id: i64) -> Result<Option<Opened>> {
    let sql =
        "SELECT project_id, uuid, project_name, badge_key FROM projects WHERE project_id = $1";
    Ok(fetch_optional!(conn, Opened, sql, project_id))
}

/// The project that badges name so.
///
/// # Errors
/// The database is out.
pub async fn find_by_badge(conn: &mut Conn, badge_key: &str) -> Result<Option<Opened>> {
    let sql = "SELECT project_id, uuid, project_name, badge_key FROM projects WHERE badge_key = $1";
    Ok(fetch_optional!(conn, Opened, sql, badge_key))
}

/// The projects of this name, by id; three at most.
///
/// # Errors
/// The database is out.
pub async fn ids_of_name(conn: &mut Conn, project_name: &str) -> Result<Vec<i64>> {
    let rows = fetch_all!(
        conn,
        IdRow,
        "SELECT project_id AS id FROM projects WHERE project_name = $1 ORDER BY project_id LIMIT 3",
        project_name
    );
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The project of this ping key.
///
/// # Errors
/// The database is out.
pub async fn id_of_ping_key(conn: &mut Conn, ping_key: &str) -> Result<Option<i64>> {
    let row = fetch_optional!(
        conn,
        IdRow,
        "SELECT project_id AS id FROM projects WHERE ping_key = $1",
        ping_key
    );
    Ok(row.map(|row| row.id))
}

/// Gives a project another badge key, which no other may have.
///
/// # Errors
/// The database refused.
pub async fn set_badge_key(conn: &mut Conn, project_id: i64, badge_key: &str) -> Result<()> {
    let sql = "UPDATE projects SET badge_key = $2 WHERE project_id = $1";
    execute!(conn, sql, project_id, badge_key);
    Ok(())
}

/// Gives a project a new ping key.
///
/// # Errors
/// The database refused.
pub async fn set_ping_key(conn: &mut Conn, project_id: i64, ping_key: &str) -> Result<()> {
    execute!(conn, "UPDATE projects SET ping_key = $2 WHERE project_id = $1", project_id, ping_key);
    Ok(())
}

/// Deletes a project and all that belongs to it; the pings of its checks are left to the janitor.
///
/// # Errors
/// The database refused.
pub async fn delete(conn: &mut Conn, project_id: i64) -> Result<()> {
    // Locked in the order of every writer of states, so that no ping is stored between the steps.
    let lock = format!(
        "SELECT s.check_id AS id FROM check_states s JOIN checks c ON c.check_id = s.check_id \
         WHERE c.project_id = $1 ORDER BY s.check_id{}",
        conn.db().for_update("s")
    );
    fetch_all!(conn, IdRow, AssertSqlSafe(lock), project_id);
    execute!(
        conn,
        "INSERT INTO deleted_checks (check_id) SELECT check_id FROM checks WHERE project_id = $1",
        project_id
    );
    execute!(conn, "DELETE FROM projects WHERE project_id = $1", project_id);
    Ok(())
}

#[derive(Clone, Debug, sqlx::FromRow)]
struct SlugRow {
    project_id: i64,
    auto_create: Flag,
    check_id: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct PingKeyRow {
    ping_key: String,
}

/// What a slug means under a ping key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slugged {
    /// The project of the ping key.
    pub project_id: i64,
    /// Whether a missing check may be made there by its first ping.
    pub auto_create: bool,
    /// The checks of the slug; two at most, which is one too many.
    pub check_ids: Vec<i64>,
}

/// The project of a ping key with its checks of a slug.
///
/// # Errors
/// The database is out.
pub async fn find_by_slug(conn: &mut Conn, ping_key: &str, slug: &str) -> Result<Option<Slugged>> {
    let rows = fetch_all!(
        conn,
        SlugRow,
        "SELECT p.project_id, p.auto_create, c.check_id FROM projects p \
         LEFT JOIN checks c ON c.project_id = p.project_id AND c.slug = $2 \
         WHERE p.ping_key = $1 LIMIT 2",
        ping_key,
        slug
    );
    let Some(first) = rows.first() else { return Ok(None) };
    Ok(Some(Slugged {
        project_id: first.project_id,
        auto_create: first.auto_create.into(),
        check_ids: rows.iter().filter_map(|row| row.check_id).collect(),
    }))
}

/// The ping keys that are this one but for the case of letters; two at most, which is one too many.
///
/// # Errors
/// The database is out.
pub async fn ping_keys_without_case(conn: &mut Conn, ping_key: &str) -> Result<Vec<String>> {
    let rows = fetch_all!(
        conn,
        PingKeyRow,
        "SELECT ping_key FROM projects WHERE LOWER(ping_key) = LOWER($1) LIMIT 2",
        ping_key
    );
    Ok(rows.into_iter().map(|row| row.ping_key).collect())
}

/// Locks a project's row, so that what is counted in it stays so until the transaction ends;
/// false where it does not exist.
///
/// # Errors
/// The database is out.
pub async fn lock(conn: &mut Conn, project_id: i64) -> Result<bool> {
    let sql = format!(
        "SELECT p.project_id AS id FROM projects p WHERE p.project_id = $1{}",
        conn.db().for_counting("p")
    );
    Ok(fetch_optional!(conn, IdRow, AssertSqlSafe(sql), project_id).is_some())
}

/// What alerts say about a project.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Recipient {
    /// Its public id.
    pub uuid: String,
    /// Its name.
    pub project_name: String,
    /// The time zone of its first owner.
    pub timezone: String,
}

/// What alerts say about a project; none where it is gone.
///
/// # Errors
/// The database is out.
pub async fn recipient(conn: &mut Conn, project_id: i64) -> Result<Option<Recipient>> {
    Ok(fetch_optional!(
        conn,
        Recipient,
        "SELECT p.uuid, p.project_name, u.timezone FROM projects p \
         JOIN members m ON m.project_id = p.project_id JOIN users u ON u.user_id = m.user_id \
         WHERE p.project_id = $1 ORDER BY CASE m.role WHEN 'owner' THEN 0 ELSE 1 END, m.since, \
         m.user_id LIMIT 1",
        project_id
    ))
}
