//! The first minutes in a real browser: from the code in the log to a session, out and in again,
//! and the same without a script.

use super::browser::Browser;
use crate::support::Database;
use crate::support::server::{PASSWORD, TestServer};

const EMAIL: &str = "ops@example.org";

/// The address that the log of a fresh server shows.
pub fn setup_address(server: &TestServer) -> String {
    let log = server.log();
    let (_, rest) = log.split_once("/setup?code=").expect("the log names the page");
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    format!("{}/setup?code={}", server.base(), &rest[..end.unwrap_or(rest.len())])
}

async fn sign_in(browser: &Browser, email: &str, password: &str) {
    browser.type_into("#email", email).await;
    browser.type_into("#password", password).await;
    browser.click("main button[type=submit]").await;
}

/// From the first page to a session, out of it, and in again.
async fn walk(browser: &Browser, server: &TestServer) {
    browser.goto(&setup_address(server)).await;
    browser.type_into("#email", EMAIL).await;
    browser.type_into("#password", PASSWORD).await;
    browser.click("main button[type=submit]").await;
    browser.says("#status", "Waiting for the first ping").await;
    let first = browser.path().await;
    assert!(first.starts_with("/projects/") && first.contains("/checks/"), "{first}");
    assert_eq!(browser.text("#who").await, EMAIL);

    browser.click(".account summary").await;
    browser.click(".account button").await;
    browser.arrives_at("/sign-in").await;
    assert_eq!(browser.cookie("api_access_token").await, None);
    browser.goto(&format!("{}/docs/api", server.base())).await;
    browser.arrives_at("/sign-in?next=%2Fdocs%2Fapi").await;

    sign_in(browser, EMAIL, "wrong horse battery").await;
    browser.says("#problem", "not right").await;
    assert_eq!(browser.value("#email").await, EMAIL);
    assert_eq!(browser.value("#password").await, "");
    assert_eq!(browser.cookie("api_access_token").await, None);

    browser.type_into("#password", PASSWORD).await;
    browser.click("main button[type=submit]").await;
    browser.arrives_at("/docs/api").await;
    assert_eq!(browser.text("#who").await, EMAIL);
    browser.goto(&server.base()).await;
    browser.says("main h1", "Checks").await;
    browser.click("table.checks a.name").await;
    browser.arrives_at(&first).await;
    let refused = "403 (Forbidden)";
    assert_eq!(browser.complaints(&[refused]).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_code_in_the_log_to_a_session_out_of_it_and_in_again() {
    let Some(browser) = Browser::open().await else { return };
    let server = TestServer::start(Database::Sqlite, &[]).await;
    walk(&browser, &server).await;
    let (base, mut elsewhere) = (server.base(), browser.requests().await);
    assert!(!elsewhere.is_empty());
    elsewhere.retain(|url| !url.starts_with(&base));
    assert_eq!(elsewhere, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_works_without_a_script() {
    let Some(browser) = Browser::without_scripts().await else { return };
    let server = TestServer::start(Database::Sqlite, &[]).await;
    walk(&browser, &server).await;
    browser.goto(&format!("{}/docs/api", server.base())).await;
    assert!(browser.text("noscript").await.contains("/docs/api.json"), "no script ran");
    let until = browser.text("#session time").await;
    browser.click("#renew button").await;
    browser.arrives_at("/docs/api").await;
    assert!(browser.text("#session time").await >= until);
}
