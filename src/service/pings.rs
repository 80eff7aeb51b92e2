//! Which check a ping is for, whichever way it came. What can't match is found out here and never
//! queues. A UUID never changes its check, so it is remembered; slugs do, and are looked up each
//! time.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::domain::target::Target;
use crate::fault::{Fault, Result};
use crate::store::projects::Slugged;
use crate::store::{Store, checks, projects};

/// UUIDs that are remembered; then all are forgotten and found again.
const MOST_REMEMBERED: usize = 1_000_000;

/// Look-ups that may wait for the database at a time.
const MOST_WAITING: usize = 4096;

/// Finds checks by what pings call them. Cheap to clone; clones share what they remember.
#[derive(Clone, Debug)]
pub struct Finder {
    store: Store,
    remembered: Arc<RwLock<HashMap<Uuid, i64>>>,
    waiting: Arc<Semaphore>,
}

/// The one check of a slug; none where there is none.
///
/// # Errors
/// [`Fault::Conflict`] where the slug fits several.
pub fn only(found: &Slugged) -> Result<Option<i64>> {
    match found.check_ids.as_slice() {
        [] => Ok(None),
        [check_id] => Ok(Some(*check_id)),
        _ => Err(Fault::Conflict("ambiguous slug".to_owned())),
    }
}

impl Finder {
    /// One that remembers nothing yet.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, remembered: Arc::default(), waiting: Arc::new(Semaphore::new(MOST_WAITING)) }
    }

    /// The check of this UUID.
    ///
    /// # Errors
    /// [`Fault::NotFound`]; the database is out.
    pub async fn by_uuid(&self, uuid: Uuid) -> Result<i64> {
        match self.known(uuid) {
            Some(check_id) => Ok(check_id),
            // In a box, as it is rare and large: every connection keeps room for its request.
            None => Box::pin(self.look_up(uuid)).await,
        }
    }

    /// Whether so many look-ups wait for the database that one more had better be refused.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.waiting.available_permits() == 0
    }

    async fn look_up(&self, uuid: Uuid) -> Result<i64> {
        // The semaphore is never closed.
        let _waiting = self.waiting.acquire().await;
        let mut conn = self.store.read().await?;
        let mut text = Uuid::encode_buffer();
        let text = uuid.hyphenated().encode_lower(&mut text);
        let check_id = checks::id_of_uuid(&mut conn, text).await?.ok_or(Fault::NotFound)?;
        self.remember(uuid, check_id);
        Ok(check_id)
    }

    /// What the project of this ping key has under this slug.
    ///
    /// # Errors
    /// [`Fault::NotFound`] where there is no such project; the database is out.
    pub async fn by_slug(&self, key: &str, slug: &str) -> Result<Slugged> {
        // In a box for the same reason.
        Box::pin(self.look_up_slug(key, slug)).await
    }

    async fn look_up_slug(&self, key: &str, slug: &str) -> Result<Slugged> {
        let _waiting = self.waiting.acquire().await;
        let mut conn = self.store.read().await?;
        projects::find_by_slug(&mut conn, key, slug).await?.ok_or(Fault::NotFound)
    }

    /// The check that a mail's address names. The case of a ping key does not count where only one
    /// project's key is the same without it: mailers lower it.
    ///
    /// # Errors
    /// [`Fault::NotFound`]; [`Fault::Conflict`] where the slug, or the key without its case, fits
    /// several; the database is out.
    pub async fn by_address(&self, target: &Target<'_>) -> Result<i64> {
        let (key, slug) = match target {
            Target::Uuid(uuid) => return self.by_uuid(*uuid).await,
            Target::Slug { key, slug } => (*key, *slug),
        };
        let found = match self.by_slug(key, slug).await {
            Err(Fault::NotFound) => self.by_slug(&self.real_key(key).await?, slug).await?,
            found => found?,
        };
        only(&found)?.ok_or(Fault::NotFound)
    }

    async fn real_key(&self, key: &str) -> Result<String> {
        let mut keys = projects::ping_keys_without_case(&mut self.store.read().await?, key).await?;
        match (keys.pop(), keys.is_empty()) {
            (Some(key), true) => Ok(key),
            (None, _) => Err(Fault::NotFound),
            (Some(_), false) => Err(Fault::Conflict("ambiguous ping key".to_owned())),
        }
    }

    /// The check of this UUID, if it is remembered.
    #[must_use]
    pub fn known(&self, uuid: Uuid) -> Option<i64> {
        self.remembered.read().unwrap_or_else(PoisonError::into_inner).get(&uuid).copied()
    }

    fn remember(&self, uuid: Uuid, check_id: i64) {
        let mut known = self.remembered.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_REMEMBERED {
            known.clear();
        }
        known.insert(uuid, check_id);
    }

    /// Forgets a check that turned out to be gone.
    pub fn forget(&self, target: &Target<'_>) {
        if let Target::Uuid(uuid) = target {
            self.remembered.write().unwrap_or_else(PoisonError::into_inner).remove(uuid);
        }
    }
}
