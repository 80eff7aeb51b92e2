//! `overdue migrate`: brings the tables up to date and does nothing else, so that it can be done
//! before a server is started or by a user with more rights on the database.

use serde_json::json;

use super::Answer;
use crate::config::Config;
use crate::fault::Result;
use crate::store::Store;

pub(super) async fn run(config: &Config) -> Result<Answer> {
    let store = Store::open(config.database.url.expose(), 2).await?;
    store.close().await;
    let database = config.database.url_masked();
    let text = format!("the tables of {database} are up to date");
    Ok(Answer::new(text, json!({ "database": database, "migrated": 1 })))
}
