//! When the clocks of a zone show the times of an expression, and what happens where they are set
//! forward or back. `alerting.md` has the rules, which are those of Debian's cron; they hold for
//! every such change here, also for one of a day (Apia 2011), which Debian's cron leaves alone from
//! three hours on.

use super::super::zone::{Shown, Tz, offset_at, shown, wall_at};
use super::{Cron, times};
use crate::clock::{SECOND, Timestamp};

/// Times that are looked at before there are held to be none. In the zones as they are it takes two,
/// and one more for each year in which clocks skip the only time that there is.
const TRIES: usize = 1_000;

/// See [`Cron::next_after`].
pub fn after(cron: &Cron, after: Timestamp, zone: Tz) -> Option<Timestamp> {
    let after = after.epoch_seconds();
    let next = if cron.follows_clock {
        by_the_clock(cron, after, zone)
    } else {
        by_the_calendar(cron, after, zone)
    };
    next?.checked_mul(SECOND).map(Timestamp)
}

/// Every time of the calendar happens once.
fn by_the_calendar(cron: &Cron, after: i64, zone: Tz) -> Option<i64> {
    let mut wall = wall_at(zone, after);
    for _ in 0..TRIES {
        wall = times::next(cron, wall)?;
        match shown(zone, wall) {
            Shown::Once(at) | Shown::Twice(at, _) | Shown::Never(at) if at > after => {
                return Some(at);
            }
            // The clocks were set back just now, and all that they show again has happened.
            Shown::Twice(first, second) => {
                let set_back = change_between(zone, first, second);
                wall = set_back + offset_at(zone, first) - 1;
            }
            Shown::Once(_) | Shown::Never(_) => {}
        }
    }
    None
}

/// What the clocks show happens, as often as they show it.
fn by_the_clock(cron: &Cron, after: i64, zone: Tz) -> Option<i64> {
    let mut wall = wall_at(zone, after);
    if let Shown::Twice(first, second) = shown(zone, wall)
        && second > after
    {
        // The clocks will be set back, and show this time again.
        let set_back = change_between(zone, first, second);
        let before = times::next(cron, wall)? - offset_at(zone, first);
        if before < set_back {
            return Some(before);
        }
        wall = wall_at(zone, set_back) - 1;
    }
    for _ in 0..TRIES {
        wall = times::next(cron, wall)?;
        match shown(zone, wall) {
            Shown::Once(at) | Shown::Twice(at, _) | Shown::Twice(_, at) if at > after => {
                return Some(at);
            }
            Shown::Never(gap_end) => wall = wall_at(zone, gap_end) - 1,
            Shown::Once(_) | Shown::Twice(..) => {}
        }
    }
    None
}

/// The moment, after `from` and up to `to`, from which on clocks show what they show at `to`: the
/// zone's offset changes once in between.
fn change_between(zone: Tz, from: i64, to: i64) -> i64 {
    let (mut before, mut since) = (from, to);
    let old = offset_at(zone, from);
    while since - before > 1 {
        let middle = before + (since - before) / 2;
        if offset_at(zone, middle) == old { before = middle } else { since = middle }
    }
    since
}

#[cfg(test)]
mod tests;
