//! `/badge/{token}.svg` and `.json`: the state of all checks of a status page in a word, to be shown
//! elsewhere. Its token tells nothing else, and is not the page's address.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::super::{Pages, Site, problem, texts};
use super::public::whole;
use crate::fault::{Fault, Result};
use crate::service::status_pages;

pub(super) async fn show(
    State(pages): State<Pages>,
    Path(file): Path<String>,
    head: Parts,
) -> Response {
    let site = Site::of(&head, &pages.ctx.config);
    find(&pages, &file).await.unwrap_or_else(|fault| problem(&site, &fault))
}

async fn find(pages: &Pages, file: &str) -> Result<Response> {
    let (token, form) = file.rsplit_once('.').ok_or(Fault::NotFound)?;
    if !matches!(form, "svg" | "json") {
        return Err(Fault::NotFound);
    }
    let states = status_pages::states_by_badge(&pages.ctx, token).await?;
    let states = states.ok_or(Fault::NotFound)?;
    let (word, _) = whole(states.iter().copied());
    let count = |status: &str| states.iter().filter(|state| **state == status).count();
    Ok(if form == "svg" {
        answer("image/svg+xml", svg(word))
    } else {
        let body = json!({
            "status": word,
            "total": states.len(),
            "down": count("down"),
            "grace": count("grace"),
        });
        answer("application/json", body.to_string())
    })
}

fn answer(kind: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=10"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The word and its colour; as a badge stands on other people's pages, it brings its own.
fn svg(status: &str) -> String {
    let word = texts::status_word(status);
    let colour = match status {
        "up" => "#1b6453",
        "grace" => "#6a4c00",
        "down" => "#a3211c",
        _ => "#4a5a70",
    };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"84\" height=\"20\" role=\"img\" \
         aria-label=\"status: {word}\"><rect width=\"84\" height=\"20\" rx=\"3\" fill=\"#333\"/>\
         <path fill=\"{colour}\" d=\"M44 0h37a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H44z\"/>\
         <g fill=\"#fff\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\" \
         text-anchor=\"middle\"><text x=\"22\" y=\"14\">status</text>\
         <text x=\"64\" y=\"14\">{word}</text></g></svg>"
    )
}
