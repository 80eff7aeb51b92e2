//! `…/check-list`, `…/check` and `…/check/{check_id}`.

use serde::Serialize;
use serde_json::json;
use utoipa::openapi::schema::{SchemaFormat, SchemaType};
use utoipa::openapi::{Array, ArrayBuilder, Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};

use super::call::{Answer, Call, Reply};
use super::command::Command;
use super::fields::{Body, body, required};
use super::model::{Flag, Model, Time, id, seconds, time, words, zone};
use super::query::Query;
use crate::config::Config;
use crate::domain::schedule::{Kind, MAX_LENGTH};
use crate::fault::{Fault, Result};
use crate::service::checks::{self, Change};
use crate::service::remark;
use crate::store;
use crate::store::checks::{CheckRow, Filter, Order, OrderBy, Settings};
use crate::store::projects::{ProjectRow, Role};

/// The states that a list can be filtered by.
const STATUSES: [&str; 5] = ["new", "up", "grace", "down", "paused"];

/// What can be read of a check and not be written.
const READ_ONLY: [&str; 14] = [
    "check_id",
    "uuid",
    "status",
    "started",
    "ping_url",
    "slug_url",
    "n_pings",
    "last_ping_at",
    "last_start_at",
    "last_duration",
    "next_ping_at",
    "alert_at",
    "created_at",
    "updated_at",
];

/// The orders of a list; `-` before one reverses it.
const ORDERS: [&str; 8] = [
    "name",
    "-name",
    "created_at",
    "-created_at",
    "last_ping_at",
    "-last_ping_at",
    "status",
    "-status",
];

/// The soft errors of a check that was written.
const REMARKS: [&remark::Kind; 6] = [
    &remark::SLUG_NOT_UNIQUE,
    &remark::SLUG_EMPTY,
    &remark::SCHEDULE_NEVER_FIRES,
    &remark::CHANNEL_NONE_ASSIGNED,
    &remark::CHANNEL_DISABLED,
    &remark::QUEUE_DELAYED,
];

/// What an expression may be, as the descriptions of fields and parameters tell it.
const EXPRESSION: &str = "\
A cron expression of five fields with names, ranges, steps, lists, `L`, `LW`, `5L`, `5#2`, or an \
@-name as Debian's cron knows them, save `@reboot`; or a calendar expression as systemd's OnCalendar \
(several, one a line: the earliest counts), at most 1000 characters. Null beside the kind `simple`.";

/// The commands of this file.
pub fn commands(config: &Config) -> Vec<Command> {
    let (period, grace) = (config.checks.min_period.into(), config.checks.min_grace.into());
    let bounded = |command: Command| {
        let command = command.within("period", period, checks::LONGEST);
        let command = command.within("grace", grace, checks::LONGEST);
        command.within("max_runtime", grace, checks::LONGEST)
    };
    let example = || json!({"check_name": "Nightly backup", "period": 86_400, "grace": 3600});
    vec![
        Command::get("/user/project/{project_id}/check-list", list, "The checks of a project")
            .text("By id, unless `order` says otherwise.")
            .query::<Asked>()
            .lists::<Check>(),
        bounded(
            Command::post("/user/project/{project_id}/check", create, "Make a check")
                .text("It exists and takes pings once the answer is sent. For editors.")
                .takes::<CheckFields>(&["check_name"], example())
                .writes::<Check>(&REMARKS),
        ),
        Command::get("/user/project/{project_id}/check/{check_id}", read, "A check")
            .answers::<Check>(),
        bounded(
            Command::put("/user/project/{project_id}/check/{check_id}", update, "Change a check")
                .text("Pausing and resuming too. For editors.")
                .takes::<CheckFields>(&[], json!({"grace": 7200}))
                .takes::<PauseFields>(&[], json!({"grace": 7200}))
                .ignores(&READ_ONLY)
                .writes::<Check>(&REMARKS),
        ),
        Command::delete("/user/project/{project_id}/check/{check_id}", remove, "Delete a check")
            .text("With all of its history. For editors."),
    ]
}

