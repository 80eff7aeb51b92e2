//! What retention takes away stays in the daily sums: the stats of a span of whole days are the same
//! before and after every step of pruning, in whatever order the steps come.

use overdue::clock::{SECOND, Timestamp};
use overdue::domain::check::Status;
use overdue::domain::days::{DAY, day_of};
use overdue::domain::ping::PingKind;
use overdue::janitor;
use overdue::service::checks::{self as service, Change};
use overdue::service::stats::{self, Stats};
use overdue::store::flips::{self, FlipRow};
use overdue::store::pings::{self, PingRow};
use overdue::store::retention::{self, History};
use overdue::store::runs::{self, RunRow};
use overdue::store::stats::Span;
use overdue::store::{channels, days};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tokio::sync::watch;

use super::{Parts, START};
use crate::support::both_databases;

/// All that ever happened to a check, the latest first.
struct Past {
    check_id: i64,
    pings: Vec<PingRow>,
    runs: Vec<RunRow>,
    flips: Vec<FlipRow>,
}

async fn past(parts: &Parts, check_id: i64) -> Past {
    let mut conn = parts.ctx.store.read().await.unwrap();
    let (pings, n) = pings::list(&mut conn, check_id, 0, 10_000).await.unwrap();
    let (runs, _) = runs::list(&mut conn, check_id, 0, 10_000).await.unwrap();
    let (flips, _) = flips::list(&mut conn, check_id, 0, 10_000).await.unwrap();
    assert_eq!(i64::try_from(pings.len()).unwrap(), n);
    Past { check_id, pings, runs, flips }
}

/// What the stats of a span are by definition, reckoned row by row; the percentiles of the runs
/// that are kept.
fn by_hand(past: &Past, kept: &Past, span: Span) -> Stats {
    let mut stats = Stats {
        check_id: past.check_id,
        up_time: 0,
        down_time: 0,
        downs: 0,
        pings: overdue::store::stats::PingSums::default(),
        runs: overdue::store::stats::RunSums::default(),
    };
    let is_in = |at: Timestamp| span.from <= at && (at < span.to || span.ends_now);
    for ping in past.pings.iter().filter(|ping| is_in(ping.at)) {
        let sums = &mut stats.pings;
        *match ping.kind {
            PingKind::Success => &mut sums.success,
            PingKind::Start => &mut sums.start,
            PingKind::Fail => &mut sums.fail,
            PingKind::Log => &mut sums.log,
            PingKind::Ign => &mut sums.ign,
        } += 1;
    }
    let timed = |past: &Past| -> Vec<i64> {
        let ended = past.runs.iter().filter(|run| run.finished_at.is_some_and(is_in));
        let mut all: Vec<i64> = ended.filter_map(|run| run.duration).collect();
        all.sort_unstable();
        all
    };
    let (all, left) = (timed(past), timed(kept));
    if !all.is_empty() {
        let rank = |percent: usize| {
            left.get((left.len() * percent).div_ceil(100).wrapping_sub(1)).copied()
        };
        stats.runs = overdue::store::stats::RunSums {
            check_id: 0,
            runs: i64::try_from(all.len()).unwrap(),
            total: all.iter().sum(),
            longest: all.last().copied(),
            p50: rank(50),
            p95: rank(95),
        };
    }
    let mut until = span.to;
    for flip in &past.flips {
        let (begin, end) = (flip.at.max(span.from), until.min(span.to));
        let time = end.micros_since(begin).max(0);
        match flip.to_status {
            Status::Up => stats.up_time += time,
            Status::Down => {
                stats.down_time += time;
                stats.downs += i64::from(time > 0 || is_in(flip.at));
            }
            Status::New | Status::Paused => {}
        }
        until = flip.at;
    }
    stats
}

