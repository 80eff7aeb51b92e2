//! Mail that comes back: a report that what an email channel sent could not be delivered for good
//! turns that channel off.

use crate::context::Context;
use crate::fault::Result;
use crate::notify::channels::email::link::{self, Purpose};
use crate::service::recipients;

/// Whether a bounce address has this token from us. It needs nothing but the key, so that who makes
/// tokens up costs next to nothing.
pub(super) fn is_ours(ctx: &Context, token: &str) -> bool {
    link::read(&ctx.keys, Purpose::Bounce, token).is_some()
}

/// Takes in a message that was sent to the bounce address with this token, and that tells of this
/// failure for good. Any other (a delay, an automatic answer) is taken and has no effect.
///
/// # Errors
/// The database is out: the message may be sent again.
pub(super) async fn take(ctx: &Context, token: &str, failure: Option<&str>) -> Result<()> {
    if let Some(reason) = failure
        && !recipients::bounced(ctx, token, reason).await?
    {
        tracing::debug!(reason, "mail came back that no channel sends any more");
    }
    Ok(())
}
