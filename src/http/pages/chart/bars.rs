//! Bars over a span of time: when a check ran (those that overlap in lanes), and how long that took.

use std::fmt::Write as _;

use super::super::reader::Reader;
use super::super::texts::Text;
use super::super::{texts, words};
use super::class;
use crate::clock::Timestamp;
use crate::domain::run::RunResult;
use crate::service::charts::{Charts, Runs};
use crate::store::runs::{RunRow, Slot};
use crate::store::stats::{RunSums, Span};

/// The width of a picture, in its own units.
const WIDTH: i64 = 720;
/// Lanes of the timeline; what overlaps more often shares the last one.
const LANES: usize = 6;
const LANE: i64 = 18;
const HEIGHT: i64 = 110;

/// A run, or the runs of a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bar {
    from: Timestamp,
    to: Timestamp,
    class: &'static str,
    /// How it went, in words.
    pub(super) what: String,
    /// How long it took, in microseconds; of several the mean.
    took: Option<i64>,
}

impl Bar {
    /// When it began, in words.
    pub(super) fn began(&self, reader: &Reader) -> String {
        reader.minute(self.from)
    }

    /// How long it took, in words.
    pub(super) fn took(&self) -> String {
        self.took.map(words::took).unwrap_or_default()
    }

    fn title(&self, reader: &Reader) -> String {
        let took = self.took.map(|took| format!(", {}", words::took(took))).unwrap_or_default();
        format!("{}: {}{took}", self.began(reader), self.what)
    }

    /// Where it begins and how wide it is, wide enough to be seen.
    fn place(&self, span: Span) -> (i64, i64) {
        let length = i128::from(span.to.micros_since(span.from).max(1));
        let x = |at: Timestamp| {
            let part = i128::from(at.micros_since(span.from)) * i128::from(WIDTH) / length;
            i64::try_from(part.clamp(0, i128::from(WIDTH))).unwrap_or(0)
        };
        let (left, right) = (x(self.from).min(WIDTH - 2), x(self.to));
        (left, (right - left).max(2))
    }
}

/// The bars of a span in the order of time.
pub(super) fn of(charts: &Charts) -> Vec<Bar> {
    let span = charts.span;
    match &charts.runs {
        Runs::Each(runs) => runs.iter().rev().map(|run| of_run(run, span)).collect(),
        Runs::Slots(width, slots) => slots.iter().map(|slot| of_slot(slot, *width, span)).collect(),
    }
}

fn of_run(run: &RunRow, span: Span) -> Bar {
    Bar {
        from: run.started_at,
        to: run.finished_at.unwrap_or(span.to),
        class: class(run.result),
        what: texts::t(word(run.result)).plain(),
        took: run.duration,
    }
}

fn of_slot(slot: &Slot, width: i64, span: Span) -> Bar {
    let from = span.from.plus_micros(slot.slot * width);
    let what = texts::t("count-runs").count("n", slot.runs).plain();
    Bar {
        from,
        to: from.plus_micros(width),
        class: if slot.bad > 0 { "bad" } else { "good" },
        what: if slot.bad > 0 {
            texts::t("chart-bars-some-failed").with("what", what).with("bad", slot.bad).plain()
        } else {
            what
        },
        took: (slot.timed > 0).then(|| slot.total / slot.timed),
    }
}

fn word(result: RunResult) -> &'static str {
    match result {
        RunResult::Running => "chart-bars-running",
        RunResult::Success => "chart-bars-succeeded",
        RunResult::Fail => "chart-bars-failed",
        RunResult::Timeout => "chart-bars-took-too-long",
        RunResult::Lost => "chart-bars-lost",
        RunResult::Stopped => "chart-bars-stopped-by-a-pause",
    }
}

/// The lane of each bar: the first that is free when it begins.
fn lanes(bars: &[Bar]) -> Vec<usize> {
    let mut free_at: Vec<Timestamp> = Vec::new();
    bars.iter()
        .map(|bar| {
            let free = free_at.iter().position(|until| *until <= bar.from);
            let lane = free.unwrap_or(free_at.len()).min(LANES - 1);
            if lane == free_at.len() {
                free_at.push(bar.to);
            } else {
                free_at[lane] = free_at[lane].max(bar.to);
            }
            lane
        })
        .collect()
}

/// When it ran: a bar a run, overlaps in lanes.
pub(super) fn timeline(bars: &[Bar], span: Span, reader: &Reader) -> String {
    let lanes = lanes(bars);
    let count = lanes.iter().max().map_or(1, |last| last + 1);
    let height = i64::try_from(count).unwrap_or(1) * LANE;
    let mut svg = open("timeline", height, &texts::t("chart-bars-when-it-ran-the-table"));
    for (bar, lane) in bars.iter().zip(lanes) {
        let y = i64::try_from(lane).unwrap_or(0) * LANE + 2;
        rect(&mut svg, bar, span, (y, LANE - 4), reader);
    }
    svg.push_str("</svg>");
    svg
}

