//! Places at which a test may let the process die as if by `kill -9`, to see that nothing is lost
//! there; and pauses that a test may shorten. They exist in debug builds alone; a release build has
//! nothing of them.

use std::time::Duration;

/// Dies here, at once and without cleaning up, where `OVERDUE_TEST_DIE_AT` names this step; breaks
/// down the task that is here where `OVERDUE_TEST_PANIC_AT` does.
///
/// # Panics
/// Where a test asks for it.
#[inline]
pub fn reached(step: &str) {
    #[cfg(debug_assertions)]
    {
        let named = |variable| std::env::var_os(variable).is_some_and(|at| at == step);
        if named("OVERDUE_TEST_DIE_AT") {
            std::process::abort();
        }
        assert!(!named("OVERDUE_TEST_PANIC_AT"), "a test asked for a panic at {step}");
    }
    #[cfg(not(debug_assertions))]
    let _ = step;
}

/// A pause that a test may make shorter: `OVERDUE_TEST_PAUSE_<NAME>` says how many milliseconds it
/// lasts at most.
#[must_use]
pub fn shortened(name: &str, pause: Duration) -> Duration {
    #[cfg(debug_assertions)]
    {
        let variable = format!("OVERDUE_TEST_PAUSE_{}", name.to_ascii_uppercase());
        let most = std::env::var(variable).ok().and_then(|most| most.parse().ok());
        if let Some(most) = most {
            return pause.min(Duration::from_millis(most));
        }
    }
    #[cfg(not(debug_assertions))]
    let _ = name;
    pause
}
