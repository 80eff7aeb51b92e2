//! `…/check/{check_id}/replay`: what the kept history of a check would have led to under other
//! settings.

use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::call::{Answer, Call};
use super::checks::{kind, kind_words};
use super::command::Command;
use super::history::{reason_words, status_words};
use super::list::Page;
use super::model::{Flag, Model, Time};
use super::previews::schedule;
use super::query::Query;
use super::span::Span;
use crate::clock::SECOND;
use crate::config::Config;
use crate::domain::check::{Reason, Status};
use crate::domain::schedule::Kind;
use crate::fault::Result;
use crate::service::checks::{Change, LONGEST, MAX_EARLY_TOLERANCE};
use crate::service::replay::{self, Lasting, MOST_PINGS, Outcome, Wanted};
use crate::store::projects::Role;

/// What there is to know of the command.
fn text() -> String {
    format!(
        "\
The flips that the check's kept history would have made under these settings, the latest first. What \
is not given is as in the check; what is given is taken as a change of the check takes it. Nothing is \
written, and nobody is told.

Its pings (as what they counted, the newest {MOST_PINGS} at most), pauses and resumes are lived \
through again, with the times at which this server was out. Where older pings are gone, it begins \
with the first moment after which those do not matter: a success, a pause or a resume, with the \
status of that time; `from` says when that is. With the settings that the check had all the while, \
the flips are the recorded ones.

`recorded` and `replayed` tell what was and what would have been from `from` to `to`. Alerts are \
turns to down: whether and when channels were told of them also depends on maintenance windows, \
flapping and the channels' own settings."
    )
}

/// The commands of this file.
pub fn commands(config: &Config) -> Vec<Command> {
    let (period, grace) = (config.checks.min_period.into(), config.checks.min_grace.into());
    vec![
        Command::get(
            "/user/project/{project_id}/check/{check_id}/replay",
            replay,
            "What other settings would have told",
        )
        .text(&text())
        .query::<Asked>()
        .query::<Span>()
        .within("period", period, LONGEST)
        .within("grace", grace, LONGEST)
        .within("max_runtime", grace, LONGEST)
        .lists::<ReplayedFlip>()
        .beside::<Compared>(),
    ]
}

/// The settings that are tried.
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
    /// Seconds that a run may take; within the range of `grace`.
    #[param(minimum = 1, maximum = 31_536_000)]
    max_runtime: Option<i64>,
    /// Seconds that a ping may be early and still count for its occurrence; 0: none.
    #[param(minimum = 0, maximum = 86_400)]
    early_tolerance: Option<i64>,
    /// So many failures in a row turn it down.
    #[param(minimum = 1, maximum = 100)]
    failure_threshold: Option<i64>,
}

impl Asked {
    fn read(call: &Call, query: &mut Query) -> Result<Self> {
        let bounds = &call.ctx.config.checks;
        let (period, grace) = (i64::from(bounds.min_period), i64::from(bounds.min_grace));
        Ok(Self {
            kind: query.one("kind")?.as_deref().map(kind).transpose()?,
            schedule: query.one("schedule")?,
            timezone: query.one("timezone")?,
            period: query.integer("period", period, LONGEST)?,
            grace: query.integer("grace", grace, LONGEST)?,
            max_runtime: query.integer("max_runtime", grace, LONGEST)?,
            early_tolerance: query.integer("early_tolerance", 0, MAX_EARLY_TOLERANCE)?,
            failure_threshold: query.integer("failure_threshold", 1, 100)?,
        })
    }

    fn change(self) -> Change {
        Change {
            kind: self.kind,
            schedule: self.schedule.map(Some),
            timezone: self.timezone,
            period: self.period.map(Some),
            grace: self.grace,
            max_runtime: self.max_runtime.map(Some),
            early_tolerance: self.early_tolerance.map(Some),
            failure_threshold: self.failure_threshold,
            ..Change::default()
        }
    }
}

