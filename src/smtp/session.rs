//! The dialogue with one mail client, from the greeting to the end (RFC 5321). It holds the order of
//! the commands; what an address and a message mean is the [`Postbox`]'s.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::command::{self, Command};
use super::message::End;
use super::postbox::{Postbox, Recipient};
use super::reply::{self, Reply};
use super::wire::{Line, Over, Wire};

/// Recipients of one message; the standard asks for a hundred at least.
const MOST_RECIPIENTS: usize = 100;
/// Refused commands after which nobody listens any more.
const MOST_MISTAKES: u32 = 20;

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The next command, or the next piece of a message.
    pub silence: Duration,
    /// A whole message.
    pub message: Duration,
    /// A TLS handshake.
    pub handshake: Duration,
    /// All of a connection.
    pub session: Duration,
}

/// One connection.
pub(super) struct Session {
    wire: Wire,
    peer: IpAddr,
    postbox: Arc<Postbox>,
    patience: Patience,
    stop: watch::Receiver<bool>,
    greeted: bool,
    sender: Option<String>,
    recipients: Vec<Recipient>,
    mistakes: u32,
}

/// Whether the dialogue goes on.
enum Next {
    GoesOn,
    Ends,
}

impl Session {
    pub(super) fn new(
        wire: Wire,
        peer: IpAddr,
        postbox: Arc<Postbox>,
        patience: Patience,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let (sender, recipients) = (None, Vec::new());
        Self {
            wire,
            peer,
            postbox,
            patience,
            stop,
            greeted: false,
            sender,
            recipients,
            mistakes: 0,
        }
    }

    /// Talks until one of the two ends it.
    pub(super) async fn run(mut self) {
        let patience = self.patience;
        match timeout(patience.session, self.talk()).await {
            Ok(Ok(())) => {}
            Ok(Err(Over::Gone)) => return,
            Ok(Err(Over::Silent)) | Err(_) => self.wire.say(&reply::TOO_SILENT.into()),
        }
        self.wire.close(Duration::from_secs(2).min(patience.silence)).await;
    }

    async fn talk(&mut self) -> Result<(), Over> {
        self.wire.say(&Reply::new(format!("220 {} ESMTP Overdue", self.postbox.name())));
        loop {
            let line = tokio::select! {
                biased;
                line = self.wire.line(self.patience.silence) => line?,
                _ = self.stop.wait_for(|stop| *stop) => {
                    self.wire.say(&reply::CLOSING.into());
                    return Ok(());
                }
            };
            let next = match line {
                Line::Command(line) => self.obey(&line).await?,
                Line::TooLong => self.refuse(reply::LONG_COMMAND),
                Line::NoText => self.refuse(reply::NO_TEXT),
                Line::Bare => {
                    self.refuse(reply::BARE_COMMAND);
                    Next::Ends
                }
            };
            if matches!(next, Next::Ends) {
                return Ok(());
            }
            if self.mistakes >= MOST_MISTAKES {
                self.wire.say(&reply::TOO_MANY_MISTAKES.into());
                return Ok(());
            }
        }
    }

    async fn obey(&mut self, line: &str) -> Result<Next, Over> {
        let command = match command::parse(line) {
            Ok(command) => command,
            Err(refusal) => return Ok(self.answer(&refusal)),
        };
        let reply: Reply = match command {
            Command::Hello { extended } => return Ok(self.hello(extended)),
            Command::Mail { sender, size } => self.mail(sender, size),
            Command::Rcpt { recipient } => self.rcpt(recipient).await,
            Command::Data => return self.data().await,
            Command::StartTls => return self.start_tls().await,
            Command::Reset => {
                self.forget_message();
                "250 2.0.0 OK".into()
            }
            Command::Noop => "250 2.0.0 OK".into(),
            Command::Verify => "252 2.5.0 try it: RCPT says whether it is taken".into(),
            Command::Help => "214 2.0.0 mail to a check's address is a ping of that check".into(),
            Command::Quit => {
                self.wire.say(&"221 2.0.0 bye".into());
                return Ok(Next::Ends);
            }
        };
        Ok(self.answer(&reply))
    }

    fn answer(&mut self, reply: &Reply) -> Next {
        self.mistakes += u32::from(reply.is_refusal());
        self.wire.say(reply);
        Next::GoesOn
    }

    fn refuse(&mut self, text: &str) -> Next {
        self.answer(&text.into())
    }

