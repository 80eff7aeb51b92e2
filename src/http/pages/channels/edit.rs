//! `/projects/{uuid}/channels/new` and `…/{channel}/edit`: the kinds to choose from, and the form of
//! one. It keeps what was typed; secrets stand masked in it and stay when they come back so.

use askama::Template;
use axum::extract::{Path, Request};
use axum::response::Response;
use http::{StatusCode, Uri};

use super::super::form::{self, Errors, Field, Fields};
use super::super::project::{Here, to_its_end};
use super::super::texts::{self, Text};
use super::super::{Site, page};
use super::inputs::{self, Control, Input};
use super::kinds;
use super::show::{self, picked};
use crate::fault::{Fault, Result};
use crate::notify::channels::Kind;
use crate::service::channels::{self, Change, kind_of};
use crate::store;
use crate::store::channels::ChannelRow;
use crate::store::projects::Role;

/// How a signing secret begins.
const MADE_SECRET: &str = "whsec_";

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/channels/kinds.html" %}"#)]
struct Kinds<'a> {
    site: &'a Site,
    list: String,
    kinds: Vec<(&'static str, String, &'static str)>,
}

/// What was typed about the channel itself.
#[derive(Debug)]
struct Draft {
    channel_name: String,
    on_down: bool,
    on_up: bool,
    after: String,
    remind_every: String,
    group_threshold: String,
    inputs: Vec<Input>,
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/channels/edit.html" %}"#)]
struct Edit<'a> {
    site: &'a Site,
    kind: Kind,
    title: String,
    draft: &'a Draft,
    errors: &'a Errors,
    /// The channels that a group may stand for.
    others: &'a [ChannelRow],
    /// The name of the channel that is changed; none: a new one.
    old: Option<&'a str>,
    action: String,
    back: String,
}

impl<'a> Edit<'a> {
    fn name_field(&self) -> Field<'a> {
        let hint = texts::t("channels-edit-as-you-want-to-read");
        let field = Field::text(
            "channel_name",
            texts::t("channels-edit-name"),
            &self.draft.channel_name,
            self.errors,
        );
        Field { hint, min_length: 1, max_length: 100, ..field }
    }

    fn number(&self, name: &'a str, label: Text, value: &'a str, hint: Text) -> Field<'a> {
        Field { hint, kind: "number", ..Field::text(name, label, value, self.errors) }
    }

    /// Whether this setting can be chosen for the kind.
    fn is_free(&self, name: &str) -> bool {
        let fixed = self.kind.fixed_settings().map(|(fixed, _)| fixed).unwrap_or_default();
        !fixed.contains(&name)
    }
}

impl Draft {
    fn fresh(kind: Kind) -> Self {
        Self {
            channel_name: kinds::title(kind.as_str()),
            on_down: true,
            on_up: true,
            after: "0".to_owned(),
            remind_every: "0".to_owned(),
            group_threshold: kind.default_group_threshold().to_string(),
            inputs: Input::of(kind),
        }
    }

    fn of(here: &Here, kind: Kind, row: &ChannelRow) -> Result<Self> {
        let config = channels::shown_config(here.ctx(), row)?;
        let mut inputs = Input::of(kind);
        for input in &mut inputs {
            input.show(&config);
        }
        Ok(Self {
            channel_name: row.channel_name.clone(),
            on_down: row.on_down.into(),
            on_up: row.on_up.into(),
            after: row.after_minutes.to_string(),
            remind_every: row.remind_every.to_string(),
            group_threshold: row.group_threshold.to_string(),
            inputs,
        })
    }

    fn read(kind: Kind, fields: &mut Fields) -> Self {
        let mut inputs = Input::of(kind);
        for input in &mut inputs {
            input.take(fields);
        }
        Self {
            channel_name: fields.take_trimmed("channel_name"),
            on_down: fields.take_flag("on_down"),
            on_up: fields.take_flag("on_up"),
            after: fields.take_trimmed("after"),
            remind_every: fields.take_trimmed("remind_every"),
            group_threshold: fields.take_trimmed("group_threshold"),
            inputs,
        }
    }

    /// What it asks for. What the kind does not let anybody choose is left as it is.
    fn change(&self, kind: Kind) -> Result<Change, Errors> {
        let fixed = kind.fixed_settings().map(|(fixed, _)| fixed).unwrap_or_default();
        let mut errors = Errors::default();
        let mut number = |name: &'static str, text: &str| {
            if fixed.contains(&name) || text.is_empty() {
                return None;
            }
            let number = text.parse().map_err(|_| Fault::invalid(name, "must be a whole number"));
            number.map_err(|fault| errors.add(fault)).ok()
        };
        let (after, remind_every) =
            (number("after", &self.after), number("remind_every", &self.remind_every));
        let group_threshold = number("group_threshold", &self.group_threshold);
        let flag = |name: &str, is_set| (!fixed.contains(&name)).then_some(is_set);
        let config = inputs::config(&self.inputs).map_err(|fault| errors.add(fault)).ok();
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Change {
            channel_name: Some(self.channel_name.clone()),
            config,
            on_down: flag("on_down", self.on_down),
            on_up: flag("on_up", self.on_up),
            after,
            remind_every,
            group_threshold,
            disabled: None,
        })
    }
}

/// What the form is of.
struct Target {
    kind: Kind,
    old: Option<ChannelRow>,
    others: Vec<ChannelRow>,
}

