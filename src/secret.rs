//! The one source of randomness and of keys: random values, password hashes, and the keys that are
//! derived from `security.secret_key`, which sign tokens and seal what must not lie readable in the
//! database. It knows no SQL and no HTTP; nothing here shows a secret in its `Debug` form.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error as PasswordError, PasswordHasher, PasswordVerifier};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::{Semaphore, oneshot};
use uuid::Uuid;

use crate::fault::{Fault, Result};

/// The shortest text taken as `security.secret_key`, in characters.
pub const MIN_KEY_LENGTH: usize = 32;

/// The name of the file that keeps a generated key.
pub const KEY_FILE: &str = "overdue.key";

/// The name of the file that keeps the next key while the old one is being replaced.
pub const NEXT_KEY_FILE: &str = "overdue.key.new";

/// A text that must not be shown: in `Debug` and `Display` it is `***`.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        equal_in_constant_time(self.0.as_bytes(), other.0.as_bytes())
    }
}

impl Eq for Secret {}

// ---- Randomness

/// `N` bytes that nobody can guess.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes);
    bytes
}

/// `N` random bytes as base64url without padding: fit for URLs, headers and file names.
#[must_use]
pub fn random_text<const N: usize>() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<N>())
}

/// A random (version 4) UUID; its `Display` is the canonical lower-case form.
#[must_use]
pub fn random_uuid() -> Uuid {
    uuid::Builder::from_random_bytes(random_bytes()).into_uuid()
}

/// A ping key: 128 random bits in 22 characters of base64url.
#[must_use]
pub fn random_ping_key() -> String {
    random_text::<16>()
}

/// A new text for `security.secret_key`: 256 random bits in 43 characters of base64url.
#[must_use]
pub fn random_secret_key() -> Secret {
    Secret(random_text::<32>())
}

/// Crockford's base32: no I, L, O or U, so that nobody mistypes what they read.
const CODE_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A one-time code for people to type, 100 random bits: `7QK2M-X04VB-9RT3E-HZ8WN`. Keep the hash
/// of its [`normalise_code`] form only.
#[must_use]
pub fn random_code() -> String {
    let letters: Vec<char> = random_bytes::<20>()
        .iter()
        .map(|b| char::from(CODE_ALPHABET[usize::from(b & 31)]))
        .collect();
    let groups: Vec<String> = letters.chunks(5).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

/// The form in which codes are compared: what separates groups is dropped, letters are upper case,
/// and those that look like a digit (`O`, `I`, `L`) are that digit.
#[must_use]
pub fn normalise_code(typed: &str) -> String {
    let upper = typed.chars().filter(|c| !c.is_whitespace() && *c != '-');
    upper
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect()
}

// ---- Hashes and comparison

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| char::from(DIGITS[usize::from(n)]);
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

/// The bytes that hexadecimal digits stand for; none where there are others among them.
#[must_use]
pub fn unhex(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|n| u8::try_from(n).ok());
    let byte = |two: &[u8]| match two {
        [high, low] => Some(value(*high)? << 4 | value(*low)?),
        _ => None,
    };
    digits.as_bytes().chunks(2).map(byte).collect()
}

