//! What was answered 200 survives a power cut on SQLite. A real server is recorded by a shim that
//! writes down all that it does to its files; then, for many moments, the disk is put together as a
//! power cut at that moment could have left it (`drive.rs` says what may be there and what not), and
//! opened.

mod autopsy;
mod day;
mod drive;

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use overdue::clock::Clock;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use self::autopsy::{examine, lay_out};
use self::day::Day;
use self::drive::{Drive, Found, Unsure};
use crate::support::Database;
use crate::support::api::Api;
use crate::support::disk::{self, Deed};
use crate::support::server::TestServer;

/// What is added to every fsync of the slow disk.
const DELAY: Duration = Duration::from_millis(100);
/// Moments before the load, during it, and while SQLite moves its log into the database.
const EARLY: usize = 6;
const LATER: usize = 10;
const CHECKPOINTING: usize = 4;
/// Moments right after the last that were made sure; each is looked at in three ways.
const SURE: usize = 4;
/// Every so many moments the server itself is started on what is found.
const SERVED: usize = 8;

#[tokio::test]
async fn a_ping_is_answered_after_the_fsync_and_not_before() {
    let Some(shim) = disk::shim() else { return };
    let settings = disk::slow(&shim, DELAY);
    let server = TestServer::start(Database::Sqlite, &disk::borrowed(&settings)).await;
    let api = server.owner().await;
    let check = api.check("slow", json!({})).await;
    let clock = Clock::system();
    api.ping(&check, "").await.says(200, "OK");
    assert!(clock.steady_micros() >= i64::try_from(DELAY.as_micros()).unwrap());
}

/// A number of deeds after which the power goes, and what becomes of what is not sure.
type Cut = (usize, Unsure);

impl Day {
    /// Moments of every kind.
    fn cuts(&self, dice: &mut StdRng) -> BTreeSet<Cut> {
        let last = self.records.len();
        let load = self.records.partition_point(|record| record.end <= self.load_began);
        let mut cuts = BTreeSet::new();
        for _ in 0..EARLY {
            cuts.insert((dice.random_range(0..load), any(dice)));
        }
        for _ in 0..LATER {
            cuts.insert((dice.random_range(load..=last), any(dice)));
        }
        let checkpoints = self.checkpoints();
        assert!(checkpoints.len() >= 2, "{} checkpoints", checkpoints.len());
        let moving = checkpoints.concat();
        for _ in 0..CHECKPOINTING {
            cuts.insert((moving[dice.random_range(0..moving.len())], any(dice)));
        }
        let sure = (0..last).rev().filter(|i| matches!(self.records[*i].deed, Deed::Synced { .. }));
        for i in sure.take(SURE) {
            cuts.extend([Unsure::Lost, Unsure::Kept, Unsure::Torn].map(|unsure| (i + 1, unsure)));
        }
        cuts
    }

    /// The checkpoints during the load: for each the moments at which something of the database
    /// itself is written and not sure.
    fn checkpoints(&self) -> Vec<Vec<usize>> {
        let database = self.server.home().file("overdue.db");
        let made = self.records.iter().find_map(|record| match &record.deed {
            Deed::Made { inode, path } if *path == database => Some(*inode),
            _ => None,
        });
        let (database, mut checkpoints, mut moments) = (made.unwrap(), Vec::new(), Vec::new());
        for (i, record) in self.records.iter().enumerate() {
            match record.deed {
                _ if record.end <= self.load_began => {}
                Deed::Wrote { inode, .. } if inode == database => moments.push(i + 1),
                Deed::Synced { inode, .. } if inode == database && !moments.is_empty() => {
                    checkpoints.push(std::mem::take(&mut moments));
                }
                _ => {}
            }
        }
        checkpoints
    }

    /// How long the log was after so many deeds.
    fn log_length(&self, deeds: usize) -> u64 {
        deeds.checked_sub(1).map_or(0, |last| self.records[last].end)
    }

