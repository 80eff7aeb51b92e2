//! `/user/token-list`, `/user/token`, `/user/token/{token_id}`: the caller's API tokens. Only a
//! session makes them and sees their text; sessions themselves are not among them.

use ipnet::IpNet;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::{Array, ArrayBuilder};

use super::call::{Answer, Call, Reply};
use super::command::Command;
use super::fields::{Body, Fields, body, required};
use super::model::{Flag, Model, Time, time, words};
use crate::config::Config;
use crate::fault::{Fault, Result};
use crate::service::tokens::{self, NewToken, Scope};
use crate::store;
use crate::store::tokens::TokenRow;

/// What can be read of a token and not be written.
const READ_ONLY: [&str; 8] = [
    "token_id",
    "subject",
    "scopes",
    "allowed_ips",
    "created_at",
    "expires_at",
    "last_used_at",
    "token",
];

/// The commands of this file.
pub fn commands(config: &Config) -> Vec<Command> {
    let longest = i64::from(config.tokens.max_days) * 86_400;
    let wanted = json!({"subject": "deploy", "expires_in": 7_776_000, "scopes": ["read"]});
    vec![
        Command::get("/user/token-list", list, "Your API tokens")
            .text("Without their texts. Sessions are not among them.")
            .lists::<Token>(),
        Command::post("/user/token", create, "Make a token")
            .text(
                "Only a signed-in session may do this (or `overdue token create`): a token can't \
                 make tokens. The answer has its text. Expired tokens are deleted first; where \
                 `max_count` is reached all the same, the refusal (403) says when the next place \
                 is free.",
            )
            .takes::<NewTokenFields>(&["subject", "expires_in"], wanted)
            .within("expires_in", 1, longest)
            .writes::<Token>(&[]),
        Command::get("/user/token/{token_id}", read, "A token")
            .text("A signed-in session is answered its text too.")
            .answers::<Token>(),
        Command::put("/user/token/{token_id}", update, "Revoke a token")
            .text("It stops working at once, and for good. It counts until it expires.")
            .takes::<TokenFields>(&[], json!({"revoked": 1}))
            .ignores(&READ_ONLY)
            .writes::<Token>(&[]),
        Command::delete("/user/token/{token_id}", remove, "Delete an expired token")
            .text("Before it has expired this is refused with 403: revoke it instead."),
    ]
}

/// A token.
#[derive(Debug, Serialize, ToSchema)]
pub struct Token {
    /// The token's id.
    #[schema(minimum = 1)]
    token_id: i64,
    /// What it is called, in the request journal too; each of your tokens has its own.
    subject: String,
    /// What it may do.
    #[schema(schema_with = scope_words)]
    scopes: Vec<String>,
    /// The networks that it may be used from (CIDR); none: from everywhere.
    allowed_ips: Vec<String>,
    /// When it was made.
    created_at: Time,
    /// When it ends.
    expires_at: Time,
    /// It was revoked.
    revoked: Flag,
    /// When it was last used.
    #[schema(required)]
    last_used_at: Option<Time>,
    /// Its text; only a signed-in session is shown it, and never in a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    token: Option<String>,
}

fn scope_words() -> Array {
    let text = "`read`: commands that change nothing. `write`: those that do.";
    let scope = words(Scope::ALL.iter().map(|scope| scope.as_str()), text);
    ArrayBuilder::new().items(scope).description(Some("What it may do.")).build()
}

impl Model for Token {
    fn example() -> Self {
        Self {
            token_id: 7,
            subject: "deploy".to_owned(),
            scopes: vec!["read".to_owned()],
            allowed_ips: vec!["192.0.2.0/24".to_owned()],
            created_at: Time::example(0),
            expires_at: Time::example(7_776_000),
            revoked: Flag(0),
            last_used_at: None,
            token: None,
        }
    }
}

body! {
    /// What is said of a new token.
    pub struct NewTokenFields {
        /// What to call it: 1 to 100 characters, no control characters but tabs; no other of your
        /// tokens may be called so.
        #[schema(min_length = 1, max_length = 100, pattern = r"^[^\x00-\x08\x0a-\x1f\x7f-\x9f]*$")]
        subject: String,
        /// For how long it holds: seconds, at most `tokens.max_days` (normally 365 days).
        #[schema(minimum = 1, maximum = 31_536_000, extensions(("x-unit" = json!("seconds"))))]
        expires_in: i64,
        /// What it may do; everything where it is not said.
        #[schema(schema_with = scope_words)]
        scopes: Vec<String>,
        /// Addresses or networks that it may be used from (CIDR), at most 50; none: from everywhere.
        #[schema(max_items = 50, format = "ip-network")]
        allowed_ips: Vec<String>,
    }
}

body! {
    /// What can be changed about a token.
    pub struct TokenFields {
        /// 1 revokes it; 0 is refused.
        #[schema(value_type = i64, minimum = 1, maximum = 1)]
        revoked: Flag,
    }
}

/// `GET /user/token-list`
pub async fn list(call: Call) -> Answer {
    let page = call.query()?.page()?;
    let mut conn = call.ctx.store.read().await?;
    let user_id = call.caller.user_id;
    let (rows, total) = store::tokens::list(&mut conn, user_id, page.offset, page.limit).await?;
    let max_count = i64::from(call.ctx.config.tokens.max_count);
    page.reply(rows.iter().map(shown).collect(), total, Some(max_count))
}

