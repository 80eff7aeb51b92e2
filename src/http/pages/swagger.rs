//! `/assets/swagger/…`: the two files of Swagger UI that the API page needs, its program and its
//! stylesheet. They come with the crate `swagger-ui-dist`, whose router also has a page with a
//! script inside (which our policy forbids) and source maps of 2 MB: what is not named here is not
//! served.

use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::Request;
use http::request::Parts;
use swagger_ui_dist::{ApiDefinition, OpenApiSource, generate_routes};
use tokio::sync::OnceCell;
use tower::ServiceExt;

use super::{Pages, Site, assets, problem};
use crate::fault::{Fault, Result};
use crate::secret;

/// The program.
pub(super) const PROGRAM: &str = "swagger-ui-bundle.js";
/// The stylesheet.
pub(super) const SHEET: &str = "swagger-ui.css";

/// What is served, and as what.
const NAMES: [(&str, &str); 2] =
    [(PROGRAM, "text/javascript; charset=utf-8"), (SHEET, "text/css; charset=utf-8")];

/// The files, taken out of the crate when the first of them is asked for.
#[derive(Debug, Default)]
pub(super) struct Swagger(OnceCell<Vec<File>>);

#[derive(Debug)]
struct File {
    name: &'static str,
    kind: &'static str,
    bytes: Bytes,
    version: String,
}

impl Swagger {
    /// Where a file is found; the address changes with its content.
    ///
    /// # Errors
    /// The crate has no such file, which is a mistake of ours.
    pub(super) async fn address(&self, site: &Site, name: &str) -> Result<String> {
        let file = self.find(name).await?.ok_or_else(|| Fault::internal(format!("no {name}")))?;
        Ok(format!("{}/assets/swagger/{name}?v={}", site.prefix, file.version))
    }

    async fn find(&self, name: &str) -> Result<Option<&File>> {
        let files = self.0.get_or_try_init(take_out).await?;
        Ok(files.iter().find(|file| file.name == name))
    }
}

/// The crate hands its files out as a router alone.
async fn take_out() -> Result<Vec<File>> {
    let mut files = Vec::new();
    for (name, kind) in NAMES {
        let api_definition = OpenApiSource::Uri("");
        let routes =
            generate_routes(ApiDefinition { uri_prefix: "/x", api_definition, title: None });
        let request = Request::get(format!("/x/{name}")).body(Body::empty());
        let answer = routes.oneshot(request.map_err(Fault::internal)?).await;
        let answer = answer.unwrap_or_else(|never| match never {});
        if !answer.status().is_success() {
            return Err(Fault::internal(format!("no {name} in Swagger UI")));
        }
        let bytes = to_bytes(answer.into_body(), usize::MAX).await.map_err(Fault::internal)?;
        let version = secret::sha256_hex(&bytes)[..16].to_owned();
        files.push(File { name, kind, bytes, version });
    }
    Ok(files)
}

pub(super) async fn show(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    head: Parts,
) -> Response {
    let found = pages.swagger.find(&name).await;
    match found.and_then(|file| file.ok_or(Fault::NotFound)) {
        Ok(file) => assets::serve(&head, file.kind, &file.version, file.bytes.clone()),
        Err(fault) => problem(&Site::of(&head, &pages.ctx.config), &fault),
    }
}
