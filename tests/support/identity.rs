//! Who a server is under TLS.

use std::fs;

use reqwest::Certificate;

use super::folder::Folder;
use super::server::http_client_builder;

/// A certificate for this machine and its key, both as PEM.
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    key: String,
}

impl Identity {
    /// A new one.
    pub fn new() -> Self {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        Self { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }

    /// Writes `cert.pem` and `key.pem`.
    pub fn write(&self, folder: &Folder) {
        fs::write(folder.file("cert.pem"), &self.certificate).unwrap();
        fs::write(folder.file("key.pem"), &self.key).unwrap();
    }

    /// A client that trusts this certificate and no other, and shakes hands for each request.
    pub fn client(&self) -> reqwest::ClientBuilder {
        let certificate = Certificate::from_pem(self.certificate.as_bytes()).unwrap();
        http_client_builder().tls_certs_only([certificate]).pool_max_idle_per_host(0)
    }
}
