//! Rotation of the secret key: everything that is sealed under one is sealed under another, while no
//! server runs. What is signed under it (tokens, sessions) ends by that. Where the keys lie is left
//! to the command line.

use crate::clock::{Clock, SECOND, Timestamp};
use crate::failpoint;
use crate::fault::{Fault, Result};
use crate::notify::message::seal_context;
use crate::secret::Keyring;
use crate::service::{access_keys as keys_of_users, second_factor};
use crate::store::access_keys::{self, AccessKeyRow};
use crate::store::authenticators::{self, AuthenticatorRow};
use crate::store::channels::{self, SealedRow};
use crate::store::tx::Conn;
use crate::store::{Store, nodes, settings, tokens};

/// A node that gave no sign of life for so long, in microseconds, does not run: they come every two
/// seconds.
const SILENCE: i64 = 6 * SECOND;
/// Channels that are read and written at a time.
const PAGE: i64 = 500;

/// What a rotation is going to mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prospect {
    /// API tokens in use, whose present texts end.
    pub tokens: i64,
    /// Sessions in use, which end.
    pub sessions: i64,
}

/// What a rotation did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Channels whose configuration is sealed under the new key.
    pub channels: u64,
    /// Those that could not be opened under the old key either, by their ids: they are as they were.
    pub unreadable: Vec<i64>,
}

/// The fingerprint of the key that the database is under, none before its first start; after
/// whatever rotation is under way has ended.
///
/// # Errors
/// The database is out.
pub async fn fingerprint(store: &Store) -> Result<Option<String>> {
    let mut tx = store.begin().await?;
    nodes::lock_outages(&mut tx).await?;
    settings::get(&mut tx, settings::KEY_FINGERPRINT).await
}

/// What a rotation now is going to mean.
///
/// # Errors
/// [`Fault::Conflict`] while a server runs; the database is out.
pub async fn prospect(store: &Store, clock: &Clock) -> Result<Prospect> {
    let mut conn = store.read().await?;
    refuse_while_served(&mut conn, clock.now()).await?;
    let (tokens, sessions) = tokens::in_use(&mut conn, clock.now()).await?;
    Ok(Prospect { tokens, sessions })
}

/// Seals everything anew and leaves the new key's fingerprint, all in one transaction. No server can
/// start meanwhile: it has to give its sign of life first, and finds another key then.
///
/// # Errors
/// [`Fault::Conflict`] while a server runs, or where the database is not under the `old` key; the
/// database refused.
pub async fn rotate(
    store: &Store,
    clock: &Clock,
    old: &Keyring,
    new: &Keyring,
) -> Result<Resealed> {
    let mut tx = store.begin().await?;
    // Signs of life go through this lock too.
    nodes::lock_outages(&mut tx).await?;
    refuse_while_served(&mut tx, clock.now()).await?;
    let known = settings::get(&mut tx, settings::KEY_FINGERPRINT).await?;
    if known.as_deref() != Some(&old.fingerprint()) {
        return Err(Fault::Conflict("the database is under another key by now".to_owned()));
    }
    let resealed = reseal_channels(&mut tx, old, new).await?;
    reseal_authenticators(&mut tx, old, new).await?;
    reseal_access_keys(&mut tx, old, new).await?;
    settings::set(&mut tx, settings::KEY_FINGERPRINT, &new.fingerprint()).await?;
    failpoint::reached("rotation_written");
    tx.commit().await?;
    failpoint::reached("rotation_committed");
    Ok(resealed)
}

async fn refuse_while_served(conn: &mut Conn, now: Timestamp) -> Result<()> {
    let Some(last) = nodes::last_beat(conn).await? else { return Ok(()) };
    let silent = now.micros_since(last);
    if silent >= SILENCE {
        return Ok(());
    }
    Err(Fault::Conflict(format!(
        "a server runs on this database, or did until just now: its last sign of life came {} s ago; \
         stop every server, and try again {} s later",
        silent.max(0) / SECOND,
        SILENCE / SECOND
    )))
}

async fn reseal_channels(conn: &mut Conn, old: &Keyring, new: &Keyring) -> Result<Resealed> {
    let (mut resealed, mut after) = (Resealed::default(), 0);
    loop {
        let rows = channels::sealed_after(conn, after, PAGE).await?;
        let Some(last) = rows.last() else { return Ok(resealed) };
        after = last.channel_id;
        let mut changed = Vec::with_capacity(rows.len());
        for row in rows {
            match under(&row, old, new) {
                Ok(sealed_config) => changed.push(SealedRow { sealed_config, ..row }),
                Err(_) => resealed.unreadable.push(row.channel_id),
            }
        }
        channels::reseal(conn, &changed).await?;
        resealed.channels += changed.len() as u64;
    }
}

/// One that could not be opened under the old key either stays as it is: its user is helped by
/// `overdue user end-second-factor`.
async fn reseal_authenticators(conn: &mut Conn, old: &Keyring, new: &Keyring) -> Result<()> {
    for row in authenticators::all(conn).await? {
        let context = second_factor::kept_for(row.user_id);
        if let Ok(bytes) = old.open(&context, &row.sealed_secret) {
            let sealed_secret = new.seal(&context, &bytes);
            authenticators::reseal(conn, &AuthenticatorRow { sealed_secret, ..row }).await?;
        }
    }
    Ok(())
}

/// One that could not be opened under the old key either stays as it is: its user revokes it and makes
/// another.
async fn reseal_access_keys(conn: &mut Conn, old: &Keyring, new: &Keyring) -> Result<()> {
    for row in access_keys::all(conn).await? {
        let context = keys_of_users::kept_for(&row.access_key);
        if let Ok(bytes) = old.open(&context, &row.sealed_secret_key) {
            let sealed_secret_key = new.seal(&context, &bytes);
            access_keys::reseal(conn, &AccessKeyRow { sealed_secret_key, ..row }).await?;
        }
    }
    Ok(())
}

fn under(row: &SealedRow, old: &Keyring, new: &Keyring) -> Result<String> {
    let context = seal_context(&row.uuid);
    Ok(new.seal(&context, &old.open(&context, &row.sealed_config)?))
}
