//! What every part of the running program shares: the configuration, the clock, the database, the
//! keys, the mailer, and the bells by which one part wakes another. It decides nothing.

use std::path::Path;
use std::sync::Arc;

use crate::clock::{Clock, Timestamp};
use crate::config::Config;
use crate::fault::{Fault, Result};
use crate::live::{Bell, Live, Outward, Sleeper};
use crate::mail::Mailer;
use crate::secret::{self, KEY_FILE, KeyOrigin, KeySource, Keyring, NEXT_KEY_FILE};
use crate::store::states::Saved;
use crate::store::{Store, partitions, settings};

/// Shared by all; cheap to clone.
#[derive(Clone, Debug)]
pub struct Context {
    /// The effective configuration.
    pub config: Arc<Config>,
    /// Where the time comes from.
    pub clock: Clock,
    /// The database.
    pub store: Store,
    /// The keys that sign and seal.
    pub keys: Arc<Keyring>,
    /// What sends mail.
    pub mailer: Mailer,
    /// The bells.
    pub bells: Bells,
    /// News for whoever looks at checks right now.
    pub live: Live,
    /// What other nodes are to hear of both.
    pub outward: Arc<Outward>,
}

/// Bells that wake the workers before their time.
#[derive(Clone, Debug)]
pub struct Bells {
    /// A deadline came nearer.
    pub detector: Bell,
    /// A notification was queued.
    pub notifier: Bell,
    /// A monitor was made or changed, or is asked for.
    pub prober: Bell,
    /// A maintenance window was changed, and what it keeps back wants to be looked at.
    pub keeper: Bell,
}

impl Bells {
    /// Bells that ring on other nodes too.
    #[must_use]
    pub fn new(outward: &Arc<Outward>) -> Self {
        let bell = |sleeper| Bell::new(sleeper, Arc::clone(outward));
        Self {
            detector: bell(Sleeper::Detector),
            notifier: bell(Sleeper::Notifier),
            prober: bell(Sleeper::Prober),
            keeper: bell(Sleeper::Keeper),
        }
    }

    /// The bell of this worker.
    #[must_use]
    pub fn of(&self, sleeper: Sleeper) -> &Bell {
        match sleeper {
            Sleeper::Detector => &self.detector,
            Sleeper::Notifier => &self.notifier,
            Sleeper::Prober => &self.prober,
            Sleeper::Keeper => &self.keeper,
        }
    }

    /// Rings for what was just committed.
    pub fn ring(&self, saved: Saved) {
        if saved.announced {
            self.notifier.notify_one();
        }
        if saved.sooner.is_some() {
            self.detector.notify_one();
        }
        if saved.asked {
            self.prober.notify_one();
        }
    }
}

