//! Another secret key: channels go on with their secrets, whatever the step at which the rotation is
//! interrupted.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::Output;

use serde_json::{Value, json};

use super::fail_points::SIGABRT;
use super::{assert_signed, channel, plain_hook};
use crate::jobs::Signer;
use crate::support::api::Api;
use crate::support::receiver::Receiver;
use crate::support::server::TestServer;
use crate::support::{Database, both_databases, until};

/// What is refused while a server runs, or did until just now.
const RUNS: &str = "a server runs on this database, or did until just now";

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs `rotate-key` with these arguments and settings, again and again while it takes the server for
/// running still: the first other outcome.
async fn rotate(server: &TestServer, more: &[(&str, &str)], arguments: &[&str]) -> Output {
    let arguments = [&["rotate-key"], arguments].concat();
    until("six seconds without a sign of life", async || {
        let output = server.cli_with(more, &arguments, "");
        (!said(&output).contains(RUNS)).then_some(output)
    })
    .await
}

/// What is in a file of the server's folder.
fn file(server: &TestServer, name: &str) -> String {
    fs::read_to_string(server.home().file(name)).unwrap()
}

/// Lets the channel send, and holds that it signs with this secret.
async fn assert_delivers(api: &Api, receiver: &Receiver, hook: &Value, secret: &str) {
    let before = receiver.got().len();
    let path = api.path(&format!("/channel/{}/test", hook["channel_id"]));
    api.post(&path, &json!({})).await.ok();
    assert_signed(&receiver.wait_for(before + 1).await[before], secret);
}

/// A server with a channel: its API, the channel, and its secret.
async fn with_channel(
    database: Database,
    settings: &[(&str, &str)],
    receiver: &Receiver,
) -> (TestServer, Api, Value, String) {
    let server = TestServer::start(database, settings).await;
    let api = server.owner().await;
    let hook = channel(&api, &plain_hook(&receiver.url("/"))).await;
    let secret = hook["config"]["secret"].as_str().unwrap().to_owned();
    (server, api, hook, secret)
}

/// The address of the first user.
fn first_user(server: &TestServer) -> String {
    let users: Value =
        serde_json::from_str(&server.cli_ok(&["user", "list", "--json"], "")).unwrap();
    users[0]["email"].as_str().unwrap().to_owned()
}

/// A token of the user who has one already, for after their first one ended.
fn another_token(server: &TestServer) -> String {
    let email = first_user(server);
    server.cli_ok(&["token", "create", "--user", &email, "--subject", "another"], "")
}

