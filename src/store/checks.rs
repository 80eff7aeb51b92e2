//! Checks as their owners see them: names, settings and the state beside them.

use std::fmt::Write as _;

use sqlx::AssertSqlSafe;

use super::dialect::{Column, Db, Rows, id_list};
use super::tx::{Conn, execute, fetch_all, fetch_optional, fetch_value, on_link};
use super::{Flag, IdRow, host_looks, maintenance, states};
use crate::clock::Timestamp;
use crate::domain::badge::Tally;
use crate::domain::check::{Rules, Status};
use crate::domain::ping::WordFilter;
use crate::fault::Result;
use crate::secret;

/// Everything that an owner sets about a check, save its channels.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Settings {
    /// Its name, at most 100 characters.
    pub check_name: String,
    /// The last part of its slug URL; empty: pinged by UUID only.
    pub slug: String,
    /// The slug was given, not derived from the name.
    pub slug_is_custom: Flag,
    /// Its tags, each without white space or comma.
    #[sqlx(try_from = "String")]
    pub tags: Tags,
    /// What it is about.
    pub description: String,
    /// `simple`, `cron` or `oncalendar`.
    pub kind: String,
    /// Seconds between two pings of a simple check.
    pub period: i64,
    /// The expression of kinds `cron` and `oncalendar`; empty for `simple`.
    pub schedule: String,
    /// The IANA zone of that expression.
    pub timezone: String,
    /// Seconds that a ping may be late.
    pub grace: i64,
    /// Seconds that a run may take; none: as long as `grace`.
    pub max_runtime: Option<i64>,
    /// Seconds by which a ping may come before its occurrence and count for it.
    pub early_tolerance: Option<i64>,
    /// So many failures in a row turn it down.
    pub failure_threshold: i64,
    /// So many flips in an hour are flapping; 0: never.
    pub flap_threshold: i64,
    /// Pings do not resume it when it is paused.
    pub manual_resume: Flag,
    /// Only POST pings count.
    pub post_only: Flag,
    /// Words that make a ping a start.
    pub start_kw: String,
    /// Words that make it a success.
    pub success_kw: String,
    /// Words that make it a failure.
    pub failure_kw: String,
    /// Look for them in the subject of mails.
    pub filter_subject: Flag,
    /// Look for them in the text of mails.
    pub filter_body: Flag,
    /// Look for them in the bodies of HTTP pings.
    pub filter_http_body: Flag,
    /// A ping without any of them is a failure.
    pub filter_default_fail: Flag,
    /// The device that its job runs on, which is probed when a ping is missing.
    pub device_id: Option<i64>,
}

impl Default for Settings {
    /// A simple check with a period of a day and an hour of grace.
    fn default() -> Self {
        Self {
            check_name: String::new(),
            slug: String::new(),
            slug_is_custom: Flag(0),
            tags: Tags::default(),
            description: String::new(),
            kind: "simple".to_owned(),
            period: 86_400,
            schedule: String::new(),
            timezone: "UTC".to_owned(),
            grace: 3600,
            max_runtime: None,
            early_tolerance: None,
            failure_threshold: 1,
            flap_threshold: 6,
            manual_resume: Flag(0),
            post_only: Flag(0),
            start_kw: String::new(),
            success_kw: String::new(),
            failure_kw: String::new(),
            filter_subject: Flag(0),
            filter_body: Flag(0),
            filter_http_body: Flag(0),
            filter_default_fail: Flag(0),
            device_id: None,
        }
    }
}

impl Settings {
    /// The part of the settings that decides states and deadlines.
    #[must_use]
    pub fn rules(&self) -> Rules {
        let (schedule, _) =
            states::schedule_of(&self.kind, self.period, &self.schedule, &self.timezone);
        Rules {
            schedule,
            grace: self.grace,
            max_runtime: self.max_runtime,
            early_tolerance: self.early_tolerance,
            failure_threshold: i32::try_from(self.failure_threshold).unwrap_or(i32::MAX),
            manual_resume: self.manual_resume.into(),
            post_only: self.post_only.into(),
            filter: self.is_filtered().then(|| WordFilter {
                in_subject: self.filter_subject.into(),
                in_mail: self.filter_body.into(),
                in_http_body: self.filter_http_body.into(),
                start_kw: self.start_kw.clone(),
                success_kw: self.success_kw.clone(),
                failure_kw: self.failure_kw.clone(),
                default_fail: self.filter_default_fail.into(),
            }),
        }
    }

