//! Status pages: what they show, what is said on them, and the history behind it.

use sqlx::AssertSqlSafe;

use super::checks::{COLUMNS as CHECK_COLUMNS, CheckRow, TABLES as CHECK_TABLES};
use super::dialect::{Column, Rows, id_list};
use super::tx::{Conn, execute, fetch_all, fetch_optional, fetch_value};
use super::{Flag, IdRow};
use crate::clock::Timestamp;
use crate::domain::check::Status;
use crate::domain::days::{DAY, Days, Sums};
use crate::fault::Result;

/// A page as it is kept, and what it shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct StatusPage {
    /// Its id.
    pub status_page_id: i64,
    /// Its project.
    pub project_id: i64,
    /// The last part of its address; no two pages of the installation have the same.
    pub slug: String,
    /// What it is called.
    pub title: String,
    /// What stands on top of it.
    pub text: String,
    /// Anybody may see it; else only the project's members.
    pub public: Flag,
    /// The name of its badge.
    pub badge_token: String,
    /// The checks that it shows by their ids, in order.
    #[sqlx(skip)]
    pub checks: Vec<i64>,
    /// It shows the checks that have one of these tags.
    #[sqlx(skip)]
    pub tags: Vec<String>,
}

/// What somebody said on a page.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Notice {
    /// Its id.
    pub notice_id: i64,
    /// When it was said.
    pub at: Timestamp,
    /// What.
    pub text: String,
    /// Since when it is over.
    pub resolved_at: Option<Timestamp>,
}

const COLUMNS: &str = "p.status_page_id, p.project_id, p.slug, p.title, p.text, p.public, \
    p.badge_token";

#[derive(sqlx::FromRow)]
struct TagRow {
    tag: String,
}

/// Makes a page, and returns its id.
///
/// # Errors
/// The database refused.
pub async fn insert(conn: &mut Conn, new: &StatusPage, now: Timestamp) -> Result<i64> {
    let id = fetch_value!(
        conn,
        i64,
        "INSERT INTO status_pages (project_id, slug, title, text, public, badge_token, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING status_page_id",
        new.project_id,
        &new.slug,
        &new.title,
        &new.text,
        new.public,
        &new.badge_token,
        now
    );
    set_shown(conn, id, new).await?;
    Ok(id)
}

/// Sets everything about a page that its owner may change.
///
/// # Errors
/// The database refused.
pub async fn update(conn: &mut Conn, page: &StatusPage) -> Result<()> {
    execute!(
        conn,
        "UPDATE status_pages SET slug = $2, title = $3, text = $4, public = $5 \
         WHERE status_page_id = $1",
        page.status_page_id,
        &page.slug,
        &page.title,
        &page.text,
        page.public
    );
    for table in ["status_page_checks", "status_page_tags"] {
        let sql = format!("DELETE FROM {table} WHERE status_page_id = $1");
        execute!(conn, AssertSqlSafe(sql), page.status_page_id);
    }
    set_shown(conn, page.status_page_id, page).await
}

async fn set_shown(conn: &mut Conn, id: i64, page: &StatusPage) -> Result<()> {
    let columns = vec![
        Column::ints(page.checks.iter().map(|_| id)),
        Column::ints(page.checks.iter().copied()),
    ];
    let names = "status_page_id, check_id";
    let sql = "INSERT INTO status_page_checks (status_page_id, check_id) \
               SELECT status_page_id, check_id FROM r";
    Rows::new(names, columns).execute(conn, sql).await?;
    let columns =
        vec![Column::ints(page.tags.iter().map(|_| id)), Column::texts(page.tags.iter().cloned())];
    let sql =
        "INSERT INTO status_page_tags (status_page_id, tag) SELECT status_page_id, tag FROM r";
    Rows::new("status_page_id, tag", columns).execute(conn, sql).await?;
    Ok(())
}

/// Deletes a page of this project; whether there was one.
///
/// # Errors
/// The database refused.
pub async fn delete(conn: &mut Conn, project_id: i64, id: i64) -> Result<bool> {
    let sql = "DELETE FROM status_pages WHERE project_id = $1 AND status_page_id = $2";
    Ok(execute!(conn, sql, project_id, id) > 0)
}

/// A page of this project.
///
/// # Errors
/// The database is out.
pub async fn find(conn: &mut Conn, project_id: i64, id: i64) -> Result<Option<StatusPage>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM status_pages p WHERE p.project_id = $1 AND p.status_page_id = $2"
    );
    let Some(mut page) = fetch_optional!(conn, StatusPage, AssertSqlSafe(sql), project_id, id)
    else {
        return Ok(None);
    };
    let sql = "SELECT check_id AS id FROM status_page_checks WHERE status_page_id = $1 \
               ORDER BY check_id";
    page.checks = fetch_all!(conn, IdRow, sql, id).into_iter().map(|row| row.id).collect();
    let sql = format!(
        "SELECT tag FROM status_page_tags WHERE status_page_id = $1 ORDER BY {}",
        conn.db().by_text("tag")
    );
    let tags = fetch_all!(conn, TagRow, AssertSqlSafe(sql), id);
    page.tags = tags.into_iter().map(|row| row.tag).collect();
    Ok(Some(page))
}

/// The page at this address, without what it shows.
///
/// # Errors
/// The database is out.
pub async fn find_by_slug(conn: &mut Conn, slug: &str) -> Result<Option<StatusPage>> {
    let sql = format!("SELECT {COLUMNS} FROM status_pages p WHERE p.slug = $1");
    Ok(fetch_optional!(conn, StatusPage, AssertSqlSafe(sql), slug))
}

