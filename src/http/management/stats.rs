//! `…/check/stats`: what checks did over a span of time.

use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::call::{Answer, Call};
use super::command::Command;
use super::model::{Model, seconds};
use super::query::Query;
use super::span::Span;
use crate::clock::SECOND;
use crate::fault::Result;
use crate::service::stats::{self, Stats};
use crate::store::projects::Role;
use crate::store::stats::PingSums;

/// What there is to know of the command.
const TEXT: &str = "\
Over the time from `from` (30 days before `to` where it is not said, at most 3660) to `to` (now where \
it is not said; what is still to come is left out), by check id. Ids of no check of this project do not come, as in \
`check-list`. Counted is what is kept and, of what retention has taken away, its sums by day in UTC: \
of a day that is cut by `from` or `to`, those count in proportion, rounded. The percentiles are of \
the runs that are kept, by nearest rank: the smallest of the values that so many are not above.";

/// The commands of this file.
pub fn commands() -> Vec<Command> {
    vec![
        Command::get("/user/project/{project_id}/check/stats", list, "Statistics of checks")
            .text(TEXT)
            .query::<Asked>()
            .query::<Span>()
            .lists::<CheckStats>(),
    ]
}

/// Which checks are asked for.
#[derive(Debug, IntoParams)]
struct Asked {
    /// Only these; may be repeated. All checks of the project where none is named.
    #[param(required = false, minimum = 1)]
    check_id: Vec<i64>,
}

impl Asked {
    fn read(query: &mut Query) -> Result<Self> {
        Ok(Self { check_id: query.ids("check_id")? })
    }
}

/// What a check did over the time that was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckStats {
    /// The check.
    #[schema(minimum = 1)]
    check_id: i64,
    /// The share of the observed time in which it was not down. Not observed is the time in which
    /// it was new or paused; null where there was no other.
    #[schema(required, minimum = 0, maximum = 1)]
    uptime: Option<f64>,
    /// For how long it was down, in whole seconds, rounded down.
    #[schema(minimum = 0, extensions(("x-unit" = json!("seconds"))))]
    downtime: i64,
    /// How often it was down; a downtime that began before `from` counts too.
    #[schema(minimum = 0)]
    downtime_count: i64,
    /// Its pings.
    pings: PingCounts,
    /// How many runs finished in this time, with a success or a failure and within 72 hours.
    #[schema(minimum = 0)]
    runs: i64,
    /// How long those took on average; null where there were none.
    #[schema(required, minimum = 0, extensions(("x-unit" = json!("seconds"))))]
    run_mean: Option<f64>,
    /// At most so long took half of those that are kept; null where none are.
    #[schema(required, minimum = 0, extensions(("x-unit" = json!("seconds"))))]
    run_p50: Option<f64>,
    /// At most so long took 95 of 100 of those that are kept; null where none are.
    #[schema(required, minimum = 0, extensions(("x-unit" = json!("seconds"))))]
    run_p95: Option<f64>,
    /// How long the longest took; null where there were none.
    #[schema(required, minimum = 0, extensions(("x-unit" = json!("seconds"))))]
    run_max: Option<f64>,
}

/// How many pings of each kind there were.
#[derive(Debug, Serialize, ToSchema)]
pub struct PingCounts {
    /// The job was done, or alive.
    #[schema(minimum = 0)]
    success: i64,
    /// The job had begun.
    #[schema(minimum = 0)]
    start: i64,
    /// The job went wrong.
    #[schema(minimum = 0)]
    fail: i64,
    /// Something to be kept and shown.
    #[schema(minimum = 0)]
    log: i64,
    /// Stored and without effect.
    #[schema(minimum = 0)]
    ign: i64,
}

impl From<PingSums> for PingCounts {
    fn from(sums: PingSums) -> Self {
        let PingSums { success, start, fail, log, ign, .. } = sums;
        Self { success, start, fail, log, ign }
    }
}

impl Model for CheckStats {
    fn example() -> Self {
        Self {
            check_id: 2,
            uptime: Some(0.998_611_111),
            downtime: 3600,
            downtime_count: 1,
            pings: PingCounts { success: 29, start: 30, fail: 1, log: 0, ign: 0 },
            runs: 30,
            run_mean: Some(61.25),
            run_p50: Some(60.5),
            run_p95: Some(75.125),
            run_max: Some(93.75),
        }
    }
}

/// `GET …/check/stats`
pub async fn list(call: Call) -> Answer {
    let mut query = call.query()?;
    let Asked { check_id } = Asked::read(&mut query)?;
    let Span { from, to } = Span::read(&mut query)?;
    let page = query.page()?;
    let span = stats::span(from, to, call.ctx.now())?;
    let project = call.project(Role::Viewer).await?;
    let (ctx, project_id) = (&call.ctx, project.project_id);
    let (list, total) =
        stats::of_checks(ctx, project_id, &check_id, span, page.offset, page.limit).await?;
    let max_count = i64::from(call.ctx.config.checks.max_count);
    page.reply(list.iter().map(shown).collect(), total, Some(max_count))
}

fn shown(stats: &Stats) -> CheckStats {
    let runs = &stats.runs;
    CheckStats {
        check_id: stats.check_id,
        uptime: stats.uptime(),
        downtime: stats.down_time / SECOND,
        downtime_count: stats.downs,
        pings: stats.pings.into(),
        runs: runs.runs,
        run_mean: stats.run_mean().map(|micros| micros / 1e6),
        run_p50: seconds(runs.p50),
        run_p95: seconds(runs.p95),
        run_max: seconds(runs.longest),
    }
}
