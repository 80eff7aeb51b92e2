//! Projects: making, renaming and deleting them, their ping keys, and who may do what in them.

use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::secret;
use crate::service::names;
use crate::store::projects::{self, NewProject, ProjectRow, Role};
use crate::store::tx::{Conn, Tx};
use crate::store::users;

/// The most projects that a user may own.
pub const MAX_COUNT: i64 = 1000;

/// # Errors
/// The name is not fit; the fault names `project_name`.
pub(super) fn check_name(name: &str) -> Result<()> {
    // The spaces around it are not kept, and don't count.
    names::check("project_name", names::trimmed(name), 1)
}

/// The project as this user sees it, where their role is at least `role`.
///
/// # Errors
/// [`Fault::Forbidden`], the same for a project that is another's and for one that does not exist.
pub async fn open(
    conn: &mut Conn,
    user_id: i64,
    project_id: i64,
    role: Role,
) -> Result<ProjectRow> {
    allow(projects::find_for(conn, user_id, project_id).await?, role)
}

/// The same by the project's public id.
///
/// # Errors
/// As [`open`].
pub async fn open_by_uuid(
    conn: &mut Conn,
    user_id: i64,
    uuid: &str,
    role: Role,
) -> Result<ProjectRow> {
    allow(projects::find_by_uuid_for(conn, user_id, uuid).await?, role)
}

fn allow(project: Option<ProjectRow>, role: Role) -> Result<ProjectRow> {
    let project =
        project.ok_or_else(|| Fault::Forbidden("this project is not yours".to_owned()))?;
    require(&project, role)?;
    Ok(project)
}

/// # Errors
/// [`Fault::Forbidden`]: the member's role in this project is less than `role`.
pub fn require(project: &ProjectRow, role: Role) -> Result<()> {
    if rank(project.role) < rank(role) {
        return Err(Fault::Forbidden(format!(
            "this needs the role {role}, and yours in this project is {}",
            project.role
        )));
    }
    Ok(())
}

fn rank(role: Role) -> u8 {
    match role {
        Role::Viewer => 0,
        Role::Editor => 1,
        Role::Owner => 2,
    }
}

/// Makes a project, and returns it as its owner sees it.
///
/// # Errors
/// The name is not fit, or the user owns [`MAX_COUNT`] projects already.
pub async fn create(
    ctx: &Context,
    owner_id: i64,
    project_name: &str,
    auto_create: bool,
) -> Result<ProjectRow> {
    check_name(project_name)?;
    let mut tx = ctx.store.begin().await?;
    let project = insert(ctx, &mut tx, owner_id, project_name, auto_create).await?;
    tx.commit().await?;
    Ok(project)
}

/// As [`create`], inside the caller's transaction.
///
/// # Errors
/// The name is not fit, or the user owns [`MAX_COUNT`] projects already.
pub async fn insert(
    ctx: &Context,
    tx: &mut Tx,
    owner_id: i64,
    project_name: &str,
    auto_create: bool,
) -> Result<ProjectRow> {
    check_name(project_name)?;
    check_room(tx, owner_id).await?;
    let uuid = secret::random_uuid().to_string();
    let ping_key = secret::random_ping_key();
    let new = NewProject {
        uuid: &uuid,
        project_name: project_name.trim(),
        ping_key: &ping_key,
        auto_create,
        owner_id,
    };
    let project_id = projects::insert(tx, &new, ctx.now()).await?;
    open(tx, owner_id, project_id, Role::Owner).await
}

/// Locks the user; whether they may own one more project.
async fn check_room(tx: &mut Tx, owner_id: i64) -> Result<()> {
    if !users::lock(tx, owner_id).await? {
        return Err(Fault::NotFound);
    }
    if projects::count_owned(tx, owner_id).await? < MAX_COUNT {
        return Ok(());
    }
    Err(Fault::Forbidden(format!(
        "there are {MAX_COUNT} projects of this user already, which is the most: delete one first"
    )))
}

/// Changes a project's name and whether unknown slugs may make checks; what is none stays.
///
/// # Errors
/// The name is not fit.
pub async fn update(
    ctx: &Context,
    user_id: i64,
    project_id: i64,
    project_name: Option<&str>,
    auto_create: Option<bool>,
) -> Result<ProjectRow> {
    project_name.map(check_name).transpose()?;
    let mut tx = ctx.store.begin().await?;
    let project = open(&mut tx, user_id, project_id, Role::Owner).await?;
    let name = project_name.map_or(project.project_name.as_str(), str::trim);
    let auto_create = auto_create.unwrap_or(project.auto_create.into());
    projects::update(&mut tx, project_id, name, auto_create).await?;
    let project = open(&mut tx, user_id, project_id, Role::Owner).await?;
    tx.commit().await?;
    Ok(project)
}

/// Deletes a project with all its checks and their history.
///
/// # Errors
/// It is not this user's to delete.
pub async fn delete(ctx: &Context, user_id: i64, project_id: i64) -> Result<()> {
    let mut tx = ctx.store.begin().await?;
    open(&mut tx, user_id, project_id, Role::Owner).await?;
    projects::delete(&mut tx, project_id).await?;
    tx.commit().await
}

/// Gives a project a new ping key; the old one stops working at once.
///
/// # Errors
/// It is not this user's to change.
pub async fn renew_ping_key(ctx: &Context, user_id: i64, project_id: i64) -> Result<ProjectRow> {
    let mut tx = ctx.store.begin().await?;
    open(&mut tx, user_id, project_id, Role::Owner).await?;
    projects::set_ping_key(&mut tx, project_id, &secret::random_ping_key()).await?;
    let project = open(&mut tx, user_id, project_id, Role::Owner).await?;
    tx.commit().await?;
    Ok(project)
}
