//! `/projects/{uuid}/checks/new` and `…/{check}/edit`: the form of a check. It keeps what was typed,
//! shows the next times of the schedule, and works without JavaScript: the buttons for that and for
//! the usual lengths send the form, which comes back filled in.

use std::borrow::Cow;

use askama::Template;
use axum::extract::{Path, Request};
use axum::response::Response;
use http::StatusCode;

use super::super::form::{self, Errors, Field};
use super::super::project::{Here, to_its_end};
use super::super::texts::{self, Text};
use super::super::{Site, page, words};
use super::draft::Draft;
use super::picked::{self, Picked};
use super::preview::{self, Preview};
use crate::fault::{Fault, Result};
use crate::service::checks;
use crate::store::channels::{self, ChannelRow};
use crate::store::checks::Settings;
use crate::store::monitors::{self, DeviceName};
use crate::store::projects::Role;

/// The usual periods, in seconds.
const PERIODS: [i64; 9] = [60, 300, 900, 1800, 3600, 21_600, 86_400, 604_800, 2_592_000];
/// The usual graces, in seconds.
const GRACES: [i64; 6] = [60, 300, 900, 1800, 3600, 21_600];
/// As many channels are offered.
const CHANNELS: i64 = 1000;
/// As many devices.
const DEVICES: i64 = 1000;

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/checks/edit.html" %}"#)]
struct Edit<'a> {
    site: &'a Site,
    draft: &'a Draft,
    errors: &'a Errors,
    preview: Preview,
    channels: &'a [ChannelRow],
    devices: &'a [DeviceName],
    /// The name of the check that is changed; none: a new one.
    old: Option<Cow<'a, str>>,
    /// Where the form goes, with the prefix.
    action: String,
    /// Where the page leads back to, with the prefix.
    back: String,
    /// The project's checks, with the prefix.
    list: String,
    project: String,
    periods: Vec<(i64, String)>,
    graces: Vec<(i64, String)>,
    /// The part for filters and the like stands open.
    has_more: bool,
}

impl<'a> Edit<'a> {
    fn field(&self, name: &'a str, label: Text, value: &'a str, hint: Text) -> Field<'a> {
        Field { hint, ..Field::text(name, label, value, self.errors) }
    }

    fn name_field(&self) -> Field<'a> {
        let hint = texts::t("checks-edit-what-the-job-does-as");
        let field =
            self.field("check_name", texts::t("checks-edit-name"), &self.draft.check_name, hint);
        let has_focus = self.draft.check_name.is_empty() || field.error.is_some();
        Field { min_length: 1, max_length: 100, has_focus, ..field }
    }
}

/// What the form is of: a check that is there, or none.
struct Target {
    old: Option<Picked>,
    channels: Vec<ChannelRow>,
    /// What the job may run on.
    devices: Vec<DeviceName>,
}

impl Target {
    async fn read(here: &Here, name: Option<&str>) -> Result<Self> {
        here.need(Role::Editor)?;
        let old = match name {
            Some(name) => Some(Picked::find(here, name).await?),
            None => None,
        };
        let mut conn = here.ctx().store.read().await?;
        let (channels, _) = channels::list(&mut conn, here.project_id(), 0, CHANNELS).await?;
        let mut devices = monitors::devices_of(&mut conn, here.project_id(), DEVICES).await?;
        let own = old.as_ref().map(|old| old.row.check_id);
        devices.retain(|device| Some(device.check_id) != own);
        Ok(Self { old, channels, devices })
    }

    /// What stands in the form at first.
    fn draft(&self, here: &Here) -> Draft {
        let draft = match &self.old {
            Some(old) => Draft::of(&old.row.settings, &old.channels),
            None => Draft::of(&Settings::default(), &self.all_channels()),
        };
        if draft.is_simple() { with_starters(here, draft) } else { draft }
    }

    fn all_channels(&self) -> Vec<i64> {
        self.channels.iter().map(|row| row.channel_id).collect()
    }

