//! The provider of `oidc.issuer`: what it says about itself, which is kept for an hour, and the trade of
//! a code for who somebody is. The protocol is `openidconnect`'s; how requests go out is ours.

use std::time::Duration;

use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::core::{CoreIdToken, CoreIdTokenClaims, CoreUserInfoClaims};
use openidconnect::{
    AccessToken, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    DiscoveryError, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    TokenResponse,
};
use tokio::sync::Mutex;

use crate::clock::SECOND;
use crate::config::Oidc;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::notify::outbound::USER_AGENT;
use crate::service::identities::Claims;

/// How long the provider may take for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes.
const MOST: usize = 1024 * 1024;
/// What the provider says about itself is asked for again after so long, in microseconds.
const KEPT: i64 = 3600 * SECOND;

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The provider, asked when it is needed: it may be out when this server starts.
#[derive(Debug, Default)]
pub(in crate::http::pages) struct Provider {
    known: Mutex<Option<Known>>,
}

#[derive(Clone, Debug)]
struct Known {
    metadata: CoreProviderMetadata,
    /// By the steady clock, in microseconds.
    since: i64,
}

/// What is needed when the browser comes back.
pub(super) struct Way {
    /// Where the browser goes now.
    pub(super) url: String,
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
}

impl Provider {
    /// Begins a sign-in that comes back to `redirect`.
    ///
    /// # Errors
    /// [`Fault::Unavailable`]: the provider can't be reached, or is none.
    pub(super) async fn begin(&self, ctx: &Context, redirect: &str) -> Result<Way> {
        let client = client(&ctx.config.oidc, self.metadata(ctx, KEPT).await?, redirect)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let mut request = client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
        // `openid` goes with every request of this crate.
        for scope in ctx.config.oidc.scope().split(' ').filter(|scope| *scope != "openid") {
            request = request.add_scope(Scope::new(scope.to_owned()));
        }
        let (url, state, nonce) = request.set_pkce_challenge(challenge).url();
        Ok(Way {
            url: url.into(),
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
        })
    }

    /// Who signed in, for the code that the browser brought back.
    ///
    /// # Errors
    /// [`Fault::Forbidden`]: the provider does not take the code, or what it says does not hold;
    /// [`Fault::Unavailable`]: it can't be reached.
    pub(super) async fn finish(
        &self,
        ctx: &Context,
        redirect: &str,
        code: &str,
        nonce: &str,
        verifier: &str,
    ) -> Result<Claims> {
        let oidc = &ctx.config.oidc;
        let own = client(oidc, self.metadata(ctx, KEPT).await?, redirect)?;
        let http = http(ctx)?;
        let call = |request| call(http.clone(), request);
        let exchange = own
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|_| unusable("it names no token endpoint"))?
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()));
        let tokens = exchange.request_async(&call).await.map_err(|error| {
            tracing::warn!(error = %chain(&error), "the OpenID provider did not take a code");
            Fault::Forbidden("the provider did not confirm the sign-in".to_owned())
        })?;
        let token = tokens.id_token().ok_or_else(|| unusable("it sends no ID token"))?;
        let nonce = Nonce::new(nonce.to_owned());
        let claims = match verified(&own, token, &nonce) {
            Ok(claims) => claims,
            // It came from the provider itself, over TLS: a key that is not known is a new one.
            Err(ClaimsVerificationError::SignatureVerification(_)) => {
                let fresh = client(oidc, self.metadata(ctx, 0).await?, redirect)?;
                verified(&fresh, token, &nonce).map_err(|error| refused(&error))?
            }
            Err(error) => return Err(refused(&error)),
        };
        self.claims(&own, &call, tokens.access_token(), &claims).await
    }

    /// What the token says, and where that lacks the address, what the provider says when asked.
    async fn claims<C, F>(
        &self,
        client: &Client,
        call: &C,
        access: &AccessToken,
        token: &CoreIdTokenClaims,
    ) -> Result<Claims>
    where
        C: Fn(HttpRequest) -> F,
        F: Future<Output = std::result::Result<HttpResponse, Unreachable>>,
    {
        let mut claims = Claims {
            issuer: token.issuer().to_string(),
            subject: token.subject().to_string(),
            email: token.email().map(|email| email.to_string()),
            email_verified: token.email_verified().unwrap_or_default(),
        };
        if claims.email.is_none()
            && let Ok(asked) = client.user_info(access.clone(), Some(token.subject().clone()))
        {
            let info: CoreUserInfoClaims =
                asked.request_async(call).await.map_err(|error| unreachable(&error))?;
            claims.email = info.email().map(|email| email.to_string());
            claims.email_verified = info.email_verified().unwrap_or_default();
        }
        Ok(claims)
    }

    /// What the provider says about itself, no older than this.
    async fn metadata(&self, ctx: &Context, oldest: i64) -> Result<CoreProviderMetadata> {
        let mut known = self.known.lock().await;
        let now = ctx.clock.steady_micros();
        if let Some(known) = known.as_ref().filter(|known| now - known.since < oldest) {
            return Ok(known.metadata.clone());
        }
        let metadata = discover(ctx).await?;
        *known = Some(Known { metadata: metadata.clone(), since: now });
        Ok(metadata)
    }
}

