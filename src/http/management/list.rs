//! The form of every list (`management-api.md`, "Lists"): six fields, always all of them.

use serde_json::{Value, json};

use super::call::Reply;

/// How many entries come where nobody says.
pub const DEFAULT_LIMIT: i64 = 100;
/// The most entries that come at once.
pub const MAX_LIMIT: i64 = 1000;

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many entries to pass over.
    pub offset: i64,
    /// How many to give at most.
    pub limit: i64,
}

impl Page {
    /// The answer: these entries of `total_count`; `max_count` is the configured ceiling, none for
    /// histories that only age out and for what has no ceiling.
    #[must_use]
    pub fn reply(self, list: Vec<Value>, total_count: i64, max_count: Option<i64>) -> Reply {
        let count = list.len();
        let mut answer = json!({
            "list": null,
            "total_count": total_count,
            "max_count": max_count.unwrap_or(total_count),
            "offset": self.offset,
            "limit": self.limit,
            "count": count,
        });
        answer["list"] = Value::Array(list);
        Reply::Json(answer)
    }
}
