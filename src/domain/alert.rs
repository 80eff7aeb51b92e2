//! What an alert says, whatever kind of channel carries it: one subject, one text and one short
//! form for all kinds (`alerting.md`, "Notifications"). Pure: it escapes nothing for any particular
//! kind, which is the work of the kind's own file, but no name in it can break a line.

use chrono::DateTime;
use chrono_tz::Tz;

use super::check::Reason;
use super::monitor::Host;
use crate::clock::{SECOND, Timestamp};

/// How much of the last body's end [`text`] quotes, in characters.
const BODY_TAIL: usize = 500;

/// Checks that went down within so many seconds of one went down with it.
pub const TOGETHER: i64 = 60;

/// The most checks that are counted of those that went down with one.
pub const MOST_OTHERS: i64 = 100;

/// How much of a name the subject and the short form take, in characters.
const NAME_LIMIT: usize = 100;

/// What a recipient is told who is asked whether alerts may be sent.
const CONFIRM: [&str; 2] = [
    "Somebody wants the alerts of this project to be sent to this address: they tell when a job is \
     late or fails, and when it is well again.",
    "To agree, open the page below and press its button. If you don't know what this is about, do \
     nothing: no alert comes without your consent.",
];

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The check went down.
    Down,
    /// The check is still down: a reminder.
    StillDown,
    /// The check went up again.
    Up,
    /// The check changes its state too often; it is quiet until the state holds.
    Flapping,
    /// Somebody tries the channel out.
    Test,
    /// Another channel of the project was switched off after a final answer of its service. The
    /// check of such an alert may be empty.
    ChannelDisabled {
        /// The name of the channel that was switched off.
        channel_name: String,
        /// What its service answered.
        why: String,
    },
    /// The recipient is asked whether alerts may be sent there; the link leads to where they agree.
    Confirm,
}

impl Event {
    /// The name as it stands in a webhook's default body.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::StillDown => "still_down",
            Self::Up => "up",
            Self::Flapping => "flapping",
            Self::Test => "test",
            Self::ChannelDisabled { .. } => "channel_disabled",
            Self::Confirm => "confirm",
        }
    }

    /// Good news (`up`) or not (`down`): there is no third answer, a test and a warning count as
    /// `down`, so that receivers that know two words understand all of them.
    #[must_use]
    pub fn status(&self) -> &'static str {
        if *self == Self::Up { "up" } else { "down" }
    }
}

/// When pings are expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rhythm {
    /// Kind `simple`: one every so many seconds.
    Every {
        /// Seconds.
        period: i64,
    },
    /// Kinds `cron` and `oncalendar`: after a schedule.
    Schedule {
        /// The expression as it was written.
        expression: String,
        /// IANA name of the zone that it is read in.
        timezone: String,
        /// What the expression says, in words.
        words: String,
    },
}

impl Default for Rhythm {
    fn default() -> Self {
        Self::Every { period: 86_400 }
    }
}

/// Which pings count as what: the filters of `healthchecks-api.md` by their names there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "they are the contract's flags")]
pub struct Filters {
    /// Comma-separated words that make a ping a start.
    pub start_kw: String,
    /// Comma-separated words that make a ping a success.
    pub success_kw: String,
    /// Comma-separated words that make a ping a failure.
    pub failure_kw: String,
    /// Whether the subject of an email is searched.
    pub filter_subject: bool,
    /// Whether the body of an email is searched.
    pub filter_body: bool,
    /// Whether the body of an HTTP ping is searched.
    pub filter_http_body: bool,
    /// Whether a ping without any of the words is a failure.
    pub filter_default_fail: bool,
}

/// The check as messages tell of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckFacts {
    /// The UUID with hyphens.
    pub uuid: String,
    /// The name; may be empty.
    pub name: String,
    /// The slug; may be empty.
    pub slug: String,
    /// The tags in their order.
    pub tags: Vec<String>,
    /// The description.
    pub description: String,
    /// `new`, `up`, `grace`, `down` or `paused`.
    pub status: String,
    /// Whether a run is open.
    pub started: bool,
    /// When pings are expected.
    pub rhythm: Rhythm,
    /// The grace time, seconds.
    pub grace: i64,
    /// How many pings there were.
    pub n_pings: i64,
    /// The last success or failure.
    pub last_ping_at: Option<Timestamp>,
    /// When the next ping is expected.
    pub next_ping_at: Option<Timestamp>,
    /// How long the last run took, microseconds; none where it is not known.
    pub last_duration: Option<i64>,
    /// Whether a paused check waits for somebody to resume it.
    pub manual_resume: bool,
    /// `""` or `POST`.
    pub methods: String,
    /// The body and subject filters.
    pub filters: Filters,
    /// The key that names the check to those who may only read: SHA-1, in hex, of the first 16 hex
    /// digits of the UUID.
    pub unique_key: String,
    /// Where the check's badge is; none where it has none.
    pub badge_url: Option<String>,
}