/// Which checks are asked for, and in which order.
#[derive(Debug, IntoParams)]
struct Asked {
    /// Only these; may be repeated.
    #[param(required = false, minimum = 1)]
    check_id: Vec<i64>,
    /// Only those with this tag; repeated: with all of them.
    #[param(
        required = false,
        min_length = 1,
        max_length = 50,
        pattern = r"^[^\s,\x00-\x1f\x7f-\x9f]+$"
    )]
    tag: Vec<String>,
    /// Only those of this status; repeated: of any of them.
    #[param(required = false, schema_with = asked_statuses)]
    status: Vec<String>,
    /// Only those with exactly this slug.
    slug: Option<String>,
    /// Only those that have this in name, slug or tags; upper and lower case are alike.
    q: Option<String>,
    /// How they are ordered; `-` reverses it. By id where it is not said.
    #[param(required = false, schema_with = orders)]
    order: Option<Order>,
}

fn asked_statuses() -> Array {
    ArrayBuilder::new().items(words(STATUSES, "A status.")).build()
}

fn orders() -> Object {
    words(ORDERS, "How they are ordered; `-` reverses it.")
}

/// A check: a job that is expected to ping.
#[derive(Debug, Serialize, ToSchema)]
pub struct Check {
    /// The check's id.
    #[schema(minimum = 1)]
    check_id: i64,
    /// Its UUID; null for those who may not ping: tokens without `write`, and viewers.
    #[schema(required)]
    uuid: Option<String>,
    /// What it is called.
    check_name: String,
    /// Its name in slug URLs; may be empty.
    slug: String,
    /// The slug was set, and does not follow the name.
    slug_is_custom: Flag,
    /// Its tags.
    tags: Vec<String>,
    /// What it is about.
    description: String,
    /// What kind of schedule it has.
    #[schema(schema_with = kind_words)]
    kind: String,
    /// Time between two pings; null where there is a schedule.
    #[schema(required, extensions(("x-unit" = json!("seconds"))))]
    period: Option<i64>,
    /// The cron or OnCalendar expression; null where there is a period.
    #[schema(required)]
    schedule: Option<String>,
    /// The IANA time zone of the schedule; null where there is a period.
    #[schema(required)]
    timezone: Option<String>,
    /// How late a ping may be.
    #[schema(extensions(("x-unit" = json!("seconds"))))]
    grace: i64,
    /// How long a run may take; null: as long as `grace`.
    #[schema(required, extensions(("x-unit" = json!("seconds"))))]
    max_runtime: Option<i64>,
    /// How it is.
    #[schema(schema_with = status_words)]
    status: &'static str,
    /// A run is open.
    started: Flag,
    /// While it is paused, pings do not resume it.
    manual_resume: Flag,
    /// `POST`: only POST pings count; empty: all do.
    #[schema(schema_with = method_words)]
    methods: &'static str,
    /// Words, separated by commas, that make a ping a start.
    start_kw: String,
    /// Words, separated by commas, that make a ping a success.
    success_kw: String,
    /// Words, separated by commas, that make a ping a failure.
    failure_kw: String,
    /// Look for the words in the subject of mails.
    filter_subject: Flag,
    /// Look for the words in the text of mails.
    filter_body: Flag,
    /// Look for the words in the bodies of HTTP pings.
    filter_http_body: Flag,
    /// A ping without any of the words is a failure.
    filter_default_fail: Flag,
    /// So many failures in a row turn it down.
    #[schema(minimum = 1, maximum = 100)]
    failure_threshold: i64,
    /// More flips than this in an hour are flapping; 0: never.
    #[schema(minimum = 0, maximum = 1000)]
    flap_threshold: i64,
    /// How early a ping may be and still count for the next occurrence; null: a twentieth of the
    /// distance between the occurrences, at most a minute.
    #[schema(required, extensions(("x-unit" = json!("seconds"))))]
    early_tolerance: Option<i64>,
    /// The device that its job runs on (`/api/v1/devices`): it is probed when a ping is missing. Null:
    /// none.
    #[schema(required, minimum = 1)]
    device_id: Option<i64>,
    /// The channels that it tells, by their ids.
    channels: Vec<i64>,
    /// The URL to ping; null for those who may not.
    #[schema(required)]
    ping_url: Option<String>,
    /// The same by slug; null for those who may not, and where the slug is empty.
    #[schema(required)]
    slug_url: Option<String>,
    /// How many pings it has had.
    #[schema(minimum = 0)]
    n_pings: i64,
    /// When the last success or failure came.
    #[schema(required)]
    last_ping_at: Option<Time>,
    /// When the last start came.
    #[schema(required)]
    last_start_at: Option<Time>,
    /// How long the last run took.
    #[schema(required, minimum = 0, extensions(("x-unit" = json!("seconds"))))]
    last_duration: Option<f64>,
    /// When the next ping is expected.
    #[schema(required)]
    next_ping_at: Option<Time>,
    /// When it goes down if nothing comes; null while there is no deadline.
    #[schema(required)]
    alert_at: Option<Time>,
    /// When it was made.
    created_at: Time,
    /// When its settings were last changed.
    updated_at: Time,
}