    /// Starts the server on what is found: it takes pings, and goes by the same key as before.
    async fn serve(&self, found: &Found, may_have_forgotten: bool) {
        let mut server = TestServer::prepare(Database::Sqlite, &[]);
        lay_out(found, self.server.home().path(), server.home().path());
        server.restart().await;
        if may_have_forgotten {
            return;
        }
        let api = Api {
            http: self.api.http.clone(),
            base: server.base(),
            address: server.address(),
            token: self.api.token.clone(),
            project: self.api.project,
            ping_key: self.api.ping_key.clone(),
        };
        let before = api.read(&self.check).await["n_pings"].as_u64().unwrap();
        api.ping(&self.check, "").await.says(200, "OK");
        assert_eq!(api.last_ping(&self.check).await["n"], before + 1);
        let channels = api.list(&api.path("/channel-list")).await;
        assert_eq!(channels.len(), 1, "{channels:?}");
    }
}

/// Mostly some of what is not sure.
fn any(dice: &mut StdRng) -> Unsure {
    match dice.random_range(0..4) {
        0 => Unsure::Lost,
        1 => Unsure::Kept,
        _ => Unsure::Torn,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_power_cut_at_any_moment() {
    let Some(shim) = disk::shim() else { return };
    let day = Day::live(&shim).await;
    let seed = rand::random();
    println!("seed {seed}");
    survives(&day, &mut StdRng::seed_from_u64(seed)).await;
    was_recorded_wholly(&day);
    would_be_lost_without_fsync(&day).await;
}

async fn survives(day: &Day, dice: &mut StdRng) {
    let (mut drive, mut done) = (Drive::default(), 0);
    for (turn, (deeds, unsure)) in day.cuts(dice).into_iter().enumerate() {
        day.records[done..deeds].iter().for_each(|record| drive.take(record));
        done = deeds;
        let found = drive.after_a_cut(unsure, dice);
        let wrong = examine(day, &found, day.log_length(deeds)).await;
        let first: Vec<&String> = wrong.iter().take(5).collect();
        let (n, all) = (wrong.len(), day.records.len());
        assert_eq!(n, 0, "after {deeds} of {all} deeds, {unsure:?}, are wrong: {first:#?} …");
        if turn % SERVED == 0 {
            day.serve(&found, day.log_length(deeds) < day.load_began).await;
        }
    }
}

/// Holds the recorder against the disk: everything that it told makes the files that are there.
fn was_recorded_wholly(day: &Day) {
    let mut drive = Drive::default();
    day.records.iter().for_each(|record| drive.take(record));
    let told = drive.after_a_cut(Unsure::Kept, &mut StdRng::seed_from_u64(0));
    for entry in fs::read_dir(day.server.home().path()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        // The shim leaves the one out, and the rig writes the other.
        if !name.ends_with("-shm") && !name.starts_with("log.") {
            assert!(told.get(&path) == Some(&fs::read(&path).unwrap()), "{}", path.display());
        }
    }
}

/// Holds the test against a server that would not wait for the disk: with the same recording, in
/// which nothing is made sure from the middle on, there is much to find fault with.
async fn would_be_lost_without_fsync(day: &Day) {
    let (mut drive, middle) = (Drive::default(), day.records.len() / 2);
    for (i, record) in day.records.iter().enumerate() {
        let makes_sure = matches!(record.deed, Deed::Synced { .. } | Deed::FolderSynced { .. });
        if i < middle || !makes_sure {
            drive.take(record);
        }
    }
    for unsure in [Unsure::Lost, Unsure::Torn] {
        let found = drive.after_a_cut(unsure, &mut StdRng::seed_from_u64(0));
        let wrong = examine(day, &found, u64::MAX).await;
        assert!(!wrong.is_empty(), "{unsure:?}");
        if unsure == Unsure::Lost {
            let lost = wrong.iter().filter(|it| it.starts_with("Ping")).count();
            assert!(lost > 100, "{lost} pings are lost");
        }
    }
}
