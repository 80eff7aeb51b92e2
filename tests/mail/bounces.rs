//! Mail that comes back: what a mail server took and could not deliver ends the channel, and nothing
//! else that is sent to the address for such reports does.

use serde_json::{Value, json};

use super::consent::{failure, last_error};
use super::{agree, channel_now, mail_channel, server_with, someone};
use crate::smtp::Client;
use crate::support::api::Api;
use crate::support::post::{Port, Post};
use crate::support::receiver::Receiver;
use crate::support::server::TestServer;
use crate::support::{Database, both_databases, random_name};

/// A server that sends mail and takes what comes back, and a project of two channels on it: one that
/// sends mail to a recipient who has agreed, and a webhook.
struct Returns {
    server: TestServer,
    api: Api,
    channel: Value,
    to: String,
    receiver: Receiver,
}

impl Returns {
    async fn new(database: Database, post: &Post) -> Self {
        let domain = random_name("returns-") + ".test";
        let mut settings = post.settings(Port::Plain);
        settings.push(("OVERDUE_SMTP__LISTEN", "127.0.0.1:0".to_owned()));
        settings.push(("OVERDUE_SMTP__DOMAIN", domain.clone()));
        let server = server_with(database, &settings).await;
        post.send_on(&domain, server.addresses("smtp")[0].port());
        let api = server.owner().await;
        let (to, receiver) = (someone(), Receiver::start().await);
        let channel = mail_channel(&api, &to).await;
        agree(&server, &post.wait_for(&to, 1).await[0]).await;
        let hook = json!({"kind": "webhook", "config": {"url_down": receiver.url("/")}});
        api.post(&api.path("/channel"), &hook).await.ok();
        Self { server, api, channel, to, receiver }
    }

    /// The channel is off and says this, which the webhook was told.
    async fn is_over(&self, says: &[&str]) {
        let told: Value = serde_json::from_slice(&self.receiver.wait_for(1).await[0].body).unwrap();
        assert_eq!(
            (&told["event"], &told["check_name"]),
            (&json!("channel_disabled"), &json!("email"))
        );
        let now = channel_now(&self.api, &self.channel).await;
        assert_eq!(now["disabled"], 1);
        let error = last_error(&now);
        assert!(error.starts_with(&format!("mail to {} came back: ", self.to)), "{error}");
        assert!(says.iter().all(|words| error.contains(words)), "{error}");
        assert!(told["text"].as_str().unwrap().contains(error), "{told}");
    }
}

/// A delivery status notification (RFC 3464).
fn report(action: &str, status: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.example.net\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n\
         Auto-Submitted: auto-replied\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
         --b\r\n\r\nThis is what became of your mail.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mx.example.net\r\n\r\n\
         Final-Recipient: rfc822; ops@example.net\r\nAction: {action}\r\nStatus: {status}\r\n\
         Diagnostic-Code: smtp; 550 no such user\r\n--b--\r\n"
    )
}

/// Where the first alert to this recipient comes back to.
async fn bounce_address(post: &Post, to: &str) -> String {
    let alert = post.wait_for(to, 2).await.remove(1);
    alert.header("return-path").trim_matches(['<', '>']).to_owned()
}

/// The address with another character at this place.
fn changed(address: &str, place: usize) -> String {
    let other = if &address[place..=place] == "b" { "c" } else { "b" };
    format!("{}{other}{}", &address[..place], &address[place + 1..])
}

both_databases! {
    async fn mail_that_is_refused_further_on_comes_back_and_ends_the_channel(database) {
        let Some(post) = Post::shared().await else { return };
        let returns = Returns::new(database, post).await;
        post.lose(&returns.to);
        failure(&returns.api, &returns.channel).await;
        returns.is_over(&["550 5.1.6 The mailbox has moved"]).await;
        assert_eq!(post.got(&returns.to).len(), 1, "the question alone arrived");
        // Nothing more is sent there.
        let name = random_name("job ");
        let told = json!({"channels": [returns.channel["channel_id"]]});
        let check = returns.api.check(&name, told).await;
        returns.api.ping(&check, "/fail").await.says(200, "OK");
        assert!(returns.api.notifications(&check).await.is_empty());
    }

    async fn delays_answers_and_what_others_make_up_end_nothing(database) {
        let Some(post) = Post::shared().await else { return };
        let returns = Returns::new(database, post).await;
        assert_eq!(failure(&returns.api, &returns.channel).await["state"], "sent");
        let address = bounce_address(post, &returns.to).await;
        let token = "bounce+".len()..address.find('@').unwrap();
        let mut client = Client::greeted(returns.server.addresses("smtp")[0]).await;
        let away = "Subject: Re: job is down\r\nAuto-Submitted: auto-replied\r\n\r\n\
            I am away. Action: failed, Status: 5.1.1\r\n";
        let mut replies = Vec::new();
        for message in [report("delayed", "4.4.1"), report("failed", "4.2.2"), report("failed", "5.7.1"), report("failed", "5.2.2"), report("relayed", "2.0.0"), away.to_owned()] {
            replies.push(client.mail(&[&address], message).await);
        }
        // With a token that is not ours an address is like any that is not; and one mail comes back to
        // one address.
        client.says("MAIL FROM:<>", "250").await;
        for place in token {
            client.says(&format!("RCPT TO:<{}>", changed(&address, place)), "550 5.1.1").await;
            if place % 10 == 0 {
                // It was not refused too often.
                client = Client::greeted(returns.server.addresses("smtp")[0]).await;
                client.says("MAIL FROM:<>", "250").await;
            }
        }
        let to = someone();
        let other = mail_channel(&returns.api, &to).await;
        agree(&returns.server, &post.wait_for(&to, 1).await[0]).await;
        assert_eq!(failure(&returns.api, &other).await["state"], "sent");
        let second = bounce_address(post, &to).await;
        for (to, code) in [(&address, "250"), (&address, "250"), (&second, "452 4.5.3")] {
            client.says(&format!("RCPT TO:<{to}>"), code).await;
        }
        client.says("RSET", "250").await;
        let now = channel_now(&returns.api, &returns.channel).await;
        assert_eq!((&now["disabled"], &now["last_error"]), (&json!(0), &Value::Null));
        assert!(returns.receiver.got().is_empty());
        replies.push(client.mail(&[&address], report("failed", "5.1.1")).await);
        replies.dedup();
        assert_eq!(replies, ["250 2.0.0 OK: stored"]);
        returns.is_over(&["550 no such user"]).await;
    }
}
