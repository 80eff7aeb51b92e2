//! Several processes on one database: every flip is made once and told once.

use serde_json::json;

use super::{News, assert_ids_are_stable, channel, checks, downs, plain_hook, settled};
use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::receiver::Receiver;
use crate::support::server::TestServer;

/// The same project, seen through another server.
fn through(server: &TestServer, api: &Api) -> Api {
    Api {
        http: api.http.clone(),
        base: server.base(),
        address: server.address(),
        token: api.token.clone(),
        project: api.project,
        ping_key: api.ping_key.clone(),
    }
}

both_databases! {
    async fn three_processes_make_every_flip_once_and_tell_it_once(database) {
        let first = TestServer::start(database, &[]).await;
        let (second, third) = (first.beside().await, first.beside().await);
        let api = first.owner().await;
        let doors = [through(&first, &api), through(&second, &api), through(&third, &api)];
        let receivers = [Receiver::start().await, Receiver::start().await];
        let hooks = [
            channel(&api, &plain_hook(&receivers[0].url("/"))).await,
            channel(&api, &plain_hook(&receivers[1].url("/"))).await,
        ];
        let checks = checks(&api, 30, &json!({"period": 1, "grace": 1})).await;
        for (n, check) in checks.iter().enumerate() {
            doors[n % doors.len()].ping(check, "").await.says(200, "OK");
        }
        let mut wanted = Vec::new();
        for check in &checks {
            for hook in &hooks {
                let rows = settled(&api, check, hook, 1).await;
                assert_eq!((rows.len(), &rows[0]["state"]), (1, &json!("sent")), "{rows:?}");
            }
            let downs = downs(&api, check).await;
            assert_eq!(downs.len(), 1, "{downs:?}");
            wanted.push(News::of_flip(check, &downs[0]));
        }
        wanted.sort();
        for receiver in receivers {
            let got = receiver.got();
            assert_eq!(assert_ids_are_stable(&got), checks.len());
            let mut told: Vec<News> = got.iter().map(News::of).collect();
            told.sort();
            assert_eq!(told, wanted, "each once");
        }
    }

    async fn what_a_killed_process_was_sending_another_sends(database) {
        let mut first = TestServer::start(database, &[]).await;
        let api = first.owner().await;
        let receiver = Receiver::start().await;
        receiver.change(|manners| manners.black_hole = true);
        let hook = channel(&api, &plain_hook(&receiver.url("/"))).await;
        let check = api.check("handed on", json!({})).await;
        api.ping(&check, "/fail").await.says(200, "OK");
        receiver.wait_for(1).await;
        let second = first.beside().await;
        receiver.change(|manners| manners.black_hole = false);
        first.kill9();
        let api = through(&second, &api);
        let rows = settled(&api, &check, &hook, 1).await;
        assert_eq!((rows.len(), &rows[0]["state"], &rows[0]["attempts"]), (1, &json!("sent"), &json!(1)));
        let got = receiver.got();
        assert_eq!((got.len(), assert_ids_are_stable(&got)), (2, 1));
    }
}
