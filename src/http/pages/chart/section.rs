//! The pictures of a check on its page: when it ran, how long that took, and its months.

use askama::Template;

use super::super::reader::Reader;
use super::super::texts;
use super::super::words;
use super::bars::{self, Bar};
use super::uptime::{self, Month};
use crate::clock::Timestamp;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::service::charts::{self, Charts};
use crate::store::checks::CheckRow;

/// The spans that can be chosen: the word in the address, what it is called, and its seconds.
const SPANS: [(&str, &str, i64); 4] = [
    ("24h", "chart-span-24h", 86_400),
    ("7d", "chart-span-7d", 7 * 86_400),
    ("30d", "chart-span-30d", 30 * 86_400),
    ("90d", "chart-span-90d", 90 * 86_400),
];
/// The span where none is chosen.
const USUAL: usize = 1;

#[derive(Template)]
#[template(ext = "html", source = r#"{% include "src/http/pages/chart/section.html" %}"#)]
struct Section<'a> {
    reader: &'a Reader,
    /// The spans: their addresses, words, and which is chosen.
    spans: Vec<(String, &'static str, bool)>,
    from: String,
    to: String,
    bars: &'a [Bar],
    /// The bars stand for several runs each.
    are_slots: bool,
    timeline: String,
    durations: String,
    facts: Vec<(&'static str, String)>,
    months: Vec<Month>,
}

/// The section with the pictures of a check, ready to be shown; `base` is the address of its page,
/// `chosen` the word of the span that was asked for. Nothing for a check that was never pinged.
///
/// # Errors
/// The database is out.
pub(in crate::http::pages) async fn of_check(
    ctx: &Context,
    row: &CheckRow,
    base: &str,
    chosen: &str,
    reader: &Reader,
    now: Timestamp,
) -> Result<String> {
    if row.n_pings == 0 {
        return Ok(String::new());
    }
    let place = SPANS.iter().position(|(word, ..)| *word == chosen).unwrap_or(USUAL);
    let seconds = SPANS[place].2;
    let charts = charts::of_check(ctx, row.check_id, row.created_at, seconds, now).await?;
    render(&charts, base, place, reader)
}

fn render(charts: &Charts, base: &str, place: usize, reader: &Reader) -> Result<String> {
    let bars = bars::of(charts);
    let span = charts.span;
    let spans = SPANS
        .iter()
        .enumerate()
        .map(|(each, (word, name, _))| (format!("{base}?span={word}#runs"), *name, each == place));
    let months = charts.months.iter();
    let section = Section {
        reader,
        spans: spans.collect(),
        from: reader.minute(span.from),
        to: reader.minute(span.to),
        are_slots: matches!(charts.runs, charts::Runs::Slots(..)),
        timeline: bars::timeline(&bars, span, reader),
        durations: bars::durations(&bars, span, &charts.sums, reader),
        facts: facts(charts, reader),
        months: months.map(|(from, times)| uptime::month(*from, times, reader)).collect(),
        bars: &bars,
    };
    section.render().map_err(Fault::internal)
}

fn facts(charts: &Charts, reader: &Reader) -> Vec<(&'static str, String)> {
    let sums = &charts.sums;
    let all = [
        ("chart-timed-runs", Some(reader.number(sums.runs))),
        ("chart-p50", sums.p50.map(words::took)),
        ("chart-p95", sums.p95.map(words::took)),
        ("chart-longest", sums.longest.map(words::took)),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::run::RunResult;
    use crate::service::charts::Runs;
    use crate::store::runs::RunRow;
    use crate::store::stats::{RunSums, Span, TimeSums};

    fn run(started_at: i64, duration: i64) -> RunRow {
        RunRow {
            run_id: 1,
            check_id: 1,
            rid: None,
            started_at: Timestamp(started_at),
            finished_at: Some(Timestamp(started_at + duration)),
            duration: Some(duration),
            result: RunResult::Fail,
            exit_status: Some(3),
            put_off_to: None,
            start_n: None,
            end_n: None,
        }
    }

    #[test]
    fn every_number_of_the_pictures_stands_in_a_table_too() {
        let now = Timestamp(1_000_000_000_000);
        let span = Span { from: now.plus_seconds(-86_400), to: now, ends_now: true };
        let sums = RunSums {
            runs: 2,
            p50: Some(72_000_000),
            p95: Some(90_000_000),
            longest: Some(90_000_000),
            ..RunSums::default()
        };
        let times = TimeSums { check_id: 1, up_time: 3, down_time: 1, downs: 1 };
        let runs = vec![run(now.0 - 200_000_000, 90_000_000), run(now.0 - 500_000_000, 72_000_000)];
        let charts =
            Charts { span, runs: Runs::Each(runs), sums, months: vec![(Timestamp(0), times)] };
        let html = render(&charts, "/x", 0, &Reader::default()).unwrap();
        assert!(html.contains(r#"href="/x?span=24h#runs" aria-current="true""#), "{html}");
        let (_, table) = html.split_once("<tbody>").unwrap();
        assert!(table.contains("1 m 12 s") && table.contains("1 m 30 s"), "{table}");
        assert_eq!(table.matches("<td>failed</td>").count(), 2, "{table}");
        assert!(html.contains("Jan 1970") && html.contains("75.00 %"), "{html}");
        assert!(!html.contains("style="), "{html}");
    }
}
