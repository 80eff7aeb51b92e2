//! Tokens: making, proving, showing and revoking them (`management-api.md`, "Tokens"). A token is a
//! signed JWT whose claims say which row stands behind it; everything else is in that row, which is
//! read at every request, so that a revocation holds at once and everywhere.

use std::net::IpAddr;

use ipnet::IpNet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::clock::{SECOND, Timestamp};
use crate::context::Context;
use crate::domain::text_enum;
use crate::fault::{Fault, Result};
use crate::secret;
use crate::service::names;
use crate::store::Flag;
use crate::store::sessions;
use crate::store::tokens::{self, TokenRow};
use crate::store::tx::Tx;
use crate::store::users;

/// The kind of a token that a person or a script carries for long.
pub const API: &str = "api";
/// The kind of a token that a browser session carries.
pub const SESSION: &str = "session";
/// As much is kept of what a browser calls itself, in characters.
const LONGEST_USER_AGENT: usize = 300;
/// The most addresses of a token.
pub const MAX_ADDRESSES: usize = 50;

text_enum! {
    /// What a token may do.
    Scope {
        /// Commands that change nothing.
        Read => "read",
        /// Commands that do.
        Write => "write",
    }
}

/// The claims, in this order; whole seconds.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: String,
    jti: String,
    iat: i64,
    exp: i64,
}

/// Who is asking, proven by a token.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose token it is.
    pub user_id: i64,
    /// Which token.
    pub token_id: i64,
    /// The token's name.
    pub subject: String,
    /// It belongs to a browser session, not to a script.
    pub is_session: bool,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was last used, as far as is known.
    pub last_used_at: Option<Timestamp>,
    scopes: Vec<Scope>,
    allowed_ips: Vec<IpNet>,
}

impl Caller {
    /// # Errors
    /// The token may not be used from this address.
    pub fn check_address(&self, address: IpAddr) -> Result<()> {
        let address = address.to_canonical();
        if self.allowed_ips.is_empty() || self.allowed_ips.iter().any(|net| net.contains(&address))
        {
            Ok(())
        } else {
            Err(Fault::Forbidden(format!("this token may not be used from {address}")))
        }
    }

    /// Whether the token has this scope.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// # Errors
    /// The token lacks this scope.
    pub fn check_scope(&self, scope: Scope) -> Result<()> {
        if self.has(scope) {
            Ok(())
        } else {
            Err(Fault::Forbidden(format!("this token lacks the scope {scope}")))
        }
    }

    /// # Errors
    /// The token is not a session's.
    pub fn check_session(&self) -> Result<()> {
        if self.is_session {
            Ok(())
        } else {
            Err(Fault::Forbidden(
                "only a signed-in session or the command line may do this, a token may not"
                    .to_owned(),
            ))
        }
    }
}

/// Makes sure that tokens can be signed: the library wants its cryptography named once.
fn provider() {
    // An error means only that somebody named it before; it is the same one.
    let _ = jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER.install_default();
}

/// The text of a token, the same each time, byte for byte.
///
/// # Errors
/// It can't be signed, which is a mistake of ours.
pub fn text_of(ctx: &Context, row: &TokenRow) -> Result<String> {
    let claims = Claims {
        sub: row.subject.clone(),
        jti: row.jti.clone(),
        iat: row.created_at.epoch_seconds(),
        exp: row.expires_at.epoch_seconds(),
    };
    signed(ctx, &claims)
}

fn signed(ctx: &Context, claims: &Claims) -> Result<String> {
    provider();
    let key = EncodingKey::from_secret(&ctx.keys.token_key());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).map_err(Fault::internal)
}

/// Who stands behind a token's text.
///
/// # Errors
/// [`Fault::Unauthenticated`]: it is malformed, not signed by us, expired or revoked.
pub async fn authenticate(ctx: &Context, text: &str) -> Result<Caller> {
    provider();
    let refused = |why: &str| Fault::Unauthenticated(format!("this token {why}: get a new one"));
    let mut rules = Validation::new(Algorithm::HS256);
    // The end is judged by our own clock and the row: the library has its own time and a leeway.
    rules.validate_exp = false;
    rules.set_required_spec_claims(&["sub", "exp"]);
    let key = DecodingKey::from_secret(&ctx.keys.token_key());
    let claims = jsonwebtoken::decode::<Claims>(text, &key, &rules)
        .map_err(|_| refused("is not valid"))?
        .claims;
    // A token has one text. Whatever else the key may have signed is none.
    if signed(ctx, &claims)? != text {
        return Err(refused("is not valid"));
    }
    let now = ctx.now();
    let mut conn = ctx.store.read().await?;
    let row = tokens::find_by_jti(&mut conn, &claims.jti).await?;
    // The text ends when it says, also where its session goes on under a newer one. An expired
    // token is deleted when another is made: its text alone still tells what it was.
    let text_ends_at = Timestamp(0).plus_seconds(claims.exp);
    let expires_at = row.as_ref().map_or(text_ends_at, |row| row.expires_at.min(text_ends_at));
    if expires_at <= now {
        return Err(refused("has expired"));
    }
    let row = row.ok_or_else(|| refused("is not valid"))?;
    if bool::from(row.revoked) {
        return Err(refused("was revoked"));
    }
    Ok(Caller {
        user_id: row.user_id,
        token_id: row.token_id,
        is_session: row.kind == SESSION,
        expires_at,
        last_used_at: row.last_used_at,
        scopes: list_of(&row.scopes),
        allowed_ips: list_of(&row.allowed_ips),
        subject: row.subject,
    })
}

