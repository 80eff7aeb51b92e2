//! The plan of an import: what of a file is new, what is changed and in what, held against all rules
//! and ceilings. Making it changes nothing.

use std::collections::HashMap;

use serde_json::Value;

use super::form::{self, ChannelForm, CheckForm, Reference};
use super::matching::{self, Wanted};
use super::present::{Present, PresentChannel, group_config};
use super::read::{ChannelEntry, CheckEntry, Choice, File, chosen};
use super::report::{Deed, Difference, Report, config_differences, differences};
use super::table::at;
use super::windows::{self, WindowStep};
use crate::context::Context;
use crate::domain::check::Status;
use crate::fault::{Fault, Result};
use crate::notify::channels::webhook::secret_from;
use crate::notify::channels::{self as kinds, Kind, group};
use crate::notify::message::seal_config;
use crate::secret;
use crate::service::channels::{self, kind_of};
use crate::service::{checks, projects};
use crate::store::Flag;
use crate::store::channels::ChannelRow;
use crate::store::checks::{CheckRow, Settings};
use crate::store::projects::Role;

/// What is to be done to bring a project to the state of a file.
#[derive(Debug)]
pub struct Plan {
    /// The project's name.
    pub project_name: String,
    /// Unknown slugs may make checks.
    pub auto_create: bool,
    /// What is changed about the project itself.
    pub project: Deed,
    /// What is done about each channel of the file.
    pub channels: Vec<ChannelStep>,
    /// What is done about each check of the file.
    pub checks: Vec<CheckStep>,
    /// What is done about each maintenance window of the file.
    pub windows: Vec<WindowStep>,
}

/// What is done about a channel.
#[derive(Debug)]
pub struct ChannelStep {
    /// The channel as it will be; its id is 0 where it is new.
    pub row: ChannelRow,
    /// What is done.
    pub deed: Deed,
    /// Fields of its configuration that hold a mask, as nobody has entered the secret here.
    pub lacks: Vec<String>,
    /// Of a group whose channels are to be set: their places, as in [`CheckStep::channels`].
    pub members: Option<Vec<usize>>,
}

/// What is done about a check.
#[derive(Debug)]
pub struct CheckStep {
    /// The check; none where it is new.
    pub check_id: Option<i64>,
    /// Its settings as they will be.
    pub settings: Settings,
    /// The channels that it will tell: places among those that the project will have, which are
    /// those that it has, and then the new ones.
    pub channels: Vec<usize>,
    /// Whether it is to be paused or resumed.
    pub paused: Option<bool>,
    /// What is done.
    pub deed: Deed,
}

impl Plan {
    /// Makes the plan.
    ///
    /// # Errors
    /// Something in the file is against a rule; the fault names the place. Or there would be more
    /// of something than may be, or the caller may not change what the file wants changed.
    pub fn of(ctx: &Context, present: &Present, file: &File) -> Result<Self> {
        let (project_name, auto_create, project) = project_step(present, file)?;
        let (channels, directory) = channel_steps(ctx, present, &file.channels)?;
        let checks = check_steps(ctx, present, &file.checks, &directory)?;
        let windows = windows::steps(present, &file.windows, &file.checks, &checks, ctx.now())?;
        Ok(Self { project_name, auto_create, project, channels, checks, windows })
    }

    /// The checks that are changed.
    #[must_use]
    pub fn touched(&self) -> Vec<i64> {
        let changed = self.checks.iter().filter(|step| step.deed != Deed::Nothing);
        changed.filter_map(|step| step.check_id).collect()
    }

    /// The maintenance windows that are changed.
    #[must_use]
    pub fn moved(&self) -> Vec<i64> {
        let changed = self.windows.iter().filter(|step| matches!(step.deed, Deed::Update(_)));
        changed.map(|step| step.window.maintenance_id).collect()
    }

