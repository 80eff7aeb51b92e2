//! What one notification says: reads the flip, the check and the channel it is about, and makes an
//! alert of them, or finds that there is nothing to tell any more.

use std::str::FromStr;

use chrono_tz::Tz;
use serde_json::Value;
use sha1::{Digest, Sha1};

use super::channels::Kind;
use super::channels::email::{self, Office};
use super::message_id;
use crate::clock::Timestamp;
use crate::context::Context;
use crate::domain::alert::{Alert, CheckFacts, Event, Filters, HostFacts, Rhythm};
use crate::domain::check::Status;
use crate::domain::maintenance::Cover;
use crate::domain::monitor::LONGEST_WAIT;
use crate::domain::ping::{MailText, Scheme};
use crate::domain::schedule::Schedule;
use crate::fault::{Fault, Result};
use crate::mail;
use crate::secret;
use crate::store::channels::{self, ChannelRow};
use crate::store::checks::{self, CheckRow};
use crate::store::notifications::{self, Event as Told, NotificationRow, ToldFlip};
use crate::store::projects::Recipient;
use crate::store::tx::Conn;
use crate::store::{flapping, flips, held, maintenance, nodes, pings, projects, states};

/// A message, ready to be sent.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) kind: Kind,
    pub(super) channel_uuid: String,
    pub(super) config: Value,
    pub(super) alert: Alert,
    /// The id of the message that it follows, for kinds that show the two together.
    pub(super) follows: Option<String>,
}

