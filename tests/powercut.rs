//! What was answered 200 survives a power cut.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::Database;
use crate::support::disk;
use crate::support::server::TestServer;

/// What is added to every fsync of the slow disk.
const DELAY: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_ping_is_answered_after_the_fsync_and_not_before() {
    let Some(shim) = disk::shim() else { return };
    let settings = disk::slow(&shim, DELAY);
    let server = TestServer::start(Database::Sqlite, &disk::borrowed(&settings)).await;
    let api = server.owner().await;
    let check = api.check("slow", json!({})).await;
    let asked = Instant::now();
    api.ping(&check, "").await.says(200, "OK");
    assert!(asked.elapsed() >= DELAY);
}
