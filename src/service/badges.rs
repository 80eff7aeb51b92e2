//! The addresses of badges, which are signed so that nobody guesses what tags there are, and what
//! they show.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::context::Context;
use crate::domain::badge::Tally;
use crate::fault::Result;
use crate::secret;
use crate::store::projects::Opened;
use crate::store::{checks, projects};

/// The characters of a signature.
const SIGNATURE: usize = 16;

/// What signs the badge of a project's tag, or of all its checks.
#[must_use]
pub fn signature(ctx: &Context, badge_key: &str, tag: Option<&str>) -> String {
    let key = ctx.keys.derive("badges");
    let signed =
        format!("{badge_key}\n{}", tag.map_or_else(String::new, |tag| format!("tag {tag}")));
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return String::new() };
    mac.update(signed.as_bytes());
    let mut text = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    text.truncate(SIGNATURE);
    text
}

/// The checks of a project that have this tag, or all; none where there is no such project, or the
/// signature is not ours.
///
/// # Errors
/// The database is out.
pub async fn of_project(
    ctx: &Context,
    badge_key: &str,
    given: &str,
    tag: Option<&str>,
) -> Result<Option<(Opened, Tally)>> {
    let ours = signature(ctx, badge_key, tag);
    if !secret::equal_in_constant_time(ours.as_bytes(), given.as_bytes()) {
        return Ok(None);
    }
    let mut conn = ctx.store.read().await?;
    let Some(project) = projects::find_by_badge(&mut conn, badge_key).await? else {
        return Ok(None);
    };
    let tally = checks::tally(&mut conn, project.project_id, tag, ctx.now()).await?;
    Ok(Some((project, tally)))
}

/// The check that a badge is of: what it is called, and how it is.
///
/// # Errors
/// The database is out.
pub async fn of_check(ctx: &Context, badge_uuid: &str) -> Result<Option<(String, Tally)>> {
    let row = checks::find_by_badge(&mut ctx.store.read().await?, badge_uuid).await?;
    Ok(row.map(|row| {
        let status = row.shown_status(ctx.now());
        let count = |word: &str| i64::from(status == word);
        let name = match row.settings.check_name.as_str() {
            "" => row.settings.slug.clone(),
            name => name.to_owned(),
        };
        (name, Tally { total: 1, grace: count("grace"), down: count("down") })
    }))
}
