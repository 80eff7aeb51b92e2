//! `overdue backup FILE`: a consistent copy of the database while the server goes on. SQLite makes
//! it itself; for PostgreSQL `pg_dump` does. The copy is written aside, made durable and renamed, so
//! that a file of that name is always whole. It is for its owner alone: it holds password hashes.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use serde_json::json;
use tokio::process::Command;
use url::Url;

use super::Answer;
use crate::config::Config;
use crate::fault::{Fault, Result};
use crate::store::Store;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file to write; it must not exist yet.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) async fn run(config: &Config, args: &Args) -> Result<Answer> {
    let aside = Aside::create(&args.file)?;
    match config.database.sqlite_path() {
        Some(path) => copy_sqlite(config, &path, &aside.path).await?,
        None => dump_postgres(config.database.url.expose(), &aside.path).await?,
    }
    let bytes = aside.finish()?;
    let file = args.file.display().to_string();
    let text = format!(
        "wrote {file}, {bytes} bytes; keep the secret key (overdue.key) with it: what is encrypted \
         in it can't be read without"
    );
    Ok(Answer::new(text, json!({ "file": file, "bytes": bytes })))
}

async fn copy_sqlite(config: &Config, path: &Path, target: &Path) -> Result<()> {
    if !path.exists() {
        let reason = format!("there is no database {} to back up", path.display());
        return Err(Fault::invalid("database.url", reason));
    }
    let store = Store::open_as_it_is(config.database.url.expose(), 1).await?;
    store.copy_to(target).await
}

async fn dump_postgres(url: &str, target: &Path) -> Result<()> {
    let (url, password) = split_password(url);
    let mut command = Command::new("pg_dump");
    command.args(["--format=custom", "--no-password"]).arg(format!("--dbname={url}"));
    command.arg(flag("--file=", target));
    if let Some(password) = password {
        // Arguments can be read by every user of the machine, the environment can not.
        command.env("PGPASSWORD", password);
    }
    let output = command.output().await.map_err(|error| cannot_run(&error, &url))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Fault::Unavailable(format!("pg_dump failed: {}", said.trim())))
}

fn flag(name: &str, path: &Path) -> OsString {
    let mut flag = OsString::from(name);
    flag.push(path);
    flag
}

fn cannot_run(error: &io::Error, url: &str) -> Fault {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "pg_dump is not installed here".to_owned(),
        _ => format!("pg_dump can't be run ({error})"),
    };
    Fault::Unavailable(format!(
        "{why}: install PostgreSQL's client programs, or run where they are: \
         pg_dump --format=custom --file=FILE '{url}'"
    ))
}

/// A database URL without its password, and the password.
fn split_password(url: &str) -> (String, Option<String>) {
    let Ok(mut parsed) = Url::parse(url) else { return (url.to_owned(), None) };
    let mut password =
        parsed.password().map(|text| percent_decode_str(text).decode_utf8_lossy().into_owned());
    // It fails only for URLs that can't have a password.
    let _ = parsed.set_password(None);
    let pairs: Vec<(String, String)> = parsed.query_pairs().into_owned().collect();
    let (given, rest): (Vec<_>, Vec<_>) =
        pairs.into_iter().partition(|(name, _)| name == "password");
    if let Some((_, value)) = given.into_iter().next() {
        parsed.set_query(None);
        if !rest.is_empty() {
            parsed.query_pairs_mut().extend_pairs(rest);
        }
        password = Some(value);
    }
    (parsed.into(), password)
}

/// The file beside the one that is wanted, removed again unless it is finished.
struct Aside {
    path: PathBuf,
    target: PathBuf,
}

impl Aside {
    fn create(target: &Path) -> Result<Self> {
        if target.symlink_metadata().is_ok() {
            let reason = format!("{} exists already: name a new file", target.display());
            return Err(Fault::invalid("FILE", reason));
        }
        let mut name = target.as_os_str().to_owned();
        name.push(".partial");
        let path = PathBuf::from(name);
        // Empty, which both databases' tools take for a file that is not there yet.
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        made.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Fault::invalid(
                "FILE",
                format!(
                    "{} is there: another backup is writing it; or, if none is, delete it",
                    path.display()
                ),
            ),
            _ => Fault::invalid("FILE", format!("{} can't be made: {error}", path.display())),
        })?;
        Ok(Self { path, target: target.to_owned() })
    }

    /// Makes it durable and gives it its name: its size in bytes.
    fn finish(self) -> Result<u64> {
        self.rename().map_err(|error| {
            Fault::Unavailable(format!("{} can't be finished: {error}", self.target.display()))
        })
    }

    fn rename(&self) -> io::Result<u64> {
        let file = File::open(&self.path)?;
        file.sync_all()?;
        fs::rename(&self.path, &self.target)?;
        let folder = self.target.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(file.metadata()?.len())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // Once it is renamed there is nothing left to remove.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_taken_out_of_the_url_wherever_it_stands() {
        for (url, without) in [
            ("postgres://u:p%40ss@h:5432/d", "postgres://u@h:5432/d"),
            ("postgres://h/d?user=u&password=p%40ss", "postgres://h/d?user=u"),
            ("postgres://h/d?password=p%40ss", "postgres://h/d"),
        ] {
            assert_eq!(split_password(url), (without.to_owned(), Some("p@ss".to_owned())), "{url}");
        }
        let plain = "postgres://u@h/d?sslmode=require";
        assert_eq!(split_password(plain), (plain.to_owned(), None));
    }
}
