//! The site as whoever asks sees it: what its links are built on, and whether a form was sent from
//! one of our own pages.

use http::Uri;
use http::header::HOST;
use http::request::Parts;

use super::assets;
use super::nav::{self, Nav};
use super::reader::Reader;
use super::theme::{self, Theme};
use crate::config::{Config, Server};
use crate::fault::Result;
use crate::http::origin;
use crate::http::peer::{Client, Connection, client_of};

/// The longest host that links are built on, in bytes: a DNS name and a port.
const LONGEST_HOST: usize = 261;

/// The site as one request sees it.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// What stands before every path of ours; no slash at its end, normally empty.
    pub(super) prefix: String,
    /// Scheme, host and prefix, with no slash at the end.
    pub(super) base: String,
    /// What ping URLs are built on; ends in a slash.
    pub(super) ping_endpoint: String,
    /// The client speaks HTTPS.
    pub(super) https: bool,
    /// The address of who is signed in, which stands on top of every page; none: nobody, or it was
    /// not looked for.
    pub(super) email: Option<String>,
    /// Who is signed in may administer the installation.
    pub(super) is_admin: bool,
    /// How dates and numbers are written for who reads.
    pub(super) reader: Reader,
    /// Light or dark.
    pub(super) theme: Theme,
    /// The project that the page belongs to, or that was looked at last; none where nobody is
    /// signed in or has a project.
    pub(super) nav: Option<Nav>,
    /// The path and query of this page, below the prefix.
    pub(super) here: String,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            base: String::new(),
            ping_endpoint: String::new(),
            https: false,
            email: None,
            is_admin: false,
            reader: Reader::default(),
            theme: Theme::System,
            nav: None,
            here: "/".to_owned(),
        }
    }
}

impl Site {
    /// The site as this request sees it: at `site_url`, or while that is the default, at the host
    /// that was asked for (configuration.md).
    pub(super) fn of(head: &Parts, config: &Config) -> Self {
        let client = client(head, config);
        let server = &config.server;
        let own_host = host(head, &client).filter(|_| server.site_url_is_default());
        let base = match own_host {
            Some(host) => format!("{}://{host}", if client.https { "https" } else { "http" }),
            None => server.site_url.clone(),
        };
        Self {
            prefix: server.path_prefix(),
            ping_endpoint: ping_endpoint(server, &base),
            base,
            https: client.https,
            reader: Reader::of(&head.headers),
            theme: theme::of(&head.headers),
            here: head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            ..Self::default()
        }
    }

    /// The theme, where one was chosen.
    pub(super) fn chosen_theme(&self) -> Option<&'static str> {
        Some(self.theme).filter(|theme| *theme != Theme::System).map(Theme::as_str)
    }

    /// The switch of the theme: each choice with its word and whether it is chosen.
    pub(super) fn themes(&self) -> Vec<(&'static str, &'static str, bool)> {
        let choice = |theme: &Theme| (theme.as_str(), theme.word(), *theme == self.theme);
        Theme::ALL.iter().map(choice).collect()
    }

    /// The sections of the project on top: their address below the prefix, their name, and whether
    /// the page is in it.
    pub(super) fn sections(&self) -> Vec<(String, &'static str, bool)> {
        let Some(nav) = &self.nav else { return Vec::new() };
        let link = |section| format!("/projects/{}/{section}", nav.uuid);
        nav::SECTIONS.map(|(name, word)| (link(name), word, nav.is_in(name))).to_vec()
    }

    /// Where a file of `assets/` is found; the address changes with its content.
    pub(super) fn asset(&self, name: &str) -> String {
        format!("{}/assets/{name}?v={}", self.prefix, assets::version_of(name))
    }

    /// The program's version.
    #[allow(clippy::unused_self, reason = "templates ask the site for it")]
    pub(super) fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}

fn ping_endpoint(server: &Server, base: &str) -> String {
    if server.ping_endpoint.is_some() {
        return server.ping_endpoint();
    }
    format!("{base}/ping/")
}

/// # Errors
/// The form was sent from another site's page, or may have been.
pub(super) fn check_origin(head: &Parts, config: &Config) -> Result<()> {
    let client = client(head, config);
    let own = origin::Own {
        client: &client,
        authority: head.uri.authority(),
        site_url: &config.server.site_url,
    };
    origin::check(&head.headers, own)
}

/// Who asks.
pub(super) fn client(head: &Parts, config: &Config) -> Client {
    // Only a caller that is not our listener leaves the connection out.
    let nobody = || Connection::new(([0, 0, 0, 0], 0).into(), false);
    let connection = head.extensions.get::<Connection>().copied().unwrap_or_else(nobody);
    client_of(&connection, &head.headers, &config.server.trusted_proxies)
}

/// The host that was asked for. It goes into lines that people paste into a shell, so that it may
/// hold nothing but what hosts are made of.
fn host(head: &Parts, client: &Client) -> Option<String> {
    let named = head.headers.get(HOST).and_then(|host| host.to_str().ok().map(str::to_owned));
    let host = client.host.clone().or_else(|| authority(&head.uri)).or(named)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    let fine = !host.is_empty() && host.len() <= LONGEST_HOST && host.bytes().all(plain);
    fine.then_some(host)
}

fn authority(uri: &Uri) -> Option<String> {
    uri.authority().map(|authority| authority.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn seen(config: &Config, host: &str, tls: bool) -> Site {
        let connection = Connection::new(([192, 0, 2, 1], 5).into(), tls);
        let request = Request::builder().header("host", host).extension(connection).body(());
        Site::of(&request.unwrap().into_parts().0, config)
    }

    #[test]
    fn links_are_built_on_the_host_that_was_asked_for_while_no_site_is_set() {
        let site = seen(&Config::default(), "intra:8000", false);
        assert_eq!((site.base.as_str(), site.prefix.as_str()), ("http://intra:8000", ""));
        assert_eq!(site.ping_endpoint, "http://intra:8000/ping/");
        let site = seen(&Config::default(), "[::1]:8443", true);
        assert_eq!(site.ping_endpoint, "https://[::1]:8443/ping/");
    }

    #[test]
    fn links_are_built_on_the_site_that_is_set() {
        let mut config = Config::default();
        config.server.site_url = "https://example.org/overdue".to_owned();
        let site = seen(&config, "intra:8000", false);
        assert_eq!(site.base, "https://example.org/overdue");
        assert_eq!(site.ping_endpoint, "https://example.org/overdue/ping/");
        assert!(site.asset("overdue.css").starts_with("/overdue/assets/overdue.css?v="));
        config.server.ping_endpoint = Some("https://ping.example.org".to_owned());
        assert_eq!(seen(&config, "intra", false).ping_endpoint, "https://ping.example.org/");
    }

    #[test]
    fn a_host_that_a_shell_would_read_otherwise_is_not_taken() {
        for host in ["$(reboot)", "a;b", "a'b", "a b", "user@host", ""] {
            assert_eq!(seen(&Config::default(), host, false).base, "http://localhost:8000");
        }
    }
}
