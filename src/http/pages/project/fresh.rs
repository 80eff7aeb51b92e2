//! `/projects/new`: a project for whoever is signed in.

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;

use super::super::form::{self, Errors, Field};
use super::super::see_other;
use super::super::sheet::Sheet;
use super::super::texts;
use super::super::visit::Visit;
use super::to_its_end;
use crate::fault::{Fault, Result};
use crate::service::{names, projects};

pub(in crate::http::pages) async fn show(visit: Visit) -> Response {
    let shown = asked_for(&visit, "", &Errors::default(), StatusCode::OK);
    visit.answer(Ok(shown)).await
}

fn asked_for(visit: &Visit, name: &str, errors: &Errors, status: StatusCode) -> Response {
    let name = Field {
        hint: texts::t("project-fresh-what-its-jobs-have-in"),
        min_length: 1,
        max_length: names::LONGEST,
        has_focus: true,
        ..Field::text("project_name", texts::t("project-fresh-name"), name, errors)
    };
    let line = texts::t("project-fresh-a-project-has-its-own");
    let sheet = Sheet {
        lines: vec![line],
        problem: errors.summary(),
        fields: vec![name],
        action: "/projects/new".to_owned(),
        button: Some(texts::t("project-fresh-make-the-project")),
        ..Sheet::new(&visit.site, texts::t("project-fresh-new-project"))
    };
    sheet.answer(status)
}

pub(in crate::http::pages) async fn submit(visit: Visit, request: Request) -> Response {
    let done = made(&visit, request).await;
    visit.answer(done).await
}

async fn made(visit: &Visit, request: Request) -> Result<Response> {
    let (head, body) = request.into_parts();
    let name = form::read(&head, body, visit.ctx()).await?.take_trimmed("project_name");
    let (ctx, user, wanted) = (visit.ctx().clone(), visit.caller.user_id, name.clone());
    let work = async move { projects::create(&ctx, user, &wanted, true).await };
    match to_its_end(work).await {
        Ok(project) => Ok(see_other(&visit.site, &format!("/projects/{}/checks", project.uuid))),
        Err(fault @ Fault::Invalid { .. }) => {
            Ok(asked_for(visit, &name, &fault.into(), StatusCode::BAD_REQUEST))
        }
        Err(fault) => Err(fault),
    }
}