/// SHA-256 as 64 hexadecimal digits: for random keys and codes that are looked up by their hash.
/// Passwords, which can be guessed, go to [`hash_password`].
#[must_use]
pub fn sha256_hex(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

/// Whether two byte strings are equal, in a time that tells at most their length.
#[must_use]
pub fn equal_in_constant_time(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

// ---- Passwords

/// How many passwords are hashed at the same time. Each takes 19 MiB and a core for a while, so that
/// a flood of sign-ins must queue here and not eat the machine.
static HASHING: Semaphore = Semaphore::const_new(2);

/// An Argon2id hash of a password with a random salt, as a PHC string; off the async threads.
///
/// # Errors
/// [`Fault::Internal`] where the hash can't be made.
pub async fn hash_password(password: &str) -> Result<String> {
    let password = Secret::new(password);
    hashing(move || hash_now(&password)).await
}

/// Whether a password fits a PHC string from [`hash_password`]. `None` stands for a user who does
/// not exist: the answer is no, after the same amount of work, so that time tells nothing.
///
/// # Errors
/// [`Fault::Internal`] where the stored hash is no PHC string of Argon2.
pub async fn verify_password(password: &str, stored: Option<&str>) -> Result<bool> {
    let password = Secret::new(password);
    let stored = stored.map(str::to_owned);
    hashing(move || match stored {
        Some(stored) => verify_now(&password, &stored),
        None => hash_now(&password).map(|_| false),
    })
    .await
}

/// Runs one hash on a thread of its own. The memory that it takes stays with the part of the allocator
/// that its thread used, which the next such thread takes over; the threads of the pool that is there
/// for blocking work would keep as much each.
async fn hashing<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let turn = HASHING.acquire().await.map_err(Fault::internal)?;
    let (done, outcome) = oneshot::channel();
    let in_turn = move || {
        // Kept to the end of the work, even where nobody waits for it any more.
        let _turn = turn;
        let _ = done.send(work());
    };
    thread::Builder::new().name("password".to_owned()).spawn(in_turn).map_err(Fault::internal)?;
    outcome.await.map_err(Fault::internal)?
}

fn hash_now(password: &Secret) -> Result<String> {
    let salt = random_bytes::<16>();
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(password.expose().as_bytes(), &salt)
        .map_err(|error| Fault::internal(format!("hashing a password: {error}")))?;
    Ok(hash.to_string())
}

fn verify_now(password: &Secret, stored: &str) -> Result<bool> {
    let broken = |error: &dyn fmt::Display| {
        Fault::internal(format!("a stored password hash is broken: {error}"))
    };
    let hash = PasswordHash::new(stored).map_err(|error| broken(&error))?;
    match Argon2::default().verify_password(password.expose().as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(PasswordError::PasswordInvalid) => Ok(false),
        Err(error) => Err(broken(&error)),
    }
}

// ---- Keys

/// The keys that come from one `security.secret_key`, each bound to its purpose: to know one of
/// them tells nothing about the others.
#[derive(Clone)]
pub struct Keyring {
    root: Hkdf<Sha256>,
}

/// What a sealed text begins with: the way it was sealed, so that another can follow one day.
const SEAL_VERSION: &str = "v1.";

/// Bytes of an `XChaCha20` nonce: long enough to be drawn at random for ever.
const NONCE_LENGTH: usize = 24;

impl Keyring {
    /// The keys of a secret key's text.
    #[must_use]
    pub fn new(secret_key: &Secret) -> Self {
        let root = Hkdf::<Sha256>::new(Some(b"overdue"), secret_key.expose().as_bytes());
        Self { root }
    }

    /// The 32-byte key for a purpose.
    #[must_use]
    #[allow(clippy::missing_panics_doc, reason = "it can't: see below")]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut key = [0; 32];
        // HKDF-SHA256 fails only where more than 8160 bytes are asked for.
        self.root.expand(purpose.as_bytes(), &mut key).expect("32 bytes are within HKDF's bound");
        key
    }

    /// The key that signs tokens (HS256).
    #[must_use]
    pub fn token_key(&self) -> [u8; 32] {
        self.derive("token")
    }

    /// 16 hexadecimal digits that tell whether two processes have the same key, and nothing about
    /// the key itself. The database holds it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex(&self.derive("fingerprint")[..8])
    }

    /// Encrypts `plain` with `XChaCha20-Poly1305` under a random nonce. The text can be opened only
    /// with the same `context`, which says where it belongs (a table, column and row, say), so that
    /// one row's secret can't be passed off as another's.
    #[must_use]
    #[allow(clippy::missing_panics_doc, reason = "it can't: see below")]
    pub fn seal(&self, context: &str, plain: &[u8]) -> String {
        let nonce = random_bytes::<NONCE_LENGTH>();
        let payload = Payload { msg: plain, aad: context.as_bytes() };
        // The cipher refuses only messages of more than 256 GiB, which don't fit in memory.
        let cipher = self.cipher().encrypt(&nonce.into(), payload).expect("the message is short");
        format!("{SEAL_VERSION}{}", URL_SAFE_NO_PAD.encode([&nonce[..], &cipher].concat()))
    }

    /// Decrypts what [`Keyring::seal`] made with the same key and context.
    ///
    /// # Errors
    /// [`Fault::Internal`] where the text was sealed with another key or context, or was changed.
    pub fn open(&self, context: &str, sealed: &str) -> Result<Vec<u8>> {
        self.try_open(context, sealed).ok_or_else(|| {
            Fault::internal(format!(
                "{context}: this secret can't be decrypted: it was changed, or sealed under another \
                 security.secret_key"
            ))
        })
    }

    fn try_open(&self, context: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed.strip_prefix(SEAL_VERSION)?).ok()?;
        let (nonce, cipher) = bytes.split_first_chunk::<NONCE_LENGTH>()?;
        let payload = Payload { msg: cipher, aad: context.as_bytes() };
        self.cipher().decrypt(&(*nonce).into(), payload).ok()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.derive("seal").into())
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({})", self.fingerprint())
    }
}

