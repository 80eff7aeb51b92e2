//! A generator of load: one thread that keeps so many connections busy with prepared requests, and
//! looks no further into the answers than it must. It shares the machine with the server, and what
//! it takes is not there for the server; the floor is measured by the same generator.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use overdue::clock::{Clock, SECOND};

use super::histogram::Histogram;
use crate::support;

/// How long the last answers are waited for when no more requests are sent.
const LAST_ANSWERS: Duration = Duration::from_secs(30);

/// Connections of which so many may be under way without their first answer.
const OPENING_AT_ONCE: usize = 1024;

/// A paced request that no connection was free for within this time is not sent any more.
const TOO_LATE: Duration = Duration::from_secs(10);

/// How connections are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A new one for each request, read until the server closes it: as a cron job's curl does.
    Close,
    /// Each is used again and again, for one request at a time.
    KeepAlive,
}

/// What is sent where. Without a pace every connection sends its next request when it has the answer
/// to the last. With one, requests are due at times that no answer moves: one that finds no
/// connection free goes out as soon as there is one, and its latency counts from when it was due.
#[derive(Clone)]
pub struct Load {
    /// The server.
    pub address: SocketAddr,
    /// Requests as they go over the wire, sent in turn.
    pub requests: Arc<Vec<Vec<u8>>>,
    /// Connections at a time.
    pub connections: usize,
    /// How they are used.
    pub style: Style,
    /// Requests a second; as many as the server takes where it is none.
    pub pace: Option<u32>,
}

/// What came back.
#[derive(Clone, Default)]
pub struct Tally {
    /// Answers with status 200.
    pub ok: u64,
    /// Those of them that came while more was sent.
    pub ok_meanwhile: u64,
    /// Answers with status 503 that say when to come again.
    pub busy: u64,
    /// Answers with any other status, or 503 without `Retry-After`.
    pub other: u64,
    /// Connections that failed or ended before there was an answer.
    pub broken: u64,
    /// Requests.
    pub sent: u64,
    /// Requests that the pace had made due and no connection was free for in time.
    pub unsent: u64,
    /// From the first request to the last answer.
    pub seconds: f64,
    /// From the first request to the last.
    pub sending: f64,
    /// How long the answers with status 200 took, from the first step (with a pace, from when the
    /// request was due) to the last byte.
    pub latency: Histogram,
    /// The same from when the request went out, whatever the pace.
    pub once_sent: Histogram,
    /// What was promised since the load began.
    pub promised: Promised,
}

/// What must be stored, and what may be. It counts from the start of a load, whatever else of it is
/// forgotten.
#[derive(Clone, Copy, Default)]
pub struct Promised {
    /// Answers with status 200: each is one stored ping.
    pub answered: u64,
    /// Requests that went out whole and had no answer: nobody knows.
    pub unanswered: u64,
}

impl AddAssign for Promised {
    fn add_assign(&mut self, other: Self) {
        self.answered += other.answered;
        self.unanswered += other.unanswered;
    }
}

impl Tally {
    /// Answers with status 200 a second.
    pub fn rate(&self) -> f64 {
        self.ok as f64 / self.seconds
    }

    /// Requests a second, however they were answered.
    pub fn offered(&self) -> f64 {
        self.sent as f64 / self.sending
    }

    /// Says so where anything but 200 came back (and 503, where `busy_is_fine`).
    pub fn check(&self, what: &str, busy_is_fine: bool) {
        let Self { ok, busy, other, broken, .. } = self;
        if *other > 0 || *broken > 0 || *ok == 0 || (*busy > 0 && !busy_is_fine) {
            super::wrong(&format!(
                "{what}: {ok} answers with 200, {busy} with 503, {other} with another status or no \
                 Retry-After, {broken} connections broke"
            ));
        }
    }
}

/// A load under way.
pub struct Underway {
    signals: Arc<Signals>,
    thread: JoinHandle<Tally>,
}

/// What passes between a generator and whoever waits for it.
#[derive(Default)]
struct Signals {
    stop: AtomicBool,
    break_off: AtomicBool,
    forget: AtomicBool,
    is_connected: AtomicBool,
}

