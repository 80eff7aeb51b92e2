//! What happened to a check: its pings, runs, flips and notifications, the latest first.

use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::Object;

use super::call::{Answer, Call, Reply};
use super::command::Command;
use super::model::{Model, Time, seconds, time, words};
use crate::domain::check::{Reason, Status};
use crate::domain::ping::{Method, PingKind, Scheme};
use crate::domain::run::RunResult;
use crate::fault::{Fault, Result};
use crate::service::checks;
use crate::store;
use crate::store::flips::FlipRow;
use crate::store::notifications::{NotificationRow, NotificationState, Of};
use crate::store::pings::PingRow;
use crate::store::projects::Role;
use crate::store::runs::RunRow;
use crate::store::tx::Conn;

/// The commands of this file.
pub fn commands() -> Vec<Command> {
    vec![
        Command::get(
            "/user/project/{project_id}/check/{check_id}/ping-list",
            pings,
            "The pings of a check",
        )
        .text("The latest first; `ping.log_limit` of them are kept.")
        .lists::<Ping>(),
        Command::get("/user/project/{project_id}/check/{check_id}/ping/{n}", ping, "A ping")
            .answers::<Ping>(),
        Command::get(
            "/user/project/{project_id}/check/{check_id}/ping/{n}/body",
            ping_body,
            "The body of a ping",
        )
        .text("A conversion command: the bytes as they were sent, and none of a ping without any.")
        .converts("text/plain", "backup done\n"),
        Command::get(
            "/user/project/{project_id}/check/{check_id}/run-list",
            runs,
            "The runs of a check",
        )
        .text("From start to finish; the latest first.")
        .lists::<Run>(),
        Command::get(
            "/user/project/{project_id}/check/{check_id}/flip-list",
            flips,
            "The changes of status of a check",
        )
        .text("The latest first.")
        .lists::<Flip>(),
        Command::get(
            "/user/project/{project_id}/check/{check_id}/notification-list",
            notifications_of_check,
            "The notifications of a check",
        )
        .text("The latest first.")
        .lists::<Notification>(),
        Command::get(
            "/user/project/{project_id}/notification-list",
            notifications_of_project,
            "The notifications of a project",
        )
        .text("The latest first.")
        .lists::<Notification>(),
    ]
}

/// A ping as it is kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ping {
    /// Its number within its check, from 1 without a gap.
    #[schema(minimum = 1)]
    n: i64,
    /// When it was received.
    at: Time,
    /// What it counts as.
    #[schema(schema_with = ping_kind_words)]
    kind: &'static str,
    /// The exit status that it told.
    #[schema(required, minimum = 0, maximum = 255)]
    exit_status: Option<i16>,
    /// The id of its run: a UUID.
    #[schema(required)]
    rid: Option<String>,
    /// How it came.
    #[schema(schema_with = scheme_words)]
    scheme: &'static str,
    /// The HTTP method that it came with.
    #[schema(schema_with = method_words)]
    method: &'static str,
    /// Where it came from.
    remote_address: String,
    /// What sent it: at most 200 characters.
    user_agent: String,
    /// How long its body was, of which `ping.body_limit` bytes are kept.
    #[schema(minimum = 0, extensions(("x-unit" = json!("bytes"))))]
    body_size: i64,
    /// How long the run took that it finished.
    #[schema(required, minimum = 0, extensions(("x-unit" = json!("seconds"))))]
    duration: Option<f64>,
}

fn ping_kind_words() -> Object {
    let text = "What it counts as; `ign` is stored and has no effect.";
    words(PingKind::ALL.iter().map(|kind| kind.as_str()), text)
}

fn scheme_words() -> Object {
    words(Scheme::ALL.iter().map(|scheme| scheme.as_str()), "How it came.")
}

fn method_words() -> Object {
    words(
        Method::ALL.iter().map(|method| method.as_str()),
        "The HTTP method that it came with; empty where it came by mail.",
    )
}

impl Model for Ping {
    fn example() -> Self {
        Self {
            n: 42,
            at: Time::example(0),
            kind: PingKind::Success.as_str(),
            exit_status: Some(0),
            rid: None,
            scheme: Scheme::Https.as_str(),
            method: Method::Post.as_str(),
            remote_address: "192.0.2.7".to_owned(),
            user_agent: "curl/8.11.0".to_owned(),
            body_size: 12,
            duration: Some(61.25),
        }
    }
}

