//! A replay under the settings that a check had all the while gives the flips that were recorded,
//! whatever happened to it; also where the older part of its history is gone.

use std::time::Duration;

use bytes::Bytes;
use overdue::clock::{SECOND, Timestamp};
use overdue::domain::check::{Flip, Reason, Status};
use overdue::domain::ping::PingKind;
use overdue::ingest::Outcome;
use overdue::janitor;
use overdue::service::checks::{self, Change};
use overdue::service::replay::{self, Replay, Wanted};
use overdue::store::checks::Settings;
use overdue::store::{Flag, flips};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tokio::sync::watch;

use super::{Parts, ping};
use crate::support::both_databases;

/// What somebody does to a check.
#[derive(Clone, Debug)]
enum Deed {
    Ping { kind: PingKind, exit_status: Option<u8>, rid: Option<u128>, body: &'static str },
    Pause(bool),
}

/// One step of a history: time passes, the server may be out for some seconds, and some things are
/// done, before or after it looks again.
#[derive(Clone, Debug)]
struct Step {
    pass: u64,
    out: Option<i64>,
    look_first: bool,
    deeds: Vec<(usize, Deed)>,
}

const HISTORIES: usize = 3;
/// Pings that are kept in the end.
const KEPT: u32 = 9;

fn all_settings() -> Vec<Settings> {
    let plain = || Settings { period: 30, grace: 10, ..Settings::default() };
    let scheduled = |kind: &str, schedule: &str| Settings {
        kind: kind.to_owned(),
        schedule: schedule.to_owned(),
        grace: 15,
        ..Settings::default()
    };
    vec![
        plain(),
        Settings { failure_threshold: 3, max_runtime: Some(15), ..plain() },
        Settings { manual_resume: Flag(1), grace: 40, ..plain() },
        Settings {
            filter_http_body: Flag(1),
            failure_kw: "error".to_owned(),
            success_kw: "done".to_owned(),
            start_kw: "begin".to_owned(),
            ..plain()
        },
        scheduled("cron", "* * * * *"),
        Settings { failure_threshold: 2, ..scheduled("oncalendar", "*:*:0/20") },
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = prop_oneof![
        5 => Just(PingKind::Success), 3 => Just(PingKind::Start),
        2 => Just(PingKind::Fail), 1 => Just(PingKind::Log),
    ];
    let body = prop_oneof![Just("done"), Just("error"), Just("begin"), Just("nothing")];
    let status = prop_oneof![4 => Just(None), 1 => (0..3_u8).prop_map(Some)];
    let one = (kind, status, proptest::option::of(1..4_u128), body)
        .prop_map(|(kind, exit_status, rid, body)| Deed::Ping { kind, exit_status, rid, body });
    let deed = prop_oneof![7 => one, 2 => any::<bool>().prop_map(Deed::Pause)];
    let deeds = proptest::collection::vec((0..all_settings().len(), deed), 0..6);
    let pass = prop_oneof![8 => 0..30_000_000_u64, 1 => 30_000_000..150_000_000_u64];
    let out = prop_oneof![9 => Just(None), 1 => (6..120_i64).prop_map(Some)];
    let step = (pass, out, any::<bool>(), deeds);
    let step =
        step.prop_map(|(pass, out, look_first, deeds)| Step { pass, out, look_first, deeds });
    proptest::collection::vec(step, 60)
}

both_databases! {
    async fn a_replay_under_todays_settings_gives_the_recorded_flips(database) {
        let mut parts = Parts::with(database, |config| config.ping.log_limit = KEPT).await;
        let project = parts.project().await;
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[9; 32]);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let mut seen = Vec::new();
        for _ in 0..HISTORIES {
            let mut ids = Vec::new();
            for settings in all_settings() {
                ids.push(parts.check_with(project, settings).await);
            }
            for step in steps().new_tree(&mut runner).unwrap().current() {
                live_through(&mut parts, project, &ids, step).await;
            }
            for id in &ids {
                let whole = replayed(&parts, project, *id, Change::default()).await;
                assert!(whole.is_whole);
                assert_as_recorded(&parts, *id, &whole).await;
                seen.extend(whole.replayed.flips.iter().map(|each| each.flip));
            }
            let (_stop, stop) = watch::channel(false);
            janitor::round(&parts.ctx, &stop).await.unwrap();
            let mut later = 0;
            for id in &ids {
                let rest = replayed(&parts, project, *id, Change::default()).await;
                assert_as_recorded(&parts, *id, &rest).await;
                later += if rest.is_whole { 0 } else { rest.replayed.flips.len() };
            }
            assert!(later > ids.len(), "there is something left to compare: {later}");
            // Out of the way of the next ones, whose detector looks at all.
            for id in &ids {
                checks::delete(&parts.ctx, project, *id).await.unwrap();
            }
        }
        for reason in Reason::ALL {
            let of_it = seen.iter().filter(|flip| flip.reason == *reason).count();
            assert!(of_it > 3, "{reason} came {of_it} times only");
        }
    }

    async fn a_deadline_that_was_seen_before_we_died_stays_seen(database) {
        let mut parts = Parts::new(database).await;
        let project = parts.project().await;
        let check = parts.check(project, 30, 11).await;
        parts.detector.round().await.unwrap();
        parts.ping(check, PingKind::Success).await;
        // The last sign of life is of second 40, the flip of second 41, and then the server dies.
        parts.run_for(41).await;
        parts.out_for(60);
        parts.detector.round().await.unwrap();
        let replay = replayed(&parts, project, check, Change::default()).await;
        assert_eq!(replay.replayed.flips.len(), 2);
        assert_as_recorded(&parts, check, &replay).await;
    }
}

async fn live_through(parts: &mut Parts, project: i64, ids: &[i64], step: Step) {
    live(parts, step.pass).await;
    if let Some(seconds) = step.out {
        // It dies right after a sign of life: what it saw later and did not count as enough for a
        // flip, nobody knows.
        live(parts, 2 * SECOND.unsigned_abs()).await;
        parts.out_for(seconds);
        if step.look_first {
            parts.detector.round().await.unwrap();
        }
    }
    for (place, deed) in step.deeds {
        parts.ctx.clock.advance(Duration::from_micros(1));
        let id = ids[place];
        match deed {
            Deed::Pause(paused) => {
                // Somebody who pauses a check has seen what became of it.
                parts.detector.round().await.unwrap();
                let change = Change { paused: Some(paused), ..Change::default() };
                checks::update(&parts.ctx, project, id, &change).await.unwrap();
            }
            Deed::Ping { kind, exit_status, rid, body } => {
                let full = |at| overdue::domain::ping::Ping {
                    exit_status,
                    body: Bytes::from_static(body.as_bytes()),
                    ..ping(kind, rid, at)
                };
                let outcome = parts.ingest.submit(&parts.ctx, id, full).await;
                assert_eq!(outcome, Outcome::Stored);
            }
        }
    }
}

/// Lets time pass with a look every two seconds and in the end.
async fn live(parts: &mut Parts, micros: u64) {
    let mut left = micros;
    while left > 0 {
        let stride = left.min(2 * SECOND.unsigned_abs());
        parts.ctx.clock.advance(Duration::from_micros(stride));
        parts.detector.round().await.unwrap();
        left -= stride;
    }
}

async fn replayed(parts: &Parts, project: i64, check: i64, change: Change) -> Replay {
    let wanted = Wanted { change, ..Wanted::default() };
    wanted.validate(&parts.ctx).unwrap();
    replay::of_check(&parts.ctx, project, check, &wanted).await.unwrap()
}

async fn assert_as_recorded(parts: &Parts, check: i64, replay: &Replay) {
    type Essence = (Timestamp, Status, Status, Reason);
    let mut conn = parts.ctx.store.read().await.unwrap();
    let (list, total) = flips::list(&mut conn, check, 0, 10_000).await.unwrap();
    assert_eq!(list.len(), usize::try_from(total).unwrap());
    let from = list.iter().rev().filter(|row| row.at >= replay.from);
    let recorded: Vec<Essence> =
        from.map(|row| (row.at, row.from_status, row.to_status, row.reason)).collect();
    let essence = |flip: &Flip| (flip.at, flip.from, flip.to, flip.reason);
    let replayed: Vec<Essence> = replay.replayed.flips.iter().map(|it| essence(&it.flip)).collect();
    assert_eq!(replayed, recorded, "check {check} from {}", replay.from);
    let sums = |outcome: &replay::Outcome| {
        let lasted: Vec<i64> = outcome.flips.iter().map(|it| it.lasted).collect();
        (lasted, outcome.alerts, outcome.down_time)
    };
    assert_eq!(sums(&replay.recorded), sums(&replay.replayed));
    assert!(replay.replayed.flips.iter().all(|it| it.is_recorded));
}