    /// What the plan does, without what needs attention.
    #[must_use]
    pub fn report(&self) -> Report {
        let mut report = Report::default();
        if self.project != Deed::Nothing {
            report.add(&self.project, "project", &self.project_name, None);
        }
        for step in &self.channels {
            report.add(&step.deed, "channel", &step.row.channel_name, None);
        }
        for step in &self.checks {
            let Settings { check_name, slug, .. } = &step.settings;
            report.add(&step.deed, "check", check_name, Some(slug));
        }
        for step in &self.windows {
            report.add(&step.deed, "maintenance", &step.window.title, None);
        }
        report
    }
}

fn project_step(present: &Present, file: &File) -> Result<(String, bool, Deed)> {
    let old = &present.project;
    let (old_name, old_flag) = (old.project_name.clone(), bool::from(old.auto_create));
    let name = file.project_name.as_deref().unwrap_or(&old_name);
    projects::check_name(name).map_err(|fault| at("project", fault))?;
    let (name, flag) = (name.trim().to_owned(), file.auto_create.unwrap_or(old_flag));
    let mut changes = Vec::new();
    let mut note = |field: &str, old: Value, new: Value| {
        if old != new {
            changes.push(Difference { field: field.to_owned(), values: Some((old, new)) });
        }
    };
    note("project_name", old_name.into(), name.clone().into());
    note("auto_create", i64::from(old_flag).into(), i64::from(flag).into());
    if !changes.is_empty() && old.role != Role::Owner {
        return Err(Fault::Forbidden(
            "project: only an owner may change the project's own settings: take this table out of \
             the file, or ask an owner"
                .to_owned(),
        ));
    }
    Ok((name, flag, Deed::of(changes)))
}

fn channel_steps(
    ctx: &Context,
    present: &Present,
    entries: &[ChannelEntry],
) -> Result<(Vec<ChannelStep>, Directory)> {
    let existing: Vec<&str> =
        present.channels.iter().map(|channel| channel.row.channel_name.as_str()).collect();
    let wanted: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    let found = matching::channels(&existing, &wanted);
    let new = found.iter().filter(|place| place.is_none()).count();
    check_ceiling("channels", existing.len() + new, channels::MAX_COUNT)?;
    let made = || entries.iter().zip(&found).filter(|(_, place)| place.is_none());
    let names = existing.iter().copied().chain(made().map(|(entry, _)| entry.name.as_str()));
    let old_kinds = present.channels.iter().map(|channel| channel.row.kind.as_str());
    let new_kinds = made().map(|(entry, _)| entry.kind.as_deref().unwrap_or_default());
    let directory = Directory::of(names, old_kinds.chain(new_kinds));
    let each = entries.iter().zip(&found).map(|(entry, place)| {
        let step = match place {
            Some(place) => changed_channel(ctx, &present.channels[*place], entry, &directory),
            None => new_channel(ctx, present.project.project_id, entry, &directory),
        };
        step.map_err(|fault| at(&entry.place, fault))
    });
    let steps = each.collect::<Result<_>>()?;
    Ok((steps, directory))
}

fn changed_channel(
    ctx: &Context,
    old: &PresentChannel,
    entry: &ChannelEntry,
    directory: &Directory,
) -> Result<ChannelStep> {
    entry.change.validate()?;
    if entry.kind.as_ref().is_some_and(|kind| *kind != old.row.kind) {
        let reason = format!(
            "is {} in the project and can't be changed: give the channel another name",
            old.row.kind
        );
        return Err(Fault::invalid("kind", reason));
    }
    channels::check_fit(old.kind, &entry.change)?;
    let mut members = None;
    let config = match &entry.change.config {
        Some(given) if old.kind == Kind::Group => {
            let places = directory.members(given)?;
            let config = group_config(places.iter().map(|place| &directory.references[*place]));
            members = (config != old.config).then_some(places);
            config
        }
        Some(given) => {
            let config = kinds::validate(old.kind, given, Some(&old.config), &fresh_secret())?;
            channels::check_offer(ctx, old.kind, &config)?;
            config
        }
        None => old.config.clone(),
    };
    let mut row = old.row.clone();
    entry.change.apply(&mut row);
    let lacks = kinds::masked(old.kind, &config);
    if !lacks.is_empty() {
        row.disabled = Flag(1);
    }
    let fields = |row| form::fields(&ChannelForm::new(row, Value::Null, true));
    let mut changes = differences(&fields(&old.row)?, &fields(&row)?);
    let in_config = config_differences(old.kind, &old.config, &config);
    if !in_config.is_empty() {
        row.sealed_config = seal_config(ctx, &row.uuid, &config);
    }
    changes.extend(in_config);
    Ok(ChannelStep { row, deed: Deed::of(changes), lacks, members })
}

