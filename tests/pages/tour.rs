//! How the other pages look: those of the project beside its checks, of accounts, of who administers
//! the server, and of who is not signed in.

use serde_json::{Value, json};

use super::browser::Browser;
use super::desk::{Desk, OWNER};
use super::looks::show;
use crate::support::post::{Port, Post};
use crate::support::receiver::Receiver;
use crate::support::server::{PASSWORD, TestServer};
use crate::support::visitor::Visitor;
use crate::support::{Database, until};

/// A browser of somebody who is signed in as the owner.
async fn signed_in(desk: &Desk) -> Option<Browser> {
    let browser = Browser::open().await?;
    browser.goto(&format!("{}/sign-in", desk.server.base())).await;
    browser.type_into("#email", OWNER).await;
    browser.type_into("#password", PASSWORD).await;
    browser.click("main button[type=submit]").await;
    browser.see("nav.sections").await;
    Some(browser)
}

/// Looks at a page below the project.
async fn look(browser: &Browser, desk: &Desk, tail: &str, name: &str) {
    browser.goto(&format!("{}{}{tail}", desk.server.base(), desk.project)).await;
    show(browser, name).await;
}

async fn none_complains(browser: &Browser, expected: &[&str]) {
    assert_eq!(browser.complaints(expected).await, Vec::<String>::new());
}

/// Sends a form that is to be taken; where it leads then.
async fn taken(visitor: &mut Visitor, path: &str, form: &[(&str, &str)]) -> String {
    let answer = visitor.submit(path, form).await;
    assert_eq!(answer.status, 303, "{path}: {}", answer.text());
    answer.header("location").split('?').next().unwrap().to_owned()
}

fn id(object: &Value, name: &str) -> String {
    object[name].to_string()
}