    /// Whether the words of any ping decide what it counts as.
    fn is_filtered(&self) -> bool {
        [self.filter_subject, self.filter_body, self.filter_http_body].into_iter().any(bool::from)
    }

    /// What `q` searches: name, slug and tags, case folded beyond ASCII.
    pub(super) fn search_text(&self) -> String {
        fold(&format!("{} {} {}", self.check_name, self.slug, self.tags.0.join(" ")))
    }
}

/// Folds case, so that texts that differ in it alone are the same.
#[must_use]
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// A check's tags. Kept as one text with a space before, between and behind them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(pub Vec<String>);

impl From<String> for Tags {
    fn from(text: String) -> Self {
        Self(text.split_ascii_whitespace().map(str::to_owned).collect())
    }
}

impl Tags {
    pub(super) fn to_text(&self) -> String {
        if self.0.is_empty() { String::new() } else { format!(" {} ", self.0.join(" ")) }
    }
}

/// A check with its state, as it is read.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct CheckRow {
    /// Its id.
    pub check_id: i64,
    /// Its project.
    pub project_id: i64,
    /// Its public id, the secret part of its ping URL.
    pub uuid: String,
    /// What its owner set.
    #[sqlx(flatten)]
    pub settings: Settings,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its settings last changed.
    pub updated_at: Timestamp,
    /// What its badge is named by; none where a program that knew none made it.
    pub badge_uuid: Option<String>,
    /// Its stored status.
    #[sqlx(try_from = "String")]
    pub status: Status,
    /// Pings so far.
    pub n_pings: i64,
    /// Runs that are open.
    pub open_runs: i64,
    /// Its last success or failure.
    pub last_ping_at: Option<Timestamp>,
    /// Its last start.
    pub last_start_at: Option<Timestamp>,
    /// How long its last finished run took, in microseconds.
    pub last_duration: Option<i64>,
    /// When the next ping is expected.
    pub next_ping_at: Option<Timestamp>,
    /// Its deadline.
    pub alert_at: Option<Timestamp>,
}

impl CheckRow {
    /// The status as people see it: late pings turn `up` into `grace`.
    #[must_use]
    pub fn shown_status(&self, now: Timestamp) -> &'static str {
        if self.status == Status::Up && self.next_ping_at.is_some_and(|at| at < now) {
            "grace"
        } else {
            self.status.as_str()
        }
    }
}

/// The columns of a [`CheckRow`].
pub(super) const COLUMNS: &str = "c.check_id, c.project_id, c.uuid, c.check_name, c.slug, c.slug_is_custom, \
    c.tags, c.description, c.start_kw, c.success_kw, c.failure_kw, c.filter_subject, \
    c.filter_body, c.filter_http_body, c.filter_default_fail, c.flap_threshold, c.device_id, c.badge_uuid, \
    c.created_at, \
    c.updated_at, s.kind, s.period, s.schedule, s.timezone, s.grace, s.max_runtime, \
    s.early_tolerance, s.failure_threshold, s.manual_resume, s.post_only, s.status, s.n_pings, \
    s.open_runs, s.last_ping_at, s.last_start_at, s.last_duration, s.next_ping_at, s.alert_at";

/// The tables that hold them.
pub(super) const TABLES: &str = "checks c JOIN check_states s ON s.check_id = c.check_id";

