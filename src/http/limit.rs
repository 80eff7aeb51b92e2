//! The limit of requests a second for a token (`api.requests_per_second`), kept by each node for
//! itself: a bucket a token, which holds a second's worth and fills evenly.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::clock::SECOND;
use crate::fault::{Fault, Result};

/// At so many buckets those that are full again are forgotten.
const MANY: usize = 10_000;

/// All buckets.
#[derive(Debug)]
pub struct Limiter {
    per_second: u32,
    buckets: Mutex<HashMap<i64, Bucket>>,
}

/// What a token may still do: in millionths of a request, as of a moment of the steady clock.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: i64,
    at: i64,
}

impl Limiter {
    /// A limiter of so many requests a second; 0 lets everything pass.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        Self { per_second, buckets: Mutex::default() }
    }

    /// Lets a request of this token pass at this moment of the steady clock (microseconds).
    ///
    /// # Errors
    /// [`Fault::RateLimited`]: there were too many.
    pub fn admit(&self, token_id: i64, steady_micros: i64) -> Result<()> {
        if self.per_second == 0 {
            return Ok(());
        }
        // A panic elsewhere can't leave a bucket half changed.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MANY {
            buckets.retain(|_, bucket| self.filled(*bucket, steady_micros).left < self.full());
        }
        let bucket = buckets.entry(token_id);
        let bucket = bucket.or_insert(Bucket { left: self.full(), at: steady_micros });
        *bucket = self.filled(*bucket, steady_micros);
        if bucket.left < SECOND {
            return Err(Fault::RateLimited { retry_after: 1 });
        }
        bucket.left -= SECOND;
        Ok(())
    }

    fn full(&self) -> i64 {
        i64::from(self.per_second) * SECOND
    }

    fn filled(&self, bucket: Bucket, now: i64) -> Bucket {
        let passed = now.saturating_sub(bucket.at).clamp(0, SECOND);
        let more = passed * i64::from(self.per_second);
        Bucket { left: (bucket.left + more).min(self.full()), at: now }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(limiter: &Limiter, token_id: i64, at: i64, tries: u32) -> usize {
        (0..tries).filter(|_| limiter.admit(token_id, at).is_ok()).count()
    }

    #[test]
    fn a_second_has_room_for_so_many_and_the_next_one_again() {
        let limiter = Limiter::new(5);
        assert_eq!(admitted(&limiter, 1, 0, 20), 5);
        assert_eq!(admitted(&limiter, 1, SECOND / 5, 20), 1);
        assert_eq!(admitted(&limiter, 1, 10 * SECOND, 20), 5);
    }

    #[test]
    fn tokens_do_not_share_a_bucket() {
        let limiter = Limiter::new(1);
        assert_eq!(admitted(&limiter, 1, 0, 3), 1);
        assert_eq!(admitted(&limiter, 2, 0, 3), 1);
    }

    #[test]
    fn zero_is_no_limit() {
        assert_eq!(admitted(&Limiter::new(0), 1, 0, 1000), 1000);
    }

    #[test]
    fn buckets_that_are_full_again_are_forgotten() {
        let limiter = Limiter::new(1);
        for token_id in 0..20_000 {
            limiter.admit(token_id, token_id * SECOND).unwrap();
        }
        assert!(limiter.buckets.lock().unwrap().len() <= MANY);
    }
}
