//! The listener by itself, with bounds and a database of the test's own.

use std::net::SocketAddr;
use std::time::Duration;

use overdue::http::listen;
use overdue::ingest::Ingest;
use overdue::service::pings::Finder;
use overdue::smtp::{self, Limits, Patience, Postbox};
use overdue::store::checks::Settings;
use overdue::store::{projects, users};
use overdue::vitals::Vitals;
use tokio::sync::watch;

use super::Client;
use crate::support::{Database, both_databases};
use crate::workers::{Parts, START};

/// Takes mail for these parts: where, and what ends it when it is dropped.
fn take_mail(
    parts: &Parts,
    ingest: &Ingest,
    patience: Patience,
) -> (SocketAddr, watch::Sender<bool>) {
    let bound = listen::bind_one("smtp.listen", "127.0.0.1:0".parse().unwrap()).unwrap();
    let address = bound.local_addr();
    let ctx = parts.ctx.clone();
    let finder = Finder::new(ctx.store.clone());
    let postbox = Postbox::new(ctx, ingest.clone(), finder, Vitals::default(), None);
    let (stop, stopped) = watch::channel(false);
    let limits = Limits { patience, ..Limits::default() };
    tokio::spawn(smtp::serve(bound, postbox, stopped, limits));
    (address, stop)
}

/// A patience that never ends in a test.
fn endless() -> Patience {
    Limits::default().patience
}

