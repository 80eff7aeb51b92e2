use super::*;
use crate::clock::SECOND;
use crate::domain::schedule::Schedule;

fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * SECOND)
}

/// A period of a minute, ten seconds of grace.
fn rules() -> Rules {
    Rules {
        schedule: Schedule::Simple { period: 60 },
        grace: 10,
        max_runtime: None,
        early_tolerance: None,
        failure_threshold: 1,
        manual_resume: true,
        post_only: true,
        filter: None,
    }
}

fn ping(n: i64, seconds: i64, kind: PingKind) -> PastPing {
    PastPing { n, at: at(seconds), kind, rid: None }
}

fn flip(n: i64, seconds: i64, turn: (Status, Status), reason: Reason, ping_n: i64) -> PastFlip {
    let (from, to) = turn;
    let flip = Flip { n, at: at(seconds), from, to, reason, expected_at: None };
    PastFlip { flip, ping_n: (ping_n > 0).then_some(ping_n) }
}

const UP: (Status, Status) = (Status::New, Status::Up);
const DOWN: (Status, Status) = (Status::Up, Status::Down);
const AGAIN: (Status, Status) = (Status::Down, Status::Up);

/// Pinged at 0, 50 and, too late, at 200; silent since. It is second 1000.
fn history() -> History {
    use PingKind::Success;
    History {
        created_at: at(-100),
        status: Status::Down,
        n_pings: 3,
        pings: vec![ping(1, 0, Success), ping(2, 50, Success), ping(3, 200, Success)],
        flips: vec![
            flip(1, 0, UP, Reason::Ping, 1),
            flip(2, 120, DOWN, Reason::Timeout, 0),
            flip(3, 200, AGAIN, Reason::Ping, 3),
            flip(4, 270, DOWN, Reason::Timeout, 0),
        ],
        outages: Vec::new(),
        until: at(1000),
    }
}

/// When it would have flipped, and to what.
fn told(history: &History, rules: &Rules) -> Vec<(i64, Status)> {
    let flips = history.replayed(history.beginning(), rules, Vec::new());
    flips.iter().map(|flip| (flip.at.epoch_seconds(), flip.to)).collect()
}

fn recorded(history: &History) -> Vec<(i64, Status)> {
    let flips = history.recorded(history.beginning());
    flips.iter().map(|flip| (flip.at.epoch_seconds(), flip.to)).collect()
}

#[test]
fn the_same_rules_make_the_same_flips_and_others_make_others() {
    let history = history();
    assert_eq!(told(&history, &rules()), recorded(&history));
    assert_eq!(told(&history, &rules()).len(), 4);
    let patient = Rules { grace: 600, ..rules() };
    assert_eq!(told(&history, &patient), [(0, Status::Up), (860, Status::Down)]);
    let strict = Rules { schedule: Schedule::Simple { period: 20 }, ..rules() };
    let times: Vec<i64> = told(&history, &strict).iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 30, 50, 80, 200, 230]);
}

#[test]
fn without_its_oldest_pings_it_begins_with_the_first_success_that_is_kept() {
    let mut history = history();
    history.pings[1].kind = PingKind::Fail;
    history.pings.remove(0);
    let beginning = history.beginning();
    assert_eq!((beginning.at, beginning.status), (at(200), Status::Down));
    assert!(!beginning.is_whole);
    assert_eq!(told(&history, &rules()), [(200, Status::Up), (270, Status::Down)]);
    assert_eq!(recorded(&history), told(&history, &rules()));
    history.pings.clear();
    assert_eq!((history.beginning().at, recorded(&history)), (at(1000), vec![]));
    assert_eq!(told(&history, &rules()), []);
}

#[test]
fn without_its_oldest_flips_it_begins_after_the_first_that_is_kept() {
    let mut history = history();
    history.flips.drain(..1);
    let beginning = history.beginning();
    assert_eq!((beginning.at, beginning.status), (at(200), Status::Down));
    assert_eq!(told(&history, &rules()), [(200, Status::Up), (270, Status::Down)]);
}

#[test]
fn a_deadline_in_our_outage_is_put_off_unless_it_was_seen_to_pass() {
    let mut history = history();
    history.outages = vec![Outage { from: at(119), to: at(180) }];
    // A flip of second 120 was recorded: somebody was there to look.
    assert_eq!(told(&history, &rules()), recorded(&history));
    // With a little less grace the deadline is before the outage, with a little more inside it.
    let shorter = Rules { grace: 5, ..rules() };
    assert_eq!(told(&history, &shorter)[1], (115, Status::Down));
    let longer = Rules { grace: 15, ..rules() };
    assert_eq!(told(&history, &longer)[1], (195, Status::Down), "180 + min(15, 121)");
    history.outages =
        vec![Outage { from: at(119), to: at(190) }, Outage { from: at(130), to: at(140) }];
    let times: Vec<i64> = told(&history, &longer).iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 275], "the longest that holds it counts");
}

#[test]
fn a_run_that_was_open_before_is_taken_along_and_overrun_only_ahead() {
    let mut history = history();
    history.pings.drain(..2);
    // The success ends a run of its own alone.
    history.pings[0].rid = Some(Uuid::from_u128(8));
    let rid = Some(Uuid::from_u128(7));
    let replayed = |started: i64, rules: &Rules| {
        let flips =
            history.replayed(history.beginning(), rules, vec![Run::begin(rid, at(started))]);
        flips.iter().map(|f| (f.at.epoch_seconds(), f.reason)).collect::<Vec<_>>()
    };
    let long = Rules { max_runtime: Some(50), ..rules() };
    assert_eq!(replayed(190, &long), [(200, Reason::Ping), (240, Reason::Overrun)]);
    let up = History { flips: vec![], status: Status::Up, ..history.clone() };
    assert_eq!(up.beginning().status, Status::Up);
    let flips = up.replayed(up.beginning(), &long, vec![Run::begin(rid, at(100))]);
    assert_eq!(flips[0].at, at(270), "its overrun of second 150 is history");
}

#[test]
fn a_ping_and_a_flip_of_the_same_moment_are_told_apart_by_what_the_ping_made() {
    use PingKind::{Fail, Success};
    // The deadline of second 70 was seen, then a failure came in the same moment.
    let mut history = history();
    history.pings = vec![ping(1, 0, Success), ping(2, 70, Fail), ping(3, 80, Success)];
    history.flips = vec![
        flip(1, 0, UP, Reason::Ping, 1),
        flip(2, 70, DOWN, Reason::Timeout, 0),
        flip(3, 80, AGAIN, Reason::Ping, 3),
        flip(4, 80, (Status::Up, Status::Paused), Reason::Pause, 0),
    ];
    let flips = history.replayed(history.beginning(), &rules(), Vec::new());
    let reasons: Vec<Reason> = flips.iter().map(|flip| flip.reason).collect();
    assert_eq!(reasons, [Reason::Ping, Reason::Timeout, Reason::Ping, Reason::Pause]);
}
