//! Listening sockets and the connections on them: HTTP/1.0, 1.1 and 2, plain and over TLS, IPv4
//! and IPv6, from the first accept to the last answer of a graceful stop. What is answered is the
//! business of the service that is passed in; nothing here may look into a request.

use std::any::Any;
use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdListener};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::http::peer::Connection;
use crate::http::tls::Acceptor;

/// Connections the kernel may keep for us until they are accepted.
const BACKLOG: i32 = 4096;
/// How long the kernel keeps a connection whose peer takes nothing of what we send.
#[cfg(target_os = "linux")]
const UNREAD_ANSWER: Duration = Duration::from_mins(1);
/// The pause after an accept that failed for want of something, such as file descriptors.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);
/// One in so many failed accepts is logged: about a line a minute.
pub(crate) const FAILURES_A_LINE: u32 = 600;
/// How many quarters of [`Limits::idle`] without a request end a connection in good order.
const QUIET: u32 = 4;
/// How many end it by force: time enough for a last long answer that is still being read.
const DEAD: u32 = 40;

/// Bytes of headers that the protocol layer takes, so that a middleware of ours can refuse less
/// than that in the words of the dialect concerned.
const HEADER_BYTES: u32 = 64 * 1024;
/// The buffer of an HTTP/1 connection: the headers, the request line, and some room.
const BUFFER_BYTES: usize = 72 * 1024;
/// Header fields that the protocol layer takes.
const HEADER_FIELDS: usize = 512;

/// A listening socket.
#[derive(Debug)]
pub struct Bound {
    listener: StdListener,
    address: SocketAddr,
    tls: bool,
}

impl Bound {
    /// The address it listens on; where port 0 was asked for, the port that was picked.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Whether it speaks TLS.
    #[must_use]
    pub fn tls(&self) -> bool {
        self.tls
    }

    /// The socket itself, ready to accept.
    ///
    /// # Errors
    /// The runtime refuses it.
    pub fn into_listener(self) -> io::Result<TcpListener> {
        TcpListener::from_std(self.listener)
    }
}

/// Opens a listening socket, non-blocking. One on `[::]` takes IPv4 connections too.
///
/// # Errors
/// What the system says: the address is taken, is not ours, needs a privilege.
pub fn bind(address: SocketAddr) -> io::Result<StdListener> {
    open(address, false)
}

/// Opens the one socket of the setting `key`.
///
/// # Errors
/// One line with the key, its address, and what to do.
pub fn bind_one(key: &str, address: SocketAddr) -> Result<Bound, String> {
    let bound = open(address, false).and_then(|listener| {
        listener.local_addr().map(|address| Bound { listener, address, tls: false })
    });
    bound.map_err(|error| refusal(key, address, &error))
}

/// Opens every socket of `server.listen` (`plain`) and `server.listen_tls` (`tls`), in this order.
/// Where `plain` is the built-in default and `[::]` can't be had because IPv6 is off, it listens
/// on `0.0.0.0` and says so in the log (configuration.md).
///
/// # Errors
/// One line for the first socket that can't be had: its key, its address, and what to do.
pub fn bind_all(
    plain: &[SocketAddr],
    tls: &[SocketAddr],
    plain_is_default: bool,
) -> Result<Vec<Bound>, String> {
    bind_all_with(open, plain, tls, plain_is_default)
}

/// [`bind_all`], with the way a socket is opened (address, IPv6 only) passed in.
fn bind_all_with(
    open: impl Fn(SocketAddr, bool) -> io::Result<StdListener>,
    plain: &[SocketAddr],
    tls: &[SocketAddr],
    plain_is_default: bool,
) -> Result<Vec<Bound>, String> {
    let lists = [("server.listen", plain, false), ("server.listen_tls", tls, true)];
    let mut bounds = Vec::with_capacity(plain.len() + tls.len());
    for (key, addresses, tls_list) in lists {
        for address in addresses {
            // Who names both wildcards wants a socket each: they must not share the port's IPv4.
            let twin = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port());
            let v6_only = is_any_v6(*address)
                && address.port() != 0
                && (plain.contains(&twin) || tls.contains(&twin));
            let opened = match open(*address, v6_only) {
                Err(error) if plain_is_default && !tls_list => without_ipv6(&open, *address, error),
                other => other,
            };
            let bound = opened.and_then(|listener| {
                listener.local_addr().map(|address| Bound { listener, address, tls: tls_list })
            });
            bounds.push(bound.map_err(|error| refusal(key, *address, &error))?);
        }
    }
    Ok(bounds)
}

