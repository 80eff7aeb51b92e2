//! The one door through which requests leave that users can aim: a timeout, a few redirects that
//! are followed by hand, a bound on what is read, and the guard that keeps such requests away from
//! addresses that are not public (`alerting.md`, "Notifications").
//!
//! The guard looks at the address that is really connected to: literal addresses in a URL are
//! checked before each hop (the client never asks its resolver for those), names by a resolver that
//! hands on only what is allowed, so that a name can't change its mind between check and use. With
//! a proxy the names are resolved and checked here first, and every one of their addresses must be
//! allowed, as it is the proxy that chooses among them.
//!
//! No error text from here holds anything of a URL but its host, nor a header's value.

use std::error::Error as StdError;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::DateTime;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::clock::{SECOND, Timestamp};
use crate::domain::alert::one_line;
use crate::fault::{Fault, Result};

/// How long one request may take, its redirects included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How many redirects are followed.
const MAX_REDIRECTS: usize = 3;

/// How much of an answer is read where nobody asks for more, bytes.
const MAX_ANSWER: usize = 16 * 1024;

/// How much of an answer's beginning goes into an error text, characters.
const EXCERPT: usize = 200;

/// What the request calls itself where it has no `User-Agent` of its own.
pub const USER_AGENT: &str = concat!("Overdue/", env!("CARGO_PKG_VERSION"));

/// The section `outbound` of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Whether any address may be connected to.
    pub allow_private: bool,
    /// Networks that may be connected to although they are not public.
    pub allow: Vec<IpNet>,
    /// The HTTP proxy through which all requests go, as a URL.
    pub proxy: Option<String>,
}

/// A request that is ready to go.
#[derive(Clone, Debug)]
pub struct Request {
    /// Any that may have a body, and GET; kept on redirects.
    pub method: Method,
    /// Where to; user and password in it are sent as basic authentication.
    pub url: Url,
    /// Headers that go wherever the request goes.
    pub headers: HeaderMap,
    /// Headers that may hold secrets: they stop at a redirect that leaves scheme, host and port.
    pub private_headers: HeaderMap,
    /// The body; kept on redirects.
    pub body: Bytes,
}

/// What the receiver said.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status; of the last hop.
    pub status: StatusCode,
    /// The header `Retry-After` as it came.
    pub retry_after: Option<String>,
    /// The body's beginning, read as UTF-8, what the request keeps secret made unreadable.
    pub body: String,
}

/// Why there is no answer. The texts are for users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The address may not be connected to, now or later.
    Refused(String),
    /// Whatever may be otherwise the next time.
    Passing(String),
}

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The receiver has taken it.
    Delivered,
    /// There was nothing to send: the channel has no address for this kind of event.
    Skipped,
    /// Not taken; to be tried again.
    Retry {
        /// Why, in plain words.
        error: String,
        /// How long the receiver asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// It can't be sent, and no later try can change that; the channel stays as it is.
    Refused {
        /// Why, in plain words.
        error: String,
    },
    /// The receiver said that it is gone for good: the channel is to be disabled.
    Gone {
        /// Why, in plain words.
        error: String,
    },
}

/// Sends requests to where users want them.
#[derive(Clone, Debug)]
pub struct Outbound {
    client: reqwest::Client,
    guard: Arc<Guard>,
    proxied: bool,
    timeout: Duration,
}