/// The host that a silent job runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFacts {
    /// What its device is called.
    pub name: String,
    /// How it is; none where no look at it ended in time.
    pub seen: Option<Host>,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// One message, before any channel has given it a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// What happened.
    pub event: Event,
    /// To which check.
    pub check: CheckFacts,
    /// Why; none for tests and the like.
    pub reason: Option<Reason>,
    /// The exit status that the job reported; none where it reported none.
    pub exit_status: Option<u8>,
    /// When the state began: the time of the flip.
    pub since: Timestamp,
    /// When the ping that is missing was expected.
    pub expected_at: Option<Timestamp>,
    /// The last ping's body; empty where it had none.
    pub last_body: String,
    /// On recovery: how long the check was down, microseconds.
    pub downtime: Option<i64>,
    /// On a turn to down by silence: the host, where the check is linked to one.
    pub host: Option<HostFacts>,
    /// On a turn to down: how many other checks of the project went down with it; one more than
    /// [`MOST_OTHERS`] stands for any more.
    pub others_down: i64,
    /// The project's name.
    pub project: String,
    /// Address of the check's page.
    pub link: String,
    /// From when to when this server itself was out, where that has put the alert off.
    pub outage: Option<(Timestamp, Timestamp)>,
    /// The recipient's time zone.
    pub zone: Tz,
    /// When the message is written.
    pub now: Timestamp,
}

/// One line that says which check it is and what became of it.
#[must_use]
pub fn subject(alert: &Alert) -> String {
    let title = title(alert);
    match &alert.event {
        Event::Down => format!("{title} is down: {}", cause(alert)),
        Event::StillDown => format!("{title} is still down, for {}", age(alert, alert.since)),
        Event::Up => match alert.downtime {
            Some(micros) => format!("{title} is up again after {}", duration(micros)),
            None => format!("{title} is up"),
        },
        Event::Flapping => format!("{title} is flapping: it goes up and down too often"),
        Event::Test => format!("Test: this channel of {} works", project(alert)),
        Event::ChannelDisabled { channel_name, .. } => {
            format!("The channel {} was switched off", name_in_line(channel_name))
        }
        Event::Confirm => {
            format!("Please confirm this address for the alerts of {}", project(alert))
        }
    }
}

/// The whole message in plain English, several lines, no line break at the end. Times are in the
/// recipient's zone.
#[must_use]
pub fn text(alert: &Alert) -> String {
    let mut lines = vec![format!("{}.", subject(alert)), String::new()];
    match &alert.event {
        Event::Test => lines.push(
            "This is a test message. Somebody asked for it to see whether this channel works; \
             nothing has happened."
                .to_owned(),
        ),
        Event::ChannelDisabled { why, .. } => lines.extend(disabled_lines(alert, why)),
        Event::Confirm => lines.extend(CONFIRM.map(str::to_owned)),
        _ => lines.extend(check_lines(alert)),
    }
    if !alert.link.is_empty() {
        lines.extend([String::new(), one_line(&alert.link)]);
    }
    lines.join("\n")
}

/// One line for channels where every character counts.
#[must_use]
pub fn short(alert: &Alert) -> String {
    let title = title(alert);
    match &alert.event {
        Event::Down => {
            format!("DOWN {title}: {} ({})", cause(alert), clock_time(alert, alert.since))
        }
        Event::StillDown => format!("STILL DOWN {title}: {}", age(alert, alert.since)),
        Event::Up => match alert.downtime {
            Some(micros) => format!("UP {title}: after {}", duration(micros)),
            None => format!("UP {title}"),
        },
        Event::Flapping => format!("FLAPPING {title}"),
        Event::Test => format!("TEST {}", project(alert)),
        Event::ChannelDisabled { channel_name, .. } => {
            format!("CHANNEL OFF {}", name_in_line(channel_name))
        }
        Event::Confirm => format!("CONFIRM {}", project(alert)),
    }
}

