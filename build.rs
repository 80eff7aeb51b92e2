//! What the program carries beside its source: the migrations, and the two files of Swagger UI that its
//! API page needs, compressed as they go over the wire.

use std::borrow::Cow;
use std::error::Error;
use std::fs::File;
use std::io::{self, Cursor};
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

/// The program and the stylesheet, as they are called in the archive's folder `dist`.
const FILES: [&str; 2] = ["swagger-ui-bundle.js", "swagger-ui.css"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=migrations");
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo names no folder")?);
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    for name in FILES {
        let end = format!("/dist/{name}");
        let paths: Vec<String> =
            archive.file_names().filter_map(Result::ok).map(Cow::into_owned).collect();
        let path = paths.iter().find(|path| path.ends_with(&end));
        let path = path.ok_or_else(|| format!("no {name} in Swagger UI"))?;
        let target = File::create(folder.join(format!("{name}.gz")))?;
        let mut packed = GzEncoder::new(target, Compression::best());
        io::copy(&mut archive.by_name(path)?, &mut packed)?;
        packed.finish()?;
    }
    Ok(())
}
