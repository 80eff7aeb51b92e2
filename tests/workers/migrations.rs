//! The tables: the same on both databases, made once however many processes start at once.

use std::collections::BTreeSet;

use overdue::clock::Clock;
use overdue::config::Config;
use overdue::context::Context;
use sqlx::{Connection, PgConnection, Row, SqliteConnection};

use crate::support::folder::Folder;
use crate::support::server::TestServer;
use crate::support::{Database, both_databases};

both_databases! {
    async fn thirty_processes_may_start_on_a_fresh_database_at_once(database) {
        let server = TestServer::prepare(database, &[("OVERDUE_DATABASE__MAX_CONNECTIONS", "2")]);
        std::thread::scope(|scope| {
            let starts: Vec<_> =
                (0..30).map(|_| scope.spawn(|| server.cli(&["migrate"], ""))).collect();
            for start in starts {
                let output = start.join().unwrap();
                let errors = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{errors}");
            }
        });
        server.cli_ok(&["user", "list"], "");
    }
}

/// A column: its table, its name, a word for its type that both databases understand, and whether
/// it may be NULL.
type Column = (String, String, &'static str, bool);

fn word(kind: &str) -> &'static str {
    match kind.to_ascii_lowercase().as_str() {
        "integer" | "bigint" | "smallint" => "number",
        "text" => "text",
        "blob" | "bytea" => "bytes",
        other => panic!("a column of the type {other}"),
    }
}

#[tokio::test]
async fn both_databases_have_the_same_tables_columns_and_indexes() {
    if !Database::Postgres.is_here() {
        return;
    }
    let (one, two) = (Folder::new(), Folder::new());
    let (sqlite, postgres) =
        (Database::Sqlite.fresh(one.path()), Database::Postgres.fresh(two.path()));
    for url in [&sqlite.url, &postgres.url] {
        let ctx = Context::open(Config::for_tests(url), Clock::system()).await.unwrap();
        ctx.store.close().await;
    }
    let mut sqlite = SqliteConnection::connect(&sqlite.url).await.unwrap();
    let rows = sqlx::query(
        "SELECT m.name AS t, c.name AS c, c.type AS k, c.\"notnull\" AS n, c.pk AS p \
         FROM sqlite_master m JOIN pragma_table_info(m.name) c \
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\'",
    )
    .fetch_all(&mut sqlite)
    .await
    .unwrap();
    let in_sqlite: BTreeSet<Column> = rows
        .iter()
        .map(|row| {
            let (not_null, key): (i64, i64) = (row.get("n"), row.get("p"));
            let kind: String = row.get("k");
            (row.get("t"), row.get("c"), word(&kind), not_null == 0 && key == 0)
        })
        .collect();
    let mut postgres = PgConnection::connect(&postgres.url).await.unwrap();
    let rows = sqlx::query(
        "SELECT table_name::text AS t, column_name::text AS c, data_type::text AS k, \
         is_nullable::text AS n FROM information_schema.columns \
         WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%' \
         AND table_name NOT LIKE '%\\_until\\_%'",
    )
    .fetch_all(&mut postgres)
    .await
    .unwrap();
    let in_postgres: BTreeSet<Column> = rows
        .iter()
        .map(|row| {
            let (kind, nullable): (String, String) = (row.get("k"), row.get("n"));
            (row.get("t"), row.get("c"), word(&kind), nullable == "YES")
        })
        .collect();
    assert_eq!(in_sqlite, in_postgres);
    assert!(in_sqlite.len() > 100, "{} columns", in_sqlite.len());

    let sql = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL";
    let in_sqlite: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut sqlite).await.unwrap();
    // Where SQLite has the keys of the tables of pings, PostgreSQL has indexes over their partitions.
    let sql = "SELECT i.indexname::text FROM pg_indexes i WHERE i.schemaname = 'public' \
               AND i.tablename NOT LIKE '%\\_until\\_%' \
               AND i.tablename NOT IN ('pings', 'ping_bodies') AND i.tablename NOT LIKE '\\_sqlx%' AND NOT EXISTS (SELECT 1 FROM pg_constraint c \
               WHERE c.conname = i.indexname)";
    let in_postgres: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut postgres).await.unwrap();
    let sorted = |names: Vec<String>| names.into_iter().collect::<BTreeSet<_>>();
    assert_eq!(sorted(in_sqlite), sorted(in_postgres));
}

