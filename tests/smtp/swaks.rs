//! Mail sent by a real client, swaks.

use std::process::{Command, Stdio};

use serde_json::json;

use super::{MailServer, address_of, shared};
use crate::support::{Database, both_databases, pass_over};

/// Whether swaks is here; where it is not, that is said, and under `./test`, which installs it, it
/// is an error.
fn is_here() -> bool {
    let mut command = Command::new("swaks");
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    let is_here = command.status().is_ok_and(|status| status.success());
    if !is_here {
        pass_over("swaks does not run here: no mail is sent by it; run ./test");
    }
    is_here
}

/// Sends a mail; what was said, and the exit code.
async fn send(server: &MailServer, to: &str, more: &[&str]) -> (String, i32) {
    let port = server.address().port().to_string();
    let mut command = tokio::process::Command::new("swaks");
    command.args(["--server", "127.0.0.1", "--port", &port, "--to", to]);
    command.args(["--from", "job@example.org", "--ehlo", "client.example.org"]).args(more);
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    (format!("{said}{errors}"), output.status.code().unwrap())
}

both_databases! {
    async fn a_real_client_pings_in_the_clear_under_tls_and_all_at_once(database) {
        if !is_here() {
            return;
        }
        let (server, api) = shared(database).await;
        let check = api.check("swaks", json!({"filter_subject": 1, "failure_kw": "FAILED"})).await;
        let subject = "Subject: =?utf-8?B?RkFJTEVE?= \u{1f4a5}";
        for more in [
            &["--header", subject, "--body", "caf\u{e9}\n.\n..\nend"][..],
            &["--tls", "--header", subject],
            &["--pipeline", "--tls", "--header", subject],
        ] {
            let (said, code) = send(server, &address_of(&check, ""), more).await;
            assert_eq!(code, 0, "{said}");
            assert!(said.contains("250 2.0.0 OK: stored"), "{said}");
            assert_eq!(said.contains("TLS started"), more.contains(&"--tls"), "{said}");
        }
        assert_eq!(api.kinds(&check).await, ["fail", "fail", "fail"]);
        let body = String::from_utf8(api.body(&check, 1).await.body.to_vec()).unwrap();
        assert!(body.contains(subject), "{body}");
        assert!(body.contains("\r\n\r\ncaf\u{e9}\r\n.\r\n..\r\nend\r\n"), "{body}");
    }
}

#[tokio::test]
async fn a_real_client_hears_that_an_address_is_not_ours() {
    if !is_here() {
        return;
    }
    let (server, _) = shared(Database::Sqlite).await;
    let (said, code) = send(server, "someone@example.com", &[]).await;
    assert_eq!(code, 24, "swaks' word for no recipient taken: {said}");
    assert!(said.contains("550 5.1.1 no such address here, and nothing is sent on"), "{said}");
}
