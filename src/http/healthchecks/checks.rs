//! Checks: reading, making, changing, pausing and deleting them.

use std::collections::HashMap;

use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Fields;
use super::fault::Refusal;
use super::{Answer, Call, Version, json as rendered};
use crate::domain::alert::CheckFacts;
use crate::domain::check::Status;
use crate::domain::schedule::{Kind, zone};
use crate::fault::{Fault, Result};
use crate::notify::message::{badge_url, check_facts, unique_key};
use crate::notify::template::check_json;
use crate::service::checks::{self, Change, Made};
use crate::store::checks::{CheckRow, Filter, Settings, Tags, Unique};
use crate::store::tx::Conn;
use crate::store::{self, channels};

/// The characters of the key by which those who may only read name a check.
const UNIQUE_KEY: usize = 40;

/// `GET …/checks/`
pub(super) async fn list(call: &Call<'_>) -> Answer {
    let (mut tags, mut slug) = (Vec::new(), None);
    for (name, value) in form_urlencoded::parse(call.query.as_bytes()) {
        match &*name {
            "tag" => tags.push(value.into_owned()),
            "slug" => slug = Some(value.into_owned()),
            _ => {}
        }
    }
    let mut conn = call.ctx.store.read().await?;
    let (project_id, now) = (call.project.project_id, call.ctx.now());
    let filter = Filter { tags, slug, ..Filter::default() };
    let (rows, _) = store::checks::list(&mut conn, project_id, &filter, now, 0, i64::MAX).await?;
    let told = Channels::of(&mut conn, call, &rows).await?;
    drop(conn);
    let list: Vec<Value> = rows.iter().map(|row| shown(call, row, &told)).collect();
    Ok(rendered(StatusCode::OK, &json!({ "checks": list })))
}

/// `POST …/checks/`
pub(super) async fn create(call: &Call<'_>) -> Answer {
    let fields = Fields::read(&call.fields)?;
    let change = change(call, &fields, &Settings::default(), true)?;
    let settings = change.applied_to(&Settings::default())?;
    let channels = chosen(call, &fields).await?;
    let (ctx, project_id) = (call.ctx, call.project.project_id);
    let unique = unique(&fields);
    let told = Some(channels.as_deref().unwrap_or_default());
    match checks::create_unless(ctx, project_id, unique.as_ref(), &settings, told).await? {
        Made::New(check_id) => answer(call, check_id, StatusCode::CREATED).await,
        Made::Found(check_id) => {
            let mut conn = ctx.store.read().await?;
            let (row, _) = checks::find(&mut conn, project_id, check_id).await?;
            drop(conn);
            set(call, &row, &fields, channels).await
        }
    }
}

/// `GET …/checks/<uuid>` and `GET …/checks/<unique_key>`
pub(super) async fn show(call: &Call<'_>) -> Answer {
    let row = find_by_either(call).await?;
    answer(call, row.check_id, StatusCode::OK).await
}

/// `POST …/checks/<uuid>`
pub(super) async fn update(call: &Call<'_>) -> Answer {
    let row = find(call).await?;
    let fields = Fields::read(&call.fields)?;
    let channels = chosen(call, &fields).await?;
    set(call, &row, &fields, channels).await
}

/// `DELETE …/checks/<uuid>`: it answers what was deleted.
pub(super) async fn remove(call: &Call<'_>) -> Answer {
    let row = find(call).await?;
    let last = value(call, &row).await?;
    checks::delete(call.ctx, call.project.project_id, row.check_id).await.map_err(gone)?;
    Ok(rendered(StatusCode::OK, &last))
}

/// `POST …/checks/<uuid>/pause`
pub(super) async fn pause(call: &Call<'_>) -> Answer {
    let row = find(call).await?;
    if row.status != Status::Paused {
        let project_id = call.project.project_id;
        checks::pause(call.ctx, project_id, row.check_id, true).await.map_err(gone)?;
    }
    answer(call, row.check_id, StatusCode::OK).await
}

/// `POST …/checks/<uuid>/resume`
pub(super) async fn resume(call: &Call<'_>) -> Answer {
    let row = find(call).await?;
    if row.status != Status::Paused {
        return Err(Refusal::text(StatusCode::CONFLICT, "check is not paused"));
    }
    let project_id = call.project.project_id;
    checks::pause(call.ctx, project_id, row.check_id, false).await.map_err(gone)?;
    answer(call, row.check_id, StatusCode::OK).await
}

/// A check that was there a moment ago.
fn gone(fault: Fault) -> Refusal {
    match fault {
        Fault::Forbidden(_) => Refusal::not_found(),
        other => other.into(),
    }
}

/// The check that the path names by its UUID.
pub(super) async fn find(call: &Call<'_>) -> Result<CheckRow, Refusal> {
    let uuid = Uuid::parse_str(call.check).map_err(|_| Refusal::not_found())?.to_string();
    let mut conn = call.ctx.store.read().await?;
    let own = store::checks::find_by_uuid(&mut conn, call.project.project_id, &uuid).await?;
    if let Some(row) = own {
        return Ok(row);
    }
    let elsewhere = store::checks::project_of(&mut conn, &uuid).await?;
    let status = if elsewhere.is_some() { StatusCode::FORBIDDEN } else { StatusCode::NOT_FOUND };
    Err(Refusal::bare(status))
}

