//! Who is signed in, taken from the request: handlers of pages that belong to no project begin with
//! it and end with [`Visit::answer`].

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::request::Parts;

use super::{Pages, Site, problem, session};
use crate::clock::Timestamp;
use crate::context::Context;
use crate::fault::Result;
use crate::service::tokens::Caller;

/// A page of somebody who is signed in.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) pages: Pages,
    pub(super) site: Site,
    pub(super) caller: Caller,
    /// When the request came.
    pub(super) now: Timestamp,
}

impl FromRequestParts<Pages> for Visit {
    type Rejection = Response;

    async fn from_request_parts(head: &mut Parts, pages: &Pages) -> Result<Self, Response> {
        let mut site = Site::of(head, &pages.ctx.config);
        match session::need(&pages.ctx, &mut site, head).await {
            Ok(caller) => Ok(Self { pages: pages.clone(), site, caller, now: pages.ctx.now() }),
            Err(fault) => Err(session::refused(&site, head, &fault)),
        }
    }
}

impl Visit {
    pub(super) fn ctx(&self) -> &Context {
        &self.pages.ctx
    }

    /// What is sent: the page with the session moved on, or the page of the fault.
    pub(super) async fn answer(&self, done: Result<Response>) -> Response {
        let done = match done {
            Ok(mut response) => {
                let renewed =
                    session::renew(self.ctx(), &self.site, &self.caller, &mut response).await;
                renewed.map(|()| response)
            }
            Err(fault) => Err(fault),
        };
        done.unwrap_or_else(|fault| problem(&self.site, &fault))
    }
}
