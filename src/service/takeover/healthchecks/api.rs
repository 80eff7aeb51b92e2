//! What a server of Healthchecks tells by its management API, third version. It tells no configuration
//! of channels and no ping key; of its pings it tells the last ones.

use std::collections::HashMap;
use std::time::Duration;

use chrono::DateTime;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;
use uuid::Uuid;

use super::super::{Incoming, IncomingCheck, IncomingFlip, Progress};
use super::Facts;
use crate::clock::{SECOND, Timestamp};
use crate::domain::check::Status;
use crate::domain::ping::{Method, PingKind, Scheme};
use crate::fault::{Fault, Result};
use crate::secret::Secret;
use crate::store::pings::PingRow;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// The largest answer, in bytes.
const LARGEST: usize = 64 * 1024 * 1024;
/// Tries of a request, where the server is out or asked for a pause.
const TRIES: u32 = 5;

/// A server of Healthchecks.
#[derive(Debug)]
pub struct Remote {
    client: reqwest::Client,
    base: String,
    key: Secret,
}

#[derive(Deserialize)]
struct Checks {
    checks: Vec<Check>,
}

#[derive(Deserialize)]
struct Check {
    uuid: Option<String>,
    #[serde(flatten)]
    facts: Facts,
    #[serde(default)]
    n_pings: i64,
    status: String,
    last_ping: Option<String>,
    last_duration: Option<f64>,
    #[serde(default)]
    badge_url: String,
    #[serde(default)]
    channels: String,
}

#[derive(Deserialize)]
struct Channels {
    channels: Vec<Channel>,
}

#[derive(Deserialize)]
struct Channel {
    id: String,
    name: String,
    kind: String,
}

#[derive(Deserialize)]
struct Pings {
    pings: Vec<Ping>,
}

#[derive(Deserialize)]
struct Ping {
    #[serde(rename = "type")]
    kind: String,
    date: String,
    n: i64,
    #[serde(default)]
    scheme: String,
    #[serde(default)]
    remote_addr: Option<String>,
    #[serde(default)]
    method: String,
    #[serde(default)]
    ua: String,
    rid: Option<String>,
    body_url: Option<String>,
    duration: Option<f64>,
}

#[derive(Deserialize)]
struct Flips {
    flips: Vec<Flip>,
}

#[derive(Deserialize)]
struct Flip {
    timestamp: String,
    up: u8,
}

impl Remote {
    /// The server at this address, with a key that reads and writes, asked through this proxy.
    ///
    /// # Errors
    /// [`Fault::Invalid`]: the address is none.
    pub fn new(url: &str, key: Secret, proxy: Option<&str>) -> Result<Self> {
        let wrong = |reason: &str| Fault::invalid("url", reason);
        let parsed = Url::parse(url.trim()).map_err(|_| {
            wrong("must be the address of a server, such as https://healthchecks.io")
        })?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(wrong("must begin with https:// or http://"));
        }
        let mut base = parsed.as_str().trim_end_matches('/').to_owned();
        for version in ["/api/v1", "/api/v2", "/api/v3", "/api"] {
            if let Some(short) = base.strip_suffix(version) {
                base = short.to_owned();
            }
        }
        let builder = reqwest::Client::builder()
            .timeout(PATIENCE)
            .user_agent(concat!("Overdue/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        let builder = match proxy {
            Some(proxy) => builder.proxy(reqwest::Proxy::all(proxy).map_err(Fault::internal)?),
            None => builder,
        };
        let client = builder.build().map_err(Fault::internal)?;
        Ok(Self { client, base: format!("{base}/api/v3"), key })
    }

    /// All that it tells of the project of the key.
    ///
    /// # Errors
    /// [`Fault::Unavailable`]: it does not answer. [`Fault::Invalid`]: it does not take the key, or is
    /// no such server.
    pub async fn read(&self, progress: &dyn Progress) -> Result<Incoming> {
        let Channels { channels } = self.get("/channels/").await?;
        let Checks { checks } = self.get("/checks/").await?;
        progress.begin("reading", checks.len());
        let names: HashMap<&str, &Channel> =
            channels.iter().map(|channel| (channel.id.as_str(), channel)).collect();
        let mut incoming = Incoming::default();
        let mut bodies = 0;
        for check in checks {
            let title = check.facts.title();
            let Some(uuid) = check.uuid.as_deref().and_then(|uuid| Uuid::parse_str(uuid).ok())
            else {
                let why = "it comes without its UUID: the key must be one that reads and writes";
                return Err(Fault::invalid("api-key", format!("{title}: {why}")));
            };
            let title = title.to_owned();
            match self.check(uuid, check, &names, &mut bodies).await {
                Ok(check) => incoming.checks.push(check),
                Err(Fault::Invalid { field, reason }) => {
                    incoming.lost.push(format!("check {title:?}: {field}: {reason}"));
                }
                Err(other) => return Err(other),
            }
            progress.step();
        }
        if bodies > 0 {
            incoming.lost.push(format!("the bodies of {bodies} pings: only the pings are taken"));
        }
        for channel in channels {
            let Channel { name, kind, .. } = channel;
            incoming.lost.push(format!(
                "channel {name:?} ({kind}): its address is told to nobody; where the project has \
                 a channel of this name, checks tell that"
            ));
        }
        Ok(incoming)
    }

