//! `/projects/{uuid}/checks`: the checks of a project, a page at a time, those that need somebody
//! first. So many statements as there are kinds of things on the page, however many checks it has.

use std::borrow::Cow;
use std::collections::HashMap;

use askama::Template;
use axum::response::Response;
use http::{StatusCode, Uri};

use super::super::chart::{self, StripRun};
use super::super::form::Fields;
use super::super::pager::Pager;
use super::super::project::Here;
use super::super::reader::When;
use super::super::texts::{self, Text};
use super::super::{Site, page};
use super::picked;
use crate::clock::Timestamp;
use crate::context::Context;
use crate::domain::ping::PingKind;
use crate::domain::run::RunResult;
use crate::fault::{Fault, Result};
use crate::store::checks::{self, CheckRow, Filter, Order, OrderBy};
use crate::store::tx::Conn;
use crate::store::{channels, pings, projects, runs};

/// Checks on a page.
pub(super) const PAGE: i64 = 100;
/// As many tags are offered as filters.
const TAGS: i64 = 40;
/// As many channels are told by name; a project may have more.
const CHANNELS: i64 = 1000;

/// What the address asks for.
#[derive(Clone, Debug, Default)]
struct Asked {
    q: String,
    tag: String,
    status: String,
    order: String,
    page: i64,
}

impl Asked {
    fn read(uri: &Uri) -> Self {
        let mut fields = Fields::parse(uri.query().unwrap_or_default().as_bytes());
        let status = fields.take("status");
        let is_status = texts::STATUSES.iter().any(|(name, ..)| *name == status);
        Self {
            q: fields.take_trimmed("q"),
            tag: fields.take_trimmed("tag"),
            status: if is_status { status } else { String::new() },
            order: fields.take("order"),
            page: Pager::number(&fields.take("page")),
        }
    }

    fn filter(&self) -> Filter {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let by = match self.order.as_str() {
            "name" => OrderBy::Name,
            "last" => OrderBy::LastPingAt,
            _ => OrderBy::Status,
        };
        Filter {
            tags: some(&self.tag).into_iter().collect(),
            statuses: some(&self.status).into_iter().collect(),
            q: some(&self.q),
            order: Order { by, descending: by == OrderBy::LastPingAt },
            ..Filter::default()
        }
    }

    /// The query of this list, without its page.
    fn query(&self) -> String {
        let pairs =
            [("q", &self.q), ("tag", &self.tag), ("status", &self.status), ("order", &self.order)];
        let given = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish()
    }
}

/// A link that filters the list: by a state, or by a tag.
struct Choice<'a> {
    href: String,
    shape: &'static str,
    name: &'a str,
    word: Text,
    count: String,
    is_chosen: bool,
}

/// A line of the list.
struct Line<'a> {
    row: &'a CheckRow,
    name: Cow<'a, str>,
    /// The address of its page.
    href: String,
    status: &'static str,
    schedule: String,
    last: Option<When>,
    /// When a ping is expected.
    next: Option<When>,
    /// When it goes down: told while it is late.
    down: Option<When>,
    /// Since when a run is open.
    running: Option<When>,
    strip: String,
    channels: Vec<&'a str>,
    /// Its ping URL, for those who may ping.
    url: Option<String>,
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/checks/list.html" %}"#)]
struct List<'a> {
    site: &'a Site,
    here: &'a Here,
    asked: &'a Asked,
    /// The address of the list, with the prefix.
    base: String,
    /// This very page, below the prefix: where buttons lead back to.
    back: String,
    counts: Vec<Choice<'a>>,
    tags: Vec<Choice<'a>>,
    lines: Vec<Line<'a>>,
    pager: Pager,
    may_write: bool,
    /// The project has no check at all.
    is_empty: bool,
    /// A ping to this address makes a check.
    first_url: String,
}

pub(super) async fn show(here: Here, uri: Uri) -> Response {
    let shown = list(&here, &uri).await;
    here.answer(shown).await
}

/// What is read for a page.
struct Data {
    rows: Vec<CheckRow>,
    total: i64,
    counts: Vec<projects::StatusCount>,
    tags: Vec<checks::TagCount>,
    beside: Beside,
}

/// What stands in lines beside the checks themselves.
struct Beside {
    strips: HashMap<i64, Vec<StripRun>>,
    told: Vec<(i64, i64)>,
    channels: HashMap<i64, String>,
}

