//! Passkeys (`WebAuthn`): as the second step of a sign-in, or as the whole of it. Each is bound to this
//! site by the browser, asks its user for a finger, a face or a PIN, and shows that it holds a private
//! key that never leaves its authenticator.

mod challenge;
mod party;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, WebauthnError,
};

use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::secret;
use crate::service::tokens::{self, Caller, Device};
use crate::service::users::confirm_password;
use crate::service::{names, second_factor};
use crate::store::passkeys::{self, NewPasskey, PasskeyRow};
use crate::store::sessions;
use crate::store::tokens::TokenRow;
use crate::store::users::{self, UserRow};

pub use challenge::{Challenge, LIFE};
pub use party::obstacle;

/// The most passkeys of a user.
pub const MOST: i64 = 20;

/// The purpose of a challenge for who is not known yet.
const SIGN_IN: &str = "passkey sign-in";

fn second_step(user_id: i64) -> String {
    format!("passkey second step of {user_id}")
}

fn adding(caller: &Caller) -> String {
    format!("passkey new for {} in session {}", caller.user_id, caller.token_id)
}

/// What comes of adding a passkey.
#[derive(Debug)]
pub struct Added {
    /// Where it is the user's first second factor: the session that the browser has from now on, as
    /// every other one ended, and recovery codes, which are not to be had again.
    pub first: Option<(TokenRow, Vec<String>)>,
}

/// A user's passkeys, the oldest first.
///
/// # Errors
/// The database is out.
pub async fn list(ctx: &Context, user_id: i64) -> Result<Vec<PasskeyRow>> {
    passkeys::of_user(&mut ctx.store.read().await?, user_id).await
}

/// Asks the browser for a new passkey, for who knows the password.
///
/// # Errors
/// The password (`password`) is not right; there are too many; passkeys can't be used at this site.
pub async fn begin_adding(
    ctx: &Context,
    base: &str,
    caller: &Caller,
    password: &str,
) -> Result<Challenge> {
    let party = party::party(ctx, base)?;
    let user = confirm_password(ctx, caller.user_id, "password", password).await?;
    let rows = list(ctx, user.user_id).await?;
    check_room(rows.len())?;
    let handle = handle_of(&rows);
    let name = if user.name.is_empty() { &user.email } else { &user.name };
    let (asked, state) = party
        .start_passkey_registration(handle, &user.email, name, None)
        .map_err(Fault::internal)?;
    let mut options = serde_json::to_value(&asked.public_key).map_err(Fault::internal)?;
    // One that can be found without the user's name signs in by itself.
    let selection = &mut options["authenticatorSelection"];
    selection["residentKey"] = json!("required");
    selection["requireResidentKey"] = json!(true);
    // Said here and not to the library, which would keep the list in what goes with the browser; that
    // none is kept twice holds the database.
    options["excludeCredentials"] = descriptors(&rows)?;
    let sealed = challenge::seal(ctx, &adding(caller), &(handle, state))?;
    Ok(Challenge { options: json!({ "create": options }).to_string(), sealed })
}

fn check_room(count: usize) -> Result<()> {
    if i64::try_from(count).is_ok_and(|count| count < MOST) {
        return Ok(());
    }
    Err(Fault::Forbidden(format!("There are {MOST} passkeys already. Remove one first.")))
}

/// What authenticators call the user: at random, and the same for all passkeys of theirs.
fn handle_of(rows: &[PasskeyRow]) -> Uuid {
    let known = rows.iter().find_map(|row| row.user_handle.parse().ok());
    known.unwrap_or_else(secret::random_uuid)
}

fn passkey_of(row: &PasskeyRow) -> Result<Passkey> {
    serde_json::from_str(&row.credential).map_err(Fault::internal)
}

/// Passkeys as the browser is told of them.
fn descriptors(rows: &[PasskeyRow]) -> Result<Value> {
    let each = rows.iter().map(|row| {
        let id = id_of(passkey_of(row)?.cred_id());
        Ok(json!({ "type": "public-key", "id": id }))
    });
    each.collect()
}