    fn page<'a>(&'a self, here: &'a Here, draft: &'a Draft, errors: &'a Errors) -> Edit<'a> {
        let list = format!("{}{}", here.site.prefix, here.path("/checks"));
        let tail = self.old.as_ref().map(|old| picked::tail(here, &old.row));
        let own = tail.map(|tail| format!("{}{}", here.site.prefix, here.path(&tail)));
        let usual = |all: &[i64]| all.iter().map(|n| (*n, words::duration(*n))).collect();
        Edit {
            site: &here.site,
            draft,
            errors,
            preview: preview::of(here, draft),
            channels: &self.channels,
            devices: &self.devices,
            old: self.old.as_ref().map(|old| picked::name(&old.row)),
            action: own.as_ref().map_or_else(|| format!("{list}/new"), |own| format!("{own}/edit")),
            back: own.unwrap_or_else(|| list.clone()),
            project: format!("{}{}", here.site.prefix, here.path("")),
            list,
            periods: usual(&PERIODS),
            graces: usual(&GRACES),
            has_more: has_more(draft, errors),
        }
    }
}

/// What stands in the fields of a schedule before there is one.
fn with_starters(here: &Here, draft: Draft) -> Draft {
    let timezone = here.site.reader.zone.name().to_owned();
    Draft { schedule: "0 3 * * *".to_owned(), timezone, ..draft }
}

/// Whether something is set, or wrong, that stands in the folded part.
fn has_more(draft: &Draft, errors: &Errors) -> bool {
    const FOLDED: [&str; 7] = [
        "slug",
        "start_kw",
        "success_kw",
        "failure_kw",
        "failure_threshold",
        "flap_threshold",
        "early_tolerance",
    ];
    let Draft { slug, start_kw, success_kw, failure_kw, early_tolerance, .. } = draft;
    let words = [slug, start_kw, success_kw, failure_kw, early_tolerance];
    FOLDED.iter().any(|field| errors.at(field).is_some())
        || words.iter().any(|text| !text.is_empty())
        || draft.post_only
        || draft.manual_resume
}

pub(super) async fn fresh(here: Here) -> Response {
    let shown = first(&here, None).await;
    here.answer(shown).await
}

pub(super) async fn show(here: Here, Path((_, name)): Path<(String, String)>) -> Response {
    let shown = first(&here, Some(&name)).await;
    here.answer(shown).await
}

async fn first(here: &Here, name: Option<&str>) -> Result<Response> {
    let target = Target::read(here, name).await?;
    let draft = target.draft(here);
    Ok(page(StatusCode::OK, &target.page(here, &draft, &Errors::default())))
}

pub(super) async fn create(here: Here, request: Request) -> Response {
    let done = submit(&here, None, request).await;
    here.answer(done).await
}

pub(super) async fn update(
    here: Here,
    Path((_, name)): Path<(String, String)>,
    request: Request,
) -> Response {
    let done = submit(&here, Some(&name), request).await;
    here.answer(done).await
}

async fn submit(here: &Here, name: Option<&str>, request: Request) -> Result<Response> {
    let (head, body) = request.into_parts();
    let mut fields = form::read_long(&head, body, here.ctx()).await?;
    let target = Target::read(here, name).await?;
    let asks_only = ["show", "preset_period", "preset_grace"].iter().any(|name| fields.has(name));
    let draft = Draft::read(&mut fields);
    if asks_only {
        return Ok(page(StatusCode::OK, &target.page(here, &draft, &Errors::default())));
    }
    match save(here, &target, &draft).await? {
        Ok(response) => Ok(response),
        Err(errors) => Ok(page(StatusCode::BAD_REQUEST, &target.page(here, &draft, &errors))),
    }
}

/// Makes or changes the check; the inner fault is what the form has to tell.
async fn save(here: &Here, target: &Target, draft: &Draft) -> Result<Result<Response, Errors>> {
    let change = match draft.change() {
        Ok(change) => change,
        Err(errors) => return Ok(Err(errors)),
    };
    let (ctx, project_id) = (here.ctx().clone(), here.project_id());
    let old = target.old.as_ref().map(|old| old.row.check_id);
    let work = async move {
        change.validate(&ctx.config)?;
        if let Some(check_id) = old {
            checks::update(&ctx, project_id, check_id, &change).await?;
            return Ok(check_id);
        }
        let settings = change.applied_to(&Settings::default())?;
        checks::validate(&ctx, &settings)?;
        checks::create(&ctx, project_id, &settings, change.channels.as_deref()).await
    };
    let check_id = match to_its_end(work).await {
        Ok(check_id) => check_id,
        Err(fault @ (Fault::Invalid { .. } | Fault::Conflict(_))) => return Ok(Err(fault.into())),
        Err(fault) => return Err(fault),
    };
    let row = Picked::find(here, &check_id.to_string()).await?.row;
    let did = if old.is_some() { "saved" } else { "made" };
    Ok(Ok(here.go(&format!("{}?did={did}", picked::tail(here, &row)))))
}
