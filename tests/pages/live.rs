//! Pages that are open follow what happens: the events on the wire, and a list of checks in a real
//! browser that turns red and green by itself.

use std::time::Duration;

use serde_json::json;

use super::browser::Browser;
use super::desk::{Desk, OWNER, page_of};
use crate::support::api::Api;
use crate::support::server::PASSWORD;
use crate::support::visitor::Visitor;
use crate::support::{Database, both_databases};

/// The events of a project, as they come.
struct Events {
    answer: reqwest::Response,
    read: String,
}

impl Events {
    async fn open(desk: &Desk) -> Self {
        let url = format!("{}{}/events", desk.visitor.base, desk.project);
        let cookie = format!("api_access_token={}", desk.visitor.token.clone().unwrap());
        let client = crate::support::server::http_client();
        let answer = client.get(url).header("cookie", cookie).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert_eq!(answer.headers()["x-accel-buffering"], "no");
        let mut events = Self { answer, read: String::new() };
        events.wait_for("retry: ").await;
        events
    }

    /// Reads on until this has come.
    async fn wait_for(&mut self, words: &str) -> &str {
        let come = async {
            while !self.read.contains(words) {
                let chunk = self.answer.chunk().await.unwrap().expect("the events go on");
                self.read.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        };
        let in_time = tokio::time::timeout(crate::support::PATIENCE, come).await;
        assert!(in_time.is_ok(), "{words:?} in {}", self.read);
        &self.read
    }
}

both_databases! {
    async fn who_listens_is_told_of_pings_edits_and_new_checks(database) {
        let desk = Desk::open(database).await;
        let check = desk.api.check("job", json!({})).await;
        let other = Api::new_project(desk.server.address(), &desk.api.token).await;
        let foreign = other.check("not yours", json!({})).await;
        let mut events = Events::open(&desk).await;
        other.ping(&foreign, "").await.says(200, "OK");
        desk.api.ping(&check, "/fail").await.says(200, "OK");
        let told = events.wait_for("\"counts\":{\"down\":1}").await;
        assert!(told.contains(&format!("id=\\\"check-{}\\\"", check["check_id"])), "{told}");
        assert!(!told.contains("not yours"));
        desk.api.update(&check, json!({"check_name": "renamed"})).await;
        events.wait_for("renamed").await;
        desk.api.check("second", json!({})).await;
        events.wait_for("event: list").await;
    }

    async fn who_may_only_look_is_told_no_ping_url(database) {
        let desk = Desk::open(database).await;
        let check = desk.api.check("job", json!({})).await;
        let viewer = desk.member("viewer").await;
        let mut theirs = Desk { visitor: viewer, ..desk };
        let mut events = Events::open(&theirs).await;
        theirs.api.ping(&check, "").await.says(200, "OK");
        let told = events.wait_for("\"counts\":{\"up\":1}").await;
        assert!(!told.contains(check["uuid"].as_str().unwrap()), "{told}");
        assert_eq!(theirs.get("/checks").await.status, 200);
    }

    async fn what_another_node_does_is_told_where_they_share_a_database(database) {
        if database == Database::Sqlite {
            return;
        }
        let desk = Desk::open(database).await;
        let check = desk.api.check("job", json!({})).await;
        let mut events = Events::open(&desk).await;
        let beside = desk.server.beside().await;
        let mut elsewhere = desk.api.clone();
        elsewhere.base = beside.base();
        elsewhere.address = beside.address();
        // The first look at the others finds nothing to compare with: go on until it is told.
        let pinging = async {
            loop {
                elsewhere.ping(&check, "").await.says(200, "OK");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        tokio::select! {
            () = pinging => {}
            _ = events.wait_for("\"counts\":{\"up\":1}") => {}
        }
    }

    async fn listeners_end_with_the_server_and_strangers_hear_nothing(database) {
        let mut desk = Desk::open(database).await;
        let mut events = Events::open(&desk).await;
        let path = format!("{}/events", desk.project);
        assert_eq!(Visitor::at(&desk.server).get(&path).await.status, 303, "to the sign-in");
        desk.server.new_user("stranger@example.org");
        let mut stranger = Visitor::at(&desk.server).signed_in("stranger@example.org").await;
        assert_eq!(stranger.get(&path).await.status, 403);
        assert!(desk.server.stop().await.success());
        while events.answer.chunk().await.ok().flatten().is_some() {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_turns_red_and_green_by_itself() {
    let Some(browser) = Browser::open().await else { return };
    let settings = [("OVERDUE_CHECKS__MIN_PERIOD", "1"), ("OVERDUE_CHECKS__MIN_GRACE", "1")];
    let desk = Desk::open_with(Database::Sqlite, &settings).await;
    let check = desk.api.check("Nightly backup", json!({})).await;
    let mark = format!("#check-{} .mark", check["check_id"]);
    browser.goto(&format!("{}{}/checks", desk.server.base(), desk.project)).await;
    browser.type_into("#email", OWNER).await;
    browser.type_into("#password", PASSWORD).await;
    browser.click("main button[type=submit]").await;
    browser.says(&mark, "New").await;
    browser.see("html[data-live=on] body").await;
    desk.api.ping(&check, "").await.says(200, "OK");
    browser.says(&mark, "Up").await;
    browser.says("[data-count=up]", "1").await;
    desk.api.update(&check, json!({"period": 2, "grace": 1})).await;
    browser.says(&mark, "Down").await;
    let icon = browser.run("return document.querySelector('link[rel=icon]').href").await;
    assert!(icon.as_str().unwrap().contains("overdue-down"), "{icon}");
    desk.api.update(&check, json!({"period": 3600})).await;
    desk.api.ping(&check, "").await.says(200, "OK");
    browser.says(&mark, "Up").await;
    browser.goto(&format!("{}{}{}", desk.server.base(), desk.project, page_of(&check))).await;
    browser.see("html[data-live=on] body").await;
    desk.api.ping(&check, "/fail").await.says(200, "OK");
    browser.says("#status", "Down").await;
    browser.says("#log", "Down").await;
    assert_eq!(browser.complaints(&[]).await, Vec::<String>::new());
}
