//! A desk with the ping writer and the detector behind it, so that checks live through something on
//! a clock that is moved by hand.

use std::time::Duration;

use overdue::clock::{SECOND, Timestamp};
use overdue::detector::Detector;
use overdue::domain::ping::PingKind;
use overdue::ingest::{Ingest, Outcome};
use overdue::vitals::Vitals;
use serde_json::{Value, json};

use super::desk::{Desk, Told};
use crate::support::Database;
use crate::workers;

/// A desk, somebody who is signed in, and a project of theirs.
pub struct Watched {
    pub desk: Desk,
    pub ingest: Ingest,
    detector: Detector,
    session: String,
    pub project: i64,
}

impl Watched {
    /// One with an empty project. No outage is ever seen: its clock jumps.
    pub async fn new(database: Database) -> Self {
        let desk = Desk::with(database, |config| {
            config.detector.outage_amnesty = false;
            (config.checks.min_period, config.checks.min_grace) = (60, 60);
            // The session has to last while the clock jumps over years.
            config.sessions.minutes = 60 * 24 * 3650;
        })
        .await;
        let session = desk.sign_in().await;
        let vitals = Vitals::default();
        let (ingest, writer) = Ingest::start(desk.ctx.clone(), vitals.clone());
        tokio::spawn(writer);
        let detector = Detector::new(desk.ctx.clone(), ingest.clone(), vitals, "node");
        let mut watched = Self { desk, ingest, detector, session, project: 0 };
        watched.project = watched.new_project().await;
        watched
    }

    /// One more project; its id.
    pub async fn new_project(&self) -> i64 {
        let name = Some(json!({"project_name": "p"}));
        let made = self.desk.call(&self.session, "POST", "/user/project", name).await.ok();
        made["project_id"].as_i64().unwrap()
    }

    /// A check with an hour of period and of grace; its id.
    pub async fn check(&self) -> i64 {
        self.check_in(self.project).await
    }

    /// The same in another project.
    pub async fn check_in(&self, project: i64) -> i64 {
        let fields = json!({"check_name": "c", "period": 3600, "grace": 3600});
        let path = format!("/user/project/{project}/check");
        let made = self.desk.call(&self.session, "POST", &path, Some(fields)).await.ok();
        made["check_id"].as_i64().unwrap()
    }

    /// What a path behind the project's own answers.
    pub async fn get(&self, tail: &str) -> Told {
        let path = format!("/user/project/{}{tail}", self.project);
        self.desk.call(&self.session, "GET", &path, None).await
    }

    /// What a POST to a path behind the project's own answers.
    pub async fn post(&self, tail: &str, body: Value) -> Told {
        let path = format!("/user/project/{}{tail}", self.project);
        self.desk.call(&self.session, "POST", &path, Some(body)).await
    }

    /// Changes a check.
    pub async fn set(&self, check: i64, fields: Value) {
        let path = format!("/user/project/{}/check/{check}", self.project);
        self.desk.call(&self.session, "PUT", &path, Some(fields)).await.ok();
    }

    /// Lets seconds pass, then looks at the deadlines.
    pub async fn pass(&mut self, seconds: u64) {
        self.desk.ctx.clock.advance(Duration::from_secs(seconds));
        self.detector.round().await.unwrap();
    }

    /// Pings a check now.
    pub async fn ping(&self, check: i64, kind: PingKind) {
        let ping = |at| workers::ping(kind, None, at);
        assert_eq!(self.ingest.submit(&self.desk.ctx, check, ping).await, Outcome::Stored);
    }

    /// A run of a check that takes so many seconds and ends well.
    pub async fn run(&mut self, check: i64, seconds: u64) {
        self.ping(check, PingKind::Start).await;
        self.pass(seconds).await;
        self.ping(check, PingKind::Success).await;
    }

    /// So many seconds from now, as a parameter.
    pub fn at(&self, seconds: i64) -> String {
        Timestamp(self.desk.ctx.now().0 + seconds * SECOND).to_rfc3339()
    }
}
