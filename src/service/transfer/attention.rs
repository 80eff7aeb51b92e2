//! What about a finished import needs attention: the same soft errors that single commands give,
//! each once for all of the things that it is about.

use std::collections::{HashMap, HashSet};

use super::plan::{ChannelStep, CheckStep, Plan};
use super::present::Present;
use super::report::Deed;
use crate::clock::Timestamp;
use crate::service::checks::never_fires;
use crate::service::remark::{self, Remark};

/// So many names are said before the rest is counted.
const MOST_NAMES: usize = 10;

/// The remarks about what a plan made or changed, and about channels that lack their secrets.
#[must_use]
pub fn remarks(present: &Present, plan: &Plan, now: Timestamp) -> Vec<Remark> {
    let written: Vec<&CheckStep> =
        plan.checks.iter().filter(|step| step.deed != Deed::Nothing).collect();
    let mut remarks = slug_remarks(present, plan, &written);
    let over = written.iter().filter(|step| never_fires(&step.settings, now));
    let over: Vec<&str> = over.map(|step| step.settings.check_name.as_str()).collect();
    if !over.is_empty() {
        let message = format!(
            "the schedule never fires again, so that no ping is expected and none missed: {}",
            listed(&over)
        );
        remarks.push(Remark::new(&remark::SCHEDULE_NEVER_FIRES, message));
    }
    let silent = written.iter().filter(|step| step.channels.is_empty());
    let silent: Vec<&str> = silent.map(|step| step.settings.check_name.as_str()).collect();
    if !silent.is_empty() {
        let message = format!(
            "no channel is assigned, so that nobody is told when they go down: {}",
            listed(&silent)
        );
        remarks.push(Remark::new(&remark::CHANNEL_NONE_ASSIGNED, message));
    }
    remarks.extend(plan.channels.iter().filter_map(channel_remark));
    remarks.extend(disabled_remark(present, plan, &written));
    remarks.extend(window_remarks(present, plan, now));
    remarks
}

fn window_remarks(present: &Present, plan: &Plan, now: Timestamp) -> Vec<Remark> {
    let tags = tags_after(present, plan);
    let (mut ended, mut idle) = (Vec::new(), Vec::new());
    for step in plan.windows.iter().filter(|step| step.deed != Deed::Nothing) {
        let window = &step.window;
        if window.opening(now).is_none() {
            ended.push(window.title.as_str());
        }
        let is_tagged = window.tags.iter().any(|tag| tags.contains(tag.as_str()));
        if !window.tags.is_empty() && step.checks.is_empty() && !is_tagged {
            idle.push(window.title.as_str());
        }
    }
    let mut remarks = Vec::new();
    if !ended.is_empty() {
        let message =
            format!("over, or never opening, and so keeping nothing back: {}", listed(&ended));
        remarks.push(Remark::new(&remark::MAINTENANCE_ENDED, message));
    }
    if !idle.is_empty() {
        let message = format!(
            "no check of the project has any of their tags, so that they keep nothing back: {}",
            listed(&idle)
        );
        remarks.push(Remark::new(&remark::MAINTENANCE_COVERS_NOTHING, message));
    }
    remarks
}

/// The tags that the checks of the project will have.
fn tags_after<'a>(present: &'a Present, plan: &'a Plan) -> HashSet<&'a str> {
    let steps = plan.checks.iter();
    let changed: HashSet<i64> = steps.clone().filter_map(|step| step.check_id).collect();
    let rest = present.checks.iter().filter(|check| !changed.contains(&check.check_id));
    let settings = rest.map(|check| &check.settings).chain(steps.map(|step| &step.settings));
    settings.flat_map(|settings| settings.tags.0.iter().map(String::as_str)).collect()
}

fn slug_remarks(present: &Present, plan: &Plan, written: &[&CheckStep]) -> Vec<Remark> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let changed: HashMap<i64, &str> = plan
        .checks
        .iter()
        .filter_map(|step| Some((step.check_id?, step.settings.slug.as_str())))
        .collect();
    let old = present
        .checks
        .iter()
        .map(|check| changed.get(&check.check_id).copied().unwrap_or(check.settings.slug.as_str()));
    let new = plan.checks.iter().filter(|step| step.check_id.is_none());
    for slug in old.chain(new.map(|step| step.settings.slug.as_str())) {
        *counts.entry(slug).or_default() += 1;
    }
    let (mut shared, mut empty) = (Vec::new(), Vec::new());
    for step in written {
        let slug = step.settings.slug.as_str();
        if slug.is_empty() {
            empty.push(step.settings.check_name.as_str());
        } else if counts.get(slug).is_some_and(|count| *count > 1) && !shared.contains(&slug) {
            shared.push(slug);
        }
    }
    let mut remarks = Vec::new();
    if !shared.is_empty() {
        let message = format!(
            "several checks have one slug, and pings by it are refused until they have others: {}",
            listed(&shared)
        );
        remarks.push(Remark::new(&remark::SLUG_NOT_UNIQUE, message));
    }
    if !empty.is_empty() {
        let message =
            format!("the slug is empty, so that only the UUID can be pinged: {}", listed(&empty));
        remarks.push(Remark::new(&remark::SLUG_EMPTY, message));
    }
    remarks
}

fn channel_remark(step: &ChannelStep) -> Option<Remark> {
    let name = &step.row.channel_name;
    if !step.lacks.is_empty() {
        let message = format!(
            "the channel {name:?} is disabled until what the file left out is entered: config.{}; \
             enter it, and set disabled to 0",
            step.lacks.join(", config.")
        );
        return Some(Remark::new(&remark::CHANNEL_DISABLED, message));
    }
    let was_written = step.deed != Deed::Nothing;
    (was_written && bool::from(step.row.disabled)).then(|| {
        let message = format!(
            "the channel {name:?} is disabled: it is told of nothing until disabled is 0 again"
        );
        Remark::new(&remark::CHANNEL_DISABLED, message)
    })
}

/// Channels that are not in the file, are disabled, and are told by checks that were written.
fn disabled_remark(present: &Present, plan: &Plan, written: &[&CheckStep]) -> Option<Remark> {
    let in_file = |id: i64| plan.channels.iter().any(|step| step.row.channel_id == id);
    let disabled: Vec<&str> = present
        .channels
        .iter()
        .enumerate()
        .filter(|(_, channel)| bool::from(channel.row.disabled))
        .filter(|(_, channel)| !in_file(channel.row.channel_id))
        .filter(|(place, _)| written.iter().any(|step| step.channels.contains(place)))
        .map(|(_, channel)| channel.row.channel_name.as_str())
        .collect();
    (!disabled.is_empty()).then(|| {
        let message = format!("disabled, and so not told of anything: {}", listed(&disabled));
        Remark::new(&remark::CHANNEL_DISABLED, message)
    })
}

/// The first of these names, and how many more there are.
fn listed(names: &[&str]) -> String {
    let first: Vec<String> =
        names.iter().take(MOST_NAMES).map(|name| format!("{name:?}")).collect();
    match names.len().saturating_sub(MOST_NAMES) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_of_names_ends_with_a_count() {
        assert_eq!(listed(&["a", "b"]), "\"a\", \"b\"");
        let many = ["x"; MOST_NAMES + 2];
        assert!(listed(&many).ends_with("\"x\" and 2 more"));
    }
}