impl Beside {
    async fn read(conn: &mut Conn, project_id: i64, rows: &[CheckRow]) -> Result<Self> {
        let ids: Vec<i64> = rows.iter().map(|row| row.check_id).collect();
        let (channels, _) = channels::list(conn, project_id, 0, CHANNELS).await?;
        Ok(Self {
            strips: strips(conn, &ids).await?,
            told: channels::of_checks(conn, &ids).await?,
            channels: channels.into_iter().map(|row| (row.channel_id, row.channel_name)).collect(),
        })
    }
}

async fn read(here: &Here, asked: &Asked) -> Result<Data> {
    let (project_id, now) = (here.project_id(), here.now);
    let mut conn = here.ctx().store.read().await?;
    let offset = (asked.page - 1) * PAGE;
    let filter = asked.filter();
    let (rows, total) = checks::list(&mut conn, project_id, &filter, now, offset, PAGE).await?;
    Ok(Data {
        counts: projects::status_counts(&mut conn, &[project_id], now).await?,
        tags: checks::tags_of(&mut conn, project_id, TAGS).await?,
        beside: Beside::read(&mut conn, project_id, &rows).await?,
        rows,
        total,
    })
}

/// The last runs of these checks; of those that tell no starts, and so have no runs, their pings.
async fn strips(conn: &mut Conn, ids: &[i64]) -> Result<HashMap<i64, Vec<StripRun>>> {
    let most = i64::try_from(chart::MOST).unwrap_or(i64::MAX);
    let mut strips: HashMap<i64, Vec<StripRun>> = HashMap::new();
    for run in runs::last_of(conn, ids, most).await? {
        let bar = StripRun { result: run.result, duration_micros: run.duration };
        strips.entry(run.check_id).or_default().push(bar);
    }
    let others: Vec<i64> = ids.iter().copied().filter(|id| !strips.contains_key(id)).collect();
    for (check_id, kind) in pings::last_of(conn, &others, most).await? {
        let result = match kind {
            PingKind::Success => RunResult::Success,
            PingKind::Fail => RunResult::Fail,
            PingKind::Start | PingKind::Log | PingKind::Ign => continue,
        };
        strips.entry(check_id).or_default().push(StripRun { result, duration_micros: None });
    }
    Ok(strips)
}

async fn list(here: &Here, uri: &Uri) -> Result<Response> {
    let asked = Asked::read(uri);
    let data = read(here, &asked).await?;
    let seen = Seen {
        site: &here.site,
        project: &here.opened.project.uuid,
        may_write: here.opened.may_write(),
        now: here.now,
    };
    let base = format!("{}{}", here.site.prefix, here.path("/checks"));
    let query = asked.query();
    let address = if query.is_empty() { base.clone() } else { format!("{base}?{query}") };
    let lines = data.rows.iter().map(|row| line(&seen, &data.beside, row)).collect();
    Ok(page(
        StatusCode::OK,
        &List {
            site: &here.site,
            here,
            asked: &asked,
            back: here.site.here.clone(),
            counts: counts(here, &asked, &data, &base),
            tags: tags(here, &asked, &data, &base),
            lines,
            pager: Pager::new(&address, asked.page, PAGE, data.total),
            may_write: here.opened.may_write(),
            is_empty: data.counts.is_empty(),
            first_url: format!(
                "{}{}/my-first-check?create=1",
                here.site.ping_endpoint, here.opened.project.ping_key
            ),
            base,
        },
    ))
}

/// The states with the number of their checks; the one that is chosen leads back to all.
fn counts<'a>(here: &Here, asked: &Asked, data: &Data, base: &str) -> Vec<Choice<'a>> {
    let count = |name: &str| {
        let found = data.counts.iter().find(|count| count.status == name);
        found.map_or(0, |count| count.checks)
    };
    let choice = |(name, shape, word): (&'static str, &'static str, &'static str)| {
        let is_chosen = asked.status == name;
        let status = if is_chosen { String::new() } else { name.to_owned() };
        let other = Asked { status, ..asked.clone() };
        let href = format!("{base}?{}", other.query());
        let count = here.site.reader.number(count(name));
        Choice { href, shape, name, word: texts::t(word), count, is_chosen }
    };
    texts::STATUSES.map(choice).into()
}