fn new_channel(
    ctx: &Context,
    project_id: i64,
    entry: &ChannelEntry,
    directory: &Directory,
) -> Result<ChannelStep> {
    entry.change.validate()?;
    let needed = |field| Fault::invalid(field, "is required: the project has no such channel yet");
    let kind = kind_of(entry.kind.as_deref().ok_or_else(|| needed("kind"))?)?;
    channels::check_fit(kind, &entry.change)?;
    let given = entry.change.config.as_ref().ok_or_else(|| needed("config"))?;
    if kind == Kind::Group {
        let row = channels::new_row(ctx, project_id, kind, &group::config(&[]), &entry.change);
        let members = Some(directory.members(given)?);
        return Ok(ChannelStep { row, deed: Deed::Create, lacks: Vec::new(), members });
    }
    let (config, lacks) = new_config(kind, given)?;
    channels::check_offer(ctx, kind, &config)?;
    let mut row = channels::new_row(ctx, project_id, kind, &config, &entry.change);
    if !lacks.is_empty() {
        row.disabled = Flag(1);
    }
    Ok(ChannelStep { row, deed: Deed::Create, lacks, members: None })
}

/// The configuration of a new channel. Where secrets were left out their masks are kept, which say
/// what is to be entered: then it is as if they had been stored before.
fn new_config(kind: Kind, given: &Value) -> Result<(Value, Vec<String>)> {
    let lacks = kinds::masked(kind, given);
    let previous = (!lacks.is_empty()).then_some(given);
    Ok((kinds::validate(kind, given, previous, &fresh_secret())?, lacks))
}

fn fresh_secret() -> String {
    secret_from(secret::random_bytes())
}

fn check_steps(
    ctx: &Context,
    present: &Present,
    entries: &[CheckEntry],
    directory: &Directory,
) -> Result<Vec<CheckStep>> {
    let existing: Vec<(&str, &str)> = present
        .checks
        .iter()
        .map(|check| (check.settings.slug.as_str(), check.settings.check_name.as_str()))
        .collect();
    let wanted: Vec<Wanted> = entries
        .iter()
        .map(|entry| Wanted {
            given_slug: entry.slug.clone(),
            slug: entry.new_slug(),
            name: entry.name.clone(),
        })
        .collect();
    let found = matching::checks(&existing, &wanted);
    let new = found.iter().filter(|place| place.is_none()).count();
    check_ceiling("checks", existing.len() + new, i64::from(ctx.config.checks.max_count))?;
    let each = entries.iter().zip(found).map(|(entry, place)| {
        let old = place.map(|place| &present.checks[place]);
        check_step(ctx, present, old, entry, directory).map_err(|fault| at(&entry.place, fault))
    });
    each.collect()
}