/// A change of status that would have been.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayedFlip {
    /// When the status would have changed: for a missed deadline, the deadline.
    at: Time,
    /// The status before.
    #[schema(schema_with = status_words)]
    from: &'static str,
    /// The status after.
    #[schema(schema_with = status_words)]
    to: &'static str,
    /// Why.
    #[schema(schema_with = reason_words)]
    reason: &'static str,
    /// For how long, until the next one or the end of the replay, in whole seconds, rounded down.
    #[schema(minimum = 0, extensions(("x-unit" = json!("seconds"))))]
    duration: i64,
    /// The very same was recorded.
    recorded: Flag,
}

impl Model for ReplayedFlip {
    fn example() -> Self {
        Self {
            at: Time::example(0),
            from: Status::Up.as_str(),
            to: Status::Down.as_str(),
            reason: Reason::Timeout.as_str(),
            duration: 1800,
            recorded: Flag::from(false),
        }
    }
}

/// What was, beside what would have been.
#[derive(Debug, Serialize, ToSchema)]
pub struct Compared {
    /// From when on it is reckoned: what was asked for, or the first moment of which enough is kept.
    from: Time,
    /// Up to when it is reckoned.
    to: Time,
    /// All that ever happened to the check is kept, and was replayed.
    is_whole: Flag,
    /// What was recorded.
    recorded: ReplaySums,
    /// What would have been.
    replayed: ReplaySums,
}

/// What flips come to.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplaySums {
    /// How many flips there were.
    #[schema(minimum = 0)]
    flips: i64,
    /// How often it turned down, which its channels are told of.
    #[schema(minimum = 0)]
    alerts: i64,
    /// For how long it was down, in whole seconds, rounded down.
    #[schema(minimum = 0, extensions(("x-unit" = json!("seconds"))))]
    downtime: i64,
}

impl Model for Compared {
    fn example() -> Self {
        Self {
            from: Time::example(-86_400),
            to: Time::example(3600),
            is_whole: Flag::from(false),
            recorded: ReplaySums { flips: 4, alerts: 2, downtime: 5400 },
            replayed: ReplaySums { flips: 2, alerts: 1, downtime: 1800 },
        }
    }
}

/// `GET …/check/{check_id}/replay`
pub async fn replay(call: Call) -> Answer {
    let (wanted, page) = wanted(&call)?;
    let check_id = call.id("check_id")?;
    let project = call.project(Role::Viewer).await?;
    let replay = replay::of_check(&call.ctx, project.project_id, check_id, &wanted).await?;
    let all = &replay.replayed.flips;
    let size = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    let part = all.iter().rev().skip(size(page.offset)).take(size(page.limit));
    let compared = Compared {
        from: replay.from.into(),
        to: replay.to.into(),
        is_whole: replay.is_whole.into(),
        recorded: sums(&replay.recorded),
        replayed: sums(&replay.replayed),
    };
    page.reply_with(part.map(shown).collect(), count(all), compared)
}

fn wanted(call: &Call) -> Result<(Wanted, Page)> {
    let mut query = call.query()?;
    let change = Asked::read(call, &mut query)?.change();
    let Span { from, to } = Span::read(&mut query)?;
    let page = query.page()?;
    let wanted = Wanted { change, from, to };
    wanted.validate(&call.ctx)?;
    Ok((wanted, page))
}

fn count(flips: &[Lasting]) -> i64 {
    i64::try_from(flips.len()).unwrap_or(i64::MAX)
}

fn sums(outcome: &Outcome) -> ReplaySums {
    let Outcome { flips, alerts, .. } = outcome;
    ReplaySums { flips: count(flips), alerts: *alerts, downtime: outcome.downtime() }
}

fn shown(lasting: &Lasting) -> ReplayedFlip {
    let Lasting { flip, lasted, is_recorded } = lasting;
    ReplayedFlip {
        at: flip.at.into(),
        from: flip.from.as_str(),
        to: flip.to.as_str(),
        reason: flip.reason.as_str(),
        duration: lasted / SECOND,
        recorded: (*is_recorded).into(),
    }
}
