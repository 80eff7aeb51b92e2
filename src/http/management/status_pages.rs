//! `…/status-page-list`, `…/status-page` and `…/status-page/{status_page_id}`: chosen checks, shown at
//! `/status/{slug}`.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{Array, ArrayBuilder};

use super::call::{Answer, Call, Reply};
use super::command::Command;
use super::fields::{Body, Fields, body, required};
use super::model::{Flag, Model, id};
use crate::domain::slug;
use crate::fault::{Fault, Result};
use crate::service::status_pages;
use crate::store;
use crate::store::projects::Role;
use crate::store::status_pages::StatusPage as Row;

/// What can be read of a page and not be written.
const READ_ONLY: [&str; 1] = ["status_page_id"];

/// The commands of this file.
pub fn commands() -> Vec<Command> {
    let effect = "The page at `/status/{slug}` shows names, states and history of its checks, never \
                  keys or bodies. For editors.";
    vec![
        Command::get(
            "/user/project/{project_id}/status-page-list",
            list,
            "The status pages of a project",
        )
        .text("By id.")
        .lists::<StatusPage>(),
        Command::post("/user/project/{project_id}/status-page", create, "Make a status page")
            .text(effect)
            .takes::<StatusPageFields>(&["title"], example())
            .writes::<StatusPage>(&[]),
        Command::get(
            "/user/project/{project_id}/status-page/{status_page_id}",
            read,
            "A status page",
        )
        .answers::<StatusPage>(),
        Command::put(
            "/user/project/{project_id}/status-page/{status_page_id}",
            update,
            "Change a status page",
        )
        .text(effect)
        .takes::<StatusPageFields>(&[], json!({"public": 0}))
        .ignores(&READ_ONLY)
        .writes::<StatusPage>(&[]),
        Command::delete(
            "/user/project/{project_id}/status-page/{status_page_id}",
            remove,
            "Delete a status page",
        )
        .text("Its address and its badge stop working. For editors."),
    ]
}

fn example() -> Value {
    json!({"title": "Our jobs", "slug": "our-jobs", "tags": ["shop"], "public": 1})
}

/// A page that shows chosen checks.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusPage {
    /// The page's id.
    #[schema(minimum = 1)]
    status_page_id: i64,
    /// What it is called.
    title: String,
    /// The last part of its address, `/status/{slug}`.
    slug: String,
    /// What stands on top of it; may be empty.
    text: String,
    /// The checks that it shows, by their ids.
    checks: Vec<i64>,
    /// It shows the checks that have one of these tags.
    tags: Vec<String>,
    /// Everybody may see it, signed in or not; else the project's members.
    public: Flag,
}

impl Model for StatusPage {
    fn example() -> Self {
        Self {
            status_page_id: 3,
            title: "Our jobs".to_owned(),
            slug: "our-jobs".to_owned(),
            text: String::new(),
            checks: Vec::new(),
            tags: vec!["shop".to_owned()],
            public: Flag(1),
        }
    }
}

body! {
    /// What is set about a status page.
    pub struct StatusPageFields {
        /// What it is called: 1 to 100 characters, not all of them spaces, no control characters but
        /// tabs.
        #[schema(
            min_length = 1,
            max_length = 100,
            pattern = r"^[^\x00-\x08\x0a-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x08\x0a-\x1f\x7f-\x9f]*$"
        )]
        title: String,
        /// The last part of its address; made of the title where it is not said. No two pages of this
        /// server have the same.
        #[schema(min_length = 1, max_length = 100, pattern = r"^[a-z0-9_-]+$")]
        slug: String,
        /// What stands on top of it, at most 2000 characters.
        #[schema(max_length = 2000)]
        text: String,
        /// The checks of this project that it shows, by their ids.
        #[schema(schema_with = check_ids)]
        checks: Vec<i64>,
        /// It shows the checks that have one of these tags: at most 20, each 1 to 50 characters without
        /// white space or comma.
        #[schema(max_items = 20, min_length = 1, max_length = 50, pattern = r"^[^\s,\x00-\x1f\x7f-\x9f]+$")]
        tags: Vec<String>,
        /// Everybody may see it, signed in or not; 1 where it is not said.
        public: Flag,
    }
}

