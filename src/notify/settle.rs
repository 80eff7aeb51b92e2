//! What became of a send, and writing it down: the notification's state, what the channel shows,
//! reminders, and what others are told where a channel is given up.

use std::time::Duration;

use super::channels::Kind;
use super::channels::email;
use super::outbound::Delivery;
use super::retry;
use crate::clock::Timestamp;
use crate::context::Context;
use crate::domain::check::Status;
use crate::failpoint;
use crate::fault::Result;
use crate::mail::Address;
use crate::secret;
use crate::store::notifications::{
    self, Event, NewNotification, NotificationRow, NotificationState, Settled,
};
use crate::store::tx::Tx;
use crate::store::{channels, checks, confirmations, states};

/// The longest error text that is kept, in characters.
const MAX_ERROR: usize = 500;

/// What became of a send.
#[derive(Debug)]
pub(super) struct Verdict {
    state: NotificationState,
    tried: bool,
    interrupted: bool,
    /// A maintenance window or flapping keeps it back: when to look whether that still does.
    held_until: Option<Timestamp>,
    next_attempt_at: Option<Timestamp>,
    error: Option<String>,
    /// The service said that this channel will never work again.
    disable: bool,
}

/// A notification whose send ended.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) row: NotificationRow,
    pub(super) verdict: Verdict,
}

/// One try of a message; its parts share it, so that they are tried again together.
#[derive(Debug)]
pub(super) struct Attempt {
    number: u32,
    jitter: f64,
    at: Timestamp,
}

impl Attempt {
    /// The try at `now` of a message with these parts.
    pub(super) fn of<'a>(parts: impl Iterator<Item = &'a NotificationRow>, now: Timestamp) -> Self {
        let before = parts.map(|row| row.attempts).max().unwrap_or(0);
        let jitter = f64::from(u32::from_be_bytes(secret::random_bytes())) / f64::from(u32::MAX);
        Self { number: u32::try_from(before + 1).unwrap_or(u32::MAX), jitter, at: now }
    }
}

impl Verdict {
    fn ended(state: NotificationState, error: Option<String>) -> Self {
        Self {
            state,
            tried: true,
            interrupted: false,
            held_until: None,
            next_attempt_at: None,
            error,
            disable: false,
        }
    }

    /// There was nothing to tell any more.
    pub(super) fn suppressed(why: &str) -> Self {
        Self { tried: false, ..Self::ended(NotificationState::Suppressed, Some(why.to_owned())) }
    }

    /// Something covers the check at `now`; what still holds at its end is told then. When
    /// that is, is looked up once more and at once, by those who hold the locks that tell: the window
    /// may have been changed since it was read.
    pub(super) fn muted(why: &str, now: Timestamp) -> Self {
        Self { held_until: Some(now), ..Self::suppressed(why) }
    }

    /// It has to wait until then; that counts as no try.
    pub(super) fn put_off(until: Timestamp) -> Self {
        let pending = Self::ended(NotificationState::Pending, None);
        Self { tried: false, next_attempt_at: Some(until), ..pending }
    }

    /// It may not be told there, now or later.
    pub(super) fn refused(why: String) -> Self {
        Self::ended(NotificationState::Failed, Some(why))
    }

    /// It could not be tried; that counts as no try and waits for no pause.
    pub(super) fn interrupted() -> Self {
        Self { interrupted: true, tried: false, ..Self::ended(NotificationState::Pending, None) }
    }

    /// Writing or sending it broke a rule of ours; trying again at once would only do it again.
    pub(super) fn broken() -> Self {
        let error = "a fault of this server's own; the log has it".to_owned();
        Self::ended(NotificationState::Failed, Some(error))
    }

    /// What follows from what the receiver answered.
    pub(super) fn of(delivery: Delivery, row: &NotificationRow, attempt: &Attempt) -> Self {
        match delivery {
            Delivery::Delivered => Self::ended(NotificationState::Sent, None),
            Delivery::Skipped => {
                let why = "the channel takes no such news: nothing was sent".to_owned();
                Self::ended(NotificationState::Suppressed, Some(why))
            }
            Delivery::Refused { error } => Self::refused(error),
            Delivery::Gone { error } => {
                Self { disable: true, ..Self::ended(NotificationState::Failed, Some(error)) }
            }
            Delivery::Retry { error, retry_after } => Self::retry(error, retry_after, row, attempt),
        }
    }

