//! A web server that keeps what it is sent: where webhooks go in tests. It can fail at first, take
//! its time, answer any status, or swallow requests without a word.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use overdue::clock::Timestamp;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A request that came.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// When its body was read to its end.
    pub at: Timestamp,
    /// `GET`, `POST` …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Delivery {
    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// A header's value; empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// How requests are met; may be changed at any time.
#[derive(Clone, Debug)]
pub struct Manners {
    /// So many requests more are answered 503.
    pub fail_first: u32,
    /// The pause before an answer.
    pub delay: Duration,
    /// The status of the others.
    pub status: u16,
    /// Headers of every answer, such as `Retry-After`.
    pub headers: Vec<(&'static str, String)>,
    /// Requests are taken and never answered.
    pub black_hole: bool,
}

impl Default for Manners {
    fn default() -> Self {
        let headers = Vec::new();
        Self { fail_first: 0, delay: Duration::ZERO, status: 200, headers, black_hole: false }
    }
}

#[derive(Default)]
struct State {
    manners: Mutex<Manners>,
    got: Mutex<Vec<Delivery>>,
}

/// The receiver; it stops listening when dropped.
pub struct Receiver {
    /// `http://127.0.0.1:port` (or where else it listens), without a path.
    pub base: String,
    state: Arc<State>,
    listening: JoinHandle<()>,
}

impl Receiver {
    /// One that answers 200 to everything.
    pub async fn start() -> Self {
        Self::with(Manners::default()).await
    }

    /// One with these manners.
    pub async fn with(manners: Manners) -> Self {
        Self::on("127.0.0.1:0", manners).await
    }

    /// One with these manners at this address.
    pub async fn on(address: &str, manners: Manners) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State { manners: Mutex::new(manners), ..State::default() });
        let listening = tokio::spawn(listen(listener, Arc::clone(&state)));
        Self { base, state, listening }
    }

    /// An address of it.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Meets what comes from now on in another way.
    pub fn change(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.state.manners.lock().unwrap());
    }

    /// All that came so far, in order of arrival.
    pub fn got(&self) -> Vec<Delivery> {
        self.state.got.lock().unwrap().clone()
    }

    /// Waits until at least `n` requests have come: all that came.
    pub async fn wait_for(&self, n: usize) -> Vec<Delivery> {
        super::until(&format!("{n} deliveries"), async || {
            let got = self.got();
            (got.len() >= n).then_some(got)
        })
        .await
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request| {
                let state = Arc::clone(&state);
                async move { Ok::<_, Infallible>(state.take(request).await) }
            });
            // A sender that hangs up is a test's own doing.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

impl State {
    async fn take(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes);
        self.got.lock().unwrap().push(Delivery {
            at: super::now(),
            method: head.method.to_string(),
            path: head.uri.to_string(),
            headers: head.headers,
            body: body.unwrap_or_default(),
        });
        let manners = self.next_manners();
        if manners.black_hole {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(manners.delay).await;
        let mut answer = Response::builder().status(manners.status);
        for (name, value) in manners.headers {
            answer = answer.header(name, value);
        }
        answer.body(Full::new(Bytes::new())).unwrap()
    }

    /// The manners that the request just taken is met with; counts down what fails at first.
    fn next_manners(&self) -> Manners {
        let mut manners = self.manners.lock().unwrap();
        let mut now = manners.clone();
        if manners.fail_first > 0 {
            manners.fail_first -= 1;
            now.status = 503;
        }
        now
    }
}

#[tokio::test]
async fn the_receiver_keeps_what_it_is_sent_and_fails_as_often_as_it_is_told() {
    let receiver = Receiver::with(Manners { fail_first: 1, ..Manners::default() }).await;
    let http = super::server::http_client();
    let send = || http.post(receiver.url("/hook?a=1")).header("x-test", "yes").body("hello");
    assert_eq!(send().send().await.unwrap().status(), 503);
    receiver.change(|manners| {
        manners.status = 418;
        manners.headers = vec![("retry-after", "7".to_owned())];
    });
    let answer = send().send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["retry-after"]),
        (418, &"7".parse().unwrap())
    );
    let got = receiver.wait_for(2).await;
    let last = &got[1];
    assert_eq!((last.method.as_str(), last.path.as_str()), ("POST", "/hook?a=1"));
    assert_eq!((last.text(), last.header("x-test")), ("hello", "yes"));
    assert!(got[0].at <= last.at);
}

#[tokio::test]
async fn the_receiver_can_be_a_black_hole() {
    let manners = Manners { black_hole: true, ..Manners::default() };
    let receiver = Receiver::with(manners).await;
    let http = super::server::http_client();
    let sent = tokio::spawn(http.get(receiver.url("/")).send());
    receiver.wait_for(1).await;
    assert!(!sent.is_finished());
    sent.abort();
}