/// The same, or by the key of those who may only read.
pub(super) async fn find_by_either(call: &Call<'_>) -> Result<CheckRow, Refusal> {
    let is_key = call.check.len() == UNIQUE_KEY
        && call.check.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !is_key {
        return find(call).await;
    }
    let project_id = call.project.project_id;
    let mut conn = call.ctx.store.read().await?;
    let names = store::checks::names_of(&mut conn, project_id).await?;
    let asked = names.into_iter().find(|name| unique_key(&name.uuid) == call.check);
    let asked = asked.ok_or_else(Refusal::not_found)?;
    let (row, _) = checks::find(&mut conn, project_id, asked.check_id).await.map_err(gone)?;
    Ok(row)
}

async fn set(
    call: &Call<'_>,
    row: &CheckRow,
    fields: &Fields,
    channels: Option<Vec<i64>>,
) -> Answer {
    let change = Change { channels, ..change(call, fields, &row.settings, false)? };
    let project_id = call.project.project_id;
    checks::update(call.ctx, project_id, row.check_id, &change).await.map_err(|fault| {
        match fault {
            // Between the look and the write somebody deleted it, or a channel.
            Fault::Invalid { field, .. } if field == "channels" => {
                Refusal::bare(StatusCode::CONFLICT)
            }
            fault => gone(fault),
        }
    })?;
    answer(call, row.check_id, StatusCode::OK).await
}

/// What these fields change about a check with such settings.
fn change(
    call: &Call<'_>,
    fields: &Fields,
    old: &Settings,
    is_new: bool,
) -> Result<Change, Refusal> {
    let mut change = Change {
        check_name: fields.name.clone(),
        slug: slug(call.version, fields, old, is_new),
        tags: fields.tags.as_ref().map(|tags| Tags::from(tags.clone()).0),
        description: fields.desc.clone(),
        grace: fields.grace,
        manual_resume: fields.manual_resume,
        post_only: fields.methods.as_deref().map(|methods| methods == "POST"),
        start_kw: fields.start_kw.clone(),
        success_kw: fields.success_kw.clone(),
        failure_kw: fields.failure_kw.clone(),
        filter_subject: fields.filter_subject,
        filter_body: fields.filter_body,
        filter_http_body: fields.filter_http_body,
        filter_default_fail: fields.filter_default_fail,
        ..Change::default()
    };
    by_subject(&mut change, fields, old);
    let no_schedule = || Refusal::field("schedule", "is not a valid cron or OnCalendar expression");
    if let Some(tz) = &fields.tz {
        let zone = zone::parse(tz);
        let zone = zone.ok_or_else(|| Refusal::field("tz", "is not a valid timezone"))?;
        change.timezone = Some(zone.name().to_owned());
    }
    if let Some(expression) = &fields.schedule {
        checks::check_schedule(None, expression).map_err(|_| no_schedule())?;
        change.schedule = Some(Some(expression.clone()));
    } else if fields.timeout.is_some() {
        change.kind = Some(Kind::Simple);
        change.period = Some(fields.timeout);
        change.schedule = Some(None);
    }
    if fields.schedule.is_some() {
        let new = change.applied_to(old).map_err(|_| no_schedule())?;
        if checks::never_fires(&new, call.ctx.now()) {
            return Err(no_schedule());
        }
    }
    Ok(change)
}

/// What becomes of the slug: in the third version a name does nothing to it.
#[allow(clippy::option_option, reason = "to leave the slug alone and to derive it differ")]
fn slug(version: Version, fields: &Fields, old: &Settings, is_new: bool) -> Option<Option<String>> {
    if let Some(slug) = &fields.slug {
        return Some(Some(slug.clone()));
    }
    match version {
        Version::V3 if is_new => Some(Some(String::new())),
        Version::V3 => fields.name.as_ref().map(|_| Some(old.slug.clone())),
        Version::V1 | Version::V2 => fields.name.as_ref().map(|_| None),
    }
}

/// The old names of the words in subjects.
fn by_subject(change: &mut Change, fields: &Fields, old: &Settings) {
    if fields.subject.is_none() && fields.subject_fail.is_none() {
        return;
    }
    if let Some(words) = &fields.subject {
        change.success_kw = Some(words.clone());
    }
    if let Some(words) = &fields.subject_fail {
        change.failure_kw = Some(words.clone());
    }
    let is_given = |new: &Option<String>, old: &str| !new.as_deref().unwrap_or(old).is_empty();
    let looks = is_given(&change.success_kw, &old.success_kw)
        || is_given(&change.failure_kw, &old.failure_kw);
    change.filter_subject = Some(looks);
}