/// What came of writing a message.
#[derive(Debug)]
pub(super) enum Written {
    /// It is to be sent.
    Send(Box<Message>),
    /// What it would tell has passed, or its channel is gone or takes nothing; the text says which.
    Suppress(&'static str),
    /// A maintenance window covers its check, or it is flapping; the text says which.
    Mute(String),
    /// A look at the host of its job is on its way, and will be in it.
    Wait,
    /// It is told then, if there is still something to tell.
    PutOff(Timestamp),
    /// It may not be told there, and no later try can change that; the text says why.
    Refuse(String),
}

/// Opens the configuration of a channel.
///
/// # Errors
/// It can't be decrypted or read.
pub fn open_config(ctx: &Context, channel: &ChannelRow) -> Result<Value> {
    let plain = ctx.keys.open(&seal_context(&channel.uuid), &channel.sealed_config)?;
    serde_json::from_slice(&plain).map_err(Fault::internal)
}

/// Seals the configuration of the channel with this UUID.
#[must_use]
pub fn seal_config(ctx: &Context, channel_uuid: &str, config: &Value) -> String {
    ctx.keys.seal(&seal_context(channel_uuid), config.to_string().as_bytes())
}

/// What the configuration of the channel with this UUID is bound to.
#[must_use]
pub fn seal_context(channel_uuid: &str) -> String {
    format!("channel:{channel_uuid}")
}

/// Writes the message of a claimed notification.
///
/// # Errors
/// The database is out.
pub(super) async fn write(ctx: &Context, row: &NotificationRow) -> Result<Written> {
    let mut conn = ctx.store.read().await?;
    let channel = channels::find_many(&mut conn, &[row.channel_id]).await?.pop();
    let Some(channel) = channel else { return Ok(Written::Suppress("the channel is gone")) };
    if bool::from(channel.disabled) {
        return Ok(Written::Suppress("the channel is disabled"));
    }
    let Some(kind) = Kind::parse(&channel.kind) else {
        return Ok(Written::Suppress("this version does not know the channel's kind"));
    };
    let Some((check, flip)) = facts(&mut conn, row).await? else {
        return Ok(Written::Suppress("the check is gone"));
    };
    if let Some(why) =
        passed(&mut conn, row, &channel, check.as_ref(), flip.as_ref(), ctx.now()).await?
    {
        return Ok(Written::Suppress(why));
    }
    if let Some(cover) = cover(ctx, &mut conn, row).await? {
        return Ok(match row.event {
            Told::Flapping => Written::PutOff(cover.until),
            _ => Written::Mute(cover.why),
        });
    }
    if is_awaited(row, flip.as_ref(), ctx.now()) {
        return Ok(Written::Wait);
    }
    let config = open_config(ctx, &channel)?;
    let mut alert_link = None;
    let mut follows = None;
    if kind == Kind::Email {
        match consent(ctx, row, &channel, &config) {
            Ok(link) => alert_link = link,
            Err(written) => return Ok(written),
        }
        follows = followed(&mut conn, row, flip.as_ref()).await?;
    }
    let mut alert = alert(ctx, &mut conn, row, check, flip).await?;
    alert.link = alert_link.unwrap_or(alert.link);
    let channel_uuid = channel.uuid;
    Ok(Written::Send(Box::new(Message { kind, channel_uuid, config, alert, follows })))
}

/// Whether a look at the host of the job may still come in time to be told.
fn is_awaited(row: &NotificationRow, flip: Option<&ToldFlip>, now: Timestamp) -> bool {
    let asked = flip.filter(|flip| flip.host_seen.is_none()).and_then(|flip| flip.host_asked_at);
    let since = asked.map(|at| now.micros_since(at));
    row.event == Told::Down && since.is_some_and(|since| (0..LONGEST_WAIT).contains(&since))
}

/// What is told of the host of a job that is silent.
fn host_facts(row: &NotificationRow, flip: Option<&ToldFlip>) -> Option<HostFacts> {
    let flip = flip.filter(|_| row.event == Told::Down)?;
    flip.host_asked_at?;
    Some(HostFacts {
        name: flip.host_name.clone().unwrap_or_default(),
        seen: flip.host_seen.as_deref().and_then(|seen| seen.parse().ok()),
        error: flip.host_error.clone(),
    })
}

/// Holds a message to an email channel against what its recipient has agreed to. The link that the
/// message is about, where it is the question itself; else none.
fn consent(
    ctx: &Context,
    row: &NotificationRow,
    channel: &ChannelRow,
    config: &Value,
) -> Result<Option<String>, Written> {
    let Some(address) = email::address(config) else {
        return Err(Written::Refuse("config.email: is no address".to_owned()));
    };
    let name = address.to_string();
    let is_confirmed = channel.confirmed_address.as_ref() == Some(&name);
    match row.event {
        Told::Confirm if row.detail.as_ref() != Some(&name) => {
            Err(Written::Suppress("the channel has another address now"))
        }
        Told::Confirm if is_confirmed => Err(Written::Suppress("the address is confirmed already")),
        Told::Confirm => {
            let office = Office::of(ctx);
            Ok(Some(office.url(email::link::Purpose::Confirm, &channel.uuid, &address)))
        }
        _ if is_confirmed => Ok(None),
        _ => Err(Written::Refuse(email::why_silent(&ctx.mailer, &address))),
    }
}

/// The id of the message that told the channel of the down that this one is about; none where there
/// was none, or this is the first.
async fn followed(
    conn: &mut Conn,
    row: &NotificationRow,
    flip: Option<&ToldFlip>,
) -> Result<Option<String>> {
    let (Some(check_id), Some(flip)) = (row.check_id, flip) else { return Ok(None) };
    let n = match row.event {
        Told::Up => flip.n - 1,
        Told::Reminder => flip.n,
        _ => return Ok(None),
    };
    let down = notifications::told_down(conn, check_id, row.channel_id, n).await?;
    Ok(down.map(|down| message_id(&down)))
}

type Facts = (Option<CheckRow>, Option<ToldFlip>);

async fn facts(conn: &mut Conn, row: &NotificationRow) -> Result<Option<Facts>> {
    let check = match row.check_id {
        Some(id) => match checks::find_any(conn, id).await? {
            Some(check) => Some(check),
            None => return Ok(None),
        },
        None => None,
    };
    let flip = match row.flip_id {
        Some(id) => notifications::flip(conn, id).await?,
        None => None,
    };
    Ok(Some((check, flip)))
}

/// Why there is nothing to tell any more, if so.
async fn passed(
    conn: &mut Conn,
    row: &NotificationRow,
    channel: &ChannelRow,
    check: Option<&CheckRow>,
    flip: Option<&ToldFlip>,
    now: Timestamp,
) -> Result<Option<&'static str>> {
    let (Some(check), Some(flip)) = (check, flip) else { return Ok(None) };
    let still_down = async |conn: &mut Conn| -> Result<bool> {
        let newest = states::n_flips(conn, check.check_id).await?;
        Ok(check.status == Status::Down && newest == Some(flip.n))
    };
    Ok(match row.event {
        Told::Down if channel.after_minutes > 0 && !still_down(conn).await? => {
            Some("the check is no longer down")
        }
        Told::Reminder if !still_down(conn).await? => Some("the check is no longer down"),
        Told::Up if bool::from(channel.on_down) => {
            let told = notifications::last_news_was_bad(conn, row).await?;
            if told { None } else { Some("the channel was not told of the down before it") }
        }
        Told::Flapping => {
            let quiet = flapping::covers_of(conn, &[check.check_id], now).await?;
            if quiet.is_empty() { Some("the check flaps no more") } else { None }
        }
        _ => None,
    })
}

