//! Death at every step between the cause of an alert and the note that it was sent: the flip is
//! there once, the message arrives, and comes twice only where it was out already.

use std::os::unix::process::ExitStatusExt;

use serde_json::json;

use super::{
    News, announced, assert_ids_are_stable, channel, downs, each, first_arrivals, plain_hook,
    settled, try_ping,
};
use crate::support::receiver::Receiver;
use crate::support::server::TestServer;
use crate::support::{Database, both_databases};

/// What the process dies by when it gives itself up.
pub const SIGABRT: i32 = 6;

/// Waits until a server has given itself up.
pub async fn dies(server: &mut TestServer) {
    assert_eq!(server.death().await.signal(), Some(SIGABRT), "{}", server.log());
}

/// Lets a server die at `step` of the alert that a ping with this tail leads to, at once (`/fail`)
/// or by its deadline (nothing), and holds that the alert comes `arrivals` times, and what is told of
/// a recovery only behind it.
async fn dies_at(database: Database, step: &str, tail: &str, arrivals: usize) {
    let receiver = Receiver::start().await;
    let mut server = TestServer::start(database, &[]).await;
    let api = server.owner().await;
    let hook = channel(&api, &plain_hook(&receiver.url("/"))).await;
    let by_deadline = tail.is_empty();
    let settings = if by_deadline { json!({"period": 1, "grace": 1}) } else { json!({}) };
    let check = api.check("job", settings).await;
    server.stop().await;

    server.restart_with(&[("OVERDUE_TEST_DIE_AT", step)]).await;
    let acknowledged = try_ping(&api, &check, tail).await;
    dies(&mut server).await;
    server.restart().await;

    let stored = api.pings(&check).await.len();
    if acknowledged {
        assert_eq!(stored, 1, "an acknowledged ping is lost");
    } else if stored == 0 {
        api.ping(&check, tail).await.says(200, "OK");
    }
    if !by_deadline {
        // It recovers while its alert may still be on its way.
        api.ping(&check, "").await.says(200, "OK");
    }
    let news = if by_deadline { 1 } else { 2 };
    let rows = settled(&api, &check, &hook, news).await;
    assert!(each(&rows, "state").iter().all(|state| state == "sent"), "{rows:?}");
    assert!(
        each(&rows, "attempts").iter().all(|n| n == 1),
        "an interrupted send is no try: {rows:?}"
    );
    let downs = downs(&api, &check).await;
    assert_eq!(each(&rows[..1], "flip_id"), each(&downs, "flip_id"));
    let got = receiver.got();
    assert_eq!((got.len(), assert_ids_are_stable(&got)), (arrivals + news - 1, news));
    assert_eq!(first_arrivals(&got, &check), announced(&api, &check).await);
    assert!(got[..arrivals].iter().all(|it| News::of(it) == News::of_flip(&check, &downs[0])));
}

both_databases! {
    async fn with_a_ping_of_a_check_that_is_up_at_any_step(database) {
        let mut server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        let check = api.check("job", json!({})).await;
        api.ping(&check, "").await.says(200, "OK");
        for step in ["pings_judged", "pings_committed"] {
            let before = api.pings(&check).await.len();
            server.stop().await;
            server.restart_with(&[("OVERDUE_TEST_DIE_AT", step)]).await;
            let acknowledged = try_ping(&api, &check, "").await;
            dies(&mut server).await;
            server.restart().await;
            let stored = api.pings(&check).await.len() - before;
            assert_eq!((acknowledged, stored), (false, usize::from(step == "pings_committed")));
            api.ping(&check, "").await.says(200, "OK");
        }
    }

    async fn with_the_pings_judged_and_not_committed(database) {
        dies_at(database, "pings_judged", "/fail", 1).await;
    }

    async fn with_the_pings_committed_and_nobody_answered(database) {
        dies_at(database, "pings_committed", "/fail", 1).await;
    }

    async fn with_the_flips_written_and_not_committed(database) {
        dies_at(database, "flips_written", "", 1).await;
    }

    async fn with_the_flips_committed_and_nobody_told(database) {
        dies_at(database, "flips_committed", "", 1).await;
    }

    async fn with_the_notifications_claimed_and_the_claim_not_committed(database) {
        dies_at(database, "notifications_claimed", "/fail", 1).await;
    }

    async fn with_the_claim_committed_and_nothing_sent(database) {
        dies_at(database, "claim_committed", "/fail", 1).await;
    }

    async fn with_the_message_sent_and_nothing_noted(database) {
        dies_at(database, "message_sent", "/fail", 2).await;
    }

    async fn with_the_outcome_written_and_not_committed(database) {
        dies_at(database, "outcome_written", "/fail", 2).await;
    }

    async fn with_the_outcome_committed(database) {
        dies_at(database, "outcome_committed", "/fail", 1).await;
    }
}
