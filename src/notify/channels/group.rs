//! `group`: several channels under one name. Nothing is sent to a group itself: who tells it tells its
//! channels, each of them once, however many ways lead to it, and each in its own manner. Of the
//! group's own settings `on_down`, `on_up` and `disabled` count, beside those of the channel.

use serde_json::{Value, json};

use super::form::{Field, Shape, needed};

/// What is set about such a channel.
pub const FIELDS: &[Field] =
    &[needed("channels", Shape::Channels, "the channels that it stands for, which are no groups")];

/// The ids in a stored configuration.
#[must_use]
pub fn members(config: &Value) -> Vec<i64> {
    let ids = config["channels"].as_array();
    ids.into_iter().flatten().filter_map(Value::as_i64).collect()
}

/// The configuration with these ids.
#[must_use]
pub fn config(channel_ids: &[i64]) -> Value {
    json!({"channels": channel_ids})
}
