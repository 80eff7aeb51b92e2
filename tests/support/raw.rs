//! The bare socket: for requests that no client library would send, and answers as they are on the
//! wire.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PATIENCE;

/// A connection to the server, spoken to in bytes.
pub struct Wire {
    stream: TcpStream,
    /// What was read and belongs to the next answer.
    ahead: Vec<u8>,
}

/// An answer as it was on the wire.
#[derive(Debug)]
pub struct WireAnswer {
    /// The status code.
    pub status: u16,
    /// Status line and headers.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Wire {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Self {
        let stream = timeout(PATIENCE, TcpStream::connect(address)).await.unwrap().unwrap();
        Self { stream, ahead: Vec::new() }
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).await.unwrap();
    }

    /// Sends bytes to a server that may hang up meanwhile.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        timeout(PATIENCE, self.stream.write_all(bytes.as_ref())).await.unwrap()
    }

    /// Says that nothing more will come, and goes on listening.
    pub async fn finish(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Reads the next answer: its head and as much body as its `Content-Length` says.
    pub async fn answer(&mut self) -> WireAnswer {
        let mut answer = self.head().await;
        let length = header(&answer.head, "content-length").map_or(0, |n| n.parse().unwrap());
        while self.ahead.len() < length {
            assert!(self.read_more().await > 0, "the answer broke off: {answer:?}");
        }
        answer.body = self.ahead.drain(..length).collect();
        answer
    }

    /// Reads the next answer's head alone: what follows one to HEAD.
    pub async fn head(&mut self) -> WireAnswer {
        let end = loop {
            if let Some(at) = self.ahead.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(self.read_more().await > 0, "no answer came, only {:?}", self.ahead);
        };
        let head = String::from_utf8(self.ahead.drain(..end).collect()).unwrap();
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        WireAnswer { status: status.expect("a status line"), head, body: Vec::new() }
    }

    /// Reads until the server closes the connection.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.read_more().await > 0 {}
        std::mem::take(&mut self.ahead)
    }

    /// Reads what has come; 0 where the server has closed the connection.
    async fn read_more(&mut self) -> usize {
        self.ahead.reserve(16 * 1024);
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.ahead)).await;
        // A reset is an end as well: all that came before it was read.
        read.expect("the server neither answers nor hangs up").unwrap_or(0)
    }
}

/// A header's value in a head as it was on the wire.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}
