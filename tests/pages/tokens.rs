//! Tokens and the request journal, on the wire and, for the eye, in a browser.

use super::browser::Browser;
use super::desk::{Desk, OWNER};
use crate::support::server::PASSWORD;
use crate::support::{Database, both_databases};

/// The eye of the token that the browser looks at.
const EYE: &str = "button[aria-label='Show the text of by hand']";

/// Makes a token by the form; returns its text.
async fn make(desk: &mut Desk, subject: &str) -> String {
    let form = [("subject", subject), ("expires_in", "30"), ("read", "1")];
    let page = desk.visitor.submit("/account/tokens", &form).await;
    assert_eq!(page.status, 200, "{}", page.text());
    text_of(page.text())
}

/// The text that a page shows.
fn text_of(page: &str) -> String {
    let (_, rest) = page.split_once("data-copy tabindex=\"0\"><code>").expect("a token's text");
    rest.split_once('<').unwrap().0.to_owned()
}

/// The id of the token with this name.
fn id_of(page: &str, subject: &str) -> String {
    let (before, _) = page.split_once(&format!("<h2>{subject}</h2>")).expect("the token");
    let (_, rest) = before.rsplit_once("id=\"token-").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

both_databases! {
    async fn a_token_is_made_shown_again_by_its_eye_used_and_revoked(database) {
        let mut desk = Desk::open(database).await;
        let page = desk.visitor.get("/account/tokens").await;
        assert!(page.text().contains("places are left"), "{}", page.text());
        let text = make(&mut desk, "deploy script").await;
        let page = desk.visitor.get("/account/tokens").await;
        assert!(!page.text().contains(&text), "the text comes when it is asked for");
        let id = id_of(page.text(), "deploy script");
        let eye = desk.visitor.submit(&format!("/account/tokens/{id}/text"), &[]).await;
        assert_eq!(text_of(eye.text()), text);

        desk.api.token.clone_from(&text);
        desk.api.get("/user/profile").await.ok();
        crate::support::until("the request in the journal", async || {
            let page = desk.visitor.get("/account/requests?subject=deploy+script").await;
            page.text().contains("/profile</code>").then_some(())
        })
        .await;
        desk.visitor.submit(&format!("/account/tokens/{id}/revoke"), &[]).await;
        assert!(desk.visitor.get("/account/tokens").await.text().contains("Revoked"));
        assert_eq!(desk.api.get("/user/profile").await.status, 401);
    }

    async fn a_token_that_does_not_fit_keeps_what_was_typed(database) {
        let mut desk = Desk::open(database).await;
        for (field, value, says) in [
            ("subject", "", "id=\"subject-error\""),
            ("expires_in", "soon", "Expires in must be a whole number of days."),
            ("expires_in", "100000000000000", "id=\"expires_in-error\""),
            ("allowed_ips", "10.0.0.0/8, home", "must be addresses or networks"),
            ("read", "", "Scopes must name read, write or both."),
        ] {
            let usual = [("subject", "mine"), ("expires_in", "7"), ("read", "1"), ("allowed_ips", "")];
            let form = usual.map(|(name, usual)| (name, if name == field { value } else { usual }));
            let page = desk.visitor.submit("/account/tokens", &form).await;
            assert_eq!(page.status, 400, "{field}");
            assert!(page.text().contains(says), "{field}={value}: {}", page.text());
        }
        assert!(!desk.visitor.get("/account/tokens").await.text().contains("<h2>mine"));
    }

    async fn another_users_token_is_nowhere(database) {
        let mut desk = Desk::open(database).await;
        make(&mut desk, "mine").await;
        let page = desk.visitor.get("/account/tokens").await;
        let id = id_of(page.text(), "mine");
        let mut other = desk.member("owner").await;
        for deed in ["text", "revoke", "delete"] {
            let answer = other.submit(&format!("/account/tokens/{id}/{deed}"), &[]).await;
            assert_eq!(answer.status, 403, "{deed}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_eye_shows_a_token_without_leaving_the_page() {
    let Some(browser) = Browser::open().await else { return };
    let mut desk = Desk::open(Database::Sqlite).await;
    let text = make(&mut desk, "by hand").await;
    let base = desk.server.base();
    browser.goto(&format!("{base}/sign-in?next=/account/tokens")).await;
    browser.type_into("#email", OWNER).await;
    browser.type_into("#password", PASSWORD).await;
    browser.click("main button[type=submit]").await;
    browser.arrives_at("/account/tokens").await;
    browser.click(EYE).await;
    browser.says("pre.text", &text).await;
    browser.arrives_at("/account/tokens").await;
    browser.click(EYE).await;
    crate::support::until("the text to be hidden", async || {
        browser.all("pre.text").await.is_empty().then_some(())
    })
    .await;
    assert_eq!(browser.complaints(&[]).await, Vec::<String>::new());
}