/// The kinds of schedules.
pub(super) fn kind_words() -> Object {
    words(
        Kind::ALL.iter().map(|kind| kind.as_str()),
        "What kind of schedule it has: a period, a cron or an OnCalendar expression. Where it is not \
         said it follows from `schedule`.",
    )
}

/// A cron or OnCalendar expression.
pub(super) fn expression() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::Custom("cron-or-oncalendar".to_owned())))
        .max_length(Some(MAX_LENGTH))
        .description(Some(EXPRESSION))
        .examples(["30 3 * * MON-FRI", "Mon..Fri *-*-* 03:30"])
}

/// An expression or null, which is described by this text.
pub(super) fn expression_or_null(text: &str) -> Object {
    let types = SchemaType::from_iter([Type::String, Type::Null]);
    expression().schema_type(types).description(Some(text)).build()
}

fn schedule_or_null() -> Object {
    expression_or_null(EXPRESSION)
}

fn status_words() -> Object {
    words(STATUSES, "How it is; `grace`: the ping is late, and there is still time.")
}

fn zone_or_null() -> Object {
    let mut object = zone();
    object.schema_type = SchemaType::from_iter([Type::String, Type::Null]);
    object.description =
        Some("The IANA time zone of the schedule; UTC where it is not said.".to_owned());
    object
}

fn method_words() -> Object {
    words(["", "POST"], "`POST`: only POST pings count; empty: all do.")
}

fn channel_ids() -> Array {
    let text = "The channels that it tells, by their ids; all of the project where it is not said.";
    ArrayBuilder::new().items(id()).description(Some(text)).build()
}

impl Model for Check {
    fn example() -> Self {
        Self {
            check_id: 2,
            uuid: Some("5e2c3f2a-0a8f-4f43-8c0a-3a4f0f7f9b1d".to_owned()),
            check_name: "Nightly backup".to_owned(),
            slug: "nightly-backup".to_owned(),
            slug_is_custom: Flag(0),
            tags: vec!["prod".to_owned()],
            description: String::new(),
            kind: "simple".to_owned(),
            period: Some(86_400),
            schedule: None,
            timezone: None,
            grace: 3600,
            max_runtime: None,
            status: "up",
            started: Flag(0),
            manual_resume: Flag(0),
            methods: "",
            start_kw: String::new(),
            success_kw: String::new(),
            failure_kw: String::new(),
            filter_subject: Flag(0),
            filter_body: Flag(0),
            filter_http_body: Flag(0),
            filter_default_fail: Flag(0),
            failure_threshold: 1,
            flap_threshold: 6,
            early_tolerance: None,
            device_id: None,
            channels: vec![3],
            ping_url: Some(
                "https://overdue.example.org/ping/5e2c3f2a-0a8f-4f43-8c0a-3a4f0f7f9b1d".to_owned(),
            ),
            slug_url: Some(
                "https://overdue.example.org/ping/fqOOd6-F4MMNuCEnzTU01w/nightly-backup".to_owned(),
            ),
            n_pings: 42,
            last_ping_at: Some(Time::example(0)),
            last_start_at: Some(Time::example(-61)),
            last_duration: Some(61.25),
            next_ping_at: Some(Time::example(86_400)),
            alert_at: Some(Time::example(90_000)),
            created_at: Time::example(-1_000_000),
            updated_at: Time::example(-1_000_000),
        }
    }
}

