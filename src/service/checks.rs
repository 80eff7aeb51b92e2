//! Checks: making, changing, pausing and deleting them. Here are the ranges of their settings, the
//! ceiling of their number, and what about a finished change needs attention.

#![allow(clippy::option_option, reason = "to leave a value alone and to set it to none differ")]

use crate::clock::Timestamp;
use crate::config::{Checks, Config};
use crate::context::Context;
use crate::domain::schedule::zone::Tz;
use crate::domain::schedule::{self, Kind, Schedule};
use crate::domain::{check, slug};
use crate::fault::{Fault, Result};
use crate::secret;
use crate::service::names;
use crate::service::remark::{self, Remark};
use crate::store::Flag;
use crate::store::checks::{self, CheckRow, Settings, Unique};
use crate::store::monitors::{self, MonitorKind};
use crate::store::states::{Saved, Watched};
use crate::store::tx::{Conn, Tx};
use crate::store::{channels, held, notifications, projects, states};

/// The most tags of a check.
pub const MAX_TAGS: usize = 20;
/// The longest tag, in characters.
pub const MAX_TAG: usize = 50;
/// The longest description, in characters.
pub const MAX_DESCRIPTION: usize = 10_000;
/// The longest list of filter words, in characters.
pub const MAX_WORDS: usize = 200;
/// The longest period, grace or run, in seconds: a year.
pub const LONGEST: i64 = 31_536_000;
/// The largest early tolerance, in seconds: a day.
pub const MAX_EARLY_TOLERANCE: i64 = 86_400;
/// Notifications that have been due for so many seconds are behind.
const BEHIND: i64 = 60;

/// What is to be set about a check; what is none stays, or has its default in a new check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Its name.
    pub check_name: Option<String>,
    /// A slug of the client's own; the inner none derives it from the name again.
    pub slug: Option<Option<String>>,
    /// Its tags.
    pub tags: Option<Vec<String>>,
    /// What it is about.
    pub description: Option<String>,
    /// What kind of schedule it has; where it is not given, the kind of `schedule`.
    pub kind: Option<Kind>,
    /// Seconds between two pings. The inner none, as a check with a schedule is read: they stay.
    pub period: Option<Option<i64>>,
    /// Its cron or OnCalendar expression; the inner none: it has no such thing.
    pub schedule: Option<Option<String>>,
    /// The IANA zone of its schedule.
    pub timezone: Option<String>,
    /// Seconds that a ping may be late.
    pub grace: Option<i64>,
    /// Seconds that a run may take; the inner none: as long as `grace`.
    pub max_runtime: Option<Option<i64>>,
    /// Seconds by which a ping may be early; the inner none: by the schedule.
    pub early_tolerance: Option<Option<i64>>,
    /// So many failures in a row turn it down.
    pub failure_threshold: Option<i64>,
    /// So many flips in an hour are flapping; 0: never.
    pub flap_threshold: Option<i64>,
    /// Pings do not resume it when it is paused.
    pub manual_resume: Option<bool>,
    /// Only POST pings count.
    pub post_only: Option<bool>,
    /// Words that make a ping a start.
    pub start_kw: Option<String>,
    /// Words that make it a success.
    pub success_kw: Option<String>,
    /// Words that make it a failure.
    pub failure_kw: Option<String>,
    /// Look for them in the subject of mails.
    pub filter_subject: Option<bool>,
    /// Look for them in the text of mails.
    pub filter_body: Option<bool>,
    /// Look for them in the bodies of HTTP pings.
    pub filter_http_body: Option<bool>,
    /// A ping without any of them is a failure.
    pub filter_default_fail: Option<bool>,
    /// The device that its job runs on; the inner none: none.
    pub device_id: Option<Option<i64>>,
    /// The channels that it tells, by their ids.
    pub channels: Option<Vec<i64>>,
    /// Pauses it, or resumes it.
    pub paused: Option<bool>,
    /// The slug came along as it was read, and was derived: where it follows from the name that the
    /// check has or gets, it goes on following the name.
    pub slug_is_as_read: bool,
}

impl Change {
    /// Checks every value that is given.
    ///
    /// # Errors
    /// The first one that is out of range, by its name in the management API.
    pub fn validate(&self, config: &Config) -> Result<()> {
        check_name(self.check_name.as_deref())?;
        check_slug(self.slug.as_ref().and_then(Option::as_deref))?;
        check_tags(self.tags.as_deref().unwrap_or_default())?;
        check_length("description", self.description.as_deref(), MAX_DESCRIPTION)?;
        check_times(&config.checks, self.period.flatten(), self.grace, self.max_runtime.flatten())?;
        self.timezone.as_deref().map(super::users::time_zone).transpose()?;
        if let Some(Some(expression)) = &self.schedule {
            check_schedule(self.kind, expression)?;
        }
        in_range("early_tolerance", self.early_tolerance.flatten(), 0, MAX_EARLY_TOLERANCE)?;
        in_range("failure_threshold", self.failure_threshold, 1, 100)?;
        in_range("flap_threshold", self.flap_threshold, 0, 1000)?;
        check_length("start_kw", self.start_kw.as_deref(), MAX_WORDS)?;
        check_length("success_kw", self.success_kw.as_deref(), MAX_WORDS)?;
        check_length("failure_kw", self.failure_kw.as_deref(), MAX_WORDS)
    }

