//! A new password for who lost the old one: by a link that is sent to the account's address. It holds
//! for an hour and once, and no longer than the password that it replaces.

use crate::context::Context;
use crate::fault::Result;
use crate::secret;
use crate::service::letters::{self, Note};
use crate::service::users::{self as accounts, check_password, normal_email};
use crate::store::confirmations::{self, Asked, Bounds};
use crate::store::links::{self, LinkRow, Purpose};
use crate::store::users;

/// How long a link holds, in seconds.
const LIFE: i64 = 3600;

/// How many mails about its account an address gets, whoever asks for them.
pub(super) const BOUNDS: Bounds = Bounds { most: 5, pause: 60 };

/// Sends a link to this address where it has an account. Nothing tells the caller whether it has: run
/// it beside the answer.
///
/// # Errors
/// The database refused.
pub async fn ask(ctx: &Context, email: &str) -> Result<()> {
    let Ok(email) = normal_email(email) else { return Ok(()) };
    let mut tx = ctx.store.begin().await?;
    let Some(user) = users::find_by_email(&mut tx, &email).await? else { return Ok(()) };
    if !confirmations::count_mail(&mut tx, Asked::Account(&email), BOUNDS, ctx.now()).await? {
        return Ok(());
    }
    let token = secret::random_text::<32>();
    let link = LinkRow { email: email.clone(), user_id: Some(user.user_id) };
    let ends_at = ctx.now().plus_seconds(LIFE);
    links::insert(&mut tx, Purpose::Reset, &secret::sha256_hex(&token), &link, ends_at).await?;
    tx.commit().await?;
    letters::send(ctx, &email, note(letters::link(ctx, &format!("/reset/{token}"))));
    Ok(())
}

fn note(link: String) -> Note {
    Note {
        subject: "A new password for Overdue".to_owned(),
        lines: vec![
            "Somebody asked for a new password for the account of this address.".to_owned(),
        ],
        button: "Choose a new password",
        link,
        end:
            "The link holds for one hour, and once. If it was not you, there is nothing to do: the \
              password stays as it is."
                .to_owned(),
    }
}

/// The address of the account whose password this link changes; none where it does not hold.
///
/// # Errors
/// The database is out.
pub async fn look(ctx: &Context, token: &str) -> Result<Option<String>> {
    let mut conn = ctx.store.read().await?;
    let hash = secret::sha256_hex(token);
    let link = links::find(&mut conn, Purpose::Reset, &hash, ctx.now()).await?;
    Ok(link.map(|link| link.email))
}

/// Sets the password by a link, which holds no longer; every session of the account ends. Whether the
/// link held.
///
/// # Errors
/// The password is not fit: the link goes on to hold.
pub async fn take(ctx: &Context, token: &str, password: &str) -> Result<bool> {
    check_password(password)?;
    // No work for whoever has no link.
    if look(ctx, token).await?.is_none() {
        return Ok(false);
    }
    let password_hash = secret::hash_password(password).await?;
    let mut tx = ctx.store.begin().await?;
    let hash = secret::sha256_hex(token);
    let link = links::take(&mut tx, Purpose::Reset, &hash, ctx.now()).await?;
    let Some(user_id) = link.and_then(|link| link.user_id) else { return Ok(false) };
    accounts::put_password(&mut tx, user_id, &password_hash).await?;
    tx.commit().await?;
    tracing::info!(user_id, "a password was set by a link");
    Ok(true)
}
