//! The API page in a real browser: commands and models, "Try it out" under the session, the `curl`
//! line that works as it stands, the session's end and its renewal.

use std::process::Command;

use overdue::clock::Timestamp;
use serde_json::Value;

use super::browser::Browser;
use crate::support::Database;
use crate::support::server::{PASSWORD, TestServer};
use crate::support::visitor::Visitor;

const EMAIL: &str = "ops@example.org";

/// A server with a user and their project, and a browser that is signed in and on the API page; and
/// a token from the command line.
struct Scene {
    browser: Browser,
    server: TestServer,
    /// Where the server is, its prefix included.
    base: String,
    token: String,
}

/// A command as Swagger UI shows it.
struct Operation {
    /// A CSS selector.
    block: String,
}

impl Scene {
    /// None where there is no browser.
    async fn open() -> Option<Self> {
        Self::open_below("", &[]).await
    }

    /// One whose server has this prefix before its paths, and these settings.
    async fn open_below(prefix: &str, settings: &[(&str, &str)]) -> Option<Self> {
        let browser = Browser::open().await?;
        let server = TestServer::start(Database::Sqlite, settings).await;
        let token = server.new_user(EMAIL);
        server.cli_ok(&["project", "create", "Home", "--owner", EMAIL], "");
        let base = format!("{}{prefix}", server.base());
        let scene = Self { browser, server, base, token };
        scene.sign_in().await;
        scene.browser.see(".opblock").await;
        Some(scene)
    }

    async fn sign_in(&self) {
        self.browser.goto(&format!("{}/docs/api", self.base)).await;
        self.enter().await;
    }

    /// Fills in the sign-in page, and comes to the API page.
    async fn enter(&self) {
        self.browser.type_into("#email", EMAIL).await;
        self.browser.type_into("#password", PASSWORD).await;
        self.browser.click("main button[type=submit]").await;
        self.browser.see("#session").await;
    }

    /// The end of the session as the page knows it.
    async fn until(&self) -> Timestamp {
        let value = self.browser.run("return session.dataset.until").await;
        crate::support::time(&value)
    }

    /// Opens a command, ready to be tried out.
    async fn open_operation(&self, id: &str) -> Operation {
        let block = format!("[id^=\"operations-\"][id$=\"-{id}\"]");
        self.browser.click(&format!("{block} .opblock-summary-control")).await;
        self.browser.click(&format!("{block} .try-out__btn")).await;
        self.browser.see(&format!("{block} .execute")).await;
        Operation { block }
    }

    /// Runs it: the status, and the answer.
    async fn execute(&self, operation: &Operation) -> (String, Value) {
        let Operation { block } = operation;
        self.browser.click(&format!("{block} .execute")).await;
        let live = format!("{block} .live-responses-table");
        let status = self.browser.text(&format!("{live} tr.response .response-col_status")).await;
        let body =
            self.browser.text(&format!("{live} tr.response .response-col_description pre")).await;
        let status = status.split_whitespace().next().unwrap().to_owned();
        (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error} in {body}")))
    }

    /// The `curl` line of its last run.
    async fn curl(&self, operation: &Operation) -> String {
        self.browser.text(&format!("{} .curl-command .curl", operation.block)).await
    }

    /// Gives a token under "Authorize", for this scheme.
    async fn authorize(&self, scheme: usize, token: &str) {
        self.browser.click(".auth-wrapper .authorize").await;
        let form = format!(".auth-container:nth-of-type({scheme})");
        self.browser.type_into(&format!("{form} input"), token).await;
        self.browser.click(&format!("{form} button[type=submit]")).await;
        self.browser.click(".modal-ux .btn-done").await;
    }

    /// Asserts that nothing went wrong on the page, and that nobody else was asked for anything.
    async fn is_quiet(&self, expected: &[&str]) {
        assert_eq!(self.browser.complaints(expected).await, Vec::<String>::new());
        let base = self.server.base();
        let requests = self.browser.requests().await;
        let elsewhere: Vec<&String> =
            requests.iter().filter(|url| !url.starts_with(&base)).collect();
        assert_eq!(elsewhere, Vec::<&String>::new());
        assert!(requests.iter().any(|url| url.ends_with("/docs/api.json")), "{requests:?}");
    }
}

