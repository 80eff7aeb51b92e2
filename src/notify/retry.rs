//! When a message that could not be delivered is tried again, and when no more (`alerting.md`,
//! "Notifications"). Pure: randomness and time are arguments.

use std::time::Duration;

use crate::clock::Timestamp;

/// The shortest pause between two tries.
pub const SHORTEST_PAUSE: Duration = Duration::from_secs(10);

/// The longest pause between two tries that this side chooses itself.
pub const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// For how long a message is tried.
pub const GIVE_UP_AFTER: Duration = Duration::from_hours(24);

/// How long to wait before the next try after `attempts` failed ones (the first failure is 1).
///
/// The pause doubles from 10 s and is stretched by up to a half, so that even the luckiest pause
/// is longer than the unluckiest one before it; from the ninth failure on it lies between 40
/// minutes and an hour. `jitter` is a random number in `0.0..1.0`. A receiver that names a time
/// (`Retry-After`) is not asked earlier than that, but never later than the message is given up.
#[must_use]
pub fn next_pause(attempts: u32, retry_after: Option<Duration>, jitter: f64) -> Duration {
    let doublings = attempts.saturating_sub(1).min(31);
    let base = SHORTEST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE * 2 / 3);
    let stretched = base.mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 2.0);
    let own = stretched.min(LONGEST_PAUSE);
    own.max(retry_after.unwrap_or_default()).min(GIVE_UP_AFTER)
}

/// Whether a message that was written at `created_at` is given up at `now`.
#[must_use]
pub fn gives_up(created_at: Timestamp, now: Timestamp) -> bool {
    now >= created_at + GIVE_UP_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_pause_is_ten_to_fifteen_seconds() {
        assert_eq!(next_pause(1, None, 0.0), Duration::from_secs(10));
        assert_eq!(next_pause(1, None, 1.0), Duration::from_secs(15));
    }

    #[test]
    fn a_message_is_given_up_after_a_day_and_not_before() {
        let written = Timestamp(0);
        assert!(!gives_up(written, written.plus_seconds(86_399)));
        assert!(gives_up(written, written.plus_seconds(86_400)));
    }

    #[test]
    fn a_day_has_room_for_a_good_number_of_tries_at_the_slowest_pace() {
        let mut now = Timestamp(0);
        let mut tries = 1;
        while !gives_up(Timestamp(0), now) {
            now = now + next_pause(tries, None, 1.0);
            tries += 1;
        }
        assert!((28..40).contains(&tries), "{tries}");
    }

    proptest! {
        #[test]
        fn every_pause_lies_between_ten_seconds_and_an_hour(
            attempts in any::<u32>(), jitter in 0.0..1.0
        ) {
            let pause = next_pause(attempts, None, jitter);
            prop_assert!(pause >= SHORTEST_PAUSE && pause <= LONGEST_PAUSE);
        }

        #[test]
        fn pauses_grow_whatever_the_dice_say(
            attempts in 1_u32..9, first in 0.0..0.99, second in 0.0..1.0
        ) {
            let (before, after) =
                (next_pause(attempts, None, first), next_pause(attempts + 1, None, second));
            prop_assert!(before < after);
        }

        #[test]
        fn a_receiver_is_not_asked_before_the_time_it_named(
            attempts in any::<u32>(), asked in 0_u64..200_000, jitter in 0.0..1.0
        ) {
            let asked = Duration::from_secs(asked);
            let pause = next_pause(attempts, Some(asked), jitter);
            prop_assert!(pause >= asked.min(GIVE_UP_AFTER) && pause >= SHORTEST_PAUSE);
            prop_assert!(pause <= GIVE_UP_AFTER);
        }
    }
}
