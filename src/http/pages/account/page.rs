//! The page, as each of its forms shows it again.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;

use super::super::form::{Errors, Field, Fields};
use super::super::reader::When;
use super::super::texts::{self, Text};
use super::super::{Pages, Site, page, problem, see_other, session, sheet};
use super::browser;
use super::identities::PASSWORD as UNLINK;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::service::tokens::Caller;
use crate::service::{identities, names, second_factor, sessions, users as accounts};
use crate::store::identities::IdentityRow;
use crate::store::sessions::SessionRow;
use crate::store::users;

/// What was typed into one of the forms, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Typed {
    pub(super) name: Option<String>,
    pub(super) timezone: Option<String>,
    pub(super) errors: Errors,
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/account/account.html" %}"#)]
struct Account<'a> {
    site: &'a Site,
    /// What went well just now.
    done: Option<&'static str>,
    problem: Option<Text>,
    email: &'a str,
    profile: Vec<Field<'a>>,
    password: Vec<Field<'a>>,
    factors: second_factor::Ways,
    identities: Vec<Identity>,
    /// The field that is asked for where one of them is to end.
    unlinking: Field<'a>,
    sessions: Vec<Session>,
}

/// A provider that signs somebody in.
struct Identity {
    id: i64,
    issuer: String,
    email: String,
    since: When,
    used: When,
}

struct Session {
    id: i64,
    browser: String,
    address: String,
    since: When,
    seen: When,
    is_this: bool,
}

/// What the page says went well, by the word in its address.
const DONE: [(&str, &str); 6] = [
    ("no-app", "account-no-codes-are-asked-for"),
    ("unlinked", "account-it-signs-you-in-no-2"),
    ("password-alone", "account-the-password-alone-signs-you-2"),
    ("profile", "account-your-profile-is-saved"),
    ("password", "account-the-password-is-changed-everywhere"),
    ("sessions", "account-that-session-has-ended"),
];

/// Sends the browser back to the page, which says that this went well.
pub(super) fn done(site: &Site, what: &str) -> Response {
    see_other(site, &format!("/account?done={what}"))
}

/// The answer to a fault: who is not signed in comes back to the page, whichever form it was.
pub(super) fn refused(site: &Site, fault: &Fault) -> Response {
    match fault {
        Fault::Unauthenticated(_) => see_other(site, "/sign-in?next=%2Faccount"),
        _ => problem(site, fault),
    }
}

pub(super) async fn show(State(pages): State<Pages>, head: Parts) -> Response {
    let mut site = Site::of(&head, &pages.ctx.config);
    match shown(&pages.ctx, &mut site, &head).await {
        Ok(response) => response,
        Err(fault) => session::refused(&site, &head, &fault),
    }
}

async fn shown(ctx: &Context, site: &mut Site, head: &Parts) -> Result<Response> {
    let caller = session::need(ctx, site, head).await?;
    let mut query = Fields::parse(head.uri.query().unwrap_or_default().as_bytes());
    let what = query.take("done");
    let done = DONE.iter().find(|(word, _)| *word == what).map(|(_, text)| *text);
    let mut response = render(ctx, site, &caller, done, &Typed::default(), StatusCode::OK).await?;
    session::renew(ctx, site, &caller, &mut response).await?;
    Ok(response)
}

/// The page with a form that did not fit.
pub(super) async fn again(
    ctx: &Context,
    site: &Site,
    caller: &Caller,
    typed: &Typed,
    status: StatusCode,
) -> Result<Response> {
    render(ctx, site, caller, None, typed, status).await
}

async fn render(
    ctx: &Context,
    site: &Site,
    caller: &Caller,
    done: Option<&'static str>,
    typed: &Typed,
    status: StatusCode,
) -> Result<Response> {
    let open = sessions::list(ctx, caller.user_id).await?;
    let user = users::find(&mut ctx.store.read().await?, caller.user_id).await?;
    let user = user.ok_or(Fault::NotFound)?;
    let session = |row: SessionRow| Session {
        id: row.token_id,
        browser: browser::in_words(&row.user_agent),
        since: site.reader.when(row.created_at, ctx.now()),
        seen: site.reader.when(row.last_used_at.unwrap_or(row.created_at), ctx.now()),
        is_this: row.token_id == caller.token_id,
        address: row.address,
    };
    let errors = &typed.errors;
    let identity = |row: IdentityRow| Identity {
        id: row.identity_id,
        since: site.reader.when(row.created_at, ctx.now()),
        used: site.reader.when(row.last_used_at, ctx.now()),
        issuer: row.issuer,
        email: row.email,
    };
    let linked = identities::list(ctx, caller.user_id).await?;
    let account = Account {
        site,
        done,
        problem: errors.summary(),
        email: &user.email,
        profile: vec![
            Field {
                hint: texts::t("account-what-others-call-you"),
                autocomplete: "name",
                max_length: names::LONGEST,
                ..Field::text(
                    "name",
                    texts::t("account-name"),
                    typed.name.as_ref().unwrap_or(&user.name),
                    errors,
                )
            },
            Field {
                hint: texts::t("account-a-name-such-as-europe"),
                min_length: 1,
                ..Field::text(
                    "timezone",
                    texts::t("account-time-zone"),
                    typed.timezone.as_ref().unwrap_or(&user.timezone),
                    errors,
                )
            },
        ],
        password: vec![
            Field {
                kind: "password",
                autocomplete: "current-password",
                min_length: 1,
                max_length: accounts::MAX_PASSWORD,
                ..Field::text(
                    accounts::OLD_PASSWORD,
                    texts::t("account-present-password"),
                    "",
                    errors,
                )
            },
            sheet::new_password(texts::t("account-new-password"), errors),
        ],
        identities: linked.into_iter().map(identity).collect(),
        unlinking: Field {
            kind: "password",
            autocomplete: "current-password",
            min_length: 1,
            max_length: accounts::MAX_PASSWORD,
            ..Field::text(UNLINK, texts::t("account-password"), "", errors)
        },
        factors: second_factor::of_user(ctx, caller.user_id).await?,
        sessions: open.into_iter().map(session).collect(),
    };
    Ok(page(status, &account))
}
