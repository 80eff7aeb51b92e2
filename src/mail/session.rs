//! One conversation with the mail server. It is led step by step, because what a refusal means
//! depends on what was refused.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Quit, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use tokio::sync::OnceCell;

use super::Unsent;
use super::address::{Address, Sender};
use super::answer::is_no_mailbox;
use crate::config::MailTls;
use crate::domain::alert::one_line;
use crate::secret::Secret;

/// So many times as long it may take over the answer to the whole mail: it may look through it
/// meanwhile, and to give up then is to send it twice.
const LONGER_AT_THE_END: u32 = 3;
/// How long it may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// Where the server is, and who we are there.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: MailTls,
    /// Name and password.
    pub(super) login: Option<(String, Secret)>,
    pub(super) from: Sender,
    /// How long each answer may take.
    pub(super) patience: Duration,
}

/// How the server proves who it is: by a certificate for its name that an authority of this system
/// vouches for. Made once: there are hundreds of authorities.
#[derive(Default)]
pub(super) struct Trust(OnceCell<TlsParameters>);

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trust")
    }
}

impl Trust {
    async fn of(&self, host: &str) -> Result<TlsParameters, String> {
        let name = host.to_owned();
        let make = || async {
            let made = tokio::task::spawn_blocking(move || TlsParameters::new(name)).await;
            let made = made.map_err(|error| error.to_string())?;
            made.map_err(|error| format!("TLS: {}", words(&error)))
        };
        self.0.get_or_try_init(make).await.cloned()
    }
}

/// An open session, signed in where that is wanted.
pub(super) struct Session {
    connection: AsyncSmtpConnection,
    patience: Duration,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session")
    }
}

impl Session {
    /// Connects, changes to TLS and signs in, as the settings say.
    pub(super) async fn open(route: &Route, trust: &Trust) -> Result<Self, String> {
        let place = format!("{}:{}", route.host, route.port);
        let opened = tokio::time::timeout(route.patience, Self::try_open(route, trust)).await;
        let opened = opened.unwrap_or_else(|_| Err(silence(route.patience)));
        opened.map_err(|error| format!("the mail server {place}: {error}"))
    }

    async fn try_open(route: &Route, trust: &Trust) -> Result<Self, String> {
        // The sender's domain: the one name of ours that is sure to be in the DNS.
        let hello = ClientId::Domain(route.from.address.domain());
        let tls = match route.tls {
            MailTls::None => None,
            MailTls::Starttls | MailTls::Tls => Some(trust.of(&route.host).await?),
        };
        let at_once = tls.clone().filter(|_| route.tls == MailTls::Tls);
        let server = (route.host.as_str(), route.port);
        let connected = AsyncSmtpConnection::connect_tokio1(
            server,
            Some(route.patience),
            &hello,
            at_once,
            None,
        );
        let mut connection = connected.await.map_err(|error| words(&error))?;
        if let (MailTls::Starttls, Some(tls)) = (route.tls, tls) {
            if !connection.can_starttls() {
                return Err("it does not offer STARTTLS, which mail.tls asks for".to_owned());
            }
            let changed = connection.starttls(tls, &hello).await;
            changed.map_err(|error| format!("STARTTLS failed: {}", words(&error)))?;
        }
        if let Some((name, password)) = &route.login {
            let password = password.expose();
            let credentials = Credentials::new(name.clone(), password.to_owned());
            let signed_in = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials);
            let failed = |error: Error| {
                format!("the login failed: {}", without_login(words(&error), name, password))
            };
            signed_in.await.map_err(failed)?;
        }
        Ok(Self { connection, patience: route.patience })
    }

    /// Whether the server still listens, and is ready for another mail.
    pub(super) async fn is_alive(&mut self) -> bool {
        let reset = tokio::time::timeout(self.patience, self.connection.command("RSET\r\n")).await;
        matches!(reset, Ok(Ok(_)))
    }

    /// Hands over one mail.
    pub(super) async fn deliver(
        &mut self,
        from: &Address,
        to: &Address,
        bytes: &[u8],
    ) -> Result<(), Unsent> {
        let Self { connection, patience } = self;
        let patience = *patience;
        let mail = Mail::new(Some(from.as_lettre().clone()), Vec::new());
        step("the sender", patience, connection.command(mail)).await.map_err(Refusal::later)?;
        let rcpt = Rcpt::new(to.as_lettre().clone(), Vec::new());
        let rcpt = step("the recipient", patience, connection.command(rcpt)).await;
        rcpt.map_err(Refusal::of_recipient)?;
        step("the mail", patience, connection.command(Data)).await.map_err(Refusal::later)?;
        let message = connection.message(bytes);
        step("the mail", patience * LONGER_AT_THE_END, message).await.map_err(Refusal::later)
    }

    /// Says goodbye; nobody waits for it.
    pub(super) fn close(mut self) {
        tokio::spawn(async move {
            // It makes no difference whether it was heard.
            let _ = tokio::time::timeout(GOODBYE, self.connection.command(Quit)).await;
        });
    }
}

/// What was refused, and why.
struct Refusal {
    what: &'static str,
    code: u16,
    why: String,
    words: String,
}

impl Refusal {
    fn later(self) -> Unsent {
        Unsent::Later(self.told())
    }

    fn of_recipient(self) -> Unsent {
        if is_no_mailbox(self.code, &self.why) {
            return Unsent::NoMailbox(self.told());
        }
        self.later()
    }

    fn told(&self) -> String {
        if self.code == 0 {
            return format!("the mail server: {}", self.words);
        }
        format!("the mail server refused {}: {}", self.what, self.words)
    }
}

async fn step<T>(
    what: &'static str,
    patience: Duration,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<(), Refusal> {
    match tokio::time::timeout(patience, answer).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => {
            let code = error.status().map_or(0, u16::from);
            let why = error.source().map_or_else(String::new, ToString::to_string);
            Err(Refusal { what, code, why, words: words(&error) })
        }
        Err(_) => Err(Refusal { what, code: 0, why: String::new(), words: silence(patience) }),
    }
}

/// The text without what it may repeat of a login, in any form in which that was sent.
fn without_login(text: String, name: &str, password: &str) -> String {
    // The longest first: one may hold the beginning of another.
    let sent = [
        STANDARD.encode(format!("\0{name}\0{password}")),
        STANDARD.encode(password),
        password.to_owned(),
    ];
    if password.is_empty() {
        return text;
    }
    sent.iter().fold(text, |text, secret| text.replace(secret, "***"))
}

fn silence(patience: Duration) -> String {
    format!("no answer within {} s", patience.as_secs_f64())
}

/// An error in the words of the server, else of the innermost cause.
fn words(error: &Error) -> String {
    let mut cause: &dyn StdError = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let text = one_line(&cause.to_string());
    match error.status() {
        Some(code) if error.source().is_some() => format!("{} {text}", u16::from(code)),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_repeats_of_a_login_is_not_told() {
        let text = "500 unrecognized: AUTH PLAIN AHUAcGFzcw== cGFzcw== pass".to_owned();
        assert_eq!(without_login(text, "u", "pass"), "500 unrecognized: AUTH PLAIN *** *** ***");
        assert_eq!(without_login("535 no".to_owned(), "u", ""), "535 no");
    }
}
