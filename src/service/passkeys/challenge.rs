//! Challenges to authenticators. What the server has to remember of one goes, sealed, with the browser
//! that it was put to, so that any node can judge the answer and strangers who ask fill nothing. That
//! none is answered twice stands in the database.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::clock::{SECOND, Timestamp};
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::secret;
use crate::store::passkeys;

/// How long a challenge may be answered, in seconds.
pub const LIFE: i64 = 300;

/// What goes with the browser.
#[derive(Serialize, Deserialize)]
struct Kept<S> {
    id: String,
    /// In microseconds.
    ends_at: i64,
    state: S,
}

/// A challenge: what the page's script hands to the browser, and what the browser brings back.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// For `navigator.credentials`, as JSON, under the name of its function.
    pub options: String,
    /// Sealed.
    pub sealed: String,
}

/// Seals what has to be remembered, for this purpose alone.
pub(super) fn seal(ctx: &Context, purpose: &str, state: &impl Serialize) -> Result<String> {
    let ends_at = ctx.now().plus_micros(LIFE * SECOND).0;
    let kept = Kept { id: secret::random_text::<16>(), ends_at, state };
    let bytes = serde_json::to_vec(&kept).map_err(Fault::internal)?;
    Ok(ctx.keys.seal(purpose, &bytes))
}

/// What was remembered, once: whatever the answer is worth, this challenge is spent.
///
/// # Errors
/// [`Fault::Forbidden`]: it was not put to this browser for this purpose, has ended, or was answered.
pub(super) async fn spend<S: DeserializeOwned>(
    ctx: &Context,
    purpose: &str,
    sealed: &str,
) -> Result<S> {
    let over = || {
        let text =
            "This took too long, was done already, or was begun in another browser. Try again.";
        Fault::Forbidden(text.to_owned())
    };
    let bytes = ctx.keys.open(purpose, sealed).map_err(|_| over())?;
    let kept: Kept<S> = serde_json::from_slice(&bytes).map_err(|_| over())?;
    let (now, ends_at) = (ctx.now(), Timestamp(kept.ends_at));
    if ends_at <= now {
        return Err(over());
    }
    let mut tx = ctx.store.begin().await?;
    let is_new = passkeys::spend_challenge(&mut tx, &kept.id, ends_at, now).await?;
    tx.commit().await?;
    if is_new { Ok(kept.state) } else { Err(over()) }
}
