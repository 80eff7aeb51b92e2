//! Snippets: a check's job, ready to be copied into the place that starts it.

use crate::context::Context;
use crate::domain::snippet::{Job, Language, When};
use crate::store::checks::CheckRow;

/// The snippet of a check in a language. It holds the ping URL: for those alone who may see that.
#[must_use]
pub fn of_check(ctx: &Context, check: &CheckRow, language: Language) -> String {
    of_check_at(&ctx.config.server.ping_endpoint(), check, language)
}

/// The same with a ping URL that begins with `endpoint`, which ends in a slash.
#[must_use]
pub fn of_check_at(endpoint: &str, check: &CheckRow, language: Language) -> String {
    job(endpoint, check).snippet(language)
}

/// Programs that ping a check themselves: the name of a language, and the text.
#[must_use]
pub fn programs_at(endpoint: &str, check: &CheckRow) -> Vec<(&'static str, String)> {
    job(endpoint, check).programs().collect()
}

fn job(endpoint: &str, check: &CheckRow) -> Job {
    let settings = &check.settings;
    let (expression, timezone) = (settings.schedule.clone(), settings.timezone.clone());
    let when = match settings.kind.as_str() {
        "cron" => When::Cron { expression, timezone },
        "oncalendar" => When::OnCalendar { expression, timezone },
        _ => When::Every(settings.period),
    };
    let url = format!("{endpoint}{}", check.uuid);
    Job::new(&settings.check_name, &url, settings.post_only.into(), when)
}
