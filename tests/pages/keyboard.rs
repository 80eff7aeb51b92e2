//! The pages of checks in a real browser: by the keyboard alone, with the next times as one types,
//! without a script, and on a phone.

use serde_json::json;
use thirtyfour::Key;

use super::browser::Browser;
use super::desk::{Desk, OWNER, page_of};
use crate::support::Database;
use crate::support::server::PASSWORD;

async fn sign_in(browser: &Browser, desk: &Desk) {
    browser.goto(&format!("{}/sign-in", desk.server.base())).await;
    browser.type_into("#email", OWNER).await;
    browser.type_into("#password", PASSWORD).await;
    browser.click("main button[type=submit]").await;
    browser.arrives_at(&format!("{}/checks", desk.project)).await;
}

/// Presses keys where the focus is.
async fn press(browser: &Browser, keys: impl Into<thirtyfour::TypingData>) {
    browser.focused().await.send_keys(keys).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_goes_by_the_keyboard() {
    let Some(browser) = Browser::open().await else { return };
    let desk = Desk::open(Database::Sqlite).await;
    for name in ["alpha", "beta", "gamma"] {
        desk.api.check(name, json!({})).await;
    }
    sign_in(&browser, &desk).await;
    press(&browser, Key::Down).await;
    press(&browser, Key::Down).await;
    assert_eq!(browser.focused().await.text().await.unwrap(), "beta");
    press(&browser, "x").await;
    browser.see("#bulk").await;
    press(&browser, "/").await;
    press(&browser, "gam" + Key::Enter).await;
    browser.arrives_at(&format!("{}/checks?q=gam", desk.project)).await;
    browser.says("table.checks", "gamma").await;
    press(&browser, Key::Down).await;
    press(&browser, "n").await;
    browser.arrives_at(&format!("{}/checks/new", desk.project)).await;
    press(&browser, "Delta" + Key::Enter).await;
    browser.says(".done", "The check is made.").await;
    assert_eq!(browser.complaints(&[]).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_times_come_as_one_types_and_what_is_wrong_stands_at_its_field() {
    let Some(browser) = Browser::open().await else { return };
    let desk = Desk::open(Database::Sqlite).await;
    sign_in(&browser, &desk).await;
    browser.goto(&format!("{}{}/checks/new", desk.server.base(), desk.project)).await;
    browser.says("#preview", "every day").await;
    browser.click("#kind-cron").await;
    browser.says("#preview", "at 03:00 every day").await;
    browser.type_into("#timezone", "Asia/Tokyo").await;
    browser.type_into("#schedule", "30 6 * * 1-5").await;
    browser.says("#preview", "at 06:30 on weekdays, Asia/Tokyo").await;
    assert_eq!(browser.all("#preview li").await.len(), 5);
    assert!(browser.text("#preview li").await.contains("6:30:00"), "in the schedule's zone");
    browser.type_into("#schedule", "30 66 * * *").await;
    browser.says("#preview .error", "hour: 66 is not within").await;
    browser.see(".field.wrong #schedule").await;
    browser.click("#kind-simple").await;
    browser.click("[data-sets=period][value='900']").await;
    browser.says("#preview", "every 15 minutes").await;
    assert_eq!(browser.value("#period").await, "15");
    assert_eq!(browser.complaints(&[]).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_of_it_works_without_a_script_and_on_a_phone() {
    let Some(browser) = Browser::without_scripts().await else { return };
    let desk = Desk::open(Database::Sqlite).await;
    browser.look_as(390, "light").await;
    sign_in(&browser, &desk).await;
    browser.click("#new").await;
    browser.type_into("#check_name", "Backup").await;
    browser.click("#kind-cron").await;
    browser.type_into("#schedule", "15 6 * * *").await;
    browser.click("#show-times").await;
    browser.says("#preview", "at 06:15 every day").await;
    assert_eq!(browser.value("#check_name").await, "Backup");
    browser.click("#save").await;
    browser.says(".done", "The check is made.").await;
    browser.click("#ping-now").await;
    browser.says("#status", "The last ping came at").await;
    browser.click(".confirm summary").await;
    browser.says(".confirm form", "Delete “Backup” with all of its history?").await;
    browser.click(".crumb a").await;
    browser.says("table.checks", "Backup").await;
    browser.click("input[name=check]").await;
    browser.click("#bulk [value=delete]").await;
    browser.says("h1", "Delete 1 check?").await;
    browser.click("button.danger").await;
    browser.says(".empty", "No check yet").await;
    browser.click(".themes [value=dark]").await;
    browser.see("html[data-theme=dark]").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_of_a_check_turns_green_by_itself_when_the_first_ping_comes() {
    let Some(browser) = Browser::open().await else { return };
    let desk = Desk::open(Database::Sqlite).await;
    let check = desk.api.check("first", json!({})).await;
    sign_in(&browser, &desk).await;
    browser.goto(&format!("{}{}{}", desk.server.base(), desk.project, page_of(&check))).await;
    browser.see("#status.new").await;
    desk.api.ping(&check, "").await.says(200, "OK");
    browser.see("#status.up").await;
    browser.says("#status", "The last ping came at").await;
}