fn list_of<T: std::str::FromStr>(text: &str) -> Vec<T> {
    text.split(',').filter_map(|part| part.parse().ok()).collect()
}

/// What is asked for in a new token.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Its name, unique among the user's tokens.
    pub subject: String,
    /// Its life in seconds, up to `tokens.max_days`.
    pub expires_in: i64,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// From where it may be used; empty: from everywhere.
    pub allowed_ips: Vec<IpNet>,
}

/// Makes an API token, after deleting all that have expired, and returns its row.
///
/// # Errors
/// A value is out of range, the subject is taken, or the user has `tokens.max_count` of them; then
/// the message says when the next place is free.
pub async fn create(ctx: &Context, user_id: i64, new: &NewToken) -> Result<TokenRow> {
    check(ctx, new)?;
    let now = Timestamp(0).plus_seconds(ctx.now().epoch_seconds());
    let mut tx = ctx.store.begin().await?;
    // The user first, so that of two at once each counts what the other has made.
    if !users::lock(&mut tx, user_id).await? {
        return Err(Fault::NotFound);
    }
    tokens::delete_expired(&mut tx, ctx.now()).await?;
    let max_count = ctx.config.tokens.max_count;
    // More than none where the ceiling was lowered since.
    let beyond = tokens::count(&mut tx, user_id).await? - i64::from(max_count);
    if beyond >= 0 {
        let free = tokens::expiry(&mut tx, user_id, beyond).await?;
        tx.commit().await?;
        return Err(Fault::Forbidden(format!(
            "there are {max_count} tokens already, revoked ones included: the next place is free at \
             {free}"
        )));
    }
    let mut row = TokenRow {
        token_id: 0,
        user_id,
        kind: API.to_owned(),
        subject: new.subject.clone(),
        jti: secret::random_text::<16>(),
        scopes: joined(&new.scopes),
        allowed_ips: joined(&new.allowed_ips),
        created_at: now,
        expires_at: now.plus_seconds(new.expires_in),
        revoked: Flag(0),
        last_used_at: None,
    };
    let id = tokens::insert(&mut tx, &row).await?;
    row.token_id = id.ok_or_else(|| {
        Fault::invalid("subject", format!("must be unique: there is a token {:?}", row.subject))
    })?;
    tx.commit().await?;
    Ok(row)
}

fn joined<T: ToString>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn check(ctx: &Context, new: &NewToken) -> Result<()> {
    names::check("subject", &new.subject, 1)?;
    if new.subject == SESSION {
        let reason = "must be another: this one is kept for browser sessions";
        return Err(Fault::invalid("subject", reason));
    }
    let longest = i64::from(ctx.config.tokens.max_days) * 86_400;
    if !(1..=longest).contains(&new.expires_in) {
        let reason = format!("must be between 1 and {longest} seconds");
        return Err(Fault::invalid("expires_in", reason));
    }
    if new.scopes.is_empty() {
        return Err(Fault::invalid("scopes", "must name read, write or both"));
    }
    if new.allowed_ips.len() > MAX_ADDRESSES {
        let reason = format!("must be at most {MAX_ADDRESSES} addresses or networks");
        return Err(Fault::invalid("allowed_ips", reason));
    }
    Ok(())
}

/// Where a session is opened from, for the list that its user sees.
#[derive(Clone, Debug, Default)]
pub struct Device {
    address: String,
    user_agent: String,
}

impl Device {
    /// A browser, by what it calls itself and the address that it is at.
    #[must_use]
    pub fn new(address: IpAddr, user_agent: &str) -> Self {
        let user_agent = user_agent.chars().take(LONGEST_USER_AGENT).collect();
        Self { address: address.to_canonical().to_string(), user_agent }
    }
}

/// Makes the token of a browser session, and returns its row. Sessions are not counted, and are
/// listed apart from other tokens (`sessions`).
///
/// # Errors
/// The database refused.
pub async fn open_session(ctx: &Context, user_id: i64, device: &Device) -> Result<TokenRow> {
    let mut tx = ctx.store.begin().await?;
    let row = insert_session(ctx, &mut tx, user_id, device).await?;
    tx.commit().await?;
    Ok(row)
}