impl Outbound {
    /// Makes the client. Proxies that the environment names are not used. Without any certificate
    /// authority on the system, `https` fails and everything else works.
    ///
    /// # Errors
    /// [`Fault::Invalid`] where the proxy's URL can't be used.
    pub fn new(settings: Settings) -> Result<Self> {
        let proxy = settings.proxy.as_deref().map(proxy).transpose()?;
        let guard =
            Arc::new(Guard { allow_private: settings.allow_private, allow: settings.allow });
        // An error means that the process has one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = builder(&guard, proxy.as_ref()).build().or_else(|error| {
            tracing::warn!(%error, "no certificate authorities on this system: https will fail");
            builder(&guard, proxy.as_ref()).tls_certs_only([]).build().map_err(Fault::internal)
        })?;
        Ok(Self { client, guard, proxied: proxy.is_some(), timeout: TIMEOUT })
    }

    /// The addresses of a host that may be connected to, for what speaks something else than HTTP.
    ///
    /// # Errors
    /// It has none, or none that may be; in words for users.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        let found = match host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, 0)],
            Err(_) => look_up(host).await.map_err(|error| error.to_string())?,
        };
        let allowed = self.guard.allowed(found).map_err(|error| error.to_string())?;
        Ok(allowed.iter().map(SocketAddr::ip).collect())
    }

    /// The same with another timeout than 10 s.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sends one request and reads the beginning of the answer. What breaks off after the status
    /// came is no failure: the status decides.
    ///
    /// # Errors
    /// [`Failure`] where no answer came that could be used.
    pub async fn send(&self, request: &Request) -> Result<Answer, Failure> {
        self.fetch(request, MAX_ANSWER).await
    }

    /// The same, for answers that are read for what they hold: `most` bytes of it.
    ///
    /// # Errors
    /// [`Failure`] where no answer came that could be used.
    pub async fn fetch(&self, request: &Request, most: usize) -> Result<Answer, Failure> {
        let mut time_is_up = pin!(tokio::time::sleep(self.timeout));
        let mut response = tokio::select! {
            response = self.follow(request) => response?,
            () = &mut time_is_up => return Err(self.no_answer()),
        };
        let mut body = Vec::new();
        tokio::select! {
            () = read(&mut response, &mut body, most) => {}
            () = &mut time_is_up => {}
        }
        let retry_after = response.headers().get(header::RETRY_AFTER);
        Ok(Answer {
            status: response.status(),
            retry_after: retry_after.and_then(|v| v.to_str().ok()).map(str::to_owned),
            body: without_secrets(&String::from_utf8_lossy(&body), request),
        })
    }

    /// Sends the request and, as long as the answer is a 307 or 308, sends it again to where that
    /// points. Any other 3xx is an answer like a 4xx.
    async fn follow(&self, request: &Request) -> Result<reqwest::Response, Failure> {
        let mut url = request.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.hop(request, &url).await?;
            match response.status() {
                StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {
                    url = target(&url, response.headers())?;
                }
                _ => return Ok(response),
            }
        }
        Err(Failure::Passing(format!("more than {MAX_REDIRECTS} redirects")))
    }

    async fn hop(&self, request: &Request, url: &Url) -> Result<reqwest::Response, Failure> {
        self.check(url).await?;
        let mut headers = request.headers.clone();
        if url.origin() == request.url.origin() {
            headers.extend(request.private_headers.clone());
        }
        let ready = self.client.request(request.method.clone(), url.clone()).headers(headers);
        let sent = ready.body(request.body.clone()).send().await;
        sent.map_err(|error| self.failure(&error))
    }

    /// What can be known of a URL's host before a connection is opened.
    async fn check(&self, url: &Url) -> Result<(), Failure> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Failure::Refused(format!(
                "{}: only http and https can be used",
                url.scheme()
            )));
        }
        let checked = match url.host() {
            Some(Host::Ipv4(ip)) => self.guard.check(&[ip.into()]),
            Some(Host::Ipv6(ip)) => self.guard.check(&[ip.into()]),
            Some(Host::Domain(name)) if self.proxied => {
                let found = look_up(name).await;
                let found = found.map_err(|error| Failure::Passing(error.to_string()))?;
                self.guard.check(&found.iter().map(SocketAddr::ip).collect::<Vec<_>>())
            }
            Some(Host::Domain(_)) => Ok(()),
            None => return Err(Failure::Refused("the URL names no host".to_owned())),
        };
        checked.map_err(|refused| Failure::Refused(refused.to_string()))
    }

    fn failure(&self, error: &reqwest::Error) -> Failure {
        if let Some(refused) = cause::<RefusedAddress>(error) {
            return Failure::Refused(refused.to_string());
        }
        if error.is_timeout() {
            return self.no_answer();
        }
        Failure::Passing(plain_words(error))
    }

    fn no_answer(&self) -> Failure {
        Failure::Passing(format!("no answer within {} s", self.timeout.as_secs_f64()))
    }
}