body! {
    /// What is set about a check.
    pub struct CheckFields {
        /// What it is called: at most 100 characters, no control characters but tabs.
        #[schema(max_length = 100, pattern = r"^[^\x00-\x08\x0a-\x1f\x7f-\x9f]*$")]
        check_name: String,
        /// Its tags: at most 20, each 1 to 50 characters without white space or comma.
        #[schema(max_items = 20, min_length = 1, max_length = 50, pattern = r"^[^\s,\x00-\x1f\x7f-\x9f]+$")]
        tags: Vec<String>,
        /// What it is about: at most 10,000 characters.
        #[schema(max_length = 10_000)]
        description: String,
        /// What kind of schedule it has; `simple` where it is not said.
        #[schema(schema_with = kind_words)]
        kind: String,
        /// How late a ping may be, from `checks.min_grace` (normally a minute) to a year; 3600 where
        /// it is not said.
        #[schema(minimum = 60, maximum = 31_536_000, extensions(("x-unit" = json!("seconds"))))]
        grace: i64,
        /// So many failures in a row turn it down; 1 where it is not said.
        #[schema(minimum = 1, maximum = 100)]
        failure_threshold: i64,
        /// More flips than this in an hour are flapping, 0: never; 6 where it is not said.
        #[schema(minimum = 0, maximum = 1000)]
        flap_threshold: i64,
        /// While it is paused, pings do not resume it.
        manual_resume: Flag,
        /// `POST`: only POST pings count; empty: all do.
        #[schema(schema_with = method_words)]
        methods: String,
        /// Words, separated by commas, that make a ping a start: at most 200 characters.
        #[schema(max_length = 200)]
        start_kw: String,
        /// Words, separated by commas, that make a ping a success: at most 200 characters.
        #[schema(max_length = 200)]
        success_kw: String,
        /// Words, separated by commas, that make a ping a failure: at most 200 characters.
        #[schema(max_length = 200)]
        failure_kw: String,
        /// Look for the words in the subject of mails.
        filter_subject: Flag,
        /// Look for the words in the text of mails.
        filter_body: Flag,
        /// Look for the words in the bodies of HTTP pings.
        filter_http_body: Flag,
        /// A ping without any of the words is a failure.
        filter_default_fail: Flag,
        /// The channels that it tells, by their ids; all of the project where it is not said.
        #[schema(schema_with = channel_ids)]
        channels: Vec<i64>,
    }
    nullable {
        /// Its name in slug URLs: `a-z`, `0-9`, `_` and `-`. Null, or not said: made of the name.
        #[schema(max_length = 100, pattern = "^[a-z0-9_-]*$")]
        slug: String,
        /// Time between two pings of the kind `simple`, from `checks.min_period` (normally a minute)
        /// to a year; 86400 where it is not said. Null, as checks of other kinds are read: it stays.
        #[schema(minimum = 60, maximum = 31_536_000, extensions(("x-unit" = json!("seconds"))))]
        period: i64,
        /// The cron or OnCalendar expression.
        #[schema(schema_with = schedule_or_null)]
        schedule: String,
        /// The IANA time zone of the schedule; UTC where it is not said.
        #[schema(schema_with = zone_or_null)]
        timezone: String,
        /// How long a run may take, within the range of `grace`; null: as long as `grace`.
        #[schema(minimum = 60, maximum = 31_536_000, extensions(("x-unit" = json!("seconds"))))]
        max_runtime: i64,
        /// How early a ping may be and still count for the next occurrence (0: not at all); null: a
        /// twentieth of the distance between the occurrences, at most a minute.
        #[schema(minimum = 0, maximum = 86_400, extensions(("x-unit" = json!("seconds"))))]
        early_tolerance: i64,
        /// The device that its job runs on, one of this project (`/api/v1/devices`): it is probed when a
        /// ping is missing, and the alert says whether the host is down or the job silent. Null: none.
        #[schema(minimum = 1)]
        device_id: i64,
    }
}

