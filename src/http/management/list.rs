//! Which part of a list is asked for, and the list that answers it (`management-api.md`, "Lists").

use serde::Serialize;
use utoipa::IntoParams;

use super::call::{Answer, Reply};
use super::model::List;

/// How many entries come where nobody says.
pub const DEFAULT_LIMIT: i64 = 100;
/// The most entries that come at once.
pub const MAX_LIMIT: i64 = 1000;

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// How many entries to pass over.
    #[param(required = false, minimum = 0, default = 0)]
    pub offset: i64,
    /// How many entries to give at most.
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    pub limit: i64,
}

impl Page {
    /// The answer: these entries of `total_count`; `max_count` is the configured ceiling, none for
    /// histories that only age out and for what has no ceiling.
    ///
    /// # Errors
    /// None that can happen: what we answer can be written as JSON.
    pub fn reply<T: Serialize>(
        self,
        list: Vec<T>,
        total_count: i64,
        max_count: Option<i64>,
    ) -> Answer {
        Reply::of(&self.of(list, total_count, max_count))
    }

    /// The answer as [`Page::reply`] has it, with the fields of `beside` behind those of the list.
    ///
    /// # Errors
    /// None that can happen: what we answer can be written as JSON.
    pub fn reply_with<T: Serialize>(
        self,
        list: Vec<T>,
        total_count: i64,
        beside: impl Serialize,
    ) -> Answer {
        Reply::of(&ListWith { list: self.of(list, total_count, None), beside })
    }

    fn of<T>(self, list: Vec<T>, total_count: i64, max_count: Option<i64>) -> List<T> {
        let count = list.len();
        let max_count = max_count.unwrap_or(total_count);
        let (offset, limit) = (self.offset, self.limit);
        List { list, total_count, max_count, offset, limit, count }
    }
}

/// A list, and what there is to say of all of it.
#[derive(Debug, Serialize)]
struct ListWith<T, B> {
    #[serde(flatten)]
    list: List<T>,
    #[serde(flatten)]
    beside: B,
}
