//! Healthchecks: what it tells by its management API (`api.rs`), and what is in its database
//! (`database.rs`, its channels in `channels.rs`).

pub mod api;
mod channels;
pub mod database;

pub use channels::Environment;

use serde::Deserialize;

use crate::domain::schedule::Kind;
use crate::fault::Result;
use crate::service::checks::{self, Change};

/// What is set about a check, as its API names it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools, reason = "they are the contract's flags")]
struct Facts {
    name: String,
    slug: String,
    tags: String,
    desc: String,
    /// Seconds.
    grace: i64,
    /// Seconds; none where there is a schedule.
    timeout: Option<i64>,
    schedule: Option<String>,
    tz: Option<String>,
    manual_resume: bool,
    methods: String,
    start_kw: String,
    success_kw: String,
    failure_kw: String,
    filter_subject: bool,
    filter_body: bool,
    filter_http_body: bool,
    filter_default_fail: bool,
}

impl Facts {
    /// What it is called in messages.
    fn title(&self) -> &str {
        if self.name.is_empty() { "a check" } else { &self.name }
    }

    fn change(self) -> Result<Change> {
        let mut change = Change {
            check_name: Some(self.name),
            slug: Some(Some(self.slug)),
            tags: Some(self.tags.split_whitespace().map(str::to_owned).collect()),
            description: Some(self.desc),
            grace: Some(self.grace),
            manual_resume: Some(self.manual_resume),
            post_only: Some(self.methods == "POST"),
            start_kw: Some(self.start_kw),
            success_kw: Some(self.success_kw),
            failure_kw: Some(self.failure_kw),
            filter_subject: Some(self.filter_subject),
            filter_body: Some(self.filter_body),
            filter_http_body: Some(self.filter_http_body),
            filter_default_fail: Some(self.filter_default_fail),
            ..Change::default()
        };
        if let Some(expression) = self.schedule {
            checks::check_schedule(None, &expression)?;
            let zone = crate::service::users::time_zone(self.tz.as_deref().unwrap_or("UTC"))?;
            change.schedule = Some(Some(expression));
            change.timezone = Some(zone.name().to_owned());
        } else {
            change.kind = Some(Kind::Simple);
            change.period = Some(self.timeout);
            change.schedule = Some(None);
        }
        Ok(change)
    }
}
