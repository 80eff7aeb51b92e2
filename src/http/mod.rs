//! Everything that is answered over HTTP: which path belongs to whom, and nothing else.

pub mod cookie;
pub mod fatal;
pub mod healthchecks;
pub mod jobs;
pub mod journal;
pub mod limit;
pub mod listen;
pub mod management;
pub mod monitors;
pub mod ops;
pub mod origin;
pub mod pages;
pub mod peer;
pub mod ping;
pub mod tls;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Request, Response, Uri};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use tower::ServiceExt;

use crate::config::Config;

/// The body of an answer: whole for pings, whatever axum made for everything else.
pub type AnswerBody = Either<Full<Bytes>, Body>;

/// The front door. Pings, which are nearly all of the traffic, are told by their path and go
/// straight to their endpoint; everything else goes through the router.
#[derive(Debug)]
pub struct Front {
    ping: ping::Endpoint,
    router: Router,
    prefix: String,
}

impl Front {
    /// The front door of these parts. Paths that nobody owns are answered in the plain words of the
    /// pinging API, and for a browser with a page.
    #[must_use]
    pub fn new(ping: ping::Endpoint, parts: Router, config: Arc<Config>) -> Arc<Self> {
        let prefix = config.server.path_prefix();
        let router = parts.fallback(async move |request: axum::extract::Request| {
            let (head, _) = request.into_parts();
            pages::nowhere(&config, &head).unwrap_or_else(|| whole(ping::not_found()))
        });
        Arc::new(Self { ping, router, prefix })
    }

    /// Answers a request; every fault is an answer too.
    pub async fn serve(self: Arc<Self>, mut request: Request<Incoming>) -> Response<AnswerBody> {
        if !self.prefix.is_empty() && !strip_prefix(&mut request, &self.prefix) {
            return ping::not_found_for(request.method()).map(Either::Left);
        }
        let path = request.uri().path();
        let rest = match path.strip_prefix("/ping") {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => Some(rest),
            _ => ping::path::is_at_root(path).then_some(path),
        };
        if let Some(rest) = rest {
            let rest = rest.to_owned();
            return self.ping.serve(request, &rest).await.map(Either::Left);
        }
        // Boxed, so that a ping's future, which is moved about, has no room for it.
        let answer: Result<_, Infallible> = Box::pin(self.router.clone().oneshot(request)).await;
        match answer {
            Ok(answer) => answer.map(Either::Right),
            Err(never) => match never {},
        }
    }
}

fn whole(answer: ping::Answer) -> Response<Body> {
    answer.map(Body::new)
}

/// Takes the prefix off a request's path; false where it does not begin with it.
fn strip_prefix(request: &mut Request<Incoming>, prefix: &str) -> bool {
    let Some(rest) = request.uri().path().strip_prefix(prefix) else { return false };
    if !(rest.is_empty() || rest.starts_with('/')) {
        return false;
    }
    let path = if rest.is_empty() { "/" } else { rest };
    let text = match request.uri().query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let Ok(path_and_query) = text.parse::<PathAndQuery>() else { return false };
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = Some(path_and_query);
    let Ok(uri) = Uri::from_parts(parts) else { return false };
    *request.uri_mut() = uri;
    true
}

/// What a client gets where a handler broke down.
#[must_use]
pub fn broken() -> Response<AnswerBody> {
    ping::broken().map(Either::Left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room<F>(_: impl Fn(Arc<Front>, Request<Incoming>) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_room_that_every_connection_keeps_for_its_request_is_small() {
        let room = room(Front::serve);
        assert!(room <= 4096, "{room} bytes");
    }
}
