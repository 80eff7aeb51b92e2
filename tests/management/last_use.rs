//! When a token was used last: recorded without a write per request, right to the moment once it is
//! written, and kept over a restart.

use std::time::Duration;

use overdue::clock::Timestamp;
use overdue::store::journal;
use serde_json::Value;

use super::desk::Desk;
use super::{line, new_token, run_sql, texts, with_token};
use crate::support::api::Api;
use crate::support::server::TestServer;
use crate::support::{Database, both_databases, now, time, until};

/// Counts every change of a token's row in the table `writes` from now on.
async fn count_writes(database: Database, url: &str) {
    let trigger = match database {
        Database::Sqlite => {
            "CREATE TRIGGER counting AFTER UPDATE ON tokens \
             BEGIN INSERT INTO writes VALUES (1); END;"
        }
        Database::Postgres => {
            "CREATE FUNCTION count_write() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN INSERT INTO writes VALUES (1); RETURN NULL; END $$; \
             CREATE TRIGGER counting AFTER UPDATE ON tokens FOR EACH ROW \
             EXECUTE FUNCTION count_write();"
        }
    };
    run_sql(url, &format!("CREATE TABLE writes (n INTEGER); {trigger}")).await;
}

async fn writes(url: &str) -> u32 {
    texts(url, "SELECT CAST(COUNT(*) AS TEXT) FROM writes").await[0].parse().unwrap()
}

/// What the list says of the token of this subject.
fn listed(list: &Value, subject: &str) -> Value {
    let mut tokens = list["list"].as_array().unwrap().iter();
    tokens.find(|token| token["subject"] == subject).unwrap()["last_used_at"].clone()
}

/// The same on a server, once there is something newer than `before`.
async fn last_use(api: &Api, before: Timestamp) -> Timestamp {
    until("the last use", async || {
        let list = api.get("/user/token-list").await.ok();
        let at = listed(&list, "other");
        at.is_string().then(|| time(&at)).filter(|at| *at > before)
    })
    .await
}

both_databases! {
    async fn many_uses_are_one_write_with_the_moment_of_the_last(database) {
        let mut desk = Desk::with(database, |config| config.api.requests_per_second = 0).await;
        let (busy, calm) = (desk.token("busy", 3600).await, desk.token("calm", 3600).await);
        desk.token("idle", 3600).await;
        let session = desk.sign_in().await;
        let url = desk.database_url().to_owned();
        count_writes(database, &url).await;
        for n in 0..200 {
            desk.ctx.clock.advance(Duration::from_millis(7));
            desk.call(&busy, "GET", "/user/profile", None).await.ok();
            if n == 99 {
                desk.call(&calm, "GET", "/user/profile", None).await.ok();
            }
        }
        assert_eq!(writes(&url).await, 0);
        desk.end_journal().await;
        assert_eq!(writes(&url).await, 2);
        let list = desk.call(&session, "GET", "/user/token-list", None).await.ok();
        assert_eq!(listed(&list, "busy"), "2027-01-15T08:00:01.400000Z");
        assert_eq!(listed(&list, "calm"), "2027-01-15T08:00:00.700000Z");
        assert_eq!(listed(&list, "idle"), Value::Null);
    }

    async fn a_node_that_comes_late_does_not_turn_it_back(database) {
        let desk = Desk::with(database, |_| ()).await;
        desk.token("t", 3600).await;
        let session = desk.sign_in().await;
        let list = async || desk.call(&session, "GET", "/user/token-list", None).await.ok();
        let token_id = list().await["list"][0]["token_id"].as_i64().unwrap();
        for (seconds, shown) in [(10, "10"), (5, "10"), (11, "11")] {
            let at = Timestamp(1_800_000_000_000_000).plus_seconds(seconds);
            let entry = line(at, desk.user_id, token_id);
            let mut tx = desk.ctx.store.begin().await.unwrap();
            journal::insert(&mut tx, &[entry]).await.unwrap();
            tx.commit().await.unwrap();
            let wanted = format!("2027-01-15T08:00:{shown}.000000Z");
            assert_eq!(listed(&list().await, "t"), wanted);
        }
    }

    async fn it_is_kept_when_the_server_is_killed_and_nothing_is_lost_when_it_stops(database) {
        let mut server = TestServer::start(database, &[]).await;
        let api = Api::new_project(server.address(), &server.new_user("last@example.org")).await;
        let other = with_token(&api, &new_token(&server, "last@example.org", "other", &[]));
        let began = now();
        other.get("/user/profile").await.ok();
        let used = last_use(&api, Timestamp(0)).await;
        assert!((began..=now()).contains(&used));
        // It is the moment that the journal has, too.
        let lines = api.list("/user/request-list?subject=other").await;
        assert_eq!(time(&lines[0]["at"]), used);
        server.kill9();
        server.restart().await;
        assert_eq!(last_use(&api, Timestamp(0)).await, used);
        let began = now();
        other.get("/user/profile").await.ok();
        let ended = now();
        assert_eq!(server.stop().await.code(), Some(0));
        server.restart().await;
        let list = api.get("/user/token-list").await.ok();
        assert!((began..=ended).contains(&time(&listed(&list, "other"))));
    }
}
