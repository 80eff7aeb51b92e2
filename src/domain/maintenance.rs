//! Maintenance windows: times during which no alert goes out (`alerting.md`, "Notifications"). What
//! is kept back is written down with its reason, and looked at again when the window ends.

use super::schedule::zone::Tz;
use super::schedule::{Schedule, kind_of};
use crate::clock::{SECOND, Timestamp};

/// The shortest time that a window which repeats may last each time, in seconds.
pub const SHORTEST: i64 = 60;
/// The longest, in seconds: a year.
pub const LONGEST: i64 = 31_536_000;
/// Openings that touch are told as one, so many of them at most.
const MOST_JOINED: usize = 64;
/// Occurrences of a schedule that are looked at to see how often it fires.
const SAMPLE: usize = 100;

/// A time during which a window is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
}

/// When a window is open again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repetition {
    schedule: Schedule,
    duration: i64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Repetition {
    /// A window that opens by this cron or OnCalendar expression, in UTC unless the expression names
    /// a zone, for so many seconds each time; not before `first` and never beyond `last`.
    ///
    /// # Errors
    /// The expression can't be read: why.
    pub fn read(
        expression: &str,
        duration: i64,
        first: Option<Timestamp>,
        last: Option<Timestamp>,
    ) -> Result<Self, String> {
        let schedule = Schedule::read(kind_of(expression)?, 0, expression, Tz::UTC)?;
        Ok(Self { schedule, duration, first, last })
    }

    /// Whether it begins more often than every [`SHORTEST`] seconds, as far as its next occurrences
    /// after `now` tell.
    #[must_use]
    pub fn is_too_often(&self, now: Timestamp) -> bool {
        let next = |at: &Timestamp| self.schedule.next_after(*at);
        let mut times = std::iter::successors(self.schedule.next_after(now), next).take(SAMPLE);
        let Some(mut before) = times.next() else { return false };
        times.any(|at| at.micros_since(std::mem::replace(&mut before, at)) < SHORTEST * SECOND)
    }

    /// When it is open at `now`, or else opens next; none where it opens no more. Times that overlap
    /// or touch are one.
    #[must_use]
    pub fn opening(&self, now: Timestamp) -> Option<Opening> {
        let mut opening = self.single(now)?;
        for _ in 1..MOST_JOINED {
            match self.single(opening.until).filter(|next| next.from <= opening.until) {
                Some(next) => opening.until = next.until,
                None => return Some(opening),
            }
        }
        Some(opening)
    }

    /// Whether it opens many times in a row without having closed in between.
    #[must_use]
    pub fn hardly_closes(&self, now: Timestamp) -> bool {
        let next = |opening: &Opening| {
            self.single(opening.until).filter(|next| next.from <= opening.until)
        };
        std::iter::successors(self.single(now), next).take(MOST_JOINED).count() == MOST_JOINED
    }

    /// The first of its times that is not over at `now`.
    fn single(&self, now: Timestamp) -> Option<Opening> {
        let ended = now.plus_seconds(-self.duration);
        let before_first = self.first.map(|first| first.plus_micros(-1));
        let from = self.schedule.next_after(before_first.map_or(ended, |at| at.max(ended)))?;
        let until = from.plus_seconds(self.duration);
        let until = self.last.map_or(until, |last| last.min(until));
        (from < until && now < until).then_some(Opening { from, until })
    }
}

/// What keeps the news of a check back at some moment: one window, or several things as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    /// Why, as a notification's `last_error` shows it: of what ends last.
    pub why: String,
    /// When the first window began; none where no window does it. A turn to down and back that a
    /// window has seen all of is not told at its end to those who only want to hear of turns to up.
    pub since: Option<Timestamp>,
    /// When the last of it ends, which the cover reaches up to and not beyond.
    pub until: Timestamp,
}

impl Cover {
    /// A window of this title that is open.
    #[must_use]
    pub fn of_window(title: &str, opening: Opening) -> Self {
        let why = if title.is_empty() {
            "maintenance".to_owned()
        } else {
            format!("maintenance: {title}")
        };
        Self { why, since: Some(opening.from), until: opening.until }
    }

    /// This cover and another one of the same check as one.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let since = self.since.into_iter().chain(other.since).min();
        let last = if other.until > self.until { other } else { self };
        Self { since, ..last }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cover(title: &str, since: i64, until: i64) -> Cover {
        Cover::of_window(title, Opening { from: Timestamp(since), until: Timestamp(until) })
    }