/// What keeps it back, if anything does. Only news of a check can be kept back.
async fn cover(ctx: &Context, conn: &mut Conn, row: &NotificationRow) -> Result<Option<Cover>> {
    let Some(check_id) = row.check_id else { return Ok(None) };
    let mut covers = match row.event {
        Told::Down | Told::Up | Told::Reminder => {
            held::covers_of(conn, &[check_id], ctx.now()).await?
        }
        Told::Flapping => maintenance::covers_of(conn, &[check_id], ctx.now()).await?,
        Told::Test | Told::ChannelDisabled | Told::Confirm => return Ok(None),
    };
    Ok(covers.remove(&check_id))
}

async fn alert(
    ctx: &Context,
    conn: &mut Conn,
    row: &NotificationRow,
    check: Option<CheckRow>,
    flip: Option<ToldFlip>,
) -> Result<Alert> {
    let now = ctx.now();
    let recipient = projects::recipient(conn, row.project_id).await?;
    let link = link(ctx, recipient.as_ref(), check.as_ref());
    let (project, zone) = recipient.map_or_else(Default::default, |r| (r.project_name, r.timezone));
    let ping_n = flip.as_ref().and_then(|f| f.ping_n).or(check.as_ref().map(|c| c.n_pings));
    let (exit_status, last_body) = match (&check, ping_n) {
        (Some(check), Some(n)) => brought(conn, check.check_id, n).await?,
        _ => (None, String::new()),
    };
    let made_by_ping = flip.as_ref().is_some_and(|f| f.ping_n.is_some());
    let downtime = match (&row.event, &check, &flip) {
        (Told::Up, Some(check), Some(flip)) => {
            let since = notifications::flip_time(conn, check.check_id, flip.n - 1).await?;
            since.map(|since| flip.at.micros_since(since).max(0))
        }
        _ => None,
    };
    let others_down = match (&row.event, &check, &flip) {
        (Told::Down | Told::Reminder, Some(check), Some(flip)) => {
            flips::others_down(conn, row.project_id, check.check_id, flip.at).await?
        }
        _ => 0,
    };
    let expected_at = flip.as_ref().and_then(|f| f.expected_at);
    let outage = match expected_at {
        Some(expected) => nodes::outages_since(conn, expected)
            .await?
            .into_iter()
            .find(|outage| outage.from <= expected)
            .map(|outage| (outage.from, outage.to)),
        None => None,
    };
    Ok(Alert {
        event: event(row),
        reason: flip.as_ref().map(|f| f.reason),
        exit_status: exit_status.filter(|_| made_by_ping),
        since: flip.as_ref().map_or(row.created_at, |f| f.at),
        expected_at,
        last_body,
        downtime,
        host: host_facts(row, flip.as_ref()),
        others_down,
        project,
        link,
        outage,
        zone: Tz::from_str(&zone).unwrap_or(Tz::UTC),
        now,
        check: check
            .map(|check| CheckFacts {
                badge_url: badge_url(&ctx.config.server.site_url, &check),
                ..check_facts(&check, now)
            })
            .unwrap_or_default(),
    })
}

/// The page that a message leads to. It names the check by its id: whoever has its UUID can ping it.
fn link(ctx: &Context, project: Option<&Recipient>, check: Option<&CheckRow>) -> String {
    let site = &ctx.config.server.site_url;
    match (project, check) {
        (Some(project), Some(check)) => {
            format!("{site}/projects/{}/checks/{}", project.uuid, check.check_id)
        }
        (Some(project), None) => format!("{site}/projects/{}/checks", project.uuid),
        (None, _) => format!("{site}/"),
    }
}

/// What a ping brought along: its exit status, and its body as it is quoted.
async fn brought(conn: &mut Conn, check_id: i64, n: i64) -> Result<(Option<u8>, String)> {
    let Some(ping) = pings::find(conn, check_id, n).await? else {
        return Ok((None, String::new()));
    };
    let body = pings::body(conn, check_id, n).await?.unwrap_or_default();
    let exit_status = ping.exit_status.and_then(|n| u8::try_from(n).ok());
    Ok((exit_status, quoted(ping.scheme, &body)))
}

