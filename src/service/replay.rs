//! Replays: what the kept history of a check would have led to under other settings, beside what was
//! recorded. Nothing is written.

use std::collections::HashSet;

use super::checks::{self, Change};
use super::years;
use crate::clock::{SECOND, Timestamp};
use crate::context::Context;
use crate::domain::check::{Flip, MOST_OPEN_RUNS, Reason, Rules, Status};
use crate::domain::replay::{Beginning, History};
use crate::domain::run::Run;
use crate::fault::{Fault, Result};
use crate::store::checks::CheckRow;
use crate::store::states::{self, Reached};
use crate::store::tx::Conn;
use crate::store::{flips, nodes, pings, runs};

/// The most pings that a replay reads: the newest.
pub const MOST_PINGS: i64 = 10_000;
/// The most flips that it reads: the newest.
const MOST_FLIPS: i64 = 20_000;
/// Rows that are read at a time.
const PAGE: i64 = 1000;

/// What a replay is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// What is other than in the check.
    pub change: Change,
    /// Only flips from this moment on.
    pub from: Option<Timestamp>,
    /// Only flips before this moment.
    pub to: Option<Timestamp>,
}

impl Wanted {
    /// Checks every value that is given, as if it were set.
    ///
    /// # Errors
    /// The first one that is out of range, by its name in the management API.
    pub fn validate(&self, ctx: &Context) -> Result<()> {
        self.change.validate(&ctx.config)?;
        years::check_span(self.from, self.to)
    }
}

/// What came, or would have come, of a check's history between two moments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// From when on it is reckoned: what was asked for, or the first moment that is known enough of.
    pub from: Timestamp,
    /// Up to when.
    pub to: Timestamp,
    /// The history is known from the making of the check on; nothing older is gone.
    pub is_whole: bool,
    /// What was recorded.
    pub recorded: Outcome,
    /// What would have been.
    pub replayed: Outcome,
}

/// The flips of a check between two moments, and what they come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The flips, in order.
    pub flips: Vec<Lasting>,
    /// Turns to down, which its channels are told of.
    pub alerts: i64,
    /// Microseconds for which it was down.
    pub down_time: i64,
}

/// A flip and what it led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lasting {
    /// What happened.
    pub flip: Flip,
    /// Microseconds to the next one, or to the end of what is reckoned.
    pub lasted: i64,
    /// The very same was recorded.
    pub is_recorded: bool,
}

/// What the history of a check would have led to under its settings, save for those that are given.
/// What is wanted must be [`Wanted::validate`]d.
///
/// # Errors
/// It is not in this project, or its kind and its schedule do not fit together.
pub async fn of_check(
    ctx: &Context,
    project_id: i64,
    check_id: i64,
    wanted: &Wanted,
) -> Result<Replay> {
    let mut conn = ctx.store.read().await?;
    let (row, _) = checks::find(&mut conn, project_id, check_id).await?;
    let rules = wanted.change.applied_to(&row.settings)?.rules();
    let history = history(ctx, &mut conn, &row).await?;
    let beginning = history.beginning();
    let open_runs = if beginning.is_whole {
        Vec::new()
    } else {
        let most = i64::try_from(MOST_OPEN_RUNS).unwrap_or(i64::MAX);
        runs::open_before(&mut conn, check_id, beginning.at, most).await?
    };
    drop(conn);
    let (from, to) = (wanted.from, wanted.to);
    // Reckoning may take as long as a page of a thousand checks does: not on a thread of the server.
    let reckon = move || compare(&history, beginning, &rules, open_runs, from, to);
    tokio::task::spawn_blocking(reckon).await.map_err(Fault::internal)
}

async fn history(ctx: &Context, conn: &mut Conn, row: &CheckRow) -> Result<History> {
    let (check_id, now) = (row.check_id, ctx.now());
    let reached = states::reached(conn, check_id).await?.ok_or_else(checks::not_yours)?;
    let Reached { status, n_pings, n_flips, alert_at } = reached;
    let mut history = History {
        created_at: row.created_at,
        status,
        n_pings,
        pings: Vec::new(),
        flips: Vec::new(),
        outages: Vec::new(),
        // A deadline that nobody has looked at yet is not history.
        until: alert_at.map_or(now, |at| now.min(at.plus_micros(-1))),
    };
    let mut after = (n_pings - MOST_PINGS).max(0);
    loop {
        let page = pings::past(conn, check_id, after, n_pings, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.n;
        history.pings.extend(page);
    }
    let mut after = (n_flips - MOST_FLIPS).max(0);
    loop {
        let page = flips::past(conn, check_id, after, n_flips, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.flip.n;
        history.flips.extend(page);
    }
    if ctx.config.detector.outage_amnesty {
        let since = history.pings.first().map_or(row.created_at, |ping| ping.at);
        history.outages = nodes::outages_since(conn, since).await?;
    }
    Ok(history)
}

fn compare(
    history: &History,
    beginning: Beginning,
    rules: &Rules,
    open_runs: Vec<Run>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> Replay {
    let recorded = history.recorded(beginning);
    let replayed = history.replayed(beginning, rules, open_runs);
    let known: HashSet<_> = recorded.iter().map(essence).collect();
    let until = to.map_or(history.until, |to| to.min(history.until));
    let from = from.map_or(beginning.at, |from| from.max(beginning.at)).min(until);
    // What happened this very moment belongs to it where nobody named an end.
    let span = Span { from, until, before: to.unwrap_or(Timestamp(i64::MAX)) };
    let outcome = |flips: &[Flip]| outcome(flips, beginning.status, span, &known);
    Replay {
        from,
        to: until,
        is_whole: beginning.is_whole,
        recorded: outcome(&recorded),
        replayed: outcome(&replayed),
    }
}

/// What makes two flips the same.
type Essence = (Timestamp, Status, Status, Reason);

fn essence(flip: &Flip) -> Essence {
    (flip.at, flip.from, flip.to, flip.reason)
}

/// The time that is looked at: times are summed up to `until`, and flips come from before `before`.
#[derive(Clone, Copy)]
struct Span {
    from: Timestamp,
    until: Timestamp,
    before: Timestamp,
}

/// What these flips come to; `status` is the one before the first.
fn outcome(flips: &[Flip], status: Status, span: Span, known: &HashSet<Essence>) -> Outcome {
    let within = |at: Timestamp| at.clamp(span.from, span.until);
    let ends = flips.iter().skip(1).map(|flip| flip.at).chain([span.until]);
    let mut outcome = Outcome::default();
    if status == Status::Down {
        let end = flips.first().map_or(span.until, |flip| flip.at);
        outcome.down_time += within(end).micros_since(span.from);
    }
    for (flip, end) in flips.iter().zip(ends) {
        let is_down = flip.to == Status::Down;
        // A clock that was set back may have a flip end before it began.
        let lasted = within(end).micros_since(within(flip.at)).max(0);
        outcome.down_time += if is_down { lasted } else { 0 };
        if (span.from..span.before).contains(&flip.at) {
            let is_recorded = known.contains(&essence(flip));
            outcome.alerts += i64::from(is_down);
            outcome.flips.push(Lasting { flip: *flip, lasted, is_recorded });
        }
    }
    outcome
}

impl Outcome {
    /// Whole seconds for which it was down, rounded down.
    #[must_use]
    pub fn downtime(&self) -> i64 {
        self.down_time / SECOND
    }
}
