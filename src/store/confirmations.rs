//! The consent of those whom mail goes to: which address a channel's recipient has confirmed, and how
//! often an address was asked to.

use super::IdRow;
use super::tx::{Conn, execute, fetch_optional};
use crate::clock::Timestamp;
use crate::fault::Result;

/// For whom mails are counted that somebody else may have caused.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'a> {
    /// Who is asked: the address, all in lower case.
    Mailbox(&'a str),
    /// Whose account the mail is about: the address, all in lower case.
    Account(&'a str),
    /// Whose channels ask.
    Project(i64),
}

impl Asked<'_> {
    /// What it is counted under; no address looks like a project.
    fn key(self) -> String {
        match self {
            Self::Mailbox(address) => address.to_owned(),
            Self::Account(address) => format!("account {address}"),
            Self::Project(id) => format!("project {id}"),
        }
    }
}

/// How often an address may be asked to confirm.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// At most so many times a day.
    pub most: i64,
    /// Seconds between two times.
    pub pause: i64,
}

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Whether a channel of the project has had this address confirmed.
///
/// # Errors
/// The database is out.
pub async fn is_confirmed(conn: &mut Conn, project_id: i64, address: &str) -> Result<bool> {
    let row = fetch_optional!(
        conn,
        IdRow,
        "SELECT channel_id AS id FROM channels \
         WHERE project_id = $1 AND confirmed_address = $2 LIMIT 1",
        project_id,
        address
    );
    Ok(row.is_some())
}

/// Remembers that a channel waits for its recipient to confirm this address, unless they have by now.
///
/// # Errors
/// The database refused.
pub async fn mark_waiting(
    conn: &mut Conn,
    channel_id: i64,
    address: &str,
    why: &str,
) -> Result<()> {
    execute!(
        conn,
        "UPDATE channels SET last_error = $3 WHERE channel_id = $1 \
         AND (confirmed_address IS NULL OR confirmed_address <> $2)",
        channel_id,
        address,
        why
    );
    Ok(())
}

/// Takes back what the recipient of a channel has confirmed.
///
/// # Errors
/// The database refused.
pub async fn withdraw(conn: &mut Conn, channel_id: i64) -> Result<()> {
    execute!(
        conn,
        "UPDATE channels SET confirmed_address = NULL WHERE channel_id = $1",
        channel_id
    );
    Ok(())
}

/// Counts one mail that asks to confirm an address; whether it may be sent. Of several at once no
/// more are let through than one after another.
///
/// # Errors
/// The database refused.
pub async fn count_mail(
    conn: &mut Conn,
    asked: Asked<'_>,
    bounds: Bounds,
    now: Timestamp,
) -> Result<bool> {
    let counted = execute!(
        conn,
        "INSERT INTO confirmation_mails (address, since, n, last_at) VALUES ($1, $2, 1, $2) \
         ON CONFLICT (address) DO UPDATE SET \
         since = CASE WHEN confirmation_mails.since <= $3 THEN $2 ELSE confirmation_mails.since END, \
         n = CASE WHEN confirmation_mails.since <= $3 THEN 1 ELSE confirmation_mails.n + 1 END, \
         last_at = $2 WHERE confirmation_mails.last_at <= $4 \
         AND (confirmation_mails.n < $5 OR confirmation_mails.since <= $3)",
        asked.key(),
        now,
        now.plus_seconds(-DAY),
        now.plus_seconds(-bounds.pause),
        bounds.most
    );
    Ok(counted > 0)
}

/// Forgets the counts that are a day old.
///
/// # Errors
/// The database refused.
pub async fn forget_mails(conn: &mut Conn, now: Timestamp) -> Result<()> {
    let day_ago = now.plus_seconds(-DAY);
    execute!(conn, "DELETE FROM confirmation_mails WHERE last_at < $1", day_ago);
    Ok(())
}