impl Underway {
    /// Waits until every connection has had an answer; a load with a pace waits for none.
    pub async fn connected(&self) {
        support::until("an answer on every connection", async || {
            self.signals.is_connected.load(Ordering::Relaxed).then_some(())
        })
        .await;
    }

    /// Forgets what came back so far, but for what was promised, and counts from now on.
    pub fn count_from_now(&self) {
        self.signals.forget.store(true, Ordering::Relaxed);
    }

    /// Sends nothing more from now on, not even what is late. The last answers are still to come.
    pub fn break_off(&self) {
        self.signals.break_off.store(true, Ordering::Relaxed);
        self.signals.stop.store(true, Ordering::Relaxed);
    }

    /// Sends nothing more but what is late, and waits for the answers that are still to come.
    pub async fn stop(self) -> Tally {
        self.signals.stop.store(true, Ordering::Relaxed);
        let joined = tokio::task::spawn_blocking(|| self.thread.join()).await.unwrap();
        joined.expect("the generator did not panic")
    }
}

impl Load {
    /// Begins.
    pub fn start(&self) -> Underway {
        let signals = Arc::new(Signals::default());
        let mut generator = Generator::new(self.clone(), Arc::clone(&signals)).unwrap();
        let thread = thread::spawn(move || generator.run().unwrap());
        Underway { signals, thread }
    }

    /// Goes on for this long.
    pub async fn drive(&self, span: Duration) -> Tally {
        let underway = self.start();
        tokio::time::sleep(span).await;
        underway.stop().await
    }
}

/// A connection, or the place for one.
#[derive(Default)]
struct Line {
    stream: Option<TcpStream>,
    /// Whether an answer is awaited.
    is_busy: bool,
    /// Whether it has had an answer.
    is_used: bool,
    request: usize,
    sent: usize,
    answer: Vec<u8>,
    began: i64,
    /// When it went out.
    went_out: i64,
}

struct Generator {
    load: Load,
    signals: Arc<Signals>,
    poll: Poll,
    lines: Vec<Line>,
    /// Those that await nothing.
    idle: Vec<usize>,
    /// Those that were not used yet.
    unopened: Vec<usize>,
    /// Connections under way that have not had their first answer.
    opening: usize,
    next_request: usize,
    /// Requests that the pace has made due so far, and that were sent or given up.
    paced: i64,
    /// When it was asked to stop.
    stopped: Option<i64>,
    clock: Clock,
    buffer: Vec<u8>,
    tally: Tally,
    counted_from: i64,
}

impl Generator {
    fn new(load: Load, signals: Arc<Signals>) -> io::Result<Self> {
        let lines: Vec<Line> = (0..load.connections).map(|_| Line::default()).collect();
        // With a pace, connections are opened as they are needed.
        let (idle, unopened) = (0..load.connections).partition(|_| load.pace.is_some());
        Ok(Self {
            idle,
            unopened,
            opening: 0,
            load,
            signals,
            poll: Poll::new()?,
            lines,
            next_request: 0,
            paced: 0,
            stopped: None,
            clock: Clock::system(),
            buffer: vec![0; 64 * 1024],
            tally: Tally::default(),
            counted_from: 0,
        })
    }

    fn run(&mut self) -> io::Result<Tally> {
        let mut events = Events::with_capacity(self.load.connections.clamp(64, 1024));
        // A pace needs a look at the clock now and then, as does the wish to stop.
        let patience = Duration::from_millis(if self.load.pace.is_some() { 1 } else { 50 });
        while !self.is_over() {
            self.send_what_is_due();
            match self.poll.poll(&mut events, Some(patience)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => result?,
            }
            for event in &events {
                self.go_on(event.token().0, event.is_read_closed());
            }
        }
        for at in 0..self.lines.len() {
            if self.lines[at].is_busy {
                self.end(at, None);
            }
        }
        self.tally.unsent += u64::try_from(self.late()).unwrap_or(0);
        let now = self.clock.steady_micros();
        let since = |from: i64, to: i64| (to - from) as f64 / 1e6;
        self.tally.seconds = since(self.counted_from, now);
        self.tally.sending = since(self.counted_from, self.stopped.unwrap_or(now));
        Ok(self.tally.clone())
    }

