//! Access keys, made on the command line and on their page.

use serde_json::Value;

use super::{Signer, USER, start};
use crate::pages::desk::{Desk, OWNER};
use crate::support::server::TestServer;
use crate::support::{both_databases, until};

/// What stands on a page under this id.
fn code(page: &str, id: &str) -> String {
    let mark = format!("<code id=\"{id}\">");
    let (_, rest) = page.split_once(&mark).unwrap_or_else(|| panic!("no {id} in {page}"));
    rest.split_once('<').unwrap().0.to_owned()
}

both_databases! {
    async fn a_key_of_the_command_line_is_listed_and_revoked(database) {
        let server = TestServer::start(database, &[]).await;
        let (_, signer) = start(&server).await;
        let listed = || -> Value {
            let list = ["access-key", "list", "--user", USER, "--json"];
            serde_json::from_str(&server.cli_ok(&list, "")).unwrap()
        };
        assert_eq!(listed()[0]["access_key"], signer.key);
        assert_eq!(listed()[0]["last_used_at"], Value::Null);
        signer.get("limit=10&page=1").await.ok();
        until("its last use to be known", async || listed()[0]["last_used_at"].is_string().then_some(()))
            .await;
        let text = server.cli_ok(&["access-key", "create", "--user", USER], "");
        let (key, secret) = text.split_once(' ').unwrap();
        let second = Signer { key: key.to_owned(), secret: secret.to_owned(), ..signer.clone() };
        second.get("limit=10&page=1").await.ok();
        assert!(!listed().to_string().contains(secret), "the secret is shown once");

        server.new_user("other@example.org");
        let revoke = |user: &str| server.cli(&["access-key", "revoke", "--user", user, &signer.key], "");
        assert!(!revoke("other@example.org").status.success(), "it is not theirs");
        signer.get("limit=10&page=1").await.ok();
        assert!(revoke(USER).status.success());
        signer.get("limit=10&page=1").await.fatal(401);
        second.get("limit=10&page=1").await.ok();
        assert!(!revoke(USER).status.success(), "it is gone");
        let database = std::fs::read(server.home().file("overdue.db")).unwrap_or_default();
        let wal = std::fs::read(server.home().file("overdue.db-wal")).unwrap_or_default();
        for bytes in [database, wal] {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "it lies open");
        }
    }

    async fn a_key_of_the_page_shows_its_secret_once_and_is_revoked(database) {
        let mut desk = Desk::open(database).await;
        let page = desk.visitor.get("/account/keys").await;
        assert!(page.text().contains("No access key yet"), "{}", page.text());
        let page = desk.visitor.submit("/account/keys", &[]).await;
        assert_eq!(page.status, 200, "{}", page.text());
        let (key, secret) = (code(page.text(), "access-key"), code(page.text(), "secret-key"));
        let signer = Signer { base: desk.server.base(), key: key.clone(), secret: secret.clone() };
        signer.get("limit=10&page=1").await.ok();
        let page = desk.visitor.get("/account/keys").await;
        assert!(page.text().contains(&key) && !page.text().contains(&secret));
        until("its last use on the page", async || {
            let page = desk.visitor.get("/account/keys").await;
            (!page.text().contains("never")).then_some(())
        })
        .await;
        let revoke = format!("/account/keys/{key}/revoke");
        let mut other = desk.member("owner").await;
        assert_eq!(other.submit(&revoke, &[]).await.status, 403);
        let foreign = [("origin", "https://example.com")];
        assert_eq!(desk.visitor.submit_from(&foreign, &revoke, &[]).await.status, 403);
        signer.get("limit=10&page=1").await.ok();
        assert_eq!(desk.visitor.submit(&revoke, &[]).await.status, 303);
        assert!(desk.visitor.get("/account/keys?did=revoked").await.text().contains("is revoked"));
        signer.get("limit=10&page=1").await.fatal(401);
    }

    async fn there_is_an_end_to_the_keys_of_a_user(database) {
        let mut desk = Desk::open(database).await;
        let (ctx, email) = (desk.server.database().url.clone(), OWNER);
        // Made beneath the server, which would take a while for a hundred.
        let store = overdue::store::Store::open(&ctx, 2).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        let user = overdue::store::users::find_by_email(&mut tx, email).await.unwrap().unwrap();
        for n in 0..100 {
            let (key, at) = (format!("K{n}"), overdue::clock::Timestamp(n));
            overdue::store::access_keys::insert(&mut tx, user.user_id, &key, "", at).await.unwrap();
        }
        tx.commit().await.unwrap();
        store.close().await;
        let page = desk.visitor.submit("/account/keys", &[]).await;
        assert_eq!(page.status, 400);
        assert!(page.text().contains("revoke one first"), "{}", page.text());
        let refused = desk.server.cli(&["access-key", "create", "--user", OWNER], "");
        assert!(!refused.status.success());
    }
}