/// The same port on `0.0.0.0`, where the trouble with `[::]` is that there is no IPv6; otherwise
/// the error as it was.
fn without_ipv6(
    open: impl Fn(SocketAddr, bool) -> io::Result<StdListener>,
    address: SocketAddr,
    error: io::Error,
) -> io::Result<StdListener> {
    use io::ErrorKind::{AddrInUse, PermissionDenied};
    if !is_any_v6(address) || matches!(error.kind(), AddrInUse | PermissionDenied) {
        return Err(error);
    }
    let fallback = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port());
    let Ok(listener) = open(fallback, false) else { return Err(error) };
    tracing::warn!("IPv6 is off on this machine ({error}): listening on {fallback}, IPv4 only");
    Ok(listener)
}

fn is_any_v6(address: SocketAddr) -> bool {
    address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
}

fn refusal(key: &str, address: SocketAddr, error: &io::Error) -> String {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program listens there: stop it, or choose another port".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need a privilege (on Linux CAP_NET_BIND_SERVICE): grant it, or \
             choose a port from 1024 to 65535"
                .to_owned()
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address: use one of its own, or [::] or 0.0.0.0 for all"
                .to_owned()
        }
        _ if address.is_ipv6() => {
            format!("{error}; if IPv6 is off, use 0.0.0.0:{}", address.port())
        }
        _ => error.to_string(),
    };
    format!("{key}: can't listen on {address}: {advice}")
}

fn open(address: SocketAddr, v6_only: bool) -> io::Result<StdListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(v6_only)?;
    }
    // On Windows this option would let two programs share a port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    // Accepted sockets inherit it. Without it, a client that reads nothing holds its answer here.
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNREAD_ANSWER))?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The bounds within which [`serve`] works.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time; further ones wait until one ends. Never more than three quarters
    /// of the files the process may open, so that the database finds some too.
    pub connections: usize,
    /// How long a stop waits for requests in flight.
    pub drain: Duration,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long a connection may stay without a request, and how long a request's headers may
    /// take to arrive.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            drain: Duration::from_secs(8),
            handshake: Duration::from_secs(10),
            idle: Duration::from_secs(70),
        }
    }
}

/// Serves `service` on all of `bounds` until `stop` is true or its sender is gone; then takes no
/// more connections, lets requests in flight finish for at most [`Limits::drain`], cuts the rest
/// and returns. Each request carries a [`Connection`] in its extensions. A request whose handler
/// panics is answered by `on_panic`. Dropping the future cuts everything.
///
/// # Errors
/// At once, where a socket speaks TLS and `tls` is none, or where the runtime refuses a socket.
pub async fn serve<S, F, B>(
    bounds: Vec<Bound>,
    tls: Option<Acceptor>,
    service: S,
    on_panic: fn() -> Response<B>,
    mut stop: watch::Receiver<bool>,
    limits: Limits,
) -> Result<(), String>
where
    S: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let server = Arc::new(Server {
        protocols: protocols(&limits),
        places: Arc::new(Semaphore::new(places(limits.connections))),
        on_panic,
        limits,
    });
    let (phase, watching) = watch::channel(Phase::Serving);
    for bound in bounds {
        let address = bound.address;
        let (listener, acceptor) = ready_to_accept(bound, tls.as_ref())
            .map_err(|problem| format!("can't serve on {address}: {problem}"))?;
        tokio::spawn(accept_all(
            listener,
            acceptor,
            service.clone(),
            server.clone(),
            watching.clone(),
        ));
    }
    drop(watching);
    // An error means that nobody is left who could ask for a stop: that is one too.
    let _ = stop.wait_for(|stop| *stop).await;
    wind_down(&phase, limits.drain).await;
    Ok(())
}

