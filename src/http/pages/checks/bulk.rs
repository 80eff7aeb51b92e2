//! `POST …/checks/bulk`: one thing done with all checks that were chosen in the list. Deleting asks
//! once, on a page that names them.

use std::borrow::Cow;

use askama::Template;
use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;

use super::super::form::{self, Fields};
use super::super::project::{Here, to_its_end};
use super::super::{Site, next, page, see_other, texts};
use super::picked;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::service::checks;
use crate::store::checks::{self as stored, CheckRow, Filter};
use crate::store::projects::Role;

/// The most checks that are chosen at a time: those of a page of the list.
const MOST: usize = 500;

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/checks/delete.html" %}"#)]
struct Ask<'a> {
    site: &'a Site,
    rows: &'a [CheckRow],
    names: Vec<Cow<'a, str>>,
    /// `3 checks`.
    count: String,
    /// Where the form goes, with the prefix.
    action: String,
    /// Where it leads back to, below the prefix.
    back: &'a str,
}

/// What is to be done.
#[derive(Clone, Debug)]
enum Deed {
    Pause(bool),
    Tag(String),
    Delete,
}

pub(super) async fn submit(here: Here, request: Request) -> Response {
    let done = take(&here, request).await;
    here.answer(done).await
}

async fn take(here: &Here, request: Request) -> Result<Response> {
    let (head, body) = request.into_parts();
    let mut fields = form::read(&head, body, here.ctx()).await?;
    here.need(Role::Editor)?;
    let rows = chosen(here, &mut fields).await?;
    let back = fields.take("next");
    let back = if back.is_empty() { here.path("/checks") } else { next::path(&back).to_owned() };
    let is_sure = fields.take_flag("sure");
    let deed = deed(&mut fields)?;
    if matches!(deed, Deed::Delete) && !is_sure && !rows.is_empty() {
        return Ok(ask(here, &rows, &back));
    }
    let (ctx, project_id) = (here.ctx().clone(), here.project_id());
    let ids: Vec<i64> = rows.iter().map(|row| row.check_id).collect();
    to_its_end(async move { all(&ctx, project_id, &ids, &deed).await }).await?;
    Ok(see_other(&here.site, &back))
}

fn deed(fields: &mut Fields) -> Result<Deed> {
    Ok(match fields.take("do").as_str() {
        "pause" => Deed::Pause(true),
        "resume" => Deed::Pause(false),
        "delete" => Deed::Delete,
        "tag" => {
            let tag = fields.take_trimmed("tag");
            if !checks::is_tag(&tag) {
                let reason = "a tag has 1 to 50 characters, without white space or comma";
                return Err(Fault::invalid("", reason));
            }
            Deed::Tag(tag)
        }
        _ => return Err(Fault::invalid("do", "must be one of pause, resume, tag, delete")),
    })
}

/// The checks of this project that were chosen.
async fn chosen(here: &Here, fields: &mut Fields) -> Result<Vec<CheckRow>> {
    let ids: Vec<i64> =
        fields.take_all("check").iter().filter_map(|id| id.parse().ok()).take(MOST).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let filter = Filter { check_ids: ids, ..Filter::default() };
    let most = i64::try_from(MOST).unwrap_or(i64::MAX);
    let mut conn = here.ctx().store.read().await?;
    let found = stored::list(&mut conn, here.project_id(), &filter, here.now, 0, most).await?;
    Ok(found.0)
}

fn ask(here: &Here, rows: &[CheckRow], back: &str) -> Response {
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    page(
        StatusCode::OK,
        &Ask {
            site: &here.site,
            names: rows.iter().map(picked::name).collect(),
            count: texts::t("count-checks").count("n", count).plain(),
            action: format!("{}{}", here.site.prefix, here.path("/checks/bulk")),
            rows,
            back,
        },
    )
}

/// Each for itself: one that somebody else deleted meanwhile keeps nothing from the others.
async fn all(ctx: &Context, project_id: i64, ids: &[i64], deed: &Deed) -> Result<()> {
    for id in ids {
        let done = match deed {
            Deed::Pause(paused) => checks::pause(ctx, project_id, *id, *paused).await,
            Deed::Tag(tag) => checks::add_tag(ctx, project_id, *id, tag).await,
            Deed::Delete => checks::delete(ctx, project_id, *id).await,
        };
        match done {
            Ok(()) | Err(Fault::Forbidden(_)) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}
