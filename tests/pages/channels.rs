//! The channels of a project, on the wire: the form of a kind, a test with the answer that it got,
//! the delivery log, and what is done with a channel.

use serde_json::json;

use super::desk::Desk;
use crate::support::both_databases;
use crate::support::receiver::{Manners, Receiver};

/// Adds a webhook through its form; returns its path below the project.
async fn add_webhook(desk: &mut Desk, url: &str) -> String {
    let form = [
        ("channel_name", "Chat"),
        ("config.url_down", url),
        ("config.url_up", url),
        ("config.headers_down", "X-Team: night"),
        ("on_down", "1"),
        ("on_up", "1"),
        ("after", "0"),
        ("remind_every", "0"),
        ("group_threshold", "0"),
    ];
    let answer = desk.submit("/channels/new?kind=webhook", &form).await;
    // The secret that signs was made for it, and is shown this once.
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (_, secret) = answer.text().split_once("<code>whsec_").expect("the secret");
    let secret = secret.split('<').next().unwrap().to_owned();
    let (before, _) = answer.text().split_once("/edit\">Edit</a>").expect("the way to its form");
    let path = before.rsplit('"').next().unwrap().strip_prefix(desk.project.as_str()).unwrap();
    let path = path.to_owned();
    let again = desk.get(&path).await;
    assert!(again.status == 200 && !again.text().contains(&secret), "{}", again.text());
    path
}

