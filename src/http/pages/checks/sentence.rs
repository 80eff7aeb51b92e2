//! A check's state and why, in a sentence: "Late: it was due at 03:00; without a ping it goes down
//! at 04:00".

use super::super::reader::Reader;
use super::super::words;
use crate::clock::Timestamp;
use crate::domain::check::Reason;
use crate::store::checks::CheckRow;
use crate::store::flips::FlipRow;

/// What a check's state means and where it comes from. `flip` is its last.
pub(super) fn of(
    check: &CheckRow,
    flip: Option<&FlipRow>,
    now: Timestamp,
    reader: &Reader,
) -> String {
    let teller = Teller { check, now, reader };
    match check.shown_status(now) {
        "new" => teller.waiting(),
        "up" => teller.up(),
        "grace" => teller.late(),
        "paused" => teller.paused(flip),
        _ => teller.down(flip),
    }
}

struct Teller<'a> {
    check: &'a CheckRow,
    now: Timestamp,
    reader: &'a Reader,
}

impl Teller<'_> {
    /// `03:00 (in 2 h)`, `Tue 03:00 (in 1 day)`.
    fn at(&self, at: Timestamp) -> String {
        let far = words::ago_or_in(at, self.now);
        format!("{} ({far})", self.reader.near(at, self.now))
    }

    fn last_ping(&self) -> String {
        let told = |at| format!("The last ping came at {}.", self.at(at));
        self.check.last_ping_at.map_or_else(|| "No ping has come yet.".to_owned(), told)
    }

    fn waiting(&self) -> String {
        let waits = match self.check.last_ping_at {
            None => "Waiting for the first ping.",
            Some(_) => "Resumed, and waiting for a ping.",
        };
        format!("{waits} From then on it is watched.")
    }

    fn up(&self) -> String {
        let next =
            self.check.next_ping_at.map(|at| format!("The next is expected at {}", self.at(at)));
        let down =
            self.check.alert_at.map(|at| format!("without one it goes down at {}", self.at(at)));
        match (next, down) {
            (Some(next), Some(down)) => format!("{} {next}; {down}.", self.last_ping()),
            (Some(next), None) => format!("{} {next}.", self.last_ping()),
            (None, _) => format!("{} Its schedule expects no other.", self.last_ping()),
        }
    }

    fn late(&self) -> String {
        let due = self
            .check
            .next_ping_at
            .map_or_else(String::new, |at| format!("A ping was due at {}", self.at(at)));
        let down = self.check.alert_at.map_or_else(String::new, |at| {
            format!("; without one it goes down at {}", self.at(at))
        });
        format!("{due}{down}. {}", self.last_ping())
    }

    fn paused(&self, flip: Option<&FlipRow>) -> String {
        let since = flip.map_or_else(String::new, |flip| format!(" since {}", self.at(flip.at)));
        let how = if bool::from(self.check.settings.manual_resume) {
            "only who resumes it here has it watched again"
        } else {
            "the next ping, or whoever resumes it here, has it watched again"
        };
        format!("Not watched{since}; {how}.")
    }

    fn down(&self, flip: Option<&FlipRow>) -> String {
        let Some(flip) = flip else { return self.last_ping() };
        let since = self.at(flip.at);
        let why = match flip.reason {
            Reason::Fail => "the job said that it failed".to_owned(),
            Reason::Overrun => "a run took longer than it may".to_owned(),
            _ => format!("no ping came within {} of when one was due", self.grace()),
        };
        format!("Since {since}: {why}. {}", self.last_ping())
    }

    fn grace(&self) -> String {
        words::duration(self.check.settings.grace)
    }
}
