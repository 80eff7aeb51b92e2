//! Mail that comes back: a report that what an email channel sent could not be delivered for good
//! turns that channel off.

use super::letter;
use crate::context::Context;
use crate::fault::Result;
use crate::service::recipients;

/// Takes in a message that was sent to the bounce address with this token. Anything but the report
/// of a failure for good (a delay, an automatic answer) is taken and has no effect.
///
/// # Errors
/// The database is out: the message may be sent again.
pub(super) async fn take(ctx: &Context, token: &str, message: &[u8]) -> Result<()> {
    if let Some(reason) = letter::failure_told_by(message)
        && !recipients::bounced(ctx, token, &reason).await?
    {
        tracing::debug!(reason, "mail came back that no channel sends any more");
    }
    Ok(())
}