// ---- The key's file

/// A secret key and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySource {
    /// The key's text.
    pub key: Secret,
    /// Where it was found.
    pub origin: KeyOrigin,
}

/// Where a secret key was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOrigin {
    /// `security.secret_key` is set.
    Configured,
    /// Read from this file.
    File(PathBuf),
    /// Just made, and kept in this file.
    Created(PathBuf),
}

impl fmt::Display for KeyOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configured => f.write_str("security.secret_key"),
            Self::File(path) | Self::Created(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The configured key; without one, that of `overdue.key` in `folder`, which is made (mode 0600) if
/// there is none. Of several processes that start at once one makes it, and all have the same.
///
/// # Errors
/// [`Fault::Invalid`] for `security.secret_key` where the file can't be made or read, or holds too
/// short a text; the reason says what to do.
pub fn load_or_create_key(configured: Option<&Secret>, folder: &Path) -> Result<KeySource> {
    if let Some(key) = configured {
        return Ok(KeySource { key: key.clone(), origin: KeyOrigin::Configured });
    }
    let path = folder.join(KEY_FILE);
    let created = !path.exists() && create_key(&path)?;
    let key = read_key(&path)?;
    let origin = if created { KeyOrigin::Created(path) } else { KeyOrigin::File(path) };
    Ok(KeySource { key, origin })
}

/// The key in this file in `folder`; none where there is no such file.
///
/// # Errors
/// [`Fault::Invalid`] for `security.secret_key` where it can't be read or is too short.
pub fn key_in(folder: &Path, name: &str) -> Result<Option<Secret>> {
    let path = folder.join(name);
    if path.exists() { read_key(&path).map(Some) } else { Ok(None) }
}

/// Keeps `key` in `overdue.key.new` in `folder`, whole or not at all, in place of what is there:
/// the first step of replacing a key. [`take_over_next_key`] is the last.
///
/// # Errors
/// [`Fault::Invalid`] for `security.secret_key` where the file can't be written.
pub fn keep_next_key(folder: &Path, key: &Secret) -> Result<()> {
    let path = folder.join(NEXT_KEY_FILE);
    let failed = |error: io::Error| cannot("write", &path, &error);
    let aside = write_aside(&folder.join(KEY_FILE), key).map_err(failed)?;
    fs::rename(&aside, &path).and_then(|()| sync_folder(folder)).map_err(failed)
}

/// Puts what [`keep_next_key`] kept in place of `overdue.key`, in one step. The old key stays beside
/// it under a name with its fingerprint, for copies of the database that were made before: the path
/// that it has then. May be repeated.
///
/// # Errors
/// [`Fault::Invalid`] for `security.secret_key` where the files can't be changed.
pub fn take_over_next_key(folder: &Path, old_fingerprint: &str) -> Result<PathBuf> {
    let path = folder.join(KEY_FILE);
    let old = folder.join(format!("{KEY_FILE}.{old_fingerprint}"));
    let linked = match fs::hard_link(&path, &old) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    };
    linked
        .and_then(|()| fs::rename(folder.join(NEXT_KEY_FILE), &path))
        .and_then(|()| sync_folder(folder))
        .map_err(|error| cannot("replace", &path, &error))?;
    Ok(old)
}