    /// Heeds the signals: whether all is sent and answered, or enough was waited for that.
    fn is_over(&mut self) -> bool {
        if self.signals.forget.swap(false, Ordering::Relaxed) {
            self.tally = Tally { promised: self.tally.promised, ..Tally::default() };
            self.counted_from = self.clock.steady_micros();
        }
        if !self.signals.stop.load(Ordering::Relaxed) {
            return false;
        }
        let now = self.clock.steady_micros();
        let stopped = *self.stopped.get_or_insert(now);
        let nothing_to_send = self.is_broken_off() || self.late() == 0;
        nothing_to_send && self.awaited() == 0 || now > stopped + micros(LAST_ANSWERS)
    }

    fn is_broken_off(&self) -> bool {
        self.signals.break_off.load(Ordering::Relaxed)
    }

    /// Answers that are still to come.
    fn awaited(&self) -> usize {
        self.lines.len() - self.idle.len() - self.unopened.len()
    }

    fn send_what_is_due(&mut self) {
        match self.load.pace {
            _ if self.is_broken_off() => {}
            Some(pace) => self.send_in_pace(i64::from(pace)),
            None if self.stopped.is_none() => self.send_at_once(),
            None => {}
        }
    }

    fn send_at_once(&mut self) {
        // Thousands of connections at one moment would wait for the system's queue, not the server.
        let room = OPENING_AT_ONCE.saturating_sub(self.opening).min(self.unopened.len());
        for at in self.unopened.split_off(self.unopened.len() - room) {
            self.opening += 1;
            self.begin(at, self.clock.steady_micros());
        }
        if self.opening > 0 {
            // The first wait for the last.
            return;
        }
        self.signals.is_connected.store(true, Ordering::Relaxed);
        for _ in 0..self.idle.len() {
            let Some(at) = self.idle.pop() else { return };
            self.begin(at, self.clock.steady_micros());
        }
    }

    fn send_in_pace(&mut self, pace: i64) {
        self.signals.is_connected.store(true, Ordering::Relaxed);
        let given_up = (self.clock.steady_micros() - micros(TOO_LATE)) * pace / SECOND;
        let given_up = (given_up - self.paced).clamp(0, self.late());
        self.tally.unsent += given_up.unsigned_abs();
        self.paced += given_up;
        for _ in 0..self.late() {
            let Some(at) = self.idle.pop() else { return };
            self.paced += 1;
            self.begin(at, self.paced * SECOND / pace);
        }
    }

    /// Requests that the pace has made due and that did not go out yet.
    fn late(&self) -> i64 {
        let until = self.stopped.unwrap_or_else(|| self.clock.steady_micros());
        self.load.pace.map_or(0, |pace| until * i64::from(pace) / SECOND - self.paced)
    }

    /// Sends the next request, whose latency counts from `since`.
    fn begin(&mut self, at: usize, since: i64) {
        let now = self.clock.steady_micros();
        let line = &mut self.lines[at];
        (line.request, line.sent, line.is_busy) = (self.next_request, 0, true);
        line.answer.clear();
        (line.began, line.went_out) = (since, now);
        self.tally.sent += 1;
        self.next_request = (self.next_request + 1) % self.load.requests.len();
        let request = &self.load.requests[line.request];
        let (address, style) = (self.load.address, self.load.style);
        if line.open_and_send(&self.poll, at, address, style, request).is_err() {
            self.end(at, None);
        }
    }

    fn go_on(&mut self, at: usize, is_closed: bool) {
        let line = &mut self.lines[at];
        if !line.is_busy {
            if is_closed {
                // The server has ended what it had kept: the next request opens another.
                line.stream = None;
            }
            return;
        }
        let request = &self.load.requests[line.request];
        match line.send_and_read(request, &mut self.buffer, self.load.style) {
            Ok(None) => {}
            Ok(Some(length)) => self.end(at, Some(length)),
            Err(_) => self.end(at, None),
        }
    }

