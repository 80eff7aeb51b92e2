//! `/admin`: the installation, for its administrators: users, nodes, what waits, the configuration.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::{StatusCode, Uri};

use super::form::Fields;
use super::pager::Pager;
use super::reader::{Reader, When};
use super::texts;
use super::visit::Visit;
use super::{Pages, Site, page, words};
use crate::clock::{SECOND, Timestamp};
use crate::fault::{Fault, Result};
use crate::store::nodes::NodeRow;
use crate::store::users::UserRow;
use crate::store::{nodes, notifications, states, users};

/// Users on a page.
const PAGE: i64 = 100;
/// Messages that wait are counted no further.
const MOST_COUNTED: i64 = 10_000;
/// As many nodes are shown.
const NODES: i64 = 100;

pub(super) fn routes() -> Router<Pages> {
    Router::new().route("/admin", get(show))
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/admin/show.html" %}"#)]
struct Admin<'a> {
    site: &'a Site,
    facts: Vec<(&'static str, String)>,
    nodes: Vec<(NodeRow, When, When)>,
    users: Vec<(UserRow, When)>,
    pager: Pager,
    config: String,
    notices: Vec<&'static str>,
}

impl Admin<'_> {
    #[allow(clippy::unused_self, reason = "templates ask the page for it")]
    fn is_admin(&self, user: &UserRow) -> bool {
        user.is_admin.into()
    }
}

async fn show(visit: Visit, uri: Uri) -> Response {
    let shown = look(&visit, &uri).await;
    visit.answer(shown).await
}

/// A number that was not counted beyond [`MOST_COUNTED`].
fn counted(reader: &Reader, n: i64) -> String {
    let number = reader.number(n);
    if n >= MOST_COUNTED {
        texts::t("admin-or-more").with("number", number).plain()
    } else {
        number
    }
}

#[allow(clippy::cast_precision_loss, reason = "a size is shown to a tenth of a megabyte")]
async fn look(visit: &Visit, uri: &Uri) -> Result<Response> {
    if !visit.site.is_admin {
        return Err(Fault::Forbidden("this page is for administrators".to_owned()));
    }
    let mut asked = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    let number = Pager::number(&asked.take("page"));
    let (ctx, now, reader) = (visit.ctx(), visit.now, &visit.site.reader);
    let mut conn = ctx.store.read().await?;
    let (users, total) = users::list(&mut conn, (number - 1) * PAGE, PAGE).await?;
    let nodes = nodes::list(&mut conn, NODES).await?;
    let unjudged = states::oldest_unjudged(&mut conn, now).await?;
    let waiting = notifications::count_pending(&mut conn, MOST_COUNTED).await?;
    let size = nodes::database_size(&mut conn).await?;
    let undelivered = notifications::oldest_undelivered(&mut conn, now).await?;
    drop(conn);
    let behind = |since: Option<Timestamp>| {
        words::duration(since.map_or(0, |since| now.micros_since(since).max(0) / SECOND))
    };
    let queued = i64::try_from(visit.pages.ingest.queued()).unwrap_or(i64::MAX);
    let kind = if ctx.store.file().is_some() { "SQLite" } else { "PostgreSQL" };
    let database = format!("{kind}, {} MB", reader.decimal(size as f64 / 1e6, 1));
    let facts = vec![
        ("admin-version", env!("CARGO_PKG_VERSION").to_owned()),
        ("admin-pings-that-wait-to-be", reader.number(queued)),
        ("admin-the-detector-is-behind-by", behind(unjudged)),
        ("admin-messages-that-wait-to-be", counted(reader, waiting)),
        ("admin-the-oldest-of-them-waits", behind(undelivered)),
        ("admin-database", database),
        ("admin-users", reader.number(total)),
    ];
    let when = |at: Timestamp| reader.when(at, now);
    let base = format!("{}/admin", visit.site.prefix);
    Ok(page(
        StatusCode::OK,
        &Admin {
            site: &visit.site,
            facts,
            nodes: nodes
                .into_iter()
                .map(|n| (n.clone(), when(n.started_at), when(n.heartbeat_at)))
                .collect(),
            users: users.into_iter().map(|u| (u.clone(), when(u.created_at))).collect(),
            pager: Pager::new(&base, number, PAGE, total),
            config: ctx.config.effective_toml(),
            notices: ctx.config.notices(),
        },
    ))
}
