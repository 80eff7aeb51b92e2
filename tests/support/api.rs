//! A project on a server, seen through the management API with a token, and the pings of its
//! checks.

use std::net::SocketAddr;

use reqwest::{Body, Method};
use serde_json::{Value, json};

use super::answer::Answer;
use super::raw::Wire;

/// A project of a test's own.
#[derive(Clone)]
pub struct Api {
    /// The client that pings go out by. A test may put another in its place.
    pub http: reqwest::Client,
    /// Scheme, host and port.
    pub base: String,
    /// Where the server listens.
    pub address: SocketAddr,
    /// The token that commands carry.
    pub token: String,
    /// The project's id.
    pub project: i64,
    /// The project's ping key.
    pub ping_key: String,
}

impl Api {
    /// Makes a project with this token.
    pub async fn new_project(address: SocketAddr, token: &str) -> Self {
        let mut api = Self {
            http: super::server::http_client(),
            base: format!("http://{address}"),
            address,
            token: token.to_owned(),
            project: 0,
            ping_key: String::new(),
        };
        let project = api.post("/user/project", &json!({"project_name": "Tests"})).await.ok();
        api.project = project["project_id"].as_i64().unwrap();
        project["ping_key"].as_str().unwrap().clone_into(&mut api.ping_key);
        api
    }

    // The management API.

    /// Runs a command with the token as its cookie.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        request = request.header("cookie", format!("api_access_token={}", self.token));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        Answer::read(request.send().await.unwrap()).await.unwrap()
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    /// Creates.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Updates.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// Deletes.
    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    /// `/user/project/{id}` and what follows.
    pub fn path(&self, tail: &str) -> String {
        format!("/user/project/{}{tail}", self.project)
    }

    /// `…/check/{id}` and what follows.
    pub fn check_path(&self, check: &Value, tail: &str) -> String {
        self.path(&format!("/check/{}{tail}", check["check_id"]))
    }

    /// Makes a check of this name; `more` holds what else is given.
    pub async fn check(&self, name: &str, more: Value) -> Value {
        let mut body = json!({"check_name": name});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post(&self.path("/check"), &body).await.ok()
    }

    /// A check as it is now.
    pub async fn read(&self, check: &Value) -> Value {
        self.get(&self.check_path(check, "")).await.ok()
    }

    /// Changes a check: how it is then.
    pub async fn update(&self, check: &Value, change: Value) -> Value {
        self.put(&self.check_path(check, ""), &change).await.ok()
    }

    /// The checks of the project whose slug is this.
    pub async fn checks_with_slug(&self, slug: &str) -> Vec<Value> {
        self.list(&self.path(&format!("/check-list?slug={slug}"))).await
    }

    /// A list's objects, a thousand at most.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        let sign = if path.contains('?') { '&' } else { '?' };
        let answer = self.get(&format!("{path}{sign}limit=1000")).await.ok();
        answer["list"].as_array().unwrap().clone()
    }

    /// All pings of a check, page by page, the newest first.
    pub async fn pings(&self, check: &Value) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let tail = format!("/ping-list?offset={}", all.len());
            let page = self.list(&self.check_path(check, &tail)).await;
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }

    /// The newest ping of a check.
    pub async fn last_ping(&self, check: &Value) -> Value {
        self.pings(check).await.swap_remove(0)
    }

    /// The kinds of a check's pings, the oldest first.
    pub async fn kinds(&self, check: &Value) -> Vec<String> {
        let pings = self.pings(check).await;
        pings.iter().rev().map(|ping| ping["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// The body of a check's ping.
    pub async fn body(&self, check: &Value, n: u32) -> Answer {
        self.get(&self.check_path(check, &format!("/ping/{n}/body"))).await
    }

    /// Runs, the newest first.
    pub async fn runs(&self, check: &Value) -> Vec<Value> {
        self.list(&self.check_path(check, "/run-list")).await
    }

    /// Status changes, the newest first.
    pub async fn flips(&self, check: &Value) -> Vec<Value> {
        self.list(&self.check_path(check, "/flip-list")).await
    }

    /// Notifications of a check, the newest first.
    pub async fn notifications(&self, check: &Value) -> Vec<Value> {
        self.list(&self.check_path(check, "/notification-list")).await
    }

    // Pings.

    /// Any request without the token: headers and body as given.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let method = method.parse::<Method>().unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent = request.body(body).send().await;
        Answer::read(sent.unwrap()).await.unwrap()
    }

    /// A request without headers or body.
    pub async fn hit(&self, method: &str, path: &str) -> Answer {
        self.send(method, path, &[], "").await
    }

    /// A GET of the check's ping address and what follows: `/start`, `?rid=…`.
    pub async fn ping(&self, check: &Value, tail: &str) -> Answer {
        self.hit("GET", &ping_path(check, tail)).await
    }

    /// A POST to it with a body.
    pub async fn ping_with(&self, check: &Value, tail: &str, body: impl Into<Body>) -> Answer {
        self.send("POST", &ping_path(check, tail), &[], body).await
    }

    /// A GET of the project's ping address and what follows: `backup/start`, `backup?create=1`.
    pub async fn ping_slug(&self, tail: &str) -> Answer {
        self.hit("GET", &self.slug_path(tail)).await
    }

    /// `/ping/{key}/` and what follows.
    pub fn slug_path(&self, tail: &str) -> String {
        format!("/ping/{}/{tail}", self.ping_key)
    }

    /// A bare connection to the server.
    pub async fn wire(&self) -> Wire {
        Wire::open(self.address).await
    }
}

/// `/ping/{uuid}` and what follows.
pub fn ping_path(check: &Value, tail: &str) -> String {
    format!("/ping/{}{tail}", uuid_of(check))
}

/// The check's UUID.
pub fn uuid_of(check: &Value) -> &str {
    check["uuid"].as_str().unwrap()
}
