//! What the links in our mails lead to: a page with a button, and what the button does. The link
//! itself is the authority, whoever opens it; there is no session. To open a page changes nothing,
//! so that programs which look at the links in mails confirm and end nothing. The unsubscribing POST
//! is the one that RFC 8058 has mail programs send on their own.

use askama::Template;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;

use super::texts::{self, Text};
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
    title: Text,
    lines: Vec<Text>,
    button: Option<Text>,
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
        let line = texts::t("mail-may-overdue-send-the-alerts")
            .text("it", project(it))
            .with("address", &it.address);
        (texts::t("mail-confirm-this-address"), vec![line], Some(texts::t("mail-yes-send-them")))
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
        let line = texts::t("mail-shall-overdue-send-no-more")
            .text("it", project(it))
            .with("address", &it.address);
        (texts::t("mail-unsubscribe"), vec![line], Some(texts::t("mail-send-no-more")))
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

type Words = (Text, Vec<Text>, Option<Text>);

fn confirmed(it: &Subscription) -> Words {
    let line = texts::t("mail-the-alerts-of-are-sent")
        .text("it", project(it))
        .with("address", &it.address);
    let mut lines = vec![line];
    if it.is_disabled {
        lines.push(texts::t("mail-at-the-moment-none-is"));
    }
    (texts::t("mail-confirmed"), lines, None)
}

fn ended(it: &Subscription) -> Words {
    let line = texts::t("mail-no-channel-of-sends-alerts")
        .text("it", project(it))
        .with("address", &it.address);
    (texts::t("mail-unsubscribed"), vec![line], None)
}

fn project(it: &Subscription) -> Text {
    texts::t("mail-the-project").with("project_name", &it.project_name)
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
            let line = texts::t("mail-it-was-cut-off-on");
            let (title, lines) = (texts::t("mail-this-link-leads-nowhere"), vec![line]);
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