    fn retry(
        error: String,
        retry_after: Option<Duration>,
        row: &NotificationRow,
        attempt: &Attempt,
    ) -> Self {
        let first_try = row.due_at.unwrap_or(row.created_at);
        if retry::gives_up(first_try, attempt.at) {
            return Self::ended(NotificationState::Failed, Some(error));
        }
        let pause = retry::next_pause(attempt.number, retry_after, attempt.jitter);
        Self {
            next_attempt_at: Some(attempt.at + pause),
            ..Self::ended(NotificationState::Pending, Some(error))
        }
    }

    /// The receiver did not take it.
    pub(super) fn is_failure(&self) -> bool {
        self.tried && matches!(self.state, NotificationState::Pending | NotificationState::Failed)
    }

    /// The receiver took it.
    pub(super) fn is_sent(&self) -> bool {
        self.state == NotificationState::Sent
    }

    fn short_error(&self) -> Option<String> {
        self.error.as_ref().map(|error| error.chars().take(MAX_ERROR).collect())
    }
}

/// Writes down what became of these sends, in one transaction. Whether that queued new messages.
/// What came of a send whose lease somebody else took meanwhile is not ours to tell any more.
pub(super) async fn write(ctx: &Context, owner: &str, reports: &[&Report]) -> Result<bool> {
    let now = ctx.now();
    let mut tx = ctx.store.begin().await?;
    let ids: Vec<i64> = reports.iter().map(|report| report.row.notification_id).collect();
    let held = notifications::held(&mut tx, owner, &ids).await?;
    let is_ours = |report: &&Report| held.contains(&report.row.notification_id);
    let (interrupted, mut ended): (Vec<&Report>, Vec<&Report>) =
        reports.iter().copied().filter(is_ours).partition(|report| report.verdict.interrupted);
    // Every node writes channels in the same order, so that none waits for another in a circle.
    ended.sort_by_key(|report| (report.row.channel_id, report.row.notification_id));
    if !interrupted.is_empty() {
        let ids: Vec<i64> = interrupted.iter().map(|report| report.row.notification_id).collect();
        notifications::release(&mut tx, owner, &ids).await?;
    }
    let settled: Vec<Settled> = ended.iter().map(|report| settled(report, now)).collect();
    notifications::settle(&mut tx, owner, &settled).await?;
    let mut queued = false;
    for report in &ended {
        queued |= follow_up(&mut tx, report, now).await?;
    }
    failpoint::reached("outcome_written");
    tx.commit().await?;
    failpoint::reached("outcome_committed");
    for report in ended {
        log(report);
    }
    Ok(queued)
}

fn settled(report: &Report, now: Timestamp) -> Settled {
    let verdict = &report.verdict;
    Settled {
        notification_id: report.row.notification_id,
        state: verdict.state,
        tried: verdict.tried,
        next_attempt_at: verdict.next_attempt_at,
        sent_at: verdict.is_sent().then_some(now),
        error: verdict.short_error(),
        held_until: verdict.held_until,
        told: is_told(report),
    }
}

/// Whether the channel has heard this news of the check, or would have, had its own configuration not
/// passed it over; what is tried again counts until it is given up.
fn is_told(report: &Report) -> bool {
    let is_news = matches!(report.row.event, Event::Down | Event::Up | Event::Flapping);
    let Verdict { state, tried, .. } = report.verdict;
    is_news
        && match state {
            NotificationState::Pending | NotificationState::Sent => true,
            NotificationState::Suppressed => tried,
            NotificationState::Failed => false,
        }
}