/// `POST /user/token`
pub async fn create(call: Call) -> Answer {
    call.caller.check_session()?;
    let new = wanted(call.fields()?)?;
    let row = tokens::create(&call.ctx, call.caller.user_id, &new).await?;
    Reply::written(shown_to(&call, &row)?, &[])
}

/// `GET /user/token/{token_id}`
pub async fn read(call: Call) -> Answer {
    call.takes_nothing()?;
    let row = tokens::find(&call.ctx, call.caller.user_id, call.id("token_id")?).await?;
    Reply::of(&shown_to(&call, &row)?)
}

/// `PUT /user/token/{token_id}`: `{"revoked": 1}`
pub async fn update(call: Call) -> Answer {
    let mut fields = call.fields()?;
    let TokenFields { revoked } = TokenFields::read(&mut fields)?;
    fields.ignore(&READ_ONLY);
    fields.finish()?;
    let (user_id, token_id) = (call.caller.user_id, call.id("token_id")?);
    let row = match revoked.map(bool::from) {
        Some(true) => tokens::revoke(&call.ctx, user_id, token_id).await?,
        Some(false) => {
            let reason = "must be 1: what is revoked stays so, and nothing else can be set";
            return Err(Fault::invalid("revoked", reason));
        }
        None => tokens::find(&call.ctx, user_id, token_id).await?,
    };
    Reply::written(shown_to(&call, &row)?, &[])
}

/// `DELETE /user/token/{token_id}`
pub async fn remove(call: Call) -> Answer {
    call.takes_nothing()?;
    tokens::delete(&call.ctx, call.caller.user_id, call.id("token_id")?).await?;
    Reply::deleted()
}

fn wanted(mut fields: Fields) -> Result<NewToken> {
    let wanted = NewTokenFields::read(&mut fields)?;
    fields.finish()?;
    let networks = wanted.allowed_ips.unwrap_or_default();
    Ok(NewToken {
        subject: required("subject", wanted.subject)?,
        expires_in: required("expires_in", wanted.expires_in)?,
        scopes: wanted.scopes.map_or_else(|| Ok(Scope::ALL.to_vec()), |names| scopes_of(&names))?,
        allowed_ips: networks.iter().map(|text| network(text)).collect::<Result<_>>()?,
    })
}

/// These scopes, each once.
fn scopes_of(names: &[String]) -> Result<Vec<Scope>> {
    let read =
        |name: &String| name.parse().map_err(|reason: String| Fault::invalid("scopes", reason));
    let wanted: Vec<Scope> = names.iter().map(read).collect::<Result<_>>()?;
    Ok(Scope::ALL.iter().copied().filter(|scope| wanted.contains(scope)).collect())
}

/// A network, or an address as the network of it alone.
fn network(text: &str) -> Result<IpNet> {
    crate::net::network(text).ok_or_else(|| {
        Fault::invalid("allowed_ips", "must be addresses or networks such as 192.0.2.0/24")
    })
}

fn shown(row: &TokenRow) -> Token {
    let parts = |text: &str| -> Vec<String> {
        text.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    Token {
        token_id: row.token_id,
        subject: row.subject.clone(),
        scopes: parts(&row.scopes),
        allowed_ips: parts(&row.allowed_ips),
        created_at: row.created_at.into(),
        expires_at: row.expires_at.into(),
        revoked: row.revoked.into(),
        last_used_at: time(row.last_used_at),
        token: None,
    }
}

/// The token as this caller sees it: with its text where they are signed in.
fn shown_to(call: &Call, row: &TokenRow) -> Result<Token> {
    let mut shown = shown(row);
    if call.caller.is_session {
        shown.token = Some(tokens::text_of(&call.ctx, row)?);
    }
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<NewToken> {
        wanted(Fields::parse(body.as_bytes()).unwrap())
    }

    #[test]
    fn a_token_may_everything_from_everywhere_unless_it_is_said() {
        let new = read(r#"{"subject": "s", "expires_in": 60}"#).unwrap();
        assert_eq!(new.scopes, [Scope::Read, Scope::Write]);
        assert!(new.allowed_ips.is_empty());
    }

    #[test]
    fn scopes_and_addresses_are_checked_by_name() {
        let body = |scopes: &str, ips: &str| {
            format!(r#"{{"subject":"s","expires_in":60,"scopes":{scopes},"allowed_ips":{ips}}}"#)
        };
        let new = read(&body(r#"["write","read","write"]"#, r#"["10.0.0.0/8","::1"]"#)).unwrap();
        assert_eq!(new.scopes, [Scope::Read, Scope::Write]);
        let nets: Vec<String> = new.allowed_ips.iter().map(ToString::to_string).collect();
        assert_eq!(nets, ["10.0.0.0/8", "::1/128"]);
        let fault = read(&body(r#"["admin"]"#, "[]")).unwrap_err().to_string();
        assert!(fault.starts_with("scopes: must be one of read, write"), "{fault}");
        let fault = read(&body(r#"["read"]"#, r#"["10.0.0.0/33"]"#)).unwrap_err().to_string();
        assert!(fault.starts_with("allowed_ips: "), "{fault}");
    }

    #[test]
    fn subject_and_life_are_required() {
        assert!(read(r#"{"expires_in": 60}"#).unwrap_err().to_string().starts_with("subject: is"));
        assert!(read(r#"{"subject": "s"}"#).unwrap_err().to_string().starts_with("expires_in: is"));
    }
}
