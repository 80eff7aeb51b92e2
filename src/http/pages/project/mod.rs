//! A project's pages. Every page below `/projects/{uuid}` begins with [`of`].

mod opened;

pub(super) use opened::{Opened, of, remember};
