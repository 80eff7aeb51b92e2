//! Who gets mail: nobody who has not agreed, nobody who has ended it, and no mailbox that is not
//! there; and each channel shows why.

use std::time::Duration;

use overdue::config::Config;
use overdue::mail::Address;
use overdue::notify::channels::Kind;
use overdue::notify::channels::email::link::{self, Purpose};
use overdue::notify::outbound::{Outbound, Settings};
use overdue::service::channels::{Change, create, new_config, test, update};
use overdue::service::recipients::{self, BOUNDS, PROJECT_BOUNDS};
use overdue::store::channels::{self, ChannelRow};
use overdue::store::confirmations::Asked;
use overdue::store::notifications::{self, Event, NotificationRow, Of};
use overdue::store::projects::{self, ProjectRow};
use serde_json::{Value, json};

use super::{agree, channel_now, mail_channel, server, someone};
use crate::support::api::Api;
use crate::support::post::{Port, Post};
use crate::support::receiver::Receiver;
use crate::support::server::shared;
use crate::support::until;
use crate::support::visitor::Visitor;
use crate::support::{Database, both_databases};
use crate::workers::Parts;

/// The codes of an answer's soft errors.
fn codes(answer: &Value) -> Vec<&str> {
    let list = answer["error_list"].as_array().unwrap().iter();
    list.map(|error| error["code"].as_str().unwrap()).collect()
}

pub(super) fn last_error(channel: &Value) -> &str {
    channel["last_error"].as_str().unwrap_or_default()
}

/// Makes a check fail that tells this channel alone: the notification, once it is settled.
pub(super) async fn failure(api: &Api, channel: &Value) -> Value {
    let name = crate::support::random_name("job ");
    let check = api.check(&name, json!({"channels": [channel["channel_id"]]})).await;
    api.ping(&check, "/fail").await.says(200, "OK");
    until("a settled notification", async || {
        let row = api.notifications(&check).await.pop()?;
        (row["state"] != "pending").then_some(row)
    })
    .await
}

async fn set(api: &Api, channel: &Value, change: Value) -> Value {
    api.put(&api.path(&format!("/channel/{}", channel["channel_id"])), &change).await.ok()
}

