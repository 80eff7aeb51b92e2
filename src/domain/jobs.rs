//! The signed job list (`jobs-api.md`): runs as jobs, in the words of the API that it follows, and
//! its pages, which are counted in blocks of ten.

use super::run::RunResult;
use super::text_enum;
use crate::clock::Timestamp;

/// Pages in a block.
const BLOCK: i64 = 10;
/// As many characters of a failed job's last words are told at most.
const LONGEST_TAIL: usize = 500;
/// Bytes of a body within which they lie: a character has at most four.
pub const TAIL_BYTES: i64 = 2000;

text_enum! {
    /// The language in which statuses are told.
    Language {
        /// As the API that this one follows tells them.
        Korean => "ko",
        /// English.
        English => "en",
    }
}

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Expected, and not begun.
    Expected,
    /// Running.
    Running,
    /// Done.
    Done,
    /// Failed, or not done in time.
    Failed,
    /// Stopped, or lost.
    Stopped,
}

impl Status {
    /// Its word in this language.
    #[must_use]
    pub fn word(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Expected, Language::Korean) => "예약",
            (Self::Running, Language::Korean) => "진행중",
            (Self::Done, Language::Korean) => "완료",
            (Self::Failed, Language::Korean) => "실패",
            (Self::Stopped, Language::Korean) => "중지",
            (Self::Expected, Language::English) => "expected",
            (Self::Running, Language::English) => "running",
            (Self::Done, Language::English) => "done",
            (Self::Failed, Language::English) => "failed",
            (Self::Stopped, Language::English) => "stopped",
        }
    }

    /// What can be had of it (`result_button`); `kept`: its pings are.
    #[must_use]
    pub fn button(self, kept: bool) -> &'static str {
        match self {
            Self::Expected => "cancel",
            Self::Running | Self::Stopped => "terminate",
            Self::Done if kept => "report",
            Self::Done => "expired",
            Self::Failed => "cause",
        }
    }
}

impl From<RunResult> for Status {
    fn from(result: RunResult) -> Self {
        match result {
            RunResult::Running => Self::Running,
            RunResult::Success => Self::Done,
            RunResult::Fail | RunResult::Timeout => Self::Failed,
            RunResult::Stopped | RunResult::Lost => Self::Stopped,
        }
    }
}

/// A run, and what is known of its pings.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Facts<'a> {
    /// How it stands.
    pub result: RunResult,
    /// It has ended.
    pub has_ended: bool,
    /// The exit status that came with its end.
    pub exit_status: Option<i16>,
    /// It is the latest run of its check.
    pub is_latest: bool,
    /// The ping that ended it, or began it where it goes on, is kept.
    pub is_kept: bool,
    /// Its end was a ping that said that it failed.
    pub failed_at_end: bool,
    /// The log pings of it that are kept.
    pub logs: i64,
    /// The end of the body that came with a failure: at most [`TAIL_BYTES`], of UTF-8 that may be cut
    /// at the front.
    pub tail: Option<&'a [u8]>,
}

impl Facts<'_> {
    /// The log pings received in it: none before it ends, and none where they are not kept any more.
    #[must_use]
    pub fn log_count(&self) -> Option<i64> {
        (self.has_ended && self.is_kept).then_some(self.logs)
    }

    /// The failures counted in it: that it took too long, and that it failed; none before it ends.
    #[must_use]
    pub fn failure_count(&self) -> Option<i64> {
        let count = match self.result {
            RunResult::Fail => 1,
            RunResult::Timeout => 1 + i64::from(self.failed_at_end),
            _ => 0,
        };
        self.has_ended.then_some(count)
    }

    /// Whether it can be looked at again (`rescan_button`).
    #[must_use]
    pub fn rescan(&self) -> Option<&'static str> {
        if self.is_latest { Some("possible") } else { (!self.is_kept).then_some("expired") }
    }

    /// Of a failure what is known about it: the exit status, and the last words of the job.
    #[must_use]
    pub fn description(&self) -> Option<String> {
        if Status::from(self.result) != Status::Failed {
            return None;
        }
        let late = (self.result == RunResult::Timeout).then(|| "took too long".to_owned());
        let exit = self.exit_status.map(|status| format!("exit status {status}"));
        let parts: Vec<String> =
            [late, exit, self.tail.and_then(last_words)].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join("\n"))
    }
}

/// The end of a body; none where nothing is said.
fn last_words(tail: &[u8]) -> Option<String> {
    // The first bytes may be the rest of a character that was cut.
    let start = tail.iter().position(|byte| byte & 0b1100_0000 != 0b1000_0000)?;
    let text = String::from_utf8_lossy(&tail[start..]);
    let text = text.trim_end();
    let skipped = text.chars().count().saturating_sub(LONGEST_TAIL);
    let words: String = text.chars().skip(skipped).collect();
    (!words.is_empty()).then_some(words)
}

/// A job as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id: of a run its number, of an expected one `c` and the check's.
    pub id: String,
    /// When it began, or is expected to.
    pub starts_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it stands.
    pub status: Status,
    /// The check's ping URL; none for who may not ping.
    pub url: Option<String>,
    /// The log pings received in it.
    pub log_count: Option<i64>,
    /// The failures counted in it.
    pub failure_count: Option<i64>,
    /// The check's name.
    pub name: String,
    /// What can be had of it.
    pub button: &'static str,
    /// Of a failure, what is known about it.
    pub description: Option<String>,
    /// Whether it can be looked at again.
    pub rescan: Option<&'static str>,
}

