//! The kinds of channels: one file a kind, and here the table of them. What a kind can do is
//! chosen by `match`, so that the compiler names every place that a new kind must fill.

mod apprise;
pub mod command;
mod discord;
pub mod email;
pub mod form;
mod github;
mod googlechat;
mod gotify;
pub mod group;
mod matrix;
mod mattermost;
pub mod message;
mod msteams;
mod ntfy;
mod opsgenie;
mod pagerduty;
mod pagertree;
mod pushbullet;
mod pushover;
mod rocketchat;
pub mod service;
mod signal;
mod slack;
mod spike;
mod splunkoncall;
mod telegram;
mod trello;
mod twilio;
mod twilio_call;
mod twilio_sms;
mod twilio_whatsapp;
pub mod webhook;
mod zulip;

use serde_json::Value;

use crate::fault::Result;
use crate::notify::outbound::{Delivery, Outbound};
use command::Commands;
use form::Field;
use message::Message;
use service::Service;

/// The kinds whose message is one request to a service.
pub static SERVICES: [&Service; 25] = [
    &slack::SLACK,
    &mattermost::MATTERMOST,
    &rocketchat::ROCKETCHAT,
    &discord::DISCORD,
    &msteams::MSTEAMS,
    &googlechat::GOOGLECHAT,
    &telegram::TELEGRAM,
    &matrix::MATRIX,
    &zulip::ZULIP,
    &signal::SIGNAL,
    &ntfy::NTFY,
    &gotify::GOTIFY,
    &pushover::PUSHOVER,
    &pushbullet::PUSHBULLET,
    &pagerduty::PAGERDUTY,
    &opsgenie::OPSGENIE,
    &splunkoncall::SPLUNKONCALL,
    &pagertree::PAGERTREE,
    &spike::SPIKE,
    &twilio_sms::TWILIO_SMS,
    &twilio_call::TWILIO_CALL,
    &twilio_whatsapp::TWILIO_WHATSAPP,
    &github::GITHUB,
    &trello::TRELLO,
    &apprise::APPRISE,
];

/// A kind of channel that can send.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Mail to an address.
    Email,
    /// A request to any URL.
    Webhook,
    /// A program on the server's machine.
    Command,
    /// Other channels.
    Group,
    /// A request to this service.
    Service(&'static Service),
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Kind {}

impl Kind {
    /// All kinds.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Webhook, Self::Email, Self::Command, Self::Group]
            .into_iter()
            .chain(SERVICES.into_iter().map(Self::Service))
    }

    /// Reads the name of a kind; none where there is no such kind.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.as_str() == name)
    }

    /// The name as the API and the database have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Webhook => "webhook",
            Self::Command => "command",
            Self::Group => "group",
            Self::Service(service) => service.name,
        }
    }

    /// What it is, in a sentence.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Email => "Mail to one address, whose recipient is asked for consent first.",
            Self::Webhook => "A request to any URL, with a body of your own and a signature.",
            Self::Command => {
                "A program on the server's machine, out of those that its configuration allows."
            }
            Self::Group => "Several channels under one name.",
            Self::Service(service) => service.about,
        }
    }

    /// How many messages go to a channel within a minute before they are collected, where nobody
    /// chose a number: 10 for kinds that people read, 0 (never) for `webhook` and the incident
    /// kinds, whose messages must come one by one.
    #[must_use]
    pub fn default_group_threshold(self) -> u16 {
        match self {
            Self::Email => 10,
            Self::Webhook | Self::Command | Self::Group => 0,
            Self::Service(service) => service.group_threshold,
        }
    }

    /// Which of a channel's settings must be as they are in a new one, and why; none where all may be
    /// chosen.
    #[must_use]
    pub fn fixed_settings(self) -> Option<(&'static [&'static str], &'static str)> {
        match self {
            Self::Group => Some((
                &["on_down", "on_up", "after", "remind_every", "group_threshold"],
                "set it on its channels",
            )),
            Self::Service(service) if service.keeps_incidents() => Some((
                &["group_threshold"],
                "it keeps an incident for each check, and each has to be told to it by itself",
            )),
            Self::Email | Self::Webhook | Self::Command | Self::Service(_) => None,
        }
    }

    /// The table that describes its configuration; none for a `webhook`, whose is no flat one.
    #[must_use]
    pub fn fields(self) -> Option<&'static [Field]> {
        match self {
            Self::Webhook => None,
            Self::Email => Some(email::FIELDS),
            Self::Command => Some(command::FIELDS),
            Self::Group => Some(group::FIELDS),
            Self::Service(service) => Some(service.fields),
        }
    }
}

