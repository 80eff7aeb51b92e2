//! The pinging API (`ping-api.md`): the front door, and the hot path. A request becomes a
//! `domain::Ping` and goes to `ingest`; what it means is decided there. Nothing is answered `OK`
//! before it is durably stored.

mod answer;
mod body;
mod create;
mod find;
pub mod path;
pub mod query;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method as HttpMethod, Request, StatusCode};
use hyper::body::Incoming;
use tokio::sync::Semaphore;

use crate::context::Context;
use crate::domain::ping::{MAX_USER_AGENT, Method, Ping, Scheme};
use crate::fault::Fault;
use crate::http::peer::{Connection, client_of};
use crate::ingest::{Ingest, Outcome};
use crate::service::pings::Finder;
use crate::vitals::{Count, Vitals};
pub use answer::{Answer, broken, not_found, not_found_for};
use body::Incomplete;
use find::Found;
use path::Misfit;

/// Who is refused waits at least so long for the answer,
const SOONEST_REFUSAL: Duration = Duration::from_millis(500);
/// and at most so many microseconds more.
const SPREAD_OF_REFUSALS: u64 = 1_000_000;
/// So many may wait for it; the others are answered at once.
const MOST_HELD_BACK: usize = 16_384;

/// The pinging API. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Endpoint {
    ctx: Context,
    ingest: Ingest,
    vitals: Vitals,
    finder: Finder,
    body_limit: HeaderValue,
    held_back: Arc<Semaphore>,
}

impl Endpoint {
    /// The endpoint that finds checks by `finder` and hands their pings to `ingest`.
    #[must_use]
    pub fn new(ctx: Context, ingest: Ingest, finder: Finder, vitals: Vitals) -> Self {
        let body_limit = HeaderValue::from(ctx.config.ping.body_limit);
        let held_back = Arc::new(Semaphore::new(MOST_HELD_BACK));
        Self { ctx, ingest, vitals, finder, body_limit, held_back }
    }

    /// Answers a ping whose path (without `/ping` before it) is `path`.
    pub async fn serve(&self, request: Request<Incoming>, path: &str) -> Answer {
        let method = match *request.method() {
            HttpMethod::GET => Method::Get,
            HttpMethod::HEAD => Method::Head,
            HttpMethod::POST => Method::Post,
            HttpMethod::OPTIONS => return answer::preflight(),
            _ => return answer::method_not_allowed(),
        };
        let answer = match self.take(request, method, path).await {
            Ok(answer) => answer,
            Err(fault) => self.refuse(&fault),
        };
        if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
            // Boxed, so that no other ping has room for it.
            Box::pin(self.hold_back()).await;
        }
        if method == Method::Head { answer::without_body(answer) } else { answer }
    }

    /// Waits for a moment before a refusal: those who try again at once would otherwise take the time
    /// of those whose pings are being stored. How long differs, so that they don't all come back
    /// together.
    async fn hold_back(&self) {
        let Ok(_place) = self.held_back.try_acquire() else { return };
        let spread = self.ctx.now().0.unsigned_abs() % SPREAD_OF_REFUSALS;
        tokio::time::sleep(SOONEST_REFUSAL + Duration::from_micros(spread)).await;
    }

    async fn take(
        &self,
        request: Request<Incoming>,
        method: Method,
        path: &str,
    ) -> Result<Answer, Fault> {
        let address = path::parse(path).map_err(|misfit| match misfit {
            Misfit::Unknown => Fault::NotFound,
            Misfit::Malformed => Fault::invalid("", "invalid url format"),
        })?;
        let query = query::parse(request.uri().query()).map_err(|why| Fault::invalid("", why))?;
        let found = find::find(self, &address.target, &query).await;
        let (head, body) = request.into_parts();
        // Read also where the answer is a refusal: a client that is still sending would not see it.
        let limit = if method == Method::Post { self.ctx.config.ping.body_limit } else { 0 };
        let read = body::read(body, limit).await.map_err(|Incomplete| {
            Fault::invalid("", "the body ended before its announced length")
        })?;
        let found = match found {
            Ok(found) => found,
            Err(fault) if read.is_whole => return Err(fault),
            Err(fault) => return Ok(answer::closing(self.refuse(&fault))),
        };
        let (check_id, created) = match found {
            Found::Check(check_id) => (check_id, false),
            Found::Busy => return Ok(self.too_busy()),
            // A ping that would be refused makes no check either.
            Found::ToMake(..) if self.ingest.is_full() => return Ok(self.too_busy()),
            Found::ToMake(project_id, draft) => {
                Box::pin(create::create(self, project_id, draft)).await?
            }
        };
        let outcome = self
            .ingest
            .submit(&self.ctx, check_id, |received_at| {
                let (remote_address, scheme) = self.came_from(&head);
                Ping {
                    received_at,
                    signal: address.signal,
                    exit_status: address.exit_status,
                    rid: query.rid,
                    scheme,
                    method,
                    remote_address,
                    user_agent: user_agent(&head.headers),
                    body_was_cut: read.was_cut,
                    mail: None,
                    took: None,
                    body: read.kept,
                }
            })
            .await;
        if outcome == Outcome::NotFound {
            self.finder.forget(&address.target);
        }
        let answer = self.render(outcome, created);
        Ok(if read.is_whole { answer } else { answer::closing(answer) })
    }

    /// Whether a ping is refused that would cost a look into the database.
    fn is_busy(&self) -> bool {
        self.ingest.is_full() || self.finder.is_busy()
    }

    fn too_busy(&self) -> Answer {
        self.vitals.count(Count::PingUnavailable);
        answer::unavailable()
    }

    fn came_from(&self, head: &http::request::Parts) -> (IpAddr, Scheme) {
        let Some(connection) = head.extensions.get::<Connection>() else {
            // Only a caller that is not our listener leaves it out.
            return (Ipv4Addr::UNSPECIFIED.into(), Scheme::Http);
        };
        let client = client_of(connection, &head.headers, &self.ctx.config.server.trusted_proxies);
        (client.address, if client.https { Scheme::Https } else { Scheme::Http })
    }

    fn render(&self, outcome: Outcome, created: bool) -> Answer {
        match outcome {
            Outcome::Stored => {
                if created {
                    self.vitals.count(Count::PingCreated);
                }
                answer::stored(created, &self.body_limit)
            }
            Outcome::NotFound => answer::not_found(),
            Outcome::TooMany { retry_after } => answer::too_many(retry_after),
            Outcome::Unavailable => answer::unavailable(),
        }
    }

    fn refuse(&self, fault: &Fault) -> Answer {
        match fault {
            Fault::NotFound => {
                self.vitals.count(Count::PingUnknown);
                answer::not_found()
            }
            Fault::Conflict(text) => {
                self.vitals.count(Count::PingRefused);
                debug_assert_eq!(text, "ambiguous slug");
                answer::ambiguous()
            }
            Fault::Invalid { .. } => {
                self.vitals.count(Count::PingRefused);
                answer::bad_request(fault.to_string())
            }
            other => {
                self.vitals.count(Count::PingUnavailable);
                tracing::error!(error = %other, "a ping could not be taken");
                answer::unavailable()
            }
        }
    }
}

/// The first characters of the client's name for itself.
fn user_agent(headers: &http::HeaderMap) -> String {
    let Some(value) = headers.get(http::header::USER_AGENT) else { return String::new() };
    let text = String::from_utf8_lossy(value.as_bytes());
    match text.char_indices().nth(MAX_USER_AGENT) {
        Some((end, _)) => text[..end].to_owned(),
        None => text.into_owned(),
    }
}