    async fn check(
        &self,
        uuid: Uuid,
        check: Check,
        names: &HashMap<&str, &Channel>,
        bodies: &mut usize,
    ) -> Result<IncomingCheck> {
        let Pings { pings } = self.get(&format!("/checks/{uuid}/pings/")).await?;
        let Flips { flips } = self.get(&format!("/checks/{uuid}/flips/?seconds=31536000")).await?;
        *bodies += pings.iter().filter(|ping| ping.body_url.is_some()).count();
        let channels = check.channels.split(',').filter_map(|id| names.get(id));
        let channels = channels.map(|channel| channel.name.clone()).collect();
        let mut pings: Vec<(PingRow, Vec<u8>)> =
            pings.iter().filter_map(past_ping).map(|row| (row, Vec::new())).collect();
        pings.sort_by_key(|(row, _)| row.n);
        pings.dedup_by_key(|(row, _)| row.n);
        let turn = |flip: &Flip| {
            let to = if flip.up == 1 { Status::Up } else { Status::Down };
            Some(IncomingFlip::untold(moment(&flip.timestamp)?, to))
        };
        let mut flips: Vec<IncomingFlip> = flips.iter().filter_map(turn).collect();
        flips.reverse();
        let last_ping_at = check.last_ping.as_deref().and_then(moment);
        let last_duration = check.last_duration.map(micros);
        let (status, n_pings) = (status(&check.status), check.n_pings);
        Ok(IncomingCheck {
            uuid: Some(uuid.to_string()),
            change: check.facts.change()?,
            channels,
            status,
            n_pings,
            last_ping_at,
            last_duration,
            pings,
            flips,
            badge_uuid: badge_uuid(&check.badge_url),
        })
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let url = format!("{}{path}", self.base);
        let mut pause = Duration::from_secs(1);
        for tries_left in (0..TRIES).rev() {
            let sent = self.client.get(&url).header("X-Api-Key", self.key.expose()).send().await;
            let answer = match sent {
                Ok(answer) => answer,
                Err(error) if tries_left == 0 => {
                    let reason = error.without_url();
                    return Err(Fault::Unavailable(format!("{url} does not answer: {reason}")));
                }
                Err(_) => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                    continue;
                }
            };
            let code = answer.status().as_u16();
            let may_pass = code == 429 || code >= 500;
            if may_pass && tries_left > 0 {
                tokio::time::sleep(pause).await;
                pause *= 2;
                continue;
            }
            return match code {
                200 => body(answer, &url).await,
                401 | 403 => Err(Fault::invalid(
                    "api-key",
                    "the server does not take it: it must be a key that reads and writes",
                )),
                404 => {
                    Err(Fault::invalid("url", format!("there is no API of Healthchecks at {url}")))
                }
                code => Err(Fault::Unavailable(format!("{url} answers {code}"))),
            };
        }
        Err(Fault::Unavailable(format!("{url} does not answer")))
    }
}

async fn body<T: DeserializeOwned>(mut answer: reqwest::Response, url: &str) -> Result<T> {
    let broken = |reason: String| Fault::Unavailable(format!("the answer of {url}: {reason}"));
    let mut bytes = Vec::new();
    while let Some(part) =
        answer.chunk().await.map_err(|error| broken(error.without_url().to_string()))?
    {
        bytes.extend_from_slice(&part);
        if bytes.len() > LARGEST {
            return Err(broken(format!("is larger than {LARGEST} bytes")));
        }
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        Fault::invalid("url", format!("{url} answers what Healthchecks does not: {error}"))
    })
}

fn status(word: &str) -> Status {
    match word {
        "up" | "grace" | "started" => Status::Up,
        "down" => Status::Down,
        "paused" => Status::Paused,
        _ => Status::New,
    }
}

/// The UUID in the address of a check's badge.
fn badge_uuid(url: &str) -> Option<String> {
    let (_, file) = url.rsplit_once('/')?;
    let uuid = Uuid::parse_str(file.split('.').next()?).ok()?;
    Some(uuid.to_string())
}

fn moment(text: &str) -> Option<Timestamp> {
    let at = DateTime::parse_from_rfc3339(text).ok()?;
    Some(Timestamp(at.timestamp_micros()))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a run's length")]
fn micros(seconds: f64) -> i64 {
    (seconds * SECOND as f64) as i64
}

fn past_ping(ping: &Ping) -> Option<PingRow> {
    let kind: PingKind = ping.kind.parse().ok()?;
    Some(PingRow {
        n: ping.n,
        at: moment(&ping.date)?,
        kind,
        exit_status: None,
        rid: ping.rid.clone(),
        scheme: ping.scheme.parse().unwrap_or(Scheme::Http),
        method: ping.method.parse().unwrap_or(Method::None),
        remote_address: ping.remote_addr.clone().unwrap_or_default(),
        user_agent: ping.ua.clone(),
        body_size: 0,
        duration: ping.duration.map(micros),
    })
}
