//! Outgoing mail: the server that `mail.*` names, what a mail looks like on the wire, and what one
//! that came says to its readers. It knows nothing of channels and alerts: whoever writes a
//! [`Letter`] says what stands in it. The address of the mail server comes from the configuration alone, so that the guard of outgoing requests
//! (`outbound.*`) has no say here.

mod address;
mod answer;
mod letter;
mod reading;
mod session;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use address::Address;
pub use answer::{is_gone, is_no_mailbox};
pub use letter::Letter;
pub use reading::{read_text, text_of};

use crate::config::Mail;
use crate::secret::Secret;
use address::Sender;
use session::{Route, Session, Trust};

/// How long the server may take to be connected to, and over each answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Sessions that are kept open for the next mail.
const MOST_IDLE: usize = 4;
/// How long such a session waits for a mail before it is closed.
const IDLE_FOR: Duration = Duration::from_secs(20);

/// Why a mail was not sent, in plain words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// The server says that there is no such mailbox: no later try can change that.
    NoMailbox(String),
    /// Whatever may be otherwise the next time.
    Later(String),
}

/// Sends mail; cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailer {
    settings: Arc<Mail>,
    idle: Arc<Mutex<Idle>>,
    trust: Arc<Trust>,
    patience: Duration,
}

/// Sessions that wait for the next mail, each under a number of its own.
#[derive(Debug, Default)]
struct Idle {
    sessions: Vec<(u64, Session)>,
    last_number: u64,
}

impl Mailer {
    /// A mailer by these settings; nothing is connected to before there is a mail.
    #[must_use]
    pub fn new(settings: Mail) -> Self {
        Self {
            settings: Arc::new(settings),
            idle: Arc::default(),
            trust: Arc::default(),
            patience: PATIENCE,
        }
    }

    /// The same with another patience than 10 s for the server's answers.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Why no mail can be sent at all: a setting is missing, or is not what it should be. None where
    /// mail can be sent.
    #[must_use]
    pub fn obstacle(&self) -> Option<String> {
        self.route().err()
    }

    /// What stands behind the `@` of the sender's address, and of the ids of mails; empty where there
    /// is no sender.
    #[must_use]
    pub fn domain(&self) -> String {
        let from = self.settings.from.as_deref().and_then(Sender::parse);
        from.map_or_else(String::new, |from| from.address.domain())
    }

    /// Hands a mail to the server.
    ///
    /// # Errors
    /// It was not taken; or nobody knows, as the connection broke off at the very end.
    pub async fn send(&self, letter: &Letter<'_>) -> Result<(), Unsent> {
        let route = self.route().map_err(Unsent::Later)?;
        let bytes = letter.bytes(&route.from).map_err(Unsent::Later)?;
        let from = letter.bounces_to.unwrap_or(&route.from.address);
        let mut session = match self.waiting().await {
            Some(session) => session,
            None => Session::open(&route, &self.trust).await.map_err(Unsent::Later)?,
        };
        match session.deliver(from, letter.to, &bytes).await {
            Ok(()) => {
                self.keep(session);
                Ok(())
            }
            Err(unsent) => {
                session.close();
                Err(unsent)
            }
        }
    }

    /// The settings in the form in which they are used.
    fn route(&self) -> Result<Route, String> {
        let mail = &self.settings;
        let missing = |key: &str| format!("no mail can be sent: {key} is not set on this server");
        let (Some(host), Some(from)) = (&mail.host, &mail.from) else {
            return Err(missing(mail.missing().unwrap_or("mail.host")));
        };
        let from = Sender::parse(from).ok_or(
            "no mail can be sent: mail.from is not an address such as overdue@example.org or \
             Overdue <overdue@example.org>",
        )?;
        let password = || mail.password.clone().unwrap_or_else(|| Secret::new(""));
        let login = mail.username.as_ref().map(|name| (name.clone(), password()));
        let patience = self.patience;
        Ok(Route { host: host.clone(), port: mail.port, tls: mail.tls, login, from, patience })
    }

    /// A session that is open still.
    async fn waiting(&self) -> Option<Session> {
        loop {
            let (_, mut session) = self.lock().sessions.pop()?;
            if session.is_alive().await {
                return Some(session);
            }
        }
    }

    /// Keeps a session for the next mail, for a while.
    fn keep(&self, session: Session) {
        let number = {
            let mut idle = self.lock();
            if idle.sessions.len() >= MOST_IDLE {
                drop(idle);
                return session.close();
            }
            idle.last_number += 1;
            let number = idle.last_number;
            idle.sessions.push((number, session));
            number
        };
        let mailer = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(IDLE_FOR).await;
            let mut idle = mailer.lock();
            let place = idle.sessions.iter().position(|(waiting, _)| *waiting == number);
            if let Some(place) = place {
                idle.sessions.remove(place).1.close();
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        // A list of sessions can't be left half changed by a thread that broke down.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let mut mail = Mail::default();
        let obstacle = |mail: &Mail| Mailer::new(mail.clone()).obstacle();
        let missing = |key| Some(format!("no mail can be sent: {key} is not set on this server"));
        assert_eq!(obstacle(&mail), missing("mail.host"));
        mail.host = Some("mail.example.org".to_owned());
        assert_eq!(obstacle(&mail), missing("mail.from"));
        mail.from = Some("a b@example.org".to_owned());
        assert!(obstacle(&mail).unwrap().contains("mail.from is not an address"));
        mail.from = Some("Überdue <overdue@Example.org>".to_owned());
        assert_eq!(obstacle(&mail), None);
        assert_eq!(Mailer::new(mail).domain(), "example.org");
    }

    #[test]
    fn no_password_is_shown() {
        let password = Some(crate::secret::Secret::new("open sesame"));
        let mailer = Mailer::new(Mail { password, ..Mail::default() });
        assert!(!format!("{mailer:?}").contains("sesame"));
    }
}
