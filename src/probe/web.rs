//! Pages and certificates of web servers.

use http::header::{HOST, LOCATION, USER_AGENT};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use url::Url;

use super::found::{Found, Trouble};
use super::wire::Wire;
use crate::domain::monitor::{Device, Probe, WebScheme};
use crate::notify::outbound;

/// So many redirects are followed.
const MOST_REDIRECTS: usize = 5;
/// So much of a page is searched, in bytes.
const MOST_BYTES: usize = 1024 * 1024;

/// Where a page is asked for.
struct Place {
    scheme: WebScheme,
    /// Where the connection goes.
    host: String,
    port: u16,
    /// The name in the handshake of TLS.
    name: String,
    /// The header `Host`.
    header: String,
    path: String,
    /// Whether a certificate that does not hold is an error.
    is_strict: bool,
}

/// A page is asked for, and judged.
pub async fn page(wire: &Wire, device: &Device, probe: Probe) -> Found {
    let mut found = Found::default();
    let outcome = ask(wire, device, probe, &mut found).await;
    found.ended(outcome)
}

async fn ask(wire: &Wire, device: &Device, probe: Probe, found: &mut Found) -> Result<(), Trouble> {
    let mut place = Place::of(device, probe);
    let is_origin = probe == Probe::OriginHttp;
    for _ in 0..=MOST_REDIRECTS {
        let (status, location, body) = place.fetch(wire, device, found).await?;
        found.status_code = Some(status.as_u16());
        let is_expected = device.expect_status == Some(status.as_u16());
        let next = location.filter(|_| status.is_redirection() && !is_expected && !is_origin);
        if let Some(location) = next {
            place = place.moved(&location)?;
            continue;
        }
        return judge(device, status, &body);
    }
    Err(Trouble::bad(format!("more than {MOST_REDIRECTS} redirects")))
}

fn judge(device: &Device, status: StatusCode, body: &str) -> Result<(), Trouble> {
    let code = status.as_u16();
    match device.expect_status {
        Some(wanted) if wanted != code => {
            return Err(Trouble::bad(format!("status {code} instead of {wanted}")));
        }
        None if !(200..400).contains(&code) => {
            return Err(Trouble::bad(format!("status {code}")));
        }
        _ => {}
    }
    match &device.expect_body {
        Some(text) if !body.contains(text.as_str()) => {
            Err(Trouble::bad("the page does not have the text that it should have"))
        }
        _ => Ok(()),
    }
}

impl Place {
    fn of(device: &Device, probe: Probe) -> Self {
        let target = device.target_value.clone();
        let scheme = match probe {
            Probe::PublicHttp => WebScheme::Http,
            Probe::OriginHttp => device.origin_web_scheme(),
            _ => WebScheme::Https,
        };
        let (host, port) = match probe {
            Probe::OriginHttp => (
                device.origin_host.clone().unwrap_or_else(|| target.clone()),
                device.origin_port.unwrap_or_else(|| scheme.usual_port()),
            ),
            _ => (target.clone(), device.web_port(scheme)),
        };
        // The public name goes along, so that the server behind a proxy answers as for it.
        let public = if probe == Probe::OriginHttp { device.web_scheme() } else { scheme };
        let own = authority(&target, device.web_port(public), public);
        let header = device.host_header.clone().unwrap_or(own);
        let name = name_of(&header);
        let is_strict = probe != Probe::OriginHttp;
        Self { scheme, host, port, name, header, path: "/".to_owned(), is_strict }
    }

    /// Where a redirect leads.
    fn moved(&self, location: &str) -> Result<Self, Trouble> {
        let here = format!("{}://{}{}", self.scheme, self.header, self.path);
        let bad = || Trouble::bad("a redirect that leads nowhere");
        let url = Url::parse(&here).and_then(|url| url.join(location)).map_err(|_| bad())?;
        let scheme: WebScheme = url.scheme().parse().map_err(|_| bad())?;
        let host = url.host_str().ok_or_else(bad)?.trim_matches(['[', ']']).to_owned();
        let port = url.port().unwrap_or_else(|| scheme.usual_port());
        let header = authority(&host, port, scheme);
        // On the same host it stays at the port that is really asked.
        let is_here = header == self.header && scheme == self.scheme;
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let (host, port, name) = if is_here {
            (self.host.clone(), self.port, self.name.clone())
        } else {
            (host.clone(), port, host)
        };
        Ok(Self { scheme, host, port, name, header, path, is_strict: self.is_strict })
    }

