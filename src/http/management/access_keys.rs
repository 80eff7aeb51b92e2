//! `/user/access-key-list`, `/user/access-key` and `/user/access-key/{access_key_id}`: what programs sign
//! their requests of the job list with (`jobs-api.md`).

use serde::Serialize;
use utoipa::ToSchema;

use super::call::{Answer, Call, Reply};
use super::command::Command;
use super::model::{Model, Time, time};
use crate::fault::Fault;
use crate::service::access_keys;
use crate::store::access_keys::AccessKeyRow;

/// The commands of this file.
pub fn commands() -> Vec<Command> {
    vec![
        Command::get("/user/access-key-list", list, "Your access keys")
            .text("In the order in which they were made.")
            .lists::<AccessKey>(),
        Command::post("/user/access-key", create, "Make an access key")
            .text(
                "Only a signed-in session may do this (or `overdue access-key create`). The answer \
                 has its secret, which is not shown again.",
            )
            .writes::<AccessKey>(&[]),
        Command::delete("/user/access-key/{access_key_id}", remove, "Revoke an access key")
            .text("Requests that are signed with it are refused at once."),
    ]
}

/// A key of the signed job list.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccessKey {
    /// The key's number.
    #[schema(minimum = 1)]
    access_key_id: i64,
    /// The id that requests name.
    access_key: String,
    /// When it was made.
    created_at: Time,
    /// When a request was last signed with it.
    #[schema(required)]
    last_used_at: Option<Time>,
    /// What requests are signed with; only in the answer to the POST.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    secret_key: Option<String>,
}

impl Model for AccessKey {
    fn example() -> Self {
        Self {
            access_key_id: 2,
            access_key: "H86QN54A32PX545FBGRY".to_owned(),
            created_at: Time::example(0),
            last_used_at: None,
            secret_key: None,
        }
    }
}

/// `GET /user/access-key-list`
pub async fn list(call: Call) -> Answer {
    let page = call.query()?.page()?;
    // A user has so few that they are read whole.
    let rows = access_keys::list(&call.ctx, call.caller.user_id).await?;
    let total = i64::try_from(rows.len()).map_err(Fault::internal)?;
    let skip = usize::try_from(page.offset).unwrap_or(usize::MAX);
    let most = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let list = rows.into_iter().skip(skip).take(most).map(|row| shown(row, None)).collect();
    page.reply(list, total, Some(access_keys::MAX_COUNT))
}

/// `POST /user/access-key`
pub async fn create(call: Call) -> Answer {
    call.caller.check_session()?;
    call.takes_nothing()?;
    let user_id = call.caller.user_id;
    let made = access_keys::create(&call.ctx, user_id).await?;
    let rows = access_keys::list(&call.ctx, user_id).await?;
    let row = rows.into_iter().find(|row| row.access_key == made.access_key);
    let row = row.ok_or_else(|| Fault::Conflict("the key was revoked meanwhile".to_owned()))?;
    Reply::written(shown(row, Some(made.secret_key.expose().to_owned())), &[])
}

/// `DELETE /user/access-key/{access_key_id}`
pub async fn remove(call: Call) -> Answer {
    call.takes_nothing()?;
    let id = call.id("access_key_id")?;
    access_keys::revoke_by_id(&call.ctx, call.caller.user_id, id).await?;
    Reply::deleted()
}

fn shown(row: AccessKeyRow, secret_key: Option<String>) -> AccessKey {
    AccessKey {
        access_key_id: row.access_key_id,
        access_key: row.access_key,
        created_at: row.created_at.into(),
        last_used_at: time(row.last_used_at),
        secret_key,
    }
}
