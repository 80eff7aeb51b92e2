//! How mail gets to the mail server: TLS or not, with a login or without, and what is said where it
//! does not.

use std::time::Duration;

use overdue::clock::Timestamp;
use overdue::config::{Mail as Settings, MailTls};
use overdue::mail::{Address, Letter, Mailer, Unsent};
use overdue::secret::Secret;
use serde_json::Value;
use tokio::net::TcpListener;

use super::{channel_now, mail_channel, server_with, someone};
use crate::support::post::{PASSWORD, Port, Post, USER};
use crate::support::server::TestServer;
use crate::support::{Database, until};

fn settings(post: &Post) -> Settings {
    Settings {
        host: Some("127.0.0.1".to_owned()),
        port: post.port(Port::Plain),
        tls: MailTls::None,
        from: Some("Überdue <overdue@example.org>".to_owned()),
        ..Settings::default()
    }
}

/// Sends a mail of this subject.
async fn send(mailer: &Mailer, to: &str, subject: &str) -> Result<(), Unsent> {
    let to = Address::parse(to).unwrap();
    let letter = Letter {
        id: "msg_1_2",
        to: &to,
        bounces_to: None,
        subject,
        text: "line\n.\n.line\n",
        html: "<p>line</p>",
        follows: None,
        unsubscribe: None,
        at: Timestamp(0),
    };
    mailer.send(&letter).await
}

fn later(sent: Result<(), Unsent>) -> String {
    match sent {
        Err(Unsent::Later(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written_and_the_next_goes_the_same_way() {
    let Some(post) = Post::shared().await else { return };
    let mailer = Mailer::new(settings(post));
    let (one, two) = (someone(), someone());
    send(&mailer, &one, "one").await.unwrap();
    send(&mailer, &two, "two").await.unwrap();
    let mail = &post.wait_for(&one, 1).await[0];
    assert_eq!(mail.text.replace("\r\n", "\n"), "line\n.\n.line\n");
    assert_eq!(
        (mail.header("subject"), mail.header("return-path")),
        ("one", "<overdue@example.org>")
    );
    let second = &post.wait_for(&two, 1).await[0];
    // Both came by one connection, whose port on our side is noted behind the address.
    let came_by = |line: String| {
        let address = line.split(' ').find(|part| part.starts_with("[127.0.0.1]:"));
        address.unwrap_or_else(|| panic!("{line}")).to_owned()
    };
    assert_eq!(came_by(post.arrival(&one).await), came_by(post.arrival(&two).await));
    assert_eq!(second.header("subject"), "two");
}

#[tokio::test]
async fn a_login_is_tried_where_there_is_a_name_and_a_wrong_one_is_told() {
    let Some(post) = Post::shared().await else { return };
    let member = someone().replace("example.net", "members.test");
    let why = later(send(&Mailer::new(settings(post)), &member, "x").await);
    assert!(why.contains("refused the recipient: 550 5.7.1 Authentication required"), "{why}");
    let login = |password: &str| {
        let (username, password) = (Some(USER.to_owned()), Some(Secret::new(password)));
        Mailer::new(Settings { username, password, ..settings(post) })
    };
    let why = later(send(&login("open sesame"), &member, "x").await);
    assert!(why.contains("the login failed: 535"), "{why}");
    assert!(!why.contains("sesame"), "{why}");
    assert!(post.got(&member).is_empty());
    send(&login(PASSWORD), &member, "x").await.unwrap();
    post.wait_for(&member, 1).await;
}

#[tokio::test]
async fn what_a_refusal_means_depends_on_what_was_refused() {
    let Some(post) = Post::shared().await else { return };
    let mailer = Mailer::new(settings(post));
    let gone = send(&mailer, "nobody@example.net", "x").await;
    let why = "the mail server refused the recipient: 550 5.1.1 Unknown user".to_owned();
    assert_eq!(gone, Err(Unsent::NoMailbox(why)));
    for (to, subject, says) in [
        ("full@example.net", "x", "the recipient: 552 5.2.2 Mailbox full"),
        ("relay@example.net", "x", "the recipient: 550 relay not permitted"),
        ("ops@example.net", "refused", "the mail: 554 5.7.1 We do not like this"),
    ] {
        let why = later(send(&mailer, to, subject).await);
        assert_eq!(why, format!("the mail server refused {says}"));
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_does_not_answer_is_told() {
    let nowhere = |port| Settings {
        host: Some("127.0.0.1".to_owned()),
        port,
        tls: MailTls::None,
        from: Some("overdue@example.org".to_owned()),
        ..Settings::default()
    };
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let mailer = Mailer::new(nowhere(port)).with_patience(Duration::from_millis(300));
    let why = later(send(&mailer, "ops@example.net", "x").await);
    assert_eq!(why, format!("the mail server 127.0.0.1:{port}: no answer within 0.3 s"));
    drop(socket);
    let why = later(send(&mailer, "ops@example.net", "x").await);
    assert!(why.starts_with(&format!("the mail server 127.0.0.1:{port}: ")), "{why}");
    assert!(why.to_lowercase().contains("refused"), "{why}");
}

/// What the last error of a channel comes to that holds this text.
async fn error_with(server: &TestServer, text: &str) -> Value {
    let api = server.owner().await;
    let channel = mail_channel(&api, &someone()).await;
    until(&format!("an error with {text}"), async || {
        let now = channel_now(&api, &channel).await;
        now["last_error"].as_str().unwrap().contains(text).then_some(now)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_from_the_first_byte_or_by_starttls_holds_with_an_authority_of_the_system() {
    let Some(post) = Post::shared().await else { return };
    for port in [Port::Tls, Port::Starttls] {
        // The address of the mail server is the configuration's own: the guard has no say.
        let mut settings = post.settings(port);
        settings.push(("OVERDUE_OUTBOUND__ALLOW_PRIVATE", "false".to_owned()));
        let server = server_with(Database::Sqlite, &settings).await;
        let api = server.owner().await;
        let member = someone().replace("example.net", "members.test");
        mail_channel(&api, &member).await;
        post.wait_for(&member, 1).await;
        let came = post.arrival(&member).await;
        assert!(came.contains(" X=TLS") && came.contains(" A=plain:overdue"), "{came}");
        assert!(!server.log().contains(PASSWORD));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_mail_and_no_password_goes_to_a_server_that_does_not_prove_itself() {
    let Some(post) = Post::shared().await else { return };
    // It offers no STARTTLS.
    let mut strict = post.settings(Port::Starttls);
    strict.push(("OVERDUE_MAIL__PORT", post.port(Port::Plain).to_string()));
    strict.push(("OVERDUE_LOG__LEVEL", "debug".to_owned()));
    // Nobody on this system vouches for it.
    let mut doubtful = post.settings(Port::Tls);
    doubtful.retain(|(name, _)| *name != "SSL_CERT_FILE");
    for (settings, text) in [(strict, "does not offer STARTTLS"), (doubtful, "certificate")] {
        let server = server_with(Database::Sqlite, &settings).await;
        let channel = error_with(&server, text).await;
        assert_eq!(channel["disabled"], 0);
        let log = server.log();
        assert!(log.contains("a notification was not taken") && !log.contains(PASSWORD), "{log}");
    }
}
