//! Alerts from their cause to their arrival, on the real server: what is told, to whom, in which
//! order and how often, and that neither a death at any step nor a slow receiver nor an outage of
//! ours changes that. What takes minutes runs on the parts of a server and a clock that is moved.

mod commands;
mod deaths;
mod fail_points;
mod false_alarms;
mod flapping;
mod groups;
mod guard;
mod heard;
mod isolation;
mod killed;
mod leases;
mod maintenance;
mod nodes;
mod outage;
pub mod parts;
mod retries;
mod rotation;
mod scene;
mod storm;
mod told;
mod waiting;
mod watched;

use std::collections::{BTreeMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use hmac::{Hmac, KeyInit, Mac};
use overdue::clock::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::api::{Api, ping_path, uuid_of};
use crate::support::receiver::Delivery;
use crate::support::{time, until};

/// A webhook channel that sends the default body of both directions to `url`.
fn plain_hook(url: &str) -> Value {
    json!({"kind": "webhook", "config": {"url_down": url, "url_up": url}})
}

/// Makes a channel.
async fn channel(api: &Api, body: &Value) -> Value {
    api.post(&api.path("/channel"), body).await.ok()
}

/// A channel as it is now.
async fn channel_now(api: &Api, channel: &Value) -> Value {
    api.get(&api.path(&format!("/channel/{}", channel["channel_id"]))).await.ok()
}

/// So many checks, each with these settings.
async fn checks(api: &Api, count: usize, settings: &Value) -> Vec<Value> {
    let make = async |n: usize| api.check(&format!("check {n}"), settings.clone()).await;
    join_all((0..count).map(make)).await
}

/// Pings all of them at once.
async fn ping_all(api: &Api, checks: &[Value], tail: &str) {
    let answers = join_all(checks.iter().map(|check| api.ping(check, tail))).await;
    for answer in answers {
        answer.says(200, "OK");
    }
}

/// A ping that may find nobody there: whether it was acknowledged.
async fn try_ping(api: &Api, check: &Value, tail: &str) -> bool {
    let url = format!("{}{}", api.base, ping_path(check, tail));
    matches!(api.http.get(url).send().await, Ok(answer) if answer.status() == 200)
}

/// The notifications of a check, the oldest first.
async fn notifications(api: &Api, check: &Value) -> Vec<Value> {
    let mut rows = api.notifications(check).await;
    rows.reverse();
    rows
}

/// Those of them that go to this channel.
async fn to_channel(api: &Api, check: &Value, channel: &Value) -> Vec<Value> {
    let rows = notifications(api, check).await.into_iter();
    rows.filter(|row| row["channel_id"] == channel["channel_id"]).collect()
}

/// The notifications of a check to a channel, the oldest first, once there are `n` of them and none
/// waits any more.
async fn settled(api: &Api, check: &Value, channel: &Value, n: usize) -> Vec<Value> {
    until(&format!("{n} settled notifications"), async || {
        let rows = to_channel(api, check, channel).await;
        (rows.len() >= n && rows.iter().all(|row| row["state"] != "pending")).then_some(rows)
    })
    .await
}

/// A field of each.
fn each(rows: &[Value], field: &str) -> Vec<Value> {
    rows.iter().map(|row| row[field].clone()).collect()
}

/// The flips of a check to `down`.
async fn downs(api: &Api, check: &Value) -> Vec<Value> {
    api.flips(check).await.into_iter().filter(|flip| flip["to"] == "down").collect()
}

/// What a message in the default body tells: which check, which turn, and when that was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct News {
    uuid: String,
    at: Timestamp,
    turn: String,
}

impl News {
    fn of(delivery: &Delivery) -> Self {
        let body: Value = serde_json::from_slice(&delivery.body).unwrap();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        Self { uuid: text("uuid"), at: time(&body["since"]), turn: text("event") }
    }

    fn of_flip(check: &Value, flip: &Value) -> Self {
        let turn = flip["to"].as_str().unwrap().to_owned();
        Self { uuid: uuid_of(check).to_owned(), at: time(&flip["at"]), turn }
    }
}

/// What should have been told of a check, in order: every turn to down, and from there to up.
async fn announced(api: &Api, check: &Value) -> Vec<News> {
    let flips = api.flips(check).await;
    let told = flips
        .iter()
        .rev()
        .filter(|flip| flip["to"] == "down" || (flip["from"] == "down" && flip["to"] == "up"));
    told.map(|flip| News::of_flip(check, flip)).collect()
}

/// What was told of a check, in the order of its first arrival.
fn first_arrivals(got: &[Delivery], check: &Value) -> Vec<News> {
    let mut seen = HashSet::new();
    let of_check = got.iter().filter(|delivery| News::of(delivery).uuid == uuid_of(check));
    of_check.filter(|it| seen.insert(it.header("webhook-id"))).map(News::of).collect()
}

/// Every message came under one id of its own, however often it came; how many messages.
#[track_caller]
fn assert_ids_are_stable(got: &[Delivery]) -> usize {
    let (mut by_id, mut by_news) = (BTreeMap::new(), BTreeMap::new());
    for delivery in got {
        let (id, news) = (delivery.header("webhook-id"), News::of(delivery));
        assert!(id.starts_with("msg_"), "{id}");
        assert_eq!(by_id.entry(id).or_insert(news.clone()), &news, "{id} tells two things");
        assert_eq!(by_news.entry(news.clone()).or_insert(id), &id, "{news:?} has two ids");
    }
    by_id.len()
}

/// Holds a delivery against the Standard Webhooks scheme with this secret.
#[track_caller]
fn assert_signed(delivery: &Delivery, secret: &str) {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let (id, timestamp) = (delivery.header("webhook-id"), delivery.header("webhook-timestamp"));
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(&delivery.body);
    let signature = delivery.header("webhook-signature").strip_prefix("v1,").unwrap();
    mac.verify_slice(&STANDARD.decode(signature).unwrap()).expect("the signature holds");
    assert!(timestamp.parse::<i64>().unwrap() <= delivery.at.epoch_seconds());
}
