//! A run: a start and the finish that belongs to it.

use uuid::Uuid;

use super::text_enum;
use crate::clock::{SECOND, Timestamp};

/// After so many microseconds (72 hours) a run is no longer timed, and an open one without a
/// deadline ahead is given up as lost.
pub const LONGEST: i64 = 72 * 3600 * SECOND;

text_enum! {
    /// How a run stands or ended.
    RunResult {
        /// Open, and within its time.
        Running => "running",
        /// Finished well.
        Success => "success",
        /// Finished with a failure.
        Fail => "fail",
        /// Took longer than it may; it may be open still.
        Timeout => "timeout",
        /// Never finished as far as anybody knows.
        Lost => "lost",
        /// Open when its check was paused.
        Stopped => "stopped",
    }
}

/// A run, open or just closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its id in the store; none until it is first written.
    pub id: Option<i64>,
    /// The run id that the client gave; none for the one anonymous run.
    pub rid: Option<Uuid>,
    /// When the start signal came.
    pub started_at: Timestamp,
    /// When it ended; none while it is open.
    pub finished_at: Option<Timestamp>,
    /// Microseconds from start to finish; none where it is open, lost, stopped or over 72 hours.
    pub duration: Option<i64>,
    /// How it stands.
    pub result: RunResult,
    /// The exit status that came with the finish.
    pub exit_status: Option<u8>,
    /// Its deadline was put off to this moment (an outage of ours, or an edit).
    pub put_off_to: Option<Timestamp>,
    /// The serial number of the ping that began it, as far as it is known.
    pub start_n: Option<i64>,
    /// The serial number of the check's last ping when it ended: of the one that ended it, where a
    /// ping did.
    pub end_n: Option<i64>,
    /// Differs from what the store has.
    pub changed: bool,
}

impl Run {
    /// A run that begins now.
    #[must_use]
    pub fn begin(rid: Option<Uuid>, at: Timestamp) -> Self {
        Self {
            id: None,
            rid,
            started_at: at,
            finished_at: None,
            duration: None,
            result: RunResult::Running,
            exit_status: None,
            put_off_to: None,
            start_n: None,
            end_n: None,
            changed: true,
        }
    }

    /// Whether it was counted as overrun already; such a run has no deadline any more.
    #[must_use]
    pub fn is_overrun(&self) -> bool {
        self.result == RunResult::Timeout
    }

    /// Ends the run. A run that had overrun keeps that as its result; only a finish (success or
    /// fail) is timed. `n` is the serial number of the check's last ping by then.
    pub fn end(&mut self, at: Timestamp, n: i64, result: RunResult, exit_status: Option<u8>) {
        self.finished_at = Some(at.max(self.started_at));
        self.end_n = Some(n);
        if matches!(result, RunResult::Success | RunResult::Fail) {
            let took = at.micros_since(self.started_at).max(0);
            self.duration = (took <= LONGEST).then_some(took);
            self.exit_status = exit_status;
        }
        if !self.is_overrun() {
            self.result = result;
        }
        self.changed = true;
    }
}
