//! All of a project at once, and many of its checks in one step: what an export reads and an import
//! writes. A few statements, and none for each check.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;

use super::channels::{self, ChannelRow};
use super::checks::{self, CheckRow, Settings};
use super::dialect::{Column, Rows, id_list};
use super::tx::{Conn, execute, fetch_all};
use crate::clock::Timestamp;
use crate::fault::{Fault, Result};
use crate::secret;

/// So many checks go into one statement: each of them has dozens of values, and what a statement binds
/// has its bounds.
pub const MOST_CHECKS: usize = 128;

/// All channels of a project, by id.
///
/// # Errors
/// The database is out.
pub async fn channels_of(conn: &mut Conn, project_id: i64) -> Result<Vec<ChannelRow>> {
    let columns = channels::COLUMNS;
    let sql = format!("SELECT {columns} FROM channels WHERE project_id = $1 ORDER BY channel_id");
    Ok(fetch_all!(conn, ChannelRow, AssertSqlSafe(sql), project_id))
}

/// All checks of a project, by id.
///
/// # Errors
/// The database is out.
pub async fn checks_of(conn: &mut Conn, project_id: i64) -> Result<Vec<CheckRow>> {
    let (columns, tables) = (checks::COLUMNS, checks::TABLES);
    let sql = format!("SELECT {columns} FROM {tables} WHERE c.project_id = $1 ORDER BY c.check_id");
    Ok(fetch_all!(conn, CheckRow, AssertSqlSafe(sql), project_id))
}

/// Which channels each check of a project tells, by id.
///
/// # Errors
/// The database is out.
pub async fn assignments_of(conn: &mut Conn, project_id: i64) -> Result<HashMap<i64, Vec<i64>>> {
    #[derive(sqlx::FromRow)]
    struct PairRow {
        check_id: i64,
        channel_id: i64,
    }
    let rows = fetch_all!(
        conn,
        PairRow,
        "SELECT x.check_id, x.channel_id FROM check_channels x \
         JOIN checks c ON c.check_id = x.check_id WHERE c.project_id = $1 \
         ORDER BY x.check_id, x.channel_id",
        project_id
    );
    let mut all: HashMap<i64, Vec<i64>> = HashMap::new();
    for row in rows {
        all.entry(row.check_id).or_default().push(row.channel_id);
    }
    Ok(all)
}

/// Makes checks in the state `new`, each with its UUID, and returns their ids, which ascend. `after`
/// is an id below theirs; the caller holds the lock on the project.
///
/// # Errors
/// The database refused.
pub async fn insert_checks(
    conn: &mut Conn,
    project_id: i64,
    new: &[(String, &Settings)],
    after: i64,
    now: Timestamp,
) -> Result<Vec<i64>> {
    for part in new.chunks(MOST_CHECKS) {
        insert_part(conn, project_id, part, now).await?;
    }
    let ids = ids_of(conn, project_id, after).await?;
    let ids: Option<Vec<i64>> = new.iter().map(|(uuid, _)| ids.get(uuid).copied()).collect();
    let ids = ids.ok_or_else(|| Fault::internal("a check that was just made is not there"))?;
    for (ids, part) in ids.chunks(MOST_CHECKS).zip(new.chunks(MOST_CHECKS)) {
        let settings: Vec<&Settings> = part.iter().map(|(_, settings)| *settings).collect();
        let sql = format!(
            "INSERT INTO check_states ({STATE_COLUMNS}, status, failures, n_pings, n_flips, \
             open_runs) SELECT {STATE_COLUMNS}, 'new', 0, 0, 0, 0 FROM r"
        );
        Rows::new(STATE_COLUMNS, state_columns(ids, &settings)).execute(conn, &sql).await?;
        set_tags(conn, ids, &settings).await?;
    }
    checks::add_to_count(conn, project_id, i64::try_from(new.len()).unwrap_or(i64::MAX)).await?;
    Ok(ids)
}

