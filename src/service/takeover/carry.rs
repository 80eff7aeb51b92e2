//! Making checks of what another system has: each in a transaction of its own, so that a take-over that
//! is cut short goes on where it was.

use std::collections::{BTreeMap, BTreeSet};

use super::{Incoming, IncomingChannel, IncomingCheck, IncomingDevice, IncomingFlip};
use crate::context::Context;
use crate::domain::check::Status;
use crate::fault::{Fault, Result};
use crate::notify::channels::{Kind, group};
use crate::secret;
use crate::service::channels::{Change, import, new_config};
use crate::service::checks;
use crate::service::monitors::{self as service, Watched};
use crate::store::checks::{CheckRow, Settings, Unique};
use crate::store::monitors::{self, MonitorKind};
use crate::store::pings::PingRow;
use crate::store::tx::Conn;
use crate::store::{self, channels, flips, members, pings, states};

/// Tells how far it is.
pub trait Progress: Send + Sync {
    /// So many steps of this begin.
    fn begin(&self, what: &'static str, steps: usize);
    /// One of them is done.
    fn step(&self);
}

/// What a take-over did, or would do.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Checks that are made, by name.
    pub created: Vec<String>,
    /// Checks that are changed.
    pub updated: Vec<String>,
    /// How many are as they were.
    pub unchanged: usize,
    /// Pings that come along.
    pub pings: usize,
    /// Channels that are made, by name.
    pub channels: Vec<String>,
    /// Devices that are made, by name.
    pub devices: Vec<String>,
    /// Changes of state that come along.
    pub flips: usize,
    /// What can't be carried over, and why; a line each.
    pub lost: Vec<String>,
}

/// What becomes of one check.
enum Done {
    Created,
    Updated,
    Unchanged,
}

/// Brings what another system has into a project; with `is_dry` it only says what that would do.
///
/// # Errors
/// The project does not exist, or the database is out. What is wrong with one check does not keep the
/// others from being taken: it is told.
pub async fn carry(
    ctx: &Context,
    project_id: i64,
    incoming: Incoming,
    is_dry: bool,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let Incoming { checks: all, devices, lost } = incoming;
    let project = store::projects::find_opened(&mut ctx.store.read().await?, project_id).await?;
    if project.is_none() {
        return Err(Fault::invalid("project", format!("there is no project {project_id}")));
    }
    let mut carrier = Carrier::new(ctx, project_id, lost, is_dry).await?;
    progress.begin("writing", all.len() + devices.len());
    for check in all {
        carrier.check(check).await?;
        progress.step();
    }
    for device in devices {
        carrier.device(device).await?;
        progress.step();
    }
    Ok(carrier.end())
}

/// Brings one thing after another into a project.
#[derive(Debug)]
pub(super) struct Carrier<'a> {
    ctx: &'a Context,
    project_id: i64,
    is_dry: bool,
    /// The project's channels.
    ids: BTreeMap<String, i64>,
    /// Channels that are named and not there.
    missing: BTreeSet<String>,
    outcome: Outcome,
}

impl<'a> Carrier<'a> {
    /// Begins. Where nothing is done, the project may be one that is not there yet.
    pub(super) async fn new(
        ctx: &'a Context,
        project_id: i64,
        lost: Vec<String>,
        is_dry: bool,
    ) -> Result<Self> {
        let mut conn = ctx.store.read().await?;
        let (rows, _) = channels::list(&mut conn, project_id, 0, i64::MAX).await?;
        let mut ids = BTreeMap::new();
        for row in rows.into_iter().rev() {
            ids.insert(row.channel_name, row.channel_id);
        }
        let outcome = Outcome { lost, ..Outcome::default() };
        Ok(Self { ctx, project_id, is_dry, ids, missing: BTreeSet::new(), outcome })
    }

    /// Notes what can't be carried over, and why.
    pub(super) fn lose(&mut self, line: String) {
        self.outcome.lost.push(line);
    }

    /// What was done.
    pub(super) fn end(mut self) -> Outcome {
        for name in self.missing {
            self.outcome.lost.push(format!(
                "channel {name:?}: the project has none of this name; make one, and run this again"
            ));
        }
        self.outcome
    }

    /// The ids of the channels of these names.
    fn told(&mut self, names: &[String]) -> Vec<i64> {
        let (ids, missing) = (&self.ids, &mut self.missing);
        missing.extend(names.iter().filter(|name| !ids.contains_key(*name)).cloned());
        names.iter().filter_map(|name| ids.get(name).copied()).collect()
    }

