use bytes::Bytes;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::clock::SECOND;
use crate::domain::ping::{MAX_USER_AGENT, Scheme};
use crate::domain::schedule::Kind;
use crate::domain::schedule::zone::Tz;

const T0: Timestamp = Timestamp(1_800_000_000 * SECOND);

fn at(seconds: i64) -> Timestamp {
    T0.plus_seconds(seconds)
}

fn rules() -> Rules {
    Rules {
        schedule: Schedule::Simple { period: 3600 },
        grace: 600,
        max_runtime: None,
        early_tolerance: None,
        failure_threshold: 1,
        manual_resume: false,
        post_only: false,
        filter: None,
    }
}

fn ping(signal: PingKind, seconds: i64) -> Ping {
    Ping {
        received_at: at(seconds),
        signal,
        exit_status: None,
        rid: None,
        scheme: Scheme::Http,
        mail: None,
        took: None,
        method: Method::Get,
        remote_address: [127, 0, 0, 1].into(),
        user_agent: "curl".repeat(MAX_USER_AGENT / 100),
        body: Bytes::new(),
        body_was_cut: false,
    }
}

fn with_rid(signal: PingKind, seconds: i64, rid: u128) -> Ping {
    Ping { rid: Some(Uuid::from_u128(rid)), ..ping(signal, seconds) }
}

fn take(rules: &Rules, state: &mut State, ping: &Ping) -> PingEffect {
    on_ping(rules, state, ping)
}

fn flip_of(effect: &Effect) -> Option<(Status, Status, Reason)> {
    effect.flip.map(|flip| (flip.from, flip.to, flip.reason))
}

#[test]
fn a_first_success_turns_a_new_check_up_and_sets_its_deadline() {
    let (rules, mut state) = (rules(), State::default());
    assert_eq!(alert_at(&rules, &state), None);
    let effect = take(&rules, &mut state, &ping(PingKind::Success, 0));
    assert_eq!(flip_of(&effect.effect), Some((Status::New, Status::Up, Reason::Ping)));
    assert_eq!(next_ping_at(&rules, &state), Some(at(3600)));
    assert_eq!(alert_at(&rules, &state), Some(at(4200)));
}

#[test]
fn a_missing_ping_turns_it_down_at_the_deadline_and_not_at_the_detection() {
    let (rules, mut state) = (rules(), State::default());
    take(&rules, &mut state, &ping(PingKind::Success, 0));
    assert_eq!(on_deadline(&rules, &mut state, &[], at(4199)), DeadlineEffect::default());
    let outcome = on_deadline(&rules, &mut state, &[], at(5000));
    let flip = outcome.effect.flip.unwrap();
    assert_eq!((flip.at, flip.to, flip.reason), (at(4200), Status::Down, Reason::Timeout));
    assert_eq!(flip.expected_at, Some(at(3600)));
    assert_eq!(alert_at(&rules, &state), None);
    let up = take(&rules, &mut state, &ping(PingKind::Success, 6000));
    assert!(up.effect.flip.unwrap().is_announced());
    assert_eq!((state.status, state.failures), (Status::Up, 0));
}

#[test]
fn failures_below_the_threshold_leave_it_up_and_those_at_it_turn_it_down() {
    let rules = Rules { failure_threshold: 3, ..rules() };
    let mut state = State::default();
    let first = take(&rules, &mut state, &ping(PingKind::Fail, 0));
    assert_eq!(flip_of(&first.effect), Some((Status::New, Status::Up, Reason::Fail)));
    assert_eq!(take(&rules, &mut state, &ping(PingKind::Fail, 1)).effect.flip, None);
    let third = take(&rules, &mut state, &ping(PingKind::Fail, 2));
    assert_eq!(flip_of(&third.effect), Some((Status::Up, Status::Down, Reason::Fail)));
    assert_eq!(take(&rules, &mut state, &ping(PingKind::Fail, 3)).effect.flip, None);
}

