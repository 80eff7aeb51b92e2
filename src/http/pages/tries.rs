//! How often the one-time code may be guessed: five times a minute, by all clients together.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::SECOND;
use crate::fault::{Fault, Result};

/// Wrong codes within [`WINDOW`].
const MOST: usize = 5;
/// A minute, in microseconds.
const WINDOW: i64 = 60 * SECOND;

/// The tries of the last minute, by the steady clock.
#[derive(Debug, Default)]
pub(super) struct Tries(Mutex<VecDeque<i64>>);

impl Tries {
    /// Takes one try at `now`; to be given back where the code was right, so that only guesses
    /// count.
    ///
    /// # Errors
    /// [`Fault::RateLimited`]: there is none left; it says when there is.
    pub(super) fn take(&self, now: i64) -> Result<()> {
        let mut tries = self.lock();
        while tries.front().is_some_and(|at| now - at >= WINDOW) {
            tries.pop_front();
        }
        if let (true, Some(first)) = (tries.len() >= MOST, tries.front()) {
            let micros = u64::try_from(first + WINDOW - now).unwrap_or(1);
            return Err(Fault::RateLimited { retry_after: micros.div_ceil(1_000_000) });
        }
        tries.push_back(now);
        Ok(())
    }

    /// Gives the try of `now` back.
    pub(super) fn give_back(&self, now: i64) {
        let mut tries = self.lock();
        if let Some(place) = tries.iter().position(|at| *at == now) {
            tries.remove(place);
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<i64>> {
        // Numbers can't be left half changed by a thread that broke down.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_guesses_a_minute_and_then_one_waits_for_the_first_to_be_a_minute_old() {
        let tries = Tries::default();
        for at in 0..5 {
            assert!(tries.take(at * SECOND).is_ok());
        }
        let refused = tries.take(10 * SECOND).unwrap_err();
        assert!(matches!(refused, Fault::RateLimited { retry_after: 50 }), "{refused:?}");
        assert!(tries.take(60 * SECOND).is_ok());
        assert!(tries.take(60 * SECOND).is_err());
        assert!(tries.take(61 * SECOND).is_ok());
    }

    #[test]
    fn a_right_code_does_not_count() {
        let tries = Tries::default();
        for at in 0..20 {
            tries.take(at).unwrap();
            tries.give_back(at);
        }
        assert!(tries.take(20).is_ok());
    }
}
