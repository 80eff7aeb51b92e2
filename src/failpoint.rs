//! Places at which a test may let the process die as if by `kill -9`, to see that nothing is lost
//! there. They exist in debug builds alone; a release build has nothing of them.

/// Dies here, at once and without cleaning up, where `OVERDUE_TEST_DIE_AT` names this step.
#[inline]
pub fn reached(step: &str) {
    #[cfg(debug_assertions)]
    if std::env::var_os("OVERDUE_TEST_DIE_AT").is_some_and(|at| at == step) {
        std::process::abort();
    }
    #[cfg(not(debug_assertions))]
    let _ = step;
}
