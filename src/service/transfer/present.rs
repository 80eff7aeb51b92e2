//! What a project has: all that an export writes and an import compares with, read together.

use std::collections::HashMap;

use serde_json::Value;

use super::form::{
    ChannelForm, CheckForm, FORMAT, FileForm, ProjectForm, Reference, WindowForm, references,
};
use crate::context::Context;
use crate::domain::check::Status;
use crate::fault::Result;
use crate::notify::channels::{self as kinds, Kind, group};
use crate::notify::message::open_config;
use crate::service::channels::stored_kind;
use crate::service::maintenance;
use crate::store::channels::ChannelRow;
use crate::store::checks::CheckRow;
use crate::store::maintenance::Window;
use crate::store::projects::ProjectRow;
use crate::store::tx::Conn;
use crate::store::{self, bulk};

/// A project with its channels, checks and maintenance windows, each by id.
#[derive(Debug)]
pub struct Present {
    /// The project as the caller sees it.
    pub project: ProjectRow,
    /// Its channels.
    pub channels: Vec<PresentChannel>,
    /// Its checks.
    pub checks: Vec<CheckRow>,
    /// Its maintenance windows.
    pub windows: Vec<Window>,
    /// Which channels each check tells.
    assigned: HashMap<i64, Vec<i64>>,
}

/// A channel with its configuration open.
#[derive(Debug)]
pub struct PresentChannel {
    /// The channel.
    pub row: ChannelRow,
    /// Its kind.
    pub kind: Kind,
    /// Its configuration, secrets whole; that of a group names its channels as a check does.
    pub config: Value,
}

/// Names the channels of each group as a file does.
fn name_members(channels: &mut [PresentChannel]) {
    let references = references(channels.iter().map(|each| each.row.channel_name.as_str()));
    let ids: Vec<i64> = channels.iter().map(|each| each.row.channel_id).collect();
    for each in channels.iter_mut().filter(|each| each.kind == Kind::Group) {
        let members = group::members(&each.config);
        let places = members.iter().filter_map(|id| ids.binary_search(id).ok());
        each.config = group_config(places.map(|place| &references[place]));
    }
}

/// The configuration of a group of these channels as a file has it.
pub(super) fn group_config<'a>(members: impl Iterator<Item = &'a Reference>) -> Value {
    serde_json::json!({"channels": members.collect::<Vec<_>>()})
}

impl Present {
    /// Reads all of it.
    ///
    /// # Errors
    /// The database is out, or a configuration can't be opened.
    pub async fn read(ctx: &Context, conn: &mut Conn, project: ProjectRow) -> Result<Self> {
        let project_id = project.project_id;
        let rows = bulk::channels_of(conn, project_id).await?;
        let open = |row: ChannelRow| {
            let (kind, config) = (stored_kind(&row)?, open_config(ctx, &row)?);
            Ok(PresentChannel { row, kind, config })
        };
        let mut channels = rows.into_iter().map(open).collect::<Result<Vec<_>>>()?;
        name_members(&mut channels);
        let checks = bulk::checks_of(conn, project_id).await?;
        let assigned = bulk::assignments_of(conn, project_id).await?;
        let most = maintenance::MAX_COUNT;
        let (windows, _) = store::maintenance::list(conn, project_id, 0, most).await?;
        Ok(Self { project, channels, checks, windows, assigned })
    }

    /// The place of a check among the checks.
    #[must_use]
    pub fn place_of_check(&self, check_id: i64) -> Option<usize> {
        self.checks.binary_search_by_key(&check_id, |check| check.check_id).ok()
    }

    /// The places among the checks of those that a window names.
    #[must_use]
    pub fn covered_by(&self, window: &Window) -> Vec<usize> {
        window.checks.iter().filter_map(|id| self.place_of_check(*id)).collect()
    }

    /// The places among the channels of those that a check tells.
    #[must_use]
    pub fn told_by(&self, check: &CheckRow) -> Vec<usize> {
        let ids = self.assigned.get(&check.check_id).map_or(&[][..], Vec::as_slice);
        let place = |id: &i64| self.channels.binary_search_by_key(id, |c| c.row.channel_id).ok();
        ids.iter().filter_map(place).collect()
    }

    /// The project as a file.
    #[must_use]
    pub fn form(&self, with_secrets: bool) -> FileForm {
        let names = self.channels.iter().map(|channel| channel.row.channel_name.as_str());
        let references = references(names);
        FileForm {
            format: FORMAT,
            project: ProjectForm {
                project_name: self.project.project_name.clone(),
                auto_create: self.project.auto_create.0,
            },
            channels: self.channels.iter().map(|channel| channel.form(with_secrets)).collect(),
            checks: self.checks.iter().map(|check| self.check_form(check, &references)).collect(),
            maintenances: self.window_forms(),
        }
    }

    fn window_forms(&self) -> Vec<WindowForm> {
        let names = self.checks.iter().map(|check| check.settings.check_name.as_str());
        let references = references(names);
        let form = |window: &Window| {
            let covered =
                self.covered_by(window).into_iter().map(|place| references[place].clone());
            WindowForm::new(window, covered.collect())
        };
        self.windows.iter().map(form).collect()
    }

    fn check_form(&self, check: &CheckRow, references: &[Reference]) -> CheckForm {
        let told = self.told_by(check).into_iter().map(|place| references[place].clone());
        // Written only where it is so: what somebody paused later stays so.
        let paused = (check.status == Status::Paused).then_some(true);
        CheckForm::new(&check.settings, paused, told.collect())
    }
}

impl PresentChannel {
    /// The channel as it stands in a file. That it is disabled is written only where its secrets
    /// are too: without them it will be disabled wherever it is new, and stays as it is elsewhere.
    fn form(&self, with_secrets: bool) -> ChannelForm {
        let config =
            if with_secrets { self.config.clone() } else { kinds::mask(self.kind, &self.config) };
        let is_whole = kinds::masked(self.kind, &config).is_empty();
        let shows_it = is_whole && bool::from(self.row.disabled);
        ChannelForm::new(&self.row, config, shows_it)
    }
}
