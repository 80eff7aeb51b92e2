//! Two writers, and whoever else writes to a check, on one database: what one of them remembers of a
//! check is no ground to store anything that is not so any more.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use overdue::domain::check::Status;
use overdue::domain::ping::PingKind;
use overdue::ingest::Outcome;
use overdue::store::checks::Settings;
use overdue::store::{checks, pings, states};

use super::{Parts, assemble, ping};
use crate::support::both_databases;

/// The check's pings are numbered from 1 on without gap or double, and its state has counted them all.
async fn is_whole(parts: &Parts, check_id: i64, n: i64) {
    let mut conn = parts.ctx.store.read().await.unwrap();
    let (rows, total) = pings::list(&mut conn, check_id, 0, 1000).await.unwrap();
    let numbers: BTreeSet<i64> = rows.iter().map(|row| row.n).collect();
    assert_eq!((total, numbers), (n, (1..=n).collect()));
    let kept = states::read(&mut conn, &[check_id]).await.unwrap().pop().unwrap();
    assert_eq!(kept.state.n_pings, n);
    assert_eq!(kept.state.last_ping_at, rows.first().map(|row| row.at));
}

async fn change(parts: &Parts, check_id: i64, settings: &Settings) {
    let mut tx = parts.ctx.store.begin().await.unwrap();
    checks::update(&mut tx, check_id, settings, parts.ctx.now()).await.unwrap();
    tx.commit().await.unwrap();
}

both_databases! {
    async fn what_somebody_else_did_to_a_check_is_seen_by_its_next_ping(database) {
        let mut parts = Parts::new(database).await;
        let project = parts.project().await;
        let settings = Settings { period: 60, grace: 60, ..Settings::default() };
        let id = parts.check_with(project, settings.clone()).await;
        let other = assemble(&parts.ctx, "node-2");
        // Twice, so that it is remembered.
        parts.ping(id, PingKind::Success).await;
        parts.ping(id, PingKind::Success).await;

        // Another node.
        let outcome = other.0.submit(&parts.ctx, id, |at| ping(PingKind::Success, None, at)).await;
        assert_eq!(outcome, Outcome::Stored);
        parts.ping(id, PingKind::Success).await;
        is_whole(&parts, id, 4).await;

        // The detector, which only looked: the time that it had noted was an early one.
        parts.pass(119);
        parts.ping(id, PingKind::Success).await;
        parts.pass(1);
        assert_eq!(parts.detector.round().await.unwrap().turned_down, 0);
        parts.ping(id, PingKind::Success).await;
        is_whole(&parts, id, 6).await;

        // An edit: a failure alone is no longer one too many.
        change(&parts, id, &Settings { failure_threshold: 2, ..settings.clone() }).await;
        parts.ping(id, PingKind::Fail).await;
        is_whole(&parts, id, 7).await;
        assert_eq!(parts.read(id).await.status, Status::Up);

        // The detector, which turned it down.
        parts.run_for(300).await;
        assert_eq!(parts.read(id).await.status, Status::Down);
        parts.ping(id, PingKind::Success).await;
        is_whole(&parts, id, 8).await;
        assert_eq!(parts.read(id).await.status, Status::Up);

        // A deletion.
        let mut tx = parts.ctx.store.begin().await.unwrap();
        checks::delete(&mut tx, project, id).await.unwrap();
        tx.commit().await.unwrap();
        let outcome = parts.ingest.submit(&parts.ctx, id, |at| ping(PingKind::Success, None, at));
        assert_eq!(outcome.await, Outcome::NotFound);
        let mut conn = parts.ctx.store.read().await.unwrap();
        assert_eq!(pings::list(&mut conn, id, 0, 1).await.unwrap().1, 8, "no ninth");
    }

    async fn two_writers_number_the_pings_of_the_same_checks_without_gap_or_double(database) {
        const CHECKS: usize = 20;
        const TURNS: i64 = 12;
        let parts = Parts::new(database).await;
        let project = parts.project().await;
        let mut ids = Vec::new();
        for _ in 0..CHECKS {
            ids.push(parts.check(project, 60, 60).await);
        }
        let other = assemble(&parts.ctx, "node-2");
        let kinds = [PingKind::Success, PingKind::Start, PingKind::Log, PingKind::Fail];
        for turn in 0..TURNS {
            let (parts, ids) = (&parts, &ids);
            // Each from both at once, and in another order from the one than from the other.
            let send = |writer: usize, place: usize| {
                let ingest = if writer == 0 { &parts.ingest } else { &other.0 };
                let place = if writer == 0 { place } else { CHECKS - 1 - place };
                let kind = if turn % 3 == 0 { kinds[(place + writer) % 4] } else { kinds[0] };
                ingest.submit(&parts.ctx, ids[place], move |at| ping(kind, None, at))
            };
            let all = (0..CHECKS).flat_map(|place| [send(0, place), send(1, place)]);
            let edits = ids.iter().step_by(5).map(|id| async move {
                change(parts, *id, &Settings { grace: 60 + turn, ..Settings::default() }).await;
            });
            let (outcomes, _) = tokio::join!(join_all(all), join_all(edits));
            assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Stored), "{outcomes:?}");
        }
        for id in &ids {
            is_whole(&parts, *id, 2 * TURNS).await;
        }
    }
}
