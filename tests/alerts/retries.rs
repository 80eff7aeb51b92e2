//! A receiver that fails is asked again, under the same id and in order; one that is gone for good
//! is given up, and others are told.

use std::time::Duration;

use overdue::clock::SECOND;
use serde_json::{Value, json};

use super::{
    News, announced, channel, channel_now, checks, each, first_arrivals, ping_all, plain_hook,
    settled, to_channel,
};
use crate::support::api::Api;
use crate::support::receiver::{Manners, Receiver};
use crate::support::server::shared;
use crate::support::{both_databases, time, until};

/// The check's first notification to the channel, once it has been tried in vain.
async fn tried(api: &Api, check: &Value, hook: &Value) -> Value {
    until("a try", async || {
        let rows = to_channel(api, check, hook).await;
        rows.into_iter().next().filter(|row| row["attempts"] == 1)
    })
    .await
}

/// What a text field holds; empty where it is null.
fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_default()
}

both_databases! {
    async fn what_was_not_taken_is_sent_again_and_what_came_later_waits_for_it(database) {
        let api = shared(database).await;
        let receiver = Receiver::with(Manners { fail_first: 1, ..Manners::default() }).await;
        let hook = channel(&api, &plain_hook(&receiver.url("/"))).await;
        let check = api.check("again", json!({})).await;
        api.ping(&check, "/fail").await.says(200, "OK");
        let down = tried(&api, &check, &hook).await;
        assert_eq!((&down["state"], &down["sent_at"]), (&json!("pending"), &Value::Null));
        assert!(text(&down, "last_error").contains("503"), "{down}");
        let again = time(&down["next_attempt_at"]);
        assert!(again >= time(&down["created_at"]).plus_seconds(10), "{down}");
        let shown = channel_now(&api, &hook).await;
        assert!(text(&shown, "last_error").contains("503"), "{shown}");
        assert_eq!(shown["disabled"], 0);
        // It recovers while the down is still on its way.
        api.ping(&check, "").await.says(200, "OK");
        let rows = settled(&api, &check, &hook, 2).await;
        assert_eq!(each(&rows, "state"), ["sent", "sent"]);
        assert_eq!((each(&rows, "attempts"), each(&rows, "last_error")), (
            vec![json!(2), json!(1)], vec![Value::Null, Value::Null],
        ));
        let got = receiver.got();
        let turns: Vec<String> = got.iter().map(|delivery| News::of(delivery).turn).collect();
        assert_eq!(turns, ["down", "down", "up"]);
        let ids: Vec<&str> = got.iter().map(|delivery| delivery.header("webhook-id")).collect();
        assert!(ids[0] == ids[1] && ids[1] != ids[2], "{ids:?}");
        assert!(got[1].at >= again, "it is not asked before its time");
        assert_eq!(first_arrivals(&got, &check), announced(&api, &check).await);
        assert_eq!(channel_now(&api, &hook).await["last_error"], Value::Null);
    }

    async fn a_receiver_is_left_alone_for_as_long_as_it_asks(database) {
        let api = shared(database).await;
        let headers = vec![("retry-after", "1800".to_owned())];
        let receiver = Receiver::with(Manners { status: 429, headers, ..Manners::default() }).await;
        let hook = channel(&api, &plain_hook(&receiver.url("/"))).await;
        let check = api.check("busy", json!({})).await;
        api.ping(&check, "/fail").await.says(200, "OK");
        let down = tried(&api, &check, &hook).await;
        let pause = time(&down["next_attempt_at"]).micros_since(time(&down["created_at"]));
        assert!(down["state"] == "pending" && pause >= 1800 * SECOND, "{down}");
    }

    async fn a_receiver_that_is_gone_is_given_up_and_others_are_told(database) {
        let api = shared(database).await;
        // It takes its time, so that a queue is there when it says so.
        let manners = Manners { status: 410, delay: Duration::from_secs(5), ..Manners::default() };
        let (gone, other) = (Receiver::with(manners).await, Receiver::start().await);
        let mut dying = plain_hook(&gone.url("/"));
        dying["channel_name"] = json!("the old pager");
        let dying = channel(&api, &dying).await;
        let checks = checks(&api, 12, &json!({})).await;
        // What tells of it need not be a channel of any of the checks.
        let living = channel(&api, &plain_hook(&other.url("/"))).await;
        ping_all(&api, &checks, "/fail").await;
        for check in &checks {
            let rows = settled(&api, check, &dying, 1).await;
            assert_eq!(each(&rows, "state"), ["failed"]);
            assert!(text(&rows[0], "last_error").contains("410"), "{rows:?}");
        }
        assert!(gone.got().len() < checks.len(), "the rest of the queue was not tried");
        let shown = channel_now(&api, &dying).await;
        assert_eq!(shown["disabled"], 1);
        assert!(text(&shown, "last_error").contains("410"), "{shown}");
        let told = &other.wait_for(1).await[0];
        let body: Value = serde_json::from_slice(&told.body).unwrap();
        assert_eq!((&body["event"], &body["check_name"]), (&json!("channel_disabled"), &json!("the old pager")));
        assert!(text(&body, "text").contains("410"), "{body}");
        // From now on nothing is even queued for it.
        api.ping(&checks[0], "").await.says(200, "OK");
        api.ping(&checks[0], "/fail").await.says(200, "OK");
        assert_eq!(to_channel(&api, &checks[0], &dying).await.len(), 1);
        let all = api.list(&api.path("/notification-list")).await;
        let to_living = all.iter().filter(|row| row["channel_id"] == living["channel_id"]);
        assert_eq!(to_living.count(), 1, "it is told once");
    }
}