/// Checks a channel's config and brings it into the form in which it is stored: every field there,
/// secrets whole. `previous` is the stored config where the channel exists already; masked secrets
/// in `config` are taken from it. `fresh_secret` is what a kind that signs uses where there is no
/// secret yet ([`webhook::secret_from`]).
///
/// # Errors
/// [`crate::fault::Fault::Invalid`] whose field is `config` or `config.<field>`.
pub fn validate(
    kind: Kind,
    config: &Value,
    previous: Option<&Value>,
    fresh_secret: &str,
) -> Result<Value> {
    match kind.fields() {
        None => webhook::validate(config, previous, fresh_secret),
        Some(fields) => form::validate(fields, config, previous),
    }
}

/// Holds a config that [`validate`] has made against what the server's configuration offers.
///
/// # Errors
/// [`crate::fault::Fault::Invalid`] whose field is `config.<field>`.
pub fn check_offer(kind: Kind, config: &Value, commands: &Commands) -> Result<()> {
    if kind == Kind::Command { command::check(commands, config) } else { Ok(()) }
}

/// A stored config as it is shown: no secret in it is readable.
#[must_use]
pub fn mask(kind: Kind, config: &Value) -> Value {
    match kind.fields() {
        None => webhook::mask(config),
        Some(fields) => form::mask(fields, config),
    }
}

/// A config that was just made of the one that was `given`, as its maker is shown it: masked, save
/// a secret that was made for it, which nobody could know otherwise.
#[must_use]
pub fn mask_new(kind: Kind, given: &Value, stored: &Value) -> Value {
    match kind.fields() {
        None => webhook::mask_new(given, stored),
        Some(fields) => form::mask(fields, stored),
    }
}

/// Which fields of a config hold the mask of a secret instead of one, such as `secret` or
/// `headers_down.Authorization`; it may be a stored one or one that is not checked yet.
#[must_use]
pub fn masked(kind: Kind, config: &Value) -> Vec<String> {
    match kind.fields() {
        None => webhook::masked(config),
        Some(fields) => form::masked(fields, config),
    }
}

/// By what messages leave.
#[derive(Clone, Copy, Debug)]
pub struct Ways<'a> {
    /// Requests.
    pub outbound: &'a Outbound,
    /// Mail.
    pub office: &'a email::Office,
    /// The commands of the server's configuration.
    pub commands: &'a Commands,
}

/// Where a message goes.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The channel's kind.
    pub kind: Kind,
    /// The channel's UUID.
    pub channel_uuid: &'a str,
    /// The channel's stored configuration.
    pub config: &'a Value,
    /// The id of the message that this one follows, for kinds that show the two together.
    pub follows: Option<&'a str>,
}

/// Sends one message.
pub async fn deliver(ways: Ways<'_>, target: &Target<'_>, message: &Message<'_>) -> Delivery {
    let Ways { outbound, office, commands } = ways;
    let config = target.config;
    match target.kind {
        Kind::Email => email::deliver(office, target, message).await,
        Kind::Webhook => webhook::deliver(outbound, config, message).await,
        Kind::Command => command::deliver(commands, config, message).await,
        // Who tells a group tells its channels; no notification is ever its own.
        Kind::Group => Delivery::Skipped,
        Kind::Service(service) => {
            // GitHub has to be asked before it is told.
            let delivery = if std::ptr::eq(service, &raw const github::GITHUB) {
                github::deliver(outbound, config, message).await
            } else {
                service.deliver(outbound, config, message).await
            };
            delivery.without(&form::secrets(service.fields, config))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_by_their_names() {
        assert_eq!(Kind::parse("slack"), Some(Kind::Service(&slack::SLACK)));
        for kind in Kind::all() {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(Kind::parse("Webhook"), None);
        assert_eq!(Kind::parse("pigeon"), None);
    }

    /// The list of `alerting.md`, "Channel kinds".
    #[test]
    fn every_kind_of_the_contract_is_there() {
        let mut kinds: Vec<&str> = Kind::all().map(Kind::as_str).collect();
        kinds.sort_unstable();
        let contract = "apprise command discord email github googlechat gotify group matrix \
                        mattermost msteams ntfy opsgenie pagerduty pagertree pushbullet pushover \
                        rocketchat signal slack spike splunkoncall telegram trello twilio_call \
                        twilio_sms twilio_whatsapp webhook zulip";
        assert_eq!(kinds, contract.split_whitespace().collect::<Vec<_>>());
    }
}