/// What the channel shows, the next reminder, and what others are told of a channel's end.
async fn follow_up(tx: &mut Tx, report: &Report, now: Timestamp) -> Result<bool> {
    let (row, verdict) = (&report.row, &report.verdict);
    if verdict.is_sent() && row.event == Event::Confirm {
        let address = row.detail.as_deref().and_then(Address::parse);
        if let Some(address) = address {
            let why = email::waits(&address);
            confirmations::mark_waiting(tx, row.channel_id, &address.to_string(), &why).await?;
        }
        return Ok(false);
    }
    if verdict.is_sent() {
        channels::mark_sent(tx, row.channel_id, now).await?;
        return remind(tx, row, now).await;
    }
    if verdict.is_failure() {
        let error = verdict.short_error().unwrap_or_default();
        if channels::mark_failed(tx, row.channel_id, &error, verdict.disable).await? {
            return tell_of_disabled(tx, row.project_id, row.channel_id, &error, now).await;
        }
        // Given up, and the check may be down for long: the next reminder tries afresh.
        if verdict.state == NotificationState::Failed && !verdict.disable {
            return remind(tx, row, now).await;
        }
    }
    Ok(false)
}

/// Queues the next reminder of a check that is still in the down that was just told.
async fn remind(tx: &mut Tx, row: &NotificationRow, now: Timestamp) -> Result<bool> {
    let (Event::Down | Event::Reminder, Some(check_id), Some(flip_id)) =
        (row.event, row.check_id, row.flip_id)
    else {
        return Ok(false);
    };
    let Some(channel) = channels::find_many(tx, &[row.channel_id]).await?.pop() else {
        return Ok(false);
    };
    if channel.remind_every == 0 {
        return Ok(false);
    }
    let flip = notifications::flip(tx, flip_id).await?;
    let newest = states::n_flips(tx, check_id).await?;
    let check = checks::find_any(tx, check_id).await?;
    let still_down = check.is_some_and(|check| check.status == Status::Down)
        && flip.is_some_and(|flip| Some(flip.n) == newest);
    if still_down {
        let new = NewNotification {
            project_id: row.project_id,
            channel_id: row.channel_id,
            check_id: Some(check_id),
            flip_id: Some(flip_id),
            event: Event::Reminder,
            detail: None,
            due_at: now.plus_seconds(channel.remind_every * 60),
        };
        notifications::insert(tx, &new, now).await?;
    }
    Ok(still_down)
}

/// Gives up what is still to go to a channel that is disabled for this reason.
///
/// # Errors
/// The database refused.
pub async fn fail_what_waits(tx: &mut Tx, channel_id: i64, error: &str) -> Result<()> {
    let why = format!("the channel was disabled: {error}");
    notifications::fail_all_of_channel(tx, channel_id, &why).await
}

/// Gives up what is still to go to a channel that was disabled, and tells the project's others.
/// Whether there is anybody to tell.
///
/// # Errors
/// The database refused.
pub async fn tell_of_disabled(
    tx: &mut Tx,
    project_id: i64,
    channel_id: i64,
    error: &str,
    now: Timestamp,
) -> Result<bool> {
    fail_what_waits(tx, channel_id, error).await?;
    let ids = channels::ids_of_project(tx, project_id).await?;
    let all = channels::find_many(tx, &ids).await?;
    let name = all.iter().find(|c| c.channel_id == channel_id);
    let name = name.map_or_else(String::new, |c| c.channel_name.replace('\n', " "));
    let detail = format!("{name}\n{error}");
    let mut told = false;
    for other in all {
        let is_one = Kind::parse(&other.kind) != Some(Kind::Group);
        let takes = is_one && other.on_down.0 != 0 && other.disabled.0 == 0;
        if other.channel_id != channel_id && takes {
            let new = NewNotification {
                project_id,
                channel_id: other.channel_id,
                check_id: None,
                flip_id: None,
                event: Event::ChannelDisabled,
                detail: Some(&detail),
                due_at: now,
            };
            notifications::insert(tx, &new, now).await?;
            told = true;
        }
    }
    Ok(told)
}

fn log(report: &Report) {
    let (row, verdict) = (&report.row, &report.verdict);
    let id = row.notification_id;
    let event = row.event.as_str();
    let error = verdict.error.as_deref().unwrap_or_default();
    if verdict.is_failure() {
        let state = verdict.state.as_str();
        tracing::warn!(
            notification_id = id,
            channel_id = row.channel_id,
            event,
            state,
            error,
            "a notification was not taken"
        );
    } else {
        tracing::debug!(
            notification_id = id,
            channel_id = row.channel_id,
            event,
            state = verdict.state.as_str(),
            "a notification is settled"
        );
    }
}
