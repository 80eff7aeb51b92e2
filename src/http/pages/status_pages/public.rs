//! `/status/{slug}`: a status page. A public one needs no session; another one is there for the
//! project's members alone.

use std::fmt::Write as _;
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;

use super::super::reader::When;
use super::super::texts::Text;
use super::super::{Pages, Site, page, problem, session, texts};
use super::Latest;
use crate::fault::{Fault, Result};
use crate::service::projects;
use crate::service::status_pages::{self, DAYS, Day, Shown, View};
use crate::store::projects::Role;

struct Line {
    name: String,
    status: &'static str,
    strip: String,
    share: String,
}

struct Said {
    text: String,
    when: When,
    resolved: Option<When>,
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/status_pages/public.html" %}"#)]
struct Public<'a> {
    site: &'a Site,
    title: &'a str,
    text: &'a str,
    /// All in a word: the state's name, and a sentence.
    status: &'static str,
    sentence: Text,
    lines: Vec<Line>,
    notices: Vec<Said>,
    as_of: When,
}

pub(super) async fn show(
    State(pages): State<Pages>,
    Extension(latest): Extension<Arc<Latest>>,
    Path(slug): Path<String>,
    head: Parts,
) -> Response {
    let mut site = Site::of(&head, &pages.ctx.config);
    match find(&pages, &latest, &slug, &mut site, &head).await {
        Ok(view) => render(&site, &view, &pages),
        Err(fault) => problem(&site, &fault),
    }
}

async fn find(
    pages: &Pages,
    latest: &Latest,
    slug: &str,
    site: &mut Site,
    head: &Parts,
) -> Result<Arc<View>> {
    let ctx = &pages.ctx;
    let view = if let Some(view) = latest.get(slug, ctx.now()) {
        view
    } else {
        let view = status_pages::view_by_slug(ctx, slug).await?.ok_or(Fault::NotFound)?;
        let view = Arc::new(view);
        latest.keep(slug.to_owned(), Arc::clone(&view));
        view
    };
    if !view.is_public {
        let caller = session::need(ctx, site, head).await.map_err(|_| Fault::NotFound)?;
        let mut conn = ctx.store.read().await?;
        let open = projects::open(&mut conn, caller.user_id, view.project_id, Role::Viewer);
        // Nobody else is told that it exists.
        open.await.map_err(|_| Fault::NotFound)?;
    }
    Ok(view)
}

fn render(site: &Site, view: &View, pages: &Pages) -> Response {
    let (reader, now) = (&site.reader, pages.ctx.now());
    let (status, sentence) = whole(view.checks.iter().map(|check| check.status));
    let line = |check: &Shown| Line {
        name: texts::name(&check.name).into_owned(),
        status: check.status,
        strip: strip(&check.days),
        share: share(&check.days, site),
    };
    let said = view.notices.iter().map(|notice| Said {
        text: notice.text.clone(),
        when: reader.when(notice.at, now),
        resolved: notice.resolved_at.map(|at| reader.when(at, now)),
    });
    page(
        StatusCode::OK,
        &Public {
            site,
            title: &view.title,
            text: &view.text,
            status,
            sentence,
            lines: view.checks.iter().map(line).collect(),
            notices: said.collect(),
            as_of: reader.when(view.at, now),
        },
    )
}

/// The state of several checks together, and a sentence that tells it.
pub(super) fn whole(states: impl Iterator<Item = &'static str>) -> (&'static str, Text) {
    let states: Vec<&str> = states.collect();
    let any = |status: &str| states.contains(&status);
    if any("down") {
        ("down", texts::t("status-pages-public-something-is-down"))
    } else if any("grace") {
        ("grace", texts::t("status-pages-public-something-is-late"))
    } else if any("up") {
        ("up", texts::t("status-pages-public-all-is-well"))
    } else {
        ("new", texts::t("status-pages-public-nothing-is-watched-right-now"))
    }
}

/// The days of a check: a bar a day, of one colour where it was up throughout, another where it was
/// down for a time, and a low one where it was not observed.
fn strip(days: &[Day]) -> String {
    let mut svg = format!(
        "<svg class=\"chart days\" viewBox=\"0 0 {} 24\" height=\"24\" preserveAspectRatio=\"none\" \
         aria-hidden=\"true\">",
        DAYS * 4
    );
    for class in ["good", "bad", "still"] {
        let mut path = String::new();
        for (place, _) in days.iter().enumerate().filter(|(_, day)| class_of(day) == class) {
            let height = if class == "still" { 6 } else { 24 };
            // Writing to a String never fails.
            let _ = write!(path, "M{} 24v-{height}h3v{height}z", place * 4);
        }
        if !path.is_empty() {
            let _ = write!(svg, "<path class=\"{class}\" d=\"{path}\"/>");
        }
    }
    svg.push_str("</svg>");
    svg
}

fn class_of(day: &Day) -> &'static str {
    match (day.up_time, day.down_time) {
        (0, 0) => "still",
        (_, 0) => "good",
        _ => "bad",
    }
}

fn share(days: &[Day], site: &Site) -> String {
    let up: i128 = days.iter().map(|day| i128::from(day.up_time)).sum();
    let down: i128 = days.iter().map(|day| i128::from(day.down_time)).sum();
    if up + down == 0 {
        return texts::t("status-pages-public-not-observed-yet").plain();
    }
    let bad = days.iter().filter(|day| class_of(day) == "bad").count();
    // Rounded down: what was down for a moment was not up throughout.
    let share = f64::from(i32::try_from(up * 10_000 / (up + down)).unwrap_or(0)) / 100.0;
    let days = texts::t("count-days").count("n", i64::try_from(bad).unwrap_or(0)).plain();
    texts::t("status-pages-public-up-in-days-down-on")
        .with("share", site.reader.decimal(share, 2))
        .with("days", DAYS)
        .with("bad", days)
        .plain()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_state_is_that_of_the_whole() {
        let whole = |states: &[&'static str]| whole(states.iter().copied()).0;
        assert_eq!(whole(&["up", "down", "grace"]), "down");
        assert_eq!(whole(&["up", "grace", "paused"]), "grace");
        assert_eq!(whole(&["up", "paused", "new"]), "up");
        assert_eq!((whole(&["paused"]), whole(&[])), ("new", "new"));
    }

    #[test]
    fn a_day_with_any_downtime_looks_otherwise() {
        let days = [(0, 0), (5, 0), (5, 1)];
        let days = days.map(|(up_time, down_time)| Day { up_time, down_time });
        let svg = strip(&days);
        assert!(svg.contains("<path class=\"bad\" d=\"M8 24v-24h3v24z\"/>"), "{svg}");
        assert!(svg.contains("<path class=\"still\" d=\"M0 24v-6h3v6z\"/>"), "{svg}");
        assert!(!svg.contains("style"), "{svg}");
        assert_eq!(share(&days, &Site::default()), "90.90 % up in 90 days, down on 1 day");
        assert_eq!(share(&days[..1], &Site::default()), "not observed yet");
    }
}
