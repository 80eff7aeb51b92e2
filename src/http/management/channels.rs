//! `…/channel-list`, `…/channel`, `…/channel/{channel_id}` and its test. Configurations are shown
//! masked; a secret that was made for a channel is shown once, in the answer to the POST.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::Object;

use super::call::{Answer, Call, Reply};
use super::channel_config;
use super::command::Command;
use super::fields::{Body, Fields, body, required};
use super::model::{Flag, Model, Time, time, words};
use crate::fault::{Fault, Result};
use crate::notify::channels::Kind;
use crate::service::channels::{self, Change};
use crate::service::remark;
use crate::service::{checks, users};
use crate::store;
use crate::store::channels::ChannelRow;
use crate::store::projects::Role;

/// What can be read of a channel and not be written.
const READ_ONLY: [&str; 3] = ["channel_id", "last_error", "last_sent_at"];

/// The commands of this file.
pub fn commands() -> Vec<Command> {
    let example = || {
        json!({"channel_name": "Chat", "kind": "webhook",
        "config": channel_config::example()})
    };
    let remarks = [&remark::CHANNEL_DISABLED, &remark::CHANNEL_UNCONFIRMED, &remark::QUEUE_DELAYED];
    let test_remarks = [
        &remark::CHANNEL_DISABLED,
        &remark::CHANNEL_UNCONFIRMED,
        &remark::CHANNEL_DELIVERY_FAILED,
        &remark::QUEUE_DELAYED,
    ];
    vec![
        Command::get("/user/project/{project_id}/channel-list", list, "The channels of a project")
            .lists::<Channel>(),
        Command::post("/user/project/{project_id}/channel", create, "Make a channel")
            .text(
                "A `secret` that was made for it is shown whole in this one answer and never again; \
                 whatever else is secret is masked, as when it is read. For editors.",
            )
            .takes::<ChannelFields>(&["kind", "config"], example())
            .writes::<Channel>(&remarks),
        Command::get("/user/project/{project_id}/channel/{channel_id}", read, "A channel")
            .answers::<Channel>(),
        Command::put("/user/project/{project_id}/channel/{channel_id}", update, "Change a channel")
            .text(
                "Secrets that come back masked stay as they are, as long as scheme, host and port \
                 do. The kind can't be changed. For editors.",
            )
            .takes::<ChannelFields>(&[], json!({"on_up": 0}))
            .ignores(&READ_ONLY)
            .writes::<Channel>(&remarks),
        Command::delete(
            "/user/project/{project_id}/channel/{channel_id}",
            remove,
            "Delete a channel",
        )
        .text("Its notifications go with it. For editors.")
        .remarks(&[&remark::CHANNEL_NONE_ASSIGNED]),
        Command::post(
            "/user/project/{project_id}/channel/{channel_id}/test",
            test,
            "Send a test message",
        )
        .text(
            "It is sent at once; what went wrong is a soft error. Where the recipient of mail has \
             not confirmed the address yet, they are asked again instead, a few times a day at \
             most. For editors.",
        )
        .writes::<Channel>(&test_remarks),
    ]
}

/// A channel: somewhere that alerts are sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct Channel {
    /// The channel's id.
    #[schema(minimum = 1)]
    channel_id: i64,
    /// What it is called.
    channel_name: String,
    /// What kind of receiver it is.
    #[schema(schema_with = kind_words)]
    kind: String,
    /// The kind's own settings. Header values, passwords in URLs and the `secret` are masked, save a
    /// `secret` that was made for it, in the answer to the POST.
    #[schema(value_type = Object)]
    config: Value,
    /// It is told when a check goes down.
    on_down: Flag,
    /// It is told when a check is up again.
    on_up: Flag,
    /// It is told of a down only after so many minutes, if it lasts.
    #[schema(minimum = 0, maximum = 10_080, extensions(("x-unit" = json!("minutes"))))]
    after: i64,
    /// It is reminded of a down every so many minutes; 0: never.
    #[schema(minimum = 0, maximum = 10_080, extensions(("x-unit" = json!("minutes"))))]
    remind_every: i64,
    /// Messages a minute after which further ones are collected; 0: never.
    #[schema(minimum = 0, maximum = 1000)]
    group_threshold: i64,
    /// It takes nothing at the moment.
    disabled: Flag,
    /// What went wrong the last time; null where nothing did.
    #[schema(required)]
    last_error: Option<String>,
    /// When something was last sent.
    #[schema(required)]
    last_sent_at: Option<Time>,
}