/// What names the check that is to be changed if it is there; none where nothing is named, or
/// something that the body lacks, which no check has.
fn unique(fields: &Fields) -> Option<Unique> {
    let mut unique = Unique::default();
    if fields.unique.is_empty() {
        return None;
    }
    for name in &fields.unique {
        match name.as_str() {
            "name" => unique.check_name = Some(fields.name.clone()?),
            "slug" => unique.slug = Some(fields.slug.clone()?),
            "tags" => unique.tags = Some(Tags::from(fields.tags.clone()?)),
            "timeout" => unique.period = Some(fields.timeout?),
            _ => unique.grace = Some(fields.grace?),
        }
    }
    Some(unique)
}

/// The channels that the body names: all, none, or some by their UUIDs or names; none where it names
/// no such thing.
async fn chosen(call: &Call<'_>, fields: &Fields) -> Result<Option<Vec<i64>>, Refusal> {
    let Some(text) = &fields.channels else { return Ok(None) };
    if text.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let project_id = call.project.project_id;
    let mut conn = call.ctx.store.read().await?;
    if text == "*" {
        return Ok(Some(channels::ids_of_project(&mut conn, project_id).await?));
    }
    let (rows, _) = channels::list(&mut conn, project_id, 0, i64::MAX).await?;
    let wrong = |error: String| Err(Refusal::json(StatusCode::BAD_REQUEST, error));
    let mut ids = Vec::new();
    for part in text.split(',').map(str::trim) {
        if part.is_empty() {
            return wrong("empty channel identifier".to_owned());
        }
        let uuid = Uuid::parse_str(part).map(|uuid| uuid.to_string());
        let is_it = |row: &&channels::ChannelRow| match &uuid {
            Ok(uuid) => row.uuid == *uuid,
            Err(_) => row.channel_name == part,
        };
        let found: Vec<i64> = rows.iter().filter(is_it).map(|row| row.channel_id).collect();
        match found.as_slice() {
            [id] => ids.push(*id),
            [] => return wrong(format!("invalid channel identifier: {part}")),
            _ => return wrong(format!("non-unique channel identifier: {part}")),
        }
    }
    Ok(Some(ids))
}

/// Which channels checks tell, by the UUIDs of those.
struct Channels(HashMap<i64, Vec<String>>);

impl Channels {
    async fn of(conn: &mut Conn, call: &Call<'_>, rows: &[CheckRow]) -> Result<Self> {
        if call.is_read_only {
            return Ok(Self(HashMap::new()));
        }
        let (all, _) = channels::list(conn, call.project.project_id, 0, i64::MAX).await?;
        let names: HashMap<i64, String> =
            all.into_iter().map(|row| (row.channel_id, row.uuid)).collect();
        let ids: Vec<i64> = rows.iter().map(|row| row.check_id).collect();
        let mut told: HashMap<i64, Vec<String>> = HashMap::new();
        for (check_id, channel_id) in channels::of_checks(conn, &ids).await? {
            told.entry(check_id).or_default().extend(names.get(&channel_id).cloned());
        }
        for uuids in told.values_mut() {
            uuids.sort();
        }
        Ok(Self(told))
    }

    fn text(&self, check_id: i64) -> String {
        self.0.get(&check_id).map_or_else(String::new, |uuids| uuids.join(","))
    }
}

async fn answer(call: &Call<'_>, check_id: i64, status: StatusCode) -> Answer {
    let mut conn = call.ctx.store.read().await?;
    let found = checks::find(&mut conn, call.project.project_id, check_id).await;
    let (row, _) = found.map_err(gone)?;
    drop(conn);
    Ok(rendered(status, &value(call, &row).await?))
}

async fn value(call: &Call<'_>, row: &CheckRow) -> Result<Value> {
    let mut conn = call.ctx.store.read().await?;
    let told = Channels::of(&mut conn, call, std::slice::from_ref(row)).await?;
    Ok(shown(call, row, &told))
}

/// A check as it is read: with a key that may write by its UUID, else by its unique key.
fn shown(call: &Call<'_>, row: &CheckRow, told: &Channels) -> Value {
    let server = &call.ctx.config.server;
    let mut facts = CheckFacts {
        badge_url: badge_url(&server.site_url, row),
        ..check_facts(row, call.ctx.now())
    };
    if call.version == Version::V1 && facts.started {
        "started".clone_into(&mut facts.status);
    }
    let mut json = check_json(&facts);
    if call.is_read_only {
        return json;
    }
    if let Some(fields) = json.as_object_mut() {
        fields.remove("unique_key");
    }
    let uuid = &row.uuid;
    let own = format!("{}/api/{}/checks/{uuid}", server.site_url, call.version.as_str());
    json["uuid"] = json!(uuid);
    json["ping_url"] = json!(format!("{}{uuid}", server.ping_endpoint()));
    json["pause_url"] = json!(format!("{own}/pause"));
    json["resume_url"] = json!(format!("{own}/resume"));
    json["update_url"] = json!(own);
    json["channels"] = json!(told.text(row.check_id));
    json
}
