//! `overdue rotate-key`: puts the database under a new secret key, while no server runs.
//!
//! Where the key lies in `overdue.key`, the new one is kept beside it first (`overdue.key.new`), then
//! the database is changed in one transaction, then the file takes its place. Whatever the step at
//! which this is interrupted, either the old key still is the right one, or the same command again
//! finishes: the database says which. A configured key is left to who configured it.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::Answer;
use crate::clock::Clock;
use crate::config::Config;
use crate::context::wrong_key;
use crate::failpoint;
use crate::fault::{Fault, Result};
use crate::secret::{self, KEY_FILE, KeyOrigin, Keyring, NEXT_KEY_FILE, Secret};
use crate::service::keys::{self, Prospect, Resealed};
use crate::store::Store;

/// What messages call the flag.
const FLAG: &str = "--new-key-file";
/// Bytes of a key's file that are read.
const LONGEST_FILE: u64 = 64 * 1024;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A file whose first line is the new key, - for standard input; without it one is made.
    #[arg(long, value_name = "FILE")]
    new_key_file: Option<PathBuf>,
}

pub(super) async fn run(config: &Config, args: &Args) -> Result<Answer> {
    let database = &config.database;
    let store = Store::open(database.url.expose(), 2).await?;
    let known = keys::fingerprint(&store).await?.ok_or_else(|| {
        Fault::invalid("database.url", "this database has not been opened by a server yet")
    })?;
    let given = args.new_key_file.as_deref().map(read_given).transpose()?;
    let rotation = Rotation { store, clock: Clock::system(), known };
    let answer = if let Some(old) = &config.security.secret_key {
        rotation.of_configured(old, given).await
    } else {
        let folder = database.key_folder();
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        rotation.of_file(&folder, given, args.reads_stdin()).await
    };
    rotation.store.close().await;
    answer
}

impl Args {
    fn reads_stdin(&self) -> bool {
        self.new_key_file.as_deref() == Some(Path::new("-"))
    }
}

fn read_given(path: &Path) -> Result<Secret> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(LONGEST_FILE).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LONGEST_FILE).read_to_string(&mut text))
    };
    read.map_err(|error| {
        Fault::invalid(FLAG, format!("{} can't be read: {error}", path.display()))
    })?;
    secret::given_key(FLAG, &text)
}

/// A rotation of the key that the database is under.
struct Rotation {
    store: Store,
    clock: Clock,
    /// The fingerprint of the database's key.
    known: String,
}

impl Rotation {
    /// The key stands in the configuration, which this does not change.
    async fn of_configured(&self, old: &Secret, given: Option<Secret>) -> Result<Answer> {
        let new = given.ok_or_else(|| {
            let reason = "needs a file with the new key, as security.secret_key is set: \
                          overdue rotate-key --new-key-file FILE (- reads standard input)";
            Fault::invalid(FLAG, reason)
        })?;
        let (old, new) = (Keyring::new(old), Keyring::new(&new));
        let set = "set security.secret_key (OVERDUE_SECURITY__SECRET_KEY) to the new key, on every \
                   server, before you start one";
        if new.fingerprint() == self.known {
            let text = format!("the database is under this key already: {set}");
            return Ok(Answer::new(text, json!({ "fingerprint": self.known, "rotated": 0 })));
        }
        if old.fingerprint() != self.known {
            return Err(wrong_key(&KeyOrigin::Configured, &old.fingerprint(), &self.known));
        }
        let kept = "keep the old key as long as you keep them".to_owned();
        announce(keys::prospect(&self.store, &self.clock).await?, &kept, false)?;
        let resealed = keys::rotate(&self.store, &self.clock, &old, &new).await?;
        Ok(report(&new, &resealed, &format!("now {set}")))
    }

