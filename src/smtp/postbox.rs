//! What becomes of mail: which addresses are ours, and how a message to them turns into pings, by
//! the same way into the database as those over HTTP. Nothing is ever sent on.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use url::Url;

use super::reply::{self, Reply};
use super::{bounce, letter};
use crate::context::Context;
use crate::domain::mailbox::{self, CheckAddress, Mailbox};
use crate::domain::ping::{MAX_USER_AGENT, MailText, Method, Ping, PingKind, Scheme};
use crate::fault::Fault;
use crate::http::tls::Acceptor;
use crate::ingest::{Ingest, Outcome};
use crate::service::pings::Finder;
use crate::vitals::{Count, Vitals};

/// Takes mail in.
#[derive(Debug)]
pub struct Postbox {
    ctx: Context,
    ingest: Ingest,
    finder: Finder,
    vitals: Vitals,
    tls: Option<Acceptor>,
    name: String,
}

/// A recipient that is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recipient {
    /// A check, and what a mail to it means.
    Check { check_id: i64, address: CheckAddress },
    /// An email channel whose mail comes back.
    Bounce { token: String },
}

/// A message on its way to its recipients.
struct Letter {
    text: Arc<MailText>,
    failure: Option<String>,
    kept: Bytes,
    was_cut: bool,
    sender: String,
    peer: IpAddr,
}

impl Postbox {
    /// One that finds checks by `finder` and hands their pings to `ingest`; with `tls` it offers
    /// STARTTLS.
    #[must_use]
    pub fn new(
        ctx: Context,
        ingest: Ingest,
        finder: Finder,
        vitals: Vitals,
        tls: Option<&Acceptor>,
    ) -> Self {
        let site = Url::parse(&ctx.config.server.site_url).ok();
        let host = site.and_then(|url| url.host_str().map(str::to_owned));
        let name = ctx.config.smtp.domain.clone().or(host).unwrap_or_default();
        Self { ctx, ingest, finder, vitals, tls: tls.map(Acceptor::for_mail), name }
    }

    /// What the server calls itself.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The most bytes of a message.
    pub(super) fn max_bytes(&self) -> usize {
        self.ctx.config.smtp.max_bytes
    }

    /// What STARTTLS shakes hands with, if it is to be had.
    pub(super) fn tls(&self) -> Option<&Acceptor> {
        self.tls.as_ref()
    }

    /// Whose address this is.
    ///
    /// # Errors
    /// The refusal: it is nobody's here, or that can't be found out now.
    pub(super) async fn recipient(&self, address: &str) -> Result<Recipient, Reply> {
        let ours = self.local_part(address).and_then(mailbox::parse);
        let address = match ours {
            Some(Mailbox::Bounce { token }) if bounce::is_ours(&self.ctx, &token) => {
                return Ok(Recipient::Bounce { token });
            }
            None | Some(Mailbox::Bounce { .. }) => return Err(self.unknown()),
            Some(Mailbox::Check(address)) => address,
        };
        match self.finder.by_address(&address.target()).await {
            Ok(check_id) => Ok(Recipient::Check { check_id, address }),
            Err(Fault::NotFound) => Err(self.unknown()),
            Err(Fault::Conflict(what)) => {
                self.vitals.count(Count::PingRefused);
                Err(Reply::new(format!("550 5.1.4 {what}: use the address with the UUID")))
            }
            Err(fault) => {
                self.vitals.count(Count::PingUnavailable);
                tracing::error!(error = %fault, "a recipient of mail could not be looked up");
                Err(reply::TRY_AGAIN.into())
            }
        }
    }

    fn unknown(&self) -> Reply {
        self.vitals.count(Count::PingUnknown);
        "550 5.1.1 no such address here, and nothing is sent on".into()
    }

