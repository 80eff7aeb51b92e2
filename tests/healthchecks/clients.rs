//! Clients of Healthchecks, as their makers ship them: the only thing that they are told is where.

use std::process::Command;

use healthchecks::manage::{UpsertResult, get_client_with_url};
use healthchecks::model::{NewCheck, UpdatedCheck};
use serde_json::json;

use super::Desk;
use crate::support::server::webhook;
use crate::support::{both_databases, pass_over};

/// The variable that names a Python which has what requirements.txt names.
const VARIABLE: &str = "OVERDUE_TEST_HEALTHCHECKS";
const PROGRAM: &str = include_str!("client.py");

async fn with_channel(desk: &Desk) {
    let mut hook = webhook("http://127.0.0.1:1/");
    hook["channel_name"] = json!("hook");
    desk.api.post(&desk.api.path("/channel"), &hook).await.ok();
}

both_databases! {
    async fn the_client_from_pypi_works_unchanged(database) {
        let Ok(python) = std::env::var(VARIABLE) else {
            pass_over("the client from PyPI does not run: run ./test");
            return;
        };
        let desk = Desk::open(database).await;
        with_channel(&desk).await;
        let project = desk.api.get(&desk.api.path("")).await.ok();
        let mut command = Command::new(python);
        for (name, _) in std::env::vars() {
            if name.to_ascii_uppercase().ends_with("_PROXY") {
                command.env_remove(name);
            }
        }
        let ping_key = project["ping_key"].as_str().unwrap();
        command.args(["-c", PROGRAM, &desk.server.base(), &desk.key, ping_key]);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}\n{}", desk.server.log());
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "all calls are taken");
    }

    async fn the_library_from_crates_io_works_unchanged(database) {
        let desk = Desk::open(database).await;
        with_channel(&desk).await;
        let (base, key) = (desk.server.base(), desk.key.clone());
        let calls = move || {
            let client = get_client_with_url(key, None, format!("{base}/api/v3")).unwrap();
            let new = NewCheck {
                name: Some("crate".into()),
                tags: Some("prod".into()),
                timeout: Some(3600),
                unique: Some(vec!["name".into()]),
                ..NewCheck::default()
            };
            let (result, check) = client.upsert_check(new.clone()).unwrap();
            assert!(matches!(result, UpsertResult::Created) && check.timeout == Some(3600));
            let id = check.id().unwrap();
            let (result, same) = client.upsert_check(new).unwrap();
            assert!(matches!(result, UpsertResult::Updated) && same.id().unwrap() == id);
            let cron = NewCheck {
                schedule: Some("0 3 * * *".into()),
                tz: Some("Europe/Berlin".into()),
                ..NewCheck::default()
            };
            assert_eq!(client.create_check(cron).unwrap().tz.unwrap(), "Europe/Berlin");
            let change = UpdatedCheck { grace: Some(90), ..UpdatedCheck::default() };
            assert_eq!(client.update_check(change, &id).unwrap().grace, 90);
            let ping = healthchecks::ping::get_client(&id).unwrap();
            drop(ping);
            assert_eq!(client.get_checks().unwrap().len(), 2);
            assert_eq!(client.get_check(&id).unwrap().name, "crate");
            assert_eq!(client.get_channels().unwrap()[0].name, "hook");
            assert!(client.list_logged_pings(&id).unwrap().is_empty());
            assert_eq!(client.pause(&id).unwrap().status, "paused");
            assert_eq!(client.delete(&id).unwrap().id().unwrap(), id);
            assert!(client.get_check(&id).is_err());
        };
        tokio::task::spawn_blocking(calls).await.unwrap();
    }
}
