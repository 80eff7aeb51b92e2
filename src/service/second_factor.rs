//! The second factor of a sign-in: a code of an authenticator app (RFC 6238), each taken once, a
//! passkey (see [`super::passkeys`]), or a recovery code. The app's secret lies sealed in the database,
//! recovery codes as their hashes.

use totp_rs::{Builder, Secret as TotpSecret, Totp};

use crate::clock::SECOND;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::secret::{self, Keyring};
use crate::service::tokens::{self, Device};
use crate::service::users::confirm_password;
use crate::store::authenticators::{self, AuthenticatorRow};
use crate::store::tokens::TokenRow;
use crate::store::tx::Conn;
use crate::store::{passkeys, sessions, users};

/// Bytes of an app's secret, as RFC 4226 recommends.
const LENGTH: usize = 20;
/// As many recovery codes are made at a time.
const CODES: usize = 8;
/// How long the step between password and code may take, in seconds.
pub const STEP: i64 = 600;

/// A secret that an app may take over.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The secret, sealed for this user: the form brings it back.
    pub sealed: String,
    /// The secret as people type it.
    pub key: String,
    /// What the QR code says.
    pub url: String,
}

/// A new secret for a user's app; nothing is kept.
///
/// # Errors
/// It can't be written as a URL, which is a mistake of ours.
pub fn offer(ctx: &Context, user_id: i64, email: &str) -> Result<Offer> {
    let bytes = secret::random_bytes::<LENGTH>();
    offer_of(ctx, user_id, email, bytes)
}

/// The same once more, for a form that did not fit; a new one where it was not ours.
///
/// # Errors
/// As [`offer`].
pub fn offer_again(ctx: &Context, user_id: i64, email: &str, sealed: &str) -> Result<Offer> {
    let bytes = opened(&ctx.keys, &offered_to(user_id), sealed);
    bytes.map_or_else(|_| offer(ctx, user_id, email), |bytes| offer_of(ctx, user_id, email, bytes))
}

fn offer_of(ctx: &Context, user_id: i64, email: &str, bytes: [u8; LENGTH]) -> Result<Offer> {
    // A colon separates the names in such a URL.
    let totp = app(bytes, &email.replace(':', "_"))?;
    let letters: Vec<char> = totp.secret().to_base32().chars().collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    Ok(Offer {
        sealed: ctx.keys.seal(&offered_to(user_id), &bytes),
        key: groups.join(" "),
        url: totp.to_url().map_err(Fault::internal)?,
    })
}

fn app(bytes: [u8; LENGTH], account: &str) -> Result<Totp> {
    let builder = Builder::new()
        .with_secret(TotpSecret::new_stack(bytes))
        .with_issuer(Some("Overdue"))
        .with_account_name(account);
    builder.build().map_err(Fault::internal)
}

fn offered_to(user_id: i64) -> String {
    format!("authenticator offered to {user_id}")
}

/// What a kept secret is sealed for.
pub(super) fn kept_for(user_id: i64) -> String {
    format!("authenticator of {user_id}")
}

fn opened(keys: &Keyring, context: &str, sealed: &str) -> Result<[u8; LENGTH]> {
    let bytes = keys.open(context, sealed)?;
    bytes
        .try_into()
        .map_err(|_| Fault::internal("the secret of an authenticator has another length"))
}