/// A project with checks, as the first tables have them.
const OLD_ROWS: [&str; 4] = [
    "INSERT INTO projects (uuid, project_name, ping_key, auto_create, created_at) \
     VALUES ('u1', 'P', 'k1', 1, 0), ('u2', 'Empty', 'k2', 1, 0)",
    "INSERT INTO checks (project_id, uuid, check_name, slug, slug_is_custom, tags, search_text, \
     description, start_kw, success_kw, failure_kw, filter_subject, filter_body, \
     filter_http_body, filter_default_fail, flap_threshold, created_at, updated_at) \
     VALUES (1, 'c1', 'A', 'a', 0, ' prod a\"b\\c größe ', '', '', '', '', '', 0, 0, 0, 0, 6, 0, 0)",
    "INSERT INTO checks (project_id, uuid, check_name, slug, slug_is_custom, tags, search_text, \
     description, start_kw, success_kw, failure_kw, filter_subject, filter_body, \
     filter_http_body, filter_default_fail, flap_threshold, created_at, updated_at) \
     VALUES (1, 'c2', 'B', 'b', 0, '', '', '', '', '', '', 0, 0, 0, 0, 6, 0, 0)",
    "INSERT INTO checks (project_id, uuid, check_name, slug, slug_is_custom, tags, search_text, \
     description, start_kw, success_kw, failure_kw, filter_subject, filter_body, \
     filter_http_body, filter_default_fail, flap_threshold, created_at, updated_at) \
     VALUES (1, 'c3', 'C', 'c', 0, ' prod prod ', '', '', '', '', '', 0, 0, 0, 0, 6, 0, 0)",
];

/// What the lists of checks go by, after the update.
const NEW_TAGS: &str = "SELECT uuid || ' ' || tag FROM check_tags t JOIN checks c \
    ON c.check_id = t.check_id AND c.project_id = t.project_id";
const NEW_COUNTS: &str = "SELECT check_count FROM projects ORDER BY project_id";

both_databases! {
    async fn checks_of_an_older_version_are_counted_and_found_by_their_tags(database) {
        let home = Folder::new();
        let fresh = database.fresh(home.path());
        let folder = match database {
            Database::Sqlite => "migrations/sqlite",
            Database::Postgres => "migrations/postgres",
        };
        let mut old = sqlx::migrate::Migrator::new(std::path::Path::new(folder)).await.unwrap();
        old.migrations.to_mut().retain(|migration| migration.version < 5);
        if database == Database::Sqlite {
            let mut connection =
                SqliteConnection::connect(&format!("{}?mode=rwc", fresh.url)).await.unwrap();
            old.run(&mut connection).await.unwrap();
            for row in OLD_ROWS {
                sqlx::raw_sql(row).execute(&mut connection).await.unwrap();
            }
        } else {
            let mut connection = PgConnection::connect(&fresh.url).await.unwrap();
            old.run(&mut connection).await.unwrap();
            for row in OLD_ROWS {
                sqlx::raw_sql(row).execute(&mut connection).await.unwrap();
            }
        }
        let ctx = Context::open(Config::for_tests(&fresh.url), Clock::system()).await.unwrap();
        ctx.store.close().await;
        let (mut tags, counts): (Vec<String>, Vec<i64>) = if database == Database::Sqlite {
            let mut connection = SqliteConnection::connect(&fresh.url).await.unwrap();
            let tags = sqlx::query_scalar(NEW_TAGS).fetch_all(&mut connection).await.unwrap();
            (tags, sqlx::query_scalar(NEW_COUNTS).fetch_all(&mut connection).await.unwrap())
        } else {
            let mut connection = PgConnection::connect(&fresh.url).await.unwrap();
            let tags = sqlx::query_scalar(NEW_TAGS).fetch_all(&mut connection).await.unwrap();
            (tags, sqlx::query_scalar(NEW_COUNTS).fetch_all(&mut connection).await.unwrap())
        };
        tags.sort();
        assert_eq!(tags, ["c1 a\"b\\c", "c1 größe", "c1 prod", "c3 prod"]);
        assert_eq!(counts, [3, 0]);
    }
}
