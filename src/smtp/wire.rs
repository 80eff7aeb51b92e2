//! The connection with a mail client: lines in, replies out, in the clear or under TLS. Replies are
//! gathered until everything the client has sent so far is worked through, as pipelining clients
//! expect; every wait has its bound.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use super::message::{End, Incoming};
use super::reply::Reply;
use crate::http::tls::Acceptor;

/// The longest command that is taken: the standard's 512 bytes, and room for its extensions.
const LONGEST_COMMAND: usize = 2048;
/// A line longer than this is no mistake any more.
const MOST_DISCARDED: usize = 64 * 1024;
/// Bytes that are read at a time.
const CHUNK: usize = 16 * 1024;

/// Why nothing more can be read.
#[derive(Debug)]
pub(super) enum Over {
    /// The client has gone.
    Gone,
    /// It sent nothing, or took nothing, for too long.
    Silent,
}

impl From<io::Error> for Over {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// A line as it came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A command, without its end.
    Command(String),
    /// Longer than any command.
    TooLong,
    /// It holds a CR or LF that stands alone.
    Bare,
    /// It is no text.
    NoText,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// Between the two, or after a handshake that failed.
    None,
}

/// The connection.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    incoming: BytesMut,
    outgoing: String,
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream: Stream::Plain(stream), incoming: BytesMut::new(), outgoing: String::new() }
    }

    pub(super) fn is_tls(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// Puts a reply with those that go out before the next wait.
    pub(super) fn say(&mut self, reply: &Reply) {
        self.outgoing.push_str(&reply.line());
    }

    /// The same for a reply of several lines, whole as it goes over the wire.
    pub(super) fn say_lines(&mut self, lines: &str) {
        self.outgoing.push_str(lines);
    }

    /// Whether something that came has not been read yet.
    pub(super) fn has_more(&self) -> bool {
        !self.incoming.is_empty()
    }

    /// Reads the next command line.
    pub(super) async fn line(&mut self, patience: Duration) -> Result<Line, Over> {
        let (mut scanned, mut discarded) = (0, 0);
        loop {
            let found = self.incoming[scanned..].iter().position(|byte| *byte == b'\n');
            if let Some(at) = found {
                let raw = self.incoming.split_to(scanned + at + 1);
                let is_long = discarded > 0 || raw.len() > LONGEST_COMMAND;
                return Ok(if is_long { Line::TooLong } else { judge(&raw) });
            }
            scanned = self.incoming.len();
            if scanned > LONGEST_COMMAND {
                discarded += scanned;
                self.incoming.clear();
                scanned = 0;
            }
            if discarded > MOST_DISCARDED {
                return Err(Over::Gone);
            }
            self.fill(patience).await?;
        }
    }

    /// Reads a message to its end.
    pub(super) async fn message(&mut self, limit: usize, patience: Duration) -> Result<End, Over> {
        let mut message = Incoming::new(limit);
        loop {
            let (taken, end) = message.take(&self.incoming);
            let _ = self.incoming.split_to(taken);
            if let Some(end) = end {
                return Ok(end);
            }
            self.fill(patience).await?;
        }
    }

    /// Sends what was said, and waits for more.
    async fn fill(&mut self, patience: Duration) -> Result<(), Over> {
        self.flush(patience).await?;
        self.incoming.reserve(CHUNK);
        let read = match &mut self.stream {
            Stream::Plain(stream) => timeout(patience, stream.read_buf(&mut self.incoming)).await,
            Stream::Tls(stream) => timeout(patience, stream.read_buf(&mut self.incoming)).await,
            Stream::None => return Err(Over::Gone),
        };
        match read.map_err(|_| Over::Silent)?? {
            0 => Err(Over::Gone),
            _ => Ok(()),
        }
    }

    /// Sends what was said.
    pub(super) async fn flush(&mut self, patience: Duration) -> Result<(), Over> {
        if self.outgoing.is_empty() {
            return Ok(());
        }
        let outgoing = std::mem::take(&mut self.outgoing);
        let sent = async {
            match &mut self.stream {
                Stream::Plain(stream) => stream.write_all(outgoing.as_bytes()).await,
                Stream::Tls(stream) => {
                    stream.write_all(outgoing.as_bytes()).await?;
                    stream.flush().await
                }
                Stream::None => Err(io::ErrorKind::NotConnected.into()),
            }
        };
        Ok(timeout(patience, sent).await.map_err(|_| Over::Silent)??)
    }

    /// Shakes hands. What the client sent before is thrown away: somebody between the two may have
    /// put it there.
    pub(super) async fn secure(
        &mut self,
        acceptor: &Acceptor,
        patience: Duration,
    ) -> Result<(), Over> {
        self.flush(patience).await?;
        self.incoming.clear();
        let Stream::Plain(stream) = std::mem::replace(&mut self.stream, Stream::None) else {
            return Err(Over::Gone);
        };
        let shaken = timeout(patience, acceptor.accept(stream)).await.map_err(|_| Over::Silent)?;
        self.stream = Stream::Tls(Box::new(shaken?));
        Ok(())
    }

    /// Sends what was said and ends the connection in good order.
    pub(super) async fn close(mut self, patience: Duration) {
        let ended = async {
            self.flush(patience).await?;
            match &mut self.stream {
                Stream::Plain(stream) => stream.shutdown().await?,
                Stream::Tls(stream) => stream.shutdown().await?,
                Stream::None => return Ok(()),
            }
            // What is still on its way would turn the end into a reset, and take the last reply
            // with it.
            let mut rest = BytesMut::with_capacity(CHUNK);
            for _ in 0..64 {
                rest.clear();
                let read = match &mut self.stream {
                    Stream::Plain(stream) => stream.read_buf(&mut rest).await?,
                    Stream::Tls(stream) => stream.read_buf(&mut rest).await?,
                    Stream::None => 0,
                };
                if read == 0 {
                    break;
                }
            }
            Ok::<_, Over>(())
        };
        // Whatever goes wrong now, the connection is over.
        let _ = timeout(patience, ended).await;
    }
}

/// What a line that ends in LF is.
fn judge(raw: &[u8]) -> Line {
    let Some(text) = raw.strip_suffix(b"\r\n") else { return Line::Bare };
    if text.contains(&b'\r') {
        return Line::Bare;
    }
    match std::str::from_utf8(text) {
        Ok(text) if !text.contains(char::is_control) => Line::Command(text.to_owned()),
        _ => Line::NoText,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_text_between_two_ends_of_lines() {
        assert_eq!(judge(b"NOOP\r\n"), Line::Command("NOOP".to_owned()));
        assert_eq!(judge(b"NOOP\n"), Line::Bare);
        assert_eq!(judge(b"NO\rOP\r\n"), Line::Bare);
        assert_eq!(judge(b"NOOP\r\r\n"), Line::Bare);
        assert_eq!(judge(b"NO\0OP\r\n"), Line::NoText);
        assert_eq!(judge(b"NO\xffOP\r\n"), Line::NoText);
    }
}
