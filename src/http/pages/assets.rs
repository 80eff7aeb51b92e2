//! The few files that pages need beside themselves. They are part of the program; their addresses
//! carry a hash of their content, so that browsers may keep them for ever.

use std::sync::LazyLock;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::{Pages, Site, problem};
use crate::fault::Fault;
use crate::secret;

struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
    version: LazyLock<String>,
}

macro_rules! asset {
    ($name:literal, $kind:literal) => {
        Asset {
            name: $name,
            kind: $kind,
            text: include_str!(concat!("assets/", $name)),
            version: LazyLock::new(|| version(include_str!(concat!("assets/", $name)))),
        }
    };
}

/// One stylesheet for the browser, kept in parts: a part is a thing.
const SHEET: &str = concat!(
    include_str!("assets/css/base.css"),
    include_str!("assets/css/layout.css"),
    include_str!("assets/css/form.css"),
    include_str!("assets/css/pieces.css"),
    include_str!("assets/css/table.css"),
    include_str!("assets/css/checks.css"),
    include_str!("assets/css/channels.css"),
    include_str!("assets/css/chart.css"),
    include_str!("assets/css/status.css"),
);

static ASSETS: [Asset; 11] = [
    asset!("api.css", "text/css; charset=utf-8"),
    asset!("api.js", "text/javascript; charset=utf-8"),
    asset!("checks.js", "text/javascript; charset=utf-8"),
    asset!("cron.js", "text/javascript; charset=utf-8"),
    asset!("live.js", "text/javascript; charset=utf-8"),
    Asset {
        name: "overdue.css",
        kind: "text/css; charset=utf-8",
        text: SHEET,
        version: LazyLock::new(|| version(SHEET)),
    },
    asset!("overdue.js", "text/javascript; charset=utf-8"),
    asset!("overdue.svg", "image/svg+xml"),
    asset!("overdue-down.svg", "image/svg+xml"),
    asset!("passkey.js", "text/javascript; charset=utf-8"),
    asset!("tokens.js", "text/javascript; charset=utf-8"),
];

fn version(text: &str) -> String {
    secret::sha256_hex(text)[..16].to_owned()
}

fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

/// A hash of a file's content; empty for a file that is not there.
pub(super) fn version_of(name: &str) -> &'static str {
    find(name).map_or("", |asset| asset.version.as_str())
}

pub(super) async fn show(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    head: Parts,
) -> Response {
    let Some(asset) = find(&name) else {
        return problem(&Site::of(&head, &pages.ctx.config), &Fault::NotFound);
    };
    let bytes = Bytes::from_static(asset.text.as_bytes());
    serve(&head, asset.kind, &asset.version, &asset.version, bytes)
}

/// The answer with a file of this version, or with the word that the browser has it under this tag.
pub(super) fn serve(
    head: &Parts,
    kind: &'static str,
    version: &str,
    tag: &str,
    bytes: Bytes,
) -> Response {
    let etag = format!("\"{tag}\"");
    let is_known = is_known(&head.headers, &etag);
    let mut response = Response::new(Body::from(if is_known { Bytes::new() } else { bytes }));
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    // Under the address of another version it must be asked for again.
    let is_current = head.uri.query().is_some_and(|query| query == format!("v={version}"));
    let keep = if is_current { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(keep));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Hexadecimal digits in quotes are fit for a header.
    headers.extend(HeaderValue::from_str(&etag).ok().map(|etag| (ETAG, etag)));
    response
}

fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let lines = headers.get_all(IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_that_the_client_has_is_known() {
        let known = |line: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, HeaderValue::from_str(line).unwrap());
            is_known(&headers, "\"ab\"")
        };
        assert!(known("\"ab\"") && known("\"x\", W/\"ab\"") && known("*"));
        assert!(!known("\"abc\"") && !known("ab"));
        assert!(!is_known(&HeaderMap::new(), "\"ab\""));
    }

    #[test]
    fn no_asset_asks_another_host_for_anything() {
        for asset in &ASSETS {
            let text = asset.text.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("//") || asset.kind.contains("javascript"), "{}", asset.name);
            assert!(!text.contains("http:") && !text.contains("https:"), "{}", asset.name);
        }
    }
}