/// A body as it is quoted; of a mail what it says to people. Its headers hold the address that it was
/// sent to: with that, and with the ping key that may stand in it, whoever is told could ping.
fn quoted(scheme: Scheme, body: &[u8]) -> String {
    if scheme != Scheme::Email {
        return String::from_utf8_lossy(body).into_owned();
    }
    let MailText { subject, text } = mail::read_text(body);
    let said = [subject.trim(), text.trim_end()].into_iter().filter(|part| !part.is_empty());
    said.collect::<Vec<_>>().join("\n\n")
}

fn event(row: &NotificationRow) -> Event {
    match row.event {
        Told::Down => Event::Down,
        Told::Up => Event::Up,
        Told::Reminder => Event::StillDown,
        Told::Flapping => Event::Flapping,
        Told::Test => Event::Test,
        Told::ChannelDisabled => {
            let detail = row.detail.as_deref().unwrap_or_default();
            let (channel_name, why) = detail.split_once('\n').unwrap_or((detail, ""));
            Event::ChannelDisabled { channel_name: channel_name.to_owned(), why: why.to_owned() }
        }
        Told::Confirm => Event::Confirm,
    }
}

fn rhythm(settings: &checks::Settings) -> Rhythm {
    match settings.rules().schedule {
        Schedule::Simple { period } => Rhythm::Every { period },
        schedule => Rhythm::Schedule {
            expression: settings.schedule.clone(),
            timezone: settings.timezone.clone(),
            words: schedule.words(),
        },
    }
}

/// A check as messages tell of it.
#[must_use]
pub fn check_facts(check: &CheckRow, now: Timestamp) -> CheckFacts {
    let settings = &check.settings;
    CheckFacts {
        uuid: check.uuid.clone(),
        name: settings.check_name.clone(),
        slug: settings.slug.clone(),
        tags: settings.tags.0.clone(),
        description: settings.description.clone(),
        status: check.shown_status(now).to_owned(),
        started: check.open_runs > 0,
        rhythm: rhythm(settings),
        grace: settings.grace,
        n_pings: check.n_pings,
        last_ping_at: check.last_ping_at,
        next_ping_at: next_ping_at(check),
        last_duration: check.last_duration,
        manual_resume: settings.manual_resume.into(),
        methods: if settings.post_only.0 == 0 { "" } else { "POST" }.to_owned(),
        filters: Filters {
            start_kw: settings.start_kw.clone(),
            success_kw: settings.success_kw.clone(),
            failure_kw: settings.failure_kw.clone(),
            filter_subject: settings.filter_subject.into(),
            filter_body: settings.filter_body.into(),
            filter_http_body: settings.filter_http_body.into(),
            filter_default_fail: settings.filter_default_fail.into(),
        },
        unique_key: unique_key(&check.uuid),
        badge_url: None,
    }
}

/// When the next ping is expected: of a job that runs, since it has begun, where that is earlier.
fn next_ping_at(check: &CheckRow) -> Option<Timestamp> {
    let began_at = check.last_start_at.filter(|_| check.open_runs > 0);
    check.next_ping_at.into_iter().chain(began_at).min()
}

/// Where the badge of a check is, of two states, as a picture.
#[must_use]
pub fn badge_url(site_url: &str, check: &CheckRow) -> Option<String> {
    check.badge_uuid.as_ref().map(|uuid| format!("{site_url}/b/2/{uuid}.svg"))
}

/// The key that names a check to those who may only read: SHA-1 of the first 16 hexadecimal digits
/// of its UUID, in hexadecimal digits (`healthchecks-api.md`).
#[must_use]
pub fn unique_key(uuid: &str) -> String {
    let digits: String = uuid.chars().filter(|c| *c != '-').take(16).collect();
    secret::hex(&Sha1::digest(digits.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_mail_its_subject_and_text_are_quoted_and_no_header() {
        let mail = b"To: secretkey+backup+fail@ping.example.org\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n\
                     Content-Transfer-Encoding: quoted-printable\r\n\r\ndisk =3D full\r\n";
        assert_eq!(quoted(Scheme::Email, mail), "Gr\u{fc}\u{df}e\n\ndisk = full");
        assert_eq!(quoted(Scheme::Email, b"Subject: done\r\n\r\n"), "done");
        assert_eq!(quoted(Scheme::Email, b""), "");
        assert_eq!(quoted(Scheme::Http, b"To: x\n\ny\n"), "To: x\n\ny\n");
    }
}