impl Target {
    async fn read(here: &Here, kind: Kind, old: Option<ChannelRow>) -> Result<Self> {
        let others = if kind == Kind::Group {
            let mut conn = here.ctx().store.read().await?;
            let most = channels::MAX_COUNT;
            store::channels::list(&mut conn, here.project_id(), 0, most).await?.0
        } else {
            Vec::new()
        };
        let others = others.into_iter().filter(|row| row.kind != Kind::Group.as_str()).collect();
        Ok(Self { kind, old, others })
    }

    fn page<'a>(&'a self, here: &'a Here, draft: &'a Draft, errors: &'a Errors) -> Edit<'a> {
        let list = format!("{}{}", here.site.prefix, here.path("/channels"));
        let own = self.old.as_ref().map(|row| format!("{list}/{}", row.uuid));
        Edit {
            site: &here.site,
            kind: self.kind,
            title: kinds::title(self.kind.as_str()),
            draft,
            errors,
            others: &self.others,
            old: self.old.as_ref().map(|row| row.channel_name.as_str()),
            action: own.as_ref().map_or_else(
                || format!("{list}/new?kind={}", self.kind.as_str()),
                |own| format!("{own}/edit"),
            ),
            back: own.unwrap_or(list),
        }
    }
}

/// The kind that an address asks for.
fn asked(uri: &Uri) -> Option<Kind> {
    let mut fields = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    Kind::parse(&fields.take("kind"))
}

pub(super) async fn fresh(here: Here, uri: Uri) -> Response {
    let shown = first(&here, &uri).await;
    here.answer(shown).await
}

async fn first(here: &Here, uri: &Uri) -> Result<Response> {
    here.need(Role::Editor)?;
    let Some(kind) = asked(uri) else {
        let list = format!("{}{}", here.site.prefix, here.path("/channels"));
        return Ok(page(StatusCode::OK, &Kinds { site: &here.site, list, kinds: kinds::all() }));
    };
    let target = Target::read(here, kind, None).await?;
    Ok(page(StatusCode::OK, &target.page(here, &Draft::fresh(kind), &Errors::default())))
}

pub(super) async fn show(here: Here, Path((_, uuid)): Path<(String, String)>) -> Response {
    let shown = stored(&here, &uuid).await;
    here.answer(shown).await
}

async fn stored(here: &Here, uuid: &str) -> Result<Response> {
    here.need(Role::Editor)?;
    let row = picked(here, uuid).await?;
    let kind = kind_of(&row.kind)?;
    let draft = Draft::of(here, kind, &row)?;
    let target = Target::read(here, kind, Some(row)).await?;
    Ok(page(StatusCode::OK, &target.page(here, &draft, &Errors::default())))
}

pub(super) async fn create(here: Here, uri: Uri, request: Request) -> Response {
    let done = made(&here, &uri, request).await;
    here.answer(done).await
}

async fn made(here: &Here, uri: &Uri, request: Request) -> Result<Response> {
    here.need(Role::Editor)?;
    let kind = asked(uri).ok_or(Fault::NotFound)?;
    let target = Target::read(here, kind, None).await?;
    submit(here, target, request).await
}

pub(super) async fn update(
    here: Here,
    Path((_, uuid)): Path<(String, String)>,
    request: Request,
) -> Response {
    let done = changed(&here, &uuid, request).await;
    here.answer(done).await
}

async fn changed(here: &Here, uuid: &str, request: Request) -> Result<Response> {
    here.need(Role::Editor)?;
    let row = picked(here, uuid).await?;
    let target = Target::read(here, kind_of(&row.kind)?, Some(row)).await?;
    submit(here, target, request).await
}

async fn submit(here: &Here, target: Target, request: Request) -> Result<Response> {
    let (head, body) = request.into_parts();
    let mut fields = form::read_long(&head, body, here.ctx()).await?;
    let draft = Draft::read(target.kind, &mut fields);
    let saved = match draft.change(target.kind) {
        Ok(change) => save(here, &target, change).await,
        Err(errors) => {
            return Ok(page(StatusCode::BAD_REQUEST, &target.page(here, &draft, &errors)));
        }
    };
    match saved {
        Ok(Saved { row, secret: Some(secret) }) => show::made(here, &row.uuid, secret).await,
        Ok(Saved { row, secret: None }) => {
            let did = if target.old.is_some() { "saved" } else { "made" };
            Ok(here.go(&format!("/channels/{}?did={did}", row.uuid)))
        }
        Err(fault @ (Fault::Invalid { .. } | Fault::Conflict(_))) => {
            Ok(page(StatusCode::BAD_REQUEST, &target.page(here, &draft, &fault.into())))
        }
        Err(fault) => Err(fault),
    }
}

/// A channel that was made or changed.
struct Saved {
    row: ChannelRow,
    /// The signing secret that was made for it, which is not to be had again.
    secret: Option<String>,
}

async fn save(here: &Here, target: &Target, change: Change) -> Result<Saved> {
    let (ctx, project_id, kind) = (here.ctx().clone(), here.project_id(), target.kind);
    let old = target.old.as_ref().map(|row| row.channel_id);
    to_its_end(async move {
        change.validate()?;
        if let Some(channel_id) = old {
            let row = channels::update(&ctx, project_id, channel_id, &change).await?;
            return Ok(Saved { row, secret: None });
        }
        let given = change.config.clone().unwrap_or_default();
        let config = channels::new_config(kind, &given)?;
        let row = channels::create(&ctx, project_id, kind, &config, &change).await?;
        let first = channels::first_shown_config(kind, &given, &config);
        let secret = first["secret"].as_str().filter(|text| text.starts_with(MADE_SECRET));
        let is_own = given["secret"].as_str().is_none_or(str::is_empty);
        Ok(Saved { row, secret: secret.filter(|_| is_own).map(str::to_owned) })
    })
    .await
}