fn kind_words() -> Object {
    words(Kind::all().map(Kind::as_str), "What kind of receiver it is.")
}

impl Model for Channel {
    fn example() -> Self {
        Self {
            channel_id: 3,
            channel_name: "Chat".to_owned(),
            kind: "webhook".to_owned(),
            config: json!({"url_down": "https://chat.example.org/hook", "secret": "whsec_…"}),
            on_down: Flag(1),
            on_up: Flag(1),
            after: 0,
            remind_every: 0,
            group_threshold: 0,
            disabled: Flag(0),
            last_error: None,
            last_sent_at: None,
        }
    }
}

body! {
    /// What is set about a channel.
    pub struct ChannelFields {
        /// What it is called: 1 to 100 characters, no control characters but tabs; its kind where
        /// it is not said.
        #[schema(min_length = 1, max_length = 100, pattern = r"^[^\x00-\x08\x0a-\x1f\x7f-\x9f]*$")]
        channel_name: String,
        /// What kind of receiver it is; it can't be changed.
        #[schema(schema_with = kind_words)]
        kind: String,
        /// The kind's own settings.
        #[schema(schema_with = channel_config::schema)]
        config: Value,
        /// It is told when a check goes down; 1 where it is not said.
        on_down: Flag,
        /// It is told when a check is up again; 1 where it is not said.
        on_up: Flag,
        /// It is told of a down only after so many minutes, if it lasts.
        #[schema(minimum = 0, maximum = 10_080, extensions(("x-unit" = json!("minutes"))))]
        after: i64,
        /// It is reminded of a down every so many minutes; 0: never.
        #[schema(minimum = 0, maximum = 10_080, extensions(("x-unit" = json!("minutes"))))]
        remind_every: i64,
        /// Messages a minute after which further ones are collected for five seconds at a time and go
        /// as one; 0: never. Where it is not said, 10 for kinds that people read, else 0. Of kinds that keep
        /// incidents, and of groups, it must be 0.
        #[schema(minimum = 0, maximum = 1000)]
        group_threshold: i64,
        /// It takes nothing at the moment; 0 enables it again.
        disabled: Flag,
    }
}

/// `GET …/channel-list`
pub async fn list(call: Call) -> Answer {
    let page = call.query()?.page()?;
    let project = call.project(Role::Viewer).await?;
    let mut conn = call.ctx.store.read().await?;
    let (rows, total) =
        store::channels::list(&mut conn, project.project_id, page.offset, page.limit).await?;
    let list = rows.into_iter().map(|row| shown(&call, row)).collect::<Result<Vec<_>>>()?;
    page.reply(list, total, Some(channels::MAX_COUNT))
}

/// `POST …/channel`
pub async fn create(call: Call) -> Answer {
    let (kind, change) = wanted(call.fields()?, &[])?;
    let kind = required("kind", kind)?;
    change.validate()?;
    let given = required("config", change.config.as_ref())?;
    let kind = channels::kind_of(&kind)?;
    let config = channels::new_config(kind, given)?;
    let project = call.project(Role::Editor).await?;
    let row = channels::create(&call.ctx, project.project_id, kind, &config, &change).await?;
    written(&call, row, channels::first_shown_config(kind, given, &config)).await
}

/// `GET …/channel/{channel_id}`
pub async fn read(call: Call) -> Answer {
    call.takes_nothing()?;
    let channel_id = call.id("channel_id")?;
    let project = call.project(Role::Viewer).await?;
    let mut conn = call.ctx.store.read().await?;
    let row = channels::find(&mut conn, project.project_id, channel_id).await?;
    Reply::of(&shown(&call, row)?)
}