    /// These settings with the change made; the slug follows the name unless it is the client's
    /// own. The change must be [`Change::validate`]d.
    ///
    /// # Errors
    /// What it says of kind, period and schedule does not fit together.
    pub fn applied_to(&self, old: &Settings) -> Result<Settings> {
        let mut new = old.clone();
        set(&mut new.check_name, self.check_name.as_ref());
        set(&mut new.tags.0, self.tags.as_ref());
        set(&mut new.description, self.description.as_ref());
        set(&mut new.period, self.period.flatten().as_ref());
        if let Some(zone) = self.timezone.as_deref().map(super::users::time_zone).transpose()? {
            zone.name().clone_into(&mut new.timezone);
        }
        set(&mut new.grace, self.grace.as_ref());
        set(&mut new.max_runtime, self.max_runtime.as_ref());
        set(&mut new.early_tolerance, self.early_tolerance.as_ref());
        set(&mut new.failure_threshold, self.failure_threshold.as_ref());
        set(&mut new.flap_threshold, self.flap_threshold.as_ref());
        set(&mut new.manual_resume, self.manual_resume.map(Flag::from).as_ref());
        set(&mut new.post_only, self.post_only.map(Flag::from).as_ref());
        set(&mut new.start_kw, self.start_kw.as_ref());
        set(&mut new.success_kw, self.success_kw.as_ref());
        set(&mut new.failure_kw, self.failure_kw.as_ref());
        set(&mut new.filter_subject, self.filter_subject.map(Flag::from).as_ref());
        set(&mut new.filter_body, self.filter_body.map(Flag::from).as_ref());
        set(&mut new.filter_http_body, self.filter_http_body.map(Flag::from).as_ref());
        set(&mut new.filter_default_fail, self.filter_default_fail.map(Flag::from).as_ref());
        set(&mut new.device_id, self.device_id.as_ref());
        self.apply_slug(&mut new, old);
        self.apply_schedule(&mut new, old)?;
        Ok(new)
    }

    fn apply_schedule(&self, new: &mut Settings, old: &Settings) -> Result<()> {
        if (self.kind, &self.schedule, &self.period) == (None, &None, &None) {
            return Ok(());
        }
        let given = self.schedule.as_ref().and_then(Option::as_deref);
        let kind = match (self.kind, given) {
            (Some(kind), _) => kind.as_str(),
            (None, Some(expression)) => check_schedule(None, expression)?.as_str(),
            (None, None) => old.kind.as_str(),
        };
        kind.clone_into(&mut new.kind);
        if kind == Kind::Simple.as_str() {
            return self.apply_simple(new, given);
        }
        let expression = match (&self.schedule, given) {
            (_, Some(given)) => given,
            (None, None) if old.kind == kind => &old.schedule,
            _ => {
                let reason = format!("is required where kind is {kind}, and must not be null");
                return Err(Fault::invalid("schedule", reason));
            }
        };
        expression.clone_into(&mut new.schedule);
        Ok(())
    }

    fn apply_simple(&self, new: &mut Settings, schedule: Option<&str>) -> Result<()> {
        if schedule.is_some() {
            let reason =
                "belongs to kind cron or oncalendar: give that kind, or leave schedule out";
            return Err(Fault::invalid("schedule", reason));
        }
        if self.period == Some(None) {
            return Err(Fault::invalid("period", "must not be null where kind is simple"));
        }
        new.schedule.clear();
        Ok(())
    }

    fn apply_slug(&self, new: &mut Settings, old: &Settings) {
        // What was read may be older than what is there now, the name and the slug alike.
        let follows_a_name = |slug: &str| {
            (old.slug_is_custom == Flag(0) && slug == old.slug)
                || [old, new].iter().any(|settings| slug == slug::derive(&settings.check_name))
        };
        match &self.slug {
            Some(Some(slug)) if !(self.slug_is_as_read && follows_a_name(slug)) => {
                new.slug.clone_from(slug);
                new.slug_is_custom = Flag(1);
            }
            Some(_) => new.slug_is_custom = Flag(0),
            None => {}
        }
        if new.slug_is_custom == Flag(0) {
            new.slug = slug::derive(&new.check_name);
        }
    }
}

/// Reads an expression, of this kind or of the one that it is of, and returns the kind.
///
/// # Errors
/// It is none: which of its parts is wrong, and what is allowed.
pub fn check_schedule(kind: Option<Kind>, expression: &str) -> Result<Kind> {
    let wrong = |reason| Fault::invalid("schedule", reason);
    let kind = match kind {
        Some(kind) => kind,
        None => schedule::kind_of(expression).map_err(wrong)?,
    };
    Schedule::read(kind, 0, expression, Tz::UTC).map_err(wrong)?;
    Ok(kind)
}