async fn insert_part(
    conn: &mut Conn,
    project_id: i64,
    part: &[(String, &Settings)],
    now: Timestamp,
) -> Result<()> {
    let settings: Vec<&Settings> = part.iter().map(|(_, settings)| *settings).collect();
    let mut columns = vec![
        Column::texts(part.iter().map(|(uuid, _)| uuid.clone())),
        Column::ints(part.iter().map(|_| project_id)),
        Column::times(part.iter().map(|_| now)),
        Column::ints(0..i64::try_from(part.len()).unwrap_or(i64::MAX)),
        Column::texts(part.iter().map(|_| secret::random_uuid().to_string())),
    ];
    columns.extend(text_columns(&settings));
    let names = "uuid, project_id, at, place, badge_uuid, check_name, slug, slug_is_custom, tags, search_text, \
                 description, start_kw, success_kw, failure_kw, filter_subject, filter_body, \
                 filter_http_body, filter_default_fail, flap_threshold";
    // In order, so that the ids come in it too.
    let sql = "INSERT INTO checks (uuid, project_id, created_at, updated_at, badge_uuid, check_name, slug, \
               slug_is_custom, tags, search_text, description, start_kw, success_kw, failure_kw, \
               filter_subject, filter_body, filter_http_body, filter_default_fail, \
               flap_threshold) SELECT uuid, project_id, at, at, badge_uuid, check_name, slug, slug_is_custom, \
               tags, search_text, description, start_kw, success_kw, failure_kw, filter_subject, \
               filter_body, filter_http_body, filter_default_fail, flap_threshold \
               FROM r ORDER BY place";
    Rows::new(names, columns).execute(conn, sql).await?;
    Ok(())
}

/// The checks of a project that came after this id, by UUID.
async fn ids_of(conn: &mut Conn, project_id: i64, after: i64) -> Result<HashMap<String, i64>> {
    #[derive(sqlx::FromRow)]
    struct NameRow {
        check_id: i64,
        uuid: String,
    }
    let rows = fetch_all!(
        conn,
        NameRow,
        "SELECT check_id, uuid FROM checks WHERE project_id = $1 AND check_id > $2",
        project_id,
        after
    );
    Ok(rows.into_iter().map(|row| (row.uuid, row.check_id)).collect())
}

/// Sets what the owner of these checks may change. The caller holds the locks on their states and
/// writes the deadlines that follow.
///
/// # Errors
/// The database refused.
pub async fn update_checks(
    conn: &mut Conn,
    changed: &[(i64, &Settings)],
    now: Timestamp,
) -> Result<()> {
    for part in changed.chunks(MOST_CHECKS) {
        let (ids, settings): (Vec<i64>, Vec<&Settings>) = part.iter().copied().unzip();
        let mut columns =
            vec![Column::ints(ids.iter().copied()), Column::times(ids.iter().map(|_| now))];
        columns.extend(text_columns(&settings));
        let names = "check_id, at, check_name, slug, slug_is_custom, tags, search_text, \
                     description, start_kw, success_kw, failure_kw, filter_subject, filter_body, \
                     filter_http_body, filter_default_fail, flap_threshold";
        let sql = "UPDATE checks SET check_name = r.check_name, slug = r.slug, \
                   slug_is_custom = r.slug_is_custom, tags = r.tags, search_text = r.search_text, \
                   description = r.description, start_kw = r.start_kw, \
                   success_kw = r.success_kw, failure_kw = r.failure_kw, \
                   filter_subject = r.filter_subject, filter_body = r.filter_body, \
                   filter_http_body = r.filter_http_body, \
                   filter_default_fail = r.filter_default_fail, \
                   flap_threshold = r.flap_threshold, updated_at = r.at \
                   FROM r WHERE checks.check_id = r.check_id";
        Rows::new(names, columns).execute(conn, sql).await?;
        let sql = "UPDATE check_states SET kind = r.kind, period = r.period, \
                   schedule = r.schedule, timezone = r.timezone, grace = r.grace, \
                   max_runtime = r.max_runtime, early_tolerance = r.early_tolerance, \
                   failure_threshold = r.failure_threshold, manual_resume = r.manual_resume, \
                   post_only = r.post_only, filtered = r.filtered \
                   FROM r WHERE check_states.check_id = r.check_id";
        Rows::new(STATE_COLUMNS, state_columns(&ids, &settings)).execute(conn, sql).await?;
        set_tags(conn, &ids, &settings).await?;
    }
    Ok(())
}

