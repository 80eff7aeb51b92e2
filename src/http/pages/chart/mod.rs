//! Pictures of runs, drawn here as inline SVG: classes, no inline style. What the larger ones show
//! stands beside them as a table too.

mod bars;
mod section;
mod uptime;

use std::fmt::Write as _;

pub(super) use section::of_check;

use super::texts;
use crate::domain::run::RunResult;

/// A run as a strip shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StripRun {
    /// How it ended, or stands.
    pub(super) result: RunResult,
    /// How long it took; none: unknown.
    pub(super) duration_micros: Option<i64>,
}

/// As many runs fit into a strip.
pub(super) const MOST: usize = 30;
const HEIGHT: i64 = 20;

/// The last runs, the latest at the right: a bar a run, its colour by how it ended, its height by how
/// long it took. Empty where there is none.
pub(super) fn strip(runs: &[StripRun]) -> String {
    let runs = &runs[runs.len().saturating_sub(MOST)..];
    if runs.is_empty() {
        return String::new();
    }
    let longest = runs.iter().filter_map(|run| run.duration_micros).max().unwrap_or(0).max(1);
    let mut svg = String::new();
    let failed = runs.iter().filter(|run| class(run.result) == "bad").count();
    let what =
        texts::t("chart-last-runs-failed").with("runs", runs.len()).with("failed", failed).plain();
    // Writing to a String never fails.
    let _ = write!(
        svg,
        "<svg class=\"strip\" viewBox=\"0 0 120 20\" role=\"img\" aria-label=\"{what}\">"
    );
    for kind in ["good", "bad", "wait"] {
        let path = bars(runs, longest, kind);
        if !path.is_empty() {
            let _ = write!(svg, "<path class=\"{kind}\" d=\"{path}\"/>");
        }
    }
    svg.push_str("</svg>");
    svg
}

fn bars(runs: &[StripRun], longest: i64, kind: &str) -> String {
    let first = MOST - runs.len();
    let mut path = String::new();
    for (place, run) in runs.iter().enumerate().filter(|(_, run)| class(run.result) == kind) {
        let height = run.duration_micros.map_or(HEIGHT / 2, |took| {
            // Square roots, so that one long run does not flatten the rest.
            4 + (took.max(0).saturating_mul(256) / longest).isqrt()
        });
        let _ = write!(path, "M{} 20v-{height}h3v{height}z", (first + place) * 4);
    }
    path
}

fn class(result: RunResult) -> &'static str {
    match result {
        RunResult::Success => "good",
        RunResult::Fail | RunResult::Timeout | RunResult::Lost => "bad",
        RunResult::Running | RunResult::Stopped => "wait",
    }
}
