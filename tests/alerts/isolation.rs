//! One slow or dead receiver delays no other.

use serde_json::json;

use super::{News, channel, checks, ping_all, plain_hook, settled, to_channel};
use crate::support::both_databases;
use crate::support::receiver::{Manners, Receiver};
use crate::support::server::shared;

both_databases! {
    async fn a_receiver_that_never_answers_delays_no_other(database) {
        let api = shared(database).await;
        let hole = Receiver::with(Manners { black_hole: true, ..Manners::default() }).await;
        let well = Receiver::start().await;
        let to_hole = channel(&api, &plain_hook(&hole.url("/"))).await;
        let to_well = channel(&api, &plain_hook(&well.url("/"))).await;
        let checks = checks(&api, 20, &json!({})).await;
        ping_all(&api, &checks, "/fail").await;
        hole.wait_for(1).await;
        for check in &checks {
            assert_eq!(settled(&api, check, &to_well, 1).await[0]["state"], "sent");
        }
        assert!(hole.got().len() < checks.len(), "it is given few of the places");
        ping_all(&api, &checks, "").await;
        for check in &checks {
            assert_eq!(settled(&api, check, &to_well, 2).await[1]["state"], "sent");
            let waiting = to_channel(&api, check, &to_hole).await;
            assert_eq!(waiting.len(), 2);
            assert!(waiting.iter().all(|row| row["state"] == "pending"), "{waiting:?}");
        }
        assert_eq!(well.got().len(), 2 * checks.len());
        // Not even of what is tried again does an up overtake its down.
        assert!(hole.got().iter().all(|delivery| News::of(delivery).turn == "down"));
    }
}
