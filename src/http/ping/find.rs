//! Which check a ping is for, or what is to be made of it where that was asked for.

use super::query::Query;
use super::{Endpoint, create};
use crate::domain::target::Target;
use crate::fault::{Fault, Result};
use crate::service::pings;
use crate::store::checks::Settings;

/// The check of a ping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is there.
    Check(i64),
    /// It is to be made in this project, once the ping has come whole.
    ToMake(i64, Box<Settings>),
    /// That would have to be looked up, and there is too much to do already.
    Busy,
}

/// Finds the check of a ping, or what is to be made of it where that was asked for.
///
/// # Errors
/// [`Fault::NotFound`], [`Fault::Conflict`] where the slug fits several, [`Fault::Invalid`] where
/// the check is to be made of something that can't be.
pub(super) async fn find(at: &Endpoint, target: &Target<'_>, query: &Query) -> Result<Found> {
    match target {
        Target::Uuid(uuid) => match at.finder.known(*uuid) {
            Some(check_id) => Ok(Found::Check(check_id)),
            // What looks into the database is boxed, so that a ping's future has no room for it.
            None if at.is_busy() => Ok(Found::Busy),
            None => Ok(Found::Check(Box::pin(at.finder.by_uuid(*uuid)).await?)),
        },
        Target::Slug { .. } if at.is_busy() => Ok(Found::Busy),
        Target::Slug { key, slug } => Box::pin(by_slug(at, key, slug, query)).await,
    }
}

async fn by_slug(at: &Endpoint, key: &str, slug: &str, query: &Query) -> Result<Found> {
    let draft = query.create.then(|| create::draft(&at.ctx, slug, query)).transpose()?;
    let found = at.finder.by_slug(key, slug).await?;
    match (pings::only(&found)?, draft) {
        (Some(check_id), _) => Ok(Found::Check(check_id)),
        (None, Some(draft)) if found.auto_create => {
            Ok(Found::ToMake(found.project_id, Box::new(draft)))
        }
        (None, _) => Err(Fault::NotFound),
    }
}
