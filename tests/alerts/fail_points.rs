//! Death at every step between the cause of an alert and the note that it was sent: the flip is
//! there once, the message arrives, and comes twice only where it was out already.

use std::os::unix::process::ExitStatusExt;

use serde_json::json;

use super::{News, assert_ids_are_stable, channel, downs, each, plain_hook, settled, try_ping};
use crate::support::receiver::Receiver;
use crate::support::server::TestServer;
use crate::support::{Database, both_databases};

/// What the process dies by when it gives itself up.
const SIGABRT: i32 = 6;

/// Waits until a server has given itself up.
pub async fn dies(server: &mut TestServer) {
    assert_eq!(server.death().await.signal(), Some(SIGABRT), "{}", server.log());
}

/// Lets a server die at `step` of the alert that a ping with this tail leads to, at once (`/fail`)
/// or by its deadline (nothing), and holds that the alert comes `arrivals` times.
async fn dies_at(database: Database, step: &str, tail: &str, arrivals: usize) {
    let receiver = Receiver::start().await;
    let mut server = TestServer::start(database, &[]).await;
    let api = server.owner().await;
    let hook = channel(&api, &plain_hook(&receiver.url("/"))).await;
    let check = api.check("job", json!({"period": 1, "grace": 1})).await;
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
    let rows = settled(&api, &check, &hook, 1).await;
    assert_eq!(each(&rows, "state"), ["sent"]);
    assert_eq!(each(&rows, "attempts"), [1], "an interrupted send is no try");
    let downs = downs(&api, &check).await;
    assert_eq!(each(&rows, "flip_id"), each(&downs, "flip_id"));
    let got = receiver.got();
    assert_eq!((got.len(), assert_ids_are_stable(&got)), (arrivals, 1));
    assert_eq!(News::of(&got[0]), News::of_flip(&check, &downs[0]));
}

both_databases! {
    async fn with_the_pings_written_and_not_committed(database) {
        dies_at(database, "pings_written", "/fail", 1).await;
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
