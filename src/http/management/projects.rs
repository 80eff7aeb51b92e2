//! `/user/project-list`, `/user/project`, `/user/project/{project_id}` and its ping key.

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::Object;

use super::call::{Answer, Call, Reply};
use super::command::Command;
use super::fields::{Body, body, required};
use super::model::{Flag, Model, Time, words};
use crate::fault::Result;
use crate::service::projects;
use crate::store;
use crate::store::projects::{ProjectRow, Role, StatusCount};
use crate::store::tx::Conn;

/// States, the first that occurs being the project's.
const BY_WEIGHT: [&str; 5] = ["down", "grace", "up", "new", "paused"];

/// What can be read of a project and not be written.
const READ_ONLY: [&str; 6] =
    ["project_id", "uuid", "ping_key", "check_count", "status", "created_at"];

/// The commands of this file.
pub fn commands() -> Vec<Command> {
    let example = || json!({"project_name": "Backups"});
    vec![
        Command::get("/user/project-list", list, "Your projects").lists::<Project>(),
        Command::post("/user/project", create, "Make a project")
            .text("You are its owner.")
            .takes::<ProjectFields>(&["project_name"], example())
            .writes::<Project>(&[]),
        Command::get("/user/project/{project_id}", read, "A project").answers::<Project>(),
        Command::put("/user/project/{project_id}", update, "Change a project")
            .text("For its owners.")
            .takes::<ProjectFields>(&[], example())
            .ignores(&READ_ONLY)
            .writes::<Project>(&[]),
        Command::delete("/user/project/{project_id}", remove, "Delete a project")
            .text("With its checks, channels and all of their history. For its owners."),
        Command::post("/user/project/{project_id}/ping-key", renew_ping_key, "Make a new ping key")
            .text("The old one stops working at once. For owners.")
            .writes::<Project>(&[]),
    ]
}

/// A project.
#[derive(Debug, Serialize, ToSchema)]
pub struct Project {
    /// The project's id.
    #[schema(minimum = 1)]
    project_id: i64,
    /// What it is called.
    project_name: String,
    /// Its UUID; null for those who may not ping: tokens without `write`, and viewers.
    #[schema(required)]
    uuid: Option<String>,
    /// The key of its slug URLs; null for those who may not ping.
    #[schema(required)]
    ping_key: Option<String>,
    /// A ping to an unknown slug may make a check.
    auto_create: Flag,
    /// How many checks it has.
    #[schema(minimum = 0)]
    check_count: i64,
    /// How its checks are.
    #[schema(schema_with = status_words)]
    status: &'static str,
    /// When it was made.
    created_at: Time,
}

fn status_words() -> Object {
    let text = "How its checks are: the first of these that occurs; new where there is none.";
    words(BY_WEIGHT, text)
}

impl Model for Project {
    fn example() -> Self {
        Self {
            project_id: 1,
            project_name: "Backups".to_owned(),
            uuid: Some("c1b6a8a2-57c0-4b9b-9d2f-0d3c4f3f2f10".to_owned()),
            ping_key: Some("fqOOd6-F4MMNuCEnzTU01w".to_owned()),
            auto_create: Flag(1),
            check_count: 2,
            status: "up",
            created_at: Time::example(0),
        }
    }
}

body! {
    /// What is set about a project.
    pub struct ProjectFields {
        /// What it is called: 1 to 100 characters, not all of them spaces, no control characters but
        /// tabs.
        #[schema(
            min_length = 1,
            max_length = 100,
            pattern = r"^[^\x00-\x08\x0a-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x08\x0a-\x1f\x7f-\x9f]*$"
        )]
        project_name: String,
        /// A ping to an unknown slug may make a check; 1 where it is not said.
        auto_create: Flag,
    }
}

/// `GET /user/project-list`
pub async fn list(call: Call) -> Answer {
    let page = call.query()?.page()?;
    let mut conn = call.ctx.store.read().await?;
    let user_id = call.caller.user_id;
    let (rows, total) =
        store::projects::list_for(&mut conn, user_id, page.offset, page.limit).await?;
    let counts = counts_of(&call, &mut conn, &rows).await?;
    let list = rows.iter().map(|row| shown(&call, row, &counts)).collect();
    page.reply(list, total, Some(projects::MAX_COUNT))
}

/// `POST /user/project`
pub async fn create(call: Call) -> Answer {
    let mut fields = call.fields()?;
    let wanted = ProjectFields::read(&mut fields)?;
    fields.finish()?;
    let name = required("project_name", wanted.project_name)?;
    let auto_create = wanted.auto_create.is_none_or(bool::from);
    let row = projects::create(&call.ctx, call.caller.user_id, &name, auto_create).await?;
    written(&call, &row).await
}

/// `GET /user/project/{project_id}`
pub async fn read(call: Call) -> Answer {
    call.takes_nothing()?;
    let row = call.project(Role::Viewer).await?;
    let mut conn = call.ctx.store.read().await?;
    let rows = [row];
    let counts = counts_of(&call, &mut conn, &rows).await?;
    Reply::of(&shown(&call, &rows[0], &counts))
}

/// `PUT /user/project/{project_id}`
pub async fn update(call: Call) -> Answer {
    let mut fields = call.fields()?;
    let wanted = ProjectFields::read(&mut fields)?;
    fields.ignore(&READ_ONLY);
    fields.finish()?;
    let (name, auto_create) = (wanted.project_name.as_deref(), wanted.auto_create.map(bool::from));
    let (user_id, project_id) = (call.caller.user_id, call.id("project_id")?);
    let row = projects::update(&call.ctx, user_id, project_id, name, auto_create).await?;
    written(&call, &row).await
}

/// `DELETE /user/project/{project_id}`
pub async fn remove(call: Call) -> Answer {
    call.takes_nothing()?;
    projects::delete(&call.ctx, call.caller.user_id, call.id("project_id")?).await?;
    Reply::deleted()
}

/// `POST /user/project/{project_id}/ping-key`
pub async fn renew_ping_key(call: Call) -> Answer {
    call.takes_nothing()?;
    let (user_id, project_id) = (call.caller.user_id, call.id("project_id")?);
    let row = projects::renew_ping_key(&call.ctx, user_id, project_id).await?;
    written(&call, &row).await
}

async fn written(call: &Call, row: &ProjectRow) -> Answer {
    let mut conn = call.ctx.store.read().await?;
    let counts = counts_of(call, &mut conn, std::slice::from_ref(row)).await?;
    Reply::written(shown(call, row, &counts), &[])
}

async fn counts_of(call: &Call, conn: &mut Conn, rows: &[ProjectRow]) -> Result<Vec<StatusCount>> {
    let ids: Vec<i64> = rows.iter().map(|row| row.project_id).collect();
    store::projects::status_counts(conn, &ids, call.ctx.now()).await
}

fn shown(call: &Call, row: &ProjectRow, counts: &[StatusCount]) -> Project {
    let own = || counts.iter().filter(|count| count.project_id == row.project_id);
    let occurs = |status: &&str| own().any(|count| count.status == *status && count.checks > 0);
    let may_ping = call.may_ping(row);
    Project {
        project_id: row.project_id,
        project_name: row.project_name.clone(),
        uuid: may_ping.then(|| row.uuid.clone()),
        ping_key: may_ping.then(|| row.ping_key.clone()),
        auto_create: row.auto_create.into(),
        check_count: own().map(|count| count.checks).sum::<i64>(),
        status: BY_WEIGHT.into_iter().find(occurs).unwrap_or("new"),
        created_at: row.created_at.into(),
    }
}
