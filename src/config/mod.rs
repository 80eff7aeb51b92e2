//! The configuration: one struct a section, each with its defaults, and one table of settings by
//! which the file, the environment, the command line, `check-config` and `config.example.toml` all
//! go. It decides nothing: what a value means is up to those who read it. It may use [`crate::log`]
//! and [`crate::secret`], and opens no file but its own and those that hold secrets.

mod access;
mod alerts;
mod check;
mod given;
mod key;
mod load;
mod server;
mod storage;
mod url;

use std::path::PathBuf;

use toml::Value;

pub use access::{Accounts, Api, Metrics, Oidc, Registration, Sessions, Tokens};
pub use alerts::{
    Apply, Blacklist, Channels, Detector, Mail, MailTls, Outbound, Probes, Smtp, Watch,
};
pub use key::Key;
pub use load::{ConfigError, Sources};
pub use server::{Log, Security, Server};
pub use storage::{Checks, Database, Ping, Retention};
pub use url::HiddenUrl;

use crate::secret::Secret;

/// Everything that can be set, by section. Its `Debug` form shows no secret.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The file it was read from, if there was one.
    pub file: Option<PathBuf>,
    /// Where to listen and what links are built on.
    pub server: Server,
    /// The secret key.
    pub security: Security,
    /// The database.
    pub database: Database,
    /// What is kept of pings, and how many are taken.
    pub ping: Ping,
    /// How long records are kept.
    pub retention: Retention,
    /// Bounds of checks.
    pub checks: Checks,
    /// Bounds of the management API.
    pub api: Api,
    /// Bounds of tokens.
    pub tokens: Tokens,
    /// Sessions of the web pages.
    pub sessions: Sessions,
    /// How accounts come to be.
    pub accounts: Accounts,
    /// Sign-in by `OpenID` Connect.
    pub oidc: Oidc,
    /// Who may read the metrics.
    pub metrics: Metrics,
    /// How deadlines are watched.
    pub detector: Detector,
    /// Email pings.
    pub smtp: Smtp,
    /// Outgoing mail.
    pub mail: Mail,
    /// Who watches this server.
    pub watch: Watch,
    /// Rules for outgoing requests.
    pub outbound: Outbound,
    /// What is applied at start.
    pub apply: Apply,
    /// Bounds of device probes.
    pub probes: Probes,
    /// Commands for channels.
    pub channels: Channels,
    /// Where blacklists are asked.
    pub blacklist: Blacklist,
    /// What is logged, and how.
    pub log: Log,
}

/// The table of settings, by section, in the order in which they are shown.
const TABLE: [&[Key]; 22] = [
    server::SERVER,
    server::SECURITY,
    storage::DATABASE,
    storage::PING,
    storage::RETENTION,
    storage::CHECKS,
    access::API,
    access::TOKENS,
    access::SESSIONS,
    access::ACCOUNTS,
    access::OIDC,
    access::METRICS,
    alerts::DETECTOR,
    alerts::SMTP,
    alerts::MAIL,
    alerts::WATCH,
    alerts::OUTBOUND,
    alerts::APPLY,
    alerts::PROBES,
    alerts::CHANNELS,
    alerts::BLACKLIST,
    server::LOG,
];

/// Every setting there is.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    TABLE.iter().flat_map(|section| section.iter())
}

impl Config {
    /// What a test server starts with: a free port of this machine, its own database, a fixed
    /// secret key, and bounds that let tests be quick.
    #[must_use]
    pub fn for_tests(database_url: &str) -> Self {
        let mut config = Self::default();
        config.server.listen = vec![([127, 0, 0, 1], 0).into()];
        config.security.secret_key = Some(Secret::new("a secret key that only tests have"));
        config.database.url = HiddenUrl::new(database_url);
        config.checks.min_period = 1;
        config.checks.min_grace = 1;
        config.api.requests_per_second = 0;
        config.outbound.allow_private = true;
        config
    }

    /// The configuration as TOML, each setting with a line on what it does: what `check-config`
    /// prints, and for the defaults what `config.example.toml` holds. Secrets and passwords in URLs
    /// are `***`; a setting without a value stands in a comment, with an example.
    #[must_use]
    pub fn effective_toml(&self) -> String {
        TABLE.iter().map(|section| self.section_toml(section)).collect::<Vec<_>>().join("\n")
    }

    fn section_toml(&self, keys: &[Key]) -> String {
        let title = keys.first().map_or("", |key| key.parts().0);
        let entries: String = keys.iter().map(|key| self.entry_toml(key)).collect();
        format!("[{title}]\n{entries}")
    }

    fn entry_toml(&self, key: &Key) -> String {
        let name = key.parts().1;
        let entry = match (key.show)(self) {
            Some(value) => format!("{name} = {}", inline(&value)),
            None => format!("# {name} = {}", key.example),
        };
        format!("# {}\n{entry}\n", key.doc)
    }
}

