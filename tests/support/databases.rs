//! The two databases that every test of the store runs on: SQLite in the server's own folder, and
//! PostgreSQL where `OVERDUE_TEST_POSTGRES` names one (`./test` starts one and sets it): the URL of
//! a user who may create databases.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use url::Url;

/// The variable that names a PostgreSQL.
const VARIABLE: &str = "OVERDUE_TEST_POSTGRES";

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// A file in the server's folder.
    Sqlite,
    /// A new database on the PostgreSQL that `OVERDUE_TEST_POSTGRES` names.
    Postgres,
}

impl Database {
    /// Whether tests can run on it here.
    pub fn is_here(self) -> bool {
        self == Self::Sqlite || admin_url().is_some()
    }

    /// A fresh one for a server that lives in `home`.
    pub fn fresh(self, home: &Path) -> Fresh {
        match self {
            Self::Sqlite => Fresh {
                url: format!("sqlite:{}", home.join("overdue.db").display()),
                postgres_name: None,
            },
            Self::Postgres => {
                let name = super::random_name("overdue_test_");
                administer(&[format!("CREATE DATABASE {name}")]);
                let mut url = Url::parse(&admin_url().expect("the macro asked")).unwrap();
                url.set_path(&name);
                Fresh { url: url.into(), postgres_name: Some(name) }
            }
        }
    }
}

/// A database of a test's own; one on PostgreSQL is dropped with this value, one on SQLite goes
/// with its folder.
pub struct Fresh {
    /// What the server calls `database.url`.
    pub url: String,
    postgres_name: Option<String>,
}

impl Fresh {
    /// Its name on PostgreSQL.
    pub fn postgres_name(&self) -> Option<&str> {
        self.postgres_name.as_deref()
    }

    /// Cuts every connection to it and lets none in, as if PostgreSQL were down.
    pub fn go_down(&self) {
        let name = self.postgres_name().expect("SQLite has no connections to cut");
        administer(&[
            format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false"),
            format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
            ),
        ]);
    }

    /// Lets connections in again.
    pub fn come_back(&self) {
        let name = self.postgres_name().expect("SQLite never went down");
        administer(&[format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")]);
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if let Some(name) = &self.postgres_name {
            administer(&[format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")]);
        }
    }
}

/// The PostgreSQL to make databases on, if one is named.
pub fn admin_url() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|url| !url.is_empty())
}

/// Runs statements on the administrator's connection. They have a thread and a runtime of their
/// own, so that `drop` can wait for them whatever runtime it is called in.
fn administer(statements: &[String]) {
    let statements = statements.to_vec();
    let url = admin_url().expect("only PostgreSQL is administered");
    let work = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            super::server::install_crypto();
            let mut connection = PgConnection::connect(&url).await.unwrap();
            for statement in statements {
                sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
            }
            connection.close().await.unwrap();
        });
    });
    work.join().expect("PostgreSQL did as it was told");
}

/// Runs statements on a database, behind the back of whoever else uses it; a file of SQLite is made.
pub async fn run_sql(url: &str, sql: &str) {
    let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    if url.starts_with("sqlite:") {
        let options: SqliteConnectOptions = url.parse().unwrap();
        let mut connection = options.create_if_missing(true).connect().await.unwrap();
        sql.execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    } else {
        super::server::install_crypto();
        let mut connection = PgConnection::connect(url).await.unwrap();
        sql.execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

/// Makes two tests of each function, `name::sqlite` and `name::postgres`; the function is given the
/// [`Database`]. Where no PostgreSQL is named, that half does nothing and the module's own test
/// says so.
macro_rules! both_databases {
    ($($(#[$meta:meta])* async fn $name:ident($database:ident) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn on($database: $crate::support::Database) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                on($crate::support::Database::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if $crate::support::Database::Postgres.is_here() {
                    on($crate::support::Database::Postgres).await;
                }
            }
        }
    )+};
}
pub(crate) use both_databases;

#[test]
fn the_postgresql_half_runs_where_overdue_test_postgres_names_one() {
    if Database::Postgres.is_here() {
        administer(&["SELECT 1".to_owned()]);
        return;
    }
    assert!(std::env::var_os("CI").is_none(), "in CI both halves run: use ./test");
    super::say("PostgreSQL half skipped: run ./test");
}