body! {
    /// What PUT takes besides.
    pub struct PauseFields {
        /// 1 pauses it, 0 resumes it.
        paused: Flag,
        /// Comes back as it was read; 0 beside a slug that is made of the name, of the one that was
        /// or the new one: it goes on following the name.
        slug_is_custom: Flag,
    }
}

/// `GET …/check-list`
pub async fn list(call: Call) -> Answer {
    let mut query = call.query()?;
    let filter = Asked::read(&mut query)?.filter();
    let page = query.page()?;
    let project = call.project(Role::Viewer).await?;
    let mut conn = call.ctx.store.read().await?;
    let (project_id, now) = (project.project_id, call.ctx.now());
    let (rows, total) =
        store::checks::list(&mut conn, project_id, &filter, now, page.offset, page.limit).await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.check_id).collect();
    let pairs = store::channels::of_checks(&mut conn, &ids).await?;
    let list = rows.iter().map(|row| {
        let own = pairs.iter().filter(|(check_id, _)| *check_id == row.check_id);
        let channels: Vec<i64> = own.map(|(_, channel_id)| *channel_id).collect();
        shown(&call, &project, row, &channels)
    });
    let max_count = i64::from(call.ctx.config.checks.max_count);
    page.reply(list.collect(), total, Some(max_count))
}

/// `POST …/check`
pub async fn create(call: Call) -> Answer {
    let mut fields = call.fields()?;
    let change = change(CheckFields::read(&mut fields)?)?;
    fields.finish()?;
    required("check_name", change.check_name.as_ref())?;
    change.validate(&call.ctx.config)?;
    let settings = change.applied_to(&Settings::default())?;
    checks::validate(&call.ctx, &settings)?;
    let project = call.project(Role::Editor).await?;
    let channels = change.channels.as_deref();
    let check_id = checks::create(&call.ctx, project.project_id, &settings, channels).await?;
    written(&call, &project, check_id).await
}

/// `GET …/check/{check_id}`
pub async fn read(call: Call) -> Answer {
    call.takes_nothing()?;
    let check_id = call.id("check_id")?;
    let project = call.project(Role::Viewer).await?;
    let mut conn = call.ctx.store.read().await?;
    let (row, channels) = checks::find(&mut conn, project.project_id, check_id).await?;
    Reply::of(&shown(&call, &project, &row, &channels))
}

/// `PUT …/check/{check_id}`
pub async fn update(call: Call) -> Answer {
    let mut fields = call.fields()?;
    let mut change = change(CheckFields::read(&mut fields)?)?;
    let pause = PauseFields::read(&mut fields)?;
    change.paused = pause.paused.map(bool::from);
    change.slug_is_as_read = pause.slug_is_custom == Some(Flag(0));
    fields.ignore(&READ_ONLY);
    fields.finish()?;
    change.validate(&call.ctx.config)?;
    let check_id = call.id("check_id")?;
    let project = call.project(Role::Editor).await?;
    checks::update(&call.ctx, project.project_id, check_id, &change).await?;
    written(&call, &project, check_id).await
}

/// `DELETE …/check/{check_id}`
pub async fn remove(call: Call) -> Answer {
    call.takes_nothing()?;
    let check_id = call.id("check_id")?;
    let project = call.project(Role::Editor).await?;
    checks::delete(&call.ctx, project.project_id, check_id).await?;
    Reply::deleted()
}

/// The answer to a write: the check as it is read, and what needs attention.
async fn written(call: &Call, project: &ProjectRow, check_id: i64) -> Answer {
    let mut conn = call.ctx.store.read().await?;
    let (row, channels) = checks::find(&mut conn, project.project_id, check_id).await?;
    let remarks = checks::remarks(&mut conn, &row, &channels, call.ctx.now()).await?;
    Reply::written(shown(call, project, &row, &channels), &remarks)
}

