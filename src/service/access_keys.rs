//! Access keys (`jobs-api.md`): what programs sign their requests of the job list with. The secret is
//! shown once, when it is made; it lies sealed in the database, since it is needed to check a
//! signature. A key that is revoked is gone.

use crate::clock::{SECOND, Timestamp};
use crate::context::Context;
use crate::domain::signature::Signed;
use crate::fault::{Fault, Result};
use crate::secret::{self, Keyring, Secret};
use crate::store::access_keys::{self, AccessKeyRow};
use crate::store::users::{self, UserRow};

/// The most access keys of a user.
pub const MAX_COUNT: i64 = 100;
/// A key's last use is written at most so often, in microseconds.
const PAUSE: i64 = 60 * SECOND;

/// A key that was just made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The id that requests name.
    pub access_key: String,
    /// What they are signed with. It is not to be had again.
    pub secret_key: Secret,
}

/// What a secret is sealed for.
pub(super) fn kept_for(access_key: &str) -> String {
    format!("secret of the access key {access_key}")
}

/// Makes an access key of a user.
///
/// # Errors
/// The user has [`MAX_COUNT`] of them.
pub async fn create(ctx: &Context, user_id: i64) -> Result<NewKey> {
    // Letters and digits alone: it goes into headers and onto command lines.
    let access_key = secret::normalise_code(&secret::random_code());
    let secret_key = Secret::new(secret::random_text::<30>());
    let sealed = ctx.keys.seal(&kept_for(&access_key), secret_key.expose().as_bytes());
    let mut tx = ctx.store.begin().await?;
    // The user first, so that of two at once each counts what the other has made.
    if !users::lock(&mut tx, user_id).await? {
        return Err(Fault::NotFound);
    }
    if access_keys::count(&mut tx, user_id).await? >= MAX_COUNT {
        return Err(Fault::Forbidden(format!(
            "there are {MAX_COUNT} access keys already, which is the most: revoke one first"
        )));
    }
    access_keys::insert(&mut tx, user_id, &access_key, &sealed, ctx.now()).await?;
    tx.commit().await?;
    Ok(NewKey { access_key, secret_key })
}

/// A user's keys, in the order in which they were made.
///
/// # Errors
/// The database is out.
pub async fn list(ctx: &Context, user_id: i64) -> Result<Vec<AccessKeyRow>> {
    access_keys::of_user(&mut ctx.store.read().await?, user_id).await
}

/// Takes a user's key back, at once and everywhere.
///
/// # Errors
/// [`Fault::Forbidden`], the same for one that is another's and for one that does not exist.
pub async fn revoke(ctx: &Context, user_id: i64, access_key: &str) -> Result<()> {
    let mut tx = ctx.store.begin().await?;
    if !access_keys::delete(&mut tx, user_id, access_key).await? {
        return Err(Fault::Forbidden("this access key is not yours".to_owned()));
    }
    tx.commit().await
}

/// The same by its number.
///
/// # Errors
/// [`Fault::Forbidden`], the same for one that is another's and for one that does not exist.
pub async fn revoke_by_id(ctx: &Context, user_id: i64, access_key_id: i64) -> Result<()> {
    let rows = list(ctx, user_id).await?;
    let row = rows.iter().find(|row| row.access_key_id == access_key_id);
    revoke(ctx, user_id, row.map_or("", |row| &row.access_key)).await
}

/// Who signed a request.
///
/// # Errors
/// [`Fault::Unauthenticated`]: it was signed too long ago, with a key that does not exist, or not by
/// who has its secret; of the last two it is not told which.
pub async fn authenticate(ctx: &Context, signed: &Signed<'_>) -> Result<UserRow> {
    let now = ctx.now();
    if !signed.is_recent(now) {
        return Err(Fault::Unauthenticated(
            "the timestamp must be the milliseconds since the epoch, and less than 5 minutes from \
             the clock of this server"
                .to_owned(),
        ));
    }
    let mut conn = ctx.store.read().await?;
    let key = access_keys::find(&mut conn, signed.access_key).await?;
    let secret = match &key {
        Some(row) => opened(&ctx.keys, row)?,
        // As much work as with a key, so that time does not tell whether there is one.
        None => Secret::new(""),
    };
    let is_theirs = signed.is_by(&secret);
    let Some(key) = key.filter(|_| is_theirs) else {
        return Err(Fault::Unauthenticated(
            "the access key or the signature is not right".to_owned(),
        ));
    };
    let user = users::find(&mut conn, key.user_id).await?.ok_or(Fault::NotFound)?;
    mark_used(ctx, &key, now);
    Ok(user)
}

/// The secret of a key.
fn opened(keys: &Keyring, row: &AccessKeyRow) -> Result<Secret> {
    let bytes = keys.open(&kept_for(&row.access_key), &row.sealed_secret_key)?;
    let text = String::from_utf8(bytes);
    text.map(Secret::new).map_err(|_| Fault::internal("the secret of an access key is no text"))
}

/// Remembers that a key is in use; the answer does not wait for it.
fn mark_used(ctx: &Context, key: &AccessKeyRow, now: Timestamp) {
    if key.last_used_at.is_some_and(|at| now.micros_since(at) < PAUSE) {
        return;
    }
    let (store, id) = (ctx.store.clone(), key.access_key_id);
    tokio::spawn(async move {
        let written = async {
            let mut tx = store.begin().await?;
            access_keys::mark_used(&mut tx, id, now).await?;
            tx.commit().await
        };
        if let Err(error) = written.await {
            tracing::warn!(%error, "the last use of an access key was not written down");
        }
    });
}
