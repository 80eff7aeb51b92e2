//! The order of the commands, and what the server says to each.

use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::{Client, DOMAIN, MAX_BYTES, MailServer, address_of, shared};
use crate::support::{Database, both_databases};

#[tokio::test]
async fn what_the_server_can_do_is_told_to_ehlo() {
    let (server, _) = shared(Database::Sqlite).await;
    let (mut client, greeting) = Client::open(server.address()).await;
    assert_eq!(greeting, format!("220 {DOMAIN} ESMTP Overdue"));
    assert_eq!(client.say("HELO me").await, format!("250 {DOMAIN}"));
    let can = client.say("ehlo me").await;
    let lines = [
        DOMAIN,
        "PIPELINING",
        &format!("SIZE {MAX_BYTES}"),
        "STARTTLS",
        "8BITMIME",
        "SMTPUTF8",
        "ENHANCEDSTATUSCODES",
    ];
    assert_eq!(can.lines().map(|line| &line[4..]).collect::<Vec<_>>(), lines);
}

#[tokio::test]
async fn commands_out_of_order_are_refused_and_harm_nothing() {
    let (server, api) = shared(Database::Sqlite).await;
    let check = api.check("order", json!({})).await;
    let to = format!("RCPT TO:<{}>", address_of(&check, ""));
    let (mut client, _) = Client::open(server.address()).await;
    for (command, code) in [
        ("MAIL FROM:<a@b.c>", "503"),
        ("EHLO", "501"),
        ("EHLO me", "250"),
        (&to, "503"),
        ("DATA", "503"),
        ("MAIL FROM:<a@b.c>", "250"),
        ("MAIL FROM:<a@b.c>", "503"),
        ("DATA", "503"),
        (&to, "250"),
        ("RSET", "250"),
        ("DATA", "503"),
        (&to, "503"),
        ("MAIL FROM:<a@b.c>", "250"),
        (&to, "250"),
        ("EHLO me", "250"),
        ("DATA", "503"),
        ("NOOP", "250"),
        ("HELP", "214"),
        ("AUTH PLAIN AAAA", "502"),
        ("BDAT 10 LAST", "502"),
        ("GARBAGE", "500"),
    ] {
        client.says(command, code).await;
    }
    assert!(client.mail(&[&address_of(&check, "")], "\r\n").await.starts_with("250"));
    client.says("QUIT", "221").await;
    assert_eq!(client.rest().await, "");
    assert_eq!(api.read(&check).await["n_pings"], 1);
}

both_databases! {
    async fn a_client_may_send_everything_at_once(database) {
        let (server, api) = shared(database).await;
        let check = api.check("pipeline", json!({})).await;
        let to = address_of(&check, "");
        let (mut client, _) = Client::open(server.address()).await;
        let envelope = format!("MAIL FROM:<a@b.c>\r\nRCPT TO:<no@{DOMAIN}>\r\nRCPT TO:<{to}>\r\n");
        let mail = format!("{envelope}DATA\r\nSubject: x\r\n\r\n.\r\n");
        client.send(format!("EHLO me\r\n{mail}{mail}QUIT\r\n")).await;
        let said = client.rest().await;
        let codes: Vec<&str> = said.lines().map(|line| &line[..4]).collect();
        let once = ["250 ", "550 ", "250 ", "354 ", "250 "];
        let expected = [&["250-"; 6][..], &["250 "], &once, &once, &["221 "]].concat();
        assert_eq!(codes, expected, "{said}");
        assert_eq!(api.read(&check).await["n_pings"], 2);
    }
}

/// Shakes hands on a connection on which `STARTTLS` was said.
async fn tls(
    server: &MailServer,
    stream: TcpStream,
) -> Client<impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> {
    crate::support::server::install_crypto();
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(server.identity.certificate.as_bytes());
    roots.add(certificate.unwrap()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let connector = TlsConnector::from(std::sync::Arc::new(config));
    let name = ServerName::try_from("localhost").unwrap();
    Client::new(connector.connect(name, stream).await.unwrap())
}

#[tokio::test]
async fn under_tls_the_dialogue_begins_anew() {
    let (server, api) = shared(Database::Sqlite).await;
    let check = api.check("tls", json!({})).await;
    let mut client = server.client().await;
    client.says("MAIL FROM:<a@b.c>", "250").await;
    client.says("STARTTLS", "220").await;
    let mut client = tls(server, client.into_stream()).await;
    client.says("MAIL FROM:<a@b.c>", "503 5.5.1 say EHLO").await;
    let can = client.says("EHLO me", "250").await;
    assert!(!can.contains("STARTTLS"), "{can}");
    client.says("DATA", "503").await;
    client.says("STARTTLS", "503").await;
    assert!(client.mail(&[&address_of(&check, "")], "\r\n").await.starts_with("250"));
    assert_eq!(api.read(&check).await["n_pings"], 1);
}

#[tokio::test]
async fn what_somebody_put_behind_starttls_is_not_obeyed_under_tls() {
    let (server, api) = shared(Database::Sqlite).await;
    let check = api.check("injected", json!({})).await;
    let mut client = server.client().await;
    let to = address_of(&check, "");
    let injected = format!("EHLO evil\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<{to}>\r\nDATA\r\n\r\n.\r\n");
    client.send(format!("STARTTLS\r\n{injected}")).await;
    assert!(client.reply().await.starts_with("220"));
    let mut client = tls(server, client.into_stream()).await;
    // The first reply is to the first command that came under TLS, and that one was not greeted.
    client.says("RSET", "250 2.0.0").await;
    client.says("MAIL FROM:<a@b.c>", "503 5.5.1 say EHLO").await;
    assert_eq!(api.read(&check).await["n_pings"], 0);
}
