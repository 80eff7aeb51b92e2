//! The live server held against its own description by schemathesis, with all of its checks: no
//! answer that is not described, no 5xx, nothing valid refused and nothing wrong taken. `./test`
//! installs it and names it in `OVERDUE_TEST_SCHEMATHESIS`; examples are bounded, and their seed is
//! fixed, so that a failure is there again the next time.

use std::path::Path;
use std::process::Stdio;

use serde_json::json;

use crate::support::api::Api;
use crate::support::server::{PASSWORD, TestServer};
use crate::support::{both_databases, pass_over};

/// The variable that names the program.
const VARIABLE: &str = "OVERDUE_TEST_SCHEMATHESIS";
/// Where its settings and hooks are.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemathesis");
/// Generated requests a command and phase.
const EXAMPLES: &str = "6";

/// The session that a sign-in opens, as the text of its token.
async fn sign_in(api: &Api, email: &str) -> String {
    let form = [("email", email), ("password", PASSWORD)];
    let form: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let origin = ("origin", api.base.as_str());
    let answer = api.send("POST", "/sign-in", &[kind, origin], form).await;
    let cookie = answer.header("set-cookie");
    let token = cookie.strip_prefix("api_access_token=").and_then(|rest| rest.split(';').next());
    token.unwrap_or_else(|| panic!("no session: {cookie}")).to_owned()
}

/// What `schemathesis.toml` speaks of: objects 1 to be read and changed, and others to be deleted.
async fn furnish(server: &TestServer, api: &Api) {
    assert_eq!(api.project, 1);
    for (email, role) in [("second@example.org", "editor"), ("third@example.org", "viewer")] {
        server.new_user(email);
        let member = json!({"email": email, "role": role});
        api.post(&api.path("/member"), &member).await.ok();
    }
    api.post("/user/project", &json!({"project_name": "To be deleted"})).await.ok();
    server.cli_ok(&["api-key", "create", "--project", "1"], "");
    for name in ["kept", "to be deleted"] {
        let check = api.check(name, json!({"period": 60, "grace": 60})).await;
        api.ping_with(&check, "/start", "begun").await.says(200, "OK");
        api.ping_with(&check, "", "done").await.says(200, "OK");
        let config = json!({"url_down": "https://receiver.example/hook"});
        let channel = json!({"kind": "webhook", "channel_name": name, "config": config});
        api.post(&api.path("/channel"), &channel).await.ok();
        let (starts_at, ends_at) = ("2030-01-01T00:00:00Z", "2030-01-02T00:00:00Z");
        let window = json!({"title": name, "starts_at": starts_at, "ends_at": ends_at});
        api.post(&api.path("/maintenance"), &window).await.ok();
        api.post(&api.path("/status-page"), &json!({"title": name})).await.ok();
    }
}

/// Runs it; fails with all that it printed.
async fn run(program: &Path, server: &TestServer, token: &str) {
    let mut command = tokio::process::Command::new(program);
    command
        .arg("--config-file")
        .arg(Path::new(FOLDER).join("schemathesis.toml"))
        .arg("run")
        .arg(format!("{}/docs/api.json", server.base()))
        .args(["--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"])
        .args(["--max-examples", EXAMPLES, "--seed", "1", "--no-color"])
        .args(["--request-timeout", "30", "--continue-on-failure", "--no-shrink"])
        .env("SCHEMATHESIS_HOOKS", Path::new(FOLDER).join("hooks.py"))
        .env("TOKEN", token)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(server.home().path())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "schemathesis: {}\n{said}\n{errors}", output.status);
    assert!(said.contains("✅ Fuzzing") || said.contains("✅  Fuzzing"), "{said}");
}

both_databases! {
    async fn the_server_answers_as_its_description_says(database) {
        let Some(program) = std::env::var_os(VARIABLE).filter(|name| !name.is_empty()) else {
            pass_over(&format!("{VARIABLE} names no schemathesis: not tried; run ./test"));
            return;
        };
        // The bounds of a fresh installation, which the description shows.
        let bounds = [("OVERDUE_CHECKS__MIN_PERIOD", "60"), ("OVERDUE_CHECKS__MIN_GRACE", "60")];
        let server = TestServer::start(database, &bounds).await;
        let api = Api::new_project(server.address(), &server.new_user("first@example.org")).await;
        furnish(&server, &api).await;
        let session = sign_in(&api, "first@example.org").await;
        run(Path::new(&program), &server, &session).await;
        assert!(!server.log().contains("ERROR"), "{}", server.log());
    }
}
