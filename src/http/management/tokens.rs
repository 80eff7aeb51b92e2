//! `/user/token-list`, `/user/token`, `/user/token/{token_id}`: the caller's API tokens. Only a
//! session makes them and sees their text; sessions themselves are not among them.

use ipnet::IpNet;
use serde_json::{Value, json};

use super::call::{Answer, Call, Reply};
use super::fields::{Fields, required};
use super::time;
use crate::fault::{Fault, Result};
use crate::service::tokens::{self, NewToken, Scope};
use crate::store;
use crate::store::tokens::TokenRow;

/// `GET /user/token-list`
pub async fn list(call: Call) -> Answer {
    let page = call.query()?.page()?;
    let mut conn = call.ctx.store.read().await?;
    let user_id = call.caller.user_id;
    let (rows, total) = store::tokens::list(&mut conn, user_id, page.offset, page.limit).await?;
    let max_count = i64::from(call.ctx.config.tokens.max_count);
    Ok(page.reply(rows.iter().map(shown).collect(), total, Some(max_count)))
}

/// `POST /user/token`
pub async fn create(call: Call) -> Answer {
    call.caller.check_session()?;
    let new = wanted(call.fields()?)?;
    let row = tokens::create(&call.ctx, call.caller.user_id, &new).await?;
    Ok(Reply::written(shown_to(&call, &row)?, &[]))
}

/// `GET /user/token/{token_id}`
pub async fn read(call: Call) -> Answer {
    call.takes_nothing()?;
    let row = tokens::find(&call.ctx, call.caller.user_id, call.id("token_id")?).await?;
    Ok(Reply::Json(shown_to(&call, &row)?))
}

/// `PUT /user/token/{token_id}`: `{"revoked": 1}`
pub async fn update(call: Call) -> Answer {
    let mut fields = call.fields()?;
    let revoked = fields.flag("revoked")?;
    fields.ignore(&[
        "token_id",
        "subject",
        "scopes",
        "allowed_ips",
        "created_at",
        "expires_at",
        "last_used_at",
        "token",
    ]);
    fields.finish()?;
    let (user_id, token_id) = (call.caller.user_id, call.id("token_id")?);
    let row = match revoked {
        Some(true) => tokens::revoke(&call.ctx, user_id, token_id).await?,
        Some(false) => {
            let reason = "must be 1: what is revoked stays so, and nothing else can be set";
            return Err(Fault::invalid("revoked", reason));
        }
        None => tokens::find(&call.ctx, user_id, token_id).await?,
    };
    Ok(Reply::written(shown_to(&call, &row)?, &[]))
}

/// `DELETE /user/token/{token_id}`
pub async fn remove(call: Call) -> Answer {
    call.takes_nothing()?;
    tokens::delete(&call.ctx, call.caller.user_id, call.id("token_id")?).await?;
    Ok(Reply::deleted())
}

fn wanted(mut fields: Fields) -> Result<NewToken> {
    let subject = fields.text("subject")?;
    let expires_in = fields.integer("expires_in")?;
    let scopes = fields.texts("scopes")?;
    let allowed_ips = fields.texts("allowed_ips")?;
    fields.finish()?;
    Ok(NewToken {
        subject: required("subject", subject)?,
        expires_in: required("expires_in", expires_in)?,
        scopes: scopes.map_or_else(|| Ok(Scope::ALL.to_vec()), |names| scopes_of(&names))?,
        allowed_ips: allowed_ips
            .unwrap_or_default()
            .iter()
            .map(|t| network(t))
            .collect::<Result<_>>()?,
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

fn shown(row: &TokenRow) -> Value {
    let parts = |text: &str| -> Vec<String> {
        text.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    json!({
        "token_id": row.token_id,
        "subject": row.subject,
        "scopes": parts(&row.scopes),
        "allowed_ips": parts(&row.allowed_ips),
        "created_at": row.created_at.to_rfc3339(),
        "expires_at": row.expires_at.to_rfc3339(),
        "revoked": row.revoked.0,
        "last_used_at": time(row.last_used_at),
    })
}

/// The token as this caller sees it: with its text where they are signed in.
fn shown_to(call: &Call, row: &TokenRow) -> Result<Value> {
    let mut shown = shown(row);
    if call.caller.is_session {
        shown["token"] = Value::String(tokens::text_of(&call.ctx, row)?);
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
