//! `email`: mail to one address, as text and as HTML. The address is confirmed by its recipient
//! before anything is told there, and each mail carries the way to end them.

pub mod link;
mod page;

use std::sync::Arc;

use serde_json::Value;

use super::Target;
use super::form::{Config, Field, Shape, needed};
use super::message::Message;
use crate::config::Config as Settings;
use crate::context::Context;
use crate::domain::alert::Event;
use crate::mail::{Address, Letter, Mailer, Unsent};
use crate::notify::outbound::Delivery;
use crate::secret::Keyring;
use link::Purpose;
use page::Page;

/// What is set about such a channel.
pub const FIELDS: &[Field] = &[needed(
    "email",
    Shape::Like(254, Address::is_one, "an address such as ops@example.org"),
    "the address that mail goes to; its recipient is asked by mail to confirm it before anything \
     else is sent there",
)];

/// What a mail is made and sent with.
#[derive(Clone, Debug)]
pub struct Office {
    mailer: Mailer,
    keys: Arc<Keyring>,
    settings: Arc<Settings>,
}

impl Office {
    /// That of this server.
    #[must_use]
    pub fn of(ctx: &Context) -> Self {
        Self { mailer: ctx.mailer.clone(), keys: ctx.keys.clone(), settings: ctx.config.clone() }
    }

    /// The URL of the page behind a link for the recipient of a channel.
    #[must_use]
    pub fn url(&self, purpose: Purpose, channel_uuid: &str, address: &Address) -> String {
        let token = link::issue(&self.keys, purpose, channel_uuid, address);
        format!("{}/mail/{}/{token}", self.settings.server.site_url, purpose.as_str())
    }

    /// Where the news goes that a mail to this channel could not be delivered; none where this server
    /// takes no mail.
    fn bounce_address(&self, channel_uuid: &str, address: &Address) -> Option<Address> {
        let smtp = &self.settings.smtp;
        let (Some(_), Some(domain)) = (smtp.listen, &smtp.domain) else { return None };
        let token = link::issue(&self.keys, Purpose::Bounce, channel_uuid, address);
        Address::parse(&format!("bounce+{token}@{domain}"))
    }
}

/// The address in a stored configuration.
#[must_use]
pub fn address(config: &Value) -> Option<Address> {
    Address::parse(Config(config).text("email"))
}

/// Why nothing is told at an address whose recipient was asked to confirm it.
#[must_use]
pub fn waits(address: &Address) -> String {
    format!(
        "waits for confirmation: a mail with a link was sent to {address}; nothing else is sent \
         there before it is confirmed"
    )
}

/// Why nothing is told at an address that is not confirmed: no mail can be sent at all, or else what
/// it [`waits`] for.
#[must_use]
pub fn why_silent(mailer: &Mailer, address: &Address) -> String {
    mailer.obstacle().unwrap_or_else(|| waits(address))
}

/// Sends one message.
pub(super) async fn deliver(
    office: &Office,
    target: &Target<'_>,
    message: &Message<'_>,
) -> Delivery {
    let Some(to) = address(target.config) else {
        return Delivery::Refused { error: "config.email: is no address".to_owned() };
    };
    let written = Written::new(office, target, &to, message);
    let written = match written {
        Ok(written) => written,
        Err(error) => return Delivery::Refused { error },
    };
    let bounces_to = office.bounce_address(target.channel_uuid, &to);
    let letter = Letter {
        id: message.id,
        to: &to,
        bounces_to: bounces_to.as_ref(),
        subject: &written.subject,
        text: &written.text,
        html: &written.html,
        follows: target.follows,
        unsubscribe: written.unsubscribe.as_deref(),
        at: message.now,
    };
    match office.mailer.send(&letter).await {
        Ok(()) => Delivery::Delivered,
        Err(Unsent::NoMailbox(error)) => Delivery::Gone { error },
        Err(Unsent::Later(error)) => Delivery::Retry { error, retry_after: None },
    }
}

/// A message in the forms that a mail has.
struct Written {
    subject: String,
    text: String,
    html: String,
    /// Where mails like this one are ended; the question whether there shall be any ends by itself.
    unsubscribe: Option<String>,
}

