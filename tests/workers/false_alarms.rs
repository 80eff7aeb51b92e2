//! No false alarm: a thousand checks of all kinds live through every trouble that is ours and not
//! theirs. None that was pinged on time goes down, and each that is truly silent goes down at the
//! deadline that the outage rule gives, neither before nor after.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use overdue::clock::{SECOND, Timestamp};
use overdue::context::Context;
use overdue::domain::check::{Outage, Status};
use overdue::domain::ping::PingKind;
use overdue::ingest::Outcome;
use overdue::store::checks::{self, Settings};
use overdue::store::tx::Tx;
use overdue::store::{flips, nodes, states};

use super::{Parts, ping};
use crate::support::both_databases;

const CHECKS: usize = 1000;
/// Every check is pinged so many seconds before a trouble begins.
const LEAD: i64 = 18;

/// What happens to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// Its process stands still for so many seconds.
    Stopped(i64),
    /// It dies, and comes back after so many.
    Restarted(i64),
    /// Its clock is set by so many, forward or back.
    ClockSet(i64),
    /// Somebody holds what its sign of life needs.
    LateBeat(i64),
    /// Somebody holds what pings need, while they come in time.
    LatePings(i64),
}

const TROUBLES: [Trouble; 6] = [
    Trouble::Stopped(60),
    Trouble::Restarted(45),
    Trouble::ClockSet(600),
    Trouble::ClockSet(-100),
    Trouble::LateBeat(12),
    Trouble::LatePings(12),
];

/// A job that pings its check when it is time, until it falls silent.
struct Job {
    id: i64,
    settings: Settings,
    has_runs: bool,
    /// The trouble before which it pings for the last time.
    silent_at: Option<usize>,
    next: Timestamp,
}

fn settings(place: usize) -> Settings {
    let (kind, schedule) =
        [("simple", ""), ("cron", "* * * * *"), ("oncalendar", "*:*:0/30")][place % 3];
    Settings {
        kind: kind.to_owned(),
        schedule: schedule.to_owned(),
        period: 20,
        grace: [5, 15, 30][place / 3 % 3],
        max_runtime: (place.is_multiple_of(2)).then_some(70),
        ..Settings::default()
    }
}

async fn herd(parts: &Parts) -> Vec<Job> {
    let project = parts.project().await;
    let mut tx = parts.ctx.store.begin().await.unwrap();
    let mut jobs = Vec::with_capacity(CHECKS);
    for place in 0..CHECKS {
        let (settings, uuid) = (settings(place), crate::support::new_uuid());
        let now = parts.ctx.now();
        let id = checks::insert(&mut tx, project, &uuid, &settings, now).await.unwrap();
        // One of five falls silent, some of those before each trouble.
        let silent_at = (place % 5 == 1).then_some(place / 5 % TROUBLES.len());
        // Their runs take as long as it is between two pings.
        let has_runs = place % 4 == 2;
        jobs.push(Job { id, settings, has_runs, silent_at, next: now });
    }
    tx.commit().await.unwrap();
    jobs
}

/// Lets these jobs ping: a finish, and the next start where they have runs.
async fn ping_now(parts: &Parts, jobs: Vec<&mut Job>) {
    let now = parts.ctx.now();
    let mut all = Vec::new();
    for job in jobs {
        job.next = job.settings.rules().schedule.next_after(now).unwrap();
        all.push((job.id, PingKind::Success));
        all.extend(job.has_runs.then_some((job.id, PingKind::Start)));
    }
    let sent = all
        .into_iter()
        .map(|(id, kind)| parts.ingest.submit(&parts.ctx, id, move |at| ping(kind, None, at)));
    assert!(join_all(sent).await.iter().all(|outcome| *outcome == Outcome::Stored));
}

/// Those that have not fallen silent before the trouble at `place`.
fn loud(jobs: &mut [Job], place: usize) -> impl Iterator<Item = &mut Job> {
    jobs.iter_mut().filter(move |job| job.silent_at.is_none_or(|at| at >= place))
}

/// The server lives on, and who is not silent pings when it is time.
async fn live(parts: &mut Parts, jobs: &mut [Job], place: usize, seconds: i64) {
    for second in 1..=seconds {
        parts.pass(1);
        let now = parts.ctx.now();
        ping_now(parts, loud(jobs, place).filter(|job| job.next <= now).collect()).await;
        if second % 2 == 0 {
            parts.detector.round().await.unwrap();
        }
    }
}

async fn suffer(parts: &mut Parts, jobs: &mut [Job], place: usize) {
    match TROUBLES[place] {
        Trouble::Stopped(seconds) => parts.pass(seconds),
        Trouble::Restarted(seconds) => parts.out_for(seconds),
        Trouble::ClockSet(seconds) => {
            parts.ctx.clock.jump(seconds * SECOND);
            // The jobs have clocks of their own.
            let now = parts.ctx.now();
            for job in jobs {
                job.next = now;
            }
        }
        Trouble::LateBeat(seconds) => {
            let (_other, mut holder) = hold(parts).await;
            nodes::lock_outages(&mut holder).await.unwrap();
            while_held(parts, Vec::new(), holder, seconds).await;
        }
        Trouble::LatePings(seconds) => {
            let (_other, mut holder) = hold(parts).await;
            let ids: Vec<i64> = jobs.iter().map(|job| job.id).collect();
            states::load(&mut holder, &ids).await.unwrap();
            while_held(parts, loud(jobs, place + 1).collect(), holder, seconds).await;
        }
    }
}

