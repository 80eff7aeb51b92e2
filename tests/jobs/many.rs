//! Many jobs, on a clock that stands still: pages and blocks of pages, the skew of clocks, what is
//! left of a run whose pings are gone, and how many there are.

use axum::body::{Body, to_bytes};
use axum::http::Request;
use overdue::clock::{SECOND, Timestamp};
use overdue::domain::ping::PingKind;
use overdue::http::jobs::router;
use overdue::janitor;
use overdue::service::{access_keys, jobs};
use overdue::store::{members, run_counts, runs};
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt;

use super::{Signer, records};
use crate::support::{Database, both_databases};
use crate::workers::Parts;

const DAY: i64 = 86_400;

/// A project's owner, who signs.
struct Desk {
    parts: Parts,
    project_id: i64,
    user_id: i64,
    signer: Signer,
}

impl Desk {
    async fn new(database: Database, change: impl FnOnce(&mut overdue::config::Config)) -> Self {
        let parts = Parts::with(database, change).await;
        let project_id = parts.project().await;
        let mut conn = parts.ctx.store.read().await.unwrap();
        let (owners, _) = members::list(&mut conn, project_id, 0, 1).await.unwrap();
        drop(conn);
        let user_id = owners[0].user_id;
        let made = access_keys::create(&parts.ctx, user_id).await.unwrap();
        let secret = made.secret_key.expose().to_owned();
        let signer = Signer { base: String::new(), key: made.access_key, secret };
        Self { parts, project_id, user_id, signer }
    }

    /// Begins and ends so many runs of a check, a second each.
    async fn run(&self, check_id: i64, times: usize) {
        for _ in 0..times {
            self.parts.ping(check_id, PingKind::Start).await;
            self.parts.pass(1);
            self.parts.ping(check_id, PingKind::Fail).await;
        }
    }

