//! A device: a host or a service that is probed, and how.

use serde::{Deserialize, Serialize};

use super::super::text_enum;
use super::target::{check_target, host};
use crate::fault::{Fault, Result};

/// The longest texts of a device, in characters.
const LONGEST_TEXT: usize = 1000;
/// The longest interval, in seconds.
const LONGEST_INTERVAL: i64 = 86_400;

text_enum! {
    /// What answers there.
    ServiceType {
        /// A web server.
        Web => "web",
        /// An SSH server.
        Ssh => "ssh",
        /// A mail server.
        Smtp => "smtp",
        /// A mailbox by IMAP.
        Imap => "imap",
        /// A mailbox by POP3.
        Pop3 => "pop3",
        /// An FTP server.
        Ftp => "ftp",
        /// A name server.
        Dns => "dns",
        /// Anything that takes connections.
        Tcp => "tcp",
        /// The host itself, by ICMP.
        Ping => "ping",
    }
}

text_enum! {
    /// How a web server is asked.
    WebScheme {
        /// In the clear.
        Http => "http",
        /// Under TLS.
        Https => "https",
    }
}

text_enum! {
    /// One question to a device.
    Probe {
        /// A page over HTTP, as everybody gets it.
        PublicHttp => "public_http",
        /// A page over HTTPS, as everybody gets it.
        PublicHttps => "public_https",
        /// The certificate that everybody is shown.
        PublicTls => "public_tls",
        /// A page from the server behind a proxy.
        OriginHttp => "origin_http",
        /// The certificate of the server behind a proxy.
        OriginTls => "origin_tls",
        /// The service at its port.
        Port => "port",
    }
}

impl ServiceType {
    /// The port that is assigned to it; none where there is none.
    #[must_use]
    pub fn usual_port(self) -> Option<u16> {
        Some(match self {
            Self::Ssh => 22,
            Self::Smtp => 25,
            Self::Imap => 143,
            Self::Pop3 => 110,
            Self::Ftp => 21,
            Self::Dns => 53,
            Self::Web | Self::Tcp | Self::Ping => return None,
        })
    }
}