/// Makes a check in the state `new`, and returns its id.
///
/// # Errors
/// The database refused.
pub async fn insert(
    conn: &mut Conn,
    project_id: i64,
    uuid: &str,
    new: &Settings,
    now: Timestamp,
) -> Result<i64> {
    let check_id = fetch_value!(
        conn,
        i64,
        "INSERT INTO checks (project_id, uuid, check_name, slug, slug_is_custom, tags, \
         search_text, description, start_kw, success_kw, failure_kw, filter_subject, filter_body, \
         filter_http_body, filter_default_fail, flap_threshold, device_id, created_at, updated_at, \
         badge_uuid) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
         $18, $19) \
         RETURNING check_id",
        project_id,
        uuid,
        &new.check_name,
        &new.slug,
        new.slug_is_custom,
        new.tags.to_text(),
        new.search_text(),
        &new.description,
        &new.start_kw,
        &new.success_kw,
        &new.failure_kw,
        new.filter_subject,
        new.filter_body,
        new.filter_http_body,
        new.filter_default_fail,
        new.flap_threshold,
        new.device_id,
        now,
        secret::random_uuid().to_string()
    );
    execute!(
        conn,
        "INSERT INTO check_states (check_id, kind, period, schedule, timezone, grace, \
         max_runtime, early_tolerance, failure_threshold, manual_resume, post_only, filtered, \
         status, failures, n_pings, n_flips, open_runs) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'new', 0, 0, 0, 0)",
        check_id,
        &new.kind,
        new.period,
        &new.schedule,
        &new.timezone,
        new.grace,
        new.max_runtime,
        new.early_tolerance,
        new.failure_threshold,
        new.manual_resume,
        new.post_only,
        new.filter_http_body
    );
    set_tags(conn, &[(check_id, &new.tags)]).await?;
    add_to_count(conn, project_id, 1).await?;
    Ok(check_id)
}

/// Makes these the tags that checks are found by. For every writer of `checks.tags`.
pub(super) async fn set_tags(conn: &mut Conn, all: &[(i64, &Tags)]) -> Result<()> {
    let ids: Vec<i64> = all.iter().map(|(check_id, _)| *check_id).collect();
    let sql = format!("DELETE FROM check_tags WHERE {}", conn.db().is_in("check_id", "$1"));
    execute!(conn, AssertSqlSafe(sql), id_list(&ids));
    let pairs = || all.iter().flat_map(|(check_id, tags)| tags.0.iter().map(|t| (*check_id, t)));
    let columns = vec![
        Column::texts(pairs().map(|(_, tag)| tag.clone())),
        Column::ints(pairs().map(|(check_id, _)| check_id)),
    ];
    let sql = "INSERT INTO check_tags (project_id, tag, check_id) \
               SELECT DISTINCT c.project_id, r.tag, c.check_id \
               FROM r JOIN checks c ON c.check_id = r.check_id";
    Rows::new("tag, check_id", columns).execute(conn, sql).await?;
    Ok(())
}

/// Keeps the number of a project's checks. For everyone who makes or deletes some; the project is
/// locked after the states of its checks, as by all who lock both.
pub(super) async fn add_to_count(conn: &mut Conn, project_id: i64, more: i64) -> Result<()> {
    let sql = "UPDATE projects SET check_count = check_count + $2 WHERE project_id = $1";
    execute!(conn, sql, project_id, more);
    Ok(())
}

/// Sets what the owner of a check may change. The caller holds the lock on its state and writes
/// the deadline that follows.
///
/// # Errors
/// The database refused.
pub async fn update(conn: &mut Conn, check_id: i64, new: &Settings, now: Timestamp) -> Result<()> {
    execute!(
        conn,
        "UPDATE checks SET check_name = $2, slug = $3, slug_is_custom = $4, tags = $5, \
         search_text = $6, description = $7, start_kw = $8, success_kw = $9, failure_kw = $10, \
         filter_subject = $11, filter_body = $12, filter_http_body = $13, \
         filter_default_fail = $14, flap_threshold = $15, device_id = $16, updated_at = $17 \
         WHERE check_id = $1",
        check_id,
        &new.check_name,
        &new.slug,
        new.slug_is_custom,
        new.tags.to_text(),
        new.search_text(),
        &new.description,
        &new.start_kw,
        &new.success_kw,
        &new.failure_kw,
        new.filter_subject,
        new.filter_body,
        new.filter_http_body,
        new.filter_default_fail,
        new.flap_threshold,
        new.device_id,
        now
    );
    execute!(
        conn,
        "UPDATE check_states SET kind = $2, period = $3, schedule = $4, timezone = $5, \
         grace = $6, max_runtime = $7, early_tolerance = $8, failure_threshold = $9, \
         manual_resume = $10, post_only = $11, filtered = $12 WHERE check_id = $1",
        check_id,
        &new.kind,
        new.period,
        &new.schedule,
        &new.timezone,
        new.grace,
        new.max_runtime,
        new.early_tolerance,
        new.failure_threshold,
        new.manual_resume,
        new.post_only,
        new.filter_http_body
    );
    set_tags(conn, &[(check_id, &new.tags)]).await?;
    Ok(())
}

