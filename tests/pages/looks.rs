//! How the pages look, at a desk and on a phone, light and dark: nothing wider than the screen, a
//! heading, a label for each field, nothing that axe-core calls serious; and pictures of them where `OVERDUE_TEST_SCREENSHOTS` names a
//! folder.

use super::browser::Browser;
use super::desk::{Desk, OWNER, page_of};
use serde_json::json;

use crate::support::Database;
use crate::support::post::{Port, Post};
use crate::support::server::{PASSWORD, TestServer};

const EMAIL: &str = "ops@example.org";

/// What is wrong with the page that is open, in words.
const FAULTS: &str = r#"
const faults = [];
const page = document.documentElement;
if (page.scrollWidth > page.clientWidth) {
  const wide = [...document.querySelectorAll("main *")].filter((element) =>
    !element.closest(".scroll, pre") && element.getBoundingClientRect().right > page.clientWidth);
  faults.push(`${page.scrollWidth} px wide: ${wide.slice(-3).map((element) => element.outerHTML.slice(0, 200))}`);
}
const seen = (element) => element.getClientRects().length > 0;
if ([...document.querySelectorAll("h1")].filter(seen).length !== 1) faults.push("not one h1");
if (!document.title || document.documentElement.lang !== "en") faults.push("no title or language");
for (const field of document.querySelectorAll("main input:not([type=hidden])")) {
  if (!field.labels?.length && !field.ariaLabel && !field.placeholder) faults.push(`no label: ${field.outerHTML}`);
}
for (const button of document.querySelectorAll("button, .button")) {
  if (button.closest('#swagger')) continue;
  const box = button.getBoundingClientRect();
  if (box.width && (box.height < 24 || box.width < 24)) faults.push(`small: ${button.textContent}`);
}
return faults;
"#;

/// Everything that a page says, to those who see it and to those who hear it.
const HEARD: &str = r##"
const spoken = ["aria-label", "title", "alt", "placeholder"];
const named = [...document.querySelectorAll("body *")].filter((element) => !element.closest("#swagger"))
  .flatMap((element) => spoken.map((name) => element.getAttribute(name) ?? ""));
return [document.title, document.querySelector("main, #main")?.textContent, document.querySelector("header, footer")?.textContent, ...named].join(" ");
"##;

/// The keys of texts that stand on the page that is open in place of their texts.
async fn bare_keys(browser: &Browser) -> Vec<String> {
    let texts = include_str!("../../src/http/pages/texts/en.ftl");
    let keys = texts.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key);
    let keys: Vec<&str> = keys.filter(|key| key.contains('-')).collect();
    let heard = browser.run(HEARD).await;
    let words = heard.as_str().unwrap().split_whitespace();
    let bare = words.map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    bare.filter(|word| keys.contains(word)).map(|word| format!("no text for {word}")).collect()
}