/// One line about several alerts: `3 alerts: 2 down, 1 up`.
#[must_use]
pub fn subject_of_group(alerts: &[Alert]) -> String {
    let up = alerts.iter().filter(|alert| alert.event == Event::Up).count();
    let counts = [(alerts.len() - up, "down"), (up, "up")];
    let counts = counts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}"));
    let counts = counts.collect::<Vec<_>>().join(", ");
    let of = alerts.first().map(project).unwrap_or_default();
    format!("{} alerts of {of}: {counts}", alerts.len())
}

/// Several alerts as one message: each on a line of its own.
#[must_use]
pub fn text_of_group(alerts: &[Alert]) -> String {
    let mut lines = vec![format!("{}.", subject_of_group(alerts)), String::new()];
    lines.extend(alerts.iter().map(short));
    if let Some(link) = alerts.first().map(|alert| one_line(&alert.link)).filter(|l| !l.is_empty())
    {
        lines.extend([String::new(), link]);
    }
    lines.join("\n")
}

/// A length of time for people, from microseconds: its two largest units, `1 m 12 s`, `3 h 5 m`,
/// `2 d`. A negative one counts as none.
#[must_use]
pub fn duration(micros: i64) -> String {
    let seconds = micros / SECOND;
    if seconds < 1 {
        return "less than 1 s".to_owned();
    }
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    let units = [(days, "d"), (hours, "h"), (minutes, "m"), (rest, "s")];
    let largest = units.iter().position(|(n, _)| *n > 0).unwrap_or(3);
    let told = units[largest..].iter().take(2).filter(|(n, _)| *n > 0);
    told.map(|(n, unit)| format!("{n} {unit}")).collect::<Vec<_>>().join(" ")
}

/// The text on one line: control characters, line separators and marks that turn the direction of
/// writing become spaces.
#[must_use]
pub fn one_line(text: &str) -> String {
    let line: String = text.chars().map(|c| if breaks_a_line(c) { ' ' } else { c }).collect();
    line.trim().to_owned()
}

