//! `/user/request-list`: the journal of the caller's own requests.

use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::call::{Answer, Call};
use super::command::Command;
use super::model::{Model, Time};
use super::query::Query;
use super::span::Span;
use crate::fault::Result;
use crate::store::journal::{self, Filter, RequestRow};

/// The commands of this file.
pub fn commands() -> Vec<Command> {
    vec![
        Command::get("/user/request-list", list, "The journal of your requests")
            .text(
                "Every command that was run with one of your tokens, the latest first, also those \
                 that were refused; at most a second late.",
            )
            .query::<Asked>()
            .query::<Span>()
            .lists::<Request>(),
    ]
}

/// Which requests are asked for.
#[derive(Debug, IntoParams)]
struct Asked {
    /// Only those of the token with this subject.
    subject: Option<String>,
    /// Only those that were answered with this HTTP status.
    #[param(minimum = 100, maximum = 599)]
    status: Option<i64>,
}

impl Asked {
    fn read(query: &mut Query) -> Result<Self> {
        Ok(Self { subject: query.one("subject")?, status: query.integer("status", 100, 599)? })
    }
}

/// A request that was made with a token.
#[derive(Debug, Serialize, ToSchema)]
pub struct Request {
    /// When.
    at: Time,
    /// The token's subject; `session` for a signed-in browser.
    subject: String,
    /// The HTTP method.
    method: String,
    /// The path, without its parameters.
    path: String,
    /// The HTTP status of the answer.
    #[schema(minimum = 100, maximum = 599)]
    status: i64,
    /// The client's address.
    remote_address: String,
    /// The answer's `X-Request-Id`; the log has it too.
    request_id: String,
}

impl Model for Request {
    fn example() -> Self {
        Self {
            at: Time::example(0),
            subject: "deploy".to_owned(),
            method: "GET".to_owned(),
            path: "/user/project/1/check-list".to_owned(),
            status: 200,
            remote_address: "192.0.2.7".to_owned(),
            request_id: "Zk3q9sX0bW1uYtRa".to_owned(),
        }
    }
}

/// `GET /user/request-list`: filters `subject`, `status`, `from` (at or after) and `to` (before).
pub async fn list(call: Call) -> Answer {
    let mut query = call.query()?;
    let Asked { subject, status } = Asked::read(&mut query)?;
    let Span { from, to } = Span::read(&mut query)?;
    let page = query.page()?;
    let mut conn = call.ctx.store.read().await?;
    let user_id = call.caller.user_id;
    let filter = Filter { subject, status, from, to };
    let (rows, total) = journal::list(&mut conn, user_id, &filter, page.offset, page.limit).await?;
    page.reply(rows.into_iter().map(shown).collect(), total, None)
}

fn shown(row: RequestRow) -> Request {
    Request {
        at: row.at.into(),
        subject: row.subject,
        method: row.method,
        path: row.path,
        status: row.status,
        remote_address: row.remote_address,
        request_id: row.request_id,
    }
}
