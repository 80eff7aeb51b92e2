//! Who gets in, and how much they may ask for.

use http::HeaderName;

use super::given::{Choice, Given};
use super::key::{Key, key};
use crate::secret::Secret;

/// Section `api`.
#[derive(Clone, Debug, PartialEq)]
pub struct Api {
    /// Requests a second per token; 0 is no limit.
    pub requests_per_second: u32,
}

impl Default for Api {
    fn default() -> Self {
        Self { requests_per_second: 50 }
    }
}

/// Section `tokens`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tokens {
    /// The most tokens of a user.
    pub max_count: u32,
    /// The longest life of a token, in days.
    pub max_days: u32,
}

impl Default for Tokens {
    fn default() -> Self {
        Self { max_count: 20, max_days: 365 }
    }
}

/// Section `sessions`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sessions {
    /// The life of a session's token in minutes, renewed by use.
    pub minutes: u32,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { minutes: 30 }
    }
}

/// Who may make an account (`accounts.registration`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Registration {
    /// Nobody; the command line does.
    #[default]
    Closed,
    /// Anybody.
    Open,
    /// Who was invited.
    Invite,
}

impl Choice for Registration {
    const NAMES: &'static [(&'static str, Self)] =
        &[("closed", Self::Closed), ("open", Self::Open), ("invite", Self::Invite)];
}

/// Section `accounts`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Accounts {
    /// Who may make an account.
    pub registration: Registration,
    /// The header in which a trusted proxy names the signed-in user.
    pub trusted_header: Option<HeaderName>,
}

/// Section `oidc`: sign-in by `OpenID` Connect. Issuer, id and secret are all set or none is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Oidc {
    /// The issuer's URL, without a slash at its end.
    pub issuer: Option<String>,
    /// The id under which the issuer knows us.
    pub client_id: Option<String>,
    /// The secret that goes with it.
    pub client_secret: Option<Secret>,
    /// What to ask for; [`Oidc::scope`] has the text to send.
    pub scopes: Option<Vec<String>>,
}

impl Oidc {
    /// The scopes to ask for, separated by spaces: `openid email` unless others are set, and
    /// `openid` always.
    #[must_use]
    pub fn scope(&self) -> String {
        let Some(scopes) = &self.scopes else { return "openid email".to_owned() };
        if scopes.iter().any(|scope| scope == "openid") {
            return scopes.join(" ");
        }
        format!("openid {}", scopes.join(" "))
    }
}

/// Section `metrics`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    /// The Bearer token that may read `/metrics`; without it there is no such page.
    pub token: Option<Secret>,
}

pub(super) const API: &[Key] = &[key!(
    api.requests_per_second,
    "Requests a second that a token may make; 0 is no limit.",
    given => given.number(0..=1_000_000)
)];

pub(super) const TOKENS: &[Key] = &[
    key!(tokens.max_count, "The most tokens of a user.", given => given.number(1..=10_000)),
    key!(tokens.max_days, "The longest life of a token, in days.", given => given.number(1..=36_500)),
];

pub(super) const SESSIONS: &[Key] = &[key!(
    sessions.minutes,
    "The life of a session in minutes, renewed by use.",
    given => given.number(1..=525_600)
)];

pub(super) const ACCOUNTS: &[Key] = &[
    key!(accounts.registration, "Who may make an account: closed (the command line only), open or invite.",
        given => given.choice()),
    key!(accounts.trusted_header, "The header in which a trusted proxy (server.trusted_proxies) names the signed-in user.",
        given => given.optional(Given::header))
    .example(r#""x-forwarded-user""#),
];

pub(super) const OIDC: &[Key] = &[
    key!(oidc.issuer, "Issuer for signing in by OpenID Connect.",
        given => given.optional(Given::base_url))
    .example(r#""https://id.example.org""#),
    key!(oidc.client_id, "The id under which the issuer knows this server.",
        given => given.optional(Given::text))
    .example(r#""overdue""#),
    key!(oidc.client_secret, "The secret that goes with that id.",
        given => given.optional(|g| g.secret(1)))
    .secret()
    .example(r#""from the issuer""#),
    key!(oidc.scopes, "What to ask the issuer for; without it, openid and email.",
        given => scopes(given))
    .example(r#"["openid", "email"]"#),
];

pub(super) const METRICS: &[Key] = &[key!(
    metrics.token,
    "Who may read /metrics, as a Bearer token; without it the page is not there.",
    given => given.optional(Given::bearer)
)
.secret()
.example(r#""put-something-random-here""#)];

/// Scopes; an empty list is none. In the environment spaces separate them as well as commas, since
/// that is how they are written everywhere else.
fn scopes(given: Given<'_>) -> Result<Option<Vec<String>>, String> {
    let list = match given {
        Given::Text(text) => Given::Text(&text.replace(' ', ",")).list(Given::text)?,
        toml @ Given::Toml(_) => toml.list(Given::text)?,
    };
    Ok((!list.is_empty()).then_some(list))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openid_is_always_asked_for() {
        let asked = |text: &str| {
            Oidc { scopes: scopes(Given::Text(text)).unwrap(), ..Oidc::default() }.scope()
        };
        assert_eq!(asked(""), "openid email");
        assert_eq!(asked("email,groups"), "openid email groups");
        assert_eq!(asked("openid profile"), "openid profile");
    }
}
