//! How often a secret may be guessed: so many times within a while, and then one waits until the
//! first of those guesses is old enough. Guesses are counted before they are judged, so that many at
//! once are no way around; right ones are given back.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::fault::{Fault, Result};

/// As many keys are remembered; then the one that was tried longest ago is forgotten.
const MANY: usize = 10_000;

/// The latest tries of each key (an address, an account), by the steady clock.
#[derive(Debug)]
pub(super) struct Tries<K> {
    most: usize,
    /// In microseconds.
    window: i64,
    lists: Mutex<HashMap<K, VecDeque<i64>>>,
}

impl<K: Clone + Eq + Hash> Tries<K> {
    /// So many tries of a key within so many microseconds.
    pub(super) fn new(most: usize, window: i64) -> Self {
        Self { most, window, lists: Mutex::default() }
    }

    /// Takes one try of this key at `now`; to be given back where the guess was right.
    ///
    /// # Errors
    /// [`Fault::RateLimited`]: there is none left; it says when there is.
    pub(super) fn take(&self, key: &K, now: i64) -> Result<()> {
        let mut lists = self.lock();
        self.make_room(&mut lists, key, now);
        let list = lists.entry(key.clone()).or_default();
        while list.front().is_some_and(|at| now - at >= self.window) {
            list.pop_front();
        }
        if let (true, Some(first)) = (list.len() >= self.most, list.front()) {
            let micros = u64::try_from(first + self.window - now).unwrap_or(1);
            return Err(Fault::RateLimited { retry_after: micros.div_ceil(1_000_000) });
        }
        list.push_back(now);
        Ok(())
    }

    /// Gives the try of this key at `now` back.
    pub(super) fn give_back(&self, key: &K, now: i64) {
        let mut lists = self.lock();
        let Some(list) = lists.get_mut(key) else { return };
        if let Some(place) = list.iter().position(|at| *at == now) {
            list.remove(place);
        }
        if list.is_empty() {
            lists.remove(key);
        }
    }

    fn make_room(&self, lists: &mut HashMap<K, VecDeque<i64>>, key: &K, now: i64) {
        if lists.len() < MANY || lists.contains_key(key) {
            return;
        }
        lists.retain(|_, list| list.back().is_some_and(|at| now - at < self.window));
        let oldest = lists.iter().min_by_key(|(_, list)| list.back().copied());
        if let (true, Some(oldest)) = (lists.len() >= MANY, oldest.map(|(key, _)| key.clone())) {
            lists.remove(&oldest);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, VecDeque<i64>>> {
        // Numbers can't be left half changed by a thread that broke down.
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SECOND;

    fn five_a_minute() -> Tries<u32> {
        Tries::new(5, 60 * SECOND)
    }

    #[test]
    fn five_guesses_a_minute_and_then_one_waits_for_the_first_to_be_a_minute_old() {
        let tries = five_a_minute();
        for at in 0..5 {
            assert!(tries.take(&1, at * SECOND).is_ok());
        }
        let refused = tries.take(&1, 10 * SECOND).unwrap_err();
        assert!(matches!(refused, Fault::RateLimited { retry_after: 50 }), "{refused:?}");
        assert!(tries.take(&1, 60 * SECOND).is_ok());
        assert!(tries.take(&1, 60 * SECOND).is_err());
        assert!(tries.take(&1, 61 * SECOND).is_ok());
    }

    #[test]
    fn the_tries_of_one_key_are_not_those_of_another() {
        let tries = five_a_minute();
        for _ in 0..5 {
            tries.take(&1, 0).unwrap();
        }
        assert!(tries.take(&1, 0).is_err() && tries.take(&2, 0).is_ok());
    }

    #[test]
    fn a_right_guess_does_not_count() {
        let tries = five_a_minute();
        for at in 0..20 {
            tries.take(&1, at).unwrap();
            tries.give_back(&1, at);
        }
        assert!(tries.take(&1, 20).is_ok());
    }

    #[test]
    fn a_flood_of_keys_does_not_eat_the_memory() {
        let tries = five_a_minute();
        for key in 0..20_000 {
            tries.take(&key, 0).unwrap();
        }
        assert!(tries.lock().len() <= MANY);
    }

    #[test]
    fn a_key_that_was_tried_lately_outlives_a_flood_of_others() {
        let tries = five_a_minute();
        for key in 1..MANY.try_into().unwrap() {
            tries.take(&key, 0).unwrap();
        }
        for _ in 0..5 {
            tries.take(&0, 1).unwrap();
        }
        tries.take(&u32::MAX, 2).unwrap();
        assert!(tries.take(&0, 3).is_err());
    }
}
