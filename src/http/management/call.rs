//! What happens to every request before and after its command, in this order: the token (401), the
//! limit of requests (503), address and scope (403), the page it came from
//! (403), the body (413, 400), the ids in the path (400); then the command itself, which reads its
//! parameters and fields (400) and opens its object (403); then the journal.
//!
//! The limit stands right behind the token, so that what is refused costs as little as can be; and
//! what it refuses was not run, and is not in the journal.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, SET_COOKIE};
use http::request::Parts;
use http::{HeaderValue, Method, Uri};
use serde::Serialize;

use super::fields::Fields;
use super::model::{SoftError, Written};
use super::query::{self, Query};
use super::{ManagementState, RequestId, body, fault};
use crate::clock::Timestamp;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::http::cookie;
use crate::http::origin::{self, Own};
use crate::http::peer::{Client, Connection, client_of};
use crate::notify::outbound::Outbound;
use crate::service::tokens::{self, Caller, Scope};
use crate::service::{Remark, projects};
use crate::store::journal::Entry;
use crate::store::projects::{ProjectRow, Role};

/// What a command answers: its media type and its bytes.
#[derive(Debug)]
pub struct Reply {
    media_type: &'static str,
    bytes: Vec<u8>,
}

/// What comes of a command.
pub type Answer = Result<Reply>;

/// The answer to a DELETE.
#[derive(Debug, Serialize)]
struct Deleted {
    error_list: Vec<SoftError>,
}

impl Reply {
    /// A JSON object.
    ///
    /// # Errors
    /// It can't be written as JSON, which is a mistake of ours.
    pub fn of(object: &impl Serialize) -> Answer {
        let bytes = serde_json::to_vec(object).map_err(Fault::internal)?;
        Ok(Self { media_type: "application/json; charset=utf-8", bytes })
    }

    /// The object that was written, and what about it needs attention.
    ///
    /// # Errors
    /// As [`Reply::of`].
    pub fn written(object: impl Serialize, remarks: &[Remark]) -> Answer {
        Self::of(&Written { object, error_list: remarks.iter().map(SoftError::from).collect() })
    }

    /// The answer to a DELETE.
    ///
    /// # Errors
    /// As [`Reply::of`].
    pub fn deleted() -> Answer {
        Self::deleted_with(&[])
    }

    /// The answer to a DELETE after which something needs attention.
    ///
    /// # Errors
    /// As [`Reply::of`].
    pub fn deleted_with(remarks: &[Remark]) -> Answer {
        Self::of(&Deleted { error_list: remarks.iter().map(SoftError::from).collect() })
    }

    /// What a conversion command answers: these bytes as they are.
    #[must_use]
    pub fn converted(media_type: &'static str, bytes: Vec<u8>) -> Self {
        Self { media_type, bytes }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let media_type = HeaderValue::from_static(self.media_type);
        ([(CONTENT_TYPE, media_type)], self.bytes).into_response()
    }
}

/// A command that somebody may run, with what they sent.
#[derive(Debug)]
pub struct Call {
    /// What the program shares.
    pub ctx: Context,
    /// The door for requests of our own.
    pub outbound: Arc<Outbound>,
    /// Who is asking.
    pub caller: Caller,
    ids: Vec<(String, i64)>,
    query: String,
    body: Bytes,
}

impl Call {
    /// The id in the path that the route names so.
    ///
    /// # Errors
    /// The route has none, which is a mistake of ours.
    pub fn id(&self, name: &str) -> Result<i64> {
        let found = self.ids.iter().find(|(n, _)| n == name);
        found.map(|(_, id)| *id).ok_or_else(|| Fault::internal(format!("no {name} in this path")))
    }

    /// The parameters of a reading command.
    ///
    /// # Errors
    /// They can't be read.
    pub fn query(&self) -> Result<Query> {
        Query::parse(&self.query)
    }

    /// The fields of a writing command, which takes no parameters.
    ///
    /// # Errors
    /// There are parameters, or the body is no object.
    pub fn fields(&self) -> Result<Fields> {
        self.query()?.finish()?;
        Fields::parse(&self.body)
    }

    /// For commands that take neither parameters nor fields; an empty object is fine.
    ///
    /// # Errors
    /// There are some.
    pub fn takes_nothing(&self) -> Result<()> {
        self.query()?.finish()?;
        if self.body.is_empty() { Ok(()) } else { Fields::parse(&self.body)?.finish() }
    }

