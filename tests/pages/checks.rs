//! The list of checks, on the wire: what it shows, how it is searched and paged, and what is done
//! with several checks at once.

use serde_json::json;

use super::desk::{Desk, names, page_of};
use crate::support::both_databases;

both_databases! {
    async fn an_empty_project_tells_how_the_first_check_is_made_by_its_first_ping(database) {
        let mut desk = Desk::open(database).await;
        let page = desk.get("/checks").await;
        assert_eq!(page.status, 200);
        let (_, rest) = page.text().split_once("id=\"curl\">").unwrap();
        let line = rest.split_once('<').unwrap().0.replace("&#38;", "&");
        let output = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "Created", "{line}");
        assert_eq!(names(&desk.get("/checks").await), ["my-first-check"]);
    }

    async fn what_needs_somebody_comes_first_and_is_counted(database) {
        let mut desk = Desk::open(database).await;
        let fine = desk.api.check("fine", json!({"tags": ["db"]})).await;
        let broken = desk.api.check("broken", json!({"tags": ["db", "night"]})).await;
        desk.api.check("silent", json!({})).await;
        let still = desk.api.check("still", json!({})).await;
        desk.api.ping(&fine, "").await.says(200, "OK");
        desk.api.ping(&broken, "/fail").await.says(200, "OK");
        desk.api.update(&still, json!({"paused": 1})).await;
        let page = desk.get("/checks").await;
        assert_eq!(names(&page), ["broken", "fine", "silent", "still"]);
        for (status, count) in [("down", 1), ("grace", 0), ("up", 1), ("new", 1), ("paused", 1)] {
            let mark = format!("data-count=\"{status}\">{count}<");
            assert!(page.text().contains(&mark), "{mark}: {}", page.text());
        }
        assert_eq!(names(&desk.get("/checks?status=down").await), ["broken"]);
        assert_eq!(names(&desk.get("/checks?tag=db").await), ["broken", "fine"]);
        assert_eq!(names(&desk.get("/checks?tag=db&status=up").await), ["fine"]);
        assert_eq!(names(&desk.get("/checks?q=SIL").await), ["silent"]);
        assert_eq!(names(&desk.get("/checks?order=name&q=il").await), ["silent", "still"]);
        let none = desk.get("/checks?q=nothing-like-it").await;
        assert!(none.text().contains("Nothing fits"), "{}", none.text());
    }

    async fn a_line_has_its_schedule_its_channels_and_a_strip_of_its_last_runs(database) {
        let mut desk = Desk::open(database).await;
        let more = json!({"kind": "cron", "schedule": "0 3 * * *", "timezone": "Europe/Budapest"});
        let check = desk.api.check("nightly", more).await;
        let hook = crate::support::server::webhook("http://127.0.0.1:9/");
        let body = json!({"channel_name": "Night shift", "kind": "webhook", "config": hook["config"]});
        let channel = desk.api.post(&desk.api.path("/channel"), &body).await.ok();
        desk.api.update(&check, json!({"channels": [channel["channel_id"]]})).await;
        for tail in ["/start", "", "/start", "/fail"] {
            desk.api.ping(&check, tail).await.says(200, "OK");
        }
        let plain = desk.api.check("plain", json!({})).await;
        desk.api.ping(&plain, "").await.says(200, "OK");
        let page = desk.get("/checks").await;
        assert!(page.text().contains("at 03:00 every day, Europe/Budapest"), "{}", page.text());
        assert!(page.text().contains("Night shift"));
        assert!(page.text().contains("aria-label=\"last 2 runs, 1 failed\""), "{}", page.text());
        assert!(page.text().contains("aria-label=\"last 1 runs, 0 failed\""), "{}", page.text());
    }

    async fn several_are_paused_resumed_tagged_and_deleted_at_once(database) {
        let mut desk = Desk::open(database).await;
        let mut checks = Vec::new();
        for name in ["one", "two", "three"] {
            checks.push(desk.api.check(name, json!({})).await);
        }
        let ids: Vec<String> = checks.iter().map(|check| check["check_id"].to_string()).collect();
        let two = |deed| [("check", ids[0].as_str()), ("check", ids[1].as_str()), ("do", deed)];
        let statuses = async |desk: &Desk| {
            let mut all = Vec::new();
            for check in &checks[..] {
                all.push(desk.api.read(check).await["status"].as_str().unwrap().to_owned());
            }
            all
        };
        let answer = desk.submit("/checks/bulk", &two("pause")).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        assert_eq!(statuses(&desk).await, ["paused", "paused", "new"]);
        desk.submit("/checks/bulk", &two("resume")).await;
        assert_eq!(statuses(&desk).await, ["new", "new", "new"]);
        let tag = [&two("tag")[..], &[("tag", "night")]].concat();
        desk.submit("/checks/bulk", &tag).await;
        assert_eq!(names(&desk.get("/checks?tag=night").await), ["one", "two"]);
        let bad = [&two("tag")[..], &[("tag", "a b")]].concat();
        assert_eq!(desk.submit("/checks/bulk", &bad).await.status, 400);

        let asked = desk.submit("/checks/bulk", &two("delete")).await;
        assert_eq!(asked.status, 200);
        assert!(asked.text().contains("Delete 2 checks?"), "{}", asked.text());
        assert!(asked.text().contains("<li>one</li>") && !asked.text().contains("<li>three</li>"));
        assert_eq!(names(&desk.get("/checks").await).len(), 3, "it only asked");
        let sure = [&two("delete")[..], &[("sure", "1")]].concat();
        desk.submit("/checks/bulk", &sure).await;
        assert_eq!(names(&desk.get("/checks").await), ["three"]);
    }

    async fn a_viewer_sees_all_but_what_pings_and_changes_nothing(database) {
        let mut desk = Desk::open(database).await;
        let check = desk.api.check("secret", json!({})).await;
        let uuid = check["uuid"].as_str().unwrap();
        let mut viewer = desk.member("viewer").await;
        let page = viewer.get(&format!("{}/checks", desk.project)).await;
        assert_eq!(names(&page), ["secret"]);
        assert!(!page.text().contains(uuid) && !page.text().contains("/pause"));
        let own = format!("{}/checks/{}", desk.project, check["check_id"]);
        let page = viewer.get(&own).await;
        assert_eq!(page.status, 200, "{}", page.text());
        assert!(!page.text().contains(uuid) && !page.text().contains("/delete"));
        let key = desk.api.ping_key.clone();
        assert!(!page.text().contains(&key), "the ping key pings, too");
        for deed in ["/pause", "/ping", "/delete", "/clone", "/edit"] {
            let answer = viewer.submit(&format!("{own}{deed}"), &[("check_name", "x")]).await;
            assert_eq!(answer.status, 403, "{deed}: {}", answer.text());
        }
        assert_eq!(viewer.get(&format!("{}/checks/new", desk.project)).await.status, 403);
        let bulk = [("check", "1"), ("do", "pause")];
        let answer = viewer.submit(&format!("{}/checks/bulk", desk.project), &bulk).await;
        assert_eq!(answer.status, 403);
        assert_eq!(desk.check(&check).await.status, 200);
    }

    async fn the_checks_of_others_are_not_there(database) {
        let mut desk = Desk::open(database).await;
        let check = desk.api.check("mine", json!({})).await;
        desk.server.new_user("stranger@example.org");
        let stranger = crate::support::visitor::Visitor::at(&desk.server);
        let mut stranger = stranger.signed_in("stranger@example.org").await;
        for tail in ["/checks", "/checks/new", &page_of(&check)] {
            let answer = stranger.get(&format!("{}{tail}", desk.project)).await;
            assert_eq!(answer.status, 403, "{tail}");
            assert!(!answer.text().contains("mine<"), "{tail}");
        }
        let answer = stranger.submit(&format!("{}{}/delete", desk.project, page_of(&check)), &[]).await;
        assert_eq!(answer.status, 403);
        let other = desk.get("/checks/999999999").await;
        assert_eq!(other.status, 403);
        assert_eq!(desk.get("/checks/00000000-0000-0000-0000-000000000000").await.status, 403);
        assert_eq!(desk.get("/checks/nonsense").await.status, 403);
    }

    async fn long_lists_come_in_pages(database) {
        let mut desk = Desk::open(database).await;
        for n in 0..101 {
            desk.api.ping_slug(&format!("job-{n:03}?create=1")).await;
        }
        let page = desk.get("/checks?order=name").await;
        assert_eq!(names(&page).len(), 100);
        assert!(page.text().contains("1–100 of 101"), "{}", page.text());
        assert!(page.text().len() < 300_000, "{} bytes", page.text().len());
        assert_eq!(names(&desk.get("/checks?order=name&page=2").await), ["job-100"]);
    }
}