/// A value as TOML writes it within one line, with its strings in plain quotes.
fn inline(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        Value::Table(entries) => {
            let entries = entries.iter().map(|(name, value)| format!("{name} = {}", inline(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../config.example.toml");

    /// The configuration that a file with this text gives.
    fn read(text: &str) -> Config {
        load::from_text(text).unwrap()
    }

    /// The example with every setting that stands in a comment taken out of it.
    fn everything_set() -> String {
        let names: Vec<&str> = keys().map(|key| key.parts().1).collect();
        let uncomment = |line: &str| {
            let setting = line.strip_prefix("# ").filter(|rest| {
                rest.split_once(" = ").is_some_and(|(name, _)| names.contains(&name))
            });
            setting.unwrap_or(line).to_owned() + "\n"
        };
        EXAMPLE.lines().map(uncomment).collect()
    }

    #[test]
    fn the_example_file_shows_every_setting_with_its_default() {
        let defaults = Config::default().effective_toml();
        let Some(head) = EXAMPLE.strip_suffix(&defaults) else {
            panic!("config.example.toml must end with:\n{defaults}")
        };
        assert!(head.lines().all(|line| line.is_empty() || line.starts_with('#')), "{head}");
        assert_eq!(read(EXAMPLE), Config::default());
    }

    #[test]
    fn every_setting_of_the_example_can_be_set_as_it_is_shown() {
        let config = read(&everything_set());
        let unset: Vec<&str> =
            keys().filter(|key| (key.show)(&config).is_none()).map(|key| key.name).collect();
        assert_eq!(unset, Vec::<&str>::new());
        assert_ne!(config, Config::default());
    }

    #[test]
    fn a_setting_has_one_row_of_one_line_and_an_example_where_it_has_no_default() {
        let mut names: Vec<&str> = keys().map(|key| key.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for key in keys() {
            assert!(!key.doc.contains('\n') && key.doc.ends_with('.'), "{}", key.name);
            let empty = (key.show)(&Config::default()).is_none();
            assert_eq!(empty, !key.example.is_empty(), "{}", key.name);
        }
    }

    #[test]
    fn the_effective_configuration_can_be_read_back() {
        let mut config = read(
            "[server]\nlisten = [\"127.0.0.1:1\", \"[::1]:2\"]\nsite_url = \"https://e.org/o\"\n\
             [channels.commands]\npage = [\"/bin/page\", \"a \\\"b\\\"\"]\n[log]\nformat = \"json\"",
        );
        assert_eq!(read(&config.effective_toml()), config);
        config.mail.port = 25;
        assert_eq!(read(&config.effective_toml()).mail.port, 25);
    }

    #[test]
    fn no_secret_is_shown() {
        let mut text = everything_set();
        for shown in ["from the issuer", "from the mail server", "put-something-random-here"] {
            assert!(text.contains(shown));
            text = text.replace(shown, "s3cret");
        }
        text = text.replace("put at least 32 random characters here", &"s3cret".repeat(6));
        text = text.replace("sqlite:overdue.db", "postgres://u:s3cret@h/d?password=s3cret");
        text = text.replace("http://proxy", "http://u:s3cret@proxy");
        let config = read(&text);
        for shown in [config.effective_toml(), format!("{config:?}")] {
            assert!(!shown.contains("s3cret"), "{shown}");
        }
        assert!(config.effective_toml().contains("secret_key = \"***\""));
        assert_eq!(config.metrics.token.unwrap().expose(), "s3cret");
    }

    #[test]
    fn the_defaults_are_those_of_the_contract() {
        let config = Config::default();
        assert_eq!(config.server.listen, ["[::]:8000".parse().unwrap()]);
        assert_eq!(config.server.site_url, "http://localhost:8000");
        assert_eq!(config.server.ping_endpoint(), "http://localhost:8000/ping/");
        assert_eq!(config.database.url.expose(), "sqlite:overdue.db");
        assert_eq!((config.database.max_connections, config.checks.max_count), (10, 10_000));
        let ping = &config.ping;
        assert_eq!((ping.body_limit, ping.log_limit, ping.max_per_minute), (10_000, 1000, 0));
        let kept = &config.retention;
        assert_eq!((kept.pings_days, kept.runs_days, kept.flips_days), (365, 365, 730));
        assert_eq!((kept.notifications_days, kept.requests_days), (90, 90));
        assert_eq!((config.checks.min_period, config.checks.min_grace), (60, 60));
        assert_eq!((config.api.requests_per_second, config.sessions.minutes), (50, 30));
        assert_eq!((config.tokens.max_count, config.tokens.max_days), (20, 365));
        assert_eq!(config.accounts.registration, Registration::Closed);
        assert!(config.detector.outage_amnesty && !config.outbound.allow_private);
        assert_eq!((config.smtp.max_bytes, config.mail.port), (1_048_576, 587));
        assert_eq!(config.mail.tls, MailTls::Starttls);
        assert_eq!((config.probes.min_interval, config.blacklist.interval), (1, 3600));
        assert_eq!(
            (config.log.format, config.log.level.as_str()),
            (crate::log::Format::Text, "info")
        );
    }
}
