//! Channels: making, changing, trying out and deleting them. Their configuration is checked by
//! their kind and kept sealed.

use chrono_tz::Tz;
use serde_json::Value;

use crate::context::Context;
use crate::domain::alert::{Alert, CheckFacts, Event as Told};
use crate::fault::{Fault, Result};
use crate::notify::channels::email::{Office, address};
use crate::notify::channels::message::Message;
use crate::notify::channels::webhook::secret_from;
use crate::notify::channels::{self as kinds, Kind, Target, Ways, group};
use crate::notify::message::{open_config, seal_config};
use crate::notify::message_id;
use crate::notify::outbound::{Delivery, Outbound};
use crate::secret;
use crate::service::checks::queue_remark;
use crate::service::recipients::{self, Ask};
use crate::service::remark::{self, Remark};
use crate::service::{groups, names};
use crate::store::Flag;
use crate::store::channels::{self, ChannelRow};
use crate::store::notifications::{
    self, Event, NewNotification, NotificationRow, NotificationState, Settled,
};
use crate::store::projects::{self, ProjectRow};
use crate::store::tx::Conn;

/// The most channels of a project.
pub const MAX_COUNT: i64 = 1000;
/// The longest wait and the longest time between reminders, in minutes: a week.
pub const MAX_MINUTES: i64 = 10_080;
/// The largest `group_threshold`.
pub const MAX_GROUP_THRESHOLD: i64 = 1000;
/// So many seconds after a test began, the notifier takes it up where this process died over it.
const TAKEN_UP_AFTER: i64 = 60;
/// Channels of a group that are tested side by side.
const TESTS_AT_ONCE: usize = 32;
/// The longest error text that is kept, in characters.
const MAX_ERROR: usize = 500;

/// What is to be set about a channel; what is none stays, or has its default in a new channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// Its name.
    pub channel_name: Option<String>,
    /// The kind's own settings.
    pub config: Option<Value>,
    /// Takes turns to down.
    pub on_down: Option<bool>,
    /// Takes turns to up.
    pub on_up: Option<bool>,
    /// Minutes that it waits before it tells of a down.
    pub after: Option<i64>,
    /// Minutes between reminders; 0: none.
    pub remind_every: Option<i64>,
    /// Messages a minute after which further ones are collected; 0: never.
    pub group_threshold: Option<i64>,
    /// Takes nothing; false enables it again and forgets its last error.
    pub disabled: Option<bool>,
}

impl Change {
    /// Checks every value that is given, save the configuration, which its kind checks.
    ///
    /// # Errors
    /// The first one that is out of range.
    pub fn validate(&self) -> Result<()> {
        if let Some(name) = &self.channel_name {
            names::check("channel_name", name, 1)?;
        }
        check_number("after", self.after, MAX_MINUTES)?;
        check_number("remind_every", self.remind_every, MAX_MINUTES)?;
        check_number("group_threshold", self.group_threshold, MAX_GROUP_THRESHOLD)
    }

    /// Makes the change, save that of the configuration.
    pub(super) fn apply(&self, row: &mut ChannelRow) {
        if let Some(name) = &self.channel_name {
            row.channel_name.clone_from(name);
        }
        row.on_down = self.on_down.map_or(row.on_down, Flag::from);
        row.on_up = self.on_up.map_or(row.on_up, Flag::from);
        row.after_minutes = self.after.unwrap_or(row.after_minutes);
        row.remind_every = self.remind_every.unwrap_or(row.remind_every);
        row.group_threshold = self.group_threshold.unwrap_or(row.group_threshold);
        row.disabled = self.disabled.map_or(row.disabled, Flag::from);
        if self.disabled == Some(false) {
            row.last_error = None;
        }
    }
}