    /// The key lies in `overdue.key`.
    async fn of_file(
        &self,
        folder: &Path,
        given: Option<Secret>,
        stdin_is_used: bool,
    ) -> Result<Answer> {
        let path = folder.join(KEY_FILE);
        let ring = |key: Option<Secret>| key.map(|key| Keyring::new(&key));
        let current = ring(secret::key_in(folder, KEY_FILE)?).ok_or_else(|| {
            let reason = format!("there is no {}: run this where the key is", path.display());
            Fault::invalid("security.secret_key", reason)
        })?;
        let next = ring(secret::key_in(folder, NEXT_KEY_FILE)?);
        if current.fingerprint() != self.known {
            let next = next.filter(|next| next.fingerprint() == self.known).ok_or_else(|| {
                wrong_key(&KeyOrigin::File(path), &current.fingerprint(), &self.known)
            })?;
            return finish(folder, &current, &next, None);
        }
        let old = folder.join(format!("{KEY_FILE}.{}", self.known));
        let kept = format!("it is kept in {} for them", old.display());
        let prospect = keys::prospect(&self.store, &self.clock).await?;
        announce(prospect, &kept, !stdin_is_used)?;
        let key = given.unwrap_or_else(secret::random_secret_key);
        let new = Keyring::new(&key);
        if new.fingerprint() == self.known {
            return Err(Fault::invalid(FLAG, "must hold another key than the present one"));
        }
        secret::keep_next_key(folder, &key)?;
        failpoint::reached("next_key_kept");
        let resealed = keys::rotate(&self.store, &self.clock, &current, &new).await?;
        finish(folder, &current, &new, Some(&resealed))
    }
}

/// Says what is going to happen; at a terminal, asks whether it shall.
fn announce(prospect: Prospect, kept: &str, may_ask: bool) -> Result<()> {
    let Prospect { tokens, sessions } = prospect;
    let mut terminal = io::stderr();
    // Nobody can be told where this fails.
    let _ = writeln!(
        terminal,
        "overdue: the secret key is replaced. Channels keep their secrets. What was signed under \
         the old key ends: {tokens} API tokens (each shows a new text at GET /user/token/{{id}} \
         once its owner has signed in again; `overdue token create` makes others) and {sessions} \
         sessions (sign in again), and the links in mails that were sent (the next alert has new \
         ones; a test of a channel that waits for its confirmation sends another). Copies of the \
         database made until now need the old key: {kept}."
    );
    if !may_ask || !io::stdin().is_terminal() {
        return Ok(());
    }
    let _ = write!(terminal, "Go on? [y/N] ").and_then(|()| terminal.flush());
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    if read.is_ok() && matches!(line.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Fault::Conflict("nothing was changed".to_owned()))
}

/// Puts the new key in its place: what is left to do once the database is under it.
fn finish(
    folder: &Path,
    old: &Keyring,
    new: &Keyring,
    resealed: Option<&Resealed>,
) -> Result<Answer> {
    let kept = secret::take_over_next_key(folder, &old.fingerprint())?;
    failpoint::reached("next_key_taken_over");
    let place = folder.join(KEY_FILE);
    let todo = format!(
        "the new key is in {}: back it up, and copy it to the other servers of this database, if \
         there are any; the old one is in {}, for copies of the database made until now",
        place.display(),
        kept.display()
    );
    Ok(match resealed {
        Some(resealed) => report(new, resealed, &todo),
        None => report(
            new,
            &Resealed::default(),
            &format!("an interrupted rotation was finished; {todo}"),
        ),
    })
}

fn report(new: &Keyring, resealed: &Resealed, todo: &str) -> Answer {
    let Resealed { channels, unreadable } = resealed;
    let mut text = format!("sealed {channels} channels under the new key; {todo}");
    if !unreadable.is_empty() {
        let ids: Vec<String> = unreadable.iter().map(ToString::to_string).collect();
        text += "; could not be opened before either, and have to be entered again: channels ";
        text += &ids.join(", ");
    }
    let json = json!({
        "fingerprint": new.fingerprint(),
        "rotated": 1,
        "channels": channels,
        "unreadable_channels": unreadable,
    });
    Answer::new(text, json)
}