    /// The body of a command that takes a text.
    ///
    /// # Errors
    /// It is no UTF-8.
    pub fn text(&self) -> Result<&str> {
        let wrong = |error: std::str::Utf8Error| {
            let reason =
                format!("the body must be UTF-8, and is not at byte {}", error.valid_up_to());
            Fault::invalid("", reason)
        };
        std::str::from_utf8(&self.body).map_err(wrong)
    }

    /// The project in the path, where the caller's role in it is at least `role`. To be called
    /// once everything that was sent has been found well-formed.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], the same for one that is another's and one that does not exist.
    pub async fn project(&self, role: Role) -> Result<ProjectRow> {
        let project_id = self.id("project_id")?;
        let mut conn = self.ctx.store.read().await?;
        projects::open(&mut conn, self.caller.user_id, project_id, role).await
    }

    /// Whether the caller may see what one can ping with.
    #[must_use]
    pub fn may_ping(&self, project: &ProjectRow) -> bool {
        self.caller.has(Scope::Write) && project.role != Role::Viewer
    }
}

/// The media type of the bodies of all commands that do not say otherwise.
const JSON: &str = "application/json";

/// What is known of a command before it runs.
#[derive(Clone, Copy, Debug)]
struct Form {
    /// The media type of its body.
    takes: &'static str,
}

/// A command on its way through an axum route.
pub type Running = Pin<Box<dyn Future<Output = Response> + Send>>;

/// What a command does: an async function from the call to its answer.
pub trait Handler: Clone + Send + Sync + 'static {
    /// Runs it.
    fn answer(&self, call: Call) -> impl Future<Output = Answer> + Send + 'static;
}

impl<F, Fut> Handler for F
where
    F: Fn(Call) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    fn answer(&self, call: Call) -> impl Future<Output = Answer> + Send + 'static {
        self(call)
    }
}

/// Makes an axum handler of a command.
pub fn run(
    command: impl Handler,
) -> impl Fn(State<ManagementState>, Request) -> Running + Clone + Send + Sync + 'static {
    run_of(JSON, command)
}

/// The same for a command whose body must be of this media type.
pub fn run_of(
    takes: &'static str,
    command: impl Handler,
) -> impl Fn(State<ManagementState>, Request) -> Running + Clone + Send + Sync + 'static {
    let form = Form { takes };
    move |State(state), request| Box::pin(handle(state, request, form, command.clone()))
}

/// One request, apart from what it asks for.
#[derive(Debug)]
struct Visit {
    at: Timestamp,
    request_id: String,
    client: Client,
    method: Method,
    path: String,
}

impl Visit {
    fn of(state: &ManagementState, parts: &Parts) -> Self {
        let unknown = Connection::new(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)), false);
        let connection = parts.extensions.get::<Connection>().copied().unwrap_or(unknown);
        let trusted = &state.ctx.config.server.trusted_proxies;
        let request_id = parts.extensions.get::<RequestId>().cloned().unwrap_or_default();
        Self {
            at: state.ctx.now(),
            request_id: request_id.0,
            client: client_of(&connection, &parts.headers, trusted),
            method: parts.method.clone(),
            path: journalled(&parts.uri),
        }
    }

    /// Renders the answer and puts the request into the journal.
    fn close(&self, state: &ManagementState, caller: &Caller, answer: Answer) -> Response {
        let response = match answer {
            Ok(reply) => reply.into_response(),
            Err(fault) => fault::render(&fault, &self.request_id),
        };
        tracing::debug!(
            request_id = self.request_id,
            subject = caller.subject,
            method = %self.method,
            path = self.path,
            status = response.status().as_u16(),
            remote_address = %self.client.address,
            "request"
        );
        state.journal.record(Entry {
            at: self.at,
            user_id: caller.user_id,
            token_id: caller.token_id,
            subject: caller.subject.clone(),
            method: self.method.to_string(),
            path: self.path.clone(),
            status: response.status().as_u16(),
            remote_address: self.client.address.to_string(),
            request_id: self.request_id.clone(),
        });
        response
    }
}

/// The path as the journal has it: without its parameters, which may hold anything, save the one that
/// it has to tell of: that somebody asked for secrets.
fn journalled(uri: &Uri) -> String {
    let path = uri.path();
    let query = uri.query().unwrap_or_default();
    // Read as the command itself reads it, so that no way of writing it goes unseen.
    let secrets = || Query::parse(query).and_then(|mut query| query.one("secrets"));
    let asks = path.ends_with("/export") && matches!(secrets(), Ok(Some(value)) if value == "1");
    if asks { format!("{path}?secrets=1") } else { path.to_owned() }
}