/// Deletes a check of this project and all its history; its pings are left to the janitor.
/// Maintenance windows that name it alone go with it.
///
/// # Errors
/// The database refused.
pub async fn delete(conn: &mut Conn, project_id: i64, check_id: i64) -> Result<()> {
    execute!(conn, "INSERT INTO deleted_checks (check_id) VALUES ($1)", check_id);
    maintenance::delete_with_check(conn, check_id).await?;
    execute!(conn, "DELETE FROM checks WHERE check_id = $1", check_id);
    add_to_count(conn, project_id, -1).await
}

/// A check of this project.
///
/// # Errors
/// The database is out.
pub async fn find(conn: &mut Conn, project_id: i64, check_id: i64) -> Result<Option<CheckRow>> {
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE c.project_id = $1 AND c.check_id = $2");
    Ok(fetch_optional!(conn, CheckRow, AssertSqlSafe(sql), project_id, check_id))
}

/// A check by its id alone, for the workers.
///
/// # Errors
/// The database is out.
pub async fn find_any(conn: &mut Conn, check_id: i64) -> Result<Option<CheckRow>> {
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE c.check_id = $1");
    Ok(fetch_optional!(conn, CheckRow, AssertSqlSafe(sql), check_id))
}

/// The id of the check with this UUID.
///
/// # Errors
/// The database is out.
pub async fn id_of_uuid(conn: &mut Conn, uuid: &str) -> Result<Option<i64>> {
    let row =
        fetch_optional!(conn, IdRow, "SELECT check_id AS id FROM checks WHERE uuid = $1", uuid);
    Ok(row.map(|row| row.id))
}

/// The ids of at most two checks of this project with this slug.
///
/// # Errors
/// The database is out.
pub async fn ids_of_slug(conn: &mut Conn, project_id: i64, slug: &str) -> Result<Vec<i64>> {
    let rows = fetch_all!(
        conn,
        IdRow,
        "SELECT check_id AS id FROM checks WHERE project_id = $1 AND slug = $2 LIMIT 2",
        project_id,
        slug
    );
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Those of these ids that are checks of this project, in order.
///
/// # Errors
/// The database is out.
pub async fn ids_among(conn: &mut Conn, project_id: i64, check_ids: &[i64]) -> Result<Vec<i64>> {
    let sql = format!(
        "SELECT check_id AS id FROM checks WHERE project_id = $1 AND {} ORDER BY check_id",
        conn.db().is_in("check_id", "$2")
    );
    let list = id_list(check_ids);
    let rows = fetch_all!(conn, IdRow, AssertSqlSafe(sql), project_id, list);
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// How many checks a project has: the count that is kept with it; 0 of a project that is gone.
///
/// # Errors
/// The database is out.
pub async fn count(conn: &mut Conn, project_id: i64) -> Result<i64> {
    let sql = "SELECT check_count AS id FROM projects WHERE project_id = $1";
    Ok(fetch_optional!(conn, IdRow, sql, project_id).map_or(0, |row| row.id))
}

/// Which checks of a project are asked for; what is empty does not filter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Any of these ids.
    pub check_ids: Vec<i64>,
    /// All of these tags.
    pub tags: Vec<String>,
    /// Any of these states, `grace` among them.
    pub statuses: Vec<String>,
    /// This slug.
    pub slug: Option<String>,
    /// This text in name, slug or tags, whatever its case.
    pub q: Option<String>,
    /// In which order.
    pub order: Order,
}

/// The order of a list of checks. Those that are equal in it come by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// What decides.
    pub by: OrderBy,
    /// The other way round.
    pub descending: bool,
}

