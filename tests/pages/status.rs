//! Status pages, on the wire: who may make and see them, what they show, and their badges.

use super::desk::{Desk, OWNER};
use crate::support::both_databases;
use crate::support::visitor::Visitor;
use serde_json::{Value, json};

fn id(check: &Value) -> String {
    check["check_id"].to_string()
}

both_databases! {
    async fn anybody_sees_the_chosen_checks_and_nothing_secret(database) {
        let mut desk = Desk::open(database).await;
        let up = desk.api.check("nightly backup", json!({})).await;
        let down = desk.api.check("mail queue", json!({"tags": ["shop"]})).await;
        desk.api.check("hidden job", json!({})).await;
        desk.api.ping(&up, "").await.says(200, "OK");
        let slug = crate::support::random_name("s-").to_ascii_lowercase();
        let form = [
            ("title", "Our <jobs>"), ("slug", slug.as_str()), ("text", "What runs at night."),
            ("tags", "shop"), ("checks", &id(&up)), ("public", "1"),
        ];
        let answer = desk.submit("/status-pages", &form).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        let edit = answer.header("location").to_owned();
        let mut anybody = Visitor::at(&desk.server);
        let address = format!("/status/{slug}");
        let page = anybody.get(&address).await;
        assert_eq!(page.status, 200, "{}", page.text());
        for words in ["Our &#60;jobs&#62;", "nightly backup", "mail queue", "All is well."] {
            assert!(page.text().contains(words), "{words}: {}", page.text());
        }
        for secret in ["hidden job", &desk.api.ping_key, OWNER, up["uuid"].as_str().unwrap()] {
            assert!(!page.text().contains(secret), "{secret}: {}", page.text());
        }
        // A change made here is seen at once, whatever was remembered.
        desk.api.ping(&down, "/fail").await.says(200, "OK");
        let answer = desk.visitor.submit(&format!("{edit}/notices"), &[("notice", "We look.")]).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        let page = anybody.get(&address).await;
        assert!(page.text().contains("Something is down."), "{}", page.text());
        assert!(page.text().contains("We look.") && page.text().contains("Open since"));
    }

    async fn a_badge_tells_the_state_and_a_page_of_members_is_theirs_alone(database) {
        let mut desk = Desk::open(database).await;
        let check = desk.api.check("job", json!({})).await;
        desk.api.ping(&check, "/fail").await.says(200, "OK");
        let slug = crate::support::random_name("s-").to_ascii_lowercase();
        let form = [("title", "Ours"), ("slug", slug.as_str()), ("checks", &id(&check))];
        let answer = desk.submit("/status-pages", &form).await;
        let edit = answer.header("location").to_owned();
        let address = format!("/status/{slug}");
        let mut anybody = Visitor::at(&desk.server);
        assert_eq!(desk.visitor.get(&address).await.status, 200);
        assert_eq!(anybody.get(&address).await.status, 404);
        let page = desk.visitor.get(&edit).await;
        let (_, badge) = page.text().split_once("<img src=\"/badge/").unwrap();
        let (token, _) = badge.split_once(".svg").unwrap();
        let told = anybody.get(&format!("/badge/{token}.json")).await.json();
        assert_eq!(told, json!({"status": "down", "total": 1, "down": 1, "grace": 0}));
        let svg = anybody.get(&format!("/badge/{token}.svg")).await;
        assert_eq!(svg.header("content-type"), "image/svg+xml");
        assert!(svg.text().contains("status: Down"), "{}", svg.text());
        for file in ["x.svg", "x", ".json", &format!("{token}.png")] {
            assert_eq!(anybody.get(&format!("/badge/{file}")).await.status, 404, "{file}");
        }
        let mut viewer = desk.member("viewer").await;
        assert_eq!(viewer.submit(&edit, &form).await.status, 403);
        assert_eq!(viewer.submit(&format!("{edit}/delete"), &[]).await.status, 403);
        assert_eq!(desk.visitor.submit(&format!("{edit}/delete"), &[]).await.status, 303);
        assert_eq!(desk.visitor.get(&address).await.status, 404);
    }

    async fn a_form_that_does_not_fit_keeps_what_was_typed(database) {
        let mut desk = Desk::open(database).await;
        let form = [("title", "Kept title"), ("slug", "No Good"), ("public", "1")];
        let answer = desk.submit("/status-pages", &form).await;
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains("Kept title") && answer.text().contains("slug-error"));
        let slug = crate::support::random_name("s-").to_ascii_lowercase();
        let form = [("title", "One"), ("slug", slug.as_str()), ("checks", "999999")];
        assert_eq!(desk.submit("/status-pages", &form).await.status, 400, "no check of theirs");
        let made = desk.submit("/status-pages", &form[..2]).await;
        let edit = made.header("location").to_owned();
        let long = "kept ".repeat(500);
        let page = desk.visitor.submit(&format!("{edit}/notices"), &[("notice", &long)]).await;
        assert_eq!(page.status, 400);
        assert!(page.text().contains("notice-error") && page.text().contains("kept kept"));
        let again = desk.submit("/status-pages", &form[..2]).await;
        assert!(again.text().contains("is taken by another status page"), "{}", again.text());
    }
}
