//! Mail that comes back: a report that what an email channel sent could not be delivered for good
//! turns that channel off.

use super::letter;
use crate::context::Context;
use crate::fault::Result;

/// Takes in a message that was sent to the bounce address with this token. Anything but the report
/// of a failure for good (a delay, an automatic answer) is taken and has no effect.
///
/// # Errors
/// The database is out: the message may be sent again.
pub(super) async fn take(ctx: &Context, token: &str, message: &[u8]) -> Result<()> {
    match letter::failure_told_by(message) {
        Some(reason) => bounced(ctx, token, &reason).await,
        None => Ok(()),
    }
}

/// What an email channel sent under this token came back for this reason.
#[allow(clippy::unused_async, reason = "there are no email channels yet that it could turn off")]
async fn bounced(_ctx: &Context, _token: &str, reason: &str) -> Result<()> {
    tracing::warn!(reason, "mail of an email channel came back");
    Ok(())
}
