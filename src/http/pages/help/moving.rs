//! `/projects/{uuid}/help/coming-from-healthchecks`: what is the same, what is better, what is missing, and
//! the commands that bring checks here.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use super::super::project::Here;
use super::super::{Site, page, texts};

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/help/moving.html" %}"#)]
struct Moving<'a> {
    site: &'a Site,
    help: String,
    settings: String,
    /// Where this server's pages are, for clients.
    url: &'a str,
    project_id: i64,
}

pub(super) async fn show(here: Here) -> Response {
    let moving = Moving {
        site: &here.site,
        help: format!("{}{}", here.site.prefix, here.path("/help")),
        settings: format!("{}{}#api-keys", here.site.prefix, here.path("/settings")),
        url: &here.site.base,
        project_id: here.project_id(),
    };
    let shown = page(StatusCode::OK, &moving);
    here.answer(Ok(shown)).await
}
