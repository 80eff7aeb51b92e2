//! `overdue access-key …`: what programs sign their requests of the job list with. Making one prints
//! its id and its secret, which is not to be had again.

use serde_json::{Value, json};

use super::Answer;
use crate::clock::Timestamp;
use crate::context::Context;
use crate::fault::Result;
use crate::service::{access_keys, users};
use crate::store::access_keys::AccessKeyRow;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make an access key; prints its id and its secret.
    Create(Owner),
    /// List a user's access keys.
    List(Owner),
    /// Take an access key back, at once and everywhere.
    Revoke {
        #[command(flatten)]
        owner: Owner,
        /// The key's id.
        #[arg(value_name = "KEY")]
        access_key: String,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Owner {
    /// The email address of the user whose key it is.
    #[arg(long, value_name = "EMAIL")]
    user: String,
}

pub(super) async fn run(ctx: &Context, command: Command) -> Result<Answer> {
    match command {
        Command::Create(owner) => create(ctx, &owner).await,
        Command::List(owner) => list(ctx, &owner).await,
        Command::Revoke { owner, access_key } => revoke(ctx, &owner, &access_key).await,
    }
}

async fn create(ctx: &Context, owner: &Owner) -> Result<Answer> {
    let user = users::find_by_email(ctx, &owner.user).await?;
    let key = access_keys::create(ctx, user.user_id).await?;
    let (access_key, secret_key) = (key.access_key, key.secret_key.expose());
    let json = json!({ "access_key": access_key, "secret_key": secret_key });
    Ok(Answer::new(format!("{access_key} {secret_key}"), json))
}

async fn list(ctx: &Context, owner: &Owner) -> Result<Answer> {
    let user = users::find_by_email(ctx, &owner.user).await?;
    let keys = access_keys::list(ctx, user.user_id).await?;
    let lines: Vec<String> = keys.iter().map(line).collect();
    let none = || format!("{} has no access key", user.email);
    let text = if keys.is_empty() { none() } else { lines.join("\n") };
    let json: Vec<Value> = keys
        .iter()
        .map(|key| {
            json!({
                "access_key": key.access_key,
                "created_at": key.created_at.to_rfc3339(),
                "last_used_at": key.last_used_at.map(Timestamp::to_rfc3339),
            })
        })
        .collect();
    Ok(Answer::new(text, json.into()))
}

fn line(key: &AccessKeyRow) -> String {
    let used = key.last_used_at.map_or("never used".to_owned(), |at| format!("last used {at}"));
    format!("{}  since {}  {used}", key.access_key, key.created_at)
}

async fn revoke(ctx: &Context, owner: &Owner, access_key: &str) -> Result<Answer> {
    let user = users::find_by_email(ctx, &owner.user).await?;
    access_keys::revoke(ctx, user.user_id, access_key).await?;
    let json = json!({ "access_key": access_key, "revoked": 1 });
    Ok(Answer::new(format!("revoked {access_key} of {}", user.email), json))
}
