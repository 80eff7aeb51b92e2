//! How a project's page begins: the session, the project by its public id and the member's role,
//! and what stands on top. What the role allows is decided in `service`.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::StatusCode;
use http::header::SET_COOKIE;
use http::request::Parts;

use super::super::nav::{self, Nav};
use super::super::{Site, session};
use crate::context::Context;
use crate::fault::Result;
use crate::http::cookie;
use crate::service::projects;
use crate::service::tokens::Caller;
use crate::store::projects::{ProjectRow, Role};

/// A project whose page somebody may see.
#[derive(Clone, Debug)]
pub(in crate::http::pages) struct Opened {
    /// Who is signed in.
    pub(in crate::http::pages) caller: Caller,
    /// The project, with their role in it.
    pub(in crate::http::pages) project: ProjectRow,
}

impl Opened {
    /// Whether this member may change things; those who may not are shown no button for it.
    pub(in crate::http::pages) fn may_write(&self) -> bool {
        self.project.role != Role::Viewer
    }

    /// Whether this member may say who else belongs to the project.
    pub(in crate::http::pages) fn is_owner(&self) -> bool {
        self.project.role == Role::Owner
    }
}

/// The project of this public id, and on top of the page what belongs to it.
///
/// # Errors
/// [`crate::fault::Fault::Unauthenticated`]: nobody is signed in, which [`session::refused`]
/// answers. The project is not theirs, or there is none.
pub(in crate::http::pages) async fn of(
    ctx: &Context,
    site: &mut Site,
    head: &Parts,
    uuid: &str,
) -> Result<Opened> {
    let caller = session::need(ctx, site, head).await?;
    let mut conn = ctx.store.read().await?;
    let project = projects::open_by_uuid(&mut conn, caller.user_id, uuid, Role::Viewer).await?;
    site.nav.get_or_insert_with(Nav::default).stand_at(&project, head.uri.path());
    Ok(Opened { caller, project })
}

/// Has the browser remember which project was looked at last: the start page leads there.
pub(in crate::http::pages) async fn remember(request: Request, next: Next) -> Response {
    let uuid = nav::project_of(request.uri().path()).map(str::to_owned);
    let uuid = uuid.filter(|uuid| cookie::value(request.headers(), session::PROJECT) != Some(uuid));
    let mut response = next.run(request).await;
    if let Some(uuid) = uuid.filter(|_| response.status() == StatusCode::OK) {
        // What is in an address is fit for a cookie unless somebody made it up.
        if let Ok(choice) = cookie::of_choice(session::PROJECT, &uuid) {
            response.headers_mut().append(SET_COOKIE, choice);
        }
    }
    response
}
