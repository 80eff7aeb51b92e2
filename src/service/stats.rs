//! What checks did over a span of time: how much of it they were up, how often they were pinged, how
//! long their runs took. Reckoned by the database, from what is kept and from the daily sums of what
//! is not.

use std::collections::HashMap;

use crate::clock::{SECOND, Timestamp};
use crate::context::Context;
use crate::domain::days::DAY;
use crate::fault::{Fault, Result};
use crate::service::years;
use crate::store::stats::{self, PingSums, RunSums, Span, TimeSums};

/// The span where nobody names its beginning, in seconds: 30 days.
pub const USUAL: i64 = 30 * 86_400;
/// The longest span, in days: ten years.
pub const MOST_DAYS: i64 = 3660;

/// What one check did. Times are microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Which one.
    pub check_id: i64,
    /// The time for which it was up, late or not.
    pub up_time: i64,
    /// The time for which it was down.
    pub down_time: i64,
    /// How many downtimes that was; one that began before the span counts too.
    pub downs: i64,
    /// Its pings, by kind.
    pub pings: PingSums,
    /// Its runs that finished and were timed.
    pub runs: RunSums,
}

impl Stats {
    /// The share of the observed time (up and down) in which it was not down; none where it was
    /// never observed.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "52 bits of microseconds are 142 years")]
    pub fn uptime(&self) -> Option<f64> {
        let observed = self.up_time + self.down_time;
        (observed > 0).then(|| self.up_time as f64 / observed as f64)
    }

    /// How long a run took on average, in microseconds; none where there were none.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "52 bits of microseconds are 142 years")]
    pub fn run_mean(&self) -> Option<f64> {
        (self.runs.runs > 0).then(|| self.runs.total as f64 / self.runs.runs as f64)
    }
}

/// The span of these two ends: up to now where its end is not named, 30 days long where its
/// beginning is not. What of it is still to come is left out.
///
/// # Errors
/// It ends before it begins, is longer than [`MOST_DAYS`], or a year is out of bounds; the fault
/// names `from` or `to`.
pub fn span(from: Option<Timestamp>, to: Option<Timestamp>, now: Timestamp) -> Result<Span> {
    years::check_span(from, to)?;
    let end = to.unwrap_or(now);
    let from = from.unwrap_or(end.plus_seconds(-USUAL));
    if from >= end {
        let reason = "must be before to, which is now where it is not given";
        return Err(Fault::invalid("from", reason));
    }
    if end.micros_since(from) > MOST_DAYS * DAY {
        let reason = format!("must be at most {MOST_DAYS} days before to");
        return Err(Fault::invalid("from", reason));
    }
    Ok(Span { from, to: end.min(now), ends_now: end >= now })
}

/// The stats of a project's checks in order of their ids (of `check_ids` those that are among them,
/// where any are named): a page of them, and how many there are. Five statements, whatever the number
/// of checks.
///
/// # Errors
/// The database is out.
pub async fn of_checks(
    ctx: &Context,
    project_id: i64,
    check_ids: &[i64],
    span: Span,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Stats>, i64)> {
    let mut conn = ctx.store.read().await?;
    let (ids, total) = stats::page(&mut conn, project_id, check_ids, offset, limit).await?;
    if ids.is_empty() || span.from >= span.to {
        return Ok((ids.into_iter().map(nothing).collect(), total));
    }
    let pings = stats::pings(&mut conn, &ids, span).await?;
    let runs = stats::runs(&mut conn, &ids, span).await?;
    let times = stats::times(&mut conn, &ids, span).await?;
    let pings: HashMap<i64, PingSums> = pings.into_iter().map(|row| (row.check_id, row)).collect();
    let runs: HashMap<i64, RunSums> = runs.into_iter().map(|row| (row.check_id, row)).collect();
    let times: HashMap<i64, TimeSums> = times.into_iter().map(|row| (row.check_id, row)).collect();
    let list = ids.into_iter().map(|check_id| {
        let mut stats = nothing(check_id);
        stats.pings = pings.get(&check_id).copied().unwrap_or_default();
        stats.runs = runs.get(&check_id).copied().unwrap_or_default();
        if let Some(times) = times.get(&check_id) {
            (stats.up_time, stats.down_time) = (times.up_time, times.down_time);
            // Of a day that is cut, a downtime's part may round to none.
            stats.downs = times.downs.max(i64::from(times.down_time >= SECOND));
        }
        stats
    });
    Ok((list.collect(), total))
}

fn nothing(check_id: i64) -> Stats {
    let (pings, runs) = (PingSums::default(), RunSums::default());
    Stats { check_id, up_time: 0, down_time: 0, downs: 0, pings, runs }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(20_000 * DAY + 5);

    fn refused(from: Option<Timestamp>, to: Option<Timestamp>) -> String {
        span(from, to, NOW).unwrap_err().to_string()
    }

    #[test]
    fn a_span_is_the_last_thirty_days_where_nobody_says_otherwise() {
        let from = Timestamp(NOW.0 - 30 * DAY);
        assert_eq!(span(None, None, NOW).unwrap(), Span { from, to: NOW, ends_now: true });
        let to = Timestamp(NOW.0 - DAY);
        let earlier = Timestamp(to.0 - 30 * DAY);
        let wanted = Span { from: earlier, to, ends_now: false };
        assert_eq!(span(None, Some(to), NOW).unwrap(), wanted);
    }

    #[test]
    fn the_future_is_left_out() {
        let to = Timestamp(NOW.0 + DAY);
        let seen = span(Some(Timestamp(NOW.0 - 1)), Some(to), NOW).unwrap();
        assert_eq!((seen.to, seen.ends_now), (NOW, true));
    }

    #[test]
    fn a_span_begins_before_it_ends_and_is_at_most_ten_years_long() {
        assert!(refused(Some(NOW), None).starts_with("from: must be before to"));
        let longest = Timestamp(NOW.0 - MOST_DAYS * DAY);
        assert!(span(Some(longest), None, NOW).is_ok());
        let longer = refused(Some(Timestamp(longest.0 - 1)), None);
        assert_eq!(longer, "from: must be at most 3660 days before to");
        assert!(refused(None, Some(Timestamp(-1))).starts_with("to: "));
    }

    #[test]
    fn a_check_that_was_never_observed_has_no_uptime() {
        assert_eq!((nothing(1).uptime(), nothing(1).run_mean()), (None, None));
        let seen = Stats { up_time: 3, down_time: 1, ..nothing(1) };
        assert_eq!(seen.uptime(), Some(0.75));
    }
}
