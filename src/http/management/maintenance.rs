//! `…/maintenance-list`, `…/maintenance` and `…/maintenance/{maintenance_id}`: times during which no
//! alert goes out.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::schema::{SchemaFormat, SchemaType};
use utoipa::openapi::{Array, ArrayBuilder, KnownFormat, Object, ObjectBuilder, Type};

use super::call::{Answer, Call, Reply};
use super::checks::expression_or_null;
use super::command::Command;
use super::fields::{Body, Fields, body};
use super::model::{Model, Time, id, time};
use crate::fault::Result;
use crate::service::maintenance::{self, Change};
use crate::service::remark;
use crate::store;
use crate::store::maintenance::Window;
use crate::store::projects::Role;

/// What can be read of a window and not be written.
const READ_ONLY: [&str; 1] = ["maintenance_id"];

/// What all of them do, for the description of those that write.
const EFFECT: &str = "\
While a window is open, status changes of the checks it covers are recorded, and their notifications \
are `suppressed`, with the window's title in `last_error`; reminders and channels that wait (`after`) \
keep still too. When it ends, each channel is told of what is still down and was not told to it \
before, and that a check is up again of whose down it was told before the window. Channels that wait \
count from the end, reminders go on from there. A window that is changed so that it covers a check no \
more, or is deleted, ends for that check at once. Windows may overlap: what several cover is told \
when the last of them ends. One with `repeat` and `duration` opens again and again, from `starts_at` \
to `ends_at` where they are given; any other one is open between those two. For editors.";

/// The commands of this file.
pub fn commands() -> Vec<Command> {
    let remarks = [
        &remark::MAINTENANCE_ENDED,
        &remark::MAINTENANCE_NEVER_CLOSES,
        &remark::MAINTENANCE_COVERS_NOTHING,
    ];
    vec![
        Command::get(
            "/user/project/{project_id}/maintenance-list",
            list,
            "The maintenance windows of a project",
        )
        .text("By id, ended ones included.")
        .lists::<Maintenance>(),
        Command::post(
            "/user/project/{project_id}/maintenance",
            create,
            "Make a maintenance window",
        )
        .text(EFFECT)
        .takes::<MaintenanceFields>(&[], example())
        .writes::<Maintenance>(&remarks),
        Command::get(
            "/user/project/{project_id}/maintenance/{maintenance_id}",
            read,
            "A maintenance window",
        )
        .answers::<Maintenance>(),
        Command::put(
            "/user/project/{project_id}/maintenance/{maintenance_id}",
            update,
            "Change a maintenance window",
        )
        .text(EFFECT)
        .takes::<MaintenanceFields>(&[], json!({"ends_at": Time::example(10_800)}))
        .ignores(&READ_ONLY)
        .writes::<Maintenance>(&remarks),
        Command::delete(
            "/user/project/{project_id}/maintenance/{maintenance_id}",
            remove,
            "Delete a maintenance window",
        )
        .text("If it is open, it ends now. For editors."),
    ]
}

fn example() -> Value {
    json!({
        "title": "New disks",
        "starts_at": Time::example(0),
        "ends_at": Time::example(7200),
        "tags": ["storage"],
    })
}

/// A maintenance window: a time during which no alert goes out.
#[derive(Debug, Serialize, ToSchema)]
#[allow(clippy::struct_field_names, reason = "the names of fields are the contract's")]
pub struct Maintenance {
    /// The window's id.
    #[schema(minimum = 1)]
    maintenance_id: i64,
    /// What it is called; may be empty.
    title: String,
    /// When it begins; of one that repeats, the first moment at which it may, or null.
    #[schema(required)]
    starts_at: Option<Time>,
    /// When it ends: from this moment on alerts go out again. Of one that repeats, for good, or null.
    #[schema(required)]
    ends_at: Option<Time>,
    /// When it begins again and again, as a cron or OnCalendar expression, in UTC unless that names a
    /// time zone; null: it does not repeat.
    #[schema(required)]
    repeat: Option<String>,
    /// How long it lasts each time; null where it does not repeat.
    #[schema(required, extensions(("x-unit" = json!("seconds"))))]
    duration: Option<i64>,
    /// The checks that it covers, by their ids. With `tags` empty too, it covers the whole project.
    checks: Vec<i64>,
    /// It covers the checks that have one of these tags, whenever they get it.
    tags: Vec<String>,
}

impl Model for Maintenance {
    fn example() -> Self {
        Self {
            maintenance_id: 4,
            title: "New disks".to_owned(),
            starts_at: Some(Time::example(0)),
            ends_at: Some(Time::example(7200)),
            repeat: None,
            duration: None,
            checks: Vec::new(),
            tags: vec!["storage".to_owned()],
        }
    }
}

