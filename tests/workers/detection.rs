//! Detection: flips at the deadline, once, and never for an outage that was ours.

use std::sync::Arc;

use overdue::detector::Round;
use overdue::domain::check::{Reason, Status};
use overdue::domain::ping::PingKind;
use overdue::store::checks::Settings;
use overdue::store::{flips, states};

use super::{Parts, at};
use crate::support::both_databases;

async fn flips_of(parts: &Parts, check_id: i64) -> Vec<flips::FlipRow> {
    let mut conn = parts.ctx.store.read().await.unwrap();
    flips::list(&mut conn, check_id, 0, 100).await.unwrap().0
}

async fn down_at(parts: &Parts, check_id: i64) -> Option<overdue::clock::Timestamp> {
    let flips = flips_of(parts, check_id).await;
    flips.first().filter(|flip| flip.to_status == Status::Down).map(|flip| flip.at)
}

both_databases! {
    async fn a_silent_check_goes_down_with_the_time_of_its_deadline(database) {
        let mut parts = Parts::new(database).await;
        let project = parts.project().await;
        let check = parts.check(project, 60, 10).await;
        parts.detector.round().await.unwrap();
        parts.ping(check, PingKind::Success).await;
        parts.run_for(69).await;
        assert_eq!(parts.read(check).await.status, Status::Up);
        parts.run_for(2).await;
        let row = parts.read(check).await;
        assert_eq!((row.status, row.alert_at), (Status::Down, None));
        let flips = flips_of(&parts, check).await;
        assert_eq!((flips[0].at, flips[0].reason), (at(70), Reason::Timeout));
        assert_eq!(flips.len(), 2);
    }

    async fn pings_move_the_deadline_and_the_early_wake_up_is_corrected(database) {
        let mut parts = Parts::new(database).await;
        let project = parts.project().await;
        let check = parts.check(project, 60, 10).await;
        for _ in 0..5 {
            parts.ping(check, PingKind::Success).await;
            parts.run_for(50).await;
        }
        let row = parts.read(check).await;
        assert_eq!((row.status, row.alert_at), (Status::Up, Some(at(270))));
    }

    async fn a_ping_before_the_deadline_wins_also_while_it_waits_to_be_written(database) {
        let parts = Parts::new(database).await;
        let project = parts.project().await;
        let check = parts.check(project, 60, 10).await;
        parts.ping(check, PingKind::Success).await;
        let (ctx, ingest) = (parts.ctx.clone(), parts.ingest.clone());
        let mut detector = parts.detector;
        detector.round().await.unwrap();
        for second in 0..69 {
            ctx.clock.advance(std::time::Duration::from_secs(1));
            assert_eq!(detector.round().await.unwrap(), Round::default(), "second {second}");
        }
        // The check is held by somebody else, so that the ping of second 69 waits …
        let mut holder = ctx.store.begin().await.unwrap();
        states::load_one(&mut holder, check).await.unwrap();
        let ping = |at| crate::workers::ping(PingKind::Success, None, at);
        let waiting = { let (ctx, ingest) = (ctx.clone(), ingest.clone());
            tokio::spawn(async move { ingest.submit(&ctx, check, ping).await }) };
        while ingest.queued() == 0 && !waiting.is_finished() {
            tokio::task::yield_now().await;
            if ingest.queued() == 0 { break; }
        }
        // … past the deadline, when the detector looks.
        ctx.clock.advance(std::time::Duration::from_millis(1500));
        let round = tokio::spawn(async move { detector.round().await.unwrap() });
        holder.commit().await.unwrap();
        assert_eq!(round.await.unwrap().turned_down, 0);
        waiting.await.unwrap();
    }

    async fn a_thousand_checks_pinged_in_time_survive_a_minute_of_our_death(database) {
        let mut parts = Parts::new(database).await;
        let project = parts.project().await;
        let (mut alive, mut silent) = (Vec::new(), Vec::new());
        for i in 0..100 {
            let id = parts.check(project, 30, 20).await;
            if i % 10 == 0 { silent.push(id) } else { alive.push(id) }
        }
        parts.detector.round().await.unwrap();
        let all: Vec<i64> = alive.iter().chain(&silent).copied().collect();
        ping_all(&parts, &all).await;
        parts.run_for(20).await;
        // Every deadline (second 50) lies inside the outage, from second 20 to 80.
        parts.out_for(60);
        parts.detector.round().await.unwrap();
        for id in &all {
            let row = parts.read(*id).await;
            assert_eq!((row.status, row.alert_at), (Status::Up, Some(at(100))), "80 + min(20, 120)");
        }
        ping_all(&parts, &alive).await;
        parts.run_for(21).await;
        for id in &alive {
            assert_eq!(parts.read(*id).await.status, Status::Up);
        }
        for id in &silent {
            assert_eq!(down_at(&parts, *id).await, Some(at(100)));
        }
    }

    async fn a_clock_set_forward_is_an_outage_and_one_set_back_moves_nothing_back(database) {
        let mut parts = Parts::new(database).await;
        let project = parts.project().await;
        let check = parts.check(project, 30, 20).await;
        parts.detector.round().await.unwrap();
        parts.ping(check, PingKind::Success).await;
        parts.run_for(10).await;
        parts.ctx.clock.jump(600 * 1_000_000);
        parts.detector.round().await.unwrap();
        let row = parts.read(check).await;
        assert_eq!((row.status, row.alert_at), (Status::Up, Some(at(630))));
        parts.ping(check, PingKind::Success).await;
        parts.ctx.clock.jump(-600 * 1_000_000);
        parts.run_for(3).await;
        parts.ping(check, PingKind::Success).await;
        assert_eq!(parts.read(check).await.last_ping_at, Some(at(610)));
        // Signs of life go on by the clock as it stands, so that the next outage is seen.
        parts.out_for(100);
        parts.detector.round().await.unwrap();
        assert_eq!(parts.read(check).await.status, Status::Up);
    }

    async fn without_amnesty_a_deadline_in_our_outage_counts(database) {
        let mut parts = Parts::with(database, |c| c.detector.outage_amnesty = false).await;
        let project = parts.project().await;
        let check = parts.check(project, 30, 20).await;
        parts.detector.round().await.unwrap();
        parts.ping(check, PingKind::Success).await;
        parts.out_for(60);
        parts.detector.round().await.unwrap();
        assert_eq!(down_at(&parts, check).await, Some(at(50)));
    }

    async fn a_deadline_that_passed_before_the_ping_came_counts_before_the_detector_looks(database) {
        let parts = Parts::new(database).await;
        let project = parts.project().await;
        let check = parts.check(project, 60, 10).await;
        parts.ping(check, PingKind::Success).await;
        parts.pass(71);
        parts.ping(check, PingKind::Success).await;
        assert_eq!(parts.read(check).await.status, Status::Up);
        let told: Vec<_> =
            flips_of(&parts, check).await.iter().map(|f| (f.at, f.to_status)).collect();
        let expected = [(at(71), Status::Up), (at(70), Status::Down), (at(0), Status::Up)];
        assert_eq!(told, expected);
    }

    async fn a_ping_right_after_our_outage_is_not_counted_as_late(database) {
        let mut parts = Parts::new(database).await;
        let project = parts.project().await;
        let check = parts.check(project, 60, 10).await;
        parts.detector.round().await.unwrap();
        parts.ping(check, PingKind::Success).await;
        parts.out_for(100);
        parts.ping(check, PingKind::Success).await;
        parts.detector.round().await.unwrap();
        assert_eq!(flips_of(&parts, check).await.len(), 1, "the first turn to up is the only flip");
    }

    async fn two_detectors_on_one_database_make_each_flip_once(database) {
        let parts = Parts::new(database).await;
        let project = parts.project().await;
        let mut ids = Vec::new();
        for _ in 0..50 {
            ids.push(parts.check(project, 2, 1).await);
        }
        ping_all(&parts, &ids).await;
        let second = overdue::context::Context::open(
            (*parts.ctx.config).clone(), parts.ctx.clock.clone()).await.unwrap();
        let (ingest, other, writer) = crate::workers::assemble(&second, "node-2");
        let writer = tokio::spawn(async move { let _ = writer.await; drop(ingest); });
        parts.ctx.clock.advance(std::time::Duration::from_secs(4));
        let gate = Arc::new(tokio::sync::Barrier::new(2));
        let (mut one, mut two) = (parts.detector, other);
        let (a, b) = tokio::join!(
            async { gate.wait().await; one.round().await.unwrap() },
            async { gate.wait().await; two.round().await.unwrap() },
        );
        assert_eq!(a.turned_down + b.turned_down, 50);
        let mut conn = parts.ctx.store.read().await.unwrap();
        for id in ids {
            let (flips, _) = flips::list(&mut conn, id, 0, 10).await.unwrap();
            assert_eq!(flips.iter().filter(|f| f.to_status == Status::Down).count(), 1);
        }
        writer.abort();
    }

    async fn a_check_with_unreadable_rules_is_put_off_and_stops_nobody_else(database) {
        let mut parts = Parts::new(database).await;
        let project = parts.project().await;
        let strange = Settings { kind: "lunar".into(), period: 5, grace: 1, ..Settings::default() };
        let strange = parts.check_with(project, strange).await;
        let plain = parts.check(project, 5, 1).await;
        parts.detector.round().await.unwrap();
        ping_all(&parts, &[strange, plain]).await;
        parts.run_for(10).await;
        assert_eq!(parts.read(plain).await.status, Status::Down);
        assert_eq!(parts.read(strange).await.status, Status::Up);
        let mut conn = parts.ctx.store.read().await.unwrap();
        let next = states::next_wake(&mut conn).await.unwrap().unwrap();
        assert!(next > at(3600), "{next}");
    }
}

async fn ping_all(parts: &Parts, ids: &[i64]) {
    for id in ids {
        parts.ping(*id, PingKind::Success).await;
    }
}