impl Asked {
    fn read(query: &mut Query) -> Result<Self> {
        let asked = Self {
            check_id: query.ids("check_id")?,
            tag: query.all("tag"),
            status: query.all("status"),
            slug: query.one("slug")?,
            q: query.one("q")?,
            order: query.one("order")?.as_deref().map(order).transpose()?,
        };
        if !asked.tag.iter().all(|tag| checks::is_tag(tag)) {
            let reason = "must be a tag: 1 to 50 characters without white space or comma";
            return Err(Fault::invalid("tag", reason));
        }
        if !asked.status.iter().all(|status| STATUSES.contains(&status.as_str())) {
            let reason = format!("must be one of {}", STATUSES.join(", "));
            return Err(Fault::invalid("status", reason));
        }
        Ok(asked)
    }

    fn filter(self) -> Filter {
        Filter {
            check_ids: self.check_id,
            tags: self.tag,
            statuses: self.status,
            slug: self.slug,
            q: self.q,
            order: self.order.unwrap_or_default(),
        }
    }
}

fn order(text: &str) -> Result<Order> {
    let (name, descending) = match text.strip_prefix('-') {
        Some(name) => (name, true),
        None => (text, false),
    };
    let by = match name {
        "name" => OrderBy::Name,
        "created_at" => OrderBy::CreatedAt,
        "last_ping_at" => OrderBy::LastPingAt,
        "status" => OrderBy::Status,
        _ => {
            let reason =
                "must be name, created_at, last_ping_at or status; - before it reverses the order";
            return Err(Fault::invalid("order", reason));
        }
    };
    Ok(Order { by, descending })
}

/// What these fields ask for.
fn change(fields: CheckFields) -> Result<Change> {
    Ok(Change {
        check_name: fields.check_name,
        slug: fields.slug,
        tags: fields.tags,
        description: fields.description,
        kind: fields.kind.as_deref().map(kind).transpose()?,
        period: fields.period,
        schedule: fields.schedule,
        timezone: fields.timezone.flatten(),
        grace: fields.grace,
        max_runtime: fields.max_runtime,
        early_tolerance: fields.early_tolerance,
        failure_threshold: fields.failure_threshold,
        flap_threshold: fields.flap_threshold,
        manual_resume: fields.manual_resume.map(bool::from),
        post_only: fields.methods.as_deref().map(post_only).transpose()?,
        start_kw: fields.start_kw,
        success_kw: fields.success_kw,
        failure_kw: fields.failure_kw,
        filter_subject: fields.filter_subject.map(bool::from),
        filter_body: fields.filter_body.map(bool::from),
        filter_http_body: fields.filter_http_body.map(bool::from),
        filter_default_fail: fields.filter_default_fail.map(bool::from),
        device_id: fields.device_id,
        channels: fields.channels,
        ..Change::default()
    })
}

fn post_only(methods: &str) -> Result<bool> {
    match methods {
        "" => Ok(false),
        "POST" => Ok(true),
        _ => Err(Fault::invalid("methods", "must be \"\" (any) or \"POST\"")),
    }
}

/// The kind of schedule of this name.
///
/// # Errors
/// There is none.
pub(super) fn kind(name: &str) -> Result<Kind> {
    name.parse().map_err(|reason| Fault::invalid("kind", reason))
}