/// What the order of a list of checks goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrderBy {
    /// Their ids.
    #[default]
    Id,
    /// Their names, by code point.
    Name,
    /// When they were made.
    CreatedAt,
    /// Their last success or failure; those without any come first.
    LastPingAt,
    /// Their states: down, grace, up, new, paused.
    Status,
}

/// Which checks are meant: where their ids come from, and the conditions with the values they need,
/// numbered as they are added.
struct Selection {
    /// The tables that are read for it, the one that leads first.
    from: String,
    /// The column that has the ids.
    id: &'static str,
    /// What must hold.
    conditions: String,
    values: Vec<String>,
}

impl Selection {
    /// `$1` is the project, `$2` the time; texts follow.
    fn place(&mut self, value: String) -> String {
        self.values.push(value);
        format!("${}", self.values.len() + 2)
    }

    fn and(&mut self, condition: &str) {
        // Writing to a String never fails.
        let _ = write!(self.conditions, " AND {condition}");
    }

    /// The ids of all checks of the project, or of those with the filter's first tag: an index
    /// leads to either. The tables beside it are read only where they are needed.
    fn begin(filter: &Filter) -> Self {
        let has_tag = !filter.tags.is_empty();
        let needs_check = filter.slug.is_some()
            || filter.q.is_some()
            || matches!(filter.order.by, OrderBy::Name | OrderBy::CreatedAt);
        let needs_state = !filter.statuses.is_empty()
            || matches!(filter.order.by, OrderBy::LastPingAt | OrderBy::Status);
        let (from, id) =
            if has_tag { ("check_tags t", "t.check_id") } else { ("checks c", "c.check_id") };
        let owner = if has_tag { "t.project_id" } else { "c.project_id" };
        // The time is named once in any case: every parameter that is bound has to occur.
        let conditions = format!("{owner} = $1 AND CAST($2 AS BIGINT) IS NOT NULL");
        let mut all = Self { from: from.to_owned(), id, conditions, values: Vec::new() };
        // Crosswise, so that SQLite, which has no figures of them, reads the tables in this order.
        if has_tag && needs_check {
            all.from.push_str(" CROSS JOIN checks c");
            all.and("c.check_id = t.check_id");
        }
        if needs_state {
            all.from.push_str(" CROSS JOIN check_states s");
            all.and(&format!("s.check_id = {id}"));
        }
        all
    }

    fn of(db: Db, filter: &Filter) -> Self {
        let mut all = Self::begin(filter);
        let id = all.id;
        let mut tags = filter.tags.iter();
        if let Some(tag) = tags.next() {
            let place = all.place(tag.clone());
            all.and(&format!("t.tag = {place}"));
        }
        for tag in tags {
            let place = all.place(tag.clone());
            all.and(&format!(
                "EXISTS (SELECT 1 FROM check_tags o WHERE o.check_id = {id} AND o.tag = {place})"
            ));
        }
        if !filter.check_ids.is_empty() {
            let place = all.place(id_list(&filter.check_ids));
            all.and(&db.is_in(id, &place));
        }
        if !filter.statuses.is_empty() {
            let places: Vec<String> =
                filter.statuses.iter().map(|status| all.place(status.clone())).collect();
            all.and(&format!("({SHOWN_STATUS}) IN ({})", places.join(", ")));
        }
        if let Some(slug) = &filter.slug {
            let place = all.place(slug.clone());
            all.and(&format!("c.slug = {place}"));
        }
        if let Some(q) = &filter.q {
            let place = all.place(fold(q));
            all.and(&db.contains("c.search_text", &place));
        }
        all
    }

