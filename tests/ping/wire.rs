//! The ways by which a ping may come: versions of HTTP, TLS, IPv4 and IPv6.

use std::fs;
use std::net::{SocketAddr, TcpListener};

use reqwest::Version;
use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::api::{Api, ping_path, uuid_of};
use crate::support::folder::Folder;
use crate::support::identity::Identity;
use crate::support::server::{TestServer, http_client_builder, shared};
use crate::support::{Database, until};

#[tokio::test]
async fn http_1_0_as_in_the_documents_own_example() {
    let api = shared(Database::Sqlite).await;
    let check = api.check("Version 1.0", json!({})).await;
    let uuid = uuid_of(&check);
    let by_slug = format!("/{}/version-10/1", api.ping_key);
    for (path, host) in [
        (format!("/{uuid}"), "Host: hc-ping.com\r\n"),
        (format!("/{uuid}/start"), "Host: hc-ping.com\r\n"),
        (by_slug, "Host: hc-ping.com\r\n"),
        (format!("/{uuid}"), ""),
    ] {
        let mut wire = api.wire().await;
        wire.send(format!("GET {path} HTTP/1.0\r\n{host}\r\n")).await;
        let answer = wire.answer().await;
        assert_eq!((answer.status, answer.body), (200, b"OK".to_vec()));
        assert_eq!(wire.rest().await, b"", "HTTP/1.0 ends with its answer");
    }
    assert_eq!(api.read(&check).await["n_pings"], 4);
}

#[tokio::test]
async fn a_connection_of_http_1_1_takes_ping_after_ping() {
    let api = shared(Database::Sqlite).await;
    let check = api.check("keep-alive", json!({})).await;
    let mut wire = api.wire().await;
    let get = format!("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", ping_path(&check, ""));
    for _ in 0..3 {
        wire.send(&get).await;
        assert_eq!(wire.answer().await.status, 200);
    }
    wire.send(get.repeat(5)).await;
    for _ in 0..5 {
        assert_eq!(wire.answer().await.status, 200);
    }
    assert_eq!(api.read(&check).await["n_pings"], 8);
}

#[tokio::test]
async fn a_client_that_says_no_more_after_its_request_still_gets_its_answer() {
    let api = shared(Database::Sqlite).await;
    let check = api.check("half closed", json!({})).await;
    let mut wire = api.wire().await;
    wire.send(format!("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", ping_path(&check, ""))).await;
    wire.finish().await;
    let answer = wire.answer().await;
    assert_eq!((answer.status, answer.body), (200, b"OK".to_vec()));
}

#[tokio::test]
async fn http_2_by_prior_knowledge() {
    let mut api = shared(Database::Sqlite).await;
    let check = api.check("h2c", json!({})).await;
    api.http = http_client_builder().http2_prior_knowledge().build().unwrap();
    for tail in ["", "/start", "/7"] {
        let answer = api.ping(&check, tail).await;
        answer.says(200, "OK");
        assert_eq!(answer.version, Version::HTTP_2);
    }
    let posted = api.ping_with(&check, "", "A".repeat(1 << 20)).await;
    posted.says(200, "OK");
    assert_eq!(api.body(&check, 4).await.body.len(), 10_000);
    let head = api.hit("HEAD", &ping_path(&check, "")).await;
    assert_eq!((head.status, head.header("content-length")), (200, "2"));
    assert_eq!(api.read(&check).await["n_pings"], 5);
}

/// A server that speaks TLS as well, with the folder that its certificate lies in.
async fn tls_server(identity: &Identity) -> (TestServer, Folder) {
    let folder = Folder::new();
    identity.write(&folder);
    let (cert, key) = (folder.file("cert.pem"), folder.file("key.pem"));
    let settings = [
        ("OVERDUE_SERVER__LISTEN_TLS", "127.0.0.1:0"),
        ("OVERDUE_SERVER__TLS_CERT", cert.to_str().unwrap()),
        ("OVERDUE_SERVER__TLS_KEY", key.to_str().unwrap()),
    ];
    (TestServer::start(Database::Sqlite, &settings).await, folder)
}

/// A ping over TLS; an error where the handshake fails.
async fn ping_tls(
    server: &TestServer,
    check: &Value,
    client: reqwest::ClientBuilder,
) -> Result<Answer, reqwest::Error> {
    let address = server.addresses("https")[0];
    let url = format!("https://{address}{}", ping_path(check, ""));
    Answer::read(client.build().unwrap().get(url).send().await?).await
}

