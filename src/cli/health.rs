//! `overdue health`: asks the running server's `/readyz` over the address it is configured to
//! listen on. It opens no database: a health check must stay cheap, and tell of the server.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Answer;
use crate::config::Config;
use crate::fault::{Fault, Result};

/// How long the server has to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// More than any answer of `/readyz` has, in bytes.
const LONGEST_ANSWER: u64 = 16 * 1024;

pub(super) async fn run(config: &Config) -> Result<Answer> {
    let address = *config.server.listen.first().ok_or_else(|| {
        Fault::invalid("server.listen", "must have an address without TLS for health checks to ask")
    })?;
    if address.port() == 0 {
        let reason = "must name a port: with port 0 only the server knows which it is";
        return Err(Fault::invalid("server.listen", reason));
    }
    let path = format!("{}/readyz", config.server.path_prefix());
    let asked = tokio::time::timeout(PATIENCE, ask(address, &path)).await;
    let late = || io::Error::new(io::ErrorKind::TimedOut, "no answer within 5 s");
    let (status, body) = asked.unwrap_or_else(|_| Err(late())).map_err(|error| {
        Fault::Unavailable(format!("the server at {address} does not answer: {error}"))
    })?;
    if status != 200 {
        return Err(Fault::Unavailable(format!("the server is not ready ({status}): {body}")));
    }
    Ok(Answer::new("ready", json!({ "ready": 1 })))
}

/// The status and the body of the answer of the first address that takes the connection.
async fn ask(address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(&reachable(address)[..]).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: overdue-health\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer).await?;
    read(&String::from_utf8_lossy(&answer))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "this is not an HTTP server"))
}

/// Where a listener on this address is reached from the same machine.
fn reachable(address: SocketAddr) -> Vec<SocketAddr> {
    let (v4, v6) = (IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST));
    let hosts = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => vec![v4],
        IpAddr::V6(ip) if ip.is_unspecified() => vec![v6, v4],
        ip => vec![ip],
    };
    hosts.into_iter().map(|host| SocketAddr::new(host, address.port())).collect()
}

fn read(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// A server that gives one answer to whoever asks first; its configuration and the request.
    async fn answering(answer: &'static str) -> (Config, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let mut config = Config::default();
        config.server.listen = vec![listener.local_addr().unwrap()];
        let request = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 1024];
            let length = stream.read(&mut request).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        (config, request)
    }

    #[tokio::test]
    async fn a_server_that_says_200_is_ready() {
        let (mut config, request) = answering("HTTP/1.1 200 OK\r\n\r\nOK").await;
        config.server.site_url = "https://example.org/overdue".to_owned();
        assert_eq!(run(&config).await.unwrap().text, "ready");
        let request = request.await.unwrap();
        assert!(request.starts_with("GET /overdue/readyz HTTP/1.1\r\n"), "{request}");
    }

    #[tokio::test]
    async fn one_that_is_late_is_named_with_what_it_says() {
        let (config, _) = answering("HTTP/1.1 503 X\r\nA: b\r\n\r\nlate: detector").await;
        let message = run(&config).await.unwrap_err().to_string();
        assert_eq!(message, "the server is not ready (503): late: detector");
    }

    #[tokio::test]
    async fn no_server_or_another_kind_of_server_is_a_failure() {
        let (config, request) = answering("220 mail.example.org\r\n").await;
        let message = run(&config).await.unwrap_err().to_string();
        assert!(message.contains("not an HTTP server"), "{message}");
        request.await.unwrap();
        let message = run(&config).await.unwrap_err().to_string();
        assert!(message.contains("does not answer"), "{message}");
    }

    #[test]
    fn a_listener_on_all_addresses_is_asked_on_the_loopback() {
        let texts = |address: &str| {
            let all = reachable(address.parse().unwrap());
            all.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(texts("[::]:80"), ["[::1]:80", "127.0.0.1:80"]);
        assert_eq!(texts("0.0.0.0:80"), ["127.0.0.1:80"]);
        assert_eq!(texts("192.0.2.1:80"), ["192.0.2.1:80"]);
    }
}