    /// Asks, with a clock that is so far ahead: the status, and what is answered.
    async fn ask_ahead(&self, query: &str, micros: i64) -> (u16, Value) {
        let uri = format!("/api/v1/jobs?{query}");
        let at = self.parts.ctx.now().plus_micros(micros).0.div_euclid(1000).to_string();
        let mut request = Request::get(&uri);
        for (name, value) in self.signer.headers_at("GET", &uri, &at) {
            request = request.header(name, value);
        }
        let request = request.body(Body::empty()).unwrap();
        let answer = router(self.parts.ctx.clone()).oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn ask(&self, query: &str) -> Value {
        let (status, answer) = self.ask_ahead(query, 0).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Where a page stands, and how many jobs are on it.
    async fn page(&self, limit: i64, page: i64) -> Value {
        let answer = self.ask(&format!("limit={limit}&page={page}")).await;
        let resources = &answer["resources"];
        let names = ["total_cnt", "total_page_cnt", "current_start_page", "current_end_page"];
        let mut all: Vec<Value> = names.iter().map(|name| resources[*name].clone()).collect();
        let records = resources["record_data"].as_array();
        all.push(json!(records.map(Vec::len)));
        all.into()
    }

    /// The ids of all jobs, page by page.
    async fn ids(&self, limit: i64) -> Vec<String> {
        let mut all = Vec::new();
        for page in 1.. {
            let answer = self.ask(&format!("limit={limit}&page={page}")).await;
            let records = records(&answer);
            if records.is_empty() {
                return all;
            }
            all.extend(records.iter().map(|job| job["instanceNo"].as_str().unwrap().to_owned()));
        }
        unreachable!("pages end")
    }

    async fn total(&self) -> i64 {
        let mut conn = self.parts.ctx.store.read().await.unwrap();
        run_counts::of_user(&mut conn, self.user_id).await.unwrap()
    }

    async fn tidy(&self) {
        let (_switch, stop) = watch::channel(false);
        janitor::round(&self.parts.ctx, &stop).await.unwrap();
    }
}

both_databases! {
    async fn pages_at_the_edges_of_blocks(database) {
        let desk = Desk::new(database, |_| ()).await;
        let check = desk.parts.check(desk.project_id, DAY, 3600).await;
        assert_eq!(desk.page(10, 1).await, json!([0, "1", "1", "1", null]));
        assert_eq!(desk.page(10, 12).await, json!([0, "1", "1", "1", null]));
        desk.run(check, 1).await;
        assert_eq!(desk.page(10, 1).await, json!([1, "1", "1", "10", 1]));
        assert_eq!(desk.page(10, 2).await, json!([1, "1", "1", "10", null]));
        desk.run(check, 99).await;
        assert_eq!(desk.page(10, 10).await, json!([100, "10", "1", "10", 10]));
        assert_eq!(desk.page(10, 11).await, json!([100, "10", "11", "20", null]));
        assert_eq!(desk.page(100, 1).await, json!([100, "1", "1", "10", 100]));
        desk.run(check, 1).await;
        assert_eq!(desk.page(10, 11).await, json!([101, "11", "11", "20", 1]));
        assert_eq!(desk.page(1, 101).await, json!([101, "101", "101", "110", 1]));
        assert_eq!(desk.page(1000, 1).await, json!([101, "1", "1", "10", 101]));
        assert_eq!(desk.page(1000, i64::MAX).await[4], Value::Null);
        let all = desk.ids(7).await;
        let mut sorted: Vec<i64> = all.iter().map(|id| id.parse().unwrap()).collect();
        sorted.sort_by_key(|id| std::cmp::Reverse(*id));
        sorted.dedup();
        assert_eq!(all, sorted.iter().map(i64::to_string).collect::<Vec<_>>(), "newest first");
        assert_eq!(all.len(), 101);
    }

    async fn what_is_expected_stands_before_what_ran_and_pages_go_across(database) {
        let desk = Desk::new(database, |_| ()).await;
        let mut waiting = Vec::new();
        for period in 1..=5 {
            let check = desk.parts.check(desk.project_id, period * DAY, 3600).await;
            desk.parts.ping(check, PingKind::Start).await;
            desk.parts.pass(1);
            desk.parts.ping(check, PingKind::Success).await;
            waiting.push(check);
        }
        let all = desk.ids(100).await;
        // The latest time first, as with runs.
        let wanted: Vec<String> = waiting.iter().rev().map(|id| format!("c{id}")).collect();
        assert_eq!(all[..5], wanted);
        assert!(all[5..].iter().all(|id| id.parse::<i64>().is_ok()) && all.len() == 10, "{all:?}");
        for limit in 1..=4 {
            assert_eq!(desk.ids(limit).await, all, "by {limit}");
        }
        assert_eq!(desk.page(3, 2).await, json!([10, "4", "1", "10", 3]));
    }

    async fn runs_of_few_are_found_among_those_of_many(database) {
        let desk = Desk::new(database, |_| ()).await;
        let other = desk.parts.project().await;
        let (mine, theirs) = (
            desk.parts.check(desk.project_id, DAY, 3600).await,
            desk.parts.check(other, DAY, 3600).await,
        );
        desk.run(mine, 3).await;
        desk.run(theirs, 60).await;
        desk.run(mine, 2).await;
        let mut conn = desk.parts.ctx.store.read().await.unwrap();
        let (kept, _) = runs::list(&mut conn, mine, 0, 100).await.unwrap();
        drop(conn);
        let wanted: Vec<String> = kept.iter().map(|run| run.run_id.to_string()).collect();
        for limit in [1, 2, 3, 10] {
            assert_eq!(desk.ids(limit).await, wanted, "by {limit}");
        }
    }

    async fn clocks_may_differ_by_less_than_five_minutes(database) {
        let desk = Desk::new(database, |_| ()).await;
        let status = async |micros| desk.ask_ahead("limit=10&page=1", micros).await.0;
        for (micros, wanted) in [
            (0, 200),
            (299 * SECOND, 200),
            (-299 * SECOND - 999_000, 200),
            (300 * SECOND, 401),
            (-300 * SECOND, 401),
            (DAY * SECOND, 401),
        ] {
            assert_eq!(status(micros).await, wanted, "{micros}");
        }
        // What was signed grows old.
        let signed_at = desk.parts.ctx.now();
        let age = async || {
            let ahead = signed_at.micros_since(desk.parts.ctx.now());
            desk.ask_ahead("limit=10&page=1", ahead).await.0
        };
        desk.parts.pass(299);
        assert_eq!(age().await, 200);
        desk.parts.pass(1);
        assert_eq!(age().await, 401);
    }

    async fn of_a_run_whose_pings_are_gone_there_is_no_report(database) {
        let desk = Desk::new(database, |config| config.ping.log_limit = 3).await;
        let check = desk.parts.check(desk.project_id, DAY, 3600).await;
        for _ in 0..2 {
            for kind in [PingKind::Start, PingKind::Log, PingKind::Success] {
                desk.parts.ping(check, kind).await;
                desk.parts.pass(1);
            }
        }
        let told = async || {
            let jobs = records(&desk.ask("limit=10&page=1").await);
            let names = ["result_button", "crawl_cnt", "scan_cnt", "rescan_button"];
            let of = |job: &Value| names.iter().map(|name| job[*name].clone()).collect::<Value>();
            jobs[1..].iter().map(of).collect::<Value>()
        };
        assert_eq!(told().await, json!([["report", 1, 0, "possible"], ["report", 1, 0, null]]));
        desk.tidy().await;
        assert_eq!(told().await, json!([["report", 1, 0, "possible"], ["expired", null, 0, "expired"]]));
    }

    async fn how_many_there_are_is_right_whatever_was_counted_before(database) {
        let desk = Desk::new(database, |config| config.retention.runs_days = 10).await;
        let check = desk.parts.check(desk.project_id, DAY, 3600).await;
        let few = desk.parts.check(desk.project_id, DAY, 3600).await;
        desk.run(check, 130).await;
        desk.run(few, 7).await;
        assert_eq!(desk.total().await, 137);
        desk.tidy().await;
        assert_eq!(desk.total().await, 137, "of which a hundred are counted");
        desk.tidy().await;
        assert_eq!(desk.total().await, 137, "once");
        desk.parts.pass(20 * DAY);
        desk.run(check, 4).await;
        assert_eq!(desk.total().await, 141);
        desk.tidy().await;
        assert_eq!(desk.total().await, 4, "what was old is gone, counted or not");
        desk.run(check, 120).await;
        desk.tidy().await;
        assert_eq!(desk.total().await, 124);
        let list = jobs::list(&desk.parts.ctx, desk.user_id, 10, 1).await.unwrap();
        assert_eq!((list.total, list.jobs.len()), (124, 10));
        assert!(list.jobs[0].starts_at > Timestamp(0));
    }
}
