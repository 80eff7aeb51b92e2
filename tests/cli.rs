//! What an operator does with the command line, beside the running server and without it, and what
//! the server tells whoever looks after it.

use std::process::Output;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::api::Api;
use crate::support::server::{PASSWORD, TestServer, http_client};
use crate::support::{Database, both_databases};

/// The one line in which a command that failed says why.
#[track_caller]
fn failure(output: &Output) -> String {
    let errors = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!((output.status.code(), errors.lines().count()), (Some(1), 1), "{errors}");
    assert!(output.stdout.is_empty(), "{:?}", output.stdout);
    errors.strip_prefix("overdue: ").expect("it says who speaks").trim().to_owned()
}

#[track_caller]
fn json_of(server: &TestServer, arguments: &[&str], stdin: &str) -> Value {
    let output = server.cli_ok(&[arguments, &["--json"]].concat(), stdin);
    serde_json::from_str(&output).unwrap_or_else(|error| panic!("{error} in {output}"))
}

fn new_user(server: &TestServer, email: &str) {
    let arguments = ["user", "create", email, "--password-stdin"];
    server.cli_ok(&arguments, &format!("{PASSWORD}\n"));
}

async fn get(server: &TestServer, path: &str, bearer: Option<&str>) -> Answer {
    let mut request = http_client().request(Method::GET, format!("{}{path}", server.base()));
    if let Some(token) = bearer {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    Answer::read(request.send().await.unwrap()).await.unwrap()
}

both_databases! {
    async fn users_are_made_listed_and_given_passwords_beside_the_server(database) {
        let server = TestServer::start(database, &[]).await;
        assert_eq!(server.cli_ok(&["user", "list"], ""), "there is no user yet");
        let create = ["user", "create", "Ops@Example.org", "--admin", "--password-stdin"];
        let made = json_of(&server, &create, &format!("{PASSWORD}\n"));
        assert_eq!((&made["email"], &made["is_admin"]), (&json!("ops@example.org"), &json!(1)));
        new_user(&server, "second@example.org");
        let list = json_of(&server, &["user", "list"], "");
        let flags: Vec<&Value> = list.as_array().unwrap().iter().map(|u| &u["is_admin"]).collect();
        assert_eq!(flags, [1, 0]);
        assert_eq!(server.cli_ok(&["user", "list"], "").lines().count(), 2);
        let passwd = ["user", "passwd", "second@example.org", "--password-stdin"];
        server.cli_ok(&passwd, "another long password\n");

        let again = server.cli(&create, &format!("{PASSWORD}\n"));
        assert!(failure(&again).contains("ops@example.org has an account already"));
        let short = server.cli(&passwd, "short\n");
        assert_eq!(failure(&short), "password: must have at least 10 characters");
        let nobody = server.cli(&["user", "passwd", "x@example.org", "--password-stdin"], "long enough\n");
        assert_eq!(failure(&nobody), "email: no account has the address x@example.org");
    }

    async fn a_password_is_never_taken_from_nowhere(database) {
        let server = TestServer::prepare(database, &[]);
        let create = ["user", "create", "a@example.org"];
        assert!(failure(&server.cli(&create, PASSWORD)).contains("use --password-stdin"));
        let create = ["user", "create", "a@example.org", "--password-stdin"];
        assert_eq!(failure(&server.cli(&create, "")), "password: none was given");
        assert_eq!(server.cli(&["user", "create", "a@example.org", "--password", "x"], "").status.code(), Some(2));
        assert_eq!(json_of(&server, &["user", "list"], ""), json!([]));
    }

    async fn a_project_made_on_the_command_line_takes_pings_at_once(database) {
        let server = TestServer::start(database, &[]).await;
        new_user(&server, "ops@example.org");
        let create = ["project", "create", "Our jobs", "--owner", "ops@example.org"];
        let line = server.cli_ok(&create, "");
        let (id, key) = line.split_once(' ').expect("the id and the ping key");
        assert!(id.parse::<u32>().is_ok() && key.len() == 22, "{line}");
        get(&server, &format!("/ping/{key}/backup?create=1"), None).await.says(201, "Created");
        let project = json_of(&server, &create, "");
        let key = project["ping_key"].as_str().unwrap();
        assert_eq!(project["project_name"], "Our jobs");
        get(&server, &format!("/{key}/backup?create=1"), None).await.says(201, "Created");
        let nobody = server.cli(&["project", "create", "X", "--owner", "x@example.org"], "");
        assert!(failure(&nobody).contains("x@example.org"));
    }

    async fn a_token_is_printed_alone_and_ends_when_it_is_revoked(database) {
        let server = TestServer::start(database, &[]).await;
        new_user(&server, "ops@example.org");
        let create = ["token", "create", "--user", "ops@example.org", "--subject", "ci"];
        let token = server.cli_ok(&create, "");
        assert!(!token.contains(char::is_whitespace) && token.split('.').count() == 3, "{token}");
        assert_eq!(get(&server, "/user/profile", Some(&token)).await.ok()["email"], "ops@example.org");
        assert!(failure(&server.cli(&create, "")).contains("must be unique"));
        let revoke = ["token", "revoke", "--user", "ops@example.org", "--subject", "ci"];
        assert!(server.cli_ok(&revoke, "").contains("revoked"));
        get(&server, "/user/profile", Some(&token)).await.fatal(401);
        let unknown = ["token", "revoke", "--user", "ops@example.org", "--subject", "nothing"];
        assert!(failure(&server.cli(&unknown, "")).contains("no token of the name"));
    }

    async fn a_token_has_the_rights_that_were_asked_for(database) {
        let server = TestServer::start(database, &[]).await;
        new_user(&server, "ops@example.org");
        let create = |subject: &'static str, more: &[&'static str]| {
            let base = ["token", "create", "--user", "ops@example.org", "--subject", subject];
            json_of(&server, &[&base[..], more].concat(), "")
        };
        let reader = create("reader", &["--scopes", "read", "--expires-in", "2h"]);
        assert_eq!(reader["scopes"], json!(["read"]));
        let time = |name: &str| crate::support::time(&reader[name]);
        assert_eq!(time("expires_at").micros_since(time("created_at")), 7_200_000_000);
        let text = reader["token"].as_str().unwrap();
        let api = Api {
            http: http_client(),
            base: server.base(),
            address: server.address(),
            token: text.to_owned(),
            project: 0,
            ping_key: String::new(),
        };
        api.get("/user/profile").await.ok();
        api.post("/user/project", &json!({"project_name": "X"})).await.fatal(403);
        let far = create("far", &["--allow-ip", "10.0.0.0/8", "--allow-ip", "192.0.2.1"]);
        assert_eq!(far["allowed_ips"], json!(["10.0.0.0/8", "192.0.2.1/32"]));
        get(&server, "/user/profile", far["token"].as_str()).await.fatal(403);
        let long = ["token", "create", "--user", "ops@example.org", "--subject", "x"];
        let long = server.cli(&[&long[..], &["--expires-in", "366d"]].concat(), "");
        assert!(failure(&long).starts_with("expires_in: must be between 1 and"));
    }

    async fn a_backup_is_whole_and_replaces_nothing(database) {
        let server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        api.ping_slug("kept?create=1").await.says(201, "Created");
        let file = server.home().file("copy");
        let name = file.to_str().unwrap();
        let done = json_of(&server, &["backup", name], "");
        let bytes = std::fs::read(&file).unwrap();
        assert_eq!(done["bytes"], bytes.len());
        assert!(!server.home().file("copy.partial").exists());
        assert!(failure(&server.cli(&["backup", name], "")).contains("exists already"));
        assert_eq!(std::fs::read(&file).unwrap(), bytes);
        if database == Database::Postgres {
            assert!(bytes.starts_with(b"PGDMP"), "pg_dump's own format");
            return;
        }
        // Beside the key of the first server, so that the copy opens.
        let url = format!("sqlite:{name}");
        let copy = json_of(&server, &["--database-url", &url, "user", "list"], "");
        assert_eq!(copy, json_of(&server, &["user", "list"], ""));
    }

    async fn the_tables_are_made_before_the_first_start_and_health_tells_of_it(database) {
        let mut server = TestServer::prepare(database, &[]);
        let done = server.cli_ok(&["migrate"], "");
        assert!(done.ends_with("are up to date") && !done.contains("@:"), "{done}");
        assert!(server.cli(&["migrate", "--json"], "").status.success());
        server.restart().await;
        assert_eq!(server.cli_ok(&["health"], ""), "ready");
        server.stop().await;
        assert!(failure(&server.cli(&["health"], "")).contains("does not answer"));
    }

    async fn another_secret_key_is_refused_beside_the_server(database) {
        let server = TestServer::start(database, &[]).await;
        let other = "security.secret_key=put at least 32 other characters here";
        let message = failure(&server.cli(&["user", "list", "--set", other], ""));
        assert!(message.starts_with("security.secret_key: ") && message.contains("overdue.key"), "{message}");
        let moved = server.home().file("moved");
        std::fs::rename(server.home().file("overdue.key"), &moved).unwrap();
        let message = failure(&server.cli(&["user", "list"], ""));
        assert!(message.contains("copy the overdue.key"), "{message}");
        std::fs::rename(&moved, server.home().file("overdue.key")).unwrap();
        server.cli_ok(&["user", "list"], "");
    }

    async fn metrics_are_for_whoever_bears_the_token(database) {
        let server = TestServer::start(database, &[("OVERDUE_METRICS__TOKEN", "s3cret")]).await;
        let api = server.owner().await;
        api.ping_slug("counted?create=1").await.says(201, "Created");
        assert_eq!(get(&server, "/metrics", None).await.status, 401);
        assert_eq!(get(&server, "/metrics", Some("guess")).await.status, 401);
        let metrics = get(&server, "/metrics", Some("s3cret")).await;
        assert_eq!(metrics.status, 200);
        assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        for line in [
            "overdue_checks{status=\"up\"} 1",
            "overdue_database_up 1",
            "overdue_ping_batches_total 1",
            "overdue_batched_pings_total 1",
            "overdue_ping_queue_length 0",
            "overdue_detector_lag_seconds 0",
            "overdue_oldest_undelivered_notification_seconds 0",
        ] {
            assert!(metrics.text().lines().any(|is| is == line), "{line} in {}", metrics.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_says_that_it_lives_and_is_ready_and_has_no_metrics_unless_asked_to() {
    let server = TestServer::start(Database::Sqlite, &[]).await;
    for path in ["/healthz", "/readyz"] {
        let answer = get(&server, path, None).await;
        let first = answer.text().lines().next();
        assert_eq!((answer.status, first), (200, Some("OK")), "{path}");
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    }
    assert_eq!(get(&server, "/metrics", Some("")).await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_database_a_server_lives_and_is_not_ready() {
    if !Database::Postgres.is_here() {
        return;
    }
    let server = TestServer::start(Database::Postgres, &[]).await;
    server.database().go_down();
    assert_eq!(get(&server, "/healthz", None).await.status, 200);
    let answer = get(&server, "/readyz", None).await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("database: does not answer"), "{}", answer.text());
    assert!(failure(&server.cli(&["health"], "")).contains("not ready (503): database"));
    server.database().come_back();
    crate::support::until("200 from /readyz", async || {
        (get(&server, "/readyz", None).await.status == 200).then_some(())
    })
    .await;
}

#[test]
fn check_config_prints_what_is_in_force_and_hides_secrets() {
    let settings = [("OVERDUE_METRICS__TOKEN", "s3cret"), ("OVERDUE_PING__LOG_LIMIT", "7")];
    let server = TestServer::prepare(Database::Sqlite, &settings);
    let text = server.cli_ok(&["check-config", "--set", "log.level=debug"], "");
    for line in ["token = \"***\"", "log_limit = 7", "level = \"debug\""] {
        assert!(text.lines().any(|is| is == line), "{line} in {text}");
    }
    assert!(!text.contains("s3cret"), "{text}");
    let object = json_of(&server, &["check-config"], "");
    assert_eq!(
        (&object["ping"]["log_limit"], &object["log"]["level"]),
        (&json!(7), &json!("info"))
    );
    assert!(!server.home().file("overdue.db").exists(), "it opens no database");
}

#[test]
fn a_bad_setting_stops_every_command_with_one_line_that_names_it() {
    for (name, value, says) in [
        ("OVERDUE_PING__LOG_LIMITS", "7", "OVERDUE_PING__LOG_LIMITS"),
        ("OVERDUE_PING__LOG_LIMIT", "many", "ping.log_limit"),
    ] {
        let server = TestServer::prepare(Database::Sqlite, &[(name, value)]);
        for command in ["serve", "check-config", "health"] {
            assert!(failure(&server.cli(&[command], "")).contains(says), "{command} {name}");
        }
    }
    let server = TestServer::prepare(Database::Sqlite, &[]);
    let missing = failure(&server.cli(&["--config", "nothing.toml", "check-config"], ""));
    assert!(missing.starts_with("nothing.toml: "), "{missing}");
}

#[test]
fn what_can_not_be_understood_is_a_matter_of_usage() {
    let server = TestServer::prepare(Database::Sqlite, &[]);
    for arguments in [&["frobnicate"][..], &["user"], &["token", "create"], &["backup"]] {
        let output = server.cli(arguments, "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("Usage: overdue"),
            "{arguments:?}"
        );
    }
    let help = server.cli_ok(&["--help"], "");
    for command in [
        "serve",
        "user",
        "project",
        "token",
        "access-key",
        "api-key",
        "apply",
        "import",
        "migrate",
        "check-config",
        "backup",
        "rotate-key",
        "health",
    ] {
        assert!(help.contains(&format!("\n  {command} ")), "{command} in {help}");
    }
    for unbuilt in ["restore", "disable-2fa"] {
        assert!(!help.contains(unbuilt), "{unbuilt}");
    }
    assert!(server.cli_ok(&["--version"], "").starts_with("overdue "));
}

#[test]
fn a_backup_of_nothing_leaves_nothing_behind() {
    let server = TestServer::prepare(Database::Sqlite, &[]);
    let file = server.home().file("copy");
    let message = failure(&server.cli(&["backup", file.to_str().unwrap()], ""));
    assert!(message.contains("there is no database"), "{message}");
    assert!(!server.home().file("copy.partial").exists() && !file.exists());
    assert!(!server.home().file("overdue.db").exists());
}
