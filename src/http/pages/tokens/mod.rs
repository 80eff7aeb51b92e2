//! `/account/tokens`: the tokens that programs of the reader use. The text of one is behind the eye:
//! it comes when it is asked for, by a form of its own, and by a script without leaving the page.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Request};
use axum::response::Response;
use axum::routing::{get, post};
use http::{StatusCode, Uri};

use super::form::{self, Errors, Field, Fields};
use super::pager::Pager;
use super::project::to_its_end;
use super::reader::When;
use super::texts::{self, Text};
use super::visit::Visit;
use super::{Pages, Site, page, see_other};
use crate::fault::{Fault, Result};
use crate::net;
use crate::service::tokens::{self, NewToken, Scope};
use crate::store;
use crate::store::tokens::TokenRow;

/// Tokens on a page.
const PAGE: i64 = 50;
const PATH: &str = "/account/tokens";

pub(super) fn routes() -> Router<Pages> {
    Router::new()
        .route(PATH, get(show).post(create))
        .route("/account/tokens/{token}/text", post(text))
        .route("/account/tokens/{token}/revoke", post(revoke))
        .route("/account/tokens/{token}/delete", post(delete))
}

/// A token, as the list shows it.
struct Line<'a> {
    row: &'a TokenRow,
    mark: (&'static str, &'static str, &'static str),
    addresses: String,
    ends: When,
    used: Option<When>,
    /// Its text, where the eye is open.
    text: Option<String>,
    is_over: bool,
    base: String,
}

impl Line<'_> {
    fn is_revoked(&self) -> bool {
        self.row.revoked.into()
    }

    fn revoking(&self) -> String {
        let subject = &self.row.subject;
        texts::t("tokens-revoke-the-token-whatever-uses").with("subject", subject).plain()
    }

    fn revoke(&self) -> String {
        format!("{}/revoke", self.base)
    }
}

/// What was typed.
struct Draft {
    subject: String,
    days: String,
    read: bool,
    write: bool,
    addresses: String,
}

impl Draft {
    fn fresh(most: u32) -> Self {
        let days = most.min(90).to_string();
        Self { subject: String::new(), days, read: true, write: true, addresses: String::new() }
    }

    fn read(fields: &mut Fields) -> Self {
        Self {
            subject: fields.take_trimmed("subject"),
            days: fields.take_trimmed("expires_in"),
            read: fields.take_flag("read"),
            write: fields.take_flag("write"),
            addresses: fields.take("allowed_ips"),
        }
    }

    fn wanted(&self) -> Result<NewToken> {
        let days: i64 = self
            .days
            .parse()
            .map_err(|_| Fault::invalid("expires_in", "must be a whole number of days"))?;
        let network = |text: &str| {
            let reason = "must be addresses or networks such as 192.0.2.0/24";
            net::network(text).ok_or_else(|| Fault::invalid("allowed_ips", reason))
        };
        let split = self.addresses.split([',', ' ', '\n', '\r', '\t']);
        let scopes = [(self.read, Scope::Read), (self.write, Scope::Write)];
        Ok(NewToken {
            subject: self.subject.clone(),
            expires_in: days.saturating_mul(86_400),
            scopes: scopes
                .into_iter()
                .filter(|(is_set, _)| *is_set)
                .map(|(_, scope)| scope)
                .collect(),
            allowed_ips: split
                .filter(|text| !text.is_empty())
                .map(network)
                .collect::<Result<_>>()?,
        })
    }
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/tokens/list.html" %}"#)]
struct List<'a> {
    site: &'a Site,
    lines: Vec<Line<'a>>,
    pager: Pager,
    places: String,
    is_full: bool,
    /// What is said about the life of a new one.
    life: Text,
    draft: &'a Draft,
    errors: &'a Errors,
    news: Option<&'static str>,
}

impl<'a> List<'a> {
    fn field(&self, name: &'a str, label: Text, value: &'a str, hint: Text) -> Field<'a> {
        Field { hint, ..Field::text(name, label, value, self.errors) }
    }
}

/// What of the list is to be shown.
#[derive(Default)]
struct Wish {
    page: i64,
    /// The token whose eye is open.
    open: Option<i64>,
    news: Option<&'static str>,
}

async fn show(visit: Visit, uri: Uri) -> Response {
    let mut asked = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    let news = match asked.take("did").as_str() {
        "revoked" => Some("tokens-the-token-is-revoked"),
        "deleted" => Some("tokens-the-token-is-deleted-its"),
        _ => None,
    };
    let wish = Wish { page: Pager::number(&asked.take("page")), news, open: None };
    let draft = Draft::fresh(visit.ctx().config.tokens.max_days);
    let shown = list(&visit, StatusCode::OK, wish, &draft, &Errors::default()).await;
    visit.answer(shown).await
}