/// A run of a job, from its start to its finish.
#[derive(Debug, Serialize, ToSchema)]
pub struct Run {
    /// The run's id.
    #[schema(minimum = 1)]
    run_id: i64,
    /// The UUID that its pings carried; null for the anonymous run.
    #[schema(required)]
    rid: Option<String>,
    /// When it began.
    started_at: Time,
    /// When it ended; null while it is open.
    #[schema(required)]
    finished_at: Option<Time>,
    /// How long it took; null while it is open, where it is not known, and over 72 hours.
    #[schema(required, minimum = 0, extensions(("x-unit" = json!("seconds"))))]
    duration: Option<f64>,
    /// What became of it.
    #[schema(schema_with = result_words)]
    result: &'static str,
    /// The exit status that came with its finish.
    #[schema(required, minimum = 0, maximum = 255)]
    exit_status: Option<i16>,
}

fn result_words() -> Object {
    words(RunResult::ALL.iter().map(|result| result.as_str()), "What became of it.")
}

impl Model for Run {
    fn example() -> Self {
        Self {
            run_id: 9,
            rid: Some("7b1b7a5e-3b1b-4a53-9a3a-64e2a3c5c1a1".to_owned()),
            started_at: Time::example(0),
            finished_at: Some(Time::example(61)),
            duration: Some(61.0),
            result: RunResult::Success.as_str(),
            exit_status: Some(0),
        }
    }
}

/// A change of status.
#[derive(Debug, Serialize, ToSchema)]
pub struct Flip {
    /// The flip's id.
    #[schema(minimum = 1)]
    flip_id: i64,
    /// When the status changed: for a missed deadline, the deadline.
    at: Time,
    /// The status before.
    #[schema(schema_with = status_words)]
    from: &'static str,
    /// The status after.
    #[schema(schema_with = status_words)]
    to: &'static str,
    /// Why.
    #[schema(schema_with = reason_words)]
    reason: &'static str,
}

pub(super) fn status_words() -> Object {
    words(Status::ALL.iter().map(|status| status.as_str()), "A status.")
}

pub(super) fn reason_words() -> Object {
    words(Reason::ALL.iter().map(|reason| reason.as_str()), "Why.")
}

impl Model for Flip {
    fn example() -> Self {
        Self {
            flip_id: 5,
            at: Time::example(0),
            from: Status::Up.as_str(),
            to: Status::Down.as_str(),
            reason: Reason::Timeout.as_str(),
        }
    }
}

/// A message that was, or is to be, sent through a channel.
#[derive(Debug, Serialize, ToSchema)]
pub struct Notification {
    /// The notification's id.
    #[schema(minimum = 1)]
    notification_id: i64,
    /// The channel that it goes through.
    #[schema(minimum = 1)]
    channel_id: i64,
    /// The flip that it tells of; null for messages that tell of none.
    #[schema(required, minimum = 1)]
    flip_id: Option<i64>,
    /// What became of it.
    #[schema(schema_with = state_words)]
    state: &'static str,
    /// How often it was tried.
    #[schema(minimum = 0)]
    attempts: i64,
    /// When it was made.
    created_at: Time,
    /// When it was sent.
    #[schema(required)]
    sent_at: Option<Time>,
    /// When it is tried next.
    #[schema(required)]
    next_attempt_at: Option<Time>,
    /// What went wrong the last time, or why it was not sent.
    #[schema(required)]
    last_error: Option<String>,
}

fn state_words() -> Object {
    let states = NotificationState::ALL.iter().map(|state| state.as_str());
    words(states, "What became of it.")
}

impl Model for Notification {
    fn example() -> Self {
        Self {
            notification_id: 11,
            channel_id: 3,
            flip_id: Some(5),
            state: NotificationState::Sent.as_str(),
            attempts: 1,
            created_at: Time::example(0),
            sent_at: Some(Time::example(1)),
            next_attempt_at: None,
            last_error: None,
        }
    }
}

/// A connection, and the id of the check in the path, which is the caller's to see.
async fn open(call: &Call) -> Result<(Conn, i64)> {
    let check_id = call.id("check_id")?;
    let project = call.project(Role::Viewer).await?;
    let mut conn = call.ctx.store.read().await?;
    let (row, _) = checks::find(&mut conn, project.project_id, check_id).await?;
    Ok((conn, row.check_id))
}