fn check_ids() -> Array {
    let text = "The checks of this project that it shows, by their ids, at most 100.";
    ArrayBuilder::new().items(id()).max_items(Some(100)).description(Some(text)).build()
}

/// `GET …/status-page-list`
pub async fn list(call: Call) -> Answer {
    let page = call.query()?.page()?;
    let project_id = call.project(Role::Viewer).await?.project_id;
    let mut conn = call.ctx.store.read().await?;
    // A project has so few that they are read whole.
    let rows = store::status_pages::list(&mut conn, project_id).await?;
    let total = i64::try_from(rows.len()).map_err(Fault::internal)?;
    let skip = usize::try_from(page.offset).unwrap_or(usize::MAX);
    let most = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let mut list = Vec::new();
    for row in rows.into_iter().skip(skip).take(most) {
        list.push(shown(status_pages::find(&mut conn, project_id, row.status_page_id).await?));
    }
    let max_count = i64::try_from(status_pages::MAX_COUNT).map_err(Fault::internal)?;
    page.reply(list, total, Some(max_count))
}

/// `POST …/status-page`
pub async fn create(call: Call) -> Answer {
    let wanted = wanted(call.fields()?, &[])?;
    let title = required("title", wanted.title.clone())?;
    let project_id = call.project(Role::Editor).await?.project_id;
    let fresh =
        Row { project_id, slug: slug::derive(&title), public: true.into(), ..Row::default() };
    written(&call, put(wanted, fresh)).await
}

/// `GET …/status-page/{status_page_id}`
pub async fn read(call: Call) -> Answer {
    call.takes_nothing()?;
    let id = call.id("status_page_id")?;
    let project_id = call.project(Role::Viewer).await?.project_id;
    let mut conn = call.ctx.store.read().await?;
    Reply::of(&shown(status_pages::find(&mut conn, project_id, id).await?))
}

/// `PUT …/status-page/{status_page_id}`
pub async fn update(call: Call) -> Answer {
    let wanted = wanted(call.fields()?, &READ_ONLY)?;
    let id = call.id("status_page_id")?;
    let project_id = call.project(Role::Editor).await?.project_id;
    let mut conn = call.ctx.store.read().await?;
    let old = status_pages::find(&mut conn, project_id, id).await?;
    drop(conn);
    written(&call, put(wanted, old)).await
}

/// `DELETE …/status-page/{status_page_id}`
pub async fn remove(call: Call) -> Answer {
    call.takes_nothing()?;
    let id = call.id("status_page_id")?;
    let project_id = call.project(Role::Editor).await?.project_id;
    status_pages::delete(&call.ctx, project_id, id).await?;
    Reply::deleted()
}

fn wanted(mut fields: Fields, read_only: &[&'static str]) -> Result<StatusPageFields> {
    let wanted = StatusPageFields::read(&mut fields)?;
    fields.ignore(read_only);
    fields.finish()?;
    Ok(wanted)
}

/// The page with what is to be set.
fn put(wanted: StatusPageFields, mut page: Row) -> Row {
    page.title = wanted.title.unwrap_or(page.title);
    page.slug = wanted.slug.unwrap_or(page.slug);
    page.text = wanted.text.unwrap_or(page.text);
    page.checks = wanted.checks.unwrap_or(page.checks);
    page.tags = wanted.tags.unwrap_or(page.tags);
    page.public = wanted.public.map_or(page.public, |flag| bool::from(flag).into());
    page
}

async fn written(call: &Call, page: Row) -> Answer {
    let project_id = page.project_id;
    let id = status_pages::save(&call.ctx, page).await?;
    let mut conn = call.ctx.store.read().await?;
    Reply::written(shown(status_pages::find(&mut conn, project_id, id).await?), &[])
}

fn shown(row: Row) -> StatusPage {
    StatusPage {
        status_page_id: row.status_page_id,
        title: row.title,
        slug: row.slug,
        text: row.text,
        checks: row.checks,
        tags: row.tags,
        public: row.public.into(),
    }
}