both_databases! {
    async fn nobody_is_told_before_they_agree_and_everything_after(database) {
        let Some(post) = Post::shared().await else { return };
        let server = server(database, post, Port::Starttls).await;
        let api = server.owner().await;
        let to = someone();
        let channel = mail_channel(&api, &to).await;
        assert_eq!((codes(&channel), &channel["disabled"]), (vec!["UNCONFIRMED"], &json!(0)));
        let waits = format!("waits for confirmation: a mail with a link was sent to {to}");
        assert!(last_error(&channel).starts_with(&waits), "{channel}");
        let question = post.wait_for(&to, 1).await.remove(0);
        assert_eq!(question.header("subject"), "Please confirm this address for the alerts of Tests");
        assert_eq!((question.header("list-unsubscribe"), question.header("auto-submitted")), ("", "auto-generated"));

        // Until then every alert says why it is not sent; once the question has gone, too.
        let row = failure(&api, &channel).await;
        assert_eq!((&row["state"], &row["sent_at"]), (&json!("failed"), &Value::Null));
        assert!(last_error(&row).starts_with(&waits), "{row}");

        // A program that looks at the links agrees to nothing; nor does a link that was changed.
        let mut visitor = Visitor::at(&server);
        let path = question.link("/mail/confirm/");
        for _ in 0..2 {
            let page = visitor.get(&path).await;
            assert!(page.status == 200 && page.text().contains("<button") && page.text().contains(&to));
            assert_eq!((page.header("cache-control"), page.header("referrer-policy")), ("no-store", "same-origin"));
        }
        for wrong in [format!("{path}x"), path.replace("/confirm/", "/unsubscribe/"), "/mail/confirm/x".to_owned()] {
            assert_eq!(visitor.get(&wrong).await.status, 404);
            assert_eq!(visitor.submit(&wrong, &[]).await.status, 404);
        }
        assert!(last_error(&channel_now(&api, &channel).await).starts_with(&waits));

        agree(&server, &question).await;
        assert_eq!(channel_now(&api, &channel).await["last_error"], Value::Null);
        agree(&server, &question).await;
        let page = visitor.get(&path).await;
        assert!(!page.text().split("</main>").next().unwrap().contains("<button"));
        assert_eq!(failure(&api, &channel).await["state"], "sent");
        post.wait_for(&to, 2).await;

        // What is confirmed in a project is so for all its channels, and in no other project.
        let second = mail_channel(&api, &to.replace("example.net", "EXAMPLE.net")).await;
        assert_eq!((codes(&second), &second["last_error"]), (vec![], &Value::Null));
        let test = api.path(&format!("/channel/{}/test", second["channel_id"]));
        assert_eq!(codes(&api.post(&test, &json!({})).await.ok()), Vec::<&str>::new());
        post.wait_for(&to, 3).await;
        assert_eq!(codes(&mail_channel(&server.owner().await, &to).await), ["UNCONFIRMED"]);

        // Another address has to be confirmed for itself; with the old one all is as it was.
        let other = someone();
        let changed = set(&api, &channel, json!({"config": {"email": other}})).await;
        assert_eq!(codes(&changed), ["UNCONFIRMED"]);
        post.wait_for(&other, 1).await;
        assert_eq!(visitor.get(&path).await.status, 404, "the channel sends elsewhere now");
        let back = set(&api, &channel, json!({"config": {"email": to}, "disabled": 0})).await;
        assert_eq!((codes(&back), &back["last_error"]), (vec![], &Value::Null));
        assert_eq!(failure(&api, &channel).await["state"], "sent");
    }

    async fn a_recipient_ends_it_with_one_click_and_the_project_is_told(database) {
        let Some(post) = Post::shared().await else { return };
        let server = server(database, post, Port::Plain).await;
        let api = server.owner().await;
        let (to, receiver) = (someone(), Receiver::start().await);
        let channel = mail_channel(&api, &to).await;
        agree(&server, &post.wait_for(&to, 1).await[0]).await;
        let hook = json!({"kind": "webhook", "config": {"url_down": receiver.url("/")}});
        api.post(&api.path("/channel"), &hook).await.ok();
        assert_eq!(failure(&api, &channel).await["state"], "sent");
        let alert = post.wait_for(&to, 2).await.remove(1);
        assert_eq!(alert.header("list-unsubscribe-post"), "List-Unsubscribe=One-Click");
        let path = alert.link("/mail/unsubscribe/");
        assert_eq!(alert.header("list-unsubscribe"), format!("<http://localhost:8000{path}>"));
        assert!(alert.html.contains(&path));

        let mut visitor = Visitor::at(&server);
        assert!(visitor.get(&path).await.text().contains("<button"));
        assert_eq!(channel_now(&api, &channel).await["disabled"], 0);
        // As RFC 8058 has mail programs do it: no cookie, no page before, no origin.
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let body = "List-Unsubscribe=One-Click".to_owned();
        let page = visitor.send(reqwest::Method::POST, &path, &form, body).await;
        assert!(page.status == 200 && page.text().contains("Unsubscribed"), "{}", page.text());
        let now = channel_now(&api, &channel).await;
        assert_eq!((&now["disabled"], last_error(&now)), (&json!(1), "unsubscribed by its recipient"));
        let told: Value = serde_json::from_slice(&receiver.wait_for(1).await[0].body).unwrap();
        assert_eq!((&told["event"], &told["reason"]), (&json!("channel_disabled"), &json!("channel_disabled")));
        assert!(told["text"].as_str().unwrap().contains("unsubscribed by its recipient"), "{told}");
        assert!(visitor.get(&path).await.text().contains("Unsubscribed"));

        // Who enables it again asks anew.
        let enabled = set(&api, &channel, json!({"disabled": 0})).await;
        assert_eq!(codes(&enabled), ["UNCONFIRMED"]);
        assert_eq!(failure(&api, &channel).await["state"], "failed");
        assert_eq!(receiver.got().len(), 1);
    }

    async fn a_mailbox_that_is_not_there_ends_the_channel(database) {
        let Some(post) = Post::shared().await else { return };
        let server = server(database, post, Port::Plain).await;
        let api = server.owner().await;
        let receiver = Receiver::start().await;
        let hook = json!({"kind": "webhook", "config": {"url_down": receiver.url("/")}});
        api.post(&api.path("/channel"), &hook).await.ok();
        let channel = mail_channel(&api, "nobody@example.net").await;
        let told: Value = serde_json::from_slice(&receiver.wait_for(1).await[0].body).unwrap();
        assert_eq!((&told["event"], &told["check_name"]), (&json!("channel_disabled"), &json!("email")));
        let now = channel_now(&api, &channel).await;
        assert_eq!(now["disabled"], 1);
        assert!(last_error(&now).contains("550 5.1.1 Unknown user"), "{now}");
    }

    async fn without_a_mail_server_the_channel_says_what_is_missing(database) {
        let api = shared(database).await;
        let missing = "no mail can be sent: mail.host is not set on this server";
        let channel = mail_channel(&api, "ops@example.net").await;
        assert_eq!(last_error(&channel), missing);
        let test = api.path(&format!("/channel/{}/test", channel["channel_id"]));
        let answer = api.post(&test, &json!({})).await.ok();
        assert_eq!(codes(&answer), ["UNCONFIRMED", "DELIVERY_FAILED"]);
        assert_eq!(answer["error_list"][1]["message"], missing);
        assert_eq!(last_error(&channel_now(&api, &channel).await), missing);
        for bad in [json!("ops"), json!("ops@"), json!("a b@example.net"), json!("o@x\r\nBcc: b@x"), json!(1)] {
            let body = json!({"kind": "email", "config": {"email": bad}});
            let message = api.post(&api.path("/channel"), &body).await.fatal(400);
            assert!(message.starts_with("config.email: must "), "{message}");
        }
        let threshold = &channel["group_threshold"];
        assert_eq!(threshold, 10);
    }

    async fn an_import_asks_too(database) {
        let Some(post) = Post::shared().await else { return };
        let server = server(database, post, Port::Plain).await;
        let api = server.owner().await;
        let to = someone();
        let file = format!("[[channels]]\nchannel_name = \"mail\"\nkind = \"email\"\nconfig = {{ email = \"{to}\" }}\n");
        let cookie = format!("api_access_token={}", api.token);
        let headers = [("cookie", cookie.as_str()), ("content-type", "application/toml")];
        let answer = api.send("POST", &api.path("/import"), &headers, file).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        agree(&server, &post.wait_for(&to, 1).await[0]).await;
        let channel = &api.list(&api.path("/channel-list")).await[0];
        assert_eq!(failure(&api, channel).await["state"], "sent");
    }
}

