//! The event log of a check: its pings, its flips and what was told, the latest first. The three are
//! kept apart, each in order; a page of the log is their first so many put together.

use http::Uri;

use super::super::form::Fields;
use super::super::pager::Pager;
use super::super::project::Here;
use super::super::reader::When;
use super::super::{texts, words};
use super::picked::{self, Picked};
use crate::clock::Timestamp;
use crate::domain::check::Reason;
use crate::domain::monitor::Host;
use crate::domain::ping::{PingKind, Scheme};
use crate::fault::Result;
use crate::store::channels;
use crate::store::flips::{self, FlipRow};
use crate::store::notifications::{self, NotificationRow, NotificationState, Of};
use crate::store::pings::{self, PingRow};

/// Events on a page.
const PAGE: i64 = 50;
/// The last page that is shown: what is older is read through the API.
const LAST: i64 = 40;
/// As many channels are told by name.
const CHANNELS: i64 = 1000;

/// The filters: the word in the address, and the one on the page.
pub(super) const FILTERS: [(&str, &str); 4] = [
    ("", "checks-log-all"),
    ("pings", "checks-log-pings"),
    ("flips", "checks-log-changes"),
    ("told", "checks-log-notifications"),
];

/// A line of the log.
pub(super) struct Event {
    at: Timestamp,
    pub(super) when: When,
    pub(super) clock: String,
    /// How it looks: a class of `.mark`.
    pub(super) class: &'static str,
    pub(super) shape: &'static str,
    pub(super) what: String,
    pub(super) more: String,
    /// The page of a ping.
    pub(super) href: Option<String>,
}

/// A page of the log.
pub(super) struct Log {
    pub(super) events: Vec<Event>,
    pub(super) pager: Pager,
    /// The filter that is chosen.
    pub(super) chosen: String,
}

/// The page of a check's log that an address asks for: `?log=…&page=…`.
///
/// # Errors
/// The database is out.
pub(super) async fn of(here: &Here, picked: &Picked, uri: &Uri) -> Result<Log> {
    let mut fields = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    let chosen = fields.take("log");
    let page = Pager::number(&fields.take("page")).min(LAST);
    let (events, total) = read(here, picked, &chosen, page * PAGE).await?;
    let skipped = usize::try_from((page - 1) * PAGE).unwrap_or(0);
    let size = usize::try_from(PAGE).unwrap_or(0);
    let base = format!("{}{}", here.site.prefix, here.path(&picked::tail(here, &picked.row)));
    let address = if chosen.is_empty() { base } else { format!("{base}?log={chosen}") };
    Ok(Log {
        events: events.into_iter().skip(skipped).take(size).collect(),
        pager: Pager::new(&address, page, PAGE, total.min(LAST * PAGE)),
        chosen,
    })
}

/// The first so many events of the chosen kinds, and how many there are.
async fn read(here: &Here, picked: &Picked, chosen: &str, most: i64) -> Result<(Vec<Event>, i64)> {
    let check_id = picked.row.check_id;
    let is_asked = |kind: &str| {
        chosen == kind || !FILTERS.iter().any(|(name, _)| *name == chosen) || chosen.is_empty()
    };
    let mut conn = here.ctx().store.read().await?;
    let (mut events, mut total) = (Vec::new(), 0);
    if is_asked("pings") {
        let (rows, count) = pings::list(&mut conn, check_id, 0, most).await?;
        events.extend(rows.iter().map(|row| of_ping(here, picked, row)));
        total += count;
    }
    if is_asked("flips") {
        let (rows, count) = flips::list(&mut conn, check_id, 0, most).await?;
        events.extend(rows.iter().map(|row| of_flip(here, row)));
        total += count;
    }
    if is_asked("told") {
        let (rows, count) = notifications::list(&mut conn, Of::Check(check_id), 0, most).await?;
        let (channels, _) = channels::list(&mut conn, here.project_id(), 0, CHANNELS).await?;
        let name = |id: i64| channels.iter().find(|channel| channel.channel_id == id);
        events.extend(rows.iter().map(|row| {
            let channel = name(row.channel_id).map_or_else(
                || texts::t("checks-log-a-deleted-channel").plain(),
                |c| c.channel_name.clone(),
            );
            of_notification(here, row, &channel)
        }));
        total += count;
    }
    // Stable: what happened at one moment stays as it was put together.
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    Ok((events, total))
}