/// Holds a change against what must stay as it is in a channel of this kind.
///
/// # Errors
/// It sets such a field to another value; the fault names it.
pub(super) fn check_fit(kind: Kind, change: &Change) -> Result<()> {
    let Some((fixed, why)) = kind.fixed_settings() else { return Ok(()) };
    let wanted = [
        ("on_down", change.on_down.map(i64::from), 1),
        ("on_up", change.on_up.map(i64::from), 1),
        ("after", change.after, 0),
        ("remind_every", change.remind_every, 0),
        ("group_threshold", change.group_threshold, 0),
    ];
    let mut wanted = wanted.into_iter().filter(|(field, ..)| fixed.contains(field));
    match wanted.find(|(_, value, usual)| value.is_some_and(|value| value != *usual)) {
        Some((field, _, usual)) => {
            let reason = format!("must be {usual} for {}: {why}", kind.as_str());
            Err(Fault::invalid(field, reason))
        }
        None => Ok(()),
    }
}

fn check_number(field: &str, value: Option<i64>, most: i64) -> Result<()> {
    if value.is_none_or(|value| (0..=most).contains(&value)) {
        return Ok(());
    }
    Err(Fault::invalid(field, format!("must be between 0 and {most}")))
}

/// The kind of this name.
///
/// # Errors
/// There is none.
pub fn kind_of(name: &str) -> Result<Kind> {
    Kind::parse(name).ok_or_else(|| {
        let known: Vec<&str> = Kind::all().map(Kind::as_str).collect();
        Fault::invalid("kind", format!("must be one of {}", known.join(", ")))
    })
}

/// The kind of a channel that is there already.
///
/// # Errors
/// This version does not know it, which is a mistake of ours.
pub(super) fn stored_kind(row: &ChannelRow) -> Result<Kind> {
    let unknown = || Fault::internal(format!("channel {} is of no known kind", row.channel_id));
    Kind::parse(&row.kind).ok_or_else(unknown)
}

/// A channel's configuration as it is shown: no secret in it can be read.
///
/// # Errors
/// It can't be opened, which is a mistake of ours.
pub fn shown_config(ctx: &Context, row: &ChannelRow) -> Result<Value> {
    Ok(kinds::mask(stored_kind(row)?, &open_config(ctx, row)?))
}

/// The configuration of a channel that was just made of the one that was `given`, as it is shown
/// this once: with the signing secret that was made for it, and no other.
#[must_use]
pub fn first_shown_config(kind: Kind, given: &Value, stored: &Value) -> Value {
    kinds::mask_new(kind, given, stored)
}

/// A channel of this project.
///
/// # Errors
/// [`Fault::Forbidden`], the same for one that is another's and one that does not exist.
pub async fn find(conn: &mut Conn, project_id: i64, channel_id: i64) -> Result<ChannelRow> {
    let row = channels::find(conn, project_id, channel_id).await?;
    row.ok_or_else(|| Fault::Forbidden("this channel is not in this project".to_owned()))
}

/// A channel of this project, by its public id.
///
/// # Errors
/// [`Fault::NotFound`], the same for one that is another's and one that does not exist.
pub async fn find_by_uuid(conn: &mut Conn, project_id: i64, uuid: &str) -> Result<ChannelRow> {
    let row = channels::find_by_uuid(conn, uuid).await?;
    row.filter(|row| row.project_id == project_id).ok_or(Fault::NotFound)
}

/// Makes every check of the project tell a channel too; how many did not before.
///
/// # Errors
/// It is not in this project.
pub async fn assign_to_all(ctx: &Context, project_id: i64, channel_id: i64) -> Result<u64> {
    let mut tx = ctx.store.begin().await?;
    projects::lock(&mut tx, project_id).await?;
    find(&mut tx, project_id, channel_id).await?;
    let changed = channels::assign_to_all(&mut tx, project_id, channel_id).await?;
    tx.commit().await?;
    Ok(changed)
}

/// Has a message that was given up tried again, as long as a new one.
///
/// # Errors
/// The channel is not in this project, or it has no such message that was given up.
pub async fn retry(
    ctx: &Context,
    project_id: i64,
    channel_id: i64,
    notification_id: i64,
) -> Result<()> {
    let mut tx = ctx.store.begin().await?;
    find(&mut tx, project_id, channel_id).await?;
    if !notifications::queue_again(&mut tx, channel_id, notification_id, ctx.now()).await? {
        let reason = "there is no such message any more that was given up".to_owned();
        return Err(Fault::Conflict(reason));
    }
    tx.commit().await?;
    ctx.bells.notifier.notify_one();
    Ok(())
}