async fn set_tags(conn: &mut Conn, ids: &[i64], all: &[&Settings]) -> Result<()> {
    let tags = ids.iter().zip(all).map(|(check_id, settings)| (*check_id, &settings.tags));
    checks::set_tags(conn, &tags.collect::<Vec<_>>()).await
}

/// The columns of `checks` that hold settings, in the order in which both writers name them.
fn text_columns(all: &[&Settings]) -> Vec<Column> {
    let texts = |of: fn(&Settings) -> String| Column::texts(all.iter().map(|s| of(s)));
    let ints = |of: fn(&Settings) -> i64| Column::ints(all.iter().map(|s| of(s)));
    vec![
        texts(|s| s.check_name.clone()),
        texts(|s| s.slug.clone()),
        ints(|s| s.slug_is_custom.0.into()),
        texts(|s| s.tags.to_text()),
        texts(Settings::search_text),
        texts(|s| s.description.clone()),
        texts(|s| s.start_kw.clone()),
        texts(|s| s.success_kw.clone()),
        texts(|s| s.failure_kw.clone()),
        ints(|s| s.filter_subject.0.into()),
        ints(|s| s.filter_body.0.into()),
        ints(|s| s.filter_http_body.0.into()),
        ints(|s| s.filter_default_fail.0.into()),
        ints(|s| s.flap_threshold),
    ]
}

const STATE_COLUMNS: &str = "check_id, kind, period, schedule, timezone, grace, max_runtime, \
                             early_tolerance, failure_threshold, manual_resume, post_only, filtered";

fn state_columns(ids: &[i64], all: &[&Settings]) -> Vec<Column> {
    let texts = |of: fn(&Settings) -> String| Column::texts(all.iter().map(|s| of(s)));
    let ints = |of: fn(&Settings) -> Option<i64>| Column::ints(all.iter().map(|s| of(s)));
    vec![
        Column::ints(ids.iter().copied()),
        texts(|s| s.kind.clone()),
        ints(|s| Some(s.period)),
        texts(|s| s.schedule.clone()),
        texts(|s| s.timezone.clone()),
        ints(|s| Some(s.grace)),
        ints(|s| s.max_runtime),
        ints(|s| s.early_tolerance),
        ints(|s| Some(s.failure_threshold)),
        ints(|s| Some(s.manual_resume.0.into())),
        ints(|s| Some(s.post_only.0.into())),
        ints(|s| Some(s.filter_http_body.0.into())),
    ]
}

/// Makes each of these checks tell exactly these channels.
///
/// # Errors
/// The database refused.
pub async fn assign(conn: &mut Conn, all: &[(i64, Vec<i64>)]) -> Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = all.iter().map(|(check_id, _)| *check_id).collect();
    let sql = format!("DELETE FROM check_channels WHERE {}", conn.db().is_in("check_id", "$1"));
    execute!(conn, AssertSqlSafe(sql), id_list(&ids));
    let pairs = || all.iter().flat_map(|(check, channels)| channels.iter().map(|c| (*check, *c)));
    let columns = vec![
        Column::ints(pairs().map(|(check_id, _)| check_id)),
        Column::ints(pairs().map(|(_, channel_id)| channel_id)),
    ];
    let sql =
        "INSERT INTO check_channels (check_id, channel_id) SELECT check_id, channel_id FROM r";
    Rows::new("check_id, channel_id", columns).execute(conn, sql).await?;
    Ok(())
}
