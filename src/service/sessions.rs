//! Where somebody is signed in: their sessions, seen and ended. How a session begins and is proven is
//! in `tokens`.

use std::collections::BTreeMap;

use crate::clock::SECOND;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::service::tokens::Caller;
use crate::store::sessions::{self, SessionRow};
use crate::store::tokens;

/// A session's last use is written at most so often, in microseconds.
const PAUSE: i64 = 60 * SECOND;

/// The open sessions of a user, the latest first.
///
/// # Errors
/// The database is out.
pub async fn list(ctx: &Context, user_id: i64) -> Result<Vec<SessionRow>> {
    sessions::open_of(&mut ctx.store.read().await?, user_id, ctx.now()).await
}

/// Remembers that a session is in use.
///
/// # Errors
/// The database refused.
pub async fn mark_used(ctx: &Context, caller: &Caller) -> Result<()> {
    let now = ctx.now();
    if caller.last_used_at.is_some_and(|at| now.micros_since(at) < PAUSE) {
        return Ok(());
    }
    let mut tx = ctx.store.begin().await?;
    tokens::mark_used(&mut tx, &BTreeMap::from([(caller.token_id, now)])).await?;
    tx.commit().await
}

/// Ends one session of a user.
///
/// # Errors
/// [`Fault::NotFound`]: it is not theirs, or has ended.
pub async fn end(ctx: &Context, user_id: i64, token_id: i64) -> Result<()> {
    let mut tx = ctx.store.begin().await?;
    if !sessions::end(&mut tx, user_id, token_id).await? {
        return Err(Fault::NotFound);
    }
    tx.commit().await
}

/// Ends every session of a user but the one that asks.
///
/// # Errors
/// The database refused.
pub async fn end_others(ctx: &Context, caller: &Caller) -> Result<()> {
    let mut tx = ctx.store.begin().await?;
    sessions::end_all(&mut tx, caller.user_id, Some(caller.token_id)).await?;
    tx.commit().await
}
