//! Invitations to a project: a link that makes whoever has it a member, once and within seven days.
//! It goes by mail; where no mail can be sent, who invites is shown it once, to pass it on.

use crate::config::Registration;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::secret;
use crate::service::letters::{self, Note};
use crate::service::recipients::{BOUNDS, PROJECT_BOUNDS};
use crate::service::users::{self as accounts, check_password, normal_email};
use crate::service::{members, projects};
use crate::store::confirmations::{self, Asked};
use crate::store::invitations::{self, InvitationRow, NewInvitation};
use crate::store::members as rows;
use crate::store::projects::{ProjectRow, Role};
use crate::store::tx::{Conn, Tx};
use crate::store::users;

/// How long an invitation holds, in seconds: seven days.
pub const LIFE: i64 = 7 * 86_400;
/// The most open invitations of a project.
pub const MAX_COUNT: i64 = 100;

/// How an invitation gets to who is invited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// By mail.
    ByMail,
    /// Not at all: this is the path of its link, which is not to be had again.
    Path(String),
}

/// The open invitations to a project, the latest first.
///
/// # Errors
/// The caller is no owner of the project.
pub async fn list(ctx: &Context, caller_id: i64, project_id: i64) -> Result<Vec<InvitationRow>> {
    let mut conn = ctx.store.read().await?;
    projects::open(&mut conn, caller_id, project_id, Role::Owner).await?;
    invitations::list(&mut conn, project_id, ctx.now()).await
}

/// Invites an address to a project, in place of an older invitation of it.
///
/// # Errors
/// The caller is no owner of the project; the address is none, or a member's; there are too many
/// invitations, or too many mails went out.
pub async fn create(
    ctx: &Context,
    caller_id: i64,
    project_id: i64,
    email: &str,
    role: Role,
) -> Result<Sent> {
    let email = normal_email(email)?;
    let mut tx = ctx.store.begin().await?;
    let project = members::lock(&mut tx, caller_id, project_id, Role::Owner).await?;
    let user = users::find_by_email(&mut tx, &email).await?;
    if let Some(user) = &user
        && rows::find(&mut tx, project_id, user.user_id).await?.is_some()
    {
        return Err(Fault::invalid("email", "is that of a member already"));
    }
    if invitations::count(&mut tx, project_id, ctx.now()).await? >= MAX_COUNT {
        return Err(Fault::Forbidden(format!(
            "there are {MAX_COUNT} open invitations to this project, which is the most: withdraw \
             one first"
        )));
    }
    let by_mail = ctx.mailer.obstacle().is_none();
    if by_mail {
        count_mail(ctx, &mut tx, project_id, &email).await?;
    }
    let token = secret::random_text::<32>();
    let new = NewInvitation {
        project_id,
        email: &email,
        role,
        link_hash: &secret::sha256_hex(&token),
        invited_by: caller_id,
        expires_at: ctx.now().plus_seconds(LIFE),
    };
    invitations::insert(&mut tx, &new, ctx.now()).await?;
    let inviter = users::find(&mut tx, caller_id).await?.ok_or(Fault::NotFound)?;
    tx.commit().await?;
    let path = format!("/invitation/{token}");
    if !by_mail {
        return Ok(Sent::Path(path));
    }
    letters::send(ctx, &email, note(&project, &inviter.email, role, letters::link(ctx, &path)));
    Ok(Sent::ByMail)
}

async fn count_mail(ctx: &Context, tx: &mut Tx, project_id: i64, email: &str) -> Result<()> {
    let now = ctx.now();
    let project = Asked::Project(project_id);
    if confirmations::count_mail(tx, project, PROJECT_BOUNDS, now).await?
        && confirmations::count_mail(tx, Asked::Mailbox(email), BOUNDS, now).await?
    {
        return Ok(());
    }
    let reason =
        "was sent mail of this kind only just, or too much of it within a day: try again later";
    Err(Fault::invalid("email", reason))
}

fn note(project: &ProjectRow, inviter: &str, role: Role, link: String) -> Note {
    let name = &project.project_name;
    Note {
        subject: format!("You are invited to {name}"),
        lines: vec![format!(
            "{inviter} invites you to the project “{name}” as {role}. Overdue watches its jobs, and \
             tells when one is late."
        )],
        button: "Look at the invitation",
        link,
        end:
            "The link holds for seven days, and once. Keep it to yourself: whoever has it can take \
              your place."
                .to_owned(),
    }
}

