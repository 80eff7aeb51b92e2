//! The form of a check, on the wire: what it makes and changes, what it keeps when something does not
//! fit, and the next times without a script.

use serde_json::json;

use super::desk::{Desk, page_of};
use crate::monitors::device;
use crate::support::both_databases;

/// What a browser sends with the form of a new check where only the name was typed.
const PLAIN: [(&str, &str); 8] = [
    ("check_name", "Backup"),
    ("kind", "simple"),
    ("period", "1"),
    ("period_unit", "d"),
    ("grace", "1"),
    ("grace_unit", "h"),
    ("failure_threshold", "1"),
    ("flap_threshold", "6"),
];

/// The same with these fields in their place, or behind them.
fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = PLAIN.iter().filter(|(name, _)| !more.iter().any(|(other, _)| name == other));
    kept.copied().chain(more.iter().copied()).collect()
}

both_databases! {
    async fn a_check_is_made_and_its_page_has_what_pings_it(database) {
        let mut desk = Desk::open(database).await;
        let form = desk.get("/checks/new").await;
        assert!(form.text().contains("<strong>every day</strong>"), "{}", form.text());
        let made = desk.submit("/checks/new", &with(&[("tags", "db, night"), ("post_only", "1")])).await;
        assert_eq!(made.status, 303, "{}", made.text());
        let page = desk.visitor.get(made.header("location")).await;
        assert!(page.text().contains("The check is made."), "{}", page.text());
        let check = desk.api.list(&desk.api.path("/check-list")).await.remove(0);
        assert!(page.text().contains(check["ping_url"].as_str().unwrap().rsplit('/').next().unwrap()));
        assert_eq!(check["tags"], json!(["db", "night"]));
        assert_eq!((&check["methods"], &check["grace"]), (&json!("POST"), &json!(3600)));
    }

    async fn what_does_not_fit_stands_at_its_field_and_what_was_typed_stays(database) {
        let mut desk = Desk::open(database).await;
        for (more, field, says) in [
            (vec![("check_name", "")], "check_name", "must have 1 to 100 characters"),
            (vec![("grace", "soon")], "grace", "must be a whole number"),
            (vec![("grace", "9999"), ("grace_unit", "w")], "grace", "must be between"),
            (vec![("kind", "cron"), ("schedule", "61 * * * *"), ("timezone", "UTC")], "schedule", "61 is not within"),
            (vec![("kind", "cron"), ("schedule", "0 3 * * *"), ("timezone", "Mars")], "timezone", "must be an IANA time zone"),
            (vec![("slug", "No!")], "slug", "must have only a-z"),
            (vec![("failure_threshold", "0")], "failure_threshold", "must be between 1 and 100"),
        ] {
            let form = with(&[&more[..], &[("description", "kept & safe")]].concat());
            let page = desk.submit("/checks/new", &form).await;
            assert_eq!(page.status, 400, "{field}");
            let mark = format!("id=\"{field}-error\">");
            let (_, rest) = page.text().split_once(&mark).unwrap_or_else(|| panic!("{mark}: {}", page.text()));
            let error = rest.split('<').next().unwrap();
            assert!(error.contains(says), "{field}: {error}");
            assert!(page.text().contains("kept &#38; safe"), "{field}");
        }
        assert!(desk.api.list(&desk.api.path("/check-list")).await.is_empty());
    }

    async fn a_check_is_changed_as_its_form_says(database) {
        let mut desk = Desk::open(database).await;
        let more = json!({
            "kind": "cron", "schedule": "0 3 * * 1-5", "timezone": "Europe/Budapest",
            "early_tolerance": 30, "max_runtime": 5400, "tags": ["a"],
        });
        let check = desk.api.check("nightly", more).await;
        let form = desk.get(&format!("{}/edit", page_of(&check))).await;
        assert!(form.text().contains("value=\"30\""));
        assert!(form.text().contains("0 3 * * 1-5") && form.text().contains("Europe/Budapest"));
        let form = with(&[
            ("check_name", "Nightly"), ("kind", "cron"), ("schedule", "30 4 * * *"),
            ("timezone", "Europe/Budapest"), ("max_runtime", "90"), ("max_runtime_unit", "m"), ("tags", "a"),
            ("early_tolerance", "45"),
        ]);
        let saved = desk.submit(&format!("{}/edit", page_of(&check)), &form).await;
        assert!(saved.header("location").ends_with("?did=saved"), "{}", saved.text());
        let now = desk.api.read(&check).await;
        assert_eq!((&now["schedule"], &now["check_name"]), (&json!("30 4 * * *"), &json!("Nightly")));
        assert_eq!((&now["early_tolerance"], &now["max_runtime"]), (&json!(45), &json!(5400)));
    }

    async fn a_check_is_linked_to_the_device_that_its_job_runs_on(database) {
        let mut desk = Desk::open(database).await;
        assert!(!desk.get("/checks/new").await.text().contains("name=\"device\""), "there is none yet");
        let body = json!({
            "target_type": "ip", "target_value": "127.0.0.1", "service_type": "tcp", "port": 9,
            "location": "Cellar", "interval": 86_400
        });
        let id = device(&desk.api, &body).await["id"].to_string();
        let form = desk.get("/checks/new").await;
        let after = form.text().split(&format!("<option value=\"{id}\">")).nth(1).unwrap();
        let name = after.split('<').next().unwrap().to_owned();
        let wrong = desk.submit("/checks/new", &with(&[("device", "cellar")])).await;
        assert!(wrong.status == 400 && wrong.text().contains("must be a device of the list"), "{}", wrong.text());
        assert_eq!(desk.submit("/checks/new", &with(&[("device", "999")])).await.status, 400);
        let made = desk.submit("/checks/new", &with(&[("device", &id)])).await;
        assert_eq!(made.status, 303, "{}", made.text());
        let check = desk.api.list(&desk.api.path("/check-list?slug=backup")).await.remove(0);
        assert_eq!(check["device_id"].to_string(), id);
        let path = format!("/checks/{}", check["check_id"]);
        assert!(desk.get(&path).await.text().contains(&name));
        let edit = desk.get(&format!("{path}/edit")).await;
        assert!(edit.text().contains(&format!("<option value=\"{id}\" selected>")), "{}", edit.text());
        assert_eq!(desk.submit(&format!("{path}/edit"), &with(&[("device", "")])).await.status, 303);
        let check = desk.api.list(&desk.api.path("/check-list?slug=backup")).await.remove(0);
        assert!(check["device_id"].is_null());
    }

    async fn without_a_script_a_button_shows_the_next_times_and_saves_nothing(database) {
        let mut desk = Desk::open(database).await;
        let cron = [("kind", "cron"), ("schedule", "15 6 * * *"), ("timezone", "UTC")];
        let form = with(&[&cron[..], &[("show", "1")]].concat());
        let page = desk.submit("/checks/new", &form).await;
        assert_eq!(page.status, 200);
        assert!(page.text().contains("at 06:15 every day"), "{}", page.text());
        assert_eq!(page.text().matches("06:15:00 UTC").count(), 5, "{}", page.text());
        let preset = desk.submit("/checks/new", &with(&[("preset_period", "604800")])).await;
        assert!(preset.text().contains("name=\"period\"") && preset.text().contains("every 7 days"), "{}", preset.text());
        assert!(desk.api.list(&desk.api.path("/check-list")).await.is_empty());
        let part = desk.get("/checks/preview?kind=cron&schedule=0+25+*+*+*&timezone=UTC").await;
        assert!(part.text().contains("data-wrong=\"schedule\""), "{}", part.text());
    }

    async fn the_next_times_stand_in_the_zone_of_the_schedule(database) {
        let mut desk = Desk::open(database).await;
        let query = "kind=cron&schedule=0+3+*+*+*&timezone=Asia/Tokyo&grace=1&grace_unit=h";
        let part = desk.get(&format!("/checks/preview?{query}")).await;
        assert_eq!(part.text().matches("03:00:00 JST").count(), 5, "{}", part.text());
    }
}
