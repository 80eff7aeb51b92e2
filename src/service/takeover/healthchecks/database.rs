//! What is in a database of Healthchecks: its tables `accounts_project`, `api_check`, `api_channel`,
//! `api_channel_checks`, `api_ping` and `api_flip`, in SQLite or PostgreSQL. What one of its versions lacks
//! has its default. It is read check by check, in one transaction.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use chrono::NaiveDateTime;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use uuid::Uuid;

use super::super::{Carrier, IncomingChannel, IncomingCheck, IncomingFlip, Outcome, Progress};
use super::Facts;
use super::channels::{self, Environment};
use crate::clock::{SECOND, Timestamp};
use crate::context::Context;
use crate::domain::check::{Reason, Status};
use crate::domain::ping::{Method, PingKind, Scheme, storable_body};
use crate::domain::target::is_key;
use crate::fault::{Fault, Result};
use crate::secret::{self, Secret};
use crate::service::api_keys;
use crate::service::projects;
use crate::store;
use crate::store::foreign::{Foreign, Wanted};
use crate::store::pings::PingRow;

/// More rows than anything has.
const ALL: i64 = i64::MAX;
/// Flips that are taken of a check, the latest.
const FLIPS: i64 = 10_000;
/// A run that takes longer has no duration, in microseconds.
const LONGEST_RUN: i64 = 72 * 3600 * SECOND;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The file of SQLite, or the address of a PostgreSQL database.
    pub place: String,
    /// Only the project of this name.
    pub only: Option<String>,
    /// The project here that it comes to; none: one that is known again, or made.
    pub project_id: Option<i64>,
    /// Who owns what is made; none: the first who administers the installation.
    pub owner_id: Option<i64>,
    /// What its server has in its environment.
    pub environment: Environment,
    /// Nothing is done.
    pub is_dry: bool,
}

/// What was done for a project.
#[derive(Debug)]
pub struct Moved {
    /// Its id here; 0 where it would be made.
    pub project_id: i64,
    /// Its name.
    pub project_name: String,
    /// It was made.
    pub is_new: bool,
    /// What was done in it.
    pub outcome: Outcome,
}

#[derive(Debug, Deserialize)]
struct Project {
    id: i64,
    code: Uuid,
    #[serde(default)]
    name: String,
    owner_id: i64,
    #[serde(default)]
    api_key: Option<String>,
    #[serde(default)]
    api_key_readonly: Option<String>,
    #[serde(default)]
    badge_key: Option<String>,
    #[serde(default)]
    ping_key: Option<String>,
}

#[derive(Debug, Deserialize)]
struct User {
    id: i64,
    email: String,
}

#[derive(Debug, Deserialize)]
struct Member {
    user_id: i64,
}

#[derive(Debug, Deserialize)]
struct Told {
    channel_id: i64,
    check_id: i64,
}

/// Its durations are microseconds.
#[derive(Debug, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "they are its columns")]
struct Check {
    id: i64,
    code: Uuid,
    #[serde(default)]
    badge_key: Option<Uuid>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    slug: String,
    #[serde(default)]
    tags: String,
    #[serde(default)]
    desc: String,
    kind: String,
    timeout: i64,
    grace: i64,
    #[serde(default)]
    schedule: String,
    #[serde(default)]
    tz: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    manual_resume: bool,
    #[serde(default)]
    methods: String,
    #[serde(default)]
    start_kw: Option<String>,
    #[serde(default)]
    success_kw: Option<String>,
    #[serde(default)]
    failure_kw: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    filter_subject: bool,
    #[serde(default, deserialize_with = "flag")]
    filter_body: bool,
    #[serde(default, deserialize_with = "flag")]
    filter_http_body: bool,
    #[serde(default, deserialize_with = "flag")]
    filter_default_fail: bool,
    #[serde(default)]
    n_pings: i64,
    #[serde(default, deserialize_with = "moment")]
    last_ping: Option<Timestamp>,
    #[serde(default)]
    last_duration: Option<i64>,
    status: String,
}

#[derive(Debug, Deserialize)]
struct Ping {
    #[serde(default)]
    n: Option<i64>,
    #[serde(deserialize_with = "moment")]
    created: Option<Timestamp>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    scheme: String,
    #[serde(default)]
    remote_addr: Option<String>,
    #[serde(default)]
    method: String,
    #[serde(default)]
    ua: String,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    body_raw: Option<String>,
    #[serde(default)]
    object_size: Option<i64>,
    #[serde(default)]
    exitstatus: Option<i16>,
    #[serde(default)]
    rid: Option<Uuid>,
}

