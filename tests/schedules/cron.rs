//! Cron expressions held against cronsim, the Python package that Healthchecks goes by. `cron.txt`
//! is what it said once; where it is installed, which `OVERDUE_TEST_CRONSIM` tells, it is asked
//! again, and asked for others. `cron.py` asks, and says what for.
//!
//! Where cronsim 2.8 does otherwise than Debian's cron, which it means to follow, we do as Debian's
//! cron does. [`ASTRAY_BY_THE_CLOCK`] is all of that here; what is never asked has tests of its own
//! in `src/domain/schedule/cron/parse/tests.rs`: six fields, @-names, and `5-5/15`.

use std::path::Path;
use std::process::Stdio;

use overdue::clock::{SECOND, Timestamp};
use overdue::domain::schedule::cron::Cron;
use overdue::domain::schedule::zone::{self, Tz};

use crate::support::pass_over;

/// The variable that names a Python which has what requirements.txt names.
const VARIABLE: &str = "OVERDUE_TEST_CRONSIM";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schedules/cron.py");
/// What the script prints for the seed 1.
const KEPT: &str = include_str!("cron.txt");
const MINUTE: i64 = 60 * SECOND;

/// Zones whose clocks change at midnight, or at or by what is not a whole hour. There cronsim does
/// not go by the clock with some expressions that begin with `*`: it tells the end of a gap that
/// begins at midnight for a time of that day, and passes over parts of an hour.
const ASTRAY_BY_THE_CLOCK: [Tz; 8] = [
    Tz::Africa__Cairo,
    Tz::America__Havana,
    Tz::America__Santiago,
    Tz::Asia__Beirut,
    Tz::Atlantic__Azores,
    Tz::Australia__Lord_Howe,
    Tz::Pacific__Apia,
    Tz::Pacific__Chatham,
];
/// How many of them there may be.
const MOST_ASTRAY: usize = 100;

/// An expression, and what cronsim says of it.
struct Case<'a> {
    zone: Tz,
    start: Timestamp,
    text: &'a str,
    said: &'a str,
}

/// What the script printed.
#[derive(Default)]
struct Said<'a> {
    cases: Vec<Case<'a>>,
    /// Texts, and whether they are expressions.
    verdicts: Vec<(&'a str, bool)>,
}

fn read(printed: &str) -> Said<'_> {
    let mut said = Said::default();
    let mut place = None;
    for line in printed.lines().filter(|line| !line.starts_with('#')) {
        if let Some(rest) = line.strip_prefix("@ ") {
            let (zone, start) = rest.split_once(' ').unwrap();
            let start = start.replace('Z', ":00Z").parse().unwrap();
            place = Some((zone::parse(zone).unwrap(), start));
        } else if line.starts_with("? ") {
            place = None;
        } else {
            let (first, second) = line.split_once('\t').unwrap();
            match place {
                Some((zone, start)) => {
                    said.cases.push(Case { zone, start, text: first, said: second });
                }
                None => said.verdicts.push((second, first == "yes")),
            }
        }
    }
    said
}

