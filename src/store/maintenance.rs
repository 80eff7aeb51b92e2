//! Maintenance windows, and which checks they cover at a moment.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;

use super::dialect::{Column, Db, Rows, id_list};
use super::tx::{Conn, execute, fetch_all, fetch_optional, fetch_value};
use super::{Flag, IdRow};
use crate::clock::Timestamp;
use crate::domain::maintenance::{Cover, Opening, Repetition};
use crate::fault::Result;

/// A window as it is kept, and what it covers.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Window {
    /// Its id.
    pub maintenance_id: i64,
    /// Its project.
    pub project_id: i64,
    /// What it is called.
    pub title: String,
    /// When it begins; of one that repeats, the first moment at which it may.
    pub starts_at: Option<Timestamp>,
    /// When it ends: from this moment on alerts go out again. Of one that repeats: for good.
    pub ends_at: Option<Timestamp>,
    /// When it begins again and again: a cron or OnCalendar expression, in UTC unless it names a zone.
    pub repeat: Option<String>,
    /// How many seconds each of those lasts.
    pub duration: Option<i64>,
    /// It covers every check of its project; then `checks` and `tags` are empty.
    pub whole_project: Flag,
    /// The checks that it covers by their ids, in order.
    #[sqlx(skip)]
    pub checks: Vec<i64>,
    /// It covers the checks that have one of these tags.
    #[sqlx(skip)]
    pub tags: Vec<String>,
}

impl Window {
    /// When it is open at `now`, or else opens next; none where it opens no more.
    #[must_use]
    pub fn opening(&self, now: Timestamp) -> Option<Opening> {
        if self.repeat.is_some() {
            return self.repetition()?.opening(now);
        }
        let once = Opening { from: self.starts_at?, until: self.ends_at? };
        (now < once.until).then_some(once)
    }

    /// How it repeats; none where it does not.
    #[must_use]
    pub fn repetition(&self) -> Option<Repetition> {
        let (expression, duration) = (self.repeat.as_deref()?, self.duration?);
        let read = Repetition::read(expression, duration, self.starts_at, self.ends_at);
        let id = self.maintenance_id;
        let tell = |reason: &String| {
            tracing::error!(maintenance_id = id, %reason, "this maintenance window can't be read; it keeps nothing back");
        };
        read.inspect_err(tell).ok()
    }
}

const COLUMNS: &str = "m.maintenance_id, m.project_id, m.title, m.starts_at, m.ends_at, m.repeat, \
    m.duration, m.whole_project";

/// Makes a window, and returns its id.
///
/// # Errors
/// The database refused.
pub async fn insert(conn: &mut Conn, new: &Window, now: Timestamp) -> Result<i64> {
    let opening = new.opening(now);
    let maintenance_id = fetch_value!(
        conn,
        i64,
        "INSERT INTO maintenance_windows (project_id, title, starts_at, ends_at, repeat, duration, \
         whole_project, created_at, opens_at, closes_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING maintenance_id",
        new.project_id,
        &new.title,
        new.starts_at,
        new.ends_at,
        new.repeat.as_deref(),
        new.duration,
        new.whole_project,
        now,
        opening.map(|opening| opening.from),
        opening.map(|opening| opening.until)
    );
    set_checks(conn, maintenance_id, &new.checks).await?;
    set_tags(conn, maintenance_id, &new.tags).await?;
    Ok(maintenance_id)
}

/// Sets everything about a window that its owner may change.
///
/// # Errors
/// The database refused.
pub async fn update(conn: &mut Conn, window: &Window, now: Timestamp) -> Result<()> {
    let opening = window.opening(now);
    execute!(
        conn,
        "UPDATE maintenance_windows SET title = $2, starts_at = $3, ends_at = $4, repeat = $5, \
         duration = $6, whole_project = $7, opens_at = $8, closes_at = $9 \
         WHERE maintenance_id = $1",
        window.maintenance_id,
        &window.title,
        window.starts_at,
        window.ends_at,
        window.repeat.as_deref(),
        window.duration,
        window.whole_project,
        opening.map(|opening| opening.from),
        opening.map(|opening| opening.until)
    );
    set_checks(conn, window.maintenance_id, &window.checks).await?;
    set_tags(conn, window.maintenance_id, &window.tags).await
}

