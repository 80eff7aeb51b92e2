//! One check, on the wire: its state in a sentence, its log, a ping opened, and what is done with it.

use serde_json::json;

use super::desk::{Desk, page_of};
use crate::support::both_databases;

both_databases! {
    async fn its_state_is_told_with_the_reason(database) {
        let mut desk = Desk::open(database).await;
        let check = desk.api.check("job", json!({"tags": ["db"]})).await;
        let says = async |desk: &mut Desk, words: &str| {
            let page = desk.check(&check).await;
            assert!(page.text().contains(words), "{words}: {}", page.text());
        };
        says(&mut desk, "Waiting for the first ping.").await;
        says(&mut desk, "data-events").await;
        desk.api.ping(&check, "").await.says(200, "OK");
        says(&mut desk, "without one it goes down at").await;
        desk.api.ping(&check, "/fail").await.says(200, "OK");
        says(&mut desk, "the job said that it failed").await;
        desk.submit(&format!("{}/pause", page_of(&check)), &[]).await;
        says(&mut desk, "Not watched since").await;
        says(&mut desk, "?tag=db").await;
    }

    async fn its_log_has_pings_changes_and_what_was_told_and_is_filtered(database) {
        let mut desk = Desk::open(database).await;
        let check = desk.api.check("job", json!({})).await;
        desk.api.ping_with(&check, "/7", "what happened").await.says(200, "OK");
        desk.api.ping(&check, "").await.says(200, "OK");
        let page = desk.check(&check).await;
        for words in ["Failure, exit status 7", "New → Down", "Down → Up", "13 bytes"] {
            assert!(page.text().contains(words), "{words}: {}", page.text());
        }
        let flips = desk.get(&format!("{}?log=flips", page_of(&check))).await;
        assert!(flips.text().contains("Down → Up") && !flips.text().contains("exit status 7"));
        let pings = desk.get(&format!("{}?log=pings", page_of(&check))).await;
        assert!(!pings.text().contains("Down → Up") && pings.text().contains("exit status 7"));
        let told = desk.get(&format!("{}?log=told", page_of(&check))).await;
        assert!(told.text().contains("Nothing yet."), "{}", told.text());
    }

    async fn a_ping_is_opened_with_its_body_which_can_be_kept(database) {
        let mut desk = Desk::open(database).await;
        let check = desk.api.check("job", json!({})).await;
        let body = "<script>alert(1)</script>\nline two";
        desk.api.ping_with(&check, "/log", body).await.says(200, "OK");
        let address = format!("{}/pings/1", page_of(&check));
        let page = desk.get(&address).await;
        assert_eq!(page.status, 200);
        assert!(!page.text().contains("<script>alert"), "{}", page.text());
        assert!(page.text().contains("alert(1)") && page.text().contains("127.0.0.1"));
        let file = desk.get(&format!("{address}/body")).await;
        assert_eq!(file.text(), body);
        assert_eq!(file.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(file.header("content-disposition"), "attachment; filename=\"ping-1.txt\"");
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        for n in ["0", "2", "-1", "x", "99999999999999999999"] {
            let answer = desk.get(&format!("{}/pings/{n}", page_of(&check))).await;
            assert_eq!(answer.status, 404, "{n}");
        }
    }

    async fn it_is_pinged_paused_and_resumed_by_its_buttons(database) {
        let mut desk = Desk::open(database).await;
        let check = desk.api.check("job", json!({"methods": "POST"})).await;
        let page = page_of(&check);
        let answer = desk.submit(&format!("{page}/ping"), &[]).await;
        assert!(answer.header("location").ends_with("?did=pinged"), "{}", answer.text());
        assert_eq!(desk.api.kinds(&check).await, ["success"]);
        let status = async |desk: &Desk| desk.api.read(&check).await["status"].clone();
        let back = [("next", "/projects/x?y=1")];
        let answer = desk.submit(&format!("{page}/pause"), &back).await;
        assert_eq!(answer.header("location"), "/projects/x?y=1");
        assert_eq!(status(&desk).await, "paused");
        let away = [("next", "https://evil.example.com/")];
        let answer = desk.submit(&format!("{page}/resume"), &away).await;
        assert_eq!((answer.header("location"), status(&desk).await), ("/", json!("new")));
        let elsewhere = [("origin", "https://evil.example.com")];
        let path = format!("{}{page}/pause", desk.project);
        assert_eq!(desk.visitor.submit_from(&elsewhere, &path, &[]).await.status, 403);
        assert_eq!(status(&desk).await, "new");
    }

    async fn it_is_cloned_with_its_settings_under_a_url_of_its_own(database) {
        let mut desk = Desk::open(database).await;
        let check = desk.api.check("job", json!({"grace": 120, "tags": ["a"]})).await;
        desk.api.ping(&check, "").await.says(200, "OK");
        let answer = desk.submit(&format!("{}/clone", page_of(&check)), &[]).await;
        let copy = answer.header("location").to_owned();
        assert!(!copy.contains(check["uuid"].as_str().unwrap()));
        let page = desk.visitor.get(&copy).await;
        assert!(page.text().contains("job (copy)") && page.text().contains("Waiting for the first"));
        let list = desk.api.list(&desk.api.path("/check-list")).await;
        assert_eq!((list[1]["grace"].clone(), &list[1]["slug"]), (json!(120), &json!("job-copy")));
    }

    async fn it_is_moved_with_its_history_and_tells_the_channels_of_its_new_project(database) {
        let mut desk = Desk::open(database).await;
        let check = desk.api.check("job", json!({"tags": ["a"]})).await;
        desk.api.ping(&check, "").await.says(200, "OK");
        let token = desk.api.token.clone();
        let other = crate::support::api::Api::new_project(desk.server.address(), &token).await;
        let hook = crate::support::server::webhook("http://127.0.0.1:9/");
        let body = json!({"channel_name": "Others", "kind": "webhook", "config": hook["config"]});
        other.post(&other.path("/channel"), &body).await.ok();
        let target = desk.api.get(&format!("/user/project/{}", other.project)).await.ok();
        let target = target["uuid"].as_str().unwrap_or_default().to_owned();
        let page = desk.check(&check).await;
        let (_, rest) = page.text().split_once("<option value=\"").expect("another project");
        let shown = rest.split('"').next().unwrap().to_owned();
        assert!(target.is_empty() || shown == target);
        let own = desk.project.strip_prefix("/projects/").unwrap().to_owned();
        let same = desk.submit(&format!("{}/move", page_of(&check)), &[("project", &own)]).await;
        assert_eq!(same.status, 400);
        let answer =
            desk.submit(&format!("{}/move", page_of(&check)), &[("project", &shown)]).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        let page = desk.visitor.get(answer.header("location")).await;
        assert!(page.text().contains("Others") && page.text().contains("New → Up"), "{}", page.text());
        assert_eq!(desk.check(&check).await.status, 403, "it is not in the old one any more");
        assert_eq!(other.list(&other.path("/check-list?tag=a")).await.len(), 1);
        assert_eq!(desk.api.list(&desk.api.path("/check-list?tag=a")).await.len(), 0);
        desk.api.ping(&check, "").await.says(200, "OK");
        let gone = desk.submit(&format!("{}/move", page_of(&check)), &[("project", "x")]).await;
        assert_eq!(gone.status, 403);
    }

    async fn it_is_deleted_after_the_page_asked_by_its_name(database) {
        let mut desk = Desk::open(database).await;
        let check = desk.api.check("old job", json!({})).await;
        let page = desk.check(&check).await;
        assert!(page.text().contains("Delete “old job” with all of its history?"));
        let answer = desk.submit(&format!("{}/delete", page_of(&check)), &[]).await;
        assert_eq!(answer.header("location"), format!("{}/checks", desk.project));
        assert_eq!(desk.check(&check).await.status, 403);
        assert_eq!(desk.api.ping(&check, "").await.status, 404);
    }
}