fn ready_to_accept(
    bound: Bound,
    tls: Option<&Acceptor>,
) -> Result<(TcpListener, Option<Acceptor>), String> {
    let acceptor = match (bound.tls, tls) {
        (false, _) => None,
        (true, Some(acceptor)) => Some(acceptor.clone()),
        (true, None) => {
            return Err("server.listen_tls needs server.tls_cert and server.tls_key".to_owned());
        }
    };
    let listener = bound.into_listener().map_err(|error| error.to_string())?;
    Ok((listener, acceptor))
}

/// What accept loops and connections are told; they hold a receiver for as long as they live.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Serving,
    Draining,
    Cutting,
}

async fn wind_down(phase: &watch::Sender<Phase>, drain: Duration) {
    // Nobody is listening where no connection is left: then the wait is over at once.
    let _ = phase.send(Phase::Draining);
    if timeout(drain, phase.closed()).await.is_ok() {
        return;
    }
    tracing::warn!("requests still in flight after {} s are cut off", drain.as_secs_f32());
    let _ = phase.send(Phase::Cutting);
    // Each connection ends when it is polled next; one that blocks its thread is not waited for.
    let _ = timeout(Duration::from_secs(1), phase.closed()).await;
}

/// What all connections share.
struct Server<B> {
    protocols: auto::Builder<TokioExecutor>,
    places: Arc<Semaphore>,
    on_panic: fn() -> Response<B>,
    limits: Limits,
}

fn protocols(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // hyper starts this clock whenever it waits for a request, so it ends idle connections
        // as well as slow headers.
        .header_read_timeout(limits.idle)
        .half_close(true)
        .keep_alive(true)
        .max_buf_size(BUFFER_BYTES)
        .max_headers(HEADER_FIELDS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEADER_BYTES)
        .max_concurrent_streams(256)
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(256 * 1024)
        .max_send_buf_size(128 * 1024)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}

/// Fewer connections than this are worth a word in the log.
const FEW: usize = 1000;
/// More open files than anybody needs here.
const MANY_FILES: u64 = 1 << 20;

/// How many connections there may be: as many as wanted, within what the system allows once this
/// process has asked for all that it may have.
fn places(wanted: usize) -> usize {
    let files = match rlimit::increase_nofile_limit(MANY_FILES) {
        Ok(files) => usize::try_from(files).unwrap_or(usize::MAX),
        Err(error) => {
            tracing::warn!(%error, "the limit of open files can't be read");
            return wanted.max(1);
        }
    };
    let allowed = files - files / 4;
    if allowed < wanted.min(FEW) {
        tracing::warn!(
            "this process may open {files} files, so it takes {allowed} connections at a time: \
             raise the limit (ulimit -Hn, or LimitNOFILE= in a systemd unit)"
        );
    }
    wanted.min(allowed).max(1)
}

/// Accepts until the phase changes. No error ends it.
async fn accept_all<S, F, B>(
    listener: TcpListener,
    tls: Option<Acceptor>,
    service: S,
    server: Arc<Server<B>>,
    mut phase: watch::Receiver<Phase>,
) where
    S: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut failures = 0;
    loop {
        let arrival = tokio::select! {
            biased;
            _ = phase.changed() => return,
            arrival = arrive(&listener, &server.places) => arrival,
        };
        match arrival {
            Ok((stream, remote, place)) => {
                let connection = Connection::new(remote, tls.is_some());
                tokio::spawn(attend(
                    stream,
                    connection,
                    tls.clone(),
                    service.clone(),
                    server.clone(),
                    phase.clone(),
                    place,
                ));
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                if failures % FAILURES_A_LINE == 0 {
                    tracing::warn!("connections can't be accepted at the moment: {error}");
                }
                failures = failures.wrapping_add(1);
                sleep(PAUSE).await;
            }
        }
    }
}

/// The next connection, once there is a place for it.
async fn arrive(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let (stream, remote) = listener.accept().await?;
    let place = match places.clone().try_acquire_owned() {
        Ok(place) => place,
        Err(_) => places.clone().acquire_owned().await.map_err(io::Error::other)?,
    };
    Ok((stream, remote, place))
}