impl Case<'_> {
    /// What we say, in the words of the script, for as long as cronsim says something.
    fn ours(&self, cron: &Cron) -> Vec<String> {
        let mut last = self.start;
        let tell = |said: String| match (said.as_str(), cron.next_after(last, self.zone)) {
            ("astray", _) | ("never", None) => said,
            // It looks no further than 50 years.
            ("never", Some(next)) if next > last.plus_seconds(50 * 365 * 86_400) => said,
            (_, None) => "never".to_owned(),
            (_, Some(next)) => {
                let distance = next.micros_since(last);
                last = next;
                assert_eq!(distance % MINUTE, 0, "{} in {}", self.text, self.zone);
                (distance / MINUTE).to_string()
            }
        };
        self.theirs().into_iter().map(tell).collect()
    }

    /// What cronsim says, one word an occurrence.
    fn theirs(&self) -> Vec<String> {
        let words = self.said.split(' ').flat_map(|word| {
            let (word, times) = word.split_once('x').unwrap_or((word, "1"));
            vec![word.to_owned(); times.parse().unwrap()]
        });
        words.collect()
    }

    /// Whether it is one of those with which cronsim may go astray; then what we say of the three
    /// days after its start is what looking at the clock every minute gives.
    fn goes_by_the_clock(&self, cron: &Cron) -> bool {
        let mut fields = self.text.split(' ').take(2);
        if !fields.any(|field| field.starts_with('*')) || !ASTRAY_BY_THE_CLOCK.contains(&self.zone)
        {
            return false;
        }
        let end = self.start.plus_seconds(3 * 86_400);
        let minutes = (1..=3 * 1440).map(|n| self.start.plus_seconds(n * 60));
        let matches = |at: &Timestamp| {
            let wall = zone::wall_at(self.zone, at.epoch_seconds());
            let before = Timestamp((wall - 1) * SECOND);
            cron.next_after(before, Tz::UTC) == Some(Timestamp(wall * SECOND))
        };
        let by_minute: Vec<Timestamp> = minutes.filter(matches).collect();
        let next = |at: &Timestamp| cron.next_after(*at, self.zone);
        let walk = std::iter::successors(next(&self.start), next);
        walk.take_while(|at| *at <= end).eq(by_minute)
    }
}

/// Holds all that cronsim said against what we say.
fn hold(printed: &str) {
    let said = read(printed);
    assert!(said.cases.len() >= 20_000, "{}", said.cases.len());
    let (mut wrong, mut astray) = (Vec::new(), 0);
    for case in &said.cases {
        let told = format!("{} in {} from {}: {}", case.text, case.zone, case.start, case.said);
        match Cron::parse(case.text) {
            Err(error) => wrong.push(format!("{told}; we refuse it: {error}")),
            Ok(cron) if case.ours(&cron) == case.theirs() => {}
            Ok(cron) if case.goes_by_the_clock(&cron) => astray += 1,
            Ok(cron) => wrong.push(format!("{told}; we say {}", case.ours(&cron).join(" "))),
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(astray <= MOST_ASTRAY, "{astray}");
    hold_verdicts(&said.verdicts);
}

fn hold_verdicts(verdicts: &[(&str, bool)]) {
    for is_expression in [true, false] {
        let count = verdicts.iter().filter(|(_, verdict)| *verdict == is_expression).count();
        assert!(count >= 700, "{count} are {is_expression}");
    }
    let differ = verdicts.iter().filter(|(text, is_expression)| match Cron::parse(text) {
        Err(_) => *is_expression,
        // cronsim refuses the 30th of February; we take it for what never happens.
        Ok(cron) => !is_expression && cron.next_after(Timestamp(0), Tz::UTC).is_some(),
    });
    let differ: Vec<_> = differ.collect();
    assert!(differ.is_empty(), "{differ:?}");
}

/// What the script prints; none where it can't run.
async fn ask(seed: &str) -> Option<String> {
    let python = std::env::var_os(VARIABLE)?;
    let mut command = tokio::process::Command::new(Path::new(&python));
    command.args([SCRIPT, seed]).env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
    let output = command.kill_on_drop(true).output().await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cron.py: {}\n{errors}", output.status);
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn cron_expressions_happen_when_cronsim_said_they_do() {
    hold(KEPT);
}

#[test]
fn what_is_kept_comes_from_the_time_zones_that_are_built_in() {
    let zones = format!("time zones of {}.", chrono_tz::IANA_TZDB_VERSION);
    assert!(KEPT.lines().take(2).any(|line| line.contains(&zones)), "{zones}");
}

#[tokio::test]
async fn cronsim_itself_says_what_is_kept_and_agrees_on_others() {
    let (kept, others) = tokio::join!(ask("1"), ask("2"));
    let (Some(kept), Some(others)) = (kept, others) else {
        pass_over(&format!("{VARIABLE} is not set: cronsim is not asked; run ./test"));
        return;
    };
    assert!(kept == KEPT, "cron.txt is not what cron.py prints for 1: see there");
    hold(&others);
}