impl Answer {
    /// What this answer means: any 2xx is a delivery, a status in `gone` disables the channel, and
    /// everything else is tried again, not before the time that `Retry-After` names.
    #[must_use]
    pub fn delivery(&self, gone: &[StatusCode], now: Timestamp) -> Delivery {
        let error = || self.error();
        match self.status {
            status if status.is_success() => Delivery::Delivered,
            status if gone.contains(&status) => Delivery::Gone { error: error() },
            _ => Delivery::Retry { error: error(), retry_after: self.pause(now) },
        }
    }

    /// The status and the beginning of the body on one line.
    #[must_use]
    pub fn error(&self) -> String {
        let status = match self.status.canonical_reason() {
            Some(reason) => format!("{} {reason}", self.status.as_u16()),
            None => self.status.as_u16().to_string(),
        };
        let excerpt: String = one_line(&self.body).chars().take(EXCERPT).collect();
        match (self.status.is_redirection(), excerpt.is_empty()) {
            (true, _) => format!("{status}: only the redirects 307 and 308 are followed"),
            (false, true) => status,
            (false, false) => format!("{status}: {excerpt}"),
        }
    }

    /// `Retry-After`, seconds or a date; none where it can't be read.
    fn pause(&self, now: Timestamp) -> Option<Duration> {
        let text = self.retry_after.as_deref()?.trim();
        if let Ok(seconds) = text.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        let date = DateTime::parse_from_rfc2822(text).ok()?;
        let seconds = (date.timestamp_micros() - now.0).max(0) / SECOND;
        u64::try_from(seconds).ok().map(Duration::from_secs)
    }
}

impl Delivery {
    /// The same with each of `secrets` made unreadable in what the receiver said.
    #[must_use]
    pub fn without(mut self, secrets: &[String]) -> Self {
        let (Self::Retry { error, .. } | Self::Refused { error } | Self::Gone { error }) =
            &mut self
        else {
            return self;
        };
        for secret in secrets {
            *error = error.replace(secret.as_str(), "***");
        }
        self
    }
}

impl From<Failure> for Delivery {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => Self::Refused { error },
            Failure::Passing(error) => Self::Retry { error, retry_after: None },
        }
    }
}

/// Decides which addresses may be connected to.
#[derive(Debug)]
struct Guard {
    allow_private: bool,
    allow: Vec<IpNet>,
}

impl Guard {
    fn allows(&self, ip: IpAddr) -> bool {
        let listed = |ip: &IpAddr| self.allow.iter().any(|net| net.contains(ip));
        self.allow_private || is_global(ip) || listed(&ip) || listed(&stands_for(ip))
    }

    fn check(&self, addresses: &[IpAddr]) -> Result<(), RefusedAddress> {
        match addresses.iter().find(|ip| !self.allows(**ip)) {
            Some(ip) => Err(RefusedAddress(*ip)),
            None => Ok(()),
        }
    }

    /// Those of the addresses that may be connected to.
    ///
    /// # Errors
    /// Where there are addresses and none of them may.
    fn allowed(&self, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, RefusedAddress> {
        let first = found.first().map(SocketAddr::ip);
        let allowed: Vec<_> = found.into_iter().filter(|a| self.allows(a.ip())).collect();
        match first {
            Some(ip) if allowed.is_empty() => Err(RefusedAddress(ip)),
            _ => Ok(allowed),
        }
    }
}

/// The resolver that the client asks for every name it connects to.
#[derive(Clone)]
struct GuardedNames(Arc<Guard>);

impl Resolve for GuardedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Arc::clone(&self.0);
        Box::pin(async move {
            let allowed = guard.allowed(look_up(name.as_str()).await?)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// An address that may not be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RefusedAddress(IpAddr);

impl fmt::Display for RefusedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is not a public address and was not connected to: outbound.allow in the \
             configuration can list it, outbound.allow_private = true allows all",
            self.0
        )
    }
}

impl StdError for RefusedAddress {}

/// A name that has no address at the moment.
#[derive(Debug)]
struct UnknownName(String);

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no address found for {}", self.0)
    }
}

