//! Who watches the watchman: a server pings another monitor's check while all of its workers are well,
//! and two servers watch each other.

use overdue::vitals::{Vitals, Worker};
use overdue::watch::{Beat, Heartbeat};
use serde_json::{Value, json};

use super::downs;
use crate::support::api::{Api, ping_path};
use crate::support::receiver::{Manners, Receiver};
use crate::support::server::{TestServer, install_crypto};
use crate::support::{both_databases, until};

/// A server with a check that waits for the other one's heartbeat.
struct Watchman {
    server: TestServer,
    api: Api,
    check: Value,
}

impl Watchman {
    async fn new(database: crate::support::Database) -> Self {
        // What the configuration names itself may be in a private network.
        let guarded = [("OVERDUE_OUTBOUND__ALLOW_PRIVATE", "false")];
        let server = TestServer::start(database, &guarded).await;
        let api = server.owner().await;
        let check = api.check("the other one", json!({"period": 1, "grace": 5})).await;
        Self { server, api, check }
    }

    /// Starts again, and pings the other's check: several times a second, so that a test can wait for
    /// it.
    async fn watches(&mut self, other: &str) {
        self.server.stop().await;
        let hurry = ("OVERDUE_TEST_PAUSE_WATCH", "300");
        self.server.restart_with(&[("OVERDUE_WATCH__URL", other), hurry]).await;
    }

    fn url(&self) -> String {
        format!("{}{}", self.api.base, ping_path(&self.check, ""))
    }

    async fn until_it_is(&self, status: &str) {
        until(&format!("the other one to be {status}"), async || {
            (self.api.read(&self.check).await["status"] == status).then_some(())
        })
        .await;
    }
}

both_databases! {
    async fn two_servers_watch_each_other(database) {
        let (mut one, mut two) = (Watchman::new(database).await, Watchman::new(database).await);
        let (first, second) = (one.url(), two.url());
        one.watches(&second).await;
        two.watches(&first).await;
        one.until_it_is("up").await;
        two.until_it_is("up").await;
        assert!(one.server.log().contains("watch.url is pinged every minute"), "{}", one.server.log());
        one.server.signal("STOP");
        two.until_it_is("down").await;
        one.server.signal("CONT");
        two.until_it_is("up").await;
        // While it stood still it could take no pings: that is not the other one's fault.
        assert_eq!(downs(&one.api, &one.check).await, Vec::<Value>::new());
    }
}

fn well(clock: &overdue::clock::Clock) -> Vitals {
    let vitals = Vitals::default();
    for worker in [Worker::Detector, Worker::Notifier] {
        vitals.beat(worker, clock.steady_micros());
    }
    vitals
}

#[tokio::test]
async fn a_worker_that_is_late_silences_the_heartbeat() {
    install_crypto();
    let receiver = Receiver::start().await;
    let clock = overdue::clock::Clock::manual(crate::workers::START);
    let vitals = well(&clock);
    let heartbeat =
        Heartbeat::new(&receiver.url("/p"), None, vitals.clone(), clock.clone()).unwrap();
    assert_eq!(heartbeat.beat().await, Beat::Taken);
    let got = receiver.got();
    assert_eq!((got.len(), got[0].method.as_str(), got[0].path.as_str()), (1, "GET", "/p"));
    clock.advance(std::time::Duration::from_secs(6));
    vitals.beat(Worker::Detector, clock.steady_micros());
    let Beat::Unwell(late) = heartbeat.beat().await else { panic!("the notifier is late") };
    assert!(late.starts_with("notifier: last ran 6.0 s ago"), "{late}");
    vitals.beat(Worker::Notifier, clock.steady_micros());
    assert_eq!(heartbeat.beat().await, Beat::Taken);
    assert_eq!(receiver.got().len(), 2);
}

#[tokio::test]
async fn what_does_not_take_the_heartbeat_is_told_without_its_address() {
    install_crypto();
    let receiver = Receiver::with(Manners { status: 404, ..Manners::default() }).await;
    let clock = overdue::clock::Clock::manual(crate::workers::START);
    let secret = receiver.url("/ping/secret");
    let heartbeat = Heartbeat::new(&secret, None, well(&clock), clock.clone()).unwrap();
    let Beat::Failed(why) = heartbeat.beat().await else { panic!("404 is no success") };
    assert!(why.starts_with("404 Not Found") && !why.contains("secret"), "{why}");
    drop(receiver);
    let Beat::Failed(why) = heartbeat.beat().await else { panic!("nobody listens") };
    assert!(!why.contains("secret"), "{why}");
}