#[derive(Debug, Deserialize)]
struct Flip {
    #[serde(deserialize_with = "moment")]
    created: Option<Timestamp>,
    new_status: String,
    #[serde(default)]
    reason: String,
}

/// A flag: a boolean, SQLite's 0 or 1, or nothing, which is no.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value.as_bool().unwrap_or_else(|| value.as_i64().is_some_and(|number| number != 0)))
}

/// A time: microseconds, or SQLite's text, which is UTC.
fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let text = value.as_str().and_then(|text| {
        let at = NaiveDateTime::parse_from_str(text.trim(), "%Y-%m-%d %H:%M:%S%.f").ok()?;
        Some(at.and_utc().timestamp_micros())
    });
    Ok(value.as_i64().or(text).map(Timestamp))
}

/// Takes over what is asked for, a project after another. What is done stays done where a later project
/// fails, and doing it again goes on from there.
///
/// # Errors
/// The database can't be read, or ours is out. There is no such project, here or there.
pub async fn carry(ctx: &Context, asked: &Asked, progress: &dyn Progress) -> Result<Vec<Moved>> {
    let mut source = Foreign::open(&asked.place).await?;
    let all = |table, by| Wanted { table, only: None, by, most: ALL };
    let mut theirs: Vec<Project> = source.rows(all("accounts_project", "id")).await?;
    if theirs.is_empty() {
        let reason =
            "has no projects of Healthchecks: its table accounts_project is missing or empty";
        return Err(Fault::invalid("database", reason));
    }
    let users: Vec<User> = source.rows(all("auth_user", "id")).await?;
    let users: HashMap<i64, String> = users.into_iter().map(|user| (user.id, user.email)).collect();
    for project in &mut theirs {
        project.name = match (project.name.trim(), users.get(&project.owner_id)) {
            ("", Some(email)) => email.clone(),
            ("", None) => format!("Project {}", project.id),
            (name, _) => name.chars().take(100).collect(),
        };
    }
    if let Some(only) = &asked.only {
        theirs.retain(|project| project.name == *only);
    }
    match (theirs.len(), asked.project_id) {
        (0, _) => return Err(Fault::invalid("only", "is the name of no project in the database")),
        (2.., Some(_)) => {
            let reason = "the database has several projects: name one with --only";
            return Err(Fault::invalid("project", reason));
        }
        _ => {}
    }
    let mut moved = Vec::new();
    for project in theirs {
        moved.push(one(ctx, &mut source, asked, project, &users, progress).await?);
    }
    Ok(moved)
}

async fn one(
    ctx: &Context,
    source: &mut Foreign,
    asked: &Asked,
    project: Project,
    users: &HashMap<i64, String>,
    progress: &dyn Progress,
) -> Result<Moved> {
    let of = |table, by| Wanted { table, only: Some(("project_id", project.id)), by, most: ALL };
    let checks: Vec<Check> = source.rows(of("api_check", "id")).await?;
    let rows: Vec<channels::Row> = source.rows(of("api_channel", "id")).await?;
    let members: Vec<Member> = source.rows(of("accounts_member", "id")).await?;
    let mut lost = Vec::new();
    let theirs = channels::read(&rows, &asked.environment, &mut lost);
    for member in members {
        let email = users.get(&member.user_id).map_or("?", String::as_str);
        lost.push(format!("member {email}: invite them to the project, or make them an account"));
    }
    let (project_id, is_new) = place(ctx, asked, &project, &checks, &mut lost).await?;
    let mut carrier = Carrier::new(ctx, project_id, lost, asked.is_dry).await?;
    progress.begin("writing", theirs.len() + checks.len());
    let mut names: HashMap<i64, String> = HashMap::new();
    // Groups name others, so that they come last.
    let (groups, others): (Vec<_>, Vec<_>) =
        theirs.into_iter().partition(|(_, channel)| !channel.members.is_empty());
    for (id, channel) in others.into_iter().chain(groups) {
        let IncomingChannel { name, .. } = &channel;
        names.insert(id, name.clone());
        carrier.channel(channel).await?;
        progress.step();
    }
    let mut told: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for (id, name) in &names {
        let only = Some(("channel_id", *id));
        let wanted = Wanted { table: "api_channel_checks", only, by: "id", most: ALL };
        for row in source.rows::<Told>(wanted).await? {
            debug_assert_eq!(row.channel_id, *id);
            told.entry(row.check_id).or_default().push(name.clone());
        }
    }
    for check in checks {
        let channels = told.remove(&check.id).unwrap_or_default();
        let title = if check.name.is_empty() { check.code.to_string() } else { check.name.clone() };
        match incoming(ctx, source, check, channels, &mut carrier).await {
            Ok(incoming) => carrier.check(incoming).await?,
            Err(Fault::Invalid { field, reason }) => {
                carrier.lose(format!("check {title:?}: {field}: {reason}"));
            }
            Err(other) => return Err(other),
        }
        progress.step();
    }
    Ok(Moved { project_id, project_name: project.name, is_new, outcome: carrier.end() })
}

