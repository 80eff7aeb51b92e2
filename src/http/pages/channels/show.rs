//! `/projects/{uuid}/channels/{uuid}`: one channel, what uses it, what it was sent; and "send a
//! test", which answers with this page and what came of it.

use askama::Template;
use axum::extract::{Path, Request};
use axum::response::Response;
use http::{StatusCode, Uri};
use serde_json::Value;

use super::super::form::{self, Fields};
use super::super::project::{Here, to_its_end};
use super::super::reader::When;
use super::super::{Site, page, texts};
use super::inputs::{Control, Input};
use super::log::{self, Log};
use super::{kinds, list};
use crate::fault::Result;
use crate::service::channels::{self, kind_of};
use crate::service::remark;
use crate::store;
use crate::store::channels::ChannelRow;
use crate::store::checks::Name;
use crate::store::projects::Role;

/// As many checks are named.
const NAMED: i64 = 20;

/// What came of a test.
struct Tested {
    is_good: bool,
    text: String,
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/channels/show.html" %}"#)]
struct Show<'a> {
    site: &'a Site,
    row: &'a ChannelRow,
    kind: String,
    state: list::State,
    sent: Option<When>,
    facts: Vec<(String, String)>,
    checks: Vec<(String, String)>,
    more_checks: i64,
    groups: Vec<ChannelRow>,
    log: Log,
    tested: Option<Tested>,
    /// The signing secret that was made for it, shown this once.
    secret: Option<String>,
    news: Option<&'static str>,
    list: String,
    base: String,
    may_write: bool,
    count: i64,
}

impl Show<'_> {
    fn is_disabled(&self) -> bool {
        self.row.disabled.into()
    }

    fn question(&self) -> String {
        let name = &self.row.channel_name;
        let uses = match (self.count, self.groups.len()) {
            (0, 0) => texts::t("channels-nothing-uses-it").plain(),
            (checks, 0) => texts::t("channels-told-by")
                .with("checks", texts::t("count-checks").count("n", checks).plain())
                .plain(),
            (checks, _) => {
                let groups: Vec<&str> =
                    self.groups.iter().map(|g| g.channel_name.as_str()).collect();
                let checks = texts::t("count-checks").count("n", checks).plain();
                texts::t("channels-told-by-and-by-the")
                    .with("checks", checks)
                    .with("join", groups.join(", "))
                    .plain()
            }
        };
        texts::t("channels-delete-the-channel-with-its")
            .with("name", name)
            .with("uses", uses)
            .plain()
    }

    fn delete(&self) -> String {
        format!("{}/delete", self.base)
    }
}

pub(super) async fn show(
    here: Here,
    Path((_, uuid)): Path<(String, String)>,
    uri: Uri,
) -> Response {
    let shown = look(&here, &uuid, &uri, None, None).await;
    here.answer(shown).await
}

pub(super) async fn test(
    here: Here,
    Path((_, uuid)): Path<(String, String)>,
    request: Request,
) -> Response {
    let shown = tried(&here, &uuid, request).await;
    here.answer(shown).await
}

async fn tried(here: &Here, uuid: &str, request: Request) -> Result<Response> {
    let (head, body) = request.into_parts();
    form::read(&head, body, here.ctx()).await?;
    here.need(Role::Editor)?;
    let row = picked(here, uuid).await?;
    let (ctx, outbound) = (here.ctx().clone(), here.pages.outbound.clone());
    let (project, zone) = (here.opened.project.clone(), here.site.reader.zone);
    let work = async move { channels::test(&ctx, &outbound, &project, row.channel_id, zone).await };
    let (_, remarks) = to_its_end(work).await?;
    let own = |remark: &&crate::service::Remark| remark.code != remark::QUEUE_DELAYED.code;
    let said: Vec<&str> =
        remarks.iter().filter(own).map(|remark| remark.message.as_str()).collect();
    let tested = if said.is_empty() {
        Tested { is_good: true, text: texts::t("channels-the-test-was-taken-look").plain() }
    } else {
        Tested { is_good: false, text: said.join(" · ") }
    };
    look(here, uuid, &Uri::default(), Some(tested), None).await
}