#[test]
fn a_success_in_between_begins_the_count_afresh() {
    let rules = Rules { failure_threshold: 2, ..rules() };
    let mut state = State::default();
    take(&rules, &mut state, &ping(PingKind::Fail, 0));
    take(&rules, &mut state, &ping(PingKind::Success, 1));
    take(&rules, &mut state, &ping(PingKind::Fail, 2));
    assert_eq!(state.status, Status::Up);
}

#[test]
fn a_missed_deadline_below_the_threshold_waits_for_the_occurrence_after_it() {
    let rules = Rules { failure_threshold: 2, ..rules() };
    let mut state = State::default();
    take(&rules, &mut state, &ping(PingKind::Success, 0));
    let outcome = on_deadline(&rules, &mut state, &[], at(4200));
    assert_eq!((outcome.effect.flip, outcome.missed), (None, 1));
    assert_eq!(alert_at(&rules, &state), Some(at(7800)));
    let flip = on_deadline(&rules, &mut state, &[], at(7800)).effect.flip.unwrap();
    assert_eq!((flip.at, flip.reason), (at(7800), Reason::Timeout));
}

#[test]
fn a_start_opens_a_run_whose_end_has_a_deadline_of_its_own() {
    let (rules, mut state) = (rules(), State::default());
    let started = take(&rules, &mut state, &ping(PingKind::Start, 0));
    assert_eq!((started.effect.flip, state.status, state.last_ping_at), (None, Status::New, None));
    assert_eq!(alert_at(&rules, &state), Some(at(600)));
    let outcome = on_deadline(&rules, &mut state, &[], at(601));
    let flip = outcome.effect.flip.unwrap();
    assert_eq!((flip.from, flip.to, flip.reason), (Status::New, Status::Down, Reason::Overrun));
    assert_eq!((flip.at, flip.expected_at), (at(600), Some(at(600))));
    let finish = take(&rules, &mut state, &ping(PingKind::Success, 700));
    assert_eq!(finish.duration, Some(700 * SECOND));
    let run = &finish.effect.ended_runs[0];
    assert_eq!((run.result, run.duration), (RunResult::Timeout, Some(700 * SECOND)));
}

#[test]
fn max_runtime_stands_in_for_grace_in_the_deadline_of_a_run() {
    let rules = Rules { max_runtime: Some(60), ..rules() };
    let mut state = State::default();
    take(&rules, &mut state, &ping(PingKind::Start, 0));
    assert_eq!(alert_at(&rules, &state), Some(at(60)));
}

#[test]
fn an_overrun_below_the_threshold_counts_once_and_the_run_stays_open_without_deadline() {
    let rules = Rules { failure_threshold: 2, ..rules() };
    let mut state = State::default();
    take(&rules, &mut state, &ping(PingKind::Start, 0));
    let outcome = on_deadline(&rules, &mut state, &[], at(10_000));
    assert_eq!((outcome.missed, state.failures, state.status), (1, 1, Status::New));
    assert_eq!((state.open_runs.len(), alert_at(&rules, &state)), (1, None));
    assert_eq!(on_deadline(&rules, &mut state, &[], at(20_000)).missed, 0);
}

#[test]
fn overlapping_runs_are_each_timed_on_their_own() {
    let (rules, mut state) = (rules(), State::default());
    take(&rules, &mut state, &with_rid(PingKind::Start, 0, 1));
    take(&rules, &mut state, &with_rid(PingKind::Start, 10, 2));
    let first = take(&rules, &mut state, &with_rid(PingKind::Success, 30, 1));
    let second = take(&rules, &mut state, &with_rid(PingKind::Fail, 35, 2));
    assert_eq!(first.duration, Some(30 * SECOND));
    assert_eq!(second.duration, Some(25 * SECOND));
    assert_eq!(second.effect.ended_runs[0].result, RunResult::Fail);
}

#[test]
fn a_finish_without_run_id_ends_every_run_and_times_the_anonymous_one() {
    let (rules, mut state) = (rules(), State::default());
    take(&rules, &mut state, &with_rid(PingKind::Start, 0, 1));
    take(&rules, &mut state, &ping(PingKind::Start, 5));
    let finish = take(&rules, &mut state, &ping(PingKind::Success, 20));
    assert_eq!(finish.duration, Some(15 * SECOND));
    let results: Vec<_> =
        finish.effect.ended_runs.iter().map(|run| (run.rid.is_some(), run.result)).collect();
    assert_eq!(results, [(true, RunResult::Lost), (false, RunResult::Success)]);
}