    fn hello(&mut self, extended: bool) -> Next {
        self.forget_message();
        self.greeted = true;
        let name = self.postbox.name();
        if !extended {
            return self.answer(&Reply::new(format!("250 {name}")));
        }
        let start_tls = self.postbox.tls().is_some() && !self.wire.is_tls();
        let start_tls = if start_tls { "250-STARTTLS\r\n" } else { "" };
        let size = self.postbox.max_bytes();
        self.wire.say_lines(&format!(
            "250-{name}\r\n250-PIPELINING\r\n250-SIZE {size}\r\n{start_tls}250-8BITMIME\r\n\
             250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n"
        ));
        Next::GoesOn
    }

    fn mail(&mut self, sender: &str, size: Option<u64>) -> Reply {
        if !self.greeted {
            return "503 5.5.1 say EHLO first".into();
        }
        if self.sender.is_some() {
            return "503 5.5.1 a message has begun already: RSET forgets it".into();
        }
        if size.is_some_and(|size| size > self.postbox.max_bytes() as u64) {
            return self.too_large();
        }
        self.sender = Some(sender.to_owned());
        "250 2.1.0 OK".into()
    }

    async fn rcpt(&mut self, recipient: &str) -> Reply {
        if self.sender.is_none() {
            return "503 5.5.1 say MAIL first".into();
        }
        if self.recipients.len() >= MOST_RECIPIENTS {
            return "452 4.5.3 too many recipients: send the rest in another message".into();
        }
        match self.postbox.recipient(recipient).await {
            Ok(recipient) if self.is_second_bounce(&recipient) => {
                "452 4.5.3 one mail comes back to one address: send the rest in another message"
                    .into()
            }
            Ok(recipient) => {
                // Named twice it is meant once.
                if !self.recipients.contains(&recipient) {
                    self.recipients.push(recipient);
                }
                "250 2.1.5 OK".into()
            }
            Err(refusal) => refusal,
        }
    }

    /// Whether a message that comes back is to have two addresses to come back to. No mail server
    /// does that: each mail of ours has an address of its own.
    fn is_second_bounce(&self, recipient: &Recipient) -> bool {
        let is_bounce = |one: &Recipient| matches!(one, Recipient::Bounce { .. });
        is_bounce(recipient)
            && self.recipients.iter().any(|taken| is_bounce(taken) && taken != recipient)
    }

    async fn data(&mut self) -> Result<Next, Over> {
        if self.recipients.is_empty() {
            return Ok(self.refuse("503 5.5.1 say MAIL and RCPT first, and have one taken"));
        }
        self.wire.say(&"354 go on: a line with nothing but a dot ends the message".into());
        let (limit, silence) = (self.postbox.max_bytes(), self.patience.silence);
        let whole = timeout(self.patience.message, self.wire.message(limit, silence)).await;
        let (sender, recipients) = self.forget_message();
        match whole.map_err(|_| Over::Silent)?? {
            End::Whole(message) => {
                let reply = self.postbox.deliver(message, &sender, recipients, self.peer).await;
                Ok(self.answer(&reply))
            }
            End::TooLarge => {
                let refusal = self.too_large();
                Ok(self.answer(&refusal))
            }
            End::FarTooLarge => {
                let refusal = self.too_large();
                self.answer(&refusal);
                Ok(Next::Ends)
            }
            End::Bare => {
                self.refuse(reply::BARE_MESSAGE);
                Ok(Next::Ends)
            }
        }
    }

    async fn start_tls(&mut self) -> Result<Next, Over> {
        if self.wire.is_tls() {
            return Ok(self.refuse("503 5.5.1 TLS is on already"));
        }
        let Some(acceptor) = self.postbox.tls().cloned() else {
            return Ok(self.refuse("454 4.7.0 there is no TLS here"));
        };
        if self.wire.has_more() {
            // Not a word of it is obeyed, under TLS or without.
            tracing::warn!(peer = %self.peer, "a mail client sent commands behind STARTTLS");
        }
        self.wire.say(&"220 2.0.0 begin".into());
        self.wire.secure(&acceptor, self.patience.handshake).await?;
        self.forget_message();
        self.greeted = false;
        Ok(Next::GoesOn)
    }

    fn too_large(&self) -> Reply {
        let most = self.postbox.max_bytes();
        Reply::new(format!("552 5.3.4 a message may have {most} bytes (smtp.max_bytes)"))
    }

    fn forget_message(&mut self) -> (String, Vec<Recipient>) {
        (self.sender.take().unwrap_or_default(), std::mem::take(&mut self.recipients))
    }
}
