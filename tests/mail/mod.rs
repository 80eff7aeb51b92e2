//! Mail to people, on a real mail server: how it gets there, what it looks like where it arrives, who
//! gets any, and what becomes of mail that nobody takes.

mod bounces;
mod consent;
mod letters;
mod way;

use serde_json::{Value, json};

use crate::support::Database;
use crate::support::api::Api;
use crate::support::post::{Mail, Port, Post};
use crate::support::server::TestServer;
use crate::support::visitor::Visitor;

/// A server whose mail goes to the tests' mail server.
async fn server(database: Database, post: &Post, by: Port) -> TestServer {
    server_with(database, &post.settings(by)).await
}

/// A server with these settings.
async fn server_with(database: Database, settings: &[(&str, String)]) -> TestServer {
    let settings: Vec<(&str, &str)> = settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
    TestServer::start(database, &settings).await
}

/// An address that no other test has.
fn someone() -> String {
    format!("{}@example.net", crate::support::random_name("u-"))
}

/// Makes a channel that sends mail to this address.
async fn mail_channel(api: &Api, address: &str) -> Value {
    let body = json!({"kind": "email", "config": {"email": address}});
    api.post(&api.path("/channel"), &body).await.ok()
}

/// A channel as it is now.
async fn channel_now(api: &Api, channel: &Value) -> Value {
    api.get(&api.path(&format!("/channel/{}", channel["channel_id"]))).await.ok()
}

/// Does what the mail asks for that asks for consent.
async fn agree(server: &TestServer, question: &Mail) {
    let page = Visitor::at(server).submit(&question.link("/mail/confirm/"), &[]).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(page.text().contains("Confirmed"), "{}", page.text());
}
