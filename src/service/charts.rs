//! What the pictures of a check are drawn from: its runs over a span, how long they took, and its
//! months. Few statements and bounded answers, however often it runs.

use chrono::{Datelike, Months, NaiveDate, NaiveTime};

use crate::clock::{SECOND, Timestamp};
use crate::context::Context;
use crate::domain::run::LONGEST;
use crate::fault::Result;
use crate::store::runs::{self, RunRow, Slot};
use crate::store::stats::{self, RunSums, Span, TimeSums};

/// As many runs are drawn one by one; of more, those that began in the same slot are put together.
pub const MOST_RUNS: usize = 200;
/// Slots of a span.
const SLOTS: i64 = 120;
/// Months that are told, the one that goes on among them.
const MONTHS: u32 = 6;

/// The runs of a span.
#[derive(Clone, Debug)]
pub enum Runs {
    /// Each of them, the latest first.
    Each(Vec<RunRow>),
    /// By slots of so many microseconds from the beginning of the span; those without a run are left
    /// out.
    Slots(i64, Vec<Slot>),
}

/// What is drawn of a check.
#[derive(Clone, Debug)]
pub struct Charts {
    /// The time of [`Charts::runs`] and [`Charts::sums`].
    pub span: Span,
    /// Its runs.
    pub runs: Runs,
    /// How long the timed ones took that finished in the span.
    pub sums: RunSums,
    /// The last months in UTC in which the check was there, each with its first moment, the latest
    /// first.
    pub months: Vec<(Timestamp, TimeSums)>,
}

/// What is drawn of a check that was made at `created_at`, its runs over the last so many seconds.
///
/// # Errors
/// The database is out.
pub async fn of_check(
    ctx: &Context,
    check_id: i64,
    created_at: Timestamp,
    seconds: i64,
    now: Timestamp,
) -> Result<Charts> {
    let span = Span { from: now.plus_seconds(-seconds), to: now, ends_now: true };
    let mut conn = ctx.store.read().await?;
    let most = i64::try_from(MOST_RUNS).unwrap_or(i64::MAX);
    let entry = span.from.plus_micros(-LONGEST);
    let each = runs::since(&mut conn, check_id, span.from, entry, most + 1).await?;
    let runs = if each.len() > MOST_RUNS {
        let width = seconds * SECOND / SLOTS;
        Runs::Slots(width, runs::slots(&mut conn, check_id, span.from, entry, width).await?)
    } else {
        Runs::Each(each)
    };
    let sums = stats::runs(&mut conn, &[check_id], span).await?.pop().unwrap_or_default();
    let mut months = Vec::new();
    for span in months_until(now).filter(|span| span.to >= created_at) {
        let times = stats::times(&mut conn, &[check_id], span).await?.pop().unwrap_or_default();
        months.push((span.from, times));
    }
    Ok(Charts { span, runs, sums, months })
}

/// The last months in UTC, the latest first.
fn months_until(now: Timestamp) -> impl Iterator<Item = Span> {
    let today = now.to_datetime().date_naive();
    let first = move |back: u32| -> Option<Timestamp> {
        let month = NaiveDate::from_ymd_opt(today.year(), today.month(), 1)?;
        let month = month.checked_sub_months(Months::new(back))?;
        Some(Timestamp(month.and_time(NaiveTime::MIN).and_utc().timestamp_micros()))
    };
    (0..MONTHS).filter_map(move |back| {
        let from = first(back)?;
        let to = if back == 0 { now } else { first(back - 1)? };
        (from < to).then_some(Span { from, to, ends_now: back == 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_follow_each_other_without_a_gap_over_the_turn_of_the_year() {
        let now: Timestamp = "2026-02-03T04:05:06Z".parse().unwrap();
        let months: Vec<Span> = months_until(now).collect();
        assert_eq!(months.len(), 6);
        assert_eq!((months[0].to, months[0].ends_now), (now, true));
        let starts: Vec<String> = months.iter().map(|span| span.from.to_rfc3339()).collect();
        assert!(starts[0].starts_with("2026-02-01T00:00:00"), "{starts:?}");
        assert!(starts[5].starts_with("2025-09-01T00:00:00"), "{starts:?}");
        for pair in months.windows(2) {
            assert_eq!((pair[1].to, pair[1].ends_now), (pair[0].from, false));
        }
    }
}
