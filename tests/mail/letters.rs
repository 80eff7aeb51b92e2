//! What alerts look like where they arrive: read by a mail program's parser, in threads, under the
//! same id at every try.

use overdue::config::{Config, MailTls};
use overdue::domain::ping::PingKind;
use overdue::mail::Address;
use overdue::notify::channels::Kind;
use overdue::notify::channels::email::link::{self, Purpose};
use overdue::notify::message_id;
use overdue::service::channels::Change;
use overdue::service::recipients;
use overdue::store::channels;
use overdue::store::checks::Settings;
use overdue::store::notifications::{NotificationRow, NotificationState};
use serde_json::json;

use super::someone;
use crate::alerts::parts::{Notifying, outbox, told_check_by};
use crate::support::post::{Port, Post};
use crate::support::{Database, both_databases, until};
use crate::workers::Parts;

/// The parts of a server that sends mail, with a check that tells one recipient, who has agreed.
struct Desk {
    parts: Parts,
    to: String,
    check: i64,
    channel: i64,
}

impl Desk {
    async fn new(
        database: Database,
        post: &Post,
        change: Change,
        settings: impl FnOnce(&mut Config),
    ) -> Self {
        let mut parts = Parts::with(database, |config| {
            "https://overdue.example/sub".clone_into(&mut config.server.site_url);
            config.mail.host = Some("127.0.0.1".to_owned());
            config.mail.port = post.port(Port::Plain);
            config.mail.tls = MailTls::None;
            config.mail.from = Some("Überdue <overdue@example.org>".to_owned());
            settings(config);
        })
        .await;
        let to = someone();
        let config = json!({"email": to});
        let (check, channel) = told_check_by(&parts, Kind::Email, config, change).await;
        let mut conn = parts.ctx.store.read().await.unwrap();
        let row = channels::find_many(&mut conn, &[channel]).await.unwrap().remove(0);
        drop(conn);
        let address = Address::parse(&to).unwrap();
        let token = link::issue(&parts.ctx.keys, Purpose::Confirm, &row.uuid, &address);
        assert!(recipients::confirm(&parts.ctx, &token).await.unwrap().is_some());
        parts.detector.round().await.unwrap();
        Self { parts, to, check, channel }
    }

    /// Another check that tells the same recipient.
    async fn check_called(&self, name: &str) -> i64 {
        let project = self.parts.read(self.check).await.project_id;
        let settings = Settings { check_name: name.to_owned(), ..Settings::default() };
        let check = self.parts.check_with(project, settings).await;
        let mut tx = self.parts.ctx.store.begin().await.unwrap();
        channels::assign(&mut tx, check, &[self.channel]).await.unwrap();
        tx.commit().await.unwrap();
        check
    }

    /// The outbox of a check, once a row of it is like this.
    async fn rows(
        &self,
        check: i64,
        what: &str,
        like: impl Fn(&NotificationRow) -> bool,
    ) -> Vec<NotificationRow> {
        until(what, async || {
            let rows = outbox(&self.parts, check).await;
            rows.iter().any(&like).then_some(rows)
        })
        .await
    }
}

