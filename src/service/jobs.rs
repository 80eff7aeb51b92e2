//! The signed job list (`jobs-api.md`): what a user's projects expect, then what ran in them, newest
//! first.

use crate::context::Context;
use crate::domain::jobs::{Facts, Job, Pages, Status};
use crate::fault::Result;
use crate::store::jobs::{self, ExpectedRow, JobRow};
use crate::store::projects::Role;
use crate::store::run_counts;

/// The most jobs on a page.
pub const MAX_LIMIT: i64 = 1000;

/// A page of the list.
#[derive(Clone, Debug)]
pub struct JobList {
    /// How many jobs there are.
    pub total: i64,
    /// Where the page stands.
    pub pages: Pages,
    /// The jobs on it.
    pub jobs: Vec<Job>,
}

/// A page (from 1) of a user's jobs, by `limit` (1 to [`MAX_LIMIT`]).
///
/// # Errors
/// The database is out.
pub async fn list(ctx: &Context, user_id: i64, limit: i64, page: i64) -> Result<JobList> {
    let mut conn = ctx.store.read().await?;
    let waiting = jobs::count_expected(&mut conn, user_id).await?;
    let ran = run_counts::of_user(&mut conn, user_id).await?;
    let offset = (page - 1).saturating_mul(limit);
    let told = Told { endpoint: ctx.config.server.ping_endpoint() };
    let mut found = Vec::new();
    if offset < waiting {
        let rows = jobs::expected(&mut conn, user_id, offset, limit).await?;
        found.extend(rows.into_iter().map(|row| told.expected(row)));
    }
    // What is expected fills the first pages; runs begin behind it, in the middle of a page maybe.
    let behind = (offset - waiting).max(0);
    let room = limit.min(offset.saturating_add(limit) - waiting).max(0);
    let rows = jobs::runs(&mut conn, user_id, ran, behind, room).await?;
    found.extend(rows.into_iter().map(|row| told.run(row)));
    let total = waiting + ran;
    Ok(JobList { total, pages: Pages::of(page, limit, total), jobs: found })
}

/// How rows are told: with ping URLs built on this.
struct Told {
    endpoint: String,
}

impl Told {
    /// A check's ping URL: for those who may ping.
    fn url(&self, role: Role, uuid: &str) -> Option<String> {
        (role != Role::Viewer).then(|| format!("{}{uuid}", self.endpoint))
    }

    fn expected(&self, row: ExpectedRow) -> Job {
        Job {
            id: format!("c{}", row.check_id),
            starts_at: row.next_ping_at,
            ended_at: None,
            status: Status::Expected,
            url: self.url(row.role, &row.uuid),
            log_count: None,
            failure_count: None,
            name: row.check_name,
            button: Status::Expected.button(true),
            description: None,
            rescan: None,
        }
    }

    fn run(&self, row: JobRow) -> Job {
        let facts = Facts {
            result: row.result,
            has_ended: row.finished_at.is_some(),
            exit_status: row.exit_status,
            is_latest: row.is_latest == 1,
            is_kept: row.is_kept == 1,
            failed_at_end: row.failed_at_end == 1,
            logs: row.logs,
            tail: row.tail.as_deref(),
        };
        let status = Status::from(row.result);
        Job {
            id: row.run_id.to_string(),
            starts_at: row.started_at,
            ended_at: row.finished_at,
            status,
            url: self.url(row.role, &row.uuid),
            log_count: facts.log_count(),
            failure_count: facts.failure_count(),
            button: status.button(facts.is_kept),
            description: facts.description(),
            rescan: facts.rescan(),
            name: row.check_name,
        }
    }
}