fn tags<'a>(here: &Here, asked: &Asked, data: &'a Data, base: &str) -> Vec<Choice<'a>> {
    let choice = |tag: &'a checks::TagCount| {
        let is_chosen = asked.tag == tag.tag;
        let chosen = if is_chosen { String::new() } else { tag.tag.clone() };
        let other = Asked { tag: chosen, ..asked.clone() };
        let href = format!("{base}?{}", other.query());
        let count = here.site.reader.number(tag.checks);
        Choice { href, shape: "", name: &tag.tag, word: tag.tag.as_str().into(), count, is_chosen }
    };
    data.tags.iter().map(choice).collect()
}

/// Who sees a line, and when.
#[derive(Clone, Copy, Debug)]
pub(in crate::http::pages) struct Seen<'a> {
    pub(in crate::http::pages) site: &'a Site,
    /// The project's public id.
    pub(in crate::http::pages) project: &'a str,
    pub(in crate::http::pages) may_write: bool,
    pub(in crate::http::pages) now: Timestamp,
}

fn line<'a>(seen: &Seen<'_>, beside: &'a Beside, row: &'a CheckRow) -> Line<'a> {
    let (now, reader) = (seen.now, &seen.site.reader);
    let when = |at: Timestamp| reader.when(at, now);
    let status = row.shown_status(now);
    let expected = row.next_ping_at.filter(|_| matches!(status, "up" | "grace" | "down"));
    let told = beside.told.iter().filter(|(check_id, _)| *check_id == row.check_id);
    let tail = picked::tail_for(seen.may_write, row);
    Line {
        row,
        name: picked::name(row),
        href: format!("{}/projects/{}{tail}", seen.site.prefix, seen.project),
        status,
        schedule: row.settings.rules().schedule.words(),
        last: row.last_ping_at.map(when),
        next: expected.map(when),
        down: row.alert_at.filter(|_| status == "grace").map(when),
        running: row.last_start_at.filter(|_| row.open_runs > 0).map(when),
        strip: beside.strips.get(&row.check_id).map_or_else(String::new, |runs| chart::strip(runs)),
        channels: told.filter_map(|(_, id)| beside.channels.get(id)).map(String::as_str).collect(),
        url: seen.may_write.then(|| format!("{}{}", seen.site.ping_endpoint, row.uuid)),
    }
}

/// A line by itself, as it comes to a page that is open.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"{% import "src/http/pages/pieces.html" as pieces %}{% include "src/http/pages/checks/row.html" %}"#
)]
struct Alone<'a> {
    line: Line<'a>,
    may_write: bool,
}

/// The lines of these checks of a project, each with the check's id.
///
/// # Errors
/// The database is out.
pub(in crate::http::pages) async fn lines(
    ctx: &Context,
    seen: &Seen<'_>,
    project_id: i64,
    filter: &Filter,
) -> Result<Vec<(i64, String)>> {
    let mut conn = ctx.store.read().await?;
    let most = i64::try_from(filter.check_ids.len()).unwrap_or(PAGE);
    let (rows, _) = checks::list(&mut conn, project_id, filter, seen.now, 0, most).await?;
    let beside = Beside::read(&mut conn, project_id, &rows).await?;
    drop(conn);
    let draw = |row: &CheckRow| {
        let alone = Alone { line: line(seen, &beside, row), may_write: seen.may_write };
        Ok((row.check_id, alone.render().map_err(Fault::internal)?))
    };
    rows.iter().map(draw).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(address: &str) -> Asked {
        Asked::read(&address.parse().unwrap())
    }

    #[test]
    fn a_list_keeps_what_was_asked_in_its_links() {
        let all = asked("/x?q=a+b&tag=t%26&status=down&order=name&page=3");
        assert_eq!(all.query(), "q=a+b&tag=t%26&status=down&order=name");
        assert_eq!((all.page, asked("/x?page=0").page), (3, 1));
    }

    #[test]
    fn what_is_no_state_does_not_filter() {
        assert_eq!(asked("/x?status=nonsense").filter().statuses, Vec::<String>::new());
        assert_eq!(asked("/x?status=grace").filter().statuses, ["grace"]);
        assert_eq!(asked("/x").filter().order.by, OrderBy::Status);
    }
}