/// Looks at the page that is open in every way, and keeps pictures of it under this name.
pub async fn show(browser: &Browser, name: &str) {
    for (width, place) in [(1280, "desk"), (390, "phone")] {
        for scheme in ["light", "dark"] {
            browser.look_as(width, scheme).await;
            let faults = browser.run(FAULTS).await;
            let faults = faults.as_array().unwrap().iter().map(|fault| fault.as_str().unwrap());
            let faults: Vec<String> = faults.map(str::to_owned).collect();
            for fault in [faults, browser.barriers().await, bare_keys(browser).await].concat() {
                browser.find_fault(&format!("{name}, {place}, {scheme}: {fault}"));
            }
            browser.picture(&format!("{name}-{place}-{scheme}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_fits_a_desk_and_a_phone_light_and_dark() {
    let Some(browser) = Browser::open().await else { return };
    let server = TestServer::start(Database::Sqlite, &[]).await;
    let base = server.base();
    server.new_user(EMAIL);
    browser.goto(&base).await;
    show(&browser, "home").await;
    browser.goto(&format!("{base}/sign-in?next=/docs/api")).await;
    show(&browser, "sign-in").await;
    browser.type_into("#email", EMAIL).await;
    browser.type_into("#password", "wrong horse battery").await;
    browser.click("main button[type=submit]").await;
    browser.see("#problem").await;
    show(&browser, "sign-in-wrong").await;
    browser.type_into("#password", PASSWORD).await;
    browser.click("main button[type=submit]").await;
    browser.arrives_at("/docs/api").await;
    browser.see(".opblock").await;
    show(&browser, "api").await;

    // Where it is wide, so that nothing is in the way of what is clicked.
    browser.look_as(1280, "light").await;
    let block = "[id^=\"operations-\"][id$=\"-get_profile\"]";
    browser.click(&format!("{block} .opblock-summary-control")).await;
    browser.click(&format!("{block} .try-out__btn")).await;
    browser.click(&format!("{block} .execute")).await;
    browser.see(&format!("{block} .curl-command")).await;
    show(&browser, "api-tried").await;
    browser.goto(&base).await;
    show(&browser, "start").await;
    assert_eq!(browser.complaints(&["403 (Forbidden)"]).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_does_what_the_links_in_mails_lead_to() {
    let (Some(browser), Some(post)) = (Browser::open().await, Post::shared().await) else { return };
    let settings = post.settings(Port::Plain);
    let settings: Vec<(&str, &str)> = settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let server = TestServer::start(Database::Sqlite, &settings).await;
    let (api, base) = (server.owner().await, server.base());
    let to = format!("{}@example.net", crate::support::random_name("a-rather-long-name-"));
    let channel = json!({"kind": "email", "config": {"email": to}});
    let channel = api.post(&api.path("/channel"), &channel).await.ok();
    let question = post.wait_for(&to, 1).await.remove(0);
    browser.goto(&format!("{base}{}", question.link("/mail/confirm/"))).await;
    show(&browser, "mail-confirm").await;
    browser.click("main button[type=submit]").await;
    browser.says("h1", "Confirmed").await;
    show(&browser, "mail-confirmed").await;
    let test = api.path(&format!("/channel/{}/test", channel["channel_id"]));
    api.post(&test, &json!({})).await.ok();
    let mail = post.wait_for(&to, 2).await.remove(1);
    browser.goto(&format!("{base}{}", mail.link("/mail/unsubscribe/"))).await;
    show(&browser, "mail-unsubscribe").await;
    browser.click("main button[type=submit]").await;
    browser.says("h1", "Unsubscribed").await;
    show(&browser, "mail-unsubscribed").await;
    browser.goto(&format!("{base}/mail/confirm/nonsense")).await;
    show(&browser, "mail-nowhere").await;
    assert_eq!(browser.complaints(&["404 (Not Found)"]).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_do_the_checks_and_their_form() {
    let Some(browser) = Browser::open().await else { return };
    let desk = Desk::open(Database::Sqlite).await;
    let (api, base) = (&desk.api, format!("{}{}", desk.server.base(), desk.project));
    browser.goto(&format!("{}/sign-in", desk.server.base())).await;
    browser.type_into("#email", OWNER).await;
    browser.type_into("#password", PASSWORD).await;
    browser.click("main button[type=submit]").await;
    browser.see(".empty").await;
    show(&browser, "checks-empty").await;

    let nightly = json!({
        "kind": "cron", "schedule": "0 3 * * *", "timezone": "Europe/Budapest", "tags": ["db", "night"],
        "description": "Look at /var/log/backup first.\nThen call the night shift.",
    });
    let backup = api.check("Nightly backup of the database", nightly).await;
    let broken = api.check("Certificates", json!({"tags": ["web"], "period": 3600})).await;
    let still = api.check("Old report", json!({})).await;
    api.check(
        "A check with a rather long name that nobody would give it, but somebody will",
        json!({}),
    )
    .await;
    for n in 0..14 {
        api.ping(&backup, "/start").await.says(200, "OK");
        let tail = if n == 6 { "/fail" } else { "" };
        api.ping_with(&backup, tail, "dumped 1,204 tables\nall is well\n").await.says(200, "OK");
        api.ping(&broken, "").await.says(200, "OK");
    }
    api.ping_with(&broken, "/7", "certificate expired").await.says(200, "OK");
    api.update(&still, json!({"paused": 1})).await;
    browser.goto(&format!("{base}/checks")).await;
    show(&browser, "checks").await;
    browser.click("table.checks input[name=check]").await;
    show(&browser, "checks-chosen").await;
    browser.goto(&format!("{base}{}", page_of(&backup))).await;
    show(&browser, "check").await;
    browser.goto(&format!("{base}{}", page_of(&broken))).await;
    show(&browser, "check-down").await;
    browser.goto(&format!("{base}{}/pings/2", page_of(&backup))).await;
    show(&browser, "ping").await;
    browser.goto(&format!("{base}/checks/new")).await;
    show(&browser, "check-new").await;
    browser.goto(&format!("{base}{}/edit", page_of(&backup))).await;
    browser.click("details.more summary").await;
    show(&browser, "check-edit").await;
    assert_eq!(browser.complaints(&[]).await, Vec::<String>::new());
}
