//! The runs of a project, on the wire.

use serde_json::json;

use super::desk::{Desk, names};
use crate::support::both_databases;

both_databases! {
    async fn the_runs_of_all_checks_are_shown_the_latest_first_and_filtered(database) {
        let mut desk = Desk::open(database).await;
        assert!(desk.get("/runs").await.text().contains("No run yet"));
        let backup = desk.api.check("backup", json!({})).await;
        let report = desk.api.check("report", json!({})).await;
        for (check, end) in [(&backup, ""), (&report, "/fail"), (&backup, "/3")] {
            desk.api.ping(check, "/start").await.says(200, "OK");
            desk.api.ping(check, end).await.says(200, "OK");
        }
        desk.api.ping(&report, "/start").await.says(200, "OK");
        assert_eq!(names(&desk.get("/runs").await), ["report", "backup", "report", "backup"]);
        assert_eq!(names(&desk.get("/runs?result=fail").await), ["backup", "report"]);
        assert_eq!(names(&desk.get("/runs?result=running&span=day").await), ["report"]);
        let of_backup = format!("/runs?check={}&result=success", backup["check_id"]);
        assert_eq!(names(&desk.get(&of_backup).await), ["backup"]);
        let none = desk.get("/runs?result=lost").await;
        assert!(none.text().contains("Nothing fits"), "{}", none.text());
    }

    async fn another_projects_runs_are_not_shown(database) {
        let mut desk = Desk::open(database).await;
        let other = desk.server.owner().await;
        let check = other.check("elsewhere", json!({})).await;
        other.ping(&check, "/start").await.says(200, "OK");
        assert!(names(&desk.get("/runs").await).is_empty());
        let page = desk.get(&format!("/runs?check={}", check["check_id"])).await;
        assert!(names(&page).is_empty(), "{}", page.text());
    }
}