/// Runs a line in a shell where `OVERDUE_TOKEN` is this: what it prints.
fn shell(line: &str, token: &str) -> Value {
    let silent = line.replacen("curl", "curl -s", 1);
    let output = Command::new("sh").args(["-c", &silent]).env("OVERDUE_TOKEN", token).output();
    let printed = String::from_utf8(output.unwrap().stdout).unwrap();
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error} in {printed:?}, {line}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_is_tried_out_under_the_session_and_its_curl_line_works_as_it_stands() {
    let Some(scene) = Scene::open().await else { return };
    assert!(scene.browser.all(".opblock").await.len() >= 3, "commands are shown");
    assert!(scene.browser.text(".models").await.contains("Schemas"), "models are shown");
    assert!(!scene.browser.all(".models .json-schema-2020-12").await.is_empty(), "each of them");

    let profile = scene.open_operation("get_profile").await;
    let (status, answer) = scene.execute(&profile).await;
    assert_eq!((status.as_str(), &answer["email"]), ("200", &EMAIL.into()));
    let line = scene.curl(&profile).await;
    assert!(line.contains("--cookie \"api_access_token=$OVERDUE_TOKEN\""), "{line}");
    assert!(line.contains(&format!("'{}/user/profile'", scene.server.base())), "{line}");
    assert_eq!(shell(&line, &scene.token)["email"], EMAIL, "{line}");
    assert_eq!(shell(&line, "")["statusCode"], 401, "the line holds no token: {line}");
    scene.is_quiet(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_is_made_by_try_it_out_and_by_its_curl_line() {
    let Some(scene) = Scene::open().await else { return };
    let create = scene.open_operation("post_project_check").await;
    let block = &create.block;
    scene.browser.type_into(&format!("{block} [data-param-name=project_id] input"), "1").await;
    let body = r#"{"check_name": "It's $HOME's \"backup\"", "period": 3600}"#;
    scene.browser.type_into(&format!("{block} .body-param__text"), body).await;
    let (status, answer) = scene.execute(&create).await;
    assert_eq!(status, "200", "{answer}");
    assert_eq!((&answer["check_id"], &answer["period"]), (&1.into(), &3600.into()));
    assert_eq!(answer["check_name"], "It's $HOME's \"backup\"");
    let line = scene.curl(&create).await;
    let again = shell(&line, &scene.token);
    assert_eq!((&again["check_id"], &again["check_name"]), (&2.into(), &answer["check_name"]));
    scene.is_quiet(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_given_is_what_the_request_and_the_line_carry() {
    let Some(scene) = Scene::open().await else { return };
    let profile = scene.open_operation("get_profile").await;
    for scheme in [1, 2] {
        scene.authorize(scheme, &scene.token).await;
        scene.execute(&profile).await;
        let line = scene.curl(&profile).await;
        assert!(line.contains(&scene.token) && !line.contains("OVERDUE_TOKEN"), "{line}");
        assert_eq!(shell(&line, "")["email"], EMAIL, "{line}");

        // It is what is tried, and not the session.
        let revoke = ["token", "revoke", "--user", EMAIL, "--subject", "tests"];
        if scheme == 2 {
            scene.server.cli_ok(&revoke, "");
            scene.browser.click(&format!("{} .execute", profile.block)).await;
            scene.browser.says("#over", "The token was refused").await;
            break;
        }
        scene.browser.goto(&format!("{}/docs/api", scene.server.base())).await;
        scene.open_operation("get_profile").await;
    }
    scene.is_quiet(&["401 (Unauthorized)"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_session_is_renewed_by_its_button_and_its_end_is_told() {
    let Some(scene) = Scene::open().await else { return };
    let browser = &scene.browser;
    let first = browser.cookie("api_access_token").await.unwrap();
    // In the second of the sign-in there is nothing to renew: the end is told in whole seconds.
    crate::support::until("a new token", async || {
        browser.click("#renew button").await;
        browser.says("#said", "renewed").await;
        (browser.cookie("api_access_token").await? != first).then_some(())
    })
    .await;
    assert_eq!(browser.path().await, "/docs/api", "the page stays");
    let life = scene.until().await.micros_since(crate::support::now());
    assert!((29 * 60 * 1_000_000..=30 * 60 * 1_000_000).contains(&life), "{life}");

    // Signed out elsewhere: what is tried out says so, and so does the button.
    let profile = scene.open_operation("get_profile").await;
    assert_eq!(scene.execute(&profile).await.0, "200");
    let kept = browser.cookie("api_access_token").await.unwrap();
    sign_out(&scene.server, &kept).await;
    browser.click(&format!("{} .execute", profile.block)).await;
    browser.says("#over", "Your session is over").await;
    browser.click("#renew button").await;
    browser.says("#over", "Your session is over").await;
    browser.click("#over a").await;
    browser.arrives_at("/sign-in?next=%2Fdocs%2Fapi").await;
    scene.enter().await;
    assert_eq!(browser.path().await, "/docs/api");
    scene.is_quiet(&["401 (Unauthorized)"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_follows_a_session_that_goes_on_by_use() {
    let Some(scene) = Scene::open().await else { return };
    let (browser, before) = (&scene.browser, scene.until().await);
    // Whoever renews it, a script of ours can't see: from the half of its life on the page asks.
    let mut other_tab = Visitor::at(&scene.server);
    other_tab.token = browser.cookie("api_access_token").await;
    crate::support::until("a later end", async || {
        let renewed = other_tab.submit("/docs/api/renew", &[]).await;
        assert_eq!(renewed.status, 303);
        let page = other_tab.get("/docs/api").await;
        let (_, rest) = page.text().split_once("data-until=\"")?;
        let until = crate::support::time(&rest.split_once('"')?.0.into());
        (until > before).then_some(())
    })
    .await;
    browser.set_token(other_tab.token.as_deref().unwrap()).await;
    let profile = scene.open_operation("get_profile").await;
    browser.run("session.dataset.minutes = 10000").await;
    crate::support::until("the later end on the page", async || {
        browser.click(&format!("{} .execute", profile.block)).await;
        (scene.until().await > before).then_some(())
    })
    .await;
    scene.is_quiet(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn below_a_prefix_the_page_and_its_lines_keep_it() {
    let settings = [("OVERDUE_SERVER__SITE_URL", "https://example.org/watch")];
    let Some(scene) = Scene::open_below("/watch", &settings).await else { return };
    let profile = scene.open_operation("get_profile").await;
    assert_eq!(scene.execute(&profile).await.0, "200");
    let line = scene.curl(&profile).await;
    assert!(line.contains(&format!("'{}/watch/user/profile'", scene.server.base())), "{line}");
    assert_eq!(shell(&line, &scene.token)["email"], EMAIL, "{line}");
    scene.is_quiet(&[]).await;
}

async fn sign_out(server: &TestServer, token: &str) {
    let mut visitor = Visitor::at(server);
    visitor.token = Some(token.to_owned());
    assert_eq!(visitor.submit("/sign-out", &[]).await.status, 303);
}