impl Written {
    fn new(
        office: &Office,
        target: &Target<'_>,
        to: &Address,
        message: &Message<'_>,
    ) -> Result<Self, String> {
        let url = |purpose| office.url(purpose, target.channel_uuid, to);
        let asks = message.lead().event == Event::Confirm;
        let unsubscribe = (!asks).then(|| url(Purpose::Unsubscribe));
        let page = Page::new(message, unsubscribe.as_deref());
        let html = page.html().map_err(|error| format!("the mail can't be written: {error}"))?;
        let text = match &unsubscribe {
            Some(url) => {
                format!("{}\n\n-- \nTo get no more of these mails: {url}\n", message.text())
            }
            None => format!("{}\n", message.text()),
        };
        Ok(Self { subject: message.subject(), text, html, unsubscribe })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::config::Mail;
    use crate::domain::alert::tests::late_backup;
    use crate::domain::alert::{Alert, CheckFacts};
    use crate::secret::Secret;

    const UUID: &str = "11111111-2222-4333-8444-555555555555";

    /// The office of a server whose mail goes nowhere.
    pub(in super::super) fn office(change: impl FnOnce(&mut Settings)) -> Office {
        let mut settings = Settings::default();
        settings.server.site_url = "https://overdue.example".to_owned();
        change(&mut settings);
        Office {
            mailer: Mailer::new(Mail::default()),
            keys: Arc::new(Keyring::new(&Secret::new("a key that only tests have"))),
            settings: Arc::new(settings),
        }
    }

    fn written(alerts: &[Alert]) -> Written {
        let config = serde_json::json!({"email": "ops@example.net"});
        let kind = super::super::Kind::Email;
        let target = Target { kind, channel_uuid: UUID, config: &config, follows: None };
        let message = Message { alerts, id: "msg_6955b2e8_7", now: alerts[0].now };
        Written::new(&office(|_| ()), &target, &address(&config).unwrap(), &message).unwrap()
    }

    /// A check whose name, tags and body mean something to HTML and to readers of mail.
    pub(super) fn nasty() -> Alert {
        let marks = "<script>alert(1)</script> \"q\" 'a' & </pre> <img src=http://evil.example/x> \
                     https://evil.example 日本 \u{202e}gnp.exe";
        let mut alert = late_backup();
        alert.check.name = marks.to_owned();
        alert.check.tags = vec!["<b>".to_owned(), "a: b".to_owned()];
        alert.project = "<i>Home</i>\r\nBcc: x@example.org".to_owned();
        alert.last_body = format!("{marks}\nSubject: x\n\n  indented: yes\n");
        alert
    }

    pub(super) fn every_message() -> Vec<(&'static str, Vec<Alert>)> {
        let down = late_backup();
        let up = Alert { event: Event::Up, downtime: Some(3_725_000_000), ..down.clone() };
        let still = Alert { now: down.now.plus_seconds(7_200), ..down.clone() };
        let outage = Some((down.since.plus_seconds(-1_200), down.since));
        let of_no_check = |event| Alert { event, check: CheckFacts::default(), ..down.clone() };
        let off = Event::ChannelDisabled {
            channel_name: "Chat <ops>".to_owned(),
            why: "410 Gone: no such <hook>".to_owned(),
        };
        vec![
            ("down", vec![Alert { outage, ..down.clone() }]),
            ("up", vec![up.clone()]),
            ("reminder", vec![Alert { event: Event::StillDown, ..still }]),
            ("flapping", vec![Alert { event: Event::Flapping, ..down.clone() }]),
            ("grouped", vec![up, down.clone(), nasty(), of_no_check(off.clone())]),
            ("test", vec![of_no_check(Event::Test)]),
            ("channel off", vec![of_no_check(off)]),
            ("confirm", vec![of_no_check(Event::Confirm)]),
            ("nasty", vec![nasty()]),
        ]
    }

    /// What the page says and how it is built, without how it looks.
    fn bare(html: &str) -> String {
        let body = &html[html.find("<body").unwrap()..];
        let mut parts = body.split(" style=\"");
        let mut bare = parts.next().unwrap().to_owned();
        for part in parts {
            bare += part.split_once('"').unwrap().1;
        }
        let lines: Vec<&str> = bare.lines().map(str::trim_end).filter(|l| !l.is_empty()).collect();
        lines.join("\n").replace(" cellpadding=\"0\" cellspacing=\"0\" border=\"0\"", "") + "\n"
    }

    #[test]
    fn every_message_has_a_text_and_a_page() {
        let mut told = String::new();
        for (what, alerts) in every_message() {
            let Written { subject, text, html, unsubscribe } = written(&alerts);
            writeln!(told, "== {what}: {subject}\n{text}\n{}", bare(&html)).unwrap();
            assert_eq!(unsubscribe.is_none(), what == "confirm");
            assert!(!subject.contains(['\r', '\n']));
        }
        insta::assert_snapshot!(told);
    }

    #[test]
    fn nothing_of_a_stranger_is_markup_and_nothing_is_fetched_from_elsewhere() {
        let ours = [
            "!doctype", "html", "head", "meta", "title", "style", "body", "table", "tr", "td",
            "span", "h1", "p", "pre", "a",
        ];
        for (what, alerts) in every_message() {
            let html = written(&alerts).html;
            for tag in html.split('<').skip(1) {
                let name = tag.trim_start_matches('/').split([' ', '>', '\n']).next().unwrap();
                assert!(ours.contains(&name), "{what}: <{name}");
            }
            assert_eq!(html.matches("<pre").count(), html.matches("</pre>").count(), "{what}");
            assert!(!html.contains("url(") && !html.contains("@import"), "{what}");
        }
    }

    #[test]
    fn bounces_come_back_to_a_server_that_takes_mail() {
        let to = Address::parse("ops@example.net").unwrap();
        assert_eq!(office(|_| ()).bounce_address(UUID, &to), None);
        let listening = office(|settings| {
            settings.smtp.listen = Some(([127, 0, 0, 1], 25).into());
            settings.smtp.domain = Some("ping.example.org".to_owned());
        });
        let bounces_to = listening.bounce_address(UUID, &to).unwrap().to_string();
        let (local, domain) = bounces_to.split_once('@').unwrap();
        assert_eq!(domain, "ping.example.org");
        assert!(local.len() <= 64 && local == local.to_lowercase(), "{local}");
        let token = local.strip_prefix("bounce+").unwrap();
        let read = link::read(&listening.keys, Purpose::Bounce, token).unwrap();
        assert_eq!(read.channel_uuid, UUID);
    }
}