    #[test]
    fn several_windows_are_one_from_the_first_start_to_the_last_end() {
        let (early, late) = (cover("early", 1, 5), cover("late", 3, 9));
        assert_eq!(early.clone().with(late.clone()), cover("late", 1, 9));
        assert_eq!(late.with(early), cover("late", 1, 9));
        assert_eq!(cover("a", 2, 5).with(cover("b", 1, 5)), cover("a", 1, 5));
    }

    #[test]
    fn what_is_no_window_has_no_beginning() {
        let flapping = Cover { why: "flapping".to_owned(), since: None, until: Timestamp(9) };
        let both = flapping.clone().with(cover("window", 1, 5));
        assert_eq!(both, Cover { since: Some(Timestamp(1)), ..flapping });
    }

    fn opening(repetition: &Repetition, now: &str) -> Option<(String, String)> {
        let opening = repetition.opening(now.parse().unwrap())?;
        let short = |at: Timestamp| at.to_rfc3339()[5..16].to_owned();
        Some((short(opening.from), short(opening.until)))
    }

    /// What [`opening`] gives, to compare with.
    fn between(from: &str, until: &str) -> (String, String) {
        (from.to_owned(), until.to_owned())
    }

    #[test]
    fn a_window_that_repeats_is_open_for_its_duration_and_then_opens_again() {
        let nightly = Repetition::read("0 3 * * *", 3600, None, None).unwrap();
        let (today, tomorrow) = (
            Some(between("01-15T03:00", "01-15T04:00")),
            Some(between("01-16T03:00", "01-16T04:00")),
        );
        assert_eq!(opening(&nightly, "2027-01-15T02:59:59Z"), today);
        assert_eq!(opening(&nightly, "2027-01-15T03:00:00Z"), today);
        assert_eq!(opening(&nightly, "2027-01-15T03:59:59.999999Z"), today);
        assert_eq!(opening(&nightly, "2027-01-15T04:00:00Z"), tomorrow);
        let calendar = Repetition::read("Sun 02:00 Europe/Berlin", 60, None, None).unwrap();
        assert_eq!(
            opening(&calendar, "2027-01-15T00:00:00Z"),
            Some(between("01-17T01:00", "01-17T01:01"))
        );
    }

    #[test]
    fn it_opens_within_its_bounds_alone() {
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        let (first, last) = (at("2027-01-16T03:00:00Z"), at("2027-01-17T03:30:00Z"));
        let bounded = Repetition::read("0 3 * * *", 3600, first, last).unwrap();
        assert_eq!(
            opening(&bounded, "2027-01-10T00:00:00Z"),
            Some(between("01-16T03:00", "01-16T04:00"))
        );
        assert_eq!(
            opening(&bounded, "2027-01-17T03:00:00Z"),
            Some(between("01-17T03:00", "01-17T03:30"))
        );
        assert_eq!(opening(&bounded, "2027-01-17T03:30:00Z"), None);
        let never = Repetition::read("0 0 30 2 *", 3600, None, None).unwrap();
        assert_eq!(opening(&never, "2027-01-10T00:00:00Z"), None);
    }

    #[test]
    fn times_that_overlap_or_touch_are_one() {
        let now = "2027-01-15T08:30:00Z";
        let often = Repetition::read("0 8-10 * * *", 3600, None, None).unwrap();
        assert_eq!(opening(&often, now), Some(between("01-15T08:00", "01-15T11:00")));
        let always = Repetition::read("@hourly", 86_400, None, None).unwrap();
        assert_eq!(opening(&always, now), Some(between("01-14T09:00", "01-18T00:00")));
        let now = now.parse().unwrap();
        assert!(always.hardly_closes(now) && !often.hardly_closes(now));
    }

    #[test]
    fn what_begins_more_often_than_every_minute_is_too_often() {
        let too_often = |text: &str| {
            let repetition = Repetition::read(text, 60, None, None).unwrap();
            repetition.is_too_often("2027-01-15T08:30:00Z".parse().unwrap())
        };
        assert!(too_often("*:*:*") && too_often("*:0/10:0,30") && too_often("*:*:0/0.000001"));
        assert!(!too_often("* * * * *") && !too_often("daily") && !too_often("0 0 30 2 *"));
    }

    #[test]
    fn a_reason_names_the_window_where_it_has_a_title() {
        assert_eq!(cover("new disks", 0, 1).why, "maintenance: new disks");
        assert_eq!(cover("", 0, 1).why, "maintenance");
    }
}