#[test]
fn a_finish_without_run_id_times_the_only_run_also_if_it_has_one() {
    let (rules, mut state) = (rules(), State::default());
    take(&rules, &mut state, &with_rid(PingKind::Start, 0, 1));
    let finish = take(&rules, &mut state, &ping(PingKind::Success, 20));
    assert_eq!(finish.effect.ended_runs[0].result, RunResult::Success);
    take(&rules, &mut state, &with_rid(PingKind::Start, 30, 1));
    take(&rules, &mut state, &with_rid(PingKind::Start, 31, 2));
    let finish = take(&rules, &mut state, &ping(PingKind::Success, 40));
    assert!(finish.effect.ended_runs.iter().all(|run| run.result == RunResult::Lost));
    assert_eq!(finish.duration, None);
}

#[test]
fn a_failure_under_an_unknown_run_id_ends_the_anonymous_run_and_a_success_does_not() {
    let (rules, mut state) = (rules(), State::default());
    take(&rules, &mut state, &ping(PingKind::Start, 0));
    let success = take(&rules, &mut state, &with_rid(PingKind::Success, 5, 9));
    assert_eq!((success.effect.ended_runs.len(), state.open_runs.len()), (0, 1));
    let fail = take(&rules, &mut state, &with_rid(PingKind::Fail, 8, 9));
    assert_eq!((fail.duration, state.open_runs.len()), (Some(8 * SECOND), 0));
}

#[test]
fn a_second_start_loses_the_run_that_it_replaces() {
    let (rules, mut state) = (rules(), State::default());
    take(&rules, &mut state, &with_rid(PingKind::Start, 0, 1));
    take(&rules, &mut state, &ping(PingKind::Start, 1));
    let again = take(&rules, &mut state, &with_rid(PingKind::Start, 2, 1));
    assert_eq!(again.effect.ended_runs[0].result, RunResult::Lost);
    assert_eq!(state.open_runs.len(), 2);
}

#[test]
fn a_run_longer_than_72_hours_is_reported_without_duration() {
    let rules = Rules { max_runtime: Some(100 * 3600), ..rules() };
    let mut state = State::default();
    take(&rules, &mut state, &ping(PingKind::Start, 0));
    let finish = take(&rules, &mut state, &ping(PingKind::Success, 73 * 3600));
    let run = &finish.effect.ended_runs[0];
    assert_eq!((run.result, run.duration), (RunResult::Success, None));
}

#[test]
fn a_run_open_for_72_hours_with_no_deadline_ahead_is_lost_and_an_overrun_one_keeps_its_result() {
    let (rules, mut state) = (rules(), State::default());
    take(&rules, &mut state, &ping(PingKind::Success, 0));
    take(&rules, &mut state, &ping(PingKind::Fail, 1));
    take(&rules, &mut state, &ping(PingKind::Start, 2));
    let mut effect = Effect::default();
    assert!(!give_up_old_runs(&rules, &mut state, at(72 * 3600), &mut effect));
    assert!(give_up_old_runs(&rules, &mut state, at(72 * 3600 + 3), &mut effect));
    assert_eq!((effect.ended_runs[0].result, state.open_runs.len()), (RunResult::Lost, 0));

    let mut state = State::default();
    take(&rules, &mut state, &ping(PingKind::Start, 0));
    on_deadline(&rules, &mut state, &[], at(1000));
    let mut effect = Effect::default();
    assert!(give_up_old_runs(&rules, &mut state, at(72 * 3600 + 1), &mut effect));
    assert_eq!(effect.ended_runs[0].result, RunResult::Timeout);
}