    /// A page of the ids alone, which is all that is read of the checks before it. The limit stands
    /// in the text: PostgreSQL, which plans a statement once for all values, takes a bound one for
    /// a tenth of all rows, and would read every check of the installation to find a hundred.
    fn page(&self, order: &str, limit: i64) -> String {
        let (id, from, conditions) = (self.id, &self.from, &self.conditions);
        format!(
            "SELECT {id} AS page_id FROM {from} WHERE {conditions} ORDER BY {order} \
             LIMIT {limit} OFFSET ${}",
            self.values.len() + 3
        )
    }
}

const SHOWN_STATUS: &str =
    "CASE WHEN s.status = 'up' AND s.next_ping_at < $2 THEN 'grace' ELSE s.status END";

/// The terms of an order, ids being in the column `id`.
fn order_by(db: Db, order: Order, id: &str) -> String {
    let way = if order.descending { "DESC" } else { "ASC" };
    match order.by {
        OrderBy::Id => format!("{id} {way}"),
        OrderBy::Name => format!("{} {way}, {id}", db.by_text("c.check_name")),
        OrderBy::CreatedAt => format!("c.created_at {way}, {id} {way}"),
        OrderBy::LastPingAt => {
            format!("COALESCE(s.last_ping_at, 0) {way}, {id} {way}")
        }
        OrderBy::Status => format!(
            "CASE ({SHOWN_STATUS}) WHEN 'down' THEN 0 WHEN 'grace' THEN 1 WHEN 'up' THEN 2 \
             WHEN 'new' THEN 3 ELSE 4 END {way}, {id}"
        ),
    }
}

/// A page of a project's checks, and how many fit the filter: three statements at most, and no row
/// of a check that is not on the page where an index knows the order and the filter.
///
/// # Errors
/// The database is out.
pub async fn list(
    conn: &mut Conn,
    project_id: i64,
    filter: &Filter,
    now: Timestamp,
    offset: i64,
    limit: i64,
) -> Result<(Vec<CheckRow>, i64)> {
    let db = conn.db();
    let all = Selection::of(db, filter);
    let page = all.page(&order_by(db, filter.order, all.id), limit);
    let order = order_by(db, filter.order, "c.check_id");
    // The order of a part of a statement is not promised for the whole.
    let page = format!(
        "SELECT {COLUMNS} FROM ({page}) p CROSS JOIN checks c CROSS JOIN check_states s \
         WHERE c.check_id = p.page_id AND s.check_id = p.page_id ORDER BY {order}"
    );
    let rows: Vec<CheckRow> = on_link!(conn, link => {
        let mut query = sqlx::query_as(AssertSqlSafe(page)).bind(project_id).bind(now);
        for value in &all.values {
            query = query.bind(value.clone());
        }
        query.bind(offset).fetch_all(&mut *link).await?
    });
    let total = match last_of(&rows, offset, limit) {
        Some(total) => total,
        None if all.values.is_empty() => count(conn, project_id).await?,
        None => count_of(conn, project_id, &all, now).await?,
    };
    Ok((rows, total))
}

/// How many there are, where a page shows it by not being full.
fn last_of(rows: &[CheckRow], offset: i64, limit: i64) -> Option<i64> {
    let count = i64::try_from(rows.len()).ok()?;
    (count < limit && (count > 0 || offset == 0)).then_some(offset.saturating_add(count))
}

async fn count_of(
    conn: &mut Conn,
    project_id: i64,
    all: &Selection,
    now: Timestamp,
) -> Result<i64> {
    let sql = format!("SELECT COUNT(*) FROM {} WHERE {}", all.from, all.conditions);
    Ok(on_link!(conn, link => {
        let mut query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(project_id).bind(now);
        for value in &all.values {
            query = query.bind(value.clone());
        }
        query.fetch_one(&mut *link).await?
    }))
}

/// A tag of a project.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct TagCount {
    /// The tag.
    pub tag: String,
    /// How many checks have it.
    pub checks: i64,
}

/// The tags of a project's checks that most of them have, at most `limit`.
///
/// # Errors
/// The database is out.
pub async fn tags_of(conn: &mut Conn, project_id: i64, limit: i64) -> Result<Vec<TagCount>> {
    let sql = "SELECT tag, COUNT(*) AS checks FROM check_tags WHERE project_id = $1 \
               GROUP BY tag ORDER BY COUNT(*) DESC, tag LIMIT $2";
    Ok(fetch_all!(conn, TagCount, sql, project_id, limit))
}