/// The configuration of a new channel, in the form in which it is stored: every field there, with
/// a signing secret of its own where none is given.
///
/// # Errors
/// A field is wrong; the fault names it.
pub fn new_config(kind: Kind, given: &Value) -> Result<Value> {
    kinds::validate(kind, given, None, &secret_from(secret::random_bytes()))
}

/// Holds a configuration that is fit for its kind against what this server has to offer.
///
/// # Errors
/// There is no such thing here; the fault names the field.
pub(super) fn check_offer(ctx: &Context, kind: Kind, config: &Value) -> Result<()> {
    kinds::check_offer(kind, config, &ctx.config.channels.commands)
}

/// Makes a channel with a configuration that [`new_config`] made. The change must be
/// [`Change::validate`]d.
///
/// # Errors
/// The configuration names what is not there, the kind has no such manner, or the project has
/// [`MAX_COUNT`] channels already.
pub async fn create(
    ctx: &Context,
    project_id: i64,
    kind: Kind,
    config: &Value,
    change: &Change,
) -> Result<ChannelRow> {
    import(ctx, project_id, kind, config, change, false).await
}

/// As [`create`], of a channel that is taken over from another system, where its recipient may have agreed
/// to be told (`is_confirmed`).
///
/// # Errors
/// As [`create`].
pub(super) async fn import(
    ctx: &Context,
    project_id: i64,
    kind: Kind,
    config: &Value,
    change: &Change,
    is_confirmed: bool,
) -> Result<ChannelRow> {
    check_fit(kind, change)?;
    check_offer(ctx, kind, config)?;
    let mut row = new_row(ctx, project_id, kind, config, change);
    if is_confirmed && kind == Kind::Email {
        row.confirmed_address = address(config).map(|address| address.to_string());
    }
    let mut tx = ctx.store.begin().await?;
    if !projects::lock(&mut tx, project_id).await? {
        return Err(Fault::NotFound);
    }
    if channels::count(&mut tx, project_id).await? >= MAX_COUNT {
        return Err(Fault::Forbidden(format!(
            "there are {MAX_COUNT} channels in this project already, which is the most: delete one \
             first"
        )));
    }
    row.channel_id = channels::insert(&mut tx, &row).await?;
    if kind == Kind::Group {
        groups::see_to(&mut tx, &row, config).await?;
    }
    let asked = recipients::see_to_consent(ctx, &mut tx, &mut row, Ask::Now).await?;
    tx.commit().await?;
    if asked {
        ctx.bells.notifier.notify_one();
    }
    Ok(row)
}

/// A new channel with its configuration, which must be fit for its kind; it has no id yet.
pub(super) fn new_row(
    ctx: &Context,
    project_id: i64,
    kind: Kind,
    config: &Value,
    change: &Change,
) -> ChannelRow {
    let uuid = secret::random_uuid().to_string();
    let mut row = ChannelRow {
        channel_id: 0,
        project_id,
        sealed_config: seal_config(ctx, &uuid, config),
        uuid,
        channel_name: kind.as_str().to_owned(),
        kind: kind.as_str().to_owned(),
        on_down: Flag(1),
        on_up: Flag(1),
        after_minutes: 0,
        remind_every: 0,
        group_threshold: i64::from(kind.default_group_threshold()),
        disabled: Flag(0),
        last_error: None,
        last_sent_at: None,
        created_at: ctx.now(),
        confirmed_address: None,
    };
    change.apply(&mut row);
    row
}