/// The page with this badge, without what it shows.
///
/// # Errors
/// The database is out.
pub async fn find_by_badge(conn: &mut Conn, token: &str) -> Result<Option<StatusPage>> {
    let sql = format!("SELECT {COLUMNS} FROM status_pages p WHERE p.badge_token = $1");
    Ok(fetch_optional!(conn, StatusPage, AssertSqlSafe(sql), token))
}

/// The pages of a project, by id, without what they show.
///
/// # Errors
/// The database is out.
pub async fn list(conn: &mut Conn, project_id: i64) -> Result<Vec<StatusPage>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM status_pages p WHERE p.project_id = $1 ORDER BY p.status_page_id"
    );
    Ok(fetch_all!(conn, StatusPage, AssertSqlSafe(sql), project_id))
}

/// The checks that a page shows, by name: at most `limit`.
///
/// # Errors
/// The database is out.
pub async fn shown(conn: &mut Conn, project_id: i64, id: i64, limit: i64) -> Result<Vec<CheckRow>> {
    let tagged = conn.db().contains("c.tags", "' ' || t.tag || ' '");
    let sql = format!(
        "SELECT {CHECK_COLUMNS} FROM {CHECK_TABLES} WHERE c.project_id = $1 AND (EXISTS ( \
         SELECT 1 FROM status_page_checks k WHERE k.status_page_id = $2 \
         AND k.check_id = c.check_id) OR EXISTS (SELECT 1 FROM status_page_tags t \
         WHERE t.status_page_id = $2 AND {tagged})) ORDER BY {}, c.check_id LIMIT $3",
        conn.db().by_text("c.check_name")
    );
    Ok(fetch_all!(conn, CheckRow, AssertSqlSafe(sql), project_id, id, limit))
}

#[derive(sqlx::FromRow)]
struct DayRow {
    check_id: i64,
    day: i64,
    up_time: i64,
    down_time: i64,
}

#[derive(sqlx::FromRow)]
struct FlipRow {
    check_id: i64,
    at: Timestamp,
    #[sqlx(try_from = "String")]
    to_status: Status,
}

/// The time up and down of each of these checks on each day from `first_day` to now, from the daily
/// sums and the flips that are kept: check, day, microseconds up and down. Two statements.
///
/// # Errors
/// The database is out.
pub async fn history(
    conn: &mut Conn,
    check_ids: &[i64],
    first_day: i64,
    now: Timestamp,
) -> Result<Vec<(i64, i64, i64, i64)>> {
    let ids = id_list(check_ids);
    let sql = format!(
        "SELECT check_id, day, up_time, down_time FROM check_days WHERE {} AND day >= $2",
        conn.db().is_in("check_id", "$1")
    );
    let days = fetch_all!(conn, DayRow, AssertSqlSafe(sql), ids.as_str(), first_day);
    let mut all: Vec<(i64, i64, i64, i64)> =
        days.iter().map(|row| (row.check_id, row.day, row.up_time, row.down_time)).collect();
    let from = Timestamp(first_day * DAY);
    let sql = format!(
        "SELECT f.check_id, f.at, f.to_status FROM checks c JOIN flips f ON f.check_id = c.check_id \
         WHERE {} AND f.n >= COALESCE((SELECT e.n FROM flips e WHERE e.check_id = c.check_id \
         AND e.at <= $2 ORDER BY e.n DESC LIMIT 1), 0) ORDER BY f.check_id, f.n",
        conn.db().is_in("c.check_id", "$1")
    );
    let flips = fetch_all!(conn, FlipRow, AssertSqlSafe(sql), ids.as_str(), from);
    let mut kept = Days::default();
    for (place, flip) in flips.iter().enumerate() {
        let next = flips.get(place + 1).filter(|next| next.check_id == flip.check_id);
        let (begin, end) = (flip.at.max(from), next.map_or(now, |next| next.at));
        if end > begin {
            kept.add_status(flip.check_id, flip.to_status, begin, end);
        }
    }
    let sums =
        |(check_id, day, sums): (i64, i64, &Sums)| (check_id, day, sums.up_time, sums.down_time);
    all.extend(kept.iter().map(sums));
    Ok(all)
}

/// The latest things said on a page, those that are open before the others: at most `limit`.
///
/// # Errors
/// The database is out.
pub async fn notices(conn: &mut Conn, id: i64, limit: i64) -> Result<Vec<Notice>> {
    let sql = "SELECT notice_id, at, text, resolved_at FROM status_notices \
               WHERE status_page_id = $1 ORDER BY CASE WHEN resolved_at IS NULL THEN 0 ELSE 1 END, \
               notice_id DESC LIMIT $2";
    Ok(fetch_all!(conn, Notice, sql, id, limit))
}

/// Says something on a page.
///
/// # Errors
/// The database refused.
pub async fn say(conn: &mut Conn, id: i64, text: &str, now: Timestamp) -> Result<()> {
    let sql = "INSERT INTO status_notices (status_page_id, at, text) VALUES ($1, $2, $3)";
    execute!(conn, sql, id, now, text);
    Ok(())
}

/// Marks a notice of a page as over; one that is already stays as it is.
///
/// # Errors
/// The database refused.
pub async fn resolve(conn: &mut Conn, id: i64, notice_id: i64, now: Timestamp) -> Result<()> {
    let sql = "UPDATE status_notices SET resolved_at = $3 WHERE status_page_id = $1 \
               AND notice_id = $2 AND resolved_at IS NULL";
    execute!(conn, sql, id, notice_id, now);
    Ok(())
}