/// Takes an invitation back.
///
/// # Errors
/// The caller is no owner of the project, or there is no such invitation.
pub async fn withdraw(
    ctx: &Context,
    caller_id: i64,
    project_id: i64,
    invitation_id: i64,
) -> Result<()> {
    let mut tx = ctx.store.begin().await?;
    members::lock(&mut tx, caller_id, project_id, Role::Owner).await?;
    if !invitations::delete(&mut tx, project_id, invitation_id).await? {
        return Err(Fault::NotFound);
    }
    tx.commit().await
}

/// An invitation, for who has its link.
#[derive(Clone, Debug)]
pub struct Opened {
    /// What it is about.
    pub row: InvitationRow,
    /// The invited address has an account.
    pub has_account: bool,
    /// Who is invited may make an account.
    pub may_register: bool,
}

/// The invitation that a link leads to; none where it does not hold.
///
/// # Errors
/// The database is out.
pub async fn look(ctx: &Context, token: &str) -> Result<Option<Opened>> {
    let mut conn = ctx.store.read().await?;
    let Some(row) = find(ctx, &mut conn, token).await? else { return Ok(None) };
    let has_account = users::find_by_email(&mut conn, &row.email).await?.is_some();
    Ok(Some(Opened { row, has_account, may_register: may_register(ctx) }))
}

fn may_register(ctx: &Context) -> bool {
    ctx.config.accounts.registration != Registration::Closed
}

/// An invitation holds as long as who made it may invite.
async fn find(ctx: &Context, conn: &mut Conn, token: &str) -> Result<Option<InvitationRow>> {
    let hash = secret::sha256_hex(token);
    let Some(row) = invitations::find(conn, &hash, ctx.now()).await? else { return Ok(None) };
    let inviter = rows::find(conn, row.project_id, row.invited_by).await?;
    Ok(inviter.is_some_and(|member| member.role == Role::Owner).then_some(row))
}

/// Makes who is signed in a member of the project; what the invitation was, none where it did not
/// hold. Who is a member already stays what they are.
///
/// # Errors
/// The project has too many members.
pub async fn accept(ctx: &Context, user_id: i64, token: &str) -> Result<Option<InvitationRow>> {
    let mut tx = ctx.store.begin().await?;
    let row = join(ctx, &mut tx, user_id, token).await?;
    tx.commit().await?;
    Ok(row)
}

/// Makes an account for the invited address, and a member of it; the user's id and the invitation,
/// none where it did not hold.
///
/// # Errors
/// Nobody may make an account; the password is not fit, or the address has an account.
pub async fn accept_anew(
    ctx: &Context,
    token: &str,
    password: &str,
) -> Result<Option<(i64, InvitationRow)>> {
    if !may_register(ctx) {
        return Err(Fault::Forbidden(
            "accounts are made on the server's command line here".to_owned(),
        ));
    }
    check_password(password)?;
    let Some(opened) = look(ctx, token).await? else { return Ok(None) };
    let password_hash = secret::hash_password(password).await?;
    let mut tx = ctx.store.begin().await?;
    let email = &opened.row.email;
    let user_id = accounts::insert(ctx, &mut tx, email, &password_hash, false).await?;
    let Some(row) = join(ctx, &mut tx, user_id, token).await? else { return Ok(None) };
    tx.commit().await?;
    Ok(Some((user_id, row)))
}

async fn join(
    ctx: &Context,
    tx: &mut Tx,
    user_id: i64,
    token: &str,
) -> Result<Option<InvitationRow>> {
    let Some(row) = find(ctx, tx, token).await? else { return Ok(None) };
    // As whoever changes members does it. Behind the lock the link may be used up, or replaced.
    members::lock(tx, row.invited_by, row.project_id, Role::Owner).await?;
    let Some(row) = find(ctx, tx, token).await? else { return Ok(None) };
    if !invitations::delete(tx, row.project_id, row.invitation_id).await? {
        return Ok(None);
    }
    members::check_room(tx, row.project_id).await?;
    rows::insert(tx, row.project_id, user_id, row.role, ctx.now()).await?;
    Ok(Some(row))
}