/// Makes a window name exactly these checks. Those that stay are not touched, so that nobody who
/// deletes one of them is in the way.
async fn set_checks(conn: &mut Conn, maintenance_id: i64, check_ids: &[i64]) -> Result<()> {
    let kept = conn.db().is_in("check_id", "$2");
    let sql = format!("DELETE FROM maintenance_checks WHERE maintenance_id = $1 AND NOT ({kept})");
    execute!(conn, AssertSqlSafe(sql), maintenance_id, id_list(check_ids));
    let columns = vec![
        Column::ints(check_ids.iter().copied()),
        Column::ints(check_ids.iter().map(|_| maintenance_id)),
    ];
    let sql = "INSERT INTO maintenance_checks (maintenance_id, check_id) \
               SELECT r.maintenance_id, r.check_id FROM r WHERE NOT EXISTS ( \
               SELECT 1 FROM maintenance_checks k WHERE k.maintenance_id = r.maintenance_id \
               AND k.check_id = r.check_id)";
    Rows::new("check_id, maintenance_id", columns).execute(conn, sql).await?;
    Ok(())
}

async fn set_tags(conn: &mut Conn, maintenance_id: i64, tags: &[String]) -> Result<()> {
    execute!(conn, "DELETE FROM maintenance_tags WHERE maintenance_id = $1", maintenance_id);
    let columns = vec![
        Column::ints(tags.iter().map(|_| maintenance_id)),
        Column::texts(tags.iter().cloned()),
    ];
    let sql =
        "INSERT INTO maintenance_tags (maintenance_id, tag) SELECT maintenance_id, tag FROM r";
    Rows::new("maintenance_id, tag", columns).execute(conn, sql).await?;
    Ok(())
}

/// Deletes a window.
///
/// # Errors
/// The database refused.
pub async fn delete(conn: &mut Conn, maintenance_id: i64) -> Result<()> {
    execute!(conn, "DELETE FROM maintenance_windows WHERE maintenance_id = $1", maintenance_id);
    Ok(())
}

/// Deletes the windows that name this check and nothing else: they go with it.
///
/// # Errors
/// The database refused.
pub(super) async fn delete_with_check(conn: &mut Conn, check_id: i64) -> Result<()> {
    execute!(
        conn,
        "DELETE FROM maintenance_windows WHERE maintenance_id IN ( \
         SELECT k.maintenance_id FROM maintenance_checks k WHERE k.check_id = $1 \
         AND NOT EXISTS (SELECT 1 FROM maintenance_checks o \
         WHERE o.maintenance_id = k.maintenance_id AND o.check_id <> $1) \
         AND NOT EXISTS (SELECT 1 FROM maintenance_tags t \
         WHERE t.maintenance_id = k.maintenance_id))",
        check_id
    );
    Ok(())
}

/// A window of this project.
///
/// # Errors
/// The database is out.
pub async fn find(conn: &mut Conn, project_id: i64, id: i64) -> Result<Option<Window>> {
    find_and(conn, project_id, id, "").await
}

/// As [`find`], locked until the transaction ends: nobody is kept from an alert by it meanwhile.
///
/// # Errors
/// The database is out.
pub async fn find_locked(conn: &mut Conn, project_id: i64, id: i64) -> Result<Option<Window>> {
    let lock = conn.db().for_update("m");
    find_and(conn, project_id, id, &lock).await
}

async fn find_and(conn: &mut Conn, project_id: i64, id: i64, lock: &str) -> Result<Option<Window>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM maintenance_windows m \
         WHERE m.project_id = $1 AND m.maintenance_id = $2{lock}"
    );
    let found = fetch_optional!(conn, Window, AssertSqlSafe(sql), project_id, id);
    Ok(complete(conn, found.into_iter().collect()).await?.pop())
}