/// A key that somebody made and hands over: the first line of a text.
///
/// # Errors
/// [`Fault::Invalid`] for `field` where it is too short.
pub fn given_key(field: &str, text: &str) -> Result<Secret> {
    let key = text.lines().next().unwrap_or_default();
    if key.chars().count() < MIN_KEY_LENGTH {
        let reason = format!("must hold at least {MIN_KEY_LENGTH} characters in one line");
        return Err(Fault::invalid(field, reason));
    }
    Ok(Secret::new(key))
}

/// Makes a key file unless another process is faster; says whether it was us. The file appears
/// whole or not at all: a hard link replaces nothing and shows nothing half written.
fn create_key(path: &Path) -> Result<bool> {
    let failed = |error: io::Error| cannot("create", path, &error);
    let aside = write_aside(path, &random_secret_key()).map_err(failed)?;
    let linked = fs::hard_link(&aside, path);
    fs::remove_file(&aside).map_err(failed)?;
    match linked {
        Ok(()) => {
            sync_folder(path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

/// Writes a key to a new file of its own beside `path`, for the owner alone.
fn write_aside(path: &Path, key: &Secret) -> io::Result<PathBuf> {
    let aside = path.with_extension(format!("key.{}", random_text::<9>()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
    let written = writeln!(file, "{}", key.expose()).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // The first error is the one to tell; a file that stays behind harms nobody.
        let _ = fs::remove_file(&aside);
        return Err(error);
    }
    Ok(aside)
}

/// Makes a folder's entries durable. A bare file name has an empty parent: the working folder.
fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

fn read_key(path: &Path) -> Result<Secret> {
    let text = fs::read_to_string(path).map_err(|error| cannot("read", path, &error))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.chars().count() < MIN_KEY_LENGTH {
        let reason = format!(
            "{} must hold at least {MIN_KEY_LENGTH} characters: put the right key there, or remove \
             the file to have a new key made (which voids all tokens and stored secrets)",
            path.display()
        );
        return Err(Fault::invalid("security.secret_key", reason));
    }
    warn_if_others_can_read(path);
    Ok(Secret::new(text))
}

fn warn_if_others_can_read(path: &Path) {
    let open = |meta: fs::Metadata| meta.permissions().mode() & 0o077 != 0;
    if fs::metadata(path).is_ok_and(open) {
        tracing::warn!("{} can be read by others: chmod 600 it", path.display());
    }
}

fn cannot(verb: &str, path: &Path, error: &io::Error) -> Fault {
    let path = path.display();
    let reason =
        format!("can't {verb} {path} ({error}): make its folder writable, or set the key itself");
    Fault::invalid("security.secret_key", reason)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Barrier;

    use super::*;

    /// A folder of its own for a test, which goes when the test ends.
    struct Folder(PathBuf);

    impl std::ops::Deref for Folder {
        type Target = Path;
        fn deref(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn folder() -> Folder {
        let folder = std::env::temp_dir().join(format!("overdue-secret-{}", random_uuid()));
        fs::create_dir(&folder).unwrap();
        Folder(folder)
    }

    fn keyring(text: &str) -> Keyring {
        Keyring::new(&Secret::new(text))
    }

    #[test]
    fn a_secret_shows_itself_only_when_asked() {
        let secret = Secret::new("open sesame");
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "*** *** Some(***)");
        assert_eq!(secret.expose(), "open sesame");
        let source = KeySource { key: secret, origin: KeyOrigin::Configured };
        assert!(!format!("{source:?}").contains("sesame"));
        assert!(!format!("{:?}", keyring("open sesame")).contains("sesame"));
    }

    #[test]
    fn random_values_have_their_form_and_do_not_repeat() {
        let uuid = random_uuid();
        assert_eq!((uuid.get_version_num(), uuid.to_string().len()), (4, 36));
        let keys: HashSet<String> = (0..1000).map(|_| random_ping_key()).collect();
        assert_eq!(keys.len(), 1000);
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert!(keys.iter().all(|key| key.len() == 22 && key.chars().all(fits)));
    }

    #[test]
    fn a_code_is_four_groups_of_five_and_survives_typing() {
        let code = random_code();
        let groups: Vec<&str> = code.split('-').collect();
        assert_eq!(groups.len(), 4);
        assert!(groups.iter().all(|g| g.bytes().all(|b| CODE_ALPHABET.contains(&b))));
        assert_eq!(normalise_code(&code).len(), 20);
        assert_eq!(normalise_code(&code.to_lowercase().replace('-', " ")), normalise_code(&code));
        assert_eq!(normalise_code(" oil-7q "), "0117Q");
    }

    #[test]
    fn hashes_are_the_standard_ones() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex("abc"), abc);
        assert!(equal_in_constant_time(b"abc", b"abc"));
        assert!(!equal_in_constant_time(b"abc", b"abd"));
        assert!(!equal_in_constant_time(b"abc", b"ab"));
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_and_no_other() {
        let hash = hash_password("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$"), "{hash}");
        assert!(verify_password("correct horse", Some(&hash)).await.unwrap());
        assert!(!verify_password("correct house", Some(&hash)).await.unwrap());
        assert!(!verify_password("correct horse", None).await.unwrap());
        assert!(verify_password("correct horse", Some("plain")).await.is_err());
        assert_ne!(hash, hash_password("correct horse").await.unwrap());
    }

    #[test]
    fn keys_differ_by_purpose_and_by_secret_and_stay_the_same_between_versions() {
        let ring = keyring("0123456789abcdef0123456789abcdef");
        assert_ne!(ring.token_key(), ring.derive("seal"));
        assert_ne!(ring.token_key(), keyring("another").token_key());
        // A golden value: a change here would void every token and sealed secret in the field.
        assert_eq!(ring.fingerprint(), "24c2fdc551a89d66");
        assert_ne!(ring.fingerprint(), keyring("another").fingerprint());
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_and_context_only() {
        let ring = keyring("0123456789abcdef0123456789abcdef");
        let sealed = ring.seal("channel.config:7", b"hook secret");
        assert_eq!(ring.open("channel.config:7", &sealed).unwrap(), b"hook secret");
        assert!(sealed.starts_with("v1.") && !sealed.contains("hook"));
        assert_ne!(sealed, ring.seal("channel.config:7", b"hook secret"));
        assert!(ring.open("channel.config:8", &sealed).is_err());
        assert!(keyring("another").open("channel.config:7", &sealed).is_err());
    }

    #[test]
    fn what_an_earlier_version_sealed_still_opens() {
        let ring = keyring("0123456789abcdef0123456789abcdef");
        let sealed = "v1.hfrTrGpjyEIPF4Br2BwbNR0vIo4e2KLLOeE-LqGJcPdsl92F6ycbA3iAvYzP24SVG01r";
        assert_eq!(ring.open("golden", sealed).unwrap(), b"hook secret");
    }

    #[test]
    fn a_sealed_text_that_was_changed_does_not_open() {
        let ring = keyring("0123456789abcdef0123456789abcdef");
        let sealed = ring.seal("x", b"hook secret");
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(ring.open("x", &changed).is_err(), "changed at {at}");
        }
        for broken in ["", "v1.", "v1.AAAA", "v2.", "nonsense"] {
            assert!(ring.open("x", broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_configured_key_is_used_and_nothing_is_written() {
        let folder = folder();
        let key = Secret::new("k".repeat(32));
        let found = load_or_create_key(Some(&key), &folder).unwrap();
        assert_eq!(found, KeySource { key, origin: KeyOrigin::Configured });
        assert_eq!(fs::read_dir(&*folder).unwrap().count(), 0);
    }

    #[test]
    fn without_a_configured_key_one_is_made_once_for_its_owner_alone() {
        let folder = folder();
        let made = load_or_create_key(None, &folder).unwrap();
        let path = folder.join(KEY_FILE);
        assert_eq!(made.origin, KeyOrigin::Created(path.clone()));
        assert_eq!(made.key.expose().len(), 43);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = load_or_create_key(None, &folder).unwrap();
        assert_eq!(again, KeySource { key: made.key, origin: KeyOrigin::File(path) });
        assert_eq!(fs::read_dir(&*folder).unwrap().count(), 1);
    }

    #[test]
    fn processes_that_start_at_once_agree_on_one_key() {
        let folder = folder();
        let barrier = Barrier::new(8);
        let start = || {
            barrier.wait();
            load_or_create_key(None, &folder).unwrap()
        };
        let found: Vec<KeySource> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            starts.into_iter().map(|s| s.join().unwrap()).collect()
        });
        assert!(found.iter().all(|f| f.key == found[0].key));
        let makers = found.iter().filter(|f| matches!(f.origin, KeyOrigin::Created(_)));
        assert_eq!(makers.count(), 1);
        assert_eq!(fs::read_dir(&*folder).unwrap().count(), 1);
    }

    #[test]
    fn a_replaced_key_is_what_is_read_next() {
        let folder = folder();
        let old = load_or_create_key(None, &folder).unwrap().key;
        let new = random_secret_key();
        keep_next_key(&folder, &random_secret_key()).unwrap();
        keep_next_key(&folder, &new).unwrap();
        assert_eq!(load_or_create_key(None, &folder).unwrap().key, old, "not yet");
        assert_eq!(key_in(&folder, NEXT_KEY_FILE).unwrap().as_ref(), Some(&new));
        let kept = take_over_next_key(&folder, "abc").unwrap();
        assert_eq!(load_or_create_key(None, &folder).unwrap().key, new);
        assert_eq!(key_in(&folder, "overdue.key.abc").unwrap(), Some(old));
        for path in [&kept, &folder.join(KEY_FILE)] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(&*folder).unwrap().count(), 2);
    }

    #[test]
    fn a_key_that_is_handed_over_is_one_line_of_some_length() {
        let key = "k".repeat(32);
        assert_eq!(given_key("f", &format!("{key}\r\nmore\n")).unwrap(), Secret::new(key));
        for text in ["", "\n", "short\n", &"k".repeat(31)] {
            let fault = given_key("--new-key-file", text).unwrap_err().to_string();
            assert!(fault.starts_with("--new-key-file: must hold at least 32"), "{fault}");
        }
    }

    #[test]
    fn a_key_file_that_is_too_short_or_out_of_reach_says_what_to_do() {
        let folder = folder();
        fs::write(folder.join(KEY_FILE), "short\n").unwrap();
        let fault = load_or_create_key(None, &folder).unwrap_err().to_string();
        assert!(fault.contains("at least 32 characters") && !fault.contains("short\n"), "{fault}");
        let fault = load_or_create_key(None, &folder.join("nowhere")).unwrap_err().to_string();
        assert!(fault.contains("can't create") && fault.contains("nowhere"), "{fault}");
    }
}
