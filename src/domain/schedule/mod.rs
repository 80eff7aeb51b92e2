//! When the next ping is expected. One file a kind of schedule; all of them answer one question:
//! given the moment a check counts from, when is the next occurrence?

pub mod civil;
pub mod cron;
pub mod oncalendar;
pub mod preview;
pub mod simple;
pub mod words;
pub mod zone;

use super::text_enum;
use crate::clock::{SECOND, Timestamp};
use cron::Cron;
use oncalendar::OnCalendar;
use zone::Tz;

/// The longest expression, in characters.
pub const MAX_LENGTH: usize = 1000;
/// The most seconds that a ping may be early where nobody says.
const USUAL_TOLERANCE: i64 = 60;
/// Where nobody says, a ping may be early by this part of the distance between two occurrences.
const PART_OF_DISTANCE: i64 = 20;

text_enum! {
    /// The kinds of schedules.
    Kind {
        /// A ping at least every so many seconds.
        Simple => "simple",
        /// The five fields of a crontab.
        Cron => "cron",
        /// The calendar expressions of systemd.
        OnCalendar => "oncalendar",
    }
}

/// The schedule of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// A ping at least every so many seconds.
    Simple {
        /// Seconds between two pings.
        period: i64,
    },
    /// At the times of a cron expression.
    Cron {
        /// The expression.
        cron: Cron,
        /// Whose clocks it goes by.
        zone: Tz,
    },
    /// At the times of calendar expressions.
    OnCalendar {
        /// The expressions.
        calendar: Box<OnCalendar>,
        /// Whose clocks those go by that name no zone of their own.
        zone: Tz,
    },
}

impl Schedule {
    /// The schedule of this kind. `period` counts for a simple one, `expression` and `zone` for the
    /// others.
    ///
    /// # Errors
    /// The expression can't be read: which of its parts is wrong, and what is allowed.
    pub fn read(kind: Kind, period: i64, expression: &str, zone: Tz) -> Result<Self, String> {
        if kind != Kind::Simple && expression.chars().count() > MAX_LENGTH {
            return Err(format!("must have at most {MAX_LENGTH} characters"));
        }
        Ok(match kind {
            Kind::Simple => Self::Simple { period },
            Kind::Cron => Self::Cron { cron: Cron::parse(expression)?, zone },
            Kind::OnCalendar => {
                Self::OnCalendar { calendar: Box::new(OnCalendar::parse(expression)?), zone }
            }
        })
    }

    /// The next time a ping is expected after `base`; none where the schedule never fires again.
    #[must_use]
    pub fn next_after(&self, base: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Simple { period } => Some(simple::next_after(base, *period)),
            Self::Cron { cron, zone } => cron.next_after(base, *zone),
            Self::OnCalendar { calendar, zone } => calendar.next_after(base, *zone),
        }
    }

    /// The next time a ping is expected after one that came at `ping_at`: one that came at most
    /// `tolerance` seconds before an occurrence counts for that, and the one after it is expected.
    /// Without `tolerance` it is a twentieth of the distance between the two occurrences that the
    /// ping lies between, at most a minute (`management-api.md`, "Check"). The clocks of two machines
    /// always differ a little, and jobs that start too early must not be missed a round later.
    #[must_use]
    pub fn next_after_ping(&self, ping_at: Timestamp, tolerance: Option<i64>) -> Option<Timestamp> {
        let next = self.next_after(ping_at)?;
        if self.kind() != Kind::Simple && self.is_for(next, ping_at, tolerance) {
            return self.next_after(next);
        }
        Some(next)
    }

    /// Whether a ping counts for the occurrence `next`, which is the first one after it.
    fn is_for(&self, next: Timestamp, ping_at: Timestamp, tolerance: Option<i64>) -> bool {
        let early = next.micros_since(ping_at);
        match tolerance {
            Some(seconds) => early <= seconds.saturating_mul(SECOND),
            None if early > USUAL_TOLERANCE * SECOND => false,
            // The distance is at least so many times as long, if no occurrence lies in between.
            None => {
                let from = next.plus_micros(-early.saturating_mul(PART_OF_DISTANCE));
                self.next_after(from) == Some(next)
            }
        }
    }

    /// What the next occurrence counts from when `occurrence` and all after it up to `limit` are
    /// done with: the last of them, or any moment between that and the next.
    #[must_use]
    pub fn done_up_to(&self, occurrence: Timestamp, limit: Timestamp) -> Timestamp {
        match self {
            Self::Simple { period } => simple::last_up_to(occurrence, *period, limit),
            Self::Cron { .. } | Self::OnCalendar { .. } => occurrence.max(limit),
        }
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Simple { .. } => Kind::Simple,
            Self::Cron { .. } => Kind::Cron,
            Self::OnCalendar { .. } => Kind::OnCalendar,
        }
    }

    /// In words, its time zone included: `at 03:00 on weekdays, Europe/Budapest`. These have at most
    /// [`words::MOST_CHARACTERS`] characters.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Simple { period } => simple::words(*period),
            Self::Cron { cron, zone } => {
                let told = |most| words::cut(&cron.words(), most);
                words::in_zone(told, zone.name(), words::MOST_CHARACTERS)
            }
            Self::OnCalendar { calendar, zone } => calendar.words(*zone),
        }
    }
}