async fn discover(ctx: &Context) -> Result<CoreProviderMetadata> {
    let http = http(ctx)?;
    let call = |request| call(http.clone(), request);
    let issuer = ctx.config.oidc.issuer.as_deref().unwrap_or_default();
    // The configuration has no slash at the end; an issuer may, and has to be named as it is.
    let mut failed = None;
    for issuer in [issuer.to_owned(), format!("{issuer}/")] {
        let issuer = IssuerUrl::new(issuer).map_err(Fault::internal)?;
        match CoreProviderMetadata::discover_async(issuer, &call).await {
            Ok(metadata) => return Ok(metadata),
            Err(error @ DiscoveryError::Validation(_)) => failed = failed.or(Some(error)),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.map_or(Fault::NotFound, |error| unreachable(&error)))
}

fn client(oidc: &Oidc, metadata: CoreProviderMetadata, redirect: &str) -> Result<Client> {
    let id = ClientId::new(oidc.client_id.clone().unwrap_or_default());
    let secret = oidc.client_secret.as_ref().map(|secret| secret.expose().to_owned());
    let redirect = RedirectUrl::new(redirect.to_owned()).map_err(Fault::internal)?;
    let client = CoreClient::from_provider_metadata(metadata, id, secret.map(ClientSecret::new));
    Ok(client.set_redirect_uri(redirect))
}

fn verified(
    client: &Client,
    token: &CoreIdToken,
    nonce: &Nonce,
) -> std::result::Result<CoreIdTokenClaims, ClaimsVerificationError> {
    token.claims(&client.id_token_verifier(), nonce).cloned()
}

fn refused(error: &ClaimsVerificationError) -> Fault {
    tracing::warn!(error = %chain(error), "what the OpenID provider says does not hold");
    Fault::Forbidden("what the provider says about you does not hold: the log says more".to_owned())
}

fn unusable(why: &str) -> Fault {
    tracing::warn!("the OpenID provider can't be used: {why}");
    Fault::Unavailable(format!("the provider can't be used: {why}"))
}

fn unreachable(error: &(impl std::error::Error + ?Sized)) -> Fault {
    tracing::warn!(error = %chain(error), "the OpenID provider of oidc.issuer can't be used");
    Fault::Unavailable("the provider can’t be reached".to_owned())
}

/// An error with what it came from.
fn chain(error: &(impl std::error::Error + ?Sized)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

/// A client for requests to where the operator says; nobody else can aim it, so that it may go to
/// addresses that are not public. It follows no redirect.
fn http(ctx: &Context) -> Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(USER_AGENT);
    let builder = match &ctx.config.outbound.proxy {
        Some(proxy) => builder.proxy(reqwest::Proxy::all(proxy.expose()).map_err(Fault::internal)?),
        None => builder,
    };
    // Without any certificate authority on the system there is no way to it either.
    builder.build().map_err(|error| unreachable(&error))
}

/// What went wrong on the way to the provider, in words without its URL.
#[derive(Debug)]
pub(super) struct Unreachable(String);

impl std::fmt::Display for Unreachable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreachable {}

impl From<reqwest::Error> for Unreachable {
    fn from(error: reqwest::Error) -> Self {
        Self(chain(&error.without_url()))
    }
}

async fn call(
    client: reqwest::Client,
    request: HttpRequest,
) -> std::result::Result<HttpResponse, Unreachable> {
    let (head, body) = request.into_parts();
    let request = client.request(head.method, head.uri.to_string()).headers(head.headers);
    let mut answer = request.body(body).send().await?;
    let mut response = HttpResponse::new(Vec::new());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    while let Some(part) = answer.chunk().await? {
        if response.body().len() + part.len() > MOST {
            return Err(Unreachable(format!("an answer of more than {MOST} bytes")));
        }
        response.body_mut().extend_from_slice(&part);
    }
    Ok(response)
}