/// The check of this project with this UUID.
///
/// # Errors
/// The database is out.
pub async fn find_by_uuid(
    conn: &mut Conn,
    project_id: i64,
    uuid: &str,
) -> Result<Option<CheckRow>> {
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE c.project_id = $1 AND c.uuid = $2");
    Ok(fetch_optional!(conn, CheckRow, AssertSqlSafe(sql), project_id, uuid))
}

/// Gives a check another UUID in the address of its badge, which no other may have.
///
/// # Errors
/// The database refused.
pub async fn set_badge_uuid(conn: &mut Conn, check_id: i64, badge_uuid: &str) -> Result<()> {
    let sql = "UPDATE checks SET badge_uuid = $2 WHERE check_id = $1";
    execute!(conn, sql, check_id, badge_uuid);
    Ok(())
}

/// The check that badges name so.
///
/// # Errors
/// The database is out.
pub async fn find_by_badge(conn: &mut Conn, badge_uuid: &str) -> Result<Option<CheckRow>> {
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE c.badge_uuid = $1");
    Ok(fetch_optional!(conn, CheckRow, AssertSqlSafe(sql), badge_uuid))
}

#[derive(sqlx::FromRow)]
struct TallyRow {
    total: i64,
    grace: i64,
    down: i64,
}

/// How the checks of a project stand at `now`, or those with this tag.
///
/// # Errors
/// The database is out.
pub async fn tally(
    conn: &mut Conn,
    project_id: i64,
    tag: Option<&str>,
    now: Timestamp,
) -> Result<Tally> {
    let sql = format!(
        "SELECT COUNT(*) AS total, COUNT(CASE WHEN s.status = 'up' AND s.next_ping_at < $2 \
         THEN 1 END) AS grace, COUNT(CASE WHEN s.status = 'down' THEN 1 END) AS down \
         FROM {TABLES} WHERE c.project_id = $1 AND ($3 IS NULL OR EXISTS (SELECT 1 \
         FROM check_tags t WHERE t.project_id = $1 AND t.check_id = c.check_id AND t.tag = $3))"
    );
    let row = fetch_optional!(
        conn,
        TallyRow,
        AssertSqlSafe(sql),
        project_id,
        now,
        tag.map(str::to_owned)
    );
    let row = row.map(|TallyRow { total, grace, down }| Tally { total, grace, down });
    Ok(row.unwrap_or_default())
}

/// What names a check among those of a project, where it is to be made only if none has it: each of
/// these that is given has to be the same.
#[derive(Clone, Debug, Default)]
pub struct Unique {
    /// Its name.
    pub check_name: Option<String>,
    /// Its slug.
    pub slug: Option<String>,
    /// Its tags, in order.
    pub tags: Option<Tags>,
    /// Its period in seconds; a check with a schedule has none.
    pub period: Option<i64>,
    /// Its grace in seconds.
    pub grace: Option<i64>,
}

/// The first check of a project, by id, that has all of this.
///
/// # Errors
/// The database is out.
pub async fn find_unique(conn: &mut Conn, project_id: i64, unique: &Unique) -> Result<Option<i64>> {
    let row = fetch_optional!(
        conn,
        IdRow,
        "SELECT c.check_id AS id FROM checks c JOIN check_states s ON s.check_id = c.check_id \
         WHERE c.project_id = $1 AND c.check_name = COALESCE($2, c.check_name) \
         AND c.slug = COALESCE($3, c.slug) AND c.tags = COALESCE($4, c.tags) \
         AND ($5 IS NULL OR (s.kind = 'simple' AND s.period = $5)) \
         AND s.grace = COALESCE($6, s.grace) ORDER BY c.check_id LIMIT 1",
        project_id,
        unique.check_name.clone(),
        unique.slug.clone(),
        unique.tags.as_ref().map(Tags::to_text),
        unique.period,
        unique.grace
    );
    Ok(row.map(|row| row.id))
}