    /// The line is free again; with the length of its answer, where there is one.
    fn end(&mut self, at: usize, length: Option<usize>) {
        let line = &mut self.lines[at];
        line.is_busy = false;
        let is_first = !std::mem::replace(&mut line.is_used, true);
        self.opening -= usize::from(is_first && self.load.pace.is_none());
        let answer = length.map(|length| &line.answer[..length]);
        match answer.and_then(|answer| answer.get(9..12)) {
            Some(b"200") => {
                self.tally.ok += 1;
                self.tally.ok_meanwhile += u64::from(self.stopped.is_none());
                self.tally.promised.answered += 1;
                let now = self.clock.steady_micros();
                self.tally.latency.add(u64::try_from(now - line.began).unwrap_or(0));
                self.tally.once_sent.add(u64::try_from(now - line.went_out).unwrap_or(0));
            }
            Some(b"503") if answer.is_some_and(|it| find(it, b"\r\nretry-after:").is_some()) => {
                self.tally.busy += 1;
            }
            Some(_) => self.tally.other += 1,
            None => {
                let is_out = line.sent == self.load.requests[line.request].len();
                self.tally.promised.unanswered += u64::from(is_out);
                self.tally.broken += 1;
            }
        }
        if length.is_none() || self.load.style == Style::Close {
            line.stream = None;
        }
        self.idle.push(at);
    }
}

impl Line {
    /// Sends the request over the connection there is, or a new one; what does not go out at once
    /// goes when the system says so.
    fn open_and_send(
        &mut self,
        poll: &Poll,
        at: usize,
        address: SocketAddr,
        style: Style,
        request: &[u8],
    ) -> io::Result<()> {
        if self.stream.is_some() {
            return self.send(request);
        }
        self.stream = Some(TcpStream::connect(address)?);
        // On this machine a connection stands at once, and the request fits: then there is nothing
        // to be told of but the answer.
        self.send(request)?;
        let interest = if style == Style::Close && self.sent == request.len() {
            Interest::READABLE
        } else {
            Interest::READABLE | Interest::WRITABLE
        };
        let stream = self.stream.as_mut().expect("it was just put there");
        poll.registry().register(stream, Token(at), interest)
    }

    fn send(&mut self, request: &[u8]) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        while self.sent < request.len() {
            match stream.write(&request[self.sent..]) {
                Ok(written) => self.sent += written,
                Err(error) if is_later(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sends the rest and reads what is there: the length of the answer once it is whole.
    fn send_and_read(
        &mut self,
        request: &[u8],
        buffer: &mut [u8],
        style: Style,
    ) -> io::Result<Option<usize>> {
        self.send(request)?;
        let Some(stream) = &mut self.stream else { return Ok(None) };
        loop {
            let read = match stream.read(buffer) {
                Err(error) if is_later(&error) => return Ok(None),
                // A reset after the whole answer is an end like any other.
                Err(error) if whole(&self.answer).is_none() => return Err(error),
                other => other.unwrap_or(0),
            };
            self.answer.extend_from_slice(&buffer[..read]);
            if read > 0 && style == Style::Close {
                continue;
            }
            let length = whole(&self.answer);
            if length.is_some() {
                return Ok(length);
            } else if read == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// The length of the first answer, once it is there to its last byte.
fn whole(bytes: &[u8]) -> Option<usize> {
    const LENGTH: &[u8] = b"\r\ncontent-length:";
    let head = find(bytes, b"\r\n\r\n")? + 4;
    let field = find(&bytes[..head], LENGTH)? + LENGTH.len();
    let value = bytes[field..head].iter().skip_while(|byte| **byte == b' ');
    let digits = value.take_while(|byte| byte.is_ascii_digit());
    let body = digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'));
    (bytes.len() >= head + body).then_some(head + body)
}

/// Where the needle (in lower case) stands, without regard to case.
fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window.eq_ignore_ascii_case(needle))
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected | ErrorKind::Interrupted)
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
