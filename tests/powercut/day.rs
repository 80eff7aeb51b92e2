//! A busy day of a server whose disk remembers, and what the server promised on it: what it answered
//! 200, and how long the log of the disk was when that answer came.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::{JoinSet, block_in_place};
use tokio::time::sleep;

use crate::support::api::{Api, ping_path};
use crate::support::folder::Folder;
use crate::support::receiver::Receiver;
use crate::support::server::{TestServer, http_client, webhook};
use crate::support::{Database, disk, until};

/// Clients that ping at once, each on a connection that it keeps.
const CLIENTS: usize = 8;
/// Pings that the day has at least before the last two checkpoints.
const PINGS: usize = 500;
/// What some of the pings bring along, in bytes.
const LARGEST_BODY: usize = 9_000;

/// The pause of those who do what costs more than a ping.
const BREATH: Duration = Duration::from_millis(20);

/// What the server has promised.
#[derive(Clone, Debug)]
pub enum Vow {
    /// A ping of this client with this body is stored. The client's name is the ping's own.
    Ping { check: i64, client: String, body: String },
    /// There is a check with this slug.
    Check(String),
    /// The edited check has the description of this edit, or of a later one.
    Edit(usize),
    /// There is a flip with this id.
    Flip(i64),
    /// This file is a whole copy of the database.
    Backup(PathBuf),
}

/// Everything that was recorded.
pub struct Day {
    /// Where the server lived: what was below it is what the log tells of.
    pub server: TestServer,
    /// The project, for a server on what is found.
    pub api: Api,
    /// A check that is there from the first vow on.
    pub check: Value,
    /// The check that was edited.
    pub edited: i64,
    /// What was done to the disk.
    pub records: Vec<disk::Record>,
    /// How long the log was when the load began.
    pub load_began: u64,
    /// The vows in the order in which they were noted, each with the length of the log then.
    pub vows: Vec<(u64, Vow)>,
}

/// Where vows are noted.
#[derive(Clone)]
struct Notes {
    log: Arc<PathBuf>,
    vows: Arc<Mutex<Vec<(u64, Vow)>>>,
    n_pings: Arc<AtomicUsize>,
    enough: Arc<AtomicBool>,
}

impl Notes {
    fn log_length(&self) -> u64 {
        self.log.metadata().unwrap().len()
    }

    fn note(&self, vow: Vow) {
        let at = self.log_length();
        if matches!(vow, Vow::Ping { .. }) {
            self.n_pings.fetch_add(1, Ordering::SeqCst);
        }
        self.vows.lock().unwrap().push((at, vow));
    }

    /// Something once there are so many pings.
    fn has(&self, pings: usize) -> Option<()> {
        (self.n_pings.load(Ordering::SeqCst) >= pings).then_some(())
    }

    fn go_on(&self) -> bool {
        !self.enough.load(Ordering::SeqCst)
    }
}

impl Day {
    /// Lives through it.
    pub async fn live(shim: &Path) -> Self {
        let folder = Folder::new();
        let log = folder.file("disk.log");
        let recorded = disk::recorded(shim, &log);
        let mut settings = disk::borrowed(&recorded);
        settings.push(("OVERDUE_PING__LOG_LIMIT", "100000"));
        let mut server = TestServer::start(Database::Sqlite, &settings).await;
        let notes = Notes {
            log: Arc::new(log.clone()),
            vows: Arc::default(),
            n_pings: Arc::default(),
            enough: Arc::default(),
        };
        let receiver = Receiver::start().await;
        let api = server.owner().await;
        api.post(&api.path("/channel"), &webhook(&receiver.url("/"))).await.ok();
        let late = api.check("late", json!({"period": 1, "grace": 1, "flap_threshold": 0})).await;
        api.ping(&late, "").await.says(200, "OK");
        let backup = server.home().file("backup.db");
        block_in_place(|| server.cli_ok(&["backup", backup.to_str().unwrap()], ""));
        notes.note(Vow::Backup(backup));
        let (mut checks, mut edited) = (Vec::new(), 0);
        for name in ["one", "two", "three", "wavering", "edited"] {
            let check = api.check(name, json!({"flap_threshold": 0})).await;
            edited = id(&check);
            checks.push(check);
        }
        let load_began = notes.log_length();
        load(&server, &api, &checks, &late, &notes).await;
        server.kill9();
        let records = disk::read(&log);
        let vows = std::mem::take(&mut *notes.vows.lock().unwrap());
        Self { server, api, check: checks.swap_remove(0), edited, records, load_began, vows }
    }
}

