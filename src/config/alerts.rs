//! What goes out and what is watched: the detector, mail in and out, outgoing requests, commands,
//! probes and blacklists, and the file applied at start.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;

use super::given::{Choice, Given};
use super::key::{Key, key};
use super::url::HiddenUrl;
use crate::secret::Secret;

/// Section `detector`.
#[derive(Clone, Debug, PartialEq)]
pub struct Detector {
    /// Whether deadlines inside an outage of this server move to after it, once (`alerting.md`).
    pub outage_amnesty: bool,
}

impl Default for Detector {
    fn default() -> Self {
        Self { outage_amnesty: true }
    }
}

/// Section `smtp`: the listener for email pings.
#[derive(Clone, Debug, PartialEq)]
pub struct Smtp {
    /// The address to listen on; without it no mail is taken.
    pub listen: Option<SocketAddr>,
    /// What stands after the `@` of its addresses.
    pub domain: Option<String>,
    /// The most bytes of a message.
    pub max_bytes: usize,
}

impl Default for Smtp {
    fn default() -> Self {
        Self { listen: None, domain: None, max_bytes: 1_048_576 }
    }
}

/// How the connection to the mail server is protected (`mail.tls`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MailTls {
    /// Begins in the clear and must change to TLS.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// In the clear.
    None,
}

impl Choice for MailTls {
    const NAMES: &'static [(&'static str, Self)] =
        &[("starttls", Self::Starttls), ("tls", Self::Tls), ("none", Self::None)];
}

/// Section `mail`: the server for outgoing mail.
#[derive(Clone, Debug, PartialEq)]
pub struct Mail {
    /// Its host name or address.
    pub host: Option<String>,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: MailTls,
    /// Who signs in there; without it nobody does.
    pub username: Option<String>,
    /// The password that goes with it.
    pub password: Option<Secret>,
    /// The sender of every mail, with or without a name.
    pub from: Option<String>,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            host: None,
            port: 587,
            tls: MailTls::Starttls,
            username: None,
            password: None,
            from: None,
        }
    }
}

impl Mail {
    /// The setting that is missing before mail can be sent; `None` where none is.
    #[must_use]
    pub fn missing(&self) -> Option<&'static str> {
        match (&self.host, &self.from) {
            (None, _) => Some("mail.host"),
            (_, None) => Some("mail.from"),
            _ => None,
        }
    }
}

/// Section `watch`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watch {
    /// What is pinged every minute while all workers are well.
    pub url: Option<HiddenUrl>,
}

/// Section `outbound`: rules for every request that goes out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outbound {
    /// Whether addresses that are not public may be reached.
    pub allow_private: bool,
    /// Address ranges that may be reached though they are not public.
    pub allow: Vec<IpNet>,
    /// The HTTP proxy to go through.
    pub proxy: Option<HiddenUrl>,
}

/// Section `apply`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Apply {
    /// A file of checks and channels that is applied at start.
    pub path: Option<PathBuf>,
}

/// Section `probes`.
#[derive(Clone, Debug, PartialEq)]
pub struct Probes {
    /// The shortest interval of a probe, in seconds.
    pub min_interval: u32,
}

impl Default for Probes {
    fn default() -> Self {
        Self { min_interval: 1 }
    }
}

/// Section `channels`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Channels {
    /// The commands that `command` channels may run, by name: the program's path, then arguments.
    pub commands: BTreeMap<String, Vec<String>>,
}

/// Section `blacklist`.
#[derive(Clone, Debug, PartialEq)]
pub struct Blacklist {
    /// Zones in which addresses are looked up.
    pub zones: Vec<String>,
    /// Zones in which domains are looked up.
    pub domain_zones: Vec<String>,
    /// The resolver to ask; without it, the system's.
    pub resolver: Option<SocketAddr>,
    /// Seconds between two looks at the same target.
    pub interval: u32,
}

impl Default for Blacklist {
    fn default() -> Self {
        let owned = |zones: &[&str]| zones.iter().map(|zone| (*zone).to_owned()).collect();
        Self {
            zones: owned(&["zen.spamhaus.org", "bl.spamcop.net", "dnsbl.dronebl.org"]),
            domain_zones: owned(&["dbl.spamhaus.org", "multi.surbl.org", "multi.uribl.com"]),
            resolver: None,
            interval: 3600,
        }
    }
}

