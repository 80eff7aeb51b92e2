//! The calendar schedule: what a systemd timer has after `OnCalendar=`, as `systemd.time(7)` tells.
//! systemd itself is the reference for what is understood and when it fires; where it is not followed
//! is said in `next.rs`.

mod expression;
mod next;
mod parse;
mod sets;
mod values;
mod words;

use super::words::{AND_MORE, MOST_CHARACTERS, cut, in_zone, several};
use super::zone::Tz;
use crate::clock::Timestamp;
use expression::Expression;

/// How many expressions a schedule may have.
pub const MOST_EXPRESSIONS: usize = 20;

/// One or several calendar expressions. A schedule fires whenever one of them does, as a timer with
/// several lines `OnCalendar=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnCalendar {
    expressions: Vec<Expression>,
}

impl OnCalendar {
    /// Reads expressions, one a line; blank lines and blanks around a line do not count.
    ///
    /// # Errors
    ///
    /// Says which part is wrong and what is allowed: `hour: 25 is not within 0–23`; where there are
    /// several lines, which one comes first: `line 2: …`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim_ascii()));
        let lines: Vec<_> =
            lines.filter(|(_, line)| !line.is_empty()).take(MOST_EXPRESSIONS + 1).collect();
        match lines.as_slice() {
            [] => Err("an expression is missing: write one such as Mon..Fri 03:00".to_owned()),
            [(_, only)] => Ok(Self { expressions: vec![parse::expression(only)?] }),
            all if all.len() > MOST_EXPRESSIONS => {
                Err(format!("there are more than {MOST_EXPRESSIONS} lines"))
            }
            all => all
                .iter()
                .map(|(number, line)| {
                    parse::expression(line).map_err(|error| format!("line {number}: {error}"))
                })
                .collect::<Result<_, _>>()
                .map(|expressions| Self { expressions }),
        }
    }

    /// The first occurrence strictly after `after`; `zone` counts where an expression names none of
    /// its own. None where the schedule never fires again.
    #[must_use]
    pub fn next_after(&self, after: Timestamp, zone: Tz) -> Option<Timestamp> {
        // Most schedules fire within a day: a line that does not need not be searched any further.
        let first = |limit| {
            self.expressions.iter().fold(None, |found: Option<Timestamp>, expression| {
                let limit = found.unwrap_or(limit);
                next::next_after(expression, after, limit, zone).or(found)
            })
        };
        first(after.plus_seconds(86_400)).or_else(|| first(Timestamp(i64::MAX)))
    }

    /// Whether every expression names a time zone of its own, so that the check's does not matter.
    #[must_use]
    pub fn has_own_zone(&self) -> bool {
        self.expressions.iter().all(|expression| expression.zone.is_some())
    }

    /// The schedule in words with its zone, `at 03:00 on weekdays, Asia/Tokyo`, in at most
    /// [`MOST_CHARACTERS`] of them. `zone` counts where an expression names none; where the zones of
    /// expressions differ, each is told with its own.
    #[must_use]
    pub fn words(&self, zone: Tz) -> String {
        let zone_of = |expression: &Expression| expression.zone.unwrap_or(zone).name();
        let mut zones = self.expressions.iter().map(zone_of);
        let first = zones.next().unwrap_or(zone.name());
        if zones.all(|other| other == first) {
            let lines: Vec<_> = self.expressions.iter().map(words::of).collect();
            return in_zone(|most| several(&lines, most), first, MOST_CHARACTERS);
        }
        let most = MOST_CHARACTERS - AND_MORE;
        let told =
            |each: &Expression| in_zone(|most| cut(&words::of(each), most), zone_of(each), most);
        several(&self.expressions.iter().map(told).collect::<Vec<_>>(), MOST_CHARACTERS)
    }
}

#[cfg(test)]
mod tests;
