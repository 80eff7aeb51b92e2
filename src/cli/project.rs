//! `overdue project …`: projects, for scripts that set a server up.

use serde_json::json;

use super::Answer;
use crate::context::Context;
use crate::fault::Result;
use crate::service::{projects, users};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a project; prints its id and its ping key.
    Create {
        /// Its name.
        name: String,
        /// The email address of the user who owns it.
        #[arg(long, value_name = "EMAIL")]
        owner: String,
    },
}

pub(super) async fn run(ctx: &Context, command: Command) -> Result<Answer> {
    let Command::Create { name, owner } = command;
    let owner = users::find_by_email(ctx, &owner).await?;
    let project = projects::create(ctx, owner.user_id, &name, true).await?;
    let json = json!({
        "project_id": project.project_id,
        "project_name": project.project_name,
        "uuid": project.uuid,
        "ping_key": project.ping_key,
    });
    Ok(Answer::new(format!("{} {}", project.project_id, project.ping_key), json))
}