/// The channel that an address names.
pub(super) async fn picked(here: &Here, uuid: &str) -> Result<ChannelRow> {
    let mut conn = here.ctx().store.read().await?;
    channels::find_by_uuid(&mut conn, here.project_id(), uuid).await
}

/// The page of a channel that was just made, with the signing secret that was made for it.
pub(super) async fn made(here: &Here, uuid: &str, secret: String) -> Result<Response> {
    look(here, uuid, &Uri::from_static("/?did=made"), None, Some(secret)).await
}

async fn look(
    here: &Here,
    uuid: &str,
    uri: &Uri,
    tested: Option<Tested>,
    secret: Option<String>,
) -> Result<Response> {
    let row = picked(here, uuid).await?;
    let mut asked = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    let list = format!("{}{}", here.site.prefix, here.path("/channels"));
    let base = format!("{list}/{}", row.uuid);
    let log = log::read(here, row.channel_id, &base, &mut asked).await?;
    let mut conn = here.ctx().store.read().await?;
    let counts = store::channels::count_checks(&mut conn, &[row.channel_id]).await?;
    let count = counts.first().map_or(0, |(_, count)| *count);
    let named = store::channels::checks_of(&mut conn, row.channel_id, NAMED).await?;
    let groups = store::channels::groups_with(&mut conn, row.channel_id).await?;
    drop(conn);
    let checks: Vec<(String, String)> = named.iter().map(|check| link(here, check)).collect();
    let named = i64::try_from(checks.len()).unwrap_or_default();
    Ok(page(
        StatusCode::OK,
        &Show {
            site: &here.site,
            kind: kinds::title(&row.kind),
            state: list::state(&row),
            sent: row.last_sent_at.map(|at| here.site.reader.when(at, here.now)),
            facts: facts(here, &row)?,
            more_checks: count - named,
            checks,
            groups,
            log,
            tested,
            secret,
            news: news(&asked.take("did")),
            list,
            base,
            may_write: here.opened.may_write(),
            count,
            row: &row,
        },
    ))
}

fn link(here: &Here, check: &Name) -> (String, String) {
    let href = format!("{}{}", here.site.prefix, here.path(&format!("/checks/{}", check.check_id)));
    (href, texts::name(&check.check_name).into_owned())
}

fn news(did: &str) -> Option<&'static str> {
    Some(match did {
        "made" => "channels-the-channel-is-there-send",
        "saved" => "channels-saved",
        "enabled" => "channels-the-channel-is-enabled",
        "disabled" => "channels-the-channel-is-disabled-it",
        "assigned" => "channels-every-check-tells-this-channel",
        "retried" => "channels-the-message-is-sent-again",
        _ => return None,
    })
}

/// Its settings, secrets masked; what is empty is left out.
fn facts(here: &Here, row: &ChannelRow) -> Result<Vec<(String, String)>> {
    let config: Value = channels::shown_config(here.ctx(), row)?;
    let mut facts = Vec::new();
    for mut input in Input::of(kind_of(&row.kind)?) {
        input.show(&config);
        let value = match input.control {
            Control::Channels => continue,
            Control::Tick => texts::t(if input.value == "1" { "yes" } else { "no" }).plain(),
            _ => input.value,
        };
        if !value.is_empty() {
            facts.push((input.label.plain(), value));
        }
    }
    let told = match (bool::from(row.on_down), bool::from(row.on_up)) {
        (true, true) => "channels-going-down-and-coming-up",
        (true, false) => "channels-going-down",
        (false, true) => "channels-coming-up",
        (false, false) => "channels-told-of-nothing",
    };
    facts.push((texts::t("channels-is-told-of").plain(), texts::t(told).plain()));
    let minutes = |n| texts::t("count-minutes").count("n", n).plain();
    if row.after_minutes > 0 {
        facts.push((texts::t("channels-waits").plain(), minutes(row.after_minutes)));
    }
    if row.remind_every > 0 {
        facts.push((texts::t("channels-reminded-every").plain(), minutes(row.remind_every)));
    }
    if row.group_threshold > 0 {
        let many = texts::t("channels-more-than-messages-a-minute")
            .with("group_threshold", row.group_threshold)
            .plain();
        facts.push((texts::t("channels-collects").plain(), many));
    }
    Ok(facts)
}