#[test]
fn pausing_stops_open_runs_and_clears_the_deadline_and_resuming_makes_it_new() {
    let (rules, mut state) = (rules(), State::default());
    take(&rules, &mut state, &ping(PingKind::Success, 0));
    take(&rules, &mut state, &ping(PingKind::Start, 1));
    let paused = on_pause(&mut state, at(2));
    assert_eq!(flip_of(&paused), Some((Status::Up, Status::Paused, Reason::Pause)));
    assert_eq!(paused.ended_runs[0].result, RunResult::Stopped);
    assert_eq!((alert_at(&rules, &state), state.last_ping_at), (None, Some(at(0))));
    assert_eq!(on_pause(&mut state, at(3)), Effect::default());
    let resumed = on_resume(&rules, &mut state, at(4));
    assert_eq!(flip_of(&resumed), Some((Status::Paused, Status::New, Reason::Resume)));
    assert_eq!((alert_at(&rules, &state), state.last_ping_at), (None, Some(at(0))));
    assert_eq!(on_resume(&rules, &mut state, at(5)), Effect::default());
}

#[test]
fn a_ping_resumes_a_paused_check_unless_that_is_left_to_hands() {
    let (by_ping, mut state) = (rules(), State::default());
    on_pause(&mut state, at(0));
    let mut by_hand_state = state.clone();
    take(&by_ping, &mut state, &ping(PingKind::Success, 1));
    assert_eq!(state.status, Status::Up);
    let by_hand = Rules { manual_resume: true, ..rules() };
    let ignored = take(&by_hand, &mut by_hand_state, &ping(PingKind::Success, 1));
    assert_eq!((ignored.kind, ignored.n), (PingKind::Ign, 1));
    assert_eq!((by_hand_state.status, by_hand_state.last_ping_at), (Status::Paused, None));
}

#[test]
fn a_start_opens_a_run_and_leaves_the_check_paused() {
    let (rules, mut state) = (rules(), State::default());
    on_pause(&mut state, at(0));
    take(&rules, &mut state, &ping(PingKind::Start, 1));
    assert_eq!((state.status, state.open_runs.len()), (Status::Paused, 1));
    assert_eq!(alert_at(&rules, &state), None);
    on_resume(&rules, &mut state, at(10_000));
    assert_eq!(alert_at(&rules, &state), Some(at(10_000)), "it may not flip before it was resumed");
}

#[test]
fn a_failure_on_a_paused_check_turns_it_down_or_up_by_the_threshold() {
    let mut state = State::default();
    on_pause(&mut state, at(0));
    let mut patient = state.clone();
    take(&rules(), &mut state, &ping(PingKind::Fail, 1));
    assert_eq!(state.status, Status::Down);
    take(&Rules { failure_threshold: 2, ..rules() }, &mut patient, &ping(PingKind::Fail, 1));
    assert_eq!(patient.status, Status::Up);
}

#[test]
fn with_post_only_any_other_method_is_ignored() {
    let rules = Rules { post_only: true, ..rules() };
    let mut state = State::default();
    assert_eq!(take(&rules, &mut state, &ping(PingKind::Start, 0)).kind, PingKind::Ign);
    assert!(state.open_runs.is_empty());
    let post = Ping { method: Method::Post, ..ping(PingKind::Success, 1) };
    assert_eq!(take(&rules, &mut state, &post).kind, PingKind::Success);
    let mail = Ping { method: Method::None, ..ping(PingKind::Success, 2) };
    assert_eq!(take(&rules, &mut state, &mail).kind, PingKind::Success, "it has no method");
}

#[test]
fn words_in_the_body_override_the_url() {
    let failure_kw = "error".into();
    let filter = WordFilter { in_http_body: true, failure_kw, ..WordFilter::default() };
    let rules = Rules { filter: Some(filter), ..rules() };
    let mut state = State::default();
    let body = Bytes::from_static(b"an error came");
    let failed = Ping { body, exit_status: Some(0), ..ping(PingKind::Success, 0) };
    assert_eq!(take(&rules, &mut state, &failed).kind, PingKind::Fail);
    assert_eq!(take(&rules, &mut state, &ping(PingKind::Success, 1)).kind, PingKind::Ign);
}