/// The parts of a server whose configuration names a mail server.
async fn parts_with_mail(database: Database) -> Parts {
    let name = |config: &mut Config| {
        config.mail.host = Some("localhost".to_owned());
        config.mail.from = Some("overdue@example.org".to_owned());
    };
    Parts::with(database, name).await
}

/// An email channel on the parts of a server, which sends nothing.
async fn quiet_channel(parts: &Parts, project_id: i64, address: &str) -> ChannelRow {
    let config = new_config(Kind::Email, &json!({"email": address})).unwrap();
    create(&parts.ctx, project_id, Kind::Email, &config, &Change::default()).await.unwrap()
}

/// The notifications of a project of this event.
async fn outbox(parts: &Parts, project_id: i64, event: Event) -> Vec<NotificationRow> {
    let mut conn = parts.ctx.store.read().await.unwrap();
    let (rows, _) = notifications::list(&mut conn, Of::Project(project_id), 0, 100).await.unwrap();
    rows.into_iter().filter(|row| row.event == event).collect()
}

async fn project_row(parts: &Parts, project_id: i64) -> ProjectRow {
    let mut conn = parts.ctx.store.read().await.unwrap();
    // The parts have one user.
    projects::find_for(&mut conn, 1, project_id).await.unwrap().unwrap()
}

async fn channel_row(parts: &Parts, channel_id: i64) -> ChannelRow {
    let mut conn = parts.ctx.store.read().await.unwrap();
    channels::find_many(&mut conn, &[channel_id]).await.unwrap().remove(0)
}

