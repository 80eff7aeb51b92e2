//! Devices and blacklist monitors: who may make, change and delete them, and the check that each of
//! them has, which the prober pings.

use std::collections::HashMap;

use serde::Serialize;

use crate::context::Context;
use crate::domain::monitor::{Device, Listing};
use crate::fault::{Fault, Result};
use crate::service::checks::{self, Change};
use crate::service::projects;
use crate::store::checks::Settings;
use crate::store::monitors::{self, MonitorKind, MonitorRow, Written};
use crate::store::projects::Role;
use crate::store::tx::{Conn, Tx};
use crate::store::{Flag, channels, projects as stored_projects, users};

/// The check of a monitor is pinged at most so often, in seconds, while nothing changes.
pub const PING_EVERY: i64 = 60;
/// Nobody has looked for so long: the check then says so, in seconds.
const GRACE: i64 = 3600;
/// The longest name of a check, in characters.
const LONGEST_NAME: usize = 100;

/// What is to be watched.
#[derive(Clone, Debug)]
pub enum Watched {
    /// A device, its settings checked.
    Device(Box<Device>),
    /// A name or an address on blacklists.
    Listing(Listing),
}

impl Watched {
    /// What kind of monitor it is.
    #[must_use]
    pub fn kind(&self) -> MonitorKind {
        match self {
            Self::Device(_) => MonitorKind::Device,
            Self::Listing(_) => MonitorKind::Blacklist,
        }
    }

    fn fingerprint(&self) -> String {
        match self {
            Self::Device(device) => device.fingerprint(),
            Self::Listing(listing) => listing.fingerprint(),
        }
    }

    fn settings(&self) -> Result<String> {
        match self {
            Self::Device(device) => json(device),
            Self::Listing(listing) => json(listing),
        }
    }

    fn interval(&self, ctx: &Context) -> i64 {
        match self {
            Self::Device(device) => device.interval,
            Self::Listing(_) => i64::from(ctx.config.blacklist.interval),
        }
    }

    fn name(&self) -> String {
        let name = match self {
            Self::Device(device) => device.name(),
            Self::Listing(listing) => listing.name(),
        };
        name.chars().take(LONGEST_NAME).collect()
    }

    fn note(&self) -> String {
        match self {
            Self::Device(device) => device.location.clone().unwrap_or_default(),
            Self::Listing(_) => String::new(),
        }
    }
}

fn json(settings: &impl Serialize) -> Result<String> {
    serde_json::to_string(settings).map_err(Fault::internal)
}

fn period(interval: i64) -> i64 {
    interval.max(PING_EVERY)
}

fn duplicate(kind: MonitorKind) -> Fault {
    Fault::Conflict(match kind {
        MonitorKind::Device => {
            "there is a device with this target, service, scheme, port and origin already"
                .to_owned()
        }
        MonitorKind::Blacklist => "this target is watched already".to_owned(),
    })
}

/// The project that is named, or the user's first.
async fn project_of(conn: &mut Conn, user_id: i64, named: Option<i64>) -> Result<i64> {
    let project_id = if let Some(project_id) = named {
        project_id
    } else {
        let (first, _) = stored_projects::list_for(conn, user_id, 0, 1).await?;
        let none = || {
            Fault::invalid("project_id", "must be given: there is no project yet, make one first")
        };
        first.first().ok_or_else(none)?.project_id
    };
    match projects::open(conn, user_id, project_id, Role::Editor).await {
        Ok(project) => Ok(project.project_id),
        Err(Fault::Forbidden(reason)) => Err(Fault::invalid("project_id", reason)),
        Err(fault) => Err(fault),
    }
}

/// Makes a monitor in this project, or the user's first, with a check that tells these channels, or
/// all of the project; it is looked at at once.
///
/// # Errors
/// [`Fault::Conflict`]: the user has the same already. [`Fault::Invalid`]: the project or a channel is
/// not theirs. [`Fault::Forbidden`]: the project has as many checks as it may.
pub async fn create(
    ctx: &Context,
    user_id: i64,
    project: Option<i64>,
    watched: &Watched,
    is_enabled: bool,
    channels: Option<&[i64]>,
) -> Result<MonitorRow> {
    let mut tx = ctx.store.begin().await?;
    let project_id = project_of(&mut tx, user_id, project).await?;
    let interval_seconds = watched.interval(ctx);
    let settings = Settings {
        check_name: watched.name(),
        description: watched.note(),
        period: period(interval_seconds),
        grace: GRACE,
        // What is paused by hand is not resumed by a probe.
        manual_resume: Flag::from(true),
        ..Settings::default()
    };
    let check_id = checks::insert_in(ctx, &mut tx, project_id, &settings, channels).await?;
    let (fingerprint, text) = (watched.fingerprint(), watched.settings()?);
    let new = Written { fingerprint: &fingerprint, settings: &text, is_enabled, interval_seconds };
    let (kind, now) = (watched.kind(), ctx.now());
    let Some(id) = monitors::insert(&mut tx, (user_id, check_id, kind), &new, now).await? else {
        return Err(duplicate(kind));
    };
    let row = of(&mut tx, user_id, kind, id).await?;
    if !is_enabled {
        let change = Change { paused: Some(true), ..Change::default() };
        checks::update_in(ctx, &mut tx, project_id, check_id, &change).await?;
    }
    tx.commit().await?;
    ctx.live.list(project_id);
    ctx.bells.prober.notify_one();
    Ok(row)
}

async fn of(tx: &mut Tx, user_id: i64, kind: MonitorKind, id: i64) -> Result<MonitorRow> {
    monitors::find(tx, user_id, kind, id).await?.ok_or(Fault::NotFound)
}

