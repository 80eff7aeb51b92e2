//! The keys of the Healthchecks dialect (`healthchecks-api.md`, "Access"). Each opens one project,
//! whoever has it. Only their hashes are kept: a key is shown once, when it is made.

use crate::clock::SECOND;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::secret::{self, Secret};
use crate::store::api_keys::{self, ApiKeyRow};
use crate::store::projects::{self, Opened};

/// The characters of a key.
pub const LENGTH: usize = 32;
/// The most keys of a project.
pub const MAX_COUNT: i64 = 100;
/// As many of its characters are kept to know it again.
const HINT: usize = 8;
/// A key's last use is written at most so often, in microseconds.
const PAUSE: i64 = 60 * SECOND;

/// A key that was just made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// How it is kept.
    pub row: ApiKeyRow,
    /// The key. It is not to be had again.
    pub key: Secret,
}

/// Makes a key of a project.
///
/// # Errors
/// [`Fault::Forbidden`]: the project has [`MAX_COUNT`] of them, or does not exist.
pub async fn create(ctx: &Context, project_id: i64, read_only: bool) -> Result<NewKey> {
    let prefix = if read_only { "hcr_" } else { "hcw_" };
    let key = Secret::new(format!("{prefix}{}", secret::random_text::<21>()));
    let row = keep(ctx, project_id, &key, read_only).await?;
    let row = row.ok_or_else(|| Fault::internal("a random key came twice"))?;
    Ok(NewKey { row, key })
}

/// Takes a key over that another system made; none where it is kept already.
///
/// # Errors
/// [`Fault::Invalid`]: it can't be a key. Else as [`create`].
pub async fn import(
    ctx: &Context,
    project_id: i64,
    key: &Secret,
    read_only: bool,
) -> Result<Option<ApiKeyRow>> {
    if key.expose().chars().count() != LENGTH {
        return Err(Fault::invalid("api_key", format!("must have {LENGTH} characters")));
    }
    keep(ctx, project_id, key, read_only).await
}

async fn keep(
    ctx: &Context,
    project_id: i64,
    key: &Secret,
    read_only: bool,
) -> Result<Option<ApiKeyRow>> {
    let mut tx = ctx.store.begin().await?;
    // The project first, so that of two at once each counts what the other has made.
    if !projects::lock(&mut tx, project_id).await? {
        return Err(Fault::Forbidden("there is no such project".to_owned()));
    }
    if api_keys::count(&mut tx, project_id).await? >= MAX_COUNT {
        return Err(Fault::Forbidden(format!(
            "there are {MAX_COUNT} API keys already, which is the most: revoke one first"
        )));
    }
    let hash = secret::sha256_hex(key.expose());
    let hint: String = key.expose().chars().take(HINT).collect();
    let row = api_keys::insert(&mut tx, project_id, (&hash, &hint), read_only, ctx.now()).await?;
    tx.commit().await?;
    Ok(row)
}

/// A project's keys, in the order in which they were made.
///
/// # Errors
/// The database is out.
pub async fn list(ctx: &Context, project_id: i64) -> Result<Vec<ApiKeyRow>> {
    api_keys::of_project(&mut ctx.store.read().await?, project_id).await
}

/// Takes a key of a project back, at once and everywhere.
///
/// # Errors
/// [`Fault::Forbidden`], the same for one of another project and for one that does not exist.
pub async fn revoke(ctx: &Context, project_id: i64, api_key_id: i64) -> Result<()> {
    let mut tx = ctx.store.begin().await?;
    if !api_keys::delete(&mut tx, project_id, api_key_id).await? {
        return Err(Fault::Forbidden("this API key is not in this project".to_owned()));
    }
    tx.commit().await
}

/// What a key opens.
///
/// # Errors
/// [`Fault::Unauthenticated`]: nothing.
pub async fn authenticate(ctx: &Context, key: &str) -> Result<(ApiKeyRow, Opened)> {
    let mut conn = ctx.store.read().await?;
    let found = api_keys::find(&mut conn, &secret::sha256_hex(key)).await?;
    drop(conn);
    let (row, project) = found.ok_or_else(|| Fault::Unauthenticated("wrong api key".to_owned()))?;
    mark_used(ctx, &row);
    Ok((row, project))
}

/// Writes that a key was used, behind the answer; that it is lost where the database is out does no
/// harm.
fn mark_used(ctx: &Context, row: &ApiKeyRow) {
    let now = ctx.now();
    if row.last_used_at.is_some_and(|at| now.micros_since(at) < PAUSE) {
        return;
    }
    let (ctx, api_key_id) = (ctx.clone(), row.api_key_id);
    tokio::spawn(async move {
        let marked = async {
            let mut tx = ctx.store.begin().await?;
            api_keys::mark_used(&mut tx, api_key_id, now).await?;
            tx.commit().await
        };
        if let Err(error) = marked.await {
            tracing::debug!(%error, "the use of an API key was not written down");
        }
    });
}