both_databases! {
    async fn nobody_is_flooded_with_questions(database) {
        let parts = parts_with_mail(database).await;
        let project_id = parts.project().await;
        let project = project_row(&parts, project_id).await;
        let outbound = Outbound::new(Settings::default()).unwrap();
        let channel = quiet_channel(&parts, project_id, "ops@example.net").await;
        let asked = async || outbox(&parts, project_id, Event::Confirm).await.len();
        let ask = async |channel: &ChannelRow| {
            let id = channel.channel_id;
            let (row, _) = test(&parts.ctx, &outbound, &project, id, chrono_tz::UTC).await.unwrap();
            row.last_error.unwrap()
        };
        assert_eq!(asked().await, 1);
        assert!(ask(&channel).await.contains("was asked by mail only just"));
        assert_eq!(asked().await, 1);
        for times in 2..=5 {
            parts.pass(BOUNDS.pause);
            assert!(ask(&channel).await.contains("a mail with a link was sent to ops@example.net"));
            assert_eq!(asked().await, times);
        }
        // Neither another test nor another channel asks once more, be the old one deleted or not.
        parts.pass(BOUNDS.pause);
        assert!(ask(&channel).await.contains("5 times within a day"));
        overdue::service::channels::delete(&parts.ctx, project_id, channel.channel_id).await.unwrap();
        for capitals in ["Ops@example.net", "oPS@example.net"] {
            let channel = quiet_channel(&parts, project_id, capitals).await;
            assert!(channel.last_error.as_ref().unwrap().contains("5 times within a day"));
        }
        let channel = quiet_channel(&parts, project_id, "ops@EXAMPLE.net").await;
        assert!(channel.last_error.as_ref().unwrap().contains("5 times within a day"));
        assert_eq!(asked().await, 0);
        quiet_channel(&parts, project_id, "dev@example.net").await;
        assert_eq!(asked().await, 1, "others may be asked");
        parts.pass(86_400);
        ask(&channel).await;
        assert_eq!(asked().await, 2);
    }

    async fn a_project_asks_so_many_in_a_day_and_no_more(database) {
        let parts = parts_with_mail(database).await;
        let project_id = parts.project().await;
        for n in 0..PROJECT_BOUNDS.most {
            let row = quiet_channel(&parts, project_id, &format!("u{n}@example.net")).await;
            assert!(row.last_error.unwrap().contains("a mail with a link was sent"), "{n}");
        }
        let over = quiet_channel(&parts, project_id, "more@example.net").await;
        assert!(over.last_error.unwrap().contains("this project asked 50 times within a day"));
        let most = usize::try_from(PROJECT_BOUNDS.most).unwrap();
        assert_eq!(outbox(&parts, project_id, Event::Confirm).await.len(), most);
        let other = quiet_channel(&parts, parts.project().await, "more@example.net").await;
        assert!(other.last_error.unwrap().contains("a mail with a link was sent"));
        parts.pass(86_400);
        let later = quiet_channel(&parts, project_id, "later@example.net").await;
        assert!(later.last_error.unwrap().contains("a mail with a link was sent"));
    }

    async fn a_mail_that_comes_back_ends_its_channel_and_the_project_is_told(database) {
        let parts = Parts::new(database).await;
        let project_id = parts.project().await;
        let channel = quiet_channel(&parts, project_id, "ops@example.net").await;
        let other = quiet_channel(&parts, project_id, "dev@example.net").await;
        let address = Address::parse("ops@example.net").unwrap();
        let token = |purpose| link::issue(&parts.ctx.keys, purpose, &channel.uuid, &address);
        let bounced = async |token: &str| {
            recipients::bounced(&parts.ctx, token, "550 5.1.1\r\nno such user").await.unwrap()
        };
        let elsewhere = link::issue(
            &parts.ctx.keys, Purpose::Bounce, &channel.uuid, &Address::parse("x@example.net").unwrap(),
        );
        for wrong in ["", "x", &token(Purpose::Unsubscribe), &elsewhere] {
            assert!(!bounced(wrong).await, "{wrong}");
        }
        assert_eq!(channel_row(&parts, channel.channel_id).await.disabled.0, 0);
        // A mailer on the way may have changed the case.
        for _ in 0..2 {
            assert!(bounced(&token(Purpose::Bounce).to_uppercase()).await);
        }
        let row = channel_row(&parts, channel.channel_id).await;
        let error = "mail to ops@example.net came back: 550 5.1.1  no such user";
        assert_eq!((row.disabled.0, row.last_error.as_deref()), (1, Some(error)));
        let told = outbox(&parts, project_id, Event::ChannelDisabled).await;
        assert_eq!(told.len(), 1, "once");
        assert_eq!((told[0].channel_id, told[0].detail.as_deref()), (
            other.channel_id, Some(format!("email\n{error}").as_str()),
        ));
    }

    async fn who_unsubscribes_is_told_nothing_more_by_any_channel_of_the_project(database) {
        let parts = Parts::new(database).await;
        let (project_id, other_project) = (parts.project().await, parts.project().await);
        let first = quiet_channel(&parts, project_id, "ops@example.net").await;
        let token = |row: &ChannelRow, purpose| {
            let address = Address::parse("ops@example.net").unwrap();
            link::issue(&parts.ctx.keys, purpose, &row.uuid, &address)
        };
        let confirm = async |row: &ChannelRow| {
            recipients::confirm(&parts.ctx, &token(row, Purpose::Confirm)).await.unwrap().unwrap()
        };
        assert!(confirm(&first).await.is_confirmed);
        let second = quiet_channel(&parts, project_id, "ops@EXAMPLE.net").await;
        let moved = quiet_channel(&parts, project_id, "ops@example.net").await;
        let dev = quiet_channel(&parts, project_id, "dev@example.net").await;
        let elsewhere = quiet_channel(&parts, other_project, "ops@example.net").await;
        confirm(&elsewhere).await;
        let change = async |row: &ChannelRow, address: Option<&str>| {
            let config = address.map(|address| json!({"email": address}));
            let change = Change { config, disabled: Some(false), ..Change::default() };
            update(&parts.ctx, project_id, row.channel_id, &change).await.unwrap()
        };
        change(&moved, Some("dev@example.net")).await;
        let state = async |row: &ChannelRow| {
            let row = channel_row(&parts, row.channel_id).await;
            (row.disabled.0, row.confirmed_address)
        };
        let confirmed = Some("ops@example.net".to_owned());
        for row in [&first, &second, &moved, &elsewhere] {
            assert_eq!(state(row).await, (0, confirmed.clone()));
        }

        let end = token(&second, Purpose::Unsubscribe);
        let ended = recipients::unsubscribe(&parts.ctx, &end).await.unwrap().unwrap();
        assert!(ended.is_disabled && !ended.is_confirmed);
        for row in [&first, &second] {
            assert_eq!(state(row).await, (1, None));
        }
        for row in [&moved, &dev] {
            assert_eq!(state(row).await, (0, None));
        }
        assert_eq!(state(&elsewhere).await, (0, confirmed), "another project's is another matter");
        // No way back leads past its recipient.
        for (row, address) in [(&first, None), (&second, None), (&moved, Some("ops@example.net"))] {
            change(row, address).await;
            assert_eq!(state(row).await, (0, None));
        }
        assert_eq!(quiet_channel(&parts, project_id, "ops@example.net").await.confirmed_address, None);
    }

    async fn the_janitor_forgets_who_was_asked(database) {
        let parts = Parts::new(database).await;
        let project_id = parts.project().await;
        quiet_channel(&parts, project_id, "ops@example.net").await;
        let counted = async || {
            let mut tx = parts.ctx.store.begin().await.unwrap();
            let counts = overdue::store::confirmations::count_mail(
                &mut tx, Asked::Mailbox("ops@example.net"), BOUNDS, parts.ctx.now(),
            );
            counts.await.unwrap()
        };
        let (_stop, stopped) = tokio::sync::watch::channel(false);
        overdue::janitor::round(&parts.ctx, &stopped).await.unwrap();
        assert!(!counted().await, "it was only just");
        parts.ctx.clock.advance(Duration::from_secs(86_401));
        overdue::janitor::round(&parts.ctx, &stopped).await.unwrap();
        assert!(counted().await);
    }
}