both_databases! {
    async fn down_reminder_and_up_are_one_thread(database) {
        let Some(post) = Post::shared().await else { return };
        let change = Change { remind_every: Some(1), ..Change::default() };
        let mut desk = Desk::new(database, post, change, |_| ()).await;
        let notifier = Notifying::start(&desk.parts, "node-1");
        desk.parts.ping(desk.check, PingKind::Fail).await;
        post.wait_for(&desk.to, 1).await;
        // The reminder is queued when it is written down that the first was sent.
        desk.rows(desk.check, "the reminder in the outbox", |row| row.attempts == 0).await;
        desk.parts.run_for(60).await;
        post.wait_for(&desk.to, 2).await;
        desk.parts.ping(desk.check, PingKind::Success).await;
        let mails = post.wait_for(&desk.to, 3).await;
        let rows = desk.rows(desk.check, "the up", |row| row.event.as_str() == "up").await;
        let down = &mails[0];
        assert_eq!(down.header("message-id"), format!("<{}@example.org>", message_id(&rows[0])));
        assert_eq!((down.header("in-reply-to"), down.header("references")), ("", ""));
        for later in &mails[1..] {
            assert_eq!(later.header("in-reply-to"), down.header("message-id"));
            assert_eq!(later.header("references"), down.header("message-id"));
        }
        for (mail, says) in mails.iter().zip(["is down: it reported", "is still down", "is up again after 1 m"]) {
            assert_eq!((mail.kind.as_str(), mail.defects.len()), ("multipart/alternative", 0));
            assert!(mail.header("subject").contains(says), "{}", mail.header("subject"));
            assert!(mail.text.contains(says) && mail.html.contains(says));
            assert_eq!(mail.header("from"), "Überdue <overdue@example.org>");
            assert_eq!((mail.header("to"), mail.header("auto-submitted")), (desk.to.as_str(), "auto-generated"));
            assert_eq!(mail.header("return-path"), "<overdue@example.org>");
            let page = mail.link("https://overdue.example/sub/mail/unsubscribe/");
            assert_eq!(mail.header("list-unsubscribe"), format!("<{page}>"));
        }
        assert_eq!(down.header("date"), "Fri, 15 Jan 2027 08:00:00 +0000");
        let mut ids: Vec<&str> = mails.iter().map(|mail| mail.header("message-id")).collect();
        ids.dedup();
        assert_eq!(ids.len(), 3);
        notifier.end().await;
    }

    async fn who_is_told_to_wait_gets_it_once_and_under_its_id(database) {
        let Some(post) = Post::shared().await else { return };
        let mut desk = Desk::new(database, post, Change::default(), |_| ()).await;
        post.put_off(&desk.to, true);
        let notifier = Notifying::start(&desk.parts, "node-1");
        desk.parts.ping(desk.check, PingKind::Fail).await;
        let tried = desk.rows(desk.check, "a try", |row| row.attempts == 1).await.remove(0);
        assert_eq!(tried.state, NotificationState::Pending);
        let error = tried.last_error.unwrap();
        assert_eq!(error, "the mail server refused the recipient: 450 4.2.1 Try later");
        post.put_off(&desk.to, false);
        desk.parts.run_for(16).await;
        let mails = post.wait_for(&desk.to, 1).await;
        let sent = |row: &NotificationRow| row.state == NotificationState::Sent;
        let row = desk.rows(desk.check, "the second try", sent).await.remove(0);
        assert_eq!(row.attempts, 2);
        assert_eq!(mails[0].header("message-id"), format!("<{}@example.org>", message_id(&row)));
        notifier.end().await;
        assert_eq!(post.got(&desk.to).len(), 1);
    }

    async fn long_and_foreign_names_arrive_as_they_are(database) {
        let Some(post) = Post::shared().await else { return };
        let desk = Desk::new(database, post, Change::default(), |_| ()).await;
        let notifier = Notifying::start(&desk.parts, "node-1");
        let name = format!("Größe 日本 <b>&\"' =?utf-8?q?x?= {}", "ä b ".repeat(15)).trim().to_owned();
        let check = desk.check_called(&name).await;
        desk.parts.ping(check, PingKind::Fail).await;
        let mail = post.wait_for(&desk.to, 1).await.remove(0);
        assert_eq!(mail.header("subject"), format!("{name} is down: it reported a failure"));
        assert!(mail.text.starts_with(&name) && mail.defects.is_empty(), "{mail:?}");
        assert!(mail.html.contains("Größe 日本 &#60;b&#62;"), "{}", mail.html);
        notifier.end().await;
    }

    async fn a_storm_is_one_mail_that_lists_it(database) {
        let Some(post) = Post::shared().await else { return };
        let change = Change { group_threshold: Some(1), ..Change::default() };
        let mut desk = Desk::new(database, post, change, |_| ()).await;
        let notifier = Notifying::start(&desk.parts, "node-1");
        desk.parts.ping(desk.check, PingKind::Fail).await;
        let sent = |row: &NotificationRow| row.state == NotificationState::Sent;
        desk.rows(desk.check, "the first", sent).await;
        for name in ["two", "three"] {
            let check = desk.check_called(name).await;
            desk.parts.ping(check, PingKind::Fail).await;
        }
        desk.parts.run_for(6).await;
        let mail = post.wait_for(&desk.to, 2).await.remove(1);
        assert_eq!(mail.header("subject"), "2 alerts of p: 2 down");
        for name in ["two is down", "three is down"] {
            assert!(mail.html.contains(name), "{}", mail.html);
        }
        assert!(mail.text.contains("DOWN two") && mail.text.contains("DOWN three"));
        notifier.end().await;
    }

    async fn a_server_that_takes_mail_has_bounces_sent_to_itself(database) {
        let Some(post) = Post::shared().await else { return };
        let listens = |config: &mut Config| {
            config.smtp.listen = Some(([127, 0, 0, 1], 0).into());
            config.smtp.domain = Some("ping.example.org".to_owned());
        };
        let desk = Desk::new(database, post, Change::default(), listens).await;
        let notifier = Notifying::start(&desk.parts, "node-1");
        desk.parts.ping(desk.check, PingKind::Fail).await;
        let mail = post.wait_for(&desk.to, 1).await.remove(0);
        let path = mail.header("return-path").trim_matches(['<', '>']);
        let (token, domain) = path.strip_prefix("bounce+").unwrap().split_once('@').unwrap();
        assert_eq!(domain, "ping.example.org");
        assert!(recipients::bounced(&desk.parts.ctx, token, "no such user").await.unwrap());
        notifier.end().await;
    }
}