/// The project here, and whether it is new: the one that is named, the one that has its badge key, its ping
/// key or its first check, or a new one. A new one that is not made, as nothing is done, is 0.
async fn place(
    ctx: &Context,
    asked: &Asked,
    theirs: &Project,
    checks: &[Check],
    lost: &mut Vec<String>,
) -> Result<(i64, bool)> {
    let badge_key = theirs.badge_key.clone().filter(|key| !key.is_empty());
    let badge_key = badge_key.unwrap_or_else(|| theirs.code.to_string());
    let ping_key = theirs.ping_key.as_deref().filter(|key| is_key(key));
    let mut conn = ctx.store.read().await?;
    let by_badge = store::projects::find_by_badge(&mut conn, &badge_key).await?;
    let by_ping_key = match ping_key {
        Some(key) => store::projects::id_of_ping_key(&mut conn, key).await?,
        None => None,
    };
    let by_check = match checks.first() {
        Some(check) => store::checks::project_of(&mut conn, &check.code.to_string()).await?,
        None => None,
    };
    drop(conn);
    let known = by_badge.map(|project| project.project_id).or(by_ping_key).or(by_check);
    let (project_id, is_new) = match asked.project_id.or(known) {
        Some(project_id) => (project_id, false),
        None if asked.is_dry => return Ok((0, true)),
        None => {
            let mut conn = ctx.store.read().await?;
            let first = store::users::first_admin(&mut conn).await?;
            drop(conn);
            let owner_id = asked.owner_id.or(first).ok_or(Fault::NotFound)?;
            let made = projects::create(ctx, owner_id, &theirs.name, true).await?;
            (made.project_id, true)
        }
    };
    if !asked.is_dry {
        keys(ctx, project_id, theirs, (&badge_key, ping_key), lost).await?;
    }
    Ok((project_id, is_new))
}

/// Gives the project the keys that it has there.
async fn keys(
    ctx: &Context,
    project_id: i64,
    theirs: &Project,
    (badge_key, ping_key): (&str, Option<&str>),
    lost: &mut Vec<String>,
) -> Result<()> {
    let mut tx = ctx.store.begin().await?;
    if !store::projects::lock(&mut tx, project_id).await? {
        return Err(Fault::invalid("project", format!("there is no project {project_id}")));
    }
    if store::projects::find_by_badge(&mut tx, badge_key).await?.is_none() {
        store::projects::set_badge_key(&mut tx, project_id, badge_key).await?;
    }
    match ping_key {
        None => {}
        Some(key) => match store::projects::id_of_ping_key(&mut tx, key).await? {
            None => store::projects::set_ping_key(&mut tx, project_id, key).await?,
            Some(id) if id == project_id => {}
            Some(id) => lost.push(format!("its ping key: project {id} has it")),
        },
    }
    tx.commit().await?;
    let keys = [(&theirs.api_key, false), (&theirs.api_key_readonly, true)];
    for (key, read_only) in keys {
        let Some(key) = key.as_deref().filter(|key| !key.is_empty()) else { continue };
        // Later versions keep a part of it and a hash, of which no key can be made.
        if key.len() != api_keys::LENGTH {
            let what = if read_only { "its read-only API key" } else { "its API key" };
            lost.push(format!("{what}: only a hash of it is there; make one with overdue api-key"));
            continue;
        }
        api_keys::import(ctx, project_id, &Secret::new(key.to_owned()), read_only).await?;
    }
    lost.push(
        "the addresses of badges of tags: they are signed anew; those of single checks stay"
            .to_owned(),
    );
    Ok(())
}

