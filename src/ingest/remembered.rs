//! The states of checks as their last pings left them, so that a check which is pinged many times a
//! second need not be read for each batch. Only for databases whose rows have versions: what was
//! changed by anybody else is found out when it is written.
//!
//! That costs the whole batch a second try, so nothing is remembered for longer than it is likely to
//! be so: the detector, an edit, or another node may have changed the rest.

use std::collections::HashMap;

use crate::clock::SECOND;
use crate::store::states::Watched;

/// Checks that are remembered; then all are forgotten and read again.
const MOST: usize = 20_000;
/// Half of the longest time that a state is remembered for, in microseconds.
const TURN: i64 = SECOND;

/// States by the ids of their checks.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    /// Those of this turn, and of the one before it.
    recent: HashMap<i64, Watched>,
    older: HashMap<i64, Watched>,
    turned_at: i64,
}

impl Remembered {
    /// Takes out what is known of these checks at `now` (steady, microseconds), and which of them are
    /// not known. What is not put back is forgotten.
    pub(super) fn take(&mut self, check_ids: &[i64], now: i64) -> (Vec<Watched>, Vec<i64>) {
        self.turn(now);
        let (mut known, mut unknown) = (Vec::with_capacity(check_ids.len()), Vec::new());
        for check_id in check_ids {
            match self.recent.remove(check_id).or_else(|| self.older.remove(check_id)) {
                Some(check) => known.push(check),
                None => unknown.push(*check_id),
            }
        }
        (known, unknown)
    }

    /// Remembers checks that were just saved, save those whose rows do not say all: a new run gets
    /// its id from the database, and a word filter stands elsewhere.
    pub(super) fn put(&mut self, checks: Vec<Watched>) {
        if self.recent.len() + checks.len() > MOST {
            self.forget();
        }
        for mut check in checks {
            if check.state.open_runs.is_empty() && check.rules.filter.is_none() {
                check.ended_runs.clear();
                self.recent.insert(check.check_id, check);
            }
        }
    }

    /// Forgets all: the database may be another one, or have lost what it said.
    pub(super) fn forget(&mut self) {
        self.recent.clear();
        self.older.clear();
    }

    fn turn(&mut self, now: i64) {
        let turns = now.saturating_sub(self.turned_at) / TURN;
        if turns > 0 {
            self.turned_at = now;
            std::mem::swap(&mut self.recent, &mut self.older);
            self.recent.clear();
        }
        if turns > 1 {
            self.older.clear();
        }
    }
}
