//! `…/check/{check_id}/snippet`: a job that pings its check, ready to be copied.

use utoipa::IntoParams;

use super::call::{Answer, Call, Reply};
use super::command::Command;
use super::query::Query;
use crate::domain::snippet::Language;
use crate::fault::{Fault, Result};
use crate::service::{checks, snippets};
use crate::store::projects::Role;

/// The commands of this file.
pub fn commands() -> Vec<Command> {
    let example =
        "0 3 * * * tell() { curl -fsS -m 10 …; }; tell /start; /path/to/job; status=$?; …\n";
    vec![
        Command::get(
            "/user/project/{project_id}/check/{check_id}/snippet",
            read,
            "A job that pings its check",
        )
        .text(
            "A conversion command: a text to be copied, in which `/path/to/job` stands for your \
             job. It pings the check before the job and, with the exit status, after it; a ping \
             never holds the job up for long and never fails it, and the job's exit status is \
             kept. It holds the ping URL: 403 for tokens without `write` and for viewers.",
        )
        .query::<Asked>()
        .requires("lang")
        .converts("text/plain", example),
    ]
}

/// Which snippet is asked for.
#[derive(Debug, IntoParams)]
struct Asked {
    /// What it is written in.
    #[param(schema_with = language_words, example = "bash")]
    lang: String,
}

impl Asked {
    fn read(query: &mut Query) -> Result<Self> {
        Ok(Self { lang: query.one("lang")?.unwrap_or_default() })
    }

    fn language(&self) -> Result<Language> {
        self.lang.parse().map_err(|reason| Fault::invalid("lang", reason))
    }
}

fn language_words() -> utoipa::openapi::Object {
    let languages = Language::ALL.iter().map(|language| language.as_str());
    super::model::words(languages, "What it is written in.")
}

/// `GET …/snippet?lang=…`
pub async fn read(call: Call) -> Answer {
    let mut query = call.query()?;
    let asked = Asked::read(&mut query)?;
    query.finish()?;
    let language = asked.language()?;
    let check_id = call.id("check_id")?;
    let project = call.project(Role::Viewer).await?;
    let mut conn = call.ctx.store.read().await?;
    let (row, _) = checks::find(&mut conn, project.project_id, check_id).await?;
    if !call.may_ping(&project) {
        let reason = "a snippet holds the ping URL, which is shown to tokens with the scope write \
                      and members who may change the project";
        return Err(Fault::Forbidden(reason.to_owned()));
    }
    let text = snippets::of_check(&call.ctx, &row, language);
    Ok(Reply::converted("text/plain; charset=utf-8", text.into_bytes()))
}