fn check_step(
    ctx: &Context,
    present: &Present,
    old: Option<&CheckRow>,
    entry: &CheckEntry,
    directory: &Directory,
) -> Result<CheckStep> {
    // A slug that only says which check is meant has to be one too.
    let slug = entry.slug.clone().map(Some);
    checks::Change { slug, ..entry.change.clone() }.validate(&ctx.config)?;
    let told = match &entry.channels {
        Some(choices) => Some(directory.places(choices)?),
        None => None,
    };
    let paused = entry.change.paused;
    let Some(old) = old else {
        let settings = entry.change.applied_to(&Settings::default())?;
        checks::validate(ctx, &settings)?;
        let channels = told.unwrap_or_else(|| directory.all());
        let paused = paused.filter(|paused| *paused);
        return Ok(CheckStep { check_id: None, settings, channels, paused, deed: Deed::Create });
    };
    let settings = entry.change.applied_to(&old.settings)?;
    let told_before = present.told_by(old);
    let channels = told.unwrap_or_else(|| told_before.clone());
    let was_paused = old.status == Status::Paused;
    let fields = |settings, paused, places: &[usize]| {
        form::fields(&CheckForm::new(settings, paused, directory.references(places)))
    };
    let before = fields(&old.settings, paused.map(|_| was_paused), &told_before)?;
    let changes = differences(&before, &fields(&settings, paused, &channels)?);
    let paused = paused.filter(|paused| *paused != was_paused);
    let check_id = Some(old.check_id);
    Ok(CheckStep { check_id, settings, channels, paused, deed: Deed::of(changes) })
}

/// # Errors
/// There would be more than the most of something.
pub(super) fn check_ceiling(what: &str, count: usize, most: i64) -> Result<()> {
    if i64::try_from(count).is_ok_and(|count| count <= most) {
        return Ok(());
    }
    Err(Fault::Forbidden(format!(
        "{what}: the project would have {count} of them, and {most} is the most: take some out of \
         the file, or delete some first"
    )))
}

/// The channels that the project will have, by name.
struct Directory {
    places: HashMap<String, Vec<usize>>,
    references: Vec<Reference>,
    /// Which of them are groups.
    groups: Vec<bool>,
}

impl Directory {
    fn of<'a>(
        names: impl Iterator<Item = &'a str> + Clone,
        kinds: impl Iterator<Item = &'a str>,
    ) -> Self {
        let mut places: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, name) in names.clone().enumerate() {
            places.entry(name.to_owned()).or_default().push(place);
        }
        let groups = kinds.map(|kind| Kind::parse(kind) == Some(Kind::Group)).collect();
        Self { places, references: form::references(names), groups }
    }

    /// The places of the channels that the configuration of a group names.
    fn members(&self, config: &Value) -> Result<Vec<usize>> {
        let field = |name: &str| format!("config.{name}");
        let fields = config.as_object();
        let fields = fields.ok_or_else(|| Fault::invalid("config", "must be an object"))?;
        if let Some(name) = fields.keys().find(|name| *name != "channels") {
            let reason = "is no field of this kind; there are channels";
            return Err(Fault::invalid(field(name), reason));
        }
        let choices = fields.get("channels").and_then(chosen);
        let reason = "must be a list of channels, each its name";
        let choices = choices.ok_or_else(|| Fault::invalid(field("channels"), reason))?;
        let places = self.places(&choices).map_err(|fault| at("config", fault))?;
        if let Some(place) = places.iter().find(|place| self.groups[**place]) {
            let name = self.references[*place].name();
            let reason = format!("a group can't be in a group, and {name:?} is one");
            return Err(Fault::invalid(field("channels"), reason));
        }
        Ok(places)
    }

    fn all(&self) -> Vec<usize> {
        (0..self.references.len()).collect()
    }

    fn references(&self, places: &[usize]) -> Vec<Reference> {
        places.iter().map(|place| self.references[*place].clone()).collect()
    }

    /// The places of these channels, in order and each once.
    fn places(&self, choices: &[Choice]) -> Result<Vec<usize>> {
        let mut places = choices.iter().map(|c| self.place(c)).collect::<Result<Vec<_>>>()?;
        places.sort_unstable();
        places.dedup();
        Ok(places)
    }

    fn place(&self, choice: &Choice) -> Result<usize> {
        let alike = self.places.get(&choice.name).map_or(&[][..], Vec::as_slice);
        let place = usize::try_from(choice.nth - 1).ok().and_then(|n| alike.get(n));
        place.copied().ok_or_else(|| form::no_such("channels", &choice.name, alike.len()))
    }
}
