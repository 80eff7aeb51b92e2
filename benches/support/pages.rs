//! How long the management API takes for something to read.

use overdue::clock::Clock;

use crate::support::api::Api;

/// Milliseconds for one of so many requests for the path below the project, one after another over
/// one connection.
pub async fn milliseconds(api: &Api, path: &str, requests: usize) -> f64 {
    let path = api.path(path);
    let clock = Clock::system();
    for _ in 0..requests {
        let answer = api.get(&path).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
    }
    clock.steady_micros() as f64 / 1e3 / requests as f64
}