fn set<T: Clone>(place: &mut T, value: Option<&T>) {
    if let Some(value) = value {
        place.clone_from(value);
    }
}

/// Checks the settings of a check that is to be made.
///
/// # Errors
/// The first one that is out of range, by its name in the management API.
pub fn validate(ctx: &Context, settings: &Settings) -> Result<()> {
    let Settings { period, grace, max_runtime, .. } = settings;
    check_name(Some(&settings.check_name))?;
    check_slug(Some(&settings.slug))?;
    check_tags(&settings.tags.0)?;
    check_length("description", Some(&settings.description), MAX_DESCRIPTION)?;
    // Beside a schedule one that nobody gave may be below what the configuration asks for.
    let is_given = settings.kind == Kind::Simple.as_str() || *period != Settings::default().period;
    check_times(&ctx.config.checks, is_given.then_some(*period), Some(*grace), *max_runtime)
}

fn check_name(name: Option<&str>) -> Result<()> {
    name.map_or(Ok(()), |name| names::check("check_name", name, 0))
}

fn check_length(field: &str, text: Option<&str>, most: usize) -> Result<()> {
    if text.is_some_and(|text| text.chars().count() > most) {
        return Err(Fault::invalid(field, format!("must have at most {most} characters")));
    }
    Ok(())
}

fn check_slug(slug: Option<&str>) -> Result<()> {
    let fits = |text: &str| slug::is_valid(text) && text.len() <= slug::MAX_LENGTH;
    if slug.is_none_or(fits) {
        return Ok(());
    }
    let reason = format!(
        "must have only a-z, 0-9, _ and -, at most {} of them; null derives it from the name",
        slug::MAX_LENGTH
    );
    Err(Fault::invalid("slug", reason))
}

/// Whether these can be tags, and are not too many.
pub(super) fn check_tags(tags: &[String]) -> Result<()> {
    if tags.len() > MAX_TAGS {
        return Err(Fault::invalid("tags", format!("must be at most {MAX_TAGS}")));
    }
    if tags.iter().all(|tag| is_tag(tag)) {
        return Ok(());
    }
    let reason = format!("must each have 1 to {MAX_TAG} characters, without white space or comma");
    Err(Fault::invalid("tags", reason))
}

/// Whether a text can be a tag.
#[must_use]
pub fn is_tag(text: &str) -> bool {
    (1..=MAX_TAG).contains(&text.chars().count())
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == ',')
}

fn check_times(
    bounds: &Checks,
    period: Option<i64>,
    grace: Option<i64>,
    max_runtime: Option<i64>,
) -> Result<()> {
    in_range("period", period, i64::from(bounds.min_period), LONGEST)?;
    in_range("grace", grace, i64::from(bounds.min_grace), LONGEST)?;
    in_range("max_runtime", max_runtime, i64::from(bounds.min_grace), LONGEST)
}

fn in_range(field: &str, value: Option<i64>, from: i64, to: i64) -> Result<()> {
    if value.is_none_or(|value| (from..=to).contains(&value)) {
        return Ok(());
    }
    let unit = match field {
        "failure_threshold" | "flap_threshold" => "",
        _ => " seconds",
    };
    Err(Fault::invalid(field, format!("must be between {from} and {to}{unit}")))
}

/// What a caller is told of a check that is not there for them.
pub(super) fn not_yours() -> Fault {
    Fault::Forbidden("this check is not in this project".to_owned())
}

/// A check of this project, and the channels that it tells.
///
/// # Errors
/// [`Fault::Forbidden`], the same for one that is another's and one that does not exist.
pub async fn find(conn: &mut Conn, project_id: i64, check_id: i64) -> Result<(CheckRow, Vec<i64>)> {
    let row = checks::find(conn, project_id, check_id).await?.ok_or_else(not_yours)?;
    let channels = channels_of(conn, check_id).await?;
    Ok((row, channels))
}

async fn channels_of(conn: &mut Conn, check_id: i64) -> Result<Vec<i64>> {
    let pairs = channels::of_checks(conn, &[check_id]).await?;
    Ok(pairs.into_iter().map(|(_, channel_id)| channel_id).collect())
}

/// Makes a check that tells these channels, or all of the project where none are named, and returns
/// its id. The settings must be [`validate`]d.
///
/// # Errors
/// The project has `checks.max_count` of them already, or a channel is none of its own.
pub async fn create(
    ctx: &Context,
    project_id: i64,
    settings: &Settings,
    channels: Option<&[i64]>,
) -> Result<i64> {
    let mut tx = ctx.store.begin().await?;
    let check_id = insert_in(ctx, &mut tx, project_id, settings, channels).await?;
    tx.commit().await?;
    ctx.live.list(project_id);
    Ok(check_id)
}