/// `GET …/ping-list`
pub async fn pings(call: Call) -> Answer {
    let page = call.query()?.page()?;
    let (mut conn, check_id) = open(&call).await?;
    let (rows, total) = store::pings::list(&mut conn, check_id, page.offset, page.limit).await?;
    let max_count = i64::from(call.ctx.config.ping.log_limit);
    page.reply(rows.iter().map(shown_ping).collect(), total, Some(max_count))
}

/// `GET …/ping/{n}`
pub async fn ping(call: Call) -> Answer {
    call.takes_nothing()?;
    let n = call.id("n")?;
    let (mut conn, check_id) = open(&call).await?;
    let row = store::pings::find(&mut conn, check_id, n).await?;
    Reply::of(&shown_ping(&row.ok_or_else(no_ping)?))
}

/// `GET …/ping/{n}/body`: the bytes as sent; none of a ping without a body.
pub async fn ping_body(call: Call) -> Answer {
    call.takes_nothing()?;
    let n = call.id("n")?;
    let (mut conn, check_id) = open(&call).await?;
    store::pings::find(&mut conn, check_id, n).await?.ok_or_else(no_ping)?;
    let body = store::pings::body(&mut conn, check_id, n).await?;
    Ok(Reply::converted("text/plain; charset=utf-8", body.unwrap_or_default()))
}

fn no_ping() -> Fault {
    Fault::Forbidden("this check has no ping of that number, or none any more".to_owned())
}

/// `GET …/run-list`
pub async fn runs(call: Call) -> Answer {
    let page = call.query()?.page()?;
    let (mut conn, check_id) = open(&call).await?;
    let (rows, total) = store::runs::list(&mut conn, check_id, page.offset, page.limit).await?;
    page.reply(rows.iter().map(shown_run).collect(), total, None)
}

/// `GET …/flip-list`
pub async fn flips(call: Call) -> Answer {
    let page = call.query()?.page()?;
    let (mut conn, check_id) = open(&call).await?;
    let (rows, total) = store::flips::list(&mut conn, check_id, page.offset, page.limit).await?;
    page.reply(rows.iter().map(shown_flip).collect(), total, None)
}

/// `GET …/check/{check_id}/notification-list`
pub async fn notifications_of_check(call: Call) -> Answer {
    let page = call.query()?.page()?;
    let (mut conn, check_id) = open(&call).await?;
    let of = Of::Check(check_id);
    let (rows, total) = store::notifications::list(&mut conn, of, page.offset, page.limit).await?;
    page.reply(rows.iter().map(shown_notification).collect(), total, None)
}

/// `GET /user/project/{project_id}/notification-list`
pub async fn notifications_of_project(call: Call) -> Answer {
    let page = call.query()?.page()?;
    let project = call.project(Role::Viewer).await?;
    let mut conn = call.ctx.store.read().await?;
    let of = Of::Project(project.project_id);
    let (rows, total) = store::notifications::list(&mut conn, of, page.offset, page.limit).await?;
    page.reply(rows.iter().map(shown_notification).collect(), total, None)
}

fn shown_ping(row: &PingRow) -> Ping {
    Ping {
        n: row.n,
        at: row.at.into(),
        kind: row.kind.as_str(),
        exit_status: row.exit_status,
        rid: row.rid.clone(),
        scheme: row.scheme.as_str(),
        method: row.method.as_str(),
        remote_address: row.remote_address.clone(),
        user_agent: row.user_agent.clone(),
        body_size: row.body_size,
        duration: seconds(row.duration),
    }
}

fn shown_run(row: &RunRow) -> Run {
    Run {
        run_id: row.run_id,
        rid: row.rid.clone(),
        started_at: row.started_at.into(),
        finished_at: time(row.finished_at),
        duration: seconds(row.duration),
        result: row.result.as_str(),
        exit_status: row.exit_status,
    }
}

fn shown_flip(row: &FlipRow) -> Flip {
    Flip {
        flip_id: row.flip_id,
        at: row.at.into(),
        from: row.from_status.as_str(),
        to: row.to_status.as_str(),
        reason: row.reason.as_str(),
    }
}

fn shown_notification(row: &NotificationRow) -> Notification {
    Notification {
        notification_id: row.notification_id,
        channel_id: row.channel_id,
        flip_id: row.flip_id,
        state: row.state.as_str(),
        attempts: row.attempts,
        created_at: row.created_at.into(),
        sent_at: time(row.sent_at),
        next_attempt_at: time(row.next_attempt_at),
        last_error: row.last_error.clone(),
    }
}
