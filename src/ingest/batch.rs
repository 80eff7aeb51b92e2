//! One batch of pings: one transaction, an outcome each.

use bytes::Bytes;

use super::pace::Pace;
use super::remembered::Remembered;
use super::{Job, Outcome};
use crate::clock::Timestamp;
use crate::context::Context;
use crate::domain::check::{self, Outage};
use crate::domain::ping::storable_body;
use crate::failpoint;
use crate::fault::{Fault, Result};
use crate::store::dialect::Writes;
use crate::store::pings::{self, NewPing};
use crate::store::states::{self, Saved, Watched};
use crate::store::tx::Tx;
use crate::store::{Store, nodes, partitions};
use crate::vitals::{Count, Vitals};

/// Stores a batch and answers each of its requests. Where it can't be stored as a whole because of
/// one of its pings, each is tried alone, so that none suffers for another.
pub(super) async fn store(
    ctx: &Context,
    vitals: &Vitals,
    pace: &mut Pace,
    remembered: &mut Remembered,
    jobs: Vec<Job>,
) {
    let mut jobs = within_pace(pace, vitals, jobs);
    if jobs.is_empty() {
        return;
    }
    // Handlers race for their place in the queue: what counts is the time of receipt.
    jobs.sort_by_key(|job| job.ping.received_at);
    let store = ctx.store.of_pings();
    let mut written = match write_remembered(ctx, &store, remembered, &jobs).await {
        Ok(Some(written)) => Ok(written),
        Ok(None) => write(ctx, &store, &jobs).await,
        Err(error) => Err(error),
    };
    if written.as_ref().is_err_and(Fault::lacks_partition) {
        // The clock went far ahead since the janitor was here.
        let kept_days = ctx.config.retention.pings_days;
        written = match partitions::make_ahead(&ctx.store, ctx.now(), kept_days).await {
            Ok(()) => write(ctx, &store, &jobs).await,
            Err(error) => Err(error),
        };
    }
    if written.as_ref().is_err_and(Fault::was_rolled_back) {
        // The database chose this transaction to end a deadlock: the next try finds the way clear.
        written = write(ctx, &store, &jobs).await;
    }
    if written.is_err() {
        remembered.forget();
    }
    match written {
        Ok((found, saved)) => {
            ctx.bells.ring(saved);
            ctx.live.checks(|| jobs.iter().map(|job| job.check_id).collect());
            vitals.count(Count::Batch);
            vitals.add(Count::BatchedPing, jobs.len() as u64);
            answer(vitals, jobs, &found);
        }
        Err(Fault::Internal(error)) if jobs.len() > 1 => {
            tracing::error!(%error, pings = jobs.len(), "a batch was refused; its pings are tried one by one");
            for job in jobs {
                store_alone(ctx, &store, vitals, job).await;
            }
        }
        Err(error) => refuse(vitals, jobs, &error),
    }
}

async fn store_alone(ctx: &Context, store: &Store, vitals: &Vitals, job: Job) {
    let jobs = vec![job];
    match write(ctx, store, &jobs).await {
        Ok((found, saved)) => {
            ctx.bells.ring(saved);
            ctx.live.checks(|| jobs.iter().map(|job| job.check_id).collect());
            vitals.count(Count::Batch);
            vitals.count(Count::BatchedPing);
            answer(vitals, jobs, &found);
        }
        Err(error) => refuse(vitals, jobs, &error),
    }
}

fn within_pace(pace: &mut Pace, vitals: &Vitals, jobs: Vec<Job>) -> Vec<Job> {
    let mut within = Vec::with_capacity(jobs.len());
    for job in jobs {
        match pace.count(job.check_id, job.ping.received_at) {
            Ok(()) => within.push(job),
            Err(retry_after) => reply(vitals, job, Outcome::TooMany { retry_after }),
        }
    }
    within
}

/// Stores the pings of a batch from which nothing follows but new states, as nearly always, in one
/// statement: by the states that are remembered, without locking them. None, and nothing stored,
/// where that can't be, or where somebody else has changed one of the checks meanwhile.
async fn write_remembered(
    ctx: &Context,
    store: &Store,
    remembered: &mut Remembered,
    jobs: &[Job],
) -> Result<Option<(Vec<bool>, Saved)>> {
    let is_plain = jobs.iter().all(|job| job.ping.mail.is_none());
    if !store.db().has_row_versions() || !is_plain {
        return Ok(None);
    }
    let mut conn = store.read().await?;
    let now = ctx.clock.steady_micros();
    let (mut checks, unknown) = remembered.take(&check_ids(jobs), now);
    if !unknown.is_empty() {
        checks.extend(states::read(&mut conn, &unknown).await?);
        checks.sort_unstable_by_key(|check| check.check_id);
    }
    if passed_deadline(&checks, jobs).is_some() {
        return Ok(None);
    }
    let (found, rows) = judge_all(&mut checks, jobs, None);
    if checks.iter().any(Watched::is_eventful) {
        return Ok(None);
    }
    let mut writes = Writes::default();
    pings::insert(&mut writes, &rows);
    failpoint::reached("pings_judged");
    let saved = if checks.is_empty() {
        Some(Saved::default())
    } else {
        states::save_if_unchanged(&mut conn, &mut checks, writes).await?
    };
    let Some(saved) = saved else { return Ok(None) };
    failpoint::reached("pings_committed");
    remembered.put(checks);
    Ok(Some((found, saved)))
}

