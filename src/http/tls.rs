//! TLS for our own listeners: one certificate and its key from two PEM files, read again when
//! they change, so that a renewed certificate needs no restart. A new pair that can't be used
//! never replaces one that works. Nothing here may accept connections or know the configuration.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, ServerConfig};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How often [`watch()`] looks at the files.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Turns accepted connections into TLS ones. Clones share one certificate.
#[derive(Clone)]
pub struct Acceptor {
    handshakes: TlsAcceptor,
    pair: Arc<Pair>,
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor").field("pair", &self.pair).finish_non_exhaustive()
    }
}

impl Acceptor {
    /// Reads the PEM files `cert` (the server's certificate, then the intermediate ones) and
    /// `key`. Offers HTTP/2 and HTTP/1.1 by ALPN, TLS 1.2 and 1.3.
    ///
    /// # Errors
    /// The file, and what is wrong with it.
    pub fn from_files(cert: &Path, key: &Path) -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let pair = Arc::new(Pair::read(cert, key, provider.clone())?);
        let builder = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS can't be set up: {error}"))?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(pair.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { handshakes: TlsAcceptor::from(Arc::new(config)), pair })
    }

    /// The same certificate for another protocol than HTTP: no ALPN.
    #[must_use]
    pub fn for_mail(&self) -> Self {
        let mut config = ServerConfig::clone(self.handshakes.config());
        config.alpn_protocols.clear();
        Self { handshakes: TlsAcceptor::from(Arc::new(config)), pair: self.pair.clone() }
    }

    /// Reads the files again. True where they held a new pair, which all handshakes from now on
    /// use; false where they are as they were.
    ///
    /// # Errors
    /// The file, and what is wrong with it. The old pair stays in use.
    pub fn reload(&self) -> Result<bool, String> {
        self.pair.reload()
    }

    /// Shakes hands on an accepted connection. The caller bounds the time.
    pub(crate) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.handshakes.accept(stream).await
    }
}

/// Looks every two seconds whether the files changed, and takes the new pair over, until `stop`
/// is true or its sender is gone. A pair that can't be used is told of once, and the old one kept.
pub async fn watch(acceptor: Acceptor, mut stop: watch::Receiver<bool>) {
    let mut told = None;
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let acceptor = acceptor.clone();
        let looked = tokio::task::spawn_blocking(move || acceptor.reload()).await;
        let trouble = looked.unwrap_or_else(|panic| Err(panic.to_string())).err();
        if let Some(problem) = &trouble
            && told != trouble
        {
            tracing::warn!("the old TLS certificate stays in use: {problem}");
        }
        told = trouble;
    }
}

/// Two files, and the pair that was last read from them.
struct Pair {
    cert: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    current: RwLock<Loaded>,
}

/// A usable pair, and the bytes it was made from.
struct Loaded {
    bytes: (Vec<u8>, Vec<u8>),
    certified: Arc<CertifiedKey>,
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair")
            .field("cert", &self.cert)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Pair {
    fn read(cert: &Path, key: &Path, provider: Arc<CryptoProvider>) -> Result<Self, String> {
        let bytes = (contents(cert)?, contents(key)?);
        let certified = certify(&bytes, cert, key, &provider)?;
        let current = RwLock::new(Loaded { bytes, certified });
        Ok(Self { cert: cert.to_owned(), key: key.to_owned(), provider, current })
    }

    fn reload(&self) -> Result<bool, String> {
        let bytes = (contents(&self.cert)?, contents(&self.key)?);
        // A poisoned lock holds a whole value all the same: it is only ever replaced at once.
        if self.current.read().unwrap_or_else(PoisonError::into_inner).bytes == bytes {
            return Ok(false);
        }
        let certified = certify(&bytes, &self.cert, &self.key, &self.provider)?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Loaded { bytes, certified };
        tracing::info!("a new TLS certificate from {} is in use", self.cert.display());
        Ok(true)
    }
}

impl ResolvesServerCert for Pair {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Some(current.certified.clone())
    }
}

fn contents(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| format!("{} can't be read: {error}", file.display()))
}

/// Makes a pair of the two files' bytes, if they hold one.
fn certify(
    bytes: &(Vec<u8>, Vec<u8>),
    cert: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, String> {
    let chain = certificates(&bytes.0, cert)?;
    let private = PrivateKeyDer::from_pem_slice(&bytes.1).map_err(|error| match error {
        pem::Error::NoItemsFound => {
            format!("{} holds no private key: it must be an unencrypted PEM file", key.display())
        }
        other => format!("{} is no PEM file: {other}", key.display()),
    })?;
    let signer = provider
        .key_provider
        .load_private_key(private)
        .map_err(|error| format!("the private key in {} can't be used: {error}", key.display()))?;
    let certified = CertifiedKey::new(chain, signer);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {
            Ok(Arc::new(certified))
        }
        Err(rustls::Error::InconsistentKeys(_)) => Err(format!(
            "the key in {} does not belong to the first certificate in {}: put the server's own \
             certificate first, and name the key it was made with",
            key.display(),
            cert.display(),
        )),
        Err(error) => {
            Err(format!("the first certificate in {} can't be used: {error}", cert.display()))
        }
    }
}

