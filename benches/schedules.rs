//! How many next occurrences are found a second on one core: `cargo bench --bench schedules`. The
//! work on time zones is included. `README.md` beside this file says how to read the tables.

#[path = "support/figures.rs"]
#[allow(dead_code, reason = "shared by all benches")]
mod figures;

use std::hint::black_box;

use overdue::clock::{Clock, SECOND, Timestamp};
use overdue::domain::schedule::cron::Cron;
use overdue::domain::schedule::oncalendar::OnCalendar;
use overdue::domain::schedule::zone::Tz;

use figures::cell;

/// Times that everything is measured, in turn.
const ROUNDS: usize = 15;
/// Occurrences that one measurement walks over.
const STEPS: usize = 20_000;
/// Where a walk begins, 2026-01-01, and where it begins anew, 2050-01-01.
const START: Timestamp = Timestamp(1_767_225_600 * SECOND);
const END: Timestamp = Timestamp(2_524_608_000 * SECOND);

const ZONES: [Tz; 4] =
    [Tz::Etc__UTC, Tz::Europe__Berlin, Tz::America__New_York, Tz::Australia__Lord_Howe];

/// Common expressions.
const CRON: [&str; 9] = [
    "* * * * *",
    "*/5 * * * *",
    "0 * * * *",
    "0 */6 * * *",
    "30 3 * * *",
    "0 9-17 * * 1-5",
    "30 2 * * 0",
    "0 0 1 * *",
    "0 4 L * *",
];

const CALENDAR: [&str; 9] = [
    "minutely",
    "*:0/5",
    "hourly",
    "0/6:00",
    "03:30",
    "Mon..Fri 9..17:00",
    "Sun 02:30",
    "*-*-01",
    "*-*~1 04:00",
];

/// Those that are searched for longest, and when from: seconds since the epoch.
const SLOW_CRON: [(&str, &str, i64); 5] = [
    ("0 0 30 2 *", "never", 1_767_225_600),
    ("* * */20 * 1L", "never, whatever the month", 1_767_225_600),
    ("0 0 29 2 *", "from 2096-03 to 2104", 3_981_484_800),
    ("0 0 29 2 */7", "from 2088-03 to 2128: a Sunday", 3_729_024_000),
    ("* 2 * 3 0#2", "New York: only ever skipped", 1_172_707_200),
];

const SLOW_CALENDAR: [(&str, &str, i64); 5] = [
    ("*-02-30", "never", 1_767_225_600),
    ("*-02,04,06,09,11-31", "never, in five months", 1_767_225_600),
    ("Sun *-02-29", "from 2088-03 to 2128", 3_729_024_000),
    ("Sun *-03-8..14 02:30", "New York: only ever skipped", 1_767_225_600),
    ("*:*:0/0.7,0.1/0.9,0.2/1.1,0.3/1.3", "fractions", 1_767_225_600),
];

/// Finds the next occurrence of one expression.
type Next = Box<dyn Fn(Timestamp, Tz) -> Option<Timestamp>>;

fn cron(text: &str) -> (String, Next) {
    let cron = Cron::parse(text).unwrap();
    (format!("`{text}`"), Box::new(move |after, zone| cron.next_after(after, zone)))
}

fn calendar(text: &str) -> (String, Next) {
    let calendar = OnCalendar::parse(text).unwrap();
    (format!("`{text}`"), Box::new(move |after, zone| calendar.next_after(after, zone)))
}

fn main() {
    let all: Vec<_> = CRON.map(cron).into_iter().chain(CALENDAR.map(calendar)).collect();
    rates(&all);
    let of = |kind: fn(&str) -> (String, Next)| {
        move |(text, why, from): (&str, &str, i64)| {
            let (text, next) = kind(text);
            (format!("{text} ({why})"), next, Timestamp(from * SECOND))
        }
    };
    let slow = SLOW_CRON.into_iter().map(of(cron));
    slowest(slow.chain(SLOW_CALENDAR.into_iter().map(of(calendar))).collect());
}

fn rates(rows: &[(String, Next)]) {
    // Rates by row, zone and round.
    let mut rates = vec![vec![Vec::new(); ZONES.len()]; rows.len()];
    for round in 0..=ROUNDS {
        for (row, (_, next)) in rows.iter().enumerate() {
            for (which, zone) in ZONES.iter().enumerate() {
                let seconds = seconds_of(|| walk(next, *zone));
                // The first round only warms up.
                if round > 0 {
                    rates[row][which].push(as_number(STEPS) / seconds / 1e6);
                }
            }
        }
    }
    println!("\nMillion next occurrences a second on one core, median (least to most)\n");
    println!("| expression | {} |", ZONES.map(Tz::name).join(" | "));
    println!("| --- |{}", " --- |".repeat(ZONES.len()));
    for ((text, _), by_zone) in rows.iter().zip(&rates) {
        let cells: Vec<String> = by_zone.iter().map(|rates| cell(rates, 2)).collect();
        println!("| {text} | {} |", cells.join(" | "));
    }
}

/// Goes from occurrence to occurrence, so that each is looked for from another moment.
fn walk(next: &Next, zone: Tz) {
    let mut at = START;
    for _ in 0..STEPS {
        at = next(at, zone).filter(|at| *at < END).unwrap_or(START);
    }
    black_box(at);
}

fn slowest(rows: Vec<(String, Next, Timestamp)>) {
    const TIMES: usize = 1_000;
    println!("\nMicroseconds for one, in {}, median (least to most)\n", Tz::America__New_York);
    println!("| expression | µs |\n| --- | --- |");
    for (text, next, from) in rows {
        let rounds = (0..=ROUNDS).map(|_| {
            let again = || {
                for _ in 0..TIMES {
                    black_box(next(black_box(from), Tz::America__New_York));
                }
            };
            seconds_of(again) / as_number(TIMES) * 1e6
        });
        println!("| {text} | {} |", cell(&rounds.skip(1).collect::<Vec<_>>(), 2));
    }
}

fn seconds_of(work: impl FnOnce()) -> f64 {
    let clock = Clock::system();
    let began = clock.steady_micros();
    work();
    let micros = clock.steady_micros() - began;
    as_number(usize::try_from(micros).unwrap()) / 1e6
}

#[allow(clippy::cast_precision_loss, reason = "nothing here is measured to 52 bits")]
fn as_number(count: usize) -> f64 {
    count as f64
}