both_databases! {
    async fn after_a_rotation_everything_goes_on_but_tokens(database) {
        let receiver = Receiver::start().await;
        let (mut server, mut api, hook, secret) = with_channel(database, &[], &receiver).await;
        let signer = Signer::of(&server, &first_user(&server));
        let while_it_runs = server.cli(&["rotate-key"], "");
        assert!(!while_it_runs.status.success());
        assert!(said(&while_it_runs).contains(RUNS), "{}", said(&while_it_runs));
        server.stop().await;
        let old = file(&server, "overdue.key");
        let output = rotate(&server, &[], &["--json"]).await;
        assert!(output.status.success(), "{}", said(&output));
        assert!(said(&output).contains(": 1 API tokens (each shows"), "{}", said(&output));
        let done: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&done["rotated"], &done["channels"]), (&json!(1), &json!(1)));
        assert_eq!(done["unreadable_channels"], json!([]));

        let new = file(&server, "overdue.key");
        assert_ne!(new, old);
        let mut kept: Vec<_> = fs::read_dir(server.home().path()).unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("overdue.key")).collect();
        kept.sort();
        assert_eq!(kept.len(), 2, "{kept:?}");
        assert_eq!(file(&server, &kept[1]), old, "for copies made before");
        for name in &kept {
            let mode = fs::metadata(server.home().file(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }

        server.restart().await;
        assert_eq!(api.get(&api.path("")).await.status, 401, "the old token has ended");
        api.token = another_token(&server);
        let token_list = api.list("/user/token-list").await;
        let first = token_list.iter().find(|token| token["subject"] == "tests").unwrap();
        assert!(first["token_id"].is_i64(), "its row is there, to be shown anew: {first}");
        assert_delivers(&api, &receiver, &hook, &secret).await;
        signer.get("limit=10&page=1").await.ok();
        server.stop().await;

        fs::write(server.home().file("overdue.key"), &old).unwrap();
        let refused = server.cli(&["user", "list"], "");
        assert!(said(&refused).contains("is not the one of this database"), "{}", said(&refused));
    }

    async fn interrupted_at_any_step_it_can_be_run_again(database) {
        let receiver = Receiver::start().await;
        let (mut server, mut api, hook, secret) = with_channel(database, &[], &receiver).await;
        server.stop().await;
        for (step, opens) in [
            ("next_key_kept", true),
            ("rotation_written", true),
            ("rotation_committed", false),
            ("next_key_taken_over", true),
        ] {
            let old = file(&server, "overdue.key");
            let died = rotate(&server, &[("OVERDUE_TEST_DIE_AT", step)], &[]).await;
            assert_eq!(died.status.signal(), Some(SIGABRT), "{step}: {}", said(&died));
            // The right key is there, or the message says what to do.
            let opened = server.cli(&["user", "list"], "");
            assert_eq!(opened.status.success(), opens, "{step}: {}", said(&opened));
            if !opens {
                let why = said(&opened);
                assert!(why.contains("was interrupted") && why.contains("run it again"), "{why}");
            }
            let output = rotate(&server, &[], &["--json"]).await;
            assert!(output.status.success(), "{step}: {}", said(&output));
            let done: Value = serde_json::from_slice(&output.stdout).unwrap();
            let sealed_now = i32::from(opens);
            assert_eq!(done["channels"], sealed_now, "{step}");
            assert_ne!(file(&server, "overdue.key"), old, "{step}");
            assert!(!server.home().file("overdue.key.new").exists(), "{step}");
            server.cli_ok(&["user", "list"], "");
        }
        server.restart().await;
        api.token = another_token(&server);
        assert_delivers(&api, &receiver, &hook, &secret).await;
    }

    async fn a_configured_key_is_replaced_by_one_from_a_file(database) {
        let receiver = Receiver::start().await;
        let variable = "OVERDUE_SECURITY__SECRET_KEY";
        let (old, new) = ("the old key, forty characters of it.....", "the new key, forty characters of it.....");
        let (mut server, mut api, hook, secret) =
            with_channel(database, &[(variable, old)], &receiver).await;
        server.stop().await;
        let refused = server.cli(&["rotate-key"], "");
        assert!(said(&refused).contains("--new-key-file: needs a file with the new key"), "{}", said(&refused));
        let short = server.cli(&["rotate-key", "--new-key-file", "-"], "short\n");
        assert!(said(&short).contains("--new-key-file: must hold at least 32 characters"), "{}", said(&short));

        fs::write(server.home().file("next"), format!("{new}\n")).unwrap();
        let output = rotate(&server, &[], &["--new-key-file", "next"]).await;
        assert!(output.status.success(), "{}", said(&output));
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(told.contains("now set security.secret_key (OVERDUE_SECURITY__SECRET_KEY)"), "{told}");
        assert!(!told.contains(new) && !said(&server.cli(&["user", "list"], "")).contains(new));
        let again = server.cli_ok(&["rotate-key", "--new-key-file", "next"], "");
        assert!(again.contains("under this key already"), "{again}");
        let refused = server.cli(&["user", "list"], "");
        assert!(said(&refused).starts_with("overdue: security.secret_key: differs"), "{}", said(&refused));

        server.restart_with(&[(variable, new)]).await;
        let users = server.cli_with(&[(variable, new)], &["user", "list", "--json"], "");
        let users: Value = serde_json::from_slice(&users.stdout).unwrap();
        let email = users[0]["email"].as_str().unwrap();
        let create = ["token", "create", "--user", email, "--subject", "another"];
        let token = server.cli_with(&[(variable, new)], &create, "");
        String::from_utf8(token.stdout).unwrap().trim().clone_into(&mut api.token);
        assert_delivers(&api, &receiver, &hook, &secret).await;
    }

    async fn a_server_that_was_held_up_meanwhile_ends_when_it_goes_on(database) {
        let mut server = TestServer::start(database, &[]).await;
        server.signal("STOP");
        let output = rotate(&server, &[], &[]).await;
        assert!(output.status.success(), "{}", said(&output));
        server.signal("CONT");
        assert!(!server.death().await.success());
        assert!(server.log().contains("the database is under another key by now"), "{}", server.log());
        server.restart().await;
    }
}

#[test]
fn without_a_database_or_a_key_there_is_nothing_to_rotate() {
    let server = TestServer::prepare(Database::Sqlite, &[]);
    let refused = said(&server.cli(&["rotate-key"], ""));
    assert!(refused.contains("there is no database"), "{refused}");
    server.cli_ok(&["migrate"], "");
    let refused = said(&server.cli(&["rotate-key"], ""));
    assert!(refused.contains("this database has not been opened by a server yet"), "{refused}");
    server.cli_ok(&["user", "create", "a@b.c", "--password-stdin"], "correct horse battery\n");
    fs::rename(server.home().file("overdue.key"), server.home().file("away")).unwrap();
    let refused = said(&server.cli(&["rotate-key"], ""));
    assert!(
        refused.contains("there is no ") && refused.contains("run this where the key is"),
        "{refused}"
    );
}