fn certificates(pem: &[u8], file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("{} is no PEM file: {error}", file.display()))?;
    if chain.is_empty() {
        return Err(format!("{} holds no certificate: it must be a PEM file", file.display()));
    }
    Ok(chain)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A folder of its own with a self-signed pair in it, gone when dropped.
    pub(crate) struct Files {
        folder: PathBuf,
    }

    impl Files {
        pub(crate) fn new() -> Self {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let count = COUNT.fetch_add(1, Ordering::SeqCst);
            let name = format!("overdue-tls-{}-{count}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            std::fs::create_dir_all(&folder).unwrap();
            Self { folder }
        }

        pub(crate) fn cert(&self) -> PathBuf {
            self.folder.join("cert.pem")
        }

        pub(crate) fn key(&self) -> PathBuf {
            self.folder.join("key.pem")
        }

        /// Writes a fresh pair for `localhost`; gives back the certificate as DER.
        pub(crate) fn write_fresh_pair(&self) -> Vec<u8> {
            let fresh = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
            std::fs::write(self.cert(), fresh.cert.pem()).unwrap();
            std::fs::write(self.key(), fresh.signing_key.serialize_pem()).unwrap();
            fresh.cert.der().to_vec()
        }

        pub(crate) fn acceptor(&self) -> Result<Acceptor, String> {
            Acceptor::from_files(&self.cert(), &self.key())
        }
    }

    impl Drop for Files {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }

    fn in_use(acceptor: &Acceptor) -> Vec<u8> {
        acceptor.pair.current.read().unwrap().certified.cert[0].to_vec()
    }

    #[test]
    fn changed_files_are_taken_over_and_unchanged_ones_left_alone() {
        let files = Files::new();
        let first = files.write_fresh_pair();
        let acceptor = files.acceptor().unwrap();
        assert_eq!(in_use(&acceptor), first);
        assert_eq!(acceptor.reload(), Ok(false));
        let second = files.write_fresh_pair();
        assert_eq!(acceptor.reload(), Ok(true));
        assert_ne!(first, second);
        assert_eq!(in_use(&acceptor), second);
        assert_eq!(acceptor.reload(), Ok(false));
    }

    #[test]
    fn a_pair_that_does_not_fit_leaves_the_old_one_in_use() {
        let files = Files::new();
        let first = files.write_fresh_pair();
        let acceptor = files.acceptor().unwrap();
        let old_key = std::fs::read(files.key()).unwrap();
        files.write_fresh_pair();
        std::fs::write(files.key(), old_key).unwrap();
        let problem = acceptor.reload().unwrap_err();
        assert!(problem.contains("does not belong to the first certificate"), "{problem}");
        assert_eq!(in_use(&acceptor), first);
        std::fs::remove_file(files.cert()).unwrap();
        let problem = acceptor.reload().unwrap_err();
        assert!(problem.contains("cert.pem can't be read"), "{problem}");
        assert_eq!(in_use(&acceptor), first);
    }

    #[test]
    fn errors_name_the_file_and_what_is_wrong_with_it() {
        let files = Files::new();
        let missing = files.acceptor().unwrap_err();
        assert!(missing.contains("cert.pem can't be read"), "{missing}");

        files.write_fresh_pair();
        std::fs::write(files.cert(), "not PEM at all").unwrap();
        let empty = files.acceptor().unwrap_err();
        assert!(empty.contains("cert.pem holds no certificate"), "{empty}");

        files.write_fresh_pair();
        std::fs::write(files.key(), "").unwrap();
        let empty = files.acceptor().unwrap_err();
        assert!(empty.contains("key.pem holds no private key"), "{empty}");

        files.write_fresh_pair();
        let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        std::fs::write(files.cert(), junk).unwrap();
        let junk = files.acceptor().unwrap_err();
        assert!(junk.contains("the first certificate in"), "{junk}");
        assert!(junk.contains("cert.pem"), "{junk}");
    }

    #[tokio::test]
    async fn the_watch_takes_new_files_over_and_ends_on_stop() {
        let files = Files::new();
        files.write_fresh_pair();
        let acceptor = files.acceptor().unwrap();
        let (stop, stopped) = watch::channel(false);
        let watching = tokio::spawn(super::watch(acceptor.clone(), stopped));
        let second = files.write_fresh_pair();
        while in_use(&acceptor) != second {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.send(true).unwrap();
        watching.await.unwrap();
    }
}
