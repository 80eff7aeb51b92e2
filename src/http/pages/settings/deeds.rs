//! What the forms of a project's settings do.

use axum::extract::{Path, Request};
use axum::response::Response;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode, Uri};

use super::super::form::{self, Errors, Fields};
use super::super::project::{Here, to_its_end};
use super::super::{answer, see_other};
use super::show::{Draft, look};
use crate::fault::{Fault, Result};
use crate::service::{api_keys, members, projects, transfer};
use crate::store::projects::Role;

async fn fields(here: &Here, request: Request) -> Result<Fields> {
    let (head, body) = request.into_parts();
    form::read_long(&head, body, here.ctx()).await
}

/// The page again with what was typed, where the fault is one of the form.
async fn again(here: &Here, fault: Fault, draft: Draft) -> Result<Response> {
    match fault {
        Fault::Invalid { .. } | Fault::Conflict(_) => {
            let draft = Draft { errors: Errors::from(fault), ..draft };
            look(here, StatusCode::BAD_REQUEST, &Uri::default(), &draft).await
        }
        fault => Err(fault),
    }
}

pub(super) async fn rename(here: Here, request: Request) -> Response {
    let done = renamed(&here, request).await;
    here.answer(done).await
}

async fn renamed(here: &Here, request: Request) -> Result<Response> {
    let mut fields = fields(here, request).await?;
    let (name, auto_create) =
        (fields.take_trimmed("project_name"), fields.take_flag("auto_create"));
    let (ctx, user, id) = (here.ctx().clone(), here.opened.caller.user_id, here.project_id());
    let wanted = name.clone();
    let work =
        async move { projects::update(&ctx, user, id, Some(&wanted), Some(auto_create)).await };
    match to_its_end(work).await {
        Ok(_) => Ok(here.go("/settings?did=saved")),
        Err(fault) => {
            again(here, fault, Draft { project_name: Some(name), ..Draft::default() }).await
        }
    }
}

pub(super) async fn rotate(here: Here, request: Request) -> Response {
    let done = rotated(&here, request).await;
    here.answer(done).await
}

async fn rotated(here: &Here, request: Request) -> Result<Response> {
    fields(here, request).await?;
    let (ctx, user, id) = (here.ctx().clone(), here.opened.caller.user_id, here.project_id());
    to_its_end(async move { projects::renew_ping_key(&ctx, user, id).await }).await?;
    Ok(here.go("/settings?did=rotated"))
}

pub(super) async fn make_key(here: Here, request: Request) -> Response {
    let done = key_made(&here, request).await;
    here.answer(done).await
}

/// The key is shown once, on the page that answers its making.
async fn key_made(here: &Here, request: Request) -> Result<Response> {
    let is_read_only = fields(here, request).await?.take_flag("read_only");
    here.need(Role::Owner)?;
    let (ctx, id) = (here.ctx().clone(), here.project_id());
    match to_its_end(async move { api_keys::create(&ctx, id, is_read_only).await }).await {
        Ok(made) => {
            let draft = Draft { new_key: Some(made.key), ..Draft::default() };
            look(here, StatusCode::OK, &Uri::default(), &draft).await
        }
        Err(Fault::Forbidden(reason)) => {
            let fault = Fault::invalid("api_key", reason);
            again(here, fault, Draft::default()).await
        }
        Err(fault) => Err(fault),
    }
}

pub(super) async fn revoke_key(
    here: Here,
    Path((_, key)): Path<(String, i64)>,
    request: Request,
) -> Response {
    let done = key_revoked(&here, key, request).await;
    here.answer(done).await
}

async fn key_revoked(here: &Here, key: i64, request: Request) -> Result<Response> {
    fields(here, request).await?;
    here.need(Role::Owner)?;
    let (ctx, id) = (here.ctx().clone(), here.project_id());
    to_its_end(async move { api_keys::revoke(&ctx, id, key).await }).await?;
    Ok(here.go("/settings?did=revoked"))
}

type Member = Path<(String, i64)>;

pub(super) async fn set_role(here: Here, Path((_, user)): Member, request: Request) -> Response {
    let done = role_set(&here, user, request).await;
    here.answer(done).await
}

