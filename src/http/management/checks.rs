//! `…/check-list`, `…/check` and `…/check/{check_id}`.

use serde_json::{Value, json};

use super::call::{Answer, Call, Reply};
use super::fields::{Fields, required};
use super::query::Query;
use super::{seconds, time};
use crate::fault::{Fault, Result};
use crate::service::checks::{self, Change};
use crate::store;
use crate::store::checks::{CheckRow, Filter, Order, OrderBy, Settings};
use crate::store::projects::{ProjectRow, Role};

/// The states that a list can be filtered by.
const STATUSES: [&str; 5] = ["new", "up", "grace", "down", "paused"];

/// What can be read of a check and not be written.
const READ_ONLY: [&str; 13] = [
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
];

/// `GET …/check-list`
pub async fn list(call: Call) -> Answer {
    let mut query = call.query()?;
    let filter = filter(&mut query)?;
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
    Ok(page.reply(list.collect(), total, Some(max_count)))
}

/// `POST …/check`
pub async fn create(call: Call) -> Answer {
    let mut fields = call.fields()?;
    let change = change(&mut fields)?;
    fields.finish()?;
    required("check_name", change.check_name.as_ref())?;
    change.validate(&call.ctx.config)?;
    let settings = change.applied_to(&Settings::default());
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
    Ok(Reply::Json(shown(&call, &project, &row, &channels)))
}

/// `PUT …/check/{check_id}`
pub async fn update(call: Call) -> Answer {
    let mut fields = call.fields()?;
    let mut change = change(&mut fields)?;
    change.paused = fields.flag("paused")?;
    change.slug_is_as_read = fields.flag("slug_is_custom")? == Some(false);
    fields.ignore(&READ_ONLY);
    fields.ignore(&["updated_at"]);
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
    Ok(Reply::deleted())
}

/// The answer to a write: the check as it is read, and what needs attention.
async fn written(call: &Call, project: &ProjectRow, check_id: i64) -> Answer {
    let mut conn = call.ctx.store.read().await?;
    let (row, channels) = checks::find(&mut conn, project.project_id, check_id).await?;
    let remarks = checks::remarks(&mut conn, &row, &channels, call.ctx.now()).await?;
    Ok(Reply::written(shown(call, project, &row, &channels), &remarks))
}