impl StdError for UnknownName {}

async fn look_up(name: &str) -> Result<Vec<SocketAddr>, UnknownName> {
    let unknown = || UnknownName(one_line(name));
    let found = tokio::net::lookup_host((name, 0)).await.map_err(|_| unknown())?;
    let found: Vec<_> = found.collect();
    if found.is_empty() { Err(unknown()) } else { Ok(found) }
}

/// Whether an address is global unicast: what the IANA registries of special addresses list is
/// not, nor is what merely embeds an IPv4 address, save the two forms in which networks really
/// carry IPv4 (mapped, and the well-known NAT64 prefix), which are what they stand for.
#[must_use]
pub fn is_global(ip: IpAddr) -> bool {
    match stands_for(ip) {
        IpAddr::V4(ip) => is_global_v4(ip),
        IpAddr::V6(ip) => is_global_v6(ip),
    }
}

/// The IPv4 address behind an IPv4-mapped or NAT64 (`64:ff9b::/96`) one; any other as it is.
fn stands_for(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)).into()
        }
        _ => ip,
    }
}

fn is_global_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, ..) // this network, private, loopback, multicast and reserved
            | (100, 64..=127, _) // shared by carriers
            | (169, 254, _) // link-local
            | (172, 16..=31, _) // private
            | (192, 0, 0 | 2) // protocol assignments, documentation
            | (192, 88, 99) // relays of 6to4
            | (192, 168, _) // private
            | (198, 18..=19, _) // benchmarking
            | (198, 51, 100) // documentation
            | (203, 0, 113) // documentation
    )
}

fn is_global_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    let global_unicast = a & 0xe000 == 0x2000;
    let special = matches!(
        (a, b),
        // protocol assignments (Teredo, benchmarking and more); documentation
        (0x2001, 0..=0x01ff | 0x0db8)
            | (0x2002, _) // 6to4, which embeds an IPv4 address
            | (0x3fff, 0..=0x0fff) // documentation
    );
    global_unicast && !special
}

fn builder(guard: &Arc<Guard>, proxy: Option<&reqwest::Proxy>) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .user_agent(USER_AGENT)
        .pool_idle_timeout(Duration::from_secs(15));
    match proxy {
        // The configuration names the proxy, so its own address is exempt from the guard; the
        // names of the requests are checked before each hop.
        Some(proxy) => builder.proxy(proxy.clone()),
        None => builder.dns_resolver(GuardedNames(Arc::clone(guard))),
    }
}

fn proxy(url: &str) -> Result<reqwest::Proxy> {
    let wrong = || {
        Fault::invalid(
            "outbound.proxy",
            "must be the URL of an HTTP proxy such as http://proxy.example:3128",
        )
    };
    let parsed = Url::parse(url).map_err(|_| wrong())?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(wrong());
    }
    reqwest::Proxy::all(parsed).map_err(|_| wrong())
}

/// Where a redirect leads.
fn target(from: &Url, headers: &HeaderMap) -> Result<Url, Failure> {
    let wrong = |what: &str| Failure::Passing(format!("a redirect {what}"));
    let location = headers.get(header::LOCATION).ok_or_else(|| wrong("that names no target"))?;
    let location = std::str::from_utf8(location.as_bytes());
    let location = location.map_err(|_| wrong("whose target can't be read"))?;
    from.join(location).map_err(|_| wrong("whose target can't be read"))
}

async fn read(response: &mut reqwest::Response, body: &mut Vec<u8>, most: usize) {
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = most - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == most {
            return;
        }
    }
}

/// A receiver may repeat the request in its answer, and answers are shown to people who may not
/// see the channel's secrets.
fn without_secrets(text: &str, request: &Request) -> String {
    let headers = request.private_headers.values().filter_map(|value| value.to_str().ok());
    // Of `Bearer abc` the second word is the secret.
    let words = headers.flat_map(|value| [Some(value), value.split_whitespace().last()]);
    let in_url = [request.url.password(), request.url.query()];
    let mut secrets: Vec<&str> = words.chain(in_url).flatten().filter(|s| s.len() >= 4).collect();
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.into_iter().fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
}

