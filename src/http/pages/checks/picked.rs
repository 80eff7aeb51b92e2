//! A check that a page shows, and how its pages are addressed. Who may not ping sees no UUID, which
//! is the secret part of the ping URL: for them the address has the check's id.

use std::borrow::Cow;

use super::super::project::Here;
use super::super::texts;
use crate::fault::Result;
use crate::service::checks;
use crate::store::checks::CheckRow;

/// A check, and the ids of the channels that it tells.
#[derive(Debug)]
pub(super) struct Picked {
    pub(super) row: CheckRow,
    pub(super) channels: Vec<i64>,
}

impl Picked {
    /// The check of this project that an address names.
    ///
    /// # Errors
    /// It is not in the project.
    pub(super) async fn find(here: &Here, name: &str) -> Result<Self> {
        let mut conn = here.ctx().store.read().await?;
        let (row, channels) = checks::find_named(&mut conn, here.project_id(), name).await?;
        Ok(Self { row, channels })
    }
}

/// How the check's pages are addressed: `/checks/{name}`, below the project.
pub(super) fn tail(here: &Here, row: &CheckRow) -> String {
    tail_for(here.opened.may_write(), row)
}

/// The same for somebody who may change the project, or may only look.
pub(super) fn tail_for(may_write: bool, row: &CheckRow) -> String {
    if may_write { format!("/checks/{}", row.uuid) } else { format!("/checks/{}", row.check_id) }
}

/// What the check is called; one without a name by a word that says so.
pub(super) fn name(row: &CheckRow) -> Cow<'_, str> {
    texts::name(&row.settings.check_name)
}
