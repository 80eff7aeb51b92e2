//! Servers that devices are: a web server, also under TLS, and whatever greets.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use crate::support::server::install_crypto;
use crate::support::{now, random_name};

const DAY: Duration = Duration::from_hours(24);

/// What a web server answers, and what it was asked.
#[derive(Debug, Default)]
pub struct Manners {
    /// The status line's number and words.
    pub status: String,
    /// Further headers, each with its end of line.
    pub headers: String,
    /// The body.
    pub body: String,
    /// The heads of the requests that came.
    pub asked: Vec<String>,
}

/// A server at a port of its own, until it is dropped.
pub struct Server {
    pub port: u16,
    manners: Arc<Mutex<Manners>>,
    task: AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A certificate for a name that holds for so many days, signed by itself.
pub struct Paper {
    pub pem: String,
    config: Arc<ServerConfig>,
}

impl Paper {
    pub fn new(name: &str, days: u32) -> Self {
        install_crypto();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let micros = u64::try_from(now().0).unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_micros(micros);
        // Authorities are told apart by their names.
        params.distinguished_name.push(DnType::CommonName, random_name("authority "));
        params.not_before = (now - DAY).into();
        // Half a day more, so that it is so many whole days whenever it is looked at.
        params.not_after = (now + DAY * days + DAY / 2).into();
        let cert = params.self_signed(&key).unwrap();
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], der)
            .unwrap();
        Self { pem: cert.pem(), config: Arc::new(config) }
    }
}

impl Server {
    /// A web server that answers 200.
    pub async fn web() -> Self {
        Self::start(None).await
    }

    /// The same under TLS.
    pub async fn secured(paper: &Paper) -> Self {
        Self::start(Some(TlsAcceptor::from(Arc::clone(&paper.config)))).await
    }

    async fn start(tls: Option<TlsAcceptor>) -> Self {
        let manners = Manners { status: "200 OK".into(), body: "ok".into(), ..Manners::default() };
        let manners = Arc::new(Mutex::new(manners));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::clone(&manners);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tls, manners) = (tls.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                answer(stream, &manners).await;
                            }
                        }
                        None => answer(stream, &manners).await,
                    }
                });
            }
        });
        Self { port, manners, task: task.abort_handle() }
    }

    /// Whatever greets so, and then hears out what is said.
    pub async fn greeter(greeting: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    let _ = stream.write_all(greeting.as_bytes()).await;
                    let _ = stream.read(&mut [0; 200]).await;
                });
            }
        });
        Self { port, manners: Arc::default(), task: task.abort_handle() }
    }

    /// Changes how it answers.
    pub fn change(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.manners.lock().unwrap());
    }

    /// The heads of the requests so far, in small letters.
    pub fn asked(&self) -> Vec<String> {
        self.manners.lock().unwrap().asked.clone()
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, manners: &Mutex<Manners>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let response = {
        let mut manners = manners.lock().unwrap();
        manners.asked.push(String::from_utf8_lossy(&head).to_lowercase());
        let Manners { status, headers, body, .. } = &*manners;
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
    };
    let _ = stream.write_all(response.as_bytes()).await;
    let _ = stream.shutdown().await;
}