/// How long the runs took, with lines where half and 95 of 100 of them were done. Empty where none
/// was timed.
pub(super) fn durations(bars: &[Bar], span: Span, sums: &RunSums, reader: &Reader) -> String {
    let timed = || bars.iter().filter_map(|bar| Some((bar, bar.took?)));
    let Some(longest) = timed().map(|(_, took)| took).chain(sums.p95).max() else {
        return String::new();
    };
    let height_of = |took: i64| (took.max(0) * HEIGHT / longest.max(1)).max(2);
    let mut svg = open("durations", HEIGHT, &texts::t("chart-bars-how-long-runs-took-the"));
    for (bar, took) in timed() {
        let height = height_of(took);
        rect(&mut svg, bar, span, (HEIGHT - height, height), reader);
    }
    for (class, took) in [("p50", sums.p50), ("p95", sums.p95)] {
        if let Some(took) = took {
            let y = HEIGHT - height_of(took);
            // Writing to a String never fails.
            let _ = write!(svg, "<path class=\"{class}\" d=\"M0 {y}h{WIDTH}\"/>");
        }
    }
    svg.push_str("</svg>");
    svg
}

fn open(class: &str, height: i64, label: &Text) -> String {
    format!(
        "<svg class=\"chart {class}\" viewBox=\"0 0 {WIDTH} {height}\" height=\"{height}\" \
         preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{label}\">"
    )
}

fn rect(svg: &mut String, bar: &Bar, span: Span, (y, height): (i64, i64), reader: &Reader) {
    let (x, width) = bar.place(span);
    let (class, title) = (bar.class, bar.title(reader));
    let _ = write!(
        svg,
        "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\">\
         <title>{title}</title></rect>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { from: Timestamp(1000), to: Timestamp(1720), ends_now: true };

    fn bar(from: i64, to: i64, took: Option<i64>) -> Bar {
        let (from, to) = (Timestamp(from), Timestamp(to));
        Bar { from, to, class: "good", what: "succeeded".to_owned(), took }
    }

    #[test]
    fn what_overlaps_lies_in_lanes_and_a_lane_is_used_again() {
        let bars = [bar(1000, 1100, None), bar(1050, 1200, None), bar(1100, 1150, None)];
        assert_eq!(lanes(&bars), [0, 1, 0]);
        let many: Vec<Bar> = (0..20).map(|n| bar(1000 + n, 1700, None)).collect();
        assert_eq!(lanes(&many).into_iter().max(), Some(LANES - 1));
    }

    #[test]
    fn a_bar_stands_where_its_time_is_and_never_outside() {
        assert_eq!(bar(1010, 1030, None).place(SPAN), (10, 20));
        assert_eq!(bar(0, 1020, None).place(SPAN), (0, 20), "it began before the span");
        assert_eq!(bar(1100, 1100, None).place(SPAN), (100, 2), "it can be seen");
        assert_eq!(bar(1720, 1720, None).place(SPAN), (718, 2), "it is not cut off");
    }

    #[test]
    fn the_longest_run_fills_the_picture_and_lines_stand_where_the_percentiles_are() {
        let bars = [bar(1000, 1010, Some(50)), bar(1100, 1200, Some(100)), bar(1300, 1310, None)];
        let sums = RunSums { p50: Some(50), p95: Some(100), ..RunSums::default() };
        let svg = durations(&bars, SPAN, &sums, &Reader::default());
        assert_eq!(svg.matches("<rect").count(), 2, "{svg}");
        assert!(svg.contains("y=\"0\" width=\"100\" height=\"110\""), "{svg}");
        assert!(svg.contains("class=\"p50\" d=\"M0 55h720\""), "{svg}");
        assert!(svg.contains("class=\"p95\" d=\"M0 0h720\""), "{svg}");
        assert!(!svg.contains("style"), "{svg}");
        assert_eq!(durations(&bars[2..], SPAN, &RunSums::default(), &Reader::default()), "");
    }

    #[test]
    fn slots_tell_how_many_ran_and_failed() {
        let slot = Slot { slot: 3, runs: 4, bad: 1, timed: 2, total: 10, longest: Some(7) };
        let bar = of_slot(&slot, 6, SPAN);
        assert_eq!((bar.from, bar.to), (Timestamp(1018), Timestamp(1024)));
        assert_eq!((bar.class, bar.what.as_str(), bar.took), ("bad", "4 runs, 1 failed", Some(5)));
    }
}
