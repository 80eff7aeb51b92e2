//! A file as the state that a project is to have (`overdue apply`, `apply.path`): the project that the
//! file names is found or made, and where that is asked for, what the file does not name is deleted.

use super::plan::Plan;
use super::present::Present;
use super::report::{Report, Thing};
use super::{import_with, planned, read_file, report};
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::service::{groups, projects};
use crate::store::tx::{Conn, Tx};
use crate::store::{self, channels, checks, held, maintenance, members, users};

/// Which project a file is for, and how far it goes.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The project; none: the one that the file names.
    pub project_id: Option<i64>,
    /// Who is to own it where it is made; none: the first who administers the installation.
    pub owner_id: Option<i64>,
    /// What the file does not name is deleted.
    pub prune: bool,
}

/// What an application did, or would do.
#[derive(Debug)]
pub struct Applied {
    /// The project's name.
    pub project_name: String,
    /// It is new.
    pub is_new: bool,
    /// What is done in it.
    pub report: Report,
}

/// What a file does not name.
#[derive(Debug, Default)]
pub(super) struct Unnamed {
    windows: Vec<(i64, String)>,
    pub(super) checks: Vec<(i64, String, String)>,
    channels: Vec<(i64, String)>,
}

impl Unnamed {
    /// What the project has and the plan leaves alone. Checks of devices are not in files.
    pub(super) async fn of(conn: &mut Conn, present: &Present, plan: &Plan) -> Result<Self> {
        let project_id = present.project.project_id;
        let devices = store::monitors::checks_of(conn, project_id).await?;
        let is_named = |id: i64| plan.checks.iter().any(|step| step.check_id == Some(id));
        let checks = present.checks.iter().filter(|check| {
            !is_named(check.check_id) && devices.binary_search(&check.check_id).is_err()
        });
        let told = |id: i64| plan.channels.iter().any(|step| step.row.channel_id == id);
        let channels = present.channels.iter().filter(|channel| !told(channel.row.channel_id));
        let kept = |id: i64| plan.windows.iter().any(|step| step.window.maintenance_id == id);
        let windows = present.windows.iter().filter(|window| !kept(window.maintenance_id));
        Ok(Self {
            windows: windows.map(|it| (it.maintenance_id, it.title.clone())).collect(),
            checks: checks
                .map(|it| (it.check_id, it.settings.check_name.clone(), it.settings.slug.clone()))
                .collect(),
            channels: channels.map(|it| (it.row.channel_id, it.row.channel_name.clone())).collect(),
        })
    }

    /// Adds what is deleted to a report.
    pub(super) fn tell(&self, report: &mut Report) {
        let thing = |kind, name: &String, slug: Option<&String>| Thing {
            kind,
            name: name.clone(),
            slug: slug.cloned(),
            changes: Vec::new(),
        };
        let deleted = &mut report.deleted;
        deleted.extend(self.windows.iter().map(|(_, name)| thing("maintenance", name, None)));
        deleted.extend(self.checks.iter().map(|(_, name, slug)| thing("check", name, Some(slug))));
        deleted.extend(self.channels.iter().map(|(_, name)| thing("channel", name, None)));
    }

    /// The maintenance windows.
    pub(super) fn windows(&self) -> impl Iterator<Item = i64> + '_ {
        self.windows.iter().map(|(id, _)| *id)
    }

    /// What is in both.
    pub(super) fn and(mut self, other: &Self) -> Self {
        self.windows.retain(|it| other.windows.contains(it));
        self.checks.retain(|(id, ..)| other.checks.iter().any(|(other, ..)| other == id));
        self.channels.retain(|it| other.channels.contains(it));
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.windows.is_empty() && self.checks.is_empty() && self.channels.is_empty()
    }

    /// Deletes it. The caller holds the locks on the checks' states and on the project.
    pub(super) async fn delete(&self, ctx: &Context, tx: &mut Tx, project_id: i64) -> Result<()> {
        for (id, _) in &self.windows {
            maintenance::delete(tx, *id).await?;
        }
        for (id, ..) in &self.checks {
            checks::delete(tx, project_id, *id).await?;
        }
        for (id, _) in &self.channels {
            groups::take_out(ctx, tx, *id).await?;
            channels::delete(tx, *id).await?;
        }
        held::look_again(tx, project_id, ctx.now()).await
    }
}

