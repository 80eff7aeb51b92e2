//! More pings at once than may wait, while somebody else keeps the database from being written.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, SqliteConnection};
use tokio::task::JoinSet;

use crate::support::answer::Answer;
use crate::support::api::{Api, ping_path};
use crate::support::server::{TestServer, http_client_builder};
use crate::support::{Database, both_databases, until};

/// Connections of HTTP/2, and pings at once on each; more in all than the server lets wait.
const CONNECTIONS: usize = 26;
const AT_ONCE: usize = 250;

/// A stranger who keeps the database from being written.
enum Jam {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Jam {
    async fn begin(database: Database, url: &str) -> Self {
        match database {
            Database::Sqlite => {
                let options: SqliteConnectOptions = url.parse().unwrap();
                let mut connection = options.connect().await.unwrap();
                connection.execute("BEGIN IMMEDIATE").await.unwrap();
                Self::Sqlite(connection)
            }
            Database::Postgres => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                connection.execute("BEGIN").await.unwrap();
                connection.execute("LOCK TABLE pings IN EXCLUSIVE MODE").await.unwrap();
                Self::Postgres(connection)
            }
        }
    }

    async fn end(self) {
        match self {
            Self::Sqlite(mut connection) => {
                connection.execute("ROLLBACK").await.unwrap();
                connection.close().await.unwrap();
            }
            Self::Postgres(mut connection) => {
                connection.execute("ROLLBACK").await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }
}

/// Pings under way, each with a name of its own.
struct Flood {
    pings: JoinSet<(String, Answer)>,
    refused: Arc<AtomicUsize>,
}

impl Flood {
    /// Sends all of them, to these addresses in turn.
    fn start(urls: &[String]) -> Self {
        let (mut pings, refused) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
        for connection in 0..CONNECTIONS {
            let http = http_client_builder().http2_prior_knowledge().build().unwrap();
            for turn in 0..AT_ONCE {
                let name = format!("{connection}/{turn}");
                let request = http.get(&urls[turn % urls.len()]).header("user-agent", &name);
                let refused = Arc::clone(&refused);
                pings.spawn(async move {
                    let answer = Answer::read(request.send().await.unwrap()).await.unwrap();
                    if answer.status == 503 {
                        refused.fetch_add(1, Ordering::SeqCst);
                    }
                    (name, answer)
                });
            }
        }
        Self { pings, refused }
    }

    /// Waits until one was refused.
    async fn is_too_much(&self) {
        until("a queue that is full", async || {
            (self.refused.load(Ordering::SeqCst) > 0).then_some(())
        })
        .await;
    }

    /// The names of those that were answered 200; every other one was refused.
    async fn taken(self) -> BTreeSet<String> {
        let answers = self.pings.join_all().await;
        let (taken, refused): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|(_, answer)| answer.status == 200);
        assert!(!refused.is_empty());
        for (_, answer) in &refused {
            is_refused(answer);
        }
        taken.into_iter().map(|(name, _)| name).collect()
    }
}

#[track_caller]
fn is_refused(answer: &Answer) {
    answer.says(503, "try again");
    assert_eq!(answer.header("retry-after"), "1");
}

/// The names of the pings that are stored, of both checks.
async fn stored(api: &Api, checks: &[serde_json::Value]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for check in checks {
        for ping in api.pings(check).await {
            names.insert(ping["user_agent"].as_str().unwrap().to_owned());
        }
    }
    names
}

both_databases! {
    async fn of_too_many_pings_the_surplus_is_refused_and_what_was_taken_is_stored(database) {
        let settings = [("OVERDUE_PING__LOG_LIMIT", "100000")];
        let server = TestServer::start(database, &settings).await;
        let api = server.owner().await;
        let checks = [api.check("by uuid", json!({})).await, api.check("by slug", json!({})).await];
        let paths = [ping_path(&checks[0], ""), api.slug_path("by-slug")];
        let urls = paths.map(|path| format!("{}{path}", api.base));

        let jam = Jam::begin(database, &server.database().url).await;
        let flood = Flood::start(&urls);
        flood.is_too_much().await;
        // From here on until the jam ends there is no room for any.
        is_refused(&api.ping(&checks[0], "").await);
        is_refused(&api.ping_with(&checks[0], "/fail", "it broke").await);
        is_refused(&api.ping_slug("by-slug").await);
        is_refused(&api.ping_slug("unborn?create=1").await);
        let head = api.hit("HEAD", &ping_path(&checks[0], "")).await;
        assert_eq!((head.status, head.header("retry-after")), (503, "1"));
        jam.end().await;

        let taken = flood.taken().await;
        api.ping(&checks[0], "").await.says(200, "OK");
        api.ping_slug("by-slug").await.says(200, "OK");
        let mut stored = stored(&api, &checks).await;
        assert!(stored.remove(""), "the two pings after the jam have no name");
        assert_eq!(stored, taken);
        let mut numbers = 0;
        for check in &checks {
            numbers += api.read(check).await["n_pings"].as_u64().unwrap();
        }
        assert_eq!(numbers, taken.len() as u64 + 2, "none was stored twice");
        assert!(api.checks_with_slug("unborn").await.is_empty());
    }
}
