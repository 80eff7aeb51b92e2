//! Calendar expressions, held against systemd: what it once said to those of `calendar.txt`, and
//! where it is installed what it says now.

use std::collections::{HashMap, HashSet};
use std::iter::successors;
use std::process::{Command, Stdio};

use overdue::clock::{SECOND, Timestamp};
use overdue::domain::schedule::oncalendar::OnCalendar;
use overdue::domain::schedule::zone::{self, Shown, Tz};

use crate::support::pass_over;

const FILE: &str = include_str!("calendar.txt");

/// The version of systemd that the file was made with.
const VERSION: &str = "252";

/// How many occurrences of an expression are asked for.
const COUNT: usize = 6;

/// Expressions that are asked for one zone and one moment.
struct Group {
    zone: &'static str,
    /// Seconds since 1970.
    start: i64,
    /// Whether only the version of systemd that the file was made with is known to say this.
    is_versions_own: bool,
    /// Expressions, and what systemd said to them.
    cases: Vec<(&'static str, &'static str)>,
}

fn groups() -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for line in FILE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(head) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let mut parts = head.split(' ');
            let (zone, start) = (parts.next().unwrap(), parts.next().unwrap().parse().unwrap());
            let is_versions_own = parts.next().is_some();
            groups.push(Group { zone, start, is_versions_own, cases: Vec::new() });
        } else {
            let (expression, answer) = line.rsplit_once(" =").unwrap();
            groups.last_mut().unwrap().cases.push((expression, answer.trim_start()));
        }
    }
    groups
}

/// What systemd said to an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// It is not understood.
    Refused,
    /// The next occurrences, in seconds since 1970, and whether there are none after them.
    Occurrences(Vec<i64>, bool),
}

impl Answer {
    fn read(text: &str) -> Self {
        if text == "refused" {
            return Self::Refused;
        }
        let mut occurrences: Vec<i64> = Vec::new();
        for word in text.split(' ').filter(|word| *word != "never") {
            match word.strip_prefix('+') {
                None => occurrences.push(word.parse().unwrap()),
                Some(steps) => {
                    let (step, times) = steps.split_once('*').unwrap_or((steps, "1"));
                    let (step, times): (i64, usize) =
                        (step.parse().unwrap(), times.parse().unwrap());
                    let last = *occurrences.last().unwrap();
                    occurrences
                        .extend(successors(Some(last), |at| Some(at + step)).skip(1).take(times));
                }
            }
        }
        Self::Occurrences(occurrences, text.ends_with("never"))
    }

    fn written(&self) -> String {
        let Self::Occurrences(occurrences, is_all) = self else { return "refused".to_owned() };
        let mut words: Vec<String> = occurrences.first().iter().map(ToString::to_string).collect();
        let steps: Vec<i64> = occurrences.windows(2).map(|pair| pair[1] - pair[0]).collect();
        for same in steps.chunk_by(|a, b| a == b) {
            words.push(match same.len() {
                1 => format!("+{}", same[0]),
                times => format!("+{}*{times}", same[0]),
            });
        }
        words.extend(is_all.then(|| "never".to_owned()));
        words.join(" ")
    }
}

/// Says where the schedule differs from systemd; nothing where it does not.
fn difference(group: &Group, expression: &str, answer: &Answer) -> Option<String> {
    let told = |what: &dyn std::fmt::Debug| {
        let Group { zone, start, .. } = group;
        Some(format!("{expression} [{zone} {start}]: systemd says {answer:?}, this says {what:?}"))
    };
    let (schedule, systemd, is_all) = match (OnCalendar::parse(expression), answer) {
        (Err(_), Answer::Refused) => return None,
        (Err(error), Answer::Occurrences(..)) => return told(&error),
        (Ok(_), Answer::Refused) => return told(&"that it is understood"),
        (Ok(schedule), Answer::Occurrences(occurrences, is_all)) => {
            (schedule, occurrences, *is_all)
        }
    };
    let zone = zone::parse(group.zone).unwrap();
    let next = |at: &Timestamp| schedule.next_after(*at, zone);
    let ours = successors(next(&Timestamp(group.start * SECOND)), next);
    let ours: Vec<i64> = ours.take(COUNT).map(Timestamp::epoch_seconds).collect();
    // Asked from within the second time of what clocks show twice, systemd goes on within it, which
    // no timer does that ran all the while; that is set aside.
    let own = expression.rsplit_once(' ').and_then(|(_, name)| zone::parse(name));
    let is_second = |at: &&i64| is_shown_again(own.unwrap_or(zone), **at);
    let systemd: Vec<i64> = systemd.iter().filter(|at| !is_second(at)).copied().collect();
    let is_same = if is_all { ours == systemd } else { ours.starts_with(&systemd) };
    if is_same { None } else { told(&ours) }
}

/// Whether clocks show the second time what they show at this moment.
fn is_shown_again(zone: Tz, moment: i64) -> bool {
    matches!(zone::shown(zone, zone::wall_at(zone, moment)), Shown::Twice(_, again) if again == moment)
}