both_databases! {
    async fn a_client_that_falls_silent_is_told_and_left(database) {
        let parts = Parts::new(database).await;
        let silence = Duration::from_millis(200);
        let (address, _stop) = take_mail(&parts, &parts.ingest, Patience { silence, ..endless() });
        let (mut mute, _) = Client::open(address).await;
        assert_eq!(mute.rest().await, "421 4.4.2 nothing came for too long\r\n");
        let (mut half, _) = Client::open(address).await;
        half.send("EHLO").await;
        assert_eq!(half.rest().await, "421 4.4.2 nothing came for too long\r\n");
        let project = parts.project().await;
        let check = parts.check(project, 60, 60).await;
        let uuid = parts.read(check).await.uuid;
        let mut stalled = Client::greeted(address).await;
        stalled.begin(&[&format!("{uuid}@a.b")]).await;
        stalled.send("Subject: x\r\n").await;
        assert_eq!(stalled.rest().await, "421 4.4.2 nothing came for too long\r\n");
        assert_eq!(parts.read(check).await.n_pings, 0);
    }

    async fn neither_a_message_nor_a_connection_goes_on_for_ever(database) {
        let parts = Parts::new(database).await;
        let project = parts.project().await;
        let check = parts.check(project, 60, 60).await;
        let to = format!("{}@a.b", parts.read(check).await.uuid);
        let short = Duration::from_millis(300);
        for patience in [
            Patience { message: short, ..endless() },
            Patience { session: short, ..endless() },
        ] {
            let (address, _stop) = take_mail(&parts, &parts.ingest, patience);
            let mut client = Client::greeted(address).await;
            client.begin(&[&to]).await;
            // A drop at a time, never silent for long.
            let dripping = async {
                loop {
                    client.send("a").await;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            let _ = tokio::time::timeout(short * 2, dripping).await;
            assert_eq!(client.rest().await, "421 4.4.2 nothing came for too long\r\n");
        }
        assert_eq!(parts.read(check).await.n_pings, 0);
    }

    async fn when_the_queue_is_full_mail_is_to_come_again(database) {
        let parts = Parts::new(database).await;
        let project = parts.project().await;
        let check = parts.check(project, 60, 60).await;
        let to = format!("{}@a.b", parts.read(check).await.uuid);
        // A queue whose writer does not run.
        let (ingest, writer) = Ingest::start(parts.ctx.clone(), Vitals::default());
        let (address, _stop) = take_mail(&parts, &ingest, endless());
        let mut waiting = Vec::new();
        while !ingest.is_full() {
            let (ctx, ingest) = (parts.ctx.clone(), ingest.clone());
            let ping = crate::workers::ping(overdue::domain::ping::PingKind::Log, None, START);
            let queued = ingest.queued();
            waiting.push(tokio::spawn({
                let ingest = ingest.clone();
                async move { ingest.submit(&ctx, check, |_| ping).await }
            }));
            while ingest.queued() == queued {
                tokio::task::yield_now().await;
            }
        }
        let mut client = Client::greeted(address).await;
        assert!(client.mail(&[&to], "\r\n").await.starts_with("451 4.3.0"));
        // And once it runs, the next one is taken.
        let writer = tokio::spawn(writer);
        for ping in waiting {
            ping.await.unwrap();
        }
        assert!(client.mail(&[&to], "\r\n").await.starts_with("250"));
        writer.abort();
    }

    async fn a_key_without_its_case_is_taken_where_only_one_project_has_it(database) {
        let parts = Parts::new(database).await;
        let mut tx = parts.ctx.store.begin().await.unwrap();
        let user = users::NewUser { email: "o@b.c", password_hash: "", is_admin: false };
        let owner_id = users::insert(&mut tx, &user, START).await.unwrap().unwrap();
        let mut ids = Vec::new();
        for ping_key in ["AAAAAAAAAAAAAAAAAAAAAA", "aAAAAAAAAAAAAAAAAAAAAA", "Bbbbbbbbbbbbbbbbbbbbbb"] {
            let (uuid, project_name) = (&crate::support::new_uuid(), "p");
            let new =
                projects::NewProject { uuid, project_name, ping_key, auto_create: false, owner_id };
            ids.push(projects::insert(&mut tx, &new, START).await.unwrap());
        }
        tx.commit().await.unwrap();
        let mut checks = Vec::new();
        for id in ids {
            let slug = "job".to_owned();
            checks.push(parts.check_with(id, Settings { slug, ..Settings::default() }).await);
        }
        let (address, _stop) = take_mail(&parts, &parts.ingest, endless());
        let mut client = Client::greeted(address).await;
        for key in ["AAAAAAAAAAAAAAAAAAAAAA", "bbbbbbbbbbbbbbbbbbbbbb", "BBBBBBBBBBBBBBBBBBBBBB"] {
            assert!(client.mail(&[&format!("{key}+job@a.b")], "\r\n").await.starts_with("250"));
        }
        client.says("MAIL FROM:<>", "250").await;
        let reply = client.say("RCPT TO:<aaaaaaaaaaaaaaaaaaaaaa+job@a.b>").await;
        assert_eq!(reply, "550 5.1.4 ambiguous ping key: use the address with the UUID");
        client.says("RCPT TO:<cccccccccccccccccccccc+job@a.b>", "550 5.1.1").await;
        let mut pings = Vec::new();
        for check in checks {
            pings.push(parts.read(check).await.n_pings);
        }
        assert_eq!(pings, [1, 0, 2]);
    }
}

#[tokio::test]
async fn a_crowd_is_not_waited_for_as_long_as_a_few() {
    let parts = Parts::new(Database::Sqlite).await;
    let bound = listen::bind_one("smtp.listen", "127.0.0.1:0".parse().unwrap()).unwrap();
    let address = bound.local_addr();
    let ctx = parts.ctx.clone();
    let finder = Finder::new(ctx.store.clone());
    let postbox = Postbox::new(ctx, parts.ingest.clone(), finder, Vitals::default(), None);
    let (_stop, stopped) = watch::channel(false);
    let crowded_silence = Duration::from_millis(200);
    let limits = Limits { connections: 4, crowded_silence, ..Limits::default() };
    tokio::spawn(smtp::serve(bound, postbox, stopped, limits));
    let mut few = Vec::new();
    for _ in 0..2 {
        few.push(Client::greeted(address).await);
    }
    let (mut third, _) = Client::open(address).await;
    assert_eq!(third.rest().await, "421 4.4.2 nothing came for too long\r\n");
    for mut client in few {
        client.says("NOOP", "250").await;
    }
}