/// Another process's transaction. On SQLite it keeps every writer out.
async fn hold(parts: &Parts) -> (Context, Tx) {
    let config = (*parts.ctx.config).clone();
    let other = Context::open(config, parts.ctx.clock.clone()).await.unwrap();
    let holder = other.store.begin().await.unwrap();
    (other, holder)
}

/// The detector goes on looking, and these jobs ping at once, while somebody holds what they need
/// for so many seconds of the clock.
async fn while_held(parts: &mut Parts, pinging: Vec<&mut Job>, holder: Tx, seconds: i64) {
    let clock = parts.ctx.clock.clone();
    let free = AtomicBool::new(false);
    // The detector is a part as well, and has to be lent.
    let fresh = super::assemble(&parts.ctx, "spare").1;
    let mut detector = std::mem::replace(&mut parts.detector, fresh);
    let looking = async {
        while !free.load(Ordering::SeqCst) {
            detector.round().await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let holding = async {
        for _ in 0..seconds {
            tokio::time::sleep(Duration::from_millis(40)).await;
            clock.advance(Duration::from_secs(1));
        }
        holder.commit().await.unwrap();
        free.store(true, Ordering::SeqCst);
    };
    tokio::join!(ping_now(parts, pinging), looking, holding);
    parts.detector = detector;
}

/// When the rule turns down a check of this grace whose deadline would be `at`.
fn moved(mut at: Timestamp, grace: i64, outages: &[Outage]) -> Timestamp {
    loop {
        let holding = outages.iter().filter(|outage| outage.from <= at && at <= outage.to);
        let ends = holding.map(|outage| {
            let length = outage.to.micros_since(outage.from);
            outage.to.plus_micros((grace * SECOND).min(length + 60 * SECOND))
        });
        match ends.max() {
            Some(later) if later > at => at = later,
            _ => return at,
        }
    }
}

/// The deadlines that a job which is silent from now on leaves behind.
async fn deadlines(parts: &Parts, job: &Job) -> Vec<Timestamp> {
    let row = parts.read(job.id).await;
    let longest = job.settings.max_runtime.unwrap_or(job.settings.grace);
    let of_ping = row.next_ping_at.unwrap().plus_seconds(job.settings.grace);
    let of_run = row.last_start_at.filter(|_| row.open_runs > 0);
    [Some(of_ping), of_run.map(|at| at.plus_seconds(longest))].into_iter().flatten().collect()
}

async fn downs(parts: &Parts, check: i64) -> Vec<Timestamp> {
    let mut conn = parts.ctx.store.read().await.unwrap();
    let (list, _) = flips::list(&mut conn, check, 0, 100).await.unwrap();
    list.iter().filter(|flip| flip.to_status == Status::Down).map(|flip| flip.at).collect()
}

both_databases! {
    async fn nobody_who_pings_in_time_goes_down_and_nobody_who_is_silent_stays_up(database) {
        let mut parts = Parts::new(database).await;
        let mut jobs = herd(&parts).await;
        parts.detector.round().await.unwrap();
        for (place, trouble) in TROUBLES.into_iter().enumerate() {
            ping_now(&parts, loud(&mut jobs, place).collect()).await;
            let mut silent = Vec::new();
            for job in jobs.iter().filter(|job| job.silent_at == Some(place)) {
                silent.push((job.id, job.settings.grace, deadlines(&parts, job).await));
            }
            let begin = parts.ctx.now();
            live(&mut parts, &mut jobs, place + 1, LEAD).await;
            suffer(&mut parts, &mut jobs, place).await;
            if place % 2 == 0 {
                // Who comes first once it is over, the detector or the pings, must not matter.
                parts.detector.round().await.unwrap();
            }
            // Until the last deadline of those who fell silent is over.
            let set_back = trouble == Trouble::ClockSet(-100);
            live(&mut parts, &mut jobs, place + 1, if set_back { 180 } else { 80 }).await;
            let mut conn = parts.ctx.store.read().await.unwrap();
            let outages = nodes::outages_since(&mut conn, begin).await.unwrap();
            drop(conn);
            let is_outage = !set_back && !matches!(trouble, Trouble::LatePings(_));
            assert!(outages.len() <= 1 && (!is_outage || outages.len() == 1), "{trouble:?}: {outages:?}");
            assert!(silent.len() > 30);
            for (id, grace, deadlines) in silent {
                let due = deadlines.iter().map(|at| moved(*at, grace, &outages)).min().unwrap();
                assert_eq!(downs(&parts, id).await, [due], "{trouble:?} {deadlines:?} {outages:?}");
            }
        }
        for job in jobs.iter().filter(|job| job.silent_at.is_none()) {
            assert_eq!(downs(&parts, job.id).await, [], "{:?}", job.settings);
        }
    }
}
