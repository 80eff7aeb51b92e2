//! Configuration as code: `overdue apply` and `apply.path`.

use serde_json::{Value, json};

use crate::support::both_databases;
use crate::support::server::TestServer;

const FILE: &str = r#"
format = 1

[project]
project_name = "Backups"

[[channels]]
channel_name = "ops"
kind = "webhook"
config = { url_down = "http://127.0.0.1:1/down" }

[[checks]]
check_name = "Nightly"
slug = "nightly"
grace = 120

[[checks]]
check_name = "Weekly"
period = 604800
tags = ["prod"]
"#;

/// Runs `overdue apply -` with this file.
fn apply(server: &TestServer, file: &str, more: &[&str]) -> String {
    server.cli_ok(&[&["apply", "-"], more].concat(), file)
}

fn refused(server: &TestServer, file: &str, more: &[&str]) -> String {
    let output = server.cli(&[&["apply", "-"], more].concat(), file);
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

both_databases! {
    async fn a_project_is_made_changed_and_pruned_to_what_a_file_says(database) {
        let server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        let email = api.get("/user/profile").await.ok()["email"].as_str().unwrap().to_owned();
        let owner = ["--owner", email.as_str()];
        let dry = apply(&server, FILE, &[&owner[..], &["--dry-run"]].concat());
        for line in ["+ project \"Backups\"", "+ channel \"ops\"", "+ check \"Nightly\"", "+ check \"Weekly\"", "nothing was done"] {
            assert!(dry.lines().any(|own| own == line), "{line}: {dry}");
        }
        let projects = async || api.list("/user/project-list").await;
        assert_eq!(projects().await.len(), 1);
        let done = apply(&server, FILE, &owner);
        assert!(done.contains("+ check \"Weekly\"") && done.contains("done: 4 made, 0 changed"), "{done}");
        let all = projects().await;
        let project = all.iter().find(|project| project["project_name"] == "Backups").unwrap();
        let path = |tail: &str| format!("/user/project/{}{tail}", project["project_id"]);
        let checks = api.list(&path("/check-list")).await;
        assert_eq!((&checks[0]["slug"], &checks[0]["grace"]), (&json!("nightly"), &json!(120)));
        assert_eq!(checks[1]["channels"].as_array().unwrap().len(), 1);
        // Again: nothing is left to be done.
        let again = apply(&server, FILE, &[]);
        assert!(again.contains("everything is as the file says"), "{again}");
        let file = FILE.replace("grace = 120", "grace = 180");
        let changed = apply(&server, &file, &[]);
        assert!(changed.contains("~ check \"Nightly\": grace 120 -> 180"), "{changed}");
        // What the file does not name stays, unless it is to be pruned.
        let extra = json!({"check_name": "Old"});
        api.post(&path("/check"), &extra).await.ok();
        let device = json!({
            "target_type": "ip", "target_value": "127.0.0.1", "service_type": "tcp", "port": 1,
            "project_id": project["project_id"]
        });
        let made = crate::monitors::device(&api, &device).await;
        let few: String = file.split("[[checks]]").take(2).collect::<Vec<_>>().join("[[checks]]");
        let kept = apply(&server, &few, &[]);
        assert!(kept.contains("everything is as the file says"), "{kept}");
        let plan = apply(&server, &few, &["--prune", "--dry-run"]);
        assert!(plan.contains("- check \"Weekly\"") && plan.contains("- check \"Old\""), "{plan}");
        assert_eq!(api.list(&path("/check-list")).await.len(), 4);
        let pruned = apply(&server, &few, &["--prune"]);
        assert!(pruned.contains("2 deleted"), "{pruned}");
        let left = api.list(&path("/check-list")).await;
        let names: Vec<&Value> = left.iter().map(|check| &check["check_name"]).collect();
        assert_eq!(names, ["Nightly", "127.0.0.1:1 (tcp)"], "a device's check is not in files");
        assert_eq!(left[1]["check_id"], made["check_id"]);
        assert!(apply(&server, &few, &["--prune"]).contains("everything is as the file says"));
        let none = "format = 1\n[project]\nproject_name = \"Backups\"\n";
        let emptied: Value = serde_json::from_str(&apply(&server, none, &["--prune", "--json"])).unwrap();
        assert_eq!(emptied["deleted"].as_array().unwrap().len(), 2, "{emptied}");
        assert!(api.list(&path("/channel-list")).await.is_empty());
        // The number of checks is kept right.
        assert_eq!(api.get(&path("/check-list?limit=1")).await.ok()["total_count"], 1);
    }

    async fn what_a_file_can_not_mean_is_refused_and_nothing_is_done(database) {
        let server = TestServer::start(database, &[]).await;
        assert!(refused(&server, FILE, &[]).contains("name somebody with --owner"));
        let api = server.owner().await;
        let email = api.get("/user/profile").await.ok()["email"].as_str().unwrap().to_owned();
        let owner = ["--owner", email.as_str()];
        let wrong = FILE.replace("grace = 120", "grace = \"long\"");
        assert!(refused(&server, &wrong, &owner).contains("checks[0].grace"));
        assert!(refused(&server, "format = 1", &owner).contains("project.project_name: is required"));
        assert!(refused(&server, FILE, &["--project", "999"]).contains("there is no project 999"));
        assert!(refused(&server, FILE, &["--owner", "nobody@example.org"]).contains("nobody@example.org"));
        for _ in 0..2 {
            api.post("/user/project", &json!({"project_name": "Backups"})).await.ok();
        }
        assert!(refused(&server, FILE, &owner).contains("say which one with --project"));
        // The project that is named otherwise gets the name of the file.
        let project = api.project.to_string();
        apply(&server, FILE, &["--project", &project]);
        assert_eq!(api.get(&api.path("")).await.ok()["project_name"], "Backups");
        let output = server.cli(&["apply", "/nonexistent/file.toml"], "");
        assert!(String::from_utf8_lossy(&output.stderr).contains("can't be read"));
    }

    async fn a_file_is_applied_at_start(database) {
        let folder = crate::support::folder::Folder::new();
        let file = folder.file("apply.toml");
        std::fs::write(&file, FILE).unwrap();
        let settings = [("OVERDUE_APPLY__PATH", file.to_str().unwrap())];
        let mut server = TestServer::start(database, &settings).await;
        assert!(server.log().contains("nobody has an account yet"), "{}", server.log());
        let password = "correct horse battery\n";
        let email = "root@example.org";
        server.cli_ok(&["user", "create", email, "--password-stdin", "--admin"], password);
        server.stop().await;
        server.restart().await;
        assert!(server.log().contains("is applied"), "{}", server.log());
        let create = ["token", "create", "--user", email, "--subject", "t"];
        let token = server.cli_ok(&create, "");
        let api = crate::support::api::Api::new_project(server.address(), &token).await;
        let all = api.list("/user/project-list").await;
        let project = all.iter().find(|project| project["project_name"] == "Backups").unwrap();
        let path = format!("/user/project/{}/check-list", project["project_id"]);
        let before = api.list(&path).await;
        assert_eq!(before.len(), 2);
        server.stop().await;
        server.restart().await;
        let api = crate::support::api::Api { address: server.address(), base: server.base(), ..api };
        assert_eq!(api.list(&path).await, before, "a second start changes nothing");
    }
}

#[test]
fn a_file_that_can_not_be_applied_keeps_the_server_from_starting_and_says_why() {
    use crate::support::Database;
    let server = TestServer::prepare(Database::Sqlite, &[]);
    server.new_user("a@example.org");
    let set = ["--set", "apply.path=/nonexistent.toml", "serve"];
    let output = server.cli(&set, "");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && errors.contains("apply.path: /nonexistent.toml"),
        "{errors}"
    );
}