fn filter(query: &mut Query) -> Result<Filter> {
    let filter = Filter {
        check_ids: query.ids("check_id")?,
        tags: query.all("tag"),
        statuses: query.all("status"),
        slug: query.one("slug")?,
        q: query.one("q")?,
        order: query.one("order")?.as_deref().map(order).transpose()?.unwrap_or_default(),
    };
    if !filter.tags.iter().all(|tag| checks::is_tag(tag)) {
        let reason = "must be a tag: 1 to 50 characters without white space or comma";
        return Err(Fault::invalid("tag", reason));
    }
    if !filter.statuses.iter().all(|status| STATUSES.contains(&status.as_str())) {
        let reason = format!("must be one of {}", STATUSES.join(", "));
        return Err(Fault::invalid("status", reason));
    }
    Ok(filter)
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

/// What POST and PUT set alike.
fn change(fields: &mut Fields) -> Result<Change> {
    let kind = fields.text("kind")?;
    let schedule = fields.nullable_text("schedule")?.flatten();
    let change = Change {
        check_name: fields.text("check_name")?,
        slug: fields.nullable_text("slug")?,
        tags: fields.texts("tags")?,
        description: fields.text("description")?,
        period: fields.integer("period")?,
        timezone: fields.nullable_text("timezone")?.flatten(),
        grace: fields.integer("grace")?,
        max_runtime: fields.nullable_integer("max_runtime")?,
        early_tolerance: fields.nullable_integer("early_tolerance")?,
        failure_threshold: fields.integer("failure_threshold")?,
        flap_threshold: fields.integer("flap_threshold")?,
        manual_resume: fields.flag("manual_resume")?,
        post_only: fields.text("methods")?.as_deref().map(post_only).transpose()?,
        start_kw: fields.text("start_kw")?,
        success_kw: fields.text("success_kw")?,
        failure_kw: fields.text("failure_kw")?,
        filter_subject: fields.flag("filter_subject")?,
        filter_body: fields.flag("filter_body")?,
        filter_http_body: fields.flag("filter_http_body")?,
        filter_default_fail: fields.flag("filter_default_fail")?,
        channels: fields.ids("channels")?,
        ..Change::default()
    };
    check_kind(kind.as_deref(), schedule.as_deref())?;
    Ok(change)
}

fn post_only(methods: &str) -> Result<bool> {
    match methods {
        "" => Ok(false),
        "POST" => Ok(true),
        _ => Err(Fault::invalid("methods", "must be \"\" (any) or \"POST\"")),
    }
}

fn check_kind(kind: Option<&str>, schedule: Option<&str>) -> Result<()> {
    match kind {
        None | Some("simple") if schedule.is_none() => Ok(()),
        None | Some("simple" | "cron" | "oncalendar") => {
            Err(Fault::NotBuilt("cron and OnCalendar schedules are not built yet".to_owned()))
        }
        Some(_) => Err(Fault::invalid("kind", "must be one of simple, cron, oncalendar")),
    }
}

fn shown(call: &Call, project: &ProjectRow, row: &CheckRow, channels: &[i64]) -> Value {
    let settings = &row.settings;
    let endpoint = call.ctx.config.server.ping_endpoint();
    let may_ping = call.may_ping(project);
    let has_slug = may_ping && !settings.slug.is_empty();
    let is_simple = settings.kind == "simple";
    json!({
        "check_id": row.check_id,
        "uuid": may_ping.then_some(&row.uuid),
        "check_name": settings.check_name,
        "slug": settings.slug,
        "slug_is_custom": settings.slug_is_custom.0,
        "tags": settings.tags.0,
        "description": settings.description,
        "kind": settings.kind,
        "period": is_simple.then_some(settings.period),
        "schedule": (!is_simple).then_some(&settings.schedule),
        "timezone": (!is_simple).then_some(&settings.timezone),
        "grace": settings.grace,
        "max_runtime": settings.max_runtime,
        "status": row.shown_status(call.ctx.now()),
        "started": i32::from(row.open_runs > 0),
        "manual_resume": settings.manual_resume.0,
        "methods": if settings.post_only.0 == 0 { "" } else { "POST" },
        "start_kw": settings.start_kw,
        "success_kw": settings.success_kw,
        "failure_kw": settings.failure_kw,
        "filter_subject": settings.filter_subject.0,
        "filter_body": settings.filter_body.0,
        "filter_http_body": settings.filter_http_body.0,
        "filter_default_fail": settings.filter_default_fail.0,
        "failure_threshold": settings.failure_threshold,
        "flap_threshold": settings.flap_threshold,
        "early_tolerance": settings.early_tolerance,
        "channels": channels,
        "ping_url": may_ping.then(|| format!("{endpoint}{}", row.uuid)),
        "slug_url": has_slug.then(|| format!("{endpoint}{}/{}", project.ping_key, settings.slug)),
        "n_pings": row.n_pings,
        "last_ping_at": time(row.last_ping_at),
        "last_start_at": time(row.last_start_at),
        "last_duration": seconds(row.last_duration),
        "next_ping_at": time(row.next_ping_at),
        "alert_at": time(row.alert_at),
        "created_at": row.created_at.to_rfc3339(),
        "updated_at": row.updated_at.to_rfc3339(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Change> {
        let mut fields = Fields::parse(body.as_bytes())?;
        let change = change(&mut fields)?;
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
        for field in ["check_name", "tags", "description", "period", "grace", "methods", "channels"]
        {
            let fault = read(&format!("{{\"{field}\": null}}")).unwrap_err();
            assert!(fault.to_string().starts_with(&format!("{field}: ")), "{fault}");
        }
        assert!(read(r#"{"schedule": null, "timezone": null, "early_tolerance": null}"#).is_ok());
    }

    #[test]
    fn kinds_with_a_schedule_are_announced_and_others_unknown() {
        for body in
            [r#"{"kind":"cron"}"#, r#"{"kind":"oncalendar"}"#, r#"{"schedule":"* * * * *"}"#]
        {
            assert!(matches!(read(body), Err(Fault::NotBuilt(_))), "{body}");
        }
        assert!(read(r#"{"kind":"simple"}"#).is_ok());
        assert!(matches!(read(r#"{"kind":"weekly"}"#), Err(Fault::Invalid { .. })));
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
            |text: &str| filter(&mut Query::parse(text).unwrap()).unwrap_err().to_string();
        assert!(refused("status=up&status=weird").starts_with("status: must be one of new"));
        assert!(refused("tag=a+b").starts_with("tag: "));
        assert!(refused("check_id=x").starts_with("check_id: "));
        assert!(refused("slug=a&slug=b").starts_with("slug: "));
    }
}