/// Changes a channel. The change must be [`Change::validate`]d.
///
/// # Errors
/// The channel is not in this project, or the change is not fit for its kind.
pub async fn update(
    ctx: &Context,
    project_id: i64,
    channel_id: i64,
    change: &Change,
) -> Result<ChannelRow> {
    let mut tx = ctx.store.begin().await?;
    // Two changes at once follow one another, and none undoes the other.
    projects::lock(&mut tx, project_id).await?;
    let mut row = find(&mut tx, project_id, channel_id).await?;
    let kind = stored_kind(&row)?;
    check_fit(kind, change)?;
    let stored = open_config(ctx, &row)?;
    let told_before = row.disabled == Flag(0);
    let mut is_same = true;
    change.apply(&mut row);
    if let Some(given) = &change.config {
        let fresh = secret_from(secret::random_bytes());
        let config = kinds::validate(kind, given, Some(&stored), &fresh)?;
        check_offer(ctx, kind, &config)?;
        is_same = config == stored;
        row.sealed_config = seal_config(ctx, &row.uuid, &config);
    }
    if change.disabled == Some(false) {
        check_whole(ctx, &row)?;
    }
    channels::update(&mut tx, &row).await?;
    if kind == Kind::Group {
        groups::see_to(&mut tx, &row, &open_config(ctx, &row)?).await?;
    }
    let ask = if is_same && told_before { Ask::Before } else { Ask::Now };
    let asked = recipients::see_to_consent(ctx, &mut tx, &mut row, ask).await?;
    tx.commit().await?;
    if asked {
        ctx.bells.notifier.notify_one();
    }
    Ok(row)
}

/// # Errors
/// The channel came by a file without its secrets, and they have not been entered since.
fn check_whole(ctx: &Context, row: &ChannelRow) -> Result<()> {
    let lacks = kinds::masked(stored_kind(row)?, &open_config(ctx, row)?);
    if lacks.is_empty() {
        return Ok(());
    }
    let reason = format!(
        "must be 1 until the secrets are entered that the channel was imported without: config.{}",
        lacks.join(", config.")
    );
    Err(Fault::invalid("disabled", reason))
}

/// Deletes a channel; its notifications go with it. Says where checks are left that tell nobody.
///
/// # Errors
/// It is not in this project.
pub async fn delete(ctx: &Context, project_id: i64, channel_id: i64) -> Result<Vec<Remark>> {
    let mut tx = ctx.store.begin().await?;
    projects::lock(&mut tx, project_id).await?;
    find(&mut tx, project_id, channel_id).await?;
    let alone = channels::count_of_checks_that_tell_it_alone(&mut tx, channel_id).await?;
    groups::take_out(ctx, &mut tx, channel_id).await?;
    channels::delete(&mut tx, channel_id).await?;
    tx.commit().await?;
    let message = format!(
        "checks that told this channel alone: {alone}; now nobody is told when one of them goes down"
    );
    let remark = (alone > 0).then(|| Remark::new(&remark::CHANNEL_NONE_ASSIGNED, message));
    Ok(remark.into_iter().collect())
}

/// What about a channel that was just written needs attention.
///
/// # Errors
/// Its configuration can't be opened, which is a mistake of ours.
pub fn remarks(ctx: &Context, row: &ChannelRow) -> Result<Vec<Remark>> {
    if row.disabled != Flag(0) {
        let message = "this channel is disabled: it is told of nothing until disabled is 0 again";
        return Ok(vec![Remark::new(&remark::CHANNEL_DISABLED, message)]);
    }
    if recipients::is_waiting(row, &open_config(ctx, row)?) {
        let message = row.last_error.clone().unwrap_or_default();
        return Ok(vec![Remark::new(&remark::CHANNEL_UNCONFIRMED, message)]);
    }
    Ok(Vec::new())
}

/// Sends a test message at once, and waits for what comes of it; there is no second try. Returns
/// the channel as it is then.
///
/// # Errors
/// It is not in this project. That the message was not taken is a remark.
pub async fn test(
    ctx: &Context,
    outbound: &Outbound,
    project: &ProjectRow,
    channel_id: i64,
    zone: Tz,
) -> Result<(ChannelRow, Vec<Remark>)> {
    let project_id = project.project_id;
    let mut conn = ctx.store.read().await?;
    let row = find(&mut conn, project_id, channel_id).await?;
    drop(conn);
    let (kind, config) = (stored_kind(&row)?, open_config(ctx, &row)?);
    if kind == Kind::Group {
        return Box::pin(test_each(ctx, outbound, project, row, &config, zone)).await;
    }
    if recipients::is_waiting(&row, &config) {
        return ask_again(ctx, project_id, channel_id).await;
    }
    let trial = Trial::begin(ctx, project_id, channel_id).await?;
    let id = message_id(&trial.row);
    let alert = test_alert(ctx, project, zone);
    let message = Message { alerts: &[alert], id: &id, now: ctx.now() };
    let commands = &ctx.config.channels.commands;
    let ways = Ways { outbound, office: &Office::of(ctx), commands };
    let target = Target { kind, channel_uuid: &row.uuid, config: &config, follows: None };
    let delivery = kinds::deliver(ways, &target, &message).await;
    let error = error_of(delivery);
    trial.end(ctx, error.as_deref()).await?;
    let mut conn = ctx.store.read().await?;
    let row = find(&mut conn, project_id, channel_id).await?;
    let mut remarks = remarks(ctx, &row)?;
    remarks.extend(error.map(|error| Remark::new(&remark::CHANNEL_DELIVERY_FAILED, error)));
    remarks.extend(queue_remark(&mut conn, project_id, ctx.now()).await?);
    Ok((row, remarks))
}

