//! Invitations to projects: who was invited, as what, and by whom. Of what stands in the link only
//! the hash is here.

use sqlx::AssertSqlSafe;

use super::projects::Role;
use super::tx::{Conn, execute, fetch_all, fetch_optional, fetch_value};
use crate::clock::Timestamp;
use crate::fault::Result;

/// An invitation as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct InvitationRow {
    /// Its id.
    pub invitation_id: i64,
    /// The project that it is to.
    pub project_id: i64,
    /// That project's name.
    pub project_name: String,
    /// Its public id.
    pub project_uuid: String,
    /// Who is invited, in lower case.
    pub email: String,
    /// What they are to be there.
    #[sqlx(try_from = "String")]
    pub role: Role,
    /// Who invited them.
    pub invited_by: i64,
    /// The address of who invited them.
    pub inviter: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A new invitation.
#[derive(Clone, Debug)]
pub struct NewInvitation<'a> {
    /// The project that it is to.
    pub project_id: i64,
    /// Who is invited, in lower case.
    pub email: &'a str,
    /// What they are to be there.
    pub role: Role,
    /// The hash of what stands in the link.
    pub link_hash: &'a str,
    /// Who invites them.
    pub invited_by: i64,
    /// When it ends.
    pub expires_at: Timestamp,
}

const SELECT: &str = "SELECT i.invitation_id, i.project_id, p.project_name, p.uuid AS project_uuid, \
                      i.email, i.role, i.invited_by, u.email AS inviter, i.expires_at \
                      FROM invitations i JOIN projects p ON p.project_id = i.project_id \
                      JOIN users u ON u.user_id = i.invited_by";

/// Keeps an invitation, in place of an older one of the same address to the same project.
///
/// # Errors
/// The database refused.
pub async fn insert(conn: &mut Conn, new: &NewInvitation<'_>, now: Timestamp) -> Result<()> {
    execute!(
        conn,
        "INSERT INTO invitations (project_id, email, role, link_hash, invited_by, created_at, \
         expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (project_id, email) DO UPDATE SET role = $3, link_hash = $4, \
         invited_by = $5, created_at = $6, expires_at = $7",
        new.project_id,
        new.email,
        new.role.as_str(),
        new.link_hash,
        new.invited_by,
        now,
        new.expires_at
    );
    Ok(())
}

/// The invitations to a project that hold at `now`, the latest first.
///
/// # Errors
/// The database is out.
pub async fn list(conn: &mut Conn, project_id: i64, now: Timestamp) -> Result<Vec<InvitationRow>> {
    let sql = format!(
        "{SELECT} WHERE i.project_id = $1 AND i.expires_at > $2 ORDER BY i.invitation_id DESC"
    );
    Ok(fetch_all!(conn, InvitationRow, AssertSqlSafe(sql), project_id, now))
}

/// How many of them there are.
///
/// # Errors
/// The database is out.
pub async fn count(conn: &mut Conn, project_id: i64, now: Timestamp) -> Result<i64> {
    Ok(fetch_value!(
        conn,
        i64,
        "SELECT COUNT(*) FROM invitations WHERE project_id = $1 AND expires_at > $2",
        project_id,
        now
    ))
}

/// The invitation of this hash that holds at `now`.
///
/// # Errors
/// The database is out.
pub async fn find(
    conn: &mut Conn,
    link_hash: &str,
    now: Timestamp,
) -> Result<Option<InvitationRow>> {
    let sql = format!("{SELECT} WHERE i.link_hash = $1 AND i.expires_at > $2");
    Ok(fetch_optional!(conn, InvitationRow, AssertSqlSafe(sql), link_hash, now))
}

/// Takes away an invitation to a project; whether it was there.
///
/// # Errors
/// The database refused.
pub async fn delete(conn: &mut Conn, project_id: i64, invitation_id: i64) -> Result<bool> {
    let gone = execute!(
        conn,
        "DELETE FROM invitations WHERE project_id = $1 AND invitation_id = $2",
        project_id,
        invitation_id
    );
    Ok(gone > 0)
}

/// Takes away the invitations that have ended by `now`.
///
/// # Errors
/// The database refused.
pub async fn delete_ended(conn: &mut Conn, now: Timestamp) -> Result<()> {
    execute!(conn, "DELETE FROM invitations WHERE expires_at <= $1", now);
    Ok(())
}

/// Whether an invitation of this address to any project holds at `now`.
///
/// # Errors
/// The database is out.
pub async fn any_of(conn: &mut Conn, email: &str, now: Timestamp) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM invitations WHERE email = $1 AND expires_at > $2 \
               LIMIT 1) i";
    Ok(fetch_value!(conn, i64, sql, email, now) > 0)
}
