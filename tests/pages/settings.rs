//! A project's settings, its maintenance windows, its help and the installation, on the wire.

use serde_json::json;

use super::desk::{Desk, OWNER};
use crate::support::{Database, both_databases};

both_databases! {
    async fn an_owner_renames_the_project_and_makes_another(database) {
        let mut desk = Desk::open(database).await;
        let saved = desk.submit("/settings/name", &[("project_name", "Night jobs")]).await;
        assert_eq!(saved.status, 303, "{}", saved.text());
        assert!(desk.get("/settings").await.text().contains("value=\"Night jobs\""));
        let long = "x".repeat(101);
        let page = desk.submit("/settings/name", &[("project_name", &long)]).await;
        assert!(page.status == 400 && page.text().contains("id=\"project_name-error\""));
        assert!(page.text().contains(&long), "what was typed is kept");
        let page = desk.visitor.get("/projects/new").await;
        assert!(page.status == 200 && page.text().contains("name=\"project_name\""));
        assert_eq!(desk.visitor.submit("/projects/new", &[("project_name", "")]).await.status, 400);
        let made = desk.visitor.submit("/projects/new", &[("project_name", "Third")]).await;
        let to = made.header("location").to_owned();
        assert!(desk.visitor.get(&to).await.text().contains("Third"), "{to}");
        let other = desk.submit("/settings/another", &[("another", "Second")]).await;
        let to = other.header("location").to_owned();
        assert!(to.ends_with("/checks") && !to.starts_with(&desk.project), "{to}");
        assert!(desk.visitor.get(&to).await.text().contains("Second"));
    }

    async fn a_new_ping_key_ends_the_old_one(database) {
        let mut desk = Desk::open(database).await;
        let old = desk.api.ping_key.clone();
        assert!(desk.get("/settings").await.text().contains(&old));
        assert_eq!(desk.submit("/settings/ping-key", &[]).await.status, 303);
        assert!(!desk.get("/settings").await.text().contains(&old));
        assert_eq!(desk.api.ping_slug("/any?create=1").await.status, 404);
    }

    async fn an_owner_sets_roles_and_the_last_owner_stays(database) {
        let mut desk = Desk::open(database).await;
        let mut viewer = desk.member("viewer").await;
        let path = format!("{}/settings", desk.project);
        let key = desk.api.ping_key.clone();
        assert!(!viewer.get(&path).await.text().contains(&key), "a viewer sees no ping key");
        let members = desk.api.list(&desk.api.path("/member-list")).await;
        let id = |role: &str| {
            let found = members.iter().find(|member| member["role"] == role);
            found.unwrap()["user_id"].to_string()
        };
        let (owner, other) = (id("owner"), id("viewer"));
        let set = desk.submit(&format!("/settings/members/{other}"), &[("role", "editor")]).await;
        assert_eq!(set.status, 303, "{}", set.text());
        assert!(viewer.get(&path).await.text().contains(&key), "an editor does");
        let last = desk.submit(&format!("/settings/members/{owner}"), &[("role", "viewer")]).await;
        assert!((400..500).contains(&last.status), "{}", last.text());
        let refused = viewer.submit(&format!("{path}/members/{owner}/remove"), &[]).await;
        assert_eq!(refused.status, 403);
        desk.submit(&format!("/settings/members/{other}/remove"), &[]).await;
        assert!((400..500).contains(&viewer.get(&path).await.status));
    }

    async fn a_file_is_looked_at_before_it_is_imported(database) {
        let mut desk = Desk::open(database).await;
        let file = "format = 1\n\n[[checks]]\ncheck_name = \"From a file\"\ngrace = 3600\n";
        let page = desk.submit("/settings/import", &[("file", file), ("do", "preview")]).await;
        assert!(page.text().contains("This would happen: 1 thing made"), "{}", page.text());
        assert!(desk.api.list(&desk.api.path("/check-list")).await.is_empty(), "a preview writes nothing");
        let page = desk.submit("/settings/import", &[("file", file), ("do", "import")]).await;
        assert!(page.text().contains("It is done: 1 thing made"), "{}", page.text());
        let export = desk.get("/settings/export").await;
        assert_eq!(export.header("content-type"), "application/toml");
        assert!(export.text().contains("From a file"));
        let wrong = desk.submit("/settings/import", &[("file", "format = what"), ("do", "preview")]).await;
        assert!(wrong.status == 400 && wrong.text().contains("id=\"file-error\""), "{}", wrong.text());
        assert!(wrong.text().contains("format = what"));
    }

    async fn a_project_is_deleted_by_typing_its_name(database) {
        let mut desk = Desk::open(database).await;
        let page = desk.submit("/settings/delete", &[("sure", "tests")]).await;
        assert!(page.status == 400 && page.text().contains("id=\"sure-error\""), "{}", page.text());
        assert_eq!(desk.get("/settings").await.status, 200);
        assert_eq!(desk.submit("/settings/delete", &[("sure", "Tests")]).await.status, 303);
        assert!((400..500).contains(&desk.get("/settings").await.status));
    }

    async fn a_window_is_added_in_the_readers_zone_ended_and_deleted(database) {
        let mut desk = Desk::open(database).await;
        assert!(desk.get("/maintenance").await.text().contains("No window"));
        let form = [
            ("title", "Move"), ("kind", "once"),
            ("starts_at", "2020-01-01T10:00"), ("ends_at", "2099-01-01T10:00"),
        ];
        desk.api.put("/user/profile", &json!({"timezone": "Asia/Tokyo"})).await.ok();
        let made = desk.submit("/maintenance", &form).await;
        assert_eq!(made.status, 303, "{}", made.text());
        let windows = desk.api.list(&desk.api.path("/maintenance-list")).await;
        let starts_at = windows[0]["starts_at"].as_str().unwrap();
        assert!(starts_at.starts_with("2020-01-01T01:00"), "{starts_at}");
        let id = windows[0]["maintenance_id"].to_string();
        let page = desk.get("/maintenance").await;
        assert!(page.text().contains("open until") && page.text().contains("class=\"open\""));
        assert_eq!(desk.submit(&format!("/maintenance/{id}/end"), &[]).await.status, 303);
        assert!(desk.get("/maintenance").await.text().contains("<small>ended</small>"));
        assert_eq!(desk.submit(&format!("/maintenance/{id}/end"), &[]).await.status, 409);
        desk.submit(&format!("/maintenance/{id}/delete"), &[]).await;
        assert!(desk.get("/maintenance").await.text().contains("No window"));
    }

    async fn a_window_that_repeats_is_added_and_what_does_not_fit_is_told(database) {
        let mut desk = Desk::open(database).await;
        let form = [("title", "Hourly"), ("kind", "repeat"), ("repeat", "0 * * * *"), ("duration", "60")];
        assert_eq!(desk.submit("/maintenance", &form).await.status, 303);
        let windows = desk.api.list(&desk.api.path("/maintenance-list")).await;
        assert_eq!(windows[0]["duration"], json!(3600));
        let id = windows[0]["maintenance_id"].to_string();
        let check = desk.api.check("Backup", json!({})).await;
        let edit = desk.get(&format!("/maintenance/{id}/edit")).await;
        for kept in ["value=\"Hourly\"", "value=\"0 * * * *\"", "value=\"60\"", "Backup"] {
            assert!(edit.text().contains(kept), "{kept}: {}", edit.text());
        }
        let chosen = check["check_id"].to_string();
        let change = [
            ("title", "Once"), ("kind", "once"), ("starts_at", "2098-01-01T10:00"),
            ("ends_at", "2099-01-01T10:00"), ("repeat", "0 * * * *"), ("duration", "60"),
            ("checks", chosen.as_str()), ("tags", "db"),
        ];
        let saved = desk.submit(&format!("/maintenance/{id}/edit"), &change).await;
        assert_eq!(saved.status, 303, "{}", saved.text());
        let now = desk.api.list(&desk.api.path("/maintenance-list")).await;
        assert_eq!((&now[0]["repeat"], &now[0]["checks"]), (&json!(null), &json!([check["check_id"]])));
        assert_eq!((&now[0]["title"], &now[0]["tags"]), (&json!("Once"), &json!(["db"])));
        let wrong = [("title", "Kept"), ("kind", "once"), ("starts_at", "soon")];
        let page = desk.submit(&format!("/maintenance/{id}/edit"), &wrong).await;
        assert!(page.status == 400 && page.text().contains("starts_at-error"));
        assert!(page.text().contains("value=\"Kept\""), "what was typed is kept");
        let mut viewer = desk.member("viewer").await;
        let path = format!("{}/maintenance/{id}/edit", desk.project);
        assert_eq!(viewer.get(&path).await.status, 403);
        assert_eq!(viewer.submit(&path, &change).await.status, 403);
        let wrong = [("kind", "repeat"), ("repeat", "whenever"), ("duration", "x")];
        let page = desk.submit("/maintenance", &wrong).await;
        assert!(page.status == 400 && page.text().contains("Lasts must be a whole number of minutes."));
        assert!(page.text().contains("value=\"whenever\""), "what was typed is kept");
    }

    async fn the_help_has_the_readers_own_urls_and_none_for_who_may_not_ping(database) {
        let mut desk = Desk::open(database).await;
        assert!(desk.get("/help").await.text().contains("Make the first one"));
        desk.api.check("first", json!({})).await;
        let second = desk.api.check("second", json!({})).await;
        let uuid = second["uuid"].as_str().unwrap();
        let page = desk.get(&format!("/help?check={}", second["check_id"])).await;
        assert!(page.text().contains(&format!("{uuid}/start")), "{}", page.text());
        assert_eq!(page.text().matches("name=\"snippet\"").count(), 7);
        assert!(page.text().contains("/help/coming-from-healthchecks\""));
        let moving = desk.get("/help/coming-from-healthchecks").await;
        let command = format!("--project {} --dry-run", desk.api.project);
        assert!(moving.status == 200 && moving.text().contains(&command), "{}", moving.text());
        let mut viewer = desk.member("viewer").await;
        let path = format!("{}/help?check={}", desk.project, second["check_id"]);
        let page = viewer.get(&path).await;
        assert!(page.status == 200 && !page.text().contains(uuid));
    }

    async fn the_installation_is_shown_to_administrators_alone(database) {
        let secret = [("OVERDUE_METRICS__TOKEN", "only-for-the-collector")];
        let mut desk = Desk::open_with(database, &secret).await;
        assert_eq!(desk.visitor.get("/admin").await.status, 403);
        desk.server.cli_ok(&["user", "create", "root@example.org", "--admin", "--password-stdin"], "correct horse battery\n");
        let mut root = crate::support::visitor::Visitor::at(&desk.server);
        assert_eq!(root.sign_in("root@example.org", "correct horse battery").await.status, 303);
        let page = root.get("/admin").await;
        assert_eq!(page.status, 200, "{}", page.text());
        let kind = if database == Database::Sqlite { "SQLite, " } else { "PostgreSQL, " };
        for told in [OWNER, "token = &#34;***&#34;", "Last sign of life", kind, " MB<"] {
            assert!(page.text().contains(told), "{told}: {}", page.text());
        }
        assert!(!page.text().contains("only-for-the-collector"));
    }
}
