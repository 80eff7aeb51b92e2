//! What the links in our mails lead to: a page with a button, and what the button does. The link
//! itself is the authority, whoever opens it; there is no session. To open a page changes nothing,
//! so that programs which look at the links in mails confirm and end nothing. The unsubscribing POST
//! is the one that RFC 8058 has mail programs send on their own.

use askama::Template;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;

use super::{Pages, Site, page, problem};
use crate::fault::Result;
use crate::notify::channels::email::link::Purpose;
use crate::service::recipients::{self, Subscription};

/// As much of a body is read to its end; what it says makes no difference.
const LARGEST: usize = 16 * 1024;

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/mail.html" %}"#)]
struct Sheet<'a> {
    site: &'a Site,
    title: &'static str,
    lines: Vec<String>,
    button: Option<&'static str>,
}

pub(super) async fn ask_consent(
    State(pages): State<Pages>,
    Path(token): Path<String>,
    head: Parts,
) -> Response {
    let found = recipients::look(&pages.ctx, Purpose::Confirm, &token).await;
    answer(&pages, &head, found, |it| {
        if it.is_confirmed {
            return confirmed(it);
        }
        let line = format!(
            "May Overdue send the alerts of {} to {}? They tell when a job is late or fails, and \
             when it is well again. Each of them has a link that ends them.",
            project(it),
            it.address
        );
        ("Confirm this address", vec![line], Some("Yes, send them"))
    })
}

pub(super) async fn consent(
    State(pages): State<Pages>,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    let head = read_whole(request).await;
    let done = recipients::confirm(&pages.ctx, &token).await;
    answer(&pages, &head, done, confirmed)
}

pub(super) async fn ask_end(
    State(pages): State<Pages>,
    Path(token): Path<String>,
    head: Parts,
) -> Response {
    let found = recipients::look(&pages.ctx, Purpose::Unsubscribe, &token).await;
    answer(&pages, &head, found, |it| {
        // What is only switched off can be switched on again, unless its recipient ends it.
        if it.is_disabled && !it.is_confirmed {
            return ended(it);
        }
        let line = format!(
            "Shall Overdue send no more alerts of {} to {}? Whoever looks after the project is told.",
            project(it),
            it.address
        );
        ("Unsubscribe", vec![line], Some("Send no more"))
    })
}

pub(super) async fn end(
    State(pages): State<Pages>,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    let head = read_whole(request).await;
    let done = recipients::unsubscribe(&pages.ctx, &token).await;
    answer(&pages, &head, done, ended)
}

type Words = (&'static str, Vec<String>, Option<&'static str>);

fn confirmed(it: &Subscription) -> Words {
    let line = format!("The alerts of {} are sent to {}.", project(it), it.address);
    let mut lines = vec![line];
    if it.is_disabled {
        lines.push("At the moment none is: the channel is switched off in its project.".to_owned());
    }
    ("Confirmed", lines, None)
}

fn ended(it: &Subscription) -> Words {
    let line = format!(
        "No channel of {} sends alerts to {} any more. Should one be switched on again, you are \
         asked first.",
        project(it),
        it.address
    );
    ("Unsubscribed", vec![line], None)
}

fn project(it: &Subscription) -> String {
    format!("the project “{}”", it.project_name)
}

fn answer(
    pages: &Pages,
    head: &Parts,
    found: Result<Option<Subscription>>,
    words: impl Fn(&Subscription) -> Words,
) -> Response {
    let site = Site::of(head, &pages.ctx.config);
    match found {
        Ok(Some(subscription)) => {
            let (title, lines, button) = words(&subscription);
            page(StatusCode::OK, &Sheet { site: &site, title, lines, button })
        }
        Ok(None) => {
            // Its mail may be older than the server's key: more mail may come, with links that work.
            let line = "It was cut off on its way, or what it was about is there no longer, or its \
                        mail is an old one. Should more mail come, the links in that one work.";
            let (title, lines) = ("This link leads nowhere", vec![line.to_owned()]);
            page(StatusCode::NOT_FOUND, &Sheet { site: &site, title, lines, button: None })
        }
        Err(fault) => problem(&site, &fault),
    }
}

/// Reads what came along, so that the connection can be used again.
async fn read_whole(request: Request) -> Parts {
    let (head, body) = request.into_parts();
    // Too much of it, or its end missing: it says nothing that is needed.
    let _ = axum::body::to_bytes(body, LARGEST).await;
    head
}