#[test]
fn last_ping_never_goes_back() {
    let (rules, mut state) = (rules(), State::default());
    take(&rules, &mut state, &ping(PingKind::Success, 100));
    take(&rules, &mut state, &ping(PingKind::Success, 50));
    assert_eq!(state.last_ping_at, Some(at(100)));
    assert_eq!(alert_at(&rules, &state), Some(at(4300)));
}

#[test]
fn a_deadline_inside_our_outage_moves_once_behind_it_and_a_later_one_stays() {
    let (rules, mut state) = (rules(), State::default());
    take(&rules, &mut state, &ping(PingKind::Success, 0));
    let outage = Outage { from: at(4000), to: at(4300) };
    let outcome = on_deadline(&rules, &mut state, &[outage], at(4301));
    assert_eq!(outcome.put_off, [(at(4200), at(4660))], "300 s + 60 s are less than the grace");
    assert_eq!((outcome.effect.flip, alert_at(&rules, &state)), (None, Some(at(4660))));
    let outcome = on_deadline(&rules, &mut state, &[outage], at(4660));
    assert_eq!(outcome.effect.flip.unwrap().at, at(4660));

    let mut state = State::default();
    take(&rules, &mut state, &ping(PingKind::Success, 200));
    let outcome = on_deadline(&rules, &mut state, &[outage], at(4400));
    assert_eq!(outcome.effect.flip.unwrap().at, at(4400), "its deadline lies behind the outage");
}

#[test]
fn an_outage_longer_than_the_grace_puts_off_by_the_grace() {
    let outage = Outage { from: at(0), to: at(7200) };
    assert_eq!(outage.puts_off_to(600), at(7800));
}

#[test]
fn the_deadline_of_a_run_inside_our_outage_moves_too() {
    let (rules, mut state) = (rules(), State::default());
    take(&rules, &mut state, &ping(PingKind::Start, 0));
    let outage = Outage { from: at(590), to: at(610) };
    let outcome = on_deadline(&rules, &mut state, &[outage], at(611));
    assert_eq!(outcome.put_off, [(at(600), at(690))]);
    assert_eq!(alert_at(&rules, &state), Some(at(690)));
}

#[test]
fn a_ping_after_the_outage_clears_what_was_put_off() {
    let (rules, mut state) = (rules(), State::default());
    take(&rules, &mut state, &ping(PingKind::Success, 0));
    let outage = Outage { from: at(4000), to: at(4300) };
    on_deadline(&rules, &mut state, &[outage], at(4301));
    take(&rules, &mut state, &ping(PingKind::Success, 4400));
    assert_eq!((state.put_off_to, alert_at(&rules, &state)), (None, Some(at(8600))));
}

#[test]
fn an_edit_that_puts_the_deadline_into_the_past_makes_it_the_time_of_the_edit() {
    let (old, mut state) = (rules(), State::default());
    take(&old, &mut state, &ping(PingKind::Success, 0));
    let new = Rules { schedule: Schedule::Simple { period: 60 }, grace: 60, ..rules() };
    on_edit(&old, &new, &mut state, at(1000));
    assert_eq!(alert_at(&new, &state), Some(at(1000)));
    on_edit(&new, &old, &mut state, at(1001));
    assert_eq!(alert_at(&old, &state), Some(at(4200)), "the way back gives the old deadline");
}

#[test]
fn an_edit_does_not_move_a_deadline_that_had_passed_already() {
    let (old, mut state) = (rules(), State::default());
    take(&old, &mut state, &ping(PingKind::Success, 0));
    let new = Rules { grace: 60, ..rules() };
    on_edit(&old, &new, &mut state, at(4201));
    assert_eq!(alert_at(&new, &state), Some(at(4200)));
}

#[test]
fn a_recovery_leaves_an_old_runs_deadline_at_the_recovery() {
    let (rules, mut state) = (rules(), State::default());
    take(&rules, &mut state, &with_rid(PingKind::Start, 0, 1));
    take(&rules, &mut state, &ping(PingKind::Log, 1));
    take(&rules, &mut state, &with_rid(PingKind::Fail, 2, 2));
    assert_eq!(state.status, Status::Down);
    take(&rules, &mut state, &with_rid(PingKind::Success, 5000, 3));
    let flip = on_deadline(&rules, &mut state, &[], at(5001)).effect.flip.unwrap();
    assert_eq!((flip.at, flip.reason), (at(5000), Reason::Overrun));
}