fn id_of(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads what the browser answered.
fn read<T: DeserializeOwned>(credential: &str) -> Result<T> {
    serde_json::from_str(credential)
        .map_err(|_| Fault::Forbidden("The browser gave no passkey. Try again.".to_owned()))
}

/// Keeps the passkey that the browser made. Where it is the first second factor of the user, every
/// session of theirs ends, one is opened anew, and there are recovery codes.
///
/// # Errors
/// The name (`name`) is not fit; the challenge or the answer does not hold; the passkey is known.
pub async fn add(
    ctx: &Context,
    base: &str,
    caller: &Caller,
    name: &str,
    (sealed, credential): (&str, &str),
    device: &Device,
) -> Result<Added> {
    let name = names::trimmed(name);
    names::check("name", name, 1)?;
    let party = party::party(ctx, base)?;
    let (handle, state): (Uuid, PasskeyRegistration) =
        challenge::spend(ctx, &adding(caller), sealed).await?;
    let answer: RegisterPublicKeyCredential = read(credential)?;
    let passkey =
        party.finish_passkey_registration(&answer, &state).map_err(|why| refused(&why))?;
    let new = NewPasskey {
        user_id: caller.user_id,
        credential_id: &id_of(passkey.cred_id()),
        user_handle: &handle.to_string(),
        name,
        credential: &serde_json::to_string(&passkey).map_err(Fault::internal)?,
    };
    keep(ctx, new, device).await
}

async fn keep(ctx: &Context, new: NewPasskey<'_>, device: &Device) -> Result<Added> {
    let user_id = new.user_id;
    let mut tx = ctx.store.begin().await?;
    users::lock(&mut tx, user_id).await?;
    check_room(usize::try_from(passkeys::count(&mut tx, user_id).await?).unwrap_or_default())?;
    let is_first = !second_factor::ways(&mut tx, user_id).await?.any();
    if !passkeys::insert(&mut tx, new, ctx.now()).await? {
        return Err(Fault::Forbidden("This passkey was added before.".to_owned()));
    }
    let first = if is_first {
        let codes = second_factor::put_new_codes(&mut tx, user_id).await?;
        sessions::end_all(&mut tx, user_id, None).await?;
        Some((tokens::insert_session(ctx, &mut tx, user_id, device).await?, codes))
    } else {
        None
    };
    tx.commit().await?;
    Ok(Added { first })
}

/// Names a passkey anew.
///
/// # Errors
/// The name is not fit; [`Fault::NotFound`]: it is not theirs.
pub async fn rename(ctx: &Context, user_id: i64, passkey_id: i64, name: &str) -> Result<()> {
    let name = names::trimmed(name);
    names::check("name", name, 1)?;
    let mut tx = ctx.store.begin().await?;
    if !passkeys::rename(&mut tx, user_id, passkey_id, name).await? {
        return Err(Fault::NotFound);
    }
    tx.commit().await
}

/// Takes a passkey away, for who knows the password; with the last second factor the recovery codes go
/// too.
///
/// # Errors
/// The password is not right; [`Fault::NotFound`]: it is not theirs.
pub async fn remove(ctx: &Context, user_id: i64, passkey_id: i64, password: &str) -> Result<()> {
    confirm_password(ctx, user_id, "password", password).await?;
    let mut tx = ctx.store.begin().await?;
    users::lock(&mut tx, user_id).await?;
    if !passkeys::delete(&mut tx, user_id, passkey_id).await? {
        return Err(Fault::NotFound);
    }
    second_factor::drop_idle_codes(&mut tx, user_id).await?;
    tx.commit().await
}

/// Asks the browser for any passkey of this site.
///
/// # Errors
/// Passkeys can't be used at this site.
pub fn begin_sign_in(ctx: &Context, base: &str) -> Result<Challenge> {
    ask(ctx, base, SIGN_IN, None)
}

/// Asks the browser for one of a user's passkeys: their second step.
///
/// # Errors
/// Passkeys can't be used at this site, or they have none.
pub async fn begin_second_step(ctx: &Context, base: &str, user_id: i64) -> Result<Challenge> {
    let rows = list(ctx, user_id).await?;
    if rows.is_empty() {
        return Err(Fault::Forbidden("There is no passkey. Use a code.".to_owned()));
    }
    ask(ctx, base, &second_step(user_id), Some(descriptors(&rows)?))
}

fn ask(ctx: &Context, base: &str, purpose: &str, allowed: Option<Value>) -> Result<Challenge> {
    let party = party::party(ctx, base)?;
    let (asked, state) = party.start_discoverable_authentication().map_err(Fault::internal)?;
    let mut options = serde_json::to_value(&asked.public_key).map_err(Fault::internal)?;
    if let Some(allowed) = allowed {
        options["allowCredentials"] = allowed;
    }
    let sealed = challenge::seal(ctx, purpose, &state)?;
    Ok(Challenge { options: json!({ "get": options }).to_string(), sealed })
}

/// The user whose passkey this is.
///
/// # Errors
/// [`Fault::Forbidden`], in words for who signs in: the challenge or the answer does not hold.
pub async fn sign_in(
    ctx: &Context,
    base: &str,
    (sealed, credential): (&str, &str),
) -> Result<UserRow> {
    let user_id = proven(ctx, base, SIGN_IN, (sealed, credential), None).await?;
    users::find(&mut ctx.store.read().await?, user_id).await?.ok_or_else(unknown)
}

/// Proves the second step of a user.
///
/// # Errors
/// As [`sign_in`]; or the passkey is another user's.
pub async fn prove_second_step(
    ctx: &Context,
    base: &str,
    user_id: i64,
    (sealed, credential): (&str, &str),
) -> Result<()> {
    let purpose = second_step(user_id);
    proven(ctx, base, &purpose, (sealed, credential), Some(user_id)).await.map(drop)
}

/// Whose passkey has answered: of this user where one is named, else of whom it names itself.
async fn proven(
    ctx: &Context,
    base: &str,
    purpose: &str,
    (sealed, credential): (&str, &str),
    only: Option<i64>,
) -> Result<i64> {
    let party = party::party(ctx, base)?;
    let state: DiscoverableAuthentication = challenge::spend(ctx, purpose, sealed).await?;
    let answer: PublicKeyCredential = read(credential)?;
    let mut tx = ctx.store.begin().await?;
    let row = passkeys::lock(&mut tx, &id_of(&answer.raw_id)).await?.ok_or_else(unknown)?;
    let named = answer.get_user_unique_id().map(Uuid::from_slice);
    let fits_user = match (only, named) {
        (Some(user_id), None) => row.user_id == user_id,
        (None, None) => false,
        (only, Some(handle)) => {
            only.is_none_or(|user_id| row.user_id == user_id)
                && handle.is_ok_and(|handle| handle.to_string() == row.user_handle)
        }
    };
    if !fits_user {
        return Err(unknown());
    }
    let mut passkey = passkey_of(&row)?;
    let result = party
        .finish_discoverable_authentication_v2(&answer, state, &passkey)
        .map_err(|why| refused(&why))?;
    passkey.update_credential(&result);
    let kept = serde_json::to_string(&passkey).map_err(Fault::internal)?;
    passkeys::mark_used(&mut tx, row.passkey_id, &kept, ctx.now()).await?;
    tx.commit().await?;
    Ok(row.user_id)
}

fn unknown() -> Fault {
    Fault::Forbidden(
        "This passkey is not known here: it was removed, or is another account’s.".to_owned(),
    )
}

/// What did not hold, as people are told; the log has the rest.
fn refused(why: &WebauthnError) -> Fault {
    tracing::warn!(%why, "a passkey was refused");
    let text = match why {
        WebauthnError::CredentialPossibleCompromise => {
            "The counter of this passkey went back: there may be a copy of it. Sign in another way, \
             and remove it."
        }
        WebauthnError::InvalidRPOrigin => {
            "This passkey was used at another address than this site’s."
        }
        WebauthnError::UserNotVerified => {
            "This passkey did not ask who you are: it needs a PIN, a finger or a face."
        }
        _ => "This passkey does not fit. Try again.",
    };
    Fault::Forbidden(text.to_owned())
}