/// The test of a group: that of each of its channels, some side by side.
async fn test_each(
    ctx: &Context,
    outbound: &Outbound,
    project: &ProjectRow,
    row: ChannelRow,
    config: &Value,
    zone: Tz,
) -> Result<(ChannelRow, Vec<Remark>)> {
    let mut all = remarks(ctx, &row)?;
    let members = group::members(config);
    if members.is_empty() {
        let message = "the group has no channels: nobody is told";
        all.push(Remark::new(&remark::CHANNEL_DELIVERY_FAILED, message));
    }
    let mut tested = Vec::new();
    for some in members.chunks(TESTS_AT_ONCE) {
        let tests = some.iter().map(|id| test(ctx, outbound, project, *id, zone));
        tested.extend(futures_util::future::join_all(tests).await);
    }
    for outcome in tested {
        let (member, remarks) = match outcome {
            Ok(outcome) => outcome,
            // Deleted a moment ago, and so no part of the group any more.
            Err(Fault::Forbidden(_)) => continue,
            Err(fault) => return Err(fault),
        };
        let own = |remark: &Remark| remark.code != remark::QUEUE_DELAYED.code;
        for remark in remarks.into_iter().filter(own) {
            let message = format!("{}: {}", member.channel_name, remark.message);
            all.push(Remark { message, ..remark });
        }
    }
    let mut conn = ctx.store.read().await?;
    all.extend(queue_remark(&mut conn, project.project_id, ctx.now()).await?);
    Ok((row, all))
}

/// The test of a channel whose recipient has not agreed yet: they are asked again, and nothing else
/// is sent.
async fn ask_again(
    ctx: &Context,
    project_id: i64,
    channel_id: i64,
) -> Result<(ChannelRow, Vec<Remark>)> {
    let mut tx = ctx.store.begin().await?;
    projects::lock(&mut tx, project_id).await?;
    let mut row = find(&mut tx, project_id, channel_id).await?;
    let obstacle = ctx.mailer.obstacle();
    match &obstacle {
        Some(obstacle) => {
            channels::mark_failed(&mut tx, channel_id, obstacle, false).await?;
            row.last_error = Some(obstacle.clone());
        }
        None => {
            recipients::see_to_consent(ctx, &mut tx, &mut row, Ask::Now).await?;
        }
    }
    let late = queue_remark(&mut tx, project_id, ctx.now()).await?;
    tx.commit().await?;
    ctx.bells.notifier.notify_one();
    let mut remarks = remarks(ctx, &row)?;
    let why = row.last_error.clone().unwrap_or_default();
    remarks.push(Remark::new(&remark::CHANNEL_DELIVERY_FAILED, why));
    remarks.extend(late);
    Ok((row, remarks))
}

fn test_alert(ctx: &Context, project: &ProjectRow, zone: Tz) -> Alert {
    let now = ctx.now();
    Alert {
        event: Told::Test,
        check: CheckFacts::default(),
        reason: None,
        exit_status: None,
        since: now,
        expected_at: None,
        last_body: String::new(),
        downtime: None,
        host: None,
        others_down: 0,
        project: project.project_name.clone(),
        link: format!("{}/projects/{}/channels", ctx.config.server.site_url, project.uuid),
        outage: None,
        zone,
        now,
    }
}

