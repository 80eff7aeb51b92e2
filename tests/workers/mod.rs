//! The workers on real databases and a clock that stands still until it is told to move: what the
//! state machine's laws come to once the store, the ping writer and the detector have a hand in it.

mod backlog;
mod detection;
mod false_alarms;
mod history;
mod maintenance;
mod migrations;
mod partitions;
mod proof;
mod remembered;
mod replay;
mod sums;

use std::time::Duration;

use bytes::Bytes;
use overdue::clock::{Clock, SECOND, Timestamp};
use overdue::config::Config;
use overdue::context::Context;
use overdue::detector::Detector;
use overdue::domain::ping::{Method, Ping, PingKind, Scheme};
use overdue::ingest::{Ingest, Outcome};
use overdue::maintenance::Keeper;
use overdue::store::checks::{CheckRow, Settings};
use overdue::store::{checks, projects, users};
use overdue::vitals::Vitals;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::support::Database;
use crate::support::databases::Fresh;
use crate::support::folder::Folder;

/// Where the clock stands at first.
pub const START: Timestamp = Timestamp(1_800_000_000 * SECOND);

/// What the parts of a server share, on a fresh database and at [`START`]; and, in the order in which
/// they must go, the database and its folder.
pub async fn open(
    database: Database,
    change: impl FnOnce(&mut Config),
) -> (Context, Fresh, Folder) {
    crate::support::server::install_crypto();
    let home = Folder::new();
    let fresh = database.fresh(home.path());
    let mut config = Config::for_tests(&fresh.url);
    change(&mut config);
    let ctx = Context::open(config, Clock::manual(START)).await.unwrap();
    (ctx, fresh, home)
}

/// The parts of a server, without its sockets and signals.
pub struct Parts {
    pub ctx: Context,
    pub ingest: Ingest,
    pub detector: Detector,
    pub keeper: Keeper,
    writer: JoinHandle<()>,
    // In this order: the database goes before its folder.
    _database: Fresh,
    _home: Folder,
}

impl Parts {
    /// The parts on a fresh database, at [`START`].
    pub async fn new(database: Database) -> Self {
        Self::with(database, |_| ()).await
    }

    /// The same with another configuration.
    pub async fn with(database: Database, change: impl FnOnce(&mut Config)) -> Self {
        let (ctx, fresh, home) = open(database, change).await;
        let (ingest, detector, writer) = assemble(&ctx, "node-1");
        let keeper = Keeper::new(ctx.clone(), ingest.clone());
        Self { ctx, ingest, detector, keeper, writer, _database: fresh, _home: home }
    }

    /// Lets time pass.
    pub fn pass(&self, seconds: i64) {
        self.ctx.clock.advance(Duration::from_secs(seconds.try_into().unwrap()));
    }

    /// Lets time pass as a running server does: with a sign of life and a look every second.
    pub async fn run_for(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.pass(1);
            self.detector.round().await.unwrap();
            self.keeper.round().await.unwrap();
        }
    }

    /// The server dies and comes back after so many seconds, on the same database.
    pub fn out_for(&mut self, seconds: i64) {
        self.pass(seconds);
        let (ingest, detector, writer) = assemble(&self.ctx, &format!("node-{seconds}"));
        self.writer.abort();
        self.keeper = Keeper::new(self.ctx.clone(), ingest.clone());
        (self.ingest, self.detector, self.writer) = (ingest, detector, writer);
    }

    /// A project with nothing in it.
    pub async fn project(&self) -> i64 {
        let mut tx = self.ctx.store.begin().await.unwrap();
        let email = crate::support::random_name("a-") + "@b.c";
        let user = users::NewUser { email: &email, password_hash: "", is_admin: false };
        let owner_id = users::insert(&mut tx, &user, START).await.unwrap().unwrap();
        let key = crate::support::random_name("key-");
        let uuid = crate::support::new_uuid();
        let new = projects::NewProject {
            uuid: &uuid,
            project_name: "p",
            ping_key: &key,
            auto_create: true,
            owner_id,
        };
        let project_id = projects::insert(&mut tx, &new, START).await.unwrap();
        tx.commit().await.unwrap();
        project_id
    }

    /// A check with these seconds of period and grace.
    pub async fn check(&self, project_id: i64, period: i64, grace: i64) -> i64 {
        self.check_with(project_id, Settings { period, grace, ..Settings::default() }).await
    }

    /// A check with these settings.
    pub async fn check_with(&self, project_id: i64, settings: Settings) -> i64 {
        let mut tx = self.ctx.store.begin().await.unwrap();
        let uuid = crate::support::new_uuid();
        let id =
            checks::insert(&mut tx, project_id, &uuid, &settings, self.ctx.now()).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Pings a check now.
    pub async fn ping(&self, check_id: i64, signal: PingKind) {
        self.ping_run(check_id, signal, None).await;
    }

    /// Pings a check now, under this run id.
    pub async fn ping_run(&self, check_id: i64, signal: PingKind, rid: Option<u128>) {
        let outcome = self.ingest.submit(&self.ctx, check_id, |at| ping(signal, rid, at)).await;
        assert_eq!(outcome, Outcome::Stored);
    }

    /// A check as it is kept.
    pub async fn read(&self, check_id: i64) -> CheckRow {
        let mut conn = self.ctx.store.read().await.unwrap();
        checks::find_any(&mut conn, check_id).await.unwrap().unwrap()
    }
}

fn assemble(ctx: &Context, node: &str) -> (Ingest, Detector, JoinHandle<()>) {
    let vitals = Vitals::default();
    let (ingest, writer) = Ingest::start(ctx.clone(), vitals.clone());
    let detector = Detector::new(ctx.clone(), ingest.clone(), vitals, node);
    (ingest, detector, tokio::spawn(writer))
}

/// A ping of a curl on this machine.
pub fn ping(signal: PingKind, rid: Option<u128>, received_at: Timestamp) -> Ping {
    Ping {
        received_at,
        signal,
        exit_status: None,
        rid: rid.map(Uuid::from_u128),
        mail: None,
        took: None,
        scheme: Scheme::Http,
        method: Method::Get,
        remote_address: [127, 0, 0, 1].into(),
        user_agent: "curl/8".to_owned(),
        body: Bytes::new(),
        body_was_cut: false,
    }
}

/// `seconds` after [`START`].
pub fn at(seconds: i64) -> Timestamp {
    START.plus_seconds(seconds)
}
