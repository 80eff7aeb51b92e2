//! The states of checks as their last pings left them, so that a busy check need not be read for each
//! batch. Only for databases whose rows have versions: what was changed by anybody else is found out
//! when it is written.

use std::collections::HashMap;

use crate::store::states::Watched;

/// Checks that are remembered; then all are forgotten and read again.
const MOST: usize = 20_000;

/// States by the ids of their checks.
#[derive(Debug, Default)]
pub(super) struct Remembered(HashMap<i64, Watched>);

impl Remembered {
    /// Takes out what is known of these checks, and which of them are not known. What is not put
    /// back is forgotten.
    pub(super) fn take(&mut self, check_ids: &[i64]) -> (Vec<Watched>, Vec<i64>) {
        let (mut known, mut unknown) = (Vec::with_capacity(check_ids.len()), Vec::new());
        for check_id in check_ids {
            match self.0.remove(check_id) {
                Some(check) => known.push(check),
                None => unknown.push(*check_id),
            }
        }
        (known, unknown)
    }

    /// Remembers checks that were just saved, save those whose rows do not say all: a new run gets
    /// its id from the database, and a word filter stands elsewhere.
    pub(super) fn put(&mut self, checks: Vec<Watched>) {
        if self.0.len() + checks.len() > MOST {
            self.0.clear();
        }
        for mut check in checks {
            if check.state.open_runs.is_empty() && check.rules.filter.is_none() {
                check.ended_runs.clear();
                self.0.insert(check.check_id, check);
            }
        }
    }
}
