//! A server that is killed again and again at any moment, and one that is stopped in the middle of
//! a send, tells everything in the end.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{
    News, announced, assert_ids_are_stable, channel, checks, each, first_arrivals, plain_hook,
    settled, try_ping,
};
use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::receiver::{Manners, Receiver};
use crate::support::server::TestServer;

/// How often the server is killed.
const KILLS: usize = 8;

/// Fails and recovers this check in turn until nobody answers any more.
async fn trouble(api: &Api, check: &Value) {
    while try_ping(api, check, "/fail").await && try_ping(api, check, "").await {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

both_databases! {
    async fn no_alert_is_lost_by_kill_9_at_any_moment(database) {
        let receiver = Receiver::start().await;
        let mut server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        let hook = channel(&api, &plain_hook(&receiver.url("/"))).await;
        let checks = checks(&api, 12, &json!({"flap_threshold": 0})).await;
        for _ in 0..KILLS {
            let troubled = join_all(checks.iter().map(|check| trouble(&api, check)));
            let killed = async {
                let moment = rand::random_range(0..=300);
                tokio::time::sleep(Duration::from_millis(moment)).await;
                server.kill9();
            };
            tokio::join!(troubled, killed);
            server.restart().await;
        }
        let (mut wanted, mut rows) = (Vec::new(), Vec::new());
        for check in &checks {
            let news = announced(&api, check).await;
            let of_check = settled(&api, check, &hook, news.len()).await;
            assert_eq!(of_check.len(), news.len(), "one notification a turn");
            rows.extend(of_check);
            wanted.push(news);
        }
        assert!(rows.iter().all(|row| row["state"] == "sent" && row["attempts"] == 1));
        let got = receiver.got();
        assert_eq!(assert_ids_are_stable(&got), rows.len());
        for (check, news) in checks.iter().zip(wanted) {
            assert_eq!(first_arrivals(&got, check), news);
        }
    }

    async fn what_a_stop_breaks_off_is_sent_after_it_as_if_for_the_first_time(database) {
        let receiver = Receiver::with(Manners { black_hole: true, ..Manners::default() }).await;
        let mut server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        let hook = channel(&api, &plain_hook(&receiver.url("/"))).await;
        let check = api.check("stopped", json!({})).await;
        api.ping(&check, "/fail").await.says(200, "OK");
        receiver.wait_for(1).await;
        assert_eq!(server.stop().await.code(), Some(0), "{}", server.log());
        receiver.change(|manners| manners.black_hole = false);
        server.restart().await;
        let rows = settled(&api, &check, &hook, 1).await;
        assert_eq!((each(&rows, "state"), each(&rows, "attempts")), (vec![json!("sent")], vec![json!(1)]));
        let got = receiver.got();
        assert_eq!((got.len(), assert_ids_are_stable(&got)), (2, 1));
        assert_eq!(News::of(&got[1]), News::of_flip(&check, &api.flips(&check).await[0]));
    }
}
