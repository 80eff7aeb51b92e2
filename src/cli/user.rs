//! `overdue user …`: the accounts, for whoever has a shell on the server.

use serde_json::json;

use super::{Answer, password};
use crate::context::Context;
use crate::fault::Result;
use crate::service::{second_factor, users};
use crate::store;
use crate::store::users::UserRow;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a user.
    Create {
        /// Their email address.
        email: String,
        /// Read the password from standard input, one line.
        #[arg(long)]
        password_stdin: bool,
        /// They may administer the installation.
        #[arg(long)]
        admin: bool,
    },
    /// List the users.
    List,
    /// Have a user sign in with the password alone, where they have lost their authenticator app or
    /// their passkeys: both are ended.
    EndSecondFactor {
        /// Their email address.
        email: String,
    },
    /// Set a user's password.
    Passwd {
        /// Their email address.
        email: String,
        /// Read the password from standard input, one line.
        #[arg(long)]
        password_stdin: bool,
    },
}

impl Command {
    /// Whether it makes sense before there is a database.
    pub(super) fn may_be_first(&self) -> bool {
        matches!(self, Self::Create { .. })
    }
}

pub(super) async fn run(ctx: &Context, command: Command) -> Result<Answer> {
    match command {
        Command::Create { email, password_stdin, admin } => {
            create(ctx, &email, password_stdin, admin).await
        }
        Command::List => list(ctx).await,
        Command::EndSecondFactor { email } => end_second_factor(ctx, &email).await,
        Command::Passwd { email, password_stdin } => passwd(ctx, &email, password_stdin).await,
    }
}

async fn create(ctx: &Context, email: &str, from_stdin: bool, admin: bool) -> Result<Answer> {
    // Before a password is asked for: nobody wants to type one for nothing.
    let email = users::normal_email(email)?;
    let password = password::read(from_stdin).await?;
    let user_id = users::create(ctx, &email, password.expose(), admin).await?;
    let json = json!({ "user_id": user_id, "email": email, "is_admin": i32::from(admin) });
    Ok(Answer::new(format!("made user {user_id}, {email}"), json))
}

async fn list(ctx: &Context) -> Result<Answer> {
    let all = store::users::all(&mut ctx.store.read().await?).await?;
    let lines: Vec<String> = all.iter().map(line).collect();
    let text = if all.is_empty() { "there is no user yet".to_owned() } else { lines.join("\n") };
    let json = all.iter().map(|user| {
        json!({
            "user_id": user.user_id,
            "email": user.email,
            "name": user.name,
            "is_admin": user.is_admin.0,
            "created_at": user.created_at.to_rfc3339(),
        })
    });
    Ok(Answer::new(text, json.collect()))
}

fn line(user: &UserRow) -> String {
    let admin = if user.is_admin.into() { "  administrator" } else { "" };
    format!("{:>4}  {}  since {}{admin}", user.user_id, user.email, user.created_at)
}

async fn passwd(ctx: &Context, email: &str, from_stdin: bool) -> Result<Answer> {
    let user = users::find_by_email(ctx, email).await?;
    let password = password::read(from_stdin).await?;
    users::set_password(ctx, user.user_id, password.expose()).await?;
    let json = json!({ "user_id": user.user_id, "email": user.email });
    Ok(Answer::new(format!("{} has a new password", user.email), json))
}

async fn end_second_factor(ctx: &Context, email: &str) -> Result<Answer> {
    let user = users::find_by_email(ctx, email).await?;
    let was_on = second_factor::remove(ctx, user.user_id).await?;
    let text = if was_on {
        format!("{} signs in with the password alone", user.email)
    } else {
        format!("{} has no second factor", user.email)
    };
    Ok(Answer::new(text, json!({ "user_id": user.user_id, "was_on": was_on })))
}
