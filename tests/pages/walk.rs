//! The whole story in a real browser, at a desk and on a phone: the first start, the first check, a
//! ping that comes while one looks, an alert by mail, and all well again.

use std::process::Command;

use super::browser::Browser;
use super::first_minutes::setup_address;
use crate::support::Database;
use crate::support::post::{Port, Post};
use crate::support::server::{PASSWORD, TestServer};

const EMAIL: &str = "ops@example.org";

/// A browser, and how often somebody had to click in it.
struct Walk {
    browser: Browser,
    clicks: usize,
}

impl Walk {
    async fn click(&mut self, selector: &str) {
        self.browser.click(selector).await;
        self.clicks += 1;
    }

    async fn choose(&self, selector: &str, value: &str) {
        self.browser.click(&format!("{selector} option[value={value}]")).await;
    }

    /// Runs the line that the page shows, as somebody does who copies it.
    async fn curl(&self) {
        let line = self.browser.text("#curl").await;
        assert!(line.starts_with("curl "), "{line}");
        let run = move || Command::new("sh").arg("-c").arg(line).output().unwrap();
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        assert!(output.status.success() && output.stdout == b"OK", "{output:?}");
    }

    /// From the code in the log to a page that turned green by itself.
    async fn first_ping(&mut self, server: &TestServer) -> String {
        let browser = &self.browser;
        browser.goto(&setup_address(server)).await;
        browser.type_into("#email", EMAIL).await;
        browser.type_into("#password", PASSWORD).await;
        self.click("main button[type=submit]").await;
        self.browser.says("#status", "Waiting for the first ping").await;
        self.browser.see("html[data-live=on] body").await;
        self.curl().await;
        self.browser.says("#status", "Up").await;
        assert!(self.clicks <= 4, "{} clicks to the first ping", self.clicks);
        self.browser.path().await
    }

    /// Adds the address as a channel, and confirms it.
    async fn add_mail(&mut self, server: &TestServer, post: &Post, to: &str) {
        self.click("nav.sections a[href$='/channels']").await;
        self.click(".empty a.button, .title a.button").await;
        self.click("a[href$='kind=email']").await;
        self.browser.type_into("#channel_name", "Night shift").await;
        self.browser.type_into("[id='config.email']", to).await;
        self.click("main form button[type=submit]").await;
        self.browser.says("h1", "Night shift").await;
        let channel = self.browser.path().await;
        let question = post.wait_for(to, 1).await.remove(0);
        self.browser.goto(&format!("{}{}", server.base(), question.link("/mail/confirm/"))).await;
        self.click("main button[type=submit]").await;
        self.browser.says("h1", "Confirmed").await;
        self.browser.goto(&format!("{}{channel}", server.base())).await;
        self.click("#test").await;
        self.browser.says("#tested", "taken").await;
        assert_eq!(post.wait_for(to, 2).await.len(), 2);
    }
}

async fn walk(width: u32, database: Database) {
    let (Some(browser), Some(post)) = (Browser::open().await, Post::shared().await) else { return };
    let mut settings = post.settings(Port::Plain);
    for name in ["OVERDUE_CHECKS__MIN_PERIOD", "OVERDUE_CHECKS__MIN_GRACE"] {
        settings.push((name, "1".to_owned()));
    }
    let settings: Vec<(&str, &str)> = settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let server = TestServer::start(database, &settings).await;
    browser.look_as(width, "light").await;
    let mut walk = Walk { browser, clicks: 0 };
    let check = walk.first_ping(&server).await;
    let to = format!("{}@example.net", crate::support::random_name("night-"));
    walk.add_mail(&server, post, &to).await;

    // Due every ten seconds, and late after one more.
    walk.browser.goto(&format!("{}{check}/edit", server.base())).await;
    for (name, number) in [("period", "10"), ("grace", "1")] {
        walk.browser.type_into(&format!("#{name}"), number).await;
        walk.choose(&format!("[name={name}_unit]"), "s").await;
    }
    let tells = walk.browser.run("return document.querySelector('[name=channel]').checked").await;
    if tells != true {
        walk.browser.click("[name=channel]").await;
    }
    walk.browser.click("#save").await;
    walk.browser.says(".done", "saved").await;
    walk.curl().await;
    walk.browser.says("#status", "Up").await;
    walk.browser.run("window.isTheSame = true").await;
    walk.browser.says("#status", "Down").await;
    let mails = post.wait_for(&to, 3).await;
    let down = &mails[2];
    assert!(down.header("subject").contains("is down"), "{}", down.header("subject"));
    let project = check.split_once("/checks/").unwrap().0;
    assert!(down.text.contains(&format!("{project}/checks/")), "{}", down.text);
    walk.curl().await;
    walk.browser.says("#status", "Up").await;
    let up = post.wait_for(&to, 4).await.remove(3);
    assert!(up.header("subject").contains("is up"), "{}", up.header("subject"));
    assert_eq!(
        walk.browser.run("return window.isTheSame").await,
        true,
        "nobody loaded the page anew"
    );

    let (base, mut elsewhere) = (server.base(), walk.browser.requests().await);
    assert!(!elsewhere.is_empty());
    elsewhere.retain(|url| !url.starts_with(&base));
    assert_eq!(elsewhere, Vec::<String>::new());
    assert_eq!(walk.browser.complaints(&[]).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_first_start_to_an_alert_and_all_well_again() {
    walk(1280, Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_on_a_phone() {
    walk(390, Database::Sqlite).await;
}
