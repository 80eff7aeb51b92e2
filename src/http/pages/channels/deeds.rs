//! What the buttons of a channel do: each a form of its own.

use axum::extract::{Path, Request};
use axum::response::Response;

use super::super::form::{self, Fields};
use super::super::project::{Here, to_its_end};
use super::show::picked;
use crate::fault::{Fault, Result};
use crate::service::channels::{self, Change};
use crate::store::channels::ChannelRow;
use crate::store::projects::Role;

type Name = Path<(String, String)>;

async fn begin(here: &Here, uuid: &str, request: Request) -> Result<(ChannelRow, Fields)> {
    let (head, body) = request.into_parts();
    let fields = form::read(&head, body, here.ctx()).await?;
    here.need(Role::Editor)?;
    Ok((picked(here, uuid).await?, fields))
}

fn back(here: &Here, uuid: &str, did: &str) -> Response {
    here.go(&format!("/channels/{uuid}?did={did}"))
}

pub(super) async fn enable(here: Here, Path((_, uuid)): Name, request: Request) -> Response {
    let done = set_disabled(&here, &uuid, request, false).await;
    here.answer(done).await
}

pub(super) async fn disable(here: Here, Path((_, uuid)): Name, request: Request) -> Response {
    let done = set_disabled(&here, &uuid, request, true).await;
    here.answer(done).await
}

async fn set_disabled(here: &Here, uuid: &str, request: Request, to: bool) -> Result<Response> {
    let (row, _) = begin(here, uuid, request).await?;
    let (ctx, project_id) = (here.ctx().clone(), here.project_id());
    let change = Change { disabled: Some(to), ..Change::default() };
    let work = async move { channels::update(&ctx, project_id, row.channel_id, &change).await };
    to_its_end(work).await?;
    Ok(back(here, uuid, if to { "disabled" } else { "enabled" }))
}

pub(super) async fn assign(here: Here, Path((_, uuid)): Name, request: Request) -> Response {
    let done = assigned(&here, &uuid, request).await;
    here.answer(done).await
}

async fn assigned(here: &Here, uuid: &str, request: Request) -> Result<Response> {
    let (row, _) = begin(here, uuid, request).await?;
    let (ctx, project_id) = (here.ctx().clone(), here.project_id());
    to_its_end(async move { channels::assign_to_all(&ctx, project_id, row.channel_id).await })
        .await?;
    Ok(back(here, uuid, "assigned"))
}

pub(super) async fn retry(here: Here, Path((_, uuid)): Name, request: Request) -> Response {
    let done = retried(&here, &uuid, request).await;
    here.answer(done).await
}

async fn retried(here: &Here, uuid: &str, request: Request) -> Result<Response> {
    let (row, mut fields) = begin(here, uuid, request).await?;
    let message: i64 = fields.take("message").parse().map_err(|_| Fault::NotFound)?;
    let (ctx, project_id) = (here.ctx().clone(), here.project_id());
    let work = async move { channels::retry(&ctx, project_id, row.channel_id, message).await };
    to_its_end(work).await?;
    Ok(back(here, uuid, "retried"))
}

pub(super) async fn delete(here: Here, Path((_, uuid)): Name, request: Request) -> Response {
    let done = deleted(&here, &uuid, request).await;
    here.answer(done).await
}

async fn deleted(here: &Here, uuid: &str, request: Request) -> Result<Response> {
    let (row, _) = begin(here, uuid, request).await?;
    let (ctx, project_id) = (here.ctx().clone(), here.project_id());
    to_its_end(async move { channels::delete(&ctx, project_id, row.channel_id).await }).await?;
    Ok(here.go("/channels?did=deleted"))
}