/// A page of a project's windows, by id, and how many there are.
///
/// # Errors
/// The database is out.
pub async fn list(
    conn: &mut Conn,
    project_id: i64,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Window>, i64)> {
    let sql = format!(
        "SELECT {COLUMNS} FROM maintenance_windows m WHERE m.project_id = $1 \
         ORDER BY m.maintenance_id LIMIT $2 OFFSET $3"
    );
    let rows = fetch_all!(conn, Window, AssertSqlSafe(sql), project_id, limit, offset);
    Ok((complete(conn, rows).await?, count(conn, project_id).await?))
}

/// How many windows a project has.
///
/// # Errors
/// The database is out.
pub async fn count(conn: &mut Conn, project_id: i64) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM maintenance_windows WHERE project_id = $1";
    Ok(fetch_value!(conn, i64, sql, project_id))
}

/// Adds what these windows cover.
async fn complete(conn: &mut Conn, mut windows: Vec<Window>) -> Result<Vec<Window>> {
    #[derive(sqlx::FromRow)]
    struct NamedCheck {
        maintenance_id: i64,
        check_id: i64,
    }
    #[derive(sqlx::FromRow)]
    struct NamedTag {
        maintenance_id: i64,
        tag: String,
    }
    let ids = id_list(&windows.iter().map(|window| window.maintenance_id).collect::<Vec<_>>());
    let theirs = conn.db().is_in("maintenance_id", "$1");
    let sql = format!(
        "SELECT maintenance_id, check_id FROM maintenance_checks WHERE {theirs} ORDER BY check_id"
    );
    let checks = fetch_all!(conn, NamedCheck, AssertSqlSafe(sql), ids.as_str());
    let sql = format!(
        "SELECT maintenance_id, tag FROM maintenance_tags WHERE {theirs} ORDER BY {}",
        conn.db().by_text("tag")
    );
    let tags = fetch_all!(conn, NamedTag, AssertSqlSafe(sql), ids.as_str());
    let places: HashMap<i64, usize> =
        windows.iter().enumerate().map(|(place, window)| (window.maintenance_id, place)).collect();
    for row in checks {
        if let Some(place) = places.get(&row.maintenance_id) {
            windows[*place].checks.push(row.check_id);
        }
    }
    for row in tags {
        if let Some(place) = places.get(&row.maintenance_id) {
            windows[*place].tags.push(row.tag);
        }
    }
    Ok(windows)
}

/// A condition: the window `m` covers the check `c` of its project.
fn covers(db: Db) -> String {
    let tagged = db.contains("c.tags", "' ' || t.tag || ' '");
    format!(
        "(m.whole_project = 1 OR EXISTS (SELECT 1 FROM maintenance_checks k \
         WHERE k.maintenance_id = m.maintenance_id AND k.check_id = c.check_id) \
         OR EXISTS (SELECT 1 FROM maintenance_tags t \
         WHERE t.maintenance_id = m.maintenance_id AND {tagged}))"
    )
}

/// Whether a window covers any check of its project as they are now.
///
/// # Errors
/// The database is out.
pub async fn covers_any(conn: &mut Conn, maintenance_id: i64) -> Result<bool> {
    let sql = format!(
        "SELECT c.check_id AS id FROM maintenance_windows m \
         JOIN checks c ON c.project_id = m.project_id \
         WHERE m.maintenance_id = $1 AND {} LIMIT 1",
        covers(conn.db())
    );
    Ok(fetch_optional!(conn, IdRow, AssertSqlSafe(sql), maintenance_id).is_some())
}

/// The condition that the window `m` may be open at `$1`: by what is kept of it, or because it repeats
/// and its last opening is over, so that the next one has to be reckoned.
const MAY_BE_OPEN: &str = "((m.closes_at > $1 AND m.opens_at <= $1) \
    OR (m.repeat IS NOT NULL AND m.closes_at <= $1))";