#[test]
fn a_deadline_that_was_put_off_costs_one_failure_whatever_was_missed_meanwhile() {
    let schedule = Schedule::Simple { period: 60 };
    let rules = Rules { schedule, grace: 60, failure_threshold: 3, ..rules() };
    let mut state = State::default();
    take(&rules, &mut state, &ping(PingKind::Success, 0));
    let outage = Outage { from: at(100), to: at(1000) };
    on_deadline(&rules, &mut state, &[outage], at(1001));
    assert_eq!(alert_at(&rules, &state), Some(at(1060)));
    let outcome = on_deadline(&rules, &mut state, &[], at(1061));
    assert_eq!((outcome.missed, state.failures, state.status), (1, 1, Status::Up));
    assert_eq!(alert_at(&rules, &state), Some(at(1080)), "the first occurrence after it, at 1020");
}

#[test]
fn an_edit_with_a_threshold_makes_no_flip_before_itself() {
    let old = Rules { failure_threshold: 3, ..rules() };
    let mut state = State::default();
    take(&old, &mut state, &ping(PingKind::Success, 0));
    let new = Rules { schedule: Schedule::Simple { period: 60 }, grace: 60, ..old.clone() };
    on_edit(&old, &new, &mut state, at(4000));
    on_deadline(&new, &mut state, &[], at(4000));
    assert_eq!((state.status, state.failures), (Status::Up, 1));
    let flip = on_deadline(&new, &mut state, &[], at(5000)).effect.flip.unwrap();
    assert!(flip.at > at(4000), "{}", flip.at);
}

#[test]
fn of_too_many_open_runs_the_oldest_is_lost() {
    let (rules, mut state) = (rules(), State::default());
    for rid in 0..=MOST_OPEN_RUNS {
        let start = with_rid(PingKind::Start, 0, rid as u128);
        let lost = take(&rules, &mut state, &start).effect.ended_runs.len();
        assert_eq!(lost, usize::from(rid == MOST_OPEN_RUNS));
    }
    assert_eq!(state.open_runs.len(), MOST_OPEN_RUNS);
}

/// Rules by a cron expression in UTC, with ten minutes of grace. [`T0`] is 08:00 there.
fn by_cron(expression: &str) -> Rules {
    let schedule = Schedule::read(Kind::Cron, 0, expression, Tz::UTC).unwrap();
    Rules { schedule, ..rules() }
}

#[test]
fn a_ping_waits_for_the_next_occurrence_of_the_schedule_and_its_grace() {
    let (rules, mut state) = (by_cron("30 * * * *"), State::default());
    take(&rules, &mut state, &ping(PingKind::Success, 5));
    assert_eq!(next_ping_at(&rules, &state), Some(at(1800)));
    assert_eq!(alert_at(&rules, &state), Some(at(2400)));
    let flip = on_deadline(&rules, &mut state, &[], at(2400)).effect.flip.unwrap();
    assert_eq!((flip.at, flip.expected_at), (at(2400), Some(at(1800))));
}

#[test]
fn a_ping_that_is_a_little_early_counts_for_its_occurrence_and_is_not_missed_there() {
    let (rules, mut state) = (by_cron("30 * * * *"), State::default());
    take(&rules, &mut state, &ping(PingKind::Success, 1795));
    assert_eq!(next_ping_at(&rules, &state), Some(at(5400)));
    assert_eq!(on_deadline(&rules, &mut state, &[], at(5999)), DeadlineEffect::default());
    let strict = Rules { early_tolerance: Some(0), ..rules };
    assert_eq!(next_ping_at(&strict, &state), Some(at(1800)), "where it is switched off");
}

#[test]
fn a_missed_occurrence_is_no_early_ping_for_the_one_after_it() {
    let rules = Rules { failure_threshold: 3, ..by_cron("0,30 * * * *") };
    let rules = Rules { early_tolerance: Some(3600), ..rules };
    let mut state = State::default();
    take(&rules, &mut state, &ping(PingKind::Success, 0));
    assert_eq!(next_ping_at(&rules, &state), Some(at(3600)), "it counts for the one at 1800");
    on_deadline(&rules, &mut state, &[], at(4200));
    assert_eq!((state.failures, next_ping_at(&rules, &state)), (1, Some(at(5400))));
}

