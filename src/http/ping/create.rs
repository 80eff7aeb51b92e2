//! `create=1`: making the check that a slug URL names and that is not there yet.

use super::Endpoint;
use super::query::{Param, Query};
use crate::context::Context;
use crate::domain::slug;
use crate::fault::{Fault, Result};
use crate::service::{checks, users};
use crate::store::Flag;
use crate::store::checks::{Settings, Tags};

/// What the query asks for: a check whose slug is this one, and whose name is too unless another
/// is given.
///
/// # Errors
/// A value can't be; the fault names it.
pub(super) fn draft(ctx: &Context, slug: &str, query: &Query) -> Result<Settings> {
    let mut draft = Settings { check_name: slug.to_owned(), ..Settings::default() };
    for (param, value) in &query.params {
        match param {
            Param::Period => draft.period = seconds("period", value)?,
            Param::Grace => draft.grace = seconds("grace", value)?,
            Param::Name => draft.check_name.clone_from(value),
            Param::Tags => draft.tags = tags(value),
            Param::Tz => {
                let zone = users::time_zone(value).map_err(|_| unknown_zone())?;
                zone.name().clone_into(&mut draft.timezone);
            }
            Param::Schedule => {
                checks::check_schedule(None, value)?.as_str().clone_into(&mut draft.kind);
                draft.schedule.clone_from(value);
            }
        }
    }
    slug.clone_into(&mut draft.slug);
    draft.slug_is_custom = Flag::from(slug::derive(&draft.check_name) != slug);
    // The contract's names for these are those of the management API, save one.
    checks::validate(ctx, &draft).map_err(|fault| match fault {
        Fault::Invalid { field, reason } if field == "check_name" => Fault::invalid("name", reason),
        other => other,
    })?;
    Ok(draft)
}

fn unknown_zone() -> Fault {
    Fault::invalid("tz", "must be an IANA time zone such as UTC or Europe/Berlin")
}

fn seconds(name: &str, value: &str) -> Result<i64> {
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let number = digits.then(|| value.parse().ok()).flatten();
    number.ok_or_else(|| Fault::invalid(name, "must be a number of seconds in digits"))
}

fn tags(value: &str) -> Tags {
    let tags = value.split(|c: char| c == ',' || c.is_whitespace()).filter(|tag| !tag.is_empty());
    Tags(tags.map(str::to_owned).collect())
}

/// Makes the check, or finds the one that another ping made meanwhile: its id, and whether it was
/// made here.
pub(super) async fn create(
    at: &Endpoint,
    project_id: i64,
    draft: Box<Settings>,
) -> Result<(i64, bool)> {
    let ctx = at.ctx.clone();
    // On a task of its own: a client that goes away must not leave a transaction half-way.
    let made =
        tokio::spawn(async move { checks::find_or_create_by_slug(&ctx, project_id, &draft).await });
    made.await.map_err(Fault::internal)?
}