    /// What stands before the `@` of an address at our domain; without `smtp.domain` any is.
    fn local_part<'a>(&self, address: &'a str) -> Option<&'a str> {
        let (local, domain) = address.rsplit_once('@')?;
        let ours = self.ctx.config.smtp.domain.as_deref();
        ours.is_none_or(|ours| domain.eq_ignore_ascii_case(ours)).then_some(local)
    }

    /// Delivers a message to all of its recipients; the reply says whether each of them has it for
    /// good. Where one has not, the client sends it again, and the others get it twice.
    pub(super) async fn deliver(
        &self,
        message: Vec<u8>,
        sender: &str,
        recipients: Vec<Recipient>,
        peer: IpAddr,
    ) -> Reply {
        let message = Bytes::from(message);
        let whole = message.clone();
        let reading = tokio::task::spawn_blocking(move || letter::read(&whole)).await;
        // A message that breaks the reader down counts all the same.
        let reading = reading.unwrap_or_default();
        let limit = self.ctx.config.ping.body_limit;
        let letter = Letter {
            text: Arc::new(reading.text),
            failure: reading.failure,
            // Copied: a small part of a large buffer would hold all of it.
            kept: Bytes::copy_from_slice(&message[..message.len().min(limit)]),
            was_cut: message.len() > limit,
            sender: sender.to_owned(),
            peer,
        };
        drop(message);
        let outcomes = recipients.iter().map(|recipient| self.hand_over(&letter, recipient));
        verdict(&join_all(outcomes).await)
    }

    async fn hand_over(&self, letter: &Letter, recipient: &Recipient) -> Outcome {
        match recipient {
            Recipient::Check { check_id, address } => {
                let ping = |received_at| letter.ping(received_at, address.signal);
                let outcome = self.ingest.submit(&self.ctx, *check_id, ping).await;
                if outcome == Outcome::NotFound {
                    self.finder.forget(&address.target());
                }
                outcome
            }
            Recipient::Bounce { token } => {
                match bounce::take(&self.ctx, token, letter.failure.as_deref()).await {
                    Ok(()) => Outcome::Stored,
                    Err(Fault::NotFound) => Outcome::NotFound,
                    Err(fault) => {
                        tracing::error!(error = %fault, "returned mail could not be taken in");
                        Outcome::Unavailable
                    }
                }
            }
        }
    }
}

impl Letter {
    fn ping(&self, received_at: crate::clock::Timestamp, signal: PingKind) -> Ping {
        let from = format!("Email from {}", self.sender);
        Ping {
            received_at,
            signal,
            exit_status: None,
            rid: None,
            scheme: Scheme::Email,
            method: Method::None,
            remote_address: self.peer,
            user_agent: from.trim_end().chars().take(MAX_USER_AGENT).collect(),
            body: self.kept.clone(),
            body_was_cut: self.was_cut,
            mail: Some(self.text.clone()),
            took: None,
        }
    }
}

/// The reply to a message with these outcomes. What is gone since its address was taken is no
/// reason to send the message again.
fn verdict(outcomes: &[Outcome]) -> Reply {
    if outcomes.contains(&Outcome::Unavailable) {
        return reply::TRY_AGAIN.into();
    }
    let waits = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::TooMany { retry_after } => Some(*retry_after),
        _ => None,
    });
    if let Some(seconds) = waits.max() {
        return Reply::new(format!("451 4.7.1 rate limited: try again in {seconds} s"));
    }
    if outcomes.contains(&Outcome::Stored) {
        return "250 2.0.0 OK: stored".into();
    }
    "550 5.1.1 the check is gone".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_every_recipient_has_is_acknowledged() {
        let gone = Outcome::NotFound;
        for (outcomes, code) in [
            (vec![Outcome::Stored], "250"),
            (vec![Outcome::Stored, gone], "250"),
            (vec![gone], "550"),
            (vec![Outcome::Stored, Outcome::Unavailable], "451"),
            (vec![Outcome::Stored, Outcome::TooMany { retry_after: 7 }], "451"),
        ] {
            assert_eq!(&verdict(&outcomes).line()[..3], code, "{outcomes:?}");
        }
        let limited = verdict(&[Outcome::TooMany { retry_after: 7 }]);
        assert!(limited.line().contains("rate limited: try again in 7 s"));
    }
}
