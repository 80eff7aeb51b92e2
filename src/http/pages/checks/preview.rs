//! The next times of a schedule, and the schedule in words: a part of the form, which a script asks
//! for again while somebody types.

use askama::Template;
use axum::response::Response;
use http::{StatusCode, Uri};

use super::super::form::Fields;
use super::super::page;
use super::super::project::Here;
use super::super::texts;
use super::draft::Draft;
use crate::domain::schedule::{Kind, Schedule, zone};
use crate::fault::{Fault, Result};
use crate::service::preview::{self, Wanted};

/// So many times are shown.
const COUNT: i64 = 5;

/// What a schedule means.
#[derive(Debug, Default, Template)]
#[template(ext = "html", source = r#"{% include "src/http/pages/checks/preview.html" %}"#)]
pub(super) struct Preview {
    words: String,
    /// Each time in the schedule's zone, how far it is, and when the check goes down without a ping.
    times: Vec<(String, String, String)>,
    /// The field that is wrong, and a sentence that says how.
    wrong: Option<(String, String)>,
}

pub(super) async fn show(here: Here, uri: Uri) -> Response {
    let mut fields = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    let shown = page(StatusCode::OK, &of(&here, &Draft::read(&mut fields)));
    here.answer(Ok(shown)).await
}

/// What the schedule in a form means, or what is wrong with it.
pub(super) fn of(here: &Here, draft: &Draft) -> Preview {
    match read(here, draft) {
        Ok(preview) => preview,
        Err(Fault::Invalid { field, reason }) => {
            let sentence = texts::t("checks-preview-wrong").text("label", texts::t(label(&field)));
            let sentence = sentence.text("reason", texts::said(&reason)).plain();
            Preview { wrong: Some((field, sentence)), ..Preview::default() }
        }
        Err(fault) => {
            Preview { wrong: Some((String::new(), fault.to_string())), ..Preview::default() }
        }
    }
}

/// What a field is called in the form.
fn label(field: &str) -> &'static str {
    match field {
        "period" => "checks-preview-period",
        "grace" => "checks-preview-grace",
        "timezone" => "checks-preview-time-zone",
        _ => "checks-preview-expression",
    }
}

fn read(here: &Here, draft: &Draft) -> Result<Preview> {
    let kind = draft.chosen_kind();
    let is_simple = kind == Kind::Simple;
    let needed = |name: &str, value: Option<i64>| {
        value.ok_or_else(|| Fault::invalid(name, "must be a whole number"))
    };
    let period = if is_simple { Some(needed("period", draft.period.seconds())?) } else { None };
    let wanted = Wanted {
        kind: Some(kind),
        period,
        schedule: (!is_simple).then(|| draft.schedule.clone()),
        timezone: (!is_simple).then(|| draft.timezone.clone()),
        grace: draft.grace.seconds(),
        from: Some(here.now),
        count: Some(COUNT),
    };
    wanted.validate(here.ctx())?;
    let expected = preview::of_schedule(here.ctx(), &wanted)?;
    let zone = if is_simple { None } else { zone::parse(&draft.timezone) };
    let reader = zone.map_or(here.site.reader, |zone| here.site.reader.in_zone(zone));
    let schedule = Schedule::read(kind, period.unwrap_or(0), &draft.schedule, reader.zone)
        .map_err(|reason| Fault::invalid("schedule", reason))?;
    let time = |each: &preview::Expected| {
        let far = super::super::words::ago_or_in(each.expected_at, here.now);
        (reader.exact(each.expected_at), far, reader.near(each.deadline_at, here.now))
    };
    Ok(Preview { words: schedule.words(), times: expected.iter().map(time).collect(), wrong: None })
}
