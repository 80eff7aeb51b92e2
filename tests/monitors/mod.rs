//! Devices and blacklist monitors: their dialect, and what is seen of real servers.

mod blacklists;
mod dialect;
mod hosts;
mod nodes;
mod probes;
mod real;
mod servers;

use reqwest::Method;
use serde_json::Value;

use crate::support::answer::Answer;
use crate::support::api::Api;
use crate::support::server::http_client;
use crate::support::until;

const BASE: &str = "/api/v1";

/// Sends a command of the dialect under this token.
pub async fn call(
    api: &Api,
    token: Option<&str>,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Answer {
    let url = format!("http://{}{BASE}{path}", api.address);
    let mut request = http_client().request(method, url);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    Answer::read(request.send().await.unwrap()).await.unwrap()
}

/// What a command answers that is taken.
pub fn good(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text());
    let json = answer.json();
    assert_eq!(json["success"], true, "{json}");
    json["data"].clone()
}

/// Holds an answer against the status and the code that it must have.
pub fn bad(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let json = answer.json();
    assert_eq!((&json["success"], &json["error"]), (&false.into(), &code.into()), "{json}");
    assert!(json["message"].as_str().is_some_and(|text| !text.is_empty()), "{json}");
}

pub async fn get(api: &Api, path: &str) -> Value {
    good(&call(api, Some(&api.token), Method::GET, path, None).await, 200)
}

pub async fn post(api: &Api, path: &str, body: &Value) -> Answer {
    call(api, Some(&api.token), Method::POST, path, Some(body)).await
}

/// Makes a device.
pub async fn device(api: &Api, body: &Value) -> Value {
    good(&post(api, "/devices/create", body).await, 201)
}

/// A device or a blacklist monitor as it is listed.
pub async fn listed(api: &Api, path: &str, made: &Value) -> Value {
    let all = get(api, path).await;
    let found = all.as_array().unwrap().iter().find(|each| each["id"] == made["id"]);
    found.unwrap_or_else(|| panic!("{made} is not in {all}")).clone()
}

/// Waits until a device has this status.
pub async fn until_status(api: &Api, made: &Value, status: &str) -> Value {
    until(&format!("the status {status}"), async || {
        let now = listed(api, "/devices", made).await;
        (now["status"] == status).then_some(now)
    })
    .await
}
