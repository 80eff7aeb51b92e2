//! Previews of schedules: when pings would be expected, and the deadlines that follow.

use super::checks::{self, Change};
use super::years;
use crate::clock::Timestamp;
use crate::context::Context;
use crate::domain::check::{self, Rules, State};
use crate::domain::schedule::{Kind, preview};
use crate::fault::{Fault, Result};
use crate::store::checks::Settings;
use crate::store::states::{self, Base};

/// How many occurrences a preview has where nobody says.
pub const USUAL: i64 = 10;
/// The most that it can have.
pub const MOST: i64 = 100;

/// What a preview is asked for; what is none comes from the check, or from the defaults of a new
/// one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// What kind of schedule.
    pub kind: Option<Kind>,
    /// Seconds between two pings.
    pub period: Option<i64>,
    /// The cron or OnCalendar expression.
    pub schedule: Option<String>,
    /// The IANA zone of a schedule that has one.
    pub timezone: Option<String>,
    /// Seconds that a ping may be late.
    pub grace: Option<i64>,
    /// Strictly after this moment; now where it is not given.
    pub from: Option<Timestamp>,
    /// So many; [`USUAL`] where it is not given.
    pub count: Option<i64>,
}

/// When a ping is expected, and the deadline for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// When it is expected.
    pub expected_at: Timestamp,
    /// When the check goes down without it.
    pub deadline_at: Timestamp,
}

impl Wanted {
    /// Checks every value that is given, as if it were set.
    ///
    /// # Errors
    /// The first one that is out of range, by its name in the management API.
    pub fn validate(&self, ctx: &Context) -> Result<()> {
        self.change().validate(&ctx.config)?;
        if self.count.is_some_and(|count| !(1..=MOST).contains(&count)) {
            return Err(Fault::invalid("count", format!("must be between 1 and {MOST}")));
        }
        years::check("from", self.from)
    }

    fn change(&self) -> Change {
        Change {
            kind: self.kind,
            period: self.period.map(Some),
            schedule: self.schedule.clone().map(Some),
            timezone: self.timezone.clone(),
            grace: self.grace,
            ..Change::default()
        }
    }
}

/// The next expected times of a schedule of its own, counted from `from`. What is wanted must be
/// [`Wanted::validate`]d.
///
/// # Errors
/// Its kind and its schedule do not fit together.
pub fn of_schedule(ctx: &Context, wanted: &Wanted) -> Result<Vec<Expected>> {
    let rules = wanted.change().applied_to(&Settings::default())?.rules();
    Ok(expected(ctx, wanted, &rules, None))
}

/// The next expected times of a check, under its settings save for those that are given, counted
/// from what its deadline counts from: its last ping. Where it has none since it was made or
/// resumed, from `from`. What is wanted must be [`Wanted::validate`]d.
///
/// # Errors
/// It is not in this project, or its kind and its schedule do not fit together.
pub async fn of_check(
    ctx: &Context,
    project_id: i64,
    check_id: i64,
    wanted: &Wanted,
) -> Result<Vec<Expected>> {
    let mut conn = ctx.store.read().await?;
    let (row, _) = checks::find(&mut conn, project_id, check_id).await?;
    let base = states::base_of(&mut conn, check_id).await?;
    let rules = wanted.change().applied_to(&row.settings)?.rules();
    let first = base.and_then(|Base { base_at, last_ping_at }| {
        check::expected_at(&rules, &State { base_at, last_ping_at, ..State::default() })
    });
    Ok(expected(ctx, wanted, &rules, first))
}

fn expected(
    ctx: &Context,
    wanted: &Wanted,
    rules: &Rules,
    first: Option<Timestamp>,
) -> Vec<Expected> {
    let from = wanted.from.unwrap_or_else(|| ctx.now());
    let count = usize::try_from(wanted.count.unwrap_or(USUAL)).unwrap_or(0);
    // What can't be written as a time is never told of.
    let end = years::LAST.plus_seconds(-rules.grace);
    let list = preview::occurrences(&rules.schedule, first, from, count, end).into_iter();
    let with_deadline = |expected_at: Timestamp| Expected {
        expected_at,
        deadline_at: expected_at.plus_seconds(rules.grace),
    };
    list.map(with_deadline).collect()
}
