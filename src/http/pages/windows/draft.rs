//! What stands in the form of a window, as it was typed: nothing is lost when it does not fit.

use chrono::{NaiveDateTime, TimeZone};

use super::super::form::Fields;
use super::super::reader::Reader;
use crate::clock::Timestamp;
use crate::fault::{Fault, Result};
use crate::service::maintenance::Change;
use crate::store::checks::Name;
use crate::store::maintenance::Window;

/// The form of a window.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) title: String,
    pub(super) repeats: bool,
    pub(super) starts_at: String,
    pub(super) ends_at: String,
    pub(super) repeat: String,
    /// Minutes, or seconds with an `s` behind them.
    pub(super) lasts: String,
    pub(super) tags: String,
    /// The ids of the checks that are chosen.
    pub(super) checks: Vec<String>,
}

impl Draft {
    /// A window as it is.
    pub(super) fn of(window: &Window, reader: &Reader) -> Self {
        let local = |at: Option<Timestamp>| at.map(|at| reader.typed(at)).unwrap_or_default();
        let lasts = window.duration.map(|seconds| match seconds % 60 {
            0 => (seconds / 60).to_string(),
            _ => format!("{seconds} s"),
        });
        Self {
            title: window.title.clone(),
            repeats: window.repeat.is_some(),
            starts_at: local(window.starts_at),
            ends_at: local(window.ends_at),
            repeat: window.repeat.clone().unwrap_or_default(),
            lasts: lasts.unwrap_or_default(),
            tags: window.tags.join(" "),
            checks: window.checks.iter().map(i64::to_string).collect(),
        }
    }

    pub(super) fn read(fields: &mut Fields) -> Self {
        Self {
            title: fields.take_trimmed("title"),
            repeats: fields.take("kind") == "repeat",
            starts_at: fields.take_trimmed("starts_at"),
            ends_at: fields.take_trimmed("ends_at"),
            repeat: fields.take_trimmed("repeat"),
            lasts: fields.take_trimmed("duration"),
            tags: fields.take_trimmed("tags"),
            checks: fields.take_all("checks"),
        }
    }

    /// Whether it covers this check by name.
    pub(super) fn covers(&self, check: &Name) -> bool {
        self.checks.contains(&check.check_id.to_string())
    }

    /// What is to be set.
    ///
    /// # Errors
    /// What is no time, or no length. What is out of range is found by `service`.
    pub(super) fn change(&self, reader: &Reader) -> Result<Change> {
        let tags = self.tags.split([' ', ',']).filter(|tag| !tag.is_empty()).map(str::to_owned);
        let repeat = self.repeats.then(|| self.repeat.clone());
        let duration = if self.repeats { Some(seconds(&self.lasts)?) } else { None };
        Ok(Change {
            title: Some(self.title.clone()),
            starts_at: Some(moment(reader, "starts_at", &self.starts_at)?),
            ends_at: Some(moment(reader, "ends_at", &self.ends_at)?),
            repeat: Some(repeat),
            duration: Some(duration),
            checks: Some(self.checks.iter().filter_map(|id| id.parse().ok()).collect()),
            tags: Some(tags.collect()),
        })
    }
}

fn seconds(text: &str) -> Result<i64> {
    let (number, unit) = match text.strip_suffix('s') {
        Some(number) => (number.trim_end(), 1),
        None => (text, 60),
    };
    let number: i64 = number
        .parse()
        .map_err(|_| Fault::invalid("duration", "must be a whole number of minutes"))?;
    Ok(number.saturating_mul(unit))
}

/// A moment as `input type=datetime-local` sends it, in the reader's zone.
fn moment(reader: &Reader, field: &str, text: &str) -> Result<Option<Timestamp>> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || Fault::invalid(field, "must be a date and a time such as 2026-03-01T22:00");
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let local = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let local = reader.zone.from_local_datetime(&local.ok_or_else(wrong)?);
    let moment = local.earliest().ok_or_else(|| {
        Fault::invalid(field, "does not exist in your time zone: the clock is put forward then")
    })?;
    Ok(Some(Timestamp(moment.timestamp_micros())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_minutes_or_seconds() {
        assert_eq!((seconds("90").unwrap(), seconds("90 s").unwrap()), (5400, 90));
        assert_eq!(seconds("61s").unwrap(), 61);
        assert!(["", "s", "x", "1.5", "1 h"].iter().all(|text| seconds(text).is_err()));
    }

    #[test]
    fn a_moment_goes_through_its_form_unchanged() {
        let reader = Reader::default().with_zone("Asia/Tokyo");
        let at = moment(&reader, "starts_at", "2026-03-01T22:00").unwrap().unwrap();
        assert_eq!(reader.typed(at), "2026-03-01T22:00");
        let odd = moment(&reader, "starts_at", "2026-03-01T22:00:07").unwrap().unwrap();
        assert_eq!(reader.typed(odd), "2026-03-01T22:00:07");
    }
}
