//! The janitor: takes away pings beyond `ping.log_limit` and whatever is older than the
//! configuration wants to keep (on PostgreSQL old pings a partition at a time), in steps so small that no ping waits for them, keeps the daily sums
//! of what it takes, and gives up runs that nobody will finish.

use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Timestamp;
use crate::context::Context;
use crate::domain::check::{self, Effect};
use crate::domain::run::LONGEST;
use crate::fault::{Fault, Result};
use crate::store::retention::{self, History, Kept};
use crate::store::{
    confirmations, days, invitations, links, partitions, run_counts, states, tokens,
};

/// How long after a round the next begins.
const EVERY: Duration = Duration::from_mins(5);
/// Rows that go in one transaction.
const STEP: usize = 200;
/// Checks that are looked at in one go.
const PAGE: i64 = 500;
/// Runs of a check that are counted at a time: many where there are many, and then few, which is how
/// many stay behind at most.
const COUNTED: [i64; 2] = [10_000, 100];
/// Pages of SQLite's file (of 4 KiB) that are given back in one transaction.
const PAGES: i64 = 200;
/// So many may always be free.
const LEAST_FREE: i64 = 1_000;
/// The pause after each transaction, which leaves the writer to others.
const BREATH: Duration = Duration::from_millis(20);

/// Runs until `stop` says so. A step that has begun is ended: writes are never cut half-way.
pub async fn run(ctx: Context, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        match round(&ctx, &stop).await {
            Err(error) if !*stop.borrow() => {
                tracing::warn!(%error, "the janitor was interrupted; it goes on in a while");
            }
            _ => {}
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.changed() => {}
        }
    }
}

/// What becomes of pings that go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sums {
    /// They are summed up by days.
    Kept,
    /// Nothing is kept of them: their check is gone.
    Forgotten,
}

/// The pause between two steps.
///
/// # Errors
/// The process stops: what is left is for the next start.
async fn breathe(stop: &watch::Receiver<bool>) -> Result<()> {
    tokio::time::sleep(BREATH).await;
    if *stop.borrow() {
        return Err(Fault::Unavailable("the server stops".to_owned()));
    }
    Ok(())
}

/// Takes away everything that is to go now.
///
/// # Errors
/// The database is out; the next round goes on from there.
pub async fn round(ctx: &Context, stop: &watch::Receiver<bool>) -> Result<()> {
    give_up_runs(ctx, stop).await?;
    end_sessions(ctx).await?;
    forget_links(ctx).await?;
    forget_confirmation_mails(ctx).await?;
    count_runs(ctx, stop).await?;
    prune_pings(ctx, stop).await?;
    prune_deleted(ctx, stop).await?;
    let keep = &ctx.config.retention;
    for (history, days) in [
        (History::Runs, keep.runs_days),
        (History::Flips, keep.flips_days),
        (History::Notifications, keep.notifications_days),
        (History::Requests, keep.requests_days),
        (History::Events, keep.flips_days),
    ] {
        prune(ctx, stop, history, days).await?;
    }
    give_back(ctx, stop).await
}

/// Gives the room that nothing needs any more back to the disk, where a file of SQLite keeps it.
async fn give_back(ctx: &Context, stop: &watch::Receiver<bool>) -> Result<()> {
    if ctx.store.file().is_none() {
        return Ok(());
    }
    let mut before = i64::MAX;
    loop {
        let mut conn = ctx.store.read().await?;
        let (free, all) = retention::free_pages(&mut conn).await?;
        drop(conn);
        // A tenth is kept for what comes. A file that was made by an earlier version gives nothing back.
        if free <= (all / 10).max(LEAST_FREE) || free >= before {
            return Ok(());
        }
        before = free;
        let mut tx = ctx.store.begin().await?;
        retention::give_back(&mut tx, PAGES).await?;
        tx.commit().await?;
        breathe(stop).await?;
    }
}

async fn end_sessions(ctx: &Context) -> Result<()> {
    let mut tx = ctx.store.begin().await?;
    tokens::delete_ended_sessions(&mut tx, ctx.now()).await?;
    tx.commit().await
}

async fn forget_links(ctx: &Context) -> Result<()> {
    let mut tx = ctx.store.begin().await?;
    links::delete_ended(&mut tx, ctx.now()).await?;
    invitations::delete_ended(&mut tx, ctx.now()).await?;
    tx.commit().await
}

async fn forget_confirmation_mails(ctx: &Context) -> Result<()> {
    let mut tx = ctx.store.begin().await?;
    confirmations::forget_mails(&mut tx, ctx.now()).await?;
    tx.commit().await
}

fn days_ago(ctx: &Context, days: u32) -> Timestamp {
    ctx.now().plus_seconds(-i64::from(days) * 86_400)
}

