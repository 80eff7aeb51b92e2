//! `/assets/swagger/…`: the two files of Swagger UI that the API page needs, its program and its
//! stylesheet. `build.rs` takes them out of the crate that carries Swagger UI, and packs them: a tenth
//! of what they were, in the binary and on the way.

use std::io::Read;
use std::sync::LazyLock;

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, VARY};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use super::{Pages, Site, assets, problem};
use crate::fault::{Fault, Result};
use crate::secret;

struct Packed {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
    version: LazyLock<String>,
}

macro_rules! packed {
    ($name:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz"))
    };
}

/// The program.
pub(super) static PROGRAM: File = File(Packed {
    name: "swagger-ui-bundle.js",
    kind: "text/javascript; charset=utf-8",
    bytes: packed!("swagger-ui-bundle.js"),
    version: LazyLock::new(|| version(packed!("swagger-ui-bundle.js"))),
});
/// The stylesheet.
pub(super) static SHEET: File = File(Packed {
    name: "swagger-ui.css",
    kind: "text/css; charset=utf-8",
    bytes: packed!("swagger-ui.css"),
    version: LazyLock::new(|| version(packed!("swagger-ui.css"))),
});

fn version(bytes: &[u8]) -> String {
    secret::sha256_hex(bytes)[..16].to_owned()
}

/// A file of Swagger UI.
pub(super) struct File(Packed);

impl File {
    /// Where it is found; the address changes with its content.
    pub(super) fn address(&self, site: &Site) -> String {
        let Packed { name, version, .. } = &self.0;
        format!("{}/assets/swagger/{name}?v={}", site.prefix, version.as_str())
    }

    fn answer(&self, head: &Parts) -> Result<Response> {
        let Packed { kind, bytes, version, .. } = &self.0;
        let is_packed = takes_gzip(&head.headers);
        let bytes = if is_packed { Bytes::from_static(bytes) } else { unpacked(bytes)?.into() };
        // What is sent differs by how it is packed, and so does its tag.
        let tag = if is_packed { format!("{}-gz", version.as_str()) } else { version.to_string() };
        let mut response = assets::serve(head, kind, version, &tag, bytes);
        let headers = response.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if is_packed {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(response)
    }
}

fn unpacked(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut all).map_err(Fault::internal)?;
    Ok(all)
}

/// Whether a client says that it takes gzip.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let mut codings = lines.flat_map(|line| line.split(','));
    codings.any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        is_gzip && weight.is_none_or(|weight| weight.parse().is_ok_and(|weight: f32| weight > 0.0))
    })
}

pub(super) async fn show(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    head: Parts,
) -> Response {
    let file = [&PROGRAM, &SHEET].into_iter().find(|file| file.0.name == name);
    let answer = file.ok_or(Fault::NotFound).and_then(|file| file.answer(&head));
    answer.unwrap_or_else(|fault| problem(&Site::of(&head, &pages.ctx.config), &fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_takes_gzip_that_says_so() {
        let takes = |line: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_str(line).unwrap());
            takes_gzip(&headers)
        };
        assert!(takes("gzip") && takes("br, GZIP;q=0.5") && takes("deflate,gzip"));
        assert!(!takes("gzip;q=0") && !takes("br") && !takes("x-gzip") && !takes("identity"));
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
