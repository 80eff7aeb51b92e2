//! `…/schedule-preview`, of a check and of a schedule that no check has yet.

use serde::Serialize;
use utoipa::openapi::Object;
use utoipa::{IntoParams, ToSchema};

use super::call::{Answer, Call};
use super::checks::{expression, kind, kind_words};
use super::command::Command;
use super::list::Page;
use super::model::{Model, Time};
use super::query::Query;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::domain::schedule::Kind;
use crate::fault::Result;
use crate::service::checks::LONGEST;
use crate::service::preview::{self, Expected, MOST, Wanted};
use crate::store::projects::Role;

/// What there is to know of both commands.
const TEXT: &str = "\
The next `count` times are reckoned, strictly after `from`; `offset` and `limit` choose from those, \
and `total_count` is how many there are: fewer than `count`, or none, where the schedule does not \
fire so often again.";

/// What there is to know of a check's preview.
const OF_CHECK: &str = "\
Under the check's own settings, save for those that are given. They are counted from what its \
deadline counts from, its last success or failure; from `from` where it waits for the first one \
since it was made or resumed.";

/// The commands of this file.
pub fn commands(config: &Config) -> Vec<Command> {
    let bounds = &config.checks;
    let (period, grace) = (bounds.min_period.into(), bounds.min_grace.into());
    let bounded = |command: Command| {
        command.within("period", period, LONGEST).within("grace", grace, LONGEST)
    };
    let commands = vec![
        Command::get(
            "/user/project/{project_id}/schedule-preview",
            of_schedule,
            "The next times of a schedule",
        )
        .text(&format!("{TEXT} What is not given is as in a new check."))
        .query::<Asked>()
        .lists::<ExpectedTime>(),
        Command::get(
            "/user/project/{project_id}/check/{check_id}/schedule-preview",
            of_check,
            "The next times of a check",
        )
        .text(&format!("{TEXT} {OF_CHECK}"))
        .query::<Asked>()
        .lists::<ExpectedTime>(),
    ];
    commands.into_iter().map(bounded).collect()
}

/// What a preview is of.
#[derive(Debug, IntoParams)]
struct Asked {
    /// The kind of the schedule.
    #[param(required = false, schema_with = kind_words)]
    kind: Option<Kind>,
    /// The cron or OnCalendar expression.
    #[param(required = false, schema_with = schedule)]
    schedule: Option<String>,
    /// The IANA time zone of the schedule.
    #[param(format = "iana-time-zone", example = "Europe/Budapest")]
    timezone: Option<String>,
    /// Seconds between two pings of a simple schedule; at least `checks.min_period`, normally 60, at
    /// most a year.
    #[param(minimum = 1, maximum = 31_536_000)]
    period: Option<i64>,
    /// Seconds that a ping may be late; at least `checks.min_grace`, normally 60, at most a year.
    #[param(minimum = 1, maximum = 31_536_000)]
    grace: Option<i64>,
    /// Only times strictly after this moment, RFC 3339, in the years 1970 to 9999; now where it is
    /// not said.
    #[param(value_type = Option<Time>, inline)]
    from: Option<Timestamp>,
    /// How many times are reckoned.
    #[param(required = false, minimum = 1, maximum = 100, default = 10)]
    count: Option<i64>,
}

/// The expression of a schedule as a parameter.
pub(super) fn schedule() -> Object {
    expression().build()
}

impl Asked {
    fn read(call: &Call, query: &mut Query) -> Result<Self> {
        let bounds = &call.ctx.config.checks;
        Ok(Self {
            kind: query.one("kind")?.as_deref().map(kind).transpose()?,
            schedule: query.one("schedule")?,
            timezone: query.one("timezone")?,
            period: query.integer("period", i64::from(bounds.min_period), LONGEST)?,
            grace: query.integer("grace", i64::from(bounds.min_grace), LONGEST)?,
            from: query.time("from")?,
            count: query.integer("count", 1, MOST)?,
        })
    }

    fn wanted(self) -> Wanted {
        let Self { kind, schedule, timezone, period, grace, from, count } = self;
        Wanted { kind, period, schedule, timezone, grace, from, count }
    }
}

/// A time at which a ping is expected.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExpectedTime {
    /// When a ping is expected.
    expected_at: Time,
    /// When the check goes down if none has come: `grace` later.
    deadline_at: Time,
}

impl Model for ExpectedTime {
    fn example() -> Self {
        Self { expected_at: Time::example(86_400), deadline_at: Time::example(90_000) }
    }
}

/// `GET /user/project/{project_id}/schedule-preview`
pub async fn of_schedule(call: Call) -> Answer {
    let (wanted, page) = wanted(&call)?;
    call.project(Role::Viewer).await?;
    reply(page, &preview::of_schedule(&call.ctx, &wanted)?)
}

/// `GET …/check/{check_id}/schedule-preview`
pub async fn of_check(call: Call) -> Answer {
    let (wanted, page) = wanted(&call)?;
    let check_id = call.id("check_id")?;
    let project = call.project(Role::Viewer).await?;
    let list = preview::of_check(&call.ctx, project.project_id, check_id, &wanted).await?;
    reply(page, &list)
}

fn wanted(call: &Call) -> Result<(Wanted, Page)> {
    let mut query = call.query()?;
    let asked = Asked::read(call, &mut query)?;
    let page = query.page()?;
    let wanted = asked.wanted();
    wanted.validate(&call.ctx)?;
    Ok((wanted, page))
}

fn reply(page: Page, all: &[Expected]) -> Answer {
    let size = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    let part = all.iter().skip(size(page.offset)).take(size(page.limit));
    let list = part.map(|each| ExpectedTime {
        expected_at: each.expected_at.into(),
        deadline_at: each.deadline_at.into(),
    });
    let total = i64::try_from(all.len()).unwrap_or(MOST);
    page.reply(list.collect(), total, Some(MOST))
}