/// What [`apply`] would do, without doing it.
///
/// # Errors
/// As [`apply`].
pub async fn plan(ctx: &Context, text: &str, wanted: &Wanted) -> Result<Applied> {
    let file = read_file(text)?;
    let name = file.project_name.clone();
    let auto_create = file.auto_create;
    let mut tx = ctx.store.begin().await?;
    let found = find(&mut tx, name.as_deref(), wanted).await?;
    let (user_id, project_id, is_new) = match found {
        Found::Here { user_id, project_id } => (user_id, project_id, false),
        Found::Nowhere { owner_id, name } => {
            let flag = auto_create.unwrap_or(true);
            let made = projects::insert(ctx, &mut tx, owner_id, &name, flag).await?;
            (owner_id, made.project_id, true)
        }
    };
    let (present, plan) = planned(ctx, &mut tx, user_id, project_id, &file, text).await?;
    let mut report = report(ctx, &present, &plan);
    if wanted.prune {
        Unnamed::of(&mut tx, &present, &plan).await?.tell(&mut report);
    }
    // Nothing of it is to be kept: the transaction goes without a commit.
    Ok(Applied { project_name: plan.project_name, is_new, report })
}

/// Brings the project of a file to the state that the file describes; the project is made where there
/// is none of its name.
///
/// # Errors
/// The file is wrong, or names no project, or one of several. There is nobody who could own a new one
/// ([`Fault::NotFound`]).
pub async fn apply(ctx: &Context, text: &str, wanted: &Wanted) -> Result<Applied> {
    let planned = plan(ctx, text, wanted).await?;
    let file = read_file(text)?;
    let mut conn = ctx.store.read().await?;
    let found = find(&mut conn, file.project_name.as_deref(), wanted).await?;
    drop(conn);
    let (user_id, project_id) = match found {
        Found::Here { user_id, project_id } => (user_id, project_id),
        Found::Nowhere { owner_id, name } => {
            let flag = file.auto_create.unwrap_or(true);
            let made = projects::create(ctx, owner_id, &name, flag).await?;
            (owner_id, made.project_id)
        }
    };
    let report = import_with(ctx, user_id, project_id, text, wanted.prune).await?;
    Ok(Applied { report, ..planned })
}

/// The project of a file.
enum Found {
    /// It is there, and this is one of its owners.
    Here { user_id: i64, project_id: i64 },
    /// It is to be made.
    Nowhere { owner_id: i64, name: String },
}

async fn find(conn: &mut Conn, name: Option<&str>, wanted: &Wanted) -> Result<Found> {
    if let Some(project_id) = wanted.project_id {
        let owner = members::first_owner(conn, project_id).await?;
        let nothing = || Fault::invalid("project", format!("there is no project {project_id}"));
        return Ok(Found::Here { user_id: owner.ok_or_else(nothing)?, project_id });
    }
    let name = name.map(str::trim).ok_or_else(|| {
        Fault::invalid("project.project_name", "is required where no project is named otherwise")
    })?;
    match store::projects::ids_of_name(conn, name).await?.as_slice() {
        [project_id] => {
            let owner = members::first_owner(conn, *project_id).await?;
            Ok(Found::Here { user_id: owner.ok_or(Fault::NotFound)?, project_id: *project_id })
        }
        [] => {
            let owner = match wanted.owner_id {
                Some(owner) => Some(owner),
                None => users::first_admin(conn).await?,
            };
            let owner_id = owner.ok_or(Fault::NotFound)?;
            Ok(Found::Nowhere { owner_id, name: name.to_owned() })
        }
        [first, second, ..] => {
            let reason = format!(
                "is the name of several projects, among them {first} and {second}: say which one \
                 with --project"
            );
            Err(Fault::invalid("project.project_name", reason))
        }
    }
}