/// The same within a transaction.
///
/// # Errors
/// As [`create`].
pub(super) async fn insert_in(
    ctx: &Context,
    tx: &mut Tx,
    project_id: i64,
    settings: &Settings,
    channels: Option<&[i64]>,
) -> Result<i64> {
    if !has_room(ctx, tx, project_id).await? {
        return Err(no_room(ctx));
    }
    insert(ctx, tx, project_id, settings, channels).await
}

/// The check of the project with the slug that `settings` have, and whether it was made by this
/// call; it then tells all channels of the project. Of several calls at once one makes it. The
/// settings must be [`validate`]d.
///
/// # Errors
/// [`Fault::Conflict`]: several checks have that slug. [`Fault::NotFound`]: there is none, and the
/// project is gone or has `checks.max_count` of them already.
pub async fn find_or_create_by_slug(
    ctx: &Context,
    project_id: i64,
    settings: &Settings,
) -> Result<(i64, bool)> {
    let mut tx = ctx.store.begin().await?;
    let has_room = has_room(ctx, &mut tx, project_id).await.map_err(|fault| match fault {
        Fault::Forbidden(_) => Fault::NotFound,
        other => other,
    })?;
    match checks::ids_of_slug(&mut tx, project_id, &settings.slug).await?.as_slice() {
        [check_id] => return Ok((*check_id, false)),
        [] => {}
        _ => return Err(Fault::Conflict("ambiguous slug".to_owned())),
    }
    if !has_room {
        return Err(Fault::NotFound);
    }
    let check_id = insert(ctx, &mut tx, project_id, settings, None).await?;
    tx.commit().await?;
    ctx.live.list(project_id);
    Ok((check_id, true))
}

/// Makes a check, unless the project has one that is the same in what `unique` names: then it says
/// which. Of several calls at once one makes it.
///
/// # Errors
/// As [`create`].
pub async fn create_unless(
    ctx: &Context,
    project_id: i64,
    unique: Option<&Unique>,
    settings: &Settings,
    channels: Option<&[i64]>,
) -> Result<Made> {
    let mut tx = ctx.store.begin().await?;
    let has_room = has_room(ctx, &mut tx, project_id).await?;
    if let Some(unique) = unique
        && let Some(check_id) = checks::find_unique(&mut tx, project_id, unique).await?
    {
        return Ok(Made::Found(check_id));
    }
    if !has_room {
        return Err(no_room(ctx));
    }
    let check_id = insert(ctx, &mut tx, project_id, settings, channels).await?;
    tx.commit().await?;
    ctx.live.list(project_id);
    Ok(Made::New(check_id))
}

/// What came of [`create_unless`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It was made.
    New(i64),
    /// There was one.
    Found(i64),
}

fn no_room(ctx: &Context) -> Fault {
    Fault::Forbidden(format!(
        "there are {} checks in this project already, which is the most (checks.max_count): delete \
         one first",
        ctx.config.checks.max_count
    ))
}

/// Locks the project; whether one more check fits into it.
async fn has_room(ctx: &Context, tx: &mut Tx, project_id: i64) -> Result<bool> {
    if !projects::lock(tx, project_id).await? {
        return Err(Fault::Forbidden("this project is not yours".to_owned()));
    }
    Ok(checks::count(tx, project_id).await? < i64::from(ctx.config.checks.max_count))
}

async fn insert(
    ctx: &Context,
    tx: &mut Tx,
    project_id: i64,
    settings: &Settings,
    channels: Option<&[i64]>,
) -> Result<i64> {
    let uuid = secret::random_uuid().to_string();
    insert_with(ctx, tx, (project_id, &uuid), settings, channels).await
}

/// Makes a check of this project with this UUID, which no other has.
///
/// # Errors
/// As [`create`].
pub(super) async fn insert_as(
    ctx: &Context,
    tx: &mut Tx,
    (project_id, uuid): (i64, &str),
    settings: &Settings,
    channels: Option<&[i64]>,
) -> Result<i64> {
    if !has_room(ctx, tx, project_id).await? {
        return Err(no_room(ctx));
    }
    insert_with(ctx, tx, (project_id, uuid), settings, channels).await
}

async fn insert_with(
    ctx: &Context,
    tx: &mut Tx,
    (project_id, uuid): (i64, &str),
    settings: &Settings,
    channels: Option<&[i64]>,
) -> Result<i64> {
    let channel_ids = match channels {
        Some(ids) => own_channels(tx, project_id, ids).await?,
        None => channels::ids_of_project(tx, project_id).await?,
    };
    own_device(tx, project_id, None, settings.device_id).await?;
    let check_id = checks::insert(tx, project_id, uuid, settings, ctx.now()).await?;
    channels::assign(tx, check_id, &channel_ids).await?;
    Ok(check_id)
}

/// These ids in order, each once.
///
/// # Errors
/// One is no channel of this project.
async fn own_channels(conn: &mut Conn, project_id: i64, ids: &[i64]) -> Result<Vec<i64>> {
    let own = channels::ids_of_project(conn, project_id).await?;
    if let Some(id) = ids.iter().find(|id| !own.contains(id)) {
        let reason = format!("must be ids of channels of this project, and {id} is none");
        return Err(Fault::invalid("channels", reason));
    }
    Ok(own.into_iter().filter(|id| ids.contains(id)).collect())
}