fn check_ids(jobs: &[Job]) -> Vec<i64> {
    let mut check_ids: Vec<i64> = jobs.iter().map(|job| job.check_id).collect();
    check_ids.sort_unstable();
    check_ids.dedup();
    check_ids
}

/// Stores the pings and tells for each whether its check exists.
async fn write(ctx: &Context, store: &Store, jobs: &[Job]) -> Result<(Vec<bool>, Saved)> {
    let mut tx = store.begin().await?;
    let mut checks = states::load(&mut tx, &check_ids(jobs)).await?;
    let by_mail = jobs.iter().filter(|job| job.ping.mail.is_some()).map(|job| job.check_id);
    states::add_filters(&mut tx, &mut checks, &by_mail.collect::<Vec<_>>()).await?;
    let past = passed_deadlines(ctx, &mut tx, &checks, jobs).await?;
    let (found, rows) = judge_all(&mut checks, jobs, past.as_deref());
    let mut writes = Writes::default();
    let saved = states::save_with(&mut tx, &checks, ctx.now(), &mut writes).await?;
    pings::insert(&mut writes, &rows);
    failpoint::reached("pings_judged");
    tx.commit_with(writes).await?;
    failpoint::reached("pings_committed");
    Ok((found, saved))
}

/// What is needed to count the deadlines that passed before a ping came and that the detector has
/// not come to yet: our outages. None where there are no such deadlines (as nearly always), or where
/// the server itself was out until now, which the detector has to record first.
async fn passed_deadlines(
    ctx: &Context,
    tx: &mut Tx,
    checks: &[Watched],
    jobs: &[Job],
) -> Result<Option<Vec<Outage>>> {
    let Some(earliest) = passed_deadline(checks, jobs) else { return Ok(None) };
    let last_beat = nodes::last_beat(tx).await?;
    if Outage::between(last_beat, ctx.now()).is_some() {
        return Ok(None);
    }
    if !ctx.config.detector.outage_amnesty {
        return Ok(Some(Vec::new()));
    }
    nodes::outages_since(tx, earliest).await.map(Some)
}

/// The earliest deadline that passed before the last of the pings came.
fn passed_deadline(checks: &[Watched], jobs: &[Job]) -> Option<Timestamp> {
    let last = jobs.last()?.ping.received_at;
    let deadlines = checks.iter().filter(|check| check.broken.is_none());
    let deadlines = deadlines.filter_map(|c| check::alert_at(&c.rules, &c.state));
    deadlines.min().filter(|at| *at < last)
}

/// Judges each ping in turn: whether its check exists, and what is to be stored of those that have
/// one. `checks` stand in order of their ids.
fn judge_all<'a>(
    checks: &mut [Watched],
    jobs: &'a [Job],
    outages: Option<&[Outage]>,
) -> (Vec<bool>, Vec<NewPing<'a>>) {
    let (mut found, mut rows) = (Vec::with_capacity(jobs.len()), Vec::with_capacity(jobs.len()));
    for job in jobs {
        let place = checks.binary_search_by_key(&job.check_id, |check| check.check_id);
        found.push(place.is_ok());
        if let Ok(place) = place {
            rows.push(judge(&mut checks[place], job, outages));
        }
    }
    (found, rows)
}

fn judge<'a>(check: &mut Watched, job: &'a Job, outages: Option<&[Outage]>) -> NewPing<'a> {
    if let (Some(outages), None) = (outages, &check.broken) {
        let before = job.ping.received_at.plus_micros(-1);
        let missed = check::on_deadline(&check.rules, &mut check.state, outages, before);
        check.take_in_deadlines(missed, before);
    }
    let outcome = check::on_ping(&check.rules, &mut check.state, &job.ping);
    check.take_in(outcome.effect, Some(outcome.n));
    let body: Bytes = storable_body(&job.ping.body, job.ping.body_was_cut);
    NewPing {
        check_id: job.check_id,
        n: outcome.n,
        kind: outcome.kind,
        duration: outcome.duration,
        ping: &job.ping,
        body,
    }
}

fn answer(vitals: &Vitals, jobs: Vec<Job>, found: &[bool]) {
    for (job, found) in jobs.into_iter().zip(found) {
        reply(vitals, job, if *found { Outcome::Stored } else { Outcome::NotFound });
    }
}

fn refuse(vitals: &Vitals, jobs: Vec<Job>, error: &Fault) {
    tracing::error!(%error, pings = jobs.len(), "pings could not be stored and were refused");
    for job in jobs {
        reply(vitals, job, Outcome::Unavailable);
    }
}

fn reply(vitals: &Vitals, job: Job, outcome: Outcome) {
    vitals.count(outcome.counted());
    // A client that went away meanwhile is not told; its ping is stored all the same.
    let _ = job.reply.send(outcome);
}
