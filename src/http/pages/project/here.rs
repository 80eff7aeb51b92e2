//! The project that a page is about, taken from the request: handlers of pages below
//! `/projects/{uuid}` begin with it and end with [`Here::answer`].

use std::future::Future;

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::request::Parts;

use super::super::{Pages, Site, nav, problem, see_other, session};
use super::{Opened, of};
use crate::clock::Timestamp;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::service::projects;
use crate::store::projects::Role;

/// A project's page that is being made.
#[derive(Debug)]
pub(in crate::http::pages) struct Here {
    pub(in crate::http::pages) pages: Pages,
    pub(in crate::http::pages) site: Site,
    /// Who looks, and at which project.
    pub(in crate::http::pages) opened: Opened,
    /// When the request came.
    pub(in crate::http::pages) now: Timestamp,
}

impl FromRequestParts<Pages> for Here {
    type Rejection = Response;

    async fn from_request_parts(head: &mut Parts, pages: &Pages) -> Result<Self, Response> {
        let mut site = Site::of(head, &pages.ctx.config);
        let uuid = nav::project_of(head.uri.path()).unwrap_or_default().to_owned();
        match of(&pages.ctx, &mut site, head, &uuid).await {
            Ok(opened) => Ok(Self { pages: pages.clone(), site, opened, now: pages.ctx.now() }),
            Err(fault) => Err(session::refused(&site, head, &fault)),
        }
    }
}

impl Here {
    pub(in crate::http::pages) fn ctx(&self) -> &Context {
        &self.pages.ctx
    }

    /// The project's id.
    pub(in crate::http::pages) fn project_id(&self) -> i64 {
        self.opened.project.project_id
    }

    /// The address of a page of this project, below the prefix: `/projects/{uuid}{tail}`.
    pub(in crate::http::pages) fn path(&self, tail: &str) -> String {
        format!("/projects/{}{tail}", self.opened.project.uuid)
    }

    /// # Errors
    /// The member's role is less than this.
    pub(in crate::http::pages) fn need(&self, role: Role) -> Result<()> {
        projects::require(&self.opened.project, role)
    }

    /// Sends the browser on to a page of this project.
    pub(in crate::http::pages) fn go(&self, tail: &str) -> Response {
        see_other(&self.site, &self.path(tail))
    }

    /// What is sent: the page with the session moved on, or the page of the fault.
    pub(in crate::http::pages) async fn answer(&self, done: Result<Response>) -> Response {
        let done = match done {
            Ok(mut response) => {
                let caller = &self.opened.caller;
                let renewed = session::renew(self.ctx(), &self.site, caller, &mut response).await;
                renewed.map(|()| response)
            }
            Err(fault) => Err(fault),
        };
        done.unwrap_or_else(|fault| problem(&self.site, &fault))
    }
}

/// Does something on a task of its own: a client that hangs up must not cut it short.
///
/// # Errors
/// As the work itself.
pub(in crate::http::pages) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    tokio::spawn(work).await.map_err(Fault::internal)?
}