both_databases! {
    async fn a_project_without_a_channel_leads_to_the_kinds_and_each_to_its_form(database) {
        let mut desk = Desk::open(database).await;
        assert!(desk.get("/channels").await.text().contains("Nobody is told yet"));
        let kinds = desk.get("/channels/new").await;
        let links = kinds.text().matches("/channels/new?kind=").count();
        assert_eq!(links, 29, "a link for each kind");
        for kind in ["email", "ntfy", "group", "twilio_sms", "webhook"] {
            let page = desk.get(&format!("/channels/new?kind={kind}")).await;
            assert!(page.status == 200 && page.text().contains("name=\"channel_name\""), "{kind}");
        }
    }

    async fn a_form_that_does_not_fit_keeps_what_was_typed_and_tells_at_the_field(database) {
        let mut desk = Desk::open(database).await;
        let form = [
            ("channel_name", "Phones"),
            ("config.url", "ntfy without a scheme"),
            ("config.topic", "night-jobs"),
            ("config.priority_down", "4"),
        ];
        let page = desk.submit("/channels/new?kind=ntfy", &form).await;
        assert_eq!(page.status, 400);
        assert!(page.text().contains("id=\"config.url-error\">URL must be a URL such as"), "{}", page.text());
        for typed in ["value=\"Phones\"", "value=\"ntfy without a scheme\"", "value=\"night-jobs\""] {
            assert!(page.text().contains(typed), "{typed}");
        }
        assert!(desk.api.list(&desk.api.path("/channel-list")).await.is_empty());
    }

    async fn a_test_shows_the_answer_it_got(database) {
        let mut desk = Desk::open(database).await;
        let receiver = Receiver::start().await;
        let channel = add_webhook(&mut desk, &receiver.url("/hook")).await;
        let page = desk.submit(&format!("{channel}/test"), &[]).await;
        assert!(page.status == 200 && page.text().contains("The test was taken"), "{}", page.text());
        assert!(page.text().contains("Works") && page.text().contains("Delivered"));

        let refusing = Receiver::with(Manners { status: 410, ..Manners::default() }).await;
        let channel = add_webhook(&mut desk, &refusing.url("/gone")).await;
        let page = desk.submit(&format!("{channel}/test"), &[]).await;
        assert!(page.text().contains("The test was not taken: ") && page.text().contains("410"), "{}", page.text());
    }

    async fn what_was_given_up_stands_in_the_log_and_is_sent_again_by_its_button(database) {
        let mut desk = Desk::open(database).await;
        let receiver = Receiver::with(Manners { fail_first: 1, ..Manners::default() }).await;
        let channel = add_webhook(&mut desk, &receiver.url("/hook")).await;
        desk.submit(&format!("{channel}/test"), &[]).await;
        let page = desk.get(&format!("{channel}?state=failed")).await;
        let (_, rest) = page.text().split_once("name=\"message\" value=\"").expect("a retry");
        let message = rest.split_once('"').unwrap().0.to_owned();
        assert!(!desk.get(&format!("{channel}?state=sent")).await.text().contains(">Test<"));
        let retry = format!("{channel}/retry");
        let answer = desk.submit(&retry, &[("message", &message)]).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        crate::support::until("the message that is sent again", async || {
            let page = desk.visitor.get(&format!("{}{channel}?state=sent", desk.project)).await;
            page.text().contains(">Test<").then_some(())
        })
        .await;
        let again = desk.submit(&retry, &[("message", &message)]).await;
        assert_eq!(again.status, 409, "it was given up no more");
    }

    async fn secrets_stand_masked_in_the_form_and_stay(database) {
        let mut desk = Desk::open(database).await;
        let receiver = Receiver::start().await;
        let channel = add_webhook(&mut desk, &receiver.url("/hook")).await;
        let page = desk.get(&format!("{channel}/edit")).await;
        assert!(page.text().contains("X-Team: ***"), "{}", page.text());
        assert!(!page.text().contains("night"), "a header's value is a secret");
        let form = [
            ("channel_name", "Renamed"),
            ("config.url_down", &receiver.url("/hook")),
            ("config.url_up", &receiver.url("/hook")),
            ("config.headers_down", "X-Team: ***"),
            ("config.secret", "whsec_***"),
            ("on_down", "1"),
        ];
        let answer = desk.submit(&format!("{channel}/edit"), &form).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        desk.submit(&format!("{channel}/test"), &[]).await;
        let page = desk.get(&channel).await;
        assert!(page.text().contains("Renamed") && page.text().contains("going down"));
    }

    async fn a_channel_is_assigned_disabled_enabled_and_deleted_by_name(database) {
        let mut desk = Desk::open(database).await;
        let first = desk.api.check("first", json!({"channels": []})).await;
        desk.api.check("second", json!({"channels": []})).await;
        let channel = add_webhook(&mut desk, "http://127.0.0.1:9/").await;
        desk.submit(&format!("{channel}/assign"), &[]).await;
        let page = desk.get(&channel).await;
        assert!(page.text().contains(">first</a>") && page.text().contains(">second</a>"));
        assert!(page.text().contains("Told by 2 checks."), "the question names what uses it");
        let told = desk.api.read(&first).await;
        assert_eq!(told["channels"].as_array().unwrap().len(), 1);
        desk.submit(&format!("{channel}/disable"), &[]).await;
        assert!(desk.get("/channels").await.text().contains("Disabled"));
        desk.submit(&format!("{channel}/enable"), &[]).await;
        assert!(!desk.get("/channels").await.text().contains("Disabled"));
        desk.submit(&format!("{channel}/delete"), &[]).await;
        assert_eq!(desk.get(&channel).await.status, 404);
    }

    async fn who_may_only_look_changes_nothing(database) {
        let mut desk = Desk::open(database).await;
        let channel = add_webhook(&mut desk, "http://127.0.0.1:9/").await;
        let mut viewer = desk.member("viewer").await;
        let path = format!("{}{channel}", desk.project);
        let page = viewer.get(&path).await;
        assert!(page.status == 200 && !page.text().contains("Send a test"));
        for deed in ["/test", "/disable", "/delete", "/assign"] {
            assert_eq!(viewer.submit(&format!("{path}{deed}"), &[]).await.status, 403, "{deed}");
        }
        assert_eq!(viewer.get(&format!("{path}/edit")).await.status, 403);
        let mut other = Desk::open(database).await;
        assert_eq!(other.get(&channel).await.status, 404, "another project's channel is nowhere");
    }
}