/// The step of this code, where the app of this secret shows it now, or did just before.
fn step_of(ctx: &Context, bytes: [u8; LENGTH], code: &str) -> Result<Option<i64>> {
    let seconds = u64::try_from(ctx.now().epoch_seconds()).unwrap_or_default();
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let step = app(bytes, "")?.check(&digits, seconds);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

/// The second factors that a user has; recovery codes stand in for each.
#[derive(Clone, Copy, Debug)]
pub struct Ways {
    /// An authenticator app.
    pub app: bool,
    /// Passkeys.
    pub passkeys: bool,
}

impl Ways {
    /// Whether there is one.
    #[must_use]
    pub fn any(self) -> bool {
        self.app || self.passkeys
    }
}

/// The second factors of a user.
///
/// # Errors
/// The database is out.
pub async fn of_user(ctx: &Context, user_id: i64) -> Result<Ways> {
    ways(&mut ctx.store.read().await?, user_id).await
}

/// The same inside the caller's transaction.
pub(super) async fn ways(conn: &mut Conn, user_id: i64) -> Result<Ways> {
    Ok(Ways {
        app: authenticators::find(conn, user_id).await?.is_some(),
        passkeys: passkeys::count(conn, user_id).await? > 0,
    })
}

/// Whether a user signs in with a second factor.
///
/// # Errors
/// The database is out.
pub async fn is_on(ctx: &Context, user_id: i64) -> Result<bool> {
    Ok(of_user(ctx, user_id).await?.any())
}

/// How many recovery codes a user has left.
///
/// # Errors
/// The database is out.
pub async fn codes_left(ctx: &Context, user_id: i64) -> Result<i64> {
    authenticators::count_codes(&mut ctx.store.read().await?, user_id).await
}

/// Begins to ask for codes, once the app has shown a right one. Every session of the user ends; one is
/// opened anew for the browser that asks. Returned with it: the recovery codes, which are not to be
/// had again.
///
/// # Errors
/// The password (`password`) or the code (`code`) is not right; there is a second factor already.
pub async fn begin(
    ctx: &Context,
    user_id: i64,
    password: &str,
    given: (&str, &str),
    device: &Device,
) -> Result<(TokenRow, Vec<String>)> {
    let (sealed, code) = given;
    confirm_password(ctx, user_id, "password", password).await?;
    let bytes = opened(&ctx.keys, &offered_to(user_id), sealed)
        .map_err(|_| Fault::invalid("code", "is of a page that is too old: take the new one"))?;
    let wrong = || Fault::invalid("code", "is not what the app should show: is its clock right?");
    let step = step_of(ctx, bytes, code)?.ok_or_else(wrong)?;
    let row =
        AuthenticatorRow { user_id, sealed_secret: ctx.keys.seal(&kept_for(user_id), &bytes) };
    let mut tx = ctx.store.begin().await?;
    users::lock(&mut tx, user_id).await?;
    if !authenticators::insert(&mut tx, &row, step, ctx.now()).await? {
        return Err(Fault::Conflict("there is an authenticator app already".to_owned()));
    }
    let codes = put_new_codes(&mut tx, user_id).await?;
    sessions::end_all(&mut tx, user_id, None).await?;
    let session = tokens::insert_session(ctx, &mut tx, user_id, device).await?;
    tx.commit().await?;
    Ok((session, codes))
}

/// Makes new recovery codes in place of all others.
pub(super) async fn put_new_codes(conn: &mut Conn, user_id: i64) -> Result<Vec<String>> {
    let codes: Vec<String> = (0..CODES).map(|_| secret::random_code()).collect();
    let hashes: Vec<String> = codes.iter().map(|code| hash_of(code)).collect();
    authenticators::set_codes(conn, user_id, &hashes).await?;
    Ok(codes)
}

/// Takes the recovery codes away where there is no second factor for them to stand in for.
pub(super) async fn drop_idle_codes(conn: &mut Conn, user_id: i64) -> Result<()> {
    if !ways(conn, user_id).await?.any() {
        authenticators::set_codes(conn, user_id, &[]).await?;
    }
    Ok(())
}

fn hash_of(code: &str) -> String {
    secret::sha256_hex(secret::normalise_code(code))
}

/// Makes new recovery codes in place of all others.
///
/// # Errors
/// The password is not right; there is no second factor.
pub async fn new_codes(ctx: &Context, user_id: i64, password: &str) -> Result<Vec<String>> {
    confirm_password(ctx, user_id, "password", password).await?;
    let mut tx = ctx.store.begin().await?;
    users::lock(&mut tx, user_id).await?;
    if !ways(&mut tx, user_id).await?.any() {
        return Err(Fault::Conflict("there is no second factor".to_owned()));
    }
    let codes = put_new_codes(&mut tx, user_id).await?;
    tx.commit().await?;
    Ok(codes)
}

/// Asks for no codes of the app any more; passkeys stay. Whether the password alone signs in now.
///
/// # Errors
/// The password is not right.
pub async fn end(ctx: &Context, user_id: i64, password: &str) -> Result<bool> {
    confirm_password(ctx, user_id, "password", password).await?;
    let mut tx = ctx.store.begin().await?;
    users::lock(&mut tx, user_id).await?;
    authenticators::delete(&mut tx, user_id).await?;
    drop_idle_codes(&mut tx, user_id).await?;
    let left = ways(&mut tx, user_id).await?;
    tx.commit().await?;
    Ok(!left.any())
}

/// Ends every second factor of a user, passkeys too, without the password: for whoever has a shell on
/// the server. Whether there was any.
///
/// # Errors
/// The database refused.
pub async fn remove(ctx: &Context, user_id: i64) -> Result<bool> {
    let mut tx = ctx.store.begin().await?;
    users::lock(&mut tx, user_id).await?;
    let had_app = authenticators::delete(&mut tx, user_id).await?;
    let had_passkeys = passkeys::delete_of(&mut tx, user_id).await?;
    drop_idle_codes(&mut tx, user_id).await?;
    tx.commit().await?;
    Ok(had_app || had_passkeys)
}

/// Whether this is a right code of the app, or a recovery code; it is used up by that.
///
/// # Errors
/// The database refused.
pub async fn prove(ctx: &Context, user_id: i64, code: &str) -> Result<bool> {
    let mut tx = ctx.store.begin().await?;
    let step = match authenticators::find(&mut tx, user_id).await? {
        Some(row) => {
            step_of(ctx, opened(&ctx.keys, &kept_for(user_id), &row.sealed_secret)?, code)?
        }
        None => None,
    };
    let fits = match step {
        Some(step) => authenticators::take_step(&mut tx, user_id, step).await?,
        None => authenticators::take_code(&mut tx, user_id, &hash_of(code)).await?,
    };
    tx.commit().await?;
    Ok(fits)
}

/// The proof that somebody has given their password, for the step to the code: sealed, good for
/// [`STEP`] seconds, and no longer than that password.
///
/// # Errors
/// The database is out.
pub async fn halfway(ctx: &Context, user_id: i64) -> Result<String> {
    let mark = password_mark(ctx, user_id).await?;
    let ends_at = ctx.now().plus_micros(STEP * SECOND).epoch_seconds();
    Ok(ctx.keys.seal(HALFWAY, format!("{user_id} {ends_at} {mark}").as_bytes()))
}

const HALFWAY: &str = "password given";

/// Whose proof this is, where it holds.
///
/// # Errors
/// The database is out.
pub async fn who_is_halfway(ctx: &Context, proof: &str) -> Result<Option<i64>> {
    let Ok(bytes) = ctx.keys.open(HALFWAY, proof) else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    let mut parts = text.split(' ');
    let mut number = || parts.next().and_then(|part| part.parse::<i64>().ok());
    let (Some(user_id), Some(ends_at)) = (number(), number()) else { return Ok(None) };
    let holds = ctx.now().epoch_seconds() < ends_at
        && parts.next() == Some(&password_mark(ctx, user_id).await?);
    Ok(holds.then_some(user_id))
}

/// What changes with the password; empty where there is no such user.
async fn password_mark(ctx: &Context, user_id: i64) -> Result<String> {
    let user = users::find(&mut ctx.store.read().await?, user_id).await?;
    Ok(user.map_or_else(String::new, |user| secret::sha256_hex(user.password_hash)))
}