/// `PUT …/channel/{channel_id}`
pub async fn update(call: Call) -> Answer {
    let (kind, change) = wanted(call.fields()?, &READ_ONLY)?;
    change.validate()?;
    let channel_id = call.id("channel_id")?;
    let project = call.project(Role::Editor).await?;
    check_same_kind(&call, project.project_id, channel_id, kind.as_deref()).await?;
    let row = channels::update(&call.ctx, project.project_id, channel_id, &change).await?;
    let config = channels::shown_config(&call.ctx, &row)?;
    written(&call, row, config).await
}

/// `DELETE …/channel/{channel_id}`
pub async fn remove(call: Call) -> Answer {
    call.takes_nothing()?;
    let channel_id = call.id("channel_id")?;
    let project = call.project(Role::Editor).await?;
    let remarks = channels::delete(&call.ctx, project.project_id, channel_id).await?;
    Reply::deleted_with(&remarks)
}

/// `POST …/channel/{channel_id}/test`: sends a message at once and answers what came of it.
pub async fn test(call: Call) -> Answer {
    call.takes_nothing()?;
    let channel_id = call.id("channel_id")?;
    let project = call.project(Role::Editor).await?;
    let mut conn = call.ctx.store.read().await?;
    let user = store::users::find(&mut conn, call.caller.user_id).await?.ok_or(Fault::NotFound)?;
    drop(conn);
    let zone = users::time_zone(&user.timezone).unwrap_or(chrono_tz::Tz::UTC);
    let (row, remarks) =
        channels::test(&call.ctx, &call.outbound, &project, channel_id, zone).await?;
    Reply::written(shown(&call, row)?, &remarks)
}

/// The kind and the change that a body asks for, passing over these fields.
fn wanted(mut fields: Fields, read_only: &[&'static str]) -> Result<(Option<String>, Change)> {
    let wanted = ChannelFields::read(&mut fields)?;
    fields.ignore(read_only);
    fields.finish()?;
    let change = Change {
        channel_name: wanted.channel_name,
        config: wanted.config,
        on_down: wanted.on_down.map(bool::from),
        on_up: wanted.on_up.map(bool::from),
        after: wanted.after,
        remind_every: wanted.remind_every,
        group_threshold: wanted.group_threshold,
        disabled: wanted.disabled.map(bool::from),
    };
    Ok((wanted.kind, change))
}

/// A kind may come back as it was read; another one would need another configuration.
async fn check_same_kind(
    call: &Call,
    project_id: i64,
    channel_id: i64,
    kind: Option<&str>,
) -> Result<()> {
    let mut conn = call.ctx.store.read().await?;
    let row = channels::find(&mut conn, project_id, channel_id).await?;
    if kind.is_none_or(|kind| kind == row.kind) {
        return Ok(());
    }
    let reason = format!("is {} and can't be changed: make another channel", row.kind);
    Err(Fault::invalid("kind", reason))
}

/// The answer to a write, and what needs attention.
async fn written(call: &Call, row: ChannelRow, config: Value) -> Answer {
    let mut conn = call.ctx.store.read().await?;
    let mut remarks = channels::remarks(&call.ctx, &row)?;
    remarks.extend(checks::queue_remark(&mut conn, row.project_id, call.ctx.now()).await?);
    Reply::written(with_config(row, config), &remarks)
}

fn shown(call: &Call, row: ChannelRow) -> Result<Channel> {
    let config = channels::shown_config(&call.ctx, &row)?;
    Ok(with_config(row, config))
}

fn with_config(row: ChannelRow, config: Value) -> Channel {
    Channel {
        channel_id: row.channel_id,
        channel_name: row.channel_name,
        kind: row.kind,
        config,
        on_down: row.on_down.into(),
        on_up: row.on_up.into(),
        after: row.after_minutes,
        remind_every: row.remind_every,
        group_threshold: row.group_threshold,
        disabled: row.disabled.into(),
        last_error: row.last_error,
        last_sent_at: time(row.last_sent_at),
    }
}
