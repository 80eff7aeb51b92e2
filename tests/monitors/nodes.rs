//! Several nodes on one database: each monitor is looked at by one of them, and by another when that
//! one dies.

use serde_json::json;

use super::device;
use super::servers::Server;
use crate::support::server::TestServer;
use crate::support::{Database, now, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_looks_and_another_takes_over_when_it_dies() {
    if !Database::Postgres.is_here() {
        return;
    }
    let mut first = TestServer::start(Database::Postgres, &[]).await;
    let _second = first.beside().await;
    let api = first.owner().await;
    let page = Server::web().await;
    let began = now();
    let body = json!({
        "target_type": "ip", "target_value": "127.0.0.1", "service_type": "web", "scheme": "http",
        "port": page.port, "interval": 1, "retries": 0, "timeout": 1
    });
    device(&api, &body).await;
    until("some looks", async || (page.asked().len() >= 5).then_some(())).await;
    let (looks, seconds) = (page.asked().len(), now().micros_since(began) / 1_000_000);
    // One at once, and then one in each second, however many nodes there are.
    assert!(i64::try_from(looks).unwrap() <= seconds + 2, "{looks} looks in {seconds} s");
    first.kill9();
    let before = page.asked().len();
    until("looks by the other", async || (page.asked().len() >= before + 3).then_some(())).await;
}