pub(super) const DETECTOR: &[Key] = &[key!(
    detector.outage_amnesty,
    "Whether deadlines that fall into an outage of this server are moved to after it, once.",
    given => given.boolean()
)];

pub(super) const SMTP: &[Key] = &[
    key!(smtp.listen, "Address on which mail to checks is taken as pings (with STARTTLS where server.tls_cert is set); without it none is.",
        given => given.optional(Given::socket))
    .example(r#""[::]:2525""#),
    key!(smtp.domain, "What stands after the @ of the addresses to which checks get mail, and mail of ours comes back; without it, anything, and nothing comes back.",
        given => given.optional(Given::domain))
    .example(r#""ping.example.org""#),
    key!(smtp.max_bytes, "The most bytes of a message that is taken.",
        given => given.number(1024..=104_857_600)),
];

pub(super) const MAIL: &[Key] = &[
    key!(mail.host, "Server for outgoing mail; without it, email channels say what is missing.",
        given => given.optional(Given::host))
    .example(r#""mail.example.org""#),
    key!(mail.port, "Its port.", given => given.number(1..=65_535)),
    key!(mail.tls, "How the connection is protected: starttls, tls or none.", given => given.choice()),
    key!(mail.username, "Who signs in there; without it nobody does.",
        given => given.optional(Given::text))
    .example(r#""overdue@example.org""#),
    key!(mail.password, "The password that goes with it.",
        given => given.optional(|g| g.secret(1)))
    .secret()
    .example(r#""from the mail server""#),
    key!(mail.from, "The sender of every mail.", given => given.optional(Given::mailbox))
        .example(r#""Overdue <overdue@example.org>""#),
];

pub(super) const WATCH: &[Key] = &[key!(
    watch.url,
    "A URL that is pinged every minute while all workers are well.",
    given => given.optional(Given::web_url)
)
.example(r#""https://another-monitor.example.org/ping/…""#)];

pub(super) const OUTBOUND: &[Key] = &[
    key!(outbound.allow_private, "Whether webhooks and other outgoing requests may reach addresses that are not public.",
        given => given.boolean()),
    key!(outbound.allow, "Address ranges they may reach though they are not public.",
        given => given.list(Given::network)),
    key!(outbound.proxy, "HTTP proxy that outgoing requests go through.",
        given => given.optional(Given::web_url))
    .secret()
    .example(r#""http://proxy.example.org:3128""#),
];

pub(super) const APPLY: &[Key] = &[key!(
    apply.path,
    "A file of checks and channels that is applied at start.",
    given => given.optional(Given::path)
)
.example(r#""/etc/overdue/apply.toml""#)];

pub(super) const PROBES: &[Key] = &[key!(
    probes.min_interval,
    "The shortest interval of a device's probe, in seconds.",
    given => given.number(1..=86_400)
)];

pub(super) const CHANNELS: &[Key] = &[key!(
    channels.commands,
    "Commands that command channels may run, by name; in the environment, this table in one line.",
    given => given.commands()
)
.example(r#"{ page = ["/usr/local/bin/page", "--loud"] }"#)];

pub(super) const BLACKLIST: &[Key] = &[
    key!(blacklist.zones, "DNS zones in which addresses are looked up.",
        given => given.list(Given::domain)),
    key!(blacklist.domain_zones, "DNS zones in which domains are looked up.",
        given => given.list(Given::domain)),
    key!(blacklist.resolver, "The DNS server to ask; without it, the system's.",
        given => given.optional(Given::socket))
    .example(r#""127.0.0.1:53""#),
    key!(blacklist.interval, "Seconds between two looks at the same target.",
        given => given.number(1..=604_800)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_says_what_it_lacks() {
        let mut mail = Mail::default();
        assert_eq!(mail.missing(), Some("mail.host"));
        mail.host = Some("mail.example.org".to_owned());
        assert_eq!(mail.missing(), Some("mail.from"));
        mail.from = Some("overdue@example.org".to_owned());
        assert_eq!(mail.missing(), None);
    }
}
