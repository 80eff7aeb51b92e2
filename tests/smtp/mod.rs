//! Pings by mail (`ping-api.md`, "By email"), on the real server: spoken to in bytes, and by a real
//! mail client.

mod addresses;
mod dialogue;
mod nasty;
mod parts;
mod stored;
mod swaks;
mod trouble;

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::support::api::{Api, uuid_of};
use crate::support::folder::Folder;
use crate::support::identity::Identity;
use crate::support::server::TestServer;
use crate::support::{Database, PATIENCE};

/// What stands after the `@`.
pub const DOMAIN: &str = "ping.example.org";

/// The most bytes of a message on the servers of these tests.
pub const MAX_BYTES: usize = 20_000;

/// A server that takes mail, and who it is.
pub struct MailServer {
    pub server: TestServer,
    pub identity: Identity,
    _folder: Folder,
}

impl MailServer {
    /// Starts one with these settings more.
    pub async fn start(database: Database, more: &[(&str, &str)]) -> Self {
        let (identity, folder) = (Identity::new(), Folder::new());
        identity.write(&folder);
        let (cert, key) = (folder.file("cert.pem"), folder.file("key.pem"));
        let most = MAX_BYTES.to_string();
        let own = [
            ("OVERDUE_SMTP__LISTEN", "127.0.0.1:0"),
            ("OVERDUE_SMTP__DOMAIN", DOMAIN),
            ("OVERDUE_SMTP__MAX_BYTES", &most),
            ("OVERDUE_SERVER__TLS_CERT", cert.to_str().unwrap()),
            ("OVERDUE_SERVER__TLS_KEY", key.to_str().unwrap()),
        ];
        let server = TestServer::start(database, &[&own, more].concat()).await;
        Self { server, identity, _folder: folder }
    }

    /// Where it takes mail.
    pub fn address(&self) -> SocketAddr {
        self.server.addresses("smtp")[0]
    }

    /// A connection that has been greeted.
    pub async fn client(&self) -> Client {
        Client::greeted(self.address()).await
    }
}

/// A new project on the mail server that all tests of this database share.
pub async fn shared(database: Database) -> (&'static MailServer, Api) {
    struct Shared {
        server: MailServer,
        token: String,
    }
    static SHARED: [OnceCell<Shared>; 2] = [const { OnceCell::const_new() }; 2];
    let started = SHARED[database as usize].get_or_init(async || {
        let server = MailServer::start(database, &[]).await;
        let token = server.server.new_user("mail@example.org");
        Shared { server, token }
    });
    let shared = started.await;
    (&shared.server, Api::new_project(shared.server.server.address(), &shared.token).await)
}

/// `<uuid>@domain`, with `more` behind the UUID: `+fail`.
pub fn address_of(check: &Value, more: &str) -> String {
    format!("{}{more}@{DOMAIN}", uuid_of(check))
}

/// A connection to a mail server, spoken to in bytes.
pub struct Client<S = TcpStream> {
    stream: S,
    ahead: Vec<u8>,
}

impl Client {
    /// Connects and reads the greeting.
    pub async fn open(address: SocketAddr) -> (Self, String) {
        let stream = timeout(PATIENCE, TcpStream::connect(address)).await.unwrap().unwrap();
        let mut client = Self::new(stream);
        let greeting = client.reply().await;
        (client, greeting)
    }

    /// Connects, and says EHLO.
    pub async fn greeted(address: SocketAddr) -> Self {
        let (mut client, greeting) = Self::open(address).await;
        assert!(greeting.starts_with("220 "), "{greeting}");
        client.says("EHLO client.example.org", "250").await;
        client
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, ahead: Vec::new() }
    }

    /// The connection itself, where nothing is left of what was read.
    pub fn into_stream(self) -> S {
        assert!(self.ahead.is_empty(), "{:?}", String::from_utf8_lossy(&self.ahead));
        self.stream
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        timeout(PATIENCE, self.stream.write_all(bytes.as_ref())).await.unwrap().unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Sends a command: the reply to it.
    pub async fn say(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n")).await;
        self.reply().await
    }

    /// Sends a command whose reply must begin like this.
    pub async fn says(&mut self, command: &str, expected: &str) -> String {
        let reply = self.say(command).await;
        assert!(reply.starts_with(expected), "{command}: {reply}");
        reply
    }

    /// Sends a message, whole as it goes over the wire but for the dot at its end: the reply.
    pub async fn mail(&mut self, to: &[&str], message: impl AsRef<[u8]>) -> String {
        self.begin(to).await;
        self.send(message).await;
        self.say(".").await
    }

    /// Everything before the text of a message.
    pub async fn begin(&mut self, to: &[&str]) {
        self.says("MAIL FROM:<job@example.org>", "250").await;
        for recipient in to {
            self.says(&format!("RCPT TO:<{recipient}>"), "250").await;
        }
        self.says("DATA", "354").await;
    }

    /// The next reply, without the end of its last line.
    pub async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let line = self.line().await.unwrap_or_else(|| panic!("no reply, only {reply:?}"));
            reply.push_str(&line);
            if line.as_bytes().get(3) == Some(&b' ') {
                return reply.trim_end().to_owned();
            }
        }
    }

    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.ahead.windows(2).position(|two| two == b"\r\n") {
                return Some(String::from_utf8(self.ahead.drain(..end + 2).collect()).unwrap());
            }
            if self.read_more().await == 0 {
                return None;
            }
        }
    }

    /// Reads until the server ends the connection: all that it still said.
    pub async fn rest(&mut self) -> String {
        while self.read_more().await > 0 {}
        String::from_utf8(std::mem::take(&mut self.ahead)).unwrap()
    }

    async fn read_more(&mut self) -> usize {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.ahead)).await;
        // A reset is an end as well: all that came before it was read.
        read.expect("the server neither answers nor hangs up").unwrap_or(0)
    }
}