    async fn fetch(
        &self,
        wire: &Wire,
        device: &Device,
        found: &mut Found,
    ) -> Result<(StatusCode, Option<String>, String), Trouble> {
        let stream = wire.connect(&self.host, self.port, found).await?;
        if self.scheme == WebScheme::Http {
            return self.talk(wire, device, stream, found).await;
        }
        let secured = wire.secure(stream, &self.name, found).await?;
        match secured.objection {
            Some(objection) if self.is_strict => Err(Trouble::Bad(objection)),
            _ => self.talk(wire, device, secured.stream, found).await,
        }
    }

    async fn talk(
        &self,
        wire: &Wire,
        device: &Device,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        found: &mut Found,
    ) -> Result<(StatusCode, Option<String>, String), Trouble> {
        let began = wire.steady();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(odd)?;
        let talk = tokio::spawn(connection);
        let answered = sender.send_request(self.request()?).await;
        found.phases.first_byte = Some(wire.steady() - began);
        let outcome = match answered {
            Ok(response) => {
                let status = response.status();
                let location = response.headers().get(LOCATION);
                let location = location.and_then(|v| v.to_str().ok()).map(str::to_owned);
                let wants_body = device.expect_body.is_some();
                let body =
                    if wants_body { read(response.into_body()).await } else { String::new() };
                Ok((status, location, body))
            }
            Err(error) => Err(odd(error)),
        };
        talk.abort();
        outcome
    }

    fn request(&self) -> Result<Request<Empty<Bytes>>, Trouble> {
        let uri: Uri = self.path.parse().map_err(|_| Trouble::bad("an address that is none"))?;
        Request::get(uri)
            .header(HOST, self.header.as_str())
            .header(USER_AGENT, outbound::USER_AGENT)
            .header(http::header::ACCEPT, "*/*")
            .body(Empty::new())
            .map_err(|_| Trouble::bad("a Host header that can't be sent"))
    }
}

/// The beginning of a page as text.
async fn read(mut body: Incoming) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < MOST_BYTES {
        match body.frame().await {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    bytes.extend_from_slice(data);
                }
            }
            // What came until it broke off is searched.
            _ => break,
        }
    }
    bytes.truncate(MOST_BYTES);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[allow(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn odd(error: hyper::Error) -> Trouble {
    let why = if error.is_incomplete_message() || error.is_canceled() {
        "the connection was closed without an answer".to_owned()
    } else if error.is_parse() {
        "the answer is no HTTP".to_owned()
    } else {
        format!("no answer: {error}")
    };
    Trouble::Bad(why)
}

fn authority(host: &str, port: u16, scheme: WebScheme) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    if port == scheme.usual_port() { host } else { format!("{host}:{port}") }
}

/// The host of a header `Host`.
fn name_of(header: &str) -> String {
    if let Some(rest) = header.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default().to_owned();
    }
    header.split(':').next().unwrap_or_default().to_owned()
}

/// A certificate is looked at, and judged: whether it holds for the public name, and for how long.
pub async fn certificate(wire: &Wire, device: &Device, probe: Probe) -> Found {
    let mut found = Found::default();
    let outcome = inspect(wire, device, probe, &mut found).await;
    found.ended(outcome)
}

async fn inspect(
    wire: &Wire,
    device: &Device,
    probe: Probe,
    found: &mut Found,
) -> Result<(), Trouble> {
    let (host, port) = if probe == Probe::OriginTls {
        let origin = device.origin_host.as_ref().unwrap_or(&device.target_value);
        (origin, device.origin_port.unwrap_or(443))
    } else {
        (&device.target_value, device.web_port(WebScheme::Https))
    };
    let name = match &device.host_header {
        Some(header) => name_of(header),
        None => device.target_value.clone(),
    };
    let stream = wire.connect(host, port, found).await?;
    let secured = wire.secure(stream, &name, found).await?;
    if let Some(objection) = secured.objection {
        return Err(Trouble::Bad(objection));
    }
    let certificate =
        secured.certificate.ok_or_else(|| Trouble::bad("a certificate that can't be read"))?;
    if certificate.days_left < device.tls_expiry_days {
        let days = certificate.days_left;
        let word = if days == 1 { "day" } else { "days" };
        return Err(Trouble::bad(format!("the certificate ends in {days} {word}")));
    }
    Ok(())
}
