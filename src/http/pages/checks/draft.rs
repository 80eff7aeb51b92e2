//! What stands in the form of a check, as it was typed: nothing is lost when it does not fit.

use super::super::form::{Errors, Fields};
use super::span::Span;
use crate::domain::schedule::Kind;
use crate::fault::Fault;
use crate::service::checks::Change;
use crate::store::channels::ChannelRow;
use crate::store::checks::Settings;
use crate::store::monitors::DeviceName;

/// The form of a check.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a box that people tick")]
pub(super) struct Draft {
    pub(super) check_name: String,
    pub(super) tags: String,
    pub(super) description: String,
    pub(super) kind: String,
    pub(super) period: Span,
    pub(super) schedule: String,
    pub(super) timezone: String,
    pub(super) grace: Span,
    pub(super) max_runtime: Span,
    pub(super) failure_threshold: String,
    pub(super) flap_threshold: String,
    /// Empty: by the schedule.
    pub(super) early_tolerance: String,
    /// Empty: derived from the name.
    pub(super) slug: String,
    pub(super) manual_resume: bool,
    pub(super) post_only: bool,
    pub(super) start_kw: String,
    pub(super) success_kw: String,
    pub(super) failure_kw: String,
    pub(super) filter_subject: bool,
    pub(super) filter_body: bool,
    pub(super) filter_http_body: bool,
    pub(super) filter_default_fail: bool,
    /// The id of the device that is chosen; empty: none.
    pub(super) device: String,
    /// The ids of the channels that are chosen.
    pub(super) channels: Vec<String>,
}

impl Draft {
    /// A check as it is.
    pub(super) fn of(settings: &Settings, channels: &[i64]) -> Self {
        let own_slug = bool::from(settings.slug_is_custom).then(|| settings.slug.clone());
        Self {
            check_name: settings.check_name.clone(),
            tags: settings.tags.0.join(" "),
            description: settings.description.clone(),
            kind: settings.kind.clone(),
            period: Span::of(settings.period),
            schedule: settings.schedule.clone(),
            timezone: settings.timezone.clone(),
            grace: Span::of(settings.grace),
            max_runtime: settings.max_runtime.map(Span::of).unwrap_or_default(),
            failure_threshold: settings.failure_threshold.to_string(),
            flap_threshold: settings.flap_threshold.to_string(),
            early_tolerance: settings.early_tolerance.map(|n| n.to_string()).unwrap_or_default(),
            slug: own_slug.unwrap_or_default(),
            manual_resume: settings.manual_resume.into(),
            post_only: settings.post_only.into(),
            start_kw: settings.start_kw.clone(),
            success_kw: settings.success_kw.clone(),
            failure_kw: settings.failure_kw.clone(),
            filter_subject: settings.filter_subject.into(),
            filter_body: settings.filter_body.into(),
            filter_http_body: settings.filter_http_body.into(),
            filter_default_fail: settings.filter_default_fail.into(),
            device: settings.device_id.map(|id| id.to_string()).unwrap_or_default(),
            channels: channels.iter().map(i64::to_string).collect(),
        }
    }

    /// As it was sent. A preset takes the place of what was typed.
    pub(super) fn read(fields: &mut Fields) -> Self {
        let preset = |fields: &mut Fields, name: &str| fields.take(name).parse().ok().map(Span::of);
        let period = Span::take(fields, "period");
        let grace = Span::take(fields, "grace");
        Self {
            period: preset(fields, "preset_period").unwrap_or(period),
            grace: preset(fields, "preset_grace").unwrap_or(grace),
            check_name: fields.take_trimmed("check_name"),
            tags: fields.take_trimmed("tags"),
            description: fields.take_trimmed("description").replace("\r\n", "\n"),
            kind: fields.take("kind"),
            schedule: fields.take_trimmed("schedule").replace("\r\n", "\n"),
            timezone: fields.take_trimmed("timezone"),
            max_runtime: Span::take(fields, "max_runtime"),
            failure_threshold: fields.take_trimmed("failure_threshold"),
            flap_threshold: fields.take_trimmed("flap_threshold"),
            early_tolerance: fields.take_trimmed("early_tolerance"),
            slug: fields.take_trimmed("slug"),
            manual_resume: fields.take_flag("manual_resume"),
            post_only: fields.take_flag("post_only"),
            start_kw: fields.take_trimmed("start_kw"),
            success_kw: fields.take_trimmed("success_kw"),
            failure_kw: fields.take_trimmed("failure_kw"),
            filter_subject: fields.take_flag("filter_subject"),
            filter_body: fields.take_flag("filter_body"),
            filter_http_body: fields.take_flag("filter_http_body"),
            filter_default_fail: fields.take_flag("filter_default_fail"),
            device: fields.take("device"),
            channels: fields.take_all("channel"),
        }
    }

    pub(super) fn is_simple(&self) -> bool {
        !self.is_cron() && !self.is_calendar()
    }

    pub(super) fn is_cron(&self) -> bool {
        self.kind == Kind::Cron.as_str()
    }

    pub(super) fn is_calendar(&self) -> bool {
        self.kind == Kind::OnCalendar.as_str()
    }

    pub(super) fn tells(&self, channel: &ChannelRow) -> bool {
        self.channels.contains(&channel.channel_id.to_string())
    }

    pub(super) fn runs_on(&self, device: &DeviceName) -> bool {
        self.device == device.monitor_id.to_string()
    }