/// Whether an accept failed because the peer had gone again already.
pub(crate) fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// One connection from its first byte to its end; it gives its place back when it returns.
async fn attend<S, F, B>(
    stream: TcpStream,
    connection: Connection,
    tls: Option<Acceptor>,
    service: S,
    server: Arc<Server<B>>,
    mut phase: watch::Receiver<Phase>,
    _place: OwnedSemaphorePermit,
) where
    S: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    // It fails only where the peer has gone: reading will tell.
    let _ = stream.set_nodelay(true);
    let Some(acceptor) = tls else {
        // Nothing is set up for a peer before its first byte, so that many that say nothing cost
        // little.
        if speaks(&stream, &mut phase, server.limits.idle).await {
            Box::pin(converse(stream, connection, service, &server, phase)).await;
        }
        return;
    };
    let shaken = tokio::select! {
        _ = phase.changed() => return,
        shaken = timeout(server.limits.handshake, Box::pin(acceptor.accept(stream))) => shaken,
    };
    match shaken {
        Ok(Ok(stream)) => {
            Box::pin(converse(stream, connection, service, &server, phase)).await;
        }
        Ok(Err(error)) => tracing::debug!("no TLS with {}: {error}", connection.remote),
        Err(_) => tracing::debug!("no TLS with {}: it took too long", connection.remote),
    }
}

/// Waits for the first byte, or the end, of a connection; false where none comes in time, or the
/// server stops first.
async fn speaks(stream: &TcpStream, phase: &mut watch::Receiver<Phase>, idle: Duration) -> bool {
    tokio::select! {
        biased;
        _ = phase.changed() => false,
        readable = timeout(idle, stream.readable()) => matches!(readable, Ok(Ok(()))),
    }
}

/// Answers requests on one connection until it ends, falls silent, or is told to.
async fn converse<I, S, F, B>(
    stream: I,
    connection: Connection,
    service: S,
    server: &Server<B>,
    mut phase: watch::Receiver<Phase>,
) where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    S: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let turns = Arc::new(Turns::default());
    let on_panic = server.on_panic;
    let counted = turns.clone();
    let answers = service_fn(move |mut request: Request<Incoming>| {
        let turn = counted.begin();
        request.extensions_mut().insert(connection);
        let answer = AssertUnwindSafe(service(request)).catch_unwind();
        async move {
            let _turn = turn;
            Ok::<_, Infallible>(settle(answer.await, on_panic))
        }
    });
    let mut talk = pin!(server.protocols.serve_connection(TokioIo::new(stream), answers));
    let mut silence = Silence::default();
    let mut quarter = pin!(sleep(server.limits.idle / QUIET));
    loop {
        tokio::select! {
            biased;
            ended = talk.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!("the connection with {} broke: {error}", connection.remote);
                }
                return;
            }
            changed = phase.changed() => {
                if changed.is_err() || *phase.borrow() == Phase::Cutting {
                    return;
                }
                talk.as_mut().graceful_shutdown();
            }
            () = quarter.as_mut() => {
                match silence.quarters(&turns) {
                    QUIET => talk.as_mut().graceful_shutdown(),
                    DEAD.. => return,
                    _ => {}
                }
                quarter.set(sleep(server.limits.idle / QUIET));
            }
        }
    }
}

/// The answer of a handler, or, where it panicked, the one that stands in for it.
fn settle<B>(
    outcome: Result<Response<B>, Box<dyn Any + Send>>,
    on_panic: fn() -> Response<B>,
) -> Response<B> {
    match outcome {
        Ok(response) => response,
        Err(panic) => {
            tracing::error!("a request handler panicked: {}", words_of(panic.as_ref()));
            on_panic()
        }
    }
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// How many requests of a connection have begun, and how many have been answered.
#[derive(Default)]
struct Turns {
    begun: AtomicU64,
    done: AtomicU64,
}

impl Turns {
    fn begin(self: &Arc<Self>) -> Turn {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Turn(self.clone())
    }
}

/// A request that is being answered, until it is dropped.
struct Turn(Arc<Turns>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.done.fetch_add(1, Ordering::Relaxed);
    }
}

