//! `/projects/{uuid}/checks/{check}`: one check: its state and why, what pings it, its log, and what
//! can be done with it.

use std::borrow::Cow;

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::{StatusCode, Uri};

use super::super::form::Fields;
use super::super::project::Here;
use super::super::texts::Text;
use super::super::{Site, chart, page, texts, words};
use super::log::{self, FILTERS, Log};
use super::picked::{self, Picked};
use super::sentence;
use crate::domain::snippet::Language;
use crate::fault::Result;
use crate::service::snippets;
use crate::store::checks::CheckRow;
use crate::store::{channels, flips, monitors};

/// What may have happened just before, by the word in the address, and how the page tells it.
const NEWS: [(&str, &str); 8] = [
    ("made", "checks-the-check-is-made-it"),
    ("saved", "checks-the-changes-are-saved"),
    ("paused", "checks-the-check-is-paused"),
    ("resumed", "checks-the-check-is-resumed"),
    ("pinged", "checks-the-ping-is-stored"),
    ("cloned", "checks-this-is-the-copy-it"),
    ("moved", "checks-the-check-is-in-this"),
    ("busy", "checks-the-server-could-not-take"),
];

/// A line of settings.
struct Fact {
    name: &'static str,
    value: String,
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/checks/show.html" %}"#)]
struct Show<'a> {
    site: &'a Site,
    row: &'a CheckRow,
    name: Cow<'a, str>,
    /// The address of this page, with the prefix.
    base: String,
    /// The address of the list.
    list: String,
    /// The address of the help.
    help: String,
    /// Its tags, with the address of the list of those that have them.
    tags: Vec<(String, &'a str)>,
    status: &'static str,
    sentence: Text,
    news: Option<&'static str>,
    facts: Vec<Fact>,
    /// What pings it; none for those who may not ping.
    urls: Option<Urls>,
    /// The snippets stand open.
    is_new: bool,
    /// Where the page hears what changes.
    events: String,
    /// Pictures of its runs, ready to be shown.
    charts: String,
    log: Log,
    filters: Vec<(String, &'static str, bool)>,
    may_write: bool,
    /// Where it can be moved to: public id and name.
    others: Vec<(String, String)>,
}

/// How a check is pinged.
struct Urls {
    uuid: String,
    slug: Option<String>,
    mail: Option<String>,
    snippets: Vec<(&'static str, String)>,
}

pub(super) async fn show(
    here: Here,
    Path((_, name)): Path<(String, String)>,
    uri: Uri,
) -> Response {
    let shown = check(&here, &name, &uri).await;
    here.answer(shown).await
}

async fn check(here: &Here, name: &str, uri: &Uri) -> Result<Response> {
    let picked = Picked::find(here, name).await?;
    let row = &picked.row;
    let mut conn = here.ctx().store.read().await?;
    let (flips, _) = flips::list(&mut conn, row.check_id, 0, 1).await?;
    let told = channels::find_many(&mut conn, &picked.channels).await?;
    let device = match row.settings.device_id {
        Some(id) => monitors::name_of(&mut conn, id).await?,
        None => None,
    };
    // Two connections at a time would be one more than needed.
    drop(conn);
    let log = log::of(here, &picked, uri).await?;
    let mut query = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    let (news, chosen) = (query.take("did"), query.take("span"));
    let base = format!("{}{}", here.site.prefix, here.path(&picked::tail(here, row)));
    let list = format!("{}{}", here.site.prefix, here.path("/checks"));
    let charts =
        chart::of_check(here.ctx(), row, &base, &chosen, &here.site.reader, here.now).await?;
    let told: Vec<&str> = told.iter().map(|channel| channel.channel_name.as_str()).collect();
    Ok(page(
        StatusCode::OK,
        &Show {
            site: &here.site,
            row,
            name: picked::name(row),
            help: format!("{}{}", here.site.prefix, here.path("/help")),
            tags: tags(row, &list),
            list,
            status: row.shown_status(here.now),
            sentence: sentence::of(row, flips.first(), here.now, &here.site.reader),
            news: NEWS.iter().find(|(word, _)| *word == news).map(|(_, text)| *text),
            facts: facts(here, row, &told, device.as_deref()),
            urls: here.opened.may_write().then(|| urls(here, row)),
            is_new: row.n_pings == 0,
            events: format!("{}{}", here.site.prefix, here.path("/events")),
            charts,
            filters: filters(&base, &log.chosen),
            log,
            may_write: here.opened.may_write(),
            others: others(here),
            base,
        },
    ))
}

fn filters(base: &str, chosen: &str) -> Vec<(String, &'static str, bool)> {
    let link = |name: &str| match name {
        "" => format!("{base}#log"),
        name => format!("{base}?log={name}#log"),
    };
    FILTERS.iter().map(|(name, word)| (link(name), *word, *name == chosen)).collect()
}

fn tags<'a>(row: &'a CheckRow, list: &str) -> Vec<(String, &'a str)> {
    let query = |tag: &str| {
        form_urlencoded::Serializer::new(String::new()).append_pair("tag", tag).finish()
    };
    row.settings.tags.0.iter().map(|tag| (format!("{list}?{}", query(tag)), tag.as_str())).collect()
}

fn others(here: &Here) -> Vec<(String, String)> {
    let all = here.site.nav.as_ref().map(|nav| nav.projects.clone()).unwrap_or_default();
    all.into_iter().filter(|(uuid, _)| *uuid != here.opened.project.uuid).collect()
}

fn facts(here: &Here, row: &CheckRow, told: &[&str], device: Option<&str>) -> Vec<Fact> {
    let settings = &row.settings;
    let reader = &here.site.reader;
    let some = |text: String| (!text.is_empty()).then_some(text);
    let list = |text: &str| some(text.split(',').map(str::trim).collect::<Vec<_>>().join(", "));
    let facts = [
        ("checks-schedule", Some(settings.rules().schedule.words())),
        ("checks-expression", some(settings.schedule.clone())),
        ("checks-grace", Some(words::duration(settings.grace))),
        ("checks-longest-run", settings.max_runtime.map(words::duration)),
        ("checks-last-run-took", row.last_duration.map(words::took)),
        (
            "checks-down-after",
            Some(settings.failure_threshold)
                .filter(|n| *n > 1)
                .map(|n| texts::t("count-failures-in-a-row").count("n", n).plain()),
        ),
        (
            "checks-only-post-counts",
            bool::from(settings.post_only).then(|| texts::t("yes").plain()),
        ),
        ("checks-words-of-a-start", list(&settings.start_kw)),
        ("checks-words-of-a-success", list(&settings.success_kw)),
        ("checks-words-of-a-failure", list(&settings.failure_kw)),
        (
            "checks-tells",
            Some(if told.is_empty() {
                texts::t("checks-row-nobody").plain()
            } else {
                told.join(", ")
            }),
        ),
        ("checks-runs-on", device.map(str::to_owned)),
        ("checks-pings-so-far", Some(reader.number(row.n_pings))),
        ("checks-made", Some(reader.minute(row.created_at))),
    ];
    let given = |(name, value): (&'static str, Option<String>)| Some(Fact { name, value: value? });
    facts.into_iter().filter_map(given).collect()
}

fn urls(here: &Here, row: &CheckRow) -> Urls {
    let endpoint = &here.site.ping_endpoint;
    let slug = &row.settings.slug;
    let key = &here.opened.project.ping_key;
    let smtp = &here.ctx().config.smtp;
    let domain = smtp.domain.as_ref().filter(|_| smtp.listen.is_some());
    let snippet = |language: &Language| {
        (language_name(*language), snippets::of_check_at(endpoint, row, *language))
    };
    Urls {
        uuid: format!("{endpoint}{}", row.uuid),
        slug: (!slug.is_empty()).then(|| format!("{endpoint}{key}/{slug}")),
        mail: domain.map(|domain| format!("{}@{domain}", row.uuid)),
        snippets: Language::ALL.iter().map(snippet).collect(),
    }
}

pub(in crate::http::pages) fn language_name(language: Language) -> &'static str {
    match language {
        Language::Crontab => "Crontab",
        Language::Bash => "Bash",
        Language::Powershell => "PowerShell",
        Language::Python => "Python",
        Language::Systemd => "systemd",
        Language::Docker => "Docker Compose",
        Language::Kubernetes => "Kubernetes",
    }
}

impl Show<'_> {
    /// What is asked before it is deleted.
    fn question(&self) -> String {
        texts::t("checks-delete-with-all-of-its").with("name", &self.name).plain()
    }

    /// Where it is deleted.
    fn delete(&self) -> String {
        format!("{}/delete", self.base)
    }
}
