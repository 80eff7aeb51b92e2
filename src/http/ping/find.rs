//! Which check a ping is for. What can't match is answered from here and never queues. A UUID
//! never changes its check, so it is remembered; slugs do, and are looked up each time.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use uuid::Uuid;

use super::path::Target;
use super::query::Query;
use super::{Endpoint, create};
use crate::fault::{Fault, Result};
use crate::store::checks::Settings;
use crate::store::{checks, projects};

/// UUIDs that are remembered; then all are forgotten and found again.
const MOST_REMEMBERED: usize = 1_000_000;

/// The checks that were found by their UUIDs.
#[derive(Debug, Default)]
pub(super) struct Remembered(RwLock<HashMap<Uuid, i64>>);

impl Remembered {
    fn get(&self, uuid: Uuid) -> Option<i64> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&uuid).copied()
    }

    fn put(&self, uuid: Uuid, check_id: i64) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_REMEMBERED {
            known.clear();
        }
        known.insert(uuid, check_id);
    }

    /// Forgets a check that turned out to be gone.
    pub(super) fn forget(&self, target: &Target<'_>) {
        if let Target::Uuid(uuid) = target {
            self.0.write().unwrap_or_else(PoisonError::into_inner).remove(uuid);
        }
    }
}

/// The check of a ping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is there.
    Check(i64),
    /// It is to be made in this project, once the ping has come whole.
    ToMake(i64, Box<Settings>),
}

/// Finds the check of a ping, or what is to be made of it where that was asked for.
///
/// # Errors
/// [`Fault::NotFound`], [`Fault::Conflict`] where the slug fits several, [`Fault::Invalid`] where
/// the check is to be made of something that can't be.
pub(super) async fn find(at: &Endpoint, target: &Target<'_>, query: &Query) -> Result<Found> {
    match target {
        Target::Uuid(uuid) => Ok(Found::Check(by_uuid(at, *uuid).await?)),
        Target::Slug { key, slug } => by_slug(at, key, slug, query).await,
    }
}

async fn by_uuid(at: &Endpoint, uuid: Uuid) -> Result<i64> {
    if let Some(check_id) = at.remembered.get(uuid) {
        return Ok(check_id);
    }
    let mut conn = at.ctx.store.read().await?;
    let mut text = Uuid::encode_buffer();
    let text = uuid.hyphenated().encode_lower(&mut text);
    let check_id = checks::id_of_uuid(&mut conn, text).await?.ok_or(Fault::NotFound)?;
    at.remembered.put(uuid, check_id);
    Ok(check_id)
}

async fn by_slug(at: &Endpoint, key: &str, slug: &str, query: &Query) -> Result<Found> {
    let draft = query.create.then(|| create::draft(&at.ctx, slug, query)).transpose()?;
    let (project_id, auto_create, found) = {
        let mut conn = at.ctx.store.read().await?;
        let project = projects::find_by_ping_key(&mut conn, key).await?;
        let (project_id, auto_create) = project.ok_or(Fault::NotFound)?;
        (project_id, auto_create, checks::ids_of_slug(&mut conn, project_id, slug).await?)
    };
    match (found.as_slice(), draft) {
        ([check_id], _) => Ok(Found::Check(*check_id)),
        ([], Some(draft)) if auto_create => Ok(Found::ToMake(project_id, Box::new(draft))),
        ([], _) => Err(Fault::NotFound),
        _ => Err(Fault::Conflict("ambiguous slug".to_owned())),
    }
}
