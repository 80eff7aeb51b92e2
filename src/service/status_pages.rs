//! Status pages: making, changing and deleting them, what is said on them, and what they show. Names,
//! states and history are shown, never a key, an address of a ping or a body.

use std::collections::HashMap;

use crate::clock::Timestamp;
use crate::context::Context;
use crate::domain::days::day_of;
use crate::domain::slug;
use crate::fault::{Fault, Result};
use crate::secret;
use crate::service::checks::check_tags;
use crate::service::names;
use crate::store::checks;
use crate::store::projects;
use crate::store::status_pages::{self, Notice, StatusPage};
use crate::store::tx::{Conn, Tx};

/// The most pages of a project.
pub const MAX_COUNT: usize = 50;
/// The most checks that a page shows.
pub const MAX_CHECKS: usize = 100;
/// The longest text of a page or notice, in characters.
pub const MAX_TEXT: usize = 2000;
/// Days of history.
pub const DAYS: i64 = 90;
/// Notices that are shown.
const NOTICES: i64 = 20;

/// A day of a check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// Microseconds for which it was up.
    pub up_time: i64,
    /// Microseconds for which it was down.
    pub down_time: i64,
}

/// A check as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its name.
    pub name: String,
    /// Its state, as people see it.
    pub status: &'static str,
    /// Its last [`DAYS`] days in UTC, the latest last.
    pub days: Vec<Day>,
}

/// Everything that a page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Its project.
    pub project_id: i64,
    /// Anybody may see it.
    pub is_public: bool,
    /// Its title.
    pub title: String,
    /// What stands on top.
    pub text: String,
    /// Its checks.
    pub checks: Vec<Shown>,
    /// What was said, open first.
    pub notices: Vec<Notice>,
    /// When it was put together.
    pub at: Timestamp,
}

fn not_yours() -> Fault {
    Fault::Forbidden("this status page is not in this project".to_owned())
}

fn check_text(field: &str, text: &str, least: usize) -> Result<()> {
    let length = text.chars().count();
    if (least..=MAX_TEXT).contains(&length) {
        return Ok(());
    }
    Err(Fault::invalid(field, format!("must have {least} to {MAX_TEXT} characters")))
}

fn validate(page: &StatusPage) -> Result<()> {
    names::check("title", &page.title, 1)?;
    check_text("text", &page.text, 0)?;
    check_tags(&page.tags)?;
    if page.slug.is_empty() || !slug::is_valid(&page.slug) || page.slug.len() > slug::MAX_LENGTH {
        let reason = format!("must have 1 to {} of a-z, 0-9, _ and -", slug::MAX_LENGTH);
        return Err(Fault::invalid("slug", reason));
    }
    if page.checks.len() > MAX_CHECKS {
        return Err(Fault::invalid("checks", format!("must be at most {MAX_CHECKS}")));
    }
    Ok(())
}

/// A page of this project, with what it shows.
///
/// # Errors
/// [`Fault::Forbidden`], the same for one that is another's and one that does not exist.
pub async fn find(conn: &mut Conn, project_id: i64, id: i64) -> Result<StatusPage> {
    status_pages::find(conn, project_id, id).await?.ok_or_else(not_yours)
}

/// Makes a page (its id is 0) or changes one, and returns its id.
///
/// # Errors
/// A value is not fit, the slug is taken ([`Fault::Conflict`]), a check is another project's, or there are [`MAX_COUNT`]
/// pages already.
pub async fn save(ctx: &Context, mut page: StatusPage) -> Result<i64> {
    page.title = page.title.trim().to_owned();
    page.checks.sort_unstable();
    page.checks.dedup();
    page.tags.sort_unstable();
    page.tags.dedup();
    validate(&page)?;
    let mut tx = ctx.store.begin().await?;
    // Pages of a project are made in turn, so that their number is right.
    if !projects::lock(&mut tx, page.project_id).await? {
        return Err(Fault::Forbidden("this project is not yours".to_owned()));
    }
    check_slug(&mut tx, &page).await?;
    let own = checks::ids_among(&mut tx, page.project_id, &page.checks).await?;
    if own.len() < page.checks.len() {
        return Err(Fault::invalid("checks", "must be checks of this project"));
    }
    let id = if page.status_page_id == 0 {
        if status_pages::list(&mut tx, page.project_id).await?.len() >= MAX_COUNT {
            return Err(Fault::Forbidden(format!(
                "there are {MAX_COUNT} status pages in this project already, which is the most"
            )));
        }
        page.badge_token = secret::random_text::<16>();
        status_pages::insert(&mut tx, &page, ctx.now()).await?
    } else {
        find(&mut tx, page.project_id, page.status_page_id).await?;
        status_pages::update(&mut tx, &page).await?;
        page.status_page_id
    };
    tx.commit().await?;
    Ok(id)
}

