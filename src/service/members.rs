//! Members: who belongs to a project, and as what. Owners manage them; everybody may leave; and a
//! project always keeps an owner.

use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::service::{projects, users};
use crate::store::members::{self, MemberRow};
use crate::store::projects::Role;
use crate::store::tx::{Conn, Tx};
use crate::store::{self, projects::ProjectRow};

/// The most members of a project.
pub const MAX_COUNT: i64 = 1000;

/// A role by its name.
///
/// # Errors
/// There is no such role; the fault names `role`.
pub fn role(name: &str) -> Result<Role> {
    name.parse().map_err(|_| Fault::invalid("role", "must be one of viewer, editor, owner"))
}

/// A member of this project.
///
/// # Errors
/// [`Fault::Forbidden`], the same for a user of other projects and for one who does not exist.
pub async fn find(conn: &mut Conn, project_id: i64, user_id: i64) -> Result<MemberRow> {
    let row = members::find(conn, project_id, user_id).await?;
    row.ok_or_else(|| Fault::Forbidden("this user is no member of this project".to_owned()))
}

/// Makes the user of this address a member.
///
/// # Errors
/// The caller is no owner of the project; it has [`MAX_COUNT`] members already; there is no such
/// user, or they are a member. Only who may add somebody is told whether there is an account.
pub async fn add(
    ctx: &Context,
    caller_id: i64,
    project_id: i64,
    email: &str,
    role: Role,
) -> Result<MemberRow> {
    let email = users::normal_email(email)?;
    let mut tx = ctx.store.begin().await?;
    lock(&mut tx, caller_id, project_id, Role::Owner).await?;
    check_room(&mut tx, project_id).await?;
    let user = store::users::find_by_email(&mut tx, &email).await?.ok_or_else(|| {
        let reason = "no account has this address: whoever runs this server makes one with \
                      \"overdue user create\", then add them";
        Fault::invalid("email", reason)
    })?;
    if !members::insert(&mut tx, project_id, user.user_id, role, ctx.now()).await? {
        let reason =
            format!("is a member already: PUT to member/{} changes the role", user.user_id);
        return Err(Fault::invalid("email", reason));
    }
    let row = find(&mut tx, project_id, user.user_id).await?;
    tx.commit().await?;
    Ok(row)
}

/// Gives a member another role; none leaves it as it is.
///
/// # Errors
/// The caller is no owner of the project, there is no such member, or they are its last owner.
pub async fn update(
    ctx: &Context,
    caller_id: i64,
    project_id: i64,
    user_id: i64,
    role: Option<Role>,
) -> Result<MemberRow> {
    let mut tx = ctx.store.begin().await?;
    lock(&mut tx, caller_id, project_id, Role::Owner).await?;
    let mut row = find(&mut tx, project_id, user_id).await?;
    let role = role.unwrap_or(row.role);
    if role != Role::Owner {
        keep_an_owner(&mut tx, project_id, &row).await?;
    }
    members::set_role(&mut tx, project_id, user_id, role).await?;
    row.role = role;
    tx.commit().await?;
    Ok(row)
}

/// Ends a membership; what the member made stays. It holds for all of their tokens at once, because
/// every request reads the role anew.
///
/// # Errors
/// The caller is neither an owner of the project nor the member, there is no such member, or they
/// are its last owner.
pub async fn remove(ctx: &Context, caller_id: i64, project_id: i64, user_id: i64) -> Result<()> {
    let needed = if caller_id == user_id { Role::Viewer } else { Role::Owner };
    let mut tx = ctx.store.begin().await?;
    lock(&mut tx, caller_id, project_id, needed).await?;
    let row = find(&mut tx, project_id, user_id).await?;
    keep_an_owner(&mut tx, project_id, &row).await?;
    members::delete(&mut tx, project_id, user_id).await?;
    tx.commit().await
}

/// # Errors
/// The project has [`MAX_COUNT`] members.
pub(super) async fn check_room(tx: &mut Tx, project_id: i64) -> Result<()> {
    if members::count(tx, project_id).await? < MAX_COUNT {
        return Ok(());
    }
    Err(Fault::Forbidden(format!(
        "there are {MAX_COUNT} members in this project already, which is the most: remove one first"
    )))
}

/// Locks the project, so that changes of its members follow one another, and reads the caller's
/// role behind the lock: it may just have been taken away.
pub(super) async fn lock(
    tx: &mut Tx,
    caller_id: i64,
    project_id: i64,
    role: Role,
) -> Result<ProjectRow> {
    store::projects::lock(tx, project_id).await?;
    projects::open(tx, caller_id, project_id, role).await
}

/// # Errors
/// This member is the project's only owner.
async fn keep_an_owner(tx: &mut Tx, project_id: i64, row: &MemberRow) -> Result<()> {
    if row.role != Role::Owner || members::other_owners(tx, project_id, row.user_id).await? > 0 {
        return Ok(());
    }
    Err(Fault::Conflict(
        "this is the only owner of the project, which must keep one: make another member an owner \
         first, or delete the project"
            .to_owned(),
    ))
}
