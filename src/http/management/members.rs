//! `…/member-list`, `…/member` and `…/member/{user_id}`.

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::Object;

use super::call::{Answer, Call, Reply};
use super::command::Command;
use super::fields::{Body, body, required};
use super::model::{Model, Time, words};
use crate::service::members;
use crate::store;
use crate::store::members::MemberRow;
use crate::store::projects::Role;

/// What can be read of a member and not be changed.
const READ_ONLY: [&str; 4] = ["user_id", "email", "name", "since"];

/// The commands of this file.
pub fn commands() -> Vec<Command> {
    vec![
        Command::get("/user/project/{project_id}/member-list", list, "The members of a project")
            .text("By their ids. For members of any role.")
            .lists::<Member>(),
        Command::post("/user/project/{project_id}/member", create, "Add a member")
            .text("Of an address that has an account already. For owners.")
            .takes::<NewMember>(
                &["email", "role"],
                json!({"email": "bo@example.org", "role": "viewer"}),
            )
            .writes::<Member>(&[]),
        Command::put(
            "/user/project/{project_id}/member/{user_id}",
            update,
            "Change a member's role",
        )
        .text("The last owner stays one. For owners.")
        .takes::<MemberFields>(&[], json!({"role": "editor"}))
        .ignores(&READ_ONLY)
        .writes::<Member>(&[]),
        Command::delete("/user/project/{project_id}/member/{user_id}", remove, "Remove a member")
            .text(
                "It holds for all of their tokens at once; what they made stays. The last owner \
                 stays too. For owners, and for the member.",
            ),
    ]
}

/// A member of a project: a user and what they may do in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Member {
    /// The user's id.
    #[schema(minimum = 1)]
    user_id: i64,
    /// Their address, in lower case.
    email: String,
    /// What they want to be called; may be empty.
    name: String,
    /// What they may do.
    #[schema(schema_with = role_words)]
    role: &'static str,
    /// When they became a member.
    since: Time,
}

fn role_words() -> Object {
    let text = "A viewer sees everything, save what one can ping with. An editor changes checks \
                and channels too. An owner changes the project and its members too.";
    words(Role::ALL.iter().map(|role| role.as_str()), text)
}

impl Model for Member {
    fn example() -> Self {
        Self {
            user_id: 2,
            email: "bo@example.org".to_owned(),
            name: "Bo".to_owned(),
            role: "viewer",
            since: Time::example(0),
        }
    }
}

body! {
    /// Who becomes a member, and as what.
    pub struct NewMember {
        /// The address of their account, whatever its case.
        #[schema(min_length = 3, max_length = 254, pattern = "^[^@]+@[^@]+$")]
        email: String,
        /// What they may do.
        #[schema(schema_with = role_words)]
        role: String,
    }
}

body! {
    /// What is set about a member.
    pub struct MemberFields {
        /// What they may do.
        #[schema(schema_with = role_words)]
        role: String,
    }
}

/// `GET …/member-list`
pub async fn list(call: Call) -> Answer {
    let page = call.query()?.page()?;
    let project = call.project(Role::Viewer).await?;
    let mut conn = call.ctx.store.read().await?;
    let (rows, total) =
        store::members::list(&mut conn, project.project_id, page.offset, page.limit).await?;
    page.reply(rows.into_iter().map(shown).collect(), total, Some(members::MAX_COUNT))
}

/// `POST …/member`
pub async fn create(call: Call) -> Answer {
    let mut fields = call.fields()?;
    let wanted = NewMember::read(&mut fields)?;
    fields.finish()?;
    let email = required("email", wanted.email)?;
    let role = members::role(&required("role", wanted.role)?)?;
    let (caller_id, project_id) = (call.caller.user_id, call.id("project_id")?);
    let row = members::add(&call.ctx, caller_id, project_id, &email, role).await?;
    Reply::written(shown(row), &[])
}

/// `PUT …/member/{user_id}`
pub async fn update(call: Call) -> Answer {
    let mut fields = call.fields()?;
    let wanted = MemberFields::read(&mut fields)?;
    fields.ignore(&READ_ONLY);
    fields.finish()?;
    let role = wanted.role.as_deref().map(members::role).transpose()?;
    let (caller_id, project_id) = (call.caller.user_id, call.id("project_id")?);
    let user_id = call.id("user_id")?;
    let row = members::update(&call.ctx, caller_id, project_id, user_id, role).await?;
    Reply::written(shown(row), &[])
}

/// `DELETE …/member/{user_id}`
pub async fn remove(call: Call) -> Answer {
    call.takes_nothing()?;
    let (caller_id, project_id) = (call.caller.user_id, call.id("project_id")?);
    members::remove(&call.ctx, caller_id, project_id, call.id("user_id")?).await?;
    Reply::deleted()
}

fn shown(row: MemberRow) -> Member {
    Member {
        user_id: row.user_id,
        email: row.email,
        name: row.name,
        role: row.role.as_str(),
        since: Time(row.since),
    }
}
