//! Whatever is pinged in whatever batches, the store holds what the pure rules say.

use std::collections::HashMap;

use overdue::clock::Timestamp;
use overdue::domain::check::{self, Outage, State};
use overdue::domain::ping::PingKind;
use overdue::ingest::Outcome;
use overdue::store::checks::Settings;
use overdue::store::{pings, runs, states};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::{Parts, ping};
use crate::support::both_databases;

/// One step of a history: so many seconds pass, the detector looks or not, and a handful of pings
/// come at once.
#[derive(Clone, Debug)]
struct Step {
    pass: i64,
    look: bool,
    pings: Vec<(usize, PingKind, Option<u128>)>,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = prop_oneof![
        4 => Just(PingKind::Success), 3 => Just(PingKind::Start),
        2 => Just(PingKind::Fail), 1 => Just(PingKind::Log),
    ];
    let one = (0..CHECKS, kind, proptest::option::of(1..4_u128));
    let step = (0..40_i64, any::<bool>(), proptest::collection::vec(one, 0..12));
    proptest::collection::vec(
        step.prop_map(|(pass, look, pings)| Step { pass, look, pings }),
        1..25,
    )
}

const CHECKS: usize = 3;
const HISTORIES: usize = 12;

fn settings(place: usize) -> Settings {
    let failure_threshold = i64::try_from(place).unwrap() + 1;
    let max_runtime = (place == 2).then_some(15);
    Settings { period: 30, grace: 10, failure_threshold, max_runtime, ..Settings::default() }
}

both_databases! {
    async fn the_store_holds_what_the_rules_say_whatever_the_batches(database) {
        let mut parts = Parts::new(database).await;
        let project = parts.project().await;
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        for _ in 0..HISTORIES {
            let mut ids = Vec::new();
            for place in 0..CHECKS {
                ids.push(parts.check_with(project, settings(place)).await);
            }
            let history = steps().new_tree(&mut runner).unwrap().current();
            live_through(&mut parts, &ids, history).await;
        }
    }
}

async fn live_through(parts: &mut Parts, ids: &[i64], history: Vec<Step>) {
    let mut told: HashMap<i64, State> = ids.iter().map(|id| (*id, State::default())).collect();
    let none: &[Outage] = &[];
    for step in history {
        // The server is alive all the while, and looks only where the step says so.
        for _ in 0..step.pass {
            parts.pass(1);
        }
        if step.look {
            // Without outages: the clock of this test jumps, and the rules are asked the same way.
            let now = parts.ctx.now();
            look(parts, ids).await;
            for (place, id) in ids.iter().enumerate() {
                let state = told.get_mut(id).unwrap();
                check::on_deadline(&settings(place).rules(), state, none, now);
            }
        }
        let now = parts.ctx.now();
        let (ctx, ingest) = (&parts.ctx, &parts.ingest);
        let all = step
            .pings
            .iter()
            .map(|(place, kind, rid)| ingest.submit(ctx, ids[*place], |at| ping(*kind, *rid, at)));
        let outcomes = futures_util::future::join_all(all).await;
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Stored));
        for (place, kind, rid) in &step.pings {
            let state = told.get_mut(&ids[*place]).unwrap();
            // A deadline that passed before a ping came counts, looked at or not.
            let before = now.plus_micros(-1);
            check::on_deadline(&settings(*place).rules(), state, none, before);
            check::on_ping(&settings(*place).rules(), state, &ping(*kind, *rid, now));
        }
        for (place, id) in ids.iter().enumerate() {
            holds(parts, place, *id, &told[id]).await;
        }
    }
}

/// What the detector does, without its amnesty.
async fn look(parts: &mut Parts, ids: &[i64]) {
    let now = parts.ctx.now();
    let mut tx = parts.ctx.store.begin().await.unwrap();
    let mut all = states::load(&mut tx, ids).await.unwrap();
    for watched in &mut all {
        let outcome = check::on_deadline(&watched.rules, &mut watched.state, &[], now);
        watched.take_in(outcome.effect, None);
    }
    states::save(&mut tx, &all, now).await.unwrap();
    tx.commit().await.unwrap();
}

async fn holds(parts: &Parts, place: usize, check_id: i64, expected: &State) {
    let rules = settings(place).rules();
    let mut conn = parts.ctx.store.read().await.unwrap();
    let kept = states::load_one(&mut conn, check_id).await.unwrap().unwrap();
    let without_ids = |state: &State| {
        let mut state = state.clone();
        for run in &mut state.open_runs {
            (run.id, run.changed) = (None, false);
        }
        state
    };
    assert_eq!(without_ids(&kept.state), without_ids(expected));
    let row = parts.read(check_id).await;
    assert_eq!(row.alert_at, check::alert_at(&rules, &kept.state), "the deadline computed afresh");
    let (list, total) = pings::list(&mut conn, check_id, 0, 1000).await.unwrap();
    let numbers: Vec<i64> = list.iter().rev().map(|ping| ping.n).collect();
    assert_eq!(numbers, (1..=expected.n_pings).collect::<Vec<_>>());
    assert_eq!(total, expected.n_pings);
    let (all_runs, _) = runs::list(&mut conn, check_id, 0, 1000).await.unwrap();
    let open = all_runs.iter().filter(|run| run.finished_at.is_none()).count();
    assert_eq!(open, expected.open_runs.len());
    assert!(all_runs.iter().all(|run| run.finished_at.is_none_or(|end| end >= Timestamp(0))));
}
