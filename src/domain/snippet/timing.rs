//! When a job runs, in the words of the schedulers that start it: Debian's cron, Kubernetes, and
//! systemd. What one of them can't say is left to be filled in, with the reason; nothing is rounded.

use super::When;

/// Whose cron expressions are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cron {
    /// A crontab's: Sunday is 0 or 7, and the times are in the machine's zone.
    Debian,
    /// A `CronJob`'s: Sunday is 0, and the zone has a field of its own.
    Kubernetes,
}

/// What a timer of systemd goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Calendar {
    /// At the times of any of these calendar expressions.
    At(Vec<String>),
    /// So many seconds after it last ran.
    Every(i64),
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The five fields (or the @-name) by which a cron starts the job, and what its reader must know;
/// or why there are none.
pub(super) fn cron(when: &When, whose: Cron) -> Result<(String, Option<String>), String> {
    match when {
        When::Every(seconds) => {
            let times = every(*seconds).ok_or_else(|| {
                format!(
                    "The check expects a ping every {}, which no cron line says",
                    long(*seconds)
                )
            })?;
            Ok((times, None))
        }
        When::Cron { expression, .. } => {
            let times = known(expression, whose).ok_or_else(|| {
                let expression = super::harmless(expression);
                format!("The check's schedule, {expression}, is more than this cron understands")
            })?;
            let note = zone(when).map(|zone| {
                format!("The check's times are in the zone {zone}; cron goes by its machine's.")
            });
            Ok((times, note))
        }
        When::OnCalendar { expression, .. } => {
            let expression = super::harmless(expression);
            Err(format!(
                "The check's schedule is systemd's, {expression}, which cron does not know"
            ))
        }
    }
}

/// The zone of a schedule that has one, unless its name is none.
pub(super) fn zone(when: &When) -> Option<&str> {
    match when {
        When::Every(_) => None,
        When::Cron { timezone, .. } | When::OnCalendar { timezone, .. } => {
            let plain = |c: char| c.is_ascii_alphanumeric() || "/_+-".contains(c);
            (!timezone.is_empty() && timezone.chars().all(plain)).then_some(timezone)
        }
    }
}

/// A period that divides the hour, the day, or is a day or a week.
fn every(seconds: i64) -> Option<String> {
    let parts = |unit: i64, whole: i64| {
        let divides = seconds > 0 && seconds % unit == 0 && whole % seconds == 0;
        divides.then_some(seconds / unit)
    };
    match (seconds, parts(MINUTE, HOUR), parts(HOUR, DAY)) {
        (MINUTE, _, _) => Some("* * * * *".to_owned()),
        (HOUR, _, _) => Some("0 * * * *".to_owned()),
        (DAY, _, _) => Some("0 0 * * *".to_owned()),
        (seconds, _, _) if seconds == 7 * DAY => Some("0 0 * * 0".to_owned()),
        (_, Some(minutes), _) => Some(format!("*/{minutes} * * * *")),
        (_, _, Some(hours)) => Some(format!("0 */{hours} * * *")),
        _ => None,
    }
}

fn long(seconds: i64) -> String {
    let parts = [
        (seconds / DAY, "d"),
        (seconds % DAY / HOUR, "h"),
        (seconds % HOUR / MINUTE, "min"),
        (seconds % MINUTE, "s"),
    ];
    let parts = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n} {unit}"));
    parts.collect::<Vec<_>>().join(" ")
}

/// The @-names and what they stand for.
const NAMED: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// The five fields of an expression that has none of what only some crons know (`L`, `W`, `#`).
fn fields(expression: &str) -> Option<[&str; 5]> {
    let lower = expression.trim().to_ascii_lowercase();
    let named = NAMED.iter().find(|(name, _)| *name == lower).map(|(_, fields)| *fields);
    let fields: Vec<&str> = named.unwrap_or(expression).split_whitespace().collect();
    let fields: [&str; 5] = fields.try_into().ok()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "*/,-".contains(c);
    let day_of_month_has_letters = fields[2].contains(|c: char| c.is_ascii_alphabetic());
    let ends_in_last = fields[4].split(',').any(|item| item.to_ascii_uppercase().ends_with('L'));
    let known = fields.iter().all(|field| field.chars().all(plain));
    (known && !day_of_month_has_letters && !ends_in_last).then_some(fields)
}

fn known(expression: &str, whose: Cron) -> Option<String> {
    let [minute, hour, day, month, weekday] = fields(expression)?;
    let weekday = match whose {
        Cron::Debian => weekday.to_owned(),
        Cron::Kubernetes if !weekday.contains('7') => weekday.to_owned(),
        Cron::Kubernetes => {
            let days = weekdays(weekday)?;
            days.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
        }
    };
    Some(format!("{minute} {hour} {day} {month} {weekday}"))
}

