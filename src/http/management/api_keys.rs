//! `…/api-key-list`, `…/api-key` and `…/api-key/{api_key_id}`: the keys by which clients of Healthchecks
//! open a project (`healthchecks-api.md`).

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::call::{Answer, Call, Reply};
use super::command::Command;
use super::fields::{Body, body};
use super::model::{Flag, Model, Time, time};
use crate::fault::Fault;
use crate::service::api_keys;
use crate::store::api_keys::ApiKeyRow;
use crate::store::projects::Role;

/// The commands of this file.
pub fn commands() -> Vec<Command> {
    vec![
        Command::get("/user/project/{project_id}/api-key-list", list, "The API keys of a project")
            .text("In the order in which they were made. For editors.")
            .lists::<ApiKey>(),
        Command::post("/user/project/{project_id}/api-key", create, "Make an API key")
            .text(
                "Only a signed-in session of an owner may do this (or `overdue api-key create`). \
                 The answer has the key, which is not shown again.",
            )
            .takes::<ApiKeyFields>(&[], json!({"read_only": 1}))
            .writes::<ApiKey>(&[]),
        Command::delete(
            "/user/project/{project_id}/api-key/{api_key_id}",
            remove,
            "Revoke an API key",
        )
        .text("Requests with it are refused at once. For owners."),
    ]
}

/// A key of the Healthchecks dialect.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKey {
    /// The key's number.
    #[schema(minimum = 1)]
    api_key_id: i64,
    /// Its first characters.
    hint: String,
    /// It changes nothing, and sees no ping URLs.
    read_only: Flag,
    /// When it was made.
    created_at: Time,
    /// When it was last used.
    #[schema(required)]
    last_used_at: Option<Time>,
    /// The key; only in the answer to the POST.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    api_key: Option<String>,
}

impl Model for ApiKey {
    fn example() -> Self {
        Self {
            api_key_id: 2,
            hint: "hcr_kX2f".to_owned(),
            read_only: Flag(1),
            created_at: Time::example(0),
            last_used_at: None,
            api_key: None,
        }
    }
}

body! {
    /// What a new key may do.
    pub struct ApiKeyFields {
        /// 1: it changes nothing, and sees no ping URLs; 0 where it is not said.
        read_only: Flag,
    }
}

/// `GET …/api-key-list`
pub async fn list(call: Call) -> Answer {
    let page = call.query()?.page()?;
    let project = call.project(Role::Editor).await?;
    // A project has so few that they are read whole.
    let rows = api_keys::list(&call.ctx, project.project_id).await?;
    let total = i64::try_from(rows.len()).map_err(Fault::internal)?;
    let skip = usize::try_from(page.offset).unwrap_or(usize::MAX);
    let most = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let list = rows.into_iter().skip(skip).take(most).map(|row| shown(row, None)).collect();
    page.reply(list, total, Some(api_keys::MAX_COUNT))
}

/// `POST …/api-key`
pub async fn create(call: Call) -> Answer {
    call.caller.check_session()?;
    let mut fields = call.fields()?;
    let wanted = ApiKeyFields::read(&mut fields)?;
    fields.finish()?;
    let project = call.project(Role::Owner).await?;
    let is_read_only = wanted.read_only.is_some_and(bool::from);
    let made = api_keys::create(&call.ctx, project.project_id, is_read_only).await?;
    Reply::written(shown(made.row, Some(made.key.expose().to_owned())), &[])
}

/// `DELETE …/api-key/{api_key_id}`
pub async fn remove(call: Call) -> Answer {
    call.takes_nothing()?;
    let id = call.id("api_key_id")?;
    let project = call.project(Role::Owner).await?;
    api_keys::revoke(&call.ctx, project.project_id, id).await?;
    Reply::deleted()
}

fn shown(row: ApiKeyRow, api_key: Option<String>) -> ApiKey {
    ApiKey {
        api_key_id: row.api_key_id,
        hint: row.hint,
        read_only: row.read_only.into(),
        created_at: row.created_at.into(),
        last_used_at: time(row.last_used_at),
        api_key,
    }
}
