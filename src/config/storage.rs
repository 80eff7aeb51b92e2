//! Where things are kept, how much of them, and for how long.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use super::key::{Key, key};
use super::url::HiddenUrl;

/// A hundred years, in days: the longest retention.
const CENTURY: i64 = 36_500;

/// Section `database`.
#[derive(Clone, Debug, PartialEq)]
pub struct Database {
    /// `sqlite:…` or `postgres://…`.
    pub url: HiddenUrl,
    /// The most connections held open at a time.
    pub max_connections: u32,
}

impl Default for Database {
    fn default() -> Self {
        Self { url: HiddenUrl::new("sqlite:overdue.db"), max_connections: 10 }
    }
}

impl Database {
    /// The URL with `***` in place of the password, for logs and messages.
    #[must_use]
    pub fn url_masked(&self) -> String {
        self.url.masked()
    }

    /// The file of a `SQLite` database; `None` for `PostgreSQL` and for a database in memory.
    #[must_use]
    pub fn sqlite_path(&self) -> Option<PathBuf> {
        let path = self.url.expose().strip_prefix("sqlite:")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
        (path != ":memory:").then(|| PathBuf::from(path))
    }

    /// The folder in which `overdue.key` is kept: beside the `SQLite` file, else the working folder.
    #[must_use]
    pub fn key_folder(&self) -> PathBuf {
        let file = self.sqlite_path();
        let folder = file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() }
    }
}

/// Section `ping`.
#[derive(Clone, Debug, PartialEq)]
pub struct Ping {
    /// Bytes stored of a ping's body; 0 stores none.
    pub body_limit: usize,
    /// The newest pings kept per check.
    pub log_limit: u32,
    /// Pings a minute per check; 0 is no limit.
    pub max_per_minute: u32,
}

impl Default for Ping {
    fn default() -> Self {
        Self { body_limit: 10_000, log_limit: 1000, max_per_minute: 0 }
    }
}

/// Section `retention`: days for which each kind of record is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Retention {
    /// Pings.
    pub pings_days: u32,
    /// Runs.
    pub runs_days: u32,
    /// Changes of state.
    pub flips_days: u32,
    /// Notifications.
    pub notifications_days: u32,
    /// The journal of requests.
    pub requests_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            pings_days: 365,
            runs_days: 365,
            flips_days: 730,
            notifications_days: 90,
            requests_days: 90,
        }
    }
}

/// Section `checks`.
#[derive(Clone, Debug, PartialEq)]
pub struct Checks {
    /// The shortest period a check may have, in seconds.
    pub min_period: u32,
    /// The shortest grace time a check may have, in seconds.
    pub min_grace: u32,
    /// The most checks in a project.
    pub max_count: u32,
}

impl Default for Checks {
    fn default() -> Self {
        Self { min_period: 60, min_grace: 60, max_count: 10_000 }
    }
}

pub(super) const DATABASE: &[Key] = &[
    key!(database.url, "sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME; migrations run at start.",
        given => given.database_url())
    .secret(),
    key!(database.max_connections, "The most connections held open at a time.",
        given => given.number(1..=10_000)),
];

pub(super) const PING: &[Key] = &[
    key!(ping.body_limit, "Bytes stored of a ping's body; 0 stores none.",
        given => given.number(0..=16_777_216)),
    key!(ping.log_limit, "How many of the newest pings are kept per check.",
        given => given.number(1..=1_000_000)),
    key!(ping.max_per_minute, "Pings a minute that a check may get; 0 is no limit.",
        given => given.number(0..=1_000_000)),
];

pub(super) const RETENTION: &[Key] = &[
    key!(retention.pings_days, "Days for which pings are kept; daily sums are kept for good.",
        given => given.number(1..=CENTURY)),
    key!(retention.runs_days, "Days for which runs are kept.", given => given.number(1..=CENTURY)),
    key!(retention.flips_days, "Days for which changes of state are kept.",
        given => given.number(1..=CENTURY)),
    key!(retention.notifications_days, "Days for which notifications are kept.",
        given => given.number(1..=CENTURY)),
    key!(retention.requests_days, "Days for which the journal of requests is kept.",
        given => given.number(1..=CENTURY)),
];

pub(super) const CHECKS: &[Key] = &[
    key!(checks.min_period, "The shortest period a check may have, in seconds.",
        given => given.number(1..=31_536_000)),
    key!(checks.min_grace, "The shortest grace time a check may have, in seconds.",
        given => given.number(1..=31_536_000)),
    key!(checks.max_count, "The most checks in a project.", given => given.number(1..=10_000_000)),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> Database {
        Database { url: HiddenUrl::new(url), ..Database::default() }
    }

    #[test]
    fn the_key_lies_beside_the_sqlite_file_or_else_in_the_working_folder() {
        let folder = |url: &str| at(url).key_folder();
        assert_eq!(folder("sqlite:overdue.db"), Path::new("."));
        assert_eq!(folder("sqlite:/data/overdue.db"), Path::new("/data"));
        assert_eq!(folder("sqlite:///data/overdue.db?mode=rwc"), Path::new("/data"));
        assert_eq!(folder("sqlite://sub/overdue.db"), Path::new("sub"));
        assert_eq!(folder("sqlite::memory:"), Path::new("."));
        assert_eq!(folder("postgres://u@h/d"), Path::new("."));
        assert_eq!(at("sqlite:a%20b.db").sqlite_path(), Some(PathBuf::from("a b.db")));
    }

    #[test]
    fn the_password_of_the_database_is_not_shown() {
        let database = at("postgres://u:p4ss@h/d");
        assert_eq!(database.url_masked(), "postgres://u:***@h/d");
        assert!(!format!("{database:?}").contains("p4ss"));
    }
}