/// Holds the device that the check's job is to run on against those of its project.
///
/// # Errors
/// It is none of this project, or the check is the device's own.
async fn own_device(
    conn: &mut Conn,
    project_id: i64,
    check_id: Option<i64>,
    device_id: Option<i64>,
) -> Result<()> {
    let Some(device_id) = device_id else { return Ok(()) };
    let device = monitors::find_in(conn, project_id, device_id).await?;
    match device.filter(|device| device.kind == MonitorKind::Device) {
        None => {
            let reason =
                format!("must be the id of a device of this project, and {device_id} is none");
            Err(Fault::invalid("device_id", reason))
        }
        Some(device) if Some(device.check_id) == check_id => {
            Err(Fault::invalid("device_id", "must be another than the device of this check itself"))
        }
        Some(_) => Ok(()),
    }
}

/// The check of this project that an address names: by its UUID, or by its id for those who may not
/// know that.
///
/// # Errors
/// As [`find`].
pub async fn find_named(
    conn: &mut Conn,
    project_id: i64,
    name: &str,
) -> Result<(CheckRow, Vec<i64>)> {
    if let Ok(check_id) = name.parse() {
        return find(conn, project_id, check_id).await;
    }
    let row = checks::find_by_uuid(conn, project_id, name).await?.ok_or_else(not_yours)?;
    let channels = channels_of(conn, row.check_id).await?;
    Ok((row, channels))
}

/// Makes a check like this one, with the same channels and a name that says so, and returns its id.
///
/// # Errors
/// The check is not in this project, or one more does not fit into it.
pub async fn clone_of(ctx: &Context, project_id: i64, check_id: i64) -> Result<i64> {
    let mut conn = ctx.store.read().await?;
    let (row, channels) = find(&mut conn, project_id, check_id).await?;
    // Two connections at a time would be one more than needed.
    drop(conn);
    let change = Change {
        check_name: Some(copy_name(&row.settings.check_name)),
        slug: Some(None),
        ..Change::default()
    };
    create(ctx, project_id, &change.applied_to(&row.settings)?, Some(&channels)).await
}

fn copy_name(name: &str) -> String {
    const SUFFIX: &str = " (copy)";
    let room = names::LONGEST - SUFFIX.len();
    let start: String = name.chars().take(room).collect();
    format!("{start}{SUFFIX}")
}

/// Moves a check with its history from a project into another, whose channels it then tells. What
/// was queued for channels of the old one is still sent.
///
/// # Errors
/// The check is not in the project, or one more does not fit into the other.
pub async fn move_to(ctx: &Context, from: i64, check_id: i64, to: i64) -> Result<()> {
    let mut tx = ctx.store.begin().await?;
    // The state first, then the projects by their ids: whoever locks several does it in this order.
    states::load_one(&mut tx, check_id).await?.ok_or_else(not_yours)?;
    let row = checks::find(&mut tx, from, check_id).await?.ok_or_else(not_yours)?;
    if from == to {
        return Err(Fault::invalid("project", "must be another project"));
    }
    projects::lock(&mut tx, from.min(to)).await?;
    projects::lock(&mut tx, from.max(to)).await?;
    if !has_room(ctx, &mut tx, to).await? {
        let most = ctx.config.checks.max_count;
        let reason = format!("has {most} checks already, which is the most (checks.max_count)");
        return Err(Fault::invalid("project", reason));
    }
    let now = ctx.now();
    checks::move_to(&mut tx, &row, to, now).await?;
    let channels = channels::ids_of_project(&mut tx, to).await?;
    channels::assign(&mut tx, check_id, &channels).await?;
    // A maintenance window of the old project may have covered it, and covers it no more.
    held::look_again_at_check(&mut tx, check_id, now).await?;
    tx.commit().await?;
    ctx.bells.keeper.notify_one();
    ctx.live.list(from);
    ctx.live.list(to);
    Ok(())
}

/// Pauses or resumes a check.
///
/// # Errors
/// It is not in this project.
pub async fn pause(ctx: &Context, project_id: i64, check_id: i64, paused: bool) -> Result<()> {
    let change = Change { paused: Some(paused), ..Change::default() };
    update(ctx, project_id, check_id, &change).await
}

/// Adds a tag to a check that does not have it.
///
/// # Errors
/// The check is not in this project, the text is no tag, or it has [`MAX_TAGS`] already.
pub async fn add_tag(ctx: &Context, project_id: i64, check_id: i64, tag: &str) -> Result<()> {
    let (row, _) = find(&mut ctx.store.read().await?, project_id, check_id).await?;
    let mut tags = row.settings.tags.0;
    if tags.iter().any(|own| own == tag) {
        return Ok(());
    }
    tags.push(tag.to_owned());
    let change = Change { tags: Some(tags), ..Change::default() };
    change.validate(&ctx.config)?;
    update(ctx, project_id, check_id, &change).await
}

