//! Signing in without our password, where somebody else vouches: a provider of `OpenID` Connect, or a
//! proxy in front of us. What they say about an address decides whose account it is.

use crate::config::Registration;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::secret;
use crate::service::registration;
use crate::service::users::{confirm_password, normal_email};
use crate::store::identities::{self, IdentityRow};
use crate::store::invitations;
use crate::store::tx::Tx;
use crate::store::users::{self, UserRow};

/// What a provider says about who has signed in there.
#[derive(Clone, Debug)]
pub struct Claims {
    /// The provider.
    pub issuer: String,
    /// Whom it calls so, for ever.
    pub subject: String,
    /// Their address.
    pub email: Option<String>,
    /// The provider has seen that the address is theirs.
    pub email_verified: bool,
}

/// The longest name of a provider's own for somebody, in bytes (`OpenID` Connect Core, 2).
const LONGEST_SUBJECT: usize = 255;

/// The user whom a provider's claims are about. At their first sign-in they are linked to the account
/// of their address, which the provider has to have verified; where there is none, one is made, as far
/// as `accounts.registration` allows or an invitation of the address is open. An account is linked to
/// one name of a provider at most.
///
/// # Errors
/// [`Fault::Forbidden`], in words for who signs in: the address is unknown or unverified, or has no
/// account and may not get one.
pub async fn sign_in(ctx: &Context, claims: &Claims) -> Result<UserRow> {
    if claims.subject.len() > LONGEST_SUBJECT {
        return Err(Fault::Forbidden("the provider’s name for you is too long".to_owned()));
    }
    let name = (claims.issuer.as_str(), claims.subject.as_str());
    if let Some(user) = known(ctx, name).await? {
        return Ok(user);
    }
    let email = verified(claims)?;
    // Hashed before the transaction: it takes long.
    let spare = spare_password().await?;
    let mut tx = ctx.store.begin().await?;
    let user = find_or_make(ctx, &mut tx, &email, &spare).await?;
    let linked = identities::of_user(&mut tx, user.user_id).await?;
    if linked.iter().any(|row| row.issuer == claims.issuer) {
        // An address may be given to somebody else there: the account stays whose it was.
        return Err(Fault::Forbidden(format!(
            "{email} signs in here as somebody else of that provider: who has the account can end \
             that on its page"
        )));
    }
    if !identities::insert(&mut tx, name, user.user_id, &email, ctx.now()).await? {
        // Another tab was quicker, and may have meant another account.
        return Err(Fault::Forbidden("you were linked only just: sign in once more".to_owned()));
    }
    tx.commit().await?;
    Ok(user)
}

/// The user who is linked.
async fn known(ctx: &Context, (issuer, subject): (&str, &str)) -> Result<Option<UserRow>> {
    let mut tx = ctx.store.begin().await?;
    let Some(row) = identities::find(&mut tx, issuer, subject).await? else { return Ok(None) };
    identities::mark_used(&mut tx, row.identity_id, ctx.now()).await?;
    let user = users::find(&mut tx, row.user_id).await?;
    tx.commit().await?;
    Ok(user)
}

fn verified(claims: &Claims) -> Result<String> {
    let refused = |why: &str| Err(Fault::Forbidden(why.to_owned()));
    let Some(email) = &claims.email else {
        return refused(
            "the provider tells no email address: the scope “email” has to be in oidc.scopes",
        );
    };
    if !claims.email_verified {
        return refused("the provider has not verified your email address");
    }
    normal_email(email)
        .map_err(|_| Fault::Forbidden("what the provider tells is no email address".to_owned()))
}

/// The user of an address that a proxy in front of us names, who is made as [`sign_in`] makes one.
///
/// # Errors
/// [`Fault::Forbidden`]: it is no address, or has no account and may not get one.
pub async fn vouched_for(ctx: &Context, email: &str) -> Result<UserRow> {
    let email = normal_email(email).map_err(|_| {
        Fault::Forbidden(
            "what the proxy names in accounts.trusted_header is no email address".into(),
        )
    })?;
    if let Some(user) = users::find_by_email(&mut ctx.store.read().await?, &email).await? {
        return Ok(user);
    }
    let spare = spare_password().await?;
    let mut tx = ctx.store.begin().await?;
    let user = find_or_make(ctx, &mut tx, &email, &spare).await?;
    tx.commit().await?;
    Ok(user)
}

/// The hash of a password that nobody knows: the account can be given one by mail or by command line.
async fn spare_password() -> Result<String> {
    secret::hash_password(&secret::random_text::<32>()).await
}

async fn find_or_make(ctx: &Context, tx: &mut Tx, email: &str, spare: &str) -> Result<UserRow> {
    if let Some(user) = users::find_by_email(tx, email).await? {
        return Ok(user);
    }
    let may = match ctx.config.accounts.registration {
        Registration::Open => true,
        Registration::Invite => invitations::any_of(tx, email, ctx.now()).await?,
        Registration::Closed => false,
    };
    if !may {
        return Err(Fault::Forbidden(format!(
            "{email} has no account here: ask an administrator for one, or for an invitation"
        )));
    }
    let user_id = registration::insert(ctx, tx, email, spare).await?;
    users::find(tx, user_id).await?.ok_or(Fault::NotFound)
}

/// The providers that a user signs in by.
///
/// # Errors
/// The database is out.
pub async fn list(ctx: &Context, user_id: i64) -> Result<Vec<IdentityRow>> {
    identities::of_user(&mut ctx.store.read().await?, user_id).await
}

/// Ends signing in by one of them, for who knows the password: another way in is left.
///
/// # Errors
/// The password is not right, or it is not theirs.
pub async fn unlink(ctx: &Context, user_id: i64, identity_id: i64, password: &str) -> Result<()> {
    confirm_password(ctx, user_id, "unlink_password", password).await?;
    let mut tx = ctx.store.begin().await?;
    if !identities::delete(&mut tx, user_id, identity_id).await? {
        return Err(Fault::NotFound);
    }
    tx.commit().await
}
