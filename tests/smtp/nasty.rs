//! What no decent mail client sends.

use serde_json::json;

use super::{Client, address_of, shared};
use crate::support::{Database, both_databases};

both_databases! {
    async fn no_second_mail_can_be_smuggled_in_behind_a_false_end(database) {
        let (server, api) = shared(database).await;
        let (check, other) = (api.check("smuggled", json!({})).await, api.check("other", json!({})).await);
        let (to, second) = (address_of(&check, ""), address_of(&other, ""));
        let smuggled = format!("MAIL FROM:<x@y.z>\r\nRCPT TO:<{second}>\r\nDATA\r\n\r\n.\r\n");
        for end in [
            "\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\r\n\r.\r\n", "\n\n.\r\n",
        ] {
            let mut client = server.client().await;
            client.begin(&[&to]).await;
            client.send(format!("Subject: x\r\n\r\nhello{end}{smuggled}")).await;
            let said = client.rest().await;
            assert!(said.starts_with("550 5.6.0"), "{end:?}: {said}");
            assert_eq!(said.lines().count(), 1, "{end:?}: {said}");
        }
        assert_eq!(api.read(&check).await["n_pings"], 0);
        assert_eq!(api.read(&other).await["n_pings"], 0);
    }

    async fn a_mail_that_breaks_off_is_no_ping(database) {
        let (server, api) = shared(database).await;
        let check = api.check("broken off", json!({})).await;
        for tail in ["", "hello\r\n", "hello\r\n.", "hello\r\n.\r"] {
            let mut client = server.client().await;
            client.begin(&[&address_of(&check, "")]).await;
            client.send(tail).await;
            drop(client);
        }
        let mut client = server.client().await;
        assert!(client.mail(&[&address_of(&check, "")], "\r\n").await.starts_with("250"));
        assert_eq!(api.read(&check).await["n_pings"], 1);
    }
}

#[tokio::test]
async fn a_command_whose_line_does_not_end_as_it_should_ends_the_connection() {
    let (server, _) = shared(Database::Sqlite).await;
    for line in ["NOOP\n", "NO\rOP\r\n", "NOOP\r\r\n", "NOOP\n\r\n"] {
        let mut client = server.client().await;
        client.send(format!("{line}QUIT\r\n")).await;
        let said = client.rest().await;
        assert!(said.starts_with("500 5.5.2") && said.lines().count() == 1, "{line:?}: {said}");
    }
}

#[tokio::test]
async fn a_command_that_is_too_long_or_no_text_is_refused_and_the_next_one_is_heard() {
    let (server, _) = shared(Database::Sqlite).await;
    let mut client = server.client().await;
    for command in ["NOOP \u{7f}", "NOOP \0", "NOOP \u{1b}[2J"] {
        client.says(command, "500 5.5.2").await;
    }
    client.send(b"NOOP \xff\r\n").await;
    assert!(client.reply().await.starts_with("500"));
    client.says(&format!("NOOP {}", "a".repeat(2_000)), "250").await;
    client.says(&format!("NOOP {}", "a".repeat(50_000)), "500 5.5.2 the command is too long").await;
    client.says("NOOP", "250").await;
    // Without an end nobody listens for long.
    client.send("a".repeat(200_000)).await;
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_browser_that_is_made_to_speak_gets_nowhere() {
    let (server, _) = shared(Database::Sqlite).await;
    let (mut client, _) = Client::open(server.address()).await;
    let headers = "x: y\r\n".repeat(30);
    client.send(format!("POST / HTTP/1.1\r\n{headers}\r\nEHLO me\r\nNOOP\r\n")).await;
    let said = client.rest().await;
    assert!(said.contains("421 4.7.0 too many mistakes") && !said.contains("250"), "{said}");
}

#[tokio::test]
async fn so_many_recipients_are_taken_for_a_message_and_no_more() {
    let (server, api) = shared(Database::Sqlite).await;
    let mut checks = Vec::new();
    for n in 0..26 {
        checks.push(api.check(&format!("r{n}"), json!({})).await);
    }
    let mut client = server.client().await;
    client.says("MAIL FROM:<a@b.c>", "250").await;
    for n in 0..101 {
        let expected = if n < 100 { "250" } else { "452 4.5.3" };
        let address = address_of(&checks[n / 4], ["", "+start", "+log", "+fail"][n % 4]);
        client.says(&format!("RCPT TO:<{address}>"), expected).await;
    }
    client.says("DATA", "354").await;
    client.send("\r\n").await;
    client.says(".", "250").await;
}
