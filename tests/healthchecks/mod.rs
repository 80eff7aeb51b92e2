//! The Healthchecks dialect: what clients of Healthchecks ask, and what they are answered.

mod badges;
mod checks;
mod clients;
pub mod database;
mod history;
mod keys;
mod metrics;
mod takeover;

use reqwest::Method;
use serde_json::Value;

use crate::support::Database;
use crate::support::answer::Answer;
use crate::support::api::Api;
use crate::support::server::{TestServer, http_client_builder};

/// A project as its keys open it.
pub struct Desk {
    pub server: TestServer,
    pub api: Api,
    /// The key that reads and writes.
    pub key: String,
    /// The one that reads.
    pub reader: String,
}

impl Desk {
    pub async fn open(database: Database) -> Self {
        let server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        let (key, reader) = (key(&server, &api, &[]), key(&server, &api, &["--read-only"]));
        Self { server, api, key, reader }
    }

    /// Sends a command under this key, to the third version.
    pub async fn send(&self, method: &str, path: &str, key: &str, body: &str) -> Answer {
        self.version("v3", method, path, key, body).await
    }

    /// The same to any version.
    pub async fn version(
        &self,
        version: &str,
        method: &str,
        path: &str,
        key: &str,
        body: &str,
    ) -> Answer {
        send(&self.api, method, &format!("/api/{version}{path}"), key, body).await
    }

    /// What a command answers that is taken.
    pub async fn ok(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.send(method, path, &self.key, &body).await;
        assert!(matches!(answer.status, 200 | 201), "{} {}", answer.status, answer.text());
        answer.json()
    }

    /// A check, made by this body.
    pub async fn check(&self, body: &Value) -> Value {
        self.ok("POST", "/checks/", body).await
    }

    /// Why a body is refused.
    pub async fn refused(&self, path: &str, body: &str) -> String {
        let answer = self.send("POST", path, &self.key, body).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        let json = answer.json();
        assert_eq!(json.as_object().unwrap().len(), 1);
        json["error"].as_str().unwrap().to_owned()
    }
}

/// A new key of the project.
pub fn key(server: &TestServer, api: &Api, more: &[&str]) -> String {
    let project = api.project.to_string();
    server.cli_ok(&[&["api-key", "create", "--project", &project], more].concat(), "")
}

/// Sends a request; redirects are not followed.
pub async fn send(api: &Api, method: &str, path: &str, key: &str, body: &str) -> Answer {
    let client = http_client_builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let method: Method = method.parse().unwrap();
    let mut request = client.request(method, format!("http://{}{path}", api.address));
    if !key.is_empty() {
        request = request.header("X-Api-Key", key);
    }
    if !body.is_empty() {
        request = request.body(body.to_owned());
    }
    Answer::read(request.send().await.unwrap()).await.unwrap()
}

/// The path of a check.
pub fn path_of(check: &Value, tail: &str) -> String {
    format!("/checks/{}{tail}", check["uuid"].as_str().unwrap())
}