    /// Brings a channel, unless there is one of its name.
    ///
    /// # Errors
    /// The database is out.
    pub(super) async fn channel(&mut self, incoming: IncomingChannel) -> Result<()> {
        let name = incoming.name.clone();
        if self.ids.contains_key(&name) {
            self.outcome.unchanged += 1;
            return Ok(());
        }
        let members = self.told(&incoming.members);
        match channel(self.ctx, self.project_id, incoming, &members, self.is_dry).await {
            Ok(channel_id) => {
                self.ids.insert(name.clone(), channel_id);
                self.outcome.channels.push(name);
                Ok(())
            }
            Err(fault) => self.refused(&format!("channel {name:?}"), fault),
        }
    }

    /// Brings a check.
    ///
    /// # Errors
    /// The database is out.
    pub(super) async fn check(&mut self, incoming: IncomingCheck) -> Result<()> {
        let told = self.told(&incoming.channels);
        let title = incoming.title().to_owned();
        match one(self.ctx, self.project_id, &incoming, &told, self.is_dry).await {
            Ok(Done::Created) => {
                self.outcome.created.push(title);
                self.outcome.pings += incoming.pings.len();
                self.outcome.flips += incoming.flips.len();
            }
            Ok(Done::Updated) => self.outcome.updated.push(title),
            Ok(Done::Unchanged) => self.outcome.unchanged += 1,
            Err(fault) => return self.refused(&format!("check {title:?}"), fault),
        }
        Ok(())
    }

    /// Brings a device.
    ///
    /// # Errors
    /// The database is out.
    pub(super) async fn device(&mut self, incoming: IncomingDevice) -> Result<()> {
        let told = self.told(&incoming.channels);
        let name = incoming.name.clone();
        match device(self.ctx, self.project_id, incoming, &told, self.is_dry).await {
            Ok(true) => self.outcome.devices.push(name),
            Ok(false) => self.outcome.unchanged += 1,
            Err(fault) => return self.refused(&format!("monitor {name:?}"), fault),
        }
        Ok(())
    }

    /// What is wrong with one thing is told; what is wrong with the database ends it all.
    fn refused(&mut self, what: &str, fault: Fault) -> Result<()> {
        match fault {
            Fault::Unavailable(_) | Fault::Internal(_) => Err(fault),
            fault => {
                self.lose(format!("{what}: {fault}"));
                Ok(())
            }
        }
    }
}

/// Makes a channel; its id, 0 where nothing is done.
async fn channel(
    ctx: &Context,
    project_id: i64,
    incoming: IncomingChannel,
    members: &[i64],
    is_dry: bool,
) -> Result<i64> {
    let config = match incoming.kind {
        Kind::Group => group::config(members),
        _ => incoming.config,
    };
    let change = Change {
        channel_name: Some(incoming.name),
        on_down: (!incoming.on_down).then_some(false),
        on_up: (!incoming.on_up).then_some(false),
        disabled: incoming.is_disabled.then_some(true),
        ..Change::default()
    };
    change.validate()?;
    if is_dry {
        if incoming.kind != Kind::Group {
            new_config(incoming.kind, &config)?;
        }
        return Ok(0);
    }
    let config = new_config(incoming.kind, &config)?;
    let confirmed = incoming.is_confirmed;
    let row = import(ctx, project_id, incoming.kind, &config, &change, confirmed).await?;
    Ok(row.channel_id)
}

async fn one(
    ctx: &Context,
    project_id: i64,
    incoming: &IncomingCheck,
    told: &[i64],
    is_dry: bool,
) -> Result<Done> {
    let mut conn = ctx.store.read().await?;
    let old = find(&mut conn, project_id, incoming).await?;
    let Some(old) = old else {
        drop(conn);
        let settings = incoming.change.applied_to(&Settings::default())?;
        checks::validate(ctx, &settings)?;
        if !is_dry {
            make(ctx, project_id, incoming, &settings, told).await?;
        }
        return Ok(Done::Created);
    };
    let mut change = incoming.change.clone();
    change.validate(&ctx.config)?;
    let before: BTreeSet<i64> = channels::of_checks(&mut conn, &[old.check_id])
        .await?
        .into_iter()
        .map(|(_, channel_id)| channel_id)
        .collect();
    drop(conn);
    // Channels that were added here stay: only what is named there and missing here comes to them.
    let after: BTreeSet<i64> = before.iter().chain(told).copied().collect();
    if change.applied_to(&old.settings)? == old.settings && before == after {
        return Ok(Done::Unchanged);
    }
    if !is_dry {
        change.channels = Some(after.into_iter().collect());
        checks::update(ctx, project_id, old.check_id, &change).await?;
    }
    Ok(Done::Updated)
}

