//! Links that were sent by mail and hold once. Of what stands in a link only the hash is here.

use super::tx::{Conn, execute, fetch_optional};
use crate::clock::Timestamp;
use crate::domain::text_enum;
use crate::fault::Result;

text_enum! {
    /// What a link leads to.
    Purpose {
        /// A new password for an account.
        Reset => "reset",
        /// A new account.
        Register => "register",
    }
}

/// A link as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct LinkRow {
    /// The address that it was sent to.
    pub email: String,
    /// Whose it is; none where there is no account yet.
    pub user_id: Option<i64>,
}

/// Keeps a link.
///
/// # Errors
/// The database refused.
pub async fn insert(
    conn: &mut Conn,
    purpose: Purpose,
    link_hash: &str,
    link: &LinkRow,
    expires_at: Timestamp,
) -> Result<()> {
    execute!(
        conn,
        "INSERT INTO links (link_hash, purpose, email, user_id, expires_at) \
         VALUES ($1, $2, $3, $4, $5)",
        link_hash,
        purpose.as_str(),
        &link.email,
        link.user_id,
        expires_at
    );
    Ok(())
}

/// The link of this hash that holds still.
///
/// # Errors
/// The database is out.
pub async fn find(
    conn: &mut Conn,
    purpose: Purpose,
    link_hash: &str,
    now: Timestamp,
) -> Result<Option<LinkRow>> {
    Ok(fetch_optional!(
        conn,
        LinkRow,
        "SELECT email, user_id FROM links \
         WHERE link_hash = $1 AND purpose = $2 AND expires_at > $3",
        link_hash,
        purpose.as_str(),
        now
    ))
}

/// The same, and takes it away: of several at once one gets it.
///
/// # Errors
/// The database refused.
pub async fn take(
    conn: &mut Conn,
    purpose: Purpose,
    link_hash: &str,
    now: Timestamp,
) -> Result<Option<LinkRow>> {
    Ok(fetch_optional!(
        conn,
        LinkRow,
        "DELETE FROM links WHERE link_hash = $1 AND purpose = $2 AND expires_at > $3 \
         RETURNING email, user_id",
        link_hash,
        purpose.as_str(),
        now
    ))
}

/// Takes away the links of a user.
///
/// # Errors
/// The database refused.
pub async fn remove_of(conn: &mut Conn, user_id: i64) -> Result<()> {
    execute!(conn, "DELETE FROM links WHERE user_id = $1", user_id);
    Ok(())
}

/// Takes away the links that have ended by `now`.
///
/// # Errors
/// The database refused.
pub async fn delete_ended(conn: &mut Conn, now: Timestamp) -> Result<()> {
    execute!(conn, "DELETE FROM links WHERE expires_at <= $1", now);
    Ok(())
}