/// Changes a check. The change must be [`Change::validate`]d.
///
/// # Errors
/// It is not in this project, or a channel is not, or its kind and its schedule do not fit together.
pub async fn update(ctx: &Context, project_id: i64, check_id: i64, change: &Change) -> Result<()> {
    let mut tx = ctx.store.begin().await?;
    let saved = update_in(ctx, &mut tx, project_id, check_id, change).await?;
    tx.commit().await?;
    tell(ctx, check_id, saved);
    Ok(())
}

/// Tells the workers and whoever looks of a check that was changed, once that is committed.
pub(super) fn tell(ctx: &Context, check_id: i64, saved: Saved) {
    ctx.bells.ring(saved);
    ctx.bells.keeper.notify_one();
    ctx.live.checks(|| [check_id].into());
}

/// As [`update`], within a transaction; [`tell`] goes behind it.
///
/// # Errors
/// As [`update`].
pub(super) async fn update_in(
    ctx: &Context,
    tx: &mut Tx,
    project_id: i64,
    check_id: i64,
    change: &Change,
) -> Result<Saved> {
    // The state first: whoever locks both does it in this order.
    let mut watched = states::load_one(tx, check_id).await?.ok_or_else(not_yours)?;
    let row = checks::find(tx, project_id, check_id).await?.ok_or_else(not_yours)?;
    let now = ctx.now();
    let settings = change.applied_to(&row.settings)?;
    if let Some(ids) = &change.channels {
        let ids = own_channels(tx, project_id, ids).await?;
        channels::assign(tx, check_id, &ids).await?;
    }
    if settings.device_id != row.settings.device_id {
        own_device(tx, project_id, Some(check_id), settings.device_id).await?;
    }
    edit(&mut watched, &settings, change.paused, now);
    checks::update(tx, check_id, &settings, now).await?;
    let saved = states::save(tx, &[watched], now).await?;
    let quiet_no_more = settings.flap_threshold == 0 && row.settings.flap_threshold != 0;
    if quiet_no_more || settings.tags != row.settings.tags {
        // A maintenance window may have covered it by its tags, and cover it no more.
        held::look_again_at_check(tx, check_id, now).await?;
    }
    Ok(saved)
}

/// Brings the state of a check into line with its new settings, and pauses or resumes it.
pub(super) fn edit(
    watched: &mut Watched,
    settings: &Settings,
    paused: Option<bool>,
    now: Timestamp,
) {
    let rules = settings.rules();
    check::on_edit(&watched.rules, &rules, &mut watched.state, now);
    watched.rules = rules;
    let effect = match paused {
        Some(true) => check::on_pause(&mut watched.state, now),
        Some(false) => check::on_resume(&watched.rules, &mut watched.state, now),
        None => check::Effect::default(),
    };
    watched.take_in(effect, None);
}

/// Deletes a check with all its history.
///
/// # Errors
/// It is not in this project.
pub async fn delete(ctx: &Context, project_id: i64, check_id: i64) -> Result<()> {
    let mut tx = ctx.store.begin().await?;
    // Locked, so that no ping is stored between the steps.
    states::load_one(&mut tx, check_id).await?.ok_or_else(not_yours)?;
    checks::find(&mut tx, project_id, check_id).await?.ok_or_else(not_yours)?;
    checks::delete(&mut tx, project_id, check_id).await?;
    tx.commit().await?;
    ctx.live.list(project_id);
    Ok(())
}

/// What about a check that was just written needs attention.
///
/// # Errors
/// The database is out.
pub async fn remarks(
    conn: &mut Conn,
    check: &CheckRow,
    channel_ids: &[i64],
    now: Timestamp,
) -> Result<Vec<Remark>> {
    let mut remarks = Vec::new();
    remarks.extend(slug_remark(conn, check).await?);
    remarks.extend(never_fires(&check.settings, now).then(|| {
        let message = "the schedule never fires again: no ping is expected, and none is missed";
        Remark::new(&remark::SCHEDULE_NEVER_FIRES, message)
    }));
    remarks.extend(channel_remark(conn, channel_ids).await?);
    remarks.extend(queue_remark(conn, check.project_id, now).await?);
    Ok(remarks)
}

/// Whether a check has a schedule that does not fire again after `now`.
#[must_use]
pub fn never_fires(settings: &Settings, now: Timestamp) -> bool {
    settings.rules().schedule.next_after(now).is_none()
}

async fn slug_remark(conn: &mut Conn, check: &CheckRow) -> Result<Option<Remark>> {
    let slug = &check.settings.slug;
    if slug.is_empty() {
        let message = "the slug is empty: this check can be pinged by its UUID only";
        return Ok(Some(Remark::new(&remark::SLUG_EMPTY, message)));
    }
    let alike = checks::ids_of_slug(conn, check.project_id, slug).await?;
    Ok((alike.len() > 1).then(|| {
        let message = format!(
            "another check of this project has the slug {slug} too: pings by it are refused until \
             one of them has another"
        );
        Remark::new(&remark::SLUG_NOT_UNIQUE, message)
    }))
}

