//! The management API as its document has it, rule by rule, on the real server; what needs a
//! session or a clock that can be moved, on the router alone.

mod access;
mod api_keys;
mod bodies;
mod ceilings;
mod commands;
mod channels;
mod checks;
mod conventions;
mod description;
mod desk;
mod forged;
mod history;
mod journal;
mod last_use;
mod limits;
mod lists;
mod maintenance;
mod members;
mod previews;
mod projects;
mod remarks;
mod replay;
mod schedules;
mod schemathesis;
mod sessions;
mod snippets;
mod stats;
mod status_pages;
mod tokens;
mod transfer;
mod watched;

use overdue::clock::Timestamp;
use overdue::store::journal::Entry;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use crate::support::answer::Answer;
use crate::support::api::Api;
use crate::support::server::TestServer;

/// The same project, seen with another token.
fn with_token(api: &Api, token: &str) -> Api {
    Api {
        http: api.http.clone(),
        base: api.base.clone(),
        address: api.address,
        token: token.to_owned(),
        project: api.project,
        ping_key: api.ping_key.clone(),
    }
}

/// A user's new token, made by the command line with these further arguments.
fn new_token(server: &TestServer, email: &str, subject: &str, more: &[&str]) -> String {
    let create = ["token", "create", "--user", email, "--subject", subject];
    server.cli_ok(&[&create[..], more].concat(), "")
}

/// A request with the token as Bearer, and a JSON body exactly as given.
async fn send_json(api: &Api, method: &str, path: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {}", api.token);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    api.send(method, path, &headers, body.to_owned()).await
}

/// The soft errors of an answer, as `TYPE/CODE`, in order.
fn soft_errors(answer: &Value) -> Vec<String> {
    let list = answer["error_list"].as_array().unwrap().iter();
    list.map(|error| {
        assert!(!error["message"].as_str().unwrap().is_empty());
        format!("{}/{}", error["type"].as_str().unwrap(), error["code"].as_str().unwrap())
    })
    .collect()
}

/// The names of an object's fields, in order.
fn fields(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Makes a user a member of a project, whoever its owner is.
async fn add_member(database_url: &str, project_id: i64, email: &str, role: &str) {
    let sql = format!(
        "INSERT INTO members (project_id, user_id, role, since) \
         SELECT {project_id}, user_id, '{role}', 0 FROM users WHERE email = '{email}'"
    );
    assert_eq!(run_sql(database_url, &sql).await, 1, "{email}");
}

/// A line of the journal: this user used this token.
fn line(at: Timestamp, user_id: i64, token_id: i64) -> Entry {
    Entry {
        at,
        user_id,
        token_id,
        subject: "t".to_owned(),
        method: "GET".to_owned(),
        path: "/user/profile".to_owned(),
        status: 200,
        remote_address: "192.0.2.1".to_owned(),
        request_id: "r".to_owned(),
    }
}

/// Runs statements on a server's database, behind its back: how many rows they changed.
async fn run_sql(database_url: &str, sql: &str) -> u64 {
    let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    if database_url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(database_url).await.unwrap();
        sql.execute(&mut connection).await.unwrap().rows_affected()
    } else {
        crate::support::server::install_crypto();
        let mut connection = PgConnection::connect(database_url).await.unwrap();
        sql.execute(&mut connection).await.unwrap().rows_affected()
    }
}

/// The first column of what a query on a server's database finds, as text.
async fn texts(database_url: &str, sql: &str) -> Vec<String> {
    let sql = AssertSqlSafe(sql.to_owned());
    if database_url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(database_url).await.unwrap();
        sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
    } else {
        crate::support::server::install_crypto();
        let mut connection = PgConnection::connect(database_url).await.unwrap();
        sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
    }
}