body! {
    /// What is set about a maintenance window.
    pub struct MaintenanceFields {
        /// What it is called, at most 100 characters, no control characters but tabs; empty where it
        /// is not said. It is shown beside what the window kept back.
        #[schema(max_length = 100, pattern = r"^[^\x00-\x08\x0a-\x1f\x7f-\x9f]*$")]
        title: String,
        /// The checks of this project that it covers, by their ids, besides those that `tags` names.
        /// It goes with the last of them, where it has no tags. Neither `checks` nor `tags`: the
        /// whole project.
        #[schema(schema_with = check_ids)]
        checks: Vec<i64>,
        /// It covers the checks that have one of these tags, whenever they get it: at most 20, each
        /// 1 to 50 characters without white space or comma.
        #[schema(max_items = 20, min_length = 1, max_length = 50, pattern = r"^[^\s,\x00-\x1f\x7f-\x9f]+$")]
        tags: Vec<String>,
    }
    nullable {
        /// When it begins.
        #[schema(schema_with = starts_at)]
        starts_at: Time,
        /// When it ends.
        #[schema(schema_with = ends_at)]
        ends_at: Time,
        /// When it begins again and again; null: it does not repeat.
        #[schema(schema_with = repeat)]
        repeat: String,
        /// How long it lasts each time, a minute to a year; null where it does not repeat.
        #[schema(minimum = 60, maximum = 31_536_000, extensions(("x-unit" = json!("seconds"))))]
        duration: i64,
    }
}

fn starts_at() -> Object {
    moment_or_null(
        "When it begins: RFC 3339, of the years 1970 to 9999. May be past. Of one that repeats: the \
         first moment at which it may begin, or null.",
    )
}

fn ends_at() -> Object {
    moment_or_null(
        "When it ends: RFC 3339, later than `starts_at`. One that has ended already is kept, with a \
         soft error. Of one that repeats: when it does so no more, or null.",
    )
}

fn moment_or_null(text: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some(text))
        .build()
}

fn repeat() -> Object {
    let text = "When it begins again and again, as a cron or OnCalendar expression, in UTC unless \
                that names a time zone; null: it does not repeat.";
    expression_or_null(text)
}

fn check_ids() -> Array {
    let text = "The checks of this project that it covers, by their ids, besides those that `tags` \
                names. It goes with the last of them, where it has no tags. Neither `checks` nor \
                `tags`: the whole project.";
    ArrayBuilder::new().items(id()).description(Some(text)).build()
}

/// `GET …/maintenance-list`
pub async fn list(call: Call) -> Answer {
    let page = call.query()?.page()?;
    let project = call.project(Role::Viewer).await?;
    let mut conn = call.ctx.store.read().await?;
    let (project_id, limit) = (project.project_id, page.limit);
    let (rows, total) = store::maintenance::list(&mut conn, project_id, page.offset, limit).await?;
    page.reply(rows.into_iter().map(shown).collect(), total, Some(maintenance::MAX_COUNT))
}

/// `POST …/maintenance`
pub async fn create(call: Call) -> Answer {
    let change = wanted(call.fields()?, &[])?;
    change.validate(call.ctx.now())?;
    let project = call.project(Role::Editor).await?;
    let window = maintenance::create(&call.ctx, project.project_id, &change).await?;
    written(&call, window).await
}

/// `GET …/maintenance/{maintenance_id}`
pub async fn read(call: Call) -> Answer {
    call.takes_nothing()?;
    let maintenance_id = call.id("maintenance_id")?;
    let project = call.project(Role::Viewer).await?;
    let mut conn = call.ctx.store.read().await?;
    let window = maintenance::find(&mut conn, project.project_id, maintenance_id).await?;
    Reply::of(&shown(window))
}

/// `PUT …/maintenance/{maintenance_id}`
pub async fn update(call: Call) -> Answer {
    let change = wanted(call.fields()?, &READ_ONLY)?;
    change.validate(call.ctx.now())?;
    let maintenance_id = call.id("maintenance_id")?;
    let project = call.project(Role::Editor).await?;
    let project_id = project.project_id;
    let window = maintenance::update(&call.ctx, project_id, maintenance_id, &change).await?;
    written(&call, window).await
}

/// `DELETE …/maintenance/{maintenance_id}`
pub async fn remove(call: Call) -> Answer {
    call.takes_nothing()?;
    let maintenance_id = call.id("maintenance_id")?;
    let project = call.project(Role::Editor).await?;
    maintenance::delete(&call.ctx, project.project_id, maintenance_id).await?;
    Reply::deleted()
}

/// The change that a body asks for, passing over these fields.
fn wanted(mut fields: Fields, read_only: &[&'static str]) -> Result<Change> {
    let wanted = MaintenanceFields::read(&mut fields)?;
    fields.ignore(read_only);
    fields.finish()?;
    Ok(Change {
        title: wanted.title,
        starts_at: wanted.starts_at.map(|time| time.map(|time| time.0)),
        ends_at: wanted.ends_at.map(|time| time.map(|time| time.0)),
        repeat: wanted.repeat,
        duration: wanted.duration,
        checks: wanted.checks,
        tags: wanted.tags,
    })
}

/// The answer to a write, and what needs attention.
async fn written(call: &Call, window: Window) -> Answer {
    let mut conn = call.ctx.store.read().await?;
    let remarks = maintenance::remarks(&mut conn, &window, call.ctx.now()).await?;
    Reply::written(shown(window), &remarks)
}

fn shown(window: Window) -> Maintenance {
    Maintenance {
        maintenance_id: window.maintenance_id,
        title: window.title,
        starts_at: time(window.starts_at),
        ends_at: time(window.ends_at),
        repeat: window.repeat,
        duration: window.duration,
        checks: window.checks,
        tags: window.tags,
    }
}