    /// The kind that is chosen; simple where none is.
    pub(super) fn chosen_kind(&self) -> Kind {
        self.kind.parse().unwrap_or(Kind::Simple)
    }

    /// What is to be set.
    ///
    /// # Errors
    /// What is no number, by its field. What is out of range is found by `service`.
    pub(super) fn change(&self) -> Result<Change, Errors> {
        let mut errors = Errors::default();
        let kind = self.chosen_kind();
        let is_simple = kind == Kind::Simple;
        let mut number = |name: &str, value: Option<i64>| {
            if value.is_none() {
                errors.add(Fault::invalid(name, "must be a whole number"));
            }
            value
        };
        let period =
            if is_simple { number("period", self.period.seconds()).map(Some) } else { None };
        let grace = number("grace", self.grace.seconds());
        let max_runtime = if self.max_runtime.is_empty() {
            Some(None)
        } else {
            number("max_runtime", self.max_runtime.seconds()).map(Some)
        };
        let failure_threshold = number("failure_threshold", self.failure_threshold.parse().ok());
        let flap_threshold = number("flap_threshold", self.flap_threshold.parse().ok());
        let early_tolerance = if self.early_tolerance.is_empty() {
            Some(None)
        } else {
            number("early_tolerance", self.early_tolerance.parse().ok()).map(Some)
        };
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let device_id = match (self.device.as_str(), self.device.parse()) {
            ("", _) => None,
            (_, Ok(id)) => Some(id),
            (_, Err(_)) => {
                errors.add(Fault::invalid("device_id", "must be a device of the list"));
                None
            }
        };
        let change = Change {
            check_name: Some(self.check_name.clone()),
            slug: Some(some(&self.slug)),
            tags: Some(self.tag_list()),
            description: Some(self.description.clone()),
            kind: Some(kind),
            period,
            schedule: Some((!is_simple).then(|| self.schedule.clone())),
            timezone: (!is_simple).then(|| self.timezone.clone()),
            grace,
            max_runtime,
            failure_threshold,
            flap_threshold,
            early_tolerance,
            manual_resume: Some(self.manual_resume),
            post_only: Some(self.post_only),
            start_kw: Some(self.start_kw.clone()),
            success_kw: Some(self.success_kw.clone()),
            failure_kw: Some(self.failure_kw.clone()),
            filter_subject: Some(self.filter_subject),
            filter_body: Some(self.filter_body),
            filter_http_body: Some(self.filter_http_body),
            filter_default_fail: Some(self.filter_default_fail),
            device_id: Some(device_id),
            channels: Some(self.channels.iter().filter_map(|id| id.parse().ok()).collect()),
            ..Change::default()
        };
        if self.check_name.is_empty() {
            errors.add(Fault::invalid("check_name", "must have 1 to 100 characters"));
        }
        if errors.is_empty() { Ok(change) } else { Err(errors) }
    }

    /// The tags, each once; separated by spaces or commas.
    fn tag_list(&self) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        let is_between = |c: char| c.is_whitespace() || c == ',';
        for tag in self.tags.split(is_between).filter(|tag| !tag.is_empty()) {
            if !tags.iter().any(|other| other == tag) {
                tags.push(tag.to_owned());
            }
        }
        tags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &str) -> Draft {
        Draft::read(&mut Fields::parse(form.as_bytes()))
    }

    const WHOLE: &str = "check_name=A&kind=simple&period=5&period_unit=m&grace=1&grace_unit=h\
                         &failure_threshold=1&flap_threshold=6";

    #[test]
    fn a_form_says_all_that_is_to_be_set() {
        let change = read(&format!("{WHOLE}&tags=a,+b+a&channel=3&channel=x&channel=4")).change();
        let change = change.unwrap();
        assert_eq!((change.period, change.grace), (Some(Some(300)), Some(3600)));
        assert_eq!(change.tags.unwrap(), ["a", "b"]);
        assert_eq!(change.channels.unwrap(), [3, 4]);
        assert_eq!((change.schedule, change.max_runtime), (Some(None), Some(None)));
    }

    #[test]
    fn what_is_no_number_is_told_at_its_field() {
        let errors = read("check_name=A&grace=x&failure_threshold=&flap_threshold=1").change();
        let errors = errors.unwrap_err();
        let mut fields: Vec<&str> = errors.by_field.keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["failure_threshold", "grace", "period"]);
    }

    #[test]
    fn of_a_schedule_the_period_does_not_count() {
        let draft = read(
            "check_name=A&kind=cron&schedule=0+3+*+*+*&timezone=UTC&period=x&grace=1\
                          &grace_unit=h&failure_threshold=1&flap_threshold=6",
        );
        let change = draft.change().unwrap();
        assert_eq!((change.period, change.schedule), (None, Some(Some("0 3 * * *".to_owned()))));
        assert!(draft.is_cron() && !draft.is_simple());
    }

    #[test]
    fn a_preset_takes_the_place_of_what_was_typed() {
        let draft = read(&format!("{WHOLE}&preset_period=604800"));
        assert_eq!((draft.period.number.as_str(), draft.period.unit.as_str()), ("1", "w"));
    }

    #[test]
    fn a_check_goes_through_its_form_unchanged() {
        let settings = Settings {
            check_name: "A".to_owned(),
            slug: "a".to_owned(),
            max_runtime: Some(90),
            early_tolerance: Some(30),
            ..Settings::default()
        };
        let change = Draft::of(&settings, &[1]).change().unwrap();
        assert_eq!(change.applied_to(&settings).unwrap(), settings);
    }
}