#[test]
fn a_schedule_that_never_fires_again_has_no_deadline() {
    let (rules, mut state) = (by_cron("0 0 30 2 *"), State::default());
    take(&rules, &mut state, &ping(PingKind::Success, 0));
    assert_eq!((state.status, alert_at(&rules, &state)), (Status::Up, None));
    take(&rules, &mut state, &ping(PingKind::Start, 10));
    assert_eq!(alert_at(&rules, &state), Some(at(610)), "save that of a run");
}

#[test]
fn a_put_off_deadline_of_a_cron_check_stands_for_every_occurrence_by_then() {
    let rules = Rules { failure_threshold: 3, grace: 60, ..by_cron("* * * * *") };
    let mut state = State::default();
    take(&rules, &mut state, &ping(PingKind::Success, 0));
    let outage = Outage { from: at(100), to: at(1000) };
    on_deadline(&rules, &mut state, &[outage], at(1001));
    assert_eq!(alert_at(&rules, &state), Some(at(1060)));
    let outcome = on_deadline(&rules, &mut state, &[], at(1061));
    assert_eq!((outcome.missed, state.failures), (1, 1));
    assert_eq!(alert_at(&rules, &state), Some(at(1080)), "the first occurrence after it, at 1020");
}

#[test]
fn a_change_of_schedule_moves_the_deadline_at_once() {
    let (old, mut state) = (by_cron("30 * * * *"), State::default());
    take(&old, &mut state, &ping(PingKind::Success, 5));
    let new = by_cron("45 * * * *");
    on_edit(&old, &new, &mut state, at(10));
    assert_eq!(alert_at(&new, &state), Some(at(3300)));
    let simple = Rules { schedule: Schedule::Simple { period: 60 }, ..rules() };
    on_edit(&new, &simple, &mut state, at(20));
    assert_eq!(alert_at(&simple, &state), Some(at(665)));
}

/// Something that may happen to a check, and how many seconds after what went before.
#[derive(Clone, Debug)]
enum Happening {
    Ping(PingKind, Option<u8>, Option<u128>),
    Deadline,
    Outage(i64),
    Pause,
    Resume,
    Edit(Schedule, i64, i32),
}

/// Schedules of every kind; each fires several times a day.
fn schedules() -> impl Strategy<Value = Schedule> {
    let read = |(kind, text): (Kind, &str)| {
        Schedule::read(kind, 0, text, Tz::Australia__Lord_Howe).unwrap()
    };
    prop_oneof![
        (60..5000_i64).prop_map(|period| Schedule::Simple { period }),
        prop::sample::select(vec![
            (Kind::Cron, "* * * * *"),
            (Kind::Cron, "0,58 * * * *"),
            (Kind::Cron, "30 2-23/3 * * *"),
            (Kind::OnCalendar, "*:0/7:30"),
            (Kind::OnCalendar, "hourly"),
        ])
        .prop_map(read),
    ]
}

fn happenings() -> impl Strategy<Value = Vec<(i64, Happening)>> {
    let kind = prop_oneof![
        Just(PingKind::Success),
        Just(PingKind::Start),
        Just(PingKind::Fail),
        Just(PingKind::Log)
    ];
    let rid = prop_oneof![Just(None), (1..4_u128).prop_map(Some)];
    let one = prop_oneof![
        8 => (kind, proptest::option::of(any::<u8>()), rid)
            .prop_map(|(kind, status, rid)| Happening::Ping(kind, status, rid)),
        4 => Just(Happening::Deadline),
        1 => (6..5000_i64).prop_map(Happening::Outage),
        1 => Just(Happening::Pause),
        1 => Just(Happening::Resume),
        1 => (schedules(), 60..5000_i64, 1..4_i32)
            .prop_map(|(schedule, grace, threshold)| Happening::Edit(schedule, grace, threshold)),
    ];
    proptest::collection::vec((0..4000_i64, one), 0..60)
}

