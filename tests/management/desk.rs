//! The router of the management API without its server, on a clock that stands still until it is
//! told to move.

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use overdue::config::Config;
use overdue::context::Context;
use overdue::http::journal::{self, Inbox};
use overdue::http::management::{self, ManagementState};
use overdue::http::peer::Connection;
use overdue::notify::outbound::{Outbound, Settings};
use overdue::service::tokens::{self, Device, NewToken, Scope};
use overdue::service::users;
use serde_json::Value;
use std::sync::Arc;
use tower::ServiceExt;

use crate::support::Database;
use crate::support::databases::Fresh;
use crate::support::folder::Folder;
use crate::workers::open;

/// The router, its user, and what is behind it.
pub struct Desk {
    pub ctx: Context,
    pub user_id: i64,
    router: Router,
    // Entries would be counted as lost without it.
    inbox: Option<Inbox>,
    // In this order: the database goes before its folder.
    _database: Fresh,
    _home: Folder,
}

/// What came back.
#[derive(Debug)]
pub struct Told {
    pub status: u16,
    pub headers: HeaderMap,
    pub json: Value,
}

impl Desk {
    /// One with a user and this change of the configuration.
    pub async fn with(database: Database, change: impl FnOnce(&mut Config)) -> Self {
        let (ctx, fresh, home) = open(database, change).await;
        let user_id =
            users::create(&ctx, "desk@example.org", "correct horse", false).await.unwrap();
        let (journal, inbox) = journal::channel();
        let outbound = Outbound::new(Settings::default()).unwrap();
        let state = ManagementState::new(ctx.clone(), journal, Arc::new(outbound));
        let router = management::router(state);
        Self { ctx, user_id, router, inbox: Some(inbox), _database: fresh, _home: home }
    }

    /// The URL of the database.
    pub fn database_url(&self) -> &str {
        self.ctx.config.database.url.expose()
    }

    /// Writes down what has gathered in the journal, as the server does when it stops; what comes
    /// later is lost.
    pub async fn end_journal(&mut self) {
        let inbox = self.inbox.take().expect("it ends once");
        let (_stop, stopped) = tokio::sync::watch::channel(true);
        journal::run(self.ctx.clone(), inbox, stopped).await;
    }

    /// The text of a new session's token.
    pub async fn sign_in(&self) -> String {
        let row = tokens::open_session(&self.ctx, self.user_id, &Device::default()).await.unwrap();
        tokens::text_of(&self.ctx, &row).unwrap()
    }

    /// The text of a new API token with everything allowed.
    pub async fn token(&self, subject: &str, expires_in: i64) -> String {
        let new = NewToken {
            subject: subject.to_owned(),
            expires_in,
            scopes: Scope::ALL.to_vec(),
            allowed_ips: Vec::new(),
        };
        let row = tokens::create(&self.ctx, self.user_id, &new).await.unwrap();
        tokens::text_of(&self.ctx, &row).unwrap()
    }

    /// Runs a command with the token as its cookie.
    pub async fn call(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Told {
        self.call_over(false, token, method, path, body).await
    }

    /// The same over a connection with or without TLS.
    pub async fn call_over(
        &self,
        tls: bool,
        token: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Told {
        let connection = Connection::new(([192, 0, 2, 7], 4711).into(), tls);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("cookie", format!("api_access_token={token}"))
            .header("content-type", "application/json")
            .extension(connection)
            .body(Body::from(body.map(|body| body.to_string()).unwrap_or_default()));
        let response = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let json = serde_json::from_slice(&body).unwrap();
        Told { status: head.status.as_u16(), headers: head.headers, json }
    }
}

impl Desk {
    /// The text of a new session's token of a new user with this address.
    pub async fn sign_up(&self, email: &str) -> (i64, String) {
        let user_id = users::create(&self.ctx, email, "correct horse", false).await.unwrap();
        let row = tokens::open_session(&self.ctx, user_id, &Device::default()).await.unwrap();
        (user_id, tokens::text_of(&self.ctx, &row).unwrap())
    }

    /// Runs a command with a body of this media type: the status, the media type of what came
    /// back, and its text.
    pub async fn send(
        &self,
        token: &str,
        method: &str,
        path: &str,
        media_type: &str,
        body: impl Into<Body>,
    ) -> (u16, String, String) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("cookie", format!("api_access_token={token}"))
            .extension(Connection::new(([192, 0, 2, 7], 4711).into(), false));
        if !media_type.is_empty() {
            request = request.header("content-type", media_type);
        }
        let request = request.body(body.into()).unwrap();
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let media_type = head.headers["content-type"].to_str().unwrap().to_owned();
        (head.status.as_u16(), media_type, String::from_utf8(body.to_vec()).unwrap())
    }
}

impl Told {
    /// The object of a 200.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.json);
        self.json
    }

    /// The message of a fatal error of this status.
    #[track_caller]
    pub fn fatal(self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.json);
        self.json["message"].as_str().unwrap().to_owned()
    }

    /// The cookie that it sets, if any.
    pub fn cookie(&self) -> Option<&str> {
        self.headers.get("set-cookie").map(|value| value.to_str().unwrap())
    }
}