/// The check of this project that an incoming one is: by its UUID, or where it has none by its name.
async fn find(
    conn: &mut Conn,
    project_id: i64,
    incoming: &IncomingCheck,
) -> Result<Option<CheckRow>> {
    let Some(uuid) = &incoming.uuid else {
        let check_name = incoming.change.check_name.clone();
        let unique = Unique { check_name, ..Unique::default() };
        return match store::checks::find_unique(conn, project_id, &unique).await? {
            Some(check_id) => store::checks::find(conn, project_id, check_id).await,
            None => Ok(None),
        };
    };
    match store::checks::project_of(conn, uuid).await? {
        Some(theirs) if theirs != project_id => {
            Err(Fault::Conflict("its UUID is that of a check of another project".to_owned()))
        }
        Some(_) => store::checks::find_by_uuid(conn, project_id, uuid).await,
        None => Ok(None),
    }
}

/// Makes a device; whether there was none of its kind.
async fn device(
    ctx: &Context,
    project_id: i64,
    incoming: IncomingDevice,
    told: &[i64],
    is_dry: bool,
) -> Result<bool> {
    let least = i64::from(ctx.config.probes.min_interval);
    let IncomingDevice { mut device, is_enabled, .. } = incoming;
    device.interval = device.interval.max(least);
    let device = device.checked(least)?;
    let mut conn = ctx.store.read().await?;
    let owner = members::first_owner(&mut conn, project_id).await?;
    let owner = owner.ok_or_else(|| Fault::invalid("project", "has no owner"))?;
    let kind = MonitorKind::Device;
    let is_there = monitors::has_other(&mut conn, (owner, kind), &device.fingerprint(), 0).await?;
    drop(conn);
    if is_there || is_dry {
        return Ok(!is_there);
    }
    let watched = Watched::Device(Box::new(device));
    let made =
        service::create(ctx, owner, Some(project_id), &watched, is_enabled, Some(told)).await;
    match made {
        Ok(_) => Ok(true),
        Err(Fault::Conflict(_)) => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// Makes a check with its UUID, its state and its past.
async fn make(
    ctx: &Context,
    project_id: i64,
    incoming: &IncomingCheck,
    settings: &Settings,
    told: &[i64],
) -> Result<()> {
    let mut tx = ctx.store.begin().await?;
    let fresh = || secret::random_uuid().to_string();
    let uuid = &incoming.uuid.clone().unwrap_or_else(fresh);
    let check_id =
        checks::insert_as(ctx, &mut tx, (project_id, uuid), settings, Some(told)).await?;
    if let Some(badge) = &incoming.badge_uuid
        && store::checks::find_by_badge(&mut tx, badge).await?.is_none()
    {
        store::checks::set_badge_uuid(&mut tx, check_id, badge).await?;
    }
    flips::insert_past(&mut tx, check_id, &past(incoming)).await?;
    // Older ones would go at once.
    let kept_days = i64::from(ctx.config.retention.pings_days);
    let since = ctx.now().plus_seconds(-kept_days * 86_400);
    let is_old = |(row, _): &(PingRow, Vec<u8>)| row.at < since;
    let first = incoming.pings.iter().position(|ping| !is_old(ping));
    let kept = first.map_or(&[][..], |first| &incoming.pings[first..]);
    pings::insert_past(&mut tx, check_id, kept).await?;
    let mut watched = states::load_one(&mut tx, check_id).await?.ok_or(Fault::NotFound)?;
    let state = &mut watched.state;
    state.status = incoming.status;
    state.n_pings = incoming.pings.last().map_or(0, |(row, _)| row.n).max(incoming.n_pings);
    state.n_flips = i64::try_from(incoming.flips.len()).unwrap_or(i64::MAX);
    state.last_ping_at = incoming.last_ping_at;
    state.last_duration = incoming.last_duration;
    if matches!(incoming.status, Status::Up | Status::Down) {
        state.base_at = incoming.last_ping_at;
    }
    let saved = states::save(&mut tx, &[watched], ctx.now()).await?;
    tx.commit().await?;
    ctx.bells.ring(saved);
    Ok(())
}

/// The flips as they are kept: from what to what.
fn past(incoming: &IncomingCheck) -> Vec<flips::PastTurn> {
    let mut status = Status::New;
    let turn = |turn: &IncomingFlip| {
        let from = std::mem::replace(&mut status, turn.to);
        flips::PastTurn { at: turn.at, from, to: turn.to, reason: turn.reason }
    };
    incoming.flips.iter().map(turn).collect()
}
