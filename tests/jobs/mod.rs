//! The signed job list: what is told about runs, and to whom.

mod keys;
mod list;
mod many;
mod refusals;
mod sample;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::support::answer::Answer;
use crate::support::api::Api;
use crate::support::now;
use crate::support::server::{TestServer, http_client};

const TIMESTAMP: &str = "x-ncp-apigw-timestamp";
const ACCESS_KEY: &str = "x-ncp-iam-access-key";
const SIGNATURE: &str = "x-ncp-apigw-signature-v2";
/// Who the lists of these tests are for.
pub const USER: &str = "jobs@example.org";

/// A project with a user who signs.
pub async fn start(server: &TestServer) -> (Api, Signer) {
    let api = Api::new_project(server.address(), &server.new_user(USER)).await;
    (api, Signer::of(server, USER))
}

/// Who signs requests.
#[derive(Clone)]
pub struct Signer {
    base: String,
    pub key: String,
    pub secret: String,
}

impl Signer {
    /// A user of this server, with a new access key.
    pub fn of(server: &TestServer, email: &str) -> Self {
        let made = server.cli_ok(&["access-key", "create", "--user", email, "--json"], "");
        let made: Value = serde_json::from_str(&made).unwrap();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Self { base: server.base(), key: text("access_key"), secret: text("secret_key") }
    }

    /// The headers that sign this request now.
    pub fn headers(&self, method: &str, uri: &str) -> Vec<(&'static str, String)> {
        self.headers_at(method, uri, &(now().0 / 1000).to_string())
    }

    /// The same at this time.
    pub fn headers_at(&self, method: &str, uri: &str, at: &str) -> Vec<(&'static str, String)> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).unwrap();
        mac.update(format!("{method} {uri}\n{at}\n{}", self.key).as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        vec![(TIMESTAMP, at.to_owned()), (ACCESS_KEY, self.key.clone()), (SIGNATURE, signature)]
    }

    /// Sends a request with these headers.
    pub async fn send(
        &self,
        method: &str,
        uri: &str,
        headers: &[(&'static str, String)],
    ) -> Answer {
        let url = format!("{}{uri}", self.base);
        let mut request = http_client().request(method.parse().unwrap(), url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        Answer::read(request.send().await.unwrap()).await.unwrap()
    }

    /// Asks for the list with these parameters.
    pub async fn get(&self, query: &str) -> Answer {
        let uri = format!("/api/v1/jobs?{query}");
        self.send("GET", &uri, &self.headers("GET", &uri)).await
    }

    /// What is in the list, the first page of a hundred.
    pub async fn jobs(&self) -> Vec<Value> {
        let answer = self.get("limit=100&page=1").await.ok();
        records(&answer)
    }
}

/// The jobs of an answer.
pub fn records(answer: &Value) -> Vec<Value> {
    answer["resources"]["record_data"].as_array().cloned().unwrap_or_default()
}