/// For how long nothing has been asked on a connection. It guards what the protocols' own
/// timeouts leave open: a peer that never sends its first byte, an HTTP/2 peer that answers pings
/// and wants nothing, one that never reads its answers.
#[derive(Default)]
struct Silence {
    begun: u64,
    quarters: u32,
}

impl Silence {
    /// Called once a quarter: how many of them in a row have passed without a request.
    fn quarters(&mut self, turns: &Turns) -> u32 {
        let begun = turns.begun.load(Ordering::Relaxed);
        let busy = begun != self.begun || begun != turns.done.load(Ordering::Relaxed);
        self.begun = begun;
        self.quarters = if busy { 0 } else { self.quarters + 1 };
        self.quarters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tls::tests::Files;
    use http_body_util::Full;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Notify;
    use tokio::task::JoinHandle;

    type Answer = Response<Full<Bytes>>;

    /// A server on sockets of its own, with a handler that tells what it sees.
    struct Running {
        address: SocketAddr,
        stop: watch::Sender<bool>,
        served: JoinHandle<Result<(), String>>,
        arrived: Arc<Notify>,
        go_on: Arc<Notify>,
    }

    fn answer(text: impl Into<Bytes>) -> Answer {
        Response::new(Full::new(text.into()))
    }

    fn internal_error() -> Answer {
        let mut answer = answer("internal error");
        *answer.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        answer
    }

    async fn handle(
        request: Request<Incoming>,
        arrived: Arc<Notify>,
        go_on: Arc<Notify>,
    ) -> Answer {
        let connection = *request.extensions().get::<Connection>().unwrap();
        match request.uri().path() {
            "/panic" => panic!("on purpose"),
            "/slow" => {
                arrived.notify_one();
                go_on.notified().await;
                answer("slow but sure")
            }
            "/headers" => answer(request.headers().len().to_string()),
            _ => answer(format!(
                "{:?} {} tls={}",
                request.version(),
                connection.remote.ip(),
                connection.tls
            )),
        }
    }

    fn start(bound: Bound, tls: Option<Acceptor>, limits: Limits) -> Running {
        // Somebody else in this process may have installed it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let address = bound.local_addr();
        let (stop, stopped) = watch::channel(false);
        let (arrived, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (at, on) = (arrived.clone(), go_on.clone());
        let service = move |request| handle(request, at.clone(), on.clone());
        let serving = serve(vec![bound], tls, service, internal_error, stopped, limits);
        Running { address, stop, served: tokio::spawn(serving), arrived, go_on }
    }

    fn one(address: &str, tls: bool) -> Bound {
        let list = [address.parse().unwrap()];
        let (plain, secure): (&[_], &[_]) = if tls { (&[], &list) } else { (&list, &[]) };
        bind_all(plain, secure, false).unwrap().pop().unwrap()
    }

    fn plain() -> Running {
        start(one("127.0.0.1:0", false), None, Limits::default())
    }

    impl Running {
        async fn connect(&self) -> TcpStream {
            TcpStream::connect(self.address).await.unwrap()
        }

        /// Sends `text` as it is, and gives back all that comes until the server closes.
        async fn exchange(&self, text: &str) -> String {
            let mut stream = self.connect().await;
            stream.write_all(text.as_bytes()).await.unwrap();
            to_the_end(&mut stream).await
        }

        fn url(&self, scheme: &str, host: &str, path: &str) -> String {
            format!("{scheme}://{host}:{}{path}", self.address.port())
        }

        async fn end(self) {
            self.stop.send(true).unwrap();
            self.served.await.unwrap().unwrap();
        }
    }

    async fn to_the_end(stream: &mut TcpStream) -> String {
        let mut all = Vec::new();
        // A reset ends it too.
        let _ = stream.read_to_end(&mut all).await;
        String::from_utf8(all).unwrap()
    }

    async fn until(stream: &mut TcpStream, ending: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(ending) {
            let byte = stream.read_u8().await.unwrap();
            text.push(char::from(byte));
        }
        text
    }

    #[tokio::test]
    async fn http_1_0_is_answered_and_closed() {
        let server = plain();
        let text = server.exchange("GET / HTTP/1.0\r\n\r\n").await;
        assert!(text.starts_with("HTTP/1.0 200"), "{text}");
        assert!(text.ends_with("HTTP/1.0 127.0.0.1 tls=false"), "{text}");
        server.end().await;
    }

    #[tokio::test]
    async fn one_http_1_1_connection_carries_several_requests() {
        let server = plain();
        let mut stream = server.connect().await;
        for _ in 0..3 {
            stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
            let text = until(&mut stream, "tls=false").await;
            assert!(text.contains("HTTP/1.1 127.0.0.1"), "{text}");
        }
        server.end().await;
    }

    #[tokio::test]
    async fn a_client_that_closes_its_sending_half_still_gets_the_answer() {
        let server = plain();
        let mut stream = server.connect().await;
        stream.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        stream.shutdown().await.unwrap();
        server.arrived.notified().await;
        server.go_on.notify_one();
        let text = to_the_end(&mut stream).await;
        assert!(text.ends_with("slow but sure"), "{text}");
        server.end().await;
    }

    #[tokio::test]
    async fn http_2_is_spoken_by_prior_knowledge() {
        let server = plain();
        let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
        let url = server.url("http", "127.0.0.1", "/");
        let text = client.get(url).send().await.unwrap().text().await.unwrap();
        assert_eq!(text, "HTTP/2.0 127.0.0.1 tls=false");
        server.end().await;
    }

    #[tokio::test]
    async fn one_listener_serves_ipv4_and_ipv6_and_shows_ipv4_as_ipv4() {
        let server = start(one("[::]:0", false), None, Limits::default());
        for (host, seen) in [("127.0.0.1", "127.0.0.1"), ("[::1]", "::1")] {
            let url = server.url("http", host, "/");
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let text = client.get(url).send().await.unwrap().text().await.unwrap();
            assert_eq!(text, format!("HTTP/1.1 {seen} tls=false"));
        }
        server.end().await;
    }

    #[tokio::test]
    async fn a_stop_takes_no_more_connections_and_finishes_what_is_in_flight() {
        let server = plain();
        let mut idle = server.connect().await;
        let mut busy = server.connect().await;
        busy.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        server.arrived.notified().await;
        server.stop.send(true).unwrap();
        assert_eq!(to_the_end(&mut idle).await, "");
        while TcpStream::connect(server.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        assert!(!server.served.is_finished());
        server.go_on.notify_one();
        let text = to_the_end(&mut busy).await;
        assert!(text.ends_with("slow but sure"), "{text}");
        server.served.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_stop_cuts_what_does_not_finish_in_time() {
        let limits = Limits { drain: Duration::from_millis(50), ..Limits::default() };
        let server = start(one("127.0.0.1:0", false), None, limits);
        let mut busy = server.connect().await;
        busy.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        server.arrived.notified().await;
        server.stop.send(true).unwrap();
        server.served.await.unwrap().unwrap();
        assert_eq!(to_the_end(&mut busy).await, "");
    }

    #[tokio::test]
    async fn the_end_of_whoever_could_stop_it_stops_it() {
        let server = plain();
        drop(server.stop);
        server.served.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_panic_is_answered_and_the_connection_goes_on() {
        let server = plain();
        let mut stream = server.connect().await;
        stream.write_all(b"GET /panic HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let text = until(&mut stream, "internal error").await;
        assert!(text.starts_with("HTTP/1.1 500"), "{text}");
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        until(&mut stream, "tls=false").await;
        server.end().await;
    }

    #[tokio::test]
    async fn a_silent_connection_is_closed_on_either_protocol() {
        let limits = Limits { idle: Duration::from_millis(200), ..Limits::default() };
        let server = start(one("127.0.0.1:0", false), None, limits);
        assert_eq!(server.exchange("").await, "");
        assert_eq!(server.exchange("PRI * HT").await, "");
        assert_eq!(server.exchange("GET / HTTP/1.1\r\nhost:").await, "");
        let answered = server.exchange("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(answered.ends_with("tls=false"), "{answered}");
        let mut stream = server.connect().await;
        let empty_settings = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        stream.write_all(empty_settings).await.unwrap();
        let mut frames = Vec::new();
        let _ = stream.read_to_end(&mut frames).await;
        assert!(!frames.is_empty());
        server.end().await;
    }

    #[tokio::test]
    async fn headers_that_trickle_are_given_up() {
        let limits = Limits { idle: Duration::from_millis(200), ..Limits::default() };
        let server = start(one("127.0.0.1:0", false), None, limits);
        for head in ["", "GET / HTTP/1.1\r\nhost: x\r\n\r\n"] {
            let mut stream = server.connect().await;
            stream.write_all(format!("{head}GET / HTTP/1.1\r\nx: ").as_bytes()).await.unwrap();
            while stream.write_all(b"x").await.is_ok() {
                sleep(Duration::from_millis(20)).await;
            }
        }
        server.end().await;
    }

    #[tokio::test]
    async fn a_slow_answer_is_no_silence() {
        let limits = Limits { idle: Duration::from_millis(40), ..Limits::default() };
        let server = start(one("127.0.0.1:0", false), None, limits);
        let mut stream = server.connect().await;
        stream.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        server.arrived.notified().await;
        sleep(Duration::from_millis(800)).await;
        server.go_on.notify_one();
        let text = to_the_end(&mut stream).await;
        assert!(text.ends_with("slow but sure"), "{text}");
        server.end().await;
    }

    #[tokio::test]
    async fn beyond_the_limit_a_connection_waits_for_a_place() {
        let limits = Limits { connections: 1, ..Limits::default() };
        let server = start(one("127.0.0.1:0", false), None, limits);
        let mut first = server.connect().await;
        first.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        server.arrived.notified().await;
        let mut second = server.connect().await;
        second.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
        let early = timeout(Duration::from_millis(100), second.read_u8()).await;
        assert!(early.is_err());
        server.go_on.notify_one();
        until(&mut first, "slow but sure").await;
        drop(first);
        assert!(to_the_end(&mut second).await.ends_with("tls=false"));
        server.end().await;
    }

    #[tokio::test]
    async fn many_headers_and_large_ones_reach_the_service() {
        let server = plain();
        let many = "x: 1\r\n".repeat(500);
        let text = server.exchange(&format!("GET /headers HTTP/1.0\r\n{many}\r\n")).await;
        assert!(text.ends_with("500"), "{text}");
        let large = "a".repeat(64 * 1024);
        let text = server.exchange(&format!("GET /headers HTTP/1.0\r\nx: {large}\r\n\r\n")).await;
        assert!(text.ends_with("\r\n\r\n1"), "{text}");
        let too_large = "a".repeat(BUFFER_BYTES);
        let head = format!("GET /headers HTTP/1.0\r\nx: {too_large}");
        assert!(server.exchange(&head).await.starts_with("HTTP/1.1 431"));
        server.end().await;
    }

    fn trusting(certificate: &[u8], server: &Running) -> reqwest::Client {
        let root = reqwest::Certificate::from_der(certificate).unwrap();
        reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([root])
            .resolve("localhost", server.address)
            .build()
            .unwrap()
    }

    #[tokio::test]
    async fn https_speaks_http_2_and_shows_a_renewed_certificate_to_the_next_client() {
        let files = Files::new();
        let first = files.write_fresh_pair();
        let acceptor = files.acceptor().unwrap();
        let server = start(one("127.0.0.1:0", true), Some(acceptor.clone()), Limits::default());
        let url = server.url("https", "localhost", "/");
        let text = trusting(&first, &server).get(&url).send().await.unwrap().text().await.unwrap();
        assert_eq!(text, "HTTP/2.0 127.0.0.1 tls=true");

        let second = files.write_fresh_pair();
        assert_eq!(acceptor.reload(), Ok(true));
        assert!(trusting(&first, &server).get(&url).send().await.is_err());
        let text = trusting(&second, &server).get(&url).send().await.unwrap().text().await.unwrap();
        assert_eq!(text, "HTTP/2.0 127.0.0.1 tls=true");
        server.end().await;
    }

    #[tokio::test]
    async fn https_speaks_http_1_1_to_who_offers_nothing_else() {
        let files = Files::new();
        let certificate = files.write_fresh_pair();
        let server =
            start(one("127.0.0.1:0", true), Some(files.acceptor().unwrap()), Limits::default());
        let client = reqwest::Client::builder()
            .no_proxy()
            .http1_only()
            .tls_certs_only([reqwest::Certificate::from_der(&certificate).unwrap()])
            .resolve("localhost", server.address);
        let url = server.url("https", "localhost", "/");
        let answer = client.build().unwrap().get(url).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "HTTP/1.1 127.0.0.1 tls=true");
        server.end().await;
    }

    #[tokio::test]
    async fn a_handshake_that_never_comes_is_given_up() {
        let files = Files::new();
        files.write_fresh_pair();
        let limits = Limits { handshake: Duration::from_millis(50), ..Limits::default() };
        let acceptor = files.acceptor().unwrap();
        let server = start(one("127.0.0.1:0", true), Some(acceptor), limits);
        assert_eq!(server.exchange("").await, "");
        server.end().await;
    }

    #[tokio::test]
    async fn a_tls_listener_without_a_certificate_is_refused() {
        let server = start(one("127.0.0.1:0", true), None, Limits::default());
        let problem = server.served.await.unwrap().unwrap_err();
        assert!(problem.contains("server.tls_cert"), "{problem}");
    }

    #[test]
    fn an_address_in_use_is_named_with_what_to_do() {
        let taken = one("127.0.0.1:0", false);
        let problem = bind_all(&[taken.local_addr()], &[], true).unwrap_err();
        let expected = format!(
            "server.listen: can't listen on {}: another program listens there: stop it, or choose \
             another port",
            taken.local_addr()
        );
        assert_eq!(problem, expected);
        let problem = bind_all(&[], &["192.0.2.1:0".parse().unwrap()], true).unwrap_err();
        assert!(
            problem.starts_with("server.listen_tls: can't listen on 192.0.2.1:0: this machine")
        );
    }

    #[test]
    fn both_wildcards_may_share_a_port() {
        // A port that is free on one address may be taken on another: then try the next.
        let share = || {
            let port = one("127.0.0.1:0", false).local_addr().port();
            let list = [format!("[::]:{port}"), format!("0.0.0.0:{port}")];
            let list = list.map(|address| address.parse().unwrap());
            let bounds = bind_all(&list, &[], false).ok()?;
            Some((list, bounds.iter().map(Bound::local_addr).collect::<Vec<_>>()))
        };
        let (asked, got) = (0..20).find_map(|_| share()).unwrap();
        assert_eq!(got, asked);
    }

    #[test]
    fn the_default_falls_back_to_ipv4_where_ipv6_is_off_and_a_list_of_ones_own_does_not() {
        let off = |address: SocketAddr, v6_only| {
            if address.is_ipv6() {
                return Err(io::Error::other("address family not supported"));
            }
            open(address, v6_only)
        };
        let any = ["[::]:0".parse().unwrap()];
        let bounds = bind_all_with(off, &any, &[], true).unwrap();
        assert_eq!(bounds[0].local_addr().ip(), IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let problem = bind_all_with(off, &any, &[], false).unwrap_err();
        assert!(problem.contains("use 0.0.0.0:0"), "{problem}");
        assert!(bind_all_with(off, &[], &any, true).is_err());
    }

    #[test]
    fn there_are_as_many_places_as_wanted_within_what_the_system_allows() {
        assert_eq!(places(1), 1);
        assert_eq!(places(0), 1);
        assert!(places(usize::MAX) < usize::MAX);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn accepted_sockets_inherit_the_bound_on_unread_answers() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = TcpListener::from_std(listener).unwrap().accept().await.unwrap();
        let bound = socket2::SockRef::from(&accepted).tcp_user_timeout().unwrap();
        assert_eq!(bound, Some(UNREAD_ANSWER));
    }
}