/// Everybody at once, until there is enough of everything.
async fn load(server: &TestServer, api: &Api, checks: &[Value], late: &Value, notes: &Notes) {
    let mut clients = JoinSet::new();
    for n in 0..CLIENTS {
        let check = &checks[n % checks.len().min(4)];
        let url = format!("{}{}", api.base, ping_path(check, ""));
        clients.spawn(ping(n, url, id(check), notes.clone()));
    }
    let slugs = format!("{}{}", api.base, api.slug_path("made"));
    clients.spawn(make_checks(slugs, notes.clone()));
    let edits = edit(api, &checks[4], notes);
    let others = async {
        // What the command line does ends with a checkpoint that empties SQLite's log.
        until("some pings", async || notes.has(PINGS / 4)).await;
        block_in_place(|| server.new_user("later@example.org"));
        let flip = until("the flip of the check that is late", async || {
            api.flips(late).await.into_iter().find(|flip| flip["to"] == "down")
        })
        .await;
        notes.note(Vow::Flip(flip["flip_id"].as_i64().unwrap()));
        until("enough pings", async || notes.has(PINGS)).await;
        let log = server.home().file("overdue.db-wal");
        let begun = times_begun(&log);
        until("two checkpoints", async || (times_begun(&log) >= begun + 2).then_some(())).await;
        notes.enough.store(true, Ordering::SeqCst);
    };
    tokio::join!(edits, others);
    clients.join_all().await;
}

/// How often SQLite has begun its log anew, which it does after a checkpoint.
fn times_begun(log: &Path) -> u32 {
    let mut header = [0; 16];
    let read = File::open(log).and_then(|mut file| file.read_exact(&mut header));
    // The command line may have just emptied it.
    read.map_or(0, |()| u32::from_be_bytes(header[12..].try_into().expect("four bytes")))
}

/// Pings one check with and without a body, and fails it now and then.
async fn ping(client: usize, url: String, check: i64, notes: Notes) {
    let http = http_client();
    let mut turn = 0;
    while notes.go_on() {
        let name = format!("client {client}, ping {turn}");
        let body = match turn % 4 {
            0 => format!("{name} ").repeat(LARGEST_BODY / (name.len() + 1)),
            1 => format!("said by {name}"),
            _ => String::new(),
        };
        // Of the four checks one wavers: two clients tell of it, one of failures alone.
        let tail = if client == 3 && turn % 8 == 5 { "/fail" } else { "" };
        let request = http.post(format!("{url}{tail}")).header("user-agent", &name);
        let answer = request.body(body.clone()).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{name}");
        notes.note(Vow::Ping { check, client: name, body });
        turn += 1;
    }
}

/// Makes checks by their first ping.
async fn make_checks(url: String, notes: Notes) {
    let http: Client = http_client();
    let mut turn = 0;
    while notes.go_on() {
        let answer = http.get(format!("{url}-{turn}?create=1")).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        notes.note(Vow::Check(format!("made-{turn}")));
        turn += 1;
        sleep(BREATH).await;
    }
}

/// Changes the description of a check over the API.
async fn edit(api: &Api, check: &Value, notes: &Notes) {
    let mut turn = 0;
    while notes.go_on() {
        turn += 1;
        api.update(check, json!({"description": turn.to_string()})).await;
        notes.note(Vow::Edit(turn));
        sleep(BREATH).await;
    }
}

fn id(check: &Value) -> i64 {
    check["check_id"].as_i64().unwrap()
}
