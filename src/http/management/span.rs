//! The parameters `from` and `to`: the time that a list looks at.

use utoipa::IntoParams;

use super::model::Time;
use super::query::Query;
use crate::clock::Timestamp;
use crate::fault::Result;
use crate::service::years;

/// The time that a list looks at; what is none leaves that end to the command.
#[derive(Clone, Copy, Debug, IntoParams)]
pub struct Span {
    /// From this moment on: RFC 3339, in the years 1970 to 9999, before `to`.
    #[param(value_type = Option<Time>, inline)]
    pub from: Option<Timestamp>,
    /// To just before this moment: RFC 3339, in the years 1970 to 9999.
    #[param(value_type = Option<Time>, inline)]
    pub to: Option<Timestamp>,
}

impl Span {
    /// Takes it out of a query.
    ///
    /// # Errors
    /// An end is repeated, no time, or in no year that may be named; or it ends before it begins.
    pub fn read(query: &mut Query) -> Result<Self> {
        let (from, to) = (query.time("from")?, query.time("to")?);
        years::check_span(from, to)?;
        Ok(Self { from, to })
    }
}