/// The list of monitors with a device that is up, one that is down, and one that is off.
async fn monitors(desk: &mut Desk, browser: &Browser) {
    let port = desk.server.address().port().to_string();
    let usual = [
        ("scheme", "http"),
        ("target_value", "127.0.0.1"),
        ("location", "The rack in the cellar"),
        ("interval", "1"),
        ("timeout", "5"),
        ("retries", "0"),
        ("tls_expiry_days", "14"),
        ("port", port.as_str()),
    ];
    let path = format!("{}/monitors/new", desk.project);
    for more in [
        &[("service_type", "web"), ("is_enabled", "1")][..],
        &[("service_type", "ssh"), ("is_enabled", "1")],
        &[("service_type", "tcp")],
    ] {
        taken(&mut desk.visitor, &path, &[&usual[..], more].concat()).await;
    }
    browser.look_as(1280, "light").await;
    until("they were looked at", async || {
        browser.goto(&format!("{}{}/monitors", desk.server.base(), desk.project)).await;
        let marks = browser
            .run("return document.querySelectorAll('td .mark.up, td .mark.down').length")
            .await;
        (marks == 2).then_some(())
    })
    .await;
    show(browser, "monitors").await;
    browser.look_as(1280, "light").await;
    browser.click("main table a.button").await;
    browser.see("#target_value").await;
    browser.click("details.more summary").await;
    show(browser, "monitor-edit").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_project_has_beside_its_checks() {
    let mut desk = Desk::open(Database::Sqlite).await;
    let Some(browser) = signed_in(&desk).await else { return };
    for (tail, name) in [
        ("/runs", "runs-empty"),
        ("/channels", "channels-empty"),
        ("/maintenance", "maintenance-empty"),
        ("/monitors", "monitors-empty"),
        ("/monitors/new", "monitor-new"),
        ("/monitors/new?kind=blacklist", "monitor-new-listing"),
        ("/status-pages", "status-pages-empty"),
        ("/help", "help-empty"),
        ("/help/coming-from-healthchecks", "coming-from-healthchecks"),
    ] {
        look(&browser, &desk, tail, name).await;
    }
    let receiver = Receiver::start().await;
    let config = json!({"url_down": receiver.url("/"), "url_up": receiver.url("/")});
    let channel =
        json!({"kind": "webhook", "channel_name": "Night shift's chat", "config": config});
    desk.api.post(&desk.api.path("/channel"), &channel).await.ok();
    let backup = desk.api.check("Nightly backup", json!({"tags": ["db"]})).await;
    let report = desk.api.check("Weekly report", json!({})).await;
    for (check, end) in [(&backup, ""), (&report, "/fail"), (&backup, "/3"), (&report, "")] {
        desk.api.ping(check, "/start").await.says(200, "OK");
        desk.api.ping(check, end).await.says(200, "OK");
    }
    look(&browser, &desk, "/runs", "runs").await;
    look(&browser, &desk, "/runs?result=lost", "runs-none").await;
    look(&browser, &desk, "/channels", "channels").await;
    look(&browser, &desk, "/channels/new", "channel-kinds").await;
    for kind in ["email", "webhook", "group", "ntfy"] {
        look(&browser, &desk, &format!("/channels/new?kind={kind}"), &format!("channel-{kind}"))
            .await;
    }
    browser.look_as(1280, "light").await;
    browser.goto(&format!("{}{}/channels", desk.server.base(), desk.project)).await;
    browser.click("table a").await;
    browser.see("#test").await;
    show(&browser, "channel").await;
    browser.look_as(1280, "light").await;
    browser.click("#test").await;
    browser.see("#tested").await;
    show(&browser, "channel-tested").await;

    let form = [
        ("title", "Database moves"),
        ("kind", "once"),
        ("starts_at", "2020-01-01T10:00"),
        ("ends_at", "2099-01-01T10:00"),
    ];
    taken(&mut desk.visitor, &format!("{}/maintenance", desk.project), &form).await;
    let form = [
        ("title", "Nightly reboot"),
        ("kind", "repeat"),
        ("repeat", "30 3 * * 1-5"),
        ("duration", "20"),
        ("tags", "db"),
    ];
    taken(&mut desk.visitor, &format!("{}/maintenance", desk.project), &form).await;
    look(&browser, &desk, "/maintenance", "maintenance").await;
    monitors(&mut desk, &browser).await;
    browser.look_as(1280, "light").await;
    browser.goto(&format!("{}{}/checks", desk.server.base(), desk.project)).await;
    browser.click("table.checks input[name=check]").await;
    browser.click("#bulk [value=delete]").await;
    browser.see("button.danger").await;
    show(&browser, "checks-delete").await;
    look(&browser, &desk, "/help", "help").await;
    look(
        &browser,
        &desk,
        &format!("/checks/{}/edit", backup["uuid"].as_str().unwrap()),
        "check-edit-device",
    )
    .await;
    look(&browser, &desk, "/settings", "project").await;
    browser.look_as(1280, "light").await;
    browser.click("#make-api-key").await;
    browser.see("#new-api-key").await;
    show(&browser, "project-api-key").await;
    browser.look_as(1280, "light").await;
    browser.goto(&format!("{}{}/settings", desk.server.base(), desk.project)).await;
    browser
        .type_into("[name=file]", "format = 1\n\n[[checks]]\ncheck_name = \"From a file\"\n")
        .await;
    browser.click("[name=do][value=preview]").await;
    browser.see("#import").await;
    show(&browser, "project-import").await;
    look(&browser, &desk, "/settings/invitations", "invitations-empty").await;
    browser.look_as(1280, "light").await;
    browser.type_into("#email", "new.colleague@example.org").await;
    browser.click("main form.card button[type=submit]").await;
    browser.see("#link").await;
    show(&browser, "invitations").await;
    let link = browser.text("#link").await;
    browser.click(".account summary").await;
    browser.click(".account button").await;
    browser.arrives_at("/sign-in").await;
    browser.goto(&link).await;
    show(&browser, "invitation").await;
    none_complains(&browser, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_everybody_sees_of_a_project() {
    let mut desk = Desk::open(Database::Sqlite).await;
    let Some(browser) = signed_in(&desk).await else { return };
    let backup = desk.api.check("Nightly backup", json!({})).await;
    let mail = desk.api.check("Mail queue", json!({})).await;
    desk.api.ping(&backup, "").await.says(200, "OK");
    desk.api.ping(&mail, "/fail").await.says(200, "OK");
    look(&browser, &desk, "/status-pages/new", "status-page-new").await;
    let slug = crate::support::random_name("s-").to_ascii_lowercase();
    let chosen = [id(&backup, "check_id"), id(&mail, "check_id")];
    let form = [
        ("title", "Our jobs"),
        ("slug", slug.as_str()),
        ("text", "What runs at night."),
        ("checks", chosen[0].as_str()),
        ("checks", chosen[1].as_str()),
        ("public", "1"),
    ];
    let edit = taken(&mut desk.visitor, &format!("{}/status-pages", desk.project), &form).await;
    let notice = [("notice", "Mail is late since ten; we look at it.")];
    taken(&mut desk.visitor, &format!("{edit}/notices"), &notice).await;
    look(&browser, &desk, "/status-pages", "status-pages").await;
    browser.goto(&format!("{}{edit}", desk.server.base())).await;
    show(&browser, "status-page-edit").await;
    browser.goto(&format!("{}/status/{slug}", desk.server.base())).await;
    show(&browser, "status-page").await;
    browser.goto(&format!("{}/status/{slug}x", desk.server.base())).await;
    show(&browser, "nowhere").await;
    none_complains(&browser, &["404 (Not Found)"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_and_the_installation() {
    let mut desk = Desk::open(Database::Sqlite).await;
    let Some(browser) = signed_in(&desk).await else { return };
    let base = desk.server.base();
    let open = async |path: &str, name: &str| {
        browser.goto(&format!("{base}{path}")).await;
        show(&browser, name).await;
    };
    open("/account", "account").await;
    open("/account/second-factor", "second-factor").await;
    open("/account/passkeys", "passkeys-nowhere").await;
    open("/account/tokens", "tokens-empty").await;
    let form = [("subject", "deploy script"), ("expires_in", "30"), ("read", "1")];
    let made = desk.visitor.submit("/account/tokens", &form).await;
    assert!(made.status < 400, "{}", made.text());
    open("/account/tokens", "tokens").await;
    browser.look_as(1280, "light").await;
    browser.click(".eye button").await;
    browser.see("pre.text").await;
    show(&browser, "token-shown").await;
    open("/account/requests", "requests").await;
    open("/nothing/here", "problem").await;
    let create = ["user", "create", "root@example.org", "--admin", "--password-stdin"];
    desk.server.cli_ok(&create, &format!("{PASSWORD}\n"));
    let root = Visitor::at(&desk.server).signed_in("root@example.org").await;
    browser.set_token(&root.token.expect("a session")).await;
    open("/admin", "administration").await;
    none_complains(&browser, &["404 (Not Found)"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leads_into_an_account() {
    let (Some(browser), Some(post)) = (Browser::open().await, Post::shared().await) else { return };
    let mut settings = post.settings(Port::Plain);
    settings.push(("OVERDUE_ACCOUNTS__REGISTRATION", "open".to_owned()));
    let settings: Vec<(&str, &str)> = settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let server = TestServer::start(Database::Sqlite, &settings).await;
    let base = server.base();
    browser.goto(&super::first_minutes::setup_address(&server)).await;
    show(&browser, "first-start").await;
    server.new_user(OWNER);
    browser.goto(&format!("{base}/setup")).await;
    show(&browser, "first-start-over").await;
    for (path, name) in [("/reset", "reset"), ("/register", "register")] {
        browser.goto(&format!("{base}{path}")).await;
        show(&browser, name).await;
        browser.look_as(1280, "light").await;
        let to = format!("{}@example.net", crate::support::random_name("somebody-"));
        browser.type_into("#email", &to).await;
        browser.click("main button[type=submit]").await;
        browser.see("main:not(:has(form))").await;
        show(&browser, &format!("{name}-asked")).await;
        if name == "register" {
            let mail = post.wait_for(&to, 1).await.remove(0);
            browser.goto(&format!("{base}{}", mail.link("/register/"))).await;
            show(&browser, "register-link").await;
        }
    }
    none_complains(&browser, &["410 (Gone)"]).await;
}