#[tokio::test]
async fn tls_with_http_2_and_1_1_beside_plain_http() {
    let identity = Identity::new();
    let (server, _folder) = tls_server(&identity).await;
    let api = server.owner().await;
    let check = api.check("tls", json!({})).await;
    let second = ping_tls(&server, &check, identity.client()).await.unwrap();
    second.says(200, "OK");
    assert_eq!(second.version, Version::HTTP_2, "by ALPN");
    assert_eq!(api.last_ping(&check).await["scheme"], "https");
    let first = ping_tls(&server, &check, identity.client().http1_only()).await.unwrap();
    first.says(200, "OK");
    assert_eq!(first.version, Version::HTTP_11);
    api.ping(&check, "").await.says(200, "OK");
    assert_eq!(api.last_ping(&check).await["scheme"], "http");
    let stranger = Identity::new();
    assert!(ping_tls(&server, &check, stranger.client()).await.is_err());
    assert_eq!(api.read(&check).await["n_pings"], 3);
}

#[tokio::test]
async fn a_new_certificate_is_taken_when_its_files_change() {
    let (old, new) = (Identity::new(), Identity::new());
    let (server, folder) = tls_server(&old).await;
    let api = server.owner().await;
    let check = api.check("renewed", json!({})).await;
    ping_tls(&server, &check, old.client()).await.unwrap().says(200, "OK");
    new.write(&folder);
    until("the new certificate to be served", async || {
        ping_tls(&server, &check, new.client()).await.ok()
    })
    .await
    .says(200, "OK");
    assert!(ping_tls(&server, &check, old.client()).await.is_err());
}

#[tokio::test]
async fn sighup_reloads_the_certificate_and_a_broken_one_changes_nothing() {
    let (old, new) = (Identity::new(), Identity::new());
    let (server, folder) = tls_server(&old).await;
    let api = server.owner().await;
    let check = api.check("sighup", json!({})).await;
    fs::write(folder.file("cert.pem"), "no certificate").unwrap();
    let log_before = server.log().len();
    server.signal("HUP");
    until("a line in the log about the certificate", async || {
        (server.log().len() > log_before).then_some(())
    })
    .await;
    ping_tls(&server, &check, old.client()).await.unwrap().says(200, "OK");
    new.write(&folder);
    server.signal("HUP");
    until("the new certificate to be served", async || {
        ping_tls(&server, &check, new.client()).await.ok()
    })
    .await
    .says(200, "OK");
}

/// Whether this machine has an IPv6 loopback.
fn has_ipv6() -> bool {
    TcpListener::bind("[::1]:0").is_ok()
}

#[tokio::test]
async fn one_listener_takes_ipv4_and_ipv6() {
    if !has_ipv6() {
        return;
    }
    let settings = [("OVERDUE_SERVER__LISTEN", "[::]:0")];
    let server = TestServer::start(Database::Sqlite, &settings).await;
    let api = server.owner().await;
    let check = api.check("both", json!({})).await;
    let port = server.address().port();
    for (address, shown) in
        [(format!("127.0.0.1:{port}"), "127.0.0.1"), (format!("[::1]:{port}"), "::1")]
    {
        ping_at(&api, address.parse().unwrap(), &check).await.says(200, "OK");
        assert_eq!(api.last_ping(&check).await["remote_address"], shown);
    }
}

#[tokio::test]
async fn several_listeners_serve_the_same() {
    let settings = [("OVERDUE_SERVER__LISTEN", "127.0.0.1:0,127.0.0.2:0")];
    let server = TestServer::start(Database::Sqlite, &settings).await;
    let api = server.owner().await;
    let check = api.check("several", json!({})).await;
    let addresses = server.addresses("http");
    assert_eq!(addresses.len(), 2, "{addresses:?}");
    for address in addresses {
        ping_at(&api, address, &check).await.says(200, "OK");
    }
    assert_eq!(api.read(&check).await["n_pings"], 2);
}

async fn ping_at(api: &Api, address: SocketAddr, check: &Value) -> Answer {
    let url = format!("http://{address}{}", ping_path(check, ""));
    Answer::read(api.http.get(url).send().await.unwrap()).await.unwrap()
}

#[tokio::test]
async fn the_printed_addresses_follow_the_configuration() {
    let settings = [
        ("OVERDUE_SERVER__SITE_URL", "https://overdue.example.org"),
        ("OVERDUE_SERVER__PING_ENDPOINT", "https://ping.example.org/"),
    ];
    for (given, endpoint) in
        [(1, "https://overdue.example.org/ping/"), (2, "https://ping.example.org/")]
    {
        let server = TestServer::start(Database::Sqlite, &settings[..given]).await;
        let api = server.owner().await;
        let check = api.check("Printed", json!({})).await;
        assert_eq!(check["ping_url"], format!("{endpoint}{}", uuid_of(&check)));
        assert_eq!(check["slug_url"], format!("{endpoint}{}/printed", api.ping_key));
    }
}