/// When a timer of systemd starts the job; or why nothing can be said.
pub(super) fn calendar(when: &When) -> Result<Calendar, String> {
    let (lines, expression) = match when {
        When::Every(seconds) => {
            let Some(times) = every(*seconds) else { return Ok(Calendar::Every(*seconds)) };
            // The period of a check has no zone, and neither has its timer.
            return Ok(translated(&times).map_or(Calendar::Every(*seconds), Calendar::At));
        }
        When::Cron { expression, .. } => (translated(expression), expression),
        When::OnCalendar { expression, .. } => (own(expression), expression),
    };
    let lines = lines.ok_or_else(|| {
        let expression = super::harmless(expression);
        format!("The check's schedule, {expression}, can't be said to systemd")
    })?;
    let zone = zone(when).unwrap_or("UTC");
    let in_zone = |line: String| if has_zone(&line) { line } else { format!("{line} {zone}") };
    Ok(Calendar::At(lines.into_iter().map(in_zone).collect()))
}

/// Calendar expressions as they are, one a line.
fn own(expression: &str) -> Option<Vec<String>> {
    let plain = |c: char| c.is_ascii_alphanumeric() || " *:/,.~+-_".contains(c);
    let lines: Vec<String> = expression.lines().map(|line| line.trim().to_owned()).collect();
    let fine = |line: &String| !line.is_empty() && line.chars().all(plain);
    (!lines.is_empty() && lines.iter().all(fine)).then_some(lines)
}

/// Whether a calendar expression ends in a zone: no date, time or day has a letter at its
/// beginning, save days, which come first, and words like `daily`, which stand alone.
fn has_zone(line: &str) -> bool {
    let words = line.split_whitespace().skip(1);
    words.last().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// A cron expression as calendar expressions: two where day of month and day of week are both
/// restricted, for cron then fires where either fits.
fn translated(expression: &str) -> Option<Vec<String>> {
    let [minute, hour, day, month, weekday] = fields(expression)?;
    let days = weekdays(weekday)?;
    let all = days.len() == 7;
    let names: Vec<&str> = days.iter().map(|day| WEEKDAYS[*day]).collect();
    let on = if all { String::new() } else { format!("{} ", names.join(",")) };
    let (month, date) = (values(&month_numbers(month), 1)?, values(day, 1)?);
    let time = format!("{}:{}:00", values(hour, 0)?, values(minute, 0)?);
    if day.starts_with('*') || weekday.starts_with('*') {
        return Some(vec![format!("{on}*-{month}-{date} {time}")]);
    }
    Some(vec![format!("*-{month}-{date} {time}"), format!("{on}*-{month}-* {time}")])
}

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

fn month_numbers(field: &str) -> String {
    let field = field.to_ascii_uppercase();
    let months = MONTHS.iter().enumerate();
    months.fold(field, |field, (i, name)| field.replace(name, &(i + 1).to_string()))
}

/// A list of numbers, ranges and steps in systemd's spelling; `least` is the field's first value.
fn values(field: &str, least: u32) -> Option<String> {
    let number = |text: &str| text.parse::<u32>().ok();
    let one = |item: &str| {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(number(step).filter(|step| *step > 0)?)),
            None => (item, None),
        };
        match (range, range.split_once('-'), step) {
            ("*", _, None) => Some("*".to_owned()),
            ("*", _, Some(step)) => Some(format!("{least}/{step}")),
            (_, Some((from, to)), None) => Some(format!("{}..{}", number(from)?, number(to)?)),
            (_, Some((from, to)), Some(step)) => {
                Some(format!("{}..{}/{step}", number(from)?, number(to)?))
            }
            (single, None, None) => number(single).map(|n| n.to_string()),
            // A step without a range: crons differ on it.
            (_, None, Some(_)) => None,
        }
    };
    let items: Vec<String> = field.split(',').map(one).collect::<Option<_>>()?;
    let all = items.iter().any(|item| item == "*");
    Some(if all { "*".to_owned() } else { items.join(",") })
}