/// The first error of type `E` among an error and what caused it.
fn cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = io_cause(error).or_else(|| error.source());
    }
    None
}

/// What an `io::Error` wraps: `source` skips it and goes on with what *that* was caused by.
fn io_cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    let inner = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    Some(inner)
}

/// Why no answer came, without the URL that the client's own errors repeat.
fn plain_words(error: &reqwest::Error) -> String {
    if let Some(unknown) = cause::<UnknownName>(error) {
        return unknown.to_string();
    }
    if let Some(tls) = cause::<rustls::Error>(error) {
        return format!("no secure connection: {}", one_line(&tls.to_string()));
    }
    let kind = cause::<std::io::Error>(error).map(std::io::Error::kind);
    match kind {
        Some(std::io::ErrorKind::ConnectionRefused) => "connection refused",
        Some(std::io::ErrorKind::HostUnreachable) => "host unreachable",
        Some(std::io::ErrorKind::NetworkUnreachable) => "network unreachable",
        _ if error.is_connect() => "no connection",
        _ if error.is_builder() => "the request could not be made of this URL",
        _ => "the connection broke before an answer came",
    }
    .to_owned()
}

/// A header's value from text that was cleaned before.
///
/// # Errors
/// [`Failure::Refused`] where a control character is left in it.
pub fn header_value(text: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_bytes(text.as_bytes())
        .map_err(|_| Failure::Refused("a header's value holds a control character".to_owned()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::Mutex;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    /// What a [`Receiver`] heard.
    #[derive(Clone, Debug)]
    pub(crate) struct Heard {
        pub(crate) line: String,
        pub(crate) headers: Vec<(String, String)>,
        pub(crate) body: String,
    }

    impl Heard {
        pub(crate) fn header(&self, name: &str) -> Option<&str> {
            self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
        }
    }

    /// A receiver that answers each request with what it is told to (the last answer again and
    /// again), and keeps what it heard; an empty answer is silence.
    pub(crate) struct Receiver {
        pub(crate) port: u16,
        heard: Arc<Mutex<Vec<Heard>>>,
    }

    impl Receiver {
        pub(crate) async fn answering(answers: &[&str]) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let heard = Arc::new(Mutex::new(Vec::new()));
            let answers: Vec<String> = answers.iter().map(|a| (*a).to_owned()).collect();
            tokio::spawn(serve(listener, answers, Arc::clone(&heard)));
            Self { port, heard }
        }

        pub(crate) fn url(&self, path: &str) -> Url {
            format!("http://127.0.0.1:{}{path}", self.port).parse().unwrap()
        }

        pub(crate) fn heard(&self) -> Vec<Heard> {
            self.heard.lock().unwrap().clone()
        }
    }

    async fn serve(listener: TcpListener, answers: Vec<String>, heard: Arc<Mutex<Vec<Heard>>>) {
        while let Ok((mut stream, _)) = listener.accept().await {
            let request = hear(&mut stream).await;
            let answer = {
                let mut heard = heard.lock().unwrap();
                heard.push(request);
                answers[(heard.len() - 1).min(answers.len() - 1)].clone()
            };
            if answer.is_empty() {
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_secs(30)).await;
                    drop(stream);
                });
                continue;
            }
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    }

    async fn hear(stream: &mut TcpStream) -> Heard {
        let mut bytes = Vec::new();
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
                break end;
            }
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
        };
        let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
        let (line, rest) = text.split_once("\r\n").unwrap_or((&text, ""));
        let headers: Vec<_> = rest
            .lines()
            .filter_map(|l| l.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length = headers.iter().find(|(n, _)| n == "content-length");
        let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
        while bytes.len() < head + 4 + length {
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
        }
        let body = String::from_utf8(bytes[head + 4..].to_vec()).unwrap();
        Heard { line: line.to_owned(), headers, body }
    }

    /// An answer without a body, with more header lines where given (each ended by CR LF).
    pub(crate) fn answer(status: &str, headers: &str) -> String {
        format!("HTTP/1.1 {status}\r\n{headers}content-length: 0\r\nconnection: close\r\n\r\n")
    }

    pub(crate) fn redirect(status: &str, to: &str) -> String {
        answer(status, &format!("location: {to}\r\n"))
    }

    /// Sends to anywhere; gives up after a second and a half.
    pub(crate) fn open() -> Outbound {
        let settings = Settings { allow_private: true, ..Settings::default() };
        Outbound::new(settings).unwrap().with_timeout(Duration::from_millis(1_500))
    }

    pub(crate) fn guarded(allow: &[&str]) -> Outbound {
        let allow = allow.iter().map(|net| net.parse().unwrap()).collect();
        let settings = Settings { allow, ..Settings::default() };
        Outbound::new(settings).unwrap().with_timeout(Duration::from_millis(1_500))
    }

    fn post(url: Url) -> Request {
        Request {
            method: Method::POST,
            url,
            headers: HeaderMap::new(),
            private_headers: HeaderMap::from_iter([(
                header::AUTHORIZATION,
                HeaderValue::from_static("Bearer s3cret-word"),
            )]),
            body: Bytes::from_static(b"hello"),
        }
    }

    async fn refused(outbound: &Outbound, url: &str) -> String {
        match outbound.send(&post(url.parse().unwrap())).await {
            Err(Failure::Refused(error)) => error,
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn addresses_that_are_not_public_are_known_as_such() {
        for ip in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "::8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::808:808",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            assert!(!is_global(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn public_addresses_are_known_as_such_in_their_mapped_forms_too() {
        for ip in [
            "8.8.8.8",
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.167.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450::1",
            "3fff:1000::1",
        ] {
            assert!(is_global(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn of_a_names_addresses_only_the_allowed_ones_are_used() {
        let at = |ip: &str| SocketAddr::new(ip.parse().unwrap(), 0);
        let guard = Guard { allow_private: false, allow: vec!["10.1.0.0/16".parse().unwrap()] };
        let found = vec![at("127.0.0.1"), at("8.8.8.8"), at("10.1.2.3"), at("10.2.0.1")];
        assert_eq!(guard.allowed(found), Ok(vec![at("8.8.8.8"), at("10.1.2.3")]));
        let none = guard.allowed(vec![at("::1"), at("127.0.0.1")]);
        assert_eq!(none, Err(RefusedAddress("::1".parse().unwrap())));
        assert!(guard.allows("::ffff:10.1.0.1".parse().unwrap()));
    }

    #[tokio::test]
    async fn no_spelling_of_this_machine_is_connected_to() {
        let receiver = Receiver::answering(&[&answer("200 OK", "")]).await;
        let outbound = guarded(&[]);
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "127.0.0.1.",
            "0.0.0.0",
            "0",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[64:ff9b::7f00:1]",
            "localhost",
            "LOCALHOST",
        ] {
            let error = refused(&outbound, &format!("http://{host}:{}/x", receiver.port)).await;
            assert!(error.contains("outbound.allow_private"), "{host}: {error}");
            assert!(error.contains("outbound.allow in"), "{host}: {error}");
        }
        assert!(receiver.heard().is_empty());
        assert!(open().send(&post(receiver.url("/x"))).await.is_ok());
    }

    #[tokio::test]
    async fn what_the_configuration_lists_is_connected_to() {
        let receiver = Receiver::answering(&[&answer("200 OK", "")]).await;
        let outbound = guarded(&["127.0.0.0/8"]);
        for host in ["127.0.0.1", "localhost", "2130706433"] {
            let url = format!("http://{host}:{}/", receiver.port).parse().unwrap();
            assert_eq!(outbound.send(&post(url)).await.unwrap().status, 200, "{host}");
        }
        refused(&outbound, "http://10.0.0.1/").await;
    }

    #[tokio::test]
    async fn a_redirect_to_an_address_that_is_not_public_is_refused() {
        let hidden = Receiver::answering(&[&answer("200 OK", "")]).await;
        for host in ["[::ffff:127.0.0.2]", "[::1]", "10.0.0.1", "0x7f000002"] {
            let to = format!("http://{host}:{}/", hidden.port);
            let receiver = Receiver::answering(&[&redirect("307 Temporary Redirect", &to)]).await;
            let outbound = guarded(&["127.0.0.1/32"]);
            let error = refused(&outbound, receiver.url("/").as_str()).await;
            assert!(error.contains("outbound.allow_private"), "{host}: {error}");
            assert_eq!(receiver.heard().len(), 1, "{host}");
        }
        let receiver = Receiver::answering(&[&redirect("307 T", "file:///etc/passwd")]).await;
        let error = refused(&open(), receiver.url("/").as_str()).await;
        assert!(error.contains("only http and https"), "{error}");
        assert!(hidden.heard().is_empty());
    }

    #[tokio::test]
    async fn a_307_and_a_308_are_followed_with_method_and_body() {
        let receiver = Receiver::answering(&[
            &redirect("307 Temporary Redirect", "/two?x=1"),
            &redirect("308 Permanent Redirect", "three"),
            &answer("200 OK", ""),
        ])
        .await;
        let answer = open().send(&post(receiver.url("/one"))).await.unwrap();
        assert_eq!(answer.status, 200);
        let heard = receiver.heard();
        let lines: Vec<_> = heard.iter().map(|h| h.line.as_str()).collect();
        assert_eq!(lines, ["POST /one HTTP/1.1", "POST /two?x=1 HTTP/1.1", "POST /three HTTP/1.1"]);
        assert!(heard.iter().all(|h| h.body == "hello" && h.header("authorization").is_some()));
    }

    #[tokio::test]
    async fn headers_with_secrets_stop_at_a_redirect_to_another_origin() {
        let other = Receiver::answering(&[&answer("200 OK", "")]).await;
        let to = redirect("307 Temporary Redirect", other.url("/there").as_str());
        let receiver = Receiver::answering(&[&to]).await;
        let mut request = post(receiver.url("/"));
        request.headers.insert("webhook-id", HeaderValue::from_static("msg_1"));
        assert_eq!(open().send(&request).await.unwrap().status, 200);
        let heard = &other.heard()[0];
        assert_eq!(
            (heard.header("webhook-id"), heard.header("authorization")),
            (Some("msg_1"), None)
        );
        assert_eq!(heard.header("user-agent"), Some(USER_AGENT));
        assert!(receiver.heard()[0].header("authorization").is_some());
    }

    #[tokio::test]
    async fn other_redirects_and_too_many_are_failures() {
        let receiver = Receiver::answering(&[&redirect("302 Found", "/elsewhere")]).await;
        let answer = open().send(&post(receiver.url("/"))).await.unwrap();
        let Delivery::Retry { error, .. } = answer.delivery(&[], Timestamp(0)) else { panic!() };
        assert_eq!(error, "302 Found: only the redirects 307 and 308 are followed");
        assert_eq!(receiver.heard().len(), 1);

        let circle = Receiver::answering(&[&redirect("307 Temporary Redirect", "/")]).await;
        let failure = open().send(&post(circle.url("/"))).await.unwrap_err();
        assert_eq!(failure, Failure::Passing("more than 3 redirects".into()));
        assert_eq!(circle.heard().len(), 4);
    }

    #[tokio::test]
    async fn silence_a_closed_port_and_an_unknown_name_are_told_in_plain_words() {
        let silent = Receiver::answering(&[""]).await;
        let passing = |failure: Failure| match failure {
            Failure::Passing(error) => error,
            Failure::Refused(error) => panic!("{error}"),
        };
        let outbound = open().with_timeout(Duration::from_millis(300));
        let failure = outbound.send(&post(silent.url("/?key=s3cret"))).await.unwrap_err();
        assert_eq!(passing(failure), "no answer within 0.3 s");

        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let url = format!("http://u:s3cret@{closed}/?key=s3cret").parse().unwrap();
        assert_eq!(passing(open().send(&post(url)).await.unwrap_err()), "connection refused");

        let url = "http://s3cret@no-such-name.invalid/?key=s3cret".parse().unwrap();
        let slow = guarded(&[]).with_timeout(Duration::from_secs(10));
        let error = passing(slow.send(&post(url)).await.unwrap_err());
        assert_eq!(error, "no address found for no-such-name.invalid");
    }

    #[tokio::test]
    async fn a_certificate_that_nobody_vouches_for_is_told_in_plain_words() {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
            let _ = acceptor.accept(listener.accept().await.unwrap().0).await;
        });
        let url = format!("https://localhost:{port}/?key=s3cret").parse().unwrap();
        let Err(Failure::Passing(error)) = open().send(&post(url)).await else { panic!() };
        assert!(error.starts_with("no secure connection: invalid peer certificate"), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }

    #[tokio::test]
    async fn a_status_counts_although_the_body_never_ends() {
        let endless = "HTTP/1.1 204 No Content\r\n\r\n";
        let stalled = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nbeginning";
        for text in [endless, stalled] {
            let receiver = Receiver::answering(&[text]).await;
            let answer = open().send(&post(receiver.url("/"))).await.unwrap();
            assert_eq!(answer.delivery(&[], Timestamp(0)), Delivery::Delivered);
        }
    }

    #[tokio::test]
    async fn of_a_large_answer_only_the_beginning_is_kept() {
        let body = "x".repeat(100_000);
        let large = format!(
            "HTTP/1.1 500 Oops\r\ncontent-length: 100000\r\nconnection: close\r\n\r\n{body}"
        );
        let receiver = Receiver::answering(&[&large]).await;
        let answer = open().send(&post(receiver.url("/"))).await.unwrap();
        assert_eq!(answer.body.len(), MAX_ANSWER);
        assert_eq!(answer.error(), format!("500 Internal Server Error: {}", "x".repeat(EXCERPT)));
    }

    #[tokio::test]
    async fn an_answer_that_repeats_the_request_shows_no_secrets() {
        let echo = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n\
                    you sent s3cret-word, p4ss\x07word and key=abcdef\nin vain";
        let receiver = Receiver::answering(&[echo]).await;
        let mut url = receiver.url("/?key=abcdef");
        url.set_password(Some("p4ss")).unwrap();
        let answer = open().send(&post(url)).await.unwrap();
        assert_eq!(answer.error(), "400 Bad Request: you sent ***, *** word and *** in vain");
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now: Timestamp = "1994-11-06T08:49:07Z".parse().unwrap();
        let pause = |text: &str| {
            let retry_after = Some(text.to_owned());
            let answer =
                Answer { status: StatusCode::TOO_MANY_REQUESTS, retry_after, body: String::new() };
            match answer.delivery(&[StatusCode::GONE], now) {
                Delivery::Retry { error, retry_after } => {
                    assert_eq!(error, "429 Too Many Requests");
                    retry_after.map(|pause| pause.as_secs())
                }
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(pause("120"), Some(120));
        assert_eq!(pause("Sun, 06 Nov 1994 08:49:37 GMT"), Some(30));
        assert_eq!(pause("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!((pause("soon"), pause("-1")), (None, None));
    }

    #[tokio::test]
    async fn through_a_proxy_names_are_checked_here_first_and_the_proxy_is_exempt() {
        let proxy = Receiver::answering(&[&answer("200 OK", "")]).await;
        let settings = Settings { proxy: Some(proxy.url("").to_string()), ..Settings::default() };
        let outbound = Outbound::new(settings).unwrap();
        for url in ["http://localhost/x", "http://10.0.0.1/x", "http://[::1]/x"] {
            refused(&outbound, url).await;
        }
        assert!(proxy.heard().is_empty());
        let public = post("http://8.8.8.8/x".parse().unwrap());
        assert_eq!(outbound.send(&public).await.unwrap().status, 200);
        assert_eq!(proxy.heard()[0].line, "POST http://8.8.8.8/x HTTP/1.1");
    }

    #[test]
    fn a_proxy_that_is_no_http_url_is_refused_by_name() {
        for proxy in ["socks5://127.0.0.1:1080", "proxy", "http://"] {
            let settings = Settings { proxy: Some(proxy.to_owned()), ..Settings::default() };
            let fault = Outbound::new(settings).unwrap_err();
            assert!(fault.to_string().starts_with("outbound.proxy: must be"), "{proxy}");
        }
    }
}