async fn prune(
    ctx: &Context,
    stop: &watch::Receiver<bool>,
    history: History,
    days: u32,
) -> Result<()> {
    let before = days_ago(ctx, days);
    let mut after = 0;
    loop {
        let mut conn = ctx.store.read().await?;
        let old = retention::next_old(&mut conn, history, before, after, PAGE).await?;
        drop(conn);
        let Some(last) = old.last() else { return Ok(()) };
        after = last.id;
        let ids: Vec<i64> = old.iter().filter(|row| row.goes == 1).map(|row| row.id).collect();
        let mut rest = ids.as_slice();
        while !rest.is_empty() {
            let these = &rest[..rest.len().min(STEP)];
            let mut tx = ctx.store.begin().await?;
            let done = retention::delete(&mut tx, history, these).await?;
            tx.commit().await?;
            rest = &rest[done..];
            breathe(stop).await?;
        }
    }
}

/// Counts the runs that came, so that nobody who asks how many there are has to count them all.
async fn count_runs(ctx: &Context, stop: &watch::Receiver<bool>) -> Result<()> {
    for counted in COUNTED {
        let mut after = 0;
        loop {
            let mut conn = ctx.store.read().await?;
            let page = run_counts::behind(&mut conn, after, counted, PAGE).await?;
            drop(conn);
            let Some(last) = page.last() else { break };
            after = last.check_id;
            let ids: Vec<i64> = page.iter().filter(|c| c.goes == 1).map(|c| c.check_id).collect();
            for these in ids.chunks(STEP) {
                count_on(ctx, stop, these, counted).await?;
            }
        }
    }
    Ok(())
}

/// Counts the runs of these checks on, for as long as any has so many that are not counted.
async fn count_on(
    ctx: &Context,
    stop: &watch::Receiver<bool>,
    check_ids: &[i64],
    counted: i64,
) -> Result<()> {
    loop {
        let mut tx = ctx.store.begin().await?;
        let moved = run_counts::advance(&mut tx, check_ids, counted).await?;
        tx.commit().await?;
        breathe(stop).await?;
        if moved == 0 {
            return Ok(());
        }
    }
}

async fn prune_pings(ctx: &Context, stop: &watch::Receiver<bool>) -> Result<()> {
    let kept_days = ctx.config.retention.pings_days;
    let mut before = days_ago(ctx, kept_days);
    if ctx.store.db().has_partitions() {
        partitions::make_ahead(&ctx.store, ctx.now(), kept_days).await?;
        partitions::drop_before(&ctx.store, before).await?;
        // What is too old goes with its partition, and none of it before.
        before = Timestamp(i64::MIN);
    }
    let keep = i64::from(ctx.config.ping.log_limit);
    let mut after = 0;
    loop {
        let mut conn = ctx.store.read().await?;
        let page = retention::next_checks(&mut conn, after, keep, before, PAGE).await?;
        drop(conn);
        let Some(last) = page.last() else { return Ok(()) };
        after = last.check_id;
        for check in page.into_iter().filter(|check| check.goes == 1) {
            prune_check(ctx, stop, check, before, Sums::Kept).await?;
        }
    }
}

async fn prune_check(
    ctx: &Context,
    stop: &watch::Receiver<bool>,
    check: Kept,
    before: Timestamp,
    sums: Sums,
) -> Result<()> {
    let limit = i64::try_from(STEP).unwrap_or(i64::MAX);
    loop {
        let mut conn = ctx.store.read().await?;
        let up_to = retention::oldest_pings(&mut conn, check, before, limit).await?;
        drop(conn);
        let Some(up_to) = up_to else { return Ok(()) };
        let mut tx = ctx.store.begin().await?;
        match sums {
            Sums::Kept => days::sum_up_pings(&mut tx, check.check_id, up_to).await?,
            Sums::Forgotten => retention::delete_pings(&mut tx, check.check_id, up_to).await?,
        }
        tx.commit().await?;
        breathe(stop).await?;
    }
}

/// Takes away the pings and the daily sums of deleted checks, which a deletion leaves behind so as to
/// be quick.
async fn prune_deleted(ctx: &Context, stop: &watch::Receiver<bool>) -> Result<()> {
    loop {
        let mut conn = ctx.store.read().await?;
        let deleted = retention::next_deleted(&mut conn).await?;
        drop(conn);
        let Some(check_id) = deleted else { break };
        let all = Kept { check_id, up_to: i64::MAX, goes: 1 };
        prune_check(ctx, stop, all, Timestamp(0), Sums::Forgotten).await?;
        delete_days(ctx, stop, check_id).await?;
        let mut tx = ctx.store.begin().await?;
        retention::forget_deleted(&mut tx, check_id).await?;
        tx.commit().await?;
    }
    let mut tx = ctx.store.begin().await?;
    retention::prune_outages(&mut tx, days_ago(ctx, ctx.config.retention.flips_days)).await?;
    tx.commit().await
}

async fn delete_days(ctx: &Context, stop: &watch::Receiver<bool>, check_id: i64) -> Result<()> {
    let limit = i64::try_from(STEP).unwrap_or(i64::MAX);
    loop {
        let mut tx = ctx.store.begin().await?;
        let gone = days::delete_some(&mut tx, check_id, limit).await?;
        tx.commit().await?;
        if gone == 0 {
            return Ok(());
        }
        breathe(stop).await?;
    }
}

/// Ends, as lost, the runs that are open for more than 72 hours with no deadline ahead.
async fn give_up_runs(ctx: &Context, stop: &watch::Receiver<bool>) -> Result<()> {
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
        breathe(stop).await?;
    }
}