proptest! {
    /// The laws of the states, held after every event of any history.
    #[test]
    fn the_laws_of_the_states_hold_in_any_history(history in happenings(), manual in any::<bool>()) {
        let mut rules = Rules { manual_resume: manual, ..rules() };
        let mut state = State::default();
        let mut outages = Vec::new();
        let (mut now, mut counted, mut last_flip) = (0, false, None::<Flip>);
        let mut pings = 0;
        for (after, what) in history {
            now += after;
            let was = state.status;
            let flip = match what {
                Happening::Ping(signal, exit_status, rid) => {
                    let rid = rid.map(Uuid::from_u128);
                    let ping = Ping { exit_status, rid, ..ping(signal, now) };
                    let outcome = on_ping(&rules, &mut state, &ping);
                    pings += 1;
                    prop_assert_eq!(outcome.n, pings);
                    counted |= matches!(outcome.kind, PingKind::Success | PingKind::Fail);
                    outcome.effect.flip
                }
                Happening::Deadline => on_deadline(&rules, &mut state, &outages, at(now)).effect.flip,
                Happening::Outage(length) => {
                    outages.push(Outage { from: at(now), to: at(now + length) });
                    now += length;
                    on_deadline(&rules, &mut state, &outages, at(now)).effect.flip
                }
                Happening::Pause => on_pause(&mut state, at(now)).flip,
                Happening::Resume => {
                    let flip = on_resume(&rules, &mut state, at(now)).flip;
                    counted &= flip.is_none();
                    flip
                }
                Happening::Edit(schedule, grace, failure_threshold) => {
                    let new = Rules { schedule, grace, failure_threshold, ..rules.clone() };
                    on_edit(&rules, &new, &mut state, at(now));
                    rules = new;
                    None
                }
            };
            // A change of status is a flip, and flips follow one another without a gap.
            prop_assert_eq!(flip.is_some(), was != state.status);
            if let Some(flip) = flip {
                prop_assert_eq!((flip.from, flip.to), (was, state.status));
                prop_assert_eq!(flip.n, last_flip.map_or(1, |last| last.n + 1));
                prop_assert!(last_flip.is_none_or(|last| last.to == flip.from && last.at <= flip.at));
                prop_assert!(flip.at <= at(now));
                last_flip = Some(flip);
            }
            // Once counted, never `new`.
            prop_assert!(!(counted && state.status == Status::New));
            // No deadline while down or paused; while new only that of a run.
            let deadline = alert_at(&rules, &state);
            if matches!(state.status, Status::Down | Status::Paused) {
                prop_assert_eq!(deadline, None);
            }
            if state.status == Status::New && state.open_runs.is_empty() {
                prop_assert_eq!(deadline, None);
            }
            if state.status == Status::Up {
                prop_assert!(deadline.is_some(), "an up check without a deadline is never missed");
            }
            // One open run a run id.
            for (i, run) in state.open_runs.iter().enumerate() {
                prop_assert!(run.finished_at.is_none());
                prop_assert!(!state.open_runs[..i].iter().any(|other| other.rid == run.rid));
            }
        }
    }

    /// Judging late comes to the same as judging in time.
    #[test]
    fn a_late_detector_finds_what_a_punctual_one_finds(
        schedule in schedules(), grace in 60..4000_i64, threshold in 1..5_i32, late in 0..100_000_i64,
    ) {
        let rules = Rules { schedule, grace, failure_threshold: threshold, ..rules() };
        let mut state = State::default();
        on_ping(&rules, &mut state, &ping(PingKind::Success, 0));
        let mut punctual = state.clone();
        let mut flip = None;
        while let Some(deadline) = alert_at(&rules, &punctual).filter(|d| *d <= at(late)) {
            flip = flip.or(on_deadline(&rules, &mut punctual, &[], deadline).effect.flip);
        }
        prop_assert_eq!(on_deadline(&rules, &mut state, &[], at(late)).effect.flip, flip);
        prop_assert_eq!(state, punctual);
    }
}