async fn list(
    visit: &Visit,
    status: StatusCode,
    wish: Wish,
    draft: &Draft,
    errors: &Errors,
) -> Result<Response> {
    let (ctx, user_id) = (visit.ctx(), visit.caller.user_id);
    let number = wish.page.max(1);
    let mut conn = ctx.store.read().await?;
    let (mut rows, total) =
        store::tokens::list(&mut conn, user_id, (number - 1) * PAGE, PAGE).await?;
    // The one whose eye is open may stand on another page.
    if let Some(open) = wish.open.filter(|open| rows.iter().all(|row| row.token_id != *open)) {
        rows.extend(store::tokens::find(&mut conn, user_id, open).await?);
    }
    drop(conn);
    let max_count = i64::from(ctx.config.tokens.max_count);
    let reader = &visit.site.reader;
    let left = (max_count - total).max(0);
    let lines = rows.iter().map(|row| line(visit, row, wish.open)).collect::<Result<_>>()?;
    let base = format!("{}{PATH}", visit.site.prefix);
    Ok(page(
        status,
        &List {
            site: &visit.site,
            lines,
            pager: Pager::new(&base, number, PAGE, total),
            places: texts::t("tokens-of-places-are-left")
                .with("left", reader.number(left))
                .with("max_count", reader.number(max_count))
                .plain(),
            is_full: left == 0,
            life: texts::t("tokens-days-at-most").with("max_days", ctx.config.tokens.max_days),
            draft,
            errors,
            news: wish.news,
        },
    ))
}

fn line<'a>(visit: &Visit, row: &'a TokenRow, open: Option<i64>) -> Result<Line<'a>> {
    let (now, reader) = (visit.now, &visit.site.reader);
    let is_over = row.expires_at <= now;
    let mark = if bool::from(row.revoked) {
        ("bad", "▲", "tokens-revoked")
    } else if is_over {
        ("paused", "‖", "tokens-expired")
    } else {
        ("good", "●", "tokens-in-use")
    };
    let is_open = open == Some(row.token_id);
    Ok(Line {
        row,
        mark,
        addresses: row.allowed_ips.replace(',', ", "),
        ends: reader.when(row.expires_at, now),
        used: row.last_used_at.map(|at| reader.when(at, now)),
        text: is_open.then(|| tokens::text_of(visit.ctx(), row)).transpose()?,
        is_over,
        base: format!("{}{PATH}/{}", visit.site.prefix, row.token_id),
    })
}

async fn create(visit: Visit, request: Request) -> Response {
    let done = made(&visit, request).await;
    visit.answer(done).await
}

async fn made(visit: &Visit, request: Request) -> Result<Response> {
    let (head, body) = request.into_parts();
    let mut fields = form::read(&head, body, visit.ctx()).await?;
    let draft = Draft::read(&mut fields);
    let (ctx, user_id) = (visit.ctx().clone(), visit.caller.user_id);
    let made = match draft.wanted() {
        Ok(new) => to_its_end(async move { tokens::create(&ctx, user_id, &new).await }).await,
        Err(fault) => Err(fault),
    };
    match made {
        Ok(row) => {
            let news = Some("tokens-the-token-is-made-copy");
            let wish = Wish { page: 1, open: Some(row.token_id), news };
            let fresh = Draft::fresh(visit.ctx().config.tokens.max_days);
            list(visit, StatusCode::OK, wish, &fresh, &Errors::default()).await
        }
        Err(fault @ (Fault::Invalid { .. } | Fault::Forbidden(_))) => {
            let errors = Errors::from(fault);
            list(visit, StatusCode::BAD_REQUEST, Wish::default(), &draft, &errors).await
        }
        Err(fault) => Err(fault),
    }
}

/// The eye: the list with the text of one token.
async fn text(visit: Visit, Path(token): Path<i64>, request: Request) -> Response {
    let done = opened(&visit, token, request).await;
    visit.answer(done).await
}

async fn opened(visit: &Visit, token_id: i64, request: Request) -> Result<Response> {
    let (head, body) = request.into_parts();
    form::read(&head, body, visit.ctx()).await?;
    tokens::find(visit.ctx(), visit.caller.user_id, token_id).await?;
    let wish = Wish { page: 1, open: Some(token_id), news: None };
    let draft = Draft::fresh(visit.ctx().config.tokens.max_days);
    list(visit, StatusCode::OK, wish, &draft, &Errors::default()).await
}

async fn revoke(visit: Visit, Path(token): Path<i64>, request: Request) -> Response {
    let done = ended(&visit, token, request, true).await;
    visit.answer(done).await
}

async fn delete(visit: Visit, Path(token): Path<i64>, request: Request) -> Response {
    let done = ended(&visit, token, request, false).await;
    visit.answer(done).await
}

async fn ended(visit: &Visit, token_id: i64, request: Request, revoke: bool) -> Result<Response> {
    let (head, body) = request.into_parts();
    form::read(&head, body, visit.ctx()).await?;
    let (ctx, user_id) = (visit.ctx().clone(), visit.caller.user_id);
    to_its_end(async move {
        if revoke {
            tokens::revoke(&ctx, user_id, token_id).await.map(drop)
        } else {
            tokens::delete(&ctx, user_id, token_id).await
        }
    })
    .await?;
    let did = if revoke { "revoked" } else { "deleted" };
    Ok(see_other(&visit.site, &format!("{PATH}?did={did}")))
}