/// Why a message was not taken; none where it was.
fn error_of(delivery: Delivery) -> Option<String> {
    let error = match delivery {
        Delivery::Delivered => return None,
        Delivery::Skipped => "the channel has no address to send a test to".to_owned(),
        Delivery::Retry { error, .. } | Delivery::Refused { error } | Delivery::Gone { error } => {
            error
        }
    };
    Some(error.chars().take(MAX_ERROR).collect())
}

/// A test in the outbox, which this process sends itself.
struct Trial {
    row: NotificationRow,
    /// Who holds the lease: nobody else has that name.
    owner: String,
}

impl Trial {
    async fn begin(ctx: &Context, project_id: i64, channel_id: i64) -> Result<Self> {
        let now = ctx.now();
        let due_at = now.plus_seconds(TAKEN_UP_AFTER);
        let owner = format!("test-{}", secret::random_text::<12>());
        let new = NewNotification {
            project_id,
            channel_id,
            check_id: None,
            flip_id: None,
            event: Event::Test,
            detail: None,
            due_at,
        };
        let mut tx = ctx.store.begin().await?;
        let notification_id = notifications::insert(&mut tx, &new, now).await?;
        notifications::claim_one(&mut tx, &owner, notification_id, due_at).await?;
        tx.commit().await?;
        let row = NotificationRow {
            notification_id,
            project_id,
            channel_id,
            check_id: None,
            flip_id: None,
            event: Event::Test,
            detail: None,
            state: NotificationState::Pending,
            attempts: 0,
            created_at: now,
            next_attempt_at: Some(due_at),
            sent_at: None,
            last_error: None,
            due_at: Some(due_at),
            group_id: None,
        };
        Ok(Self { row, owner })
    }

    async fn end(self, ctx: &Context, error: Option<&str>) -> Result<()> {
        let now = ctx.now();
        let channel_id = self.row.channel_id;
        let sent = error.is_none();
        let settled = Settled {
            notification_id: self.row.notification_id,
            state: if sent { NotificationState::Sent } else { NotificationState::Failed },
            tried: true,
            next_attempt_at: None,
            sent_at: sent.then_some(now),
            error: error.map(str::to_owned),
            held_until: None,
            told: false,
        };
        let mut tx = ctx.store.begin().await?;
        notifications::settle(&mut tx, &self.owner, &[settled]).await?;
        match error {
            None => channels::mark_sent(&mut tx, channel_id, now).await?,
            // Somebody looks at the answer: to disable the channel is left to real alerts.
            Some(error) => drop(channels::mark_failed(&mut tx, channel_id, error, false).await?),
        }
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_within_their_range() {
        let after = |n| Change { after: Some(n), ..Change::default() }.validate();
        assert!(after(0).is_ok());
        assert_eq!(after(-1).unwrap_err().to_string(), "after: must be between 0 and 10080");
        assert!(matches!(after(10_081), Err(Fault::Invalid { .. })));
        assert!(after(1).is_ok());
        let group = |n| Change { group_threshold: Some(n), ..Change::default() }.validate();
        assert!(matches!(group(1001), Err(Fault::Invalid { .. })));
        assert!(group(0).is_ok() && group(1000).is_ok());
    }

    #[test]
    fn kinds_that_are_announced_are_told_from_those_that_are_unknown() {
        assert_eq!(kind_of("webhook").unwrap(), Kind::Webhook);
        let message = kind_of("pigeon").unwrap_err().to_string();
        assert!(message.starts_with("kind: must be one of webhook, "), "{message}");
    }

    #[test]
    fn a_name_is_not_empty_and_not_too_long() {
        let named = |name: &str| {
            Change { channel_name: Some(name.to_owned()), ..Change::default() }.validate()
        };
        assert!(named("ops").is_ok() && named(&"ä".repeat(100)).is_ok());
        assert!(named("").is_err() && named(&"ä".repeat(101)).is_err());
    }

    #[test]
    fn why_a_message_was_not_taken_is_not_endless() {
        assert_eq!(error_of(Delivery::Delivered), None);
        let long = Delivery::Refused { error: "x".repeat(2000) };
        assert_eq!(error_of(long).map(|error| error.len()), Some(MAX_ERROR));
    }
}