/// The kind that an expression is of. No text is both.
///
/// # Errors
/// It is neither: why it is not of the kind that it looks like.
pub fn kind_of(expression: &str) -> Result<Kind, String> {
    let Err(not_cron) = Cron::parse(expression) else { return Ok(Kind::Cron) };
    let Err(not_calendar) = OnCalendar::parse(expression) else { return Ok(Kind::OnCalendar) };
    // Fields of which one is missing or too many are meant as cron, too.
    let has_calendar_marks = [":", "..", "~"].iter().any(|mark| expression.contains(mark));
    let has_fields = (4..=7).contains(&expression.split_whitespace().count());
    let looks_like_cron = expression.trim().starts_with('@') || (has_fields && !has_calendar_marks);
    Err(if looks_like_cron { not_cron } else { not_calendar })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn schedule(kind: Kind, expression: &str) -> Schedule {
        Schedule::read(kind, 0, expression, Tz::Europe__Budapest).unwrap()
    }

    /// The next expected time after a ping, both on 2026-11-22 in UTC.
    fn after_ping(schedule: &Schedule, ping: &str, tolerance: Option<i64>) -> String {
        let next = schedule.next_after_ping(at(&format!("2026-11-22T{ping}Z")), tolerance);
        next.unwrap().to_rfc3339()[..19].to_owned()
    }

    #[test]
    fn an_early_ping_counts_for_the_occurrence_that_it_is_near_to() {
        let hourly = schedule(Kind::Cron, "0 * * * *");
        assert_eq!(after_ping(&hourly, "09:59:00", None), "2026-11-22T11:00:00");
        assert_eq!(after_ping(&hourly, "09:58:59.999999", None), "2026-11-22T10:00:00");
        assert_eq!(after_ping(&hourly, "10:00:00", None), "2026-11-22T11:00:00");
        assert_eq!(after_ping(&hourly, "10:00:01", None), "2026-11-22T11:00:00");
    }

    #[test]
    fn where_nobody_says_it_may_be_early_by_a_twentieth_of_the_distance() {
        let often = schedule(Kind::OnCalendar, "*:0/10");
        assert_eq!(after_ping(&often, "09:59:30", None), "2026-11-22T10:10:00");
        assert_eq!(after_ping(&often, "09:59:29.999999", None), "2026-11-22T10:00:00");
        let uneven = schedule(Kind::Cron, "0,58 * * * *");
        assert_eq!(after_ping(&uneven, "09:59:54", None), "2026-11-22T10:58:00", "of two minutes");
        assert_eq!(after_ping(&uneven, "09:59:53", None), "2026-11-22T10:00:00");
        assert_eq!(after_ping(&uneven, "09:57:00", None), "2026-11-22T10:00:00", "of 58 minutes");
    }

    #[test]
    fn a_tolerance_that_is_set_counts_as_it_is() {
        let hourly = schedule(Kind::Cron, "0 * * * *");
        assert_eq!(after_ping(&hourly, "09:59:59.999999", Some(0)), "2026-11-22T10:00:00");
        assert_eq!(after_ping(&hourly, "09:55:00", Some(300)), "2026-11-22T11:00:00");
        assert_eq!(after_ping(&hourly, "09:54:59", Some(300)), "2026-11-22T10:00:00");
        assert_eq!(after_ping(&hourly, "09:10:00", Some(86_400)), "2026-11-22T11:00:00", "once");
    }

    #[test]
    fn a_simple_schedule_counts_from_the_ping_whatever_the_tolerance() {
        let simple = Schedule::Simple { period: 60 };
        assert_eq!(after_ping(&simple, "10:00:00", Some(3600)), "2026-11-22T10:01:00");
    }

    #[test]
    fn the_kind_follows_from_the_expression() {
        for cron in ["0 3 * * 1-5", "*/5 * * * *", "@daily", " 0 0 L * * "] {
            assert_eq!(kind_of(cron), Ok(Kind::Cron), "{cron}");
        }
        for calendar in ["daily", "Mon..Fri 03:00", "*-*-* 03:00 Asia/Tokyo", "*:0/10"] {
            assert_eq!(kind_of(calendar), Ok(Kind::OnCalendar), "{calendar}");
        }
        assert!(kind_of("61 * * * *").unwrap_err().starts_with("minute: "));
        for wrong_count in ["* * * *", "0 0 3 * * *", "0 3 * * 1-5 Europe/Berlin"] {
            let reason = kind_of(wrong_count).unwrap_err();
            assert!(reason.starts_with("must have 5 fields"), "{wrong_count}: {reason}");
        }
        assert!(kind_of("*-*-* 25:00").unwrap_err().starts_with("hour: "));
        assert!(kind_of("").is_err());
    }

    #[test]
    fn words_name_the_zone() {
        let weekdays = schedule(Kind::Cron, "0 3 * * 1-5");
        assert_eq!(weekdays.words(), "at 03:00 on weekdays, Europe/Budapest");
        let elsewhere = schedule(Kind::OnCalendar, "Mon..Fri 03:00 Asia/Tokyo");
        assert_eq!(elsewhere.words(), "at 03:00 on weekdays, Asia/Tokyo");
        assert_eq!(Schedule::Simple { period: 300 }.words(), "every 5 minutes");
    }

    #[test]
    fn where_the_zones_of_lines_differ_each_is_told_with_its_line() {
        let words = |text| schedule(Kind::OnCalendar, text).words();
        assert_eq!(words("Mon *-*-1..7 03:00\n*-*-* 12:00 Asia/Tokyo"), {
            "at 03:00 on the 1st Monday of every month, Europe/Budapest; \
             at 12:00 every day, Asia/Tokyo"
        });
        let same = "hourly; at 12:00 every day, Europe/Budapest".replace("hourly", "every hour");
        assert_eq!(words("hourly\n12:00 Europe/Budapest"), same);
        assert_eq!(words("hourly UTC\n12:00 UTC"), "every hour; at 12:00 every day, UTC");
    }

    #[test]
    fn words_are_short_and_keep_their_zone_however_long_the_expression_is() {
        let odd: Vec<String> = (0..40).map(|n| (n + n / 2).to_string()).collect();
        let odd = odd.join(",");
        let cron = schedule(
            Kind::Cron,
            &format!("{odd} 1,2,4,5,7,9,11,13,20 1,3,6,9,12,19 1,2,4,7,9 1#1,2#2,3#3,4#4"),
        );
        let calendar = schedule(
            Kind::OnCalendar,
            &format!("Mon,Wed,Fri *-1,3,5-1,3,6,10,15,22 {}:{odd}:{odd}", "1,3,4,9"),
        );
        let lines = "Mon *-*-1..7 03:00 Asia/Tokyo\n*-*-2,3,9 12:00\n".repeat(10);
        let several = schedule(Kind::OnCalendar, &lines);
        for words in [cron.words(), calendar.words(), several.words()] {
            assert!(words.chars().count() <= words::MOST_CHARACTERS, "{words}");
        }
        assert!(cron.words().ends_with("…, Europe/Budapest"), "{}", cron.words());
        assert!(calendar.words().ends_with("…, Europe/Budapest"), "{}", calendar.words());
        assert!(several.words().ends_with("Europe/Budapest; and 18 more"), "{}", several.words());
    }
}
