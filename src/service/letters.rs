//! Mails about accounts: what stands in them, and sending them. What somebody asked for just now is
//! tried a few times; who got nothing asks again. Links lead to `server.site_url`, never to a host
//! that a request named.

use std::time::Duration;

use askama::Template;

use crate::context::Context;
use crate::mail::{Address, Letter, Unsent};
use crate::secret;

/// Pauses before each try of a mail.
const TRIES: [Duration; 3] = [Duration::ZERO, Duration::from_secs(5), Duration::from_mins(1)];

/// A mail with one link.
#[derive(Clone, Debug, Template)]
#[template(ext = "html", source = r#"{% extends "src/service/letter.html" %}"#)]
pub(super) struct Note {
    /// The subject, and the heading.
    pub(super) subject: String,
    /// What it says before the link, a paragraph each.
    pub(super) lines: Vec<String>,
    /// What stands on the button.
    pub(super) button: &'static str,
    /// Where the link leads.
    pub(super) link: String,
    /// What it says behind the link.
    pub(super) end: String,
}

impl Note {
    fn text(&self) -> String {
        format!("{}\n\n{}:\n{}\n\n{}\n", self.lines.join("\n\n"), self.button, self.link, self.end)
    }
}

/// The address of a page of ours, for a mail.
pub(super) fn link(ctx: &Context, path: &str) -> String {
    format!("{}{path}", ctx.config.server.site_url)
}

/// Sends a mail on a task of its own, so that nobody learns from the time it takes whether there was
/// one to send.
pub(super) fn send(ctx: &Context, email: &str, note: Note) {
    let Some(to) = Address::parse(email) else {
        tracing::warn!("a mail about an account was not sent: its address takes no mail");
        return;
    };
    let ctx = ctx.clone();
    tokio::spawn(async move {
        if let Err(Unsent::NoMailbox(why) | Unsent::Later(why)) = try_to(&ctx, &to, &note).await {
            tracing::warn!(%to, "a mail about an account was not sent: {why}");
        }
    });
}

async fn try_to(ctx: &Context, to: &Address, note: &Note) -> Result<(), Unsent> {
    let html = note.render().map_err(|error| Unsent::Later(error.to_string()))?;
    let (id, text) = (format!("account.{}", secret::random_text::<12>()), note.text());
    let letter = Letter {
        id: &id,
        to,
        bounces_to: None,
        subject: &note.subject,
        text: &text,
        html: &html,
        follows: None,
        unsubscribe: None,
        at: ctx.now(),
    };
    let mut outcome = Ok(());
    for pause in TRIES {
        tokio::time::sleep(pause).await;
        outcome = ctx.mailer.send(&letter).await;
        if !matches!(outcome, Err(Unsent::Later(_))) {
            break;
        }
    }
    outcome
}