fn event(
    here: &Here,
    at: Timestamp,
    class: &'static str,
    shape: &'static str,
    what: String,
) -> Event {
    let reader = &here.site.reader;
    let (when, clock) = (reader.when(at, here.now), reader.minute(at));
    Event { at, when, clock, class, shape, what, more: String::new(), href: None }
}

/// What a ping is called, and how it looks.
pub(super) fn word(kind: PingKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        PingKind::Success => ("good", "●", "checks-log-success"),
        PingKind::Start => ("running", "▶", "checks-log-start"),
        PingKind::Fail => ("bad", "▲", "checks-log-failure"),
        PingKind::Log => ("", "≡", "checks-log-log"),
        PingKind::Ign => ("", "○", "checks-log-ignored"),
    }
}

fn of_ping(here: &Here, picked: &Picked, row: &PingRow) -> Event {
    let (class, shape, what) = word(row.kind);
    let what = match row.exit_status {
        Some(status) => texts::t("checks-log-exit-status")
            .text("what", texts::t(what))
            .with("status", status)
            .plain(),
        None => texts::t(what).plain(),
    };
    let from = match row.scheme {
        Scheme::Email => {
            texts::t("checks-log-mail-from").with("user_agent", &row.user_agent).plain()
        }
        _ => texts::t("checks-log-from")
            .with("method", row.method)
            .with("remote_address", &row.remote_address)
            .plain(),
    };
    let took = row
        .duration
        .map(|micros| texts::t("checks-log-took").with("micros", words::took(micros)).plain());
    let body = (row.body_size > 0).then(|| {
        texts::t("checks-log-bytes")
            .with("body_size", here.site.reader.number(row.body_size))
            .plain()
    });
    let more = [took, Some(from), body].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let tail = format!("{}/pings/{}", picked::tail(here, &picked.row), row.n);
    let href = Some(format!("{}{}", here.site.prefix, here.path(&tail)));
    Event { more, href, ..event(here, row.at, class, shape, what) }
}

fn of_flip(here: &Here, row: &FlipRow) -> Event {
    let (from, to) = (row.from_status.as_str(), row.to_status.as_str());
    let class = match to {
        "up" => "good",
        "down" => "bad",
        _ => "",
    };
    let what = format!("{} → {}", texts::status_word(from).plain(), texts::status_word(to).plain());
    let more = match row.reason {
        Reason::Fail => "reason-of-flip-fail",
        Reason::Timeout => "reason-of-flip-timeout",
        Reason::Overrun => "reason-of-flip-overrun",
        Reason::Ping => "reason-of-flip-ping",
        Reason::Pause => "reason-of-flip-pause",
        Reason::Resume => "reason-of-flip-resume",
    };
    let host = match row.host.as_deref().and_then(|seen| seen.parse().ok()) {
        Some(Host::Up) => Some("checks-log-host-up"),
        Some(Host::Down) => Some("checks-log-host-down"),
        Some(Host::Unknown) | None => None,
    };
    let more: Vec<String> =
        [Some(more), host].into_iter().flatten().map(|key| texts::t(key).plain()).collect();
    Event { more: more.join(" · "), ..event(here, row.at, class, texts::status_shape(to), what) }
}

fn of_notification(here: &Here, row: &NotificationRow, channel: &str) -> Event {
    let (class, shape, word) = match row.state {
        NotificationState::Sent => ("good", "✉", "checks-log-told"),
        NotificationState::Pending => ("waiting", "✉", "checks-log-telling"),
        NotificationState::Failed => ("bad", "▲", "checks-log-could-not-tell"),
        NotificationState::Suppressed => ("", "✉", "checks-log-kept-back-from"),
    };
    let more = row.last_error.clone().or_else(|| row.detail.clone()).unwrap_or_default();
    let what = texts::t(word)
        .with("channel", channel)
        .text("event", texts::said(row.event.as_str()))
        .plain();
    Event { more, ..event(here, row.created_at, class, shape, what) }
}
