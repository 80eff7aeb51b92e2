//! Addresses that are not public are refused when something is sent, on every hop, unless the
//! configuration lists them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{channel, channel_now, each, plain_hook, settled};
use crate::support::api::Api;
use crate::support::receiver::{Manners, Receiver};
use crate::support::server::TestServer;
use crate::support::{Database, both_databases};

/// A server that connects to public addresses and to these.
async fn guarded(database: Database, allow: &str) -> (TestServer, Api) {
    let settings =
        [("OVERDUE_OUTBOUND__ALLOW_PRIVATE", "false"), ("OVERDUE_OUTBOUND__ALLOW", allow)];
    let server =
        TestServer::start(database, &settings[..if allow.is_empty() { 1 } else { 2 }]).await;
    let api = server.owner().await;
    (server, api)
}

/// A receiver that points elsewhere.
async fn signpost(to: &str) -> Receiver {
    let headers = vec![("location", to.to_owned())];
    Receiver::with(Manners { status: 307, headers, ..Manners::default() }).await
}

/// A check that fails, and what became of the message to this channel.
async fn fail(api: &Api, hook: &Value) -> Value {
    let channels = json!({"channels": [hook["channel_id"]]});
    let check = api.check("guarded", channels).await;
    api.ping(&check, "/fail").await.says(200, "OK");
    settled(api, &check, hook, 1).await.swap_remove(0)
}

/// It was refused, finally and with a remedy.
#[track_caller]
fn assert_refused(row: &Value, address: &str) {
    assert_eq!((&row["state"], &row["attempts"]), (&json!("failed"), &json!(1)), "{row}");
    assert_eq!((&row["next_attempt_at"], &row["sent_at"]), (&Value::Null, &Value::Null));
    let error = row["last_error"].as_str().unwrap();
    assert!(error.contains("outbound.allow_private") && error.contains(address), "{error}");
}

both_databases! {
    async fn a_private_address_is_taken_at_creation_and_refused_at_the_send(database) {
        let (_server, api) = guarded(database, "").await;
        let receiver = Receiver::start().await;
        let by_name = receiver.url("/").replace("127.0.0.1", "localhost");
        for url in [receiver.url("/"), by_name] {
            let hook = channel(&api, &plain_hook(&url)).await;
            assert_eq!(hook["error_list"], json!([]), "{url}");
            let row = fail(&api, &hook).await;
            assert_refused(&row, "");
            let shown = channel_now(&api, &hook).await;
            assert_eq!((&shown["last_error"], &shown["disabled"]), (&row["last_error"], &json!(0)));
        }
        assert!(receiver.got().is_empty());
    }

    async fn a_listed_network_may_be_connected_to(database) {
        let (_server, api) = guarded(database, "127.0.0.0/8").await;
        let receiver = Receiver::start().await;
        let hook = channel(&api, &plain_hook(&receiver.url("/"))).await;
        assert_eq!(fail(&api, &hook).await["state"], "sent");
        assert_eq!(receiver.got().len(), 1);
    }

    async fn a_redirect_leads_to_no_address_that_is_refused(database) {
        let (_server, api) = guarded(database, "127.0.0.1/32").await;
        let (hidden, open) = (Receiver::on("127.0.0.2:0", Manners::default()).await, Receiver::start().await);
        for (to, address) in [(hidden.url("/"), "127.0.0.2"), ("http://[::1]:9/".to_owned(), "::1")] {
            let post = signpost(&to).await;
            let hook = channel(&api, &plain_hook(&post.url("/"))).await;
            assert_refused(&fail(&api, &hook).await, address);
            assert_eq!(post.got().len(), 1);
        }
        assert!(hidden.got().is_empty());
        // Where it leads to an allowed one it is followed, without what is another's to know.
        let post = signpost(&open.url("/there")).await;
        let mut body = plain_hook(&post.url("/"));
        body["config"]["headers_down"] = json!({"X-Key": "open sesame"});
        let hook = channel(&api, &body).await;
        assert_eq!(fail(&api, &hook).await["state"], "sent");
        let (first, then) = (&post.got()[0], &open.got()[0]);
        assert_eq!((then.path.as_str(), &then.method, &then.body), ("/there", &first.method, &first.body));
        assert_eq!(then.header("webhook-id"), first.header("webhook-id"));
        assert_eq!((first.header("x-key"), then.header("x-key")), ("open sesame", ""));
    }

    async fn an_up_whose_down_was_refused_is_not_told(database) {
        let (_server, api) = guarded(database, "127.0.0.1/32").await;
        let (post, open) = (signpost("http://127.0.0.2:9/").await, Receiver::start().await);
        post.change(|manners| manners.delay = Duration::from_secs(3));
        let config = json!({"url_down": post.url("/"), "url_up": open.url("/")});
        let hook = channel(&api, &json!({"kind": "webhook", "config": config})).await;
        let check = api.check("refused", json!({})).await;
        api.ping(&check, "/fail").await.says(200, "OK");
        // Queued while the down is on its way, of which nobody knows yet what will become.
        api.ping(&check, "").await.says(200, "OK");
        let rows = settled(&api, &check, &hook, 2).await;
        assert_eq!(each(&rows, "state"), ["failed", "suppressed"]);
        assert_eq!(rows[1]["attempts"], 0);
        assert!(open.got().is_empty());
    }
}
