//! Clients that connect and say nothing, that stop in the middle, that send a byte at a time: many
//! of them, beside one that pings.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::api::{Api, ping_path};
use crate::support::server::TestServer;
use crate::support::{Database, until};

/// Connections that say nothing, where the system lets there be so many.
const SILENT: usize = 10_000;
/// Connections of each kind that says something, slowly.
const TALKING: usize = 200;
/// What a connection may cost in memory, in bytes: one that has said nothing, and one that has begun.
/// Builds that are not optimised need more than others.
const SILENT_COST: usize = 4 * 1024;
const TALKING_COST: usize = 40 * 1024;
/// What the server may take beside, whatever the connections: buffers of pings, the caches of SQLite.
const ANYWAY: usize = 16 << 20;
/// Threads that may come up meanwhile: one for each connection to SQLite, a few for files.
const MORE_THREADS: usize = 40;

/// As many connections as are wanted, within what this process may open beside the other tests.
fn within_the_limit(wanted: usize) -> usize {
    let files = rlimit::increase_nofile_limit(1 << 20).unwrap();
    let ours = usize::try_from(files / 4 * 3).unwrap();
    wanted.min(ours.saturating_sub(5 * TALKING))
}

async fn connect(server: &TestServer) -> TcpStream {
    let stream = TcpStream::connect(server.address()).await.unwrap();
    // Their ends leave no ports behind that wait.
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    stream
}

async fn connections(server: &TestServer, count: usize, says: &str) -> Vec<TcpStream> {
    let mut streams = Vec::with_capacity(count);
    for _ in 0..count {
        let mut stream = connect(server).await;
        stream.write_all(says.as_bytes()).await.unwrap();
        streams.push(stream);
    }
    streams
}

/// Files that the server has open, its connections among them.
fn open_files(server: &TestServer) -> usize {
    fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count()
}

async fn has_taken(server: &TestServer, connections: usize) {
    until("all connections to be accepted", async || {
        (open_files(server) >= connections).then_some(())
    })
    .await;
}

async fn is_answered(api: &Api, check: &Value) {
    let mut wire = api.wire().await;
    wire.send(format!("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", ping_path(check, ""))).await;
    assert_eq!(wire.answer().await.status, 200);
    api.ping(check, "").await.says(200, "OK");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients_cost_little_and_nobody_else_waits_for_them() {
    let server = TestServer::start(Database::Sqlite, &[]).await;
    let api = server.owner().await;
    let check = api.check("beside the slow", json!({})).await;
    is_answered(&api, &check).await;
    let (files, threads) = (open_files(&server), server.status("Threads:"));
    let before = server.memory();
    let count = within_the_limit(SILENT);

    let silent = connections(&server, count, "").await;
    has_taken(&server, count).await;
    is_answered(&api, &check).await;
    let grown = server.memory().saturating_sub(before);
    assert!(grown < ANYWAY + count * SILENT_COST, "{grown} bytes for {count} that say nothing");

    let path = ping_path(&check, "");
    let asked = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut kept_alive = connections(&server, TALKING, &asked).await;
    for stream in &mut kept_alive {
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
    }
    let half_a_head = connections(&server, TALKING, &asked[..asked.len() / 2]).await;
    let mut in_the_head = connections(&server, TALKING, "GET /healthz HTTP/1.1\r\nX: ").await;
    let posted = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n");
    let mut in_the_body = connections(&server, TALKING, &posted).await;
    for _ in 0..10 {
        for stream in in_the_head.iter_mut().chain(&mut in_the_body) {
            stream.write_all(b"x").await.unwrap();
        }
        is_answered(&api, &check).await;
    }
    let grown = server.memory().saturating_sub(before);
    let allowed = ANYWAY + count * SILENT_COST + 4 * TALKING * TALKING_COST;
    assert!(grown < allowed, "{grown} bytes with {} that speak", 4 * TALKING);
    assert!(server.status("Threads:") < threads + MORE_THREADS, "they have threads of their own");

    drop((silent, kept_alive, half_a_head, in_the_head, in_the_body));
    until("all places to be free again", async || (open_files(&server) <= files + 8).then_some(()))
        .await;
    is_answered(&api, &check).await;
    let stored = TALKING + 2 * 13;
    assert_eq!(api.read(&check).await["n_pings"], stored, "the halves are no pings");
}

/// Sends a head and then a body byte for byte until the server hangs up: what it answered.
async fn trickle(address: SocketAddr, head: String) -> String {
    let (mut from, mut to) = TcpStream::connect(address).await.unwrap().into_split();
    to.write_all(head.as_bytes()).await.unwrap();
    let sending = tokio::spawn(async move {
        while to.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let mut answer = Vec::new();
    // That it ends with a reset is no wonder: there was more to come.
    let _ = from.read_to_end(&mut answer).await;
    sending.await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_body_that_trickles_is_given_up_and_stores_nothing() {
    let server = TestServer::start(Database::Sqlite, &[("OVERDUE_TEST_PAUSE_BODY", "300")]).await;
    let api = server.owner().await;
    let check = api.check("trickle", json!({})).await;
    let length = "Content-Length: 10000\r\n\r\n";
    let head = format!("POST {} HTTP/1.1\r\nHost: a\r\n{length}", ping_path(&check, ""));
    let answer = trickle(api.address, head).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(api.read(&check).await["n_pings"], 0);
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: a\r\nCookie: api_access_token={}\r\n\
         Content-Type: application/json\r\n{length}",
        api.path("/check"),
        api.token
    );
    let answer = trickle(api.address, head).await;
    assert!(answer.contains("the body did not arrive within 10 minutes"), "{answer}");
    api.ping(&check, "").await.says(200, "OK");
}
