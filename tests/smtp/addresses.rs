//! Whom mail is taken for, and that nobody else gets any.

use serde_json::json;

use super::{DOMAIN, MailServer, address_of, shared};
use crate::support::api::uuid_of;
use crate::support::server::TestServer;
use crate::support::{Database, both_databases, new_uuid};

both_databases! {
    async fn the_word_behind_the_plus_says_what_a_mail_means(database) {
        let (server, api) = shared(database).await;
        let check = api.check("words", json!({})).await;
        let mut client = server.client().await;
        for word in ["", "+start", "+log", "+fail", "+FAIL"] {
            let to = address_of(&check, word);
            assert!(client.mail(&[&to], "Subject: x\r\n\r\n").await.starts_with("250 2.0.0"), "{to}");
        }
        let shouted = format!("{}@{}", uuid_of(&check).to_uppercase(), DOMAIN.to_uppercase());
        client.mail(&[&shouted], "\r\n").await;
        let expected = ["success", "start", "log", "fail", "fail", "success"];
        assert_eq!(api.kinds(&check).await, expected);
        assert_eq!(api.read(&check).await["status"], "up");
        let runs = api.runs(&check).await;
        assert_eq!((runs.len(), &runs[0]["result"]), (1, &json!("fail")));
    }

    async fn a_check_is_named_by_ping_key_and_slug_too_whatever_the_case(database) {
        let (server, api) = shared(database).await;
        let check = api.check("Nightly Backup", json!({})).await;
        let mut client = server.client().await;
        let (key, lowered) = (&api.ping_key, api.ping_key.to_lowercase());
        for local in [
            format!("{key}+nightly-backup"),
            format!("{lowered}+nightly-backup+start"),
            format!("{lowered}+Nightly-Backup+fail"),
        ] {
            let reply = client.mail(&[&format!("{local}@{DOMAIN}")], "\r\n").await;
            assert!(reply.starts_with("250"), "{reply}");
        }
        assert_eq!(api.kinds(&check).await, ["success", "start", "fail"]);
    }

    async fn an_ambiguous_slug_and_an_unknown_check_are_refused_when_they_are_named(database) {
        let (server, api) = shared(database).await;
        for _ in 0..2 {
            api.check("twin", json!({})).await;
        }
        let gone = api.check("gone", json!({})).await;
        api.delete(&api.check_path(&gone, "")).await.ok();
        let mut client = server.client().await;
        client.says("MAIL FROM:<job@example.org>", "250").await;
        let key = &api.ping_key;
        let reply = client.say(&format!("RCPT TO:<{key}+twin@{DOMAIN}>")).await;
        assert_eq!(reply, "550 5.1.4 ambiguous slug: use the address with the UUID");
        for local in [
            uuid_of(&gone).to_owned(),
            new_uuid(),
            format!("{key}+nobody"),
            format!("AAAA{}+twin", &key[4..]),
            format!("{}+7", uuid_of(&gone)),
            "bounce+forged".to_owned(),
            format!("bounce+{}", "a".repeat(56)),
        ] {
            client.says(&format!("RCPT TO:<{local}@{DOMAIN}>"), "550 5.1.1").await;
        }
        client.says("DATA", "503").await;
    }

    async fn nothing_is_relayed(database) {
        let (server, api) = shared(database).await;
        let check = api.check("ours", json!({})).await;
        let uuid = uuid_of(&check);
        let mut client = server.client().await;
        client.says("MAIL FROM:<job@example.org>", "250").await;
        for address in [
            "someone@example.com".to_owned(),
            format!("postmaster@{DOMAIN}"),
            "postmaster".to_owned(),
            format!("{uuid}@example.com"),
            format!("{uuid}@sub.{DOMAIN}"),
            format!("{uuid}%example.com@{DOMAIN}"),
            format!("example.com!{uuid}@{DOMAIN}"),
            format!("someone@example.com@{DOMAIN}"),
            format!("\"{uuid}@example.com\"@{DOMAIN}"),
            uuid.to_owned(),
            String::new(),
        ] {
            let reply = client.say(&format!("RCPT TO:<{address}>")).await;
            assert!(reply.starts_with("550 5.1.1"), "{address}: {reply}");
        }
        client.says("VRFY someone@example.com", "252").await;
        client.says("EXPN list", "502").await;
        client.says("DATA", "503").await;
        // A route is passed over: the address at its end is ours.
        client.says(&format!("RCPT TO:<@example.com:{uuid}@{DOMAIN}>"), "250").await;
        assert_eq!(api.read(&check).await["n_pings"], 0);
    }

    async fn each_recipient_is_pinged_once_and_who_is_refused_harms_no_other(database) {
        let (server, api) = shared(database).await;
        let (one, two) = (api.check("one", json!({})).await, api.check("two", json!({})).await);
        let mut client = server.client().await;
        client.says("MAIL FROM:<job@example.org>", "250").await;
        let (first, second) = (address_of(&one, ""), address_of(&two, "+fail"));
        for (to, code) in [
            (&first, "250"), (&format!("nobody@{DOMAIN}"), "550"), (&second, "250"), (&first, "250"),
        ] {
            client.says(&format!("RCPT TO:<{to}>"), code).await;
        }
        client.says("DATA", "354").await;
        client.send("Subject: both\r\n\r\n").await;
        client.says(".", "250").await;
        assert_eq!(api.kinds(&one).await, ["success"]);
        assert_eq!(api.kinds(&two).await, ["fail"]);
    }
}

#[tokio::test]
async fn without_a_domain_any_is_ours_and_the_server_goes_by_the_name_of_the_site() {
    let settings = [("OVERDUE_SMTP__LISTEN", "127.0.0.1:0")];
    let server = TestServer::start(Database::Sqlite, &settings).await;
    let api = server.owner().await;
    let check = api.check("any", json!({})).await;
    let (mut client, greeting) = super::Client::open(server.addresses("smtp")[0]).await;
    assert_eq!(greeting, "220 localhost ESMTP Overdue");
    let can = client.says("EHLO me", "250").await;
    assert!(!can.contains("STARTTLS"), "there is no certificate: {can}");
    client.says("STARTTLS", "454").await;
    let reply = client.mail(&[&format!("{}@whatever.example", uuid_of(&check))], "\r\n").await;
    assert!(reply.starts_with("250"), "{reply}");
    client.says("MAIL FROM:<>", "250").await;
    client.says("RCPT TO:<someone@whatever.example>", "550").await;
}

#[tokio::test]
async fn a_port_that_is_taken_ends_the_start_and_the_setting_is_named() {
    let server = MailServer::start(Database::Sqlite, &[]).await;
    let taken = server.address().to_string();
    let settings = [("OVERDUE_SMTP__LISTEN", taken.as_str())];
    let other = TestServer::prepare(Database::Sqlite, &settings);
    let output = other.cli(&["serve"], "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains(&format!("smtp.listen: can't listen on {taken}")), "{said}");
}
