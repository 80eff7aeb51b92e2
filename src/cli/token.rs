//! `overdue token …`: tokens of the management API. Making one prints its text alone, so that a
//! script can take it as it comes.

use ipnet::IpNet;
use serde_json::json;

use super::{Answer, duration};
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::service::tokens::{self, NewToken, Scope};
use crate::service::users;
use crate::store;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a token; prints it alone.
    Create(Create),
    /// Take a token back, at once and everywhere.
    Revoke {
        /// The email address of the user whose token it is.
        #[arg(long, value_name = "EMAIL")]
        user: String,
        /// The token's name.
        #[arg(long, value_name = "NAME")]
        subject: String,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Create {
    /// The email address of the user whose token it will be.
    #[arg(long, value_name = "EMAIL")]
    user: String,
    /// Its name, unique among the user's tokens.
    #[arg(long, value_name = "NAME")]
    subject: String,
    /// How long it is valid: 90d, 12h, 30m, 45s.
    #[arg(long, value_name = "DURATION", default_value = "90d", value_parser = duration::seconds)]
    expires_in: i64,
    /// What it may do: read, write or both.
    #[arg(long, value_name = "SCOPES", default_value = "read,write", value_delimiter = ',')]
    scopes: Vec<Scope>,
    /// Where it may be used from, an address or network such as 10.0.0.0/8; may be repeated.
    #[arg(long = "allow-ip", value_name = "CIDR", value_delimiter = ',', value_parser = network)]
    allowed_ips: Vec<IpNet>,
}

/// A network, or an address as the network of it alone.
fn network(text: &str) -> Result<IpNet, String> {
    let found = crate::net::network(text);
    found.ok_or_else(|| "must be an address or a network such as 10.0.0.0/8".to_owned())
}

pub(super) async fn run(ctx: &Context, command: Command) -> Result<Answer> {
    match command {
        Command::Create(wanted) => create(ctx, wanted).await,
        Command::Revoke { user, subject } => revoke(ctx, &user, &subject).await,
    }
}

async fn create(ctx: &Context, wanted: Create) -> Result<Answer> {
    let user = users::find_by_email(ctx, &wanted.user).await?;
    let new = NewToken {
        subject: wanted.subject,
        expires_in: wanted.expires_in,
        scopes: Scope::ALL.iter().copied().filter(|s| wanted.scopes.contains(s)).collect(),
        allowed_ips: wanted.allowed_ips,
    };
    let row = tokens::create(ctx, user.user_id, &new).await?;
    let text = tokens::text_of(ctx, &row)?;
    let json = json!({
        "token_id": row.token_id,
        "subject": row.subject,
        "scopes": list(&row.scopes),
        "allowed_ips": list(&row.allowed_ips),
        "created_at": row.created_at.to_rfc3339(),
        "expires_at": row.expires_at.to_rfc3339(),
        "token": text,
    });
    Ok(Answer::new(text, json))
}

/// The parts of a list as its row keeps it.
fn list(text: &str) -> Vec<&str> {
    text.split(',').filter(|part| !part.is_empty()).collect()
}

async fn revoke(ctx: &Context, user: &str, subject: &str) -> Result<Answer> {
    let user = users::find_by_email(ctx, user).await?;
    let mut tx = ctx.store.begin().await?;
    let found = store::tokens::revoke_by_subject(&mut tx, user.user_id, subject).await?;
    tx.commit().await?;
    if !found {
        let reason = format!("{} has no token of the name {subject:?}", user.email);
        return Err(Fault::invalid("subject", reason));
    }
    let json = json!({ "subject": subject, "revoked": 1 });
    Ok(Answer::new(format!("revoked {subject:?} of {}", user.email), json))
}
