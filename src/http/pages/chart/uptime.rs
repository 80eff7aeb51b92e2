//! The share of each month in which a check was up: a line of a table, with a bar.

use super::super::reader::Reader;
use super::super::texts;
use super::super::words;
use crate::clock::{SECOND, Timestamp};
use crate::store::stats::TimeSums;

/// A month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Month {
    pub(super) name: String,
    /// The bar; empty where the check was not observed.
    pub(super) bar: String,
    pub(super) share: String,
    pub(super) downs: i64,
    pub(super) down_for: String,
}

pub(super) fn month(from: Timestamp, times: &TimeSums, reader: &Reader) -> Month {
    let name = from.to_datetime().format("%b %Y").to_string();
    let share = hundredths(times);
    Month {
        name,
        bar: share.map(bar).unwrap_or_default(),
        share: share.map_or_else(
            || texts::t("chart-uptime-not-observed").plain(),
            |share| percent(share, reader),
        ),
        downs: times.downs,
        down_for: if times.down_time > 0 {
            words::duration(times.down_time / SECOND)
        } else {
            "–".to_owned()
        },
    }
}

/// Hundredths of a percent, rounded down: what was not up throughout is never told as 100 %.
fn hundredths(times: &TimeSums) -> Option<i64> {
    let observed = i128::from(times.up_time) + i128::from(times.down_time);
    let share = (observed > 0).then(|| i128::from(times.up_time) * 10_000 / observed)?;
    i64::try_from(share).ok()
}

fn percent(hundredths: i64, reader: &Reader) -> String {
    // At most 10,000, which a float holds exactly.
    let share = f64::from(i32::try_from(hundredths).unwrap_or(0)) / 100.0;
    format!("{} %", reader.decimal(share, if hundredths == 10_000 { 0 } else { 2 }))
}

fn bar(hundredths: i64) -> String {
    let up = hundredths / 50;
    let down = 200 - up;
    format!(
        "<svg class=\"chart uptime\" viewBox=\"0 0 200 10\" height=\"10\" \
         preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <rect class=\"good\" width=\"{up}\" height=\"10\"/>\
         <rect class=\"bad\" x=\"{up}\" width=\"{down}\" height=\"10\"/></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(up_time: i64, down_time: i64) -> String {
        let times = TimeSums { check_id: 1, up_time, down_time, downs: 1 };
        month(Timestamp(0), &times, &Reader::default()).share
    }

    #[test]
    fn only_a_month_without_any_downtime_is_told_as_whole() {
        assert_eq!(share(10, 0), "100 %");
        assert_eq!(share(999_999_999, 1), "99.99 %");
        assert_eq!(share(1, 3), "25.00 %");
        assert_eq!(share(0, 3), "0.00 %");
        assert_eq!(share(0, 0), "not observed");
    }

    #[test]
    fn a_month_is_called_by_its_name() {
        let times = TimeSums { check_id: 1, up_time: 0, down_time: 72 * SECOND, downs: 1 };
        let month = month(Timestamp(0), &times, &Reader::default());
        assert_eq!((month.name.as_str(), month.down_for.as_str()), ("Jan 1970", "1 m 12 s"));
    }
}
