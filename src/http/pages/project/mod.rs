//! A project's pages. Every page below `/projects/{uuid}` begins with [`of`], or with [`Here`], which
//! does the same as an extractor.

pub(super) mod fresh;
mod here;
mod opened;

pub(super) use here::{Here, to_its_end};
pub(super) use opened::{Opened, of, remember};
