//! Where the server listens, what its links are built on, whom it trusts, and its log.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use url::Url;

use super::given::{Choice, Given};
use super::key::{Key, key};
use crate::log::Format;
use crate::secret::{MIN_KEY_LENGTH, Secret};

/// The site URL while nobody set one.
const DEFAULT_SITE_URL: &str = "http://localhost:8000";

/// Section `server`.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Addresses that speak plain HTTP; port 0 picks one.
    pub listen: Vec<SocketAddr>,
    /// Addresses that speak TLS.
    pub listen_tls: Vec<SocketAddr>,
    /// What links are built on, without a slash at its end.
    pub site_url: String,
    /// What ping URLs are built on, where it is not `{site_url}/ping/`; without a slash at its
    /// end. [`Server::ping_endpoint`] has the one to use.
    pub ping_endpoint: Option<String>,
    /// The certificate chain, a PEM file.
    pub tls_cert: Option<PathBuf>,
    /// Its private key, a PEM file.
    pub tls_key: Option<PathBuf>,
    /// Peers whose forwarded headers count.
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: default_listen(),
            listen_tls: vec![],
            site_url: DEFAULT_SITE_URL.to_owned(),
            ping_endpoint: None,
            tls_cert: None,
            tls_key: None,
            trusted_proxies: vec![],
        }
    }
}

fn default_listen() -> Vec<SocketAddr> {
    vec![SocketAddr::from((Ipv6Addr::UNSPECIFIED, 8000))]
}

impl Server {
    /// The path of the site URL under which everything is served, without a slash at its end:
    /// normally empty, `/overdue` where the site is `https://example.org/overdue`.
    #[must_use]
    pub fn path_prefix(&self) -> String {
        let path = Url::parse(&self.site_url).map(|url| url.path().to_owned()).unwrap_or_default();
        path.trim_end_matches('/').to_owned()
    }

    /// Whether the site URL is the built-in one: pages then build links on the request's own host.
    #[must_use]
    pub fn site_url_is_default(&self) -> bool {
        self.site_url == DEFAULT_SITE_URL
    }

    /// Whether it listens where it does by default: without IPv6 that falls back to `0.0.0.0`.
    #[must_use]
    pub fn listen_is_default(&self) -> bool {
        self.listen == default_listen()
    }

    /// What ping URLs are built on; ends in a slash.
    #[must_use]
    pub fn ping_endpoint(&self) -> String {
        match &self.ping_endpoint {
            Some(endpoint) => format!("{endpoint}/"),
            None => format!("{}/ping/", self.site_url),
        }
    }

    /// The certificate and key files, where both are set.
    #[must_use]
    pub fn tls_files(&self) -> Option<(&PathBuf, &PathBuf)> {
        self.tls_cert.as_ref().zip(self.tls_key.as_ref())
    }
}

/// Section `security`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Security {
    /// What tokens are signed and secrets encrypted with; without it, `overdue.key` is used.
    pub secret_key: Option<Secret>,
}

/// Section `log`.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// How lines look.
    pub format: Format,
    /// What is shown, as [`crate::log::check_level`] allows.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: Format::Text, level: "info".to_owned() }
    }
}

impl Choice for Format {
    const NAMES: &'static [(&'static str, Self)] = &[("text", Self::Text), ("json", Self::Json)];
}

pub(super) const SERVER: &[Key] = &[
    key!(server.listen, "Addresses to listen on for HTTP; port 0 picks one, and the log says which.",
        given => given.list(Given::socket)),
    key!(server.listen_tls, "Addresses to listen on for HTTPS; needs tls_cert and tls_key.",
        given => given.list(Given::socket)),
    key!(server.site_url, "What links are built on; a path in it is the prefix under which everything is served.",
        given => given.base_url()),
    key!(server.ping_endpoint, "What ping URLs are built on; without it, {site_url}/ping/.",
        given => given.optional(Given::base_url))
    .example(r#""https://ping.example.org/""#),
    key!(server.tls_cert, "Certificate chain for HTTPS, a PEM file; read again at SIGHUP.",
        given => given.optional(Given::path))
    .example(r#""/etc/overdue/cert.pem""#),
    key!(server.tls_key, "Private key of that certificate, a PEM file.",
        given => given.optional(Given::path))
    .example(r#""/etc/overdue/key.pem""#),
    key!(server.trusted_proxies, "Address ranges of reverse proxies whose forwarded headers count.",
        given => given.list(Given::network)),
];

pub(super) const SECURITY: &[Key] = &[key!(
    security.secret_key,
    "Signs tokens and encrypts secrets, at least 32 characters; without it, one is made and kept in overdue.key.",
    given => given.optional(|g| g.secret(MIN_KEY_LENGTH))
)
.secret()
.example(r#""put at least 32 random characters here""#)];

pub(super) const LOG: &[Key] = &[
    key!(log.format, "How log lines look: text or json.", given => given.choice()),
    key!(log.level, "What is logged: error, warn, info, debug, trace, or directives such as info,overdue::notify=debug.",
        given => level(&given.text()?)),
];

fn level(text: &str) -> Result<String, String> {
    crate::log::check_level(text).map(|()| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(url: &str) -> Server {
        Server { site_url: url.to_owned(), ..Server::default() }
    }

    #[test]
    fn the_path_of_the_site_is_the_prefix() {
        assert_eq!(Server::default().path_prefix(), "");
        assert_eq!(site("https://example.org/a/overdue").path_prefix(), "/a/overdue");
    }

    #[test]
    fn ping_urls_are_built_on_the_site_unless_an_endpoint_is_set() {
        assert_eq!(site("https://example.org/o").ping_endpoint(), "https://example.org/o/ping/");
        let endpoint = Some("https://ping.example.org".to_owned());
        let server = Server { ping_endpoint: endpoint, ..Server::default() };
        assert_eq!(server.ping_endpoint(), "https://ping.example.org/");
    }

    #[test]
    fn what_is_default_is_known() {
        assert!(Server::default().listen_is_default() && Server::default().site_url_is_default());
        assert!(!site("http://localhost:9000").site_url_is_default());
        let listen = vec!["[::]:9000".parse().unwrap()];
        assert!(!Server { listen, ..Server::default() }.listen_is_default());
    }
}