/// The days that a cron's field names, in order, Sunday being 0.
fn weekdays(field: &str) -> Option<Vec<usize>> {
    let day = |text: &str| {
        let named = WEEKDAYS.iter().position(|name| name.eq_ignore_ascii_case(text));
        named.or_else(|| text.parse().ok()).filter(|day| *day <= 7)
    };
    let mut days = [false; 7];
    for item in field.split(',') {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, step.parse().ok().filter(|step| *step > 0)?),
            None => (item, 1),
        };
        let (from, to) = match (range, range.split_once('-')) {
            ("*", _) => (0, 6),
            (_, Some((from, to))) => (day(from)?, day(to)?),
            (single, None) if step == 1 => (day(single)?, day(single)?),
            _ => return None,
        };
        // `FRI-SUN` ends at 0; cron takes such a range only where Sunday is written 7.
        (from..=to).step_by(step).for_each(|day| days[day % 7] = true);
    }
    let named: Vec<usize> = (0..7).filter(|day| days[*day]).collect();
    (!named.is_empty()).then_some(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cron_of(expression: &str) -> When {
        When::Cron { expression: expression.to_owned(), timezone: "Europe/Berlin".to_owned() }
    }

    fn calendar_of(expression: &str) -> Vec<String> {
        match calendar(&cron_of(expression)) {
            Ok(Calendar::At(lines)) => lines,
            other => panic!("{expression}: {other:?}"),
        }
    }

    #[test]
    fn a_period_is_a_cron_line_where_it_divides_evenly() {
        for (seconds, wanted) in [
            (60, "* * * * *"),
            (300, "*/5 * * * *"),
            (1800, "*/30 * * * *"),
            (3600, "0 * * * *"),
            (7200, "0 */2 * * *"),
            (43_200, "0 */12 * * *"),
            (86_400, "0 0 * * *"),
            (604_800, "0 0 * * 0"),
        ] {
            assert_eq!(cron(&When::Every(seconds), Cron::Debian), Ok((wanted.to_owned(), None)));
        }
        for seconds in [1, 59, 61, 90, 420, 5400, 25_200, 90_000, 172_800, 31_536_000, 0, -60] {
            assert!(cron(&When::Every(seconds), Cron::Debian).is_err(), "{seconds}");
        }
        let reason = cron(&When::Every(94_271), Cron::Debian).unwrap_err();
        assert!(reason.contains("every 1 d 2 h 11 min 11 s"), "{reason}");
    }

    #[test]
    fn a_cron_expression_stays_as_it_is_where_cron_knows_it() {
        let of = |text: &str, whose| cron(&cron_of(text), whose).map(|(times, _)| times);
        assert_eq!(
            of("5,10 1-3/2  * JUL MON-FRI", Cron::Debian).unwrap(),
            "5,10 1-3/2 * JUL MON-FRI"
        );
        assert_eq!(of("@Daily", Cron::Debian).unwrap(), "0 0 * * *");
        assert_eq!(of("0 0 * * 5-7", Cron::Debian).unwrap(), "0 0 * * 5-7");
        assert_eq!(of("0 0 * * 5-7", Cron::Kubernetes).unwrap(), "0 0 * * 0,5,6");
        for foreign in ["0 0 L * *", "0 0 LW * *", "0 0 15W * *", "0 0 * * 5L", "0 0 * * FRI#2"] {
            assert!(of(foreign, Cron::Debian).is_err(), "{foreign}");
        }
        let evil = of("* * * * * rm -rf /\n* * * * * x", Cron::Debian).unwrap_err();
        assert!(!evil.contains('\n'), "{evil}");
        assert!(of("* * * * %", Cron::Debian).is_err());
        let (_, note) = cron(&cron_of("* * * * *"), Cron::Debian).unwrap();
        assert!(note.unwrap().contains("Europe/Berlin"));
    }

    #[test]
    fn a_cron_expression_becomes_calendar_expressions() {
        let all = "Europe/Berlin";
        assert_eq!(calendar_of("*/5 * * * *"), [format!("*-*-* *:0/5:00 {all}")]);
        assert_eq!(calendar_of("30 3 1-7/2 * *"), [format!("*-*-1..7/2 3:30:00 {all}")]);
        assert_eq!(
            calendar_of("0 9 * JAN,7 MON-FRI"),
            [format!("Mon,Tue,Wed,Thu,Fri *-1,7-* 9:0:00 {all}")]
        );
        assert_eq!(
            calendar_of("0 0 13 * FRI"),
            [format!("*-*-13 0:0:00 {all}"), format!("Fri *-*-* 0:0:00 {all}"),]
        );
        for foreign in ["0 0 L * *", "0 0 * * FRI#2", "0/5 * * * *", "* * * *", "* * * * 8"] {
            assert!(calendar(&cron_of(foreign)).is_err(), "{foreign}");
        }
    }

    #[test]
    fn a_period_that_divides_nothing_counts_from_the_last_run() {
        assert_eq!(calendar(&When::Every(5400)), Ok(Calendar::Every(5400)));
        let day = vec!["*-*-* 0:0:00".to_owned()];
        assert_eq!(calendar(&When::Every(86_400)), Ok(Calendar::At(day)));
    }

    #[test]
    fn calendar_expressions_get_their_zone_and_nothing_more() {
        let lines = |text: &str| {
            let when = When::OnCalendar { expression: text.to_owned(), timezone: "UTC".to_owned() };
            calendar(&when)
        };
        let at = |lines: &[&str]| {
            Ok(Calendar::At(lines.iter().map(|line| (*line).to_owned()).collect()))
        };
        assert_eq!(lines("daily"), at(&["daily UTC"]));
        assert_eq!(
            lines("Mon *-*-* 03:00\n*-*~01 4:00"),
            at(&["Mon *-*-* 03:00 UTC", "*-*~01 4:00 UTC"])
        );
        assert_eq!(lines("*-*-* 12:00 Asia/Tokyo"), at(&["*-*-* 12:00 Asia/Tokyo"]));
        assert!(lines("daily\n[Service]\nExecStart=/bin/x").is_err());
        assert!(lines("%H").is_err() && lines("").is_err());
    }
}