fn breaks_a_line(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The lines that tell of a check's state.
fn check_lines(alert: &Alert) -> Vec<String> {
    let check = &alert.check;
    let mut lines = vec![format!("Project: {}", project(alert))];
    if !check.tags.is_empty() {
        lines.push(format!("Tags: {}", one_line(&check.tags.join(" "))));
    }
    let state = if alert.event == Event::Up { "Up" } else { "Down" };
    if alert.event != Event::Flapping {
        lines.push(format!("{state} since: {}", moment(alert, alert.since)));
    }
    lines.extend(host_line(alert));
    lines.extend(others_line(alert.others_down));
    if let (Some(expected), true) = (alert.expected_at, alert.event != Event::Up) {
        lines.push(format!("Expected: {}", moment(alert, expected)));
        if let Rhythm::Schedule { words, .. } = &check.rhythm {
            lines.push(format!("Schedule: {}", one_line(words)));
        }
    }
    lines.push(last_ping_line(alert));
    if let Some(status) = alert.exit_status {
        lines.push(format!("Exit status: {status}"));
    }
    if let Some(sentence) = outage_sentence(alert) {
        lines.push(sentence);
    }
    if alert.event == Event::Flapping {
        lines.push("No further message comes until its state has held for 15 minutes.".to_owned());
    }
    lines.extend(body_lines(&alert.last_body));
    lines
}

fn disabled_lines(alert: &Alert, why: &str) -> Vec<String> {
    vec![
        format!("Project: {}", project(alert)),
        format!("Why: {}", one_line(why)),
        "Nothing is sent there until somebody mends the channel and switches it on again."
            .to_owned(),
    ]
}

fn host_line(alert: &Alert) -> Option<String> {
    let HostFacts { name, seen, error } = alert.host.as_ref()?;
    let error = error.as_deref().map(|error| format!(", {}", one_line(error))).unwrap_or_default();
    let is = match seen {
        Some(Host::Up) => "up; the job alone is silent".to_owned(),
        Some(Host::Down) => format!("down{error}"),
        Some(Host::Unknown) => format!("this server could not tell{error}"),
        None => "not known yet".to_owned(),
    };
    Some(format!("Host: {}: {is}", name_in_line(name)))
}

fn others_line(others: i64) -> Option<String> {
    let others = match others {
        i64::MIN..=0 => return None,
        1 => "1 other check".to_owned(),
        2..=MOST_OTHERS => format!("{others} other checks"),
        _ => format!("more than {MOST_OTHERS} other checks"),
    };
    Some(format!("Went down with it: {others} of this project"))
}

fn last_ping_line(alert: &Alert) -> String {
    match alert.check.last_ping_at {
        Some(at) => format!("Last ping: {}, {} ago", moment(alert, at), age(alert, at)),
        None => "Last ping: none so far".to_owned(),
    }
}

/// Why this message comes late, where this server itself is the reason (`alerting.md`,
/// "Detection").
fn outage_sentence(alert: &Alert) -> Option<String> {
    let (from, to) = alert.outage?;
    let (from, to) = (local(alert, from), local(alert, to));
    let form = if from.date_naive() == to.date_naive() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    Some(format!("Note that this server was down {}–{}.", from.format(form), to.format(form)))
}

/// The end of the body, indented, its own line breaks kept and everything else that a terminal
/// might obey taken out.
fn body_lines(body: &str) -> Vec<String> {
    let tail = tail(body.trim_end(), BODY_TAIL);
    if tail.trim().is_empty() {
        return Vec::new();
    }
    let heading = if tail.len() < body.trim_end().len() {
        "The end of the last body:"
    } else {
        "The last body:"
    };
    let quoted = tail.lines().map(|line| {
        let line: String = line.chars().map(|c| if breaks_a_line(c) { ' ' } else { c }).collect();
        format!("  {}", line.trim_end()).trim_end().to_owned()
    });
    std::iter::once(heading.to_owned()).chain(quoted).collect()
}

/// The last `limit` characters.
fn tail(text: &str, limit: usize) -> &str {
    match text.char_indices().rev().nth(limit.saturating_sub(1)) {
        Some((start, _)) => &text[start..],
        None => text,
    }
}

/// What the check is called: its name, else its slug, else its UUID.
fn title(alert: &Alert) -> String {
    let check = &alert.check;
    let called = [&check.name, &check.slug].into_iter().map(|s| name_in_line(s));
    let title = called.into_iter().find(|name| !name.is_empty());
    title.unwrap_or_else(|| format!("check {}", check.uuid))
}

fn project(alert: &Alert) -> String {
    let name = name_in_line(&alert.project);
    if name.is_empty() { "this project".to_owned() } else { name }
}

fn name_in_line(name: &str) -> String {
    one_line(name).chars().take(NAME_LIMIT).collect()
}

fn cause(alert: &Alert) -> String {
    let why = reason(alert);
    match alert.host.as_ref().and_then(|host| host.seen) {
        Some(Host::Down) => format!("{why}; host down"),
        Some(Host::Up) => format!("{why}; host up, job silent"),
        Some(Host::Unknown) | None => why,
    }
}

fn reason(alert: &Alert) -> String {
    match (alert.reason, alert.exit_status) {
        (Some(Reason::Fail), Some(status)) => {
            format!("it reported a failure (exit status {status})")
        }
        (Some(Reason::Fail), None) => "it reported a failure".to_owned(),
        (Some(Reason::Overrun), _) => "a run takes longer than it may".to_owned(),
        _ => "no ping came in time".to_owned(),
    }
}

fn age(alert: &Alert, at: Timestamp) -> String {
    duration(alert.now.micros_since(at))
}

fn local(alert: &Alert, at: Timestamp) -> DateTime<Tz> {
    at.to_datetime().with_timezone(&alert.zone)
}

fn moment(alert: &Alert, at: Timestamp) -> String {
    local(alert, at).format("%Y-%m-%d %H:%M:%S %Z").to_string()
}

fn clock_time(alert: &Alert, at: Timestamp) -> String {
    local(alert, at).format("%H:%M %Z").to_string()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A check of a nightly backup that went down because no ping came.
    pub(crate) fn late_backup() -> Alert {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        Alert {
            event: Event::Down,
            check: CheckFacts {
                uuid: "00000000-0000-4000-8000-000000000001".into(),
                name: "nightly backup".into(),
                slug: "nightly-backup".into(),
                tags: vec!["prod".into(), "db".into()],
                status: "down".into(),
                rhythm: Rhythm::Schedule {
                    expression: "0 3 * * *".into(),
                    timezone: "Europe/Berlin".into(),
                    words: "at 03:00 every day, Europe/Berlin".into(),
                },
                grace: 600,
                n_pings: 41,
                last_ping_at: Some(at("2026-01-01T02:00:12Z")),
                unique_key: "0123456789012345678901234567890123456789".into(),
                ..CheckFacts::default()
            },
            reason: Some(Reason::Timeout),
            exit_status: None,
            since: at("2026-01-02T02:10:00Z"),
            expected_at: Some(at("2026-01-02T02:00:00Z")),
            last_body: "dumping\ndone in 3 s\n".into(),
            downtime: None,
            host: None,
            others_down: 0,
            project: "Home".into(),
            link: "https://overdue.example/project/1/check/2".into(),
            outage: None,
            zone: chrono_tz::Europe::Berlin,
            now: at("2026-01-02T02:10:01Z"),
        }
    }

    #[test]
    fn a_missed_ping_is_told_with_all_that_is_known_in_the_recipients_zone() {
        let alert = late_backup();
        assert_eq!(subject(&alert), "nightly backup is down: no ping came in time");
        assert_eq!(short(&alert), "DOWN nightly backup: no ping came in time (03:10 CET)");
        assert_eq!(
            text(&alert),
            "nightly backup is down: no ping came in time.\n\
             \n\
             Project: Home\n\
             Tags: prod db\n\
             Down since: 2026-01-02 03:10:00 CET\n\
             Expected: 2026-01-02 03:00:00 CET\n\
             Schedule: at 03:00 every day, Europe/Berlin\n\
             Last ping: 2026-01-01 03:00:12 CET, 1 d ago\n\
             The last body:\n\
             \x20 dumping\n\
             \x20 done in 3 s\n\
             \n\
             https://overdue.example/project/1/check/2"
        );
    }

    #[test]
    fn a_down_tells_how_many_others_went_down_with_it() {
        let told = |others_down| text(&Alert { others_down, ..late_backup() });
        let line =
            |count: &str| format!("CET\nWent down with it: {count} of this project\nExpected");
        assert!(!told(0).contains("with it"));
        assert!(told(1).contains(&line("1 other check")));
        assert!(told(100).contains(&line("100 other checks")));
        assert!(told(101).contains(&line("more than 100 other checks")));
    }

    #[test]
    fn several_alerts_are_one_message_with_a_line_for_each() {
        let down = late_backup();
        let up = Alert { event: Event::Up, downtime: Some(65 * SECOND), ..down.clone() };
        let both = [down.clone(), up];
        assert_eq!(subject_of_group(&both), "2 alerts of Home: 1 down, 1 up");
        assert_eq!(
            text_of_group(&both),
            "2 alerts of Home: 1 down, 1 up.\n\
             \n\
             DOWN nightly backup: no ping came in time (03:10 CET)\n\
             UP nightly backup: after 1 m 5 s\n\
             \n\
             https://overdue.example/project/1/check/2"
        );
        assert_eq!(subject_of_group(&[down.clone(), down]), "2 alerts of Home: 2 down");
    }

    #[test]
    fn a_recovery_tells_how_long_it_was_down_and_not_what_was_expected() {
        let alert = Alert {
            event: Event::Up,
            reason: Some(Reason::Ping),
            downtime: Some(3_905 * SECOND),
            ..late_backup()
        };
        assert_eq!(subject(&alert), "nightly backup is up again after 1 h 5 m");
        assert_eq!(short(&alert), "UP nightly backup: after 1 h 5 m");
        assert!(text(&alert).contains("Up since: 2026-01-02 03:10:00 CET"));
        assert!(!text(&alert).contains("Expected"));
    }

    #[test]
    fn of_a_silent_job_it_is_told_whether_its_host_is_silent_too() {
        let told = |seen, error: Option<&str>| {
            let error = error.map(str::to_owned);
            let host = Some(HostFacts { name: "web 1".to_owned(), seen, error });
            let alert = Alert { host, ..late_backup() };
            let line =
                text(&alert).lines().find(|line| line.starts_with("Host")).unwrap().to_owned();
            (subject(&alert), line)
        };
        let (subject, line) = told(Some(Host::Down), Some("no\nroute"));
        assert!(subject.ends_with("no ping came in time; host down"), "{subject}");
        assert_eq!(line, "Host: web 1: down, no route");
        let (subject, line) = told(Some(Host::Up), None);
        assert!(subject.ends_with("no ping came in time; host up, job silent"), "{subject}");
        assert_eq!(line, "Host: web 1: up; the job alone is silent");
        let (subject, line) = told(None, None);
        assert!(subject.ends_with("no ping came in time"), "{subject}");
        assert_eq!(line, "Host: web 1: not known yet");
        let (_, line) = told(Some(Host::Unknown), Some("not allowed"));
        assert_eq!(line, "Host: web 1: this server could not tell, not allowed");
    }

    #[test]
    fn the_reason_and_the_exit_status_are_told() {
        let mut alert = late_backup();
        alert.reason = Some(Reason::Fail);
        alert.exit_status = Some(3);
        assert!(subject(&alert).ends_with("it reported a failure (exit status 3)"));
        assert!(text(&alert).contains("\nExit status: 3\n"));
        alert.reason = Some(Reason::Overrun);
        assert!(subject(&alert).ends_with("a run takes longer than it may"));
    }

    #[test]
    fn an_outage_of_this_server_is_owned_up_to() {
        let mut alert = late_backup();
        alert.outage = Some((
            "2026-01-02T01:50:00Z".parse().unwrap(),
            "2026-01-02T02:10:00Z".parse().unwrap(),
        ));
        assert!(text(&alert).contains("this server was down 02:50–03:10."));
        alert.outage = Some((
            "2026-01-01T22:50:00Z".parse().unwrap(),
            "2026-01-02T02:10:00Z".parse().unwrap(),
        ));
        assert!(text(&alert).contains("this server was down 2026-01-01 23:50–2026-01-02 03:10."));
    }

    #[test]
    fn reminders_flapping_tests_and_lost_channels_have_words_of_their_own() {
        let mut alert = late_backup();
        alert.event = Event::StillDown;
        alert.now = alert.since.plus_seconds(7_260);
        assert_eq!(subject(&alert), "nightly backup is still down, for 2 h 1 m");
        alert.event = Event::Flapping;
        assert!(text(&alert).contains("held for 15 minutes"));
        alert.event = Event::Test;
        assert!(text(&alert).contains("This is a test message."));
        alert.event =
            Event::ChannelDisabled { channel_name: "ops\nroom".into(), why: "410 Gone".into() };
        assert_eq!(subject(&alert), "The channel ops room was switched off");
        assert!(text(&alert).contains("Why: 410 Gone"));
        alert.event = Event::Confirm;
        assert_eq!(subject(&alert), "Please confirm this address for the alerts of Home");
        assert!(text(&alert).contains("press its button"));
    }

    #[test]
    fn a_check_without_a_name_is_called_by_its_slug_and_then_by_its_uuid() {
        let mut alert = late_backup();
        alert.check.name = " \n".into();
        assert!(subject(&alert).starts_with("nightly-backup is down"));
        alert.check.slug = String::new();
        assert!(subject(&alert).starts_with("check 00000000-"));
    }

    #[test]
    fn of_a_long_body_only_the_end_is_quoted_and_terminal_codes_are_taken_out() {
        let mut alert = late_backup();
        alert.last_body = format!("{}\u{1b}[31mlast line", "ä".repeat(2_000));
        let text = text(&alert);
        assert!(text.contains("The end of the last body:\n  ä"));
        assert!(text.contains("ä [31mlast line"));
        assert_eq!(text.matches('ä').count(), BODY_TAIL - "\u{1b}[31mlast line".len());
    }

    #[test]
    fn durations_are_told_in_their_two_largest_units() {
        let of = |seconds: i64| duration(seconds * SECOND);
        assert_eq!(of(0), "less than 1 s");
        assert_eq!(of(-5), "less than 1 s");
        assert_eq!(of(45), "45 s");
        assert_eq!(of(72), "1 m 12 s");
        assert_eq!(of(3_600), "1 h");
        assert_eq!(of(11_100), "3 h 5 m");
        assert_eq!(of(3_605), "1 h");
        assert_eq!(of(183_600), "2 d 3 h");
    }

    proptest! {
        #[test]
        fn no_name_breaks_a_line(name in any::<String>(), project in any::<String>()) {
            let alert = Alert {
                check: CheckFacts { name: name.clone(), ..late_backup().check },
                project,
                ..late_backup()
            };
            prop_assert!(!subject(&alert).chars().any(breaks_a_line));
            prop_assert!(!short(&alert).chars().any(breaks_a_line));
            prop_assert_eq!(text(&alert).lines().count(), text(&late_backup()).lines().count());
        }

        #[test]
        fn any_body_and_any_moment_can_be_told(body in any::<String>(), at in any::<i64>()) {
            let alert = Alert { last_body: body, since: Timestamp(at), ..late_backup() };
            prop_assert!(text(&alert).starts_with("nightly backup is down"));
        }
    }
}
