//! Mail that can't be taken now, and mail that must not be lost.

use serde_json::json;

use super::{Client, MailServer, address_of};
use crate::support::{Database, both_databases, until};

both_databases! {
    async fn what_was_taken_outlives_kill_9(database) {
        let mut server = MailServer::start(database, &[]).await;
        let api = server.server.owner().await;
        let check = api.check("killed", json!({})).await;
        for n in 1..=3 {
            let mut client = server.client().await;
            let reply = client.mail(&[&address_of(&check, "")], "Subject: x\r\n\r\n").await;
            server.server.kill9();
            assert!(reply.starts_with("250"), "{reply}");
            server.server.restart().await;
            assert_eq!(api.read(&check).await["n_pings"], n);
        }
    }

    async fn nothing_is_acknowledged_before_it_is_committed(database) {
        let mut server = MailServer::start(database, &[]).await;
        let api = server.server.owner().await;
        let check = api.check("not yet", json!({})).await;
        server.server.stop().await;
        let (die_at, step) = ("OVERDUE_TEST_DIE_AT", "pings_judged");
        server.server.restart_with(&[(die_at, step)]).await;
        let mut client = server.client().await;
        client.begin(&[&address_of(&check, "")]).await;
        client.send("\r\n.\r\n").await;
        assert_eq!(client.rest().await, "");
        server.server.death().await;
        server.server.restart().await;
        assert_eq!(api.read(&check).await["n_pings"], 0);
    }

    async fn a_stop_lets_a_mail_in_flight_come_to_its_end(database) {
        let mut server = MailServer::start(database, &[]).await;
        let api = server.server.owner().await;
        let check = api.check("stopped", json!({})).await;
        let (mut busy, mut idle) = (server.client().await, server.client().await);
        busy.begin(&[&address_of(&check, "")]).await;
        busy.send("Subject: slow\r\n\r\n").await;
        server.server.signal("TERM");
        assert_eq!(idle.rest().await, "421 4.3.2 the server stops: try again in a moment\r\n");
        assert!(busy.say("the end\r\n.").await.starts_with("250"));
        assert_eq!(busy.rest().await, "421 4.3.2 the server stops: try again in a moment\r\n");
        assert!(server.server.death().await.success());
        server.server.restart().await;
        assert_eq!(api.read(&check).await["n_pings"], 1);
    }

    async fn over_the_operators_limit_a_mail_is_to_come_again(database) {
        let server = MailServer::start(database, &[("OVERDUE_PING__MAX_PER_MINUTE", "2")]).await;
        let api = server.server.owner().await;
        let check = api.check("busy", json!({})).await;
        let mut client = server.client().await;
        let (mut stored, mut limited) = (0, 0);
        // Enough to run into the limit even where a minute ends meanwhile.
        for _ in 0..6 {
            let reply = client.mail(&[&address_of(&check, "")], "\r\n").await;
            if reply.starts_with("451 4.7.1 rate limited") { limited += 1 } else { stored += 1 }
        }
        assert!((2..6).contains(&stored), "{stored} {limited}");
        assert_eq!(api.read(&check).await["n_pings"], stored);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_postgresql_is_down_mail_is_to_come_again() {
    if !Database::Postgres.is_here() {
        return;
    }
    let server = MailServer::start(Database::Postgres, &[]).await;
    let api = server.server.owner().await;
    let check = api.check("outage", json!({})).await;
    let (to, by_slug) =
        (address_of(&check, ""), format!("{}+outage@{}", api.ping_key, super::DOMAIN));
    let mut client = server.client().await;
    assert!(client.mail(&[&to], "\r\n").await.starts_with("250"));
    client.begin(&[&to]).await;
    server.server.database().go_down();
    client.send("\r\n").await;
    client.says(".", "451 4.3.0").await;
    client.says("MAIL FROM:<a@b.c>", "250").await;
    client.says(&format!("RCPT TO:<{by_slug}>"), "451 4.3.0").await;
    server.server.database().come_back();
    let mut acknowledged = 1;
    until("a mail to be taken again", async || {
        client.says("RSET", "250").await;
        client.begin(&[&to]).await;
        let taken = client.say("\r\n.").await.starts_with("250");
        acknowledged += u32::from(taken);
        taken.then_some(())
    })
    .await;
    assert_eq!(acknowledged, 2);
    assert_eq!(api.read(&check).await["n_pings"], 2);
}

#[tokio::test]
async fn one_network_has_so_many_connections_and_leaves_room_for_others() {
    let server = MailServer::start(Database::Sqlite, &[]).await;
    let mut clients = Vec::new();
    for _ in 0..25 {
        clients.push(server.client().await);
    }
    let (mut over, greeting) = Client::open(server.address()).await;
    assert_eq!(greeting, "421 4.7.0 too many connections: try again later");
    assert_eq!(over.rest().await, "");
    clients.pop().unwrap().says("QUIT", "221").await;
    until("a place that is free again", async || {
        let (_, greeting) = Client::open(server.address()).await;
        greeting.starts_with("220").then_some(())
    })
    .await;
}