/// A check with its past.
async fn incoming(
    ctx: &Context,
    source: &mut Foreign,
    check: Check,
    channels: Vec<String>,
    carrier: &mut Carrier<'_>,
) -> Result<IncomingCheck> {
    let most = i64::from(ctx.config.ping.log_limit);
    let of = |table, most| Wanted { table, only: Some(("owner_id", check.id)), by: "id", most };
    let rows: Vec<Ping> = source.rows(of("api_ping", most)).await?;
    let elsewhere =
        rows.iter().filter(|ping| ping.object_size.is_some_and(|size| size > 0)).count();
    if elsewhere > 0 {
        carrier.lose(format!(
            "check {:?}: the bodies of {elsewhere} pings, which are in an object storage",
            check.name
        ));
    }
    let flips: Vec<Flip> = source.rows(of("api_flip", FLIPS)).await?;
    let turn = |flip: &Flip| {
        let mut turn = IncomingFlip::untold(flip.created?, flip.new_status.parse().ok()?);
        if flip.reason == "fail" {
            turn.reason = Reason::Fail;
        }
        Some(turn)
    };
    let flips = flips.iter().filter_map(turn).collect();
    let is_simple = check.kind == "simple";
    let facts = Facts {
        name: check.name,
        slug: check.slug,
        tags: check.tags,
        desc: check.desc,
        grace: check.grace / SECOND,
        timeout: is_simple.then_some(check.timeout / SECOND),
        schedule: (!is_simple).then_some(check.schedule),
        tz: check.tz,
        manual_resume: check.manual_resume,
        methods: check.methods,
        start_kw: check.start_kw.unwrap_or_default(),
        success_kw: check.success_kw.unwrap_or_default(),
        failure_kw: check.failure_kw.unwrap_or_default(),
        filter_subject: check.filter_subject,
        filter_body: check.filter_body,
        filter_http_body: check.filter_http_body,
        filter_default_fail: check.filter_default_fail,
    };
    Ok(IncomingCheck {
        uuid: Some(check.code.to_string()),
        change: facts.change()?,
        channels,
        status: check.status.parse().unwrap_or(Status::New),
        n_pings: check.n_pings,
        last_ping_at: check.last_ping,
        last_duration: check.last_duration,
        pings: past(rows, ctx.config.ping.body_limit),
        flips,
        badge_uuid: check.badge_key.map(|uuid| uuid.to_string()),
    })
}

/// The pings, the oldest first, with what they took and their bodies.
fn past(rows: Vec<Ping>, body_limit: usize) -> Vec<(PingRow, Vec<u8>)> {
    let mut begun: HashMap<Option<Uuid>, Timestamp> = HashMap::new();
    let mut all: Vec<(PingRow, Vec<u8>)> = Vec::new();
    for row in rows {
        let (Some(n), Some(at)) = (row.n, row.created) else { continue };
        let kind = match row.kind.as_deref() {
            None | Some("") => PingKind::Success,
            Some(word) => word.parse().unwrap_or(PingKind::Log),
        };
        let mut duration = None;
        match kind {
            PingKind::Start => {
                begun.insert(row.rid, at);
            }
            PingKind::Success | PingKind::Fail => {
                let took = begun.remove(&row.rid).map(|start| at.micros_since(start));
                duration = took.filter(|took| (0..LONGEST_RUN).contains(took));
            }
            PingKind::Log | PingKind::Ign => {}
        }
        let body = body_of(&row, body_limit);
        let past = PingRow {
            n,
            at,
            kind,
            exit_status: row.exitstatus,
            rid: row.rid.map(|rid| rid.to_string()),
            scheme: row.scheme.parse().unwrap_or(Scheme::Http),
            method: row.method.parse().unwrap_or(Method::None),
            remote_address: row.remote_addr.unwrap_or_default(),
            user_agent: row.ua,
            body_size: i64::try_from(body.len()).unwrap_or_default(),
            duration,
        };
        all.push((past, body));
    }
    all.sort_by_key(|(row, _)| row.n);
    all.dedup_by_key(|(row, _)| row.n);
    all
}

/// What is kept of a body, as of one that comes by a ping.
fn body_of(row: &Ping, limit: usize) -> Vec<u8> {
    let raw = row.body_raw.as_deref().and_then(secret::unhex);
    let mut body = raw.unwrap_or_else(|| row.body.clone().unwrap_or_default().into_bytes());
    let was_cut = body.len() > limit;
    body.truncate(limit);
    storable_body(&Bytes::from(body), was_cut).to_vec()
}
