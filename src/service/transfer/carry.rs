//! Carrying out a plan, inside the caller's transaction.

use std::collections::HashMap;

use super::plan::{CheckStep, Plan};
use super::present::Present;
use super::report::Deed;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::notify::channels::group;
use crate::notify::message::seal_config;
use crate::secret;
use crate::service::recipients::{self, Ask};
use crate::service::{checks, groups};
use crate::store::checks::Settings;
use crate::store::states::{self, Saved};
use crate::store::tx::Tx;
use crate::store::{bulk, channels, held, maintenance, projects};

/// Does what the plan says. The caller holds the lock on the project, under which the plan was made.
///
/// # Errors
/// The database refused; the transaction must be dropped.
pub async fn carry_out(
    ctx: &Context,
    tx: &mut Tx,
    present: &Present,
    plan: &Plan,
) -> Result<Saved> {
    let project_id = present.project.project_id;
    if plan.project != Deed::Nothing {
        projects::update(tx, project_id, &plan.project_name, plan.auto_create).await?;
    }
    let (channel_ids, asked) = write_channels(ctx, tx, present, plan).await?;
    let ids = make_checks(ctx, tx, present, plan).await?;
    write_windows(ctx, tx, present, plan, &ids).await?;
    let written: Vec<(i64, &CheckStep)> =
        ids.into_iter().zip(&plan.checks).filter(|(_, step)| step.deed != Deed::Nothing).collect();
    let ids_of = |step: &CheckStep| step.channels.iter().map(|place| channel_ids[*place]).collect();
    let assigned: Vec<(i64, Vec<i64>)> =
        written.iter().map(|(id, step)| (*id, ids_of(step))).collect();
    bulk::assign(tx, &assigned).await?;
    let mut saved = change_checks(ctx, tx, &written).await?;
    saved.announced |= asked;
    // What kept something back may have been changed: a window, or the tags of a check.
    held::look_again(tx, project_id, ctx.now()).await?;
    Ok(saved)
}

/// Writes the maintenance windows; `ids` are those of the checks that the plan is about.
async fn write_windows(
    ctx: &Context,
    tx: &mut Tx,
    present: &Present,
    plan: &Plan,
    ids: &[i64],
) -> Result<()> {
    let old = present.checks.iter().map(|check| check.check_id);
    let new = ids.iter().zip(&plan.checks).filter(|(_, step)| step.check_id.is_none());
    let all: Vec<i64> = old.chain(new.map(|(id, _)| *id)).collect();
    for step in plan.windows.iter().filter(|step| step.deed != Deed::Nothing) {
        let mut window = step.window.clone();
        window.checks = step.checks.iter().map(|place| all[*place]).collect();
        if step.deed == Deed::Create {
            maintenance::insert(tx, &window, ctx.now()).await?;
        } else {
            maintenance::update(tx, &window, ctx.now()).await?;
        }
    }
    Ok(())
}

/// Writes the channels, and returns the ids of all that the project then has, new ones last, and
/// whether somebody is asked to confirm an address.
async fn write_channels(
    ctx: &Context,
    tx: &mut Tx,
    present: &Present,
    plan: &Plan,
) -> Result<(Vec<i64>, bool)> {
    let (mut asked, mut written) = (false, Vec::new());
    let mut ids: Vec<i64> = present.channels.iter().map(|each| each.row.channel_id).collect();
    for step in &plan.channels {
        let mut row = step.row.clone();
        match step.deed {
            Deed::Create => {
                row.channel_id = channels::insert(tx, &row).await?;
                ids.push(row.channel_id);
            }
            Deed::Update(_) => channels::update(tx, &row).await?,
            Deed::Nothing => continue,
        }
        asked |= recipients::see_to_consent(ctx, tx, &mut row, Ask::Now).await?;
        written.push(row);
    }
    // Once all channels are there: a group may name some that come after it.
    let done = plan.channels.iter().filter(|step| step.deed != Deed::Nothing);
    for (step, mut row) in done.zip(written) {
        let Some(places) = &step.members else { continue };
        let config = group::config(&places.iter().map(|place| ids[*place]).collect::<Vec<_>>());
        row.sealed_config = seal_config(ctx, &row.uuid, &config);
        channels::update(tx, &row).await?;
        groups::see_to(tx, &row, &config).await?;
    }
    Ok((ids, asked))
}

/// Makes the new checks, and returns the ids of all that the plan is about, in its order.
async fn make_checks(
    ctx: &Context,
    tx: &mut Tx,
    present: &Present,
    plan: &Plan,
) -> Result<Vec<i64>> {
    let new: Vec<(String, &Settings)> = plan
        .checks
        .iter()
        .filter(|step| step.check_id.is_none())
        .map(|step| (secret::random_uuid().to_string(), &step.settings))
        .collect();
    let after = present.checks.last().map_or(0, |check| check.check_id);
    let project_id = present.project.project_id;
    let made = bulk::insert_checks(tx, project_id, &new, after, ctx.now()).await?;
    let mut made = made.into_iter();
    let each = plan.checks.iter().map(|step| step.check_id.or_else(|| made.next()));
    let ids: Option<Vec<i64>> = each.collect();
    ids.ok_or_else(|| Fault::internal("fewer checks were made than there are new ones"))
}

/// Writes the settings of checks that were there before, and the states that follow; new ones only
/// where they are to be paused.
async fn change_checks(ctx: &Context, tx: &mut Tx, written: &[(i64, &CheckStep)]) -> Result<Saved> {
    let now = ctx.now();
    let changed: HashMap<i64, &CheckStep> = written
        .iter()
        .filter(|(_, step)| step.check_id.is_some() || step.paused.is_some())
        .copied()
        .collect();
    let ids: Vec<i64> = changed.keys().copied().collect();
    let mut watched = states::load(tx, &ids).await?;
    let mut settings = Vec::with_capacity(watched.len());
    for each in &mut watched {
        if let Some(step) = changed.get(&each.check_id) {
            checks::edit(each, &step.settings, step.paused, now);
            settings.push((each.check_id, &step.settings));
        }
    }
    bulk::update_checks(tx, &settings, now).await?;
    let mut saved = Saved::default();
    for part in watched.chunks(bulk::MOST_CHECKS) {
        let Saved { announced, sooner, asked } = states::save(tx, part, now).await?;
        saved.announced |= announced;
        saved.asked |= asked;
        saved.sooner = saved.sooner.into_iter().chain(sooner).min();
    }
    Ok(saved)
}