/// The id and the UUID of a check.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct CheckName {
    /// Its id.
    pub check_id: i64,
    /// Its UUID.
    pub uuid: String,
}

/// The ids and UUIDs of all checks of a project.
///
/// # Errors
/// The database is out.
pub async fn names_of(conn: &mut Conn, project_id: i64) -> Result<Vec<CheckName>> {
    let sql = "SELECT check_id, uuid FROM checks WHERE project_id = $1 ORDER BY check_id";
    Ok(fetch_all!(conn, CheckName, sql, project_id))
}

/// The project of the check with this UUID; none where there is no such check.
///
/// # Errors
/// The database is out.
pub async fn project_of(conn: &mut Conn, uuid: &str) -> Result<Option<i64>> {
    let sql = "SELECT project_id AS id FROM checks WHERE uuid = $1";
    Ok(fetch_optional!(conn, IdRow, sql, uuid).map(|row| row.id))
}

/// Moves a check into another project: it tells none of the channels of the old one any more, and
/// maintenance windows of that no longer name it. The caller holds the locks on its state and on
/// both projects.
///
/// # Errors
/// The database refused.
pub async fn move_to(
    conn: &mut Conn,
    check: &CheckRow,
    project_id: i64,
    now: Timestamp,
) -> Result<()> {
    let check_id = check.check_id;
    maintenance::delete_with_check(conn, check_id).await?;
    execute!(conn, "DELETE FROM maintenance_checks WHERE check_id = $1", check_id);
    execute!(conn, "DELETE FROM check_channels WHERE check_id = $1", check_id);
    host_looks::unlink(conn, check_id).await?;
    let sql = "UPDATE checks SET project_id = $2, updated_at = $3 WHERE check_id = $1";
    execute!(conn, sql, check_id, project_id, now);
    let sql = "UPDATE check_tags SET project_id = $2 WHERE check_id = $1";
    execute!(conn, sql, check_id, project_id);
    add_to_count(conn, check.project_id, -1).await?;
    add_to_count(conn, project_id, 1).await
}

/// How many checks are in a state.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StatusTotal {
    /// `down`, `grace`, `up`, `new` or `paused`.
    pub status: String,
    /// How many.
    pub checks: i64,
}

/// How many checks of the whole installation are in which state, `grace` told from `up` at `now`.
///
/// # Errors
/// The database is out.
pub async fn status_totals(conn: &mut Conn, now: Timestamp) -> Result<Vec<StatusTotal>> {
    let sql = "SELECT x.status, COUNT(*) AS checks FROM (SELECT CASE WHEN s.status = 'up' AND \
               s.next_ping_at < $1 THEN 'grace' ELSE s.status END AS status FROM check_states s) x \
               GROUP BY x.status ORDER BY x.status";
    Ok(fetch_all!(conn, StatusTotal, sql, now))
}

/// How a check stands, as far as others may have changed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Standing {
    /// The check.
    pub check_id: i64,
    /// Pings so far.
    pub n_pings: i64,
    /// Changes of its state so far.
    pub n_flips: i64,
}

/// How all checks of a project stand.
///
/// # Errors
/// The database is out.
pub async fn standings(conn: &mut Conn, project_id: i64) -> Result<Vec<Standing>> {
    let sql = "SELECT s.check_id, s.n_pings, s.n_flips FROM checks c \
               JOIN check_states s ON s.check_id = c.check_id WHERE c.project_id = $1";
    Ok(fetch_all!(conn, Standing, sql, project_id))
}

/// A check and its name.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Name {
    /// Its id.
    pub check_id: i64,
    /// Its name; may be empty.
    pub check_name: String,
}

/// The first checks of a project by name, so many.
///
/// # Errors
/// The database is out.
pub async fn names(conn: &mut Conn, project_id: i64, limit: i64) -> Result<Vec<Name>> {
    let sql = "SELECT check_id, check_name FROM checks WHERE project_id = $1 \
               ORDER BY check_name, check_id LIMIT $2";
    Ok(fetch_all!(conn, Name, sql, project_id, limit))
}