#[derive(sqlx::FromRow)]
struct CoverRow {
    check_id: i64,
    #[sqlx(flatten)]
    window: Window,
}

/// Which windows cover which of these checks at `now`; those that none covers are left out. In a
/// transaction, the windows that it tells of stay as they are until that ends: who changes one finds
/// everything that was kept back by it. Costs one look at an index where no window is open at all.
///
/// # Errors
/// The database is out.
pub async fn covers_of(
    conn: &mut Conn,
    check_ids: &[i64],
    now: Timestamp,
) -> Result<HashMap<i64, Cover>> {
    let any = format!(
        "SELECT m.maintenance_id AS id FROM maintenance_windows m WHERE {MAY_BE_OPEN} LIMIT 1"
    );
    if check_ids.is_empty() || fetch_optional!(conn, IdRow, AssertSqlSafe(any), now).is_none() {
        return Ok(HashMap::new());
    }
    let db = conn.db();
    // The checks come first: windows of other projects are not even looked at.
    let sql = format!(
        "SELECT c.check_id, {COLUMNS} FROM checks c CROSS JOIN maintenance_windows m \
         WHERE {} AND m.project_id = c.project_id AND {MAY_BE_OPEN} AND {} \
         ORDER BY m.maintenance_id, c.check_id{}",
        db.is_in("c.check_id", "$2"),
        covers(db),
        db.for_share("m")
    );
    let rows = fetch_all!(conn, CoverRow, AssertSqlSafe(sql), now, id_list(check_ids));
    let mut covers: HashMap<i64, Cover> = HashMap::new();
    let mut openings: HashMap<i64, Option<Opening>> = HashMap::new();
    for CoverRow { check_id, window } in rows {
        let opening = *openings.entry(window.maintenance_id).or_insert_with(|| window.opening(now));
        let Some(opening) = opening.filter(|opening| opening.from <= now) else {
            continue;
        };
        let cover = Cover::of_window(&window.title, opening);
        let whole = match covers.remove(&check_id) {
            Some(known) => known.with(cover),
            None => cover,
        };
        covers.insert(check_id, whole);
    }
    Ok(covers)
}

/// When the next window that repeats closes, and its opening after that has to be written down.
///
/// # Errors
/// The database is out.
pub async fn next_closing(conn: &mut Conn) -> Result<Option<Timestamp>> {
    let sql = "SELECT MIN(closes_at) FROM maintenance_windows WHERE repeat IS NOT NULL";
    Ok(fetch_value!(conn, Option<Timestamp>, sql))
}

/// Writes down the next opening of at most `limit` windows that repeat and have closed by `now`. Those
/// that another node is at are passed over.
///
/// # Errors
/// The database refused.
pub async fn open_again(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<()> {
    let sql = format!(
        "SELECT {COLUMNS} FROM maintenance_windows m \
         WHERE m.repeat IS NOT NULL AND m.closes_at <= $1 \
         ORDER BY m.closes_at, m.maintenance_id LIMIT $2{}",
        conn.db().for_update_skip_locked("m")
    );
    let windows = fetch_all!(conn, Window, AssertSqlSafe(sql), now, limit);
    let openings: Vec<Option<Opening>> = windows.iter().map(|window| window.opening(now)).collect();
    let columns = vec![
        Column::ints(windows.iter().map(|window| window.maintenance_id)),
        Column::times(openings.iter().map(|opening| opening.map(|opening| opening.from))),
        Column::times(openings.iter().map(|opening| opening.map(|opening| opening.until))),
    ];
    let sql = "UPDATE maintenance_windows SET opens_at = r.opens_at, closes_at = r.closes_at \
               FROM r WHERE maintenance_windows.maintenance_id = r.maintenance_id";
    Rows::new("maintenance_id, opens_at, closes_at", columns).execute(conn, sql).await?;
    Ok(())
}