/// As [`open_session`], inside the caller's transaction.
///
/// # Errors
/// The database refused.
pub(super) async fn insert_session(
    ctx: &Context,
    tx: &mut Tx,
    user_id: i64,
    device: &Device,
) -> Result<TokenRow> {
    let now = Timestamp(0).plus_seconds(ctx.now().epoch_seconds());
    let jti = secret::random_text::<16>();
    let mut row = TokenRow {
        token_id: 0,
        user_id,
        kind: SESSION.to_owned(),
        subject: SESSION.to_owned(),
        jti,
        scopes: joined(Scope::ALL),
        allowed_ips: String::new(),
        created_at: now,
        expires_at: now.plus_micros(i64::from(ctx.config.sessions.minutes) * 60 * SECOND),
        revoked: Flag(0),
        last_used_at: None,
    };
    let id = tokens::insert(tx, &row).await?;
    row.token_id = id.ok_or_else(|| Fault::internal("a random id came twice"))?;
    sessions::insert(tx, row.token_id, &device.user_agent, &device.address).await?;
    Ok(row)
}

/// A user's API token.
///
/// # Errors
/// [`Fault::Forbidden`], the same for one that is another's and for one that does not exist.
pub async fn find(ctx: &Context, user_id: i64, token_id: i64) -> Result<TokenRow> {
    let mut conn = ctx.store.read().await?;
    let row = tokens::find(&mut conn, user_id, token_id).await?;
    row.ok_or_else(|| Fault::Forbidden("this token is not yours".to_owned()))
}

/// Takes a token back, at once and everywhere. It goes on counting until it expires.
///
/// # Errors
/// It is not this user's.
pub async fn revoke(ctx: &Context, user_id: i64, token_id: i64) -> Result<TokenRow> {
    let row = find(ctx, user_id, token_id).await?;
    let mut tx = ctx.store.begin().await?;
    tokens::revoke(&mut tx, row.token_id).await?;
    tx.commit().await?;
    Ok(TokenRow { revoked: Flag(1), ..row })
}

/// Deletes a token that has expired.
///
/// # Errors
/// It is not this user's, or has not expired yet.
pub async fn delete(ctx: &Context, user_id: i64, token_id: i64) -> Result<()> {
    let row = find(ctx, user_id, token_id).await?;
    if row.expires_at > ctx.now() {
        return Err(Fault::Forbidden(format!(
            "a token can be deleted once it has expired, at {}; until then it can be revoked",
            row.expires_at
        )));
    }
    let mut tx = ctx.store.begin().await?;
    tokens::delete(&mut tx, row.token_id).await?;
    tx.commit().await
}

/// Moves the end of a session away while it is in use, once half of its text's life has passed; the
/// row with its new end, for a new text, where it did. Of several requests at once one writes.
///
/// # Errors
/// The database refused.
pub async fn renew_session(ctx: &Context, caller: &Caller) -> Result<Option<TokenRow>> {
    let life = i64::from(ctx.config.sessions.minutes) * 60;
    let now = Timestamp(0).plus_seconds(ctx.now().epoch_seconds());
    if !caller.is_session || caller.expires_at.micros_since(now) > life * SECOND / 2 {
        return Ok(None);
    }
    // Where another request was quicker, its row is signed again and nothing is written.
    let row = tokens::find_session(&mut ctx.store.read().await?, caller.token_id).await?;
    if row.as_ref().is_some_and(|row| row.expires_at > caller.expires_at) {
        return Ok(row);
    }
    let mut tx = ctx.store.begin().await?;
    let expires_at = now.plus_seconds(life);
    tokens::extend(&mut tx, caller.token_id, caller.expires_at, expires_at).await?;
    let row = tokens::find_session(&mut tx, caller.token_id).await?;
    tx.commit().await?;
    Ok(row)
}

/// Moves the end of a session a whole life away because somebody asks for it, however much of it is
/// left; none where it has just ended or was revoked.
///
/// # Errors
/// The database refused.
pub async fn prolong_session(ctx: &Context, caller: &Caller) -> Result<Option<TokenRow>> {
    let now = Timestamp(0).plus_seconds(ctx.now().epoch_seconds());
    let expires_at = now.plus_seconds(i64::from(ctx.config.sessions.minutes) * 60);
    let mut tx = ctx.store.begin().await?;
    let Some(row) = tokens::find_session(&mut tx, caller.token_id).await? else { return Ok(None) };
    tokens::extend(&mut tx, row.token_id, row.expires_at, expires_at).await?;
    let row = tokens::find_session(&mut tx, row.token_id).await?;
    tx.commit().await?;
    Ok(row.filter(|row| !bool::from(row.revoked)))
}

/// Ends a session, at once and everywhere; what is no session is left alone.
///
/// # Errors
/// The database refused.
pub async fn end_session(ctx: &Context, caller: &Caller) -> Result<()> {
    if !caller.is_session {
        return Ok(());
    }
    let mut tx = ctx.store.begin().await?;
    tokens::revoke(&mut tx, caller.token_id).await?;
    tx.commit().await
}