impl WebScheme {
    /// The port that is assigned to it.
    #[must_use]
    pub fn usual_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// What is set about a device, save whose it is and whether it is watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools, reason = "the contract's flags, each for itself")]
pub struct Device {
    /// `domain` or `ip`.
    pub target_type: String,
    /// The name or address.
    pub target_value: String,
    /// What answers there.
    pub service_type: String,
    /// `http` or `https` of a web server; none of anything else.
    pub scheme: Option<String>,
    /// The port; none: the usual one.
    pub port: Option<u16>,
    /// The header `Host`, where it is not the target.
    pub host_header: Option<String>,
    /// The target is a proxy: the server behind it is `origin_host`.
    pub proxy_enabled: bool,
    /// The server behind the proxy.
    pub origin_host: Option<String>,
    /// How it is asked.
    pub origin_scheme: Option<String>,
    /// Its port.
    pub origin_port: Option<u16>,
    /// Whether each of the probes is made.
    pub check_public_http: bool,
    /// See [`Probe::PublicHttps`].
    pub check_public_https: bool,
    /// See [`Probe::PublicTls`].
    pub check_public_tls: bool,
    /// See [`Probe::OriginHttp`].
    pub check_origin_http: bool,
    /// See [`Probe::OriginTls`].
    pub check_origin_tls: bool,
    /// The status that a page must have; none: any from 200 to 399, redirects followed.
    pub expect_status: Option<u16>,
    /// A text that must stand in the page.
    pub expect_body: Option<String>,
    /// A note.
    pub location: Option<String>,
    /// Seconds between two looks.
    pub interval: i64,
    /// Seconds that one look may take.
    pub timeout: i64,
    /// So many more results have to agree before it is up or down.
    pub retries: i64,
    /// A certificate that ends within so many days counts as bad.
    pub tls_expiry_days: i64,
}

impl Default for Device {
    fn default() -> Self {
        Self {
            target_type: String::new(),
            target_value: String::new(),
            service_type: String::new(),
            scheme: None,
            port: None,
            host_header: None,
            proxy_enabled: false,
            origin_host: None,
            origin_scheme: None,
            origin_port: None,
            check_public_http: false,
            check_public_https: false,
            check_public_tls: false,
            check_origin_http: false,
            check_origin_tls: false,
            expect_status: None,
            expect_body: None,
            location: None,
            interval: 60,
            timeout: 10,
            retries: 2,
            tls_expiry_days: 14,
        }
    }
}

impl Device {
    /// The settings as they are kept: names in lower case, defaults filled in, `min_interval` being the
    /// shortest interval that the server allows.
    ///
    /// # Errors
    /// [`Fault::Invalid`]: a field that does not fit, and what is allowed in it.
    pub fn checked(mut self, min_interval: i64) -> Result<Self> {
        self.target_value = check_target(&self.target_type, self.target_value.trim())?;
        let service: ServiceType =
            self.service_type.parse().map_err(|reason| Fault::invalid("service_type", reason))?;
        let is_web = service == ServiceType::Web;
        self.scheme = scheme("scheme", self.scheme.take().filter(|_| is_web))?;
        self.origin_scheme = scheme("origin_scheme", self.origin_scheme.take())?;
        for (field, port) in [("port", self.port), ("origin_port", self.origin_port)] {
            if port == Some(0) {
                return Err(Fault::invalid(field, "must be from 1 to 65535"));
            }
        }
        if service == ServiceType::Tcp && self.port.is_none() {
            return Err(Fault::invalid("port", "must be given: a tcp service has no usual port"));
        }
        self.check_texts()?;
        self.check_numbers(min_interval)?;
        if is_web {
            self.choose_probes()?;
        } else if self.flags().into_iter().any(|(_, flag)| flag) {
            return Err(Fault::invalid(
                "service_type",
                "must be web where a check_* flag is set: the flags are about web servers",
            ));
        }
        Ok(self)
    }

    fn check_texts(&mut self) -> Result<()> {
        let texts = [
            ("host_header", &mut self.host_header),
            ("expect_body", &mut self.expect_body),
            ("location", &mut self.location),
        ];
        for (field, text) in texts {
            *text = text.take().filter(|text| !text.is_empty());
            let too_long = text.as_ref().is_some_and(|text| text.chars().count() > LONGEST_TEXT);
            if too_long {
                let reason = format!("must have at most {LONGEST_TEXT} characters");
                return Err(Fault::invalid(field, reason));
            }
        }
        let is_host = |text: &String| {
            let (host_part, port) = text.rsplit_once(':').unwrap_or((text, "80"));
            host(host_part).is_some() && port.parse::<u16>().is_ok()
        };
        if self.host_header.as_ref().is_some_and(|text| !is_host(text)) {
            return Err(Fault::invalid("host_header", "must be a host name, such as example.org"));
        }
        self.origin_host = self.origin_host.take().filter(|text| !text.is_empty());
        if let Some(origin) = &mut self.origin_host {
            let reason = "must be a host name or an address";
            *origin = host(origin.trim()).ok_or_else(|| Fault::invalid("origin_host", reason))?;
        }
        Ok(())
    }

    fn check_numbers(&self, min_interval: i64) -> Result<()> {
        let all = [
            ("interval", self.interval, min_interval, LONGEST_INTERVAL),
            ("timeout", self.timeout, 1, 60),
            ("retries", self.retries, 0, 10),
            ("tls_expiry_days", self.tls_expiry_days, 0, 3650),
        ];
        for (field, value, from, to) in all {
            if !(from..=to).contains(&value) {
                return Err(Fault::invalid(field, format!("must be from {from} to {to}")));
            }
        }
        if self.expect_status.is_some_and(|status| !(100..=599).contains(&status)) {
            return Err(Fault::invalid("expect_status", "must be a status from 100 to 599"));
        }
        Ok(())
    }