fn shown(call: &Call, project: &ProjectRow, row: &CheckRow, channels: &[i64]) -> Check {
    let settings = &row.settings;
    let endpoint = call.ctx.config.server.ping_endpoint();
    let may_ping = call.may_ping(project);
    let has_slug = may_ping && !settings.slug.is_empty();
    let is_simple = settings.kind == Kind::Simple.as_str();
    Check {
        check_id: row.check_id,
        uuid: may_ping.then(|| row.uuid.clone()),
        check_name: settings.check_name.clone(),
        slug: settings.slug.clone(),
        slug_is_custom: settings.slug_is_custom.into(),
        tags: settings.tags.0.clone(),
        description: settings.description.clone(),
        kind: settings.kind.clone(),
        period: is_simple.then_some(settings.period),
        schedule: (!is_simple).then(|| settings.schedule.clone()),
        timezone: (!is_simple).then(|| settings.timezone.clone()),
        grace: settings.grace,
        max_runtime: settings.max_runtime,
        status: row.shown_status(call.ctx.now()),
        started: Flag::from(row.open_runs > 0),
        manual_resume: settings.manual_resume.into(),
        methods: if settings.post_only.0 == 0 { "" } else { "POST" },
        start_kw: settings.start_kw.clone(),
        success_kw: settings.success_kw.clone(),
        failure_kw: settings.failure_kw.clone(),
        filter_subject: settings.filter_subject.into(),
        filter_body: settings.filter_body.into(),
        filter_http_body: settings.filter_http_body.into(),
        filter_default_fail: settings.filter_default_fail.into(),
        failure_threshold: settings.failure_threshold,
        flap_threshold: settings.flap_threshold,
        early_tolerance: settings.early_tolerance,
        device_id: settings.device_id,
        channels: channels.to_vec(),
        ping_url: may_ping.then(|| format!("{endpoint}{}", row.uuid)),
        slug_url: has_slug.then(|| format!("{endpoint}{}/{}", project.ping_key, settings.slug)),
        n_pings: row.n_pings,
        last_ping_at: time(row.last_ping_at),
        last_start_at: time(row.last_start_at),
        last_duration: seconds(row.last_duration),
        next_ping_at: time(row.next_ping_at),
        alert_at: time(row.alert_at),
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fields::Fields;
    use super::*;

    fn read(body: &str) -> Result<Change> {
        let mut fields = Fields::parse(body.as_bytes())?;
        let change = change(CheckFields::read(&mut fields)?)?;
        fields.finish()?;
        Ok(change)
    }

    #[test]
    fn only_what_is_given_is_changed() {
        assert_eq!(read("{}").unwrap(), Change::default());
        let change = read(r#"{"max_runtime": null, "slug": null, "manual_resume": 1}"#).unwrap();
        let wanted = Change {
            max_runtime: Some(None),
            slug: Some(None),
            manual_resume: Some(true),
            ..Change::default()
        };
        assert_eq!(change, wanted);
    }

    #[test]
    fn null_stands_only_where_it_means_something() {
        for field in ["check_name", "tags", "description", "kind", "grace", "methods", "channels"] {
            let fault = read(&format!("{{\"{field}\": null}}")).unwrap_err();
            assert!(fault.to_string().starts_with(&format!("{field}: ")), "{fault}");
        }
        assert!(read(r#"{"schedule": null, "timezone": null, "early_tolerance": null}"#).is_ok());
        assert_eq!(read(r#"{"period": null}"#).unwrap().period, Some(None));
    }

    #[test]
    fn a_kind_is_one_of_three() {
        assert_eq!(read(r#"{"kind":"oncalendar"}"#).unwrap().kind, Some(Kind::OnCalendar));
        let fault = read(r#"{"kind":"weekly"}"#).unwrap_err().to_string();
        assert_eq!(fault, "kind: must be one of simple, cron, oncalendar");
    }

    #[test]
    fn methods_are_any_or_post() {
        assert_eq!(read(r#"{"methods":"POST"}"#).unwrap().post_only, Some(true));
        assert_eq!(read(r#"{"methods":""}"#).unwrap().post_only, Some(false));
        assert!(read(r#"{"methods":"GET"}"#).is_err());
    }

    #[test]
    fn an_order_may_be_reversed() {
        let reversed = Order { by: OrderBy::Name, descending: true };
        assert_eq!(order("-name").unwrap(), reversed);
        assert_eq!(order("status").unwrap().by, OrderBy::Status);
        assert!(order("colour").is_err() && order("").is_err() && order("--name").is_err());
    }

    #[test]
    fn filters_are_checked_by_name() {
        let refused =
            |text: &str| Asked::read(&mut Query::parse(text).unwrap()).unwrap_err().to_string();
        assert!(refused("status=up&status=weird").starts_with("status: must be one of new"));
        assert!(refused("tag=a+b").starts_with("tag: "));
        assert!(refused("check_id=x").starts_with("check_id: "));
        assert!(refused("slug=a&slug=b").starts_with("slug: "));
    }
}
