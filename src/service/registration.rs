//! Accounts that people make for themselves, where `accounts.registration` lets them. Where mail can
//! be sent, a link to the address proves that it is theirs; else an account is made at once.

use crate::config::Registration;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::secret;
use crate::service::letters::{self, Note};
use crate::service::projects;
use crate::service::recovery::BOUNDS;
use crate::service::users::{self as accounts, check_password, normal_email};
use crate::store::confirmations::{self, Asked};
use crate::store::links::{self, LinkRow, Purpose};
use crate::store::tx::Tx;
use crate::store::users;

/// How long a link holds, in seconds.
const LIFE: i64 = 86_400;
/// What the first project of a new account is called.
const PROJECT_NAME: &str = "My jobs";

/// How an account is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// With address and password in one step: there is no mail to prove the address by.
    AtOnce,
    /// By a link that is sent to the address.
    ByMail,
}

/// How anybody may make an account.
///
/// # Errors
/// [`Fault::Forbidden`]: nobody may, without an invitation or at all.
pub fn way(ctx: &Context) -> Result<Way> {
    let refused = |why: &str| Err(Fault::Forbidden(why.to_owned()));
    match ctx.config.accounts.registration {
        Registration::Open if ctx.mailer.obstacle().is_none() => Ok(Way::ByMail),
        Registration::Open => Ok(Way::AtOnce),
        Registration::Invite => refused(
            "accounts are for who is invited here: ask a member of your project for an invitation",
        ),
        Registration::Closed => refused("accounts are made on the server's command line here"),
    }
}

/// Sends a link to this address, or, where it has an account, a mail that says so. Nothing tells the
/// caller which: run it beside the answer.
///
/// # Errors
/// Nobody may make an account by mail; the database refused.
pub async fn ask(ctx: &Context, email: &str) -> Result<()> {
    if way(ctx)? != Way::ByMail {
        return Err(Fault::Conflict("no mail can be sent".to_owned()));
    }
    let Ok(email) = normal_email(email) else { return Ok(()) };
    let mut tx = ctx.store.begin().await?;
    let user = users::find_by_email(&mut tx, &email).await?;
    if !confirmations::count_mail(&mut tx, Asked::Account(&email), BOUNDS, ctx.now()).await? {
        return Ok(());
    }
    let note = if user.is_some() {
        known(letters::link(ctx, "/sign-in"))
    } else {
        let token = secret::random_text::<32>();
        let link = LinkRow { email: email.clone(), user_id: None };
        let (hash, ends_at) = (secret::sha256_hex(&token), ctx.now().plus_seconds(LIFE));
        links::insert(&mut tx, Purpose::Register, &hash, &link, ends_at).await?;
        unknown(letters::link(ctx, &format!("/register/{token}")))
    };
    tx.commit().await?;
    letters::send(ctx, &email, note);
    Ok(())
}

fn unknown(link: String) -> Note {
    Note {
        subject: "Your account at Overdue".to_owned(),
        lines: vec!["Somebody asked for an account with this address.".to_owned()],
        button: "Choose a password",
        link,
        end: "The link holds for one day, and once. If it was not you, there is nothing to do: \
              without it no account is made."
            .to_owned(),
    }
}

fn known(link: String) -> Note {
    Note {
        subject: "Your account at Overdue".to_owned(),
        lines: vec![
            "Somebody asked for an account with this address, which has one already.".to_owned(),
        ],
        button: "Sign in",
        link,
        end:
            "If it was not you, there is nothing to do. A lost password is replaced from the page \
              that the link leads to."
                .to_owned(),
    }
}

/// The address that an account is made for by this link; none where it does not hold.
///
/// # Errors
/// The database is out.
pub async fn look(ctx: &Context, token: &str) -> Result<Option<String>> {
    let mut conn = ctx.store.read().await?;
    let hash = secret::sha256_hex(token);
    let link = links::find(&mut conn, Purpose::Register, &hash, ctx.now()).await?;
    Ok(link.map(|link| link.email))
}

/// Makes the account by a link, which holds no longer; its user's id, none where the link did not
/// hold.
///
/// # Errors
/// Nobody may make an account any more; the password is not fit, or the address has got an account
/// meanwhile.
pub async fn take(ctx: &Context, token: &str, password: &str) -> Result<Option<i64>> {
    way(ctx)?;
    check_password(password)?;
    if look(ctx, token).await?.is_none() {
        return Ok(None);
    }
    let password_hash = secret::hash_password(password).await?;
    let mut tx = ctx.store.begin().await?;
    let hash = secret::sha256_hex(token);
    let link = links::take(&mut tx, Purpose::Register, &hash, ctx.now()).await?;
    let Some(link) = link else { return Ok(None) };
    let user_id = insert(ctx, &mut tx, &link.email, &password_hash).await?;
    tx.commit().await?;
    Ok(Some(user_id))
}

/// Makes an account at once; its user's id.
///
/// # Errors
/// It is made by mail or not at all; the address or the password is not fit, or the address has an
/// account.
pub async fn make(ctx: &Context, email: &str, password: &str) -> Result<i64> {
    if way(ctx)? != Way::AtOnce {
        return Err(Fault::Conflict("the link comes by mail".to_owned()));
    }
    let email = normal_email(email)?;
    check_password(password)?;
    let password_hash = secret::hash_password(password).await?;
    let mut tx = ctx.store.begin().await?;
    let user_id = insert(ctx, &mut tx, &email, &password_hash).await?;
    tx.commit().await?;
    Ok(user_id)
}

/// The user, with a project to begin with.
///
/// # Errors
/// There is no account yet: the first is made by who has the code from the log.
pub(super) async fn insert(
    ctx: &Context,
    tx: &mut Tx,
    email: &str,
    password_hash: &str,
) -> Result<i64> {
    // The first account is made by who has the code from the log.
    if !users::any(tx).await? {
        return Err(Fault::Conflict(
            "the first account of this server is made elsewhere".to_owned(),
        ));
    }
    let user_id = accounts::insert(ctx, tx, email, password_hash, false).await?;
    projects::insert(ctx, tx, user_id, PROJECT_NAME, true).await?;
    tracing::info!(%email, "somebody made an account");
    Ok(user_id)
}
