//! What a channel was sent, or was to be sent: a page of it, by how it stands.

use super::super::form::Fields;
use super::super::pager::Pager;
use super::super::project::Here;
use super::super::reader::When;
use crate::fault::Result;
use crate::store::notifications::{self, Event, NotificationRow, NotificationState};

/// Messages on a page.
const PAGE: i64 = 50;

/// The filters: the word of the address, and what people read.
const FILTERS: [(&str, &str); 5] = [
    ("", "channels-log-all"),
    ("sent", "channels-log-delivered"),
    ("pending", "channels-log-waiting"),
    ("failed", "channels-log-given-up"),
    ("suppressed", "channels-log-kept-back"),
];

/// A message.
pub(super) struct Line {
    pub(super) id: i64,
    pub(super) when: When,
    pub(super) class: &'static str,
    pub(super) shape: &'static str,
    pub(super) word: &'static str,
    pub(super) what: &'static str,
    pub(super) tries: String,
    pub(super) more: String,
    /// It was given up, and can be tried again.
    pub(super) is_failed: bool,
}

/// A page of them.
pub(super) struct Log {
    /// The filters: address, word, whether it is chosen.
    pub(super) filters: Vec<(String, &'static str, bool)>,
    pub(super) lines: Vec<Line>,
    pub(super) pager: Pager,
}

/// Reads what the query of an address asks for; `base` is the channel's, with the prefix.
pub(super) async fn read(
    here: &Here,
    channel_id: i64,
    base: &str,
    asked: &mut Fields,
) -> Result<Log> {
    let wanted = asked.take("state");
    let state = FILTERS.iter().map(|(name, _)| *name).find(|name| *name == wanted);
    let state = state.filter(|name| !name.is_empty()).unwrap_or_default();
    let page = Pager::number(&asked.take("page"));
    let mut conn = here.ctx().store.read().await?;
    let (rows, total) = notifications::list_of_channel(
        &mut conn,
        channel_id,
        state.parse().ok(),
        (page - 1) * PAGE,
        PAGE,
    )
    .await?;
    let link = |name: &str| {
        if name.is_empty() { base.to_owned() } else { format!("{base}?state={name}") }
    };
    Ok(Log {
        filters: FILTERS.map(|(name, word)| (link(name), word, name == state)).into(),
        lines: rows.iter().map(|row| line(here, row)).collect(),
        pager: Pager::new(&link(state), page, PAGE, total),
    })
}

fn line(here: &Here, row: &NotificationRow) -> Line {
    let (class, shape, word) = match row.state {
        NotificationState::Sent => ("good", "●", "channels-log-delivered"),
        NotificationState::Pending => ("waiting", "◐", "channels-log-waiting"),
        NotificationState::Failed => ("bad", "▲", "channels-log-given-up"),
        NotificationState::Suppressed => ("", "‖", "channels-log-kept-back"),
    };
    let what = match row.event {
        Event::Down => "channels-log-a-check-went-down",
        Event::Up => "channels-log-a-check-is-up-again",
        Event::Reminder => "channels-log-a-check-is-still-down",
        Event::Flapping => "channels-log-a-check-is-flapping",
        Event::Test => "channels-log-test",
        Event::ChannelDisabled => "channels-log-a-channel-was-disabled",
        Event::Confirm => "channels-log-question-for-consent",
    };
    Line {
        id: row.notification_id,
        when: here.site.reader.when(row.created_at, here.now),
        class,
        shape,
        word,
        what,
        tries: here.site.reader.number(row.attempts),
        more: row.last_error.clone().unwrap_or_default(),
        is_failed: row.state == NotificationState::Failed,
    }
}
