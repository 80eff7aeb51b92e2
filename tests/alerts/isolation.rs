//! One slow or dead receiver delays no other.

use serde_json::json;

use super::{News, channel, checks, ping_all, plain_hook, settled, to_channel};
use crate::support::receiver::{Manners, Receiver};
use crate::support::server::{TestServer, shared};
use crate::support::{both_databases, until};

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

    async fn a_receiver_that_fails_shows_in_the_metrics_and_leaves_the_server_ready(database) {
        let server = TestServer::start(database, &[("OVERDUE_METRICS__TOKEN", "s3cret")]).await;
        let api = server.owner().await;
        let receiver = Receiver::with(Manners { status: 500, ..Manners::default() }).await;
        channel(&api, &plain_hook(&receiver.url("/"))).await;
        let check = api.check("job", json!({})).await;
        api.ping(&check, "/fail").await.says(200, "OK");
        receiver.wait_for(1).await;
        until("a notification that waits, in the metrics", async || {
            let metrics = api.send("GET", "/metrics", &[("authorization", "Bearer s3cret")], "").await;
            let name = "overdue_oldest_undelivered_notification_seconds ";
            let age = metrics.text().lines().find_map(|line| line.strip_prefix(name));
            (age.unwrap().parse::<f64>().unwrap() > 0.0).then_some(())
        })
        .await;
        // What was found out is told again for a second.
        let ready = until("its age in the lines of /readyz", async || {
            let ready = api.hit("GET", "/readyz").await;
            (!ready.text().ends_with("due for 0.0 s")).then_some(ready)
        })
        .await;
        let lines: Vec<&str> = ready.text().lines().collect();
        assert_eq!((ready.status, lines[0], lines.len()), (200, "OK", 3));
        assert_eq!(lines[1], "detector lag: 0.0 s");
        assert!(lines[2].starts_with("oldest undelivered notification: due for "), "{}", lines[2]);
    }
}
