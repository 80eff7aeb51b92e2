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
         WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%'",
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
    let sql = "SELECT i.indexname::text FROM pg_indexes i WHERE i.schemaname = 'public' \
               AND i.tablename NOT LIKE '\\_sqlx%' AND NOT EXISTS (SELECT 1 FROM pg_constraint c \
               WHERE c.conname = i.indexname)";
    let in_postgres: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut postgres).await.unwrap();
    let sorted = |names: Vec<String>| names.into_iter().collect::<BTreeSet<_>>();
    assert_eq!(sorted(in_sqlite), sorted(in_postgres));
}
