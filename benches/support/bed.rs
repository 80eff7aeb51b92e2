//! A server with a project of many checks, in a fresh database.

use std::sync::Arc;

use rand::seq::SliceRandom;
use serde_json::json;

use super::load::{Load, Promised, Style};
use super::process::Process;
use super::sql::Sql;
use crate::support::Database;
use crate::support::api::Api;
use crate::support::server::TestServer;

/// The tables that have a row of each check besides `checks`, as long as nothing happens to it.
const BESIDE_CHECKS: [&str; 3] = ["check_states", "check_channels", "check_tags"];

/// The server and its project.
pub struct Bed {
    /// The server, started.
    pub server: TestServer,
    /// Its project.
    pub api: Api,
}

/// What is sent to the checks.
#[derive(Clone, Copy)]
pub struct Pings<'a> {
    /// Checks that are pinged, in an order that has nothing to do with that of their ids.
    pub checks: usize,
    /// Bytes of the body; none where it is 0.
    pub body: usize,
    /// By ping key and slug instead of the UUID.
    pub by_slug: bool,
    /// Only those checks of which this condition of SQL holds.
    pub among: &'a str,
}

impl Pings<'static> {
    /// To the UUIDs of 1,000 checks, without a body.
    pub const PLAIN: Self = Self { checks: 1_000, body: 0, by_slug: false, among: "1 = 1" };
}

impl Bed {
    /// Starts a server that has so many checks, with these settings more.
    pub async fn start(database: Database, checks: usize, settings: &[(&str, &str)]) -> Self {
        let mut bed = Self::empty(database, settings).await;
        bed.add_checks(checks, json!({})).await;
        bed
    }

    /// Starts a server that has a project and nothing in it.
    pub async fn empty(database: Database, settings: &[(&str, &str)]) -> Self {
        let server = TestServer::start(database, settings).await;
        let token = server.new_user("bench@example.org");
        let api = Api::new_project(server.address(), &token).await;
        Self { server, api }
    }

    /// Makes so many checks, one through the API with `more` settings, and the others as copies of
    /// its rows while the server is stopped: the import takes 1 MiB a request, and a million checks
    /// would be a thousand of them. They have been pinged never, as if just made.
    pub async fn add_checks(&mut self, checks: usize, more: serde_json::Value) {
        let first = self.api.check("check 0", more).await;
        let first = &first["check_id"];
        self.stop().await;
        let mut sql = self.sql().await;
        sql.hurry().await;
        let source = format!("checks t, {} WHERE t.check_id = {first}", sql.series(checks - 1));
        let changed = [
            ("check_id", None),
            ("uuid", Some(sql.new_uuid())),
            ("check_name", Some("'check ' || s.i")),
            ("slug", Some("'check-' || s.i")),
            ("search_text", Some("'check ' || s.i || ' check-' || s.i || ' '")),
        ];
        sql.copy("checks", &source, &changed).await;
        for table in BESIDE_CHECKS {
            let source = format!(
                "{table} t, checks c WHERE t.check_id = {first} AND c.check_id > {first} \
                 ORDER BY c.check_id"
            );
            sql.copy(table, &source, &[("check_id", Some("c.check_id"))]).await;
        }
        let count = "(SELECT COUNT(*) FROM checks c WHERE c.project_id = projects.project_id)";
        sql.run(&format!("UPDATE projects SET check_count = {count}")).await;
        sql.tidy().await;
        self.server.restart().await;
    }

    /// Stops the server in good order.
    pub async fn stop(&mut self) {
        let status = self.server.stop().await;
        assert!(status.success(), "the server ended with {status}:\n{}", self.server.log());
    }

    /// A connection to its database.
    pub async fn sql(&self) -> Sql {
        Sql::open(self.server.database()).await
    }

    /// Its process.
    pub fn process(&self) -> Process {
        Process(self.server.pid())
    }

    /// Pings to its checks, as many as the server takes.
    pub async fn load(&self, style: Style, connections: usize, pings: Pings<'_>) -> Load {
        let requests = Arc::new(self.requests(style, pings).await);
        Load { address: self.api.address, requests, connections, style, pace: None }
    }

    async fn requests(&self, style: Style, pings: Pings<'_>) -> Vec<Vec<u8>> {
        let mut sql = self.sql().await;
        let column = if pings.by_slug { "slug" } else { "uuid" };
        let query = format!(
            "SELECT {column} FROM checks WHERE {} ORDER BY check_id LIMIT {}",
            pings.among, pings.checks
        );
        let mut names = sql.texts(&query).await;
        names.shuffle(&mut rand::rng());
        let under = if pings.by_slug { format!("{}/", self.api.ping_key) } else { String::new() };
        let paths = names.iter().map(|name| format!("/ping/{under}{name}"));
        paths.map(|path| self.request(style, &path, pings.body)).collect()
    }

    /// A request such as curl sends.
    fn request(&self, style: Style, path: &str, body: usize) -> Vec<u8> {
        let method = if body > 0 { "POST" } else { "GET" };
        let close = if style == Style::Close { "Connection: close\r\n" } else { "" };
        let length = if body > 0 { format!("Content-Length: {body}\r\n") } else { String::new() };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: curl/8.14.1\r\nAccept: */*\r\n\
             {close}{length}\r\n",
            self.api.address
        );
        let line = b"2026-01-02 03:04:05 copied another file to the other site\n";
        let mut bytes = head.into_bytes();
        bytes.extend(line.iter().cycle().take(body));
        bytes
    }

    /// How many pings are stored.
    pub async fn stored(&self) -> u64 {
        // The sum of the serial numbers counts those that retention has taken away since.
        let sum = "SELECT CAST(COALESCE(SUM(n_pings), 0) AS BIGINT) FROM check_states";
        let sum = self.sql().await.number(sum).await;
        u64::try_from(sum).expect("numbers begin at 1")
    }

    /// Says so where not every ping that was answered 200 is stored, or one of them twice. The bed
    /// has had no other pings.
    pub async fn check_stored(&self, what: &str, promised: Promised) {
        let Promised { answered, unanswered } = promised;
        let stored = self.stored().await;
        if !(answered..=answered + unanswered).contains(&stored) {
            super::wrong(&format!(
                "{what}: {answered} pings were answered 200, {unanswered} had no answer, {stored} \
                 are stored"
            ));
        }
    }
}
