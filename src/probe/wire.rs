//! Connections to what is probed: names looked up, addresses vetted, TLS spoken, each with its time.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::found::{Certificate, Found, Trouble};
use crate::clock::{Clock, Timestamp};
use crate::fault::{Fault, Result};
use crate::notify::outbound::Outbound;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// What every probe needs.
#[derive(Clone, Debug)]
pub struct Wire {
    outbound: Arc<Outbound>,
    clock: Clock,
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

/// A stream under TLS and what was seen of the certificate.
pub struct Secured {
    /// The stream.
    pub stream: TlsStream<TcpStream>,
    /// The certificate; none where it can't be read.
    pub certificate: Option<Certificate>,
    /// What speaks against it; none: nothing.
    pub objection: Option<String>,
}

impl Wire {
    /// The wire with the certificate authorities of this system.
    #[must_use]
    pub fn new(outbound: Arc<Outbound>, clock: Clock) -> Self {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        let (added, _) = roots.add_parsable_certificates(found.certs);
        if added == 0 {
            tracing::warn!(
                "no certificate authorities on this system: no certificate can be trusted"
            );
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Self { outbound, clock, roots: Arc::new(roots), provider }
    }

    /// Microseconds of the steady clock.
    #[must_use]
    pub fn steady(&self) -> i64 {
        self.clock.steady_micros()
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The addresses of a host that may be connected to.
    ///
    /// # Errors
    /// It has none, or none that may be.
    pub async fn addresses(&self, host: &str, found: &mut Found) -> Result<Vec<IpAddr>, Trouble> {
        let began = self.steady();
        let addresses = self.outbound.addresses(host).await.map_err(Trouble::Bad)?;
        if host.parse::<IpAddr>().is_err() {
            add(&mut found.phases.dns, self.steady() - began);
        }
        Ok(addresses)
    }

    /// A connection to the first of the addresses that takes one.
    ///
    /// # Errors
    /// None does.
    pub async fn connect(
        &self,
        host: &str,
        port: u16,
        found: &mut Found,
    ) -> Result<TcpStream, Trouble> {
        let addresses = self.addresses(host, found).await?;
        let began = self.steady();
        let mut failed = None;
        for address in addresses {
            match TcpStream::connect(SocketAddr::new(address, port)).await {
                Ok(stream) => {
                    // Only delays, where it can't be set.
                    let _ = stream.set_nodelay(true);
                    add(&mut found.phases.connect, self.steady() - began);
                    return Ok(stream);
                }
                Err(error) => failed = Some(error),
            }
        }
        let why = failed.map_or_else(|| "no address".to_owned(), |error| in_words(&error));
        Err(Trouble::bad(format!("no connection to port {port}: {why}")))
    }

    /// Speaks TLS on a connection. The handshake goes through whatever the certificate is like: what
    /// speaks against it is told beside the stream.
    ///
    /// # Errors
    /// There is no handshake.
    pub async fn secure(
        &self,
        stream: TcpStream,
        name: &str,
        found: &mut Found,
    ) -> Result<Secured, Trouble> {
        let began = self.steady();
        let server = ServerName::try_from(name.to_owned())
            .map_err(|_| Trouble::bad(format!("{name} is no name for TLS")))?;
        let witness = Arc::new(Witness::new(&self.roots, &self.provider));
        let config = self.config(&witness).map_err(|fault| Trouble::Void(fault.to_string()))?;
        let stream = TlsConnector::from(Arc::new(config))
            .connect(server, stream)
            .await
            .map_err(|error| Trouble::bad(format!("no TLS handshake: {}", in_words(&error))))?;
        add(&mut found.phases.tls, self.steady() - began);
        let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let certificate = self.read(shown);
        found.certificate.clone_from(&certificate);
        Ok(Secured { certificate, objection: witness.objection(), stream })
    }

    fn config(&self, witness: &Arc<Witness>) -> Result<ClientConfig> {
        let verifier: Arc<dyn ServerCertVerifier> = Arc::<Witness>::clone(witness);
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(Fault::internal)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(config)
    }

    fn read(&self, shown: &[CertificateDer<'_>]) -> Option<Certificate> {
        let (_, leaf) = X509Certificate::from_der(shown.first()?).ok()?;
        let ends_at = leaf.validity().not_after.timestamp();
        let now = self.now().epoch_seconds();
        Some(Certificate {
            subject: leaf.subject().to_string(),
            issuer: leaf.issuer().to_string(),
            ends_at,
            days_left: (ends_at - now).div_euclid(DAY),
            chain: shown.len(),
        })
    }
}

fn add(phase: &mut Option<i64>, took: i64) {
    *phase = Some(phase.unwrap_or(0) + took);
}

/// What went wrong on a connection, in words.
#[must_use]
pub fn in_words(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused => "it was refused".to_owned(),
        ErrorKind::ConnectionReset => "it was reset".to_owned(),
        ErrorKind::UnexpectedEof => "it was closed too early".to_owned(),
        ErrorKind::TimedOut => "it took too long".to_owned(),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "there is no way".to_owned(),
        _ => error.to_string(),
    }
}

/// Judges a certificate as a browser would, and lets the handshake go on all the same, so that it can
/// be told what the certificate is like.
#[derive(Debug)]
struct Witness {
    /// None where this system has no authorities.
    judge: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    objection: Mutex<Option<String>>,
}

impl Witness {
    fn new(roots: &Arc<RootCertStore>, provider: &Arc<CryptoProvider>) -> Self {
        let builder =
            WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(provider));
        Self {
            judge: builder.build().ok(),
            provider: Arc::clone(provider),
            objection: Mutex::default(),
        }
    }

    fn objection(&self) -> Option<String> {
        self.objection.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let judged = self.judge.as_ref().map(|judge| {
            judge.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        });
        let objection = match judged {
            Some(Ok(_)) => None,
            Some(Err(error)) => Some(objection(&error)),
            None => Some("this system knows no certificate authorities".to_owned()),
        };
        *self.objection.lock().unwrap_or_else(PoisonError::into_inner) = objection;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn objection(error: &rustls::Error) -> String {
    use rustls::CertificateError;
    match error {
        rustls::Error::InvalidCertificate(why) => match why {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the certificate has ended".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the certificate does not hold yet".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the certificate is for another name".to_owned()
            }
            CertificateError::UnknownIssuer => {
                "the certificate is signed by nobody whom this system trusts".to_owned()
            }
            CertificateError::BadSignature => {
                "the certificate has a signature that does not hold".to_owned()
            }
            CertificateError::Revoked => "the certificate was revoked".to_owned(),
            other => format!("the certificate does not hold: {other}"),
        },
        other => format!("the certificate does not hold: {other}"),
    }
}
