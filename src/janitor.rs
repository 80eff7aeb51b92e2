//! The janitor: takes away pings beyond `ping.log_limit` and whatever is older than the
//! configuration wants to keep, in steps so small that no ping waits for them, and gives up runs
//! that nobody will finish.

use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Timestamp;
use crate::context::Context;
use crate::domain::check::{self, Effect};
use crate::domain::run::LONGEST;
use crate::fault::Result;
use crate::store::retention::{self, History};
use crate::store::{states, tokens};

/// How long after a round the next begins.
const EVERY: Duration = Duration::from_mins(1);
/// Rows that go in one transaction.
const STEP: i64 = 200;
/// Checks that are looked at in one go.
const PAGE: i64 = 500;
/// The pause after each transaction, which leaves the writer to others.
const BREATH: Duration = Duration::from_millis(20);

/// Runs until `stop` says so.
pub async fn run(ctx: Context, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let round = async {
            if let Err(error) = round(&ctx).await {
                tracing::warn!(%error, "the janitor was interrupted; it goes on in a minute");
            }
            tokio::time::sleep(EVERY).await;
        };
        tokio::select! {
            () = round => {}
            _ = stop.changed() => {}
        }
    }
}

/// Takes away everything that is to go now.
///
/// # Errors
/// The database is out; the next round goes on from there.
pub async fn round(ctx: &Context) -> Result<()> {
    give_up_runs(ctx).await?;
    end_sessions(ctx).await?;
    prune_pings(ctx).await?;
    let keep = &ctx.config.retention;
    for (history, days) in [
        (History::Runs, keep.runs_days),
        (History::Flips, keep.flips_days),
        (History::Notifications, keep.notifications_days),
        (History::Requests, keep.requests_days),
        (History::Events, keep.flips_days),
    ] {
        prune(ctx, history, days).await?;
    }
    Ok(())
}

async fn end_sessions(ctx: &Context) -> Result<()> {
    let mut tx = ctx.store.begin().await?;
    tokens::delete_ended_sessions(&mut tx, ctx.now()).await?;
    tx.commit().await
}

fn days_ago(ctx: &Context, days: u32) -> Timestamp {
    ctx.now().plus_seconds(-i64::from(days) * 86_400)
}

async fn prune(ctx: &Context, history: History, days: u32) -> Result<()> {
    let before = days_ago(ctx, days);
    loop {
        let mut conn = ctx.store.read().await?;
        let any = retention::any_before(&mut conn, history, before).await?;
        drop(conn);
        if !any {
            return Ok(());
        }
        let mut tx = ctx.store.begin().await?;
        let gone = retention::prune(&mut tx, history, before, STEP).await?;
        tx.commit().await?;
        if gone == 0 {
            return Ok(());
        }
        tokio::time::sleep(BREATH).await;
    }
}

async fn prune_pings(ctx: &Context) -> Result<()> {
    let before = days_ago(ctx, ctx.config.retention.pings_days);
    let keep = i64::from(ctx.config.ping.log_limit);
    let mut after = 0;
    loop {
        let mut conn = ctx.store.read().await?;
        let page = retention::next_checks(&mut conn, after, keep, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.check_id;
        for check in page {
            while let Some(up_to) = retention::oldest_pings(&mut conn, check, before, STEP).await? {
                let mut tx = ctx.store.begin().await?;
                retention::delete_pings(&mut tx, check.check_id, up_to).await?;
                tx.commit().await?;
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

/// Ends, as lost, the runs that are open for more than 72 hours with no deadline ahead.
async fn give_up_runs(ctx: &Context) -> Result<()> {
    let before = ctx.now().plus_micros(-LONGEST);
    let mut after = 0;
    loop {
        let mut conn = ctx.store.read().await?;
        let ids = states::with_old_runs(&mut conn, before, after, PAGE).await?;
        drop(conn);
        let Some(last) = ids.last() else { return Ok(()) };
        after = *last;
        let mut tx = ctx.store.begin().await?;
        let now = ctx.now();
        let mut changed = Vec::new();
        for mut watched in states::load(&mut tx, &ids).await? {
            let mut effect = Effect::default();
            if check::give_up_old_runs(&watched.rules, &mut watched.state, now, &mut effect) {
                watched.take_in(effect, None);
                changed.push(watched);
            }
        }
        states::save(&mut tx, &changed, now).await?;
        tx.commit().await?;
        tokio::time::sleep(BREATH).await;
    }
}
