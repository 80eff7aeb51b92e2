//! `overdue api-key …`: the keys by which clients of Healthchecks open a project. Making one prints it
//! alone, so that a script can take it as it comes; it is not to be had again.

use serde_json::{Value, json};

use super::Answer;
use crate::clock::Timestamp;
use crate::context::Context;
use crate::fault::Result;
use crate::service::api_keys;
use crate::store::api_keys::ApiKeyRow;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make an API key; prints it alone.
    Create {
        #[command(flatten)]
        of: Of,
        /// It changes nothing, and sees no ping URLs.
        #[arg(long)]
        read_only: bool,
    },
    /// List a project's API keys.
    List(Of),
    /// Take an API key back, at once and everywhere.
    Revoke {
        #[command(flatten)]
        of: Of,
        /// The key's number, as the list has it.
        #[arg(value_name = "NUMBER")]
        api_key_id: i64,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Of {
    /// The id of the project.
    #[arg(long, value_name = "ID")]
    project: i64,
}

pub(super) async fn run(ctx: &Context, command: Command) -> Result<Answer> {
    match command {
        Command::Create { of, read_only } => {
            let made = api_keys::create(ctx, of.project, read_only).await?;
            let key = made.key.expose();
            let json = json!({ "api_key": key, "read_only": u8::from(read_only) });
            Ok(Answer::new(key.to_owned(), json))
        }
        Command::List(of) => list(ctx, &of).await,
        Command::Revoke { of, api_key_id } => {
            api_keys::revoke(ctx, of.project, api_key_id).await?;
            let json = json!({ "api_key_id": api_key_id, "revoked": 1 });
            Ok(Answer::new(format!("revoked {api_key_id}"), json))
        }
    }
}

async fn list(ctx: &Context, of: &Of) -> Result<Answer> {
    let keys = api_keys::list(ctx, of.project).await?;
    let lines: Vec<String> = keys.iter().map(line).collect();
    let none = || format!("the project {} has no API key", of.project);
    let text = if keys.is_empty() { none() } else { lines.join("\n") };
    let json: Vec<Value> = keys
        .iter()
        .map(|key| {
            json!({
                "api_key_id": key.api_key_id,
                "hint": key.hint,
                "read_only": u8::from(bool::from(key.read_only)),
                "created_at": key.created_at.to_rfc3339(),
                "last_used_at": key.last_used_at.map(Timestamp::to_rfc3339),
            })
        })
        .collect();
    Ok(Answer::new(text, json.into()))
}

fn line(key: &ApiKeyRow) -> String {
    let used = key.last_used_at.map_or("never used".to_owned(), |at| format!("last used {at}"));
    let kind = if bool::from(key.read_only) { "read-only" } else { "read-write" };
    format!("{}  {}…  {kind}  since {}  {used}", key.api_key_id, key.hint, key.created_at)
}
