//! Export and import: a project as a file, and a project brought to the state of one.
#![doc = include_str!("format.md")]
//!
//! One file a part: `form.rs` is what is written, `read.rs` what is read (with `table.rs`), and
//! `present.rs` what a project has. `matching.rs` says which thing an entry is, `plan.rs` (with
//! `windows.rs`) what is to be done, `apply.rs` which project that is about and what is not named, `report.rs` how that is told, `carry.rs` does it, and `attention.rs` says what about it
//! needs attention. Nothing here knows of HTTP.

mod apply;
mod attention;
mod carry;
mod form;
mod matching;
mod plan;
mod present;
mod read;
mod report;
mod table;
mod windows;

pub use apply::{Applied, Wanted, apply, plan};
pub use report::{Difference, Report, Thing};

use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::service::{checks, projects};
use crate::store;
use crate::store::projects::Role;
use crate::store::states;
use crate::store::tx::Conn;
use apply::Unnamed;
use plan::Plan;
use present::Present;
use read::File;

/// What users are told about the format of a file, in Markdown.
pub const FORMAT: &str = include_str!("format.md");

/// A project as a file. A member of any role may have it without secrets.
///
/// # Errors
/// The project is not this user's, or, where secrets are asked for, they are no owner of it.
pub async fn export(
    ctx: &Context,
    user_id: i64,
    project_id: i64,
    with_secrets: bool,
) -> Result<String> {
    let role = if with_secrets { Role::Owner } else { Role::Viewer };
    let mut conn = ctx.store.read().await?;
    let project = projects::open(&mut conn, user_id, project_id, role).await?;
    Present::read(ctx, &mut conn, project).await?.form(with_secrets).to_text()
}

/// What [`import`] would do, without doing it.
///
/// # Errors
/// As [`import`].
pub async fn preview(ctx: &Context, user_id: i64, project_id: i64, text: &str) -> Result<Report> {
    let file = read_file(text)?;
    let mut conn = ctx.store.read().await?;
    let (present, plan) = planned(ctx, &mut conn, user_id, project_id, &file, text).await?;
    Ok(report(ctx, &present, &plan))
}

/// Brings a project to the state of a file: makes and changes what it names, deletes nothing. All
/// of it happens, or nothing.
///
/// # Errors
/// The file is wrong; the fault names the place and the line. Or the caller is no editor of the
/// project, or may not change what the file wants changed, or there would be too much of something.
pub async fn import(ctx: &Context, user_id: i64, project_id: i64, text: &str) -> Result<Report> {
    import_with(ctx, user_id, project_id, text, false).await
}

/// As [`import`]; with `prune` it deletes what the file does not name.
async fn import_with(
    ctx: &Context,
    user_id: i64,
    project_id: i64,
    text: &str,
    prune: bool,
) -> Result<Report> {
    let file = read_file(text)?;
    // A first plan, that keeps nobody from writing, says whether there is anything to do, and which
    // rows are to be locked; a second one, behind the locks, is the one that counts. Whoever locks
    // them takes states, then windows, then the project: ping writers do so.
    let mut conn = ctx.store.read().await?;
    let (present, sketch) = planned(ctx, &mut conn, user_id, project_id, &file, text).await?;
    let mut outcome = report(ctx, &present, &sketch);
    let unnamed = unnamed(&mut conn, &present, &sketch, prune).await?;
    if outcome.created.is_empty() && outcome.updated.is_empty() && unnamed.is_empty() {
        outcome.remarks.extend(checks::queue_remark(&mut conn, project_id, ctx.now()).await?);
        return Ok(outcome);
    }
    drop(conn);
    let mut tx = ctx.store.begin().await?;
    let mut touched = sketch.touched();
    touched.extend(unnamed.checks.iter().map(|(check_id, ..)| *check_id));
    touched.sort_unstable();
    states::load(&mut tx, &touched).await?;
    for maintenance_id in sketch.moved().into_iter().chain(unnamed.windows()) {
        store::maintenance::find_locked(&mut tx, project_id, maintenance_id).await?;
    }
    store::projects::lock(&mut tx, project_id).await?;
    let (present, plan) = planned(ctx, &mut tx, user_id, project_id, &file, text).await?;
    let saved = carry::carry_out(ctx, &mut tx, &present, &plan).await?;
    // What came meanwhile and is not named stays until the next time: nobody holds it locked. What went
    // meanwhile is not there to be deleted.
    let now_unnamed = self::unnamed(&mut tx, &present, &plan, prune).await?;
    let unnamed = unnamed.and(&now_unnamed);
    unnamed.delete(ctx, &mut tx, project_id).await?;
    let late = checks::queue_remark(&mut tx, project_id, ctx.now()).await?;
    tx.commit().await?;
    ctx.bells.ring(saved);
    ctx.bells.keeper.notify_one();
    ctx.live.list(project_id);
    let mut report = report(ctx, &present, &plan);
    unnamed.tell(&mut report);
    report.remarks.extend(late);
    Ok(report)
}

async fn unnamed(conn: &mut Conn, present: &Present, plan: &Plan, prune: bool) -> Result<Unnamed> {
    if prune { Unnamed::of(conn, present, plan).await } else { Ok(Unnamed::default()) }
}

fn read_file(text: &str) -> Result<File> {
    read::file(text).map_err(|fault| read::with_line(text, fault))
}

async fn planned(
    ctx: &Context,
    conn: &mut Conn,
    user_id: i64,
    project_id: i64,
    file: &File,
    text: &str,
) -> Result<(Present, Plan)> {
    let project = projects::open(conn, user_id, project_id, Role::Editor).await?;
    let present = Present::read(ctx, conn, project).await?;
    let plan = Plan::of(ctx, &present, file);
    let plan = plan.map_err(|fault: Fault| read::with_line(text, fault))?;
    Ok((present, plan))
}

fn report(ctx: &Context, present: &Present, plan: &Plan) -> Report {
    let mut report = plan.report();
    report.remarks = attention::remarks(present, plan, ctx.now());
    report
}