impl Context {
    /// Opens the database that the configuration names, brings its tables up to date, and takes
    /// the secret key, which is made and kept where there is none (`security.secret_key`).
    ///
    /// # Errors
    /// The database or the key can't be had, or the key is not the one whose fingerprint the
    /// database holds; the text says what to do.
    pub async fn open(config: Config, clock: Clock) -> Result<Self> {
        let database = &config.database;
        let store = Store::open(database.url.expose(), database.max_connections).await?;
        partitions::make_ahead(&store, clock.now(), config.retention.pings_days).await?;
        let folder = database.key_folder();
        // In full, because messages name it and whoever reads them may be elsewhere.
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let source = secret::load_or_create_key(config.security.secret_key.as_ref(), &folder)?;
        let keys = Keyring::new(&source.key);
        check_fingerprint(&store, &keys, &source).await?;
        if let KeyOrigin::Created(path) = &source.origin {
            tracing::info!("made a secret key and kept it in {}: back it up", path.display());
        }
        let outward = Arc::new(Outward::default());
        Ok(Self {
            mailer: Mailer::new(config.mail.clone()),
            config: Arc::new(config),
            clock,
            store,
            keys: Arc::new(keys),
            bells: Bells::new(&outward),
            live: Live::new(Arc::clone(&outward)),
            outward,
        })
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Holds the key against the fingerprint in the database, which the first process leaves there.
async fn check_fingerprint(store: &Store, keys: &Keyring, source: &KeySource) -> Result<()> {
    let ours = keys.fingerprint();
    let known = settings::get(&mut store.read().await?, settings::KEY_FINGERPRINT).await?;
    let theirs = match known {
        Some(theirs) => theirs,
        None => leave_fingerprint(store, &ours).await?,
    };
    if ours == theirs {
        return Ok(());
    }
    if let KeyOrigin::Created(path) = &source.origin {
        // Of no use to anybody, and in the way of the right one; that is what the error asks for.
        let _ = std::fs::remove_file(path);
    }
    Err(wrong_key(&source.origin, &ours, &theirs))
}

/// The database is under the key that a rotation kept beside the old one and did not come to put in
/// its place.
fn is_next_key(path: &Path, theirs: &str) -> bool {
    let folder = path.parent().unwrap_or(Path::new("."));
    let next = secret::key_in(folder, NEXT_KEY_FILE).ok().flatten();
    next.is_some_and(|key| Keyring::new(&key).fingerprint() == theirs)
}

async fn leave_fingerprint(store: &Store, ours: &str) -> Result<String> {
    let mut tx = store.begin().await?;
    let kept = settings::get_or_set(&mut tx, settings::KEY_FINGERPRINT, ours).await?;
    tx.commit().await?;
    Ok(kept)
}

/// What is wrong where the key `ours` (by its fingerprint) is not `theirs`, the database's, and what
/// to do.
pub(crate) fn wrong_key(origin: &KeyOrigin, ours: &str, theirs: &str) -> Fault {
    let (found, remedy) = match origin {
        KeyOrigin::Configured => (
            "differs from the one that this database was first opened with".to_owned(),
            "set it (OVERDUE_SECURITY__SECRET_KEY) to the value that it had then, or, if it had \
             none, remove it and use the file overdue.key of that time"
                .to_owned(),
        ),
        KeyOrigin::File(path) if is_next_key(path, theirs) => (
            "`overdue rotate-key` was interrupted".to_owned(),
            "run it again: it finishes what is left to do".to_owned(),
        ),
        KeyOrigin::File(path) => (
            format!("the key in {} is not the one of this database", path.display()),
            format!(
                "copy the {KEY_FILE} of the server that first opened the database to {}, or set \
                 OVERDUE_SECURITY__SECRET_KEY to the value that it has there",
                path.display()
            ),
        ),
        KeyOrigin::Created(path) => (
            format!("there is none in {}, and the database was opened with one", path.display()),
            format!(
                "copy the {KEY_FILE} of the server that first opened the database to {}, or set \
                 OVERDUE_SECURITY__SECRET_KEY to the value that it has there",
                path.display()
            ),
        ),
    };
    let prints = format!("fingerprint {ours} here, {theirs} in the database");
    Fault::invalid("security.secret_key", format!("{found} ({prints}): {remedy}"))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::HiddenUrl;

    /// A folder of this test's own, removed with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("overdue-{}", secret::random_text::<9>()));
            std::fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn config(&self) -> Config {
            let mut config = Config::default();
            let file = self.0.join("overdue.db");
            config.database.url = HiddenUrl::new(format!("sqlite:{}", file.display()));
            config
        }

        fn key_file(&self) -> PathBuf {
            self.0.join(KEY_FILE)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    async fn refused(config: Config) -> String {
        Context::open(config, Clock::system()).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn the_key_of_the_first_start_is_kept_and_opens_the_database_again() {
        let folder = Folder::new();
        let first = Context::open(folder.config(), Clock::system()).await.unwrap();
        assert!(folder.key_file().exists());
        let second = Context::open(folder.config(), Clock::system()).await.unwrap();
        assert_eq!(first.keys.fingerprint(), second.keys.fingerprint());
    }

    #[tokio::test]
    async fn another_key_is_refused_and_the_message_says_what_to_copy_where() {
        let folder = Folder::new();
        let first = Context::open(folder.config(), Clock::system()).await.unwrap();
        let key = std::fs::read_to_string(folder.key_file()).unwrap();
        std::fs::write(folder.key_file(), "x".repeat(40)).unwrap();
        let message = refused(folder.config()).await;
        assert!(message.starts_with("security.secret_key: "), "{message}");
        assert!(message.contains(&first.keys.fingerprint()), "{message}");
        let place = folder.key_file().display().to_string();
        assert!(message.contains("copy the overdue.key"), "{message}");
        assert!(message.contains(&format!("to {place}")), "{message}");
        std::fs::write(folder.key_file(), key).unwrap();
        Context::open(folder.config(), Clock::system()).await.unwrap();
    }

    #[tokio::test]
    async fn a_lost_key_is_not_replaced_by_a_new_one() {
        let folder = Folder::new();
        Context::open(folder.config(), Clock::system()).await.unwrap();
        std::fs::remove_file(folder.key_file()).unwrap();
        assert!(refused(folder.config()).await.contains("there is none in"));
        assert!(!folder.key_file().exists(), "the right one can be copied there");
    }

    #[tokio::test]
    async fn a_configured_key_must_stay_the_same_too() {
        let folder = Folder::new();
        let mut config = folder.config();
        config.security.secret_key = Some(secret::Secret::new("first".repeat(8)));
        Context::open(config.clone(), Clock::system()).await.unwrap();
        assert!(!folder.key_file().exists());
        config.security.secret_key = Some(secret::Secret::new("other".repeat(8)));
        assert!(refused(config).await.contains("the value that it had then"));
    }
}