async fn check_slug(tx: &mut Tx, page: &StatusPage) -> Result<()> {
    match status_pages::find_by_slug(tx, &page.slug).await? {
        Some(other) if other.status_page_id != page.status_page_id => {
            let taken = "the slug is taken by another status page: choose another one";
            Err(Fault::Conflict(taken.to_owned()))
        }
        _ => Ok(()),
    }
}

/// Deletes a page.
///
/// # Errors
/// It is not in this project.
pub async fn delete(ctx: &Context, project_id: i64, id: i64) -> Result<()> {
    let mut tx = ctx.store.begin().await?;
    if !status_pages::delete(&mut tx, project_id, id).await? {
        return Err(not_yours());
    }
    tx.commit().await
}

/// Says something on a page.
///
/// # Errors
/// The text is empty or too long, or the page is not in this project.
pub async fn say(ctx: &Context, project_id: i64, id: i64, text: &str) -> Result<()> {
    check_text("notice", text.trim(), 1)?;
    let mut tx = ctx.store.begin().await?;
    find(&mut tx, project_id, id).await?;
    status_pages::say(&mut tx, id, text.trim(), ctx.now()).await?;
    tx.commit().await
}

/// Marks what was said as over.
///
/// # Errors
/// The page is not in this project.
pub async fn resolve(ctx: &Context, project_id: i64, id: i64, notice_id: i64) -> Result<()> {
    let mut tx = ctx.store.begin().await?;
    find(&mut tx, project_id, id).await?;
    status_pages::resolve(&mut tx, id, notice_id, ctx.now()).await?;
    tx.commit().await
}

/// The notices of a page, open first.
///
/// # Errors
/// The database is out.
pub async fn notices(conn: &mut Conn, id: i64) -> Result<Vec<Notice>> {
    status_pages::notices(conn, id, NOTICES).await
}

/// What the page at this address shows; none where there is no such page.
///
/// # Errors
/// The database is out.
pub async fn view_by_slug(ctx: &Context, slug: &str) -> Result<Option<View>> {
    let mut conn = ctx.store.read().await?;
    match status_pages::find_by_slug(&mut conn, slug).await? {
        Some(page) => Ok(Some(view(&mut conn, page, ctx.now()).await?)),
        None => Ok(None),
    }
}

/// The states of the checks behind a badge; none where there is no such badge.
///
/// # Errors
/// The database is out.
pub async fn states_by_badge(ctx: &Context, token: &str) -> Result<Option<Vec<&'static str>>> {
    let mut conn = ctx.store.read().await?;
    let Some(page) = status_pages::find_by_badge(&mut conn, token).await? else { return Ok(None) };
    let most = i64::try_from(MAX_CHECKS).unwrap_or(i64::MAX);
    let rows = status_pages::shown(&mut conn, page.project_id, page.status_page_id, most).await?;
    Ok(Some(rows.iter().map(|row| row.shown_status(ctx.now())).collect()))
}

async fn view(conn: &mut Conn, page: StatusPage, now: Timestamp) -> Result<View> {
    let most = i64::try_from(MAX_CHECKS).unwrap_or(i64::MAX);
    let rows = status_pages::shown(conn, page.project_id, page.status_page_id, most).await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.check_id).collect();
    let first = day_of(now) - DAYS + 1;
    let mut days: HashMap<(i64, i64), Day> = HashMap::new();
    for (check_id, day, up_time, down_time) in status_pages::history(conn, &ids, first, now).await?
    {
        let sum = days.entry((check_id, day)).or_default();
        sum.up_time += up_time;
        sum.down_time += down_time;
    }
    let shown = rows.iter().map(|row| Shown {
        name: row.settings.check_name.clone(),
        status: row.shown_status(now),
        days: (first..first + DAYS)
            .map(|day| days.get(&(row.check_id, day)).copied().unwrap_or_default())
            .collect(),
    });
    Ok(View {
        project_id: page.project_id,
        is_public: page.public.into(),
        checks: shown.collect(),
        notices: notices(conn, page.status_page_id).await?,
        title: page.title,
        text: page.text,
        at: now,
    })
}