async fn role_set(here: &Here, member: i64, request: Request) -> Result<Response> {
    let role = members::role(&fields(here, request).await?.take("role"))?;
    let (ctx, user, id) = (here.ctx().clone(), here.opened.caller.user_id, here.project_id());
    to_its_end(async move { members::update(&ctx, user, id, member, Some(role)).await }).await?;
    Ok(here.go("/settings?did=role"))
}

pub(super) async fn remove(here: Here, Path((_, user)): Member, request: Request) -> Response {
    let done = removed(&here, user, request).await;
    here.answer(done).await
}

async fn removed(here: &Here, member: i64, request: Request) -> Result<Response> {
    fields(here, request).await?;
    let (ctx, user, id) = (here.ctx().clone(), here.opened.caller.user_id, here.project_id());
    to_its_end(async move { members::remove(&ctx, user, id, member).await }).await?;
    if member == user {
        return Ok(see_other(&here.site, "/"));
    }
    Ok(here.go("/settings?did=removed"))
}

/// The project as a file, without secrets.
pub(super) async fn export(here: Here) -> Response {
    let done = exported(&here).await;
    here.answer(done).await
}

async fn exported(here: &Here) -> Result<Response> {
    let user = here.opened.caller.user_id;
    let text = transfer::export(here.ctx(), user, here.project_id(), false).await?;
    let mut response = answer(StatusCode::OK, text);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/toml"));
    let name = HeaderValue::from_static("attachment; filename=\"project.toml\"");
    headers.insert(CONTENT_DISPOSITION, name);
    Ok(response)
}

pub(super) async fn import(here: Here, request: Request) -> Response {
    let done = imported(&here, request).await;
    here.answer(done).await
}

/// First the preview; behind it the button that does it.
async fn imported(here: &Here, request: Request) -> Result<Response> {
    let mut fields = fields(here, request).await?;
    let (file, is_done) =
        (fields.take("file").replace("\r\n", "\n"), fields.take("do") == "import");
    let (ctx, user, id) = (here.ctx().clone(), here.opened.caller.user_id, here.project_id());
    let text = file.clone();
    let work = async move {
        if is_done {
            transfer::import(&ctx, user, id, &text).await
        } else {
            transfer::preview(&ctx, user, id, &text).await
        }
    };
    match to_its_end(work).await {
        Ok(report) => {
            let draft = Draft { file, report: Some(report), is_done, ..Draft::default() };
            look(here, StatusCode::OK, &Uri::default(), &draft).await
        }
        // The fault names a place in the file; the page has one field for all of it.
        Err(Fault::Invalid { field, reason }) => {
            let fault = Fault::invalid("file", format!("does not fit: {field}: {reason}"));
            again(here, fault, Draft { file, ..Draft::default() }).await
        }
        Err(fault) => Err(fault),
    }
}

pub(super) async fn delete(here: Here, request: Request) -> Response {
    let done = deleted(&here, request).await;
    here.answer(done).await
}

async fn deleted(here: &Here, request: Request) -> Result<Response> {
    let typed = fields(here, request).await?.take_trimmed("sure");
    if typed != here.opened.project.project_name {
        let fault = Fault::invalid("sure", "must be the name of this project, as it stands above");
        return again(here, fault, Draft::default()).await;
    }
    let (ctx, user, id) = (here.ctx().clone(), here.opened.caller.user_id, here.project_id());
    to_its_end(async move { projects::delete(&ctx, user, id).await }).await?;
    Ok(see_other(&here.site, "/"))
}

pub(super) async fn another(here: Here, request: Request) -> Response {
    let done = made(&here, request).await;
    here.answer(done).await
}

async fn made(here: &Here, request: Request) -> Result<Response> {
    let name = fields(here, request).await?.take_trimmed("another");
    let (ctx, user, wanted) = (here.ctx().clone(), here.opened.caller.user_id, name.clone());
    let work = async move { projects::create(&ctx, user, &wanted, true).await };
    match to_its_end(work).await {
        Ok(project) => Ok(see_other(&here.site, &format!("/projects/{}/checks", project.uuid))),
        Err(Fault::Invalid { reason, .. }) => {
            let fault = Fault::invalid("another", reason);
            again(here, fault, Draft { another: name, ..Draft::default() }).await
        }
        Err(fault) => Err(fault),
    }
}
