//! Users: making them, signing them in, and what they say about themselves.

use crate::context::Context;
use crate::domain::schedule::zone::{self, Tz};
use crate::fault::{Fault, Result};
use crate::secret;
use crate::service::names;
use crate::service::tokens::{self, Device};
use crate::store::tokens::TokenRow;
use crate::store::users::{self, NewUser, UserRow};
use crate::store::{links, sessions, settings, tx::Tx};

/// The field in which the present password is asked for.
pub const OLD_PASSWORD: &str = "old_password";
/// The shortest password, in characters.
pub const MIN_PASSWORD: usize = 10;
/// The longest password, in bytes: more would only make work.
pub const MAX_PASSWORD: usize = 1000;

/// The address as it is kept: trimmed, in lower case.
///
/// # Errors
/// It does not look like one.
pub fn normal_email(email: &str) -> Result<String> {
    let email = email.trim().to_lowercase();
    let fits = email.len() <= 254
        && !email.chars().any(|c| c.is_whitespace() || c.is_control() || ",;<>\"".contains(c))
        && email.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        });
    if fits {
        Ok(email)
    } else {
        Err(Fault::invalid("email", "must be an address such as ops@example.org"))
    }
}

/// # Errors
/// The password is too short or too long.
pub fn check_password(password: &str) -> Result<()> {
    if password.chars().count() < MIN_PASSWORD {
        let reason = format!("must have at least {MIN_PASSWORD} characters");
        return Err(Fault::invalid("password", reason));
    }
    if password.len() > MAX_PASSWORD {
        let reason = format!("must have at most {MAX_PASSWORD} bytes");
        return Err(Fault::invalid("password", reason));
    }
    Ok(())
}

/// Makes a user and returns their id. The first user of an installation voids the one-time code of
/// the first-account page.
///
/// # Errors
/// The address or the password is not fit, or the address is taken.
pub async fn create(ctx: &Context, email: &str, password: &str, is_admin: bool) -> Result<i64> {
    let email = normal_email(email)?;
    check_password(password)?;
    let password_hash = secret::hash_password(password).await?;
    let mut tx = ctx.store.begin().await?;
    let user_id = insert(ctx, &mut tx, &email, &password_hash, is_admin).await?;
    tx.commit().await?;
    Ok(user_id)
}

/// As [`create`], with an address and a hash that are ready, inside the caller's transaction.
///
/// # Errors
/// The address is taken.
pub async fn insert(
    ctx: &Context,
    tx: &mut Tx,
    email: &str,
    password_hash: &str,
    is_admin: bool,
) -> Result<i64> {
    let new = NewUser { email, password_hash, is_admin };
    let user_id = users::insert(tx, &new, ctx.now()).await?;
    settings::remove(tx, settings::SETUP_CODE).await?;
    user_id.ok_or_else(|| Fault::invalid("email", format!("{email} has an account already")))
}

/// The user of this address.
///
/// # Errors
/// There is none.
pub async fn find_by_email(ctx: &Context, email: &str) -> Result<UserRow> {
    let email = normal_email(email)?;
    let mut conn = ctx.store.read().await?;
    let user = users::find_by_email(&mut conn, &email).await?;
    user.ok_or_else(|| Fault::invalid("email", format!("no account has the address {email}")))
}

/// The user of this address, where the password is theirs; none otherwise, after as much work.
///
/// # Errors
/// The database is out.
pub async fn sign_in(ctx: &Context, email: &str, password: &str) -> Result<Option<UserRow>> {
    let user = match normal_email(email) {
        Ok(email) => {
            let mut conn = ctx.store.read().await?;
            users::find_by_email(&mut conn, &email).await?
        }
        Err(_) => None,
    };
    let stored = user.as_ref().map(|user| user.password_hash.as_str());
    let fits = secret::verify_password(password, stored).await?;
    Ok(user.filter(|_| fits))
}

/// Sets a user's password. Their sessions end, and links to a new password hold no longer.
///
/// # Errors
/// It is not fit.
pub async fn set_password(ctx: &Context, user_id: i64, password: &str) -> Result<()> {
    check_password(password)?;
    let hash = secret::hash_password(password).await?;
    let mut tx = ctx.store.begin().await?;
    put_password(&mut tx, user_id, &hash).await?;
    tx.commit().await
}

/// As [`set_password`], with a hash that is ready, inside the caller's transaction.
///
/// # Errors
/// The database refused.
pub(super) async fn put_password(tx: &mut Tx, user_id: i64, password_hash: &str) -> Result<()> {
    users::lock(tx, user_id).await?;
    users::set_password(tx, user_id, password_hash).await?;
    links::remove_of(tx, user_id).await?;
    sessions::end_all(tx, user_id, None).await
}

/// A user, where this is their password.
///
/// # Errors
/// It is not; the fault names the field.
pub(super) async fn confirm_password(
    ctx: &Context,
    user_id: i64,
    field: &str,
    password: &str,
) -> Result<UserRow> {
    let user = users::find(&mut ctx.store.read().await?, user_id).await?.ok_or(Fault::NotFound)?;
    if secret::verify_password(password, Some(&user.password_hash)).await? {
        return Ok(user);
    }
    Err(wrong_password(field))
}

fn wrong_password(field: &str) -> Fault {
    Fault::invalid(field, "is not right")
}

/// Changes the password of a user who knows the present one. Every session of theirs ends; one is
/// opened anew for the browser that asks.
///
/// # Errors
/// The present password is another (`old_password`), or the new one is not fit (`password`).
pub async fn change_password(
    ctx: &Context,
    user_id: i64,
    old_password: &str,
    password: &str,
    device: &Device,
) -> Result<TokenRow> {
    check_password(password)?;
    let user = confirm_password(ctx, user_id, OLD_PASSWORD, old_password).await?;
    let hash = secret::hash_password(password).await?;
    let mut tx = ctx.store.begin().await?;
    users::lock(&mut tx, user_id).await?;
    let now = users::find(&mut tx, user_id).await?.ok_or(Fault::NotFound)?;
    // Somebody else may have changed it meanwhile: by a link, say.
    if now.password_hash != user.password_hash {
        return Err(wrong_password(OLD_PASSWORD));
    }
    put_password(&mut tx, user_id, &hash).await?;
    let session = tokens::insert_session(ctx, &mut tx, user_id, device).await?;
    tx.commit().await?;
    Ok(session)
}

/// A time zone by its IANA name.
///
/// # Errors
/// There is no such zone; the fault names `timezone`.
pub fn time_zone(name: &str) -> Result<Tz> {
    zone::parse(name).ok_or_else(|| {
        Fault::invalid("timezone", "must be an IANA time zone such as UTC or Europe/Berlin")
    })
}

/// Sets what a user says about themselves.
///
/// # Errors
/// The name is not fit or the zone unknown.
pub async fn update_profile(
    ctx: &Context,
    user_id: i64,
    name: Option<&str>,
    timezone: Option<&str>,
) -> Result<UserRow> {
    name.map(|name| names::check("name", name, 0)).transpose()?;
    let zone = timezone.map(time_zone).transpose()?;
    let mut tx = ctx.store.begin().await?;
    let mut user = users::find(&mut tx, user_id).await?.ok_or(Fault::NotFound)?;
    name.unwrap_or(&user.name).to_owned().clone_into(&mut user.name);
    if let Some(zone) = zone {
        zone.name().clone_into(&mut user.timezone);
    }
    users::update(&mut tx, user_id, &user.name, &user.timezone).await?;
    tx.commit().await?;
    Ok(user)
}