/// Some span of whole days of which something is over already.
fn whole_days(span: (i64, i64), now: Timestamp) -> Span {
    let first = day_of(START) + span.0;
    stats::span(Some(Timestamp(first * DAY)), Some(Timestamp((first + span.1) * DAY)), now).unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    Pass(i64),
    Ping(usize, PingKind, Option<u128>),
    Pause(usize, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = prop_oneof![
        4 => Just(PingKind::Success), 4 => Just(PingKind::Start),
        2 => Just(PingKind::Fail), 1 => Just(PingKind::Log),
    ];
    let rid = proptest::option::of(1..3_u128);
    let step = prop_oneof![
        3 => (0..2000_i64).prop_map(Step::Pass),
        2 => (0..60_000_i64).prop_map(Step::Pass),
        9 => (0..CHECKS, kind, rid).prop_map(|(check, kind, rid)| Step::Ping(check, kind, rid)),
        1 => (0..CHECKS, any::<bool>()).prop_map(|(check, paused)| Step::Pause(check, paused)),
    ];
    proptest::collection::vec(step, 60..120)
}

/// A step of pruning: of which check, what, and how much of it in percent.
type Prune = (usize, usize, usize);

fn prunings() -> impl Strategy<Value = Vec<Prune>> {
    proptest::collection::vec((0..CHECKS, 0..3_usize, 0..60_usize), 12)
}

const CHECKS: usize = 3;
const HISTORIES: usize = 5;

async fn live_through(parts: &mut Parts, project: i64, ids: &[i64], steps: Vec<Step>) {
    for step in steps {
        match step {
            Step::Pass(seconds) => {
                parts.pass(seconds);
                parts.detector.round().await.unwrap();
            }
            Step::Ping(check, kind, rid) => parts.ping_run(ids[check], kind, rid).await,
            Step::Pause(check, paused) => pause(parts, project, ids[check], paused).await,
        }
    }
}

async fn pause(parts: &Parts, project: i64, check_id: i64, paused: bool) {
    let change = Change { paused: Some(paused), ..Change::default() };
    service::update(&parts.ctx, project, check_id, &change).await.unwrap();
}

/// Takes away some of the oldest pings, any of the finished runs, or some of the oldest flips; and
/// the same once more, which must do nothing.
async fn prune(parts: &Parts, check_id: i64, what: usize, percent: usize) {
    let kept = past(parts, check_id).await;
    let share = |count: usize| count * percent / 100;
    for _ in 0..2 {
        let mut tx = parts.ctx.store.begin().await.unwrap();
        match what {
            0 => {
                let up_to = kept.pings.iter().rev().nth(share(kept.pings.len()));
                let up_to = up_to.map_or(0, |ping| ping.n - 1);
                days::sum_up_pings(&mut tx, check_id, up_to).await.unwrap();
            }
            1 => {
                let ended = kept.runs.iter().filter(|run| run.finished_at.is_some());
                let mut ids: Vec<i64> = ended.map(|run| run.run_id).collect();
                ids.reverse();
                let skipped = percent % 3;
                let ids: Vec<i64> = ids.iter().skip(skipped).step_by(2).copied().collect();
                retention::delete(&mut tx, History::Runs, &ids).await.unwrap();
            }
            _ => {
                let old = kept.flips.iter().skip(1).rev();
                let ids: Vec<i64> = old.map(|flip| flip.flip_id).collect();
                let ids = &ids[..share(ids.len())];
                let done = retention::delete(&mut tx, History::Flips, ids).await.unwrap();
                assert_eq!(done, ids.len());
            }
        }
        tx.commit().await.unwrap();
    }
}

async fn holds(parts: &Parts, project: i64, lived: &[Past], span: Span, when: &str) {
    let (list, _) = stats::of_checks(&parts.ctx, project, &[], span, 0, 1000).await.unwrap();
    for whole in lived {
        let kept = past(parts, whole.check_id).await;
        let mut got = *list.iter().find(|stats| stats.check_id == whole.check_id).unwrap();
        (got.pings.check_id, got.runs.check_id) = (0, 0);
        assert_eq!(got, by_hand(whole, &kept, span), "{when}: {span:?}");
    }
}

both_databases! {
    async fn sums_and_what_is_kept_are_what_ever_happened_whatever_is_pruned_when(database) {
        let mut parts = Parts::with(database, |config| config.detector.outage_amnesty = false).await;
        let project = parts.project().await;
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[11; 32]);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let mut downs = 0;
        for _ in 0..HISTORIES {
            let mut ids = Vec::new();
            for place in 0..CHECKS {
                let period = 600 * (i64::try_from(place).unwrap() + 1);
                ids.push(parts.check(project, period, 3 * period).await);
            }
            let history = steps().new_tree(&mut runner).unwrap().current();
            live_through(&mut parts, project, &ids, history).await;
            let mut lived = Vec::new();
            for id in &ids {
                lived.push(past(&parts, *id).await);
            }
            let now = parts.ctx.now();
            let all = stats::span(Some(Timestamp(START.0 - DAY)), None, now).unwrap();
            downs += by_hand(&lived[0], &lived[0], all).downs;
            holds(&parts, project, &lived, all, "before").await;
            for (check, what, percent) in prunings().new_tree(&mut runner).unwrap().current() {
                prune(&parts, ids[check], what, percent).await;
                let when = format!("after {what} of {percent} %");
                holds(&parts, project, &lived, all, &when).await;
                let some = (0..day_of(now) - day_of(START) + 1, 1..4_i64);
                let some = some.new_tree(&mut runner).unwrap().current();
                holds(&parts, project, &lived, whole_days(some, now), &when).await;
            }
        }
        assert!(downs > 5, "the histories have downtimes: {downs}");
    }

    async fn the_janitor_keeps_the_sums_of_what_it_takes(database) {
        let mut parts = Parts::with(database, |config| {
            config.detector.outage_amnesty = false;
            config.ping.log_limit = 3;
            config.retention.runs_days = 1;
            config.retention.flips_days = 1;
        })
        .await;
        let project = parts.project().await;
        let check = parts.check(project, 3600, 3600).await;
        for _ in 0..3 {
            parts.ping(check, PingKind::Start).await;
            parts.pass(60);
            parts.ping(check, PingKind::Success).await;
            parts.pass(86_400);
            parts.detector.round().await.unwrap();
        }
        let before = past(&parts, check).await;
        assert_eq!((before.pings.len(), before.runs.len(), before.flips.len()), (6, 3, 6));
        let (_stop, stopped) = watch::channel(false);
        for _ in 0..2 {
            janitor::round(&parts.ctx, &stopped).await.unwrap();
            let kept = past(&parts, check).await;
            assert_eq!((kept.pings.len(), kept.runs.len(), kept.flips.len()), (3, 0, 2));
            let span = stats::span(None, None, parts.ctx.now()).unwrap();
            holds(&parts, project, &[copy(&before)], span, "after a round").await;
        }
    }

    async fn a_deleted_check_takes_its_sums_with_it(database) {
        let parts = Parts::with(database, |config| config.ping.log_limit = 1).await;
        let project = parts.project().await;
        let (gone, left) = (parts.check(project, 60, 60).await, parts.check(project, 60, 60).await);
        for check in [gone, left, gone, left, gone] {
            parts.ping(check, PingKind::Success).await;
        }
        let (_stop, stopped) = watch::channel(false);
        janitor::round(&parts.ctx, &stopped).await.unwrap();
        // What came after the round is still there as pings when the check goes.
        parts.ping(gone, PingKind::Success).await;
        service::delete(&parts.ctx, project, gone).await.unwrap();
        janitor::round(&parts.ctx, &stopped).await.unwrap();
        let mut tx = parts.ctx.store.begin().await.unwrap();
        assert_eq!(days::delete_some(&mut tx, gone, 10).await.unwrap(), 0);
        assert_eq!(days::delete_some(&mut tx, left, 10).await.unwrap(), 1);
    }

    async fn no_flip_goes_before_an_older_one_that_has_to_stay(database) {
        let parts = Parts::with(database, |config| {
            config.detector.outage_amnesty = false;
            config.retention.flips_days = 1;
        })
        .await;
        let project = parts.project().await;
        let check = parts.check(project, 3600, 3600).await;
        let told = webhook_of(&parts, project).await;
        for (kind, tells) in [
            (PingKind::Success, false), (PingKind::Fail, true),
            (PingKind::Success, false), (PingKind::Fail, false), (PingKind::Success, false),
        ] {
            let mut tx = parts.ctx.store.begin().await.unwrap();
            let these: &[i64] = if tells { &[told] } else { &[] };
            channels::assign(&mut tx, check, these).await.unwrap();
            tx.commit().await.unwrap();
            parts.ping(check, kind).await;
            parts.pass(60);
        }
        let before = past(&parts, check).await;
        parts.pass(2 * 86_400);
        let (_stop, stopped) = watch::channel(false);
        janitor::round(&parts.ctx, &stopped).await.unwrap();
        let kept = past(&parts, check).await;
        // The second is still to be told, and so the third and fourth stay too.
        assert_eq!((before.flips.len(), kept.flips.len()), (5, 4));
        let span = stats::span(None, None, parts.ctx.now()).unwrap();
        holds(&parts, project, &[copy(&before)], span, "while it waits").await;

        let mut tx = parts.ctx.store.begin().await.unwrap();
        channels::delete(&mut tx, told).await.unwrap();
        tx.commit().await.unwrap();
        janitor::round(&parts.ctx, &stopped).await.unwrap();
        assert_eq!(past(&parts, check).await.flips.len(), 1);
        holds(&parts, project, &[before], span, "once nothing waits").await;
    }

    async fn times_that_spread_over_years_are_summed_in_several_steps(database) {
        let parts = Parts::new(database).await;
        let project = parts.project().await;
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(parts.check(project, 3600, 3600).await);
        }
        for pass in [0, 1500 * 86_400] {
            parts.pass(pass);
            for check in &ids {
                parts.ping(*check, PingKind::Fail).await;
                pause(&parts, project, *check, true).await;
                pause(&parts, project, *check, false).await;
                parts.ping(*check, PingKind::Fail).await;
            }
        }
        let mut lived = Vec::new();
        for id in &ids {
            lived.push(past(&parts, *id).await);
        }
        let mut flips: Vec<i64> =
            lived.iter().flat_map(|past| &past.flips[1..]).map(|flip| flip.flip_id).collect();
        flips.sort_unstable();
        let mut tx = parts.ctx.store.begin().await.unwrap();
        let done = retention::delete(&mut tx, History::Flips, &flips).await.unwrap();
        tx.commit().await.unwrap();
        assert!(0 < done && done < flips.len(), "{done}");
        let span = stats::span(Some(START), None, parts.ctx.now()).unwrap();
        let from = Timestamp(day_of(START) * DAY);
        let span = Span { from, ..span };
        holds(&parts, project, &lived, span, "half-way").await;
        let mut tx = parts.ctx.store.begin().await.unwrap();
        let rest = &flips[done..];
        assert_eq!(retention::delete(&mut tx, History::Flips, rest).await.unwrap(), rest.len());
        tx.commit().await.unwrap();
        holds(&parts, project, &lived, span, "at the end").await;
        let (list, _) = stats::of_checks(&parts.ctx, project, &[], span, 0, 10).await.unwrap();
        assert!(list.iter().all(|stats| stats.down_time == 1500 * 86_400 * SECOND));
    }
}

fn copy(past: &Past) -> Past {
    let Past { check_id, pings, runs, flips } = past;
    Past { check_id: *check_id, pings: pings.clone(), runs: runs.clone(), flips: flips.clone() }
}

async fn webhook_of(parts: &Parts, project: i64) -> i64 {
    use overdue::notify::channels::Kind;
    use overdue::service::channels::{Change, create, new_config};
    let config = serde_json::json!({"url_down": "https://example.org/"});
    let config = new_config(Kind::Webhook, &config).unwrap();
    let change = Change { channel_name: Some("hook".to_owned()), ..Change::default() };
    create(&parts.ctx, project, Kind::Webhook, &config, &change).await.unwrap().channel_id
}