/// Where a page stands: in which block of ten, and among how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pages {
    /// The last page; 1 where there is nothing.
    pub last: i64,
    /// The first page of the block.
    pub block_start: i64,
    /// The last page of the block, also where there are fewer; 1 where there is nothing.
    pub block_end: i64,
}

impl Pages {
    /// Of this page (from 1), where `total` jobs are shown by `limit` (from 1).
    #[must_use]
    pub fn of(page: i64, limit: i64, total: i64) -> Self {
        if total == 0 {
            return Self { last: 1, block_start: 1, block_end: 1 };
        }
        let block_start = (page - 1) / BLOCK * BLOCK + 1;
        let last = (total - 1) / limit + 1;
        Self { last, block_start, block_end: block_start.saturating_add(BLOCK - 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Facts<'static> = Facts {
        result: RunResult::Success,
        has_ended: true,
        exit_status: None,
        is_latest: false,
        is_kept: true,
        failed_at_end: false,
        logs: 3,
        tail: None,
    };

    fn pages(page: i64, limit: i64, total: i64) -> (i64, i64, i64) {
        let Pages { last, block_start, block_end } = Pages::of(page, limit, total);
        (last, block_start, block_end)
    }

    #[test]
    fn pages_come_in_blocks_of_ten() {
        assert_eq!(pages(1, 10, 0), (1, 1, 1));
        assert_eq!(pages(15, 10, 0), (1, 1, 1));
        assert_eq!(pages(1, 10, 1), (1, 1, 10));
        assert_eq!(pages(10, 10, 100), (10, 1, 10));
        assert_eq!(pages(11, 10, 101), (11, 11, 20));
        assert_eq!(pages(20, 1, 101), (101, 11, 20));
        assert_eq!(pages(21, 1, 101), (101, 21, 30));
        assert_eq!(pages(101, 1, 101), (101, 101, 110));
        let (last, start, end) = pages(i64::MAX, 1000, i64::MAX);
        assert!(last > 0 && start > 0 && end >= start);
    }

    #[test]
    fn every_result_has_its_word_and_its_button() {
        for (result, korean, english, button) in [
            (RunResult::Running, "진행중", "running", "terminate"),
            (RunResult::Success, "완료", "done", "report"),
            (RunResult::Fail, "실패", "failed", "cause"),
            (RunResult::Timeout, "실패", "failed", "cause"),
            (RunResult::Stopped, "중지", "stopped", "terminate"),
            (RunResult::Lost, "중지", "stopped", "terminate"),
        ] {
            let status = Status::from(result);
            assert_eq!(status.word(Language::Korean), korean);
            assert_eq!(status.word(Language::English), english);
            assert_eq!(status.button(true), button);
        }
        assert_eq!(Status::Done.button(false), "expired");
        assert_eq!(Status::Failed.button(false), "cause");
        assert_eq!(Status::Expected.button(false), "cancel");
        assert_eq!(Status::Expected.word(Language::Korean), "예약");
    }

    #[test]
    fn nothing_is_counted_before_the_end() {
        let open = Facts { result: RunResult::Timeout, has_ended: false, ..FACTS };
        assert_eq!((open.log_count(), open.failure_count()), (None, None));
        assert_eq!((FACTS.log_count(), FACTS.failure_count()), (Some(3), Some(0)));
        let gone = Facts { is_kept: false, ..FACTS };
        assert_eq!((gone.log_count(), gone.failure_count()), (None, Some(0)));
    }

    #[test]
    fn being_late_and_failing_are_two_failures() {
        let late = Facts { result: RunResult::Timeout, ..FACTS };
        assert_eq!(late.failure_count(), Some(1));
        assert_eq!(Facts { failed_at_end: true, ..late }.failure_count(), Some(2));
        let failed = Facts { result: RunResult::Fail, failed_at_end: true, ..FACTS };
        assert_eq!(failed.failure_count(), Some(1));
    }

    #[test]
    fn the_latest_run_can_be_looked_at_again_and_one_without_pings_cannot() {
        assert_eq!(FACTS.rescan(), None);
        assert_eq!(Facts { is_kept: false, ..FACTS }.rescan(), Some("expired"));
        assert_eq!(Facts { is_latest: true, ..FACTS }.rescan(), Some("possible"));
    }

    #[test]
    fn a_failure_is_told_by_its_exit_status_and_its_last_words() {
        let failed = Facts { result: RunResult::Fail, ..FACTS };
        assert_eq!(failed.description(), None);
        let said = |facts: Facts| facts.description().unwrap();
        assert_eq!(said(Facts { exit_status: Some(3), ..failed }), "exit status 3");
        let tail: Option<&[u8]> = Some(b"line\nno space left\n\n");
        assert_eq!(said(Facts { tail, ..failed }), "line\nno space left");
        let both = Facts { exit_status: Some(1), tail, ..failed };
        assert_eq!(said(both), "exit status 1\nline\nno space left");
        let late = Facts { result: RunResult::Timeout, ..both };
        assert_eq!(said(late), "took too long\nexit status 1\nline\nno space left");
        assert_eq!(FACTS.description(), None, "all is well");
    }

    #[test]
    fn last_words_are_cut_between_characters() {
        let cut = "아니오".as_bytes();
        assert_eq!(last_words(&cut[1..]).unwrap(), "니오");
        let long = "가".repeat(LONGEST_TAIL + 7);
        assert_eq!(last_words(long.as_bytes()).unwrap().chars().count(), LONGEST_TAIL);
        assert_eq!(last_words(b""), None);
        assert_eq!(last_words(b" \n"), None);
        assert_eq!(last_words(&[0x80, 0x80]), None);
    }
}