    /// Without any flag, those of the scheme; a probe of the origin needs one.
    fn choose_probes(&mut self) -> Result<()> {
        if !self.flags().into_iter().any(|(_, flag)| flag) {
            if self.scheme.as_deref() == Some(WebScheme::Http.as_str()) {
                self.check_public_http = true;
            } else {
                self.check_public_https = true;
                self.check_public_tls = true;
            }
        }
        if (self.check_origin_http || self.check_origin_tls) && self.origin_host.is_none() {
            return Err(Fault::invalid(
                "origin_host",
                "must be given where check_origin_http or check_origin_tls is set",
            ));
        }
        if self.scheme.is_none() {
            let is_plain = self.check_public_http && !self.check_public_https;
            let scheme = if is_plain { WebScheme::Http } else { WebScheme::Https };
            self.scheme = Some(scheme.as_str().to_owned());
        }
        Ok(())
    }

    fn flags(&self) -> [(Probe, bool); 5] {
        [
            (Probe::PublicHttp, self.check_public_http),
            (Probe::PublicHttps, self.check_public_https),
            (Probe::PublicTls, self.check_public_tls),
            (Probe::OriginHttp, self.check_origin_http),
            (Probe::OriginTls, self.check_origin_tls),
        ]
    }

    /// What answers there; of settings that were never checked, anything that takes connections.
    #[must_use]
    pub fn service(&self) -> ServiceType {
        self.service_type.parse().unwrap_or(ServiceType::Tcp)
    }

    /// The questions that each look asks.
    #[must_use]
    pub fn probes(&self) -> Vec<Probe> {
        if self.service() != ServiceType::Web {
            return vec![Probe::Port];
        }
        self.flags().into_iter().filter(|(_, flag)| *flag).map(|(probe, _)| probe).collect()
    }

    /// The scheme of the target, where it is a web server.
    #[must_use]
    pub fn web_scheme(&self) -> WebScheme {
        self.scheme.as_deref().and_then(|s| s.parse().ok()).unwrap_or(WebScheme::Https)
    }

    /// The scheme of the server behind the proxy: its own, or the target's.
    #[must_use]
    pub fn origin_web_scheme(&self) -> WebScheme {
        let own = self.origin_scheme.as_deref().and_then(|s| s.parse().ok());
        own.unwrap_or_else(|| self.web_scheme())
    }

    /// The port that a question of this scheme goes to. A port that is set is that of the device's own
    /// scheme; the other one keeps its usual port.
    #[must_use]
    pub fn web_port(&self, scheme: WebScheme) -> u16 {
        self.port.filter(|_| scheme == self.web_scheme()).unwrap_or_else(|| scheme.usual_port())
    }

    /// What two devices of a user must not share.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let port = |port: Option<u16>| port.map_or_else(String::new, |port| port.to_string());
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        [
            self.target_type.clone(),
            self.target_value.clone(),
            self.service_type.clone(),
            text(&self.scheme),
            port(self.port),
            text(&self.origin_host),
            text(&self.origin_scheme),
            port(self.origin_port),
        ]
        .join(" ")
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> String {
        let what = match self.service() {
            ServiceType::Web => text_of(self.web_scheme()),
            other => other.as_str(),
        };
        let port = self.port.map_or_else(String::new, |port| format!(":{port}"));
        let is_bracketed = self.port.is_some() && self.target_value.contains(':');
        let target = if is_bracketed {
            format!("[{}]", self.target_value)
        } else {
            self.target_value.clone()
        };
        format!("{target}{port} ({what})")
    }
}

fn text_of(scheme: WebScheme) -> &'static str {
    scheme.as_str()
}

fn scheme(field: &str, given: Option<String>) -> Result<Option<String>> {
    let Some(text) = given.filter(|text| !text.is_empty()) else { return Ok(None) };
    let scheme: WebScheme =
        text.to_ascii_lowercase().parse().map_err(|reason| Fault::invalid(field, reason))?;
    Ok(Some(scheme.as_str().to_owned()))
}