/// What systemd says to the expressions of a group now.
fn ask(group: &Group) -> HashMap<String, Answer> {
    let output = Command::new("systemd-analyze")
        .args(["calendar", &format!("--iterations={COUNT}")])
        .args([&format!("--base-time=@{}", group.start), "--"])
        .args(group.cases.iter().map(|(expression, _)| expression))
        .env("TZ", group.zone)
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(!errors.contains("Failed to determine"), "{} {}: {errors}", group.zone, group.start);
    let text = String::from_utf8(output.stdout).unwrap();
    let mut answers: HashMap<String, Answer> = text.split("\n\n").filter_map(read).collect();
    for (expression, _) in &group.cases {
        answers.entry((*expression).to_owned()).or_insert(Answer::Refused);
    }
    answers
}

/// What is told of one expression, and that.
fn read(block: &str) -> Option<(String, Answer)> {
    let lines = || block.lines().filter_map(|line| line.trim().split_once(": "));
    let value = |name| lines().find(|line| line.0 == name).map(|line| line.1.to_owned());
    // The normalized form stands alone where it is what was asked.
    let expression = value("Original form").or_else(|| value("Normalized form"))?;
    let is_time = |name: &str| name == "Next elapse" || name.starts_with("Iter");
    let mut found: Vec<i64> = Vec::new();
    for (name, value) in lines() {
        match name {
            "(in UTC)" => *found.last_mut().unwrap() = seconds(value),
            _ if is_time(name) && value != "never" => found.push(seconds(value)),
            _ => {}
        }
    }
    let is_all = found.len() < COUNT;
    Some((expression, Answer::Occurrences(found, is_all)))
}

/// `Mon 2026-01-05 00:00:00 UTC`; 0 where that is not in UTC.
fn seconds(text: &str) -> i64 {
    let parts: Vec<&str> = text.split(' ').collect();
    let [_, date, time, "UTC"] = parts[..] else { return 0 };
    format!("{date}T{time}Z").parse::<Timestamp>().unwrap().epoch_seconds()
}

#[test]
fn what_systemd_said_is_what_schedules_do() {
    let groups = groups();
    let cases = || groups.iter().flat_map(|group| &group.cases);
    let differences = groups.iter().flat_map(|group| {
        let cases = group.cases.iter();
        cases.filter_map(|(expression, said)| difference(group, expression, &Answer::read(said)))
    });
    let differences: Vec<String> = differences.collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    let (refused, understood): (Vec<_>, Vec<_>) = cases().partition(|(_, said)| *said == "refused");
    let understood: HashSet<_> = understood.into_iter().map(|(expression, _)| expression).collect();
    assert!(understood.len() > 1000 && refused.len() > 150 && cases().count() > 2300);
    let asked_in_second_times = groups.iter().filter(|group| {
        zone::parse(group.zone).is_some_and(|zone| is_shown_again(zone, group.start))
    });
    assert!(asked_in_second_times.count() > 10);
    for zone in ["Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Antarctica/Troll"] {
        assert!(groups.iter().any(|group| group.zone == zone), "{zone}");
    }
}

#[test]
fn systemd_says_it_still() {
    let Some(version) = version() else { return };
    let groups = groups();
    let asked = groups.iter().filter(|group| version == VERSION || !group.is_versions_own);
    let asked: Vec<_> = asked.map(|group| (group, ask(group))).collect();
    if std::env::var_os("OVERDUE_TEST_WRITE").is_some() {
        assert_eq!(version, VERSION, "the file is made with systemd {VERSION}");
        return write(&asked);
    }
    let differences = asked.iter().flat_map(|(group, answers)| {
        let answers = answers.iter();
        answers.filter_map(|(expression, answer)| difference(group, expression, answer))
    });
    let differences: Vec<String> = differences.collect();
    assert!(differences.is_empty(), "systemd {version}:\n{}", differences.join("\n"));
}

/// The version of the systemd that is here; where there is none, that is said, and under `./test`,
/// which installs it, it is an error.
fn version() -> Option<String> {
    let mut command = Command::new("systemd-analyze");
    let output = command.arg("--version").stdin(Stdio::null()).output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else {
        pass_over("systemd-analyze is not here: schedules are not held against it; run ./test");
        return None;
    };
    let text = String::from_utf8(output.stdout).unwrap();
    text.split(' ').nth(1).map(ToOwned::to_owned)
}

/// Writes the file anew, with the same expressions and these answers.
fn write(asked: &[(&Group, HashMap<String, Answer>)]) {
    let mut groups = asked.iter();
    let mut answers = &HashMap::new();
    let mut lines = Vec::new();
    for line in FILE.lines() {
        if line.starts_with('[') {
            answers = &groups.next().unwrap().1;
        }
        let case = line.rsplit_once(" =").filter(|_| !line.starts_with('#'));
        lines.push(match case {
            Some((expression, _)) => format!("{expression} = {}", answers[expression].written()),
            None => line.to_owned(),
        });
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schedules/calendar.txt");
    std::fs::write(path, lines.join("\n") + "\n").unwrap();
}