/// Changes a user's monitor; `channels` that are not given stay.
///
/// # Errors
/// [`Fault::NotFound`]: it is not the user's. Else as [`create`].
pub async fn update(
    ctx: &Context,
    user_id: i64,
    monitor_id: i64,
    watched: &Watched,
    is_enabled: bool,
    channels: Option<&[i64]>,
) -> Result<MonitorRow> {
    let mut conn = ctx.store.read().await?;
    let found = monitors::find(&mut conn, user_id, watched.kind(), monitor_id).await?;
    let old = found.ok_or(Fault::NotFound)?;
    allow(&mut conn, user_id, &old).await?;
    drop(conn);
    change(ctx, &old, watched, is_enabled, channels).await
}

/// The same for who may change the project of the monitor.
///
/// # Errors
/// As [`update`].
pub async fn change(
    ctx: &Context,
    old: &MonitorRow,
    watched: &Watched,
    is_enabled: bool,
    channels: Option<&[i64]>,
) -> Result<MonitorRow> {
    let mut tx = ctx.store.begin().await?;
    // Of two changes at a time that would make the same of two monitors one is told so.
    users::lock(&mut tx, old.user_id).await?;
    let (owner, monitor_id) = ((old.user_id, watched.kind()), old.monitor_id);
    let (fingerprint, text) = (watched.fingerprint(), watched.settings()?);
    if monitors::has_other(&mut tx, owner, &fingerprint, monitor_id).await? {
        return Err(duplicate(watched.kind()));
    }
    let interval_seconds = watched.interval(ctx);
    let new = Written { fingerprint: &fingerprint, settings: &text, is_enabled, interval_seconds };
    let was_enabled = bool::from(old.is_enabled);
    let change = Change {
        check_name: Some(watched.name()),
        description: Some(watched.note()),
        period: Some(Some(period(interval_seconds))),
        channels: channels.map(<[i64]>::to_vec),
        paused: (was_enabled != is_enabled).then_some(!is_enabled),
        ..Change::default()
    };
    let saved = checks::update_in(ctx, &mut tx, old.project_id, old.check_id, &change).await?;
    monitors::update(&mut tx, monitor_id, &new, ctx.now()).await?;
    let row = of(&mut tx, old.user_id, watched.kind(), monitor_id).await?;
    tx.commit().await?;
    checks::tell(ctx, row.check_id, saved);
    ctx.bells.prober.notify_one();
    Ok(row)
}

/// A monitor of a project.
///
/// # Errors
/// [`Fault::NotFound`]: it is another's.
pub async fn find_in(ctx: &Context, project_id: i64, monitor_id: i64) -> Result<MonitorRow> {
    let mut conn = ctx.store.read().await?;
    monitors::find_in(&mut conn, project_id, monitor_id).await?.ok_or(Fault::NotFound)
}

/// Deletes a monitor of a project, with its check and its history.
///
/// # Errors
/// [`Fault::NotFound`]: it is another's.
pub async fn delete_in(ctx: &Context, project_id: i64, monitor_id: i64) -> Result<()> {
    let row = find_in(ctx, project_id, monitor_id).await?;
    checks::delete(ctx, project_id, row.check_id).await
}

/// # Errors
/// [`Fault::Forbidden`]: the user may not change the project any more.
async fn allow(conn: &mut Conn, user_id: i64, row: &MonitorRow) -> Result<()> {
    projects::open(conn, user_id, row.project_id, Role::Editor).await.map(drop)
}

/// Deletes a monitor, with its check and its history.
///
/// # Errors
/// [`Fault::NotFound`]: it is not the user's.
pub async fn delete(ctx: &Context, user_id: i64, kind: MonitorKind, monitor_id: i64) -> Result<()> {
    let mut conn = ctx.store.read().await?;
    let row = monitors::find(&mut conn, user_id, kind, monitor_id).await?.ok_or(Fault::NotFound)?;
    allow(&mut conn, user_id, &row).await?;
    drop(conn);
    checks::delete(ctx, row.project_id, row.check_id).await
}

/// A user's monitors of a kind, each with the channels that it tells.
///
/// # Errors
/// The database is out.
pub async fn list(
    ctx: &Context,
    user_id: i64,
    kind: MonitorKind,
) -> Result<Vec<(MonitorRow, Vec<i64>)>> {
    let mut conn = ctx.store.read().await?;
    let rows = monitors::of_user(&mut conn, user_id, kind).await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.check_id).collect();
    let pairs = channels::of_checks(&mut conn, &ids).await?;
    let mut told: HashMap<i64, Vec<i64>> = HashMap::new();
    for (check_id, channel_id) in pairs {
        told.entry(check_id).or_default().push(channel_id);
    }
    let with_channels = |row: MonitorRow| {
        let own = told.remove(&row.check_id).unwrap_or_default();
        (row, own)
    };
    Ok(rows.into_iter().map(with_channels).collect())
}

/// One of a user's monitors with its channels.
///
/// # Errors
/// [`Fault::NotFound`]: it is not theirs.
pub async fn find(
    ctx: &Context,
    user_id: i64,
    kind: MonitorKind,
    monitor_id: i64,
) -> Result<(MonitorRow, Vec<i64>)> {
    let mut conn = ctx.store.read().await?;
    let row = monitors::find(&mut conn, user_id, kind, monitor_id).await?.ok_or(Fault::NotFound)?;
    let pairs = channels::of_checks(&mut conn, &[row.check_id]).await?;
    Ok((row, pairs.into_iter().map(|(_, channel_id)| channel_id).collect()))
}