async fn handle(
    state: ManagementState,
    request: Request,
    form: Form,
    command: impl Handler,
) -> Response {
    let (parts, body) = request.into_parts();
    let visit = Visit::of(&state, &parts);
    let (caller, by_cookie) = match admit(&state, &parts.headers).await {
        Ok(admitted) => admitted,
        Err(fault) => {
            body::discard(&parts.headers, body).await;
            return fault::render(&fault, &visit.request_id);
        }
    };
    let call = match prepare(&state, &visit, &caller, by_cookie, form, parts, body).await {
        Ok(call) => call,
        Err(fault) => return visit.close(&state, &caller, Err(fault)),
    };
    let request_id = visit.request_id.clone();
    // A task of its own: a client that hangs up must not stop a command half-way, nor keep it out
    // of the journal.
    let running = tokio::spawn(async move {
        let answer = AssertUnwindSafe(command.answer(call)).catch_unwind().await;
        let answer = answer.unwrap_or_else(|_| Err(Fault::internal("a command panicked")));
        let mut response = visit.close(&state, &caller, answer);
        if by_cookie && let Some(cookie) = renewed(&state.ctx, &caller, &visit.client).await {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    });
    running.await.unwrap_or_else(|error| fault::render(&Fault::internal(error), &request_id))
}

/// Who is asking, and whether by the cookie.
async fn admit(state: &ManagementState, headers: &HeaderMap) -> Result<(Caller, bool)> {
    let by_cookie = cookie::token(headers);
    let token = by_cookie.or_else(|| bearer_token(headers)).ok_or_else(|| {
        Fault::Unauthenticated(format!(
            "a token is needed: send it as the cookie {} or as Authorization: Bearer",
            cookie::NAME
        ))
    })?;
    let caller = tokens::authenticate(&state.ctx, token).await?;
    state.limiter.admit(caller.token_id, state.ctx.clock.steady_micros())?;
    Ok((caller, by_cookie.is_some()))
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

async fn prepare(
    state: &ManagementState,
    visit: &Visit,
    caller: &Caller,
    by_cookie: bool,
    form: Form,
    mut parts: Parts,
    body: Body,
) -> Result<Call> {
    let reads = matches!(visit.method, Method::GET | Method::HEAD);
    if let Err(fault) = permit(state, visit, caller, by_cookie && !reads, &parts) {
        body::discard(&parts.headers, body).await;
        return Err(fault);
    }
    let body = if reads {
        body::discard(&parts.headers, body).await;
        Bytes::new()
    } else {
        body::read(&parts.headers, body).await?
    };
    // An empty body is none where JSON is taken; a file may be empty.
    if !body.is_empty() || (form.takes != JSON && !reads) {
        check_content_type(&parts.headers, form.takes)?;
    }
    Ok(Call {
        ctx: state.ctx.clone(),
        outbound: state.outbound.clone(),
        caller: caller.clone(),
        ids: ids(&mut parts).await?,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        body,
    })
}

/// Whether this caller may run this command at all. `guarded`: it writes, and came by the cookie.
fn permit(
    state: &ManagementState,
    visit: &Visit,
    caller: &Caller,
    guarded: bool,
    parts: &Parts,
) -> Result<()> {
    caller.check_address(visit.client.address)?;
    let reads = matches!(visit.method, Method::GET | Method::HEAD);
    caller.check_scope(if reads { Scope::Read } else { Scope::Write })?;
    if guarded {
        let site_url = &state.ctx.config.server.site_url;
        let own = Own { client: &visit.client, authority: parts.uri.authority(), site_url };
        origin::check(&parts.headers, own)?;
    }
    Ok(())
}

fn check_content_type(headers: &HeaderMap, takes: &str) -> Result<()> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = given.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case(takes) {
        return Ok(());
    }
    let when = if takes == JSON { " where there is a body" } else { "" };
    Err(Fault::invalid("Content-Type", format!("must be {takes}{when}")))
}

/// The ids in the path: every part of a route that varies is one.
async fn ids(parts: &mut Parts) -> Result<Vec<(String, i64)>> {
    let wrong = |name: &str| Fault::invalid(name, "must be an id: a whole number above 0");
    let params = RawPathParams::from_request_parts(parts, &()).await;
    let params = params.map_err(|_| Fault::invalid("", "the path must be text in UTF-8"))?;
    let read = |(name, text): (&str, &str)| {
        query::id(text).map(|id| (name.to_owned(), id)).ok_or_else(|| wrong(name))
    };
    params.iter().map(read).collect()
}

/// The cookie of a session that goes on because it is used; none where it need not be renewed yet.
/// Where that fails the session merely ends earlier.
async fn renewed(ctx: &Context, caller: &Caller, client: &Client) -> Option<HeaderValue> {
    let row = tokens::renew_session(ctx, caller).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "a session could not be renewed");
        None
    })?;
    cookie::of_session(ctx, &row, client.https).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tower::ServiceExt;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        map
    }

    proptest! {
        #[test]
        fn any_bytes_as_bearer_are_read_without_a_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let map = HeaderMap::from_iter([(AUTHORIZATION, value)]);
                prop_assert!(bearer_token(&map).is_none_or(|token| !token.is_empty()));
            }
        }
    }

    #[test]
    fn a_bearer_token_is_understood_whatever_the_case_of_the_scheme() {
        let found =
            |line: &str| bearer_token(&headers(&[("authorization", line)])).map(str::to_owned);
        assert_eq!(found("Bearer t").as_deref(), Some("t"));
        assert_eq!(found("bearer t").as_deref(), Some("t"));
        assert_eq!(found("Basic t"), None);
        assert_eq!(found("Bearer "), None);
        assert_eq!(found("Bearert"), None);
    }

    #[test]
    fn only_json_is_taken_as_a_body() {
        let fine =
            |value: &str| check_content_type(&headers(&[("content-type", value)]), JSON).is_ok();
        assert!(fine("application/json") && fine("Application/JSON; charset=utf-8"));
        assert!(!fine("text/plain") && !fine("application/jsonx") && !fine(""));
        assert!(check_content_type(&HeaderMap::new(), JSON).is_err());
    }

    #[test]
    fn the_journal_tells_that_secrets_were_asked_for_and_no_other_parameter() {
        let told = |uri: &'static str| journalled(&Uri::from_static(uri));
        let export = "/user/project/1/export";
        assert_eq!(told("/user/project/1/export?secrets=1"), format!("{export}?secrets=1"));
        for spelt in ["secrets=%31", "&secrets=1", "secrets=1&", "%73ecrets=1", "x=2&secrets=1"] {
            let uri: Uri = format!("{export}?{spelt}").parse().unwrap();
            assert_eq!(journalled(&uri), format!("{export}?secrets=1"), "{spelt}");
        }
        assert_eq!(told("/user/project/1/export?secrets=0"), export);
        assert_eq!(told("/user/project/1/export?secrets=%ff"), export);
        assert_eq!(told("/user/profile?secrets=1"), "/user/profile");
    }

    async fn state(folder: &std::path::Path) -> (ManagementState, crate::http::journal::Inbox) {
        let url = format!("sqlite:{}", folder.join("overdue.db").display());
        let config = crate::config::Config::for_tests(&url);
        let clock = crate::clock::Clock::manual(Timestamp(1_800_000_000_000_000));
        let ctx = Context::open(config, clock).await.unwrap();
        let (journal, inbox) = crate::http::journal::channel();
        let outbound = Outbound::new(crate::notify::outbound::Settings::default()).unwrap();
        (ManagementState::new(ctx, journal, Arc::new(outbound)), inbox)
    }

    async fn session_of(ctx: &Context) -> String {
        let user_id = crate::service::users::create(ctx, "u@example.org", "long enough", false);
        let device = tokens::Device::default();
        let row = tokens::open_session(ctx, user_id.await.unwrap(), &device).await.unwrap();
        tokens::text_of(ctx, &row).unwrap()
    }

    #[tokio::test]
    async fn a_command_that_panics_is_a_500_without_detail() {
        async fn broken(_: Call) -> Answer {
            panic!("the secret detail");
        }
        let name = format!("overdue-call-{}", crate::secret::random_uuid());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        let (state, _inbox) = state(&folder).await;
        let cookie = format!("{}={}", cookie::NAME, session_of(&state.ctx).await);
        let request = Request::builder().header("cookie", cookie).body(Body::empty()).unwrap();
        let router = axum::Router::new().route("/", axum::routing::get(run(broken)));
        let response = router.with_state(state).oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), 500);
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        assert!(!String::from_utf8_lossy(&body).contains("secret"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
