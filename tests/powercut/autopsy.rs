//! What is found after a power cut, opened and held against what was promised before it.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::day::{Day, Vow};
use super::drive::Found;
use crate::support::folder::Folder;

/// Puts what was found below `from` into the folder `to`, and beside it rubbish where the memory
/// that processes shared was: SQLite must not go by it.
pub fn lay_out(found: &Found, from: &Path, to: &Path) {
    for (path, content) in found {
        fs::write(to.join(path.strip_prefix(from).unwrap()), content).unwrap();
    }
    fs::write(to.join("overdue.db-shm"), vec![0x5a; 32 * 1024]).unwrap();
}

/// What is broken or missing, in words; empty where everything is as it must be.
pub async fn examine(day: &Day, found: &Found, cut_at: u64) -> Vec<String> {
    let folder = Folder::new();
    lay_out(found, day.server.home().path(), folder.path());
    let vows: Vec<&Vow> =
        day.vows.iter().filter(|(at, _)| *at <= cut_at).map(|(_, vow)| vow).collect();
    let file = folder.file("overdue.db");
    if !file.exists() {
        return vows.iter().map(|vow| format!("no database: {vow:?}")).collect();
    }
    let mut wrong = match Stored::read(&file, day).await {
        Ok(stored) => {
            let mut wrong = stored.wrong.clone();
            wrong
                .extend(vows.iter().filter(|vow| !stored.keeps(vow)).map(|vow| format!("{vow:?}")));
            wrong
        }
        // Before the first vow the tables may not be there yet.
        Err(error) if vows.is_empty() && error.to_string().contains("no such table") => Vec::new(),
        Err(error) => vec![error.to_string()],
    };
    for vow in vows {
        if let Vow::Backup(path) = vow {
            let copy = folder.path().join(path.file_name().unwrap());
            let checked = match open(&copy).await {
                Ok(mut connection) => integrity(&mut connection).await,
                Err(error) => Err(error),
            };
            wrong.extend(checked.unwrap_or_else(|error| vec![format!("backup: {error}")]));
        }
    }
    wrong
}

/// What the tables hold of what could have been promised.
struct Stored {
    /// The check of each ping by the client's name for itself, and its body.
    pings: HashMap<String, (i64, Option<String>)>,
    slugs: Vec<String>,
    last_edit: usize,
    flips: Vec<i64>,
    /// What can't be, whatever was promised.
    wrong: Vec<String>,
}

impl Stored {
    async fn read(file: &Path, day: &Day) -> sqlx::Result<Self> {
        let mut connection = open(file).await?;
        let mut wrong = integrity(&mut connection).await?;
        let it = &mut connection;
        let pings: Vec<(i64, String, Option<String>)> = sqlx::query_as(
            "SELECT p.check_id, p.user_agent, CAST(b.body AS TEXT) FROM pings p \
             LEFT JOIN ping_bodies b ON b.check_id = p.check_id AND b.n = p.n",
        )
        .fetch_all(&mut *it)
        .await?;
        let gaps: Vec<(i64,)> = sqlx::query_as(
            "SELECT s.check_id FROM check_states s LEFT JOIN pings p ON p.check_id = s.check_id \
             GROUP BY s.check_id HAVING count(p.n) <> s.n_pings OR coalesce(max(p.n), 0) <> s.n_pings",
        )
        .fetch_all(&mut *it)
        .await?;
        wrong.extend(gaps.iter().map(|(check,)| format!("check {check}: serial numbers")));
        let untold: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT f.check_id, f.n FROM flips f JOIN check_channels USING (check_id) \
             WHERE (f.to_status = 'down' OR (f.from_status = 'down' AND f.to_status = 'up')) \
             AND NOT EXISTS (SELECT 1 FROM notifications o WHERE o.flip_id = f.flip_id)",
        )
        .fetch_all(&mut *it)
        .await?;
        wrong.extend(untold.iter().map(|flip| format!("nobody is told of the flip {flip:?}")));
        let slugs: Vec<(String,)> =
            sqlx::query_as("SELECT slug FROM checks").fetch_all(&mut *it).await?;
        let edits: Option<(String,)> =
            sqlx::query_as("SELECT description FROM checks WHERE check_id = $1")
                .bind(day.edited)
                .fetch_optional(&mut *it)
                .await?;
        let flips: Vec<(i64,)> =
            sqlx::query_as("SELECT flip_id FROM flips").fetch_all(&mut *it).await?;
        connection.close().await?;
        Ok(Self {
            pings: pings.into_iter().map(|(check, name, body)| (name, (check, body))).collect(),
            slugs: slugs.into_iter().map(|(slug,)| slug).collect(),
            last_edit: edits.and_then(|(text,)| text.parse().ok()).unwrap_or(0),
            flips: flips.into_iter().map(|(id,)| id).collect(),
            wrong,
        })
    }

    fn keeps(&self, vow: &Vow) -> bool {
        match vow {
            Vow::Ping { check, client, body } => {
                let stored = self.pings.get(client);
                stored.is_some_and(|(of, stored)| {
                    of == check && stored.as_deref().unwrap_or_default() == body
                })
            }
            Vow::Check(slug) => self.slugs.contains(slug),
            Vow::Edit(turn) => self.last_edit >= *turn,
            Vow::Flip(id) => self.flips.contains(id),
            // Files are looked at where they are.
            Vow::Backup(_) => true,
        }
    }
}

async fn open(file: &Path) -> sqlx::Result<SqliteConnection> {
    SqliteConnectOptions::new().filename(file).connect().await
}

/// What SQLite finds broken.
async fn integrity(connection: &mut SqliteConnection) -> sqlx::Result<Vec<String>> {
    let found: Vec<(String,)> =
        sqlx::query_as("PRAGMA integrity_check").fetch_all(connection).await?;
    Ok(found.into_iter().map(|(text,)| text).filter(|text| text != "ok").collect())
}