async fn channel_remark(conn: &mut Conn, channel_ids: &[i64]) -> Result<Option<Remark>> {
    if channel_ids.is_empty() {
        let message = "no channel is assigned: nobody is told when this check goes down";
        return Ok(Some(Remark::new(&remark::CHANNEL_NONE_ASSIGNED, message)));
    }
    let assigned = channels::find_many(conn, channel_ids).await?;
    if channels::count_told_by(conn, channel_ids).await? == 0 {
        let message = "the groups that are assigned have no channels: nobody is told when this \
                       check goes down";
        return Ok(Some(Remark::new(&remark::CHANNEL_NONE_ASSIGNED, message)));
    }
    let disabled: Vec<&str> = assigned
        .iter()
        .filter(|channel| channel.disabled == Flag(1))
        .map(|channel| channel.channel_name.as_str())
        .collect();
    Ok((!disabled.is_empty()).then(|| {
        let message = format!("disabled, and so not told of anything: {}", disabled.join(", "));
        Remark::new(&remark::CHANNEL_DISABLED, message)
    }))
}

/// Says where a project's notifications are behind.
///
/// # Errors
/// The database is out.
pub async fn queue_remark(
    conn: &mut Conn,
    project_id: i64,
    now: Timestamp,
) -> Result<Option<Remark>> {
    let behind = now.plus_seconds(-BEHIND);
    let due = notifications::oldest_waiting(conn, project_id, behind).await?;
    Ok(due.map(|due| {
        let message = format!("notifications are behind: the oldest has been due since {due}");
        Remark::new(&remark::QUEUE_DELAYED, message)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn named(name: &str) -> Settings {
        let change = Change { check_name: Some(name.to_owned()), ..Change::default() };
        change.applied_to(&Settings::default()).unwrap()
    }

    fn slug_after(old: &Settings, change: &Change) -> (String, i16) {
        let new = change.applied_to(old).unwrap();
        (new.slug, new.slug_is_custom.0)
    }

    fn refused(change: &Change) -> String {
        change.validate(&Config::default()).unwrap_err().to_string()
    }

    #[test]
    fn a_slug_follows_the_name_until_it_is_the_clients_own() {
        let rename = Change { check_name: Some("New Name".to_owned()), ..Change::default() };
        assert_eq!(slug_after(&named("Old"), &rename), ("new-name".to_owned(), 0));
        let own = Change { slug: Some(Some("mine".to_owned())), ..Change::default() };
        let owned = own.applied_to(&named("Old")).unwrap();
        assert_eq!(slug_after(&owned, &rename), ("mine".to_owned(), 1));
        let cleared = Change { slug: Some(None), ..rename };
        assert_eq!(slug_after(&owned, &cleared), ("new-name".to_owned(), 0));
    }

    #[test]
    fn a_derived_slug_that_is_put_back_as_it_was_read_stays_derived() {
        let back = Change {
            check_name: Some("New".to_owned()),
            slug: Some(Some("old".to_owned())),
            slug_is_as_read: true,
            ..Change::default()
        };
        assert_eq!(slug_after(&named("Old"), &back), ("new".to_owned(), 0));
        let since = Settings { slug: "mine".to_owned(), slug_is_custom: Flag(1), ..named("Since") };
        let older = Change { check_name: Some("Old".to_owned()), ..back.clone() };
        assert_eq!(slug_after(&since, &older), ("old".to_owned(), 0));
        assert_eq!(slug_after(&named("Since"), &older), ("old".to_owned(), 0));
        assert_eq!(slug_after(&named("Since"), &back), ("old".to_owned(), 1));
        let set = Change { slug_is_as_read: false, ..back };
        assert_eq!(slug_after(&named("Old"), &set), ("old".to_owned(), 1));
    }

    #[test]
    fn ranges_are_kept_and_the_message_names_the_field_and_the_range() {
        let grace = Change { grace: Some(59), ..Change::default() };
        assert_eq!(refused(&grace), "grace: must be between 60 and 31536000 seconds");
        let period = Change { period: Some(Some(LONGEST + 1)), ..Change::default() };
        assert_eq!(refused(&period), "period: must be between 60 and 31536000 seconds");
        let threshold = Change { failure_threshold: Some(0), ..Change::default() };
        assert_eq!(refused(&threshold), "failure_threshold: must be between 1 and 100");
        let name = Change { check_name: Some("ä".repeat(101)), ..Change::default() };
        assert_eq!(
            refused(&name),
            "check_name: must have at most 100 characters, no control characters but tabs"
        );
        let fine = Change {
            check_name: Some("ä".repeat(100)),
            grace: Some(60),
            max_runtime: Some(None),
            flap_threshold: Some(0),
            ..Change::default()
        };
        assert!(fine.validate(&Config::default()).is_ok());
    }

    fn cron(expression: &str) -> Change {
        let schedule = Some(Some(expression.to_owned()));
        Change { kind: Some(Kind::Cron), schedule, ..Change::default() }
    }

    /// Kind, schedule and period after a change; or why it is refused.
    fn timing_after(old: &Settings, change: &Change) -> Result<(String, String, i64), String> {
        let new = change.validate(&Config::default()).and_then(|()| change.applied_to(old));
        new.map(|new| (new.kind, new.schedule, new.period)).map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_schedule_makes_the_kind_and_simple_takes_it_away() {
        let simple = named("a");
        let with = timing_after(&simple, &Change { kind: None, ..cron("0 3 * * *") });
        assert_eq!(with, Ok(("cron".to_owned(), "0 3 * * *".to_owned(), 86_400)));
        let calendar = Change { schedule: Some(Some("daily".to_owned())), ..Change::default() };
        assert_eq!(timing_after(&simple, &calendar).unwrap().0, "oncalendar");
        let nightly = cron("0 3 * * *").applied_to(&simple).unwrap();
        assert_eq!(timing_after(&nightly, &calendar).unwrap().0, "oncalendar");
        let back = Change { kind: Some(Kind::Simple), ..Change::default() };
        let back = Change { schedule: Some(None), ..back };
        assert_eq!(timing_after(&nightly, &back), Ok(("simple".to_owned(), String::new(), 86_400)));
    }

    #[test]
    fn what_is_read_of_a_check_with_a_schedule_can_be_put_back() {
        let nightly = cron("0 3 * * *").applied_to(&named("a")).unwrap();
        let back = Change { period: Some(None), ..cron("0 3 * * *") };
        assert_eq!(back.applied_to(&nightly).unwrap(), nightly);
        let grace = Change { grace: Some(60), period: Some(None), ..Change::default() };
        assert_eq!(grace.applied_to(&nightly).unwrap().schedule, "0 3 * * *");
    }

    #[test]
    fn kind_period_and_schedule_must_fit_together() {
        let simple = named("a");
        let nightly = cron("0 3 * * *").applied_to(&simple).unwrap();
        let refused = |old, change: Change| timing_after(old, &change).unwrap_err();
        let empty = Change::default;
        let alone = Change { kind: Some(Kind::Cron), ..empty() };
        assert!(refused(&simple, alone.clone()).starts_with("schedule: is required where kind is"));
        assert!(timing_after(&nightly, &alone).is_ok(), "it has one already");
        let other = Change { kind: Some(Kind::OnCalendar), ..empty() };
        assert!(refused(&nightly, other).starts_with("schedule: is required"));
        let none = Change { schedule: Some(None), ..empty() };
        assert!(refused(&nightly, none.clone()).starts_with("schedule: is required"));
        assert!(timing_after(&simple, &none).is_ok());
        let both = Change { kind: Some(Kind::Simple), ..cron("0 3 * * *") };
        assert!(refused(&simple, both).starts_with("schedule: belongs to kind cron"));
        let no_period = Change { period: Some(None), ..empty() };
        assert!(refused(&simple, no_period).starts_with("period: must not be null"));
    }

    #[test]
    fn a_bad_expression_is_told_by_its_field() {
        let simple = named("a");
        let refused = |text: &str| timing_after(&simple, &cron(text)).unwrap_err();
        assert_eq!(refused("61 * * * *"), "schedule: minute: 61 is not within 0–59");
        assert!(refused("daily").starts_with("schedule: "));
        assert!(refused(&"*".repeat(1001)).starts_with("schedule: must have at most 1000"));
    }

    #[test]
    fn zones_are_kept_by_their_current_names() {
        let old = Change { timezone: Some("Asia/Calcutta".to_owned()), ..cron("0 3 * * *") };
        assert_eq!(old.applied_to(&named("a")).unwrap().timezone, "Asia/Kolkata");
    }

    #[test]
    fn only_what_is_given_is_held_against_the_configuration() {
        let mut config = Config::default();
        config.checks.min_period = 100_000;
        assert!(Change::default().validate(&config).is_ok());
        let period = Change { period: Some(Some(86_400)), ..Change::default() };
        assert!(period.validate(&config).unwrap_err().to_string().starts_with("period: "));
    }

    #[test]
    fn tags_have_no_white_space_or_comma() {
        for bad in ["", "a b", "a,b", "\t", "a\u{a0}b", &"x".repeat(51)] {
            assert!(!is_tag(bad), "{bad:?}");
        }
        assert!(is_tag("größe:1") && is_tag(&"ä".repeat(50)));
        let many = Change { tags: Some(vec!["x".to_owned(); 21]), ..Change::default() };
        assert_eq!(refused(&many), "tags: must be at most 20");
    }

    proptest! {
        #[test]
        fn an_empty_change_changes_nothing(name in ".{0,100}") {
            let settings = named(&name);
            prop_assert_eq!(Change::default().applied_to(&settings).unwrap(), settings);
        }
    }
}
