//! A check's state and why, in a sentence: "Late: it was due at 03:00; without a ping it goes down
//! at 04:00".

use super::super::reader::Reader;
use super::super::texts::{self, Text};
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
) -> Text {
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

    fn last_ping(&self) -> Text {
        match self.check.last_ping_at {
            Some(at) => texts::t("sentence-last-ping").with("at", self.at(at)),
            None => texts::t("sentence-no-ping"),
        }
    }

    fn waiting(&self) -> Text {
        texts::t(match self.check.last_ping_at {
            None => "sentence-new",
            Some(_) => "sentence-resumed",
        })
    }

    fn up(&self) -> Text {
        let text = match (self.check.next_ping_at, self.check.alert_at) {
            (Some(next), Some(down)) => {
                let text = texts::t("sentence-up").with("next", self.at(next));
                text.with("down", self.at(down))
            }
            (Some(next), None) => texts::t("sentence-up-for-good").with("next", self.at(next)),
            (None, _) => texts::t("sentence-up-at-its-end"),
        };
        text.text("last", self.last_ping())
    }

    fn late(&self) -> Text {
        let text = match (self.check.next_ping_at, self.check.alert_at) {
            (Some(due), Some(down)) => {
                texts::t("sentence-late").with("due", self.at(due)).with("down", self.at(down))
            }
            (Some(due), None) => texts::t("sentence-late-for-good").with("due", self.at(due)),
            (None, _) => return self.last_ping(),
        };
        text.text("last", self.last_ping())
    }

    fn paused(&self, flip: Option<&FlipRow>) -> Text {
        let is_by_hand = bool::from(self.check.settings.manual_resume);
        let how =
            texts::t(if is_by_hand { "sentence-resumed-here" } else { "sentence-resumed-by-ping" });
        match flip {
            Some(flip) => texts::t("sentence-paused-since").with("since", self.at(flip.at)),
            None => texts::t("sentence-paused"),
        }
        .text("how", how)
    }

    fn down(&self, flip: Option<&FlipRow>) -> Text {
        let Some(flip) = flip else { return self.last_ping() };
        let why = match flip.reason {
            Reason::Fail => texts::t("reason-of-flip-fail"),
            Reason::Overrun => texts::t("reason-of-flip-overrun"),
            _ => texts::t("sentence-no-ping-within").with("grace", self.grace()),
        };
        let text = texts::t("sentence-down").with("since", self.at(flip.at)).text("why", why);
        text.text("last", self.last_ping())
    }

    fn grace(&self) -> String {
        words::duration(self.check.settings.grace)
    }
}
